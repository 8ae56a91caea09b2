//! Trigger: the API for people.
//!
//! Tenants, write-only secrets, cases and their journals, and the tick; it can open no secret itself.
//! `spin.rs` is the only file that calls the Spin SDK.

pub mod answer;
pub mod api;
pub mod cases;
pub mod conflicts;
pub mod host;
pub mod secrets;
pub mod tenants;

#[cfg(target_arch = "wasm32")]
mod spin;

#[cfg(test)]
mod fake;
