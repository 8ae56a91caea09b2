//! Answers, and refusals that say what to do.

use crate::host::Fault;
use firstline_core::redact;
use serde_json::{Value, json};

/// What is sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON; none for 204.
    pub body: Option<Value>,
    /// Methods of the path, for 405.
    pub allow: Option<&'static str>,
    /// For the log, if there is more to say than the person is told.
    pub log: Option<String>,
    /// Instead of a body, JSON Lines that are read while they are sent.
    pub lines: Option<Vec<Line>>,
}

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// As it stands.
    Text(String),
    /// A log entry of a conversation, read when its turn comes.
    Entry(String, (i64, u64)),
}

/// Why something was not done.
pub type Refused = Box<Answer>;

/// 200 with a body.
#[must_use]
pub fn ok(body: Value) -> Answer {
    Answer { status: 200, body: Some(body), allow: None, log: None, lines: None }
}

/// 200 with lines.
#[must_use]
pub fn lines(lines: Vec<Line>) -> Answer {
    Answer { status: 200, body: None, allow: None, log: None, lines: Some(lines) }
}

/// A refusal with one text for the person.
#[must_use]
pub fn refused(status: u16, error: &str) -> Refused {
    Box::new(Answer { status, body: Some(json!({ "error": error })), allow: None, log: None, lines: None })
}

/// 422 with every problem at once, shortened where somebody wrote too much.
#[must_use]
pub fn problems(all: &[String]) -> Refused {
    const MOST: usize = 100;
    let mut texts: Vec<String> = all.iter().take(MOST).map(|text| redact::line(text, 500)).collect();
    if all.len() > MOST {
        texts.push(format!("and {} more", all.len() - MOST));
    }
    Box::new(Answer { status: 422, body: Some(json!({ "problems": texts })), allow: None, log: None, lines: None })
}

/// Something stored cannot be trusted; a retry does not help.
#[must_use]
pub fn damaged(what: &str, why: &impl std::fmt::Display) -> Refused {
    refused(500, &format!("{what} cannot be used: {why}"))
}

impl From<Fault> for Refused {
    fn from(Fault(why): Fault) -> Self {
        let mut answer = refused(503, "the store is not available: try again");
        answer.log = Some(why);
        answer
    }
}
