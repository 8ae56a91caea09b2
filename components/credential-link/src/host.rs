//! What the logic needs from outside.

use firstline_core::Instant;
pub use firstline_core::store::{Fault, Store};

/// Store, clock and variables.
pub trait Host: Store {
    /// A variable; empty if it is not set.
    fn variable(&self, name: &str) -> impl Future<Output = String>;
    /// Deletes a key.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), Fault>>;
    /// The time.
    fn now(&self) -> Instant;
}
