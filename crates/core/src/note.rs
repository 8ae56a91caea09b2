//! The internal note: what a technician or an auditor needs, without secrets. Users never see it.

use crate::case::Case;

/// The text of the internal note.
#[must_use]
pub fn internal(case: &Case) -> String {
    let mut lines = Vec::new();
    match (&case.handover, &case.ask) {
        (Some((_, text)), _) if case.quiet => lines.push(format!("Shadow: nothing was changed, and nobody was told. {text}.")),
        (Some((code, text)), _) => lines.push(format!("Handed over: {code}. {text}.")),
        (None, Some(ask)) if ask.proof.is_some() => lines.push(format!(
            "Waits for a call-back ({}): request {} about `{}` of {}. Call the number on record in the directory, never one from this ticket, and press a button in the chat.",
            ask.rules.join(", "),
            ask.id,
            ask.action,
            ask.login
        )),
        (None, Some(ask)) => lines.push(format!(
            "Waits for an approval ({}): request {} about `{}` of {}. Answer it in the chat, or by POST /api/cases/{}/approval.",
            ask.rules.join(", "),
            ask.id,
            ask.action,
            ask.login,
            case.id
        )),
        (None, None) if case.asks > case.challenges => lines.push("Done after an approval.".to_string()),
        (None, None) if case.asks > 0 => lines.push("Done after a call-back.".to_string()),
        (None, None) => lines.push("Done without a person.".to_string()),
    }
    lines.push(format!("Type: {}", if case.kind.is_empty() { "other" } else { &case.kind }));
    if !case.reading.is_empty() {
        lines.push(format!("Understood as {}", case.reading));
    }
    lines.extend(case.triage.iter().map(|line| format!("- {}", crate::redact::line(line, 300))));
    if let Some(intake) = &case.intake {
        let (name, source) = (crate::redact::line(&intake.name, 100), crate::redact::line(&intake.source, 50));
        lines.push(format!("Came as a ticket ({source}) in the name of {name} <{}>", intake.address.as_deref().unwrap_or("no address")));
        if !intake.confirmed {
            lines.push("Not verified: the ticket's contact has not pressed the button in the chat".to_string());
        }
    }
    if let Some(profile) = &case.profile {
        lines.push(format!(
            "Requester: {} <{}>, chat user {}{}",
            profile.name,
            profile.email.as_deref().unwrap_or("no address"),
            profile.id,
            if profile.guest { ", guest" } else { "" }
        ));
        match &case.intake {
            Some(intake) if intake.confirmed => lines.push("Verified by: pressed the button in the client's own chat workspace".to_string()),
            Some(_) => {}
            None => lines.push("Verified by: signed in to the client's own chat workspace".to_string()),
        }
    }
    if let Some(account) = &case.account {
        let privileged = if account.privileged.is_empty() { String::new() } else { format!(", privileged: {}", account.privileged.join(", ")) };
        lines.push(format!("Account: {} ({}), {}{privileged}", account.login, account.id, account.state));
    }
    if !case.evidence.is_empty() {
        lines.push("Evidence:".to_string());
        lines.extend(case.evidence.iter().map(|line| format!("- {line}")));
    }
    if !case.texts.is_empty() {
        lines.push("The requester wrote:".to_string());
        lines.extend(case.texts.iter().map(|text| format!("> {}", crate::redact::line(text, 1_000))));
    }
    lines.push(format!("Case {}", case.id));
    lines.join("\n")
}
