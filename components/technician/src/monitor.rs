//! The reference monitor: every request to a vendor passes through this file before it is sent.
//!
//! [`Monitor::admit`] reads a request against the call catalogue and names the grant it would be sent under; it runs before the journal entry.
//! [`Monitor::prepare`] runs just before sending, asks again for everything that may have changed, and fills the secrets in.

use crate::catalogue::{self, Owner, Reading, Vendor, attested, id_text, shown};
use crate::host::Outgoing;
use crate::runner::Settings;
use firstline_core::autonomy::WRONG_TARGET;
use firstline_core::case::{GRANT_EXPIRED, Grant, State, Task, arguments_hash};
use firstline_core::journal::Named;
use firstline_core::seal::Secret;
use firstline_core::stage::{Decision, IdpAct, Outcome, ProofAct, PsaAct, Question, Sought, Verdict, Work};
use firstline_core::tenant::{Connection, Reach, Tenant, check_url};
use firstline_core::wire::{Body, Effect, Request, Target};
use firstline_core::{Instant, keys};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Unreserved characters of RFC 3986 stay, and `$`, which Graph's segments begin with.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'$');

/// A batch stands in the journal and in the snapshot, whose values the store bounds.
const MOST_BYTES: usize = 256 * 1024;

/// Why something is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Short code.
    pub code: &'static str,
    /// For the technician.
    pub why: String,
}

impl From<String> for Denied {
    fn from(why: String) -> Self {
        Denied { code: "refused-by-monitor", why }
    }
}

impl From<&str> for Denied {
    fn from(why: &str) -> Self {
        why.to_string().into()
    }
}

/// The monitor of one task's connection.
pub struct Monitor<'a> {
    /// The tenant that the case is pinned to, as its document is now.
    pub tenant: &'a Tenant,
    /// What the operator allows.
    pub reach: &'a Reach,
    /// The conversation.
    pub state: &'a State,
    /// The task.
    pub task: &'a Task,
    /// Its connection.
    connection: &'a Connection,
    /// The vendor's catalogue.
    pub vendor: Rc<Vendor>,
    /// What was shown to whoever asks for no case.
    shown: &'a [String],
}

impl<'a> Monitor<'a> {
    /// The monitor of a task.
    ///
    /// # Errors
    /// The connection is not the tenant's, or its vendor has no catalogue.
    pub fn new(tenant: &'a Tenant, settings: &'a Settings, state: &'a State, task: &'a Task) -> Result<Self, String> {
        if tenant.tenant != state.tenant {
            return Err("the document is another tenant's".into());
        }
        let connection = tenant.connection(&task.connection).ok_or_else(|| format!("`{}` is no connection of this tenant any more", task.connection))?;
        let vendor = settings.vendor(&connection.vendor).ok_or_else(|| format!("no call catalogue for `{}`", connection.vendor))?;
        Ok(Monitor { tenant, reach: &settings.reach, state, task, connection, vendor, shown: &[] })
    }

    /// The same, where these keys of [`Monitor::attests`] are known without a case: for reads only.
    #[must_use]
    pub fn with(self, shown: &'a [String]) -> Self {
        Monitor { shown, ..self }
    }

    /// The task's connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        self.connection
    }

    fn read(&self, request: &Request) -> Result<Reading<'_>, String> {
        match &request.target {
            Target::Path(_) => self.vendor.read(request, &self.company()),
            Target::Follow(url) => self.vendor.read_follow(request, &self.followed(url)?),
        }
    }

    /// The segments of a vendor's own link below the base URL.
    fn followed(&self, url: &str) -> Result<Vec<String>, String> {
        let rest = url.strip_prefix(self.connection.base_url.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let path = rest.and_then(|rest| rest.split(['?', '#']).next()).ok_or("a vendor's link leads out of the connection")?;
        path.split('/').map(|segment| percent_decode_str(segment).decode_utf8().map(Into::into).map_err(|_| "a vendor's link is no UTF-8".into())).collect()
    }

    fn company(&self) -> String {
        self.tenant.desk.company.to_string()
    }

    /// Reads a whole batch against the catalogue.
    ///
    /// # Errors
    /// Why a member, and so the batch, is not sent.
    pub fn admit(&self, requests: &[Request], now: Instant) -> Result<Vec<Named>, Denied> {
        if requests.is_empty() || requests.len() > 16 {
            return Err(format!("a batch of {} requests", requests.len()).into());
        }
        let bytes: usize = requests.iter().map(length).sum();
        if bytes > MOST_BYTES {
            return Err(format!("a batch of {bytes} bytes").into());
        }
        let mut targets = BTreeSet::new();
        let mut named = Vec::new();
        for request in requests {
            self.url(request)?;
            let reading = self.read(request)?;
            let change = reading.call.effect == Effect::Change;
            let grant = if change {
                if !targets.insert((reading.target.clone(), reading.call.slot.clone())) {
                    return Err(format!("two changes of `{}` in one batch", reading.target).into());
                }
                self.check_owner(&reading)?;
                Some(self.grant(&reading, now)?.id.clone())
            } else {
                // What hangs below an object of a shared system is read only once the object was seen to be the tenant's.
                if reading.call.owner.is_some() {
                    self.check_owner(&reading)?;
                }
                None
            };
            named.push(Named { call: reading.call.name.clone(), change, grant, request: request.clone() });
        }
        Ok(named)
    }

    /// A live grant of this task for exactly this change.
    fn grant(&self, reading: &catalogue::Reading, now: Instant) -> Result<&'a Grant, Denied> {
        let arguments = arguments_hash(&reading.arguments);
        let fits = |grant: &&Grant| {
            grant.task == self.task.id
                && grant.connection == self.connection.id
                && grant.action == reading.call.action
                && grant.target == reading.target
                && grant.arguments == arguments
        };
        let mut fitting = self.state.grants.iter().filter(fits).peekable();
        // What may be done, to somebody else's account.
        let acts = matches!(self.task.work, Work::Idp(_));
        let elsewhere = |grant: &Grant| acts && grant.task == self.task.id && grant.action == reading.call.action && grant.target != reading.target;
        let code = match fitting.peek() {
            Some(_) => GRANT_EXPIRED,
            None if self.state.grants.iter().any(elsewhere) => WRONG_TARGET,
            None => "refused-by-monitor",
        };
        fitting
            .find(|grant| now < grant.expires)
            .ok_or_else(|| Denied { code, why: format!("no live grant for `{}` of `{}`", reading.call.action, reading.target) })
    }

    /// On a connection that all clients share, a change must concern the tenant's own company.
    fn check_owner(&self, reading: &catalogue::Reading) -> Result<(), String> {
        match (&reading.call.owner, self.vendor.shared) {
            (_, false) => Ok(()),
            // The row's own rules have compared the body's company already.
            (Some(Owner::Company(_)), true) => Ok(()),
            (Some(Owner::Target(true)), true) => {
                let key = attestation(&self.connection.id, &reading.target);
                if (reading.call.effect == Effect::Read && self.shown.contains(&key))
                    || self.state.case.as_ref().is_some_and(|case| case.attested.contains(&key))
                {
                    Ok(())
                } else {
                    Err(format!("`{}` was not seen to belong to this tenant", reading.target))
                }
            }
            (Some(Owner::Target(false)) | None, true) => Err("the row names no owner".into()),
        }
    }

    /// Just before sending: everything is asked again, with the guardrails as they are now.
    ///
    /// # Errors
    /// Why it is not sent after all.
    pub fn prepare(
        &self,
        named: &Named,
        now: Instant,
        decide: &dyn Fn(&Question) -> Option<Decision>,
        secret: &dyn Fn(&str) -> Option<Secret>,
    ) -> Result<Outgoing, Denied> {
        let request = &named.request;
        let reading = self.read(request)?;
        // INVARIANT: in shadow nothing is changed anywhere but for the ticket that is opened and the note on it.
        if named.change && self.tenant.shadow() && !["ticket_open", "ticket_note"].contains(&reading.call.action.as_str()) {
            return Err("the tenant is in shadow: nothing is changed".into());
        }
        // The catalogue may have been upgraded since the journal entry.
        if reading.call.name != named.call || (reading.call.effect == Effect::Change) != named.change {
            return Err(format!("the catalogue now reads `{}` as `{}`", named.call, reading.call.name).into());
        }
        if named.change {
            self.check_owner(&reading)?;
            let grant = self.grant(&reading, now)?;
            if let Some(question) = &grant.question {
                // INVARIANT: an error of the guardrails means deny.
                match decide(question) {
                    Some(Decision { verdict: Verdict::Autonomous, .. }) => {}
                    Some(decision) => return Err(format!("guardrails changed their mind: {}", decision.rules.join(", ")).into()),
                    None => return Err("guardrails failed".into()),
                }
            }
        }
        let mut headers: Vec<(String, String)> = self.vendor.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        headers.extend(request.headers.iter().cloned());
        let body = match &request.body {
            Body::Empty => Vec::new(),
            Body::Json(text) => fill(text, request, secret)?.into_bytes(),
            Body::Form(pairs) => query(&filled(pairs, request, secret)?).into_bytes(),
        };
        if !body.is_empty() {
            headers.push(("content-type".into(), reading.call.content_type.clone()));
        }
        Ok(Outgoing { method: request.method.clone(), url: self.url(request)?, headers, body })
    }

    /// The absolute URL, which never leaves the connection's base URL.
    fn url(&self, request: &Request) -> Result<String, String> {
        let base = &self.connection.base_url;
        let hosts: Vec<&str> = self.vendor.hosts.iter().map(String::as_str).collect();
        check_url(base, &hosts, self.reach)?;
        match &request.target {
            Target::Path(segments) => {
                let path: String = segments.iter().map(|segment| format!("/{}", utf8_percent_encode(segment, ENCODED))).collect();
                let query = query(&request.query);
                Ok(if query.is_empty() { format!("{base}{path}") } else { format!("{base}{path}?{query}") })
            }
            Target::Follow(url) => {
                let rest = url
                    .strip_prefix(base.as_str())
                    .filter(|rest| rest.starts_with('/') && !rest.contains('#') && !rest.chars().any(|c| c.is_control() || c == ' ' || c == '\\'));
                match rest {
                    Some(_) => Ok(url.clone()),
                    None => Err("a vendor's link leads out of the connection".into()),
                }
            }
        }
    }

    /// Whether the row says that sending this twice does no harm.
    #[must_use]
    pub fn repeats(&self, named: &Named) -> bool {
        self.vendor.calls.iter().any(|call| call.name == named.call && call.repeat)
    }

    /// What a reply proves, as keys for [`firstline_core::case::Case::attested`].
    #[must_use]
    pub fn attests(&self, sent: &Named, body: &Value) -> Vec<String> {
        let Some(row) = self.vendor.calls.iter().find(|call| call.name == sent.call) else { return Vec::new() };
        let owned = row.attests.iter().flat_map(|row| attested(row, body, &self.company())).map(|id| attestation(&self.connection.id, &id));
        // Whoever is said to be somebody's manager must have been shown too, under whatever name.
        let wanted = |name: &str| match &self.task.work {
            Work::Idp(IdpAct::Find(sought)) => sought.manager || plain(&sought.name) == name,
            Work::Psa(PsaAct::Contacts(types)) => name.contains('@') || types.iter().any(|kind| plain(kind) == name),
            Work::Chat(_) | Work::Idp(_) | Work::Psa(_) | Work::Model(_) | Work::Proof(_) => false,
        };
        let shown = row.identifies.iter().flat_map(|row| shown(row, body, &self.company())).filter(|(name, _)| wanted(name));
        let named: BTreeSet<String> = shown.map(|(name, id)| identification(&self.connection.id, &name, &id)).collect();
        let says = !row.proves.is_empty() && row.proves.iter().all(|(pointer, value)| body.pointer(pointer) == Some(value));
        let target = || self.read(&sent.request).ok().map(|reading| reading.target);
        let about = || match &row.begun {
            Some(name) => sent.request.query.iter().find(|(pair, _)| pair == name).and_then(|(_, what)| self.begun(what)),
            None => target(),
        };
        let begun = row.begins.as_ref().and_then(|pointer| body.pointer(pointer)).and_then(Value::as_str);
        let begun = begun.and_then(|what| target().map(|target| self.beginning(what, &target)));
        let proved = says.then(about).flatten().map(|target| proved(&self.connection.id, &target));
        owned.chain(named).chain(begun).chain(proved).collect()
    }

    fn beginning(&self, what: &str, target: &str) -> String {
        format!("{} begun {} {target}", self.connection.id, keys::sha256_hex(what.as_bytes()))
    }

    /// The target of what was begun in this case; none if it is not clear.
    fn begun(&self, what: &str) -> Option<String> {
        let begin = self.beginning(what, "");
        let mut all = self.state.case.as_ref()?.attested.iter().filter_map(|key| key.strip_prefix(&begin));
        all.next().filter(|_| all.next().is_none()).map(Into::into)
    }

    /// All that is kept of an object on a shared system that is not the tenant's: whose it is.
    #[must_use]
    pub fn only_owner(&self, call: &catalogue::Call, body: &Value) -> Option<Value> {
        let row = call.attests.as_ref().filter(|row| self.vendor.shared && !row.id.starts_with("/*"))?;
        let owner = body.pointer(&row.company).and_then(id_text)?;
        (owner != self.company()).then(|| serde_json::json!({"id": body.pointer(&row.id), "company": {"id": body.pointer(&row.company)}}))
    }

    /// The vendor showed this object under this name.
    fn showed(&self, name: &str, id: &str) -> bool {
        let key = identification(&self.connection.id, name, id);
        self.state.case.as_ref().is_some_and(|case| case.attested.contains(&key))
    }

    /// What a stage says it found must be what the vendor showed: else it could lead a change to somebody else's account.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn believe(&self, outcome: &Outcome) -> Result<(), Denied> {
        match (&self.task.work, outcome) {
            (Work::Psa(PsaAct::Contacts(_)), Outcome::Contacts(people)) => {
                let shown = |name: &String, id: u64| self.showed(name, &id.to_string());
                let lie = people.iter().find(|person| person.addresses.iter().chain(&person.types).any(|name| !shown(name, person.id)));
                lie.map_or(Ok(()), |person| Err(format!("the vendor showed no contact {} of that type and address", person.id).into()))
            }
            (Work::Idp(IdpAct::Find(Sought { name, .. })), Outcome::Found(account)) => {
                let stranger =
                    |id: &str, whose: &str| Denied { code: WRONG_TARGET, why: format!("the vendor showed no account `{id}` under the {whose}'s address") };
                if !self.showed(name, &account.id) {
                    return Err(stranger(&account.id, "requester"));
                }
                match &account.manager {
                    Some(manager) if !self.showed(&manager.address, &manager.id) => Err(stranger(&manager.id, "manager")),
                    _ => Ok(()),
                }
            }
            (Work::Proof(ProofAct::CheckCode(number) | ProofAct::Push(number)), Outcome::Passed) => {
                let key = proved(&self.connection.id, number);
                let said = self.state.case.as_ref().is_some_and(|case| case.attested.contains(&key));
                if said { Ok(()) } else { Err("the vendor did not say that it was passed".into()) }
            }
            _ => Ok(()),
        }
    }
}

fn attestation(connection: &str, id: &str) -> String {
    format!("{connection}/{id}")
}

fn proved(connection: &str, target: &str) -> String {
    format!("{connection} proved {target}")
}

fn identification(connection: &str, name: &str, id: &str) -> String {
    format!("{connection} {} {id}", plain(name))
}

/// A name as [`shown`] has it.
fn plain(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The text of a request, in bytes.
fn length(request: &Request) -> usize {
    let pairs = |pairs: &[(String, String)]| pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    let target = match &request.target {
        Target::Path(segments) => segments.iter().map(String::len).sum(),
        Target::Follow(url) => url.len(),
    };
    let body = match &request.body {
        Body::Empty => 0,
        Body::Json(text) => text.len(),
        Body::Form(fields) => pairs(fields),
    };
    let fill: usize = request.fill.iter().map(|fill| fill.pointer.len() + fill.name.len()).sum();
    request.method.len() + target + pairs(&request.query) + pairs(&request.headers) + body + fill
}

/// Pairs as `application/x-www-form-urlencoded`, spaces as `%20`, which is right in a query too.
fn query(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", utf8_percent_encode(name, ENCODED), utf8_percent_encode(value, ENCODED))).collect();
    pairs.join("&")
}

/// Puts secrets where the row allowed them; [`Vendor::read`] has checked each place.
fn fill(text: &str, request: &Request, secret: &dyn Fn(&str) -> Option<Secret>) -> Result<String, String> {
    // Written anew, so that the vendor reads what was checked: a member that stands twice is read differently by different readers.
    let mut body: Value = serde_json::from_str(text).map_err(|_| "the body is not JSON")?;
    for fill in &request.fill {
        let value = secret(&fill.name).ok_or_else(|| format!("the secret `{}` is gone", fill.name))?;
        let member = body.pointer_mut(&fill.pointer).filter(|member| id_text(member).as_deref() == Some("")).ok_or("a secret has no place")?;
        *member = Value::from(value.expose());
    }
    Ok(body.to_string())
}

/// The same for form fields.
fn filled(pairs: &[(String, String)], request: &Request, secret: &dyn Fn(&str) -> Option<Secret>) -> Result<Vec<(String, String)>, String> {
    let mut pairs = pairs.to_vec();
    for fill in &request.fill {
        let value = secret(&fill.name).ok_or_else(|| format!("the secret `{}` is gone", fill.name))?;
        let name = fill.pointer.strip_prefix('/').unwrap_or_default();
        let place = pairs.iter_mut().find(|(field, value)| field == name && value.is_empty()).ok_or("a secret has no place")?;
        place.1 = value.expose().into();
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::*;
    use firstline_core::mailbox::Act;

    /// Prepares the reset of a case that waits to send it, after it was tampered with.
    fn check(change: impl FnOnce(&mut State, &mut Tenant, &mut Named, &mut Instant), expect: Result<&str, &str>) {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        let started = world.snapshot().map(|snapshot| snapshot.state.counted + 2).unwrap_or_default();
        world.troubles.borrow_mut().push_back(("PATCH", Trouble::Answers(429, &[("retry-after", "300")])));
        world.deliver(&stages, &world.event(Act::Press(world.button("yes").unwrap())));
        let (mut state, mut tenant, mut now) = (world.snapshot().unwrap().state, tenant(), world.now.get());
        let mut named = state.tasks.iter().find(|task| task.id == format!("t{started}")).unwrap().batch.clone().unwrap().requests.remove(0);
        change(&mut state, &mut tenant, &mut named, &mut now);
        let (settings, task) = (world.settings(), state.tasks[0].clone());
        let allow = |_: &Question| Some(Decision { verdict: Verdict::Autonomous, proof: None, rules: vec![], reason: String::new(), policies: String::new() });
        let secret = |name: &str| (name == "temporary-password").then(|| Secret::new("S3cret".into()));
        let monitor = Monitor::new(&tenant, &settings, &state, &task).map_err(Denied::from);
        let prepared = monitor.and_then(|monitor| monitor.prepare(&named, now, &allow, &secret));
        match (prepared, expect) {
            (Ok(request), Ok(line)) => assert_eq!(format!("{} {} {}", request.method, request.url, String::from_utf8(request.body).unwrap()), line),
            (Err(denied), Err(expect)) => assert!(denied.why.contains(expect), "{} should contain {expect}", denied.why),
            (got, expect) => panic!("{:?} instead of {expect:?}", got.map(|request| request.url)),
        }
    }

    #[test]
    fn just_before_sending_everything_is_asked_again() {
        let good = r#"PATCH https://graph.microsoft.com/v1.0/users/u1 {"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"S3cret"}}"#;
        check(|_, _, _, _| {}, Ok(good));
        let no_grant = Err("no live grant for `password_reset` of `u1`");
        check(|_, _, _, now| *now += 10 * MINUTE, no_grant);
        check(|state, _, _, _| state.grants.clear(), no_grant);
        check(|state, _, _, _| state.grants.iter_mut().for_each(|grant| grant.task = "t999".into()), no_grant);
        check(|state, _, _, _| state.grants.iter_mut().for_each(|grant| grant.action = "account_unlock".into()), no_grant);
        check(|state, _, _, _| state.grants.iter_mut().for_each(|grant| grant.target = "u2".into()), no_grant);
        check(|state, _, _, _| state.grants.iter_mut().for_each(|grant| grant.arguments = "x".into()), no_grant);
        check(|state, _, _, _| state.grants.iter_mut().for_each(|grant| grant.connection = "okta".into()), no_grant);
        check(|_, tenant, _, _| tenant.tenant = "globex".into(), Err("another tenant's"));
        check(|_, tenant, _, _| tenant.connections.retain(|connection| connection.id != "idp"), Err("no connection of this tenant any more"));
        check(|_, tenant, _, _| tenant.connections[1].base_url = "https://evil.example".into(), Err("is not covered"));
        check(|_, tenant, _, _| tenant.connections[1].base_url = "https://technician.spin.internal".into(), Err("points into this application"));
        // A catalogue that was upgraded since the journal entry reads the request anew.
        check(|_, _, named, _| named.change = false, Err("the catalogue now reads"));
        check(|_, _, named, _| named.call = "read-user".into(), Err("the catalogue now reads"));
        check(|_, _, named, _| named.request.fill.clear(), Err("not allowed"));
        check(|_, _, named, _| named.request.fill[0].name = "other".into(), Err("must not be filled"));
    }

    #[test]
    fn segments_and_pairs_are_encoded_one_by_one() {
        let (world, settings) = (World::new(), World::new().settings());
        world.say(&Script::default(), "password_reset");
        let (state, tenant) = (world.snapshot().unwrap().state, tenant());
        let task = firstline_core::case::Task { connection: "idp".into(), ..task() };
        let monitor = Monitor::new(&tenant, &settings, &state, &task).unwrap();
        let mut odd = request("GET", "users", None);
        odd.target = Target::Path(vec!["users".into(), "a/b?c#d e%2fé".into()]);
        odd.query = vec![("$select".into(), "id&x=1 'é'".into())];
        assert_eq!(monitor.url(&odd).unwrap(), "https://graph.microsoft.com/v1.0/users/a%2Fb%3Fc%23d%20e%252f%C3%A9?$select=id%26x%3D1%20%27%C3%A9%27");
        odd.target = Target::Follow("https://graph.microsoft.com/v1.0/users?$skiptoken=a%20b".into());
        assert_eq!(monitor.url(&odd).unwrap(), "https://graph.microsoft.com/v1.0/users?$skiptoken=a%20b");
    }

    #[test]
    fn a_manager_is_believed_only_if_the_vendor_showed_them_under_that_address() {
        use firstline_core::stage::{Account, Manager, Work};
        let (world, settings) = (World::new(), World::new().settings());
        world.say(&Script::default(), "password_reset");
        let (mut state, tenant) = (world.snapshot().unwrap().state, tenant());
        let task = |act| Task { connection: "idp".into(), work: Work::Idp(act), ..task() };
        let sought = Sought { name: "jane@acme.example".into(), manager: true, groups: false };
        let asking = task(IdpAct::Find(sought.clone()));
        let read = |call: &str| Named { call: call.into(), change: false, grant: None, request: request("GET", "users/u1", None) };
        let shown = |state: &State, call: &str, id: &str, address: &str| {
            let body = serde_json::json!({"id": id, "userPrincipalName": address});
            Monitor::new(&tenant, &settings, state, &asking).unwrap().attests(&read(call), &body)
        };
        let keys = [shown(&state, "read-user", "u1", "jane@acme.example"), shown(&state, "read-manager", "u2", "Mona@acme.example")].concat();
        state.case.as_mut().unwrap().attested.extend(keys);
        let found = |id: &str, address: &str| {
            let manager = Some(Manager { id: id.into(), name: "Mona".into(), address: address.into() });
            Outcome::Found(Account { manager, ..account("u1", "jane@acme.example") })
        };
        let monitor = Monitor::new(&tenant, &settings, &state, &asking).unwrap();
        assert!(monitor.believe(&found("u2", "mona@acme.example")).is_ok());
        for (id, address) in [("u2", "mallory@acme.example"), ("u3", "mona@acme.example"), ("u3", "mallory@acme.example")] {
            assert!(monitor.believe(&found(id, address)).is_err(), "{id} {address}");
        }
        // Whoever asks for no manager keeps nothing of one.
        let plain = task(IdpAct::Find(Sought { manager: false, ..sought }));
        let body = serde_json::json!({"id": "u2", "userPrincipalName": "mona@acme.example"});
        assert!(Monitor::new(&tenant, &settings, &state, &plain).unwrap().attests(&read("read-manager"), &body).is_empty());
    }

    #[test]
    fn a_contact_is_believed_only_if_the_psa_showed_them_with_that_address_and_type() {
        use firstline_core::stage::{Contact, Work};
        let (world, settings) = (World::new(), World::new().settings());
        world.say(&Script::default(), "password_reset");
        let (mut state, tenant) = (world.snapshot().unwrap().state, tenant());
        let asking = Task { connection: "desk".into(), work: Work::Psa(PsaAct::Contacts(vec!["Approver".into()])), ..task() };
        let named = Named { call: "contact_find".into(), change: false, grant: None, request: request("GET", "company/contacts", None) };
        let person = |id: u64, company: u64, address: &str, kind: &str| serde_json::json!({"id": id, "company": {"id": company}, "communicationItems": [{"value": address}], "types": [{"name": kind}]});
        let all = [
            person(1, 19, "Mo@acme.example", "APPROVER"),
            person(2, 20, "mallory@acme.example", "Approver"),
            person(3, 19, "bob@acme.example", "End User"),
            person(4, 19, "+44 20 7946 0100", "Approver"),
        ];
        let keys = Monitor::new(&tenant, &settings, &state, &asking).unwrap().attests(&named, &serde_json::json!(all));
        state.case.as_mut().unwrap().attested.extend(keys);
        let monitor = Monitor::new(&tenant, &settings, &state, &asking).unwrap();
        let said = |id: u64, address: &str, kind: &str| {
            let contact = Contact { id, name: "Mo".into(), addresses: vec![address.into()], types: vec![kind.into()] };
            monitor.believe(&Outcome::Contacts(vec![contact])).is_ok()
        };
        assert!(said(1, "mo@acme.example", "Approver"));
        for (id, address) in [(2, "mallory@acme.example"), (3, "bob@acme.example"), (1, "bob@acme.example"), (4, "+44 20 7946 0100"), (9, "mo@acme.example")] {
            assert!(!said(id, address, "Approver"), "{id} {address}");
        }
        assert!(!said(1, "mo@acme.example", "VIP"));
    }

    #[test]
    fn a_code_is_right_only_if_the_vendor_said_so_of_that_number() {
        use firstline_core::stage::{ProofAct, Work};
        let (world, settings) = (World::new(), World::new().settings());
        world.say(&Script::default(), "password_reset");
        let mut tenant = tenant();
        let twilio = Connection { id: "sms".into(), vendor: "twilio".into(), base_url: "https://verify.twilio.com/v2".into(), ..Connection::default() };
        tenant.connections.push(twilio);
        let number = |text: &str| Task { connection: "sms".into(), work: Work::Proof(ProofAct::CheckCode(text.into())), ..task() };
        let (ours, other) = (number("+447700900123"), number("+447700900999"));
        let form = vec![("To".into(), "+447700900123".into()), ("Code".into(), String::new())];
        let fill = vec![firstline_core::wire::Fill { pointer: "/Code".into(), name: "code".into() }];
        let check = Request { body: Body::Form(form), fill, ..request("POST", "Services/VA1/VerificationCheck", None) };
        let named = Named { call: "check-code".into(), change: true, grant: None, request: check.clone() };
        let base = world.snapshot().unwrap().state;
        for (body, believed) in [
            (serde_json::json!({"status": "approved", "valid": true}), true),
            (serde_json::json!({"status": "approved", "valid": false}), false),
            (serde_json::json!({"status": "pending", "valid": false}), false),
            (serde_json::json!({}), false),
        ] {
            let mut state = base.clone();
            let keys = Monitor::new(&tenant, &settings, &state, &ours).unwrap().attests(&named, &body);
            state.case.as_mut().unwrap().attested.extend(keys);
            let believes = |task: &Task| Monitor::new(&tenant, &settings, &state, task).unwrap().believe(&Outcome::Passed).is_ok();
            assert_eq!((believes(&ours), believes(&other)), (believed, false), "{body}");
        }
        // Only the form field is filled, and only with a secret that is there.
        let Body::Form(pairs) = &check.body else { panic!() };
        let code = |name: &str| (name == "code").then(|| Secret::new("98 7001&x".into()));
        assert_eq!(query(&filled(pairs, &check, &code).unwrap()), "To=%2B447700900123&Code=98%207001%26x");
        assert!(filled(pairs, &check, &|_| None).is_err() && filled(&pairs[..1], &check, &code).is_err());
    }

    #[test]
    fn a_push_is_approved_only_if_the_vendor_said_so_of_the_one_that_was_sent() {
        use firstline_core::stage::{ProofAct, Work};
        let (world, settings) = (World::new(), World::new().settings());
        world.say(&Script::default(), "password_reset");
        let mut tenant = tenant();
        let duo = Connection { id: "duo".into(), vendor: "duo".into(), base_url: "https://api-1.duosecurity.com".into(), ..Connection::default() };
        tenant.connections.push(duo);
        let task = |login: &str| Task { connection: "duo".into(), work: Work::Proof(ProofAct::Push(login.into())), ..task() };
        let form =
            |name: &str| Body::Form([("username", name), ("factor", "push"), ("device", "auto"), ("async", "1")].map(|(a, b)| (a.into(), b.into())).into());
        let named = |call: &str, request| Named { call: call.into(), change: false, grant: None, request };
        let push = |name: &str| named("push", Request { body: form(name), ..request("POST", "auth/v2/auth", None) });
        let look = |txid: &str| named("push-status", Request { query: vec![("txid".into(), txid.into())], ..request("GET", "auth/v2/auth_status", None) });
        let sent = |txid: &str| serde_json::json!({"stat": "OK", "response": {"txid": txid}});
        let said = |result: &str| serde_json::json!({"stat": "OK", "response": {"result": result}});
        let (jane, bob) = (task("jane@acme.example"), task("bob@acme.example"));
        for (replies, believed) in [
            (vec![(push("jane@acme.example"), sent("t1")), (look("t1"), said("allow"))], true),
            (vec![(push("jane@acme.example"), sent("t1")), (look("t1"), said("deny"))], false),
            // Of a push that was sent to somebody else, or to nobody.
            (vec![(push("bob@acme.example"), sent("t2")), (look("t2"), said("allow"))], false),
            (vec![(push("jane@acme.example"), sent("t1")), (look("t9"), said("allow"))], false),
            (vec![(look("t1"), said("allow"))], false),
            // One name for two of them tells nothing.
            (vec![(push("jane@acme.example"), sent("t1")), (push("bob@acme.example"), sent("t1")), (look("t1"), said("allow"))], false),
        ] {
            let mut state = world.snapshot().unwrap().state;
            for (named, body) in &replies {
                let keys = Monitor::new(&tenant, &settings, &state, &jane).unwrap().attests(named, body);
                state.case.as_mut().unwrap().attested.extend(keys);
            }
            let believes = |task: &Task| Monitor::new(&tenant, &settings, &state, task).unwrap().believe(&Outcome::Passed).is_ok();
            assert_eq!(believes(&jane), believed, "{replies:?}");
            assert!(!believed || !believes(&bob));
        }
    }

    fn task() -> Task {
        let work = firstline_core::stage::Work::Psa(firstline_core::stage::PsaAct::Contacts(Vec::new()));
        let (id, connection) = ("t1".into(), "idp".into());
        Task { id, connection, work, purpose: firstline_core::case::Purpose::Find, started: START, replies: vec![], batches: 0, batch: None, until: None }
    }
}
