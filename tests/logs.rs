//! What components print: one structured line an event, and nothing of what people are called, wrote or were given.

use crate::rig::root;
use firstline_host::{Event, build, story};
use serde_json::Value;

/// Stories that together pass through chat, PSA, identity provider, link, outage, hand-over and page.
const STORIES: [&str; 10] = [
    "entra-reset",
    "okta-unlock",
    "german",
    "locale-of-the-profile",
    "mailed-ticket-yes",
    "mailed-ticket-no",
    "on-call-is-paged",
    "graph-down-for-five-minutes",
    "text-that-looks-like-a-secret",
    "workspace-guest",
];

/// Every text within a value that is long enough to be told from an id.
fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|value| texts(value, out)),
        Value::Array(items) => items.iter().for_each(|value| texts(value, out)),
        Value::String(text) => out.push(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What must be in no line: what was written and said, and whoever took part.
fn personal(story: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for step in story["steps"].as_array().unwrap() {
        texts(&step["say"], &mut all);
        texts(&step["act"]["connectwise"]["open"]["initialDescription"], &mut all);
    }
    let world: Value = serde_json::from_str(firstline_vendors::DEMO).unwrap();
    for workspace in world["slack"]["workspaces"].as_array().unwrap() {
        for user in workspace["users"].as_array().unwrap().iter().filter(|user| user["is_bot"] != true) {
            all.extend([&user["real_name"], &user["email"]].into_iter().filter_map(Value::as_str).map(str::to_string));
        }
    }
    all.retain(|text| text.len() > 3);
    all
}

#[test]
fn every_line_is_structured_names_case_and_tenant_and_holds_nothing_personal() {
    build::once(&root()).unwrap();
    let mut decided = 0;
    for name in STORIES {
        let path = root().join(format!("tests/stories/{name}.json"));
        let outcome = story::play(&root(), &story::read(&path).unwrap()).unwrap();
        let personal = personal(&serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap());
        let lines: Vec<String> = outcome.events.into_iter().filter_map(|event| if let Event::Line { text, .. } = event { Some(text) } else { None }).collect();
        assert!(lines.len() > 10, "{name} printed {} lines", lines.len());
        for text in &lines {
            let line: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{name}: no JSON: {text}"));
            let component = line["component"].as_str().unwrap_or_else(|| panic!("{name}: of no component: {text}"));
            // What is done for a case names it, and its client.
            if component == "technician" && ["decided", "sends", "replies", "done"].contains(&line["what"].as_str().unwrap_or_default()) {
                assert!(line["tenant"].is_string() && line["conversation"].is_string(), "{name}: {text}");
                // Words beside a case may be answered once it has ended.
                let none = ["done", "replies"].contains(&line["what"].as_str().unwrap());
                assert!(line["case"].is_string() || none, "{name}: {text}");
                decided += usize::from(line["what"] == "decided");
            }
            assert!(!text.replace("\"@msp\"", "").contains('@'), "{name}: an address in {text}");
            let found = personal.iter().find(|personal| text.contains(personal.as_str()));
            assert!(found.is_none(), "{name}: `{}` in {text}", found.unwrap());
        }
    }
    assert!(decided >= 8, "{decided}");
}
