//! The case: a durable state machine without clock, randomness or I/O.
//!
//! [`apply`] takes one fact and the time and changes the state; [`State::wants`] says what has to be found out next.
//! A runner asks stages and sends requests, and feeds what it learns back as facts. Folding the same facts yields the same state.
//! A fact that does not fit the state (a duplicate, a late writer's) changes nothing.

use crate::autonomy::{Mode, Trial};
use crate::figures::{Course, SignIn, Waits};
use crate::journal::{Damaged, Fact, Named, Press};
use crate::mailbox::{Act, Event, Place};
use crate::stage::{
    Account, Approval, Button, Candidate, ChatAct, Closeout, Contacts, Decision, IdpAct, Lock, Message, NewTicket, Outcome, Profile, PsaAct, Question, Sought,
    Standing, Subject, Ticket, Understanding, Verdict, Vetting, Words, Work,
};
use crate::tenant::{MSP, Role, Tenant, vendor};
use crate::wire::{Reply, Request};
use crate::{Instant, keys};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

mod after;
mod approval;
mod clarify;
mod code;
mod dispatch;
mod factor;
mod later;
mod opinion;
mod people;
mod proof;
mod reading;
mod second;
mod staff;
mod ticket;
mod trial;
pub use after::{FIXED, Left, Watch};
pub use approval::Ask;
pub use clarify::Query;
pub use code::{Code, event_id as code_event, page as code_page};
pub use dispatch::{Recalled, telling};
pub(crate) use dispatch::{lines as lines_of_the_past, next as next_step};
pub use factor::LOST_PHONE;
pub use opinion::Consulted;
pub(crate) use people::lines as lines_of_the_named;
pub use people::{Found, Mentioned, Sort};
pub use proof::means;
pub use reading::{Reading, plausible, reading};
pub use staff::{Command, command};
pub use ticket::{Asking, AtDesk, Intake, STOOD_DOWN, asking, is_free, left_alone};
pub(crate) use trial::mode;

/// How long an offered button may be pressed.
pub const OFFER_TIME: u64 = 30 * 60_000;
/// How long a conversation without a request stays open.
const LISTEN_TIME: u64 = 30 * 60_000;
/// How long a grant lives.
const GRANT_TIME: u64 = 10 * 60_000;
/// How long the case may write to its own ticket and conversation: an outage must not cost the ticket.
const OWN_GRANT_TIME: u64 = 24 * 3_600_000;
/// How long after the end of a case "thanks" still belongs to it.
const THANKS_TIME: u64 = 7 * 24 * 3_600_000;
/// How long one step waits for a vendor that does not answer, and a case for all of them.
const STEP_TIME: u64 = 2 * 3_600_000;
const CASE_TIME: u64 = 6 * 3_600_000;
/// Tries of a request, however impatient its task is.
const TRIES: u32 = 5;
/// Nobody needs to hear of a pause up to this long.
const SHORT_PAUSE: u64 = 10_000;
/// What connectors say when nobody answered: those of the PSA, and those of the identity provider.
const PSA_DOWN: &str = "vendor-unavailable";
const IDP_DOWN: &str = "vendor-down";
/// The monitor's word for a change whose grant has died.
pub const GRANT_EXPIRED: &str = "grant-expired";
/// Most time between two tries of a PSA that does not answer, and most tries: about a day.
const PSA_PAUSE: u64 = 60 * 60_000;
const PSA_TRIES: u32 = 30;
/// Event ids that are remembered, to drop duplicates.
const REMEMBERED: usize = 400;
/// Holes that are looked at again.
const HOLES: usize = 64;
/// Messages of the requester that are kept for the ticket.
const TEXTS: usize = 20;
/// The tenant's document changed under the case.
const NOT_CONFIGURED: &str = "the tenant's document no longer names the chat and the identity provider of this case";

/// Why a task was started, and so what its end means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Learn who writes.
    Who,
    /// Find the account.
    Find,
    /// Read the client's contacts of the types that its document names.
    Contacts,
    /// Open the ticket.
    Open,
    /// Offer a button.
    Offer,
    /// The change that was asked for.
    Act,
    /// Hand the secret, or the news, to the user.
    Deliver,
    /// End old sessions.
    Revoke,
    /// Close the ticket.
    Close,
    /// Give the ticket to a human.
    HandOver,
    /// The last message of the case.
    Farewell,
    /// Words beside the case; its outcome changes nothing.
    Aside,
    /// Open a direct conversation, to go on there with this event.
    Forward(Box<Event>),
    /// Learn what people did to the ticket.
    Look,
    /// Open the direct conversation with the contact of a ticket.
    Meet,
    /// Ask what was meant, with buttons.
    Query,
    /// Ask a language model what a text means.
    Opinion,
    /// Ask for an approval.
    Ask,
    /// Learn who answered it.
    Approver,
    /// Say in the PSA that the requester was answered and has the next word.
    Wait,
    /// Tell the person on call this, in the MSP's own chat.
    Page(Box<Message>),
    /// Look for the new factor.
    Check,
    /// Look up whom a text names.
    LookUp,
    /// Look for the first sign-in after what this case changed.
    Watch(String),
    /// Have a code sent, tell where it is typed, or have it checked.
    Prove,
}

/// Whether a batch needs a new access token; it gets one only once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renewal {
    /// None was refused.
    #[default]
    Never,
    /// The next attempt goes with a new one.
    Due,
    /// It went with a new one.
    Done,
}

/// A batch that was named in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Attempt that may be sent now, from 1.
    pub attempt: u32,
    /// The requests.
    pub requests: Vec<Named>,
    /// Hash over the unfilled requests.
    pub hash: String,
    /// Final replies by position.
    pub replies: Vec<Option<Reply>>,
    /// Not before this.
    pub retry_at: Option<Instant>,
    /// The access token.
    #[serde(default)]
    pub renewal: Renewal,
}

/// One piece of a connector's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Unique within the conversation.
    pub id: String,
    /// The connection it goes through.
    pub connection: String,
    /// What is to be done.
    pub work: Work,
    /// Why.
    pub purpose: Purpose,
    /// When it began.
    pub started: Instant,
    /// Final replies since its beginning or last checkpoint.
    pub replies: Vec<Reply>,
    /// Batches so far.
    pub batches: u32,
    /// The batch that is out.
    pub batch: Option<Batch>,
    /// Waits until then.
    pub until: Option<Instant>,
}

impl Task {
    /// A change of it may have been applied, and what became of it is not known yet.
    fn uncertain(&self) -> bool {
        self.replies.iter().any(|reply| matches!(reply, Reply::Unknown(_)))
    }
}

/// A permission for one kind of change to one object, bound to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Name, for journals.
    pub id: String,
    /// The only task that may use it.
    pub task: String,
    /// The only connection.
    pub connection: String,
    /// The catalogue's action.
    pub action: String,
    /// The target's object id.
    pub target: String,
    /// Hash of the arguments.
    pub arguments: String,
    /// Dead from then on.
    pub expires: Instant,
    /// What the guardrails were asked; asked again just before sending. None for the case's own ticket and conversation.
    pub question: Option<Question>,
}

/// Hash of no arguments.
#[must_use]
pub fn arguments_hash(arguments: &std::collections::BTreeMap<String, serde_json::Value>) -> String {
    keys::sha256_hex(&serde_json::to_vec(arguments).unwrap_or_default())
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Greeted; nobody has asked for anything.
    Listening,
    /// Something was asked for; who asks is being found out.
    Identifying,
    /// The account is being found and the ticket opened.
    Finding,
    /// A button waits to be pressed.
    Offering,
    /// Somebody else has to say yes.
    Approving,
    /// The requester has to type a code.
    Proving,
    /// The change is being made.
    Acting,
    /// The user is being told, with the secret if there is one.
    Delivering,
    /// The user registers a new factor, step by step.
    Guiding,
    /// The ticket is being closed.
    Closing,
    /// The ticket goes to a human.
    HandingOver,
    /// The user is told how it ended.
    Telling,
}

/// A button that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its id, signed into the buttons.
    pub id: String,
    /// The message that holds it, once posted.
    pub message: Option<String>,
    /// Dead from then on.
    pub expires: Instant,
}

/// When things happened, in milliseconds; the outcome record of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// First event.
    pub received: Instant,
    /// First answer accepted by the chat.
    pub replied: Option<Instant>,
    /// Guardrails let it pass.
    pub decided: Option<Instant>,
    /// The change was read back.
    pub acted: Option<Instant>,
    /// The user was told.
    pub delivered: Option<Instant>,
    /// The user said that it works.
    pub confirmed: Option<Instant>,
    /// The ticket was closed or handed over.
    pub ended: Option<Instant>,
    /// Somebody opened the closed ticket again.
    pub reopened: Option<Instant>,
}

/// An open case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Id.
    pub id: String,
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub since: Instant,
    /// Requester's user id.
    pub user: String,
    /// Requester comes from another workspace.
    pub outsider: bool,
    /// What the chat knows of the requester.
    pub profile: Option<Profile>,
    /// What was asked for: the first intent.
    pub kind: String,
    /// Confidence and words of that reading, for triage.
    pub reading: String,
    /// What else was read, for triage: further wishes, the language, what is named.
    #[serde(default)]
    pub triage: Vec<String>,
    /// What may be done about it: `password_reset`, `account_unlock` or `mfa_reset`.
    pub action: Option<String>,
    /// What the requester wrote.
    pub texts: Vec<String>,
    /// The account.
    pub account: Option<Account>,
    /// The client's contacts of the types that its document names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Contacts>,
    /// Guardrails' last answer.
    pub decision: Option<Decision>,
    /// The button.
    pub offer: Option<Offer>,
    /// Offers so far.
    pub offers: u32,
    /// What was asked, because it was not understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Query>,
    /// Texts that a language model was asked about, and the one that it reads now.
    #[serde(default, skip_serializing_if = "Consulted::is_none")]
    pub consulted: Consulted,
    /// The ticket.
    pub ticket: Option<Ticket>,
    /// The ticket could not be opened.
    pub no_ticket: bool,
    /// When the PSA, which did not answer, is tried again.
    pub psa_again: Option<Instant>,
    /// How often it did not answer.
    pub psa_silent: u32,
    /// Objects on shared connections that are the tenant's.
    pub attested: BTreeSet<String>,
    /// What was seen and done, for the note.
    pub evidence: Vec<String>,
    /// Why a human gets it: code and text.
    pub handover: Option<(String, String)>,
    /// A secret of it may be in the store.
    pub secret: bool,
    /// Sentence of the ticket's resolution, once something was done.
    pub resolution: Option<String>,
    /// First entry of the log that belongs to it: epoch and number, set by the runner.
    pub from: Option<(i64, u64)>,
    /// Words that are said only once.
    pub said: BTreeSet<String>,
    /// When things happened.
    pub times: Times,
    /// How the time went by.
    #[serde(default)]
    pub course: Course,
    /// How it came, if it began as a ticket in the PSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake: Option<Intake>,
    /// The ticket may have changed since it was last asked for.
    #[serde(default)]
    pub look_again: bool,
    /// The language that the requester last wrote in, if it was not English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What waits for somebody's yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
    /// Requests for approval so far.
    #[serde(default)]
    pub asks: u32,
    /// Who said yes, until it is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// What speaks for the requester beside the channel, and against them.
    #[serde(default, skip_serializing_if = "Vetting::is_none")]
    pub vetting: Vetting,
    /// The code that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Steps that were done on the way to a new factor, and how often it was looked for in vain.
    #[serde(default)]
    pub guide: (u32, u32),
    /// The change that was begun, and whether somebody had said yes to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<(Mode, Trial)>,
    /// Nothing is said, and nothing is done but a note.
    #[serde(default)]
    pub quiet: bool,
    /// What closed tickets of the type say.
    #[serde(default, skip_serializing_if = "Recalled::is_unasked")]
    pub past: Recalled,
    /// Whom the text is about, if not the requester.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Box<Mentioned>>,
    /// The group or mailbox that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Box<Mentioned>>,
}

impl Case {
    /// When what a link of this case shows works no more, if that is known: a password works until it is changed.
    #[must_use]
    pub fn secret_expires(&self) -> Option<Instant> {
        self.times.acted.filter(|_| self.action.as_deref() == Some(LOST_PHONE)).map(|acted| acted + factor::PASS_TIME)
    }

    /// The user's locale: of the chat's profile, else the language that was written in, else that of the directory.
    #[must_use]
    pub fn locale(&self) -> Option<&str> {
        let directory = || self.account.as_ref().and_then(|account| account.locale.as_deref());
        self.profile.as_ref().and_then(|profile| profile.locale.as_deref()).or(self.language.as_deref()).or_else(directory)
    }

    /// Nobody has asked for anything, so nobody has to be given anything.
    fn idle(&self) -> bool {
        self.phase == Phase::Listening && self.ticket.is_none() && self.texts.is_empty() && self.handover.is_none()
    }
}

/// The last case that ended here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its id.
    pub case: String,
    /// Its ticket.
    pub ticket: Option<u64>,
    /// The agent closed it.
    pub closed: bool,
    /// When.
    pub at: Instant,
    /// The user said that it works.
    pub confirmed: Option<Instant>,
    /// What is needed if it is still broken; only of one that was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
}

/// Everything about one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Its id.
    pub id: String,
    /// The tenant it is pinned to.
    pub tenant: String,
    /// The chat connection.
    pub connection: String,
    /// Vendor's channel id.
    pub channel: String,
    /// Thread, in channels and groups.
    pub thread: Option<String>,
    /// Where it is.
    pub place: Place,
    /// Every event up to this number was taken, but for the holes.
    pub taken: i64,
    /// Numbers whose events had not arrived.
    pub holes: BTreeSet<i64>,
    /// Ids of events that were taken.
    pub seen: VecDeque<String>,
    /// Texts that intent detection has to read: event id and text.
    pub unread: VecDeque<(String, String)>,
    /// A question that guardrails have to answer.
    pub asked: Option<Question>,
    /// Tasks that run.
    pub tasks: Vec<Task>,
    /// Grants of tasks that run.
    pub grants: Vec<Grant>,
    /// Tasks so far.
    pub counted: u32,
    /// The open case.
    pub case: Option<Case>,
    /// The last case that ended.
    pub ended: Option<Ended>,
    /// The ticket whose mailbox this is. Connection and channel are then those of its contact, once they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk: Option<AtDesk>,
    /// The mailbox of a wish beside the one that the conversation is about.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second: bool,
    /// Accounts that were changed in cases that have ended, and whose first sign-in is looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watches: Vec<Watch>,
}

/// What has to be found out next.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once; on 32 bits it is not large")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// What a text means: event id, text, and what the conversation waits for.
    Understand(String, String, &'static str),
    /// Whether something may happen.
    Decide(Question),
    /// What closed tickets of this type say.
    Recall(String),
}

/// What a fact brings about beside the state; written in the same commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The case appears in lists.
    Opened(Box<Case>),
    /// The case ended: `closed`, `handed-over`.
    Ended(Box<Case>, &'static str),
    /// The secrets of this case are of no use any more, and are erased.
    Spent {
        /// The case.
        case: String,
        /// A code was asked for in it.
        codes: bool,
    },
    /// An event goes on in another conversation.
    Forward(Box<Event>),
    /// The user of a case that has ended said that it works.
    Confirmed(String),
    /// What the vendor's log says of the first sign-in after the change of this case.
    Watched(String, SignIn),
    /// The user of a case that has ended said that it is still broken.
    Broken(String),
    /// Something went wrong that was not to: the case, why, and who says so.
    Failed {
        /// The case, open or ended.
        case: String,
        /// One of the causes of [`crate::autonomy`].
        cause: &'static str,
        /// The person who says so, if one does.
        by: Option<String>,
    },
    /// The ticket of a case that has ended was read, and is not closed. With the case that it names, and since when that may be so.
    Reopened(String, u64, Instant),
    /// A ticket is none of ours. Why, for the log.
    LeftAlone(&'static str),
    /// So many challenges of this account are counted.
    Challenged(String, i64),
    /// The kill switch of a tenant, or of all, was thrown.
    Halt {
        /// The tenant; none means all.
        tenant: Option<String>,
        /// No change leaves.
        halted: bool,
        /// Who.
        by: String,
        /// When they said so.
        at: Instant,
    },
}

impl State {
    /// The state before the first event.
    #[must_use]
    pub fn new(event: &Event) -> Self {
        let desk = event.ticket().filter(|_| event.to.is_none()).map(|ticket| AtDesk { connection: event.connection.clone(), ticket });
        // Nobody is spoken to before the ticket was read.
        let place = |text: &str| if desk.is_some() { String::new() } else { text.to_string() };
        State {
            id: event.conversation(),
            tenant: event.tenant.clone(),
            connection: place(&event.connection),
            channel: place(&event.channel),
            thread: match event.place {
                Place::Direct => None,
                Place::Channel | Place::Group => event.thread.clone(),
            },
            place: event.place,
            taken: 0,
            holes: BTreeSet::new(),
            seen: VecDeque::new(),
            unread: VecDeque::new(),
            asked: None,
            tasks: Vec::new(),
            grants: Vec::new(),
            counted: 0,
            case: None,
            ended: None,
            desk,
            watches: Vec::new(),
            second: event.to.is_some() && matches!(event.act, Act::Message(_)),
        }
    }

    /// What a runner has to ask a stage next.
    #[must_use]
    pub fn wants(&self) -> Option<Want> {
        let phase = self.case.as_ref().map(|case| case.phase);
        // What is written while the last words are said belongs to the next case.
        if let Some((event, text)) = self.unread.front().filter(|_| phase != Some(Phase::Telling)) {
            let context = match phase {
                Some(Phase::Offering) => "offer",
                Some(Phase::Listening) => "listening",
                _ => "",
            };
            return Some(Want::Understand(event.clone(), text.clone(), context));
        }
        self.asked.clone().map(Want::Decide).or_else(|| dispatch::wants(self))
    }

    /// When something has to happen though nobody writes.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        let tasks = self.tasks.iter().filter_map(|task| task.until.or_else(|| task.batch.as_ref().and_then(|batch| batch.retry_at)));
        let case = self.case.as_ref().and_then(|case| match case.phase {
            // A greeting that led to nothing ends when somebody writes again.
            Phase::Listening if case.idle() => None,
            Phase::Listening => clarify::remind_at(case).or(Some(case.since + LISTEN_TIME)),
            // Before it stands there nobody can press it.
            Phase::Offering => ticket::remind_at(self).or_else(|| case.offer.as_ref().filter(|offer| offer.message.is_some()).map(|offer| offer.expires)),
            Phase::Approving => case.ask.as_ref().map(Ask::wake_at),
            Phase::Proving => case.offer.as_ref().filter(|_| !self.running(&Purpose::Prove)).map(|offer| offer.expires),
            Phase::Guiding => case.offer.as_ref().map(|offer| offer.expires),
            Phase::Finding => people::wake_at(case),
            Phase::Identifying | Phase::Acting | Phase::Delivering | Phase::Closing | Phase::HandingOver | Phase::Telling => None,
        });
        let psa = self.case.as_ref().and_then(|case| case.psa_again);
        tasks.chain(case).chain(psa).chain(after::remind_at(self)).chain(after::look_at(self)).min()
    }

    /// Until when the requests of a task that a vendor does not answer are sent again.
    #[must_use]
    pub fn patience(&self, task: &Task) -> Instant {
        let step = match task.purpose {
            // After that its grant is dead, and the user is asked anew; but what may have happened has to be found out.
            Purpose::Act if !task.uncertain() => GRANT_TIME,
            // Somebody sits and waits, and there is another way.
            Purpose::Prove => 2 * 60_000,
            // A pass has to be of use when it arrives.
            Purpose::Deliver if factor::guides(self) => factor::PASS_TIME / 2,
            Purpose::Who
            | Purpose::Find
            | Purpose::Contacts
            | Purpose::Offer
            | Purpose::Query
            | Purpose::Act
            | Purpose::Deliver
            | Purpose::Revoke
            | Purpose::Farewell
            | Purpose::Forward(_)
            | Purpose::Page(_)
            | Purpose::Meet
            | Purpose::Check
            | Purpose::Watch(_)
            | Purpose::Approver => STEP_TIME,
            // What is to be written in the PSA is put off as a whole, and what is said beside the case is soon stale.
            Purpose::Open
            | Purpose::Close
            | Purpose::HandOver
            | Purpose::Look
            | Purpose::Wait
            | Purpose::Aside
            | Purpose::Ask
            | Purpose::Opinion
            | Purpose::LookUp => 0,
        };
        let until = task.started + step;
        self.case.as_ref().map_or(until, |case| until.min(case.times.received + CASE_TIME))
    }

    /// How often a request of a task is tried at all, whatever its patience.
    #[must_use]
    pub fn tries(task: &Task) -> u32 {
        // What only helps is not waited for.
        if matches!(task.purpose, Purpose::Opinion | Purpose::LookUp) { 1 } else { TRIES }
    }

    /// Whom the open case waits for.
    fn waits(&self) -> Option<Waits> {
        let asks =
            |case: &Case| matches!(case.phase, Phase::Listening | Phase::Offering | Phase::Approving | Phase::Proving | Phase::Guiding) || people::waits(case);
        let asks = self.case.as_ref().is_some_and(asks);
        if self.tasks.iter().any(|task| task.batch.is_some() || task.until.is_some()) {
            return Some(Waits::Vendors);
        }
        (asks && self.tasks.is_empty() && self.wants().is_none()).then_some(Waits::User)
    }

    /// Whether a runner left something undone that no clock will call for.
    #[must_use]
    pub fn unfinished(&self) -> bool {
        let waits = |task: &Task| task.until.is_some() || task.batch.as_ref().is_some_and(|batch| batch.retry_at.is_some());
        self.wants().is_some() || !self.tasks.iter().all(waits)
    }

    fn start(&mut self, connection: &str, work: Work, purpose: Purpose, now: Instant) -> String {
        self.counted += 1;
        let id = format!("t{}", self.counted);
        self.tasks.push(Task {
            id: id.clone(),
            connection: connection.into(),
            work,
            purpose,
            started: now,
            replies: Vec::new(),
            batches: 0,
            batch: None,
            until: None,
        });
        id
    }

    fn grant(&mut self, task: &str, connection: &str, action: &str, target: &str, question: Option<Question>, now: Instant) {
        let id = format!("{task}.{action}");
        let arguments = arguments_hash(&Default::default());
        self.grants.push(Grant {
            id,
            task: task.into(),
            connection: connection.into(),
            action: action.into(),
            target: target.into(),
            arguments,
            expires: now + if question.is_some() { GRANT_TIME } else { OWN_GRANT_TIME },
            question,
        });
    }

    fn chat(&mut self, act: ChatAct, purpose: Purpose, now: Instant) {
        let nowhere = matches!(act, ChatAct::Say(_) | ChatAct::Replace(..)) && self.channel.is_empty();
        let speaks = !matches!(act, ChatAct::Who(_) | ChatAct::Find(_));
        if nowhere || self.connection.is_empty() || speaks && self.case.as_ref().is_some_and(|case| case.quiet) {
            return;
        }
        let connection = self.connection.clone();
        self.chat_on(&connection, act, purpose, now);
    }

    fn chat_on(&mut self, connection: &str, act: ChatAct, purpose: Purpose, now: Instant) {
        let (action, target) = match &act {
            ChatAct::Who(_) | ChatAct::Find(_) => ("", String::new()),
            ChatAct::OpenDirect(user) => ("message_open", user.clone()),
            ChatAct::Say(message) => ("message_send", message.channel.clone()),
            ChatAct::Replace(_, message) => ("message_update", message.channel.clone()),
        };
        let task = self.start(connection, Work::Chat(act), purpose, now);
        if !action.is_empty() {
            self.grant(&task, connection, action, &target, None, now);
        }
    }

    fn message(&self, sentence: &str, arguments: &[(&str, &str)]) -> Message {
        Message {
            channel: self.channel.clone(),
            thread: self.thread.clone(),
            words: Words::new(sentence, arguments),
            locale: self.case.as_ref().and_then(Case::locale).unwrap_or_default().into(),
            buttons: Vec::new(),
            secret_link: None,
        }
    }

    fn say(&mut self, sentence: &str, arguments: &[(&str, &str)], now: Instant) {
        let message = self.message(sentence, arguments);
        self.chat(ChatAct::Say(message), Purpose::Aside, now);
    }

    fn say_once(&mut self, sentence: &'static str, arguments: &[(&str, &str)], now: Instant) {
        if self.case.as_mut().is_some_and(|case| case.said.insert(sentence.into())) {
            self.say(sentence, arguments, now);
        }
    }

    fn phase(&mut self, phase: Phase, now: Instant) {
        if let Some(case) = &mut self.case {
            case.phase = phase;
            case.since = now;
        }
    }

    fn running(&self, purpose: &Purpose) -> bool {
        self.tasks.iter().any(|task| task.purpose == *purpose)
    }
}

/// Takes one fact. `tenant` is the document as it is now.
pub fn apply(state: &mut State, fact: &Fact, tenant: &Tenant, now: Instant) -> Vec<Note> {
    let mut notes = take(state, fact, tenant, now);
    if let Some(case) =
        state.case.as_mut().filter(|case| case.secret && matches!(case.phase, Phase::Guiding | Phase::Closing | Phase::HandingOver | Phase::Telling))
    {
        // Delivered, or not to be delivered any more.
        case.secret = false;
        notes.push(Note::Spent { case: case.id.clone(), codes: case.vetting.sent > 0 });
    }
    if state.case.as_ref().is_some_and(|case| case.phase == Phase::Telling) && !state.running(&Purpose::Farewell) {
        // There is nobody to tell.
        end(state, now, &mut notes);
    }
    let waits = state.waits();
    if let Some(case) = &mut state.case {
        // Whoever wrote had done so when it was received, however late it is read.
        let until = if let Fact::Taken { event, .. } = fact { event.received.min(now) } else { now };
        case.course.turn(waits, until, now);
    }
    notes
}

fn take(state: &mut State, fact: &Fact, tenant: &Tenant, now: Instant) -> Vec<Note> {
    let mut notes = Vec::new();
    match fact {
        Fact::Taken { number, event, press, asked } => taken(state, &Arrival { number: *number, event, press: press.as_ref(), asked }, tenant, now, &mut notes),
        Fact::Hole { number } => {
            state.taken = state.taken.max(*number);
            state.holes.insert(*number);
            while state.holes.len() > HOLES {
                state.holes.pop_first();
            }
        }
        Fact::Damaged(damage) => damaged(state, damage, tenant, now, &mut notes),
        Fact::Understood { event, understanding } => {
            if let Some(at) = state.unread.iter().position(|(id, _)| id == event)
                && let Some((event, text)) = state.unread.remove(at)
            {
                understood(state, &event, text, understanding, tenant, now, &mut notes);
            }
        }
        Fact::Decided { question, decision, standing } => {
            if state.asked.take_if(|asked| asked == question).is_some() {
                decided(state, question, decision, standing.as_ref(), tenant, now, &mut notes);
            }
        }
        Fact::Recalled { lessons } => dispatch::recalled(state, lessons, tenant, now),
        Fact::Before { task, batch, attempt, requests, hash } => {
            // The first to name a batch wins.
            if let Some(task) = task_mut(state, task).filter(|task| *batch == task.batches + 1 && task.batch.is_none()) {
                task.batches = *batch;
                let replies = vec![None; requests.len()];
                let (attempt, requests, hash) = (*attempt, requests.clone(), hash.clone());
                task.batch = Some(Batch { attempt, requests, hash, replies, retry_at: None, renewal: Renewal::Never });
            }
        }
        Fact::After { task, batch, replies, retry_at, renew, attested } => {
            let again = after(state, task, *batch, replies, *retry_at, *renew);
            if let Some(case) = &mut state.case {
                case.attested.extend(attested.iter().cloned());
            }
            if again && retry_at.is_some_and(|at| at > now + SHORT_PAUSE) {
                silent(state, task, tenant, now);
            }
        }
        Fact::Waiting { task, until } => {
            // A wait that is over does not begin again.
            let over = |task: &Task| task.replies.iter().any(|reply| matches!(reply, Reply::Waited(at) if at >= until));
            if let Some(task) = task_mut(state, task).filter(|task| !over(task)) {
                task.until = Some(*until);
            }
        }
        Fact::Waited { task, at } => {
            if let Some(task) = task_mut(state, task).filter(|task| task.until.is_some()) {
                task.until = None;
                task.replies.push(Reply::Waited(*at));
            }
        }
        Fact::Checkpoint { task, state: text } => {
            let same = |task: &Task| matches!(task.replies.as_slice(), [Reply::Response(response)] if response.body == *text);
            if let Some(task) = task_mut(state, task).filter(|task| task.batch.is_none() && !same(task)) {
                // Counted as a batch, so that a connector cannot go on forever.
                task.batches += 1;
                task.replies = vec![Reply::Response(crate::wire::Response { status: 200, headers: Vec::new(), body: text.clone(), at: now })];
            }
        }
        Fact::Done { task, outcome } => {
            if let Some(task) = end_task(state, task) {
                done(state, &task, outcome, tenant, now, &mut notes);
            }
        }
        Fact::Stopped { task, code, why } => {
            if let Some(task) = end_task(state, task) {
                done(state, &task, &Outcome::Escalate(code.clone(), why.clone()), tenant, now, &mut notes);
            }
        }
        Fact::Tick { at } => tick(state, tenant, *at, &mut notes),
    }
    notes
}

fn task_mut<'a>(state: &'a mut State, id: &str) -> Option<&'a mut Task> {
    state.tasks.iter_mut().find(|task| task.id == id)
}

fn end_task(state: &mut State, id: &str) -> Option<Task> {
    let at = state.tasks.iter().position(|task| task.id == id)?;
    state.grants.retain(|grant| grant.task != id);
    Some(state.tasks.remove(at))
}

/// True if some of the batch is to be sent again.
fn after(state: &mut State, task: &str, batch: u32, replies: &[Option<Reply>], retry_at: Option<Instant>, renew: bool) -> bool {
    let Some(task) = task_mut(state, task).filter(|task| task.batches == batch) else { return false };
    let Some(out) = &mut task.batch else { return false };
    let news = out.replies.iter().zip(replies).any(|(have, new)| have.is_none() && new.is_some());
    if !news && out.retry_at == retry_at {
        return false;
    }
    for (have, new) in out.replies.iter_mut().zip(replies) {
        // The first final reply stays, whoever writes later.
        if have.is_none() {
            have.clone_from(new);
        }
    }
    if out.replies.iter().all(Option::is_some) {
        let finals: Vec<Reply> = out.replies.iter().flatten().cloned().collect();
        let written: Vec<String> = out.requests.iter().zip(&finals).filter_map(|(named, reply)| written(named, reply)).collect();
        task.replies.extend(finals);
        task.batch = None;
        if let Some(case) = &mut state.case {
            case.course.written.extend(written);
        }
        return false;
    }
    out.attempt += 1;
    out.retry_at = retry_at;
    out.renewal = match (renew, out.renewal) {
        (true, _) => Renewal::Due,
        (false, Renewal::Never) => Renewal::Never,
        (false, Renewal::Due | Renewal::Done) => Renewal::Done,
    };
    true
}

/// A vendor does not answer, and is asked again only later. Whoever waits is told once; a human who is wanted anyway is not kept waiting.
fn silent(state: &mut State, task: &str, tenant: &Tenant, now: Instant) {
    let Some(case) = &state.case else { return };
    if case.handover.is_some() {
        settle(state, tenant, now);
        return;
    }
    // Where the chat itself is down nothing can be said, and the PSA has words of its own.
    let told = case.said.contains("system-down") || state.desk.is_some() && !ticket::spoken(case);
    if !told && state.tasks.iter().any(|waits| waits.id == task && matches!(waits.purpose, Purpose::Find | Purpose::Act | Purpose::Check)) {
        state.say_once("system-down", &[("system", system(tenant)), ("phone", &tenant.msp.phone)], now);
        if let Some(case) = &mut state.case {
            case.evidence.push(format!("{} did not answer at {now}, and was asked again", system(tenant)));
        }
    }
}

/// Gives up steps that only wait for a vendor to answer. Who asks is still worth knowing to a human.
fn abandon(state: &mut State, now: Instant) {
    let waits = |task: &Task| {
        matches!(task.purpose, Purpose::Find | Purpose::Contacts | Purpose::Offer | Purpose::Act | Purpose::Check | Purpose::Approver)
            && task.batch.as_ref().is_some_and(|batch| batch.retry_at.is_some_and(|at| at > now + SHORT_PAUSE))
    };
    let tasks: Vec<Task> = state.tasks.iter().filter(|task| waits(task)).cloned().collect();
    for task in tasks {
        end_task(state, &task.id);
        if let (Purpose::Act, true, Some(case)) = (&task.purpose, task.uncertain(), &mut state.case) {
            case.evidence.push("the change was sent, its reply was lost, and the system does not answer: whether it was applied is not known".into());
        }
    }
}

/// The action of a change that was accepted, or whose outcome its connector finds out before it goes on.
fn written(named: &Named, reply: &Reply) -> Option<String> {
    let may = match reply {
        Reply::Response(response) => (200..300).contains(&response.status),
        Reply::Unknown(_) => true,
        Reply::NotApplied(_) | Reply::Waited(_) => false,
    };
    // A grant is named by its task and its action.
    let action = named.grant.as_ref().filter(|_| may)?.split_once('.')?.1;
    Some(action.into())
}

/// An event as it was taken from the mailbox.
struct Arrival<'a> {
    number: i64,
    event: &'a Event,
    press: Option<&'a Press>,
    asked: &'a [String],
}

fn taken(state: &mut State, arrival: &Arrival, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Arrival { number, event, press, asked } = *arrival;
    // Whatever lies between is a hole that the runner reports by itself.
    state.taken = state.taken.max(number);
    state.holes.remove(&number);
    if state.seen.contains(&event.id) {
        return;
    }
    state.seen.push_back(event.id.clone());
    while state.seen.len() > REMEMBERED {
        state.seen.pop_front();
    }
    if let Act::Notice(notice) = &event.act {
        if state.tenant == MSP && press.is_some() {
            let message = Message { words: notice.words.clone(), ..state.message("", &[]) };
            state.chat(ChatAct::Say(message), Purpose::Aside, now);
        }
        return;
    }
    if state.tenant == MSP {
        staff::wrote(state, event, press, tenant, now, notes);
        return;
    }
    // Answers to a request for approval come from elsewhere: the MSP's own chat, or the API.
    if approval::is_elsewhere(event, tenant) || matches!(event.act, Act::Answer(_)) {
        approval::answered(state, event, press, tenant, now, notes);
        return;
    }
    if event.tenant != state.tenant || event.connection != state.connection && event.act != Act::Ticket {
        return;
    }
    match &event.act {
        Act::Answer(_) | Act::Notice(_) => {}
        Act::Ticket => ticket::changed(state, number, event, tenant, now),
        Act::Message(text) if state.desk.is_some() => ticket::wrote(state, event, text, notes),
        Act::Message(_) if goes_on_elsewhere(state, tenant) => {
            state.chat(ChatAct::OpenDirect(event.author.clone()), Purpose::Forward(Box::new(event.clone())), now);
        }
        Act::Message(text) => {
            let passed_on = ticket::passed_on(state, event, asked);
            if !passed_on.is_empty() {
                notes.extend(passed_on);
                return;
            }
            if state.unread.is_empty() {
                state.case.take_if(|case| case.idle() && now >= case.since + LISTEN_TIME);
            }
            if state.case.is_none() {
                state.case = Some(new_case(state, number, event, tenant, now));
            }
            if let Some(case) = state.case.as_mut().filter(|case| case.user == event.author) {
                case.course.messages += 1;
                state.unread.push_back((event.id.clone(), text.clone()));
            }
        }
        Act::Press(_) => pressed(state, event, press, tenant, now, notes),
        Act::Code(page) => code::typed(state, page, tenant, now),
    }
}

/// What is written in a channel goes on in its author's direct conversation. Guests of the MSP's own workspace have none with it, so they are answered where they write.
fn goes_on_elsewhere(state: &State, tenant: &Tenant) -> bool {
    state.place != Place::Direct && !tenant.shadow() && !tenant.connection(&state.connection).is_some_and(|chat| chat.connect)
}

/// A record cannot be used. What it was about goes to a human, who is told which one it is; from then on the conversation goes on as usual.
fn damaged(state: &mut State, damage: &Damaged, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Damaged { key, why, sha256: _, afresh, idle, counted, number, event, case, seen, texts } = damage;
    if *afresh {
        *state = State { counted: *counted, seen: seen.iter().cloned().collect(), ..State::new(event) };
    }
    state.taken = state.taken.max(*number);
    state.holes.remove(number);
    // Nobody talks with us in a channel; what is written there goes on in the author's direct conversation.
    if goes_on_elsewhere(state, tenant) || *afresh && *idle {
        return;
    }
    let listed = state.case.as_ref().map_or(case.is_some(), |case| case.profile.is_some() || case.phase != Phase::Listening);
    if state.case.is_none() {
        let mut fresh = new_case(state, *number, event, tenant, now);
        if let Some((id, from)) = case {
            // INVARIANT: the id finds the ticket that was opened for it, and what was sealed for it is erased at the end.
            (fresh.id, fresh.from, fresh.secret) = (id.clone(), Some(*from), true);
        }
        fresh.kind = "other".into();
        for text in texts {
            keep(&mut fresh, text.clone());
        }
        state.case = Some(fresh);
    }
    let text = format!("the stored record `{key}` cannot be used: {why}; check by hand what was under way");
    let Some(case) = &mut state.case else { return };
    if case.phase != Phase::Listening {
        hand_over(state, "damaged-record", &text, tenant, now);
        return;
    }
    case.handover.get_or_insert(("damaged-record".into(), text));
    if !listed {
        notes.push(Note::Opened(Box::new(case.clone())));
    }
    begin(state, tenant, now);
}

fn new_case(state: &State, number: i64, event: &Event, tenant: &Tenant, now: Instant) -> Case {
    let chat = tenant.connection(&state.connection);
    let team = chat.and_then(|c| c.account.get("team"));
    Case {
        // Whoever writes in somebody else's workspace is known there by no more than a name.
        outsider: chat.is_none_or(|c| c.connect) || event.author_workspace.as_ref().is_some_and(|workspace| Some(workspace) != team),
        times: Times { received: event.received, ..Times::default() },
        quiet: tenant.shadow(),
        ..blank(format!("{}-{number}", state.id), &event.author, now)
    }
}

fn blank(id: String, user: &str, now: Instant) -> Case {
    Case {
        id,
        phase: Phase::Listening,
        since: now,
        user: user.into(),
        outsider: false,
        profile: None,
        kind: String::new(),
        reading: String::new(),
        triage: Vec::new(),
        action: None,
        texts: Vec::new(),
        account: None,
        contacts: None,
        decision: None,
        offer: None,
        offers: 0,
        query: None,
        consulted: Consulted::default(),
        ticket: None,
        no_ticket: false,
        psa_again: None,
        psa_silent: 0,
        attested: BTreeSet::new(),
        evidence: Vec::new(),
        handover: None,
        secret: false,
        resolution: None,
        from: None,
        said: BTreeSet::new(),
        times: Times { received: now, ..Times::default() },
        course: Course::default(),
        intake: None,
        look_again: false,
        language: None,
        ask: None,
        asks: 0,
        approvals: Vec::new(),
        vetting: Vetting::default(),
        code: None,
        guide: (0, 0),
        trial: None,
        quiet: false,
        past: Recalled::Unasked,
        named: None,
        object: None,
    }
}

fn pressed(state: &mut State, event: &Event, press: Option<&Press>, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    // A button whose MAC is wrong was never ours: no answer.
    let Some(press) = press else { return };
    if let Some(to) = ticket::mailbox_of(press).filter(|to| *to != state.id) {
        notes.push(Note::Forward(Box::new(Event { to: Some(to.into()), ..event.clone() })));
        return;
    }
    if approval::is_of(press) {
        approval::answered(state, event, Some(press), tenant, now, notes);
        return;
    }
    if clarify::is_of(press) {
        clarify::pressed(state, event, press, tenant, now, notes);
        return;
    }
    if after::is_of(press) {
        after::pressed(state, event, press, tenant, now, notes);
        return;
    }
    let current = state.case.as_ref().filter(|case| case.id == press.case);
    let Some(case) = current else {
        state.say("expired-offer", &[], now);
        return;
    };
    if case.user != event.author {
        // Of a ticket, only its contact was asked; whoever else presses is in another conversation.
        if state.desk.is_none() {
            state.say("not-you", &[], now);
        }
        return;
    }
    if case.phase == Phase::Proving {
        code::pressed(state, press, tenant, now);
        return;
    }
    if case.phase == Phase::Guiding {
        factor::pressed(state, event, press, tenant, now);
        return;
    }
    let live = case.offer.as_ref().is_some_and(|offer| offer.id == press.offer && now < offer.expires) && case.phase == Phase::Offering;
    if !live {
        // A second press of the same button is no news while its work runs.
        if case.phase == Phase::Listening {
            state.say("expired-offer", &[], now);
        }
        return;
    }
    let label = if matches!(press.choice.as_str(), "yes" | "no") { press.choice.as_str() } else { "something-else" };
    // Whoever answered in words was shown the buttons again.
    let first = case.offer.as_ref().filter(|_| state.desk.is_some()).and_then(|offer| offer.message.clone()).filter(|first| *first != event.message);
    for message in [Some(event.message.clone()), first].into_iter().flatten() {
        replace_offer(state, &message, "offer-pressed", &[("choice", label)], now);
    }
    if let Some(case) = &mut state.case {
        case.offer = None;
        case.course.presses += 1;
        case.evidence.push(format!("the requester pressed `{label}` at {now}"));
    }
    match press.choice.as_str() {
        "yes" => {
            state.phase(Phase::Acting, now);
            if state.desk.is_some() {
                ticket::confirmed(state, tenant, now);
            } else {
                ask(state, tenant, now);
            }
        }
        "no" => ticket::denied(state, tenant, now),
        _ => {
            say_again(state, now);
            clarify::in_words(state, tenant, now);
        }
    }
}

/// What was asked for is dropped; what is asked for instead is judged, offered and approved anew.
fn say_again(state: &mut State, now: Instant) {
    state.phase(Phase::Listening, now);
    if let Some(case) = &mut state.case {
        (case.action, case.account) = (None, None);
        case.approvals.clear();
    }
}

fn replace_offer(state: &mut State, message: &str, sentence: &str, arguments: &[(&str, &str)], now: Instant) {
    let text = state.message(sentence, arguments);
    state.chat(ChatAct::Replace(message.into(), text), Purpose::Aside, now);
}

fn read_as(candidate: &Candidate, unsure: bool) -> String {
    let Candidate { intent, confidence, because } = candidate;
    format!("{intent} at {confidence}/1000{}: {}", if unsure { ", unsure" } else { "" }, because.join(", "))
}

/// What a technician wants to see at a glance. Words of the text, so they are cleaned like the text itself when they are written down.
fn triage(understanding: &Understanding) -> Vec<String> {
    let also = understanding.also.iter().map(|candidate| format!("also: {}", read_as(candidate, false)));
    let language = understanding.language.iter().map(|language| format!("language: {language}"));
    let entities = understanding.entities.iter().map(|entity| format!("{}: {}", entity.kind, entity.words));
    also.chain(language).chain(entities).collect()
}

fn understood(state: &mut State, event: &str, text: String, understanding: &Understanding, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let msp = tenant.msp.name.clone();
    let at_desk = state.desk.is_some();
    let reading = match reading(understanding) {
        Reading::Greeting | Reading::Thanks if at_desk => Reading::Unclear,
        reading => reading,
    };
    let about_the_last = after::is_about(state, now);
    if let Some(to) = second::mailbox(state, reading, understanding) {
        second::forward(state, to, event, text, now, notes);
        return;
    }
    // Of no type that is known by name.
    let other = understanding.candidates.first().is_none_or(|first| understanding.abstained || first.intent == "other");
    let Some(case) = &mut state.case else { return };
    if understanding.language.is_some() {
        case.language.clone_from(&understanding.language);
    }
    if people::waits(case) {
        people::told(state, text, reading, tenant, now);
        return;
    }
    match (case.phase, reading) {
        (Phase::Listening, Reading::Unclear | Reading::Elsewhere("out-of-scope")) if about_the_last && other => {
            after::still_broken(state, text, tenant, now, notes)
        }
        (Phase::Listening, Reading::Thanks) => {
            if let Some(ended) = state.ended.as_mut().filter(|ended| ended.confirmed.is_none() && now.saturating_sub(ended.at) < THANKS_TIME) {
                ended.confirmed = Some(now);
                notes.push(Note::Confirmed(ended.case.clone()));
            }
            let alone = case.texts.is_empty() && case.said.is_empty() && state.unread.is_empty();
            case.since = now;
            state.say("welcome", &[], now);
            // Thanks alone opens nothing.
            if alone {
                state.case = None;
            }
        }
        (Phase::Listening, Reading::Greeting) => {
            case.since = now;
            if case.said.contains("greeting") {
                state.say_once("clarify", &[("msp", &msp)], now);
            } else {
                state.say_once("greeting", &[("msp", &msp)], now);
            }
        }
        (Phase::Listening, reading) => {
            keep(case, text.clone());
            let first = understanding.candidates.first();
            case.kind = first.map_or_else(|| "other".into(), |candidate| candidate.intent.clone());
            case.reading = first.map_or_else(String::new, |c| read_as(c, understanding.abstained));
            case.triage = triage(understanding);
            people::named(case, &understanding.entities);
            people::object(case, &case.kind.clone(), &understanding.entities);
            clarify::withdraw(state, now);
            if !opinion::ask(state, reading, understanding, text, tenant, now) {
                wished(state, reading, understanding, tenant, now, notes);
            }
        }
        (Phase::Offering, Reading::Person) => {
            keep(case, text);
            hand_over(state, "asked-for-person", "the requester asked for a person instead of pressing the button", tenant, now);
        }
        (Phase::Approving, Reading::Person) => {
            keep(case, text);
            hand_over(state, "asked-for-person", "the requester asked for a person instead of waiting for the approval", tenant, now);
        }
        (Phase::Guiding, Reading::Person) => {
            keep(case, text);
            hand_over(state, "asked-for-person", "the requester asked for a person while registering a new factor", tenant, now);
        }
        (Phase::Proving, Reading::Person) => {
            keep(case, text);
            code::person(state, tenant, now);
        }
        (Phase::Proving, Reading::Thanks) => {}
        (Phase::Proving, _) => code::wrote(state, text, now),
        (Phase::Offering | Phase::Guiding, Reading::Thanks) => {}
        // The news has reached the user already.
        (Phase::Delivering | Phase::Closing, Reading::Thanks) => case.times.confirmed = Some(now),
        (Phase::Offering | Phase::Guiding, Reading::Greeting | Reading::Action(_) | Reading::Elsewhere(_) | Reading::Unclear) => {
            keep(case, text);
            if at_desk {
                ticket::ask_again(state, now);
            } else {
                state.say_once("press-button", &[], now);
            }
        }
        (Phase::HandingOver | Phase::Telling, _) => keep(case, text),
        (Phase::Identifying | Phase::Finding | Phase::Acting | Phase::Delivering | Phase::Closing, Reading::Person) => {
            keep(case, text);
            let asked = ("asked-for-person".to_string(), "the requester asked for a person while work was under way".to_string());
            case.handover.get_or_insert(asked);
            settle(state, tenant, now);
        }
        (Phase::Identifying | Phase::Finding | Phase::Approving | Phase::Acting | Phase::Delivering | Phase::Closing, _) => {
            keep(case, text);
            state.say_once("working", &[], now);
        }
    }
}

/// Something is wished, as far as it was understood: asks what was meant, or begins.
fn wished(state: &mut State, reading: Reading, understanding: &Understanding, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    if clarify::ask(state, reading, understanding, tenant, now) {
        return;
    }
    let at_desk = state.desk.is_some();
    let Some(case) = &mut state.case else { return };
    match reading {
        Reading::Action(action) if !factor::served(action, at_desk, tenant) => {
            case.handover = Some(("out-of-scope".into(), format!("`{action}` is done by hand here")));
        }
        Reading::Action(action) => case.action = Some(action.into()),
        Reading::Person => case.handover = Some(("asked-for-person".into(), "the requester asked for a person".into())),
        Reading::Elsewhere(code) => {
            let words = understanding.about_another.as_deref().or(understanding.other_system.as_deref()).unwrap_or_default();
            case.handover = Some((code.into(), format!("{code} {words}").trim().into()));
        }
        Reading::Unclear | Reading::Greeting | Reading::Thanks => {
            let asked = if at_desk { "" } else { ", also after asking once" };
            case.handover = Some(("unclear".into(), format!("intent detection was not sure{asked}")))
        }
    }
    clarify::open(state, notes);
    begin(state, tenant, now);
}

fn keep(case: &mut Case, text: String) {
    if case.texts.len() < TEXTS {
        case.texts.push(text.chars().take(4_000).collect());
    }
}

/// Something was asked for: find out who asks, or go on if that is known.
fn begin(state: &mut State, tenant: &Tenant, now: Instant) {
    if state.desk.is_some() {
        ticket::begin(state, tenant, now);
        return;
    }
    let Some(case) = &state.case else { return };
    if case.profile.is_some() {
        find(state, tenant, now);
    } else {
        let user = case.user.clone();
        state.phase(Phase::Identifying, now);
        state.chat(ChatAct::Who(user), Purpose::Who, now);
    }
}

/// The requester is known: find the account and open the ticket, together.
fn find(state: &mut State, tenant: &Tenant, now: Instant) {
    state.phase(Phase::Finding, now);
    open_ticket(state, tenant, now);
    let Some(case) = &state.case else { return };
    let email = case.profile.as_ref().and_then(|profile| profile.email.clone());
    match (&case.handover, case.action.is_some(), email, tenant.connection_of(Role::Idp)) {
        (None, true, Some(email), Some(idp)) => look_up(state, email, &idp.id, tenant, now),
        (None, true, None, _) => set_handover(state, "no-address", "the chat profile shows no address, so the account cannot be found"),
        (None, true, Some(_), None) => set_handover(state, "no-identity-provider", "the tenant has no connection to an identity provider"),
        (Some(_), _, _, _) | (None, false, _, _) => {}
    }
    settle(state, tenant, now);
}

fn open_ticket(state: &mut State, tenant: &Tenant, now: Instant) {
    let Some(case) = state.case.as_ref().filter(|case| case.ticket.is_none() && !case.no_ticket) else { return };
    if state.running(&Purpose::Open) {
        return;
    }
    let Some(psa) = tenant.connection_of(Role::Psa) else { return };
    let profile = case.profile.as_ref();
    let summary = match case.kind.as_str() {
        "" | "other" | "human" => "Request from chat".to_string(),
        kind => format!("{} (from chat)", kind.replace('_', " ")),
    };
    let new = NewTicket {
        summary,
        description: case.texts.join("\n"),
        contact_email: profile.filter(|profile| !profile.guest && !case.outsider).and_then(|profile| profile.email.clone()),
        contact_name: profile.map_or_else(|| case.user.clone(), |profile| profile.name.clone()),
    };
    let psa = psa.id.clone();
    let task = state.start(&psa, Work::Psa(PsaAct::Open(new)), Purpose::Open, now);
    state.grant(&task, &psa, "ticket_open", &tenant.desk.company.to_string(), None, now);
}

fn set_handover(state: &mut State, code: &str, text: &str) {
    if let Some(case) = &mut state.case {
        case.handover.get_or_insert((code.into(), text.into()));
    }
}

/// The PSA does not answer: what was to be written there is put off, for about a day in all. False if that time is up.
fn put_off(state: &mut State, now: Instant) -> bool {
    let Some(case) = state.case.as_mut().filter(|case| case.psa_silent < PSA_TRIES) else { return false };
    case.psa_again = Some(now + PSA_PAUSE.min(60_000 << case.psa_silent.min(6)));
    case.psa_silent += 1;
    true
}

/// Sends the case to a human as soon as nothing that was begun is still under way.
fn hand_over(state: &mut State, code: &str, text: &str, tenant: &Tenant, now: Instant) {
    people::stop(state, code, text, now);
    set_handover(state, code, text);
    if let Some(message) = state.case.as_mut().and_then(|case| case.offer.take()).and_then(|offer| offer.message) {
        replace_offer(state, &message, "offer-withdrawn", &[], now);
    }
    approval::withdraw(state, "approval-over", &[], now);
    settle(state, tenant, now);
}

/// What the case needs before it can go on; called whenever something ended.
fn settle(state: &mut State, tenant: &Tenant, now: Instant) {
    if state.case.as_ref().is_some_and(|case| case.handover.is_some()) {
        abandon(state, now);
    }
    let Some(case) = &state.case else { return };
    let beside = |purpose: &Purpose| {
        matches!(purpose, Purpose::Aside | Purpose::Forward(_) | Purpose::Look | Purpose::Page(_) | Purpose::Ask | Purpose::Query | Purpose::Opinion)
    };
    let under_way = state.tasks.iter().any(|task| !beside(&task.purpose)) || state.asked.is_some();
    if under_way || case.psa_again.is_some() {
        return;
    }
    match (case.phase, case.handover.is_some()) {
        (
            Phase::Finding
            | Phase::Offering
            | Phase::Approving
            | Phase::Proving
            | Phase::Acting
            | Phase::Delivering
            | Phase::Guiding
            | Phase::Closing
            | Phase::HandingOver
            | Phase::Identifying
            | Phase::Listening,
            true,
        ) => {
            if case.ticket.is_none() && !case.no_ticket {
                open_ticket(state, tenant, now);
                if state.running(&Purpose::Open) {
                    return;
                }
            }
            if !people::resolves(state, tenant, now) && !dispatch::asks(state) {
                close_or_hand_over(state, true, tenant, now);
            }
        }
        (Phase::Finding, false) => ask(state, tenant, now),
        (Phase::Closing, false) => close_or_hand_over(state, false, tenant, now),
        // Somebody said yes, and the account was read again. A technician may have taken the ticket since.
        (Phase::Approving, false) if case.ask.is_none() && !ticket::look_on(state, tenant, now) => ask(state, tenant, now),
        (
            Phase::Listening
            | Phase::Identifying
            | Phase::Offering
            | Phase::Approving
            | Phase::Proving
            | Phase::Acting
            | Phase::Delivering
            | Phase::Guiding
            | Phase::HandingOver
            | Phase::Telling,
            _,
        ) => {}
    }
}

/// Asks the guardrails whether to go on: before the offer, and again once it was taken.
fn ask(state: &mut State, tenant: &Tenant, now: Instant) {
    state.asked = question(state, tenant, now);
    if state.asked.is_none() {
        // The tenant's document changed under the case.
        hand_over(state, "not-configured", NOT_CONFIGURED, tenant, now);
    }
}

/// The question about the case's action, on the account as it was found.
fn question(state: &State, tenant: &Tenant, now: Instant) -> Option<Question> {
    let case = state.case.as_ref()?;
    let subject = case.account.clone()?;
    let idp = tenant.connection_of(Role::Idp)?;
    let chat = tenant.connection(&state.connection)?;
    let guest = case.outsider || case.profile.as_ref().is_none_or(|profile| profile.guest || profile.inactive);
    let action = case.action.clone()?;
    let known = case.profile.iter().flat_map(approval::names).collect();
    Some(Question {
        approvals: approval::bound(case, &action, &subject.id, now),
        requester_names: known,
        action,
        // INVARIANT: the account was found by the address of the requester's own chat profile, and by nothing that was written.
        requester_account: Some(subject.id.clone()),
        vetting: Vetting { proofs: proof::bound(case, &subject.id, now), ..case.vetting.clone() },
        guest,
        subject,
        contacts: case.contacts.clone(),
        subject_tenant: tenant.tenant.clone(),
        needs_delivery: yields_secret(case.action.as_deref().unwrap_or_default()),
        delivery_survives: !chat.cut_off_by.contains(&idp.id),
    })
}

/// The action ends in a secret that its owner must get.
fn yields_secret(action: &str) -> bool {
    action == "password_reset" || action == LOST_PHONE
}

fn decided(state: &mut State, question: &Question, decision: &Decision, standing: Option<&Standing>, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = &mut state.case else { return };
    case.decision = Some(decision.clone());
    case.evidence.extend(standing.and_then(|standing| proof::told(standing, decision)));
    case.evidence.push(format!("guardrails on `{}`: {:?} by {}", question.action, decision.verdict, decision.rules.join(", ")).to_lowercase());
    let phase = case.phase;
    let may = match decision.verdict {
        Verdict::Autonomous | Verdict::Approval => case.handover.is_none(),
        Verdict::Prove => match proof::possible(case, standing) {
            Ok(()) => case.handover.is_none(),
            Err(code) => {
                set_handover(state, &code, "a stronger proof of who asks is wanted, and none can be asked for");
                false
            }
        },
        Verdict::Human | Verdict::Deny => {
            if decision.rules.iter().any(|rule| rule == "shadow") {
                case.evidence.push(approval::plan(question));
            }
            // Why somebody is not believed says more than that they are not.
            let code = standing.and_then(|standing| standing.locked.as_ref()).unwrap_or(&decision.reason);
            set_handover(state, code, &format!("guardrails: {}", decision.rules.join(", ")));
            false
        }
    };
    if !may {
        settle(state, tenant, now);
        return;
    }
    match (phase, decision.verdict) {
        // The requester is asked first, so that nobody is asked to approve what nobody wants.
        (Phase::Finding, _) => make_offer(state, question, tenant, now),
        (Phase::Acting | Phase::Approving, Verdict::Approval) => approval::ask(state, question, decision, tenant, now),
        (Phase::Acting | Phase::Approving, Verdict::Prove) => proof::ask(state, question, decision, standing, tenant, now, notes),
        (Phase::Acting | Phase::Approving, _) => {
            state.phase(Phase::Acting, now);
            act(state, question, tenant, now);
        }
        (
            Phase::Listening
            | Phase::Identifying
            | Phase::Offering
            | Phase::Proving
            | Phase::Delivering
            | Phase::Guiding
            | Phase::Closing
            | Phase::HandingOver
            | Phase::Telling,
            _,
        ) => {}
    }
}

/// The identity provider, as people know it.
fn system(tenant: &Tenant) -> &'static str {
    match tenant.connection_of(Role::Idp).map(|c| c.vendor.as_str()) {
        Some("entra") => "Microsoft 365",
        Some("okta") => "Okta",
        _ => "work",
    }
}

fn make_offer(state: &mut State, question: &Question, tenant: &Tenant, now: Instant) {
    let system = system(tenant);
    let sentence = match question.action.as_str() {
        "account_unlock" => "offer-unlock",
        LOST_PHONE => "offer-mfa",
        _ => "offer-reset",
    };
    let ticket = state.case.as_ref().and_then(|case| case.ticket.as_ref()).map_or_else(String::new, |ticket| ticket.id.to_string());
    let mut arguments = vec![("system", system), ("login", question.subject.login.as_str())];
    if sentence != "offer-unlock" {
        arguments.push(("ticket", &ticket));
    }
    let mut message = state.message(sentence, &arguments);
    if state.desk.is_some() {
        message = ticket::question(state, question, system, tenant);
    } else {
        message.buttons = vec![
            Button { label: "yes".into(), choice: "yes".into(), primary: true },
            Button { label: "something-else".into(), choice: "something-else".into(), primary: false },
        ];
    }
    next_offer(state, now + offer_time(state));
    state.phase(Phase::Offering, now);
    state.chat(ChatAct::Say(message), Purpose::Offer, now);
}

/// The buttons of the next message have a name of their own.
fn next_offer(state: &mut State, expires: Instant) {
    let series = second::series(state, if state.desk.is_some() { ticket::SERIES } else { "o" });
    if let Some(case) = &mut state.case {
        case.offers += 1;
        case.offer = Some(Offer { id: format!("{series}{}", case.offers), message: None, expires });
    }
}

/// Whoever sent a mail need not be at the chat.
fn offer_time(state: &State) -> u64 {
    if state.desk.is_some() { ticket::ASK_TIME } else { OFFER_TIME }
}

fn act(state: &mut State, question: &Question, tenant: &Tenant, now: Instant) {
    let Some(idp) = tenant.connection_of(Role::Idp) else {
        hand_over(state, "not-configured", NOT_CONFIGURED, tenant, now);
        return;
    };
    let (vendor, idp) = (idp.vendor.clone(), idp.id.clone());
    let subject = Subject { id: question.subject.id.clone(), login: question.subject.login.clone() };
    let (reset, secret) = (question.action == "password_reset", yields_secret(&question.action));
    if let Some(case) = &mut state.case {
        case.times.decided = Some(now);
        trial::begins(case, question, &vendor);
        // INVARIANT: a yes is used once; it lives on in this grant alone.
        case.approvals.clear();
        // From here on there may be a secret in the store, whatever becomes of the change.
        case.secret |= secret;
    }
    let work = match question.action.as_str() {
        "password_reset" => IdpAct::ResetPassword(subject),
        LOST_PHONE => IdpAct::ResetFactors(subject),
        _ => IdpAct::Unlock(subject),
    };
    let task = state.start(&idp, Work::Idp(work), Purpose::Act, now);
    if question.action == LOST_PHONE {
        // Under the decision that lets the pass be issued, and not asked anew: the lost phone would stay half removed otherwise.
        state.grant(&task, &idp, "mfa_remove", &question.subject.id, None, now);
    }
    state.grant(&task, &idp, &question.action, &question.subject.id, Some(question.clone()), now);
    if reset && vendor == "okta" {
        // Okta resets no locked account: unlocking it is part of the reset, under the same decision.
        state.grant(&task, &idp, "account_unlock", &question.subject.id, Some(question.clone()), now);
    }
}

fn done(state: &mut State, task: &Task, outcome: &Outcome, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    if let (Work::Chat(ChatAct::Say(said)), Outcome::Posted(_), Some(case)) = (&task.work, outcome, &mut state.case)
        && said.channel == state.channel
    {
        case.times.replied.get_or_insert(now);
    }
    trial::ends(state, task, outcome, now, notes);
    let phase = state.case.as_ref().map(|case| case.phase);
    match (&task.purpose, outcome) {
        (Purpose::Forward(event), Outcome::Opened(channel)) => {
            let moved = Event { channel: channel.clone(), thread: None, place: Place::Direct, received: event.received, ..(**event).clone() };
            notes.push(Note::Forward(Box::new(moved)));
            state.say("moved-to-direct", &[], now);
        }
        (Purpose::Opinion, outcome) => opinion::given(state, task, outcome, tenant, now, notes),
        (Purpose::Query, Outcome::Posted(message)) => clarify::posted(state, message, now),
        (Purpose::Page(message), outcome) => later::paged(state, task, message, outcome, now),
        (Purpose::Watch(case), outcome) => notes.push(Note::Watched(case.clone(), after::seen(outcome))),
        (Purpose::LookUp, outcome) => people::found(state, outcome, tenant, now),
        (Purpose::Check, outcome) => factor::checked(state, outcome, tenant, now),
        (Purpose::Prove, outcome) => code::done(state, &task.work, outcome, tenant, now, notes),
        (Purpose::Wait, outcome) => ticket::waits(state, outcome, tenant, now),
        (Purpose::Look, outcome) => ticket::looked(state, task.started, outcome, tenant, now, notes),
        (Purpose::Ask, outcome) => approval::posted(state, task, outcome, tenant, now),
        (Purpose::Approver, outcome) => approval::recognized(state, outcome, tenant, now, notes),
        (Purpose::Who, Outcome::Profile(profile)) if state.desk.is_some() => ticket::recognized(state, profile, tenant, now),
        (Purpose::Meet, Outcome::Opened(channel)) => ticket::met(state, channel, tenant, now),
        (Purpose::Who, Outcome::Profile(profile)) => {
            if let Some(case) = &mut state.case {
                let outsider = case.outsider || profile.guest || profile.inactive;
                case.profile = Some(profile.clone());
                if outsider && case.handover.is_none() {
                    let connect = tenant.connection(&state.connection).is_some_and(|chat| chat.connect);
                    case.handover = Some(if connect {
                        ("shared-channel".into(), "the requester wrote in a channel that the client shares with us, where nobody can be verified".into())
                    } else {
                        ("chat-guest".into(), "the requester is a guest of the chat workspace, not an employee".into())
                    });
                }
            }
            find(state, tenant, now);
        }
        (Purpose::Who, _) => {
            set_handover(state, "unknown-requester", &format!("the chat could not say who the requester is: {}", describe(outcome)));
            settle(state, tenant, now);
        }
        (Purpose::Find, Outcome::Found(account)) => {
            found(state, account, tenant);
            settle(state, tenant, now);
        }
        (Purpose::Contacts, Outcome::Contacts(people)) => {
            if let (Some(case), Work::Psa(PsaAct::Contacts(types))) = (&mut state.case, &task.work) {
                case.contacts = Some(Contacts { types: types.clone(), people: people.clone() });
            }
            settle(state, tenant, now);
        }
        (Purpose::Find, Outcome::Absent) => {
            set_handover(state, "unknown-user", "the identity provider has no account with the requester's address");
            settle(state, tenant, now);
        }
        (Purpose::Open, Outcome::TicketOpened(ticket)) => {
            if let Some(case) = &mut state.case {
                case.ticket = Some(ticket.clone());
            }
            settle(state, tenant, now);
        }
        (Purpose::Open | Purpose::Close | Purpose::HandOver, Outcome::Escalate(code, _)) if code == PSA_DOWN && put_off(state, now) => {
            // Who was told that it is done need not hear of it.
            if task.purpose != Purpose::Close {
                set_handover(state, "psa-down", "the PSA did not answer when the ticket was to be written");
                state.phase(Phase::HandingOver, now);
                state.say_once("desk-down", &[("msp", &tenant.msp.name), ("phone", &tenant.msp.phone)], now);
            }
        }
        (Purpose::Open, _) => {
            if let Some(case) = &mut state.case {
                case.no_ticket = true;
            }
            set_handover(state, "no-ticket", &format!("the ticket could not be opened: {}", describe(outcome)));
            settle(state, tenant, now);
        }
        (Purpose::Offer, Outcome::Posted(message)) => {
            let time = offer_time(state);
            match state.case.as_mut().and_then(|case| case.offer.as_mut()) {
                Some(offer) => (offer.message, offer.expires) = (Some(message.clone()), now + time),
                // It was withdrawn before it stood there.
                None if phase == Some(Phase::Offering) => replace_offer(state, message, "offer-withdrawn", &[], now),
                None => {}
            }
            ticket::wait(state, tenant, now);
            settle(state, tenant, now);
        }
        // It was pressed, so it stands there, whatever its sender could find out.
        (Purpose::Offer, _) if phase != Some(Phase::Offering) => settle(state, tenant, now),
        (Purpose::Act, Outcome::Changed(report)) => {
            if let Some(case) = &mut state.case {
                case.times.acted = Some(now);
                case.evidence.extend(report.evidence.iter().cloned());
                case.secret |= report.secret.is_some();
            }
            if report.secret.is_some() {
                later::notice(state, tenant, now);
            }
            deliver(state, report.secret.is_some(), "unlock-done", tenant, now);
        }
        (Purpose::Act, Outcome::Unchanged(report)) => {
            if let Some(case) = &mut state.case {
                case.evidence.extend(report.evidence.iter().cloned());
            }
            deliver(state, false, "unlock-not-needed", tenant, now);
        }
        (Purpose::Deliver, Outcome::Posted(message)) => {
            let reset = state.case.as_mut().is_some_and(|case| {
                case.times.delivered = Some(now);
                case.course.unblocked = Some(case.course.so_far(now));
                case.evidence.push("the user was told in the chat".into());
                case.action.as_deref().is_some_and(yields_secret)
            });
            if factor::guides(state) {
                factor::delivered(state, message, now);
            } else {
                state.phase(Phase::Closing, now);
            }
            if reset {
                revoke(state, tenant, now);
            }
            settle(state, tenant, now);
        }
        (Purpose::Deliver, _) => {
            hand_over(state, "delivery-failed", &format!("the change was made, but the user could not be told: {}", describe(outcome)), tenant, now);
        }
        (Purpose::Revoke, _) => {
            if let Some(case) = &mut state.case {
                match outcome {
                    Outcome::Changed(report) | Outcome::Unchanged(report) => case.evidence.extend(report.evidence.iter().cloned()),
                    other => case.evidence.push(format!("old sessions could not be ended: {}", describe(other))),
                }
            }
            settle(state, tenant, now);
        }
        (Purpose::Close, Outcome::TicketClosed(ticket)) => {
            if let Some(case) = state.case.as_mut().filter(|case| case.handover.is_some()) {
                // A person was asked for while it was being closed: it opens again.
                case.ticket = Some(ticket.clone());
                settle(state, tenant, now);
            } else {
                farewell(state, ticket, "closed", tenant, now);
            }
        }
        (Purpose::HandOver, Outcome::TicketHandedOver(ticket)) => farewell(state, ticket, "handed-over", tenant, now),
        (Purpose::Close | Purpose::HandOver, Outcome::Escalate(code, text)) => {
            set_handover(state, code, text);
            tell_handed_over(state, tenant, now);
        }
        (Purpose::Close | Purpose::HandOver, _) => {
            set_handover(state, "ticket-not-written", &describe(outcome));
            tell_handed_over(state, tenant, now);
        }
        (Purpose::Farewell, outcome) => {
            end(state, now, notes);
            if matches!(outcome, Outcome::Posted(_)) {
                after::asked(state, now);
            }
        }
        // Nothing was changed: as soon as the account can be read again, the user is asked whether it is still wanted.
        (Purpose::Act, Outcome::Escalate(code, _)) if (code == IDP_DOWN || code == GRANT_EXPIRED) && look_again(state, tenant, now) => {}
        (Purpose::Aside | Purpose::Forward(_) | Purpose::Query, _) => {}
        (Purpose::Find | Purpose::Contacts | Purpose::Offer | Purpose::Act | Purpose::Meet, other) => {
            let (code, text) = match other {
                Outcome::Escalate(code, text) => (code.clone(), text.clone()),
                other => ("chat-unreachable".into(), describe(other)),
            };
            hand_over(state, &code, &text, tenant, now);
        }
    }
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Escalate(code, text) => format!("{code}: {text}"),
        Outcome::Unreachable(why) | Outcome::Unsure(why) => why.clone(),
        other => format!("{other:?}").chars().take(60).collect(),
    }
}

/// Finds the account anew, before the time of the case is up. False if it is, or if a human is wanted.
fn look_again(state: &mut State, tenant: &Tenant, now: Instant) -> bool {
    let Some(case) = state.case.as_ref().filter(|case| case.handover.is_none() && now < case.times.received + CASE_TIME) else { return false };
    let Some(email) = case.profile.as_ref().and_then(|profile| profile.email.clone()) else { return false };
    let Some(idp) = tenant.connection_of(Role::Idp) else { return false };
    state.phase(Phase::Finding, now);
    look_up(state, email, &idp.id, tenant, now);
    true
}

/// Finds the account of an address, with whatever this client wants to know of it.
fn look_up(state: &mut State, address: String, idp: &str, tenant: &Tenant, now: Instant) {
    let sought = Sought { name: address, manager: tenant.wants_manager(), groups: tenant.wants_groups() };
    state.start(idp, Work::Idp(IdpAct::Find(sought)), Purpose::Find, now);
    let types = tenant.contact_types();
    if let Some(psa) = tenant.connection_of(Role::Psa).filter(|_| !types.is_empty()) {
        let psa = psa.id.clone();
        state.start(&psa, Work::Psa(PsaAct::Contacts(types)), Purpose::Contacts, now);
    }
}

/// Chooses the action that helps: Entra has no unlock (a reset clears its lockout, P-21), and an account that is not locked needs a reset too.
fn found(state: &mut State, account: &Account, tenant: &Tenant) {
    let entra = tenant.connection_of(Role::Idp).and_then(|c| vendor(&c.vendor)).is_some_and(|v| v.name == "entra");
    let Some(case) = &mut state.case else { return };
    if case.action.as_deref() == Some("account_unlock") && (entra || account.lock == Lock::Open) {
        case.action = Some("password_reset".into());
    }
    case.evidence.push(format!("account `{}` ({}), state {}", account.login, account.id, account.state));
    case.account = Some(account.clone());
}

fn deliver(state: &mut State, secret: bool, otherwise: &str, tenant: &Tenant, now: Instant) {
    let login = state.case.as_ref().and_then(|case| case.account.as_ref()).map_or_else(String::new, |account| account.login.clone());
    let mut message = if secret && factor::guides(state) {
        factor::first_step(state, &login, tenant, now)
    } else if secret {
        state.message("reset-done", &[("login", &login), ("minutes", &tenant.link_minutes.to_string())])
    } else {
        state.message(otherwise, &[("login", &login)])
    };
    if secret {
        message.secret_link = Some("link".into());
    }
    if let Some(case) = &mut state.case {
        let sentence = match (secret, otherwise) {
            (true, _) if case.action.as_deref() == Some(LOST_PHONE) => "resolution-mfa",
            (true, _) => "resolution-reset",
            (false, "unlock-done") => "resolution-unlock",
            (false, _) => "resolution-nothing",
        };
        case.resolution = Some(sentence.into());
    }
    state.phase(Phase::Delivering, now);
    state.chat(ChatAct::Say(message), Purpose::Deliver, now);
}

fn revoke(state: &mut State, tenant: &Tenant, now: Instant) {
    let Some(idp) = tenant.connection_of(Role::Idp) else { return };
    let Some(account) = state.case.as_ref().and_then(|case| case.account.as_ref()) else { return };
    let subject = Subject { id: account.id.clone(), login: account.login.clone() };
    let (idp, target) = (idp.id.clone(), subject.id.clone());
    let task = state.start(&idp, Work::Idp(IdpAct::RevokeSessions(subject)), Purpose::Revoke, now);
    // Allowed by the decision that allowed the reset, so it is not asked anew: the account is left half-changed otherwise.
    state.grant(&task, &idp, "revoke_sessions", &target, None, now);
}

/// What is written on the ticket, and where.
fn closeout(state: &State, to_human: bool, tenant: &Tenant, now: Instant) -> Option<(String, Closeout)> {
    let case = state.case.as_ref()?;
    let (psa, ticket) = (tenant.connection_of(Role::Psa)?, case.ticket.as_ref()?);
    let login = case.account.as_ref().map_or("", |account| account.login.as_str());
    let closeout = Closeout {
        ticket: ticket.id,
        board: ticket.board,
        status: ticket.status,
        internal_note: crate::note::internal(case),
        resolution: case.resolution.clone().filter(|_| !to_human).map(|sentence| Words { sentence, arguments: vec![("login".into(), login.into())] }),
        time_start: case.times.received,
        time_end: now,
        billed_minutes: case.action.as_ref().and_then(|action| tenant.desk.minutes.get(action)).copied().filter(|_| !to_human),
        notify: !to_human && tenant.notices.contact && case.times.acted.is_some() && case.action.as_deref().is_some_and(yields_secret),
        stand_down: ticket::stood_down(case),
        alert: to_human && later::alerts(case),
        priority: ticket.priority.clone(),
    };
    Some((psa.id.clone(), closeout))
}

/// Leaves a note on the ticket and changes nothing else of it. False if there is none.
fn leave_note(state: &mut State, purpose: Purpose, tenant: &Tenant, now: Instant) -> bool {
    let Some((psa, closeout)) = closeout(state, true, tenant, now) else { return false };
    let ticket = closeout.ticket.to_string();
    let task = state.start(&psa, Work::Psa(PsaAct::Note(closeout)), purpose, now);
    state.grant(&task, &psa, "ticket_note", &ticket, None, now);
    true
}

fn close_or_hand_over(state: &mut State, to_human: bool, tenant: &Tenant, now: Instant) {
    if to_human && state.case.as_ref().is_some_and(|case| !case.quiet) {
        later::page(state, tenant, now);
    }
    let Some((psa, closeout)) = closeout(state, to_human, tenant, now) else {
        set_handover(state, "no-ticket", "there is no ticket to write to");
        tell_handed_over(state, tenant, now);
        return;
    };
    let Some(case) = &state.case else { return };
    if case.quiet {
        state.phase(Phase::HandingOver, now);
        leave_note(state, Purpose::HandOver, tenant, now);
        return;
    }
    let alert = closeout.alert;
    if closeout.stand_down && !ticket::spoken(case) {
        // Nothing was said and nothing was done: the ticket is the technician's as if we had never seen it.
        tell_handed_over(state, tenant, now);
        return;
    }
    let ticket = closeout.ticket.to_string();
    let (act, purpose, phase) =
        if to_human { (PsaAct::HandOver(closeout), Purpose::HandOver, Phase::HandingOver) } else { (PsaAct::Close(closeout), Purpose::Close, Phase::Closing) };
    state.phase(phase, now);
    let task = state.start(&psa, Work::Psa(act), purpose, now);
    let raised = alert.then_some("ticket_priority");
    for action in ["ticket_note", "ticket_time", "ticket_status", "ticket_mark"].into_iter().chain(raised) {
        state.grant(&task, &psa, action, &ticket, None, now);
    }
}

fn farewell(state: &mut State, ticket: &Ticket, how: &'static str, tenant: &Tenant, now: Instant) {
    if let Some(case) = &mut state.case {
        case.ticket = Some(ticket.clone());
        case.times.ended = Some(now);
    }
    if how == "handed-over" {
        tell_handed_over(state, tenant, now);
        return;
    }
    let mut message = state.message("closed", &[("ticket", &ticket.id.to_string()), ("msp", &tenant.msp.name)]);
    after::question(state, &mut message);
    state.phase(Phase::Telling, now);
    state.chat(ChatAct::Say(message), Purpose::Farewell, now);
}

fn tell_handed_over(state: &mut State, tenant: &Tenant, now: Instant) {
    let ticket = state.case.as_ref().and_then(|case| case.ticket.as_ref()).map(|ticket| ticket.id.to_string());
    let message = match (later::words(state, tenant, now), &ticket, ticket::last_words(state)) {
        (Some(message), _, _) => message,
        // Others read there too, so no detail is given.
        _ if state.place != Place::Direct => state.message("passed-on-here", &[("msp", &tenant.msp.name), ("phone", &tenant.msp.phone)]),
        (None, Some(ticket), Some(sentence)) => state.message(sentence, &[("msp", &tenant.msp.name), ("ticket", ticket)]),
        (None, Some(ticket), None) => state.message("handed-over", &[("msp", &tenant.msp.name), ("ticket", ticket), ("phone", &tenant.msp.phone)]),
        (None, None, _) => state.message("handed-over-no-ticket", &[("msp", &tenant.msp.name), ("phone", &tenant.msp.phone)]),
    };
    if let Some(case) = &mut state.case {
        case.times.ended.get_or_insert(now);
    }
    state.phase(Phase::Telling, now);
    // Whoever only sent a mail is not spoken to out of the blue.
    if state.desk.is_none() || state.case.as_ref().is_some_and(ticket::spoken) {
        state.chat(ChatAct::Say(message), Purpose::Farewell, now);
    }
}

fn end(state: &mut State, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = state.case.take() else { return };
    let closed = case.handover.is_none();
    let left = Left::of(&case);
    after::watch(state, &case, now);
    let ticket = case.ticket.as_ref().map(|ticket| ticket.id);
    state.ended = Some(Ended { case: case.id.clone(), ticket, closed, at: now, confirmed: case.times.confirmed, left });
    state.asked = None;
    if !state.unread.is_empty() {
        // Its number is above that of the event that opened the old case, and no other event can have it.
        state.case = Some(Case { outsider: case.outsider, ..blank(format!("{}-{}", state.id, state.taken), &case.user, now) });
    }
    let how = if closed { "closed" } else { "handed-over" };
    if case.secret {
        notes.push(Note::Spent { case: case.id.clone(), codes: case.vetting.sent > 0 });
    }
    notes.push(Note::Ended(Box::new(case), how));
}

fn tick(state: &mut State, tenant: &Tenant, at: Instant, notes: &mut Vec<Note>) {
    // Nobody asked for anything, so there is nothing to hand over; and whoever is silent may be asked about the case before.
    let idle = |case: &mut Case| case.phase == Phase::Listening && case.idle() && at >= case.since + LISTEN_TIME;
    if state.unread.is_empty() && state.desk.is_none() {
        state.case.take_if(idle);
    }
    after::tick(state, at);
    after::look(state, tenant, at);
    if let Some(case) = state.case.as_mut().filter(|case| case.psa_again.is_some_and(|again| at >= again)) {
        case.psa_again = None;
        if !ticket::look_on(state, tenant, at) {
            settle(state, tenant, at);
        }
    }
    let reminded = state.unread.is_empty() && clarify::remind(state, at);
    let Some(case) = state.case.as_ref().filter(|_| !reminded) else { return };
    match case.phase {
        // Somebody has just written.
        Phase::Listening if !state.unread.is_empty() || state.desk.is_some() => {}
        Phase::Listening if at >= case.since + LISTEN_TIME => {
            clarify::open(state, notes);
            clarify::withdraw(state, at);
            set_handover(state, "no-answer", "the requester did not say more");
            begin(state, tenant, at);
        }
        Phase::Offering if ticket::reminds(state, at) => ticket::remind(state, at),
        Phase::Offering if case.offer.as_ref().is_some_and(|offer| offer.message.is_some() && at >= offer.expires) => {
            hand_over(state, "no-answer", "the requester did not press the button in time", tenant, at);
        }
        Phase::Approving => approval::tick(state, tenant, at),
        Phase::Proving => code::tick(state, tenant, at),
        Phase::Guiding if case.offer.as_ref().is_some_and(|offer| at >= offer.expires) => {
            hand_over(state, "no-answer", "the requester did not say whether the new factor is registered", tenant, at);
        }
        Phase::Finding => people::tick(state, tenant, at),
        Phase::Listening
        | Phase::Identifying
        | Phase::Offering
        | Phase::Acting
        | Phase::Delivering
        | Phase::Guiding
        | Phase::Closing
        | Phase::HandingOver
        | Phase::Telling => {}
    }
}

/// The unfilled requests of a batch.
#[must_use]
pub fn unfilled(requests: &[Named]) -> Vec<Request> {
    requests.iter().map(|named| named.request.clone()).collect()
}

#[cfg(test)]
mod tests;
