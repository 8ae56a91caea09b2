//! A component that does to the platform what a test tells it: each line of a request's body is a command, each line of the answer its result.

#[cfg(target_arch = "wasm32")]
mod probe;
