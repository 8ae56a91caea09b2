//! Slack: what is accepted, what is refused, and what people do.
mod common;
use common::*;
use firstline_vendors::slack::human::{Pressed, Said, sign};
use serde_json::{Value, json};

/// `ok`, or the error; and whether it counts as a violation.
fn check(call: &str, media: &str, body: &str, expect: &str, violation: bool) {
    let world = world();
    world.vendors.slack_message(&Said { workspace: "T0ACME", user: "U0JANE", text: "hi", ..Said::default() }).unwrap();
    let got = world.slack(call, media, body);
    let outcome = if got["ok"] == true { "ok" } else { got["error"].as_str().unwrap() };
    assert_eq!((outcome, world.violations() > 0), (expect, violation), "{call} {body}: {got} {:?}", world.vendors.violations());
}

#[test]
fn methods_accept_and_refuse_as_slack_does() {
    let post = |more: Value| {
        let mut body = json!({ "channel": "D0JANE", "text": "hello" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    for (call, media, body, expect, violation) in [
        ("auth.test", "", String::new(), "ok", false),
        ("GET users.info?user=U0JANE&include_locale=true", "", String::new(), "ok", false),
        ("users.info", FORM, "user=U0JANE".into(), "ok", false),
        ("users.info", FORM, "user=U0NOBODY".into(), "user_not_found", false),
        ("users.info", FORM, "user=U0JANE&locale=1".into(), "invalid_arguments", true),
        ("users.info", UTF8, r#"{"user":"U0JANE"}"#.into(), "invalid_post_type", true),
        ("users.lookupByEmail", FORM, "email=jane%40acme.example".into(), "ok", false),
        ("users.lookupByEmail", FORM, "email=nobody%40acme.example".into(), "users_not_found", false),
        ("conversations.open", FORM, "users=U0BOB".into(), "ok", false),
        ("conversations.open", FORM, "users=U0NOBODY".into(), "user_not_found", false),
        ("conversations.open", FORM, "users=U0BOTACME".into(), "cannot_dm_bot", false),
        ("conversations.open", FORM, "users=U0BOB,U0JANE".into(), "missing_scope", false),
        ("conversations.open", FORM, String::new(), "users_list_not_supplied", true),
        ("chat.postMessage", UTF8, post(json!({})), "ok", false),
        ("chat.postMessage", UTF8, post(json!({ "metadata": { "event_type": "case", "event_payload": { "step": 1 } } })), "ok", false),
        ("chat.postMessage", UTF8, post(json!({ "metadata": { "event_type": "case" } })), "invalid_metadata_format", true),
        ("chat.postMessage", UTF8, post(json!({ "blocks": [{ "type": "section" }] })), "invalid_blocks", true),
        ("chat.postMessage", UTF8, post(json!({ "colour": "red" })), "invalid_arguments", true),
        ("chat.postMessage", UTF8, post(json!({ "thread_ts": "1.000001" })), "thread_not_found", false),
        ("chat.postMessage", UTF8, post(json!({ "text": "" })), "no_text", true),
        ("chat.postMessage", UTF8, post(json!({ "channel": "D0BOB" })), "channel_not_found", false),
        ("chat.postMessage", UTF8, post(json!({ "channel": "C0ELSEWHERE" })), "not_in_channel", false),
        ("chat.postMessage", UTF8, post(json!({ "channel": "U0BOB" })), "ok", false),
        ("chat.postMessage", UTF8, r#"{"text":"x"}"#.into(), "invalid_arguments", true),
        ("chat.postMessage", UTF8, "{".into(), "invalid_json", true),
        ("chat.postMessage", FORM, "channel=D0JANE&text=x".into(), "invalid_post_type", true),
        ("chat.update", UTF8, r#"{"channel":"D0JANE","ts":"1.000001","text":"x"}"#.into(), "message_not_found", false),
        ("GET conversations.history?channel=D0JANE&limit=5&include_all_metadata=true", "", String::new(), "ok", false),
        ("GET conversations.history?channel=D0JANE&limit=5000", "", String::new(), "invalid_limit", true),
        ("GET conversations.history?channel=D0NOBODY", "", String::new(), "channel_not_found", false),
        ("GET conversations.replies?channel=D0JANE&ts=1.000001", "", String::new(), "thread_not_found", false),
        ("GET chat.postMessage?channel=D0JANE&text=x", "", String::new(), "invalid_post_type", true),
        (
            "views.open",
            UTF8,
            r#"{"trigger_id":"1","view":{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[]}}"#.into(),
            "invalid_trigger_id",
            false,
        ),
        ("chat.shout", UTF8, "{}".into(), "unknown_method", true),
    ] {
        check(call, media, &body, expect, violation);
    }
}

#[test]
fn a_token_decides_on_workspace_and_scopes() {
    let world = world();
    let call = |token: &str| {
        let headers = [("authorization", token), ("content-type", FORM)];
        let got = world.send("POST https://slack.com/api/users.info", &headers, "user=U0LEE").1;
        got["error"].as_str().unwrap_or("ok").to_string()
    };
    assert_eq!(
        (call(""), call("Bearer xoxb-other"), call("Bearer xoxb-acme"), call("Bearer xoxb-globex")),
        ("not_authed".into(), "invalid_auth".into(), "user_not_found".into(), "ok".into())
    );
    world.vendors.act(&json!({ "slack": { "workspace": "T0GLOBEX", "user": "U0LEE", "set": { "is_restricted": true } } })).unwrap();
    assert_eq!(world.vendors.state()["slack"]["workspaces"][1]["users"][0]["is_restricted"], true);
    let mut seed: Value = serde_json::from_str(firstline_vendors::DEMO).unwrap();
    seed["slack"]["workspaces"][0]["bot"]["scopes"] = json!(["users:read"]);
    world.vendors.seed(&json!({ "slack": seed["slack"] })).unwrap();
    let got = world.slack("chat.postMessage", UTF8, r#"{"channel":"C0HELP","text":"x"}"#);
    assert_eq!((&got["error"], &got["needed"], &got["provided"]), (&json!("missing_scope"), &json!("chat:write"), &json!("users:read")));
    let got = world.slack("users.info", FORM, "user=U0JANE");
    assert!(got["user"]["profile"]["email"].is_null(), "without users:read.email the address is not shown: {got}");
}

#[test]
fn a_message_is_posted_found_again_by_its_metadata_and_replaced() {
    let world = world();
    let post = |metadata: &str, text: &str| {
        let body = json!({ "channel": "C0HELP", "text": text, "metadata": { "event_type": metadata, "event_payload": { "n": 1 } },
            "blocks": [{ "type": "actions", "elements": [{ "type": "button", "text": { "type": "plain_text", "text": "Yes" }, "action_id": "yes", "value": "v1" }] }] });
        world.slack("chat.postMessage", UTF8, &body.to_string())["ts"].as_str().unwrap().to_string()
    };
    let (first, second) = (post("one", "a"), post("two", "b"));
    assert!(first < second, "timestamps are unique and grow, also within a millisecond");
    let plain = world.slack("GET conversations.history?channel=C0HELP&limit=1", "", "");
    assert_eq!(
        (&plain["messages"][0]["ts"], &plain["has_more"], &plain["messages"][0]["metadata"]["event_payload"]),
        (&json!(second), &json!(true), &Value::Null)
    );
    let full = world.slack(&format!("GET conversations.history?channel=C0HELP&include_all_metadata=true&latest={second}"), "", "");
    assert_eq!((full["messages"].as_array().unwrap().len(), &full["messages"][0]["metadata"]["event_payload"]["n"]), (1, &json!(1)));
    let kept = world.slack("chat.update", UTF8, &json!({ "channel": "C0HELP", "ts": first, "text": "c" }).to_string());
    assert_eq!(kept["message"]["blocks"].as_array().map(Vec::len), Some(1), "without blocks the old ones stay");
    let gone = world.slack("chat.update", UTF8, &json!({ "channel": "C0HELP", "ts": first, "text": "c", "blocks": [], "parse": "none" }).to_string());
    assert_eq!((&gone["message"]["blocks"], &gone["message"]["text"]), (&Value::Null, &json!("c")));
    let reply = world.slack("chat.postMessage", UTF8, &json!({ "channel": "C0HELP", "text": "below", "thread_ts": first }).to_string());
    let thread = world.slack(&format!("GET conversations.replies?channel=C0HELP&ts={first}"), "", "");
    assert_eq!((thread["messages"].as_array().unwrap().len(), &thread["messages"][1]["ts"]), (2, &reply["ts"]));
    assert_eq!(world.vendors.violations(), Vec::<String>::new());
}

fn event_ts(request: &http::Request<bytes::Bytes>) -> String {
    serde_json::from_slice::<Value>(request.body()).unwrap()["event"]["ts"].as_str().unwrap().into()
}

#[test]
fn people_write_and_press_only_what_is_there() {
    let world = world();
    let said = world.vendors.slack_message(&Said { workspace: "T0ACME", user: "U0JANE", text: "I'm <locked> out & sad", ..Said::default() }).unwrap();
    let event: Value = serde_json::from_slice(said.body()).unwrap();
    assert_eq!(
        (said.uri().path(), &event["team_id"], &event["event"]["text"], &event["event"]["channel"], &event["event"]["channel_type"]),
        ("/webhooks/acme-slack", &json!("T0ACME"), &json!("I'm &lt;locked&gt; out &amp; sad"), &json!("D0JANE"), &json!("im"))
    );
    assert_eq!(said.headers()["x-slack-signature"], sign("acme-signing-secret", 1_790_000_000, said.body()));
    let press = |button: &str| world.vendors.slack_press(&Pressed { workspace: "T0ACME", user: "U0JANE", button, ..Pressed::default() });
    assert_eq!(press("yes").unwrap_err(), "no button `yes` stands in `D0JANE`");
    let body = json!({ "channel": "D0JANE", "text": "?", "blocks": [{ "type": "actions", "block_id": "ask", "elements": [
        { "type": "button", "text": { "type": "plain_text", "text": "Yes" }, "action_id": "yes", "value": "v1", "style": "primary" }] }] });
    let ts = world.slack("chat.postMessage", UTF8, &body.to_string())["ts"].clone();
    let pressed = press("v1").unwrap();
    let (_, payload) = form_urlencoded::parse(pressed.body()).next().unwrap();
    let payload: Value = serde_json::from_str(&payload).unwrap();
    for key in ["type", "user", "team", "container", "trigger_id", "channel", "message", "response_url", "state", "actions"] {
        assert!(payload.get(key).is_some(), "{key} is missing: {payload}");
    }
    let action = &payload["actions"][0];
    assert_eq!(
        (&action["action_id"], &action["block_id"], &action["value"], &payload["container"]["message_ts"]),
        (&json!("yes"), &json!("ask"), &json!("v1"), &ts)
    );
    let stranger = world
        .vendors
        .slack_message(&Said { workspace: "T0ACME", user: "U0STRANGER", channel: Some("C0HELP"), text: "hi", mention: true, ..Said::default() })
        .unwrap();
    let event: Value = serde_json::from_slice(stranger.body()).unwrap();
    assert_eq!(
        (&event["event"]["type"], &event["event"]["user_team"], &event["is_ext_shared_channel"]),
        (&json!("app_mention"), &json!("T0OTHER"), &json!(true))
    );
    assert!(
        world.vendors.slack_message(&Said { workspace: "T0ACME", user: "U0ADA", channel: Some("C0HELP"), text: "hi", ..Said::default() }).is_err(),
        "not a member"
    );
    let echo: Value = serde_json::from_slice(world.vendors.slack_echo("T0ACME", "D0JANE", ts.as_str().unwrap()).unwrap().body()).unwrap();
    assert_eq!(echo["event"]["bot_id"], "B0ACME");
    let first = event_ts(&said);
    let edit: Value = serde_json::from_slice(world.vendors.slack_edit("T0ACME", "D0JANE", &first, "never mind").unwrap().body()).unwrap();
    assert_eq!((&edit["event"]["subtype"], &edit["event"]["message"]["text"]), (&json!("message_changed"), &json!("never mind")));
    assert!(world.vendors.slack_edit("T0ACME", "D0JANE", ts.as_str().unwrap(), "x").is_err(), "the bot's own message");
    let check: Value = serde_json::from_slice(world.vendors.slack_url_verification("T0ACME", "c1").unwrap().body()).unwrap();
    assert_eq!((&check["type"], &check["challenge"]), (&json!("url_verification"), &json!("c1")));
    let modal = |trigger: &str| {
        world.slack(
            "views.open",
            UTF8,
            &json!({ "trigger_id": trigger, "view": { "type": "modal", "title": { "type": "plain_text", "text": "x" }, "blocks": [] } }).to_string(),
        )
    };
    let trigger = payload["trigger_id"].as_str().unwrap();
    assert_eq!((&modal(trigger)["ok"], &modal(trigger)["error"]), (&json!(true), &json!("exchanged_trigger_id")));
    let late = press("yes").unwrap();
    let (_, payload) = form_urlencoded::parse(late.body()).next().unwrap();
    let payload: Value = serde_json::from_str(&payload).unwrap();
    world.later(3001);
    assert_eq!(modal(payload["trigger_id"].as_str().unwrap())["error"], "expired_trigger_id");
}
