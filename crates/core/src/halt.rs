//! The kill switch: one record a tenant and one for all, under a MAC. Asked before every decision and just before every change.

use crate::record::{IntegrityKey, Record};
use crate::{Instant, keys};
use serde::{Deserialize, Serialize};

/// Who threw the switch last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// No change leaves.
    pub halted: bool,
    /// Who.
    pub by: String,
    /// When.
    pub at: Instant,
}

impl Record for Halt {
    const SCHEMA: u64 = 1;
}

/// Where the switch of a tenant stands; that of all if none is named.
#[must_use]
pub fn key(tenant: Option<&str>) -> String {
    tenant.map_or_else(keys::halt_all, keys::halt)
}

/// Whether this switch stops changes. One that cannot be trusted does.
#[must_use]
pub fn stops(integrity: &IntegrityKey, key: &str, stored: Option<&[u8]>) -> bool {
    stored.is_some_and(|bytes| integrity.read::<Halt>(key, bytes).map_or(true, |halt| halt.halted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_that_was_thrown_or_cannot_be_trusted_stops() {
        let integrity = IntegrityKey::parse(&crate::seal::base64(&[7; 32])).unwrap();
        let (key, other) = (key(Some("acme")), key(None));
        let halt = |halted| integrity.write(&key, &Halt { halted, by: "Ada".into(), at: 5 });
        for (stored, expect) in [(None, false), (Some(halt(true)), true), (Some(halt(false)), false), (Some(Vec::new()), true), (Some(b"{}".to_vec()), true)] {
            assert_eq!(stops(&integrity, &key, stored.as_deref()), expect, "{stored:?}");
        }
        // One tenant's record under another's key is not its own.
        assert!(stops(&integrity, &other, Some(&halt(false))));
    }
}
