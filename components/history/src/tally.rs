//! Counting with evidence, within bounds.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most values that one tally tells apart; what comes later is counted without a name.
const VALUES: usize = 24;
/// Tickets that are named for a value: the newest.
pub const IDS: usize = 6;
/// Longest name or value, in characters.
const LONGEST: usize = 80;
/// At least this much of the future is to be expected to agree before something may be asserted.
const FIRM: f64 = 2.0 / 3.0;

/// Tickets that say one thing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// How many.
    #[serde(rename = "n")]
    pub count: u32,
    /// Some of them, the newest last.
    pub ids: Vec<String>,
}

impl Seen {
    /// One more.
    pub fn add(&mut self, id: &str) {
        self.count = self.count.saturating_add(1);
        if self.ids.len() >= IDS {
            self.ids.remove(0);
        }
        self.ids.push(short(id));
    }
}

/// How often each value was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Tickets in all.
    pub of: u32,
    values: BTreeMap<String, Seen>,
}

impl Tally {
    /// A ticket that says this.
    pub fn add(&mut self, value: &str, id: &str) {
        self.of = self.of.saturating_add(1);
        let value = short(value);
        if self.values.len() < VALUES || self.values.contains_key(&value) {
            self.values.entry(value).or_default().add(id);
        }
    }

    /// Values from the most frequent on; equals in the order of their names.
    pub fn ranked(&self) -> Vec<(&str, &Seen)> {
        let mut ranked: Vec<_> = self.values.iter().map(|(value, seen)| (value.as_str(), seen)).collect();
        ranked.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.count));
        ranked
    }

    /// Tickets that name something else than this value.
    pub fn others(&self, value: &str) -> Vec<String> {
        let others = self.ranked().into_iter().filter(|(other, _)| !other.is_empty() && *other != value);
        others.flat_map(|(_, seen)| seen.ids.iter().rev().cloned()).take(IDS).collect()
    }

    /// Forgets the names of values that were seen no more often than this; they stay counted.
    pub fn forget(&mut self, rare: u32) {
        self.values.retain(|_, seen| seen.count > rare);
    }
}

/// Adds under a key unless there are too many keys already.
pub fn within<'a, T: Default>(map: &'a mut BTreeMap<String, T>, key: &str, most: usize) -> Option<&'a mut T> {
    let key = short(key);
    (map.len() < most || map.contains_key(&key)).then(|| map.entry(key).or_default())
}

/// Texts of tickets have no bound of their own.
pub fn short(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// Too little to build on: even at the lower end of what these numbers allow (Wilson's interval, 95 %), fewer than two in three would agree.
pub fn thin(support: u32, of: u32) -> bool {
    if of == 0 || support > of {
        return true;
    }
    let (n, z) = (f64::from(of), 1.96_f64);
    let p = f64::from(support) / n;
    let middle = p + z * z / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    (middle - spread) / (1.0 + z * z / n) < FIRM
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_thin_where_it_is_scarce_or_divided() {
        for (support, of, expect) in [(0, 0, true), (1, 1, true), (7, 7, true), (8, 8, false), (9, 11, true), (30, 36, false), (24, 30, true), (5, 4, true)] {
            assert_eq!(thin(support, of), expect, "{support} of {of}");
        }
    }

    #[test]
    fn values_beyond_the_bound_are_counted_and_not_named() {
        let mut tally = Tally::default();
        (0..40).for_each(|n| tally.add(&format!("v{n:02}"), "1"));
        (0..10).for_each(|n| tally.add("v03", &n.to_string()));
        assert_eq!((tally.of, tally.ranked().len()), (50, VALUES));
        let (value, seen) = tally.ranked()[0];
        assert_eq!((value, seen.count, seen.ids.join(" ").as_str()), ("v03", 11, "4 5 6 7 8 9"));
        assert_eq!(tally.others("v03").len(), IDS);
        tally.forget(1);
        assert_eq!((tally.of, tally.ranked().len()), (50, 1));
    }

    #[test]
    fn long_and_hostile_texts_are_cut() {
        assert_eq!(short(&format!(" a\u{7}\n{}", "x".repeat(500))).len(), LONGEST);
    }
}
