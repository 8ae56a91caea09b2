//! What is wrong with connections, as the technician last found it. One record for all, so that nobody scans for it.

use crate::Instant;
use crate::record::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days before a secret expires on which that becomes a problem.
pub const EXPIRY_DAYS: u64 = 14;
/// Without a tick for so long, in milliseconds, nothing that is due is done.
pub const TICK_LIMIT: u64 = 5 * 60_000;

/// Something that does not work, from the moment it was found until it works again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// When it was found.
    pub since: Instant,
    /// What was seen, without any secret.
    pub what: String,
}

/// The last check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The day on which every connection was looked at, in days since 1970.
    pub day: u64,
    /// When those that failed were looked at last.
    pub checked: Instant,
    /// Connections, tenants whose document cannot be used, and lists of a PSA without what a desk names, that do not work.
    pub problems: BTreeMap<String, Problem>,
}

impl Record for Health {
    const SCHEMA: u64 = 1;
}
