//! Spin in miniature on wasmtime.
