//! What the main job costs: counted for the budget, timed for the benchmark.

use crate::desk::{Desk, Keys, millis, unlimited, vendors};
use crate::reader::Reader;
use crate::timeline::{internal, union};
use crate::{Config, Effect, Event, Fate, Fault, Moment, Operation, Trace, simulated};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use firstline_vendors::slack::human::{Pressed, Said};
use firstline_vendors::{DEMO, Vendors};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// What the Entra reset costs, from "hi" to the closed ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Durable commits.
    pub commits: usize,
    /// Requests to vendors.
    pub requests: usize,
    /// The longest chain of requests of which each begins after the one before has ended.
    pub requests_in_series: usize,
    /// What each step does.
    pub steps: BTreeMap<String, Step>,
    /// Calls to the host by kind.
    pub host_calls: BTreeMap<String, usize>,
    /// Bytes of values that were written to the store.
    pub bytes_written: usize,
    /// Bytes of each component.
    pub component_bytes: BTreeMap<String, u64>,
    /// Linear memories of each composition.
    pub memories: BTreeMap<String, u32>,
}

/// What one webhook causes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Durable commits in their order: component, operation, kinds of keys.
    pub commits: Vec<String>,
    /// Requests to vendors that overlap, by method and host, wave after wave.
    pub waves: Vec<String>,
}

/// Sizes differ a little between machines: panic messages hold paths.
const LEEWAY_PERCENT: u64 = 5;

impl Budget {
    /// Every difference to what is held, for a person; nothing if there is none.
    #[must_use]
    pub fn differences(&self, held: &Budget) -> Vec<String> {
        let mut found = Vec::new();
        let mut differ = |what: &str, held: &Value, now: &Value| {
            if held != now {
                found.push(format!("{what}: {held} held, {now} now"));
            }
        };
        // By name, so that a new member makes the compiler ask.
        let Budget { commits, requests, requests_in_series, steps, host_calls, bytes_written, component_bytes, memories } = self;
        differ("commits", &json!(held.commits), &json!(commits));
        differ("requests", &json!(held.requests), &json!(requests));
        differ("requests in series", &json!(held.requests_in_series), &json!(requests_in_series));
        each("host calls", &held.host_calls, host_calls, &mut differ);
        each("memories", &held.memories, memories, &mut differ);
        for (name, (before, after)) in pairs(&held.component_bytes, component_bytes)
            .into_iter()
            .chain([("bytes written".into(), (Some(&(held.bytes_written as u64)), Some(&(*bytes_written as u64))))])
        {
            let near = |a: u64, b: u64| a.abs_diff(b) * 100 <= a.max(b) * LEEWAY_PERCENT;
            if before.zip(after).is_none_or(|(before, after)| !near(*before, *after)) {
                differ(&format!("bytes of {name}"), &json!(before), &json!(after));
            }
        }
        for (name, (before, after)) in pairs(&held.steps, steps) {
            let lines = |step: Option<&Step>| -> Vec<String> {
                step.into_iter()
                    .flat_map(|step| step.commits.iter().map(|commit| format!("commit {commit}")).chain(step.waves.iter().map(|wave| format!("wave {wave}"))))
                    .collect()
            };
            found.extend(diff(&lines(before), &lines(after)).into_iter().map(|line| format!("step {name}: {line}")));
        }
        found
    }
}

type Pair<'a, T> = (Option<&'a T>, Option<&'a T>);

fn pairs<'a, T>(before: &'a BTreeMap<String, T>, after: &'a BTreeMap<String, T>) -> BTreeMap<String, Pair<'a, T>> {
    let mut pairs: BTreeMap<String, Pair<'a, T>> = before.iter().map(|(name, value)| (name.clone(), (Some(value), None))).collect();
    for (name, value) in after {
        pairs.entry(name.clone()).or_default().1 = Some(value);
    }
    pairs
}

fn each<T: Serialize>(what: &str, before: &BTreeMap<String, T>, after: &BTreeMap<String, T>, differ: &mut impl FnMut(&str, &Value, &Value)) {
    for (name, (before, after)) in pairs(before, after) {
        differ(&format!("{what}, {name}"), &json!(before), &json!(after));
    }
}

/// Lines that went and lines that came.
fn diff(before: &[String], after: &[String]) -> Vec<String> {
    match (before, after) {
        ([a, before @ ..], [b, after @ ..]) if a == b => diff(before, after),
        ([before @ .., a], [after @ .., b]) if a == b => diff(before, after),
        _ => {
            // Between the first and the last difference all lines are shown: they are few.
            let gone = before.iter().map(|line| format!("- {line}"));
            gone.chain(after.iter().map(|line| format!("+ {line}"))).collect()
        }
    }
}

/// What a key is for: the constant words at its beginning.
fn kind(key: &str) -> &str {
    let words = if key.starts_with("c/") { 2 } else { 1 };
    key.match_indices('/').nth(words - 1).and_then(|(at, _)| key.get(..at)).unwrap_or(key)
}

/// Each word once, with the number of times it is there.
fn counted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in words {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, times)) => *times += 1,
            None => counts.push((word, 1)),
        }
    }
    let named = |(word, times): &(&str, usize)| if *times == 1 { (*word).to_owned() } else { format!("{word} ×{times}") };
    counts.iter().map(named).collect::<Vec<_>>().join(", ")
}

/// Keeps every event.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Recorder {
    fn trace(&self) -> Trace {
        let this = self.clone();
        Arc::new(move |event| this.0.lock().unwrap_or_else(PoisonError::into_inner).push(event))
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Step {
    fn of(events: &[Event]) -> Self {
        let mut commits = Vec::new();
        let mut waves: Vec<Vec<String>> = Vec::new();
        let mut open = 0_usize;
        let mut ended = true;
        for event in events {
            match event {
                Event::Store { component, operation, keys, commit: true, .. } => {
                    commits.push(format!("{component} {operation} {}", counted(keys.iter().map(|key| kind(key)))))
                }
                Event::Sending { method, url, .. } if !internal(url) => {
                    // Whatever begins after an end begins a new wave.
                    if ended {
                        waves.push(Vec::new());
                        ended = false;
                    }
                    open += 1;
                    let host = url.split('/').nth(2).unwrap_or_default();
                    waves.last_mut().into_iter().for_each(|wave| wave.push(format!("{method} {host}")));
                }
                Event::Sent { url, .. } if !internal(url) => {
                    open = open.saturating_sub(1);
                    ended = true;
                }
                Event::Store { .. }
                | Event::Sending { .. }
                | Event::Sent { .. }
                | Event::Inbound { .. }
                | Event::Answered { .. }
                | Event::Instance { .. }
                | Event::Denied { .. }
                | Event::Line { .. }
                | Event::Trap { .. } => {}
            }
        }
        debug_assert_eq!(open, 0, "every request has ended");
        // Requests that run together begin in no order that means anything.
        waves.iter_mut().for_each(|wave| wave.sort());
        Step { commits, waves: waves.iter().map(|wave| counted(wave.iter().map(String::as_str))).collect() }
    }
}

fn host_calls(events: &[Event]) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for event in events {
        let name = match event {
            Event::Store { operation, .. } => format!("store {operation}"),
            Event::Sending { url, .. } if internal(url) => "send to a component".into(),
            Event::Sending { .. } => "send to a vendor".into(),
            Event::Instance { .. } => "fresh instance".into(),
            Event::Sent { .. } | Event::Inbound { .. } | Event::Answered { .. } | Event::Denied { .. } | Event::Line { .. } | Event::Trap { .. } => continue,
        };
        *calls.entry(name).or_default() += 1;
    }
    calls
}

/// The person of the main job, in the demo's world.
const JANE: (&str, &str) = ("T0ACME", "U0JANE");

/// The three webhooks of the main job, by name; each is made when it is its turn.
const STEPS: [&str; 3] = ["1 hi", "2 request", "3 yes"];

fn webhook(vendors: &Vendors, user: &str, step: usize) -> Result<http::Request<Bytes>> {
    let said = |text| vendors.slack_message(&Said { workspace: JANE.0, user, text, ..Said::default() });
    let made = match step {
        0 => said("hi"),
        1 => said("I'm locked out and I forgot my password"),
        _ => vendors.slack_press(&Pressed { workspace: JANE.0, user, button: "Yes", ..Pressed::default() }),
    };
    made.map_err(anyhow::Error::msg)
}

/// Counts the Entra reset of the demo. `config` names the manifest; the store is its own.
///
/// Call it under a paused runtime with one thread: then nothing depends on how fast this machine is.
///
/// # Errors
/// The ticket is not closed.
pub async fn budget(mut config: Config) -> Result<Budget> {
    let recorder = Recorder::default();
    config.trace = recorder.trace();
    config.clock = simulated(UNIX_EPOCH + Duration::from_secs(1_790_000_000));
    let vendors = vendors(&config.clock);
    vendors.seed(&serde_json::from_str(DEMO)?).map_err(anyhow::Error::msg)?;
    // On a paused clock, requests that run together begin before the first of them ends.
    let desk = Desk::start(config, vendors, Duration::from_millis(50), Keys::make()?)?;
    desk.enter(&unlimited()?).await?;
    let mut steps = BTreeMap::new();
    let mut all = Vec::new();
    recorder.take();
    for (number, name) in STEPS.into_iter().enumerate() {
        let answer = desk.deliver(webhook(&desk.vendors, JANE.1, number)?).await;
        ensure!(answer.status() == 200, "{name} was answered {}", answer.status());
        let events = recorder.take();
        steps.insert(name.to_owned(), Step::of(&events));
        all.extend(events);
    }
    closed(&desk.vendors, 1)?;
    let written = |event: &Event| match event {
        Event::Store { operation: Operation::Set | Operation::SetMany, bytes, .. } => *bytes,
        _ => 0,
    };
    let calls = host_calls(&all);
    Ok(Budget {
        commits: steps.values().map(|step| step.commits.len()).sum(),
        requests: calls.get("send to a vendor").copied().unwrap_or_default(),
        requests_in_series: steps.values().map(|step| step.waves.len()).sum(),
        steps,
        host_calls: calls,
        bytes_written: all.iter().map(written).sum(),
        component_bytes: desk.app.sizes().files.clone(),
        memories: desk.app.sizes().memories.clone(),
    })
}

/// What 100 KB of text are made of to see what reading them costs: what people write, and what is dear to read.
pub const UNITS: [&str; 6] = ["my my my ", "Xx ", "he forgot\n", "forgot my password ", "a@b.c ", "Wendell Xylo's unlcok passwrod, approved by Zed: "];

/// A unit as often as 100 KB hold it.
#[must_use]
pub fn hundred_kilobytes(unit: &str) -> String {
    unit.repeat(100_000 / unit.len().max(1))
}

/// How long the stage takes to read 100 KB of each unit, the median of nine.
///
/// # Errors
/// The stage was not built, or it trapped.
pub async fn reading(manifest: &std::path::Path) -> Result<Vec<(&'static str, Duration)>> {
    let mut reader = Reader::start(manifest).await?;
    let mut rows = Vec::new();
    for unit in UNITS {
        let text = hundred_kilobytes(unit);
        let mut took = Vec::new();
        for _ in 0..9 {
            let asked = Instant::now();
            reader.read(&text).await?;
            took.push(asked.elapsed());
        }
        rows.push((unit, percentile(&took, 50)));
    }
    Ok(rows)
}

/// Runs the budget on a runtime as it needs it.
///
/// # Errors
/// The ticket is not closed.
pub fn budget_alone(config: Config) -> Result<Budget> {
    let run = move || -> Result<Budget> { tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(budget(config)) };
    // A runtime cannot begin within another one, so it gets a thread.
    std::thread::spawn(run).join().map_err(|_| anyhow::anyhow!("the story was broken off"))?
}

/// So many tickets are closed, and no vendor was sent what no correct client sends.
fn closed(vendors: &Vendors, expect: usize) -> Result<()> {
    let state = vendors.state();
    let count = state.pointer("/connectwise/tickets").and_then(Value::as_array).into_iter().flatten().filter(|ticket| ticket["closedFlag"] == true).count();
    ensure!(count == expect, "{count} of {expect} tickets are closed");
    let violations = vendors.violations();
    ensure!(violations.is_empty(), "the vendors were sent what no correct client sends: {violations:?}");
    Ok(())
}

/// Times of many tickets, one after the other.
#[derive(Debug, Clone)]
pub struct Times {
    /// Own time of each closed ticket: all of it but the emulators' own.
    pub tickets: Vec<Duration>,
    /// From each webhook's arrival to its answer.
    pub acknowledgements: Vec<Duration>,
    /// How the tickets' own time splits.
    pub split: Split,
    /// How long each component takes to a fresh instance.
    pub cold: BTreeMap<String, Duration>,
}

/// Where time went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Split {
    /// In operations of the store.
    pub store: Duration,
    /// In fresh instances, and on the way of requests to the vendors and back.
    pub host: Duration,
    /// Everything else: components and stages, and their scheduling.
    pub guests: Duration,
    /// In the emulators; not our own.
    pub vendors: Duration,
}

/// Spans of one kind of effect, each from `Before` to `After`.
#[derive(Default)]
struct Spans {
    open: Vec<(String, Duration)>,
    done: Vec<(Duration, Duration)>,
}

/// Takes the time of effects and fresh instances.
#[derive(Clone)]
struct Stopwatch {
    began: Instant,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    store: Spans,
    sends: Spans,
    instances: Duration,
}

impl Stopwatch {
    fn new() -> Self {
        Self { began: Instant::now(), taken: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> Fault {
        let this = self.clone();
        Arc::new(move |point| {
            let now = this.began.elapsed();
            let mut taken = this.lock();
            let (name, spans) = match point.effect {
                Effect::Store { operation, keys } => (format!("{}{operation}{keys:?}", point.component), &mut taken.store),
                Effect::Send { method, url } => (format!("{}{method}{url}", point.component), &mut taken.sends),
            };
            match point.moment {
                Moment::Before => spans.open.push((name, now)),
                Moment::After => {
                    if let Some(at) = spans.open.iter().position(|(open, _)| *open == name) {
                        let (_, from) = spans.open.swap_remove(at);
                        spans.done.push((from, now));
                    }
                }
            }
            Fate::Go
        })
    }

    fn trace(&self) -> Trace {
        let this = self.clone();
        Arc::new(move |event| {
            if let Event::Instance { took, .. } = event {
                this.lock().instances += took;
            }
        })
    }

    /// Time with an open store operation, with an open request, and in fresh instances.
    fn take(&self) -> (Duration, Duration, Duration) {
        let Taken { store, sends, instances } = std::mem::take(&mut *self.lock());
        (union(&store.done), union(&sends.done), instances)
    }
}

/// Emulated vendors that answer at once, and the time that they take for it.
struct Timed {
    vendors: Vendors,
    took: Arc<Mutex<Duration>>,
}

impl crate::Outbound for Timed {
    fn send(&self, request: http::Request<Bytes>) -> futures::future::BoxFuture<'_, Result<http::Response<Bytes>, crate::OutboundError>> {
        let began = Instant::now();
        let answer = self.vendors.handle(request).map_err(|_| crate::OutboundError::Lost);
        *self.took.lock().unwrap_or_else(PoisonError::into_inner) += began.elapsed();
        Box::pin(async {
            // Without this, work on the only thread would run to its end before anybody else's turn, which no network allows.
            tokio::task::yield_now().await;
            answer
        })
    }
}

/// Acme with so many more employees: each has a conversation of its own, as in life.
fn crowd(count: usize) -> Result<Value> {
    let mut world: Value = serde_json::from_str(DEMO)?;
    let copy = |list: Option<&mut Value>, find: &dyn Fn(&Value) -> bool, change: &dyn Fn(&mut Value, usize)| -> Result<()> {
        let list = list.and_then(Value::as_array_mut).context("the demo's world has another shape")?;
        let model = list.iter().find(|item| find(item)).context("Jane is not in the demo's world")?.clone();
        list.extend((0..count).map(|number| {
            let mut item = model.clone();
            change(&mut item, number);
            item
        }));
        Ok(())
    };
    let mail = |number: usize| format!("p{number}@acme.example");
    copy(world.pointer_mut("/slack/workspaces/0/users"), &|user| user["id"] == JANE.1, &|user, number| {
        user["id"] = json!(member(number));
        user["name"] = json!(format!("p{number}"));
        user["email"] = json!(mail(number));
    })?;
    copy(world.pointer_mut("/entra/tenants/0/users"), &|user| user["mail"] == "jane@acme.example", &|user, number| {
        user["id"] = json!(format!("4f1d{number:04}-7c2d-4f5a-9b1e-6a0d8c3e2b01"));
        user["userPrincipalName"] = json!(mail(number));
        user["mail"] = json!(mail(number));
        user["proxyAddresses"] = json!([format!("SMTP:{}", mail(number))]);
    })?;
    copy(world.pointer_mut("/connectwise/contacts"), &|contact| contact["id"] == 190, &|contact, number| {
        contact["id"] = json!(10_000 + number);
        contact["emails"] = json!([mail(number)]);
    })?;
    Ok(world)
}

fn member(number: usize) -> String {
    format!("U0P{number:05}")
}

/// Closes so many tickets one after the other, each for another person, and tells how many are done.
///
/// # Errors
/// A ticket is not closed.
pub async fn bench(mut config: Config, count: usize, progress: &mut dyn FnMut(usize)) -> Result<Times> {
    let stopwatch = Stopwatch::new();
    config.fault = stopwatch.fault();
    config.trace = stopwatch.trace();
    let clock = config.clock.clone();
    let vendors = Vendors::new(move || millis(&clock));
    vendors.seed(&crowd(count)?).map_err(anyhow::Error::msg)?;
    let took: Arc<Mutex<Duration>> = Arc::default();
    let keys = Keys::make()?;
    config.outbound = Arc::new(Timed { vendors: vendors.clone(), took: took.clone() });
    config.variables.extend(keys.variables.clone());
    let desk = Desk { app: crate::App::start(config)?, vendors, keys };
    desk.enter(&unlimited()?).await?;
    stopwatch.take();
    let mut times = Times { tickets: Vec::new(), acknowledgements: Vec::new(), split: Split::default(), cold: BTreeMap::new() };
    for number in 0..count {
        let mut all = Duration::ZERO;
        *took.lock().unwrap_or_else(PoisonError::into_inner) = Duration::ZERO;
        for step in 0..STEPS.len() {
            let webhook = webhook(&desk.vendors, &member(number), step)?;
            let began = Instant::now();
            let answer = desk.app.request(webhook).await;
            times.acknowledgements.push(began.elapsed());
            ensure!(answer.status() == 200, "a webhook was answered {}", answer.status());
            desk.app.idle().await;
            all += began.elapsed();
        }
        let theirs = *took.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.saturating_sub(theirs);
        let (store, sends, instances) = stopwatch.take();
        let host = sends.saturating_sub(theirs) + instances;
        times.split.store += store;
        times.split.host += host;
        times.split.vendors += theirs;
        times.split.guests += own.saturating_sub(store + host);
        times.tickets.push(own);
        progress(number + 1);
    }
    closed(&desk.vendors, count)?;
    times.cold = desk.app.cold_instantiation().await?;
    Ok(times)
}

/// The time that so many percent of the measurements do not exceed.
#[must_use]
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_by_their_kind() {
        for (keys, expect) in
            [(&["c/sent/acme/1/2"][..], "c/sent"), (&["log/x/1/2", "log/x/1/3", "due/5/1"], "log ×2, due"), (&["tenants"], "tenants"), (&[], "")]
        {
            assert_eq!(counted(keys.iter().map(|key| kind(key))), expect);
        }
    }

    fn sending(call: u64) -> Event {
        Event::Sending { component: "t".into(), call, method: "GET".into(), url: "https://slack.com/x".into() }
    }

    fn sent(call: u64) -> Event {
        Event::Sent { component: "t".into(), call, method: "GET".into(), url: "https://slack.com/x".into(), outcome: Ok(200), took: Duration::ZERO }
    }

    #[test]
    fn requests_that_overlap_are_one_wave() {
        for (events, waves) in [
            (vec![], vec![]),
            (vec![sending(0), sent(0), sending(1), sent(1)], vec!["GET slack.com", "GET slack.com"]),
            (vec![sending(0), sending(1), sent(1), sent(0), sending(2), sent(2)], vec!["GET slack.com ×2", "GET slack.com"]),
        ] {
            assert_eq!(Step::of(&events).waves, waves);
        }
    }

    #[test]
    fn percentiles_are_measurements_themselves() {
        let times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        for (percent, expect) in [(50, 100), (99, 198), (100, 200), (0, 1)] {
            assert_eq!(percentile(&times, percent), Duration::from_millis(expect), "{percent}");
        }
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }

    #[test]
    fn a_difference_is_told_by_name_and_a_little_size_is_none() {
        let step = |commits: &[&str]| Step { commits: commits.iter().map(ToString::to_string).collect(), waves: vec!["GET slack.com".into()] };
        let held = Budget {
            commits: 2,
            requests: 1,
            requests_in_series: 1,
            steps: [("1 hi".to_string(), step(&["a", "b"]))].into(),
            host_calls: [("store get".to_string(), 3)].into(),
            bytes_written: 1000,
            component_bytes: [("x".to_string(), 100_000)].into(),
            memories: [("x".to_string(), 1)].into(),
        };
        let mut now = held.clone();
        now.component_bytes.insert("x".into(), 104_000);
        assert!(now.differences(&held).is_empty());
        now.component_bytes.insert("x".into(), 120_000);
        now.steps.insert("1 hi".into(), step(&["a", "c", "b"]));
        now.commits = 3;
        now.host_calls.insert("store set".into(), 1);
        assert_eq!(
            now.differences(&held),
            ["commits: 2 held, 3 now", "host calls, store set: null held, 1 now", "bytes of x: 100000 held, 120000 now", "step 1 hi: + commit c"]
        );
    }
}
