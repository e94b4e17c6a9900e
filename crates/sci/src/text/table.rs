//! Aligned columns without lines, as the samples show them.

use comfy_table::{ContentArrangement, Table, presets};

/// Rows with aligned columns, two blanks apart, indented, without trailing blanks.
pub(crate) fn aligned(rows: Vec<Vec<String>>, indent: &str) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
        .lines()
        .map(|line| format!("{indent}{}\n", line.trim_end()))
        .collect()
}
