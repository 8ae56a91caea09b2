//! Every test that needs wasmtime, in one target.

mod conformance;
#[path = "host/tests/platform.rs"]
mod platform;
mod stores;
