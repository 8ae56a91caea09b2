//! Cases, journal, records, evidence, figures, keys, signatures, sealing, redaction: no Spin, no WIT, no I/O.
//!
//! What components store and exchange is defined here and nowhere else; the state machine of a case is a pure function in [`case`].

pub mod autonomy;
pub mod case;
pub mod evidence;
pub mod figures;
pub mod halt;
pub mod health;
pub mod hours;
pub mod journal;
pub mod keys;
pub mod logo;
pub mod mailbox;
pub mod note;
pub mod once;
pub mod past;
pub mod people;
pub mod record;
pub mod redact;
pub mod seal;
pub mod signature;
pub mod stage;
pub mod store;
pub mod tenant;
pub mod wire;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Instant = u64;
