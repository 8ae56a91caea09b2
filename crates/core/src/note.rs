//! The internal note: what a technician or an auditor needs, without secrets. Users never see it.
//!
//! Its lines are those of the catalogue of notes, in the MSP's language; what stands in the journal is quoted as it stands there.

use crate::case::{Case, Intake, lines_of_the_named, lines_of_the_past, next_step};
use crate::redact;
use crate::stage::{MANAGER, PUSH, Profile, Words};

/// The lines of the internal note.
#[must_use]
pub fn internal(case: &Case) -> Vec<Words> {
    let mut lines = head(case);
    lines.push(Words::new("type", &[("kind", if case.kind.is_empty() { "other" } else { &case.kind })]));
    if !case.reading.is_empty() {
        lines.push(Words::new("understood", &[("reading", &case.reading)]));
    }
    lines.extend(case.triage.iter().filter_map(|line| quoted("item", &redact::line(line, 300))));
    lines.extend([&case.named, &case.object].into_iter().flatten().flat_map(|named| lines_of_the_named(named)));
    if let Some(intake) = &case.intake {
        lines.extend(came(intake));
    }
    if let Some(profile) = &case.profile {
        lines.extend(requester(profile, case.intake.as_ref()));
    }
    if let Some(account) = &case.account {
        let privileged = account.privileged.join(", ");
        let known = [("login", account.login.as_str()), ("id", &account.id), ("state", &account.state)].map(|(name, value)| (name, or_dash(value)));
        lines.push(Words::new("account", &[&known[..], &[("privileged", &privileged)]].concat()));
    }
    if case.handover.is_some() {
        lines.extend(lines_of_the_past(&case.past, &case.kind));
    }
    lines.extend(section("evidence", "item", case.evidence.iter().cloned()));
    lines.extend(section("wrote", "quote", case.texts.iter().map(|text| redact::line(text, 1_000))));
    lines.push(Words::new("case", &[("case", &case.id)]));
    lines
}

/// What may be said about time: that it was logged, and why it is not billed for want of minutes or of a work type, or not logged for want of an agreement.
#[must_use]
pub fn about_time(work_type: Option<&str>) -> [Words; 4] {
    let work_type = work_type.unwrap_or_default();
    [
        Words::new("time", &[]),
        Words::new("time-without-minutes", &[]),
        Words::new("time-without-work-type", &[("name", or_dash(work_type))]),
        Words::new("time-without-agreement", &[]),
    ]
}

/// What became of it.
fn head(case: &Case) -> Vec<Words> {
    if let Some((code, text)) = &case.handover {
        let how = if case.quiet { "shadow" } else { "handed-over" };
        let detail = Some(text).filter(|text| *text != code);
        let next = next_step(code).map(|what| Words::new("next", &[("what", what)]));
        return [Words::new(how, &[("code", code), ("why", code)])].into_iter().chain(detail.and_then(|text| quoted("detail", text))).chain(next).collect();
    }
    let passed = |kind: &str| case.vetting.proofs.iter().any(|proof| proof.kind == kind);
    vec![match &case.ask {
        Some(ask) if ask.proof.is_some() => {
            let rules = ask.rules.join(", ");
            let known = [("rules", rules.as_str()), ("request", &ask.id), ("action", &ask.action), ("login", &ask.login)];
            Words::new(if ask.of_manager() { "waits-for-manager" } else { "waits-for-call-back" }, &known.map(|(name, value)| (name, or_dash(value))))
        }
        Some(ask) => {
            let rules = ask.rules.join(", ");
            let known = [("rules", rules.as_str()), ("request", &ask.id), ("action", &ask.action), ("login", &ask.login), ("case", &case.id)];
            Words::new("waits-for-approval", &known.map(|(name, value)| (name, or_dash(value))))
        }
        None if case.asks + case.vetting.sent > case.vetting.challenges => Words::new("done-after-approval", &[]),
        None if passed(MANAGER) => Words::new("done-after-manager", &[]),
        None if case.asks > 0 => Words::new("done-after-call-back", &[]),
        None if passed(PUSH) => Words::new("done-after-push", &[]),
        None if case.vetting.sent > 0 => Words::new("done-after-code", &[]),
        None => Words::new("done-alone", &[]),
    }]
}

fn came(intake: &Intake) -> Vec<Words> {
    let (name, source) = (redact::line(&intake.name, 100), redact::line(&intake.source, 50));
    let address = intake.address.as_deref().unwrap_or_default();
    let mut lines = vec![Words::new("came", &[("source", or_dash(&source)), ("name", or_dash(&name)), ("address", address)])];
    if !intake.confirmed {
        lines.push(Words::new("not-confirmed", &[]));
    }
    lines
}

fn requester(profile: &Profile, intake: Option<&Intake>) -> Vec<Words> {
    let address = profile.email.as_deref().unwrap_or_default();
    let guest = if profile.guest { "is-guest" } else { "" };
    let mut lines = vec![Words::new("requester", &[("name", or_dash(&profile.name)), ("address", address), ("user", or_dash(&profile.id)), ("guest", guest)])];
    match intake {
        Some(intake) if intake.confirmed => lines.push(Words::new("verified-by-button", &[])),
        Some(_) => {}
        None => lines.push(Words::new("verified-by-chat", &[])),
    }
    lines
}

/// A heading and what stands below it, if anything does.
fn section(heading: &str, line: &str, texts: impl Iterator<Item = String>) -> Vec<Words> {
    let lines: Vec<Words> = texts.filter_map(|text| quoted(line, &text)).collect();
    let heading = (!lines.is_empty()).then(|| Words::new(heading, &[]));
    heading.into_iter().chain(lines).collect()
}

/// Where a line has nothing else, there is none without its text.
fn quoted(line: &str, text: &str) -> Option<Words> {
    (!text.trim().is_empty()).then(|| Words::new(line, &[("text", text)]))
}

/// A line cannot leave out what has no value.
fn or_dash(value: &str) -> &str {
    if value.trim().is_empty() { "-" } else { value }
}

/// Names and values as they are, for tests that have no catalogue.
#[must_use]
pub fn plain(lines: &[Words]) -> String {
    let line = |words: &Words| format!("{} {}", words.sentence, words.arguments.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" "));
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}
