//! Grades a requester: by where they wrote (P-3, P-4), and by what they have passed since.

use crate::bindings::exports::firstline::identity::identity::{Channel, Claim, Proof, Standing};
use firstline_connector::names::plain;
use firstline_connector::types::Assurance;

#[cfg(test)]
mod tests;

/// What kinds of proof are worth together; several weaker ones add up (P-2). Where several rows would do, the first is asked for:
/// a push or a code takes nobody's time, a manager's word the client's, and a technician's call the MSP's.
const WORTH: &[(&[&str], Assurance)] = &[
    (&["push"], Assurance::Challenge),
    (&["code"], Assurance::Challenge),
    (&["manager"], Assurance::Challenge),
    (&["call-back"], Assurance::Strong),
    (&["push", "manager"], Assurance::Strong),
    (&["code", "manager"], Assurance::Strong),
];

/// Kinds that a person vouches for.
const VOUCHED: [&str; 2] = ["call-back", "manager"];

/// Most challenges of a case, and of a person in an hour: more would be fishing (P-5).
const MOST: u32 = 3;
const MOST_AN_HOUR: u32 = 5;

/// What is held, and what could raise it.
pub(crate) fn assess(claim: &Claim) -> Standing {
    let locked = |why: &str| Standing { assurance: Assurance::None, because: Vec::new(), step_ups: Vec::new(), locked: Some(why.into()) };
    if claim.denied {
        return locked("denied");
    }
    let own: Vec<String> = claim.names.iter().map(|name| plain(name)).filter(|name| !name.is_empty()).collect();
    let live: Vec<&Proof> = claim.proofs.iter().filter(|proof| claim.at < proof.expires).collect();
    // Nobody vouches for themselves, under no name of theirs.
    if live.iter().any(|proof| proof.names.iter().any(|name| own.contains(&plain(name)))) {
        return locked("self-vouched");
    }
    let (base, place) = match claim.channel {
        Channel::Unknown => return Standing { assurance: Assurance::None, because: Vec::new(), step_ups: Vec::new(), locked: None },
        Channel::Email => (Assurance::Email, "email"),
        Channel::Chat => (Assurance::Chat, "chat"),
    };
    let lost = |kind: &str| claim.lost.iter().any(|lost| lost == kind);
    let counts = |proof: &&&Proof| {
        let vouched = !VOUCHED.contains(&proof.kind.as_str()) || proof.names.iter().any(|name| !plain(name).is_empty());
        vouched && !lost(&proof.kind) && WORTH.iter().any(|(kinds, _)| kinds.contains(&proof.kind.as_str()))
    };
    let passed: Vec<&str> = live.iter().filter(counts).map(|proof| proof.kind.as_str()).collect();
    let whole = |kinds: &[&str]| kinds.iter().all(|kind| passed.contains(kind));
    let assurance = WORTH.iter().filter(|(kinds, _)| whole(kinds)).map(|(_, worth)| *worth).fold(base, Ord::max);

    let mut standing = Standing { assurance, because: vec![place.into()], step_ups: Vec::new(), locked: None };
    standing.because.extend(passed.iter().map(|kind| (*kind).to_owned()));
    if assurance >= claim.wanted {
        return standing;
    }
    if claim.challenges >= MOST || claim.challenges_this_hour >= MOST_AN_HOUR {
        standing.locked = Some("too-many-challenges".into());
        return standing;
    }
    let missing = |kinds: &[&str]| -> Vec<String> { kinds.iter().filter(|kind| !passed.contains(kind)).map(|kind| (*kind).to_owned()).collect() };
    let can = |kind: &String| claim.means.contains(kind) && !lost(kind);
    let plans = WORTH.iter().filter(|(_, worth)| *worth >= claim.wanted).map(|(kinds, _)| missing(kinds));
    standing.step_ups = plans.into_iter().find(|plan| plan.iter().all(can)).unwrap_or_default();
    standing
}
