//! What the table tests of both vendors share: a task and replies in, one line out.

use crate::Stage;
use crate::bindings::exports::firstline::idp::idp::{Account, Act, Guest, Outcome, Person, Sought, Step, Subject, Task};
use firstline_connector::replay::testing::{answer, line};
use firstline_connector::wire::{Body, Reply, Request, Target};

/// Whom to find, and nothing beside it.
pub(crate) fn sought(name: &str) -> Sought {
    Sought { name: name.into(), manager: false, groups: false }
}

/// The next step, in one line.
pub(crate) fn next(vendor: &str, act: Act, seen: &[Reply]) -> String {
    match Stage::next(Task { vendor: vendor.into(), started: 0, act }, seen.to_vec()) {
        Ok(Step::SendAll(requests)) => requests.iter().map(line).collect::<Vec<_>>().join(" | "),
        Ok(Step::Wait(seconds)) => format!("wait {seconds}"),
        Ok(Step::Checkpoint(state)) => format!("checkpoint {state}"),
        Ok(Step::Done(outcome)) => show(outcome),
        Err(error) => error.to_string(),
    }
}

/// The account that was found.
pub(crate) fn account(vendor: &str, act: Act, seen: &[Reply]) -> Option<Account> {
    match Stage::next(Task { vendor: vendor.into(), started: 0, act }, seen.to_vec()) {
        Ok(Step::Done(Outcome::Found(account))) => Some(account),
        Ok(_) | Err(_) => None,
    }
}

/// The requests of the next step.
pub(crate) fn requests(vendor: &str, act: Act, seen: &[Reply]) -> Vec<Request> {
    match Stage::next(Task { vendor: vendor.into(), started: 0, act }, seen.to_vec()) {
        Ok(Step::SendAll(requests)) => requests,
        other => panic!("no requests: {other:?}"),
    }
}

fn show(outcome: Outcome) -> String {
    match outcome {
        Outcome::Found(a) => {
            let (enabled, guest, synced) = (mark(a.enabled, "enabled"), mark(a.guest, "guest"), mark(a.synced, "synced"));
            let manager = a.manager.map_or_else(String::new, |manager| format!(" manager {} {} {}", manager.id, manager.name, manager.address));
            format!(
                "found {} {} `{}` [{}] {}{enabled}{guest}{synced} {:?} [{}]{manager}",
                a.id,
                a.login,
                a.name,
                a.names.join(" "),
                a.state,
                a.lock,
                a.privileged.join(", ")
            )
        }
        Outcome::Absent => "absent".into(),
        Outcome::People(people) => {
            let line =
                |p: &Person| format!("{} {} `{}` {} {} [{}]", p.id, p.login, p.name, p.department.as_deref().unwrap_or("-"), p.state, p.marks.join(", "));
            format!("people: {}", people.iter().map(line).collect::<Vec<_>>().join(" / "))
        }
        Outcome::SignedIn(at) => format!("signed in: {}", at.as_deref().unwrap_or("never")),
        Outcome::Changed(r) => format!("changed ({}): {}", r.secret.unwrap_or_default(), r.evidence.join(" / ")),
        Outcome::Unchanged(r) => format!("unchanged ({}): {}", r.secret.unwrap_or_default(), r.evidence.join(" / ")),
        Outcome::Escalate(e) => format!("{}: {}", e.code, e.text),
    }
}

fn mark(set: bool, word: &str) -> String {
    if set { format!(" {word}") } else { String::new() }
}

pub(crate) fn jane(id: &str) -> Subject {
    Subject { id: id.into(), login: "jane@acme.com".into() }
}

pub(crate) fn ok(body: &str) -> Reply {
    answer(200, body)
}

/// A recorded request of the vendor's own client: method, path, query and body, as far as they matter.
pub(crate) fn golden(text: &str) -> Vec<(String, String)> {
    text.lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let body = match line["b"].as_str().unwrap() {
                "" => String::new(),
                body => {
                    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
                    body.as_object_mut().unwrap().remove("@odata.type");
                    body.to_string()
                }
            };
            (format!("{} {}", line["m"].as_str().unwrap(), line["p"].as_str().unwrap().replace("%40", "@")), body)
        })
        .collect()
}

/// Our request as a recorded one: below `base`, with secrets filled in.
pub(crate) fn recorded(request: &Request, base: &str, secret: &str) -> (String, String) {
    let Target::Path(path) = &request.target else { panic!("not a path: {:?}", request.target) };
    let query: Vec<String> = request.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let body = match &request.body {
        Body::Empty => String::new(),
        Body::Json(text) => {
            let mut body: serde_json::Value = serde_json::from_str(text).unwrap();
            for fill in &request.fill {
                *body.pointer_mut(&fill.pointer).unwrap() = secret.into();
            }
            body.to_string()
        }
        Body::Form(_) => panic!("no vendor here takes forms"),
    };
    (format!("{} {base}/{}{query}", request.method, path.join("/")), body)
}

/// The names of the rows of the technician's catalogue that take these requests; a request without a row would never be sent.
pub(crate) fn rows(catalogue: &str, requests: &[Request]) -> Vec<String> {
    let catalogue: serde_json::Value = serde_json::from_str(catalogue).unwrap();
    let calls = catalogue["calls"].as_array().unwrap();
    requests
        .iter()
        .map(|request| {
            calls.iter().find(|row| takes(row, request)).map_or_else(|| format!("no row: {}", line(request)), |row| row["name"].as_str().unwrap().into())
        })
        .collect()
}

fn takes(row: &serde_json::Value, request: &Request) -> bool {
    let Target::Path(path) = &request.target else { return row["follow"] == true };
    let template: Vec<&str> = row["path"].as_array().unwrap().iter().map(|segment| segment.as_str().unwrap()).collect();
    let allowed = |member: &str, names: &[(String, String)]| {
        names.iter().all(|(name, _)| row[member].as_array().is_some_and(|allowed| allowed.iter().any(|a| a == name)))
    };
    let body = match &request.body {
        Body::Empty => row["body"] == "none",
        Body::Json(text) => {
            let body: serde_json::Value = serde_json::from_str(text).unwrap();
            let fills = request.fill.iter().all(|fill| row["body"][&fill.pointer]["fill"][0] == *fill.name);
            fills
                && row["body"].as_object().is_some_and(|rules| {
                    rules.iter().all(|(pointer, rule)| body.pointer(pointer).is_some_and(|value| rule.get("fixed").unwrap_or(&"".into()) == value))
                })
        }
        Body::Form(_) => false,
    };
    request.method == row["method"].as_str().unwrap()
        && format!("{:?}", request.effect).to_lowercase().ends_with(row["effect"].as_str().unwrap())
        && path.len() == template.len()
        && path.iter().zip(template).all(|(segment, template)| segment == template || template.starts_with('{'))
        && allowed("query", &request.query)
        && allowed("set_headers", &request.headers)
        && body
}
