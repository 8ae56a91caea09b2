//! Closed tickets are replayed by the stages as they are built.

use crate::browser::{Browser, TAB};
use crate::rig::root;
use firstline_core::hours::Calendar;
use firstline_host::backtest::{Actual, Agreement, Backtest, Course, Figures, Replayed, Stages, Terms, actual, compared, page, replay, sample, since, table};
use firstline_import::{Import, Options, read};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const HEADER: &str = "id,created,closed,company,email,department,subject,type,hours,escalated to,approved by,resolution\n";

/// A ticket of a day: what was written, and how it was closed.
fn row(id: u32, text: &str, rest: &str) -> String {
    let day = jiff::civil::date(2026, 3, 1).checked_add(jiff::Span::new().days(i64::from(id))).unwrap();
    format!("{id},{day}T09:00:00Z,{day}T10:00:00Z,Acme,jane@acme.example,Sales,{text},{rest}\n")
}

/// Fourteen resets that were filed alike, and others between and after them.
fn export() -> String {
    let mut rows: Vec<String> = (1..=14).map(|id| row(id, "I forgot my password", "Account,0.25,,,Set a new one")).collect();
    rows.push(row(20, "I forgot my password", "Hardware,0.5,,,Exchanged the keyboard"));
    rows.push(row(21, "I forgot my password", "Account,0.5,Identity team,,"));
    rows.push(row(22, "I forgot my password", "Account,,,,"));
    rows.push(row(23, "please reset the password of my colleague Bob", "Account,0.25,,,"));
    rows.push(row(24, "ich habe mein Passwort vergessen", "Account,0.25,,,"));
    rows.extend((30..42).map(|id| row(id, "please give me access to the share S:\\Quotes", "Access,0.25,,Maria Gomez,")));
    HEADER.to_string() + &rows.concat()
}

fn import(text: &str) -> Import {
    let calendar = Calendar::new("UTC", &[("mon".to_string(), "08:00-18:00".to_string())].into(), &[]).unwrap();
    read(text.as_bytes(), &Options { columns: BTreeMap::new(), day_first: None, calendar }, &mut |_| {}).unwrap()
}

async fn replayed(text: &str, matrix: &[(&str, &str)]) -> Backtest {
    firstline_host::build::once(&root()).unwrap();
    let matrix: Vec<(String, String)> = matrix.iter().map(|(action, mode)| ((*action).into(), (*mode).into())).collect();
    let mut stages = Stages::start(&root().join("spin.toml"), "autonomous", &matrix).await.unwrap();
    replay(import(text).records, &mut stages, &mut |_, _| {}).await.unwrap()
}

/// `id course agreement` of each ticket.
fn courses(backtest: &Backtest) -> Vec<String> {
    let line = |ticket: &Replayed| {
        let course = match &ticket.course {
            Course::Alone => "alone".to_string(),
            Course::Approval => "approval".to_string(),
            Course::Question => "question".to_string(),
            Course::HandedOver(why) => format!("handed over: {why}"),
        };
        let agreement = match &ticket.agreement {
            None => "",
            Some(Agreement::Agrees) => " agrees",
            Some(Agreement::Thin) => " thin",
            Some(Agreement::Disagrees(_)) => " disagrees",
        };
        format!("{} {course}{agreement}", ticket.record.ticket.id)
    };
    backtest.tickets.iter().map(line).collect()
}

#[tokio::test]
async fn each_ticket_is_judged_by_what_was_closed_before_it_came() {
    let backtest = replayed(&export(), &[]).await;
    let mut expect: Vec<String> = (1..=8).map(|id| format!("{id} alone thin")).collect();
    expect.extend((9..=14).map(|id| format!("{id} alone agrees")));
    expect
        .extend(["20 alone disagrees", "21 alone disagrees", "22 alone agrees", "23 handed over: somebody-else", "24 handed over: language"].map(String::from));
    expect.extend((30..42).map(|id| format!("{id} handed over: out-of-scope")));
    assert_eq!(courses(&backtest), expect);
    // Nobody is named before eight tickets name her, and from then on she is.
    let named: Vec<bool> = backtest.tickets.iter().rev().take(12).rev().map(|ticket| ticket.approver.is_some()).collect();
    assert_eq!(named, [[false; 8].as_slice(), &[true; 4]].concat());

    let figures = Figures::of(&backtest, &Terms::default());
    // Six of a quarter of an hour and one without any time; the others are too thin, or were dealt with otherwise.
    assert_eq!((figures.all.minutes, figures.all.minutes_at_most, figures.all.untimed), (90, 90 + 8 * 15, 1));
    assert_eq!((figures.all.alone, figures.all.agrees, figures.all.disagrees, figures.all.thin), (17, 7, 2, 8));
    assert_eq!((figures.all.level_one, figures.all.level_one_closed, figures.all.tickets), (30, 15, 31));
    assert_eq!((figures.all.approver, figures.approver_known), ((4, 4), 4));
    let told = table(&backtest, &figures, &Terms::default());
    for part in [
        "20: closed alone; the technicians: filed as Hardware, such tickets usually as Account",
        "escalated to Identity team",
        "USD 68 (at most 3.5 h",
        "maria gomez",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }

    // The order of the file is not the order in which they came.
    let export = export();
    let mut lines: Vec<&str> = export.lines().skip(1).collect();
    lines.reverse();
    assert_eq!(courses(&replayed(&(HEADER.to_string() + &lines.join("\n")), &[]).await), expect);
}

#[tokio::test]
async fn what_is_closed_later_teaches_nothing_yet() {
    let late: String = (1..=14).map(|id| row(id, "I forgot my password", "Account,0.25,,,").replace("T10:00:00Z,Acme", "T09:00:00Z,Acme")).collect();
    // All of them lie open until the last one has come.
    let late =
        late.lines().map(|line| line.split(',').enumerate().map(|(n, cell)| if n == 2 { "2026-12-01" } else { cell }).collect::<Vec<_>>().join(",") + "\n");
    let backtest = replayed(&(HEADER.to_string() + &late.collect::<String>()), &[]).await;
    assert!(backtest.tickets.iter().all(|ticket| ticket.agreement == Some(Agreement::Thin)), "{:?}", courses(&backtest));
}

#[tokio::test]
async fn the_guardrails_say_what_an_approval_is_needed_for_and_nothing_is_invented() {
    let text = HEADER.to_string() + &row(1, "I forgot my password", "Account,0.25,,,") + &row(2, "my account is locked", "Account,0.25,,,");
    assert_eq!(
        courses(&replayed(&text, &[("password_reset", "approval"), ("account_unlock", "human")]).await),
        ["1 approval thin", "2 handed over: human-by-settings"]
    );
    let open = HEADER.to_string() + "1,2026-03-01,,Acme,,,I forgot my password,,,,,\n";
    let backtest = replayed(&open, &[]).await;
    assert_eq!((backtest.tickets.len(), backtest.open), (0, 1));
}

#[test]
fn the_export_in_the_repository_is_the_one_that_is_documented() {
    let made = sample::sample(&root().join("components/intent-detection/data"), sample::SEED).unwrap();
    assert!(
        made == std::fs::read_to_string(root().join("tests/data/history.csv")).unwrap(),
        "`cargo run -- sample-history > tests/data/history.csv` writes it anew"
    );
    let import = import(&made);
    assert_eq!((import.records.len(), import.repeated, import.complaints.len()), (1_224, 6, 10));
    assert!(std::fs::read_to_string(root().join("tests/data/history.md")).unwrap().contains(&format!("seed {}", sample::SEED)));
}

/// The page of the small export, with texts that would like to be markup.
async fn shown(name: &str) -> String {
    const HOSTILE: &str = "<script>alert(1)</script>";
    let mut text = export();
    for id in 50..60 {
        let _ = write!(text, "{}", row(id, "please give me access to the share S:\\Quotes", &format!("{HOSTILE},0.25,,{HOSTILE},")).replace("Acme", HOSTILE));
    }
    let import = import(&text);
    let backtest = replayed(&text, &[]).await;
    let terms = Terms::default();
    let real = BTreeMap::from([("password_reset".to_string(), Actual::After(3.0)), (HOSTILE.to_string(), Actual::NotIn(48.0))]);
    page(name, HOSTILE, &import, &backtest, &Figures::of(&backtest, &terms), &terms, Some(&real))
}

#[tokio::test]
async fn the_page_stands_alone_and_holds_no_markup_of_others() {
    let page = shown("export.csv").await;
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert"), "{page}");
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[tokio::test]
async fn the_page_works_with_a_keyboard_and_in_either_light() {
    let Some(browser) = Browser::open().await else {
        println!("not run: chromium and chromium-driver are not installed");
        return;
    };
    let file = root().join("target/backtest-shown.html");
    std::fs::write(&file, shown("export.csv").await).unwrap();
    browser.go(&format!("file://{}", file.display())).await;
    let words = browser.page("What would have become of these tickets").await;
    assert!(words.contains("17 of 41") && words.contains("USD 68"), "{words}");
    let came =
        browser.run("return [...document.querySelectorAll('[aria-labelledby=came] tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))").await;
    let came: Vec<Vec<String>> = serde_json::from_value(came).unwrap();
    let reset = came.iter().find(|row| row[0] == "password reset").unwrap_or_else(|| panic!("{came:?}"));
    assert!(reset[1].starts_with("within ") && reset[2] == "after 3.0 h", "{reset:?}");
    assert!(came.iter().any(|row| row[1..] == ["none", "none in 48.0 h"]), "{came:?}");
    // The first Tab offers the way to the table, the second is the rate.
    browser.keys(&[TAB, TAB]).await;
    assert_eq!(browser.run("return document.activeElement.id").await, "rate");
    browser.keys(&["9"]).await;
    let rate = browser.run("return document.activeElement.value").await;
    let cost = browser.run("return document.querySelector('[data-minutes]').textContent").await;
    let rate: f64 = rate.as_str().unwrap().parse().unwrap();
    assert!(rate != 45.0 && cost == format!("USD {:.0}", (rate * 1.5).round()), "{rate} {cost}");
    browser.picture("backtest.png").await;
    // Whoever has no mouse can scroll the wide table.
    browser.run("document.querySelector('[aria-label=\"Foretold and real\"]').focus()").await;
    assert_eq!(browser.run("return document.activeElement.getAttribute('aria-label')").await, "Foretold and real");
    browser.picture("backtest-foretold-and-real.png").await;
    assert_eq!(browser.run("return document.querySelectorAll('svg rect.alone').length > 3").await, true);
    assert_eq!(browser.run("return performance.getEntriesByType('resource').length").await, 0);
}

#[test]
fn what_was_foretold_is_set_against_what_came() {
    let (hour, start) = (3_600_000, 1_800_000_000_000_u64);
    let entry = |mode: &str| serde_json::json!({"mode": mode, "at": start});
    let tenant = |autonomy: serde_json::Value| serde_json::json!({"document": {"guardrails": {"autonomy": autonomy}}});
    let case = |kind: &str, ended: u64| serde_json::json!({"kind": kind, "state": "closed", "ended": ended});
    let named = since(&tenant(serde_json::json!({"default": entry("supervised"), "account_unlock": entry("shadow")})));
    assert_eq!(named, BTreeMap::from(["mfa_reset", "password_reset"].map(|name| (name.to_string(), start))), "in shadow nothing is closed");
    assert_eq!(since(&tenant(serde_json::json!({}))), BTreeMap::new(), "nobody has said since when");
    let since = BTreeMap::from(["password_reset", "account_unlock"].map(|name| (name.to_string(), start)));
    // One from before, and a later one, are not the first.
    let closed =
        [case("password_reset", start - hour), case("password_reset", start + 5 * hour), case("password_reset", start + 3 * hour), case("printer", start)];
    let real = actual(&since, &closed, start + 48 * hour);
    assert_eq!(real, BTreeMap::from([("password_reset".to_string(), Actual::After(3.0)), ("account_unlock".to_string(), Actual::NotIn(48.0))]));
    let figures = Figures { firsts: BTreeMap::from([("password_reset".to_string(), (2.0, 30.0)), ("printer".to_string(), (1.0, 2.0))]), ..Figures::default() };
    let told = compared(&figures, &real);
    for part in [
        "password_reset",
        "within 2.0 h",
        "real: after 3.0 h",
        "account_unlock     foretold: none; real: none in 48.0 h",
        "printer",
        "the agent does not act on it",
    ] {
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_closed_ticket_is_found_in_a_running_application() {
    let rig = crate::rig::start(crate::rig::Setup::default()).await;
    rig.minutes(90).await;
    rig.says("I forgot my password").await;
    rig.presses("Yes").await;
    let (_, tenant) = rig.desk.api("GET", "/api/tenants/acme", "").await.unwrap();
    let (_, cases) = rig.desk.api("GET", "/api/tenants/acme/cases?state=closed", "").await.unwrap();
    let real = actual(&since(&tenant), cases["cases"].as_array().unwrap(), rig.now() * 1_000);
    let Actual::After(hours) = real["password_reset"] else { panic!("{real:?}") };
    assert!((1.5..1.6).contains(&hours), "{hours}");
    assert!(matches!(real["account_unlock"], Actual::NotIn(_)), "{real:?}");
}
