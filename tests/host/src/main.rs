//! The `firstline` binary.
fn main() {}
