//! What was foretold against what came: how long it really took to the first closed ticket of each type.

use super::Figures;
use super::table::long;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const HOUR: f64 = 3_600_000.0;

/// How it went with one type since somebody let the agent act.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Actual {
    /// The first ticket was closed after so many hours.
    After(f64),
    /// None was, in so many hours.
    NotIn(f64),
}

/// By action: since when the agent may act in a client's name, as the console wrote it down. An action without an entry of its own goes by the default.
#[must_use]
pub fn since(tenant: &Value) -> BTreeMap<String, u64> {
    let entries = tenant.pointer("/document/guardrails/autonomy").and_then(Value::as_object);
    let at = |name: &str| {
        let entry = entries?.get(name)?;
        let acts = entry.get("mode").and_then(Value::as_str).is_some_and(|mode| mode != "shadow");
        entry.get("at").and_then(Value::as_u64).filter(|_| acts)
    };
    let named = |name: &str| entries.is_some_and(|entries| entries.contains_key(name));
    let of = |action: &&str| Some(((*action).to_string(), at(if named(action) { action } else { "default" })?));
    firstline_core::tenant::ACTIONS.iter().filter_map(of).collect()
}

/// How it went, by the summaries of closed cases.
#[must_use]
pub fn actual(since: &BTreeMap<String, u64>, closed: &[Value], now: u64) -> BTreeMap<String, Actual> {
    let hours = |from: u64, to: u64| to.saturating_sub(from) as f64 / HOUR;
    let first = |action: &str, from: u64| {
        let of = closed.iter().filter(|case| case.get("kind").and_then(Value::as_str) == Some(action));
        of.filter_map(|case| case.get("ended").and_then(Value::as_u64)).filter(|ended| *ended >= from).min()
    };
    since
        .iter()
        .map(|(action, from)| (action.clone(), first(action, *from).map_or_else(|| Actual::NotIn(hours(*from, now)), |at| Actual::After(hours(*from, at)))))
        .collect()
}

/// Both, type by type: its name, what was foretold, what came.
#[must_use]
pub fn both(figures: &Figures, actual: &BTreeMap<String, Actual>) -> Vec<[String; 3]> {
    let mut types: Vec<&String> = figures.firsts.keys().chain(actual.keys()).collect();
    types.sort();
    types.dedup();
    let line = |name: &String| {
        let foretold = figures
            .firsts
            .get(name)
            .map_or_else(|| "none".into(), |(half, most)| format!("within {} at half of all moments, {} at nine in ten", long(*half), long(*most)));
        let real = match actual.get(name) {
            Some(Actual::After(hours)) => format!("after {}", long(*hours)),
            Some(Actual::NotIn(hours)) => format!("none in {}", long(*hours)),
            None => "the agent does not act on it".into(),
        };
        [name.clone(), foretold, real]
    };
    types.into_iter().map(line).collect()
}

/// The same for a terminal.
#[must_use]
pub fn compared(figures: &Figures, actual: &BTreeMap<String, Actual>) -> String {
    let mut out = String::from("first closed ticket of a type, foretold and real\n");
    for [name, foretold, real] in both(figures, actual) {
        let _ = writeln!(out, "  {name:<18} foretold: {foretold}; real: {real}");
    }
    out
}
