//! Drives one conversation: takes its events, asks the stages, journals, sends, journals again.
//!
//! The state machine of `firstline_core::case` says what is wanted; this file finds it out and feeds the answers back as facts.
//! Facts gather in memory until something must not happen twice; then they become one entry of the log, in one commit.

use crate::catalogue::{self, Vendor};
use crate::credentials::{self, Refused};
use crate::damage::{self, Damage};
use crate::host::{Fault, Host, Incoming, Outgoing, SendError, Signed, Stages};
use crate::monitor::{Denied, Monitor};
use crate::tenants::{self, Unusable};
use crate::{judge, limits};
use firstline_core::autonomy::{self, Broken, Lost, STILL_BROKEN};
use firstline_core::case::{self, Asking, Batch, Case, Command, Note, Purpose, Renewal, State, Task, Want};
use firstline_core::evidence::{Evidence, SealedEntry, SigningKey};
use firstline_core::figures::{self, Afterwards, Tally};
use firstline_core::halt::{self, Halt};
use firstline_core::journal::{Damaged, Entry, Fact, Named, Press, Snapshot, Summary, entry_hash};
use firstline_core::mailbox::{self, Act, Event, Notice, RUN_LIMIT, TAKEOVER_MARGIN, counter};
use firstline_core::once::{self, CodePage, Once};
use firstline_core::past::{Familiar, Lesson, Past, Vocabulary};
use firstline_core::record::{IntegrityKey, read, write};
use firstline_core::seal::{PrivateKey, PublicKey, Secret, base64, case_context, once_context, unbase64};
use firstline_core::stage::{ChatAct, Circumstances, Outcome, Understanding, Verdict, Words, Work};
use firstline_core::tenant::{MSP, Reach, Role, Tenant};
use firstline_core::wire::{Reply, Response, Step, batch_hash};
use firstline_core::{Instant, keys, logo, redact};
use futures::future::{join, join_all};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::rc::Rc;

/// What the operator configured.
pub struct Settings {
    /// Opens credentials.
    pub private_key: PrivateKey,
    /// Seals to ourselves.
    pub public_key: PublicKey,
    /// Seals to the credential link.
    pub link_key: PublicKey,
    /// Checks and signs records and buttons.
    pub integrity: IntegrityKey,
    /// Signs cases and days; none if nothing shall be signed.
    pub signing: Option<SigningKey>,
    /// Base of view-once links.
    pub public_url: String,
    /// Hosts beside the vendors' own.
    pub reach: Reach,
    /// Credentials that this run has opened.
    pub opened: RefCell<BTreeMap<String, Secret>>,
    /// Fetched tokens, sealed, that the next commit takes along.
    pub tokens: RefCell<Vec<(String, Vec<u8>)>>,
    /// Catalogues that this run has read.
    vendors: RefCell<BTreeMap<String, Rc<Vendor>>>,
}

impl Settings {
    /// Reads every variable.
    ///
    /// # Errors
    /// A text that names the variable that is missing or wrong.
    pub async fn load<H: Host>(host: &H) -> Result<Self, String> {
        let mut extra_hosts = Vec::new();
        for i in 1..=8 {
            extra_hosts.push(host.variable(&format!("extra_host_{i}")).await);
        }
        Ok(Settings {
            private_key: PrivateKey::parse("technician_private_key", &host.variable("technician_private_key").await)?,
            public_key: PublicKey::parse("technician_public_key", &host.variable("technician_public_key").await)?,
            link_key: PublicKey::parse("link_public_key", &host.variable("link_public_key").await)?,
            integrity: IntegrityKey::parse(&host.variable("integrity_key").await)?,
            signing: SigningKey::parse(&host.variable("signing_private_key").await)?,
            public_url: host.variable("public_url").await.trim_end_matches('/').to_string(),
            reach: Reach { extra_hosts, loopback: host.variable("allow_loopback").await == "true" },
            opened: RefCell::default(),
            tokens: RefCell::default(),
            vendors: RefCell::default(),
        })
    }

    /// The catalogue of a vendor; it is read once.
    #[must_use]
    pub fn vendor(&self, name: &str) -> Option<Rc<Vendor>> {
        if let Some(vendor) = self.vendors.borrow().get(name) {
            return Some(vendor.clone());
        }
        let vendor = Rc::new(catalogue::vendor(name)?);
        self.vendors.borrow_mut().insert(name.into(), vendor.clone());
        Some(vendor)
    }
}

/// Why a run stopped before the mailbox was empty. A later tick takes over.
#[derive(Debug)]
pub enum Stop {
    /// The store failed.
    Fault(String),
    /// The tenant's document, or the MSP's, cannot be used: nothing can be said or done until it is put again.
    Corrupt(String),
    /// A record cannot be used, and nothing else tells whose it is.
    Damaged(Damage),
    /// The run's time is up.
    Deadline,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault.0)
    }
}

impl From<Unusable> for Stop {
    fn from(why: Unusable) -> Self {
        match why {
            Unusable::Fault(fault) => fault.into(),
            Unusable::Corrupt(why) => Stop::Corrupt(why),
        }
    }
}

/// Longest pause between two tries that a vendor did not ask for.
const LONGEST_PAUSE: u64 = 5 * 60_000;
/// Names of a case's secrets.
pub(crate) const CASE_SECRETS: [&str; 2] = ["temporary-password", "link"];
/// Those of a case in which a code was asked for.
pub(crate) const CODE_SECRETS: [&str; 2] = ["code", "code-page"];
/// A wait up to this long is slept through, in milliseconds.
const NAP: u64 = 10_000;
/// Bounds of one task.
const MOST_BATCHES: u32 = 64;
/// So many questions about tickets are looked for in one conversation; the buttons of older ones work as well.
const MOST_ASKINGS: i64 = 8;
const MOST_WAITS: usize = 64;
/// So many times that users said that it is still broken are looked at.
const MOST_BROKEN: usize = 100;
const MOST_REPLY_BYTES: usize = 900_000;

/// Takes an event into the mailbox of its conversation, as chat intake does. Returns conversation and epoch if a runner has to be woken.
///
/// # Errors
/// The store failed.
pub async fn post<H: Host>(host: &H, event: &Event) -> Result<Option<(String, i64)>, Fault> {
    mailbox::put(host, event).await?;
    wake(host, &event.conversation()).await
}

/// Adds a waking. `Some` means that the caller has to run, in this epoch.
async fn wake<H: Host>(host: &H, conversation: &str) -> Result<Option<(String, i64)>, Fault> {
    Ok(mailbox::wake(host, conversation).await?.map(|epoch| (conversation.to_string(), epoch)))
}

/// Reads a counter; an absent one is zero.
pub(crate) async fn read_counter<H: Host>(host: &H, key: &str) -> Result<i64, Fault> {
    counter(host.get(key).await?.as_deref()).ok_or_else(|| Fault(format!("`{key}` is no counter")))
}

/// Runs a conversation, and those that it forwards to, until their mailboxes are empty.
pub async fn run<H: Host, S: Stages>(host: &H, stages: &S, settings: &Settings, conversation: &str, epoch: i64) {
    let mut next = vec![(conversation.to_string(), epoch)];
    // One deadline for all: who was woken on the way is taken over as if its runner had begun then.
    let deadline = host.now() + RUN_LIMIT;
    while let Some((conversation, epoch)) = next.pop() {
        loop {
            match pass(host, stages, settings, &conversation, epoch, deadline, &mut next).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(stop) => {
                    host.log(
                        serde_json::json!({"component": "technician", "conversation": conversation, "what": "stopped", "why": format!("{stop:?}")}).to_string(),
                    );
                    break;
                }
            }
        }
    }
}

/// One round of the waking protocol: note the counter, work, subtract what was noted. True if more has arrived since.
async fn pass<H: Host, S: Stages>(
    host: &H,
    stages: &S,
    settings: &Settings,
    conversation: &str,
    epoch: i64,
    deadline: Instant,
    next: &mut Vec<(String, i64)>,
) -> Result<bool, Stop> {
    let pending = read_counter(host, &keys::pending(conversation, epoch)).await?;
    // Whoever answered this waking has subtracted it: a poke that comes twice must not run twice in one epoch.
    if pending <= 0 {
        return Ok(false);
    }
    if let Some(mut run) = Run::load(host, stages, settings, conversation, epoch, deadline).await? {
        if let Some(damage) = run.damage.take() {
            if host.get(&keys::log(conversation, epoch, 0)).await?.is_some() {
                // An epoch of its own, so that no entry is written over. Whoever wakes this one from now on is heard there.
                let epoch = host.increment(&keys::epoch(conversation), 1).await?;
                let first = host.increment(&keys::pending(conversation, epoch), 1).await? == 1;
                next.extend(first.then(|| (conversation.to_string(), epoch)));
                return Ok(false);
            }
            run.begin_afresh(damage).await?;
        }
        run.work().await?;
        next.append(&mut run.woken);
    }
    Ok(host.increment(&keys::pending(conversation, epoch), -pending).await? != 0)
}

/// What a due entry leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing is left to do.
    Settled,
    /// A runner is at work, or may be: look again.
    Busy,
    /// The caller has to run this conversation in this epoch, and to look again.
    Run(String, i64),
}

/// Whether a conversation has to be woken, taken over, or left alone.
///
/// # Errors
/// The store failed.
pub async fn look<H: Host>(host: &H, settings: &Settings, conversation: &str) -> Result<Look, Fault> {
    let now = host.now();
    let epoch = read_counter(host, &keys::epoch(conversation)).await?;
    let snapshot = damage::snapshot(host, settings, conversation).await?.snapshot;
    let pending = read_counter(host, &keys::pending(conversation, epoch)).await?;
    let run = |woken: Option<(String, i64)>| woken.map_or(Look::Busy, |(conversation, epoch)| Look::Run(conversation, epoch));
    let taken = snapshot.as_ref().map_or(0, |snapshot| snapshot.state.taken);
    let last = read_counter(host, &keys::event_counter(conversation)).await?;
    if pending > 0 {
        if now < begun(host, conversation, taken + 1..=last).await? + RUN_LIMIT + TAKEOVER_MARGIN {
            return Ok(Look::Busy);
        }
        // Ever more rarely, but at least every hour: a tenant's document that cannot be used may be put again.
        look_again(host, conversation, mailbox::second_look(now) + (60_000 << epoch.clamp(0, 5))).await?;
        let epoch = host.increment(&keys::epoch(conversation), 1).await?;
        let pending = host.increment(&keys::pending(conversation, epoch), 1).await?;
        return Ok(run((pending == 1).then(|| (conversation.to_string(), epoch))));
    }
    let work = |state: &State| state.wake_at().is_some_and(|at| at <= now) || state.unfinished();
    let holes = snapshot.iter().flat_map(|snapshot| snapshot.state.holes.iter().copied());
    // Where no event can be read at all, nobody knows whose conversation it is.
    let more = last > taken && (snapshot.is_some() || stored(host, conversation, 1..=last).await?.is_some());
    let work = more || snapshot.as_ref().is_some_and(|snapshot| work(&snapshot.state));
    if work || stored(host, conversation, holes).await?.is_some() || stale(host, conversation, snapshot.as_ref(), epoch).await? {
        look_again(host, conversation, mailbox::second_look(now)).await?;
        Ok(run(wake(host, conversation).await?))
    } else {
        Ok(Look::Settled)
    }
}

/// Whether the log goes on where a snapshot ends: a runner that was declared dead has written its own over that of its successor.
async fn stale<H: Host>(host: &H, conversation: &str, snapshot: Option<&Snapshot>, newest: i64) -> Result<bool, Fault> {
    let Some(snapshot) = snapshot else { return Ok(false) };
    for epoch in 0..=newest {
        let next = snapshot.covers.get(&epoch).copied().unwrap_or(0);
        if host.get(&keys::log(conversation, epoch, next)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Leaves word that a runner is woken now, and a due entry for the time when it may be dead.
async fn look_again<H: Host>(host: &H, conversation: &str, at: Instant) -> Result<(), Fault> {
    let due = host.increment(&keys::due_counter(mailbox::minute(at)), 1).await?;
    let mut writes = mailbox::due_writes(conversation, at, due);
    writes.push((keys::woken(conversation), host.now().to_string().into_bytes()));
    host.set_many(writes).await
}

/// When the runner at work began at the latest: with the oldest event that was not taken, or as it said itself in its first commit, or when a due entry woke it.
async fn begun<H: Host>(host: &H, conversation: &str, untaken: RangeInclusive<i64>) -> Result<Instant, Fault> {
    let woken = host.get(&keys::woken(conversation)).await?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok()).unwrap_or(0);
    Ok(stored(host, conversation, untaken).await?.map_or(woken, |event| event.received.max(woken)))
}

/// The first of these events that is stored. An event in a foreign mailbox was not put there by intake.
async fn stored<H: Host>(host: &H, conversation: &str, numbers: impl Iterator<Item = i64>) -> Result<Option<Event>, Fault> {
    for number in numbers {
        let event = host.get(&keys::event(conversation, number)).await?.and_then(|bytes| read::<Event>(&bytes).ok());
        if let Some(event) = event.filter(|event| event.conversation() == conversation) {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

struct Run<'a, H, S> {
    host: &'a H,
    stages: &'a S,
    settings: &'a Settings,
    tenant: Tenant,
    state: State,
    epoch: i64,
    deadline: Instant,
    /// Where the snapshot is written.
    snapshot: String,
    /// A record that the state should have been built on.
    damage: Option<Damage>,
    covers: BTreeMap<i64, u64>,
    /// The log goes further than the snapshot that is stored.
    behind: bool,
    /// This run has said when it began.
    announced: bool,
    head: String,
    due: Option<Instant>,
    /// Entries of the open case, for its seal.
    entries: Vec<SealedEntry>,
    /// Cases that end with the next commit, and how.
    ended: Vec<(Case, &'static str)>,
    /// Facts that are not committed yet, and when each became known.
    facts: Vec<Fact>,
    times: Vec<Instant>,
    /// Other records of the next commit.
    writes: Vec<(String, Vec<u8>)>,
    /// Batches that this run has named itself, so that no replay has to be compared.
    named: BTreeSet<(String, u32)>,
    /// Secrets of the case, opened.
    secrets: BTreeMap<String, Secret>,
    /// Conversations that were woken by forwarding.
    woken: Vec<(String, i64)>,
    /// What holds now, beside the documents.
    circumstances: Circumstances,
}

impl<'a, H: Host, S: Stages> Run<'a, H, S> {
    /// The state of a conversation: snapshot, and every entry that it does not cover. `None` if nothing has arrived.
    async fn load(host: &'a H, stages: &'a S, settings: &'a Settings, conversation: &str, epoch: i64, deadline: Instant) -> Result<Option<Self>, Stop> {
        let cached = damage::snapshot(host, settings, conversation).await?;
        let (state, covers, head, due, entries) = match cached.snapshot {
            Some(snapshot) => (Some(snapshot.state), snapshot.covers, snapshot.head, snapshot.due, snapshot.entries),
            None => (None, BTreeMap::new(), String::new(), None, Vec::new()),
        };
        let state = match state {
            Some(state) => state,
            None => match first_event(host, conversation).await? {
                Some(event) => State::new(&event),
                None => return Ok(None),
            },
        };
        let tenant = tenants::load(host, &settings.integrity, &state.tenant).await?;
        let mut run = Run {
            host,
            stages,
            settings,
            tenant,
            state,
            epoch,
            deadline,
            snapshot: cached.key,
            damage: cached.damage,
            covers,
            behind: false,
            announced: false,
            head,
            due,
            entries,
            ended: Vec::new(),
            facts: Vec::new(),
            times: Vec::new(),
            writes: Vec::new(),
            named: BTreeSet::new(),
            secrets: BTreeMap::new(),
            woken: Vec::new(),
            circumstances: Circumstances::default(),
        };
        let newest = read_counter(host, &keys::epoch(conversation)).await?.max(epoch);
        for epoch in 0..=newest {
            let mut number = run.covers.get(&epoch).copied().unwrap_or(0);
            loop {
                let key = keys::log(conversation, epoch, number);
                let Some(bytes) = host.get(&key).await? else { break };
                let entry: Entry = match settings.integrity.read(&key, &bytes) {
                    Ok(entry) => entry,
                    Err(why) => {
                        // What follows in this epoch was built on it.
                        run.damage.get_or_insert(Damage::new(&key, &bytes, &why));
                        run.follow((epoch, number), &bytes);
                        break;
                    }
                };
                let afresh = begins_afresh(&entry);
                if run.damage.as_ref().is_some_and(|damage| afresh != Some(damage.key.as_str())) {
                    run.follow((epoch, number), &bytes);
                    number += 1;
                    continue;
                }
                if afresh.is_some() {
                    run.forget_before(epoch);
                }
                for (fact, at) in entry.timed() {
                    // What facts brought about beside the state was written with them.
                    case::apply(&mut run.state, fact, &run.tenant, at);
                    run.note_beginning((epoch, number));
                }
                run.follow((epoch, number), &bytes);
                number += 1;
                run.covers.insert(epoch, number);
                run.behind = true;
            }
        }
        Ok(Some(run))
    }

    /// Begins anew in this epoch, which has no entry yet: what can still be known of the conversation goes to a human.
    async fn begin_afresh(&mut self, damage: Damage) -> Result<(), Stop> {
        let Some(damaged) = damage::survey(self.host, self.settings, &self.state.id, damage.clone(), true, self.epoch).await? else {
            return Err(Stop::Damaged(damage));
        };
        self.forget_before(self.epoch);
        self.due = None;
        self.learn(Fact::Damaged(Box::new(damaged))).await
    }

    /// An entry that the next one follows, unless it was written late, in an epoch that is over.
    fn follow(&mut self, entry: (i64, u64), bytes: &[u8]) {
        let hash = entry_hash(bytes);
        if self.covers.iter().all(|(epoch, count)| *epoch <= entry.0 || *count == 0) {
            self.head.clone_from(&hash);
        }
        self.entries.push(SealedEntry { entry, hash });
    }

    /// Nothing of an older epoch counts any more.
    fn forget_before(&mut self, epoch: i64) {
        self.damage = None;
        self.covers = (0..epoch).map(|epoch| (epoch, u64::MAX)).collect();
    }

    /// Applies a fact, remembers it for the next commit, and prepares what else it brings about.
    async fn learn(&mut self, fact: Fact) -> Result<(), Stop> {
        let now = self.host.now();
        self.log(&fact);
        let ticket = |state: &State| state.case.as_ref().and_then(|case| case.ticket.as_ref()).map(|ticket| ticket.id);
        let before = ticket(&self.state);
        let asking = case::asking(&self.state);
        self.note_ask(&fact);
        let notes = case::apply(&mut self.state, &fact, &self.tenant, now);
        self.facts.push(fact);
        self.times.push(now);
        self.note_asking(asking).await?;
        let here = (self.epoch, self.covers.get(&self.epoch).copied().unwrap_or(0));
        self.note_beginning(here);
        if let Some(case) = self.state.case.clone().filter(|_| before != ticket(&self.state)) {
            self.summary(&case, "open", here);
        }
        for note in notes {
            match note {
                Note::Opened(case) => {
                    let day = case.times.received / 86_400_000;
                    let number = self.host.increment(&keys::case_counter(&self.tenant.tenant, day), 1).await?;
                    self.writes.push((keys::case_of_day(&self.tenant.tenant, day, number), case.id.clone().into_bytes()));
                    self.summary(&case, "open", here);
                }
                Note::Ended(case, how) => {
                    self.summary(&case, how, here);
                    self.ended.push((*case.clone(), how));
                }
                Note::Spent { case, codes } => {
                    self.secrets.clear();
                    // Empty means erased; the link holds its own copy, sealed to another key, until it is opened or expires.
                    let names = CASE_SECRETS.into_iter().chain(CODE_SECRETS.into_iter().filter(|_| codes));
                    self.writes.extend(names.map(|name| (keys::case_secret(&case, name), Vec::new())));
                }
                Note::Challenged(account, count) => {
                    let key = limits::challenge(&self.tenant, &account, now);
                    self.host.increment(&key, count).await?;
                }
                Note::Halt { tenant, halted, by, at } => {
                    let key = halt::key(tenant.as_deref());
                    // What was said first and is read last changes nothing.
                    let stored = self.host.get(&key).await?.and_then(|bytes| self.settings.integrity.read::<Halt>(&key, &bytes).ok());
                    if stored.is_none_or(|stored| stored.at <= at) {
                        self.writes.push((key.clone(), self.settings.integrity.write(&key, &Halt { halted, by, at })));
                    }
                }
                Note::Confirmed(case) => self.amend(&case, Afterwards::Confirmed, now).await?,
                Note::Watched(case, seen) => self.amend(&case, Afterwards::SignIn(seen), now).await?,
                Note::Broken(case) => self.still_broken(&case, now).await?,
                Note::Failed { case, cause, by } => {
                    if cause == autonomy::FAULT {
                        self.amend(&case, Afterwards::Fault, now).await?;
                    }
                    if let Some(action) = self.tried(&case).await? {
                        self.demote(&action, Lost { cause: cause.into(), case, by, at: now }).await?;
                    }
                }
                Note::Reopened(case, ticket, since) => self.amend(&case, Afterwards::Reopened { ticket }, since).await?,
                Note::LeftAlone(why) => {
                    let line = serde_json::json!({"component": "technician", "tenant": self.tenant.tenant, "conversation": self.state.id, "what": "ticket left alone", "why": why});
                    self.host.log(line.to_string());
                }
                // Stored before the fact that says so: a crash between the two stores it twice, and the other conversation drops the second.
                Note::Forward(event) => self.woken.extend(post(self.host, &event).await?),
            }
        }
        Ok(())
    }

    /// What is written below a request for approval finds its case by the message.
    fn note_ask(&mut self, fact: &Fact) {
        let Fact::Done { task, outcome: Outcome::Posted(message) } = fact else { return };
        let task = self.state.tasks.iter().find(|known| known.id == *task && known.purpose == Purpose::Ask);
        let Some(Task { connection, work: Work::Chat(ChatAct::Say(said)), .. }) = task else { return };
        let thread = said.thread.as_ref().unwrap_or(message);
        self.writes.push((keys::asked_in(connection, &said.channel, thread), self.state.id.clone().into_bytes()));
    }

    /// The entry with which the open case began.
    fn note_beginning(&mut self, here: (i64, u64)) {
        if let Some(case) = &mut self.state.case {
            case.from.get_or_insert(here);
        }
    }

    fn summary(&mut self, case: &Case, how: &str, here: (i64, u64)) {
        let key = keys::case(&case.id);
        let summary = Summary {
            case: case.id.clone(),
            tenant: self.tenant.tenant.clone(),
            state: how.into(),
            kind: case.kind.clone(),
            ticket: case.ticket.as_ref().map(|ticket| ticket.id),
            received: case.times.received,
            ended: case.times.ended,
            reason: case.handover.as_ref().map(|(code, _)| code.clone()),
            from: case.from.unwrap_or(here),
            to: case.times.ended.map(|_| here),
            tally: (how != "open").then(|| self.tally(case)),
        };
        self.writes.push((key.clone(), self.settings.integrity.write(&key, &summary)));
    }

    fn tally(&self, case: &Case) -> Tally {
        let mut tally = Tally::new(case, &self.tenant);
        if let Some(trial) = &mut tally.trial {
            trial.version = self.settings.vendor(&trial.vendor).map(|vendor| vendor.version.clone()).unwrap_or_default();
        }
        tally
    }

    /// The action that was, or was to be, tried in a case of this conversation.
    async fn tried(&self, case: &str) -> Result<Option<String>, Stop> {
        if let Some(open) = self.state.case.as_ref().filter(|open| open.id == case) {
            return Ok(open.trial.as_ref().map(|(_, trial)| trial.action.clone()).or_else(|| open.action.clone()));
        }
        let key = keys::case(case);
        let waiting = self.writes.iter().rev().find(|(under, _)| *under == key).map(|(_, bytes)| bytes.clone());
        let stored = if waiting.is_some() { waiting } else { self.host.get(&key).await? };
        let summary = stored.and_then(|bytes| self.settings.integrity.read::<Summary>(&key, &bytes).ok());
        Ok(summary.and_then(|summary| Some(summary.tally?.trial?.action)))
    }

    /// A user says that what was done is still broken: too often within some days, and the action goes by itself no more.
    async fn still_broken(&mut self, case: &str, now: Instant) -> Result<(), Stop> {
        let Some(action) = self.tried(case).await? else { return Ok(()) };
        let (tenant, terms) = (self.tenant.tenant.clone(), self.tenant.demotion.clone());
        // A number for each, so that of two at once none is lost; after a crash one case may have two.
        let number = self.host.increment(&keys::broken_counter(&tenant, &action), 1).await?;
        let mut cases = BTreeSet::from([case.to_string()]);
        for before in (1..number).rev().take(MOST_BROKEN) {
            let key = keys::broken(&tenant, &action, before);
            let stored = self.host.get(&key).await?.and_then(|bytes| self.settings.integrity.read::<Broken>(&key, &bytes).ok());
            cases.extend(stored.filter(|broken| now.saturating_sub(broken.at) <= terms.days * 86_400_000).map(|broken| broken.case));
        }
        let key = keys::broken(&tenant, &action, number);
        let broken = Broken { case: case.into(), at: now };
        self.writes.push((key.clone(), self.settings.integrity.write(&key, &broken)));
        if u32::try_from(cases.len()).unwrap_or(u32::MAX) >= terms.still_broken {
            self.demote(&action, Lost { cause: STILL_BROKEN.into(), case: case.into(), by: None, at: now }).await?;
        }
        Ok(())
    }

    /// An action goes by itself no more, until two people agree that it does. The MSP's people are told once.
    async fn demote(&mut self, action: &str, lost: Lost) -> Result<(), Stop> {
        let key = keys::demoted(&self.tenant.tenant, action);
        let before = autonomy::lost_at(&self.settings.integrity, &key, self.host.get(&key).await?.as_deref());
        let lowered = before.and_then(|at| self.tenant.without(action, at));
        let Some(since) = lowered.as_ref().unwrap_or(&self.tenant).autonomous_since(action) else { return Ok(()) };
        let line = serde_json::json!({"component": "technician", "tenant": self.tenant.tenant, "case": lost.case, "what": "autonomy lost", "action": action, "cause": lost.cause});
        self.host.log(line.to_string());
        let by = lost.by.clone().unwrap_or_default();
        let arguments = [("client", self.tenant.name.as_str()), ("action", action), ("cause", &lost.cause), ("name", &by), ("case", &lost.case)];
        // Named by what is lost, so that of two failures at once one is told.
        let id = format!("lost/{}/{action}/{since}", self.tenant.tenant);
        let notice = Event::notice(&self.settings.integrity, &self.tenant, id, Words::new("autonomy-lost", &arguments), lost.at);
        self.writes.push((key.clone(), self.settings.integrity.write(&key, &lost)));
        // Stored before the fact that led to it: told twice, it is said once.
        if let Some(notice) = notice {
            self.woken.extend(post(self.host, &notice).await?);
        }
        Ok(())
    }

    /// The record of an ended case learns what came afterwards.
    async fn amend(&mut self, case: &str, what: Afterwards, at: Instant) -> Result<(), Stop> {
        let key = keys::case(case);
        // It may be about to be written.
        let waiting = self.writes.iter().position(|(under, _)| *under == key).map(|place| self.writes.remove(place).1);
        let stored = match &waiting {
            Some(bytes) => Some(bytes.clone()),
            None => self.host.get(&key).await?,
        };
        let amended = stored.and_then(|bytes| figures::amend(&self.settings.integrity, &key, &bytes, what, at));
        self.writes.extend(amended.or(waiting).map(|bytes| (key, bytes)));
        Ok(())
    }

    /// Signs the cases that end with this commit, and keeps the entries of the one that stays open.
    fn seal(&mut self, now: Instant) -> Vec<(String, Vec<u8>)> {
        self.entries.sort_by_key(|entry| entry.entry);
        let mut writes = Vec::new();
        for (case, how) in std::mem::take(&mut self.ended) {
            let own = self.entries.iter().filter(|entry| case.from.is_none_or(|from| entry.entry >= from)).cloned().collect();
            let evidence = Evidence::new(&case, &self.tenant.tenant, how, own, now, self.settings.signing.as_ref());
            let key = keys::evidence(&case.id);
            writes.extend(evidence.map(|evidence| (key.clone(), self.settings.integrity.write(&key, &evidence))));
        }
        let from = self.state.case.as_ref().map(|case| case.from);
        self.entries.retain(|entry| from.is_some_and(|from| from.is_none_or(|from| entry.entry >= from)));
        writes
    }

    /// One durable commit: the entry and what belongs to it. The last one of a run also writes the snapshot; should the run die before, the log has it all.
    async fn commit(&mut self, last: bool) -> Result<(), Stop> {
        let now = self.host.now();
        if now >= self.deadline {
            return Err(Stop::Deadline);
        }
        if self.facts.is_empty() && self.writes.is_empty() {
            if last && self.behind {
                self.host.set_many(vec![self.cached()]).await?;
            }
            return Ok(());
        }
        let number = self.covers.get(&self.epoch).copied().unwrap_or(0);
        let key = keys::log(&self.state.id, self.epoch, number);
        let case = self.state.case.as_ref().map(|case| case.id.clone()).or_else(|| self.state.ended.as_ref().map(|ended| ended.case.clone()));
        let entry = Entry { previous: self.head.clone(), at: now, times: std::mem::take(&mut self.times), case, facts: std::mem::take(&mut self.facts) };
        let bytes = self.settings.integrity.write(&key, &entry);
        self.head = entry_hash(&bytes);
        self.covers.insert(self.epoch, number + 1);
        self.entries.push(SealedEntry { entry: (self.epoch, number), hash: self.head.clone() });
        let mut writes = std::mem::take(&mut self.writes);
        writes.push((key, bytes));
        writes.extend(self.seal(now));
        if let Some(at) = self.state.wake_at().filter(|at| *at > now && self.due.is_none_or(|due| due != *at)) {
            let due = self.host.increment(&keys::due_counter(mailbox::minute(at)), 1).await?;
            writes.extend(mailbox::due_writes(&self.state.id, at, due));
            self.due = Some(at);
        }
        self.behind = !last;
        if last {
            writes.push(self.cached());
        } else if !self.announced {
            // Whoever looks for dead runners sees when this one began.
            self.announced = true;
            writes.push((keys::woken(&self.state.id), (self.deadline.saturating_sub(RUN_LIMIT)).to_string().into_bytes()));
        }
        writes.append(&mut self.settings.tokens.borrow_mut());
        self.host.set_many(writes).await?;
        Ok(())
    }

    /// Key and value of the snapshot.
    fn cached(&self) -> (String, Vec<u8>) {
        let snapshot =
            Snapshot { state: self.state.clone(), covers: self.covers.clone(), head: self.head.clone(), due: self.due, entries: self.entries.clone() };
        (self.snapshot.clone(), self.settings.integrity.write(&self.snapshot, &snapshot))
    }

    /// Everything that can be done now.
    async fn work(&mut self) -> Result<(), Stop> {
        loop {
            self.take_events().await?;
            self.take_time().await?;
            self.think().await?;
            let ready: Vec<String> = self.ready();
            if !ready.is_empty() {
                self.send(&ready).await?;
                continue;
            }
            let now = self.host.now();
            match self.state.wake_at().filter(|at| *at <= now + NAP && *at < self.deadline) {
                Some(at) if !self.state.tasks.is_empty() => {
                    self.commit(false).await?;
                    self.host.sleep(at.saturating_sub(now).max(1)).await;
                }
                _ => break,
            }
        }
        self.commit(true).await
    }

    async fn take_events(&mut self) -> Result<(), Stop> {
        let last = read_counter(self.host, &keys::event_counter(&self.state.id)).await?;
        let holes: Vec<i64> = self.state.holes.iter().copied().collect();
        for number in holes.into_iter().chain(self.state.taken + 1..=last) {
            let key = keys::event(&self.state.id, number);
            match self.host.get(&key).await? {
                Some(bytes) => match read::<Event>(&bytes) {
                    // An event in a foreign mailbox was not put there by intake.
                    Ok(event) if event.conversation() == self.state.id => {
                        let press = self.command(&event).await?.or_else(|| self.verify_press(&event));
                        let asked = self.asked_here(&event).await?;
                        self.learn(Fact::Taken { number, event, press, asked }).await?;
                    }
                    Err(why) => {
                        let damage = Damage::new(&key, &bytes, &why);
                        match damage::survey(self.host, self.settings, &self.state.id, damage, false, self.epoch).await? {
                            Some(damaged) => self.learn(Fact::Damaged(Box::new(Damaged { number, ..damaged }))).await?,
                            None if self.state.holes.contains(&number) => {}
                            None => self.learn(Fact::Hole { number }).await?,
                        }
                    }
                    Ok(_) => {
                        self.host.log(
                            serde_json::json!({"component": "technician", "conversation": self.state.id, "what": "bad event", "number": number}).to_string(),
                        );
                        if !self.state.holes.contains(&number) {
                            self.learn(Fact::Hole { number }).await?;
                        }
                    }
                },
                None if self.state.holes.contains(&number) => {}
                None => self.learn(Fact::Hole { number }).await?,
            }
        }
        Ok(())
    }

    /// What one of the MSP's people tells the agent, if it names a tenant or a case that there is.
    async fn command(&self, event: &Event) -> Result<Option<Press>, Stop> {
        let Act::Message(text) = &event.act else { return Ok(None) };
        let Some(command) = case::command(text).filter(|_| self.state.tenant == MSP) else { return Ok(None) };
        let known = match &command {
            Command::Switch(_, None) => true,
            Command::Switch(_, Some(of)) => tenants::names(self.host, &self.settings.integrity).await?.contains(of),
            Command::Fault(case) => self.host.get(&keys::case(case)).await?.is_some(),
        };
        Ok(known.then(|| command.press()))
    }

    /// The cases of tickets about which somebody is asked where they have now written something.
    async fn asked_here(&self, event: &Event) -> Result<Vec<String>, Stop> {
        if !matches!(event.act, Act::Message(_)) || !case::is_free(&self.state) {
            return Ok(Vec::new());
        }
        let waiting = self.askings(&self.state.id).await?.into_iter().map(|(_, asking)| asking).filter(|asking| self.host.now() < asking.expires);
        Ok(waiting.map(|asking| asking.case).collect())
    }

    /// The questions about tickets that wait in a conversation, each with its key.
    async fn askings(&self, conversation: &str) -> Result<Vec<(String, Asking)>, Stop> {
        let last = read_counter(self.host, &keys::asking_counter(conversation)).await?;
        let mut found = Vec::new();
        for number in (last - MOST_ASKINGS).max(0) + 1..=last {
            let key = keys::asking(conversation, number);
            let stored = self.host.get(&key).await?.and_then(|bytes| self.settings.integrity.read(&key, &bytes).ok());
            found.extend(stored.map(|asking| (key, asking)));
        }
        Ok(found)
    }

    /// Says in the contact's conversation that a question about a ticket waits there, or that it waits no more.
    /// Each has a key of its own, since several tickets may ask there at once.
    async fn note_asking(&mut self, before: Option<(String, Asking)>) -> Result<(), Stop> {
        let now = case::asking(&self.state);
        if now == before {
            return Ok(());
        }
        if let Some((conversation, before)) = before {
            let over = self.askings(&conversation).await?.into_iter().filter(|(_, asking)| asking.case == before.case);
            self.writes.extend(over.map(|(key, _)| (key, Vec::new())));
            // It may not even have been stored yet.
            let integrity = &self.settings.integrity;
            let unstored = self.writes.iter_mut().filter(|(key, bytes)| integrity.read::<Asking>(key, bytes).is_ok_and(|asking| asking.case == before.case));
            unstored.for_each(|(_, bytes)| bytes.clear());
        }
        if let Some((conversation, asking)) = now {
            let number = self.host.increment(&keys::asking_counter(&conversation), 1).await?;
            let key = keys::asking(&conversation, number);
            self.writes.push((key.clone(), self.settings.integrity.write(&key, &asking)));
        }
        Ok(())
    }

    /// A button's value is `case.offer.choice.mac`.
    fn verify_press(&self, event: &Event) -> Option<Press> {
        let signed = match &event.act {
            Act::Press(value) => {
                let (signed, mac) = value.rsplit_once('.')?;
                self.settings.integrity.verify("button", &format!("{}.{signed}", self.state.tenant), mac).then_some(signed)?
            }
            Act::Answer(answer) => self.settings.integrity.verify("answer", &answer.text(&self.state.tenant), &answer.mac).then_some(answer.signed.as_str())?,
            Act::Notice(notice) => {
                let ours = self.settings.integrity.verify("notice", &Notice::text(&notice.words, &event.id), &notice.mac);
                return ours.then(|| Press { case: String::new(), offer: String::new(), choice: String::new() });
            }
            Act::Message(_) | Act::Ticket | Act::Code(_) => return None,
        };
        match signed.split('.').collect::<Vec<_>>().as_slice() {
            [case, offer, choice] => Some(Press { case: (*case).into(), offer: (*offer).into(), choice: (*choice).into() }),
            _ => None,
        }
    }

    async fn take_time(&mut self) -> Result<(), Stop> {
        let now = self.host.now();
        if self.state.wake_at().is_none_or(|at| at > now) {
            return Ok(());
        }
        let waited: Vec<String> = self.state.tasks.iter().filter(|task| task.until.is_some_and(|until| until <= now)).map(|task| task.id.clone()).collect();
        for task in waited {
            self.learn(Fact::Waited { task, at: now }).await?;
        }
        // Retries are due by themselves; a tick moves the case.
        if self.state.wake_at().is_some_and(|at| at <= now) && self.ready().is_empty() {
            self.learn(Fact::Tick { at: now }).await?;
        }
        Ok(())
    }

    /// Asks stages until none has anything to add.
    async fn think(&mut self) -> Result<(), Stop> {
        loop {
            let now = self.host.now();
            if let Some(want) = self.state.wants() {
                let fact = match want {
                    Want::Understand(event, text, context) => {
                        let names = self.familiar().await?;
                        let understanding = self.stages.understand(&text, context, names).unwrap_or_else(|fault| self.unclear(fault.1));
                        Fact::Understood { event, understanding }
                    }
                    Want::Decide(question) => {
                        self.circumstances = limits::look(self.host, self.settings, &question, &self.tenant).await?;
                        let (mut standing, decision) = judge::judge(self.stages, &question, &self.tenant, &self.circumstances, now);
                        if let Some(wanted) = decision.proof.filter(|_| decision.verdict == Verdict::Prove) {
                            let challenges = limits::challenges(self.host, &self.tenant, &question.subject.id).await?;
                            standing = judge::standing(self.stages, &question, &self.tenant, wanted, challenges, now);
                        }
                        Fact::Decided { question, decision, standing: Some(standing) }
                    }
                    Want::Recall(kind) => Fact::Recalled { lessons: self.recall(&kind).await? },
                };
                self.learn(fact).await?;
                continue;
            }
            let idle = self.state.tasks.iter().find(|task| task.until.is_none() && (task.batch.is_none() || self.unproven(task))).cloned();
            let Some(task) = idle else { return Ok(()) };
            let fact = self.next(&task, now)?;
            if let Some(fact) = fact {
                self.learn(fact).await?;
            }
        }
    }

    /// What closed tickets of this type say. A case goes to its human also without that.
    async fn recall(&self, kind: &str) -> Result<Vec<Lesson>, Stop> {
        let key = keys::past(&self.tenant.tenant);
        let Some(bytes) = self.host.get(&key).await? else { return Ok(Vec::new()) };
        let past = self.settings.integrity.read::<Past>(&key, &bytes).map_err(|why| why.to_string());
        let lessons = past.and_then(|past| self.stages.recall(&past.memory, kind).map_err(|fault| fault.1));
        Ok(lessons.map(case::telling).unwrap_or_else(|why| {
            self.host.log(serde_json::json!({"component": "technician", "tenant": self.tenant.tenant, "what": "nothing recalled", "why": why}).to_string());
            Vec::new()
        }))
    }

    /// The tenant's own names. A text is read also without them.
    async fn familiar(&self) -> Result<Vec<Familiar>, Stop> {
        let key = keys::familiar(&self.tenant.tenant);
        let Some(bytes) = self.host.get(&key).await? else { return Ok(Vec::new()) };
        let vocabulary = self.settings.integrity.read::<Vocabulary>(&key, &bytes);
        Ok(vocabulary.map(|vocabulary| vocabulary.names).unwrap_or_else(|why| {
            let told = serde_json::json!({"component": "technician", "tenant": self.tenant.tenant, "what": "own names not read", "why": why.to_string()});
            self.host.log(told.to_string());
            Vec::new()
        }))
    }

    fn unclear(&self, why: String) -> Understanding {
        self.host.log(serde_json::json!({"component": "technician", "what": "intent detection failed", "why": why}).to_string());
        let candidate = firstline_core::stage::Candidate { intent: "other".into(), confidence: 0, because: Vec::new() };
        Understanding { candidates: vec![candidate], abstained: true, ..Understanding::default() }
    }

    /// A batch that an earlier run named: its connector has to name the same again before anything is sent.
    fn unproven(&self, task: &Task) -> bool {
        task.batch.is_some() && !self.named.contains(&(task.id.clone(), task.batches))
    }

    /// Calls a connector.
    fn next(&mut self, task: &Task, now: Instant) -> Result<Option<Fact>, Stop> {
        let stopped = |code: &str, why: String| Ok(Some(Fact::Stopped { task: task.id.clone(), code: code.into(), why }));
        let bytes: usize = task.replies.iter().map(|reply| if let Reply::Response(response) = reply { response.body.len() } else { 0 }).sum();
        let waits = task.replies.iter().filter(|reply| matches!(reply, Reply::Waited(_))).count();
        if task.batches >= MOST_BATCHES || waits >= MOST_WAITS || bytes > MOST_REPLY_BYTES {
            return stopped("too-much", "the task went over its bounds".into());
        }
        let case = self.state.case.as_ref();
        let case_id = case.map_or_else(|| self.state.id.clone(), |case| case.id.clone());
        let asks = case.and_then(|case| case.ask.as_ref()).filter(|_| task.purpose == Purpose::Ask).map(|ask| ask.id.as_str());
        let query = || case?.query.as_ref().filter(|_| task.purpose == Purpose::Query).map(|query| query.id.as_str());
        let asks = asks.or((task.purpose == Purpose::Farewell).then_some(case::FIXED)).or_else(query);
        let offer = asks.or_else(|| Some(case?.offer.as_ref()?.id.as_str())).unwrap_or("o0");
        let button = |choice: &str| {
            let signed = format!("{case_id}.{offer}.{choice}");
            format!("{signed}.{}", self.settings.integrity.sign("button", &format!("{}.{signed}", self.state.tenant)))
        };
        let signed = Signed { button: &button, tag: format!("{case_id}/{}", task.id), case: case_id.clone() };
        let step = match self.stages.next(task, &self.tenant, &signed) {
            Ok(step) => step,
            Err(fault) => return stopped(fault.0, fault.1),
        };
        if let Some(batch) = &task.batch {
            let same = matches!(&step, Step::SendAll(requests) if batch_hash(requests) == batch.hash);
            if !same {
                return stopped("diverged", "the connector does not repeat the batch that is in the journal: was it upgraded in mid-case?".into());
            }
            self.named.insert((task.id.clone(), task.batches));
            return Ok(None);
        }
        Ok(Some(match step {
            Step::Done(outcome) => {
                let monitor = Monitor::new(&self.tenant, self.settings, &self.state, task).map_err(Denied::from);
                match monitor.and_then(|monitor| monitor.believe(&outcome)) {
                    Ok(()) => Fact::Done { task: task.id.clone(), outcome },
                    Err(denied) => return stopped(denied.code, denied.why),
                }
            }
            Step::Wait(seconds) => Fact::Waiting { task: task.id.clone(), until: now + u64::from(seconds.clamp(1, 86_400)) * 1_000 },
            Step::Checkpoint(state) if matches!(task.replies.as_slice(), [Reply::Response(seen)] if seen.body == state) => {
                return stopped("too-much", "the connector goes round in circles".into());
            }
            Step::Checkpoint(state) => Fact::Checkpoint { task: task.id.clone(), state },
            Step::SendAll(requests) => {
                let monitor = Monitor::new(&self.tenant, self.settings, &self.state, task).map_err(Denied::from);
                let admitted = monitor.and_then(|monitor| monitor.admit(&requests, now));
                match admitted {
                    Ok(named) => {
                        self.named.insert((task.id.clone(), task.batches + 1));
                        Fact::Before { task: task.id.clone(), batch: task.batches + 1, attempt: 1, hash: batch_hash(&requests), requests: named }
                    }
                    Err(denied) => return stopped(denied.code, denied.why),
                }
            }
        }))
    }

    /// Tasks whose batch may be sent now.
    fn ready(&self) -> Vec<String> {
        let now = self.host.now();
        let may = |batch: &Batch| batch.retry_at.is_none_or(|at| at <= now);
        self.state.tasks.iter().filter(|task| task.batch.as_ref().is_some_and(may)).map(|task| task.id.clone()).collect()
    }

    /// Sends every ready batch, all together, and learns what came back.
    async fn send(&mut self, ready: &[String]) -> Result<(), Stop> {
        let mut tasks: Vec<Task> = self.state.tasks.iter().filter(|task| ready.contains(&task.id)).cloned().collect();
        // What is only said beside the case needs a commit like any change, and waits for one that is needed anyway.
        if tasks.iter().any(|task| task.purpose != Purpose::Aside) && tasks.iter().all(|task| task.purpose == Purpose::Aside || !self.changes(task, false)) {
            tasks.retain(|task| task.purpose != Purpose::Aside);
        }
        let changes: Vec<&Task> = tasks.iter().filter(|task| self.changes(task, false)).collect();
        let mut damaged = Vec::new();
        for task in &changes {
            damaged.extend(self.make_secrets(task).await?.map(|key| (task.id.clone(), key)));
        }
        if !damaged.is_empty() {
            // A new one in its place could differ from what a vendor already has.
            for (task, key) in damaged {
                let why = format!("the stored record `{key}` cannot be opened; check by hand what was under way");
                self.learn(Fact::Stopped { task, code: "damaged-record".into(), why }).await?;
            }
            return Ok(());
        }
        // Reads may be repeated, so what leads to them needs no commit of its own: their replies bring it along.
        if !changes.is_empty() {
            self.commit(false).await?;
        }
        let mut rights = BTreeSet::new();
        // Where sending twice does no harm, nobody has to be the first.
        for task in tasks.iter().filter(|task| self.changes(task, true)) {
            let attempt = task.batch.as_ref().map_or(1, |batch| batch.attempt);
            // INVARIANT: the journal entry stands, and only the first to count may send.
            if self.host.increment(&keys::sent(&self.state.id, &task.id, task.batches, attempt), 1).await? == 1 {
                rights.insert(task.id.clone());
            }
        }
        for task in &tasks {
            self.look_around(task, rights.contains(&task.id)).await?;
        }
        let mut outgoing = Vec::new();
        for task in &tasks {
            let members = self.prepare(task, rights.contains(&task.id))?;
            // A batch of which one member is refused is not sent at all.
            let refused = |(_, member): &&(usize, Member)| matches!(member, Member::Settled(Came::Refused(..)));
            let alone = members.iter().find(refused).map(|(position, _)| *position);
            outgoing.push((task, members.into_iter().filter(|(position, _)| alone.is_none_or(|at| at == *position)).collect()));
        }
        let this = &*self;
        let sends = outgoing.into_iter().map(async |(task, members)| this.send_members(task, members).await);
        let (came, ()) = join(join_all(sends), this.warm(&tasks)).await;
        for (task, came) in tasks.iter().zip(came) {
            let fact = self.after(task, came?).await?;
            self.learn(fact).await?;
        }
        Ok(())
    }

    /// Counts a change that the guardrails were asked about, and looks at the kill switch once more.
    async fn look_around(&mut self, task: &Task, right: bool) -> Result<(), Stop> {
        let Some(batch) = &task.batch else { return Ok(()) };
        let waits = batch.requests.iter().zip(&batch.replies).filter(|(named, reply)| named.change && reply.is_none());
        let grants = waits.filter_map(|(named, _)| self.state.grants.iter().find(|grant| Some(&grant.id) == named.grant.as_ref()));
        let Some(question) = grants.filter_map(|grant| grant.question.clone()).next() else { return Ok(()) };
        self.circumstances = if right && batch.attempt == 1 {
            limits::count(self.host, self.settings, &question, &self.tenant).await?
        } else {
            // A further try of the same change is not one more.
            limits::now(self.host, self.settings, &question, &self.tenant, Vec::new()).await?
        };
        Ok(())
    }

    /// Whether changes of a task wait to be sent; `once`: such as must not be sent twice.
    fn changes(&self, task: &Task, once: bool) -> bool {
        let monitor = Monitor::new(&self.tenant, self.settings, &self.state, task).ok();
        let repeats = |named: &Named| once && monitor.as_ref().is_some_and(|monitor| monitor.repeats(named));
        let mut open = task.batch.iter().flat_map(|batch| batch.requests.iter().zip(&batch.replies)).filter(|(_, reply)| reply.is_none());
        open.any(|(named, _)| named.change && !repeats(named))
    }

    /// Fetches the token that the account will be found with, while it is found out who asks.
    async fn warm(&self, tasks: &[Task]) {
        let wanted = self.state.case.as_ref().is_some_and(|case| case.action.is_some() && case.handover.is_none());
        let Some(who) = tasks.iter().find(|task| wanted && task.purpose == Purpose::Who) else { return };
        let Some(idp) = self.tenant.connection_of(Role::Idp) else { return };
        let find = Task { connection: idp.id.clone(), ..who.clone() };
        if let Ok(monitor) = Monitor::new(&self.tenant, self.settings, &self.state, &find) {
            // Whatever is wrong with it is learned when it is needed.
            _ = credentials::authorize(self.host, self.settings, &monitor, false).await;
        }
    }

    /// Authorizes the members of one batch and sends them, without waiting for any other batch.
    async fn send_members(&self, task: &Task, members: Vec<(usize, Member)>) -> Result<BTreeMap<usize, Came>, Stop> {
        let mut came = BTreeMap::new();
        let mut requests = Vec::new();
        for (position, member) in members {
            match member {
                Member::Send(request) => requests.push((position, request)),
                Member::Settled(settled) => drop(came.insert(position, settled)),
            }
        }
        let Some((first, _)) = requests.first() else { return Ok(came) };
        let renew = task.batch.as_ref().is_some_and(|batch| batch.renewal == Renewal::Due);
        let authorized = match Monitor::new(&self.tenant, self.settings, &self.state, task) {
            Ok(monitor) => credentials::authorize(self.host, self.settings, &monitor, renew).await,
            Err(why) => Err(Refused::Credential(why)),
        };
        let authorization = match authorized {
            Ok(authorization) => authorization,
            Err(Refused::Credential(why)) => {
                came.insert(*first, Came::Refused("credential-missing", why));
                return Ok(came);
            }
            Err(Refused::Later(_)) => {
                came.extend(requests.iter().map(|(position, _)| (*position, Came::NoToken(self.host.now()))));
                return Ok(came);
            }
            Err(Refused::Fault(fault)) => return Err(fault.into()),
        };
        // Whoever takes over finds out what became of those that left before.
        if self.host.now() >= self.deadline {
            return Err(Stop::Deadline);
        }
        let sends = requests.into_iter().map(async |(position, mut request)| {
            request.headers.extend(authorization.headers(&request, self.host.now()));
            let sent = self.host.send(request).await;
            (position, Came::Answer(sent, self.host.now()))
        });
        came.extend(join_all(sends).await);
        Ok(came)
    }

    /// What to do with each open member of a batch.
    fn prepare(&self, task: &Task, right: bool) -> Result<Vec<(usize, Member)>, Stop> {
        let Some(batch) = &task.batch else { return Ok(Vec::new()) };
        let now = self.host.now();
        let monitor = match Monitor::new(&self.tenant, self.settings, &self.state, task) {
            Ok(monitor) => monitor,
            Err(why) => return Ok(self.settle_all(batch, &Came::Refused("refused-by-monitor", why))),
        };
        let decide = |question: &firstline_core::stage::Question| Some(judge::judge(self.stages, question, &self.tenant, &self.circumstances, now).1);
        let secret = |name: &str| self.secrets.get(name).cloned();
        let mut members = Vec::new();
        for (position, named) in batch.requests.iter().enumerate().filter(|(position, _)| batch.replies.get(*position).is_some_and(Option::is_none)) {
            let member = if named.change && !right && !monitor.repeats(named) {
                // Somebody has sent this attempt, or was about to: read back, then decide.
                Member::Settled(Came::Unknown)
            } else {
                match monitor.prepare(named, now, &decide, &secret) {
                    Err(denied) => Member::Settled(Came::Refused(denied.code, denied.why)),
                    Ok(request) => Member::Send(request),
                }
            };
            members.push((position, member));
        }
        Ok(members)
    }

    fn settle_all(&self, batch: &Batch, came: &Came) -> Vec<(usize, Member)> {
        (0..batch.requests.len()).map(|position| (position, Member::Settled(came.clone()))).collect()
    }

    /// Turns what came back into final replies, and into a time for those that are sent again.
    async fn after(&mut self, task: &Task, mut answers: BTreeMap<usize, Came>) -> Result<Fact, Stop> {
        let Some(batch) = &task.batch else { return Ok(Fact::Tick { at: self.host.now() }) };
        if let Some((code, why)) = answers.values().find_map(|came| if let Came::Refused(code, why) = came { Some((*code, why.clone())) } else { None }) {
            // Members that were sent stay in the vendor's log and in ours; the case goes to a human.
            return Ok(Fact::Stopped { task: task.id.clone(), code: code.into(), why });
        }
        let mut replies = Vec::new();
        let mut attested = Vec::new();
        let mut wait: Option<u64> = None;
        let mut renew = false;
        for (position, named) in batch.requests.iter().enumerate() {
            let reply = match answers.remove(&position) {
                None => None,
                Some(came) => {
                    let due = batch.renewal == Renewal::Due && matches!(came, Came::NoToken(_));
                    match self.judge(task, named, batch, came, &mut attested)? {
                        Judged::Final(reply) => Some(reply),
                        Judged::Again(after) => {
                            wait = Some(wait.unwrap_or(0).max(after));
                            renew |= due;
                            None
                        }
                        Judged::Renew => {
                            wait = Some(wait.unwrap_or(0));
                            renew = true;
                            None
                        }
                    }
                }
            };
            replies.push(reply);
        }
        let retry_at = wait.map(|after| self.host.now() + after);
        Ok(Fact::After { task: task.id.clone(), batch: task.batches, replies, retry_at, renew, attested })
    }

    fn judge(&mut self, task: &Task, named: &Named, batch: &Batch, came: Came, attested: &mut Vec<String>) -> Result<Judged, Stop> {
        let now = self.host.now();
        let Ok(monitor) = Monitor::new(&self.tenant, self.settings, &self.state, task) else { return Ok(Judged::Final(Reply::Unknown(now))) };
        let call = monitor.vendor.calls.iter().find(|call| call.name == named.call);
        let repeat = call.is_some_and(|call| call.repeat) || !named.change;
        // A task that would be lost waits for its vendor; any other has a few tries.
        let again = |asked: Option<u64>| -> Result<Option<Judged>, Stop> {
            let pause = pause(batch.attempt, asked, self.host.random()?);
            let may = batch.attempt < State::tries(task) || now + pause < self.state.patience(task);
            Ok(may.then_some(Judged::Again(pause)))
        };
        let (answer, at) = match came {
            Came::Answer(answer, at) => (answer, at),
            Came::NoToken(at) => (Err(SendError::NotSent), at),
            Came::Unknown | Came::Refused(..) => return Ok(Judged::Final(Reply::Unknown(now))),
        };
        let incoming = match answer {
            Ok(incoming) => incoming,
            Err(SendError::NotSent) => return Ok(again(None)?.unwrap_or(Judged::Final(Reply::NotApplied(at)))),
            Err(SendError::Lost) if repeat => return Ok(again(None)?.unwrap_or(Judged::Final(Reply::Unknown(at)))),
            Err(SendError::Lost) => return Ok(Judged::Final(Reply::Unknown(at))),
        };
        let (busy, broken) = (incoming.status == 429, incoming.status >= 500);
        if (busy || broken && repeat)
            && let Some(judged) = again(retry_after(&incoming, now))?
        {
            return Ok(judged);
        }
        match incoming.status {
            // The token may have been revoked: one new one.
            401 if batch.renewal == Renewal::Never => return Ok(Judged::Renew),
            429 if named.change => return Ok(Judged::Final(Reply::NotApplied(at))),
            500.. if named.change => return Ok(Judged::Final(Reply::Unknown(at))),
            _ => {}
        }
        let mut body = String::from_utf8_lossy(&incoming.body).into_owned();
        let mut found = Vec::new();
        if let Some(call) = call {
            match serde_json::from_str::<serde_json::Value>(&body) {
                Ok(mut value) => {
                    attested.extend(monitor.attests(named, &value));
                    if let Some(stranger) = monitor.only_owner(call, &value) {
                        body = stranger.to_string();
                    }
                    for (name, pointer) in &call.secrets {
                        found.extend(redact::take(&mut value, pointer, name).map(|text| (name.clone(), Secret::new(text))));
                    }
                    call.drop.iter().for_each(|pointer| redact::remove(&mut value, pointer));
                    if !call.secrets.is_empty() || !call.drop.is_empty() {
                        body = value.to_string();
                    }
                }
                // What cannot be read cannot be cleaned either.
                Err(_) if !call.secrets.is_empty() || !call.drop.is_empty() => body = String::new(),
                Err(_) => {}
            }
        }
        let keep = call.map(|call| call.keep_headers.as_slice()).unwrap_or_default();
        let headers = incoming.headers.into_iter().filter(|(name, _)| keep.iter().any(|kept| kept.eq_ignore_ascii_case(name))).collect();
        for (name, secret) in found {
            self.keep_secret(&name, secret);
        }
        Ok(Judged::Final(Reply::Response(Response { status: incoming.status, headers, body, at })))
    }

    /// Seals a secret of the case to ourselves, in the next commit.
    fn keep_secret(&mut self, name: &str, secret: Secret) {
        let Some(case) = self.state.case.as_ref().map(|case| case.id.clone()) else { return };
        if let Some(sealed) = self.settings.public_key.seal(&secret, &case_context(&self.tenant.tenant, &case, name)) {
            self.writes.push((keys::case_secret(&case, name), base64(&sealed).into_bytes()));
            self.secrets.insert(name.into(), secret);
        }
    }

    async fn open_secret(&mut self, name: &str) -> Result<Sealed, Stop> {
        if let Some(secret) = self.secrets.get(name) {
            return Ok(Sealed::Open(secret.clone()));
        }
        let Some(case) = self.state.case.as_ref().map(|case| case.id.clone()) else { return Ok(Sealed::Absent) };
        let key = keys::case_secret(&case, name);
        let Some(bytes) = self.host.get(&key).await?.filter(|bytes| !bytes.is_empty()) else { return Ok(Sealed::Absent) };
        let sealed = std::str::from_utf8(&bytes).ok().and_then(unbase64).unwrap_or_default();
        let secret = self.settings.private_key.open(&sealed, &case_context(&self.tenant.tenant, &case, name));
        Ok(match secret {
            Some(secret) => {
                self.secrets.insert(name.into(), secret.clone());
                Sealed::Open(secret)
            }
            None => Sealed::Damaged(key),
        })
    }

    /// Secrets that a batch fills in: made before the commit that names the batch, so that a crash loses none.
    /// The key of one that is there and cannot be opened, if there is such a one.
    async fn make_secrets(&mut self, task: &Task) -> Result<Option<String>, Stop> {
        let names: BTreeSet<String> =
            task.batch.iter().flat_map(|batch| &batch.requests).flat_map(|named| &named.request.fill).map(|fill| fill.name.clone()).collect();
        for name in names {
            if name == "code" {
                // Another one may have been typed since.
                self.secrets.remove(&name);
            }
            let known = match self.open_secret(&name).await? {
                Sealed::Open(secret) => Some(secret),
                Sealed::Damaged(key) => return Ok(Some(key)),
                Sealed::Absent => None,
            };
            match name.as_str() {
                "temporary-password" if known.is_none() => {
                    let password = Secret::new(once::password(self.host.random()?));
                    self.keep_secret("temporary-password", password);
                }
                "code-page" => self.make_code_page(known).await?,
                "link" => {
                    if let Some(link) = known {
                        // A chat that was down for long must not deliver a link that is dead, or nearly.
                        let Some((hash, old)) = self.stale(&link).await? else { continue };
                        self.writes.push((keys::once(&hash), write(&old.erased())));
                    }
                    let password = match self.open_secret("temporary-password").await? {
                        Sealed::Open(password) => password,
                        Sealed::Damaged(key) => return Ok(Some(key)),
                        Sealed::Absent => continue,
                    };
                    let token = once::token(self.host.random()?);
                    let Some(hash) = once::token_hash(&token) else { continue };
                    let until = self.state.case.as_ref().and_then(Case::secret_expires);
                    // INVARIANT: a link never promises what works no more.
                    let expires = (self.host.now() + self.tenant.link_minutes * 60_000).min(until.unwrap_or(u64::MAX));
                    let Some(sealed) = self.settings.link_key.seal(&password, &once_context(&hash, &self.tenant.tenant, expires)) else { continue };
                    let latest = self.host.get(&keys::latest()).await?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok()).unwrap_or(0);
                    let once = Once {
                        sealed: base64(&sealed),
                        tenant: self.tenant.tenant.clone(),
                        expires,
                        latest,
                        msp: self.tenant.msp.name.clone(),
                        ticket: self.ticket(),
                        pass: until.is_some(),
                        locale: self.locale(),
                        logo: self.logo(),
                    };
                    self.writes.push((keys::once(&hash), write(&once)));
                    self.writes.extend(self.state.case.as_ref().map(|case| (keys::link(&case.id), hash.clone().into_bytes())));
                    // Should nobody open it, it vanishes when it has expired.
                    let due = self.host.increment(&keys::due_counter(mailbox::minute(expires)), 1).await?;
                    self.writes.extend(mailbox::expiry_writes(&self.state.id, &hash, expires, due));
                    let base = self.base();
                    self.keep_secret("link", Secret::new(format!("{base}{}", once::path(&token))));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// The page on which the code that is waited for is typed, unless there is one.
    async fn make_code_page(&mut self, known: Option<Secret>) -> Result<(), Stop> {
        let Some((page, expires)) = case::code_page(&self.state) else { return Ok(()) };
        let Some(case) = self.state.case.as_ref().map(|case| case.id.clone()) else { return Ok(()) };
        if let Some(hash) = known.and_then(|link| once::token_hash(link.expose().rsplit('/').next()?)) {
            let there = self.host.get(&keys::code_page(&hash)).await?.and_then(|bytes| read::<CodePage>(&bytes).ok());
            if there.is_some_and(|there| there.page == page && there.expires == expires) {
                return Ok(());
            }
        }
        let token = once::token(self.host.random()?);
        let Some(hash) = once::token_hash(&token) else { return Ok(()) };
        let typed = CodePage {
            conversation: self.state.id.clone(),
            tenant: self.tenant.tenant.clone(),
            connection: self.state.connection.clone(),
            case,
            page,
            expires,
            msp: self.tenant.msp.name.clone(),
            ticket: self.ticket(),
            locale: self.locale(),
            logo: self.logo(),
        };
        self.writes.push((keys::code_page(&hash), write(&typed)));
        let base = self.base();
        self.keep_secret("code-page", Secret::new(format!("{base}{}", once::code_path(&token))));
        Ok(())
    }

    /// The ticket's number; empty if there is none.
    fn ticket(&self) -> String {
        self.state.case.as_ref().and_then(|case| case.ticket.as_ref()).map_or_else(String::new, |ticket| ticket.id.to_string())
    }

    /// The user's language.
    fn locale(&self) -> String {
        self.tenant.language(self.state.case.as_ref().and_then(Case::locale).unwrap_or_default()).to_string()
    }

    /// The hash of the MSP's logo; empty if there is none.
    fn logo(&self) -> String {
        self.tenant.msp.logo.as_deref().and_then(logo::hash).unwrap_or_default().into()
    }

    /// Where links lead.
    fn base(&self) -> String {
        self.tenant.msp.link_domain.as_deref().unwrap_or(&self.settings.public_url).to_string()
    }

    /// The link's record, if nobody has opened it and more than half of its time is over.
    async fn stale(&self, link: &Secret) -> Result<Option<(String, Once)>, Stop> {
        let Some(hash) = link.expose().rsplit('/').next().and_then(once::token_hash) else { return Ok(None) };
        let once = self.host.get(&keys::once(&hash)).await?.and_then(|bytes| read::<Once>(&bytes).ok());
        let half = self.tenant.link_minutes * 30_000;
        Ok(once.filter(|once| self.host.now() + half >= once.expires).map(|once| (hash, once)))
    }

    /// One structured line per fact: no text, no address, no secret.
    fn log(&self, fact: &Fact) {
        let (what, detail) = describe(fact, &self.state);
        let case = self.state.case.as_ref().map(|case| case.id.as_str());
        let line = serde_json::json!({"component": "technician", "tenant": self.tenant.tenant, "conversation": self.state.id, "case": case, "what": what, "detail": detail});
        self.host.log(line.to_string());
    }
}

/// Milliseconds until the next try: doubled from one second on, or what the vendor asked for. A random part keeps many cases from coming back at once.
fn pause(attempt: u32, asked: Option<u64>, random: [u8; 32]) -> u64 {
    let [part, ..] = random;
    let (pause, spread) = match asked {
        Some(asked) => (asked, asked / 10),
        None => {
            let pause = LONGEST_PAUSE.min(1_000 << attempt.saturating_sub(1).min(20));
            (pause, pause / 4)
        }
    };
    pause + spread * u64::from(part) / 256
}

/// What a vendor asks for, in milliseconds: seconds or a date, an hour at most.
fn retry_after(incoming: &Incoming, now: Instant) -> Option<u64> {
    let text = header(incoming, "retry-after")?;
    let seconds = match text.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
            date.as_secs().saturating_sub(now / 1_000)
        }
    };
    Some(seconds.clamp(1, 3_600) * 1_000)
}

fn header<'a>(incoming: &'a Incoming, name: &str) -> Option<&'a str> {
    incoming.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
}

/// A secret of the case.
enum Sealed {
    Open(Secret),
    Absent,
    /// It stands under this key and cannot be opened.
    Damaged(String),
}

enum Member {
    Send(Outgoing),
    Settled(Came),
}

enum Came {
    Answer(Result<Incoming, SendError>, Instant),
    /// Not sent, because the token endpoint did not answer.
    NoToken(Instant),
    Unknown,
    /// Code and text.
    Refused(&'static str, String),
}

impl Clone for Came {
    fn clone(&self) -> Self {
        match self {
            Came::Refused(code, why) => Came::Refused(code, why.clone()),
            // An answer is never shared between members.
            Came::Answer(..) | Came::NoToken(_) | Came::Unknown => Came::Unknown,
        }
    }
}

enum Judged {
    Final(Reply),
    /// Send again after so many milliseconds.
    Again(u64),
    /// Send again with a new token.
    Renew,
}

/// The damaged record because of which nothing before this entry counts any more.
fn begins_afresh(entry: &Entry) -> Option<&str> {
    match entry.facts.first() {
        Some(Fact::Damaged(damaged)) if damaged.afresh => Some(&damaged.key),
        _ => None,
    }
}

async fn first_event<H: Host>(host: &H, conversation: &str) -> Result<Option<Event>, Stop> {
    let last = read_counter(host, &keys::event_counter(conversation)).await?;
    Ok(stored(host, conversation, 1..=last).await?)
}

fn describe(fact: &Fact, state: &State) -> (&'static str, serde_json::Value) {
    use serde_json::json;
    let work = |id: &str| state.tasks.iter().find(|task| task.id == id).map(|task| format!("{:?} via {}", task.purpose_name(), task.connection));
    match fact {
        Fact::Taken { number, event, press, .. } => {
            let kind = match event.act {
                Act::Message(_) => "message",
                Act::Ticket => "ticket",
                Act::Code(_) => "code",
                Act::Answer(_) if press.is_some() => "answer by the API",
                Act::Answer(_) => "answer that is not ours",
                Act::Notice(_) if press.is_some() => "notice",
                Act::Notice(_) => "notice that is not ours",
                Act::Press(_) if press.is_some() => "button",
                Act::Press(_) => "button that is not ours",
            };
            ("event", json!({"number": number, "kind": kind}))
        }
        Fact::Hole { number } => ("hole", json!({ "number": number })),
        Fact::Damaged(damage) => ("damaged", json!({"key": damage.key, "why": damage.why, "afresh": damage.afresh})),
        Fact::Understood { understanding, .. } => {
            let first = understanding.candidates.first();
            ("understood", json!({"intent": first.map(|c| &c.intent), "confidence": first.map(|c| c.confidence), "abstained": understanding.abstained}))
        }
        Fact::Recalled { lessons } => ("recalled", json!({ "lessons": lessons.len() })),
        Fact::Decided { question, decision, standing } => {
            let held = standing.as_ref().map(|standing| standing.assurance);
            ("decided", json!({"action": question.action, "assurance": held, "verdict": decision.verdict, "rules": decision.rules}))
        }
        Fact::Before { task, batch, requests, .. } => {
            ("sends", json!({"task": task, "work": work(task), "batch": batch, "calls": requests.iter().map(|named| &named.call).collect::<Vec<_>>()}))
        }
        Fact::After { task, replies, .. } => {
            let statuses: Vec<String> = replies
                .iter()
                .map(|reply| match reply {
                    Some(Reply::Response(response)) => response.status.to_string(),
                    Some(Reply::NotApplied(_)) => "not applied".into(),
                    Some(Reply::Unknown(_)) => "unknown".into(),
                    Some(Reply::Waited(_)) => "waited".into(),
                    None => "again".into(),
                })
                .collect();
            ("replies", json!({"task": task, "statuses": statuses}))
        }
        Fact::Waiting { task, .. } => ("waits", json!({ "task": task })),
        Fact::Waited { task, .. } => ("waited", json!({ "task": task })),
        Fact::Checkpoint { task, .. } => ("checkpoint", json!({ "task": task })),
        Fact::Done { task, outcome } => ("done", json!({"task": task, "work": work(task), "outcome": outcome.name()})),
        Fact::Stopped { task, code, why } => ("stopped", json!({"task": task, "work": work(task), "code": code, "why": why})),
        Fact::Tick { .. } => ("tick", json!({})),
    }
}

/// Used by the state machine's purposes in log lines.
trait PurposeName {
    fn purpose_name(&self) -> &'static str;
}

impl PurposeName for Task {
    fn purpose_name(&self) -> &'static str {
        match self.purpose {
            Purpose::Who => "who",
            Purpose::Find => "find",
            Purpose::Contacts => "read contacts",
            Purpose::Open => "open ticket",
            Purpose::Offer => "offer",
            Purpose::Act => "act",
            Purpose::Deliver => "deliver",
            Purpose::Revoke => "revoke sessions",
            Purpose::Close => "close ticket",
            Purpose::HandOver => "hand over",
            Purpose::Farewell => "farewell",
            Purpose::Aside => "say",
            Purpose::Forward(_) => "forward",
            Purpose::Look => "look at ticket",
            Purpose::Meet => "meet",
            Purpose::Query => "ask what was meant",
            Purpose::Opinion => "ask a language model",
            Purpose::Ask => "ask for approval",
            Purpose::Approver => "who answered",
            Purpose::Wait => "wait for the user",
            Purpose::Page(_) => "page",
            Purpose::Check => "look for a new factor",
            Purpose::Watch(_) => "look for the first sign-in",
            Purpose::LookUp => "look up what a text names",
            Purpose::Prove => "prove who asks",
        }
    }
}

#[cfg(test)]
mod tests;
