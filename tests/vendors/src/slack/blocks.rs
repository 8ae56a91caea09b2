//! The limits of Block Kit, for the blocks that are emulated.

use crate::web::only;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Checks the blocks of a message and gives back what Slack stores: with the ids that it adds.
pub(crate) fn check(blocks: &[Value], serial: u64) -> Result<Vec<Value>, String> {
    if blocks.len() > 50 {
        return Err("more than 50 blocks".into());
    }
    let mut ids = HashSet::new();
    let mut out = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let mut block = block.as_object().ok_or_else(|| format!("/blocks/{at}: not an object"))?.clone();
        check_block(&mut block, serial, at).map_err(|error| format!("/blocks/{at}: {error}"))?;
        let id = block.entry("block_id").or_insert_with(|| json!(format!("b{serial}{at}"))).as_str().unwrap_or_default().to_string();
        if id.is_empty() || id.chars().count() > 255 {
            return Err(format!("/blocks/{at}/block_id: must be 1 to 255 characters"));
        }
        if !ids.insert(id) {
            return Err(format!("/blocks/{at}/block_id: not unique"));
        }
        out.push(Value::Object(block));
    }
    Ok(out)
}

fn check_block(block: &mut Map<String, Value>, serial: u64, at: usize) -> Result<(), String> {
    match block.get("type").and_then(Value::as_str) {
        Some("divider") => only(block, &["type", "block_id"]),
        Some("header") => {
            only(block, &["type", "block_id", "text"])?;
            text(block.get("text").ok_or("`text` is missing")?, &["plain_text"], 150)
        }
        Some("section") => {
            only(block, &["type", "block_id", "text", "fields", "accessory", "expand"])?;
            if let Some(value) = block.get("text") {
                text(value, &["mrkdwn", "plain_text"], 3000)?;
            }
            match block.get("fields") {
                Some(Value::Array(fields)) if (1..=10).contains(&fields.len()) => {
                    fields.iter().try_for_each(|field| text(field, &["mrkdwn", "plain_text"], 2000))?
                }
                Some(_) => return Err("`fields` must be 1 to 10 texts".into()),
                None if !block.contains_key("text") => return Err("neither `text` nor `fields`".into()),
                None => {}
            }
            match block.get_mut("accessory") {
                Some(accessory) => button(accessory, &mut HashSet::new(), &format!("a{serial}{at}")),
                None => Ok(()),
            }
        }
        Some("context") => {
            only(block, &["type", "block_id", "elements"])?;
            match block.get("elements") {
                Some(Value::Array(elements)) if (1..=10).contains(&elements.len()) => {
                    elements.iter().try_for_each(|element| text(element, &["mrkdwn", "plain_text"], 3000))
                }
                _ => Err("`elements` must be 1 to 10 texts".into()),
            }
        }
        Some("actions") => {
            only(block, &["type", "block_id", "elements"])?;
            match block.get_mut("elements") {
                Some(Value::Array(elements)) if (1..=25).contains(&elements.len()) => {
                    let mut ids = HashSet::new();
                    elements.iter_mut().enumerate().try_for_each(|(n, element)| button(element, &mut ids, &format!("a{serial}{at}{n}")))
                }
                _ => Err("`elements` must be 1 to 25 buttons".into()),
            }
        }
        Some(other) => Err(format!("block type `{other}` is unknown here")),
        None => Err("`type` is missing".into()),
    }
}

fn text(value: &Value, kinds: &[&str], limit: usize) -> Result<(), String> {
    let map = value.as_object().ok_or("a text object is needed")?;
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default();
    if !kinds.contains(&kind) {
        return Err(format!("text type `{kind}` where {kinds:?} is needed"));
    }
    only(map, if kind == "mrkdwn" { &["type", "text", "verbatim"] } else { &["type", "text", "emoji"] })?;
    if ["verbatim", "emoji"].iter().any(|name| map.get(*name).is_some_and(|value| !value.is_boolean())) {
        return Err("`emoji` and `verbatim` are booleans".into());
    }
    match map.get("text").and_then(Value::as_str).map(|text| text.chars().count()) {
        Some(length) if length >= 1 && length <= limit => Ok(()),
        Some(length) => Err(format!("a text of {length} characters where 1 to {limit} may stand")),
        None => Err("`text` is missing".into()),
    }
}

fn button(value: &mut Value, ids: &mut HashSet<String>, usual: &str) -> Result<(), String> {
    let map = value.as_object_mut().ok_or("a button is needed")?;
    if map.get("type").and_then(Value::as_str) != Some("button") {
        return Err("only elements of type `button` are known here".into());
    }
    only(map, &["type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"])?;
    text(map.get("text").ok_or("a button needs `text`")?, &["plain_text"], 75)?;
    for (name, limit) in [("action_id", 255), ("url", 3000), ("value", 2000), ("accessibility_label", 75)] {
        match map.get(name) {
            None => {}
            Some(Value::String(text)) if !text.is_empty() && text.chars().count() <= limit => {}
            Some(_) => return Err(format!("`{name}` must be 1 to {limit} characters")),
        }
    }
    if map.get("url").and_then(Value::as_str).is_some_and(|url| !(url.starts_with("https://") || url.starts_with("http://"))) {
        return Err("`url` is not an address".into());
    }
    if !matches!(map.get("style").map(Value::as_str), None | Some(Some("primary" | "danger"))) {
        return Err("`style` is `primary` or `danger`".into());
    }
    if let Some(confirm) = map.get("confirm") {
        let confirm = confirm.as_object().ok_or("`confirm` is not an object")?;
        only(confirm, &["title", "text", "confirm", "deny", "style"])?;
        for (name, limit) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
            text(
                confirm.get(name).ok_or_else(|| format!("`confirm` needs `{name}`"))?,
                if name == "text" { &["plain_text", "mrkdwn"] } else { &["plain_text"] },
                limit,
            )?;
        }
    }
    let id = map.entry("action_id").or_insert_with(|| json!(usual)).as_str().unwrap_or_default().to_string();
    if ids.insert(id.clone()) { Ok(()) } else { Err(format!("action_id `{id}` is not unique")) }
}

/// Checks a modal; its blocks only for what messages share.
pub(crate) fn check_view(view: &Map<String, Value>) -> Result<(), String> {
    only(
        view,
        &[
            "type",
            "callback_id",
            "title",
            "submit",
            "close",
            "blocks",
            "private_metadata",
            "clear_on_close",
            "notify_on_close",
            "external_id",
            "submit_disabled",
        ],
    )?;
    if view.get("type").and_then(Value::as_str) != Some("modal") {
        return Err("only views of type `modal` are known here".into());
    }
    text(view.get("title").ok_or("`title` is missing")?, &["plain_text"], 24)?;
    for name in ["submit", "close"] {
        if let Some(value) = view.get(name) {
            text(value, &["plain_text"], 24)?;
        }
    }
    for (name, limit) in [("callback_id", 255), ("private_metadata", 3000), ("external_id", 255)] {
        if view.get(name).is_some_and(|value| value.as_str().is_none_or(|text| text.chars().count() > limit)) {
            return Err(format!("`{name}` must be a text of at most {limit} characters"));
        }
    }
    let blocks = view.get("blocks").and_then(Value::as_array).ok_or("`blocks` is missing")?;
    let mut inputs = 0;
    let mut shared = Vec::new();
    for block in blocks {
        if block.get("type").and_then(Value::as_str) == Some("input") {
            inputs += 1;
            let block = block.as_object().ok_or("not an object")?;
            only(block, &["type", "block_id", "label", "element", "hint", "optional", "dispatch_action"])?;
            text(block.get("label").ok_or("an input needs `label`")?, &["plain_text"], 2000)?;
            let element = block.get("element").and_then(Value::as_object).ok_or("an input needs `element`")?;
            if element.get("type").and_then(Value::as_str) != Some("plain_text_input") {
                return Err("only elements of type `plain_text_input` are known here".into());
            }
        } else {
            shared.push(block.clone());
        }
    }
    if inputs > 0 && !view.contains_key("submit") {
        return Err("a view with inputs needs `submit`".into());
    }
    check(&shared, 0).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(block: Value, expect: Option<&str>) {
        let got = check(std::slice::from_ref(&block), 1).err();
        assert_eq!(got.is_some(), expect.is_some(), "{block}: {got:?}");
        assert!(got.unwrap_or_default().contains(expect.unwrap_or_default()), "{block}: {expect:?}");
    }

    #[test]
    fn blocks_are_accepted_and_refused_as_block_kit_says() {
        let button = |more: Value| {
            let mut button = json!({"type": "button", "text": {"type": "plain_text", "text": "Yes"}, "action_id": "a"});
            for (name, value) in more.as_object().unwrap() {
                button[name] = value.clone();
            }
            json!({"type": "actions", "elements": [button]})
        };
        for (block, expect) in [
            (json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3000)}}), None),
            (json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3001)}}), Some("3001")),
            (json!({"type": "section", "text": {"type": "mrkdwn", "text": ""}}), Some("0 characters")),
            (json!({"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": true}}), Some("emoji")),
            (json!({"type": "section"}), Some("neither")),
            (json!({"type": "section", "text": "x"}), Some("text object")),
            (json!({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}), Some("mrkdwn")),
            (json!({"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}]}), None),
            (json!({"type": "context", "elements": []}), Some("1 to 10")),
            (json!({"type": "divider", "text": "x"}), Some("unknown field `text`")),
            (json!({"type": "marquee"}), Some("marquee")),
            (button(json!({"value": "v".repeat(2000), "url": "https://x.example/s", "style": "primary"})), None),
            (button(json!({"value": "v".repeat(2001)})), Some("`value`")),
            (button(json!({"url": "javascript:alert(1)"})), Some("address")),
            (button(json!({"url": format!("https://{}", "x".repeat(3000))})), Some("`url`")),
            (button(json!({"style": "green"})), Some("style")),
            (button(json!({"text": {"type": "plain_text", "text": "x".repeat(76)}})), Some("76")),
            (button(json!({"colour": "red"})), Some("colour")),
        ] {
            check_one(block, expect);
        }
        let twice = json!({"type": "button", "text": {"type": "plain_text", "text": "Yes"}, "action_id": "a"});
        check_one(json!({"type": "actions", "elements": [twice, twice]}), Some("not unique"));
    }
}
