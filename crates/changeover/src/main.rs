//! The `changeover` binary.
fn main() {}
