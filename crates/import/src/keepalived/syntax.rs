//! The form of a keepalived.conf: statements of words, one a line, with or without a block in braces; comments after `#`
//! and `!`; quoted words. What the words mean is read in [`super::reading`].

use crate::{ImportError, Source};

/// A statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) words: Vec<String>,
    /// The statements of its block; `None` without one.
    pub(crate) block: Option<Vec<Node>>,
}

impl Node {
    pub(crate) fn keyword(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The first word behind the keyword.
    pub(crate) fn value(&self) -> &str {
        self.words.get(1).map_or("", String::as_str)
    }

    /// All words behind the keyword, as one text.
    pub(crate) fn rest(&self) -> String {
        self.words.get(1..).unwrap_or_default().join(" ")
    }

    pub(crate) fn shown(&self) -> String {
        self.words.join(" ")
    }

    pub(crate) fn children(&self) -> &[Node] {
        self.block.as_deref().unwrap_or_default()
    }
}

enum Token {
    Word(String),
    Open,
    Close,
    End,
}

/// Blocks are never deeper than this in a real file.
const DEEPEST: usize = 16;

/// Reads a file.
///
/// # Errors
/// When braces or quotes do not match.
pub(crate) fn parse(source: Source<'_>) -> Result<Vec<Node>, ImportError> {
    let wrong = |line: usize, what: &str| ImportError::Syntax {
        file: source.name.to_owned(),
        line,
        what: what.to_owned(),
    };
    // One list per open block, and the statement that opened it.
    let mut lists: Vec<Vec<Node>> = vec![Vec::new()];
    let mut openers: Vec<Node> = Vec::new();
    let mut current = Node::default();
    let mut last = 1;
    for (index, text) in source.text.lines().enumerate() {
        let line = index + 1;
        last = line;
        let tokens =
            tokens(text).ok_or_else(|| wrong(line, "a quote is opened and never closed"))?;
        for token in tokens {
            match token {
                Token::Word(word) => {
                    if current.words.is_empty() {
                        current.line = line;
                    }
                    current.words.push(word);
                }
                Token::Open => {
                    let opener = match std::mem::take(&mut current) {
                        // The brace may stand on a line of its own.
                        empty if empty.words.is_empty() => lists.last_mut().and_then(Vec::pop),
                        opener => Some(opener),
                    };
                    let opener = opener.filter(|it| it.block.is_none());
                    openers.push(opener.ok_or_else(|| wrong(line, "a block without a name"))?);
                    lists.push(Vec::new());
                    if lists.len() > DEEPEST {
                        return Err(wrong(line, "blocks within blocks without end"));
                    }
                }
                Token::Close | Token::End => {
                    let list = lists.last_mut();
                    if let (false, Some(list)) = (current.words.is_empty(), list) {
                        list.push(std::mem::take(&mut current));
                    }
                    if matches!(token, Token::Close) {
                        let mut opener = openers
                            .pop()
                            .ok_or_else(|| wrong(line, "a brace is closed that none opened"))?;
                        opener.block = lists.pop();
                        if let Some(list) = lists.last_mut() {
                            list.push(opener);
                        }
                    }
                }
            }
        }
    }
    if let Some(open) = openers.last() {
        return Err(wrong(
            last,
            &format!("the block of line {} is never closed", open.line),
        ));
    }
    Ok(lists.pop().unwrap_or_default())
}

/// The tokens of a line, with its end; `None` where a quote stays open.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#' | '!') if word.is_none() => break,
            (None, '{' | '}') => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(if letter == '{' {
                    Token::Open
                } else {
                    Token::Close
                });
            }
            (None, letter) if letter.is_whitespace() => tokens.extend(word.take().map(Token::Word)),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    tokens.extend(word.take().map(Token::Word));
    tokens.push(Token::End);
    quote.is_none().then_some(tokens)
}
