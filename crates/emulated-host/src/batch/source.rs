//! Owns a batch file as lines: CR LF or LF, a byte order mark, bytes that are no UTF-8; and where its labels are.
//! What a line means is `parser.rs`'s.

/// A batch file.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// As it was called.
    pub(super) called: String,
    /// In full.
    pub(super) path: String,
    lines: Vec<String>,
}

impl Source {
    pub(super) fn new(called: &str, path: &str, bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            // An ANSI code page: every byte is a character.
            Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        };
        // Ctrl-Z ends a file, as it did in CP/M.
        let text = text.split('\u{1a}').next().unwrap_or_default();
        let lines = text
            .lines()
            .map(|line| line.trim_end_matches('\r').to_owned())
            .collect();
        Self {
            called: called.to_owned(),
            path: path.to_owned(),
            lines,
        }
    }

    /// A line by its position, from 0.
    pub(super) fn line(&self, position: usize) -> Option<&str> {
        self.lines.get(position).map(String::as_str)
    }

    /// The line after a label: looked for from `from` to the end, then from the beginning, as `cmd` does.
    pub(super) fn after_label(&self, label: &str, from: usize) -> Option<usize> {
        let is_it = |position: &usize| {
            self.line(*position)
                .and_then(label_of)
                .is_some_and(|found| found.eq_ignore_ascii_case(label))
        };
        let from = from.min(self.lines.len());
        (from..self.lines.len())
            .find(is_it)
            .or_else(|| (0..from).find(is_it))
            .map(|position| position + 1)
    }
}

/// The label that a line is, if it is one; `::` is a remark.
pub(super) fn label_of(line: &str) -> Option<&str> {
    let rest = line
        .trim_start_matches([' ', '\t', ',', ';', '=', '@'])
        .strip_prefix(':')?;
    if rest.starts_with(':') {
        return None;
    }
    label_word(rest)
}

/// The label in the words of a `goto` or behind a colon.
pub(super) fn label_word(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let end = text
        .find([' ', '\t', ':', ',', ';', '=', '+', '&', '|', '>', '<'])
        .unwrap_or(text.len());
    text.get(..end).filter(|word| !word.is_empty())
}
