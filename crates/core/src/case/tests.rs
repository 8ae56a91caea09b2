//! Stories of the state machine: one line in, one line out.

use super::*;
use crate::stage::{Assurance, Candidate, Entity, ProofAct, Report, Seen, Standing};
use crate::tenant::{Reach, parse};
use serde_json::json;

const MINUTE: u64 = 60_000;
const START: Instant = 1_800_000_000_000;

fn tenant(idp: &str) -> Tenant {
    let idp = match idp {
        "entra" => json!({"id": "idp", "vendor": "entra", "base_url": "https://graph.microsoft.com/v1.0",
            "token_url": "https://login.microsoftonline.com/d/oauth2/v2.0/token", "account": {"directory": "d", "client_id": "c"}}),
        _ => json!({"id": "idp", "vendor": "okta", "base_url": "https://acme.okta.com", "account": {"org": "o"}}),
    };
    let document = json!({
        "tenant": "acme", "name": "Acme", "msp": {"name": "Northwind IT", "phone": "+1 555 0100"},
        "connections": [
            {"id": "chat", "vendor": "slack", "base_url": "https://slack.com/api", "account": {"team": "T1"}},
            idp,
            {"id": "desk", "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4_6_release/apis/3.0", "account": {"login_company": "nw", "client_id": "c"}}
        ],
        "desk": {"company": 19, "board": 1},
        "guardrails": {"autonomy": {"default": {"mode": "autonomous"}}}
    });
    parse("acme", document.to_string().as_bytes(), &Reach::default()).unwrap()
}

pub(super) fn event(number: i64, author: &str, act: Act, now: Instant) -> Event {
    Event {
        id: format!("e{number}"),
        tenant: "acme".into(),
        connection: "chat".into(),
        workspace: "T1".into(),
        author: author.into(),
        author_workspace: Some("T1".into()),
        channel: "D1".into(),
        thread: None,
        place: Place::Direct,
        message: format!("m{number}"),
        act,
        at: now,
        received: now,
        to: None,
    }
}

/// What a language model says.
pub(super) fn opinion(intent: &str, entities: &[(&str, &str)]) -> Outcome {
    let entities = entities.iter().map(|(kind, words)| Entity { kind: (*kind).into(), words: (*words).into() }).collect();
    Outcome::Opinion(crate::stage::Opinion { intent: intent.into(), entities })
}

/// A connection to it.
pub(super) fn duo() -> crate::tenant::Connection {
    let account = [("integration_key".into(), "DI1".into())].into();
    crate::tenant::Connection { id: "pushes".into(), vendor: "duo".into(), base_url: "https://api-1.duosecurity.com".into(), account, ..Default::default() }
}

pub(super) fn twilio() -> crate::tenant::Connection {
    let account = [("service".into(), "VA1".into()), ("key".into(), "SK1".into())].into();
    crate::tenant::Connection { id: "sms".into(), vendor: "twilio".into(), base_url: "https://verify.twilio.com/v2".into(), account, ..Default::default() }
}

pub(super) fn language_model() -> crate::tenant::Connection {
    let account = [("model".to_string(), "small".to_string())].into();
    crate::tenant::Connection { id: "mind".into(), vendor: "openai".into(), base_url: "https://llm.example".into(), account, ..Default::default() }
}

/// Jane's account.
pub(super) fn account() -> Account {
    Account {
        id: "u1".into(),
        login: "jane@acme.example".into(),
        names: vec!["jane@acme.example".into()],
        name: "Jane".into(),
        enabled: true,
        state: "ACTIVE".into(),
        lock: Lock::Locked,
        guest: false,
        synced: false,
        privileged: vec![],
        groups: vec![],
        locale: None,
        phones: vec!["+44 7700 900123".into()],
        mobile: Some("+44 7700 900123".into()),
        manager: None,
    }
}

/// Plays a conversation.
pub(super) struct Play {
    pub(super) state: State,
    pub(super) tenant: Tenant,
    /// The ticket as the PSA shows it.
    pub(super) ticket: Option<Seen>,
    pub(super) now: Instant,
    pub(super) number: i64,
    /// What the identity provider says of the lock.
    lock: Lock,
    /// Every fact with its time.
    facts: Vec<(Instant, Fact)>,
    last_press: Option<Press>,
    /// The past is asked, and knows nothing.
    pub(super) recalls: bool,
}

fn purpose(task: &Task) -> &'static str {
    match task.purpose {
        Purpose::Who => "who",
        Purpose::Find => "find",
        Purpose::Contacts => "contacts",
        Purpose::Open => "open",
        Purpose::Offer => "offer",
        Purpose::Act => "act",
        Purpose::Deliver => "deliver",
        Purpose::Revoke => "revoke",
        Purpose::Close => "close",
        Purpose::HandOver => "hand-over",
        Purpose::Farewell => "farewell",
        Purpose::Aside => "aside",
        Purpose::Forward(_) => "forward",
        Purpose::Look => "look",
        Purpose::Meet => "meet",
        Purpose::Query => "query",
        Purpose::Opinion => "opinion",
        Purpose::Ask => "ask",
        Purpose::Approver => "approver",
        Purpose::Wait => "status",
        Purpose::Page(_) => "page",
        Purpose::Check => "check",
        Purpose::Watch(_) => "watch",
        Purpose::LookUp => "look-up",
        Purpose::Prove => "code",
    }
}

fn show(task: &Task) -> String {
    match &task.work {
        Work::Chat(ChatAct::Who(_)) => "who".into(),
        Work::Chat(ChatAct::Find(address)) => format!("who has {address}"),
        Work::Chat(ChatAct::OpenDirect(user)) => format!("open-direct {user}"),
        Work::Chat(ChatAct::Say(message) | ChatAct::Replace(_, message)) => message.words.sentence.clone(),
        Work::Idp(IdpAct::Find(sought)) => format!("find {}", sought.name),
        Work::Idp(IdpAct::Unlock(_)) => "unlock".into(),
        Work::Idp(IdpAct::ResetPassword(_)) => "reset".into(),
        Work::Idp(IdpAct::RevokeSessions(_)) => "revoke".into(),
        Work::Idp(IdpAct::ResetFactors(_)) => "reset-factors".into(),
        Work::Idp(IdpAct::CheckFactors(_)) => "check-factors".into(),
        Work::Idp(IdpAct::LookUp(name)) => format!("look up {name}"),
        Work::Idp(IdpAct::FirstSignIn(account, since)) => format!("first sign-in of {account} since {since}"),
        Work::Idp(IdpAct::LookUpGroup(name)) => format!("look up group {name}"),
        Work::Idp(IdpAct::LookUpMailbox(name)) => format!("look up mailbox {name}"),
        Work::Psa(PsaAct::Open(_)) => "open".into(),
        Work::Psa(PsaAct::Close(_)) => "close".into(),
        Work::Psa(PsaAct::HandOver(_)) => "hand-over".into(),
        Work::Psa(PsaAct::Note(_)) => "note".into(),
        Work::Psa(PsaAct::Look(ticket)) => format!("look at {ticket}"),
        Work::Psa(PsaAct::Wait(_)) => "wait".into(),
        Work::Psa(PsaAct::Contacts(types)) => format!("contacts {}", types.join(", ")),
        Work::Model(_) => "consult".into(),
        Work::Proof(ProofAct::SendCode(number, _)) => format!("send {number}"),
        Work::Proof(ProofAct::CheckCode(_)) => "check".into(),
        Work::Proof(ProofAct::Push(login)) => format!("push {login}"),
    }
}

/// What intent detection says: an intent, `unsure`, `torn`, `barred`, `other-system`, `somebody-else`, `two-wishes` or `german`.
pub(super) fn meaning(word: &str) -> Understanding {
    if word == "torn" {
        let candidates = [("app_outage", 500), ("account_unlock", 300), ("password_reset", 200)];
        let candidates = candidates.map(|(intent, confidence)| Candidate { intent: intent.into(), confidence, because: vec![] });
        return Understanding { candidates: candidates.into(), abstained: true, ..Understanding::default() };
    }
    let intent = match word {
        "unsure" => "other",
        "barred" => "app_outage",
        "other-system" | "somebody-else" | "two-wishes" | "german" => "password_reset",
        intent => intent,
    };
    Understanding {
        candidates: vec![Candidate { intent: intent.into(), confidence: 900, because: vec![] }],
        abstained: matches!(word, "unsure" | "german"),
        also: (word == "two-wishes").then(|| Candidate { intent: "printer".into(), confidence: 900, because: vec![] }).into_iter().collect(),
        language: (word == "german").then(|| "de".into()),
        other_system: (word == "other-system").then(|| "QuickBooks".into()),
        entities: (word == "barred").then(|| Entity { kind: "sign-in".into(), words: "cannot log in".into() }).into_iter().collect(),
        about_another: (word == "somebody-else").then(|| "my colleague".into()),
    }
}

impl Play {
    pub(super) fn new(idp: &str, lock: Lock) -> Self {
        let state = State::new(&event(1, "U1", Act::Message(String::new()), START));
        Play { state, tenant: tenant(idp), ticket: None, now: START, number: 0, lock, facts: Vec::new(), last_press: None, recalls: true }
    }

    pub(super) fn apply(&mut self, fact: Fact) -> Vec<Note> {
        self.now += 1_000;
        let before = self.state.counted;
        let notes = apply(&mut self.state, &fact, &self.tenant, self.now);
        let after = self.state.clone();
        let again = apply(&mut self.state, &fact, &self.tenant, self.now);
        assert!(again.is_empty() && self.state == after, "a duplicate changes nothing: {fact:?}");
        self.facts.push((self.now, fact));
        self.sound();
        assert!(self.state.counted >= before);
        if self.recalls && matches!(self.state.wants(), Some(Want::Recall(_))) {
            return notes.into_iter().chain(self.recall(Vec::new())).collect();
        }
        notes
    }

    pub(super) fn recall(&mut self, lessons: Vec<crate::past::Lesson>) -> Vec<Note> {
        let fact = Fact::Recalled { lessons };
        let notes = apply(&mut self.state, &fact, &self.tenant, self.now);
        self.facts.push((self.now, fact));
        self.sound();
        notes
    }

    /// INVARIANT: a case never stands still without something that moves it on.
    fn sound(&self) {
        let Some(case) = &self.state.case else {
            assert!(self.state.unread.is_empty() && self.state.asked.is_none(), "nobody reads what was written: {:?}", self.facts.last());
            return;
        };
        let works = self.state.tasks.iter().any(|task| !matches!(task.purpose, Purpose::Aside | Purpose::Forward(_) | Purpose::Page(_)));
        let waits = (matches!(case.phase, Phase::Listening | Phase::Offering | Phase::Approving | Phase::Proving | Phase::Guiding)
            || people::waits(case)
            || case.psa_again.is_some())
            && self.state.wake_at().is_some();
        assert!(works || waits || case.idle() || self.state.wants().is_some(), "stuck in {:?} after {:?}", case.phase, self.facts.last());
    }

    fn outcome(&self, task: &Task, good: bool) -> Outcome {
        let report = |secret: bool| Report { evidence: vec!["read back".into()], secret: secret.then(|| "temporary-password".into()) };
        let ticket = Ticket { id: 4711, board: 1, status: 16, status_name: "New".into(), contact: true, priority: "Medium".into() };
        match &task.work {
            Work::Chat(_) if !good => Outcome::Unreachable("channel_not_found".into()),
            Work::Idp(_) | Work::Psa(_) | Work::Model(_) | Work::Proof(_) if !good => Outcome::Escalate("vendor-refused".into(), "403".into()),
            Work::Chat(ChatAct::Who(user)) => Outcome::Profile(Profile {
                id: user.clone(),
                workspace: "T1".into(),
                email: Some("jane@acme.example".into()),
                name: "Jane".into(),
                guest: false,
                inactive: false,
                locale: None,
            }),
            Work::Chat(ChatAct::Find(address)) => Outcome::Profile(Profile {
                id: "U1".into(),
                workspace: "T1".into(),
                email: Some(address.to_uppercase()),
                name: "Jane".into(),
                guest: false,
                inactive: false,
                locale: None,
            }),
            Work::Psa(PsaAct::Wait(_)) => Outcome::TicketWaits(Ticket { status: 13, priority: "High".into(), ..ticket }),
            Work::Psa(PsaAct::Look(_)) => {
                self.ticket.clone().map_or_else(|| Outcome::Escalate("foreign-ticket".into(), String::new()), |seen| Outcome::TicketSeen(Box::new(seen)))
            }
            Work::Chat(ChatAct::OpenDirect(_)) => Outcome::Opened("D9".into()),
            Work::Chat(ChatAct::Say(_) | ChatAct::Replace(..)) => Outcome::Posted(format!("p{}", task.id)),
            Work::Psa(PsaAct::Contacts(_)) => Outcome::Contacts(Vec::new()),
            Work::Idp(IdpAct::Find(_)) => Outcome::Found(Account { lock: self.lock, ..account() }),
            Work::Idp(IdpAct::FirstSignIn(..)) => Outcome::SignedIn(Some("2026-11-24T08:00:00Z".into())),
            Work::Idp(IdpAct::LookUp(_) | IdpAct::LookUpGroup(_) | IdpAct::LookUpMailbox(_)) => Outcome::People(Vec::new()),
            Work::Idp(IdpAct::ResetPassword(_) | IdpAct::ResetFactors(_)) => Outcome::Changed(report(true)),
            Work::Idp(IdpAct::Unlock(_) | IdpAct::RevokeSessions(_) | IdpAct::CheckFactors(_)) => Outcome::Changed(report(false)),
            Work::Model(_) => opinion("other", &[]),
            Work::Proof(ProofAct::SendCode(..)) => Outcome::Sent,
            Work::Proof(ProofAct::CheckCode(_) | ProofAct::Push(_)) => Outcome::Passed,
            Work::Psa(PsaAct::Open(_)) => Outcome::TicketOpened(ticket),
            Work::Psa(PsaAct::Close(_)) => Outcome::TicketClosed(ticket),
            Work::Psa(PsaAct::HandOver(_) | PsaAct::Note(_)) => Outcome::TicketHandedOver(ticket),
        }
    }

    /// A request of the task is not answered, and is to be sent again after so long; those with a reply before it have been.
    fn waits(&mut self, name: &str, pause: u64, replies: Vec<Option<Reply>>) -> Vec<Note> {
        let mut task = self.task(name);
        let request = Request {
            method: "GET".into(),
            target: crate::wire::Target::Path(vec!["x".into()]),
            query: vec![],
            headers: vec![],
            body: crate::wire::Body::Empty,
            fill: vec![],
            effect: crate::wire::Effect::Read,
        };
        let named = Named { call: "x".into(), change: false, grant: None, request };
        for replies in [replies, vec![None]].into_iter().filter(|replies| !replies.is_empty()) {
            if task.batch.is_none() {
                self.apply(Fact::Before { task: task.id.clone(), batch: task.batches + 1, attempt: 1, requests: vec![named.clone()], hash: "h".into() });
            }
            task = self.task(name);
            let retry_at = replies.contains(&None).then(|| self.now + 1_000 + pause);
            self.apply(Fact::After { task: task.id.clone(), batch: task.batches, replies, retry_at, renew: false, attested: vec![] });
            task = self.state.tasks.iter().find(|left| left.id == task.id).cloned().unwrap_or(task);
        }
        Vec::new()
    }

    fn task(&self, name: &str) -> Task {
        self.state.tasks.iter().find(|task| purpose(task) == name).unwrap_or_else(|| panic!("no task `{name}` in {:?}", self.state)).clone()
    }

    pub(super) fn done(&mut self, name: &str, outcome: Option<Outcome>, good: bool) -> Vec<Note> {
        let task = self.task(name);
        let outcome = outcome.unwrap_or_else(|| self.outcome(&task, good));
        self.apply(Fact::Done { task: task.id, outcome })
    }

    pub(super) fn take(&mut self, event: Event, press: Option<Press>) -> Vec<Note> {
        let number = event.id.trim_start_matches('e').parse().unwrap_or(self.number);
        self.apply(Fact::Taken { number, event, press, asked: Vec::new() })
    }

    fn say(&mut self, author: &str) -> Vec<Note> {
        self.number += 1;
        self.take(event(self.number, author, Act::Message(format!("text {}", self.number)), self.now), None)
    }

    fn understand(&mut self, word: &str) -> Vec<Note> {
        match self.state.wants() {
            Some(Want::Understand(event, _, _)) => self.apply(Fact::Understood { event, understanding: meaning(word) }),
            other => panic!("nothing to read: {other:?}"),
        }
    }

    fn press(&mut self, author: &str, press: Option<Press>) -> Vec<Note> {
        self.number += 1;
        let offer = self.state.case.as_ref().and_then(|case| case.offer.as_ref()).and_then(|offer| offer.message.clone());
        let event = event(self.number, author, Act::Press("value".into()), self.now);
        self.take(Event { message: offer.unwrap_or_else(|| event.message.clone()), ..event }, press)
    }

    fn own_press(&mut self, choice: &str) -> Option<Press> {
        let case = self.state.case.as_ref()?;
        let press = Press { case: case.id.clone(), offer: case.offer.as_ref()?.id.clone(), choice: choice.into() };
        self.last_press = Some(press.clone());
        Some(press)
    }

    /// The last button that was pressed.
    pub(super) fn pressed(&self) -> Option<Press> {
        self.last_press.clone()
    }

    /// The requester presses this button.
    pub(super) fn press_with(&mut self, press: Press) -> Vec<Note> {
        self.press("U1", Some(press))
    }

    /// A button of the question what was meant.
    fn choice(&mut self, choice: &str) -> Option<Press> {
        let case = self.state.case.as_ref()?;
        if let Some(query) = &case.query {
            self.last_press = Some(Press { case: case.id.clone(), offer: query.id.clone(), choice: String::new() });
        }
        self.last_press.clone().map(|press| Press { choice: choice.into(), ..press })
    }

    fn decide(&mut self, verdict: Verdict) -> Vec<Note> {
        self.decide_by(verdict, "protected-account")
    }

    pub(super) fn decide_by(&mut self, verdict: Verdict, rule: &str) -> Vec<Note> {
        let question = self.state.asked.clone().expect("guardrails are asked");
        let proof = (verdict == Verdict::Prove).then_some(Assurance::Challenge);
        let step_ups = if proof.is_some() { means(&question, &self.tenant) } else { Vec::new() };
        let standing = Standing { assurance: Assurance::Chat, because: vec!["chat".into()], step_ups, locked: None };
        let decision = Decision { verdict, proof, rules: vec![rule.into()], reason: rule.into(), policies: String::new() };
        self.apply(Fact::Decided { question, decision, standing: Some(standing) })
    }

    /// One line of a story. Several words may be joined by `, `.
    fn step(&mut self, line: &str) -> Vec<Note> {
        let mut notes = Vec::new();
        for words in line.split(", ") {
            let words: Vec<&str> = words.split(' ').collect();
            notes.extend(match words.as_slice() {
                // Somebody writes, and it is read at once.
                ["says", meaning] => {
                    let mut notes = self.say("U1");
                    notes.extend(self.understand(meaning));
                    notes
                }
                ["writes"] => self.say("U1"),
                ["stranger", "writes"] => self.say("U2"),
                ["read", meaning] => self.understand(meaning),
                ["press", choice] => {
                    let press = self.own_press(choice);
                    self.press("U1", press)
                }
                ["choose", choice] => {
                    let press = self.choice(choice);
                    self.press("U1", press)
                }
                ["stranger", "chooses", choice] => {
                    let press = self.choice(choice);
                    self.press("U2", press)
                }
                ["stranger", "presses", choice] => {
                    let press = self.own_press(choice).or_else(|| self.last_press.clone());
                    self.press("U2", press)
                }
                ["press", "forged", _] => self.press("U1", None),
                ["press", "again", _] => self.press("U1", self.last_press.clone()),
                ["allow"] => self.decide(Verdict::Autonomous),
                ["deny"] => self.decide(Verdict::Deny),
                ["human"] => self.decide(Verdict::Human),
                ["approval"] => self.decide(Verdict::Approval),
                ["prove"] => self.decide(Verdict::Prove),
                ["wait", minutes] => {
                    self.now += minutes.parse::<u64>().unwrap() * MINUTE;
                    self.apply(Fact::Tick { at: self.now })
                }
                ["guest"] => {
                    let task = self.task("who");
                    let Outcome::Profile(profile) = self.outcome(&task, true) else { panic!() };
                    self.done("who", Some(Outcome::Profile(Profile { guest: true, ..profile })), true)
                }
                ["absent"] => self.done("find", Some(Outcome::Absent), true),
                ["unchanged"] => self.done("act", Some(Outcome::Unchanged(Report { evidence: vec![], secret: None })), true),
                ["hint"] => {
                    self.number += 1;
                    let hint = Event::of_ticket(4711, format!("e{}", self.number), "acme", "desk", self.now);
                    self.take(hint, None)
                }
                ["stopped", name] => {
                    let task = self.task(name).id;
                    self.apply(Fact::Stopped { task, code: "diverged".into(), why: "upgraded".into() })
                }
                // Something is typed on the page of the code that is waited for.
                ["type"] => {
                    let page = self.state.case.as_ref().and_then(|case| case.offer.as_ref()).map_or("o1".into(), |offer| offer.id.clone());
                    self.number += 1;
                    self.take(event(self.number, "", Act::Code(page), self.now), None)
                }
                ["code", "wrong"] => self.done("code", Some(Outcome::Refused), true),
                ["opinion", intent] => self.done("opinion", Some(opinion(intent, &[])), true),
                [name, "waits"] => self.waits(name, MINUTE, Vec::new()),
                [name, "pauses"] => self.waits(name, SHORT_PAUSE - 1_000, Vec::new()),
                [name, "uncertain"] => self.waits(name, MINUTE, vec![Some(Reply::Unknown(self.now))]),
                ["act", "down"] => self.done("act", Some(Outcome::Escalate(IDP_DOWN.into(), "no answer".into())), true),
                ["act", "late"] => {
                    let task = self.task("act").id;
                    self.apply(Fact::Stopped { task, code: GRANT_EXPIRED.into(), why: "no live grant".into() })
                }
                [name, "silent"] => self.done(name, Some(Outcome::Escalate("vendor-unavailable".into(), "no answer".into())), true),
                [name, "fails"] => self.done(name, None, false),
                [name] => self.done(name, None, true),
                other => panic!("no such step: {other:?}"),
            });
        }
        notes
    }

    /// `phase (code of the handover): what was started; notes`.
    pub(super) fn line(&mut self, step: &str) -> String {
        let before = self.state.counted;
        let notes = self.step(step);
        let number = |task: &Task| task.id.trim_start_matches('t').parse::<u32>().unwrap();
        let started: Vec<String> = self.state.tasks.iter().filter(|task| number(task) > before).map(show).collect();
        let notes: Vec<String> = notes
            .iter()
            .map(|note| match note {
                Note::Opened(case) => format!("opened {}", if case.kind.is_empty() { "other" } else { &case.kind }),
                Note::Ended(_, how) => format!("ended {how}"),
                Note::Forward(event) => format!("forward to {}", event.channel),
                Note::Challenged(account, count) => format!("challenged {account} {count}"),
                Note::Confirmed(case) => format!("confirmed {case}"),
                Note::Spent { .. } => "spent".into(),
                Note::Halt { tenant, halted, by, at: _ } => format!("halt {tenant:?} {halted} by {by}"),
                Note::LeftAlone(why) => format!("left alone: {why}"),
                Note::Broken(_) => "still broken".into(),
                Note::Watched(case, seen) => format!("watched {case}: {seen:?}"),
                Note::Failed { cause, .. } => format!("failed by {cause}"),
                Note::Reopened(case, ticket, since) => {
                    format!("{ticket} of {} may be open since {}", case.rsplit_once('-').map_or("", |(_, number)| number), since % 1_000_000 / 1_000)
                }
            })
            .collect();
        let phase = match &self.state.case {
            Some(case) => {
                let why = case.handover.as_ref().map_or(String::new(), |(code, _)| format!(" ({code})"));
                format!("{:?}{why}", case.phase).to_lowercase()
            }
            None => "no case".into(),
        };
        let asked = if self.state.asked.is_some() { " asks" } else { "" };
        let part = |sign: &str, of: Vec<String>| if of.is_empty() { String::new() } else { format!("{sign} {}", of.join(" + ")) };
        format!("{phase}{asked}{}{}", part(":", started), part(";", notes))
    }
}

/// Plays a story and compares each line.
pub(super) fn check(idp: &str, lock: Lock, story: &[(&str, &str)]) -> Play {
    let mut play = Play::new(idp, lock);
    for (at, (step, expect)) in story.iter().enumerate() {
        assert_eq!(play.line(step), *expect, "line {at}: `{step}`");
    }
    replay(&play);
    play
}

/// The same facts yield the same state, however often they are folded.
pub(super) fn replay(play: &Play) {
    let mut state = Play::new("okta", Lock::Open).state;
    for (at, fact) in &play.facts {
        apply(&mut state, fact, &play.tenant, *at);
    }
    assert_eq!(state, play.state);
}

const TO_OFFER: &[(&str, &str)] = &[
    ("says account_unlock", "identifying: who; opened account_unlock"),
    ("who", "finding: open + find jane@acme.example"),
    ("find, open", "finding asks"),
    ("allow", "offering: offer-unlock"),
    ("offer", "offering"),
];

pub(super) fn from_offer(lock: Lock, rest: &[(&str, &str)]) -> Play {
    check("okta", lock, &[TO_OFFER, rest].concat())
}

#[test]
fn a_locked_okta_account_is_unlocked() {
    let play = from_offer(
        Lock::Locked,
        &[
            ("press yes", "acting asks: offer-pressed"),
            ("allow", "acting: unlock"),
            ("act", "delivering: unlock-done"),
            ("deliver", "closing: close"),
            ("close", "telling: closed"),
            ("farewell", "no case; ended closed"),
        ],
    );
    assert!(play.state.grants.iter().all(|grant| grant.action != "account_unlock"), "a grant dies with its task");
}

#[test]
fn a_greeting_a_request_and_hurry_are_one_case_and_one_ticket() {
    check(
        "entra",
        Lock::Unknown,
        &[
            ("says greeting", "listening: greeting"),
            ("says password_reset", "identifying: who; opened password_reset"),
            ("says unsure", "identifying: working"),
            ("who", "finding: open + find jane@acme.example"),
            ("says unsure", "finding"),
            ("open", "finding"),
            ("find", "finding asks"),
            ("allow", "offering: offer-reset"),
            ("offer", "offering"),
            ("says unsure", "offering: press-button"),
            ("press yes", "acting asks: offer-pressed"),
            ("allow", "acting: reset"),
            ("act", "delivering: reset-done"),
            ("deliver", "closing: revoke; spent"),
            ("says thanks", "closing"),
            ("revoke", "closing: close"),
            ("close", "telling: closed"),
            ("farewell", "no case; ended closed"),
            ("says thanks", "no case: welcome"),
        ],
    );
}

#[test]
fn an_unlock_becomes_a_reset_where_unlocking_does_not_help() {
    for (idp, lock, offer) in [
        ("okta", Lock::Locked, "offering: offer-unlock"),
        ("okta", Lock::Unknown, "offering: offer-unlock"),
        ("okta", Lock::Open, "offering: offer-reset"),
        ("entra", Lock::Unknown, "offering: offer-reset"),
    ] {
        let mut play = Play::new(idp, lock);
        play.step("says account_unlock, who, open, find");
        assert_eq!(play.line("allow"), offer, "{idp} {lock:?}");
    }
    from_offer(Lock::Locked, &[("press yes, allow", "acting: offer-pressed + unlock"), ("unchanged", "delivering: unlock-not-needed")]);
}

#[test]
fn a_reset_ends_the_sessions_only_once_the_secret_was_delivered_and_its_secret_is_always_erased() {
    let reset =
        &[("says password_reset, who, open, find, allow, offer", "offering; opened password_reset"), ("press yes, allow", "acting: offer-pressed + reset")];
    for (rest, secret) in [
        (&[("act", "delivering: reset-done"), ("deliver fails", "handingover (delivery-failed): hand-over; spent")][..], false),
        (&[("act fails", "handingover (vendor-refused): hand-over; spent")], false),
        (&[("stopped act", "handingover (diverged): hand-over; spent")], false),
        (&[("act", "delivering: reset-done"), ("deliver waits", "delivering")], true),
    ] {
        let play = check("okta", Lock::Open, &[&reset[..], rest].concat());
        assert_eq!(play.state.case.as_ref().map(|case| case.secret), Some(secret), "{rest:?}");
        assert!(play.state.tasks.iter().all(|task| task.purpose != Purpose::Revoke));
    }
}

/// Runs the case to its end by letting everything succeed.
fn finish(play: &mut Play) -> Vec<String> {
    let mut notes = Vec::new();
    for _ in 0..40 {
        if let Some(task) = play.state.tasks.first().cloned() {
            let outcome = play.outcome(&task, true);
            notes.extend(play.apply(Fact::Done { task: task.id, outcome }));
        } else if play.state.asked.is_some() {
            notes.extend(play.decide(Verdict::Autonomous));
        } else {
            break;
        }
    }
    notes
        .iter()
        .filter_map(|note| if let Note::Ended(case, how) = note { Some(format!("{how} {}", case.id.rsplit_once('-').unwrap().1)) } else { None })
        .collect()
}

/// Steps to every phase, on Okta with a locked account; a new factor is had on Entra.
pub(super) const PHASES: [(Phase, &str); 12] = [
    (Phase::Listening, "says greeting"),
    (Phase::Identifying, "says account_unlock"),
    (Phase::Finding, "says account_unlock, who"),
    (Phase::Offering, "says account_unlock, who, find, open, allow, offer"),
    (Phase::Approving, "says account_unlock, who, find, open, allow, offer, press yes, approval"),
    (Phase::Proving, "says account_unlock, who, find, open, allow, offer, press yes, prove, code, code"),
    (Phase::Acting, "says account_unlock, who, find, open, allow, offer, press yes, allow"),
    (Phase::Delivering, "says account_unlock, who, find, open, allow, offer, press yes, allow, act"),
    (Phase::Closing, "says account_unlock, who, find, open, allow, offer, press yes, allow, act, deliver"),
    (Phase::Guiding, "says mfa_reset, who, find, open, allow, offer, press yes, allow, act, deliver, revoke"),
    (Phase::HandingOver, "says human, who, open"),
    (Phase::Telling, "says account_unlock, who, find, open, allow, offer, press yes, allow, act, deliver, close"),
];

pub(super) fn at(phase: Phase) -> Play {
    let mut play = if phase == Phase::Guiding { Play::new("entra", Lock::Unknown) } else { Play::new("okta", Lock::Locked) };
    if phase == Phase::Proving {
        play.tenant.connections.push(twilio());
    }
    let (_, steps) = PHASES.iter().find(|(of, _)| *of == phase).unwrap();
    play.step(steps);
    assert_eq!(play.state.case.as_ref().map(|case| case.phase), Some(phase));
    play
}

#[test]
fn every_word_in_every_phase_has_an_answer() {
    use Phase::*;
    let words = ["greeting", "thanks", "human", "password_reset", "other-system", "somebody-else", "two-wishes", "german", "other", "unsure"];
    let waits = |play: &Play| play.state.unread.len() == 1;
    for (phase, _) in PHASES {
        for word in words {
            let mut play = at(phase);
            if phase == Telling {
                // What comes now is read when the last words are said.
                play.step("writes");
                assert!(waits(&play) && play.state.wants().is_none());
                play.step("farewell");
                assert!(!play.line(&format!("read {word}")).is_empty());
                continue;
            }
            let line = play.line(&format!("says {word}"));
            let expect = match (phase, word) {
                (Listening, "greeting") => "listening: clarify",
                (Listening, "thanks") => "listening: welcome",
                (Listening, "human") => "identifying (asked-for-person): who; opened human",
                (Listening, "password_reset") => "identifying: who; opened password_reset",
                (Listening, "other-system") => "identifying (other-system): who; opened password_reset",
                (Listening, "somebody-else") => "identifying (somebody-else): who; opened password_reset",
                (Listening, "two-wishes") => "identifying (several-wishes): who; opened password_reset",
                (Listening, "german") => "identifying (language): who; opened password_reset",
                (Listening, "other") => "identifying (out-of-scope): who; opened other",
                (Listening, _) => "listening: clarify",
                (Identifying, "human") => "identifying (asked-for-person)",
                (Finding, "human") => "finding (asked-for-person)",
                (Offering, "human") => "handingover (asked-for-person): offer-withdrawn + hand-over",
                (Approving, "human") => "handingover (asked-for-person): hand-over",
                (Approving, _) => "approving: working",
                (Proving, "human") => "handingover (asked-for-person): offer-withdrawn + hand-over",
                (Proving, "thanks") => "proving",
                (Proving, _) => "proving: code-elsewhere",
                (Acting, "human") => "acting (asked-for-person)",
                (Delivering, "human") => "delivering (asked-for-person)",
                (Closing, "human") => "closing (asked-for-person)",
                (Identifying, _) => "identifying: working",
                (Finding, _) => "finding: working",
                (Offering, "thanks") => "offering",
                (Offering, _) => "offering: press-button",
                (Acting, _) => "acting: working",
                (Delivering, "thanks") => "delivering",
                (Delivering, _) => "delivering: working",
                (Closing, "thanks") => "closing",
                (Closing, _) => "closing: working",
                (Guiding, "human") => "handingover (asked-for-person): offer-withdrawn + hand-over",
                (Guiding, "thanks") => "guiding",
                (Guiding, _) => "guiding: press-button",
                (HandingOver, _) => "handingover (asked-for-person)",
                (Telling, _) => "",
            };
            assert_eq!(line, expect, "{phase:?} {word}");
            replay(&play);
        }
    }
}

#[test]
fn a_person_who_is_asked_for_in_any_phase_gets_the_ticket() {
    for (phase, _) in PHASES {
        let mut play = at(phase);
        play.step("writes");
        if phase == Phase::Telling {
            play.step("farewell");
        }
        play.understand("human");
        // What was begun is finished and delivered; then a human has it. After the end it is a case of its own.
        let ended = finish(&mut play);
        let number = if phase == Phase::Telling { play.number } else { 1 };
        assert_eq!(ended, [format!("handed-over {number}")], "{phase:?}");
        assert!(play.state.case.is_none());
        replay(&play);
    }
}

#[test]
fn a_ticket_that_was_just_closed_opens_again_for_a_person() {
    let mut play = at(Phase::Closing);
    play.step("says human");
    assert_eq!(play.line("close"), "handingover (asked-for-person): hand-over");
    assert_eq!(play.line("hand-over"), "telling (asked-for-person): handed-over");
}

#[test]
fn thanks_alone_opens_nothing_and_confirms_the_last_case() {
    check("okta", Lock::Open, &[("says thanks", "no case: welcome")]);
    let mut play = at(Phase::Telling);
    play.step("farewell, says thanks");
    assert!(play.state.case.is_none() && play.state.ended.as_ref().is_some_and(|ended| ended.confirmed.is_some()));
    let mut play = at(Phase::Closing);
    play.step("says thanks, close, farewell");
    assert!(play.state.ended.is_some_and(|ended| ended.confirmed.is_some()));
    // Two events that were taken together: the second is not lost with the first.
    check(
        "okta",
        Lock::Open,
        &[("writes, writes", "listening"), ("read thanks", "listening: welcome"), ("read human", "identifying (asked-for-person): who; opened human")],
    );
}

#[test]
fn listening_ends_quietly_without_a_request_and_with_a_human_otherwise() {
    check("okta", Lock::Open, &[("says greeting", "listening: greeting"), ("wait 29", "listening"), ("wait 2", "no case")]);
    // Nobody is woken for a greeting that led to nothing; whoever writes later begins a case of their own.
    let mut play = check("okta", Lock::Open, &[("says greeting", "listening: greeting")]);
    assert_eq!(play.state.wake_at(), None);
    play.now += 31 * MINUTE;
    assert_eq!(play.line("says human"), "identifying (asked-for-person): who; opened human");
    assert!(play.state.case.as_ref().is_some_and(|case| case.times.received > START + 31 * MINUTE && case.id.ends_with("-2")));
    replay(&play);
    // What was written before the clock was looked at is not lost.
    check(
        "okta",
        Lock::Open,
        &[("says greeting", "listening: greeting"), ("writes, wait 31", "listening"), ("read human", "identifying (asked-for-person): who; opened human")],
    );
    // Each word starts the half hour anew.
    check("okta", Lock::Open, &[("says greeting", "listening: greeting"), ("writes, wait 31, read unsure", "listening: clarify"), ("wait 1", "listening")]);
    check(
        "okta",
        Lock::Open,
        &[
            ("says unsure", "listening: clarify"),
            ("wait 31", "identifying (no-answer): who; opened other"),
            ("who", "finding (no-answer): open"),
            ("open", "handingover (no-answer): hand-over"),
            ("hand-over", "telling (no-answer): handed-over"),
            ("farewell", "no case; ended handed-over"),
        ],
    );
}

#[test]
fn an_offer_lasts_half_an_hour_and_counts_once_for_the_requester_only() {
    from_offer(Lock::Locked, &[("wait 29", "offering"), ("wait 2", "handingover (no-answer): offer-withdrawn + hand-over")]);
    from_offer(
        Lock::Locked,
        &[
            ("stranger presses yes", "offering: not-you"),
            ("press forged yes", "offering"),
            ("press yes", "acting asks: offer-pressed"),
            ("press again yes", "acting asks"),
            ("allow", "acting: unlock"),
            ("press again yes, stranger presses yes", "acting: not-you"),
            ("act, deliver, close, farewell", "no case; ended closed"),
            ("press again yes", "no case: expired-offer"),
        ],
    );
    // Pressed after its time, but before the clock was looked at.
    let mut play = from_offer(Lock::Locked, &[]);
    play.now += 31 * MINUTE;
    assert_eq!(play.line("press yes"), "offering");
    assert_eq!(play.line("wait 0"), "handingover (no-answer): offer-withdrawn + hand-over");
}

#[test]
fn something_else_asks_and_the_old_button_is_dead() {
    let play = from_offer(
        Lock::Locked,
        &[
            ("press something-else", "listening: offer-pressed + clarify"),
            ("press again something-else", "listening: expired-offer"),
            ("says password_reset", "finding: find jane@acme.example"),
            ("find", "finding asks"),
            ("allow", "offering: offer-reset"),
            ("press again something-else", "offering"),
            ("offer, press yes, allow", "acting: offer-pressed + reset"),
        ],
    );
    assert_eq!(play.state.case.map(|case| case.offers), Some(2));
    from_offer(Lock::Locked, &[("press something-else", "listening: offer-pressed + clarify"), ("wait 31", "handingover (no-answer): hand-over")]);
}

#[test]
fn a_button_that_was_pressed_before_its_message_was_known_to_stand_still_counts() {
    let early = "says account_unlock, who, find, open, allow, press yes";
    for (then, expect) in [("offer", "acting asks"), ("offer fails", "acting asks"), ("stopped offer", "acting asks")] {
        check(
            "okta",
            Lock::Locked,
            &[(early, "acting asks: offer-unlock + offer-pressed; opened account_unlock"), (then, expect), ("allow", "acting: unlock")],
        );
    }
    // Withdrawn before it stood there.
    let withdrawn = "says account_unlock, who, find, open, allow, says human";
    check(
        "okta",
        Lock::Locked,
        &[
            (withdrawn, "offering (asked-for-person): offer-unlock; opened account_unlock"),
            ("offer", "handingover (asked-for-person): offer-withdrawn + hand-over"),
        ],
    );
}

#[test]
fn a_human_gets_what_the_agent_must_not_or_cannot_do() {
    let request = "says password_reset";
    for (steps, expect) in [
        // A guest, a profile without an answer, an account that is not there.
        ("guest", "finding (chat-guest): open"),
        ("who fails", "identifying (unknown-requester): open"),
        ("stopped who", "identifying (unknown-requester): open"),
        ("who, open, absent", "handingover (unknown-user): hand-over"),
        ("who, absent, open", "handingover (unknown-user): hand-over"),
        ("who, open, find fails", "handingover (vendor-refused): hand-over"),
        // The ticket comes first; without one there is nothing to hand over.
        ("who, find, open fails", "telling (no-ticket): handed-over-no-ticket"),
        ("who, open fails, find", "telling (no-ticket): handed-over-no-ticket"),
        // Guardrails, before the offer and after it.
        ("who, find, open, deny", "handingover (protected-account): hand-over"),
        ("who, find, open, human", "handingover (protected-account): hand-over"),
        ("who, find, open, approval", "offering: offer-reset"),
        ("who, find, open, approval, offer, press yes, approval", "approving: note + approval-awaited"),
        ("who, find, open, allow, offer, press yes, deny", "handingover (protected-account): hand-over"),
        ("who, find, open, allow, offer fails", "handingover (chat-unreachable): hand-over"),
        // The end itself.
        ("who, find, open, allow, offer, press yes, allow, act, deliver, revoke, close fails", "telling (vendor-refused): handed-over"),
        ("who, find, open, deny, hand-over fails", "telling (protected-account): handed-over"),
        ("who, find, open, deny, hand-over, farewell fails", "no case; ended handed-over"),
        ("who, find, open, allow, offer, press yes, allow, act, deliver, revoke fails", "closing: close"),
    ] {
        let (before, last) = steps.rsplit_once(", ").unwrap_or(("", steps));
        let mut play = Play::new("entra", Lock::Unknown);
        play.step(request);
        if !before.is_empty() {
            play.step(before);
        }
        assert_eq!(play.line(last), expect, "{steps}");
        replay(&play);
    }
}

#[test]
fn a_psa_that_does_not_answer_is_tried_again_and_the_user_is_told_once() {
    check(
        "okta",
        Lock::Locked,
        &[
            ("says account_unlock, who", "finding: open + find jane@acme.example; opened account_unlock"),
            ("open silent", "handingover (psa-down): desk-down"),
            ("find", "handingover (psa-down)"),
            ("wait 1", "handingover (psa-down): open"),
            ("open silent", "handingover (psa-down)"),
            ("wait 1", "handingover (psa-down)"),
            ("wait 1", "handingover (psa-down): open"),
            ("open", "handingover (psa-down): hand-over"),
            ("hand-over silent", "handingover (psa-down)"),
            ("says human", "handingover (psa-down)"),
            ("wait 4", "handingover (psa-down): hand-over"),
            ("hand-over", "telling (psa-down): handed-over"),
        ],
    );
    from_offer(
        Lock::Locked,
        &[
            ("press yes, allow, act, deliver", "closing: offer-pressed + close"),
            ("close silent", "closing"),
            ("says thanks", "closing"),
            ("wait 1", "closing: close"),
            ("close", "telling: closed"),
        ],
    );
}

#[test]
fn a_psa_that_does_not_answer_for_a_day_is_given_up() {
    let mut play = Play::new("okta", Lock::Locked);
    play.step("says human, who");
    let mut tries = 1;
    while play.line("open silent").starts_with("handingover") {
        assert!(tries < 100, "no end");
        tries += 1;
        play.step("wait 60");
    }
    assert_eq!((tries, play.state.case.as_ref().map(|case| case.phase)), (31, Some(Phase::Telling)));
    replay(&play);
}

#[test]
fn a_vendor_that_does_not_answer_is_waited_for_and_the_user_is_told_once() {
    let acting = "press yes, allow";
    // Down before the offer: it is made when the account can be read.
    check(
        "okta",
        Lock::Locked,
        &[
            ("says account_unlock", "identifying: who; opened account_unlock"),
            // Where the chat is down nothing can be said.
            ("who waits", "identifying"),
            ("who", "finding: open + find jane@acme.example"),
            ("find pauses", "finding"),
            ("find waits", "finding: system-down"),
            ("find waits, open", "finding"),
            ("says greeting", "finding: working"),
            ("find", "finding asks"),
            ("allow", "offering: offer-unlock"),
            ("offer waits, wait 31", "offering"),
            ("offer", "offering"),
            ("wait 29", "offering"),
            (acting, "acting: offer-pressed + unlock"),
            ("act waits", "acting"),
            ("act", "delivering: unlock-done"),
            ("deliver waits", "delivering"),
        ],
    );
    // Down after the press: the old consent dies with its grant, and the user is asked anew.
    for end in ["act down", "act late"] {
        from_offer(
            Lock::Locked,
            &[
                (acting, "acting: offer-pressed + unlock"),
                ("act waits", "acting: system-down"),
                (end, "finding: find jane@acme.example"),
                ("find waits", "finding"),
                ("find", "finding asks"),
                ("allow", "offering: offer-unlock"),
                ("press again yes", "offering"),
                ("offer, press yes, allow", "acting: offer-pressed + unlock"),
            ],
        );
    }
    // A human is wanted, so nobody waits for the vendor.
    from_offer(
        Lock::Locked,
        &[(acting, "acting: offer-pressed + unlock"), ("act waits", "acting: system-down"), ("says human", "handingover (asked-for-person): hand-over")],
    );
    from_offer(
        Lock::Locked,
        &[(acting, "acting: offer-pressed + unlock"), ("says human", "acting (asked-for-person)"), ("act waits", "handingover (asked-for-person): hand-over")],
    );
    let play = from_offer(
        Lock::Locked,
        &[(acting, "acting: offer-pressed + unlock"), ("act uncertain", "acting: system-down"), ("says human", "handingover (asked-for-person): hand-over")],
    );
    assert!(
        matches!(&play.task("hand-over").work, Work::Psa(PsaAct::HandOver(out)) if crate::note::plain(&out.internal_note).contains("whether it was applied is not known"))
    );
}

#[test]
fn every_step_and_every_case_has_a_deadline() {
    let patience = |steps: &str, name: &str| {
        let mut play = Play::new("okta", Lock::Locked);
        play.step(steps);
        let task = play.task(name);
        play.state.patience(&task) - task.started
    };
    let offer = "says account_unlock, who, open, find, allow";
    for (steps, name, expect) in [
        ("says account_unlock".to_string(), "who", STEP_TIME),
        ("says account_unlock, who".into(), "find", STEP_TIME),
        ("says account_unlock, who".into(), "open", 0),
        (offer.into(), "offer", STEP_TIME),
        (format!("{offer}, offer, press yes, allow"), "act", GRANT_TIME),
        (format!("{offer}, offer, press yes, allow, act uncertain"), "act", STEP_TIME),
        (format!("{offer}, offer, press yes, allow, act"), "deliver", STEP_TIME),
        (format!("{offer}, offer, says greeting"), "aside", 0),
    ] {
        assert_eq!(patience(&steps, name), expect, "{name} after {steps}");
    }
    let mut play = from_offer(Lock::Locked, &[("press yes, allow", "acting: offer-pressed + unlock")]);
    let received = play.state.case.as_ref().unwrap().times.received;
    for _ in 0..100 {
        if play.now >= received + CASE_TIME {
            break;
        }
        let line = play.line("act down");
        assert!(line.starts_with("finding: find"), "{line}");
        play.now += 25 * MINUTE;
        play.step("find, allow, offer, press yes, allow");
    }
    let task = play.task("act");
    assert_eq!(play.state.patience(&task), received + CASE_TIME);
    assert_eq!(play.line("act down"), "handingover (vendor-down): hand-over");
    replay(&play);
}

#[test]
fn an_outsider_is_a_guest_whatever_the_profile_says() {
    let mut play = Play::new("okta", Lock::Locked);
    play.number = 1;
    play.take(Event { author_workspace: Some("T9".into()), ..event(1, "U1", Act::Message("x".into()), START) }, None);
    assert_eq!(play.line("read account_unlock, who"), "finding (chat-guest): open; opened account_unlock");
    assert!(matches!(&play.task("open").work, Work::Psa(PsaAct::Open(new)) if new.contact_email.is_none()));
}

#[test]
fn a_document_that_changes_under_the_case_leads_to_a_human() {
    let mut play = from_offer(Lock::Locked, &[]);
    play.tenant.connections.retain(|connection| connection.id != "idp");
    assert_eq!(play.line("press yes"), "handingover (not-configured): offer-pressed + hand-over");
    let mut play = from_offer(Lock::Locked, &[("press yes", "acting asks: offer-pressed")]);
    play.tenant.connections.retain(|connection| connection.id != "idp");
    assert_eq!(play.line("allow"), "handingover (not-configured): hand-over");
    let mut play = from_offer(Lock::Locked, &[]);
    play.tenant.connections.retain(|connection| connection.id != "desk");
    assert_eq!(play.line("says human"), "telling (asked-for-person): offer-withdrawn + handed-over");
}

#[test]
fn in_a_channel_only_the_way_to_a_direct_conversation_is_said() {
    let mut play = Play::new("okta", Lock::Open);
    let channel = Event { place: Place::Channel, channel: "C1".into(), thread: Some("9.1".into()), ..event(1, "U1", Act::Message("secret".into()), START) };
    play.state = State::new(&channel);
    play.take(channel, None);
    assert_eq!(play.line("forward"), "no case: moved-to-direct; forward to D9");
    let mut play = Play::new("okta", Lock::Open);
    let channel = Event { place: Place::Channel, channel: "C1".into(), ..event(1, "U1", Act::Message("secret".into()), START) };
    play.state = State::new(&channel);
    play.take(channel, None);
    assert_eq!(play.line("forward fails"), "no case");
}

#[test]
fn holes_are_filled_late_and_an_event_counts_once_under_any_number() {
    let mut play = Play::new("okta", Lock::Open);
    let message = |number: i64| event(number, "U1", Act::Message("x".into()), START);
    play.take(message(1), None);
    play.step("read human");
    for number in [2, 3] {
        play.apply(Fact::Hole { number });
    }
    play.take(message(4), None);
    assert_eq!((play.state.taken, play.state.holes.len(), play.state.unread.len()), (4, 2, 1));
    play.take(message(2), None);
    // The same event was stored twice, under two numbers.
    play.apply(Fact::Taken { number: 3, event: message(4), press: None, asked: Vec::new() });
    assert_eq!((play.state.taken, play.state.holes.len(), play.state.unread.len()), (4, 0, 2));
    for number in 5..5 + 2 * HOLES as i64 {
        play.apply(Fact::Hole { number });
    }
    assert_eq!(play.state.holes.len(), HOLES);
    play.take(Event { tenant: "globex".into(), ..message(900) }, None);
    assert_eq!(play.state.unread.len(), 2);
}

#[test]
fn the_first_final_reply_stays_and_only_open_members_go_again() {
    let mut play = Play::new("okta", Lock::Open);
    play.step("says human");
    let id = play.task("who").id;
    let request = Request {
        method: "GET".into(),
        target: crate::wire::Target::Path(vec!["x".into()]),
        query: vec![],
        headers: vec![],
        body: crate::wire::Body::Empty,
        fill: vec![],
        effect: crate::wire::Effect::Read,
    };
    let named = Named { call: "x".into(), change: false, grant: None, request };
    let before = |batch| Fact::Before { task: id.clone(), batch, attempt: 1, requests: vec![named.clone(), named.clone()], hash: "h".into() };
    let after = |batch, replies: [Option<u64>; 2], retry_at| Fact::After {
        task: id.clone(),
        batch,
        replies: replies.map(|at| at.map(Reply::Unknown)).to_vec(),
        retry_at,
        renew: false,
        attested: vec![],
    };
    // A batch out of order is not taken.
    play.apply(before(2));
    assert!(play.task("who").batch.is_none());
    play.apply(before(1));
    play.apply(after(1, [Some(1), None], Some(START + MINUTE)));
    let batch = play.task("who").batch.unwrap();
    assert_eq!((batch.attempt, batch.retry_at, play.state.wake_at()), (2, Some(START + MINUTE), Some(START + MINUTE)));
    // A late writer names the batch again, and answers another one.
    play.apply(before(1));
    play.apply(after(2, [Some(7), Some(7)], None));
    assert_eq!(play.task("who").batch.unwrap(), batch);
    play.apply(after(1, [Some(9), Some(2)], None));
    let task = play.task("who");
    assert_eq!((task.replies, task.batch), (vec![Reply::Unknown(1), Reply::Unknown(2)], None));

    play.apply(Fact::Waiting { task: id.clone(), until: START + MINUTE });
    play.apply(Fact::Waited { task: id.clone(), at: START + MINUTE });
    play.apply(Fact::Waiting { task: id.clone(), until: START + MINUTE });
    assert_eq!((play.task("who").until, play.task("who").replies.len()), (None, 3));
    play.apply(Fact::Checkpoint { task: id.clone(), state: "page 2".into() });
    assert_eq!((play.task("who").replies.len(), play.task("who").batches), (1, 2));
    play.apply(before(3));
    assert_eq!(play.task("who").batches, 3);
}

#[test]
fn a_grant_fits_one_task_and_what_concerns_an_account_dies_soon() {
    let mut play = Play::new("okta", Lock::Open);
    play.step("says account_unlock, who, find, open, allow, offer, press yes, allow");
    let task = play.task("act");
    let grants: Vec<(&str, bool, u64)> = play
        .state
        .grants
        .iter()
        .filter(|grant| grant.task == task.id)
        .map(|grant| (grant.action.as_str(), grant.question.is_some(), grant.expires - play.now))
        .collect();
    // Okta resets no locked account, so the unlock is part of the reset.
    assert_eq!(grants, [("password_reset", true, GRANT_TIME), ("account_unlock", true, GRANT_TIME)]);
    let mut play = at(Phase::Closing);
    let own: Vec<u64> = play.state.grants.iter().filter(|grant| grant.task == play.task("close").id).map(|grant| grant.expires - play.now).collect();
    assert_eq!(own, [OWN_GRANT_TIME; 4]);
    play.step("close, farewell");
    assert!(play.state.grants.iter().all(|grant| play.state.tasks.iter().any(|task| task.id == grant.task)));
}

/// A small generator (xorshift), so that a failure names its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }
    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

#[test]
fn whatever_happens_in_whatever_order_no_case_is_ever_stuck() {
    let request = ["password_reset", "account_unlock"];
    let words = [
        &["greeting", "thanks", "human", "other-system", "somebody-else", "two-wishes", "german", "other", "unsure"][..],
        &request,
        &request,
        &request,
        &request,
    ]
    .concat();
    let mut ends = std::collections::BTreeMap::new();
    for seed in 1..=400_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let idp = random.one(&["okta", "entra"]);
        let lock = random.one(&[Lock::Open, Lock::Locked, Lock::Unknown]);
        let mut play = Play::new(idp, lock);
        for _ in 0..120 {
            let notes = match random.below(20) {
                0 => play.say(random.one(&["U1", "U1", "U1", "U2"])),
                1 | 19 => {
                    let choice = random.one(&["yes", "yes", "something-else"]);
                    let press = play.own_press(choice).or_else(|| play.last_press.clone());
                    play.press(random.one(&["U1", "U1", "U2"]), press)
                }
                2 => {
                    play.now += random.one(&[1, 1, 1, 40]) * MINUTE;
                    play.apply(Fact::Tick { at: play.now })
                }
                3 if !play.facts.is_empty() => {
                    // A late writer repeats something old.
                    let (_, fact) = random.one(&play.facts);
                    play.apply(fact)
                }
                4 => {
                    let number = play.number + 1;
                    play.apply(Fact::Hole { number })
                }
                5..=8 if play.state.asked.is_some() => play.decide(random.one(&[Verdict::Autonomous, Verdict::Autonomous, Verdict::Human])),
                18 if !play.state.tasks.is_empty() => {
                    let task = random.one(&play.state.tasks);
                    play.waits(
                        purpose(&task),
                        random.one(&[1_000, MINUTE]),
                        if random.below(2) == 0 { vec![Some(Reply::Unknown(play.now))] } else { Vec::new() },
                    )
                }
                9..=16 if !play.state.tasks.is_empty() => {
                    let task = random.one(&play.state.tasks);
                    let good = random.below(16) > 0;
                    // Also an outcome that belongs to quite another task.
                    let outcome = match random.below(40) {
                        0 => Outcome::Absent,
                        1..=4 if matches!(task.work, Work::Psa(_)) => Outcome::Escalate("vendor-unavailable".into(), "no answer".into()),
                        1..=4 if task.purpose == Purpose::Act => Outcome::Escalate("vendor-down".into(), "no answer".into()),
                        _ => play.outcome(&task, good),
                    };
                    play.apply(Fact::Done { task: task.id, outcome })
                }
                _ if matches!(play.state.wants(), Some(Want::Understand(..))) => play.understand(random.one(&words)),
                _ => Vec::new(),
            };
            for note in notes {
                if let Note::Ended(_, how) = note {
                    *ends.entry(how).or_insert(0) += 1;
                }
            }
        }
        // Left alone, everything ends.
        for _ in 0..400 {
            match (play.state.wants(), play.state.tasks.first().cloned(), play.state.wake_at()) {
                (Some(Want::Understand(..)), _, _) => drop(play.understand("greeting")),
                (Some(Want::Decide(_)), _, _) => drop(play.decide(Verdict::Autonomous)),
                (Some(Want::Recall(_)), _, _) => drop(play.recall(Vec::new())),
                (None, Some(task), _) => {
                    let outcome = play.outcome(&task, true);
                    play.apply(Fact::Done { task: task.id, outcome });
                }
                (None, None, Some(at)) => {
                    play.now = play.now.max(at);
                    play.apply(Fact::Tick { at: play.now });
                }
                (None, None, None) => break,
            }
        }
        assert!(play.state.case.as_ref().is_none_or(Case::idle) && play.state.unread.is_empty(), "seed {seed}: {:?}", play.state.case);
        assert!(play.state.tasks.is_empty() && play.state.grants.is_empty(), "seed {seed}");
        replay(&play);
    }
    // The generator reaches both ends often enough to mean something.
    assert!(ends["closed"] > 20 && ends["handed-over"] > 100, "{ends:?}");
}

#[test]
fn guests_of_the_msps_workspace_are_answered_where_they_write_and_never_trusted() {
    let mut tenant = tenant("entra");
    tenant.connections[0].connect = true;
    // Even if the author's workspace is the one that the connection names.
    let event = Event { place: Place::Channel, channel: "C1".into(), thread: Some("1.1".into()), ..event(1, "U1", Act::Message("reset".into()), START) };
    let mut state = State::new(&event);
    apply(&mut state, &Fact::Taken { number: 1, event: event.clone(), press: None, asked: Vec::new() }, &tenant, START);
    assert!(state.case.as_ref().is_some_and(|case| case.outsider) && state.tasks.is_empty());
    // In the client's own workspace the same message goes on in the direct conversation.
    tenant.connections[0].connect = false;
    let mut state = State::new(&event);
    apply(&mut state, &Fact::Taken { number: 1, event, press: None, asked: Vec::new() }, &tenant, START);
    assert!(state.case.is_none() && show(&state.tasks[0]) == "open-direct U1");
}
