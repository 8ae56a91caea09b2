//! Requests against the vendors' own OpenAPI documents.

use crate::web::Ask;
use serde_json::{Map, Value};
use std::sync::OnceLock;

/// Query options that Graph's document leaves out: OData's own, known for every collection.
const ODATA: [&str; 6] = ["$select", "$filter", "$count", "$orderby", "$skiptoken", "$expand"];

fn graph() -> &'static Value {
    static SPEC: OnceLock<Value> = OnceLock::new();
    SPEC.get_or_init(|| serde_json::from_str(include_str!("../data/graph.json")).unwrap_or_default())
}

fn okta() -> &'static Value {
    static SPEC: OnceLock<Value> = OnceLock::new();
    SPEC.get_or_init(|| serde_json::from_str(include_str!("../data/okta.json")).unwrap_or_default())
}

/// Whether Graph's document knows a property of a type.
pub(crate) fn graph_has(kind: &str, property: &str) -> bool {
    let schema = graph().pointer(&format!("/components/schemas/{kind}")).unwrap_or(&Value::Null);
    parts(graph(), schema, 0).iter().any(|part| part.get("properties").is_some_and(|known| known.get(property).is_some()))
}

/// `Ok(true)`: in the document, and as it says. `Ok(false)`: the document does not have the call.
///
/// # Errors
/// What does not fit.
pub(crate) fn check(vendor: &str, ask: &Ask) -> Result<bool, String> {
    let Some((spec, operation, shared)) = operation(vendor, ask) else { return Ok(false) };
    let parameters: Vec<&Value> =
        [shared, operation.get("parameters")].into_iter().flatten().filter_map(Value::as_array).flatten().map(|one| resolve(spec, one)).collect();
    let of_query = |one: &&&Value| one.get("in").and_then(Value::as_str) == Some("query");
    let named = |one: &Value, name: &str| one.get("name").and_then(Value::as_str) == Some(name);
    for (name, value) in &ask.query {
        match parameters.iter().filter(of_query).find(|one| named(one, name)) {
            Some(one) => fits_text(one.get("schema").unwrap_or(&Value::Null), value).map_err(|error| format!("query option `{name}`: {error}"))?,
            None if vendor == "entra" && ODATA.contains(&name.as_str()) => {}
            None => return Err(format!("query option `{name}` is not in the document")),
        }
    }
    for one in parameters.iter().filter(of_query).filter(|one| one.get("required") == Some(&Value::Bool(true))) {
        let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
        if ask.query(name).is_none() {
            return Err(format!("query option `{name}` is missing"));
        }
    }
    let body = operation.get("requestBody").map(|body| resolve(spec, body));
    match (body, ask.body.is_empty()) {
        (None, true) => Ok(true),
        (None, false) => Err("a body where the document has none".into()),
        (Some(body), true) if body.get("required") == Some(&Value::Bool(true)) => Err("the body is missing".into()),
        (Some(_), true) => Ok(true),
        (Some(body), false) => {
            let media = ask.media().unwrap_or_default();
            let schema = body.get("content").and_then(|content| content.get(&media)).ok_or_else(|| format!("content type `{media}` is not in the document"))?;
            let value: Value = serde_json::from_slice(&ask.body).map_err(|error| error.to_string())?;
            fits(spec, schema.get("schema").unwrap_or(&Value::Null), &value, "", 0).map(|()| true)
        }
    }
}

/// Whether an answer is what the document promises. For tests of the emulators themselves.
#[cfg(test)]
pub(crate) fn check_reply(vendor: &str, ask: &Ask, status: u16, body: &Value) -> Result<bool, String> {
    let Some((spec, operation, _)) = operation(vendor, ask) else { return Ok(false) };
    let Some(answer) = operation.get("responses").and_then(|all| all.get(status.to_string())).map(|answer| resolve(spec, answer)) else {
        return Err(format!("status {status} is not in the document"));
    };
    match answer.pointer("/content/application~1json/schema") {
        // The document's stub for a bare boolean.
        Some(schema) if schema.get("description").and_then(Value::as_str).is_some_and(|text| text.starts_with("Stub for")) => Ok(true),
        Some(schema) => fits(spec, schema, body, "", 0).map(|()| true),
        None => Ok(true),
    }
}

fn operation<'a>(vendor: &str, ask: &Ask) -> Option<(&'a Value, &'a Value, Option<&'a Value>)> {
    let (spec, skip) = match vendor {
        "entra" => (graph(), 1),
        "okta" => (okta(), 0),
        _ => return None,
    };
    let ours: Vec<&str> = ask.path.iter().skip(skip).map(String::as_str).collect();
    let fixed_first = |(path, _): &(&String, &Value)| path.matches('{').count();
    let mut hits: Vec<_> = spec.get("paths")?.as_object()?.iter().filter(|(path, _)| template(path, &ours)).collect();
    hits.sort_by_key(fixed_first);
    let (_, item) = hits.first()?;
    Some((spec, item.get(ask.method.to_ascii_lowercase())?, item.get("parameters")))
}

fn template(path: &str, ours: &[&str]) -> bool {
    let known: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    known.len() == ours.len() && known.iter().zip(ours).all(|(known, ours)| known.starts_with('{') || known == ours)
}

fn resolve<'a>(spec: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#')) {
        Some(to) => spec.pointer(to).unwrap_or(&Value::Null),
        None => value,
    }
}

/// A schema and all that it includes by `allOf`.
fn parts<'a>(spec: &'a Value, schema: &'a Value, depth: u8) -> Vec<&'a Map<String, Value>> {
    let mut all: Vec<_> = resolve(spec, schema).as_object().into_iter().collect();
    if depth < 12 {
        let included = resolve(spec, schema).get("allOf").and_then(Value::as_array).into_iter().flatten();
        all.extend(included.flat_map(|part| parts(spec, part, depth + 1)));
    }
    all
}

fn fits_text(schema: &Value, text: &str) -> Result<(), String> {
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") if !matches!(text, "true" | "false") => Err("not a boolean".into()),
        Some("integer") if text.parse::<i64>().is_err() => Err("not a whole number".into()),
        _ => match schema.get("enum").and_then(Value::as_array) {
            Some(all) if !all.iter().any(|one| one == text) => Err("not one of the values".into()),
            _ => Ok(()),
        },
    }
}

/// Members that are not named are refused, unless the schema opens itself.
fn fits(spec: &Value, schema: &Value, value: &Value, at: &str, depth: u8) -> Result<(), String> {
    let schema = resolve(spec, schema);
    if depth > 24 || (value.is_null() && schema.get("nullable") == Some(&Value::Bool(true))) {
        return Ok(());
    }
    for name in ["oneOf", "anyOf"] {
        if let Some(options) = schema.get(name).and_then(Value::as_array)
            && !options.iter().any(|option| fits(spec, option, value, at, depth + 1).is_ok())
        {
            return Err(format!("`{at}` fits none of the alternatives"));
        }
    }
    if let Some(all) = schema.get("enum").and_then(Value::as_array)
        && !all.contains(value)
    {
        return Err(format!("`{at}` is not one of the values"));
    }
    let parts = parts(spec, schema, 0);
    let kind = parts
        .iter()
        .find_map(|part| part.get("type"))
        .and_then(Value::as_str)
        .or_else(|| parts.iter().any(|part| part.contains_key("properties")).then_some("object"));
    let right = match kind {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    };
    if !right {
        return Err(format!("`{at}` is not of type {}", kind.unwrap_or_default()));
    }
    for name in parts.iter().filter_map(|part| part.get("required")).filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            return Err(format!("`{at}/{name}` is missing"));
        }
    }
    match value {
        Value::Object(map) if parts.iter().any(|part| part.contains_key("properties")) => {
            let open = parts.iter().filter_map(|part| part.get("additionalProperties")).any(|open| *open != Value::Bool(false));
            for (name, member) in map {
                let below = format!("{at}/{name}");
                match parts.iter().find_map(|part| part.get("properties")?.get(name)) {
                    Some(schema) => fits(spec, schema, member, &below, depth + 1)?,
                    None if open || name.starts_with("@odata.") => {}
                    None => return Err(format!("`{below}` is not in the document")),
                }
            }
            Ok(())
        }
        Value::Array(items) => match schema.get("items") {
            Some(schema) => items.iter().try_for_each(|item| fits(spec, schema, item, &format!("{at}/*"), depth + 1)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ask;

    fn expect(vendor: &str, request: &str, media: &str, body: &str, expect: Result<bool, &str>) {
        let got = check(vendor, &ask(request, media, body));
        match (&got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(*got, expect, "{request} {body}"),
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{request} {body}: {reason}"),
            _ => panic!("{request} {body}: {got:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn requests_fit_the_documents_or_are_named() {
        let json = "application/json";
        for (vendor, request, media, body, then) in [
            ("entra", "GET /v1.0/users/4f?$select=id,mail", "", "", Ok(true)),
            ("entra", "GET /v1.0/users/4f?select=id", "", "", Err("`select`")),
            ("entra", "PATCH /v1.0/users/4f", json, r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"x"}}"#, Ok(true)),
            ("entra", "PATCH /v1.0/users/4f", json, r#"{"passwordProfile":{"forceChangePasswordNextSignIn":"true"}}"#, Err("not of type boolean")),
            ("entra", "PATCH /v1.0/users/4f", json, r#"{"passwordprofile":{}}"#, Err("passwordprofile")),
            ("entra", "PATCH /v1.0/users/4f", "text/json", "{}", Err("content type")),
            ("entra", "PATCH /v1.0/users/4f", "", "", Err("body is missing")),
            ("entra", "POST /v1.0/users/4f/revokeSignInSessions", json, "{}", Err("a body")),
            ("entra", "DELETE /v1.0/users/4f/revokeSignInSessions", "", "", Ok(false)),
            ("entra", "GET /v1.0/people", "", "", Ok(false)),
            ("entra", "POST /v1.0/groups/g1/members/$ref", json, "{}", Err("@odata.id` is missing")),
            ("okta", "POST /api/v1/users/00u1/lifecycle/reset_password?sendEmail=false", "", "", Ok(true)),
            ("okta", "POST /api/v1/users/00u1/lifecycle/reset_password?sendEmail=no", "", "", Err("not a boolean")),
            ("okta", "POST /api/v1/users/00u1/lifecycle/reset_password", "", "", Err("`sendEmail` is missing")),
            ("okta", "POST /api/v1/users/00u1/lifecycle/unlock?now=true", "", "", Err("`now`")),
            ("okta", "DELETE /api/v1/users/00u1/sessions?oauthTokens=true", "", "", Ok(true)),
            ("slack", "POST /api/chat.postMessage", json, "{}", Ok(false)),
        ] {
            expect(vendor, request, media, body, then);
        }
    }
}
