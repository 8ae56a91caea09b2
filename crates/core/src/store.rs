//! What the protocols of this crate need of a store. It does no input or output itself.

/// The store, or what stands behind it, failed. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

/// The platform's key-value store.
#[allow(async_fn_in_trait, reason = "components have one thread, so futures need not be Send")]
pub trait Store {
    /// Reads a key; counters come in either form, see [`crate::mailbox::counter`].
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault>;
    /// Writes keys in one durable commit.
    async fn set_many(&self, writes: Vec<(String, Vec<u8>)>) -> Result<(), Fault>;
    /// Adds to a counter and returns its new value: the only atomic tool.
    async fn increment(&self, key: &str, by: i64) -> Result<i64, Fault>;
}
