//! How things read on a terminal. One file per thing; the words come from the model.

mod alarms;
mod calls;
mod lists;
mod picture;
mod predictions;
mod records;
mod table;
mod time;

pub(crate) use alarms::{alarms_text, conditions_text};
pub(crate) use calls::{calls_text, traced_text};
pub(crate) use lists::{applications_text, hosts_text, log_line, reactions_text};
pub use picture::{pairs_text, picture_text};
pub(crate) use predictions::prediction_text;
pub use records::record_text;
pub(crate) use records::{entry_line, records_text, why_text};

/// Control characters made visible: what a program or a foreign sender wrote must not steer the terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect::<Vec<char>>()
            } else {
                vec![c]
            }
        })
        .collect()
}
