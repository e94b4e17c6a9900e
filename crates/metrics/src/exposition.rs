//! Reads OpenMetrics text as strictly as a scraper would, for tests: what is wrong with it, and what it says.

use std::collections::{BTreeMap, BTreeSet};

/// Everything that is wrong with a text; empty when a scraper can read it and a linter has nothing to say: each family
/// has HELP and TYPE before its series and stands in one piece, units are the names' suffixes, counters end in `_total`,
/// no series comes twice, histograms add up, and the text ends with `# EOF`.
pub fn faults(text: &str) -> Vec<String> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        if reader.ended {
            reader.fault(index, "something stands behind # EOF");
        }
        reader.line(index, line);
    }
    if !reader.ended || !text.ends_with('\n') {
        reader
            .faults
            .push("the text does not end with # EOF".to_owned());
    }
    reader.histograms_add_up();
    reader.faults
}

/// Every sample by its series: the name, with labels in the order of their names.
pub fn samples(text: &str) -> BTreeMap<String, f64> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let sample = Sample::read(line).ok()?;
            Some((sample.series(), sample.value))
        })
        .collect()
}

#[derive(Default)]
struct Reader {
    faults: Vec<String>,
    ended: bool,
    /// The family whose series follow.
    family: Family,
    known: BTreeSet<String>,
    seen: BTreeSet<String>,
    /// Of histograms: series without `le`, then (bound, value) in the order of the text, then the count.
    buckets: BTreeMap<String, Vec<(f64, f64)>>,
    counts: BTreeMap<String, f64>,
}

#[derive(Default)]
struct Family {
    name: String,
    kind: String,
    has_help: bool,
}

impl Reader {
    fn fault(&mut self, index: usize, what: impl AsRef<str>) {
        self.faults
            .push(format!("line {}: {}", index + 1, what.as_ref()));
    }

    fn line(&mut self, index: usize, line: &str) {
        if line == "# EOF" {
            self.ended = true;
        } else if let Some(rest) = line.strip_prefix("# ") {
            self.comment(index, rest);
        } else {
            match Sample::read(line) {
                Ok(sample) => self.sample(index, &sample),
                Err(why) => self.fault(index, format!("{why}: {line}")),
            }
        }
    }

    fn comment(&mut self, index: usize, rest: &str) {
        let mut parts = rest.splitn(3, ' ');
        let (what, name, value) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        if name != self.family.name {
            if !self.known.insert(name.to_owned()) {
                self.fault(index, format!("{name} does not stand in one piece"));
            }
            self.family = Family {
                name: name.to_owned(),
                ..Family::default()
            };
        }
        match what {
            "HELP" if value.trim().is_empty() => self.fault(index, format!("{name} says nothing")),
            "HELP" => self.family.has_help = true,
            "TYPE" if ["counter", "gauge", "histogram"].contains(&value) => {
                value.clone_into(&mut self.family.kind);
            }
            "UNIT" if name.ends_with(&format!("_{value}")) => {}
            "UNIT" => self.fault(index, format!("{name} does not end in its unit {value}")),
            _ => self.fault(
                index,
                format!("{what} {value} is no comment of OpenMetrics"),
            ),
        }
        if self.family.kind == "counter" && name.ends_with("_total") {
            self.fault(index, format!("the family {name} is named without _total"));
        }
    }

    fn sample(&mut self, index: usize, sample: &Sample) {
        let series = sample.series();
        if !self.seen.insert(series.clone()) {
            self.fault(index, format!("{series} comes twice"));
        }
        if !self.family.has_help || self.family.kind.is_empty() {
            self.fault(index, format!("{series} has no HELP or no TYPE before it"));
        }
        let suffix = sample.name.strip_prefix(self.family.name.as_str());
        let fits = match (self.family.kind.as_str(), suffix) {
            ("counter", Some("_total")) => sample.value >= 0.0,
            ("gauge", Some("")) => true,
            ("histogram", Some("_sum")) => true,
            ("histogram", Some("_count")) => {
                self.counts
                    .insert(sample.without_bound(&self.family.name), sample.value);
                true
            }
            ("histogram", Some("_bucket")) => self.bucket(sample),
            _ => false,
        };
        if !fits {
            let (name, kind) = (&self.family.name, &self.family.kind);
            let what = format!("{series} is no series of the {kind} {name}");
            self.fault(index, what);
        }
    }

    fn bucket(&mut self, sample: &Sample) -> bool {
        let Some(bound) = sample.labels.get("le").and_then(|bound| number(bound)) else {
            return false;
        };
        self.buckets
            .entry(sample.without_bound(&self.family.name))
            .or_default()
            .push((bound, sample.value));
        true
    }

    fn histograms_add_up(&mut self) {
        for (series, buckets) in &self.buckets {
            let rises = buckets
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
            let last = buckets.last();
            let whole = last.is_some_and(|(bound, value)| {
                bound.is_infinite() && self.counts.get(series) == Some(value)
            });
            if !rises || !whole {
                self.faults
                    .push(format!("the buckets of {series} do not add up"));
            }
        }
    }
}

struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Sample {
    fn read(line: &str) -> Result<Self, &'static str> {
        let end = line.find(['{', ' ']).ok_or("there is no value")?;
        let (name, rest) = line.split_at(end);
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || !name.chars().all(good)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err("that is no name");
        }
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(inner) => labels_of(inner)?,
            None => (BTreeMap::new(), rest),
        };
        let value = rest
            .strip_prefix(' ')
            .and_then(number)
            .ok_or("the value is no number")?;
        Ok(Self {
            name: name.to_owned(),
            labels,
            value,
        })
    }

    fn series(&self) -> String {
        self.named(&self.name, |_| true)
    }

    /// The series of a histogram that a bucket or count belongs to.
    fn without_bound(&self, family: &str) -> String {
        self.named(family, |label| label != "le")
    }

    fn named(&self, name: &str, wanted: impl Fn(&str) -> bool) -> String {
        let labels: Vec<String> = self
            .labels
            .iter()
            .filter(|(label, _)| wanted(label))
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        if labels.is_empty() {
            name.to_owned()
        } else {
            format!("{name}{{{}}}", labels.join(","))
        }
    }
}

/// Labels up to the closing brace, values as they are written, and what follows.
fn labels_of(mut rest: &str) -> Result<(BTreeMap<String, String>, &str), &'static str> {
    let mut labels = BTreeMap::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (name, after) = rest.split_once("=\"").ok_or("a label has no value")?;
        let mut escaped = false;
        let end = after
            .find(|c: char| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            })
            .ok_or("a label's value has no end")?;
        let (value, after) = after.split_at(end);
        if labels.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err("a label comes twice");
        }
        let after = &after[1..];
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_scraper_would_refuse_is_named() {
        let head = "# HELP a A.\n# TYPE a counter\n";
        for (text, complaint) in [
            (format!("{head}a_total 1\n"), "does not end with # EOF"),
            (format!("{head}a 1\n# EOF\n"), "is no series of the counter a"),
            (format!("{head}a_total 1\na_total 2\n# EOF\n"), "comes twice"),
            (format!("{head}a_total{{x=\"1\" 2\n# EOF\n"), "a label has no value"),
            (format!("{head}a_total x\n# EOF\n"), "the value is no number"),
            ("b 1\n# EOF\n".to_owned(), "has no HELP or no TYPE"),
            (format!("{head}a_total 1\n# HELP b B.\n# TYPE b gauge\nb 1\n{head}# EOF\n"), "in one piece"),
            ("# HELP s S.\n# TYPE s gauge\n# UNIT s seconds\ns 1\n# EOF\n".to_owned(), "its unit"),
            (
                "# HELP h H.\n# TYPE h histogram\nh_sum 1\nh_count 3\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 2\n# EOF\n".to_owned(),
                "do not add up",
            ),
        ] {
            let faults = faults(&text);
            assert!(
                faults.iter().any(|fault| fault.contains(complaint)),
                "{complaint}: {faults:?} in {text}"
            );
        }
    }

    #[test]
    fn a_series_is_found_by_its_labels_in_any_order() {
        let text = "# HELP a A.\n# TYPE a gauge\na{y=\"2\",x=\"q\\\"}\"} 5\n# EOF\n";
        assert_eq!(faults(text), Vec::<String>::new());
        assert_eq!(samples(text)[r#"a{x="q\"}",y="2"}"#], 5.0);
    }
}
