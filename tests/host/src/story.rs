//! Stories: what people write and press, what breaks, and what must hold at the end, as data.
//!
//! The format is described in `tests/stories/README.md`. Time is simulated, so that a wait of an hour costs nothing.

#![expect(clippy::indexing_slicing, reason = "a missing member of a JSON value reads as null")]

mod expect;
mod mark;

pub(crate) use mark::Mark;

use crate::crash::{Disturbance, Points, Trial};
use crate::desk::{Desk, Keys, MSP, TENANTS, millis, vendors};
use crate::store::{contents, under};
use crate::{App, Backend, Clock, Config, Event, Memory, Value as Stored, simulated};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use bytes::Bytes;
use expect::Expect;
use firstline_core::mailbox::Due;
use firstline_core::record;
use firstline_vendors::slack::human::{Pressed, Said, sign};
use firstline_vendors::{DEMO, Vendors};
use http::Request;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// Every story begins on Monday 2026-11-23 at 09:00 UTC.
const BEGIN: Duration = Duration::from_secs(1_795_424_400);
/// What an answer of a vendor takes.
const LATENCY: Duration = Duration::from_millis(100);
/// Webhooks of a story are signed and delivered at once; the time between two steps is a person's.
const READING: Duration = Duration::from_secs(5);
/// Slack sends again what was not taken: almost at once, after a minute, after five. It waits three seconds for an answer.
const REDELIVERIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(60), Duration::from_secs(300)];
const SLACK_WAITS: Duration = Duration::from_secs(3);
/// Longest wait for anything else in a trial.
const PATIENCE: Duration = Duration::from_secs(120);
const MINUTE: Duration = Duration::from_secs(60);
/// Minutes after the last step of a trial in which everything must have ended: more than any offer or retry takes.
const LATEST: u32 = 300;
/// Minutes after a crash: enough for two takeovers with lease and margin, and too few for an offer or a link to expire.
const RECOVERY: u32 = 6;

/// A story as it is written down.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// What it shows, in one line.
    pub title: String,
    /// The person who writes where a step names nobody.
    who: String,
    /// The MSP's document and its clients are entered as well.
    #[serde(default)]
    msp: bool,
    /// Merge patches (RFC 7396) to documents of tenants, by tenant.
    #[serde(default)]
    tenants: Map<String, Value>,
    /// A merge patch to the secrets that are entered.
    #[serde(default)]
    secrets: Value,
    /// What administrators did at the vendors before.
    #[serde(default)]
    before: Vec<Value>,
    steps: Vec<Value>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Say(Say),
    Press(Press),
    Edit(Edit),
    Echo(Echo),
    Again(Again),
    Together(Together),
    Open(Open),
    Code(Code),
    Minutes(Minutes),
    Pause(Pause),
    Act(Act),
    Fault(Broken),
    Mend(Mend),
    Configure(Configure),
    Callback(Callback),
    Answer(Answer),
    Halt(Halt),
    Call(Call),
    Backlog(Backlog),
}

/// Writes a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    say: String,
    by: Option<String>,
    #[serde(rename = "in")]
    channel: Option<String>,
    #[serde(default)]
    mention: bool,
    /// Below the bot's newest message there.
    #[serde(default)]
    below: bool,
    /// The text so many times over.
    #[serde(default = "once")]
    times: usize,
    /// Milliseconds to wait before.
    #[serde(default)]
    after: u64,
}

/// Presses a button.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Press {
    press: String,
    by: Option<String>,
    #[serde(rename = "in")]
    channel: Option<String>,
    /// Members of the payload that are replaced, by JSON pointer, before Slack signs it.
    #[serde(default)]
    forge: Map<String, Value>,
    #[serde(default)]
    after: u64,
}

/// Changes the person's last message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    edit: String,
    by: Option<String>,
}

/// Slack tells the bot of its own last message to this person.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Echo {
    echo: String,
}

/// Delivers the last webhook so many times more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Again {
    again: usize,
}

/// Messages and presses that are under way at the same time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Together {
    together: Vec<Value>,
}

/// Opens the newest link that a person was sent, and presses its button.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    /// `shown` or `gone`.
    open: String,
    by: Option<String>,
}

/// Types a code on the newest page for one that a person was sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    /// `right`: the one that was sent last; `wrong`: another; or what is typed.
    code: String,
    by: Option<String>,
    /// What it is answered.
    #[serde(default = "taken")]
    status: u16,
}

/// So many minutes pass, with a tick of the scheduler in each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Minutes {
    minutes: u32,
}

/// So many minutes pass, and no scheduler ticks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    pause: u64,
}

/// Somebody does something at a vendor by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    act: Value,
}

/// Something breaks at a vendor.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Broken {
    fault: Value,
}

/// Everything that broke at a vendor works again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mend {
    mend: String,
}

/// The MSP enters changed documents of tenants.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configure {
    configure: Map<String, Value>,
}

/// ConnectWise calls back about a ticket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Callback {
    /// `added` or `updated`.
    callback: String,
    /// The newest ticket where none is named.
    ticket: Option<u64>,
    /// The connection whose webhook it is.
    #[serde(default = "acme_desk")]
    to: String,
    /// Members that are replaced, by JSON pointer, before it is signed, and `signature`.
    #[serde(default)]
    forge: Map<String, Value>,
    /// What it is answered.
    #[serde(default = "taken")]
    answer: u16,
}

/// A person of the MSP answers the request for approval of a tenant's open case by the API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    answer: String,
    of: String,
}

/// The owner throws the kill switch by the API, of a tenant or of all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Halt {
    halt: bool,
    of: Option<String>,
}

/// The owner calls the API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    /// Method and path; `{closed}` stands for the newest closed case of the tenant `of`, and in the body `{proposal}` for the first that is proposed for it.
    api: String,
    of: Option<String>,
    /// JSON, or a text as it is.
    #[serde(default)]
    body: Value,
    /// What it is answered.
    #[serde(default = "taken")]
    status: u16,
    /// What the answer holds.
    #[serde(default)]
    says: String,
}

/// The owner looks at the backlog of a tenant by the API, and takes in what is shown; both lists must be those.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Backlog {
    backlog: String,
    days: u64,
    take: Vec<u64>,
    /// `ticket why`, each.
    #[serde(default)]
    leave: Vec<String>,
}

fn acme_desk() -> String {
    "acme-desk".into()
}

fn taken() -> u16 {
    200
}

fn once() -> usize {
    1
}

/// How a story went.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What happened, in one line.
    pub told: String,
    /// What did not hold; none if all is well.
    pub failures: Vec<String>,
    /// It ended differently from what the story tells, though safely.
    pub diverted: bool,
    /// Points that were passed.
    pub points: Points,
    /// Where instances died, or were held.
    pub struck: Vec<String>,
    /// Everything that happened.
    pub events: Vec<Event>,
}

/// Every story of a project by name, sorted.
///
/// # Errors
/// The folder cannot be read.
pub fn all(project: &Path) -> Result<Vec<(String, PathBuf)>> {
    let folder = project.join("tests/stories");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_string();
        if path.extension().is_some_and(|extension| extension == "json") && !["tenants", "msp"].contains(&name.as_str()) {
            found.push((name, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The red team's attacks, by file and number: `buttons 3`.
///
/// # Errors
/// A file cannot be read, holds no list of stories, or one that expects a change.
pub fn attacks(project: &Path) -> Result<Vec<(String, Story)>> {
    let folder = project.join("tests/stories/attacks");
    let files = std::fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut files = files.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let stories: Vec<Value> = serde_json::from_str(&text).with_context(|| format!("`{}`", path.display()))?;
        for (number, story) in stories.into_iter().enumerate() {
            let name = format!("{} {}", path.file_stem().and_then(|name| name.to_str()).unwrap_or_default(), number + 1);
            let story = parse(story).with_context(|| name.clone())?;
            ensure!(story.expect.attack(), "{name} says no `answers`, or expects a change");
            found.push((name, story));
        }
    }
    Ok(found)
}

/// Reads a story.
///
/// # Errors
/// The file is no story.
pub fn read(path: &Path) -> Result<Story> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    serde_json::from_str(&text).map_err(anyhow::Error::from).and_then(parse).with_context(|| format!("`{}`", path.display()))
}

/// A story from its JSON.
///
/// # Errors
/// The JSON is no story.
pub fn parse(story: Value) -> Result<Story> {
    let story: Story = serde_json::from_value(story)?;
    story.steps.iter().try_for_each(|step| verb(step).map(drop))?;
    Ok(story)
}

fn verb(step: &Value) -> Result<Step> {
    Step::deserialize(step).map_err(|_| anyhow!("no step that is known: {step}"))
}

/// Plays a story on a fresh desk, in simulated time. Must not be called within an asynchronous runtime.
///
/// # Errors
/// A step cannot be taken; what does not hold at the end is no error but a failure of the outcome.
pub fn play(project: &Path, story: &Story) -> Result<Outcome> {
    play_on(project, story, Arc::new(Memory::default()))
}

/// Plays a story as [`play`] does, on a store that is empty.
///
/// # Errors
/// As those of [`play`].
pub fn play_on(project: &Path, story: &Story, backend: Arc<dyn Backend>) -> Result<Outcome> {
    play_as(&Config { backend, ..Config::new(project.join("spin.toml")) }, story)
}

/// Plays a story as [`play`] does, with the configuration's manifest, stages and empty store.
///
/// # Errors
/// As those of [`play`].
pub fn play_as(config: &Config, story: &Story) -> Result<Outcome> {
    block_on(async {
        let mut player = Player::fresh(config, story, config.backend.clone(), None).await?;
        player.go().await?;
        player.end().await
    })
}

/// Plays a story through a trial from its beginning: what must hold then is that nothing is lost, nothing is done twice, and no secret is seen.
/// With `marks`, it keeps every place from which it can go on again.
///
/// # Errors
/// The desk does not open.
pub(crate) fn disturb(config: &Config, story: &Story, trial: &Trial, mut marks: Option<&mut Vec<Mark>>) -> Result<Outcome> {
    block_on(async {
        let mut player = Player::fresh(config, story, Arc::new(Memory::default()), Some(trial)).await?;
        player.marks = marks.is_some().then(Vec::new);
        player.go().await?;
        if let (Some(wanted), Some(made)) = (&mut marks, player.marks.take()) {
            **wanted = made;
        }
        player.end().await
    })
}

/// The same from a mark on.
///
/// # Errors
/// The desk does not open.
pub(crate) fn disturb_from(config: &Config, story: &Story, trial: &Trial, mark: &Mark) -> Result<Outcome> {
    block_on(async {
        let mut player = Player::resume(config, story, trial, mark)?;
        player.go().await?;
        player.end().await
    })
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(work)
}

/// What a trial adds to a story that is being played.
struct Disturbed {
    disturbance: Disturbance,
    /// A second process on the same store, in which nothing is disturbed.
    relief: Desk,
    /// Steps that could not be taken.
    missed: Vec<String>,
    /// How often each link has shown a password.
    shown: BTreeMap<String, usize>,
}

/// A story that is being played.
struct Player<'a> {
    desk: Desk,
    disturbed: Option<Disturbed>,
    story: &'a Story,
    /// The next step, and how many minutes of it have passed.
    at: (usize, u32),
    /// Where it can go on from, if anybody wants to know.
    marks: Option<Vec<Mark>>,
    backend: Arc<dyn Backend>,
    clock: Clock,
    events: Arc<Mutex<Vec<Event>>>,
    /// Documents and secrets as they were entered.
    tenants: Value,
    /// The vendors before the first step.
    world: Arc<Value>,
    last: Option<Request<Bytes>>,
    /// Every password that was set at a vendor.
    passwords: BTreeSet<String>,
    /// How much the vendors had felt when passwords were noted.
    felt: Option<u64>,
}

impl<'a> Player<'a> {
    /// A fresh desk with the story's tenants.
    async fn fresh(config: &Config, story: &'a Story, backend: Arc<dyn Backend>, trial: Option<&Trial>) -> Result<Self> {
        let mut tenants: Value = serde_json::from_str(TENANTS)?;
        if story.msp {
            add_msp(&mut tenants)?;
        }
        patch_tenants(&mut tenants, &story.tenants)?;
        merge(tenants.get_mut("secrets").context("there are no secrets")?, &story.secrets);
        let clock = simulated(UNIX_EPOCH + BEGIN);
        let vendors = vendors(&clock);
        vendors.seed(&serde_json::from_str(DEMO)?).map_err(anyhow::Error::msg)?;
        for deed in &story.before {
            vendors.act(deed).map_err(anyhow::Error::msg).with_context(|| format!("before: {deed}"))?;
        }
        let mut player = Self::start(config, story, backend, clock, vendors, Keys::make()?, trial)?;
        player.desk.enter(&tenants).await?;
        if trial.is_some() {
            // The first tick of a day tries every connection, and in a trial thousands of times.
            player.desk.tick().await?;
        }
        player.tenants = tenants;
        player.world = Arc::new(player.desk.vendors.state());
        Ok(player)
    }

    /// A desk, and in a trial a second process beside it.
    fn start(config: &Config, story: &'a Story, backend: Arc<dyn Backend>, clock: Clock, vendors: Vendors, keys: Keys, trial: Option<&Trial>) -> Result<Self> {
        let events = Arc::<Mutex<Vec<Event>>>::default();
        let heard = events.clone();
        let mut config = Config { backend: backend.clone(), clock: clock.clone(), ..config.clone() };
        config.variables.entry("extra_host_8".into()).or_insert_with(|| "https://llm.northwind.example".into());
        config.trace = Arc::new(move |event| heard.lock().unwrap_or_else(PoisonError::into_inner).push(event));
        let mut disturbed = None;
        if let Some(trial) = trial {
            let disturbance = Disturbance::new(trial, vendors.clone());
            config.trace = disturbance.trace(config.trace);
            let relief = Config { fault: disturbance.pauses(), ..config.clone() };
            let relief = Desk::start(relief, vendors.clone(), LATENCY, keys.clone())?;
            config.fault = disturbance.fault();
            disturbed = Some(Disturbed { relief, disturbance, missed: Vec::new(), shown: BTreeMap::new() });
        }
        let desk = Desk::start(config, vendors, LATENCY, keys)?;
        let (tenants, world) = (Value::Null, Arc::default());
        Ok(Player {
            desk,
            disturbed,
            story,
            at: (0, 0),
            marks: None,
            backend,
            clock,
            events,
            tenants,
            world,
            last: None,
            passwords: BTreeSet::new(),
            felt: None,
        })
    }

    /// Takes the steps that are left.
    async fn go(&mut self) -> Result<()> {
        if let Some(disturbed) = &self.disturbed {
            disturbed.disturbance.begin();
        }
        for (number, step) in self.story.steps.iter().enumerate().skip(self.at.0) {
            self.mark()?;
            let done = self.step(verb(step)?).await.with_context(|| format!("step {}: {step}", number + 1));
            match (done, &mut self.disturbed) {
                // Who comes back after a code has expired is called back instead, which leads to the same end.
                (Err(_), Some(_)) if step["code"].is_string() || step["press"] == "No code came" => {}
                (Err(error), Some(disturbed)) => disturbed.missed.push(format!("{error:#}")),
                (done, _) => done?,
            }
            self.note_passwords();
            self.recover().await?;
            self.note_passwords();
            self.at = (number + 1, 0);
        }
        self.finish().await?;
        if let Some(disturbed) = &self.disturbed {
            disturbed.disturbance.end();
        }
        Ok(())
    }

    /// A crash may have made something later than its story ends: the scheduler ticks on until nobody waits for anything.
    async fn finish(&self) -> Result<()> {
        let late = |disturbed: &Disturbed| disturbed.disturbance.over() && !disturbed.disturbance.holding_runs() && self.story.expect.ends();
        let mut left = if self.disturbed.as_ref().is_some_and(late) { LATEST } else { 0 };
        while left > 0 && !expect::waits(&under(self.backend.as_ref(), "snap/")?).is_empty() {
            left -= self.pass(left).await?;
        }
        Ok(())
    }

    /// Looks at what came of it.
    async fn end(self) -> Result<Outcome> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stored = contents(self.backend.as_ref())?;
        let mut outcome = match &self.disturbed {
            None => expect::check(&self.story.expect, &self, &stored, &events).await?,
            Some(disturbed) => expect::safety::check(&self.story.expect, &self, disturbed, &stored, &events).await?,
        };
        if let Some(disturbed) = &self.disturbed {
            (outcome.points, outcome.struck) = (disturbed.disturbance.points(), disturbed.disturbance.struck());
        }
        outcome.events = events;
        Ok(outcome)
    }

    async fn step(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Say(_) | Step::Press(_) => {
                let webhook = self.webhook(&self.named(step).await?)?;
                self.deliver(webhook, taken()).await?;
            }
            Step::Edit(Edit { edit, by }) => {
                let (workspace, user) = self.person(by.as_deref())?;
                let channel = direct(&user);
                let ts = self.newest(&channel, &user)?;
                let webhook = self.desk.vendors.slack_edit(&workspace, &channel, &ts, &edit).map_err(anyhow::Error::msg)?;
                self.deliver(webhook, taken()).await?;
            }
            Step::Echo(Echo { echo }) => {
                let (workspace, user) = self.person(Some(&echo))?;
                let channel = direct(&user);
                let ts = self.newest(&channel, "U0BOT")?;
                let webhook = self.desk.vendors.slack_echo(&workspace, &channel, &ts).map_err(anyhow::Error::msg)?;
                self.deliver(webhook, taken()).await?;
            }
            Step::Again(Again { again }) => {
                let webhook = self.last.clone().context("nothing was delivered yet")?;
                for _ in 0..again {
                    self.deliver(self.signed_now(webhook.clone())?, taken()).await?;
                }
            }
            Step::Callback(Callback { callback, ticket, to, forge, answer }) => {
                let state = self.desk.vendors.state();
                let newest = || state["connectwise"]["tickets"].as_array().into_iter().flatten().filter_map(|ticket| ticket["id"].as_u64()).max();
                let ticket = ticket.or_else(newest).context("there is no ticket")?;
                let webhook = self.desk.vendors.connectwise_callback(&format!("/webhooks/{to}"), ticket, &callback, &forge).map_err(anyhow::Error::msg)?;
                self.deliver(webhook, answer).await?;
            }
            Step::Together(Together { together }) => {
                let steps = together.iter().map(verb).collect::<Result<Vec<_>>>()?;
                futures::future::try_join_all(steps.iter().map(|step| self.alongside(step))).await?;
                self.rest().await;
            }
            Step::Halt(Halt { halt, of }) => {
                let path = of.map_or_else(|| "/api/halt".into(), |tenant| format!("/api/tenants/{tenant}/halt"));
                let (status, answer) = self.desk.api("POST", &path, serde_json::json!({ "halted": halt }).to_string()).await?;
                ensure!(status == 200, "the switch was answered with {status}: {answer}");
            }
            Step::Backlog(backlog) => self.backlog(&backlog).await?,
            Step::Answer(Answer { answer, of }) => self.answer(&answer, &of).await?,
            Step::Call(call) => self.call(call).await?,
            Step::Open(Open { open, by }) => self.open(&open, by.as_deref()).await?,
            Step::Code(code) => self.type_code(&code).await?,
            Step::Minutes(Minutes { minutes }) => {
                while self.at.1 < minutes {
                    self.at.1 += self.pass(minutes - self.at.1).await?;
                    self.mark()?;
                }
            }
            Step::Pause(Pause { pause }) => tokio::time::sleep(Duration::from_secs(60 * pause)).await,
            Step::Act(Act { act }) => self.desk.vendors.act(&act).map_err(anyhow::Error::msg)?,
            Step::Fault(Broken { fault }) => self.desk.vendors.fault(&fault).map_err(anyhow::Error::msg)?,
            Step::Mend(Mend { mend }) => self.desk.vendors.mend(&mend),
            Step::Configure(Configure { configure }) => {
                patch_tenants(&mut self.tenants, &configure)?;
                for tenant in configure.keys() {
                    let document = documents(&self.tenants).find(|document| document["tenant"] == **tenant).context("no such tenant")?;
                    let (status, answer) = self.desk.api("PUT", &format!("/api/tenants/{tenant}"), document.to_string()).await?;
                    ensure!(status == 200, "the document was refused with {status}: {answer}");
                }
            }
        }
        Ok(())
    }

    async fn call(&self, Call { api, of, body, status, says }: Call) -> Result<()> {
        let (method, mut path) = api.split_once(' ').map(|(method, path)| (method, path.to_string())).context("`api` is a method and a path")?;
        let mut body = body.as_str().map_or_else(|| if body.is_null() { String::new() } else { body.to_string() }, str::to_string);
        if let Some(tenant) = of {
            if path.contains("{closed}") {
                path = path.replace("{closed}", &self.closed(&tenant).await?);
            }
            if body.contains("{proposal}") {
                let (_, shown) = self.desk.api("GET", &format!("/api/tenants/{tenant}/proposals"), "").await?;
                body = body.replace("{proposal}", shown["proposals"][0]["id"].as_str().context("nothing is proposed")?);
            }
        }
        let (got, answer) = self.desk.api(method, &path, body).await?;
        let text = answer.to_string();
        ensure!(got == status && text.contains(&says), "{api} was answered with {got}: {text}");
        self.rest().await;
        tokio::time::sleep(READING).await;
        Ok(())
    }

    /// The days that the story has gone through.
    fn days(&self) -> impl Iterator<Item = String> {
        const DAY: u64 = 86_400;
        let last = millis(&self.clock) / 1_000 / DAY;
        (BEGIN.as_secs() / DAY..=last).filter_map(|day| Some(firstline_core::hours::stamp(day * DAY * 1_000)?.split('T').next()?.to_string()))
    }

    /// The newest closed case of a tenant.
    async fn closed(&self, tenant: &str) -> Result<String> {
        let (_, listed) = self.desk.api("GET", &format!("/api/tenants/{tenant}/cases?state=closed"), "").await?;
        let newest = listed["cases"].as_array().and_then(|cases| cases.iter().max_by_key(|case| case["received"].as_u64()));
        Ok(newest.and_then(|case| case["case"].as_str()).context("no case is closed")?.to_string())
    }

    /// A step whose text names a case, as whoever writes it reads the name on the ticket.
    async fn named(&self, step: Step) -> Result<Step> {
        let Step::Say(mut say) = step else { return Ok(step) };
        if let Some(tenant) = say.say.split_once("{closed ").and_then(|(_, rest)| rest.split_once('}')).map(|(tenant, _)| tenant.to_string()) {
            say.say = say.say.replace(&format!("{{closed {tenant}}}"), &self.closed(&tenant).await?);
        }
        Ok(Step::Say(say))
    }

    /// Nothing happens before the plan that was shown is called by its name.
    async fn backlog(&self, backlog: &Backlog) -> Result<()> {
        let Backlog { backlog: tenant, days, take, leave } = backlog;
        let path = format!("/api/tenants/{tenant}/backlog");
        let (status, plan) = self.again("GET", &format!("{path}?days={days}"), String::new()).await?;
        ensure!(status == 200, "the backlog was answered with {status}: {plan}");
        let items = |name: &str| plan[name].as_array().cloned().unwrap_or_default();
        let shown: Vec<u64> = items("take").iter().filter_map(|item| item["ticket"].as_u64()).collect();
        let left: Vec<String> = items("leave").iter().map(|item| format!("{} {}", item["ticket"], item["why"].as_str().unwrap_or_default())).collect();
        ensure!(shown == *take && left == *leave, "the backlog shows {shown:?} and leaves {left:?}");
        let (status, answer) = self.again("POST", &path, serde_json::json!({"days": days, "plan": "0123456789abcdef"}).to_string()).await?;
        ensure!(status == 409, "another plan than was shown was answered with {status}: {answer}");
        let (status, answer) = self.again("POST", &path, serde_json::json!({"days": days, "plan": plan["plan"]}).to_string()).await?;
        ensure!(status == 200 && answer["taken"] == shown.len(), "the plan was answered with {status}: {answer}");
        Ok(())
    }

    /// Calls the API; when it says so, a person tries again.
    async fn again(&self, method: &str, path: &str, body: String) -> Result<(u16, Value)> {
        let mut answer = self.desk.api(method, path, body.clone()).await?;
        for _ in 0..2 {
            if answer.0 != 502 {
                break;
            }
            answer = self.desk.api(method, path, body.clone()).await?;
        }
        Ok(answer)
    }

    async fn answer(&self, choice: &str, tenant: &str) -> Result<()> {
        let (_, listed) = self.desk.api("GET", &format!("/api/tenants/{tenant}/cases?state=open"), "").await?;
        let case = listed["cases"][0]["case"].as_str().context("no case is open")?;
        let path = format!("/api/cases/{case}/approval");
        let (_, waits) = self.desk.api("GET", &path, "").await?;
        let given = serde_json::json!({"request": waits["request"], "choice": choice});
        let (status, answer) = self.desk.api("POST", &path, given.to_string()).await?;
        ensure!(status == 200, "the answer was refused with {status}: {answer}");
        self.rest().await;
        tokio::time::sleep(READING).await;
        Ok(())
    }

    /// Delivers a webhook that Slack signs at that moment, and does not wait for the work that it begins.
    async fn alongside(&self, step: &Step) -> Result<()> {
        let after = match step {
            Step::Say(Say { after, .. }) | Step::Press(Press { after, .. }) => *after,
            _ => bail!("only messages and presses can be under way together"),
        };
        tokio::time::sleep(Duration::from_millis(after)).await;
        self.hand_in(self.webhook(step)?, taken()).await
    }

    /// A vendor delivers a webhook, and in a trial delivers it again as long as it is not answered like this.
    async fn hand_in(&self, webhook: Request<Bytes>, wanted: u16) -> Result<()> {
        let Some(Disturbed { disturbance, relief, .. }) = &self.disturbed else { return answered(&self.desk.app.request(webhook).await, wanted) };
        let app = if disturbance.aside() { &relief.app } else { &self.desk.app };
        let mut answer = if disturbance.twice() {
            // The copy's answer counts for nothing.
            futures::future::join(send(app, webhook.clone(), SLACK_WAITS), send(&self.desk.app, webhook.clone(), SLACK_WAITS)).await.0
        } else {
            send(app, webhook.clone(), SLACK_WAITS).await
        };
        for pause in REDELIVERIES {
            if answer.as_ref().is_ok_and(|answer| answer.status() == wanted) {
                break;
            }
            tokio::time::sleep(pause).await;
            answer = send(&relief.app, self.signed_now(webhook.clone())?, SLACK_WAITS).await;
        }
        answered(&answer?, wanted)
    }

    /// The same webhook as Slack signs it now.
    fn signed_now(&self, webhook: Request<Bytes>) -> Result<Request<Bytes>> {
        let (mut parts, body) = webhook.into_parts();
        let secret = workspaces(&self.world).find(|known| known["request_path"] == *parts.uri.path()).and_then(|known| known["signing_secret"].as_str());
        let seconds = millis(&self.clock) / 1_000;
        parts.headers.insert("x-slack-request-timestamp", seconds.into());
        parts.headers.insert("x-slack-signature", sign(secret.unwrap_or_default(), seconds, &body).parse()?);
        Ok(Request::from_parts(parts, body))
    }

    /// Waits until all work has ended, or is held.
    async fn rest(&self) {
        match &self.disturbed {
            None => self.desk.app.idle().await,
            Some(Disturbed { disturbance, relief, .. }) => tokio::select! {
                ((), ()) = futures::future::join(self.desk.app.idle(), relief.app.idle()) => {}
                () = disturbance.held() => {}
                // A sender that gave up leaves an instance behind which waits for it.
                () = tokio::time::sleep(PATIENCE) => {}
            },
        }
    }

    async fn tick(&self) -> Result<()> {
        let Some(Disturbed { disturbance, .. }) = &self.disturbed else { return self.desk.tick().await.map(drop) };
        disturbance.ticking(true);
        let request = Request::post("/api/tick").header("authorization", format!("Bearer {}", self.desk.keys.owner_token)).body(Bytes::new())?;
        let answer = tokio::select! {
            answer = send(&self.desk.app, request, PATIENCE) => answer.map(|answer| answer.status()),
            () = disturbance.held() => Ok(http::StatusCode::ACCEPTED),
        };
        self.rest().await;
        disturbance.ticking(false);
        match answer {
            Ok(status) if status.is_success() => Ok(()),
            // A scheduler does not mind; it comes again.
            _ if disturbance.unseen() => Ok(()),
            Ok(status) => bail!("the tick was refused with {status}"),
            Err(error) => Err(error),
        }
    }

    /// Lets simulated minutes pass until the next tick, and ticks: beside what is held, if anything is. Returns how many.
    async fn pass(&self, most: u32) -> Result<u32> {
        let passed = self.until_due(most)?;
        tokio::time::sleep(MINUTE * passed).await;
        match self.disturbed.as_ref().filter(|disturbed| disturbed.disturbance.holds()) {
            Some(disturbed) => disturbed.relief.tick().await.map(drop)?,
            None => self.tick().await?,
        }
        Ok(passed)
    }

    /// Minutes until the next tick, of which there are so many at most. Ticks come every minute; once the last crash of a trial was taken over,
    /// those are left out in which nothing is due, as a long wait has hundreds of crashes.
    fn until_due(&self, most: u32) -> Result<u32> {
        let over = |disturbed: &Disturbed| disturbed.disturbance.over() && !disturbed.disturbance.holds();
        if !self.disturbed.as_ref().is_some_and(over) {
            return Ok(1);
        }
        let now = millis(&self.clock);
        let entries = under(self.backend.as_ref(), "due/")?;
        let due = entries.values().filter_map(|value| match value {
            Stored::Bytes(bytes) => record::read::<Due>(bytes).ok(),
            Stored::Counter(_) => None,
        });
        let next = due.map(|due| due.at).filter(|at| *at > now).min();
        Ok(next.map_or(most, |next| u32::try_from((next - now).div_ceil(60_000)).unwrap_or(most)).clamp(1, most))
    }

    /// Lets the scheduler tick until whatever died was taken over. What was held goes on after that.
    async fn recover(&self) -> Result<()> {
        let Some(Disturbed { disturbance, .. }) = &self.disturbed else { return Ok(()) };
        while disturbance.seen() {
            let mut left = RECOVERY;
            while left > 0 {
                left -= self.pass(left).await?;
            }
            disturbance.release();
            self.rest().await;
            tokio::time::sleep(READING).await;
        }
        Ok(())
    }

    fn webhook(&self, step: &Step) -> Result<Request<Bytes>> {
        let vendors = &self.desk.vendors;
        match step {
            Step::Say(say) => {
                let (workspace, user) = self.person(say.by.as_deref())?;
                let text = say.say.repeat(say.times);
                let thread = say.channel.as_deref().filter(|_| say.below).map(|channel| self.newest(channel, "U0BOT")).transpose()?;
                let (channel, thread) = (say.channel.as_deref(), thread.as_deref());
                let said = Said { workspace: &workspace, user: &user, channel, text: &text, thread, mention: say.mention };
                vendors.slack_message(&said).map_err(anyhow::Error::msg)
            }
            Step::Press(press) => {
                let (workspace, user) = self.person(press.by.as_deref())?;
                let pressed = Pressed { workspace: &workspace, user: &user, channel: press.channel.as_deref(), button: &press.press, ..Pressed::default() };
                let webhook = vendors.slack_press(&pressed).map_err(anyhow::Error::msg)?;
                if press.forge.is_empty() { Ok(webhook) } else { self.forge(webhook, &workspace, &press.forge) }
            }
            _ => bail!("this step delivers no webhook of its own"),
        }
    }

    /// Changes members of an interaction and signs it anew. `{"button_of": user}` stands for the value of that person's button.
    fn forge(&self, webhook: Request<Bytes>, workspace: &str, changes: &Map<String, Value>) -> Result<Request<Bytes>> {
        let (mut parts, body) = webhook.into_parts();
        let payload = form_urlencoded::parse(&body).find(|(name, _)| name == "payload").map(|(_, payload)| payload.into_owned());
        let mut payload: Value = serde_json::from_str(&payload.context("no payload")?)?;
        for (pointer, value) in changes {
            let value = match value["button_of"].as_str() {
                Some(user) => Value::from(self.button_of(user).with_context(|| format!("no button waits for `{user}`"))?),
                None => value.clone(),
            };
            *payload.pointer_mut(pointer).with_context(|| format!("the payload has no `{pointer}`"))? = value;
        }
        let body: String = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
        let secret = workspaces(&self.world).find(|known| known["id"] == *workspace).and_then(|known| known["signing_secret"].as_str());
        let signature = sign(secret.unwrap_or_default(), millis(&self.clock) / 1_000, body.as_bytes());
        parts.headers.insert("x-slack-signature", signature.parse()?);
        Ok(Request::from_parts(parts, Bytes::from(body)))
    }

    fn button_of(&self, user: &str) -> Option<String> {
        let state = self.desk.vendors.state();
        let messages = messages(&state, &direct(user));
        let elements = messages.iter().rev().flat_map(|message| message["blocks"].as_array().into_iter().flatten());
        elements.flat_map(|block| block["elements"].as_array().into_iter().flatten()).find_map(|element| element["value"].as_str()).map(str::to_string)
    }

    async fn deliver(&mut self, webhook: Request<Bytes>, wanted: u16) -> Result<()> {
        self.last = Some(webhook.clone());
        let taken = self.hand_in(webhook, wanted).await;
        self.rest().await;
        tokio::time::sleep(READING).await;
        taken
    }

    /// Workspace and id of a person.
    fn person(&self, by: Option<&str>) -> Result<(String, String)> {
        let user = by.unwrap_or(&self.story.who);
        let holds = |workspace: &&Value| workspace["users"].as_array().into_iter().flatten().any(|known| known["id"] == *user);
        let workspace = workspaces(&self.world).find(holds).with_context(|| format!("no workspace holds `{user}`"))?;
        Ok((workspace["id"].as_str().unwrap_or_default().to_string(), user.to_string()))
    }

    /// The newest message of an author in a channel.
    fn newest(&self, channel: &str, author: &str) -> Result<String> {
        let state = self.desk.vendors.state();
        let messages = messages(&state, channel);
        let newest = messages.iter().rev().find(|message| message["user"].as_str().is_some_and(|user| user.starts_with(author)));
        newest.and_then(|message| message["ts"].as_str()).map(str::to_string).with_context(|| format!("`{author}` wrote nothing in `{channel}`"))
    }

    /// Opens the link as a person does: looks, then presses the button.
    async fn open(&mut self, expected: &str, by: Option<&str>) -> Result<()> {
        let (_, user) = self.person(by)?;
        let channel = direct(&user);
        let links = expect::links(&self.desk.vendors.calls());
        let (_, link) = links.iter().rev().find(|(to, link)| *to == channel && link.contains("/s/")).context("no link was sent")?;
        let path = format!("/s/{}", token_of(link));
        let get = self.desk.app.request(Request::get(&path).body(Bytes::new())?).await;
        ensure!(get.status() == 200, "the page behind the link was answered with {}", get.status());
        let mut post = self.press_link(&path, Bytes::new()).await?;
        // A person whose page does not load presses again; the secret may have been lost on the way, and is never shown twice.
        let lost = post.status().is_server_error();
        if let Some(disturbed) = self.disturbed.as_ref().filter(|_| lost) {
            post = disturbed.relief.app.request(Request::post(&path).body(Bytes::new())?).await;
        }
        let page = String::from_utf8_lossy(post.body());
        let set = expect::passwords(&self.desk.vendors.state());
        let shows = |page: &str| set.iter().any(|(_, password)| page.contains(password.as_str()));
        ensure!(!shows(&String::from_utf8_lossy(get.body())), "the page shows the password before the button is pressed");
        if let Some(disturbed) = &mut self.disturbed {
            *disturbed.shown.entry(path).or_default() += usize::from(shows(&page));
        }
        match (expected, post.status().as_u16()) {
            ("shown", 410) if lost => {}
            ("shown", 200) => ensure!(shows(&page), "the page does not show the password that was set"),
            ("gone", 410) => ensure!(!shows(&page), "a used link shows the password"),
            ("shown" | "gone", status) => bail!("the button was answered with {status}"),
            (other, _) => bail!("`{other}` is neither `shown` nor `gone`"),
        }
        Ok(())
    }

    /// Types a code as a person does: looks at the page, then sends it off.
    async fn type_code(&mut self, Code { code, by, status }: &Code) -> Result<()> {
        let (_, user) = self.person(by.as_deref())?;
        let channel = direct(&user);
        let links = expect::links(&self.desk.vendors.calls());
        let (_, link) = links.iter().rev().find(|(to, link)| *to == channel && link.contains("/c/")).context("no page for a code was sent")?;
        let path = format!("/c/{}", token_of(link));
        let get = self.desk.app.request(Request::get(&path).body(Bytes::new())?).await;
        ensure!(get.status() == 200, "the page for a code was answered with {}", get.status());
        let sent = self.desk.vendors.newest_code().context("no code was sent")?;
        let typed = match code.as_str() {
            "right" => sent,
            "wrong" => sent.chars().map(|c| if c == '9' { '0' } else { '9' }).collect(),
            other => other.to_string(),
        };
        let form = Bytes::from(format!("code={typed}"));
        let mut post = self.press_link(&path, form.clone()).await?;
        // A person whose page does not load sends it again.
        if let Some(disturbed) = self.disturbed.as_ref().filter(|_| post.status().is_server_error()) {
            post = disturbed.relief.app.request(Request::post(&path).body(form)?).await;
        }
        ensure!(post.status() == *status, "the code was answered with {}", post.status());
        self.rest().await;
        tokio::time::sleep(READING).await;
        Ok(())
    }

    async fn press_link(&self, path: &str, form: Bytes) -> Result<http::Response<Bytes>> {
        let request = Request::post(path).body(form)?;
        let Some(Disturbed { disturbance, .. }) = &self.disturbed else { return Ok(self.desk.app.request(request).await) };
        tokio::select! {
            answer = send(&self.desk.app, request, PATIENCE) => answer,
            () = disturbance.held() => {
                let mut late = http::Response::new(Bytes::new());
                *late.status_mut() = http::StatusCode::GATEWAY_TIMEOUT;
                Ok(late)
            }
        }
    }

    fn note_passwords(&mut self) {
        let felt = Some(self.desk.vendors.felt());
        if felt == self.felt {
            return;
        }
        self.felt = felt;
        self.passwords.extend(expect::passwords(&self.desk.vendors.state()).into_iter().map(|(_, password)| password));
    }
}

/// Sends a request that goes on whether or not somebody waits for its answer.
async fn send(app: &Arc<App>, request: Request<Bytes>, limit: Duration) -> Result<http::Response<Bytes>> {
    let app = app.clone();
    let answer = tokio::spawn(async move { app.request(request).await });
    Ok(tokio::time::timeout(limit, answer).await.context("no answer in time")??)
}

fn answered(answer: &http::Response<Bytes>, wanted: u16) -> Result<()> {
    let status = answer.status();
    ensure!(status == wanted, "the webhook was answered with {status} instead of {wanted}: {}", String::from_utf8_lossy(answer.body()));
    Ok(())
}

/// A person's direct conversation with the bot, as the emulated Slack names it.
fn direct(user: &str) -> String {
    format!("D{}", user.trim_start_matches('U'))
}

fn token_of(link: &str) -> &str {
    link.rsplit('/').next().unwrap_or_default()
}

fn workspaces(world: &Value) -> impl Iterator<Item = &Value> {
    world["slack"]["workspaces"].as_array().into_iter().flatten()
}

fn documents(tenants: &Value) -> impl Iterator<Item = &Value> {
    tenants["tenants"].as_array().into_iter().flatten()
}

fn messages(state: &Value, channel: &str) -> Vec<Value> {
    let channels = workspaces(state).flat_map(|workspace| workspace["channels"].as_array().into_iter().flatten());
    channels.filter(|known| known["id"] == *channel).flat_map(|known| known["messages"].as_array().into_iter().flatten()).cloned().collect()
}

fn add_msp(tenants: &mut Value) -> Result<()> {
    let more: Value = serde_json::from_str(MSP)?;
    tenants["msp"] = more["msp"].clone();
    let list = tenants["tenants"].as_array_mut().context("there are no tenants")?;
    list.extend(documents(&more).cloned());
    merge(&mut tenants["secrets"], &more["secrets"]);
    Ok(())
}

fn patch_tenants(tenants: &mut Value, patches: &Map<String, Value>) -> Result<()> {
    for (id, patch) in patches {
        let document = match id.as_str() {
            "msp" => tenants.get_mut("msp"),
            id => tenants["tenants"].as_array_mut().into_iter().flatten().find(|document| document["tenant"] == *id),
        };
        let document = document.with_context(|| format!("no tenant `{id}`"))?;
        let mut patch = patch.clone();
        // A list would be replaced as a whole, so connections are patched by id, as `connection`.
        let by_id = patch.as_object_mut().and_then(|patch| patch.remove("connection"));
        merge(document, &patch);
        for (connection, patch) in by_id.as_ref().and_then(Value::as_object).into_iter().flatten() {
            let connections = document["connections"].as_array_mut().with_context(|| format!("`{id}` has no connections"))?;
            match connections.iter_mut().find(|known| known["id"] == **connection) {
                Some(known) => merge(known, patch),
                None => {
                    ensure!(patch.get("vendor").is_some(), "no connection `{connection}`");
                    let mut added = serde_json::json!({ "id": connection });
                    merge(&mut added, patch);
                    connections.push(added);
                }
            }
        }
    }
    Ok(())
}

/// A merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        if !patch.is_null() {
            *target = patch.clone();
        }
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}
