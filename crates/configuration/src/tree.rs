//! From YAML text to a tree whose every node knows its place.
//!
//! Owns the reading of YAML: nesting, aliases and their bounds, duplicate keys, tags. What keys mean stands in
//! [`crate::keys`] and is judged by [`crate::validate`], the next stage.
#![warn(clippy::indexing_slicing)]

use crate::problem::{Collector, Problem};
use crate::source::{SourceText, Span};
use granit_parser::{Event, Parser, ScalarStyle};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Deepest nesting; an environment file needs about eight levels.
const DEEPEST: usize = 64;
/// Most nodes after aliases are expanded, so that a small file cannot fill the memory.
const MOST_NODES: usize = 1_000_000;
/// Longest text, in bytes.
const LONGEST_TEXT: usize = 64 * 1024 * 1024;

/// A node of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
    /// For nodes that are derived: the object they come from, such as `pairs.SIP_EAST`.
    pub(crate) derived: Option<Arc<str>>,
    /// True if the operator wrote it; with `derived` as well it replaces what was derived.
    pub(crate) written: bool,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Scalar { text: String, plain: bool },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    /// The value under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The value at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a map, none for everything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            Kind::Null | Kind::Scalar { .. } | Kind::List(_) => &[],
        }
    }

    /// The items of a list, none for everything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Null | Kind::Scalar { .. } | Kind::Map(_) => &[],
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// What it is, for messages.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar { .. } => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    fn size(&self) -> usize {
        match &self.kind {
            Kind::Null | Kind::Scalar { .. } => 1,
            Kind::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Kind::Map(entries) => 1 + entries.iter().map(|e| e.value.size()).sum::<usize>(),
        }
    }

    fn depth(&self) -> usize {
        match &self.kind {
            Kind::Null | Kind::Scalar { .. } => 1,
            Kind::List(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Kind::Map(entries) => 1 + entries.iter().map(|e| e.value.depth()).max().unwrap_or(0),
        }
    }
}

/// An anchor that no alias uses.
pub(crate) struct UnusedAnchor {
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// What came out of the text.
pub(crate) struct Parsed {
    pub(crate) root: Option<Node>,
    pub(crate) unused_anchors: Vec<UnusedAnchor>,
}

/// Reads the text; what is wrong goes to `problems`, what can be read is returned all the same.
pub(crate) fn parse(source: &SourceText, problems: &mut Collector) -> Parsed {
    let mut builder = Builder::default();
    if source.text().len() > LONGEST_TEXT {
        problems.push(Problem::new(
            "too-large",
            Span::default(),
            format!("the file has more than {LONGEST_TEXT} bytes"),
        ));
    } else {
        builder.read(source, problems);
    }
    let unused_anchors = builder
        .anchors
        .into_values()
        .filter(|anchor| !anchor.used && !anchor.name.is_empty())
        .map(|anchor| UnusedAnchor {
            name: anchor.name,
            span: anchor.span,
        })
        .collect();
    Parsed {
        root: builder.root,
        unused_anchors,
    }
}

#[derive(Default)]
struct Anchor {
    name: String,
    span: Span,
    node: Option<Node>,
    used: bool,
}

struct Frame {
    start: Span,
    anchor: usize,
    content: FrameContent,
}

enum FrameContent {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        first_written: BTreeMap<String, Span>,
        key: Option<(String, Span)>,
    },
}

#[derive(Default)]
struct Builder {
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Anchor>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

impl Builder {
    fn read(&mut self, source: &SourceText, problems: &mut Collector) {
        let options = granit_parser::options! {
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            emit_comments: false,
        };
        for next in Parser::new_from_str_with_options(source.text(), options) {
            let (event, span) = match next {
                Ok(next) => next,
                Err(error) => {
                    problems.push(syntax_problem(source, &error));
                    return;
                }
            };
            let span = Span {
                start: span.start.byte_offset().unwrap_or(0),
                end: span.end.byte_offset().unwrap_or(0),
            };
            if self.event(event, span, problems).is_err() {
                return;
            }
        }
    }

    /// Takes one event. `Err` = reading cannot go on, the reason is in `problems`.
    fn event(&mut self, event: Event<'_>, span: Span, problems: &mut Collector) -> Result<(), ()> {
        match event {
            Event::DocumentStart(..) => self.document(span, problems),
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.is_some(), span, problems);
                let plain = style == ScalarStyle::Plain;
                let node = scalar(&text, plain, span);
                self.keep_anchor(anchor, &node);
                self.add(node, problems)
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_tag(tag.is_some(), span, problems);
                self.open(span, anchor, FrameContent::List(Vec::new()), problems)
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_tag(tag.is_some(), span, problems);
                let content = FrameContent::Map {
                    entries: Vec::new(),
                    first_written: BTreeMap::new(),
                    key: None,
                };
                self.open(span, anchor, content, problems)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span, problems),
            Event::Alias(id) => self.alias(id, span, problems),
            Event::UnresolvedAlias(name) => {
                problems.push(
                    Problem::new(
                        "unknown-anchor",
                        span,
                        format!("the alias *{name} has no anchor before it"),
                    )
                    .help(format!(
                        "write &{name} at the value that is meant, or quote the text if it shall begin with *"
                    )),
                );
                self.add(null(span), problems)
            }
            Event::Anchor(id, name) => {
                let anchor = self.anchors.entry(id).or_default();
                anchor.name = name.into_owned();
                anchor.span = span;
                Ok(())
            }
            // Comments, and what a later parser may add: nothing that holds a value.
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | _ => Ok(()),
        }
    }

    fn document(&mut self, span: Span, problems: &mut Collector) -> Result<(), ()> {
        self.documents += 1;
        if self.documents > 1 {
            problems.push(
                Problem::new(
                    "several-documents",
                    span,
                    "a second YAML document begins here",
                )
                .help("an environment is one document: remove the `---`, or make two files"),
            );
            return Err(());
        }
        Ok(())
    }

    fn open(
        &mut self,
        start: Span,
        anchor: usize,
        content: FrameContent,
        problems: &mut Collector,
    ) -> Result<(), ()> {
        if self.stack.len() >= DEEPEST {
            problems.push(Problem::new(
                "too-deep",
                start,
                format!("nested more than {DEEPEST} levels deep"),
            ));
            return Err(());
        }
        self.stack.push(Frame {
            start,
            anchor,
            content,
        });
        Ok(())
    }

    fn close(&mut self, end: Span, problems: &mut Collector) -> Result<(), ()> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let kind = match frame.content {
            FrameContent::List(items) => Kind::List(items),
            FrameContent::Map { entries, .. } => Kind::Map(entries),
        };
        let end = last_end(&kind).unwrap_or(0).max(if end.end > end.start {
            end.end
        } else {
            frame.start.end
        });
        let node = Node {
            kind,
            span: Span {
                start: frame.start.start,
                end,
            },
            derived: None,
            written: true,
        };
        self.keep_anchor(frame.anchor, &node);
        self.add(node, problems)
    }

    fn keep_anchor(&mut self, id: usize, node: &Node) {
        if id != 0 {
            self.anchors.entry(id).or_default().node = Some(node.clone());
        }
    }

    fn alias(&mut self, id: usize, span: Span, problems: &mut Collector) -> Result<(), ()> {
        let anchor = self.anchors.entry(id).or_default();
        anchor.used = true;
        let Some(node) = &anchor.node else {
            problems.push(Problem::new(
                "alias-of-itself",
                span,
                "this alias stands inside the value it repeats",
            ));
            return self.add(null(span), problems);
        };
        if self.stack.len() + node.depth() > DEEPEST || self.nodes + node.size() > MOST_NODES {
            problems.push(Problem::new(
                "alias-too-large",
                span,
                format!(
                    "with this alias the file has more than {MOST_NODES} values or {DEEPEST} levels"
                ),
            )
            .help("aliases multiply: write the values out, or repeat smaller ones"));
            return Err(());
        }
        let node = node.clone();
        self.nodes += node.size();
        self.add(node, problems)
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node, problems: &mut Collector) -> Result<(), ()> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            problems.push(Problem::new(
                "too-large",
                node.span,
                format!("the file has more than {MOST_NODES} values"),
            ));
            return Err(());
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.content {
            FrameContent::List(items) => items.push(node),
            FrameContent::Map {
                entries,
                first_written,
                key,
            } => match key.take() {
                None => *key = Some(key_of(&node, problems)),
                Some((key, key_span)) => {
                    if is_new(first_written, &key, key_span, problems) {
                        entries.push(Entry {
                            key,
                            key_span,
                            value: node,
                        });
                    }
                }
            },
        }
        Ok(())
    }
}

/// True for the first use of a key in its map; a second one is a problem.
fn is_new(
    first_written: &mut BTreeMap<String, Span>,
    key: &str,
    span: Span,
    problems: &mut Collector,
) -> bool {
    let Some(first) = first_written.get(key) else {
        first_written.insert(key.to_owned(), span);
        return true;
    };
    problems.push(
        Problem::new(
            "duplicate-key",
            span,
            format!("the key `{key}` is written twice"),
        )
        .label("written again here")
        .related(*first, "first written here")
        .help("keep one of them; YAML leaves open which one would count"),
    );
    false
}

fn key_of(node: &Node, problems: &mut Collector) -> (String, Span) {
    if let Some(text) = node.text() {
        return (text.to_owned(), node.span);
    }
    problems.push(
        Problem::new(
            "bad-key",
            node.span,
            format!("a key must be a word, this is {}", node.kind_name()),
        )
        .help("quote it if the text itself is meant"),
    );
    // An unmatched name, so that the value is still read and the key is not reported twice.
    (format!("?{}", node.span.start), node.span)
}

fn scalar(text: &str, plain: bool, span: Span) -> Node {
    if plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return null(span);
    }
    Node {
        kind: Kind::Scalar {
            text: text.to_owned(),
            plain,
        },
        span,
        derived: None,
        written: true,
    }
}

fn null(span: Span) -> Node {
    Node {
        kind: Kind::Null,
        span,
        derived: None,
        written: true,
    }
}

fn last_end(kind: &Kind) -> Option<usize> {
    match kind {
        Kind::List(items) => items.last().map(|item| item.span.end),
        Kind::Map(entries) => entries
            .last()
            .map(|entry| entry.value.span.end.max(entry.key_span.end)),
        Kind::Null | Kind::Scalar { .. } => None,
    }
}

fn refuse_tag(tagged: bool, span: Span, problems: &mut Collector) {
    if tagged {
        problems.push(
            Problem::new("tag", span, "environment files use no YAML tags").help(
                "remove the `!…`; quote the value if it shall begin with an exclamation mark",
            ),
        );
    }
}

fn syntax_problem(source: &SourceText, error: &granit_parser::ScanError) -> Problem {
    let at = error.marker().byte_offset().unwrap_or(0);
    let at = source.boundary(at);
    let width = source
        .text()
        .get(at..)
        .and_then(|rest| rest.chars().next())
        .filter(|c| *c != '\n')
        .map_or(0, char::len_utf8);
    let span = Span {
        start: at,
        end: at + width,
    };
    let problem = Problem::new("syntax", span, format!("no valid YAML: {}", error.info()));
    let tab_before = source
        .text()
        .get(..at + width)
        .and_then(|before| before.rsplit('\n').next())
        .is_some_and(|line| line.trim_start_matches(' ').starts_with('\t'));
    if tab_before {
        problem.help("indent with spaces; YAML allows no tabs there")
    } else {
        problem.help("compare indentation, quotes and brackets with the lines above")
    }
}
