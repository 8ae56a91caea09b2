//! What can be proven of a case and of a day, and whether the figures are those of the journals.

use crate::stores::{desk, root};
use firstline_core::evidence::{Proof, verify};
use firstline_core::figures::{Figures, Links, Spread, Unblocked};
use firstline_host::desk::{Desk, TENANTS};
use firstline_host::fortnight::Diary;
use firstline_host::visit::{JANE, Visit};
use firstline_host::{Config, Memory, build, fortnight};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

async fn cases(desk: &Desk, tenant: &str, day: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let (status, body) = desk.api("GET", &format!("/api/tenants/{tenant}/cases?day={day}&after={after}"), "").await.unwrap();
        assert_eq!(status, 200, "{body}");
        all.extend(body["cases"].as_array().unwrap().iter().cloned());
        match body["next"].as_i64() {
            Some(next) => after = next,
            None => return all,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_bundle_of_the_main_job_proves_it_and_holds_no_secret() {
    let desk = desk(Arc::new(Memory::default()), |_| {}).await;
    let visit = Visit::new(&desk, JANE);
    visit.say("hi").await.unwrap();
    visit.say("I'm locked out and I forgot my password").await.unwrap();
    let id = cases(&desk, "acme", "2026-11-23").await[0]["case"].as_str().unwrap().to_string();
    let path = format!("/api/cases/{id}/evidence");
    let key = desk.keys.verifying_key().unwrap();
    let open = desk.lines(&path).await.unwrap();
    assert!(verify(&open, &key).unwrap_err().why.contains("still open"), "{open}");

    visit.press("Yes").await.unwrap();
    let link = visit.link().unwrap();
    let (_, page) = visit.open(&link).await.unwrap();
    let password = page.split_once("value=\"").unwrap().1.split_once('"').unwrap().0.to_string();
    let bundle = desk.lines(&path).await.unwrap();
    let proof = verify(&bundle, &key).unwrap();
    let Proof::Case { synopsis, changes, requests, tenant, state, .. } = &proof else { panic!("{proof:?}") };
    let synopsis = synopsis.as_ref().unwrap();
    assert_eq!((tenant.as_str(), state.as_str()), ("acme", "closed"));
    assert!(synopsis.requester.as_ref().unwrap().contains("jane@acme.example") && synopsis.verified.as_ref().unwrap().contains("workspace"));
    assert!(!synopsis.rules.is_empty() && synopsis.done.iter().any(|line| line.contains("pressed `yes`")), "{synopsis:?}");
    assert!(*requests > 20 && *changes > 8, "{requests} requests, {changes} changes");
    // The request that set the password is there, and the password is not.
    assert!(bundle.contains("passwordProfile") && bundle.contains("temporary-password"));

    let tenants: Value = serde_json::from_str(TENANTS).unwrap();
    let mut secrets: Vec<String> =
        tenants["secrets"].as_object().unwrap().values().flat_map(|of| of.as_object().unwrap().values()).map(|s| s.as_str().unwrap().into()).collect();
    secrets.extend([password, link.rsplit('/').next().unwrap().into(), desk.keys.owner_token.clone()]);
    secrets.extend(desk.keys.variables.iter().filter(|(name, _)| name.ends_with("private_key") || *name == "integrity_key").map(|(_, value)| value.clone()));
    assert!(secrets.len() > 15);
    for secret in secrets {
        assert!(!bundle.contains(&secret), "`{secret}` is in the bundle");
    }
    let broken = verify(&bundle.replacen("jane@acme.example", "june@acme.example", 1), &key).unwrap_err();
    assert_eq!(broken.line, 1, "{broken}");
}

/// Runs the `firstline` binary: whether it succeeded, and what it said.
fn firstline(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_firstline")).args(arguments).current_dir(root()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_verifies_what_a_running_application_hands_out_and_reports_its_figures() {
    let desk = desk(Arc::new(Memory::default()), |config| config.clock = Arc::new(SystemTime::now)).await;
    Visit::new(&desk, JANE).main_job().await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let (_, cases) = desk.api("GET", "/api/tenants/acme/cases", "").await.unwrap();
    let id = cases["cases"][0]["case"].as_str().unwrap_or_else(|| panic!("no case on day {now}: {cases}")).to_string();
    let folder = std::env::temp_dir().join(format!("firstline-evidence-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = move |name: &str| folder.join(name).to_str().unwrap().to_string();
    let bundle = desk.lines(&format!("/api/cases/{id}/evidence")).await.unwrap();
    std::fs::write(path("key"), desk.keys.verifying_key().unwrap() + "\n").unwrap();
    std::fs::write(path("sound"), &bundle).unwrap();
    let third = bundle.lines().nth(2).unwrap();
    std::fs::write(path("cut"), bundle.replace(&format!("{third}\n"), "")).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(firstline_host::serve::serve(desk.app.clone(), listener));
    let token = desk.keys.owner_token.clone();
    let check = move |arguments: &[&str], succeeds: bool, parts: &[&str]| {
        let (success, said) = firstline(arguments);
        assert!(success == succeeds && parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    };
    let run = move || {
        check(&["verify", &path("sound"), "--key", &path("key")], true, &["It proves:", "signed its log", "Jane Doe", "pressed `yes`", "It does not prove:"]);
        check(&["verify", "--key", &path("key"), &path("cut")], false, &["line 3: the entry", "is missing"]);
        check(&["verify", &path("sound"), "--key", &path("sound")], false, &["not with the one given"]);
        check(&["verify", &path("sound")], false, &["use `verify BUNDLE --key FILE`"]);
        check(&["verify", &path("none"), "--key", &path("key")], false, &["cannot read"]);
        check(
            &["report", "--api", &api, "--token", &token, "--tenant", "acme"],
            true,
            &["acme: 1 cases seen, 1 closed", "1 of 1 (100.0 %)", "view-once links opened        1 of 1", "unknown for 1"],
        );
        check(&["report", "--api", &api, "--token", "x", "--tenant", "acme"], false, &["answered 401"]);
        check(&["report", "--api", "https://help.example", "--token", "x", "--tenant", "acme"], false, &["was not reached"]);
        check(&["report"], false, &["use `report --api"]);
        std::fs::remove_dir_all(path("")).unwrap();
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}

/// What a journal says of its case, worked out from its facts alone.
#[derive(Debug, Default)]
struct Told {
    person: String,
    kind: String,
    reason: Option<String>,
    received: u64,
    delivered: Option<u64>,
    closed: Option<u64>,
    user: u64,
    vendors: u64,
    parts: Vec<&'static str>,
    confirmed: bool,
    ticket: Option<u64>,
    link: bool,
}

fn number(task: &Value) -> u64 {
    task.as_str().unwrap().trim_start_matches('t').parse().unwrap()
}

fn union(mut spans: Vec<(u64, u64)>, until: u64) -> u64 {
    spans.sort_unstable();
    let (mut total, mut reached) = (0, 0);
    for (from, to) in spans.into_iter().map(|(from, to)| (from, to.min(until))) {
        total += to.saturating_sub(from.max(reached));
        reached = reached.max(to);
    }
    total
}

fn told(case: &str, entries: &[Value]) -> Told {
    let opened: i64 = case.rsplit_once('-').unwrap().1.parse().unwrap();
    let facts = entries.iter().flat_map(|entry| entry["facts"].as_array().unwrap().iter().zip(entry["times"].as_array().unwrap()));
    let facts: Vec<(u64, &str, &Value)> = facts
        .map(|(fact, at)| {
            let (name, fact) = fact.as_object().unwrap().iter().next().unwrap();
            (at.as_u64().unwrap(), name.as_str(), fact)
        })
        .skip_while(|(_, name, fact)| (*name, fact["number"].as_i64()) != ("taken", Some(opened)))
        .collect();
    let mut told = Told::default();
    let (mut spans, mut answers, mut acted) = (BTreeMap::new(), Vec::new(), None);
    let mut calls: BTreeMap<(u64, u64), Vec<Value>> = BTreeMap::new();
    let mut before = 0;
    for (at, name, fact) in facts {
        let batch = || (number(&fact["task"]), fact["batch"].as_u64().unwrap());
        match name {
            "taken" if told.person.is_empty() => {
                told.person = fact["event"]["author"].as_str().unwrap().into();
                told.received = fact["event"]["received"].as_u64().unwrap();
            }
            "taken" => answers.push((before, fact["event"]["received"].as_u64().unwrap())),
            "understood" => told.confirmed |= told.closed.is_some() && fact["understanding"]["candidates"][0]["intent"] == "thanks",
            "before" => {
                spans.entry(batch()).or_insert((at, at));
                let filled = |call: &Value| call["request"]["fill"].as_array().is_some_and(|fills| fills.iter().any(|fill| fill["name"] == "link"));
                told.link |= fact["requests"].as_array().unwrap().iter().any(filled);
                calls.insert(batch(), fact["requests"].as_array().unwrap().clone());
            }
            "after" => {
                spans.get_mut(&batch()).unwrap().1 = at;
                for (call, reply) in calls[&batch()].iter().zip(fact["replies"].as_array().unwrap()) {
                    if !(200..300).contains(&reply["response"]["status"].as_u64().unwrap_or_default()) {
                        continue;
                    }
                    match call["call"].as_str().unwrap() {
                        "note_internal" => {
                            let body: Value = serde_json::from_str(call["request"]["body"]["json"].as_str().unwrap()).unwrap();
                            let text = body["text"].as_str().unwrap().to_string();
                            let after = |what: &str, to: char| Some(text.split_once(what)?.1.split(to).next()?.to_string());
                            told.kind = after("Type: ", '\n').unwrap();
                            told.reason = after("Handed over: ", '.');
                            told.parts.push("notes");
                        }
                        "time_entry" | "time_entry_billable" => told.parts.push("time"),
                        "ticket_status" => told.parts.push("status"),
                        _ => {}
                    }
                }
            }
            "waiting" => assert!(spans.insert((number(&fact["task"]), 1_000 + at), (at, fact["until"].as_u64().unwrap())).is_none()),
            "done" => {
                let outcome = fact["outcome"].as_object().map_or("", |outcome| outcome.keys().next().unwrap());
                let task = number(&fact["task"]);
                match outcome {
                    "changed" | "unchanged" if acted.is_none() => acted = Some(task),
                    "posted" if acted.is_some_and(|acted| task > acted) && told.delivered.is_none() => told.delivered = Some(at),
                    "ticket-closed" => told.closed = Some(at),
                    _ => {}
                }
            }
            _ => {}
        }
        before = at;
    }
    let until = told.delivered.unwrap_or(u64::MAX);
    told.user = answers.iter().filter(|(_, at)| *at <= until).map(|(since, at)| at - since).sum();
    told.vendors = union(spans.into_values().collect(), until);
    if !["other", "human"].contains(&told.kind.as_str()) {
        told.parts.push("type");
    }
    told
}

fn spread(values: &[u64]) -> Spread {
    if values.is_empty() {
        return Spread::default();
    }
    let mut values = values.to_vec();
    values.sort_unstable();
    let rank = |share: f64| values[(values.len() as f64 * share).ceil() as usize - 1];
    Spread { p50: rank(0.5), p90: rank(0.9) }
}

/// The figures of a tenant, from journals alone.
async fn recount(desk: &Desk, diary: &Diary, tenant: &str) -> Figures {
    let mut all = Vec::new();
    for day in 2..=15 {
        for case in cases(desk, tenant, &format!("2026-11-{day:02}")).await {
            let id = case["case"].as_str().unwrap();
            let mut entries = Vec::new();
            let mut from = String::new();
            loop {
                let (status, body) = desk.api("GET", &format!("/api/cases/{id}/journal{from}"), "").await.unwrap();
                assert_eq!(status, 200);
                entries.extend(body["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].clone()));
                match body["next"].as_str() {
                    Some(next) => from = format!("?from={next}"),
                    None => break,
                }
            }
            all.push(Told { ticket: case["ticket"].as_u64(), ..told(id, &entries) });
        }
    }
    let closed: Vec<&Told> = all.iter().filter(|case| case.closed.is_some()).collect();
    let handed: Vec<&Told> = all.iter().filter(|case| case.reason.is_some()).collect();
    let again = |(at, case): (usize, &Told)| {
        all[..at].iter().any(|other| other.person == case.person && other.kind == case.kind && case.received - other.received <= 48 * 3_600_000)
    };
    let mut figures = Figures {
        seen: all.len() as u64,
        closed: closed.len() as u64,
        handed_over: handed.len() as u64,
        open: all.iter().filter(|case| case.closed.is_none() && case.reason.is_none()).count() as u64,
        first_closed_ticket: closed.iter().filter_map(|case| case.closed).min().map(|at| at - all.iter().map(|case| case.received).min().unwrap()),
        again: all.iter().enumerate().filter(|case| again(*case)).count() as u64,
        clean: closed.iter().filter(|case| ["notes", "time", "status", "type"].iter().all(|part| case.parts.contains(part))).count() as u64,
        confirmed: closed.iter().filter(|case| case.confirmed).count() as u64,
        ..Figures::default()
    };
    let of_tenant = |(of, what): &(String, u64)| (of == tenant).then_some(*what);
    // Whoever says that it is still broken is handed over on the ticket that was closed.
    let broken = handed.iter().filter(|case| case.reason.as_deref() == Some("still-broken")).filter_map(|case| case.ticket);
    let reopened: BTreeSet<u64> = diary.reopened.iter().filter_map(of_tenant).chain(broken).collect();
    figures.reopened = closed.iter().filter(|case| case.ticket.is_some_and(|ticket| reopened.contains(&ticket))).count() as u64;
    if tenant == "globex" {
        // Its log can be read, four hours after each end.
        let within = |case: &Told, at: u64| case.delivered.unwrap() <= at && at <= case.closed.unwrap() + 4 * 3_600_000;
        let signed_in = |case: &&&Told| diary.signed_in.iter().any(|(who, at)| *who == case.person && within(case, *at));
        (figures.watched, figures.signed_in) = (figures.closed, closed.iter().filter(signed_in).count() as u64);
    }
    if tenant == "acme" {
        // 2026-11-02 is a Monday.
        let outside = |case: &&&Told| {
            let hour = (case.received - 1_793_577_600_000) / 3_600_000;
            hour / 24 % 7 > 4 || !(8..18).contains(&(hour % 24))
        };
        figures.after_hours.closed = closed.iter().filter(outside).count() as u64;
        figures.after_hours.handed_over = handed.iter().filter(outside).count() as u64;
    } else {
        figures.after_hours.unknown = figures.closed + figures.handed_over;
    }
    let links: Vec<u64> = closed.iter().filter(|case| case.link).filter_map(|case| case.delivered).collect();
    let mut after: Vec<u64> = Vec::new();
    for at in diary.opened.iter().filter_map(of_tenant) {
        // Whoever opens a link has got it last; nobody else's was sent in between.
        after.extend(links.iter().filter(|told| **told <= at).max().map(|told| at - told));
    }
    figures.links = Links { sent: links.len() as u64, opened: after.len() as u64, after: spread(&after) };
    for case in handed {
        *figures.reasons.entry(case.reason.clone().unwrap()).or_default() += 1;
    }
    let mut kinds: BTreeMap<String, Vec<[u64; 4]>> = BTreeMap::new();
    for case in closed {
        let total = case.delivered.unwrap() - case.received;
        kinds.entry(case.kind.clone()).or_default().push([total, case.user, case.vendors, total - case.user - case.vendors]);
    }
    for (kind, times) in kinds {
        let [total, user, vendors, own] = [0, 1, 2, 3].map(|part| spread(&times.iter().map(|times| times[part]).collect::<Vec<_>>()));
        figures.unblocked.insert(kind, Unblocked { cases: times.len() as u64, total, user, vendors, own });
    }
    figures
}

#[test]
fn the_figures_of_two_weeks_are_those_of_the_journals_and_every_case_and_day_is_proven() {
    build::once(&root()).unwrap();
    let cases_proven = fortnight::alone(Config::new(root().join("spin.toml")), 7, async |desk, diary| {
        let key = desk.keys.verifying_key().unwrap();
        let mut proven = 0;
        for tenant in ["acme", "globex"] {
            let (from, to) = fortnight::DAYS;
            let (status, body) = desk.api("GET", &format!("/api/metrics?tenant={tenant}&from={from}&to={to}"), "").await?;
            assert_eq!(status, 200, "{body}");
            let figures: Figures = serde_json::from_value(body["figures"].clone())?;
            assert_eq!(figures, recount(desk, diary, tenant).await, "{tenant}");
            let lively = figures.closed > 2 && figures.handed_over > 2 && figures.confirmed > 0 && figures.again > 0;
            let lively = lively && figures.links.sent > 0 && (figures.reopened > 0) == (tenant == "acme");
            let lively = lively && (tenant == "acme" || (0 < figures.signed_in && figures.signed_in < figures.watched));
            assert!(lively, "the seed is a dull one: {figures:?}");

            let mut days = String::new();
            for day in 2..=15 {
                let date = format!("2026-11-{day:02}");
                days += &desk.lines(&format!("/api/tenants/{tenant}/days/{date}")).await?;
                for case in cases(desk, tenant, &date).await {
                    let id = case["case"].as_str().unwrap();
                    let bundle = desk.lines(&format!("/api/cases/{id}/evidence")).await?;
                    let proof = verify(&bundle, &key).unwrap_or_else(|broken| panic!("{id}: {broken}"));
                    let Proof::Case { head, .. } = proof else { panic!("{proof:?}") };
                    assert!(days.contains(&head), "the day's record names the head of {id}");
                    proven += 1;
                }
            }
            let proof = verify(&days, &key).unwrap_or_else(|broken| panic!("{broken}"));
            let Proof::Days { states, .. } = &proof else { panic!("{proof:?}") };
            assert_eq!(states.values().sum::<usize>() as u64, figures.seen, "{states:?}");
        }
        Ok(proven)
    });
    assert!(cases_proven.unwrap() > 20);
}
