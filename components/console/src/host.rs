//! What the logic needs from outside.

use firstline_core::Instant;
use firstline_core::past::{Closed, Lesson};
use firstline_core::stage::Understanding;
pub use firstline_core::store::{Fault, Store};

/// Store, clock, variables and the technician's tick.
pub trait Host: Store {
    /// A variable; empty if it is not set.
    fn variable(&self, name: &str) -> impl Future<Output = String>;
    /// Deletes a key.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), Fault>>;
    /// The time.
    fn now(&self) -> Instant;
    /// Asks the technician, by a path like `tick`. Status and body of its answer.
    fn ask(&self, path: &str) -> impl Future<Output = Result<(u16, Vec<u8>), Fault>>;
}

/// The stages that the console is composed with. An error is a stage's own complaint, for the log.
pub trait Stages {
    /// What a text means.
    ///
    /// # Errors
    /// The stage could not answer.
    fn understand(&self, text: &str) -> Result<Understanding, String>;
    /// Adds closed tickets to a memory.
    ///
    /// # Errors
    /// The stage could not answer, or the memory is none.
    fn learn(&self, memory: &str, tickets: &[Closed]) -> Result<String, String>;
    /// What a memory knows.
    ///
    /// # Errors
    /// The stage could not answer, or the memory is none.
    fn recall(&self, memory: &str) -> Result<Vec<Lesson>, String>;
}
