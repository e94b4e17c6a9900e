//! Owns `if` and `for`: `errorlevel` means "at least", comparisons are of texts unless both sides are numbers, and a
//! loop is bounded like everything else.

use super::expansion::{Names, delayed};
use super::interpreter::{Carried, Flow, Interpreter};
use super::lexer::{Redirect, Target};
use super::parser::{Command, Comparison, Condition, Over, Simple};
use super::streams::Streams;
use super::{Entry, Machine, STATEMENT_BUDGET, Stop};

impl<M: Machine> Interpreter<'_, M> {
    pub(super) fn holds(&mut self, condition: &Condition, line: usize) -> Result<bool, Stop> {
        let delay = |this: &Self, text: &str| {
            if this.delayed {
                delayed(text, &this.names())
            } else {
                text.to_owned()
            }
        };
        match condition {
            Condition::ErrorLevel(number) => match number.parse::<i32>() {
                Ok(number) => Ok(self.error_level >= number),
                Err(_) => Err(self.not_covered(line, "`if errorlevel` needs a number")),
            },
            Condition::Exist(path) => {
                let path = delay(self, path);
                let (_, entry) = self.machine.look(&self.folder, &path);
                let wants_folder = path.ends_with(['\\', '/']);
                Ok(match entry {
                    Some(Entry::File) => !wants_folder,
                    Some(Entry::Folder) => true,
                    None => false,
                })
            }
            Condition::Defined(name) => Ok(self.names().variable(name).is_some()),
            Condition::Compare {
                left,
                how,
                right,
                any_case,
            } => Ok(compare(
                &delay(self, left),
                *how,
                &delay(self, right),
                *any_case,
            )),
        }
    }

    pub(super) fn repeat(
        &mut self,
        line: usize,
        variable: char,
        over: &Over,
        body: &Command,
        streams: &mut Streams,
    ) -> Carried {
        let words: Vec<String> = match over {
            Over::Words(words) => words.clone(),
            Over::Numbers(list) => match numbers(list) {
                Some(words) => words,
                None => return Err(self.not_covered(line, "`for /l` needs (start,step,end)")),
            },
        };
        for word in words {
            self.spend(line)?;
            let flow = self.carry_out(&with_variable(body, variable, &word), streams)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }
}

/// The numbers of `for /l`, at most as many as there are statements.
fn numbers(list: &str) -> Option<Vec<String>> {
    let parts: Vec<i64> = list
        .split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let [start, step, end] = parts[..] else {
        return None;
    };
    let mut words = Vec::new();
    let mut number = start;
    while words.len() <= STATEMENT_BUDGET as usize
        && ((step >= 0 && number <= end) || (step < 0 && number >= end))
    {
        words.push(number.to_string());
        number = number.checked_add(step)?;
    }
    Some(words)
}

/// The body of a `for` with its variable in.
fn with_variable(body: &Command, variable: char, word: &str) -> Command {
    let put = |text: &str| {
        text.replace(&format!("%~{variable}"), word.trim_matches('"'))
            .replace(&format!("%{variable}"), word)
    };
    let inside = |command: &Command| Box::new(with_variable(command, variable, word));
    match body {
        Command::Simple(simple) => Command::Simple(Simple {
            text: put(&simple.text),
            redirects: simple
                .redirects
                .iter()
                .map(|one| redirect_with(one, &put))
                .collect(),
            ..simple.clone()
        }),
        Command::Block { body, redirects } => Command::Block {
            body: body.iter().map(|one| *inside(one)).collect(),
            redirects: redirects.clone(),
        },
        Command::Chain {
            first,
            if_bad,
            second,
        } => Command::Chain {
            first: inside(first),
            if_bad: *if_bad,
            second: inside(second),
        },
        Command::Pipe(parts) => Command::Pipe(parts.iter().map(|one| *inside(one)).collect()),
        Command::If {
            line,
            negated,
            condition,
            then,
            otherwise,
        } => Command::If {
            line: *line,
            negated: *negated,
            condition: condition_with(condition, &put),
            then: inside(then),
            otherwise: otherwise.as_ref().map(|one| inside(one)),
        },
        Command::For {
            line,
            variable: own,
            over,
            body,
        } => Command::For {
            line: *line,
            variable: *own,
            over: match over {
                Over::Words(words) => Over::Words(words.iter().map(|one| put(one)).collect()),
                Over::Numbers(list) => Over::Numbers(put(list)),
            },
            body: inside(body),
        },
    }
}

fn redirect_with(redirect: &Redirect, put: &dyn Fn(&str) -> String) -> Redirect {
    Redirect {
        stream: redirect.stream,
        to: match &redirect.to {
            Target::Stream(stream) => Target::Stream(*stream),
            Target::File(name) => Target::File(put(name)),
            Target::EndOf(name) => Target::EndOf(put(name)),
        },
    }
}

/// A condition with the variable of a `for` in.
fn condition_with(condition: &Condition, put: &dyn Fn(&str) -> String) -> Condition {
    match condition {
        Condition::ErrorLevel(text) => Condition::ErrorLevel(put(text)),
        Condition::Exist(text) => Condition::Exist(put(text)),
        Condition::Defined(text) => Condition::Defined(put(text)),
        Condition::Compare {
            left,
            how,
            right,
            any_case,
        } => Condition::Compare {
            left: put(left),
            how: *how,
            right: put(right),
            any_case: *any_case,
        },
    }
}

fn compare(left: &str, how: Comparison, right: &str, any_case: bool) -> bool {
    let same = |left: &str, right: &str| {
        if any_case {
            left.to_lowercase() == right.to_lowercase()
        } else {
            left == right
        }
    };
    if how == Comparison::Same {
        return same(left, right);
    }
    let order = match (left.parse::<i64>(), right.parse::<i64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ if any_case => left.to_lowercase().cmp(&right.to_lowercase()),
        _ => left.cmp(right),
    };
    match how {
        Comparison::Same | Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}
