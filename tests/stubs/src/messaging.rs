//! Reads the one kind of Slack event that tests send, and says the name of a sentence instead of its words.

use crate::Stub;
use crate::bindings::exports::firstline::messaging::intake::{self, Event, Inbound, Place, Webhook};
use crate::bindings::exports::firstline::messaging::outbox::{self, Act, Line, Outcome, Profile, Step, Task};
use firstline_connector::replay::{Changed, change, json, run};
use firstline_connector::types::Error;
use firstline_connector::wire::Reply;
use serde_json::{Value, json};

impl intake::Guest for Stub {
    fn read(webhook: Webhook) -> Result<Inbound, Error> {
        let body: Value = serde_json::from_slice(&webhook.body).map_err(|_| Error::Invalid("stub: not JSON".into()))?;
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
        let stamp = text("/event/ts");
        Ok(Inbound::Events(vec![Event {
            delivery: text("/event_id"),
            id: stamp.clone(),
            workspace: text("/team_id"),
            author: text("/event/user"),
            author_workspace: None,
            channel: text("/event/channel"),
            thread: None,
            place: Place::Direct,
            message: stamp,
            act: intake::Act::Message(text("/event/text")),
            at: 0,
        }]))
    }
}

impl outbox::Guest for Stub {
    fn next(task: Task, seen: Vec<Reply>) -> Result<Step, Error> {
        let step = run(task.started, &seen, |io| {
            let message = match &task.act {
                Act::Who(id) | Act::Find(id) => return Ok(Box::new(Outcome::Profile(profile(id)))),
                Act::OpenDirect(user) => return Ok(Box::new(Outcome::Opened(user.clone()))),
                Act::Say(message) | Act::Replace((_, message)) => message,
            };
            let body = json!({
                "channel": message.channel,
                "text": format!("stub: {}", message.sentence),
                "blocks": [{"type": "section", "text": {"type": "plain_text", "text": format!("stub: {}", message.sentence)}}],
                "metadata": {"event_type": "firstline", "event_payload": {"tag": task.tag}},
                "unfurl_links": false,
                "unfurl_media": false,
            });
            Ok(Box::new(match io.change(change("POST", &["chat.postMessage"], &body))? {
                Changed::Answered(response) => {
                    let reply: Value = json(&response)?;
                    Outcome::Posted(reply.get("ts").and_then(Value::as_str).unwrap_or_default().into())
                }
                Changed::NotApplied | Changed::Unknown => Outcome::Unsure("stub".into()),
            }))
        })?;
        Ok(match step {
            firstline_connector::replay::Step::SendAll(requests) => Step::SendAll(requests),
            firstline_connector::replay::Step::Wait(seconds) => Step::Wait(seconds),
            firstline_connector::replay::Step::Checkpoint(state) => Step::Checkpoint(state),
            firstline_connector::replay::Step::Done(outcome) => Step::Done(*outcome),
        })
    }

    fn words(_: String, _: Vec<(String, String)>, _: String, _: Option<String>) -> Result<String, Error> {
        Ok("stub".into())
    }

    fn note(_: Vec<Line>, _: String) -> Result<String, Error> {
        Ok("stub".into())
    }
}

fn profile(id: &str) -> Profile {
    Profile { id: id.into(), workspace: "stub".into(), email: None, name: "stub".into(), guest: false, inactive: false, locale: None }
}
