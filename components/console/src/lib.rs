//! Trigger: the API for people.
//!
//! The MSP and its tenants, write-only secrets, cases with their journals and evidence, figures, what closed tickets teach, and the tick; it can open no secret itself.
//! `spin.rs` is the only file that calls the Spin SDK.

pub mod answer;
pub mod api;
pub mod approval;
pub mod cases;
pub mod conflicts;
pub mod evidence;
pub mod found_out;
pub mod health;
pub mod host;
pub mod logos;
pub mod metrics;
pub mod msp;
pub mod past;
pub mod promotions;
pub mod proposals;
pub mod secrets;
pub mod switch;
pub mod tenants;

#[cfg(target_arch = "wasm32")]
mod spin;
#[cfg(target_arch = "wasm32")]
mod stages;

#[cfg(test)]
mod fake;
