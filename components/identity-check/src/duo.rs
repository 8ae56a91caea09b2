//! Pushes: the wire of Duo's Auth API v2.
//!
//! Source: Duo's reference of the Auth API and its clients. Whether a number has to be matched is Duo's policy ("Verified Push"), and none of ours.

use crate::bindings::exports::firstline::identity::identity::{Act, Outcome, Task};
use crate::twilio::failed;
use firstline_connector::replay::{Changed, Io, Read, Stop, get, request};
use firstline_connector::wire::{Body, Effect, Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Seconds between two looks; a push is dead after a minute. All but the last are short enough to be slept through.
const LOOKS: [u32; 9] = [3, 3, 4, 4, 5, 5, 5, 5, 40];

/// Sends a push, and waits for what its receiver says.
///
/// # Errors
/// The request that is to be sent.
pub(crate) fn next(task: &Task, io: &mut Io) -> Result<Outcome, Stop<Outcome>> {
    let Act::Push(login) = &task.act else { return Ok(failed("vendor-refused", "no codes are sent by Duo")) };
    // Reads only: which ways there are for this person.
    match answer::<Preauth>(io.read(post("preauth", &[("username", login)], Effect::Read))?) {
        // INVARIANT: whoever Duo lets pass without asking has proved nothing.
        Some(Preauth { result, devices }) if result == "auth" => {
            if !devices.iter().any(|device| device.capabilities.iter().any(|can| can == "push")) {
                return Ok(failed("no-device", "no device takes a push"));
            }
        }
        Some(Preauth { result, .. }) => return Ok(failed("no-device", &format!("Duo says `{}` of this person", plain(&result)))),
        None => return Ok(failed("vendor-refused", "Duo did not say how this person may be asked")),
    }
    let push = [("username", login.as_str()), ("factor", "push"), ("device", "auto"), ("async", "1")];
    let sent = match io.change(post("auth", &push, Effect::Change))? {
        Changed::Answered(response) => answer::<Begun>(Read::Answered(response)),
        Changed::Unknown => return Ok(failed("unknown-outcome", "the answer to the push was lost, so nobody knows which it is")),
        Changed::NotApplied => return Ok(failed("sent-too-often", "Duo takes no more requests")),
    };
    let Some(Begun { txid }) = sent else { return Ok(failed("vendor-refused", "Duo sends no push")) };
    for seconds in LOOKS {
        io.wait(seconds)?;
        let look = Request { query: vec![("txid".into(), txid.clone())], ..get(&["auth", "v2", "auth_status"]) };
        let Some(Status { result, status }) = answer(io.read(look)?) else { continue };
        match (result.as_str(), status.as_str()) {
            ("allow", _) => return Ok(Outcome::Passed),
            ("deny", "timeout") => break,
            // `fraud`: its receiver says so.
            ("deny", _) => return Ok(Outcome::Refused),
            _ => {}
        }
    }
    Ok(failed("expired", "nobody answered the push"))
}

fn post(call: &str, form: &[(&str, &str)], effect: Effect) -> Request {
    let form = form.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
    request("POST", &["auth", "v2", call], Body::Form(form), effect)
}

/// A word of the vendor's, without what it may quote.
fn plain(word: &str) -> String {
    word.chars().filter(char::is_ascii_lowercase).take(20).collect()
}

/// What stands in a good answer.
fn answer<T: DeserializeOwned>(read: Read) -> Option<T> {
    #[derive(Deserialize)]
    struct Wrapped<T> {
        stat: String,
        response: T,
    }
    match read {
        Read::Answered(Response { status: 200, body, .. }) => {
            serde_json::from_str::<Wrapped<T>>(&body).ok().filter(|wrapped| wrapped.stat == "OK").map(|wrapped| wrapped.response)
        }
        Read::Answered(_) | Read::Down => None,
    }
}

#[derive(Deserialize)]
struct Preauth {
    result: String,
    #[serde(default)]
    devices: Vec<Device>,
}

#[derive(Deserialize)]
struct Device {
    #[serde(default)]
    capabilities: Vec<String>,
}

#[derive(Deserialize)]
struct Begun {
    txid: String,
}

#[derive(Deserialize)]
struct Status {
    result: String,
    #[serde(default)]
    status: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_connector::replay::testing::{answer, line};
    use firstline_connector::replay::{Step, run};
    use firstline_connector::wire::Reply;

    const MAY: &str = r#"{"stat":"OK","response":{"result":"auth","devices":[{"device":"D1","capabilities":["auto","push","sms"]}]}}"#;
    const SENT: &str = r#"{"stat":"OK","response":{"txid":"t-1"}}"#;

    fn check(seen: &[Reply], expect: &str) {
        let act = Act::Push("ivy@initech.example".into());
        let task = Task { vendor: "duo".into(), started: 0, service: String::new(), language: "en".into(), act };
        let got = match run(task.started, seen, |io| next(&task, io)).unwrap() {
            Step::SendAll(requests) => requests.iter().map(line).collect(),
            Step::Done(outcome) => format!("{outcome:?}"),
            Step::Wait(seconds) => format!("wait {seconds}"),
            Step::Checkpoint(_) => "something else".into(),
        };
        assert!(got.contains(expect), "{got}");
    }

    fn said(result: &str, status: &str) -> Reply {
        answer(200, &format!(r#"{{"stat":"OK","response":{{"result":"{result}","status":"{status}"}}}}"#))
    }

    #[test]
    fn a_push_is_sent_once_and_its_answer_waited_for() {
        let (may, sent, waited) = (answer(200, MAY), answer(200, SENT), Reply::Waited(4_000));
        check(&[], "POST auth/v2/preauth username=ivy@initech.example");
        check(std::slice::from_ref(&may), "POST auth/v2/auth username=ivy@initech.example&factor=push&device=auto&async=1");
        check(&[may.clone(), sent.clone()], "wait 3");
        let looked = [may.clone(), sent.clone(), waited.clone()];
        check(&looked, "GET auth/v2/auth_status?txid=t-1");
        for (reply, expect) in [
            (said("allow", "allow"), "Passed"),
            (said("deny", "deny"), "Refused"),
            (said("deny", "fraud"), "Refused"),
            (said("deny", "timeout"), "expired"),
            (said("waiting", "pushed"), "wait 3"),
            (answer(500, ""), "wait 3"),
            (Reply::Unknown(1), "wait 3"),
            (answer(200, r#"{"stat":"FAIL","response":{"result":"allow"}}"#), "wait 3"),
        ] {
            check(&[&looked[..], &[reply]].concat(), expect);
        }
        let ignored: Vec<Reply> = LOOKS.iter().flat_map(|_| [waited.clone(), said("waiting", "pushed")]).collect();
        check(&[&[may, sent][..], &ignored].concat(), "expired");
    }

    #[test]
    fn whoever_duo_lets_pass_unasked_has_proved_nothing() {
        for (body, expect) in [
            (r#"{"stat":"OK","response":{"result":"allow"}}"#, "no-device"),
            (r#"{"stat":"OK","response":{"result":"deny"}}"#, "no-device"),
            (r#"{"stat":"OK","response":{"result":"enroll"}}"#, "no-device"),
            (r#"{"stat":"OK","response":{"result":"auth","devices":[{"capabilities":["sms"]}]}}"#, "no-device"),
            (r#"{"stat":"FAIL","code":40002}"#, "vendor-refused"),
            ("no JSON", "vendor-refused"),
        ] {
            check(&[answer(200, body)], expect);
        }
        let may = answer(200, MAY);
        check(&[may.clone(), Reply::Unknown(1)], "unknown-outcome");
        check(&[may.clone(), Reply::NotApplied(1)], "sent-too-often");
        check(&[may, answer(400, r#"{"stat":"FAIL"}"#)], "vendor-refused");
        check(&[Reply::Unknown(1)], "vendor-refused");
    }
}
