//! Trigger: shows a secret once, and takes in a code.
//!
//! Opening a link, by a person or by a scanner, shows a button and touches nothing; pressing it reveals once.
//! `spin.rs` is the only file that calls the Spin SDK.

pub mod code;
pub mod host;
pub mod link;
pub mod page;
pub mod words;

#[cfg(target_arch = "wasm32")]
mod spin;

#[cfg(test)]
mod fake;
