//! People in Slack: what they write and press, as signed webhooks.

use super::{Kind, Message, Slack, Trigger, Workspace};
use crate::web::{guid, token};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use serde_json::{Value, json};

/// Something that a person writes.
#[derive(Debug, Default, Clone)]
pub struct Said<'a> {
    /// The workspace's id.
    pub workspace: &'a str,
    /// The author's user id.
    pub user: &'a str,
    /// Where; without it, the direct conversation with the bot.
    pub channel: Option<&'a str>,
    /// The text as typed.
    pub text: &'a str,
    /// The thread's first message.
    pub thread: Option<&'a str>,
    /// Mentions the bot, and is delivered as `app_mention`.
    pub mention: bool,
}

/// A press on a button of a posted message.
#[derive(Debug, Default, Clone)]
pub struct Pressed<'a> {
    /// The workspace's id.
    pub workspace: &'a str,
    /// Who presses.
    pub user: &'a str,
    /// Where; without it, the person's direct conversation with the bot.
    pub channel: Option<&'a str>,
    /// The message; without it, the newest one that holds such a button.
    pub ts: Option<&'a str>,
    /// The button's action id, value or label.
    pub button: &'a str,
}

/// `v0=` and the hex HMAC-SHA256 of `v0:{timestamp}:{body}`.
#[must_use]
pub fn sign(secret: &str, timestamp: u64, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    format!("v0={}", mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn webhook(workspace: &Workspace, content_type: &str, body: String, now: u64) -> Result<Request<Bytes>, String> {
    let path = if workspace.request_path.is_empty() { "/" } else { &workspace.request_path };
    signed(&workspace.signing_secret, path, content_type, Bytes::from(body), now)
}

/// A webhook that is signed with this secret.
pub(crate) fn signed(secret: &str, path: &str, content_type: &str, body: Bytes, now: u64) -> Result<Request<Bytes>, String> {
    let timestamp = now / 1000;
    Request::post(path)
        .header("content-type", content_type)
        .header("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
        .header("x-slack-request-timestamp", timestamp)
        .header("x-slack-signature", sign(secret, timestamp, &body))
        .body(body)
        .map_err(|error| error.to_string())
}

fn event(workspace: &mut Workspace, event: &Value, now: u64, shared: bool) -> Result<Request<Bytes>, String> {
    let id = workspace.next();
    let (organisation, org_wide) = (&workspace.organisation, workspace.bot.org_wide);
    // An installation for a whole organisation is of no workspace, though the event is.
    let installed = Some(&workspace.id).filter(|_| !org_wide);
    let body = json!({
        "token": token("verification", 0), "team_id": workspace.id, "context_team_id": workspace.id, "context_enterprise_id": organisation, "api_app_id": workspace.app_id,
        "event": event, "type": "event_callback", "event_id": format!("Ev{}", token("event", id).get(..10).unwrap_or_default().to_uppercase()), "event_time": now / 1000,
        "authorizations": [{ "enterprise_id": organisation, "team_id": installed, "user_id": workspace.bot.user, "is_bot": true, "is_enterprise_install": org_wide }],
        "is_ext_shared_channel": shared, "event_context": format!("4-{}", token("context", id)),
    });
    webhook(workspace, "application/json", body.to_string(), now)
}

fn channel_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Channel => "channel",
        Kind::Private => "group",
        Kind::Im => "im",
        Kind::Mpim => "mpim",
    }
}

impl Slack {
    /// Writes a message, and gives the event that Slack would send.
    pub(crate) fn say(&mut self, said: &Said, now: u64) -> Result<Request<Bytes>, String> {
        let workspace = self.workspace(said.workspace)?;
        let user = workspace.user(said.user).ok_or_else(|| format!("no user `{}`", said.user))?.clone();
        let id = match said.channel {
            Some(id) => id.to_string(),
            None => workspace.direct(&[said.user]).0,
        };
        let escaped = said.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let text = if said.mention { format!("<@{}> {escaped}", workspace.bot.user) } else { escaped };
        let ts = workspace.next_ts(now);
        let serial = workspace.next();
        let own = workspace.id.clone();
        let channel = workspace.channels.iter_mut().find(|channel| channel.id == id).ok_or_else(|| format!("no channel `{id}`"))?;
        if !channel.members.contains(&user.id) {
            return Err(format!("`{}` is not in `{id}`", user.id));
        }
        let message = Message { ts: ts.clone(), user: user.id.clone(), text: text.clone(), thread_ts: said.thread.map(str::to_string), ..Message::default() };
        channel.messages.push(message);
        let team = user.team_id.clone().unwrap_or_else(|| own.clone());
        let mut body = json!({ "user": user.id, "type": if said.mention { "app_mention" } else { "message" }, "ts": ts, "client_msg_id": guid("message", serial), "text": text, "team": team,
            "blocks": [{ "type": "rich_text", "block_id": format!("r{serial}"), "elements": [{ "type": "rich_text_section", "elements": [{ "type": "text", "text": said.text }] }] }],
            "channel": id, "event_ts": ts });
        if !said.mention {
            body["channel_type"] = json!(channel_type(channel.kind));
        }
        if let Some(thread) = said.thread {
            body["thread_ts"] = json!(thread);
        }
        let foreign = team != own;
        if foreign {
            body["user_team"] = json!(team);
            body["source_team"] = json!(team);
        }
        event(workspace, &body, now, foreign)
    }

    /// The event by which Slack tells the bot of its own message.
    pub(crate) fn echo(&mut self, workspace: &str, channel: &str, ts: &str, now: u64) -> Result<Request<Bytes>, String> {
        let workspace = self.workspace(workspace)?;
        let place = workspace.channels.iter().find(|known| known.id == channel).ok_or("no such channel")?;
        let message = place.messages.iter().find(|message| message.ts == ts).ok_or("no such message")?.clone();
        let mut body = workspace.message_json(&message, true);
        body["channel"] = json!(channel);
        body["channel_type"] = json!(channel_type(place.kind));
        body["event_ts"] = json!(ts);
        event(workspace, &body, now, false)
    }

    /// Changes an own message, and gives the event that Slack would send.
    pub(crate) fn edit(&mut self, workspace: &str, channel: &str, ts: &str, text: &str, now: u64) -> Result<Request<Bytes>, String> {
        let workspace = self.workspace(workspace)?;
        let edited = workspace.next_ts(now);
        let place = workspace.channels.iter_mut().find(|known| known.id == channel).ok_or("no such channel")?;
        let kind = place.kind;
        let message = place.messages.iter_mut().find(|message| message.ts == ts && message.bot_id.is_none()).ok_or("no such message of a person")?;
        let before = message.clone();
        message.text = text.into();
        message.edited = Some(edited.clone());
        let after = message.clone();
        let body = json!({ "type": "message", "subtype": "message_changed", "hidden": true, "channel": channel, "channel_type": channel_type(kind), "ts": edited, "event_ts": edited,
            "message": workspace.message_json(&after, true), "previous_message": workspace.message_json(&before, true) });
        event(workspace, &body, now, false)
    }

    /// Presses a button that stands in a message, and gives the interaction that Slack would send.
    pub(crate) fn press(&mut self, pressed: &Pressed, now: u64) -> Result<Request<Bytes>, String> {
        let workspace = self.workspace(pressed.workspace)?;
        let user = workspace.user(pressed.user).ok_or_else(|| format!("no user `{}`", pressed.user))?.clone();
        let id = match pressed.channel {
            Some(id) => id.to_string(),
            None => workspace.direct(&[pressed.user]).0,
        };
        let channel = workspace.channels.iter().find(|channel| channel.id == id).ok_or_else(|| format!("no channel `{id}`"))?;
        if !channel.members.contains(&user.id) {
            return Err(format!("`{}` is not in `{id}`", user.id));
        }
        let mut newest = channel.messages.iter().rev().filter(|message| pressed.ts.is_none_or(|ts| message.ts == ts));
        let (message, block, button) =
            newest.find_map(|message| find(message, pressed.button)).ok_or_else(|| format!("no button `{}` stands in `{id}`", pressed.button))?;
        let kind = channel.kind;
        let name = match kind {
            Kind::Im => "directmessage",
            Kind::Channel | Kind::Private | Kind::Mpim => channel.name.as_str(),
        }
        .to_string();
        let serial = workspace.next();
        let trigger = format!("{serial}.{}.{}", now, token("trigger", serial));
        workspace.triggers.push(Trigger { id: trigger.clone(), expires: now + 3000, used: false });
        let mut action = button.clone();
        action["block_id"] = json!(block);
        action["action_ts"] = json!(workspace.next_ts(now));
        let mut container = json!({ "type": "message", "message_ts": message.ts, "channel_id": id, "is_ephemeral": false });
        if let Some(thread) = &message.thread_ts {
            container["thread_ts"] = json!(thread);
        }
        let payload = json!({
            "type": "block_actions",
            "user": { "id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id.as_ref().unwrap_or(&workspace.id) },
            "api_app_id": workspace.app_id, "token": token("verification", 0), "container": container, "trigger_id": trigger,
            "team": { "id": workspace.id, "domain": workspace.domain }, "is_enterprise_install": workspace.bot.org_wide,
            "enterprise": workspace.organisation.as_ref().map(|id| json!({ "id": id, "name": "Organisation" })),
            "channel": { "id": id, "name": name }, "message": workspace.message_json(&message, true), "state": { "values": {} },
            "response_url": format!("https://hooks.slack.com/actions/{}/{serial}/{}", workspace.id, token("response", serial)), "actions": [action],
        });
        let body: String = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
        webhook(workspace, "application/x-www-form-urlencoded", body, now)
    }

    /// Slack's check of a webhook's address.
    pub(crate) fn url_verification(&mut self, workspace: &str, challenge: &str, now: u64) -> Result<Request<Bytes>, String> {
        let body = json!({ "token": token("verification", 0), "challenge": challenge, "type": "url_verification" });
        webhook(self.workspace(workspace)?, "application/json", body.to_string(), now)
    }
}

/// A button of a message by its action id, value or label.
fn find(message: &Message, wanted: &str) -> Option<(Message, String, Value)> {
    for block in &message.blocks {
        let elements = block.get("elements").and_then(Value::as_array).into_iter().flatten().chain(block.get("accessory"));
        for element in elements.filter(|element| element.get("type").and_then(Value::as_str) == Some("button")) {
            let named = ["/action_id", "/value", "/text/text"].iter().any(|at| element.pointer(at).and_then(Value::as_str) == Some(wanted));
            if named {
                return Some((message.clone(), block.get("block_id").and_then(Value::as_str).unwrap_or_default().into(), element.clone()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_signature_equals_the_published_vector() {
        let (secret, at) = ("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618);
        assert_eq!(super::sign(secret, at, b"token=x"), "v0=3eeaac3070533b0f5536145f88159d8e50277d9f01e4865f87e2d749f4789397");
        for (secret, at, body) in [("8f742231b10e8888abcd99yyyzzz85a6", at, "token=x"), (secret, at + 1, "token=x"), (secret, at, "token=y")] {
            assert_ne!(super::sign(secret, at, body.as_bytes()), "v0=3eeaac3070533b0f5536145f88159d8e50277d9f01e4865f87e2d749f4789397");
        }
    }
}
