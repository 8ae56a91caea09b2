//! Trigger: takes webhooks in: of chats, and of the PSA.
//!
//! Verifies, lets the stage `messaging` read, stores the events, answers, and only then wakes the technician.
//! `spin.rs` is the only file that calls the Spin SDK.

mod callback;
pub mod host;
pub mod store;
pub mod webhook;

#[cfg(target_arch = "wasm32")]
mod spin;

#[cfg(test)]
mod fake;
