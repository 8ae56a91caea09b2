//! Every test that needs wasmtime, in one target.
