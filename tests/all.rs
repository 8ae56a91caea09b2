//! Every test that needs wasmtime, in one target.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests may stop at the first surprise, in their helper functions too"
)]

mod attacks;
mod backtest;
mod browser;
mod budgets;
mod clients;
mod components;
mod composition;
mod conformance;
mod contract;
mod crashes;
mod damage;
mod day_one;
mod evidence;
mod invariants;
mod lints;
mod logs;
mod paging;
#[path = "host/tests/platform.rs"]
mod platform;
mod playground;
mod practice;
mod rig;
mod schedules;
mod security;
mod stores;
mod stories;
mod swap;
mod understanding;
