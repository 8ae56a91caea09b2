//! Spin in miniature on wasmtime: enough of the platform to serve one application from its `spin.toml`, in tests and in the demo.
//!
//! Whatever the real platform refuses, this one refuses too; each rule names the fact that it follows.
//! Nothing here opens an outbound connection: every request that leaves the application goes to the embedder's [`Outbound`].

pub mod app;
pub mod build;
mod compile;
pub mod compose;
pub mod crash;
pub mod desk;
pub mod hosts;
mod instance;
mod keyvalue;
pub mod manifest;
pub mod outbound;
mod output;
pub mod routes;
pub mod serve;
mod state;
pub mod store;
pub mod story;
pub mod template;
pub mod timeline;
pub mod trace;
pub mod visit;

pub use app::{App, Clock, Config, Sizes, simulated};
pub use manifest::Manifest;
pub use outbound::{Outbound, OutboundError};
pub use store::{Backend, Contents, Disk, Memory, Redis, RedisLike, RedisServer, Sqlite, Value};
pub use trace::{Effect, Event, Fate, Fault, Moment, Operation, Point, Trace};
