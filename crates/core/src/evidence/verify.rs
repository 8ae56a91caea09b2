//! Checks bundles and day records without the installation that wrote them.

use super::{Day, DayCase, DayLine, Domain, EntryLine, ErasedLine, Header, SCHEMA, Seal, SealLine, Synopsis, line, signed_by};
use crate::keys::sha256_hex;
use crate::{Instant, journal};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a file proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A case.
    Case {
        /// The case.
        case: String,
        /// Its tenant.
        tenant: String,
        /// How it ended.
        state: String,
        /// When it was signed.
        at: Instant,
        /// Log entries.
        entries: u64,
        /// Those of which only the hash is left.
        erased: usize,
        /// Hash of the last one, as the day record names it.
        head: String,
        /// Requests that were named before or with their replies.
        requests: usize,
        /// Those that change something.
        changes: usize,
        /// What the header tells, unless it was erased.
        synopsis: Option<Box<Synopsis>>,
    },
    /// Day records of one tenant, one after the other.
    Days {
        /// The tenant.
        tenant: String,
        /// First and last day, in days since 1970.
        days: (u64, u64),
        /// Hash of the statement before the first; empty if it is the tenant's very first.
        previous: String,
        /// Cases received on these days, by what the last record says of each.
        states: BTreeMap<String, usize>,
    },
}

/// The first line that is not as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

fn broken<T>(line: usize, why: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { line, why: why.into() })
}

/// Reads a line, and refuses it if it is written in another way than ours.
fn parse<'a, T: Deserialize<'a> + Serialize>(number: usize, text: &'a str, what: &str) -> Result<T, Broken> {
    match serde_json::from_str::<T>(text) {
        Ok(value) if line(&value) == text => Ok(value),
        Ok(_) => broken(number, format!("{what} is written in another way than it was")),
        Err(_) => broken(number, format!("this is not {what}")),
    }
}

fn check_key(number: usize, key: &str, own: &str, domain: Domain, text: &str, signature: &str) -> Result<(), Broken> {
    if own.is_empty() && signature.is_empty() {
        return broken(number, "not signed: no signing key was configured when this was written");
    }
    if own != key {
        return broken(number, format!("signed with the key `{own}`, not with the one given"));
    }
    if !signed_by(key, domain, text, signature) {
        return broken(number, "the signature does not fit: the statement was changed, or another key signed it");
    }
    Ok(())
}

/// Checks a bundle, or day records, against the technician's public key (base64).
///
/// # Errors
/// [`Broken`] names the first line that was changed, dropped or moved.
pub fn verify(text: &str, key: &str) -> Result<Proof, Broken> {
    let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or(text).split('\n').collect();
    match lines.first() {
        Some(first) if first.starts_with("{\"day\":") => days(&lines, key),
        _ => bundle(&lines, key),
    }
}

fn bundle(lines: &[&str], key: &str) -> Result<Proof, Broken> {
    let [first, entries @ .., last] = lines else { return broken(1, "a bundle has a header, entries and a seal: the rest is missing") };
    let end = lines.len();
    if last.starts_with("{\"unsealed\":") {
        return broken(end, "the case was still open when this was written: there is nothing signed yet");
    }
    if !last.starts_with("{\"seal\":") {
        return broken(end, "the seal is missing: the bundle ends too early, or its lines were moved");
    }
    let signed: SealLine = parse(end, last, "a seal")?;
    check_key(end, key, &signed.key, Domain::Case, signed.seal.get(), &signed.signature)?;
    let seal: Seal = match serde_json::from_str(signed.seal.get()) {
        Ok(seal) => seal,
        Err(_) => return broken(end, "the seal is of a version that this program does not know"),
    };
    if seal.schema != SCHEMA || seal.count != seal.entries.len() as u64 {
        return broken(end, "the seal is of a version that this program does not know");
    }
    let header: Header = parse(1, first, "a bundle's header")?;
    if (header.firstline.as_str(), header.schema) != ("case", SCHEMA) {
        return broken(1, "this is not a bundle's header of a version that this program knows");
    }
    for (what, told, sealed) in [("case", &header.case, &seal.case), ("tenant", &header.tenant, &seal.tenant), ("state", &header.state, &seal.state)] {
        if told != sealed {
            return broken(1, format!("the header names the {what} `{told}`, the seal `{sealed}`"));
        }
    }
    if header.synopsis.as_ref().is_some_and(|synopsis| sha256_hex(synopsis.get().as_bytes()) != seal.synopsis) {
        return broken(1, "the header's synopsis was changed");
    }
    let Log { requests, changes, erased } = sealed_entries(entries, &seal)?;
    let synopsis = match header.synopsis.as_ref().map(|synopsis| serde_json::from_str(synopsis.get())) {
        Some(Ok(synopsis)) => Some(Box::new(synopsis)),
        Some(Err(_)) => return broken(1, "the header's synopsis is of a version that this program does not know"),
        None => None,
    };
    Ok(Proof::Case {
        case: seal.case,
        tenant: seal.tenant,
        state: seal.state,
        at: seal.at,
        entries: seal.count,
        erased,
        head: seal.head,
        requests,
        changes,
        synopsis,
    })
}

/// What the entries of a bundle hold.
#[derive(Default)]
struct Log {
    requests: usize,
    changes: usize,
    erased: usize,
}

/// Compares entries with the seal, line by line; counts what they hold.
fn sealed_entries(lines: &[&str], seal: &Seal) -> Result<Log, Broken> {
    let mut hashes = Vec::new();
    for text in lines {
        // What cannot be read has no hash, and is named when its turn comes.
        let read: Option<EntryLine> = serde_json::from_str(text).ok();
        let whole = read.map(|read| journal::entry_hash(format!("{}\n{}", read.mac, read.body.get()).as_bytes()));
        // Of an erased one the hash is all that is left.
        hashes.push(whole.or_else(|| serde_json::from_str(text).ok().map(|ErasedLine { erased, .. }| erased)));
    }
    let place = |hash: &str| seal.entries.iter().position(|entry| entry.hash == hash);
    let mut log = Log::default();
    for (at, text) in lines.iter().enumerate() {
        // The header is line 1.
        let number = at + 2;
        let expected = seal.entries.get(at);
        let hash = hashes.get(at).and_then(Option::as_deref);
        match (expected, hash, hash.and_then(place)) {
            (Some(expected), Some(hash), _) if expected.hash == hash => {
                let at = if serde_json::from_str::<ErasedLine>(text).is_ok() {
                    log.erased += 1;
                    parse::<ErasedLine>(number, text, "an erased entry")?.entry
                } else {
                    let read: EntryLine = parse(number, text, "a log entry")?;
                    let (all, changing) = count(read.body.get());
                    log.requests += all;
                    log.changes += changing;
                    read.entry
                };
                if at != expected.entry {
                    return broken(number, format!("the entry is numbered {}, the seal says {}", name(at), name(expected.entry)));
                }
            }
            (Some(expected), _, Some(other)) if other > at => {
                let later = hashes.iter().flatten().any(|hash| *hash == expected.hash);
                let what = if later { "stands further down" } else { "is missing" };
                return broken(number, format!("the entry {} {what}", name(expected.entry)));
            }
            (_, _, Some(_)) => return broken(number, "this entry stood further up already"),
            (Some(expected), ..) if claims(text) == Some(expected.entry) => {
                return broken(number, format!("the entry {} was changed", name(expected.entry)));
            }
            (Some(expected), ..) if hashes.iter().flatten().any(|hash| *hash == expected.hash) => {
                return broken(number, "this line is not of this case, or was changed");
            }
            (Some(expected), ..) => {
                return broken(number, format!("the entry {} was changed, or replaced by a line that is not of this case", name(expected.entry)));
            }
            (None, ..) => return broken(number, "this line is not of this case: the seal knows no further entry"),
        }
    }
    match seal.entries.get(lines.len()) {
        Some(missing) => broken(lines.len() + 2, format!("the entry {} is missing", name(missing.entry))),
        None => Ok(log),
    }
}

fn name((epoch, number): (i64, u64)) -> String {
    format!("{epoch}.{number}")
}

fn claims(text: &str) -> Option<(i64, u64)> {
    serde_json::from_str::<EntryLine>(text).ok().map(|read| read.entry)
}

/// Requests and changes that an entry's body names.
fn count(body: &str) -> (usize, usize) {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let facts = body.pointer("/record/facts").and_then(|facts| facts.as_array()).into_iter().flatten();
    let named = facts.filter_map(|fact| fact.pointer("/before/requests")?.as_array()).flatten();
    named.fold((0, 0), |(all, changes), request| (all + 1, changes + usize::from(request.get("change") == Some(&true.into()))))
}

fn days(lines: &[&str], key: &str) -> Result<Proof, Broken> {
    let mut all: Vec<(Day, String)> = Vec::new();
    for (number, text) in (1..).zip(lines) {
        let signed: DayLine = parse(number, text, "a day record")?;
        check_key(number, key, &signed.key, Domain::Day, signed.day.get(), &signed.signature)?;
        match serde_json::from_str::<Day>(signed.day.get()) {
            Ok(day) if day.schema == SCHEMA => all.push((day, sha256_hex(signed.day.get().as_bytes()))),
            Ok(_) | Err(_) => return broken(number, "the day record is of a version that this program does not know"),
        }
    }
    for (number, pair) in (2..).zip(all.windows(2)) {
        let [(before, hash), (day, _)] = pair else { continue };
        let next = if before.page < before.pages { (before.day, before.page + 1) } else { (before.day + 1, 1) };
        if day.tenant != before.tenant {
            return broken(number, format!("this record is of the tenant `{}`, the one before of `{}`", day.tenant, before.tenant));
        }
        if (day.day, day.page) != next {
            return broken(number, format!("page {} of day {} is missing here", next.1, next.0));
        }
        if day.previous != *hash {
            return broken(number, "this record does not follow the one before: one of them was replaced");
        }
    }
    let (Some((first, _)), Some((last, _))) = (all.first(), all.last()) else { return broken(1, "there is no day record") };
    if first.page != 1 {
        return broken(1, "the first pages of this day are missing");
    }
    if last.page != last.pages {
        return broken(lines.len(), "the last pages of this day are missing");
    }
    let states = numbers(&all)?;
    Ok(Proof::Days { tenant: first.tenant.clone(), days: (first.day, last.day), previous: first.previous.clone(), states })
}

/// Every number of every day is listed, and no open case is forgotten.
fn numbers(all: &[(Day, String)]) -> Result<BTreeMap<String, usize>, Broken> {
    let mut cases: BTreeMap<(u64, i64), &DayCase> = BTreeMap::new();
    let mut line = 0;
    let mut before: Option<(i64, Vec<&DayCase>)> = None;
    for pages in all.chunk_by(|a, b| a.0.day == b.0.day) {
        line += pages.len();
        let Some((day, _)) = pages.first() else { continue };
        let listed: Vec<&DayCase> = pages.iter().flat_map(|(page, _)| &page.cases).collect();
        let own: BTreeSet<(u64, i64)> = listed.iter().map(|case| (case.day, case.number)).collect();
        let has = |of: u64, number: i64| own.contains(&(of, number));
        if let Some(gap) = (1..=day.through).find(|number| !has(day.day, *number)) {
            return broken(line, format!("case {gap} of {} of day {} is missing", day.through, day.day));
        }
        if let Some((through, open)) = &before {
            if let Some(gap) = (through + 1..=day.before).find(|number| !has(day.day - 1, *number)) {
                return broken(line, format!("case {gap} of day {}, which came late, is missing", day.day - 1));
            }
            if let Some(lost) = open.iter().find(|case| !has(case.day, case.number)) {
                return broken(line, format!("case {} of day {} was open, and is not taken up again", lost.number, lost.day));
            }
        }
        before = Some((day.through, listed.iter().copied().filter(|case| case.state == "open").collect()));
        cases.extend(listed.into_iter().map(|case| ((case.day, case.number), case)));
    }
    let mut states = BTreeMap::new();
    for case in cases.values() {
        *states.entry(case.state.clone()).or_default() += 1;
    }
    Ok(states)
}

impl Proof {
    /// What this proves, in words.
    #[must_use]
    pub fn proves(&self) -> Vec<String> {
        match self {
            Proof::Case { case, tenant, state, entries, erased, requests, changes, synopsis, .. } => {
                let mut words = vec![
                    format!("case {case} of `{tenant}` ended as `{state}`, and the technician's key has signed its log of {entries} entries"),
                    "none of them was changed, dropped, added or moved since".into(),
                    format!(
                        "the log names {requests} requests to vendors, {changes} of which change something, with their replies as the technician read them"
                    ),
                ];
                if *erased > 0 {
                    words.push(format!(
                        "{erased} of the entries were erased, as personal data is after a time: that they stood there is proven, and what they said is not; requests are counted in the others"
                    ));
                }
                match synopsis {
                    Some(_) => words.push("the header was written by the same technician at the same moment".into()),
                    None => words.push("the header's personal part was erased".into()),
                }
                words
            }
            Proof::Days { tenant, days: (first, last), states, .. } => {
                let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
                let states = if states.is_empty() { "none".into() } else { states.join(", ") };
                vec![
                    format!(
                        "the technician's key has signed the list of cases of `{tenant}` for {} days (days {first} to {last} since 1970)",
                        last - first + 1
                    ),
                    format!("no number is missing; cases: {states}"),
                    "each record follows the one before".into(),
                ]
            }
        }
    }

    /// What it does not prove, in words.
    #[must_use]
    pub fn does_not_prove(&self) -> Vec<String> {
        let holder = "that nobody who held the signing key at that time wrote something untrue";
        match self {
            Proof::Case { head, .. } => vec![
                holder.into(),
                "that the vendors' answers came from the vendors: they do not sign them".into(),
                "when it happened: the times are the technician's own clock's".into(),
                format!("that there are no other cases: the signed record of the day lists this one with the head {head}"),
            ],
            Proof::Days { previous, .. } => {
                let mut words = vec![holder.into(), "what the cases did: each has a bundle of its own, whose head is listed here".into()];
                if !previous.is_empty() {
                    words.push("the days before the first: put their records in front of it".into());
                }
                words
            }
        }
    }
}
