//! Autonomy that is earned and lost: what cases show about an action, when that is enough, and what a failure costs.
//!
//! Cases are found by their numbers of each day; no key is scanned. Evidence is pooled over all clients that share an MSP.

use crate::case::LOST_PHONE;
use crate::journal::Summary;
use crate::record::{IntegrityKey, Record};
use crate::store::{Fault, Store};
use crate::tenant::{ACTIONS, Autonomy, DEFAULT_ACTION, Promotion, Tenant};
use crate::{Instant, keys, mailbox};
use serde::{Deserialize, Serialize};

/// A connector's word for a change that was accepted and did not show.
pub const READ_BACK_FAILED: &str = "read-back-failed";
/// Something else than the account that was judged was about to be touched, or answered.
pub const WRONG_TARGET: &str = "wrong-target";
/// One of the MSP's people says that what was done was wrong.
pub const FAULT: &str = "agents-fault";
/// Users said so often that it was still broken.
pub const STILL_BROKEN: &str = "still-broken-again";
/// Cases of so many days count.
pub const LOOK_BACK: u64 = 31;
/// Most cases that are read; the oldest are left out.
const MOST_CASES: usize = 20_000;
const DAY: u64 = 86_400_000;

/// How far a case went by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It only wrote down what it would do.
    Shadow,
    /// Somebody said yes to it.
    Supervised,
    /// Nobody else was asked.
    Autonomous,
}

/// What a case shows about the action that was tried in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The action.
    pub action: String,
    /// Of the identity provider.
    pub vendor: String,
    /// Of the vendor's call catalogue and of the policies that no setting relaxes; empty while the case is open.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// It was done, and read back.
    pub verified: bool,
    /// Why it failed, and when that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<(String, Instant)>,
}

/// The trial of an ended case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Its tenant.
    pub tenant: String,
    /// Its ticket.
    pub ticket: Option<u64>,
    /// When it ended.
    pub ended: Instant,
    /// It was closed, and not handed over.
    pub closed: bool,
    /// When its ticket was open again.
    pub reopened: Option<Instant>,
    /// What was tried.
    pub trial: Trial,
}

impl Tried {
    /// The trial of a case that has ended; none if nothing was tried.
    #[must_use]
    pub fn of(summary: &Summary) -> Option<Self> {
        let (tally, ended) = (summary.tally.as_ref()?, summary.ended?);
        let (trial, reopened) = (tally.trial.clone()?, tally.times.reopened);
        Some(Tried { tenant: summary.tenant.clone(), ticket: summary.ticket, ended, closed: summary.state == "closed", reopened, trial })
    }

    /// When it turned out to have failed.
    #[must_use]
    pub fn failed(&self) -> Option<Instant> {
        [self.trial.failed.as_ref().map(|(_, at)| *at), self.reopened].into_iter().flatten().min()
    }
}

/// Every trial of these tenants in the last days, the newest days first.
///
/// # Errors
/// The store failed.
pub async fn tried(store: &impl Store, key: &IntegrityKey, tenants: &[String], now: Instant) -> Result<Vec<Tried>, Fault> {
    let mut found = Vec::new();
    let mut left = MOST_CASES;
    let today = now / DAY;
    for day in (today.saturating_sub(LOOK_BACK)..=today).rev() {
        for tenant in tenants {
            for summary in cases(store, key, tenant, day, &mut left).await? {
                found.extend(Tried::of(&summary));
            }
        }
    }
    Ok(found)
}

/// The cases of a tenant that were received on a day, as far as they can be read and there are some left to read.
///
/// # Errors
/// The store failed.
pub async fn cases(store: &impl Store, key: &IntegrityKey, tenant: &str, day: u64, left: &mut usize) -> Result<Vec<Summary>, Fault> {
    let count = mailbox::counter(store.get(&keys::case_counter(tenant, day)).await?.as_deref()).unwrap_or(0);
    let mut found: Vec<Summary> = Vec::new();
    for number in 1..=count {
        let Some(less) = left.checked_sub(1) else { break };
        *left = less;
        let Some(case) = store.get(&keys::case_of_day(tenant, day, number)).await?.and_then(|id| String::from_utf8(id).ok()) else { continue };
        let under = keys::case(&case);
        let summary = store.get(&under).await?.and_then(|bytes| key.read::<Summary>(&under, &bytes).ok()).filter(|summary| summary.tenant == tenant);
        // A number may have been taken twice for one case.
        found.extend(summary.filter(|summary| found.iter().all(|known| known.case != summary.case)));
    }
    Ok(found)
}

/// What cases come to for one action at one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Of what was tried last; older versions prove nothing.
    pub version: String,
    /// Done, read back and not heard of again, at all clients together.
    pub verified: u32,
    /// Of these, at this client.
    pub here: u32,
    /// Failures that are still counted.
    pub failed: u32,
    /// When the first of those that count ended.
    pub since: Option<Instant>,
    /// Tickets of this client among them.
    pub tickets: Vec<u64>,
    /// It is enough.
    pub enough: bool,
}

/// Adds up what counts since the last failure; at the client itself also only what ended after `since`.
#[must_use]
pub fn standing(all: &[Tried], tenant: &str, (action, vendor): (&str, &str), since: Instant, terms: &Promotion, now: Instant) -> Standing {
    let of_action = || all.iter().filter(|one| one.trial.action == action && one.trial.vendor == vendor);
    let Some(last) = of_action().max_by_key(|one| one.ended) else { return Standing::default() };
    let of_version = || of_action().filter(|one| one.trial.version == last.trial.version);
    let mut failures: Vec<Instant> = of_version().filter_map(Tried::failed).collect();
    failures.sort_unstable_by(|a, b| b.cmp(a));
    // Counting begins anew with each failure that is one too many.
    let after = failures.get(usize::try_from(terms.failed).unwrap_or(usize::MAX)).copied().unwrap_or(0);
    let counts = |one: &&Tried| one.closed && one.trial.verified && one.failed().is_none() && one.ended > after;
    let here = || of_version().filter(counts).filter(|one| one.tenant == tenant && one.ended > since);
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let first = of_version().filter(counts).map(|one| one.ended).min();
    let mut tickets: Vec<u64> = here().filter_map(|one| one.ticket).collect();
    tickets.sort_unstable_by(|a, b| b.cmp(a));
    tickets.truncate(5);
    let (verified, at_home) = (number(of_version().filter(counts).count()), number(here().count()));
    Standing {
        version: last.trial.version.clone(),
        verified,
        here: at_home,
        failed: number(failures.iter().filter(|at| **at > after).count()),
        since: first,
        tickets,
        enough: verified >= terms.verified && at_home >= terms.here && first.is_some_and(|first| first + terms.days * DAY <= now),
    }
}

/// The actions that nothing but supervision keeps from going by themselves, and since when.
///
/// # Errors
/// The store failed.
pub async fn held(store: &impl Store, key: &IntegrityKey, tenant: &Tenant) -> Result<Vec<(&'static str, Instant)>, Fault> {
    let mut found = Vec::new();
    for action in ACTIONS {
        let under = keys::demoted(&tenant.tenant, action);
        let lost = lost_at(key, &under, store.get(&under).await?.as_deref());
        found.extend(held_back(tenant, action, lost).map(|since| (*action, since)));
    }
    Ok(found)
}

/// Those of them that have shown enough, with what they have shown.
#[must_use]
pub fn earned(all: &[Tried], tenant: &Tenant, vendor: &str, held: &[(&'static str, Instant)], now: Instant) -> Vec<(&'static str, Standing)> {
    let standing = |(action, since): &(&'static str, Instant)| (*action, standing(all, &tenant.tenant, (action, vendor), *since, &tenant.promotion, now));
    held.iter().map(standing).filter(|(_, standing)| standing.enough).collect()
}

/// Since when nothing but supervision keeps an action from going by itself; none if something else does, or nothing.
#[must_use]
fn held_back(tenant: &Tenant, action: &str, lost: Option<Instant>) -> Option<Instant> {
    let matrix = tenant.guardrails.matrix.get(action).map_or(action != LOST_PHONE, |mode| mode == "autonomous");
    let demoted = lost.and_then(|at| tenant.without(action, at).map(|lowered| (lowered, at)));
    let (tenant, lost) = demoted.as_ref().map_or((tenant, 0), |(lowered, at)| (lowered, *at));
    let (own, others) = (tenant.guardrails.autonomy.get(action), tenant.guardrails.autonomy.get(DEFAULT_ACTION));
    let supervised = |entry: Option<&Autonomy>| entry.is_none_or(|entry| entry.mode == "supervised");
    let held = match own {
        // A pilot group goes before: what it shows counts for all.
        Some(own) if !own.pilot.is_empty() => own.mode != "shadow" && supervised(others),
        own => supervised(own.or(others)),
    };
    let set = own.or(others).and_then(|entry| entry.at).unwrap_or(0);
    (matrix && held).then_some(set.max(lost))
}

/// An action that lost its autonomy at a client; it holds for whatever was set before. Written by the technician alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Why: [`READ_BACK_FAILED`], [`WRONG_TARGET`], [`FAULT`], [`STILL_BROKEN`].
    pub cause: String,
    /// The case that led to it.
    pub case: String,
    /// Who said so, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    pub at: Instant,
}

impl Record for Lost {
    const SCHEMA: u64 = 1;
}

/// When an action lost its autonomy. A record that cannot be trusted has lost it for good.
#[must_use]
pub fn lost_at(integrity: &IntegrityKey, key: &str, stored: Option<&[u8]>) -> Option<Instant> {
    stored.map(|bytes| integrity.read::<Lost>(key, bytes).map_or(Instant::MAX, |lost| lost.at))
}

/// A user said that what was done was still broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Of which case.
    pub case: String,
    /// When.
    pub at: Instant,
}

impl Record for Broken {
    const SCHEMA: u64 = 1;
}

/// Who has agreed to a promotion so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// Name of the proposal.
    pub proposal: String,
    /// The first to agree.
    pub first: Voice,
    /// The second; from then on it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Voice>,
    /// What it was agreed upon.
    pub standing: (u32, u32),
    /// The MSP's people were told.
    #[serde(default)]
    pub told: bool,
}

impl Record for Agreement {
    const SCHEMA: u64 = 1;
}

/// Who agreed, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// Name, by their token.
    pub name: String,
    /// An owner.
    pub owner: bool,
    /// When.
    pub at: Instant,
}

#[cfg(test)]
mod tests;
