//! What makes a file unusable: problems, collected so that one run shows them all.
//!
//! Owns the problem type and its two renderings. Which problems exist is decided where they are found:
//! [`crate::tree`], [`crate::validate`], [`crate::derive`], [`crate::decode`].

use crate::source::{SourceText, Span};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt;

/// One thing that is wrong, at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable code, such as `unknown-key`.
    pub code: &'static str,
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// Short text at the place itself.
    pub label: String,
    /// Other places that belong to it.
    pub related: Vec<(Span, String)>,
    /// Why it is refused.
    pub note: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    pub(crate) fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            span,
            message: message.into(),
            label: String::new(),
            related: Vec::new(),
            note: None,
            help: None,
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Most problems that are kept; a file that is something else altogether would fill the screen.
const MOST_PROBLEMS: usize = 100;

/// Collects problems on the way through a file.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    problems: Vec<Problem>,
    dropped: usize,
}

impl Collector {
    /// Keeps a problem, unless the place has one already: the same again from an object that is derived twice
    /// from one line, or a later stage that stumbles over what an earlier one explained. Only the same kind of
    /// problem about another thing is kept beside it.
    pub(crate) fn push(&mut self, problem: Problem) {
        let known = self.problems.iter().any(|other| {
            other.span == problem.span
                && (other.code != problem.code || other.message == problem.message)
        });
        if known {
            return;
        }
        if self.is_full() {
            self.count_only();
        } else {
            self.problems.push(problem);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// True once further problems are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= MOST_PROBLEMS
    }

    /// Counts a problem that nobody will see.
    pub(crate) fn count_only(&mut self) {
        self.dropped += 1;
    }

    /// The problems in the order of the file.
    pub(crate) fn finish(mut self, source: SourceText) -> Problems {
        self.problems.sort_by_key(|problem| problem.span);
        Problems {
            source,
            problems: self.problems,
            dropped: self.dropped,
        }
    }
}

/// Everything that makes a file unusable, in the order of the file. Never empty.
#[derive(Clone, Debug)]
pub struct Problems {
    source: SourceText,
    problems: Vec<Problem>,
    dropped: usize,
}

impl Problems {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.problems.len() + self.dropped
    }

    /// Never true; here because `len` is.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Each problem.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }

    /// The text for people: each problem with its line shown, then the count.
    pub fn render(&self, color: bool) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            text.push_str(&render_one(&self.source, problem, color));
            text.push_str("\n\n");
        }
        text.push_str(&self.summary());
        text.push('\n');
        text
    }

    fn summary(&self) -> String {
        let errors = if self.len() == 1 { "error" } else { "errors" };
        let more = if self.dropped > 0 {
            format!(" (the first {MOST_PROBLEMS} are shown)")
        } else {
            String::new()
        };
        format!(
            "{}: {} {errors}{more}; this is not a valid environment file",
            self.source.name(),
            self.len()
        )
    }

    pub(crate) fn source(&self) -> &SourceText {
        &self.source
    }

    /// The same as one JSON document.
    pub fn to_json(&self) -> serde_json::Value {
        let problems: Vec<_> = self
            .problems
            .iter()
            .map(|problem| {
                serde_json::json!({
                    "code": problem.code,
                    "place": self.source.place(problem.span),
                    "message": problem.message,
                    "note": problem.note,
                    "fix": problem.help,
                    "related": problem.related.iter().map(|(span, text)| serde_json::json!({
                        "place": self.source.place(*span), "message": text,
                    })).collect::<Vec<_>>(),
                })
            })
            .collect();
        serde_json::json!({
            "valid": false,
            "file": self.source.name(),
            "errors": self.len(),
            "problems": problems,
        })
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

/// The renderer every message of this crate uses, so that files compare equal on every terminal.
pub(crate) fn renderer(color: bool) -> Renderer {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.decor_style(DecorStyle::Ascii).term_width(120)
}

fn render_one(source: &SourceText, problem: &Problem, color: bool) -> String {
    let title = Level::ERROR
        .primary_title(problem.message.as_str())
        .id(problem.code);
    let related: Vec<(Span, &str)> = problem
        .related
        .iter()
        .map(|(span, label)| (*span, label.as_str()))
        .collect();
    let mut group = drawn(title, source, problem.span, &problem.label, &related);
    if let Some(note) = &problem.note {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer(color).render(&[group])
}

/// The lines in question with their marks. Without the related ones if those are too far away, and with the place
/// alone if even the line itself is too long to be shown.
pub(crate) fn drawn<'t>(
    title: annotate_snippets::Title<'t>,
    source: &'t SourceText,
    span: Span,
    label: &'t str,
    related: &[(Span, &'t str)],
) -> Group<'t> {
    let group = Group::with_title(title);
    let all: Vec<Span> = std::iter::once(span)
        .chain(related.iter().map(|(span, _)| *span))
        .collect();
    let (window, related) = match source.window(&all) {
        Some(window) => (window, related),
        None => match source.window(&[span]) {
            Some(window) => (window, &[][..]),
            None => {
                let (line, column) = source.line_and_column(span.start);
                let origin = Origin::path(source.name()).line(line).char_column(column);
                return group.element(origin);
            }
        },
    };
    let at = |span: Span| window.range(&source.drawable(span));
    let mut snippet = Snippet::source(window.text)
        .path(source.name())
        .line_start(window.line)
        .fold(true)
        .annotation(AnnotationKind::Primary.span(at(span)).label(label));
    for (span, label) in related {
        snippet = snippet.annotation(AnnotationKind::Context.span(at(*span)).label(*label));
    }
    group.element(snippet)
}
