use crate::Stage;
use crate::opinion::{Guest, Outcome, Step, Task};
use firstline_connector::replay::testing::answer;
use firstline_connector::wire::{Body, Reply, Target};
use serde_json::{Value, json};

fn task() -> Task {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect();
    Task {
        vendor: "openai".into(),
        started: 0,
        model: "small".into(),
        text: "the thing on my desk beeps".into(),
        intents: names(&["printer", "other"]),
        kinds: names(&["device"]),
    }
}

fn next(seen: &[Reply]) -> String {
    match Stage::next(task(), seen.to_vec()) {
        Ok(Step::Done(Outcome::Given(reading))) => {
            let entities: Vec<String> = reading.entities.iter().map(|entity| format!(" {}={}", entity.kind, entity.words)).collect();
            format!("{}{}", reading.intent, entities.concat())
        }
        Ok(Step::Done(Outcome::None(why))) => format!("none: {why}"),
        other => panic!("{other:?}"),
    }
}

/// A completion with this content and end.
fn completion(content: &str, finish: &str) -> Reply {
    answer(200, &json!({"id": "c1", "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}]}).to_string())
}

#[test]
fn the_text_goes_alone_and_the_schema_leaves_only_names() {
    let Ok(Step::SendAll(requests)) = Stage::next(task(), vec![]) else { panic!("no request") };
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    let (Target::Path(path), Body::Json(body)) = (&request.target, &request.body) else { panic!("{request:?}") };
    assert_eq!((request.method.as_str(), path.join("/").as_str()), ("POST", "chat/completions"));
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["messages"][1], json!({"role": "user", "content": "the thing on my desk beeps"}));
    assert!(!body["messages"][0]["content"].as_str().unwrap().contains("beeps"), "the text stands in no instruction");
    let schema = &body["response_format"]["json_schema"]["schema"];
    assert_eq!(schema["properties"]["about"]["enum"], json!(["printer", "other"]));
    assert_eq!(schema["properties"]["named"]["items"]["properties"]["kind"]["enum"], json!(["device"]));
    assert_eq!((&body["max_tokens"], &body["temperature"], &body["stream"]), (&json!(300), &json!(0), &json!(false)));
}

#[test]
fn an_answer_of_the_right_shape_is_taken_and_any_other_is_none() {
    let written = |content: &str| next(&[completion(content, "stop")]);
    for (content, expect) in [
        (r#"{"about":"printer","named":[{"kind":"device","words":"the thing"}]}"#, "printer device=the thing"),
        (r#"{"about":"printer"}"#, "printer"),
        (r#"{"about":"printer","named":[],"confidence":4711,"action":"reset"}"#, "printer"),
        (r#"{"about":"printer","named":[{"kind":"secret","words":"x"},{"kind":"device","words":"y"}]}"#, "printer device=y"),
        (r#"{"about":"password_reset","named":[]}"#, "none: it named no intent that there is"),
        (r#"{"about":["printer"]}"#, "none: its answer does not follow the schema"),
        (r#"{"about":"printer","about":"other"}"#, "none: its answer does not follow the schema"),
        (r#"{"about":"printer","named":[{"kind":"dev"#, "none: its answer does not follow the schema"),
        ("Sure! It is about a printer.", "none: its answer does not follow the schema"),
        ("", "none: its answer does not follow the schema"),
    ] {
        assert_eq!(written(content), expect, "{content}");
    }
    let many: Vec<Value> = (0..40).map(|number| json!({"kind": "device", "words": number.to_string()})).collect();
    assert_eq!(written(&json!({"about": "printer", "named": many}).to_string()).matches("device=").count(), 16);
    let good = r#"{"about":"printer","named":[]}"#;
    for (reply, expect) in [
        (completion(good, "length"), "none: its answer was cut short"),
        (completion(good, "content_filter"), "none: it did not finish its answer"),
        (answer(200, r#"{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}"#), "none: its answer is empty"),
        (answer(200, r#"{"choices":[]}"#), "none: its answer holds no choice"),
        (answer(200, r#"{"choices":[{"mess"#), "none: its answer is no completion"),
        (answer(200, good), "none: its answer is no completion"),
        (answer(429, "{}"), "none: it answered 429"),
        (answer(503, ""), "none: it answered 503"),
        (Reply::Unknown(9), "none: it did not answer in time"),
        (Reply::NotApplied(9), "none: it did not answer in time"),
    ] {
        assert_eq!(next(&[reply]), expect);
    }
}

#[test]
fn a_vendor_whose_wire_is_not_known_is_not_guessed_at() {
    assert!(Stage::next(Task { vendor: "other".into(), ..task() }, vec![]).is_err());
}
