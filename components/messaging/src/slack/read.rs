//! Webhooks: the Events API as JSON, interactivity as a form with a JSON payload.

use super::{is_direct, millis, text};
use crate::intake::{Act, Event, Inbound, Place};
use firstline_connector::types::{Error, Instant};
use serde_json::Value;

const WHOLE: &str = "an installation for a whole organisation is not supported, install the app in a workspace";

pub fn read(content_type: &str, body: &[u8]) -> Result<Inbound, Error> {
    match content_type {
        "application/json" => events_api(&json(body, "the body")?),
        "application/x-www-form-urlencoded" => {
            let mut pairs = form_urlencoded::parse(body);
            match pairs.find(|(name, _)| matches!(name.as_ref(), "payload" | "command" | "ssl_check")) {
                Some((name, value)) if name == "payload" => interaction(&json(value.as_bytes(), "`payload`")?),
                Some((name, _)) => ignored(format!("a form with `{name}`")),
                None => Err(invalid("`payload` is missing")),
            }
        }
        other => Err(invalid(&format!("content type `{}` is neither JSON nor a form", text::cut(other, 100)))),
    }
}

fn events_api(body: &Value) -> Result<Inbound, Error> {
    let root = Field::root(body)?;
    match root.get("type").str()? {
        "url_verification" => Ok(Inbound::Challenge(root.get("challenge").str()?.into())),
        "event_callback" => {
            let event = root.get("event").object()?;
            match event.get("type").str()? {
                kind @ ("message" | "app_mention") => message(&root, &event, kind == "app_mention"),
                other => ignored(format!("event `{}`", text::cut(other, 100))),
            }
        }
        other => ignored(format!("envelope `{}`", text::cut(other, 100))),
    }
}

fn message(root: &Field, event: &Field, mention: bool) -> Result<Inbound, Error> {
    match event.get("subtype").optional()? {
        None | Some("file_share" | "thread_broadcast") => {}
        Some(other) => return ignored(format!("message of subtype `{}`", text::cut(other, 100))),
    }
    let own_app = event.get("app_id").optional()?.is_some_and(|app| root.get("api_app_id").optional().is_ok_and(|own| own == Some(app)));
    if own_app || event.get("bot_id").is_given() || event.get("user").optional()? == Some("USLACKBOT") {
        return ignored("message of a bot".into());
    }
    let channel = event.get("channel").str()?;
    let place = match event.get("channel_type").optional()? {
        Some("im") => Place::Direct,
        Some("mpim") => Place::Group,
        // A mention names no kind of channel.
        None if mention && is_direct(channel) => Place::Direct,
        None | Some("channel" | "group") if mention => Place::Channel,
        // The same message arrives as `app_mention`, with the same id, if it is meant for the agent.
        Some("channel" | "group") => return ignored("channel message without a mention".into()),
        Some(other) => return ignored(format!("message in a `{}`", text::cut(other, 100))),
        None => return Err(invalid(&format!("`{}` is missing", event.get("channel_type").path))),
    };
    let (ts, at) = event.get("ts").timestamp()?;
    for authorization in root.get("authorizations").items_if_given()? {
        in_a_workspace(&authorization.get("is_enterprise_install"))?;
    }
    let bots = bots(root)?;
    let raw = event.get("text").text()?;
    let words = if mention || !bots.is_empty() { text::without_leading_mention(raw, &bots) } else { raw };
    let own_workspace = [event.get("user_team"), event.get("team"), event.get("source_team")];
    Ok(Inbound::Events(vec![Event {
        delivery: root.get("event_id").str()?.into(),
        id: format!("{channel}:{ts}"),
        workspace: workspace(&root.get("team_id"), &root.get("enterprise_id"))?,
        author: event.get("user").str()?.into(),
        author_workspace: first_given(own_workspace)?,
        channel: channel.into(),
        thread: thread(place, event.get("thread_ts").optional_timestamp()?, ts),
        place,
        message: ts.into(),
        act: Act::Message(text::plain(words)),
        at,
    }]))
}

fn interaction(payload: &Value) -> Result<Inbound, Error> {
    let root = Field::root(payload)?;
    match root.get("type").str()? {
        "block_actions" => {}
        other => return ignored(format!("interaction `{}`", text::cut(other, 100))),
    }
    if !root.get("channel").is_given() {
        return ignored("press outside of a message".into());
    }
    let channel = root.get("channel").object()?;
    let id = channel.get("id").str()?;
    let place = match channel.get("name").optional()? {
        _ if is_direct(id) => Place::Direct,
        Some(name) if name.starts_with("mpdm-") => Place::Group,
        Some(_) | None => Place::Channel,
    };
    let user = root.get("user").object()?;
    let (author, author_workspace) = (user.get("id").str()?, user.get("team_id").optional()?.map(str::to_string));
    in_a_workspace(&root.get("is_enterprise_install"))?;
    let workspace = workspace(&root.get("team").get("id"), &root.get("enterprise").get("id"))?;
    let container = root.get("container");
    let (held_in, held_thread) = (root.get("message").get("ts"), root.get("message").get("thread_ts").optional_timestamp()?);
    let (message, _) = if held_in.is_given() { held_in.timestamp()? } else { container.get("message_ts").timestamp()? };
    let in_thread = held_thread.or(container.get("thread_ts").optional_timestamp()?);

    let mut events = Vec::new();
    for action in root.get("actions").items()? {
        let action_id = action.get("action_id").str()?;
        // Slack reports a press on a button with an address as well; opening it is all that was meant.
        if action_id.starts_with("link") || action.get("type").str()? != "button" {
            continue;
        }
        let (pressed, at) = action.get("action_ts").timestamp()?;
        let event_id = format!("{id}:{message}:{pressed}:{author}");
        events.push(Event {
            delivery: root.get("trigger_id").optional()?.unwrap_or(&event_id).into(),
            id: event_id.clone(),
            workspace: workspace.clone(),
            author: author.into(),
            author_workspace: author_workspace.clone(),
            channel: id.into(),
            thread: thread(place, in_thread, message),
            place,
            message: message.into(),
            act: Act::Press(action.get("value").str()?.into()),
            at,
        });
    }
    if events.is_empty() { ignored("press of no button of ours".into()) } else { Ok(Inbound::Events(events)) }
}

fn thread(place: Place, thread: Option<&str>, ts: &str) -> Option<String> {
    match place {
        Place::Direct => None,
        Place::Channel | Place::Group => Some(thread.unwrap_or(ts).into()),
    }
}

/// The tenant hangs on the workspace, so an event without one is refused and not guessed.
fn workspace(team: &Field, organisation: &Field) -> Result<String, Error> {
    if !team.is_given() && organisation.is_given() {
        return Err(invalid(&format!("`{}` is missing: {WHOLE}", team.path)));
    }
    Ok(team.str()?.into())
}

/// An installation for a whole organisation reaches workspaces that nobody entered.
fn in_a_workspace(whole: &Field) -> Result<(), Error> {
    if whole.value.and_then(Value::as_bool) == Some(true) { Err(invalid(&format!("`{}`: {WHOLE}", whole.path))) } else { Ok(()) }
}

/// The agent's own user ids, where the envelope tells them.
fn bots<'a>(root: &Field<'a>) -> Result<Vec<&'a str>, Error> {
    let mut bots = Vec::new();
    for authorization in root.get("authorizations").items_if_given()? {
        if authorization.get("is_bot").value.and_then(Value::as_bool) == Some(true) {
            bots.extend(authorization.get("user_id").optional()?);
        }
    }
    Ok(bots)
}

fn first_given<const N: usize>(fields: [Field; N]) -> Result<Option<String>, Error> {
    for field in fields {
        if let Some(text) = field.optional()? {
            return Ok(Some(text.into()));
        }
    }
    Ok(None)
}

fn json(bytes: &[u8], what: &str) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| invalid(&format!("{what} is not JSON: line {} column {}", error.line(), error.column())))
}

fn ignored(why: String) -> Result<Inbound, Error> {
    Ok(Inbound::Ignored(why))
}

fn invalid(what: &str) -> Error {
    Error::Invalid(what.into())
}

/// A member of a JSON document that knows its own path, so that each complaint can name it. `null` counts as missing.
struct Field<'a> {
    path: String,
    value: Option<&'a Value>,
}

impl<'a> Field<'a> {
    fn root(value: &'a Value) -> Result<Self, Error> {
        if value.is_object() { Ok(Field { path: String::new(), value: Some(value) }) } else { Err(invalid("the JSON is not an object")) }
    }

    fn get(&self, name: &str) -> Field<'a> {
        let path = if self.path.is_empty() { name.into() } else { format!("{}.{name}", self.path) };
        Field { path, value: self.value.and_then(|value| value.get(name)).filter(|value| !value.is_null()) }
    }

    fn is_given(&self) -> bool {
        self.value.is_some()
    }

    fn given(&self) -> Result<&'a Value, Error> {
        self.value.ok_or_else(|| invalid(&format!("`{}` is missing", self.path)))
    }

    fn must_be(&self, what: &str) -> Error {
        invalid(&format!("`{}` must be {what}", self.path))
    }

    fn object(self) -> Result<Self, Error> {
        if self.given()?.is_object() { Ok(self) } else { Err(self.must_be("an object")) }
    }

    fn items(&self) -> Result<Vec<Field<'a>>, Error> {
        let items = self.given()?.as_array().ok_or_else(|| self.must_be("a list"))?;
        Ok(items.iter().enumerate().map(|(i, value)| Field { path: format!("{}[{i}]", self.path), value: Some(value) }).collect())
    }

    /// The items of a list that may be missing.
    fn items_if_given(&self) -> Result<Vec<Field<'a>>, Error> {
        if self.is_given() { self.items() } else { Ok(Vec::new()) }
    }

    /// A string that may be missing or empty: what people wrote.
    fn text(&self) -> Result<&'a str, Error> {
        self.value.map_or(Ok(""), |value| value.as_str().ok_or_else(|| self.must_be("a string")))
    }

    /// A string that may be missing.
    fn optional(&self) -> Result<Option<&'a str>, Error> {
        Ok(Some(self.text()?).filter(|text| !text.is_empty()))
    }

    /// A string that must be there.
    fn str(&self) -> Result<&'a str, Error> {
        let text = self.given()?.as_str().ok_or_else(|| self.must_be("a string"))?;
        if text.is_empty() { Err(invalid(&format!("`{}` is empty", self.path))) } else { Ok(text) }
    }

    fn timestamp(&self) -> Result<(&'a str, Instant), Error> {
        let ts = self.str()?;
        let at = millis(ts).ok_or_else(|| self.must_be("a timestamp such as `1234567890.123456`"))?;
        Ok((ts, at))
    }

    fn optional_timestamp(&self) -> Result<Option<&'a str>, Error> {
        if self.is_given() { Ok(Some(self.timestamp()?.0)) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";

    /// One line a result, to compare in tables.
    fn line(inbound: Result<Inbound, Error>) -> String {
        match inbound {
            Ok(Inbound::Challenge(text)) => format!("challenge {text}"),
            Ok(Inbound::Ignored(why)) => format!("ignored: {why}"),
            Ok(Inbound::Events(events)) => events.iter().map(event_line).collect::<Vec<_>>().join(" | "),
            Err(Error::Invalid(what)) => format!("invalid: {what}"),
            Err(other) => format!("{other:?}"),
        }
    }

    fn event_line(e: &Event) -> String {
        let act = match &e.act {
            Act::Message(text) => format!("says {text:?}"),
            Act::Press(value) => format!("presses {value:?}"),
        };
        let from = e.author_workspace.as_deref().unwrap_or("-");
        let thread = e.thread.as_deref().unwrap_or("-");
        format!(
            "{} {}/{}({from}) {:?} {} thread {thread} message {} {act} at {} [{}]",
            e.id, e.workspace, e.author, e.place, e.channel, e.message, e.at, e.delivery
        )
    }

    /// A document with some members replaced; a pointer into nothing adds the member, `null` takes it away.
    fn changed(mut document: Value, changes: &[(&str, Value)]) -> Value {
        for (pointer, value) in changes {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent = document.pointer_mut(parent).unwrap();
            match parent {
                Value::Object(members) if value.is_null() => drop(members.remove(name)),
                Value::Object(members) => drop(members.insert(name.into(), value.clone())),
                Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
                other => panic!("{pointer} leads into {other}"),
            }
        }
        document
    }

    fn callback() -> Value {
        json!({
            "type": "event_callback", "token": "x", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event_time": 1_764_000_000,
            "authorizations": [{"enterprise_id": null, "team_id": "T1", "user_id": "UBOT", "is_bot": true, "is_enterprise_install": false}],
            "event": {
                "type": "message", "channel": "D1", "channel_type": "im", "user": "U1", "text": "I'm locked out &amp; late",
                "ts": "1764000000.123456", "event_ts": "1764000000.123456", "team": "T1", "client_msg_id": "m1"
            }
        })
    }

    fn press() -> Value {
        json!({
            "type": "block_actions", "api_app_id": "A1", "token": "x", "trigger_id": "1.2.3", "response_url": "https://hooks.slack.com/x",
            "team": {"id": "T1", "domain": "acme"}, "enterprise": null, "is_enterprise_install": false,
            "user": {"id": "U1", "username": "jane", "name": "jane", "team_id": "T1"},
            "container": {"type": "message", "message_ts": "1764000001.000200", "channel_id": "D1", "is_ephemeral": false},
            "channel": {"id": "D1", "name": "directmessage"},
            "message": {"type": "message", "bot_id": "B1", "ts": "1764000001.000200", "text": "Reset?"},
            "state": {"values": {}},
            "actions": [{"type": "button", "action_id": "button-0", "block_id": "b", "text": {"type": "plain_text", "text": "Yes"},
                         "value": "case.grant.mac", "style": "primary", "action_ts": "1764000009.500000"}]
        })
    }

    fn check_event(changes: &[(&str, Value)], expect: &str) {
        let body = changed(callback(), changes).to_string();
        assert_eq!(line(read(JSON, body.as_bytes())), expect, "{changes:?}");
    }

    fn check_press(changes: &[(&str, Value)], expect: &str) {
        let payload = changed(press(), changes).to_string();
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload).finish();
        assert_eq!(line(read(FORM, body.as_bytes())), expect, "{changes:?}");
    }

    #[test]
    fn a_direct_message_is_an_event_without_a_thread() {
        let expect =
            r#"D1:1764000000.123456 T1/U1(T1) Place::Direct D1 thread - message 1764000000.123456 says "I'm locked out & late" at 1764000000123 [Ev1]"#;
        check_event(&[], expect);
        check_event(&[("/event/thread_ts", json!("1763000000.000000"))], expect);
        check_event(&[("/event/subtype", json!("file_share"))], expect);
        check_event(&[("/authorizations", json!(null))], expect);
    }

    #[test]
    fn a_mention_in_a_channel_has_a_thread_and_loses_the_agents_name() {
        let mention = |more: &[(&str, Value)], expect: &str| {
            let mut changes = vec![
                ("/event/type", json!("app_mention")),
                ("/event/channel", json!("C1")),
                ("/event/channel_type", json!(null)),
                ("/event/text", json!("<@UBOT> <@U2> is locked out")),
            ];
            changes.extend_from_slice(more);
            check_event(&changes, expect);
        };
        mention(
            &[],
            r#"C1:1764000000.123456 T1/U1(T1) Place::Channel C1 thread 1764000000.123456 message 1764000000.123456 says "@U2 is locked out" at 1764000000123 [Ev1]"#,
        );
        mention(
            &[("/event/thread_ts", json!("1763000000.000001")), ("/authorizations", json!(null)), ("/event/user_team", json!("T9"))],
            r#"C1:1764000000.123456 T1/U1(T9) Place::Channel C1 thread 1763000000.000001 message 1764000000.123456 says "@U2 is locked out" at 1764000000123 [Ev1]"#,
        );
        mention(&[("/event/bot_id", json!("B2"))], "ignored: message of a bot");
        // The same message as a plain one: dropped in a channel, the same id in a group conversation.
        mention(&[("/event/type", json!("message")), ("/event/channel_type", json!("channel"))], "ignored: channel message without a mention");
        mention(&[("/event/type", json!("message")), ("/event/channel_type", json!("group"))], "ignored: channel message without a mention");
        mention(
            &[("/event/type", json!("message")), ("/event/channel_type", json!("mpim"))],
            r#"C1:1764000000.123456 T1/U1(T1) Place::Group C1 thread 1764000000.123456 message 1764000000.123456 says "@U2 is locked out" at 1764000000123 [Ev1]"#,
        );
    }

    #[test]
    fn what_is_of_no_interest_is_ignored_with_a_reason() {
        check_event(&[("/event/bot_id", json!("B1"))], "ignored: message of a bot");
        check_event(&[("/event/app_id", json!("A1"))], "ignored: message of a bot");
        check_event(&[("/event/user", json!("USLACKBOT"))], "ignored: message of a bot");
        for subtype in ["bot_message", "message_changed", "message_deleted", "channel_join", "message_replied", "me_message"] {
            check_event(&[("/event/subtype", json!(subtype)), ("/event/user", json!(null))], &format!("ignored: message of subtype `{subtype}`"));
        }
        check_event(&[("/event/channel_type", json!("app_home"))], "ignored: message in a `app_home`");
        check_event(&[("/event/type", json!("reaction_added"))], "ignored: event `reaction_added`");
        check_event(&[("/type", json!("app_rate_limited"))], "ignored: envelope `app_rate_limited`");
        check_press(&[("/type", json!("view_submission"))], "ignored: interaction `view_submission`");
        check_press(&[("/channel", json!(null))], "ignored: press outside of a message");
        check_press(&[("/actions/0/action_id", json!("link-0")), ("/actions/0/value", json!(null))], "ignored: press of no button of ours");
        check_press(&[("/actions/0/type", json!("static_select"))], "ignored: press of no button of ours");
        check_press(&[("/actions", json!([]))], "ignored: press of no button of ours");
        assert_eq!(line(read(FORM, b"command=%2Fhelp&text=hi")), "ignored: a form with `command`");
        assert_eq!(line(read(FORM, b"ssl_check=1&token=x")), "ignored: a form with `ssl_check`");
    }

    #[test]
    fn the_url_check_is_answered_with_its_challenge() {
        let body = json!({"type": "url_verification", "token": "x", "challenge": "3eZbrw1a"}).to_string();
        assert_eq!(line(read(JSON, body.as_bytes())), "challenge 3eZbrw1a");
        assert_eq!(line(read(JSON, br#"{"type":"url_verification"}"#)), "invalid: `challenge` is missing");
    }

    #[test]
    fn a_press_carries_the_buttons_value_and_its_message() {
        check_press(
            &[],
            r#"D1:1764000001.000200:1764000009.500000:U1 T1/U1(T1) Place::Direct D1 thread - message 1764000001.000200 presses "case.grant.mac" at 1764000009500 [1.2.3]"#,
        );
        check_press(
            &[
                ("/channel/id", json!("C1")),
                ("/channel/name", json!("help")),
                ("/user/team_id", json!("T9")),
                ("/message", json!(null)),
                ("/trigger_id", json!(null)),
            ],
            r#"C1:1764000001.000200:1764000009.500000:U1 T1/U1(T9) Place::Channel C1 thread 1764000001.000200 message 1764000001.000200 presses "case.grant.mac" at 1764000009500 [C1:1764000001.000200:1764000009.500000:U1]"#,
        );
        check_press(
            &[("/channel/id", json!("G1")), ("/channel/name", json!("mpdm-a--b-1")), ("/message/thread_ts", json!("1.5")), ("/user/team_id", json!(null))],
            r#"G1:1764000001.000200:1764000009.500000:U1 T1/U1(-) Place::Group G1 thread 1.5 message 1764000001.000200 presses "case.grant.mac" at 1764000009500 [1.2.3]"#,
        );
    }

    #[test]
    fn a_wrong_shape_is_refused_by_the_fields_name() {
        check_event(&[("/type", json!(null))], "invalid: `type` is missing");
        check_event(&[("/team_id", json!(7))], "invalid: `team_id` must be a string");
        check_event(&[("/team_id", json!(null))], "invalid: `team_id` is missing");
        check_event(
            &[("/team_id", json!(null)), ("/enterprise_id", json!("E1"))],
            "invalid: `team_id` is missing: an installation for a whole organisation is not supported, install the app in a workspace",
        );
        check_event(
            &[("/authorizations/0/is_enterprise_install", json!(true))],
            "invalid: `authorizations[0].is_enterprise_install`: an installation for a whole organisation is not supported, install the app in a workspace",
        );
        check_event(&[("/event", json!(null))], "invalid: `event` is missing");
        check_event(&[("/event", json!([]))], "invalid: `event` must be an object");
        check_event(&[("/event_id", json!(null))], "invalid: `event_id` is missing");
        check_event(&[("/event/channel", json!(null))], "invalid: `event.channel` is missing");
        check_event(&[("/event/channel", json!(""))], "invalid: `event.channel` is empty");
        check_event(&[("/event/channel_type", json!(null))], "invalid: `event.channel_type` is missing");
        check_event(&[("/event/user", json!(null))], "invalid: `event.user` is missing");
        check_event(&[("/event/text", json!({"a": 1}))], "invalid: `event.text` must be a string");
        check_event(&[("/event/ts", json!(1_764_000_000.5))], "invalid: `event.ts` must be a string");
        check_event(&[("/event/ts", json!("yesterday"))], "invalid: `event.ts` must be a timestamp such as `1234567890.123456`");
        check_event(&[("/event/thread_ts", json!("1"))], "invalid: `event.thread_ts` must be a timestamp such as `1234567890.123456`");
        check_event(&[("/event/team", json!(1))], "invalid: `event.team` must be a string");
        check_event(&[("/authorizations", json!("x"))], "invalid: `authorizations` must be a list");
        check_press(&[("/user", json!(null))], "invalid: `user` is missing");
        check_press(&[("/user/id", json!(null))], "invalid: `user.id` is missing");
        check_press(&[("/team", json!(null))], "invalid: `team.id` is missing");
        check_press(
            &[("/team", json!(null)), ("/enterprise", json!({"id": "E1"}))],
            "invalid: `team.id` is missing: an installation for a whole organisation is not supported, install the app in a workspace",
        );
        check_press(
            &[("/is_enterprise_install", json!(true))],
            "invalid: `is_enterprise_install`: an installation for a whole organisation is not supported, install the app in a workspace",
        );
        check_press(&[("/actions", json!(null))], "invalid: `actions` is missing");
        check_press(&[("/actions/0/value", json!(null))], "invalid: `actions[0].value` is missing");
        check_press(&[("/actions/0/action_ts", json!("x"))], "invalid: `actions[0].action_ts` must be a timestamp such as `1234567890.123456`");
        check_press(&[("/message/ts", json!(null)), ("/container", json!(null))], "invalid: `container.message_ts` is missing");
        for (content_type, body, expect) in [
            (JSON, "", "invalid: the body is not JSON: line 1 column 0"),
            (JSON, "hello", "invalid: the body is not JSON: line 1 column 1"),
            (JSON, "[]", "invalid: the JSON is not an object"),
            (JSON, "\"\\ud800\"", "invalid: the body is not JSON: line 1 column 8"),
            (FORM, "", "invalid: `payload` is missing"),
            (FORM, "payload=%7B", "invalid: `payload` is not JSON: line 1 column 1"),
            (FORM, "payload=1", "invalid: the JSON is not an object"),
            ("text/plain", "{}", "invalid: content type `text/plain` is neither JSON nor a form"),
        ] {
            assert_eq!(line(read(content_type, body.as_bytes())), expect, "{body}");
        }
        assert!(line(read(JSON, &[0xff, 0xfe])).starts_with("invalid: the body is not JSON"));
        assert!(line(read(JSON, "[".repeat(100_000).as_bytes())).starts_with("invalid: the body is not JSON"));
    }

    #[test]
    fn strange_text_is_text() {
        for words in ["👩‍🔧 hilfe", "مرحبا \u{202E}abc", "zero\u{200B}width", "{{secret:pw}}", "", "\0", "a\r\nb", &"é ".repeat(50_000)] {
            let body = changed(callback(), &[("/event/text", json!(words))]).to_string();
            let Ok(Inbound::Events(events)) = read(JSON, body.as_bytes()) else { panic!("{words}") };
            assert!(matches!(&events[0].act, Act::Message(text) if text == words));
        }
    }

    /// A small generator of our own: the same bytes on every run.
    fn next(seed: &mut u64) -> usize {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        usize::try_from(*seed >> 33).unwrap()
    }

    #[test]
    fn any_bytes_are_answered() {
        let mut seed = 0x9E37_79B9_7F4A_7C15;
        let payload = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &press().to_string()).finish();
        let seeds = [(JSON, callback().to_string()), (FORM, payload)];
        let (mut refused, mut read_as_event) = (0, 0);
        for round in 0..6_000 {
            let (content_type, valid) = &seeds[round % 2];
            let mut bytes = valid.clone().into_bytes();
            for _ in 0..=next(&mut seed) % 4 {
                if bytes.is_empty() {
                    break;
                }
                let at = next(&mut seed) % bytes.len();
                match next(&mut seed) % 4 {
                    0 => bytes[at] = u8::try_from(next(&mut seed) % 256).unwrap(),
                    1 => drop(bytes.remove(at)),
                    2 => bytes.insert(at, b"{}[]\"\\,:0<>@%&=\xff"[next(&mut seed) % 16]),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            match read(content_type, &bytes) {
                Ok(Inbound::Events(_)) => read_as_event += 1,
                Ok(Inbound::Challenge(_) | Inbound::Ignored(_)) => {}
                Err(_) => refused += 1,
            }
        }
        // Both ends are reached, so the generator is neither too gentle nor too rough.
        assert!(refused > 1_000 && read_as_event > 100, "{refused} refused, {read_as_event} read");
    }

    #[test]
    fn a_member_of_any_other_type_is_answered() {
        let others = [json!(null), json!(0), json!(-1.5), json!(true), json!(""), json!("x"), json!([]), json!([null]), json!({}), json!({"id": 1})];
        for document in [callback(), press()] {
            let mut pointers = Vec::new();
            collect(&document, "", &mut pointers);
            for pointer in &pointers {
                for other in &others {
                    let body = changed(document.clone(), &[(pointer, other.clone())]).to_string();
                    let form = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &body).finish();
                    for answer in [read(JSON, body.as_bytes()), read(FORM, form.as_bytes())] {
                        assert!(matches!(answer, Ok(_) | Err(Error::Invalid(_))), "{pointer} {other}");
                    }
                }
            }
        }
    }

    fn collect(value: &Value, at: &str, pointers: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(name, child)| (name.clone(), child)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(i, child)| (i.to_string(), child)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        for (name, child) in children {
            let pointer = format!("{at}/{name}");
            collect(child, &pointer, pointers);
            pointers.push(pointer);
        }
    }
}
