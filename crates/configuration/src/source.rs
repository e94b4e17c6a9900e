//! The text of an environment file and places in it.
//!
//! Owns spans (bytes) and their translation to line and column. What is wrong at a place is said by
//! [`crate::problem`] and [`crate::finding`].
#![warn(clippy::indexing_slicing)]

use serde::Serialize;
use std::ops::Range;

/// A range of bytes of the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

/// A place for people: lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Name of the file as it was given.
    pub file: String,
    /// First line.
    pub line: usize,
    /// First column.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// Column after the last character.
    pub end_column: usize,
    /// The same in bytes, for drawing.
    #[serde(skip)]
    pub span: Span,
}

/// Most bytes of source that are looked through for one message.
const MOST_DRAWN: usize = 64 * 1024;

/// A part of the text, in whole lines.
pub(crate) struct Window<'s> {
    pub(crate) text: &'s str,
    /// Number of its first line.
    pub(crate) line: usize,
    start: usize,
}

impl Window<'_> {
    /// A range of the whole text as one of the window.
    pub(crate) fn range(&self, range: &Range<usize>) -> Range<usize> {
        let within = |at: usize| at.saturating_sub(self.start).min(self.text.len());
        within(range.start)..within(range.end)
    }
}

/// An environment file: its name and its text.
#[derive(Clone, Debug)]
pub struct SourceText {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl SourceText {
    /// Wraps a text under the name that messages use for it.
    pub fn new(name: &str, text: &str) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            line_starts,
        }
    }

    /// Name of the file as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a span.
    pub fn place(&self, span: Span) -> Place {
        let (line, column) = self.line_and_column(span.start);
        let (end_line, end_column) = self.line_and_column(span.end.max(span.start));
        Place {
            file: self.name.clone(),
            line,
            column,
            end_line,
            end_column,
            span,
        }
    }

    /// Line (from 1) and column (from 1, in characters) of a byte.
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self
            .line_starts
            .partition_point(|start| *start <= at)
            .max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let end = self.boundary(at);
        let column = self
            .text
            .get(start..end)
            .map_or(0, |before| before.chars().count());
        (line, column + 1)
    }

    /// The whole lines that hold all these spans, or `None` if that is more than anybody could look at. Drawing
    /// from a window keeps a message about a long file as cheap as one about a short file.
    pub(crate) fn window(&self, spans: &[Span]) -> Option<Window<'_>> {
        let first = spans.iter().map(|span| self.boundary(span.start)).min()?;
        let last = spans
            .iter()
            .map(|span| self.boundary(span.end.max(span.start)))
            .max()?;
        let start = self.text.get(..first)?.rfind('\n').map_or(0, |at| at + 1);
        let end = self
            .text
            .get(last..)?
            .find('\n')
            .map_or(self.text.len(), |at| last + at);
        if end - start > MOST_DRAWN {
            return None;
        }
        Some(Window {
            text: self.text.get(start..end)?,
            line: self.line_and_column(start).0,
            start,
        })
    }

    /// The nearest character boundary at or before a byte, inside the text.
    pub(crate) fn boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// The span cut to what can be drawn: inside the text, on character boundaries.
    pub(crate) fn drawable(&self, span: Span) -> Range<usize> {
        let start = self.boundary(span.start);
        let end = self.boundary(span.end.max(start));
        start..end.max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let source = SourceText::new("x.yaml", "a: é\nbé: 1\n");
        let one = source.text().find('1').expect("it is in the text");
        assert_eq!(source.line_and_column(0), (1, 1));
        assert_eq!(source.line_and_column(one), (2, 5));
        assert_eq!(source.line_and_column(9_999), (3, 1));
    }
}
