//! Codes by SMS: the wire of Twilio Verify v2, which makes a code, sends it and checks it, so that nobody else ever holds one.
//!
//! Sources: Twilio's reference of Verifications and Verification Checks. What was approved, has expired (ten minutes) or was tried too often is gone: 404.
//! So nothing can be read back, and a check whose answer was lost counts as not passed.

use crate::bindings::exports::firstline::identity::identity::{Act, Outcome, Task};
use firstline_connector::replay::{Changed, Io, Stop, request};
use firstline_connector::wire::{Body, Effect, Fill, Request, Response};
use serde::Deserialize;

/// The secret that is filled in.
const CODE: &str = "code";

/// Sends a code, or checks one.
///
/// # Errors
/// The request that is to be sent.
pub(crate) fn next(task: &Task, io: &mut Io) -> Result<Outcome, Stop<Outcome>> {
    match &task.act {
        Act::SendCode(number) => {
            let form = [("To", number.as_str()), ("Channel", "sms"), ("Locale", &task.language)];
            Ok(match io.change(post(task, "Verifications", &form))? {
                Changed::Answered(Response { status: 201, .. }) => Outcome::Sent,
                // It may have left: if not, whoever waits for it says so.
                Changed::Unknown => Outcome::Sent,
                Changed::Answered(refused) => sent_not(&refused),
                Changed::NotApplied => failed("sent-too-often", "Twilio takes no more requests"),
            })
        }
        Act::CheckCode(number) => {
            let fill = vec![Fill { pointer: "/Code".into(), name: CODE.into() }];
            let check = Request { fill, ..post(task, "VerificationCheck", &[("To", number.as_str()), ("Code", "")]) };
            Ok(match io.change(check)? {
                Changed::Answered(Response { status: 200, body, .. }) => checked(&body, number),
                Changed::Answered(Response { status: 404, .. }) => failed("expired", "the code has expired, or was used"),
                Changed::Answered(refused) => failed("vendor-refused", &told(&refused)),
                Changed::NotApplied => failed("tried-too-often", "Twilio takes no more tries"),
                Changed::Unknown => failed("unknown-outcome", "the answer to the check was lost, and it cannot be asked again"),
            })
        }
        Act::Push(_) => Ok(failed("vendor-refused", "Twilio sends no pushes")),
    }
}

fn post(task: &Task, resource: &str, form: &[(&str, &str)]) -> Request {
    let form = form.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
    request("POST", &["Services", &task.service, resource], Body::Form(form), Effect::Change)
}

pub(crate) fn failed(code: &str, text: &str) -> Outcome {
    Outcome::Failed((code.into(), text.into()))
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    code: u32,
}

fn told(refused: &Response) -> String {
    let Refusal { code } = serde_json::from_str(&refused.body).unwrap_or_default();
    format!("Twilio answered {} with its code {code}", refused.status)
}

/// 60200: no valid number; 60205: a landline; 60410 and 60605: blocked; 60203: five were sent within ten minutes.
fn sent_not(refused: &Response) -> Outcome {
    let Refusal { code } = serde_json::from_str(&refused.body).unwrap_or_default();
    let name = match code {
        60_200 | 60_205 | 60_410 | 60_605 => "no-such-number",
        60_203 => "sent-too-often",
        _ => "vendor-refused",
    };
    failed(name, &told(refused))
}

#[derive(Deserialize)]
struct Check {
    to: String,
    status: String,
    valid: bool,
}

fn checked(body: &str, number: &str) -> Outcome {
    match serde_json::from_str::<Check>(body) {
        Ok(Check { to, status, valid: true }) if to == number && status == "approved" => Outcome::Passed,
        Ok(Check { to, status, valid: false }) if to == number && status == "pending" => Outcome::Refused,
        Ok(_) => failed("expired", "the code counts no more"),
        Err(_) => failed("vendor-refused", "Twilio's answer could not be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_connector::replay::testing::{answer, line};
    use firstline_connector::replay::{Step, run};
    use firstline_connector::wire::Reply;

    const NUMBER: &str = "+447700900123";

    fn check(act: Act, seen: &[Reply], expect: &str) {
        let task = Task { vendor: "twilio".into(), started: 0, service: "VA1".into(), language: "de".into(), act };
        let got = match run(task.started, seen, |io| next(&task, io)).unwrap() {
            Step::SendAll(requests) => requests.iter().map(|request| format!("{} {:?}", line(request), request.fill)).collect(),
            Step::Done(outcome) => format!("{outcome:?}"),
            Step::Wait(_) | Step::Checkpoint(_) => "something else".into(),
        };
        assert!(got.contains(expect), "{got}");
    }

    #[test]
    fn a_code_is_sent_to_the_number_and_to_no_other_channel() {
        let send = |seen: &[Reply], expect: &str| check(Act::SendCode(NUMBER.into()), seen, expect);
        send(&[], "POST Services/VA1/Verifications To=+447700900123&Channel=sms&Locale=de []");
        send(&[answer(201, "{}")], "Sent");
        send(&[Reply::Unknown(1)], "Sent");
        send(&[Reply::NotApplied(1)], "sent-too-often");
        for (body, expect) in [
            (r#"{"code":60200}"#, "no-such-number"),
            (r#"{"code":60205}"#, "no-such-number"),
            (r#"{"code":60203}"#, "sent-too-often"),
            (r#"{"code":20003}"#, "vendor-refused"),
            ("no JSON", "vendor-refused"),
        ] {
            send(&[answer(400, body)], expect);
        }
    }

    #[test]
    fn only_an_approved_code_of_this_number_counts() {
        let typed = |seen: &[Reply], expect: &str| check(Act::CheckCode(NUMBER.into()), seen, expect);
        typed(&[], "POST Services/VA1/VerificationCheck To=+447700900123&Code= [Fill { pointer: \"/Code\", name: \"code\" }]");
        for (status, body, expect) in [
            (200, r#"{"to":"+447700900123","status":"approved","valid":true}"#, "Passed"),
            (200, r#"{"to":"+447700900123","status":"pending","valid":false}"#, "Refused"),
            (200, r#"{"to":"+447700900999","status":"approved","valid":true}"#, "expired"),
            (200, r#"{"to":"+447700900123","status":"approved","valid":false}"#, "expired"),
            (200, r#"{"to":"+447700900123","status":"canceled","valid":false}"#, "expired"),
            (200, "{}", "vendor-refused"),
            (404, r#"{"code":20404}"#, "expired"),
            (400, "{}", "vendor-refused"),
        ] {
            typed(&[answer(status, body)], expect);
        }
        typed(&[Reply::Unknown(1)], "unknown-outcome");
        typed(&[Reply::NotApplied(1)], "tried-too-often");
    }
}
