//! A replay as one page: nothing is loaded, no text of a ticket can become markup, and it prints.

use super::figures::Row;
use super::table::{approvers, assumptions, cost, day, disagreements, hours, long, percent};
use super::{Actual, Backtest, Figures, Terms, actual};
use firstline_core::past::Lesson;
use firstline_core::seal::base64;
use firstline_import::Import;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Types in the chart, and rows of the longer tables.
const BARS: usize = 20;
const LISTED: usize = 200;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#4a5360;--back:#f4f6f8;--card:#fff;--line:#c9d0d9;--main:#0b57d0;--alone:#1a7f5a;--approval:#3b6fd4;--question:#b26a00;--handed:#a9b2bd}\
@media(prefers-color-scheme:dark){:root{--ink:#eef1f5;--soft:#b6bfcb;--back:#12161b;--card:#1d232b;--line:#3a434f;--main:#a8c7fa;--alone:#58c79b;--approval:#8ab0ff;--question:#f2b35c;--handed:#59636f}}\
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}\
main{max-width:72rem;margin:0 auto;padding:1.5rem 1rem 4rem}h1{font-size:1.75rem;line-height:1.25;margin:.5rem 0}h2{font-size:1.25rem;margin:0 0 .5rem}p{margin:.5rem 0}\
.soft{color:var(--soft)}.skip{position:absolute;left:-999rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem 1rem}\
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem;margin:1rem 0}\
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem;padding:0;margin:1rem 0;list-style:none}\
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.25rem}.tiles b{display:block;font-size:1.75rem;line-height:1.2}\
label{font-weight:600}input{width:7rem;padding:.4rem .5rem;margin-left:.5rem;border:1px solid var(--soft);border-radius:.4rem;background:var(--back);color:var(--ink);font:inherit}\
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9375rem}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\
th{white-space:nowrap}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}tfoot td,tfoot th{font-weight:600}.thin{color:var(--soft);font-style:italic}\
svg{display:block;width:100%;height:auto}svg text{fill:var(--ink);font:13px system-ui,sans-serif}svg .soft{fill:var(--soft)}\
.alone{fill:var(--alone);background:var(--alone)}.approval{fill:var(--approval);background:var(--approval)}.question{fill:var(--question);background:var(--question)}.handed{fill:var(--handed);background:var(--handed)}\
.key{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;padding:0;margin:.5rem 0;list-style:none}.key i{display:inline-block;width:.9rem;height:.9rem;border-radius:.2rem;margin-right:.4rem;vertical-align:-.1rem}\
summary{cursor:pointer;font-weight:600}:focus-visible{outline:3px solid var(--main);outline-offset:2px}\
@media print{section,.tiles li{break-inside:avoid}label,input{display:none}}";

/// Works the costs out again when the rate is changed.
const SCRIPT: &str = "\
const rate=document.getElementById('rate');\
rate.addEventListener('input',()=>{const one=Number(rate.value);if(!(one>=0))return;\
for(const e of document.querySelectorAll('[data-minutes]'))e.textContent=e.dataset.currency+' '+Math.round(e.dataset.minutes/60*one)});";

/// The page. `about` is what whoever made the export says of it, `real` what came of it in a running application.
#[must_use]
pub fn page(
    name: &str,
    about: &str,
    import: &Import,
    backtest: &Backtest,
    figures: &Figures,
    terms: &Terms,
    real: Option<&BTreeMap<String, Actual>>,
) -> String {
    let all = &figures.all;
    let closed = all.alone + all.approval + all.question;
    let hash = |text: &str| base64(&Sha256::digest(text.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'", hash(STYLE), hash(SCRIPT));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { "Backtest of " (name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#types" { "To the table of types" }
                main {
                    h1 { "What would have become of these tickets" }
                    p { (all.tickets) " closed tickets of " strong { (name) } ", " (day(figures.span.0)) " to " (day(figures.span.1)) ", replayed in the order in which they came. What was known about each is what tickets taught that were closed before it." }
                    @if backtest.open > 0 { p.soft { (backtest.open) " tickets that are not closed were left out." } }
                    @if !about.is_empty() { p { strong { "About this export: " } (about) } }
                    ul.tiles {
                        li { b { (closed) " of " (all.tickets) } "would have been closed: " (all.alone) " alone, " (all.approval) " with an approval, " (all.question) " after a question" }
                        li { b { (percent(all.level_one_closed, all.level_one)) } "of level 1 (" (all.level_one_closed) " of " (all.level_one) " tickets that nobody escalated), those left out where the technicians did otherwise" }
                        li { b { (hours(all.minutes)) " h" } (money(all.minutes, terms)) " saved where the technicians did the same; at most " (hours(all.minutes_at_most)) " h, " (money(all.minutes_at_most, terms)) ", with what is too thin to compare" }
                        li {
                            @match figures.first {
                                Some((half, most)) => { b { (long(half)) } "to the first closed ticket after connecting, at half of all moments; " (long(most)) " at nine in ten" }
                                None => { b { "none" } "of these tickets would have been closed alone, so no time to the first can be told" }
                            }
                        }
                    }
                    p { label { "Cost of a technician's hour in " (terms.currency) input #rate type="number" min="0" step="1" value=(format!("{:.0}", terms.rate)); } }
                    section aria-labelledby="bars" {
                        h2 #bars { "By type" }
                        (key())
                        (bars(figures))
                    }
                    section aria-labelledby="weeks" {
                        h2 #weeks { "By week" }
                        p.soft { "All tickets, and in front those that would have been closed without the technicians having done otherwise." }
                        (weeks(figures))
                    }
                    section aria-labelledby="types" {
                        h2 #types { "Types, as they were read" }
                        (types(figures, terms))
                        p.soft { "Agreed: filed as most such tickets before, and neither escalated nor approved by somebody. Thin: too few earlier tickets to compare. Filed as: type and subtype foretold by firm evidence." }
                        p { "Handed over because of: " (reasons(figures)) "." }
                    }
                    @if let Some(real) = real { (came(figures, real)) }
                    (differences(backtest))
                    (learned(backtest, figures))
                    (closings(backtest))
                    (rows(import))
                    section aria-labelledby="assumed" {
                        h2 #assumed { "What is assumed" }
                        ul { @for line in assumptions(terms).iter().chain(&import.assumed) { li { (line) } } }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

fn money(minutes: u64, terms: &Terms) -> Markup {
    html! { span data-minutes=(minutes) data-currency=(terms.currency) { (cost(minutes, terms)) } }
}

fn key() -> Markup {
    html! {
        ul.key {
            li { i.alone {} "closed alone" }
            li { i.approval {} "with an approval" }
            li { i.question {} "after a question" }
            li { i.handed {} "handed over" }
        }
    }
}

fn ranked(figures: &Figures) -> Vec<(&String, &Row)> {
    let mut rows: Vec<_> = figures.rows.iter().collect();
    // What would have been closed is what one looks for.
    rows.sort_by_key(|(_, row)| std::cmp::Reverse((row.tickets - row.handed_over, row.tickets)));
    rows
}

/// Names of types as people read them.
fn plain(intent: &str) -> String {
    if intent.is_empty() { "not understood".into() } else { intent.replace('_', " ") }
}

fn bars(figures: &Figures) -> Markup {
    let rows = ranked(figures);
    let rows = rows.get(..BARS.min(rows.len())).unwrap_or_default();
    let most = rows.iter().map(|(_, row)| row.tickets).max().unwrap_or(1).max(1);
    let (left, width, height) = (170.0, 600.0, 30.0);
    let scale = |count: usize| count as f64 / most as f64 * width;
    html! {
        svg role="img" aria-label="Tickets by type and by what would have become of them; the table below has the numbers" viewBox=(format!("0 0 900 {}", rows.len() * 30)) {
            @for (n, (name, row)) in rows.iter().enumerate() {
                @let top = n as f64 * height;
                text x="160" y=(top + 20.0) text-anchor="end" { (plain(name)) }
                @let parts = [("alone", row.alone), ("approval", row.approval), ("question", row.question), ("handed", row.handed_over)];
                @for (at, (class, count)) in parts.iter().enumerate() {
                    @if *count > 0 {
                        @let before: usize = parts.iter().take(at).map(|(_, count)| count).sum();
                        rect class=(class) x=(format!("{:.1}", left + scale(before))) y=(top + 5.0) width=(format!("{:.1}", scale(*count))) height="20" { title { (plain(name)) ": " (count) } }
                    }
                }
                text.soft x=(format!("{:.1}", left + scale(row.tickets) + 8.0)) y=(top + 20.0) { (row.tickets) }
            }
        }
    }
}

fn weeks(figures: &Figures) -> Markup {
    let most = figures.weeks.iter().map(|(tickets, _)| *tickets).max().unwrap_or(1).max(1);
    let step = 860.0 / figures.weeks.len().max(1) as f64;
    let high = |count: usize| count as f64 / most as f64 * 150.0;
    html! {
        svg role="img" aria-label=(format!("Tickets by week, at most {most}")) viewBox="0 0 900 200" {
            line.soft x1="20" x2="880" y1="170" y2="170" stroke="currentColor" stroke-width="1" {}
            @for (n, (tickets, closed)) in figures.weeks.iter().enumerate() {
                @let x = 20.0 + n as f64 * step;
                rect.handed x=(format!("{x:.1}")) y=(format!("{:.1}", 170.0 - high(*tickets))) width=(format!("{:.1}", step * 0.8)) height=(format!("{:.1}", high(*tickets))) { title { "week " (n + 1) ": " (tickets) " tickets" } }
                rect.alone x=(format!("{x:.1}")) y=(format!("{:.1}", 170.0 - high(*closed))) width=(format!("{:.1}", step * 0.8)) height=(format!("{:.1}", high(*closed))) { title { "week " (n + 1) ": " (closed) " would have been closed" } }
            }
            text.soft x="20" y="190" { (day(figures.span.0)) }
            text.soft x="880" y="190" text-anchor="end" { (day(figures.span.1)) }
            text.soft x="20" y="14" { (most) " a week at most" }
        }
    }
}

fn types(figures: &Figures, terms: &Terms) -> Markup {
    let cells = |row: &Row| {
        html! {
            @for count in [row.tickets, row.alone, row.approval, row.question, row.handed_over, row.agrees, row.disagrees, row.thin] { td.n { (count) } }
            td.n { (percent(row.filed.1, row.filed.0)) }
            td.n { (hours(row.minutes)) }
            td.n { (money(row.minutes, terms)) }
        }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Types" {
            table {
                thead { tr { th scope="col" { "type" } @for name in ["tickets", "alone", "approval", "question", "handed over", "agreed", "disagreed", "thin", "filed as", "hours", "cost"] { th.n scope="col" { (name) } } } }
                tbody { @for (name, row) in ranked(figures) { tr { th scope="row" { (plain(name)) } (cells(row)) } } }
                tfoot { tr { th scope="row" { "all" } (cells(&figures.all)) } }
            }
        }
    }
}

/// What was foretold beside what came.
fn came(figures: &Figures, real: &BTreeMap<String, Actual>) -> Markup {
    html! {
        section aria-labelledby="came" {
            h2 #came { "The first closed ticket, foretold and real" }
            p.soft { "Real: counted from the moment at which somebody let the agent act on the type." }
            div.scroll tabindex="0" role="region" aria-label="Foretold and real" {
                table {
                    thead { tr { @for name in ["type", "foretold", "real"] { th scope="col" { (name) } } } }
                    tbody { @for [name, foretold, came] in actual::both(figures, real) { tr { th scope="row" { (plain(&name)) } td { (foretold) } td { (came) } } } }
                }
            }
        }
    }
}

fn reasons(figures: &Figures) -> String {
    let mut reasons: Vec<_> = figures.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    reasons.into_iter().map(|(why, count)| format!("{why} ({count})")).collect::<Vec<_>>().join(", ")
}

fn differences(backtest: &Backtest) -> Markup {
    let all = disagreements(backtest);
    html! {
        section aria-labelledby="differ" {
            h2 #differ { "Where both sides differ (" (all.len()) ")" }
            @if all.is_empty() { p { "Nowhere that could be compared." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Disagreements" {
                    table {
                        thead { tr { th scope="col" { "ticket" } th scope="col" { "both sides" } } }
                        tbody { @for (ticket, why) in all.iter().take(LISTED) { tr { th scope="row" { (ticket) } td { (why) } } } }
                    }
                }
                @if all.len() > LISTED { p.soft { "and " (all.len() - LISTED) " more" } }
            }
        }
    }
}

fn learned(backtest: &Backtest, figures: &Figures) -> Markup {
    let (firm, thin): (Vec<_>, Vec<_>) = approvers(backtest).into_iter().partition(|(_, lesson)| !lesson.thin);
    let table = |rows: &[(&str, &Lesson)]| {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Approvers" {
                table {
                    thead { tr { @for name in ["client", "type", "for", "approver"] { th scope="col" { (name) } } th.n scope="col" { "tickets" } th scope="col" { "such as" } th scope="col" { "but not in" } } }
                    tbody {
                        @for (client, lesson) in rows.iter().take(LISTED) {
                            tr.thin[lesson.thin] {
                                td { (client) } td { (plain(&lesson.intent)) } td { (if lesson.about.is_empty() { "all" } else { &lesson.about }) } td { (lesson.value) }
                                td.n { (lesson.support) " of " (lesson.of) } td { (lesson.evidence.join(", ")) } td { (lesson.exceptions.join(", ")) }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        section aria-labelledby="approvers" {
            h2 #approvers { "Approvers that tickets name" }
            p { "A proposal, and nothing more, until a person accepts it. Of the tickets that were handed over, " (figures.approver_known) " had an approval whose approver was known beforehand; " (figures.all.approver.1) " of " (figures.all.approver.0) " foretold approvers were the right one." }
            @if firm.is_empty() { p { "No approver is named often and clearly enough." } } @else { (table(&firm)) }
            @if !thin.is_empty() { details { summary { (thin.len()) " more, too thin to build on" } (table(&thin)) } }
        }
    }
}

/// How each type is closed, over all clients.
fn closings(backtest: &Backtest) -> Markup {
    let lessons: Vec<&Lesson> = backtest.lessons.get("").into_iter().flatten().collect();
    let mut intents: Vec<(&str, u32)> = lessons.iter().filter(|lesson| lesson.kind == "share").map(|lesson| (lesson.intent.as_str(), lesson.support)).collect();
    intents.sort_by_key(|(_, support)| std::cmp::Reverse(*support));
    let of =
        |intent: &str, kind: &str, about: &str| lessons.iter().find(|lesson| lesson.intent == intent && lesson.kind == kind && lesson.about == about).copied();
    let told = |lesson: Option<&Lesson>| {
        html! {
            @match lesson {
                None => { "-" }
                Some(lesson) if lesson.value.is_empty() => { span.thin[lesson.thin] { (percent(lesson.support as usize, lesson.of as usize)) } }
                Some(lesson) => { span.thin[lesson.thin] { (lesson.value) " (" (lesson.support) " of " (lesson.of) (if lesson.thin { ", thin" } else { "" }) ")" } }
            }
        }
    };
    html! {
        section aria-labelledby="closings" {
            h2 #closings { "How each type is closed" }
            div.scroll tabindex="0" role="region" aria-label="How each type is closed" {
                table {
                    thead { tr { @for name in ["type", "share", "of the newest eight weeks in the newest four", "filed as", "board", "work type", "median minutes", "after hours", "reopened", "escalated", "mostly to"] { th scope="col" { (name) } } } }
                    tbody {
                        @for (intent, _) in &intents {
                            tr {
                                th scope="row" { (plain(intent)) }
                                @for (kind, about) in [("share", ""), ("trend", ""), ("field", "filed"), ("field", "board"), ("field", "work-type"), ("minutes", ""), ("after-hours", ""), ("reopened", ""), ("escalated", ""), ("escalated-to", "")] {
                                    td { (told(of(intent, kind, about))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn rows(import: &Import) -> Markup {
    let columns = import.columns.headers.values().cloned().collect::<Vec<_>>().join(", ");
    html! {
        section aria-labelledby="rows" {
            h2 #rows { "The export" }
            p { (import.records.len()) " tickets were read, " (import.repeated) " rows repeated a ticket, " (import.complaints.len()) " rows or values could not be used." }
            p.soft { "Columns: " (columns) "." @if !import.columns.unused.is_empty() { " Not used: " (import.columns.unused.join(", ")) "." } }
            @if !import.complaints.is_empty() {
                details {
                    summary { "What could not be used" }
                    ul { @for complaint in import.complaints.iter().take(LISTED) { li { "line " (complaint.line) ": " (complaint.why) (if complaint.taken { "" } else { "; left out" }) } } }
                }
            }
        }
    }
}
