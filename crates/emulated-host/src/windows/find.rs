//! Owns `find` and `findstr` over their standard input, as scripts put them behind a pipe: 0 when a line matched,
//! 1 when none did. Files are not searched.

use super::Ended;
use crate::terminal::Terminal;

/// How lines are looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    any_case: bool,
    others: bool,
    count: bool,
    numbered: bool,
    whole: bool,
    begins: bool,
    ends: bool,
    literal: bool,
}

pub(super) fn find(terminal: &mut Terminal, words: &[String], input: &[u8]) -> Ended {
    let mut way = Way {
        literal: true,
        ..Way::default()
    };
    let mut wanted = None;
    for word in words {
        match word.to_lowercase().as_str() {
            "/i" => way.any_case = true,
            "/v" => way.others = true,
            "/c" => way.count = true,
            "/n" => way.numbered = true,
            _ if wanted.is_none() => wanted = Some(word.clone()),
            _ => return Ended::not_covered("find", "over files"),
        }
    }
    let Some(wanted) = wanted else {
        terminal.complain("FIND: Parameter format not correct");
        return Ended::Code(2);
    };
    search(terminal, way, &[wanted], input)
}

pub(super) fn findstr(terminal: &mut Terminal, words: &[String], input: &[u8]) -> Ended {
    let mut way = Way::default();
    let mut wanted: Vec<String> = Vec::new();
    for word in words {
        let lower = word.to_lowercase();
        match lower.as_str() {
            "/i" => way.any_case = true,
            "/v" => way.others = true,
            "/n" => way.numbered = true,
            "/x" => way.whole = true,
            "/b" => way.begins = true,
            "/e" => way.ends = true,
            "/l" => way.literal = true,
            "/r" => way.literal = false,
            _ if lower.starts_with("/c:") => {
                wanted.push(word.get(3..).unwrap_or_default().to_owned());
            }
            _ if lower.starts_with('/') => return Ended::not_covered("findstr", word),
            _ if wanted.is_empty() => wanted.extend(word.split(' ').map(str::to_owned)),
            _ => return Ended::not_covered("findstr", "over files"),
        }
    }
    wanted.retain(|one| !one.is_empty());
    if wanted.is_empty() {
        terminal.complain("FINDSTR: Bad command line");
        return Ended::Code(2);
    }
    search(terminal, way, &wanted, input)
}

fn search(terminal: &mut Terminal, way: Way, wanted: &[String], input: &[u8]) -> Ended {
    let text = String::from_utf8_lossy(input);
    let mut found = 0_u32;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if wanted.iter().any(|one| matches(way, one, line)) == way.others {
            continue;
        }
        found += 1;
        if !way.count {
            let mark = if way.numbered {
                format!("{}:", number + 1)
            } else {
                String::new()
            };
            terminal.say(&format!("{mark}{line}"));
        }
    }
    if way.count {
        terminal.say(&format!("---------- : {found}"));
    }
    Ended::Code(i32::from(found == 0))
}

fn matches(way: Way, wanted: &str, line: &str) -> bool {
    let fold = |text: &str| {
        if way.any_case {
            text.to_lowercase()
        } else {
            text.to_owned()
        }
    };
    let (wanted, line) = (fold(wanted), fold(line));
    let mut pattern: Vec<Piece> = if way.literal {
        wanted
            .chars()
            .map(|one| Piece::once(Sign::Is(one)))
            .collect()
    } else {
        pieces(&wanted)
    };
    if way.whole || way.begins {
        pattern.insert(0, Piece::once(Sign::Begin));
    }
    if way.whole || way.ends {
        pattern.push(Piece::once(Sign::End));
    }
    let letters: Vec<char> = line.chars().collect();
    (0..=letters.len()).any(|from| fits(&pattern, &letters, from))
}

/// A sign of `findstr`'s small language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Is(char),
    Any,
    Begin,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    sign: Sign,
    /// `*`
    repeated: bool,
}

impl Piece {
    const fn once(sign: Sign) -> Self {
        Self {
            sign,
            repeated: false,
        }
    }
}

fn pieces(wanted: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut letters = wanted.chars();
    while let Some(letter) = letters.next() {
        let sign = match letter {
            '*' => match pieces.last_mut() {
                Some(last) => {
                    last.repeated = true;
                    continue;
                }
                None => Sign::Is('*'),
            },
            '\\' => Sign::Is(letters.next().unwrap_or('\\')),
            '.' => Sign::Any,
            '^' if pieces.is_empty() => Sign::Begin,
            '$' if letters.as_str().is_empty() => Sign::End,
            other => Sign::Is(other),
        };
        pieces.push(Piece::once(sign));
    }
    pieces
}

fn fits(pattern: &[Piece], letters: &[char], from: usize) -> bool {
    let Some((piece, rest)) = pattern.split_first() else {
        return true;
    };
    let one = |at: usize| match (piece.sign, letters.get(at)) {
        (Sign::Is(wanted), Some(letter)) => wanted == *letter,
        (Sign::Any, Some(_)) => true,
        (Sign::Is(_) | Sign::Any | Sign::Begin | Sign::End, _) => false,
    };
    match piece.sign {
        Sign::Begin => from == 0 && fits(rest, letters, from),
        Sign::End => from == letters.len() && fits(rest, letters, from),
        Sign::Is(_) | Sign::Any if piece.repeated => {
            let mut at = from;
            loop {
                if fits(rest, letters, at) {
                    return true;
                }
                if !one(at) {
                    return false;
                }
                at += 1;
            }
        }
        Sign::Is(_) | Sign::Any => one(from) && fits(rest, letters, from + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_is_any_letter_to_findstr_and_itself_to_find() {
        let literal = Way {
            literal: true,
            ..Way::default()
        };
        assert!(matches(Way::default(), "10.10", "10x10"));
        assert!(!matches(literal, "10.10", "10x10"));
        assert!(matches(
            Way::default(),
            "^Reply.*TTL",
            "Reply from 10.0.0.1: TTL=128"
        ));
        assert!(!matches(Way::default(), "Reply$", "Reply from"));
        assert!(matches(Way::default(), "10\\.10", "10.10"));
    }
}
