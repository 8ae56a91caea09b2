//! Every test that needs wasmtime, in one target.

mod budgets;
mod conformance;
#[path = "host/tests/platform.rs"]
mod platform;
mod playground;
