//! What the logic needs from outside.

use firstline_core::Instant;

/// The store failed. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

/// Store, clock and variables.
pub trait Host {
    /// A variable; empty if it is not set.
    fn variable(&self, name: &str) -> impl Future<Output = String>;
    /// Reads a key.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Fault>>;
    /// Writes a key.
    fn set(&self, key: &str, value: &[u8]) -> impl Future<Output = Result<(), Fault>>;
    /// Deletes a key.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), Fault>>;
    /// Adds to a counter and returns its new value.
    fn increment(&self, key: &str, by: i64) -> impl Future<Output = Result<i64, Fault>>;
    /// The time.
    fn now(&self) -> Instant;
}
