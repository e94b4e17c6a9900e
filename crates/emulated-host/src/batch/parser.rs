//! Owns what a command line means: a tree of commands, conditions, loops and redirections. Commands keep their text
//! as it is written, because `echo`, `set` and programs each read it in their own way; what they do is
//! `interpreter.rs`'s.

use super::lexer::{Cursor, Operator, Redirect};

/// A command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// A command with its text.
    Simple(Simple),
    /// `( … )`
    Block {
        body: Vec<Command>,
        redirects: Vec<Redirect>,
    },
    /// `A && B`, `A || B`
    Chain {
        first: Box<Command>,
        /// Whether the second needs an error.
        if_bad: bool,
        second: Box<Command>,
    },
    /// `A | B | C`
    Pipe(Vec<Command>),
    /// `if …`
    If {
        line: usize,
        negated: bool,
        condition: Condition,
        then: Box<Command>,
        otherwise: Option<Box<Command>>,
    },
    /// `for …`
    For {
        line: usize,
        variable: char,
        over: Over,
        body: Box<Command>,
    },
}

/// A command with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Simple {
    /// Lines after the first of its logical line.
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) redirects: Vec<Redirect>,
}

/// What an `if` asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// At least this.
    ErrorLevel(String),
    Exist(String),
    Defined(String),
    Compare {
        left: String,
        how: Comparison,
        right: String,
        any_case: bool,
    },
}

/// How two words are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Same,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a `for` goes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Over {
    /// `for %%i in (a b c)`
    Words(Vec<String>),
    /// `for /l %%i in (1,1,3)`
    Numbers(String),
}

/// Why a line is no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unparsed {
    /// A parenthesis is open: the next line belongs to it.
    Incomplete,
    /// In words.
    Wrong(String),
}

type Parsed<T> = Result<T, Unparsed>;

fn wrong<T>(why: impl Into<String>) -> Parsed<T> {
    Err(Unparsed::Wrong(why.into()))
}

/// Parses a logical line; several commands of it stand in order.
pub(super) fn parse(text: &str) -> Parsed<Vec<Command>> {
    let mut parser = Parser {
        cursor: Cursor::new(text),
        depth: 0,
    };
    parser.sequence()
}

struct Parser {
    cursor: Cursor,
    depth: u32,
}

/// Parentheses within parentheses.
const DEEPEST: u32 = 64;

impl Parser {
    /// Commands up to the closing parenthesis or the end.
    fn sequence(&mut self) -> Parsed<Vec<Command>> {
        let mut commands = Vec::new();
        loop {
            if self.depth > 0 {
                self.cursor.skip_lines();
            } else {
                self.cursor.skip_space();
            }
            match self.cursor.operator(self.depth > 0) {
                Some(Operator::End) if self.depth > 0 => return Err(Unparsed::Incomplete),
                Some(Operator::End | Operator::Close) => return Ok(commands),
                Some(Operator::Then) => continue,
                Some(Operator::IfGood | Operator::IfBad | Operator::Into) => {
                    return wrong("an operator without a command before it");
                }
                None => {}
            }
            commands.extend(self.alternatives()?);
        }
    }

    /// `A || B`
    fn alternatives(&mut self) -> Parsed<Option<Command>> {
        self.chain(true, Operator::IfBad, |parser| {
            parser.chain(false, Operator::IfGood, Self::pipe)
        })
    }

    fn chain(
        &mut self,
        if_bad: bool,
        joined_by: Operator,
        part: impl Fn(&mut Self) -> Parsed<Option<Command>>,
    ) -> Parsed<Option<Command>> {
        let Some(mut first) = part(self)? else {
            return Ok(None);
        };
        while self.takes(joined_by) {
            let Some(second) = part(self)? else {
                return wrong("an operator without a command behind it");
            };
            first = Command::Chain {
                first: Box::new(first),
                if_bad,
                second: Box::new(second),
            };
        }
        Ok(Some(first))
    }

    fn takes(&mut self, wanted: Operator) -> bool {
        let mark = self.cursor.mark();
        self.cursor.skip_space();
        if self.cursor.operator(self.depth > 0) == Some(wanted) {
            return true;
        }
        self.cursor.back_to(mark);
        false
    }

    /// `A | B`
    fn pipe(&mut self) -> Parsed<Option<Command>> {
        let Some(first) = self.command()? else {
            return Ok(None);
        };
        let mut parts = vec![first];
        while self.takes(Operator::Into) {
            match self.command()? {
                Some(next) => parts.push(next),
                None => return wrong("a pipe without a command behind it"),
            }
        }
        if parts.len() == 1 {
            return Ok(parts.pop());
        }
        Ok(Some(Command::Pipe(parts)))
    }

    /// One command; `None` where there is only a label or nothing.
    fn command(&mut self) -> Parsed<Option<Command>> {
        self.cursor.skip_space();
        while self.cursor.peek() == Some('@') {
            self.cursor.next();
            self.cursor.skip_space();
        }
        match self.cursor.peek() {
            Some('(') => return self.block().map(Some),
            Some(':') => {
                self.cursor.rest_of_line();
                return Ok(None);
            }
            Some(_) => {}
            None => return Ok(None),
        }
        let line = self.cursor.lines();
        let mark = self.cursor.mark();
        let word = self.keyword();
        match word.as_str() {
            "if" => return self.condition(line).map(Some),
            "for" => return self.repetition(line).map(Some),
            "rem" => {
                let text = format!("rem{}", self.cursor.rest_of_line());
                return Ok(Some(Command::Simple(Simple {
                    line,
                    text,
                    redirects: Vec::new(),
                })));
            }
            _ => self.cursor.back_to(mark),
        }
        let Some(text) = self.cursor.text(self.depth > 0) else {
            return wrong("a redirection that names nothing");
        };
        Ok(Some(Command::Simple(Simple {
            line,
            text: text.text,
            redirects: text.redirects,
        })))
    }

    /// The letters that stand here, in lower case, if they are a word of their own.
    fn keyword(&mut self) -> String {
        let mut word = String::new();
        while let Some(letter) = self.cursor.peek().filter(char::is_ascii_alphabetic) {
            word.push(letter.to_ascii_lowercase());
            self.cursor.next();
        }
        match self.cursor.peek() {
            None | Some(' ' | '\t' | '\n' | '(' | ',' | ';' | '=' | '/') => word,
            Some(_) => String::new(),
        }
    }

    fn block(&mut self) -> Parsed<Command> {
        self.cursor.next();
        if self.depth >= DEEPEST {
            return wrong("parentheses nested too deeply");
        }
        self.depth += 1;
        let body = self.sequence()?;
        self.depth -= 1;
        let Some(redirects) = self.cursor.redirects() else {
            return wrong("a redirection that names nothing");
        };
        Ok(Command::Block { body, redirects })
    }

    fn condition(&mut self, line: usize) -> Parsed<Command> {
        let mut any_case = false;
        let mut negated = false;
        loop {
            self.cursor.skip_space();
            let mark = self.cursor.mark();
            let word = self.cursor.word().unwrap_or_default();
            if word.eq_ignore_ascii_case("/i") {
                any_case = true;
            } else if word.eq_ignore_ascii_case("not") {
                negated = !negated;
            } else {
                self.cursor.back_to(mark);
                break;
            }
        }
        let condition = self.asked(any_case)?;
        let (then, in_parentheses) = self.branch()?;
        let otherwise = if in_parentheses {
            self.otherwise()?
        } else {
            None
        };
        Ok(Command::If {
            line,
            negated,
            condition,
            then: Box::new(then),
            otherwise: otherwise.map(Box::new),
        })
    }

    fn asked(&mut self, any_case: bool) -> Parsed<Condition> {
        let Some(left) = self.cursor.word() else {
            return wrong("an `if` without a condition");
        };
        let named = |parser: &mut Self| {
            parser.cursor.skip_space();
            match parser.cursor.word() {
                Some(word) => Ok(word),
                None => wrong("an `if` that ends too early"),
            }
        };
        match left.to_ascii_lowercase().as_str() {
            "errorlevel" => return Ok(Condition::ErrorLevel(named(self)?)),
            "exist" => return Ok(Condition::Exist(named(self)?.replace('"', ""))),
            "defined" => return Ok(Condition::Defined(named(self)?)),
            _ => {}
        }
        while matches!(self.cursor.peek(), Some(' ' | '\t')) {
            self.cursor.next();
        }
        let how = if self.cursor.peek() == Some('=') {
            self.cursor.skip_space();
            Comparison::Same
        } else {
            let word = named(self)?;
            self.cursor.skip_space();
            match word.to_ascii_lowercase().as_str() {
                "equ" => Comparison::Equal,
                "neq" => Comparison::NotEqual,
                "lss" => Comparison::Less,
                "leq" => Comparison::LessOrEqual,
                "gtr" => Comparison::Greater,
                "geq" => Comparison::GreaterOrEqual,
                _ => return wrong(format!("`{word}` is no comparison")),
            }
        };
        let right = self.cursor.word().unwrap_or_default();
        Ok(Condition::Compare {
            left,
            how,
            right,
            any_case,
        })
    }

    /// The command of an `if`, and whether it stands in parentheses.
    fn branch(&mut self) -> Parsed<(Command, bool)> {
        self.cursor.skip_space();
        let in_parentheses = self.cursor.peek() == Some('(');
        let command = if in_parentheses {
            Some(self.block()?)
        } else {
            self.alternatives()?
        };
        match command {
            Some(command) => Ok((command, in_parentheses)),
            None => wrong("an `if` without a command"),
        }
    }

    fn otherwise(&mut self) -> Parsed<Option<Command>> {
        let mark = self.cursor.mark();
        self.cursor.skip_space();
        if self.keyword() != "else" {
            self.cursor.back_to(mark);
            return Ok(None);
        }
        self.branch().map(|(command, _)| Some(command))
    }

    fn repetition(&mut self, line: usize) -> Parsed<Command> {
        self.cursor.skip_space();
        let mut first = self.cursor.word().unwrap_or_default();
        let numbers = first.eq_ignore_ascii_case("/l");
        if numbers {
            self.cursor.skip_space();
            first = self.cursor.word().unwrap_or_default();
        } else if first.starts_with('/') {
            return wrong(format!(
                "`for {first}` is not covered, only `for` over words and `for /l`"
            ));
        }
        let mut letters = first.chars();
        let (Some('%'), Some(variable), None) = (letters.next(), letters.next(), letters.next())
        else {
            return wrong("a `for` without a variable such as %%i");
        };
        self.cursor.skip_space();
        if self.keyword() != "in" {
            return wrong("a `for` without `in`");
        }
        self.cursor.skip_space();
        let Some('(') = self.cursor.next() else {
            return wrong("a `for` without parentheses behind `in`");
        };
        let mut list = String::new();
        loop {
            match self.cursor.next() {
                Some(')') => break,
                Some('\n') => list.push(' '),
                Some(letter) => list.push(letter),
                None => return Err(Unparsed::Incomplete),
            }
        }
        self.cursor.skip_space();
        if self.keyword() != "do" {
            return wrong("a `for` without `do`");
        }
        let (body, _) = self.branch()?;
        let over = if numbers {
            Over::Numbers(list)
        } else if list.contains(['*', '?']) {
            return wrong("a `for` over the files of a folder");
        } else {
            let mut cursor = Cursor::new(&list);
            let mut words = Vec::new();
            cursor.skip_space();
            while let Some(word) = cursor.word() {
                words.push(word);
                cursor.skip_space();
            }
            Over::Words(words)
        };
        Ok(Command::For {
            line,
            variable,
            over,
            body: Box::new(body),
        })
    }
}
