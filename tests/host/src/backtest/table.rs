//! A replay for a terminal.

use super::figures::Row;
use super::{Agreement, Backtest, Figures, Terms};
use firstline_core::past::Lesson;
use std::fmt::Write as _;

/// Disagreements and approvers that are listed.
const LISTED: usize = 12;

/// The table and what belongs to it.
#[must_use]
pub fn table(backtest: &Backtest, figures: &Figures, terms: &Terms) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} closed tickets from {} to {}{}",
        figures.all.tickets,
        day(figures.span.0),
        day(figures.span.1),
        if backtest.open > 0 { format!("; {} that are not closed are left out", backtest.open) } else { String::new() }
    );
    let _ = writeln!(
        out,
        "\n{:<18} {:>7} {:>6} {:>9} {:>9} {:>7} {:>7} {:>9} {:>6} {:>9} {:>8}",
        "type, as read", "tickets", "alone", "approval", "question", "handed", "agreed", "disagreed", "thin", "filed as", "hours"
    );
    let mut rows: Vec<_> = figures.rows.iter().collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse((row.tickets - row.handed_over, row.tickets)));
    rows.iter().for_each(|(name, row)| line(&mut out, name, row));
    line(&mut out, "all", &figures.all);
    let all = &figures.all;
    let _ = writeln!(
        out,
        "\nlevel 1               {} of {} tickets were not escalated; {} of these would have been closed ({})",
        all.level_one,
        all.tickets,
        all.level_one_closed,
        percent(all.level_one_closed, all.level_one)
    );
    let _ = writeln!(
        out,
        "saved                 {} h, {} (at most {} h, {}, with what is too thin to compare)",
        hours(all.minutes),
        cost(all.minutes, terms),
        hours(all.minutes_at_most),
        cost(all.minutes_at_most, terms)
    );
    let _ = match figures.first {
        Some((half, most)) => {
            writeln!(out, "first closed ticket   within {} of connecting at half of all moments, within {} at nine in ten", long(half), long(most))
        }
        None => writeln!(out, "first closed ticket   none of these would have been closed alone"),
    };
    let _ = writeln!(out, "filed as predicted    {} of {} ({})", all.filed.1, all.filed.0, percent(all.filed.1, all.filed.0));
    let _ = writeln!(
        out,
        "approver as predicted {} of {} ({}); of tickets handed over, {} were approved with an approver known beforehand",
        all.approver.1,
        all.approver.0,
        percent(all.approver.1, all.approver.0),
        figures.approver_known
    );
    let mut reasons: Vec<_> = figures.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let reasons: Vec<String> = reasons.into_iter().map(|(why, count)| format!("{count} {why}")).collect();
    let _ = writeln!(out, "handed over           {}", reasons.join(", "));
    let disagreements = disagreements(backtest);
    if !disagreements.is_empty() {
        let _ = writeln!(out, "\ndisagreements ({})", disagreements.len());
        for (ticket, why) in disagreements.iter().take(LISTED) {
            let _ = writeln!(out, "  {ticket}: {why}");
        }
        rest(&mut out, disagreements.len());
    }
    let (firm, thin): (Vec<_>, Vec<_>) = approvers(backtest).into_iter().partition(|(_, lesson)| !lesson.thin);
    let _ = writeln!(out, "\napprovers that tickets name: {} firmly, {} too thinly to build on", firm.len(), thin.len());
    for (client, lesson) in firm.iter().take(LISTED) {
        let Lesson { intent, about, value, support, of, evidence, exceptions, .. } = lesson;
        let but = if exceptions.is_empty() { String::new() } else { format!(", but not in {}", exceptions.join(", ")) };
        let _ = writeln!(out, "  {client}: {value} for {intent} {about}: {support} of {of}, such as {}{but}", evidence.last().map_or("", String::as_str));
    }
    rest(&mut out, firm.len());
    let _ = writeln!(out, "\nassumed:");
    assumptions(terms).iter().for_each(|line| {
        let _ = writeln!(out, "  - {line}");
    });
    out
}

fn rest(out: &mut String, all: usize) {
    if all > LISTED {
        let _ = writeln!(out, "  and {} more on the page", all - LISTED);
    }
}

fn line(out: &mut String, name: &str, row: &Row) {
    let _ = writeln!(
        out,
        "{name:<18} {:>7} {:>6} {:>9} {:>9} {:>7} {:>7} {:>9} {:>6} {:>9} {:>8}",
        row.tickets,
        row.alone,
        row.approval,
        row.question,
        row.handed_over,
        row.agrees,
        row.disagrees,
        row.thin,
        percent(row.filed.1, row.filed.0),
        hours(row.minutes)
    );
}

/// What stands behind the numbers.
pub fn assumptions(terms: &Terms) -> Vec<String> {
    vec![
        format!("an hour of a technician costs {} {:.2}; only recorded time counts, and a ticket without any saves nothing", terms.currency, terms.rate),
        format!("an approval leaves {} minutes to people, a closed ticket none", terms.approval_minutes),
        "everybody asks for their own ordinary account, is a full member of the chat, and presses the button; what the guardrails would have found in the directory is not in an export".into(),
        "every action may go without anybody's yes (`--mode autonomous`); a new client begins supervised, where each change waits for one of the MSP's people".into(),
        "a question counts only where one of the likelier readings is an action that is allowed".into(),
        "agreed: the ticket was filed as most such tickets before it, and neither escalated nor approved by somebody; the minutes of other tickets are not saved".into(),
        "thin: too few or too divided earlier tickets, by the lower end of a 95 % interval above two thirds".into(),
        "what is known about a ticket is what tickets taught that were closed before it came".into(),
        "level 1: what nobody escalated".into(),
    ]
}

/// Tickets where both sides differ.
pub fn disagreements(backtest: &Backtest) -> Vec<(&str, String)> {
    let differ = |ticket: &super::Replayed| match &ticket.agreement {
        Some(Agreement::Disagrees(why)) => Some(format!("{why} (read as {} by `{}`)", ticket.intent, ticket.because.join(", "))),
        Some(Agreement::Agrees | Agreement::Thin) | None => None,
    };
    backtest.tickets.iter().filter_map(|ticket| Some((ticket.record.ticket.id.as_str(), differ(ticket)?))).collect()
}

/// Approvers by client, what is best supported first.
pub fn approvers(backtest: &Backtest) -> Vec<(&str, &Lesson)> {
    let named = backtest.lessons.iter().filter(|(client, _)| !client.is_empty());
    let mut all: Vec<_> =
        named.flat_map(|(client, lessons)| lessons.iter().filter(|lesson| lesson.kind == "approver").map(move |lesson| (client.as_str(), lesson))).collect();
    all.sort_by_key(|(_, lesson)| (lesson.thin, std::cmp::Reverse(lesson.support)));
    all
}

/// A share in words.
pub fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "-".into() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

/// Hours with one decimal.
pub fn hours(minutes: u64) -> String {
    format!("{:.1}", minutes as f64 / 60.0)
}

/// A time in hours, or in days where these are more than two.
pub fn long(hours: f64) -> String {
    if hours <= 48.0 { format!("{hours:.1} h") } else { format!("{:.1} days", hours / 24.0) }
}

/// Money.
pub fn cost(minutes: u64, terms: &Terms) -> String {
    format!("{} {:.0}", terms.currency, minutes as f64 / 60.0 * terms.rate)
}

/// A day (UTC).
pub fn day(at: u64) -> String {
    let stamp = i64::try_from(at).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    stamp.map_or_else(String::new, |stamp| stamp.strftime("%Y-%m-%d").to_string())
}
