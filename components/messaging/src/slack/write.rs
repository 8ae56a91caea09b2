//! The Web API: people looked up, conversations opened, messages posted and replaced.

use super::{is_direct, text};
use crate::outbox::{Act, Message, Outcome, Profile, Task};
use crate::sentences::{Catalogue, Said};
use firstline_connector::replay::{self, Changed, Io, Read, Stop, end, get, request};
use firstline_connector::types::{Error, Instant};
use firstline_connector::wire::{Body, Effect, Fill, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};

/// Block Kit's limits, in characters and elements.
const SECTION: usize = 3_000;
const LABEL: usize = 75;
const VALUE: usize = 2_000;
const ELEMENTS: usize = 25;

/// How far Slack's clock may be behind ours when a message is looked for.
const SKEW_SECONDS: u64 = 120;
const PAGES: usize = 5;

pub fn act(task: &Task, io: &mut Io) -> Result<Outcome, Stop<Outcome>> {
    match &task.act {
        Act::Who(user) => {
            let mut lookup = get(&["users.info"]);
            lookup.query = vec![("user".into(), user.clone()), ("include_locale".into(), "true".into())];
            who(lookup, Some(user), io)
        }
        Act::Find(address) => {
            let body = Body::Form(vec![("email".into(), address.clone())]);
            who(request("POST", &["users.lookupByEmail"], body, Effect::Read), None, io)
        }
        Act::OpenDirect(user) => {
            #[derive(Deserialize)]
            struct Opened {
                channel: Id,
            }
            #[derive(Deserialize)]
            struct Id {
                id: String,
            }
            let body = Body::Form(vec![("users".into(), user.clone())]);
            let Opened { channel } = accepted(io.change(request("POST", &["conversations.open"], body, Effect::Change))?)?;
            Ok(Outcome::Opened(channel.id))
        }
        Act::Say(message) => say(task, message, io),
        Act::Replace((ts, message)) => {
            let Posted { ts } = accepted(io.change(update(task, ts, message)?)?)?;
            Ok(Outcome::Posted(ts))
        }
    }
}

/// Reads a user; `asked` is the id that was asked for, if it was one.
fn who(lookup: Request, asked: Option<&str>, io: &mut Io) -> Result<Outcome, Stop<Outcome>> {
    #[derive(Deserialize)]
    struct Info {
        user: User,
    }
    #[derive(Deserialize)]
    struct User {
        id: String,
        team_id: String,
        name: Option<String>,
        real_name: Option<String>,
        #[serde(default)]
        deleted: bool,
        #[serde(default)]
        is_bot: bool,
        #[serde(default)]
        is_restricted: bool,
        #[serde(default)]
        is_ultra_restricted: bool,
        #[serde(default)]
        is_stranger: bool,
        is_email_confirmed: Option<bool>,
        locale: Option<String>,
        #[serde(default)]
        profile: Names,
    }
    #[derive(Deserialize, Default)]
    struct Names {
        email: Option<String>,
        real_name: Option<String>,
        display_name: Option<String>,
    }
    let Info { user: found } = match answer(&io.read(lookup)?)? {
        Answer::Good(info) => info,
        Answer::Refused(code) => return Ok(Outcome::Unreachable(code)),
    };
    if asked.is_some_and(|asked| found.id != asked) {
        return Err(Error::UnexpectedReply("the vendor described another user than asked for".into()).into());
    }
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(Outcome::Profile(Profile {
        workspace: found.team_id,
        // An address that its owner never confirmed proves nothing about who they are.
        email: given(found.profile.email).filter(|_| found.is_email_confirmed != Some(false)),
        name: given(found.profile.real_name)
            .or_else(|| given(found.real_name))
            .or_else(|| given(found.profile.display_name))
            .or_else(|| given(found.name))
            .unwrap_or_else(|| found.id.clone()),
        guest: found.is_restricted || found.is_ultra_restricted || found.is_stranger,
        // Slack's own helper says of itself that it is no bot.
        inactive: found.deleted || found.is_bot || found.id == "USLACKBOT",
        locale: given(found.locale),
        id: found.id,
    }))
}

/// Posts; if the outcome is unknown, looks for the tag before it posts once more.
fn say(task: &Task, message: &Message, io: &mut Io) -> Result<Outcome, Stop<Outcome>> {
    let request = post(task, message)?;
    for _ in 0..2 {
        match verdict(io.change(request.clone())?)? {
            Verdict::Done(Posted { ts }) => return Ok(Outcome::Posted(ts)),
            Verdict::Refused(code) => return Ok(Outcome::Unreachable(code)),
            Verdict::Unknown => {}
        }
        if let Some(ts) = find(task, message, io)? {
            return Ok(Outcome::Posted(ts));
        }
    }
    Ok(Outcome::Unsure("posted twice with unknown outcome, and not found".into()))
}

/// The message that carries the task's tag. `None` only if every message since the task's start was read.
fn find(task: &Task, message: &Message, io: &mut Io) -> Result<Option<String>, Stop<Outcome>> {
    #[derive(Deserialize)]
    struct History {
        messages: Vec<Found>,
        #[serde(default)]
        has_more: bool,
        response_metadata: Option<Next>,
    }
    #[derive(Deserialize)]
    struct Found {
        ts: String,
        metadata: Option<Metadata>,
    }
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(default)]
        event_type: String,
        #[serde(default)]
        event_payload: Value,
    }
    #[derive(Deserialize)]
    struct Next {
        next_cursor: Option<String>,
    }
    let mut cursor = None;
    for _ in 0..PAGES {
        let history: History = match io.read(history(message, task.started, cursor.take()))? {
            page @ Read::Answered(Response { status: 200..=299, .. }) => match answer(&page)? {
                Answer::Good(history) => history,
                Answer::Refused(code) => return end(Outcome::Unsure(format!("outcome unknown, and the history was refused: {code}"))),
            },
            Read::Answered(_) | Read::Down => return end(Outcome::Unsure("outcome unknown, and the history was not answered".into())),
        };
        let ours = |found: &&Found| {
            found.metadata.as_ref().is_some_and(|m| m.event_type == "firstline" && m.event_payload.get("tag").and_then(Value::as_str) == Some(&task.tag))
        };
        if let Some(found) = history.messages.iter().find(ours) {
            return Ok(Some(found.ts.clone()));
        }
        cursor = history.response_metadata.and_then(|next| next.next_cursor).filter(|cursor| !cursor.is_empty());
        match (&cursor, history.has_more) {
            (None, false) => return Ok(None),
            (None, true) => return end(Outcome::Unsure("outcome unknown, and the history has no next page".into())),
            (Some(_), _) => {}
        }
    }
    end(Outcome::Unsure("outcome unknown, and the history is too long to search".into()))
}

fn history(message: &Message, since: Instant, cursor: Option<String>) -> Request {
    let method = if message.thread.is_some() { "conversations.replies" } else { "conversations.history" };
    let oldest = format!("{}.000000", (since / 1_000).saturating_sub(SKEW_SECONDS));
    let mut query = vec![("channel", message.channel.clone()), ("oldest", oldest), ("include_all_metadata", "true".into()), ("limit", "200".into())];
    query.extend(message.thread.clone().map(|ts| ("ts", ts)));
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    let mut request = get(&[method]);
    request.query = query.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    request
}

fn post(task: &Task, message: &Message) -> Result<Request, Error> {
    let catalogue = Catalogue::of(&task.locale)?;
    let said = words(&catalogue, message)?;
    let (elements, link) = elements(&catalogue, message, &said)?;
    let mut blocks = vec![section(&said.text)];
    if !elements.is_empty() {
        blocks.push(json!({"type": "actions", "elements": elements}));
    }
    let mut body = json!({
        "channel": message.channel,
        "text": fallback(&said.text),
        "blocks": blocks,
        "metadata": {"event_type": "firstline", "event_payload": {"tag": task.tag}},
        "unfurl_links": false,
        "unfurl_media": false,
    });
    if let (Some(thread), Some(members)) = (&message.thread, body.as_object_mut()) {
        members.insert("thread_ts".into(), thread.as_str().into());
    }
    let mut request = replay::change("POST", &["chat.postMessage"], &body);
    request.fill.extend(link);
    Ok(request)
}

fn update(task: &Task, ts: &str, message: &Message) -> Result<Request, Error> {
    if !message.buttons.is_empty() || message.secret_link.is_some() {
        return Err(Error::Invalid("a replaced message has neither buttons nor a link".into()));
    }
    let said = words(&Catalogue::of(&task.locale)?, message)?;
    // Unlike for a new message, Slack's default here is to parse names out of the text.
    let body = json!({"channel": message.channel, "ts": ts, "text": fallback(&said.text), "blocks": [section(&said.text)], "parse": "none"});
    Ok(replay::change("POST", &["chat.update"], &body))
}

/// INVARIANT: where others read too, only a sentence without any detail is said, and never a link to a secret.
/// What is meant for the MSP's own people names a client's account; the technician says it in their channel only.
fn words(catalogue: &Catalogue, message: &Message) -> Result<Said, Error> {
    let said = catalogue.sentence(&message.sentence, message.text.as_deref(), &message.arguments)?;
    let details = !said.public || !message.buttons.is_empty();
    if !is_direct(&message.channel) && (details && !said.staff || message.secret_link.is_some()) {
        return Err(Error::Invalid(format!("sentence `{}` belongs in a direct conversation", message.sentence)));
    }
    Ok(said)
}

/// `plain_text` is shown as it is: no formatting, no mention, no link can come out of an argument.
fn section(words: &str) -> Value {
    json!({"type": "section", "text": {"type": "plain_text", "text": text::cut(words, SECTION), "emoji": false}})
}

/// What notifications and screen readers get.
fn fallback(words: &str) -> String {
    text::escaped(&text::cut(words, SECTION))
}

/// The buttons and the link, and what is to be filled into the link's empty address.
fn elements(catalogue: &Catalogue, message: &Message, said: &Said) -> Result<(Vec<Value>, Option<Fill>), Error> {
    let mut elements = Vec::new();
    for (i, button) in message.buttons.iter().enumerate() {
        // A value that is cut would no longer verify.
        if button.value.is_empty() || text::utf16(&button.value) > VALUE {
            return Err(Error::Invalid(format!("value of button `{}` is empty or longer than {VALUE} characters", button.label)));
        }
        let mut element =
            json!({"type": "button", "text": label(&catalogue.button(&button.label)?), "action_id": format!("button-{i}"), "value": button.value});
        if let (true, Some(members)) = (button.primary, element.as_object_mut()) {
            members.insert("style".into(), "primary".into());
        }
        elements.push(element);
    }
    let link = match (&message.secret_link, &said.link) {
        (Some(name), Some(words)) => {
            let pointer = format!("/blocks/1/elements/{}/url", elements.len());
            elements.push(json!({"type": "button", "text": label(words), "action_id": "link", "url": ""}));
            Some(Fill { pointer, name: name.clone() })
        }
        (None, None) => None,
        (Some(_), None) => return Err(Error::Invalid(format!("sentence `{}` has no link", message.sentence))),
        (None, Some(_)) => return Err(Error::Invalid(format!("sentence `{}` needs a link", message.sentence))),
    };
    if elements.len() > ELEMENTS {
        return Err(Error::Invalid(format!("more than {ELEMENTS} buttons")));
    }
    Ok((elements, link))
}

fn label(words: &str) -> Value {
    json!({"type": "plain_text", "text": text::cut(words, LABEL), "emoji": false})
}

#[derive(Deserialize)]
struct Posted {
    ts: String,
}

enum Answer<T> {
    Good(T),
    /// Slack's code.
    Refused(String),
}

enum Verdict<T> {
    Done(T),
    Refused(String),
    Unknown,
}

/// Slack refuses with status 200 and `"ok": false`.
fn answer<T: for<'de> Deserialize<'de>>(read: &Read) -> Result<Answer<T>, Error> {
    #[derive(Deserialize)]
    struct Ok {
        ok: bool,
        error: Option<String>,
    }
    match read.json()? {
        Ok { ok: true, error: _ } => read.json().map(Answer::Good),
        Ok { ok: false, error } => Result::Ok(Answer::Refused(text::cut(&error.unwrap_or_else(|| "no reason given".into()), 200))),
    }
}

fn verdict<T: for<'de> Deserialize<'de>>(changed: Changed) -> Result<Verdict<T>, Error> {
    match changed {
        Changed::NotApplied => Ok(Verdict::Refused("not sent: refused until the retries ran out".into())),
        Changed::Unknown => Ok(Verdict::Unknown),
        Changed::Answered(response) => Ok(match answer(&Read::Answered(response))? {
            Answer::Good(done) => Verdict::Done(done),
            // Slack says of these that the work may have been done nevertheless.
            Answer::Refused(code) if ["fatal_error", "internal_error", "request_timeout", "service_unavailable"].contains(&code.as_str()) => Verdict::Unknown,
            Answer::Refused(code) => Verdict::Refused(code),
        }),
    }
}

/// For changes that may be sent twice: the technician has repeated them already.
fn accepted<T: for<'de> Deserialize<'de>>(changed: Changed) -> Result<T, Stop<Outcome>> {
    match verdict(changed)? {
        Verdict::Done(done) => Ok(done),
        Verdict::Refused(code) => end(Outcome::Unreachable(code)),
        Verdict::Unknown => end(Outcome::Unsure("outcome unknown after every attempt".into())),
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
