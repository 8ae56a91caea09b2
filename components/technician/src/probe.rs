//! One read for no case: through the monitor like any other, for a task that holds no grant, so that nothing it sends can change anything.

use crate::credentials::{Refused, authorize};
use crate::host::{Fault, Host, Incoming};
use crate::monitor::{Denied, Monitor};
use crate::runner::Settings;
use firstline_core::case::{Purpose, State, Task};
use firstline_core::mailbox::{Act, Event, Place};
use firstline_core::stage::{PsaAct, Work};
use firstline_core::tenant::Tenant;
use firstline_core::wire::{Body, Effect, Request, Target};
use serde_json::Value;

/// A read that was sent.
pub struct Sent {
    /// The catalogue's name of it.
    pub call: String,
    /// The answer; none if the vendor was not reached.
    pub answer: Option<Incoming>,
    /// What the answer proves, as keys of [`Monitor::attests`].
    pub attested: Vec<String>,
}

/// Why nothing was sent.
pub enum Unsent {
    /// The monitor lets no such read leave.
    Denied(String),
    /// There is no credential to send it with.
    Credential(String),
}

/// Method, path and query of a read.
pub type Ask<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

/// Sends a read through a connection. `renew` fetches a new token first.
///
/// # Errors
/// The store failed.
pub async fn read<H: Host>(host: &H, settings: &Settings, tenant: &Tenant, connection: &str, ask: Ask<'_>, renew: bool) -> Result<Result<Sent, Unsent>, Fault> {
    read_below(host, settings, tenant, connection, ask, renew, &[]).await
}

/// The same for what hangs below objects that an answer before has proved to be the tenant's.
///
/// # Errors
/// The store failed.
pub async fn read_below<H: Host>(
    host: &H,
    settings: &Settings,
    tenant: &Tenant,
    connection: &str,
    (method, path, query): Ask<'_>,
    renew: bool,
    attested: &[String],
) -> Result<Result<Sent, Unsent>, Fault> {
    let request = Request {
        method: method.into(),
        target: Target::Path(path.iter().map(|part| (*part).into()).collect()),
        query: query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        headers: Vec::new(),
        body: Body::Empty,
        fill: Vec::new(),
        effect: Effect::Read,
    };
    let now = host.now();
    let (state, task) = nobodys(tenant, connection, now);
    let prepare = || -> Result<_, Denied> {
        let monitor = Monitor::new(tenant, settings, &state, &task)?.with(attested);
        let named = monitor.admit(std::slice::from_ref(&request), now)?.pop().ok_or("nothing was admitted")?;
        let outgoing = monitor.prepare(&named, now, &|_| None, &|_| None)?;
        Ok((monitor, named, outgoing))
    };
    let (monitor, named, mut outgoing) = match prepare() {
        Ok(prepared) => prepared,
        Err(Denied { why, .. }) => return Ok(Err(Unsent::Denied(why))),
    };
    match authorize(host, settings, &monitor, renew).await {
        Ok(authorization) => outgoing.headers.extend(authorization.headers(&outgoing, now)),
        Err(Refused::Fault(fault)) => return Err(fault),
        Err(Refused::Credential(why) | Refused::Later(why)) => return Ok(Err(Unsent::Credential(why))),
    }
    let answer = host.send(outgoing).await.ok();
    let body = answer.as_ref().filter(|answer| answer.status == 200).and_then(|answer| serde_json::from_slice(&answer.body).ok());
    let attested = body.map_or_else(Vec::new, |body| monitor.attests(&named, &body));
    Ok(Ok(Sent { call: named.call, answer, attested }))
}

/// Whether a member is `true`.
#[must_use]
pub fn flag(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

/// Whether a member of a list has this name, as people write it.
#[must_use]
pub fn is_named(value: &Value, name: &str) -> bool {
    is_called(value, "name", name)
}

/// The same, where the vendor gives the name another key.
#[must_use]
pub fn is_called(value: &Value, key: &str, name: &str) -> bool {
    value.get(key).and_then(Value::as_str).is_some_and(|text| text.trim().eq_ignore_ascii_case(name.trim()))
}

/// A conversation without events and a task without grants.
fn nobodys(tenant: &Tenant, connection: &str, now: u64) -> (State, Task) {
    let event = Event {
        id: String::new(),
        tenant: tenant.tenant.clone(),
        connection: connection.into(),
        workspace: String::new(),
        author: String::new(),
        author_workspace: None,
        channel: String::new(),
        thread: None,
        place: Place::Channel,
        message: String::new(),
        act: Act::Message(String::new()),
        at: now,
        received: now,
        to: None,
    };
    let (work, purpose) = (Work::Psa(PsaAct::Contacts(Vec::new())), Purpose::Aside);
    let task = Task { id: "probe".into(), connection: connection.into(), work, purpose, started: now, replies: vec![], batches: 0, batch: None, until: None };
    (State::new(&event), task)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_that_a_probe_sends_can_change_anything() {
        let (tenant, settings) = (crate::fake::tenant(), crate::fake::World::new().settings());
        for connection in &tenant.connections {
            let (state, task) = nobodys(&tenant, &connection.id, 0);
            let monitor = Monitor::new(&tenant, &settings, &state, &task).unwrap();
            for call in monitor.vendor.calls.iter().filter(|call| call.effect == Effect::Change) {
                for effect in [Effect::Read, Effect::Change] {
                    let request = Request {
                        method: call.method.clone(),
                        target: Target::Path(call.path.clone()),
                        query: Vec::new(),
                        headers: Vec::new(),
                        body: Body::Empty,
                        fill: Vec::new(),
                        effect,
                    };
                    assert!(monitor.admit(&[request], 0).is_err(), "{} {}", connection.vendor, call.name);
                }
            }
        }
    }

    #[test]
    fn what_hangs_below_a_ticket_is_read_only_of_tickets_that_were_shown() {
        let (tenant, settings) = (crate::fake::tenant(), crate::fake::World::new().settings());
        let desk = tenant.connection_of(firstline_core::tenant::Role::Psa).unwrap().id.clone();
        let (state, task) = nobodys(&tenant, &desk, 0);
        let request = |method: &str, effect: Effect, body: Body| Request {
            method: method.into(),
            target: Target::Path(["service", "tickets", "7", "notes"].map(Into::into).to_vec()),
            query: Vec::new(),
            headers: Vec::new(),
            body,
            fill: Vec::new(),
            effect,
        };
        let read = request("GET", Effect::Read, Body::Empty);
        let note = json!({"text": "x", "detailDescriptionFlag": false, "internalAnalysisFlag": true, "resolutionFlag": false});
        let change = request("POST", Effect::Change, Body::Json(note.to_string()));
        for (shown, may) in [(vec![], false), (vec![format!("{desk}/8")], false), (vec!["other/7".to_string()], false), (vec![format!("{desk}/7")], true)] {
            let monitor = Monitor::new(&tenant, &settings, &state, &task).unwrap().with(&shown);
            assert_eq!(monitor.admit(std::slice::from_ref(&read), 0).is_ok(), may, "{shown:?}");
            let why = monitor.admit(std::slice::from_ref(&change), 0).unwrap_err().why;
            assert!(why.contains("was not seen to belong"), "{why}");
        }
    }
}
