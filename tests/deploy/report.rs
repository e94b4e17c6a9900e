//! Owns the table of what was measured: printed, and kept as deploy-report.md in the target folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One thing that was done, and what a client noticed of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What stands behind the VIP.
    pub(crate) server: String,
    /// Who moves it.
    pub(crate) by: String,
    /// What was done.
    pub(crate) case: String,
    /// Longest time without an answer, in milliseconds.
    pub(crate) gap_ms: f64,
    /// The longest one in the second before, in milliseconds: what the machine did by itself.
    pub(crate) noise_ms: f64,
    /// What else is worth knowing.
    pub(crate) note: String,
}

static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());

/// Keeps a row, and writes the report anew, so that a run that breaks off leaves what it has.
pub(crate) fn add(row: Row) {
    let mut rows = ROWS.lock().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{:<22} {:<27} {:<36} {:>8.1} ms {:>8.1} ms  {}",
        row.server, row.by, row.case, row.gap_ms, row.noise_ms, row.note
    );
    rows.push(row);
    std::fs::write(place("deploy-report.md"), table(&rows)).expect("the target folder is writable");
}

/// Keeps what the site itself has to say about a case, for whoever wonders about its gap: deploy-timelines.txt, the newest
/// run's at the end.
pub(crate) fn explain(what: &str, timeline: &str) {
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(place("deploy-timelines.txt"))
        .expect("the target folder is writable");
    writeln!(file, "{what}\n{timeline}").expect("the target folder is writable");
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_changeover"))
        .ancestors()
        .nth(2)
        .expect("target/debug/changeover")
        .join(name)
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "# Gaps on hosts that boot systemd\n\nLongest time without an answer through the VIP (SIP OPTIONS every \
         millisecond, HTTP every five), from a namespace of clients on the same bridge. \
         `before`: the longest one in the second before, which is this machine's own doing.\n\n\
         | server | moved by | case | gap | before | |\n| --- | --- | --- | ---: | ---: | --- |\n",
    );
    for row in rows {
        text.push_str(&format!(
            "| {} | {} | {} | {:.1} ms | {:.1} ms | {} |\n",
            row.server, row.by, row.case, row.gap_ms, row.noise_ms, row.note
        ));
    }
    text
}
