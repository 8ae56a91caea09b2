//! What would have become of tickets that are closed already.
//!
//! They are replayed in the order in which they came. Each is read by the stages of the product, and what is known about it is what tickets taught that were closed before it came.

mod actual;
mod figures;
mod page;
pub mod sample;
mod stages;
mod table;

pub use actual::{Actual, actual, compared, since};
pub use figures::{Figures, Terms};
pub use page::page;
pub use stages::Stages;
pub use table::table;

use anyhow::Result;
use firstline_core::case::{Reading, plausible, reading};
use firstline_core::past::{Closed, Lesson, intent};
use firstline_core::stage::Verdict;
use firstline_import::Record;
use std::collections::BTreeMap;

/// How a ticket would have gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Course {
    /// Closed with nobody touching it.
    Alone,
    /// Closed once an approver had said yes.
    Approval,
    /// Closed if the requester's answer to one question had been the likely one.
    Question,
    /// Given to a technician, with the reason.
    HandedOver(String),
}

/// How that compares with what the technicians did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    /// They filed it as they filed such tickets before.
    Agrees,
    /// They did something else: both sides in words.
    Disagrees(String),
    /// Too few earlier tickets of this type to tell.
    Thin,
}

/// An approver whom earlier tickets name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// The name.
    pub name: String,
    /// Who really approved this ticket.
    pub actual: Option<String>,
}

/// One ticket, replayed.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The ticket.
    pub record: Record,
    /// Its type as read at first sight, unsure or not.
    pub intent: String,
    /// Words that led there.
    pub because: Vec<String>,
    /// What would have become of it.
    pub course: Course,
    /// The comparison, unless a technician would have had it anyway.
    pub agreement: Option<Agreement>,
    /// What it would have been filed as, by firm evidence, and whether it was.
    pub filed: Option<(String, bool)>,
    /// Who would have been asked, by firm evidence.
    pub approver: Option<Approver>,
}

/// A whole replay.
#[derive(Debug, Clone, Default)]
pub struct Backtest {
    /// Every ticket, in the order in which they came.
    pub tickets: Vec<Replayed>,
    /// Tickets that were not closed.
    pub open: usize,
    /// What is known at the end, by client; under no name, what is true of all.
    pub lessons: BTreeMap<String, Vec<Lesson>>,
}

/// What has been learned by a moment: of each client, and of all together.
#[derive(Default)]
struct Memories(BTreeMap<String, String>);

impl Memories {
    fn of(&self, client: &str) -> &str {
        self.0.get(client).map_or("", String::as_str)
    }

    async fn learn(&mut self, stages: &mut Stages, closed: Vec<(String, Closed)>) -> Result<()> {
        let mut parts: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (client, ticket) in closed {
            // Whoever approves at one client has no say at another.
            let shared = Closed { department: String::new(), about: String::new(), approver: None, resolution: String::new(), ..ticket.clone() };
            parts.entry(String::new()).or_default().push(shared);
            if !client.is_empty() {
                parts.entry(client).or_default().push(ticket);
            }
        }
        for (client, tickets) in parts {
            let memory = stages.learn(self.of(&client), tickets).await?;
            self.0.insert(client, memory);
        }
        Ok(())
    }
}

/// Replays closed tickets. `progress` is told how many are done.
pub async fn replay(records: Vec<Record>, stages: &mut Stages, progress: &mut dyn FnMut(usize, usize)) -> Result<Backtest> {
    let all = records.len();
    let mut records: Vec<Record> = records.into_iter().filter(|record| record.closed.is_some()).collect();
    records.sort_by(|one, other| (one.ticket.opened, &one.ticket.id).cmp(&(other.ticket.opened, &other.ticket.id)));
    let mut backtest = Backtest { open: all - records.len(), ..Backtest::default() };
    let mut memories = Memories::default();
    // Tickets that came already, by the time at which they are closed.
    let mut under_way: BTreeMap<(u64, String), (String, Closed)> = BTreeMap::new();
    let total = records.len();
    for (done, record) in records.into_iter().enumerate() {
        if done % 100 == 0 {
            progress(done, total);
        }
        let later = under_way.split_off(&(record.ticket.opened, String::new()));
        let earlier = std::mem::replace(&mut under_way, later);
        if !earlier.is_empty() {
            memories.learn(stages, earlier.into_values().collect()).await?;
        }
        let understanding = stages.read(&record.text).await?;
        let client = record.client.clone();
        let closed = record.ticket.clone().read_as(&understanding);
        let known = (stages.recall(memories.of(&client), Some(&closed.intent)).await?, stages.recall(memories.of(""), Some(&closed.intent)).await?);
        let course = course(&understanding, stages).await?;
        let filed = filed(&known.0).or_else(|| filed(&known.1)).map(|filed| {
            let same = record.ticket.fields.get("filed") == Some(&filed);
            (filed, same)
        });
        let approver = approver(&known.0, &closed).map(|name| Approver { name, actual: record.ticket.approver.clone() });
        let first = understanding.candidates.first();
        backtest.tickets.push(Replayed {
            intent: first.map_or_else(|| "other".into(), |candidate| candidate.intent.clone()),
            because: first.map(|candidate| candidate.because.clone()).unwrap_or_default(),
            agreement: agreement(&course, &record, filed.as_ref()),
            course,
            filed: filed.filter(|_| !intent(&understanding).is_empty()),
            approver,
            record: record.clone(),
        });
        under_way.insert((record.closed.unwrap_or(record.ticket.opened), record.ticket.id), (client, closed));
    }
    memories.learn(stages, under_way.into_values().collect()).await?;
    for (client, memory) in &memories.0 {
        backtest.lessons.insert(client.clone(), stages.recall(memory, None).await?);
    }
    progress(total, total);
    Ok(backtest)
}

/// As the case decides: what is read, and then what the guardrails allow.
async fn course(understanding: &firstline_core::stage::Understanding, stages: &mut Stages) -> Result<Course> {
    let handed = |why: &str| Ok(Course::HandedOver(why.into()));
    for action in plausible(understanding) {
        if stages.decide(action).await?.0 == Verdict::Autonomous {
            return Ok(Course::Question);
        }
    }
    match reading(understanding) {
        Reading::Action(action) => {
            let (verdict, reason) = stages.decide(action).await?;
            match verdict {
                Verdict::Autonomous => Ok(Course::Alone),
                Verdict::Approval => Ok(Course::Approval),
                Verdict::Prove | Verdict::Human | Verdict::Deny => handed(&reason),
            }
        }
        Reading::Elsewhere(code) => handed(code),
        Reading::Person => handed("asked-for-person"),
        Reading::Greeting | Reading::Thanks => handed("no-request"),
        Reading::Unclear => handed("unclear"),
    }
}

/// What such tickets are filed as, if that is sure.
fn filed(lessons: &[Lesson]) -> Option<String> {
    lessons.iter().find(|lesson| lesson.kind == "field" && lesson.about == "filed" && !lesson.thin).map(|lesson| lesson.value.clone())
}

/// Who approves such tickets, if that is sure: for the thing, else for the department, else for the whole client.
fn approver(lessons: &[Lesson], closed: &Closed) -> Option<String> {
    let scopes = [format!("about {}", closed.about.to_lowercase()), format!("department {}", closed.department.to_lowercase()), String::new()];
    scopes.iter().find_map(|scope| {
        let here = |kind: &str| lessons.iter().find(|lesson| lesson.kind == kind && lesson.about == *scope);
        // Where most such tickets need nobody, nobody is to be asked.
        here("approved").filter(|approved| approved.support * 2 > approved.of)?;
        here("approver").filter(|lesson| !lesson.thin).map(|lesson| lesson.value.clone())
    })
}

fn agreement(course: &Course, record: &Record, filed: Option<&(String, bool)>) -> Option<Agreement> {
    let ours = match course {
        Course::Alone => "closed alone",
        Course::Approval => "closed with an approval",
        Course::Question => "closed after a question",
        Course::HandedOver(_) => return None,
    };
    let theirs = match (&record.ticket.escalated, &record.ticket.approver, filed) {
        (Some(to), _, _) => format!("escalated to {to}"),
        (None, Some(approver), _) if *course != Course::Approval => format!("approved by {approver} first"),
        (None, _, Some((usual, false))) => {
            format!("filed as {}, such tickets usually as {usual}", record.ticket.fields.get("filed").map_or("nothing", String::as_str))
        }
        (None, _, Some((_, true))) => return Some(Agreement::Agrees),
        (None, _, None) => return Some(Agreement::Thin),
    };
    Some(Agreement::Disagrees(format!("{ours}; the technicians: {theirs}")))
}
