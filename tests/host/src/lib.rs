//! Spin in miniature on wasmtime: enough of the platform to serve one application from its `spin.toml`, in tests and in the demo.
//!
//! Whatever the real platform refuses, this one refuses too; each rule names the fact that it follows.
//! Every request that leaves the application goes to the embedder's [`Outbound`]; the only one that opens a connection is [`loopback`], and it stays on this machine.

pub mod app;
pub mod backtest;
pub mod build;
mod compile;
pub mod compose;
pub mod crash;
pub mod desk;
pub mod eval;
pub mod fortnight;
pub mod fuzz;
pub mod home;
pub mod hosts;
mod instance;
mod keyvalue;
pub mod loopback;
pub mod manifest;
pub mod measure;
pub mod outbound;
mod output;
pub mod playground;
pub mod reader;
pub mod routes;
pub mod scale;
pub mod serve;
mod state;
pub mod store;
pub mod story;
pub mod template;
pub mod timeline;
pub mod trace;
pub mod visit;

pub use app::{App, Clock, Config, Program, Sizes, simulated};
pub use manifest::Manifest;
pub use outbound::{Outbound, OutboundError};
pub use store::{Backend, Contents, Disk, Memory, Redis, RedisLike, RedisServer, Sqlite, Value};
pub use trace::{Effect, Event, Fate, Fault, Moment, Operation, Point, Trace};
