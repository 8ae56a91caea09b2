use super::*;
use crate::outbox::Button;
use firstline_connector::replay::{Step, testing};
use firstline_connector::wire::{Reply, Target};
use std::collections::BTreeSet;

const CATALOGUE: &str = include_str!("../../../technician/src/catalogue/slack.json");
const GOLDEN: &str = include_str!("golden.jsonl");
const POSTED: &str = r#"{"ok":true,"channel":"D1","ts":"1764000001.000200","message":{}}"#;

fn message(sentence: &str, arguments: &[(&str, &str)]) -> Message {
    let arguments = arguments.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Message { channel: "D1".into(), thread: None, sentence: sentence.into(), text: None, arguments, buttons: Vec::new(), secret_link: None }
}

fn button(label: &str, value: &str, primary: bool) -> Button {
    Button { label: label.into(), value: value.into(), primary }
}

fn task(act: Act) -> Task {
    Task { vendor: "slack".into(), tag: "case-7/3".into(), started: 1_764_000_000_000, locale: "en".into(), act }
}

fn step(act: &Act, seen: &[Reply]) -> Result<Step<Outcome>, Error> {
    let task = task(act.clone());
    replay::run(task.started, seen, |io| super::act(&task, io))
}

/// One line a step, to compare in tables.
fn line(step: Result<Step<Outcome>, Error>) -> String {
    match step {
        Ok(Step::SendAll(requests)) => requests.iter().map(testing::line).collect::<Vec<_>>().join(" | "),
        Ok(Step::Done(outcome)) => format!("{outcome:?}"),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("{error:?}"),
    }
}

fn check(act: &Act, seen: &[Reply], expect: &str) {
    let got = line(step(act, seen));
    assert!(got.starts_with(expect), "{seen:?}\n  got    {got}\n  expect {expect}");
}

fn only_request(act: &Act) -> Request {
    match step(act, &[]).unwrap() {
        Step::SendAll(mut requests) if requests.len() == 1 => requests.remove(0),
        other => panic!("{other:?}"),
    }
}

fn body(act: &Act) -> Value {
    match only_request(act).body {
        Body::Json(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn refused(code: &str) -> Reply {
    testing::answer(200, &json!({"ok": false, "error": code}).to_string())
}

fn jane(changes: &[(&str, Value)]) -> Reply {
    let mut user = json!({
        "id": "U1", "team_id": "T1", "name": "jane", "real_name": "Jane Doe", "deleted": false, "is_bot": false, "is_restricted": false,
        "is_ultra_restricted": false, "is_email_confirmed": true, "locale": "en-GB",
        "profile": {"email": "jane@acme.com", "real_name": "Jane Doe", "display_name": "jd"},
    });
    for (pointer, value) in changes {
        match user.pointer_mut(pointer) {
            Some(member) => *member = value.clone(),
            None => user[pointer.trim_start_matches('/')] = value.clone(),
        }
    }
    testing::answer(200, &json!({"ok": true, "user": user}).to_string())
}

#[test]
fn who_asks_once_and_tells_employees_from_guests() {
    let who = Act::Who("U1".into());
    check(&who, &[], "GET users.info?user=U1&include_locale=true");
    let check = |changes: &[(&str, Value)], expect: &str| {
        let Ok(Step::Done(Outcome::Profile(p))) = step(&who, &[jane(changes)]) else { panic!("{changes:?}") };
        let got = format!(
            "{} {} {} {:?} guest {} inactive {} {}",
            p.workspace,
            p.id,
            p.email.as_deref().unwrap_or("-"),
            p.name,
            p.guest,
            p.inactive,
            p.locale.as_deref().unwrap_or("-")
        );
        assert_eq!(got, expect, "{changes:?}");
    };
    check(&[], r#"T1 U1 jane@acme.com "Jane Doe" guest false inactive false en-GB"#);
    check(&[("/is_restricted", json!(true))], r#"T1 U1 jane@acme.com "Jane Doe" guest true inactive false en-GB"#);
    check(&[("/is_ultra_restricted", json!(true))], r#"T1 U1 jane@acme.com "Jane Doe" guest true inactive false en-GB"#);
    check(&[("/is_stranger", json!(true)), ("/team_id", json!("T9"))], r#"T9 U1 jane@acme.com "Jane Doe" guest true inactive false en-GB"#);
    check(&[("/deleted", json!(true))], r#"T1 U1 jane@acme.com "Jane Doe" guest false inactive true en-GB"#);
    check(&[("/is_bot", json!(true))], r#"T1 U1 jane@acme.com "Jane Doe" guest false inactive true en-GB"#);
    check(&[("/is_email_confirmed", json!(false))], r#"T1 U1 - "Jane Doe" guest false inactive false en-GB"#);
    check(&[("/profile", json!({})), ("/real_name", json!("")), ("/locale", json!(null))], r#"T1 U1 - "jane" guest false inactive false -"#);
}

#[test]
fn a_user_who_cannot_be_looked_up_is_unreachable_and_nonsense_is_an_error() {
    let who = Act::Who("U1".into());
    check(&who, &[refused("user_not_found")], r#"Outcome::Unreachable("user_not_found")"#);
    check(&who, &[testing::answer(200, r#"{"ok":false}"#)], r#"Outcome::Unreachable("no reason given")"#);
    check(&who, &[jane(&[("/id", json!("U2"))])], r#"Error::UnexpectedReply("the vendor described another user than asked for")"#);
    check(&who, &[testing::answer(200, r#"{"ok":true}"#)], "Error::UnexpectedReply");
    check(&who, &[testing::answer(200, "<html>")], "Error::UnexpectedReply");
    check(&who, &[testing::answer(503, "")], r#"Error::UnexpectedReply("the vendor answered 503")"#);
    check(&who, &[Reply::Unknown(1)], r#"Error::UnexpectedReply("the vendor did not answer")"#);
}

#[test]
fn a_user_is_found_by_address_by_form() {
    let find = Act::Find("jane@acme.com".into());
    check(&find, &[], "POST users.lookupByEmail email=jane@acme.com");
    check(&find, &[jane(&[])], r#"Outcome::Profile(Profile { id: "U1", workspace: "T1", email: Some("jane@acme.com")"#);
    check(&find, &[refused("users_not_found")], r#"Outcome::Unreachable("users_not_found")"#);
    check(&find, &[testing::answer(503, "")], r#"Error::UnexpectedReply("the vendor answered 503")"#);
}

#[test]
fn a_direct_conversation_is_opened_by_form() {
    let open = Act::OpenDirect("U1".into());
    check(&open, &[], "POST conversations.open users=U1");
    check(&open, &[testing::answer(200, r#"{"ok":true,"channel":{"id":"D024BE91L"}}"#)], r#"Outcome::Opened("D024BE91L")"#);
    check(&open, &[refused("user_disabled")], r#"Outcome::Unreachable("user_disabled")"#);
    check(&open, &[Reply::NotApplied(1)], "Outcome::Unreachable");
    check(&open, &[Reply::Unknown(1)], "Outcome::Unsure");
}

#[test]
fn an_offer_has_text_fallback_buttons_and_a_tag() {
    let mut offer = message("offer-unlock", &[("system", "Okta"), ("login", "<!channel> & *jane* @here")]);
    offer.buttons = vec![button("yes", "case.grant.mac", true), button("something-else", "other", false)];
    offer.thread = Some("1.5".into());
    let sent = body(&Act::Say(offer));
    let words = sent["blocks"][0]["text"]["text"].as_str().unwrap().to_string();
    assert!(words.starts_with("Unlock your Okta account, <!channel> & *jane* @here?"), "{words}");
    let expect = json!({
        "channel": "D1",
        "thread_ts": "1.5",
        "text": words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        "blocks": [
            {"type": "section", "text": {"type": "plain_text", "text": words, "emoji": false}},
            {"type": "actions", "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Yes", "emoji": false}, "action_id": "button-0", "value": "case.grant.mac", "style": "primary"},
                {"type": "button", "text": {"type": "plain_text", "text": "Something else", "emoji": false}, "action_id": "button-1", "value": "other"},
            ]},
        ],
        "metadata": {"event_type": "firstline", "event_payload": {"tag": "case-7/3"}},
        "unfurl_links": false,
        "unfurl_media": false,
    });
    assert_eq!(sent, expect);
}

#[test]
fn a_secret_link_is_filled_in_by_reference() {
    let mut done = message("reset-done", &[("login", "jane@acme.com"), ("minutes", "15")]);
    done.secret_link = Some("link".into());
    for buttons in [vec![], vec![button("talk-to-person", "p", false)]] {
        done.buttons = buttons;
        let act = Act::Say(done.clone());
        let request = only_request(&act);
        let [fill] = &request.fill[..] else { panic!("one fill") };
        assert_eq!(fill.name, "link");
        let sent = body(&act);
        assert_eq!(sent.pointer(&fill.pointer), Some(&json!("")));
        let link = sent.pointer(fill.pointer.trim_end_matches("/url")).unwrap();
        assert_eq!((&link["text"]["text"], &link["action_id"]), (&json!("Open the one-time link"), &json!("link")));
    }
}

#[test]
fn what_must_not_be_said_is_refused_before_anything_is_sent() {
    let (done, thanks) = (message("reset-done", &[("login", "j"), ("minutes", "5")]), message("welcome", &[]));
    let with = |message: &Message, change: &dyn Fn(&mut Message)| {
        let mut message = message.clone();
        change(&mut message);
        message
    };
    for (message, expect) in [
        (done.clone(), "sentence `reset-done` needs a link"),
        (with(&thanks, &|m| m.secret_link = Some("link".into())), "sentence `welcome` has no link"),
        (with(&thanks, &|m| m.sentence = "hello".into()), "no sentence `hello`"),
        (with(&thanks, &|m| m.arguments.push(("pw".into(), "x".into()))), "sentence `welcome` has no argument `pw`"),
        (with(&thanks, &|m| m.buttons.push(button("name: ", "v", false))), "a button without words"),
        (with(&thanks, &|m| m.buttons.push(button("maybe", "v", false))), "no label `maybe`"),
        (with(&thanks, &|m| m.buttons.push(button("yes", "", false))), "value of button `yes` is empty or longer than 2000 characters"),
        (with(&thanks, &|m| m.buttons.push(button("yes", &"v".repeat(2_001), false))), "value of button `yes` is empty or longer than 2000 characters"),
        (with(&thanks, &|m| m.buttons = vec![button("yes", "v", false); 26]), "more than 25 buttons"),
        (with(&thanks, &|m| m.channel = "C1".into()), "sentence `welcome` belongs in a direct conversation"),
        (with(&done, &|m| (m.channel, m.secret_link) = ("G1".into(), Some("link".into()))), "sentence `reset-done` belongs in a direct conversation"),
        (
            with(&message("moved-to-direct", &[]), &|m| (m.channel, m.buttons) = ("C1".into(), vec![button("yes", "v", false)])),
            "sentence `moved-to-direct` belongs",
        ),
    ] {
        check(&Act::Say(message), &[], &format!(r#"Error::Invalid("{expect}"#));
    }
    check(&Act::Replace(("1.2".into(), with(&thanks, &|m| m.buttons.push(button("yes", "v", false))))), &[], "Error::Invalid(\"a replaced message");
    check(&Act::Say(with(&message("moved-to-direct", &[]), &|m| (m.channel, m.thread) = ("C1".into(), Some("1.5".into())))), &[], "POST chat.postMessage");
}

#[test]
fn long_values_stay_within_block_kits_limits() {
    let long = "👩‍🔧<&>".repeat(20_000);
    let sent = body(&Act::Say(message("offer-unlock", &[("system", &long), ("login", &long)])));
    let words = sent["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(words.encode_utf16().count() <= SECTION && words.contains('…') && words.ends_with("\"talk to a person\"."));
    assert_eq!(section(&"é".repeat(5_000))["text"]["text"].as_str().unwrap().chars().count(), SECTION);
    assert_eq!(label(&"é".repeat(100))["text"].as_str().unwrap().chars().count(), LABEL);
}

#[test]
fn a_post_ends_in_the_messages_id_or_in_slacks_reason() {
    let say = Act::Say(message("welcome", &[]));
    check(&say, &[testing::answer(200, POSTED)], r#"Outcome::Posted("1764000001.000200")"#);
    for code in ["channel_not_found", "not_in_channel", "is_archived", "account_inactive", "invalid_auth", "msg_too_long"] {
        check(&say, &[refused(code)], &format!(r#"Outcome::Unreachable("{code}")"#));
    }
    check(&say, &[Reply::NotApplied(1)], "Outcome::Unreachable");
    check(&say, &[testing::answer(200, r#"{"ok":true}"#)], "Error::UnexpectedReply");
    check(&say, &[testing::answer(404, "")], r#"Error::UnexpectedReply("the vendor answered 404")"#);
}

#[test]
fn an_unknown_outcome_is_looked_up_by_the_tag_before_anything_is_posted_again() {
    let say = Act::Say(message("welcome", &[]));
    let in_history = |tag: &str, kind: &str| {
        let messages = json!([{"ts": "1.1"}, {"ts": "2.2", "metadata": {"event_type": kind, "event_payload": {"tag": tag}}}]);
        testing::answer(200, &json!({"ok": true, "messages": messages, "has_more": false}).to_string())
    };
    let (unknown, found, other) = (Reply::Unknown(9_000), in_history("case-7/3", "firstline"), in_history("case-7/4", "firstline"));
    let lookup = "GET conversations.history?channel=D1&oldest=1763999880.000000&include_all_metadata=true&limit=200";
    check(&say, std::slice::from_ref(&unknown), lookup);
    check(&say, &[refused("fatal_error")], lookup);
    check(&say, &[unknown.clone(), found.clone()], r#"Outcome::Posted("2.2")"#);
    check(&say, &[unknown.clone(), other.clone()], "POST chat.postMessage");
    check(&say, &[unknown.clone(), in_history("case-7/3", "another")], "POST chat.postMessage");
    check(&say, &[unknown.clone(), other.clone(), testing::answer(200, POSTED)], r#"Outcome::Posted("1764000001.000200")"#);
    check(&say, &[unknown.clone(), other.clone(), unknown.clone()], lookup);
    check(&say, &[unknown.clone(), other.clone(), unknown.clone(), found.clone()], r#"Outcome::Posted("2.2")"#);
    check(&say, &[unknown.clone(), other.clone(), unknown.clone(), other], "Outcome::Unsure");

    // Absence counts only once everything was read.
    let page =
        |cursor: &str| testing::answer(200, &json!({"ok": true, "messages": [], "has_more": true, "response_metadata": {"next_cursor": cursor}}).to_string());
    check(&say, &[unknown.clone(), page("abc")], &format!("{lookup}&cursor=abc"));
    check(&say, &[unknown.clone(), page("abc"), found], r#"Outcome::Posted("2.2")"#);
    check(&say, &[unknown.clone(), page("")], "Outcome::Unsure");
    check(&say, &[unknown.clone(), page("1"), page("2"), page("3"), page("4"), page("5")], "Outcome::Unsure");
    check(&say, &[unknown.clone(), refused("missing_scope")], "Outcome::Unsure");
    check(&say, &[unknown.clone(), testing::answer(503, "")], "Outcome::Unsure");
    check(&say, &[unknown.clone(), Reply::Unknown(1)], "Outcome::Unsure");

    let mut moved = message("moved-to-direct", &[]);
    (moved.channel, moved.thread) = ("C1".into(), Some("1.5".into()));
    check(&Act::Say(moved), &[unknown], "GET conversations.replies?channel=C1&oldest=1763999880.000000&include_all_metadata=true&limit=200&ts=1.5");
}

#[test]
fn a_message_is_replaced_by_text_alone() {
    let replace = Act::Replace(("1764000001.000200".into(), message("offer-pressed", &[("choice", "yes")])));
    let expect = json!({
        "channel": "D1", "ts": "1764000001.000200", "text": "You pressed: Yes", "parse": "none",
        "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "You pressed: Yes", "emoji": false}}],
    });
    assert_eq!(body(&replace), expect);
    check(&replace, &[testing::answer(200, POSTED)], r#"Outcome::Posted("1764000001.000200")"#);
    for code in ["message_not_found", "cant_update_message"] {
        check(&replace, &[refused(code)], &format!(r#"Outcome::Unreachable("{code}")"#));
    }
    check(&replace, &[Reply::Unknown(1)], "Outcome::Unsure");
}

/// One act of each kind, with what it may carry.
fn every_request() -> Vec<Request> {
    let mut offer = message("reset-done", &[("login", "j"), ("minutes", "5")]);
    (offer.buttons, offer.secret_link, offer.thread) = (vec![button("yes", "v", true)], Some("link".into()), Some("1.5".into()));
    let acts = [
        Act::Who("U1".into()),
        Act::Find("a@b.c".into()),
        Act::OpenDirect("U1".into()),
        Act::Say(offer.clone()),
        Act::Replace(("1.2".into(), message("welcome", &[]))),
    ];
    let mut requests: Vec<Request> = acts.iter().map(only_request).collect();
    requests.push(history(&offer, 0, Some("c".into())));
    offer.thread = None;
    requests.push(history(&offer, 0, None));
    requests
}

fn segments(request: &Request) -> Vec<String> {
    match &request.target {
        Target::Path(segments) => segments.clone(),
        Target::Follow(url) => panic!("{url}"),
    }
}

fn row(catalogue: &Value, request: &Request) -> Option<Value> {
    let rows = catalogue["calls"].as_array()?;
    rows.iter().find(|row| row["method"] == request.method && row["path"] == json!(segments(request))).cloned()
}

/// The request as the technician would send it, in the golden file's form.
fn sent(request: &Request, row: &Value) -> Value {
    let sent_body = match &request.body {
        Body::Empty => String::new(),
        Body::Json(text) => text.clone(),
        Body::Form(pairs) => form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish(),
    };
    json!({"m": request.method, "p": format!("/api/{}", segments(request).join("/")), "h": {"content-type": row["content_type"]}, "b": sent_body})
}

/// Members of the recorded body that ours lacks or holds in another type; ids must be equal.
fn compare_json(golden: &Value, ours: &Value, at: &str, differences: &mut Vec<String>) {
    match (golden, ours) {
        (Value::Object(members), Value::Object(_)) => {
            members.iter().for_each(|(name, value)| compare_json(value, &ours[name.as_str()], &format!("{at}/{name}"), differences))
        }
        (Value::Array(items), Value::Array(_)) => {
            items.iter().enumerate().for_each(|(i, value)| compare_json(value, &ours[i], &format!("{at}/{i}"), differences))
        }
        (Value::String(a), Value::String(b)) if a == b || !["/channel", "/ts", "/blocks/0/type"].contains(&at) => {}
        _ => differences.push(format!("{at}: {golden} against {ours}")),
    }
}

fn compare(golden: &Value, ours: &Value) -> Vec<String> {
    let mut differences: Vec<String> =
        ["/m", "/p", "/h/content-type"].into_iter().filter(|at| golden.pointer(at) != ours.pointer(at)).map(str::to_string).collect();
    let text = |request: &Value| request["b"].as_str().unwrap().to_string();
    match (serde_json::from_str::<Value>(&text(golden)), serde_json::from_str::<Value>(&text(ours))) {
        (Ok(golden), Ok(ours)) => compare_json(&golden, &ours, "", &mut differences),
        _ if text(golden) == text(ours) => {}
        _ => differences.push("/b".into()),
    }
    differences
}

#[test]
fn requests_match_those_of_slacks_own_sdk() {
    let catalogue: Value = serde_json::from_str(CATALOGUE).unwrap();
    let requests = [Act::Say(message("welcome", &[])), Act::OpenDirect("U1".into()), Act::Replace(("1.2".into(), message("welcome", &[])))];
    let golden: Vec<Value> = GOLDEN.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(golden.len(), requests.len());
    for (golden, act) in golden.iter().zip(&requests) {
        let request = only_request(act);
        let ours = sent(&request, &row(&catalogue, &request).unwrap());
        assert_eq!(compare(golden, &ours), Vec::<String>::new());
        // The comparison itself must be able to fail.
        for (pointer, wrong) in [
            ("/m", "GET"),
            ("/p", "/chat.postMessage"),
            ("/h/content-type", "application/json"),
            ("/b", "users=U2"),
            ("/b", r#"{"channel":"D2","ts":"1.2","text":1}"#),
        ] {
            let mut other = ours.clone();
            *other.pointer_mut(pointer).unwrap() = json!(wrong);
            assert!(!compare(golden, &other).is_empty(), "{pointer} {wrong}");
        }
    }
}

#[test]
fn every_request_fits_a_row_of_the_call_catalogue() {
    let catalogue: Value = serde_json::from_str(CATALOGUE).unwrap();
    let mut used = BTreeSet::new();
    for request in every_request() {
        let row = row(&catalogue, &request).unwrap_or_else(|| panic!("no row: {}", testing::line(&request)));
        used.insert(row["name"].to_string());
        assert_eq!(row["effect"], if request.effect == Effect::Read { "read" } else { "change" });
        for (name, _) in &request.query {
            assert!(row["query"].as_array().unwrap().contains(&json!(name)), "{name}");
        }
        let members: BTreeSet<String> = match &request.body {
            Body::Empty => BTreeSet::new(),
            Body::Json(text) => serde_json::from_str::<Value>(text).unwrap().as_object().unwrap().keys().map(|name| format!("/{name}")).collect(),
            Body::Form(pairs) => pairs.iter().map(|(name, _)| format!("/{name}")).collect(),
        };
        let Some(rules) = row["body"].as_object() else {
            assert!(row["body"] == "none" && members.is_empty());
            continue;
        };
        assert!(members.iter().all(|member| rules.contains_key(member)), "{members:?}");
        for (pointer, rule) in rules {
            if let (Some(fixed), Body::Json(text)) = (rule.get("fixed"), &request.body) {
                assert_eq!(serde_json::from_str::<Value>(text).unwrap().pointer(pointer), Some(fixed), "{pointer}");
            }
            assert!(rule["required"] != true || members.contains(pointer), "{pointer}");
        }
        for fill in &request.fill {
            assert!(rules["/blocks/*/elements/*/url"]["fill"].as_array().unwrap().contains(&json!(fill.name)));
        }
    }
    let all: BTreeSet<String> =
        catalogue["calls"].as_array().unwrap().iter().map(|row| row["name"].to_string()).filter(|name| !name.contains("auth_test")).collect();
    assert_eq!(used, all);
}
