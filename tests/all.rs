//! Every test that needs wasmtime, in one target.

mod conformance;
mod lints;
#[path = "host/tests/platform.rs"]
mod platform;
