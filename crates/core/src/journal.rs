//! The journal of a conversation: facts in hash-chained entries. The state is a fold over them; a snapshot is a cache.

use crate::case::State;
use crate::evidence::SealedEntry;
use crate::figures::Tally;
use crate::mailbox::Event;
use crate::past::Lesson;
use crate::record::{IntegrityKey, Record};
use crate::stage::{Decision, Outcome, Question, Standing, Understanding};
use crate::wire::{Reply, Request};
use crate::{Instant, keys};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A button that was pressed, its MAC verified by the technician.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Press {
    /// The case it belongs to.
    pub case: String,
    /// The offer it belongs to.
    pub offer: String,
    /// What it means.
    pub choice: String,
}

/// A request with the catalogue's reading of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Name of the catalogue's row.
    pub call: String,
    /// Whether the row says that it changes something.
    pub change: bool,
    /// The grant it is sent under, for a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The request, before secrets are filled in.
    pub request: Request,
}

/// What became known. Facts are inputs: applying them in order yields the state.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once; on 32 bits it is not large")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// An event was taken from the mailbox. `press` is there only if the button's MAC was good.
    Taken {
        /// Number in the mailbox.
        number: i64,
        /// The event.
        event: Event,
        /// The verified button.
        press: Option<Press>,
        /// Cases of tickets about which somebody is asked where this was written.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        asked: Vec<String>,
    },
    /// An event number whose event has not arrived.
    Hole {
        /// The number.
        number: i64,
    },
    /// A stored record cannot be used: whatever it was about goes to a human.
    Damaged(Box<Damaged>),
    /// Intent detection read a text.
    Understood {
        /// Id of the event.
        event: String,
        /// The answer.
        understanding: Understanding,
    },
    /// Guardrails decided.
    Decided {
        /// What was asked.
        question: Question,
        /// The answer.
        decision: Decision,
        /// How sure it was who asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        standing: Option<Standing>,
    },
    /// What closed tickets of the type say, for whoever gets the case.
    Recalled {
        /// What is worth telling.
        lessons: Vec<Lesson>,
    },
    /// A batch is about to be sent.
    Before {
        /// The task.
        task: String,
        /// Number of the batch within the task, from 1.
        batch: u32,
        /// Attempt, from 1.
        attempt: u32,
        /// The requests, with the catalogue's reading.
        requests: Vec<Named>,
        /// Hash over the unfilled requests.
        hash: String,
    },
    /// What came back. A member without a final reply is sent again.
    After {
        /// The task.
        task: String,
        /// The batch.
        batch: u32,
        /// Final replies by position.
        replies: Vec<Option<Reply>>,
        /// When the rest may be sent again.
        retry_at: Option<Instant>,
        /// The access token was refused, or could not be had anew: the rest goes with a new one.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        renew: bool,
        /// Objects on shared connections that a reply showed to be the tenant's.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attested: Vec<String>,
    },
    /// A task waits.
    Waiting {
        /// The task.
        task: String,
        /// Until when.
        until: Instant,
    },
    /// A wait is over.
    Waited {
        /// The task.
        task: String,
        /// When that was noticed.
        at: Instant,
    },
    /// A task starts again from a state.
    Checkpoint {
        /// The task.
        task: String,
        /// The state.
        state: String,
    },
    /// A task ended.
    Done {
        /// The task.
        task: String,
        /// How.
        outcome: Outcome,
    },
    /// A task was stopped: the monitor refused a request, a stage failed, or a replay diverged.
    Stopped {
        /// The task.
        task: String,
        /// Short code.
        code: String,
        /// For the technician.
        why: String,
    },
    /// Time passed.
    Tick {
        /// Now.
        at: Instant,
    },
}

/// A stored record that cannot be used, and what is left to know without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damaged {
    /// The key it stands under. It is never overwritten.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
    /// SHA-256 of the bytes as they were found.
    pub sha256: String,
    /// The state was built on it: nothing that stands in the log before this fact counts any more.
    pub afresh: bool,
    /// The last case had ended, and nobody has written since.
    pub idle: bool,
    /// Tasks are counted from here, because the right to send belongs to a task's name and must not be asked for twice.
    pub counted: u32,
    /// Events up to this number are a human's.
    pub number: i64,
    /// The newest event that can be read, without its text: it tells who writes, and where.
    pub event: Event,
    /// The open case with its first entry of the log, if a summary names one.
    pub case: Option<(String, (i64, u64))>,
    /// Ids of the newest events, oldest first.
    pub seen: Vec<String>,
    /// What they said.
    pub texts: Vec<String>,
}

/// One durable commit of a conversation's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// SHA-256 of the stored bytes of the entry before it in what its writer had read; empty for the first.
    pub previous: String,
    /// When it was written.
    pub at: Instant,
    /// When each fact became known: the fold uses these, so that it yields what its writer saw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<Instant>,
    /// The case that was open, if one was.
    pub case: Option<String>,
    /// What became known.
    pub facts: Vec<Fact>,
}

impl Record for Entry {
    const SCHEMA: u64 = 1;
}

impl Entry {
    /// The facts, each with the time at which it became known.
    pub fn timed(&self) -> impl Iterator<Item = (&Fact, Instant)> {
        let times = self.times.iter().copied().chain(std::iter::repeat(self.at));
        self.facts.iter().zip(times)
    }
}

/// The cached state, with what it covers of the log. It may be stale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The state after these entries.
    pub state: State,
    /// Entries covered, by epoch.
    pub covers: BTreeMap<i64, u64>,
    /// Hash of the last entry.
    pub head: String,
    /// The last due entry that was written for it.
    pub due: Option<Instant>,
    /// The entries of the open case, for its seal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<SealedEntry>,
}

impl Record for Snapshot {
    const SCHEMA: u64 = 1;
}

/// Where a case stands, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Case id: conversation and the number of the event that opened it.
    pub case: String,
    /// Its tenant.
    pub tenant: String,
    /// `open`, `closed`, `handed-over`.
    pub state: String,
    /// What was asked for: an intent.
    pub kind: String,
    /// Ticket in the PSA.
    pub ticket: Option<u64>,
    /// When it was received.
    pub received: Instant,
    /// When it ended.
    pub ended: Option<Instant>,
    /// Why a human has it.
    pub reason: Option<String>,
    /// First entry of the log that belongs to it: epoch and number.
    pub from: (i64, u64),
    /// Entry of the log that ended it.
    pub to: Option<(i64, u64)>,
    /// What it leaves for counting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tally>,
}

impl Record for Summary {
    const SCHEMA: u64 = 1;
}

/// The hash that the next entry names.
#[must_use]
pub fn entry_hash(stored: &[u8]) -> String {
    keys::sha256_hex(stored)
}

/// What is wrong with a conversation's log, given as stored bytes by epoch and number; nothing if it is whole.
///
/// Every entry is ours, no number is missing below another, and each names one that its writer had read: the one before it in its epoch,
/// or one of another epoch, which a takeover or a late runner had read last. Entries missing at the end cannot be noticed here.
#[must_use]
pub fn broken(key: &IntegrityKey, conversation: &str, log: &BTreeMap<(i64, u64), Vec<u8>>) -> Vec<String> {
    let hashes: BTreeMap<String, (i64, u64)> = log.iter().map(|(place, bytes)| (entry_hash(bytes), *place)).collect();
    let mut wrong = Vec::new();
    for (&(epoch, number), bytes) in log {
        let mut tell = |what: String| wrong.push(format!("entry {number} of epoch {epoch}: {what}"));
        let before = number.checked_sub(1).map(|number| (epoch, number));
        if before.is_some_and(|before| !log.contains_key(&before)) {
            tell("the one before it is missing".into());
        }
        match key.read::<Entry>(&keys::log(conversation, epoch, number), bytes) {
            Err(why) => tell(why.to_string()),
            Ok(entry) => match (hashes.get(&entry.previous), before) {
                (None, None) if entry.previous.is_empty() => {}
                (None, _) => tell("it names an entry that is not there".into()),
                (named, before) if named == before.as_ref() => {}
                (Some((other, _)), None) if *other != epoch => {}
                // A runner that was declared dead has read what was written since.
                (Some((other, _)), Some(_)) if *other > epoch => {}
                (Some((other, at)), _) => tell(format!("it follows entry {at} of epoch {other}, which its writer did not read last")),
            },
        }
    }
    wrong
}

/// The conversation of a case id.
#[must_use]
pub fn conversation_of(case: &str) -> Option<&str> {
    case.rsplit_once('-').map(|(conversation, _)| conversation).filter(|id| keys::is_conversation(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONVERSATION: &str = "0123456789abcdef0123456789abcdef";

    fn key() -> IntegrityKey {
        IntegrityKey::parse(&crate::seal::base64(&[7; 32])).unwrap()
    }

    type Log = BTreeMap<(i64, u64), Vec<u8>>;

    fn add(log: &mut Log, place: (i64, u64), after: Option<(i64, u64)>) {
        let previous = after.map(|after| entry_hash(&log[&after])).unwrap_or_default();
        let entry = Entry { previous, at: 5, times: Vec::new(), case: None, facts: vec![Fact::Tick { at: 5 }] };
        log.insert(place, key().write(&keys::log(CONVERSATION, place.0, place.1), &entry));
    }

    /// Two epochs, and a late runner of the first that has read what the second wrote.
    fn whole() -> Log {
        let mut log = Log::new();
        for (place, after) in [((0, 0), None), ((0, 1), Some((0, 0))), ((1, 0), Some((0, 1))), ((1, 1), Some((1, 0))), ((0, 2), Some((1, 1)))] {
            add(&mut log, place, after);
        }
        log
    }

    fn check(change: impl FnOnce(&mut Log), expect: &[&str]) {
        let mut log = whole();
        change(&mut log);
        let wrong = broken(&key(), CONVERSATION, &log);
        assert_eq!(wrong.len(), expect.len(), "{wrong:?}");
        assert!(wrong.iter().zip(expect).all(|(wrong, part)| wrong.contains(part)), "{wrong:?}");
    }

    #[test]
    fn a_whole_log_is_whole() {
        check(|_| {}, &[]);
        check(Log::clear, &[]);
        // Declared dead before its first entry, and awake again.
        check(|log| add(log, (2, 0), None), &[]);
    }

    #[test]
    fn a_log_that_was_changed_dropped_or_reordered_is_noticed() {
        check(|log| log.get_mut(&(1, 1)).unwrap().push(b' '), &["entry 2 of epoch 0: it names an entry", "entry 1 of epoch 1: the record"]);
        check(|log| drop(log.remove(&(1, 0))), &["entry 1 of epoch 1: the one before it is missing", "entry 1 of epoch 1: it names an entry"]);
        check(
            |log| {
                let moved = log[&(0, 0)].clone();
                log.insert((0, 1), moved);
            },
            &["entry 1 of epoch 0: the record was not written", "entry 0 of epoch 1: it names an entry"],
        );
        check(|log| add(log, (1, 2), None), &["entry 2 of epoch 1: it names an entry"]);
        check(|log| add(log, (1, 2), Some((1, 0))), &["entry 2 of epoch 1: it follows entry 0 of epoch 1"]);
        check(|log| add(log, (1, 2), Some((0, 1))), &["entry 2 of epoch 1: it follows entry 1 of epoch 0"]);
    }
}
