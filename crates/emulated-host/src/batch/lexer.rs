//! Owns the characters of a command line after its variables are in: quotes protect operators, `^` protects one
//! character, and only these decide where a command ends. Which words mean what is `parser.rs`'s.

/// Goes over the characters of one logical line, which is several lines of the file where parentheses or `^`
/// join them.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    letters: Vec<char>,
    position: usize,
    /// Lines of the file behind it.
    lines: usize,
}

/// What stands between commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `&`, or the end of a line within parentheses.
    Then,
    /// `&&`
    IfGood,
    /// `||`
    IfBad,
    /// `|`
    Into,
    /// `)`
    Close,
    /// The end of the text.
    End,
}

/// `>`, `>>`, `<` with what they name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    /// 0 input, 1 output, 2 errors.
    pub(super) stream: u8,
    pub(super) to: Target,
}

/// Where a stream goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// `>&1`
    Stream(u8),
    /// A file, emptied first.
    File(String),
    /// A file, written on at its end.
    EndOf(String),
}

/// A piece of a command's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// Redirections taken out, `^` taken out, quotes left in.
    pub(super) text: String,
    pub(super) redirects: Vec<Redirect>,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        Self {
            letters: text.chars().collect(),
            position: 0,
            lines: 0,
        }
    }

    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.letters.get(self.position).copied()
    }

    fn after(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.position + ahead).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.position += 1;
        if letter == '\n' {
            self.lines += 1;
        }
        Some(letter)
    }

    pub(super) fn mark(&self) -> (usize, usize) {
        (self.position, self.lines)
    }

    pub(super) fn back_to(&mut self, (position, lines): (usize, usize)) {
        self.position = position;
        self.lines = lines;
    }

    /// Spaces, tabs, and the other characters that `cmd` takes for spaces.
    pub(super) fn skip_space(&mut self) {
        while self
            .peek()
            .is_some_and(|one| matches!(one, ' ' | '\t' | ',' | ';' | '=' | '\u{b}' | '\u{c}'))
        {
            self.next();
        }
    }

    /// Spaces and line ends, within parentheses.
    pub(super) fn skip_lines(&mut self) {
        loop {
            self.skip_space();
            if self.peek() != Some('\n') {
                return;
            }
            self.next();
        }
    }

    /// The rest of this line, its end left in place.
    pub(super) fn rest_of_line(&mut self) -> String {
        let mut text = String::new();
        while let Some(letter) = self.peek().filter(|one| *one != '\n') {
            text.push(letter);
            self.next();
        }
        text
    }

    /// The operator that stands here, if one does. `inside`: within parentheses.
    pub(super) fn operator(&mut self, inside: bool) -> Option<Operator> {
        let (operator, length) = match (self.peek(), self.after(1)) {
            (None, _) => (Operator::End, 0),
            (Some('&'), Some('&')) => (Operator::IfGood, 2),
            (Some('|'), Some('|')) => (Operator::IfBad, 2),
            (Some('&' | '\n'), _) => (Operator::Then, 1),
            (Some('|'), _) => (Operator::Into, 1),
            (Some(')'), _) if inside => (Operator::Close, 1),
            (Some(_), _) => return None,
        };
        for _ in 0..length {
            self.next();
        }
        Some(operator)
    }

    fn at_end(&self, inside: bool) -> bool {
        match self.peek() {
            None | Some('&' | '|' | '\n') => true,
            Some(')') => inside,
            Some(_) => false,
        }
    }

    /// A command's text to the next operator, redirections taken out of it. `None`: a redirection without a name.
    pub(super) fn text(&mut self, inside: bool) -> Option<Text> {
        let mut text = String::new();
        let mut redirects = Vec::new();
        let mut quoted = false;
        loop {
            if quoted && self.peek().is_none_or(|one| one == '\n') {
                break;
            }
            if !quoted && self.at_end(inside) {
                break;
            }
            match self.peek()? {
                '"' => {
                    quoted = !quoted;
                    text.push('"');
                    self.next();
                }
                '^' if !quoted => {
                    self.next();
                    if let Some(letter) = self.next().filter(|one| *one != '\n') {
                        text.push(letter);
                    }
                }
                '>' | '<' if !quoted => redirects.push(self.redirect(&mut text)?),
                letter => {
                    text.push(letter);
                    self.next();
                }
            }
        }
        Some(Text { text, redirects })
    }

    /// Redirections behind a closing parenthesis.
    pub(super) fn redirects(&mut self) -> Option<Vec<Redirect>> {
        let mut redirects = Vec::new();
        loop {
            let mark = self.mark();
            self.skip_space();
            let mut before = String::new();
            if let Some(digit) = self.peek().filter(char::is_ascii_digit)
                && matches!(self.after(1), Some('>' | '<'))
            {
                before.push(digit);
                self.next();
            }
            if !matches!(self.peek(), Some('>' | '<')) {
                self.back_to(mark);
                return Some(redirects);
            }
            redirects.push(self.redirect(&mut before)?);
        }
    }

    /// A redirection; a digit that stands alone before it says which stream.
    fn redirect(&mut self, before: &mut String) -> Option<Redirect> {
        let sign = self.next()?;
        let mut stream = u8::from(sign == '>');
        let mut last = before.chars().rev();
        if let Some(digit) = last.next().and_then(|one| one.to_digit(10))
            && last.next().is_none_or(|one| " \t,;=\")".contains(one))
        {
            stream = u8::try_from(digit).unwrap_or(1);
            before.pop();
        }
        let append = sign == '>' && self.peek() == Some('>');
        if append {
            self.next();
        }
        if self.peek() == Some('&') {
            self.next();
            let to = self.next()?.to_digit(10)?;
            let to = Target::Stream(u8::try_from(to).ok()?);
            return Some(Redirect { stream, to });
        }
        self.skip_space();
        let name = self.word()?;
        let name = name.replace('"', "");
        let to = if append {
            Target::EndOf(name)
        } else {
            Target::File(name)
        };
        Some(Redirect { stream, to })
    }

    /// A word with its quotes, up to a space or an operator.
    pub(super) fn word(&mut self) -> Option<String> {
        let mut word = String::new();
        let mut quoted = false;
        while let Some(letter) = self.peek() {
            match letter {
                '"' => quoted = !quoted,
                '\n' => break,
                ' ' | '\t' | ',' | ';' | '=' | '&' | '|' | '<' | '>' | ')' if !quoted => break,
                '^' if !quoted => {
                    self.next();
                    if let Some(letter) = self.next() {
                        word.push(letter);
                    }
                    continue;
                }
                _ => {}
            }
            word.push(letter);
            self.next();
        }
        (!word.is_empty()).then_some(word)
    }
}
