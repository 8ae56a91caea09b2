//! Straight-line connector code over the replay model.
//!
//! [`Io::send`] answers from the replies so far; when they are spent it returns early, through `?`, with the requests to send.
//! The technician sends them and calls again with every reply, so the code runs anew from its first line and must be deterministic.

use crate::types::{Error, Instant};
use crate::wire::{Body, Effect, Reply, Request, Response, Target};
use serde::de::DeserializeOwned;

/// What a connector wants next; each stage maps it to the `step` of its own package.
#[derive(Debug, Clone)]
pub enum Step<T> {
    /// Send these together.
    SendAll(Vec<Request>),
    /// Call again after so many seconds.
    Wait(u32),
    /// Forget the replies so far and start again with this state.
    Checkpoint(String),
    /// Finished.
    Done(T),
}

/// Why connector code stopped before its end. Only `?` and [`run`] see it.
#[derive(Debug)]
pub enum Stop<T> {
    /// A step other than the end.
    Next(Step<T>),
    /// An outcome reached early, by [`end`].
    End(T),
    /// The stage cannot go on at all.
    Failed(Error),
}

impl<T> From<Error> for Stop<T> {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

/// Ends the task early with this outcome.
///
/// # Errors
/// Always, so that `?` leaves the connector's function.
pub fn end<T, X>(outcome: T) -> Result<X, Stop<T>> {
    Err(Stop::End(outcome))
}

/// A final reply to a change. 429 and 5xx never arrive as [`Changed::Answered`].
#[derive(Debug, Clone)]
pub enum Changed {
    /// The vendor answered, with any status below 500 but 429.
    Answered(Response),
    /// It was certainly not applied.
    NotApplied,
    /// It may or may not have been applied: read back, then decide.
    Unknown,
}

/// The replies of one task, read front to back.
pub struct Io<'a> {
    seen: std::slice::Iter<'a, Reply>,
    now: Instant,
}

impl Io<'_> {
    /// The latest instant that this run has seen: the task's start, or the last reply that was read.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Sends a read. Any final status is handed over; see [`json`] for the usual next line.
    ///
    /// # Errors
    /// [`Stop::Next`] while the reply is missing; [`Stop::Failed`] if the journal does not fit this code.
    pub fn read<T>(&mut self, request: Request) -> Result<Read, Stop<T>> {
        let mut replies = self.send_all(vec![request])?;
        match replies.pop() {
            Some(reply) => as_read(reply),
            None => Err(diverged("no reply to a read").into()),
        }
    }

    /// Sends independent reads together.
    ///
    /// # Errors
    /// As [`Io::read`].
    pub fn read_all<T, const N: usize>(&mut self, requests: [Request; N]) -> Result<[Read; N], Stop<T>> {
        self.reads(requests.into())?.try_into().map_err(|_| diverged("a batch was answered in part").into())
    }

    /// Sends any number of independent reads together.
    ///
    /// # Errors
    /// As [`Io::read`].
    pub fn reads<T>(&mut self, requests: Vec<Request>) -> Result<Vec<Read>, Stop<T>> {
        self.send_all(requests)?.into_iter().map(as_read).collect()
    }

    /// Sends one change.
    ///
    /// # Errors
    /// As [`Io::read`].
    pub fn change<T>(&mut self, request: Request) -> Result<Changed, Stop<T>> {
        let mut replies = self.send_all(vec![request])?;
        match replies.pop() {
            Some(reply) => as_change(reply),
            None => Err(diverged("no reply to a change").into()),
        }
    }

    /// Sends a batch of reads and independent changes; replies in the same order. `read_all` and `change` read better.
    ///
    /// # Errors
    /// As [`Io::read`].
    pub fn send_all<T>(&mut self, requests: Vec<Request>) -> Result<Vec<Reply>, Stop<T>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        match self.seen.len() {
            0 => Err(Stop::Next(Step::SendAll(requests))),
            n if n < requests.len() => Err(diverged("a batch was answered in part").into()),
            _ => {
                let replies: Vec<Reply> = self.seen.by_ref().take(requests.len()).cloned().collect();
                self.now = replies.iter().map(at).fold(self.now, Instant::max);
                Ok(replies)
            }
        }
    }

    /// Waits, and returns the time then.
    ///
    /// # Errors
    /// As [`Io::read`].
    pub fn wait<T>(&mut self, seconds: u32) -> Result<Instant, Stop<T>> {
        match self.seen.next() {
            None => Err(Stop::Next(Step::Wait(seconds))),
            Some(Reply::Waited(at)) => {
                self.now = self.now.max(*at);
                Ok(*at)
            }
            Some(Reply::Response(_) | Reply::NotApplied(_) | Reply::Unknown(_)) => Err(diverged("a wait was answered by a reply").into()),
        }
    }
}

/// A final reply to a read.
#[derive(Debug, Clone)]
pub enum Read {
    /// The vendor answered with any status, 5xx included.
    Answered(Response),
    /// No answer after every retry.
    Down,
}

impl Read {
    /// The status, or 0 if the vendor did not answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Read::Answered(response) => response.status,
            Read::Down => 0,
        }
    }

    /// The body of a successful answer, decoded.
    ///
    /// # Errors
    /// `unexpected-reply`, if the vendor did not answer, answered with a failure, or sent something else than expected.
    pub fn json<D: DeserializeOwned>(&self) -> Result<D, Error> {
        match self {
            Read::Answered(response) if (200..300).contains(&response.status) => json(response),
            Read::Answered(response) => Err(Error::UnexpectedReply(format!("the vendor answered {}", response.status))),
            Read::Down => Err(Error::UnexpectedReply("the vendor did not answer".into())),
        }
    }
}

/// Decodes a body.
///
/// # Errors
/// `unexpected-reply`, naming the member that did not fit; never quoting the body.
pub fn json<D: DeserializeOwned>(response: &Response) -> Result<D, Error> {
    serde_json::from_str(&response.body)
        .map_err(|error| Error::UnexpectedReply(format!("the vendor's JSON did not fit: line {} column {}", error.line(), error.column())))
}

/// Runs connector code against the replies so far.
///
/// # Errors
/// What the code failed with, or `invalid` if replies are left over: the code and its journal have diverged.
pub fn run<T>(started: Instant, seen: &[Reply], code: impl FnOnce(&mut Io) -> Result<T, Stop<T>>) -> Result<Step<T>, Error> {
    let mut io = Io { seen: seen.iter(), now: started };
    let step = match code(&mut io) {
        Ok(outcome) | Err(Stop::End(outcome)) => Step::Done(outcome),
        Err(Stop::Next(step)) => step,
        Err(Stop::Failed(error)) => return Err(error),
    };
    match io.seen.len() {
        0 => Ok(step),
        left => Err(diverged(&format!("{left} replies were not asked for"))),
    }
}

/// A read of a path.
#[must_use]
pub fn get(path: &[&str]) -> Request {
    request("GET", path, Body::Empty, Effect::Read)
}

/// A change with a JSON body.
#[must_use]
pub fn change(method: &str, path: &[&str], body: &serde_json::Value) -> Request {
    request(method, path, Body::Json(body.to_string()), Effect::Change)
}

/// Any request without query, headers and secrets.
#[must_use]
pub fn request(method: &str, path: &[&str], body: Body, effect: Effect) -> Request {
    Request {
        method: method.into(),
        target: Target::Path(path.iter().map(|s| (*s).to_string()).collect()),
        query: Vec::new(),
        headers: Vec::new(),
        body,
        fill: Vec::new(),
        effect,
    }
}

fn as_read<T>(reply: Reply) -> Result<Read, Stop<T>> {
    match reply {
        Reply::Response(response) => Ok(Read::Answered(response)),
        Reply::NotApplied(_) | Reply::Unknown(_) => Ok(Read::Down),
        Reply::Waited(_) => Err(diverged("a read was answered by a wait").into()),
    }
}

/// Reads one reply of [`Io::send_all`] as the reply to a change.
///
/// # Errors
/// [`Stop::Failed`] if it is the answer to a wait.
pub fn as_change<T>(reply: Reply) -> Result<Changed, Stop<T>> {
    match reply {
        Reply::Response(response) => Ok(Changed::Answered(response)),
        Reply::NotApplied(_) => Ok(Changed::NotApplied),
        Reply::Unknown(_) => Ok(Changed::Unknown),
        Reply::Waited(_) => Err(diverged("a change was answered by a wait").into()),
    }
}

fn at(reply: &Reply) -> Instant {
    match reply {
        Reply::Response(response) => response.at,
        Reply::NotApplied(at) | Reply::Unknown(at) | Reply::Waited(at) => *at,
    }
}

fn diverged(what: &str) -> Error {
    Error::Invalid(format!("journal and code differ: {what}"))
}

/// For tests of connectors: replies as they would come back.
pub mod testing {
    use super::{Reply, Request, Response, Target};

    /// An answer with this status and body, at second one.
    #[must_use]
    pub fn answer(status: u16, body: &str) -> Reply {
        Reply::Response(Response { status, headers: Vec::new(), body: body.into(), at: 1_000 })
    }

    /// `METHOD a/b/c?k=v body`, to compare requests in tables.
    #[must_use]
    pub fn line(request: &Request) -> String {
        let target = match &request.target {
            Target::Path(segments) => segments.join("/"),
            Target::Follow(url) => format!("-> {url}"),
        };
        let query: Vec<String> = request.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let body = match &request.body {
            super::Body::Empty => String::new(),
            super::Body::Json(text) => format!(" {text}"),
            super::Body::Form(pairs) => format!(" {}", pairs.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&")),
        };
        format!("{} {target}{query}{body}", request.method)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::answer;
    use super::*;

    fn check(seen: &[Reply], expect: &str) {
        let code = |io: &mut Io| {
            let [a, b] = io.read_all([get(&["a"]), get(&["b"])])?;
            io.wait(5)?;
            let changed = io.change(change("POST", &["c"], &serde_json::json!({})))?;
            Ok(format!("{} {} {} at {}", a.status(), b.status(), matches!(changed, Changed::Unknown), io.now()))
        };
        let got = match run(7, seen, code) {
            Ok(Step::SendAll(requests)) => requests.iter().map(testing::line).collect::<Vec<_>>().join(" | "),
            Ok(Step::Wait(seconds)) => format!("wait {seconds}"),
            Ok(Step::Checkpoint(state)) => format!("checkpoint {state}"),
            Ok(Step::Done(outcome)) => outcome,
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn the_same_code_goes_on_from_any_point_of_the_journal() {
        let (ok, waited, unknown) = (answer(200, "{}"), Reply::Waited(6_000), Reply::Unknown(9_000));
        check(&[], "GET a | GET b");
        check(&[ok.clone(), ok.clone()], "wait 5");
        check(&[ok.clone(), ok.clone(), waited.clone()], "POST c {}");
        check(&[ok.clone(), ok.clone(), waited.clone(), unknown.clone()], "200 200 true at 9000");
    }

    #[test]
    fn a_journal_that_does_not_fit_is_an_error_and_not_a_guess() {
        let (ok, waited) = (answer(200, "{}"), Reply::Waited(6_000));
        check(std::slice::from_ref(&ok), r#"Error::Invalid("journal and code differ: a batch was answered in part")"#);
        check(&[ok.clone(), ok.clone(), ok.clone()], r#"Error::Invalid("journal and code differ: a wait was answered by a reply")"#);
        check(&[ok.clone(), waited.clone()], r#"Error::Invalid("journal and code differ: a read was answered by a wait")"#);
        check(&[ok.clone(), ok.clone(), waited, ok.clone(), ok], r#"Error::Invalid("journal and code differ: 1 replies were not asked for")"#);
    }
}
