//! Live checks of a tenant, read only: what each connection may do, and what the desk names.
//!
//! Every request passes the catalogue and the monitor as any other; a check holds no grant, so nothing that it sends can change anything.
//! [`needs`] holds the permissions as the README lists them; this file asks the vendors.

use crate::host::{Fault, Host, Incoming};
use crate::needs::{self, Action, Use};
use crate::probe::{self, Sent, Unsent, flag, is_called, is_named};
use crate::runner::Settings;
use crate::tenants::{self, Unusable};
use firstline_core::keys;
use firstline_core::seal::unbase64;
use firstline_core::tenant::{ACTIONS, Connection, Role, Tenant, vendor};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A tick that is older is no longer arriving.
const TICK: u64 = 5 * 60_000;
/// Entries of one list.
const PAGE: &str = "1000";

/// What was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It is as it should be.
    Good,
    /// It is not there.
    Missing,
    /// It is there and nothing here needs it.
    Excessive,
    /// Nobody can tell by reading.
    Unproven,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The connection; empty for the application itself.
    pub connection: String,
    /// What it is.
    pub what: String,
    /// How it stands.
    pub mark: Mark,
    /// Actions that cannot be done while it is missing.
    pub needed_for: Vec<Action>,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

/// Everything that was found out about a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The tenant.
    pub tenant: String,
    /// Which permission set was asked for.
    #[serde(rename = "use")]
    pub purpose: Use,
    /// All that this use needs is there, and nothing that it must not have.
    pub ready: bool,
    /// `ready`, or what is missing, by action.
    pub actions: BTreeMap<Action, Vec<String>>,
    /// One by one.
    pub findings: Vec<Finding>,
}

/// Looks at everything of a tenant.
///
/// # Errors
/// The store failed, or the tenant cannot be used.
pub async fn check<H: Host>(host: &H, settings: &Settings, name: &str, purpose: Use) -> Result<Report, Unusable> {
    let tenant = tenants::load(host, &settings.integrity, name).await?;
    let mut checks = Checks { host, settings, tenant: &tenant, purpose, findings: Vec::new() };
    checks.ticks().await?;
    for role in [Role::Chat, Role::Idp, Role::Psa, Role::Model] {
        match tenant.connection_of(role) {
            Some(connection) => checks.connection(connection).await?,
            // Nobody needs one.
            None if role == Role::Model => {}
            None => {
                let what = match role {
                    Role::Chat => "a connection to a chat",
                    Role::Idp => "a connection to an identity provider",
                    Role::Psa => "a connection to a PSA",
                    Role::Model => "a connection to a language model",
                    Role::Proof => "a connection to a sender of codes",
                };
                checks.note("", what, Mark::Missing, needs::of_role(role), "add one to the tenant's document");
            }
        }
    }
    for connection in tenant.serving().filter(|connection| connection.role() == Some(Role::Proof)) {
        checks.connection(connection).await?;
    }
    Ok(Report::new(name, purpose, checks.wanted(), checks.findings))
}

impl Report {
    fn new(tenant: &str, purpose: Use, wanted: Vec<Action>, findings: Vec<Finding>) -> Self {
        let lacks = |action: Action| {
            let missing = findings.iter().filter(|finding| finding.mark == Mark::Missing && finding.needed_for.contains(&action));
            missing.map(|finding| format!("{} {}", finding.connection, finding.what).trim().to_string()).collect::<Vec<_>>()
        };
        let actions: BTreeMap<Action, Vec<String>> = wanted.into_iter().map(|action| (action, lacks(action))).collect();
        let unwanted = purpose == Use::ReadOnly && findings.iter().any(|finding| matches!(finding.mark, Mark::Excessive | Mark::Unproven));
        let ready = !unwanted && actions.iter().all(|(action, lacks)| lacks.is_empty() || needs::may_wait(*action));
        Report { tenant: tenant.into(), purpose, ready, actions, findings }
    }
}

/// [`check`] as a path asks for it.
///
/// # Errors
/// As those of [`check`].
pub async fn named<H: Host>(host: &H, settings: &Settings, tenant: &str, purpose: &str) -> Result<Value, Unusable> {
    let purpose = Use::parse(purpose).ok_or_else(|| Unusable::Corrupt("`use` is `full` or `read-only`".into()))?;
    Ok(json!(check(host, settings, tenant, purpose).await?))
}

/// The vendor's own id of the customer, as it tells whoever holds the secrets; for a connection that does not name it yet.
///
/// # Errors
/// The store failed, or the documents cannot be used.
pub async fn customer<H: Host>(host: &H, settings: &Settings, owner: &str, connection: &str) -> Result<Value, Unusable> {
    let tenant = if owner == "msp" { tenants::load_msp(host, &settings.integrity).await? } else { tenants::load(host, &settings.integrity, owner).await? };
    let mut checks = Checks { host, settings, tenant: &tenant, purpose: Use::Full, findings: Vec::new() };
    let Some(connection) = tenant.connection(connection).filter(|connection| !connection.connect) else { return Ok(json!({})) };
    let name = vendor(&connection.vendor).map_or("", |vendor| vendor.found_out);
    let answer = if name == "team" { checks.ask(connection, "POST", &["auth.test"], &[]).await? } else { None };
    let body = answer.and_then(|answer| serde_json::from_slice::<Value>(&answer.body).ok()).unwrap_or_default();
    // An installation for a whole organisation would let one client's people in as another's.
    let whole = body.get("is_enterprise_install") == Some(&Value::Bool(true));
    match body.get("team_id").and_then(Value::as_str).filter(|_| !whole) {
        Some(team) => Ok(json!({ name: team })),
        None => Ok(json!({})),
    }
}

struct Checks<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    tenant: &'a Tenant,
    purpose: Use,
    findings: Vec<Finding>,
}

impl<H: Host> Checks<'_, H> {
    fn wanted(&self) -> Vec<Action> {
        needs::actions(self.purpose, self.tenant.connection_of(Role::Idp).map(|idp| idp.vendor.as_str()))
    }

    fn note(&mut self, connection: &str, what: &str, mark: Mark, needed_for: Vec<Action>, advice: &str) {
        let wanted = self.wanted();
        let needed_for = needed_for.into_iter().filter(|action| wanted.contains(action)).collect();
        let finding = Finding { connection: connection.into(), what: what.into(), mark, needed_for, advice: advice.into() };
        // A vendor that takes no credential says so to every question.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn good(&mut self, connection: &str, what: &str, good: bool, needed_for: Vec<Action>, advice: &str) {
        self.note(connection, what, if good { Mark::Good } else { Mark::Missing }, needed_for, if good { "" } else { advice });
    }

    async fn ticks(&mut self) -> Result<(), Fault> {
        let latest = self.host.get(&keys::latest()).await?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u64>().ok());
        let arriving = latest.is_some_and(|latest| self.host.now().saturating_sub(latest) <= TICK);
        self.good("", "ticks arriving", arriving, self.wanted(), "call `POST /api/tick` every minute, by any scheduler");
        Ok(())
    }

    async fn connection(&mut self, connection: &Connection) -> Result<(), Fault> {
        match connection.vendor.as_str() {
            "slack" => self.slack(connection).await,
            "entra" => self.entra(connection).await,
            "okta" => self.okta(connection).await,
            "connectwise" => self.connectwise(connection).await,
            "openai" => self.language_model(connection).await,
            "twilio" => self.twilio(connection).await,
            "duo" => self.duo(connection).await,
            _ => Ok(()),
        }
    }

    /// Sends one read. None if it was not answered; then a finding says why.
    async fn ask(&mut self, connection: &Connection, method: &str, path: &[&str], query: &[(&str, &str)]) -> Result<Option<Incoming>, Fault> {
        let of_role = connection.role().map(needs::of_role).unwrap_or_default();
        let Sent { call, answer, attested: _ } = match probe::read(self.host, self.settings, self.tenant, &connection.id, (method, path, query), false).await? {
            Ok(sent) => sent,
            Err(Unsent::Denied(why)) => {
                self.note(&connection.id, &format!("an answer of {}", connection.vendor), Mark::Missing, of_role, &why);
                return Ok(None);
            }
            Err(Unsent::Credential(why)) => {
                self.note(&connection.id, "credentials", Mark::Missing, of_role, &why);
                return Ok(None);
            }
        };
        let status = answer.as_ref().map(|answer| answer.status);
        let line =
            json!({"component": "technician", "tenant": self.tenant.tenant, "what": "check", "connection": connection.id, "call": call, "status": status});
        self.host.log(line.to_string());
        match answer {
            Some(answer) if answer.status == 401 => {
                self.note(&connection.id, "credentials", Mark::Missing, of_role, "the vendor does not take them: enter them again");
                Ok(None)
            }
            Some(answer) => Ok(Some(answer)),
            None => {
                self.note(&connection.id, &format!("an answer of {}", connection.vendor), Mark::Missing, of_role, "it could not be reached: try again");
                Ok(None)
            }
        }
    }

    /// Nothing needs a language model, so what it lacks stops nothing.
    async fn language_model(&mut self, connection: &Connection) -> Result<(), Fault> {
        let Some(answer) = self.ask(connection, "GET", &["models"], &[]).await? else { return Ok(()) };
        let known = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        let model = connection.account.get("model").map_or("", |model| model.trim());
        let there = known.get("data").and_then(Value::as_array).into_iter().flatten().any(|one| one.get("id").and_then(Value::as_str) == Some(model));
        self.good(&connection.id, &format!("model `{model}`"), there, Vec::new(), "the endpoint does not list it: check `account.model`");
        Ok(())
    }

    /// Nothing needs codes either.
    async fn twilio(&mut self, connection: &Connection) -> Result<(), Fault> {
        let service = connection.account.get("service").map_or("", |service| service.trim()).to_string();
        let Some(answer) = self.ask(connection, "GET", &["Services", &service], &[]).await? else { return Ok(()) };
        let there = answer.status == 200;
        self.good(&connection.id, &format!("Verify service `{service}`"), there, Vec::new(), "Twilio does not know it: check `account.service`");
        Ok(())
    }

    /// Nor pushes.
    async fn duo(&mut self, connection: &Connection) -> Result<(), Fault> {
        let Some(answer) = self.ask(connection, "GET", &["auth", "v2", "check"], &[]).await? else { return Ok(()) };
        self.good(&connection.id, "keys of an Auth API application", answer.status == 200, Vec::new(), "Duo does not take them: enter them again");
        Ok(())
    }

    /// Compares what is held with what the table says.
    fn compare(&mut self, connection: &Connection, held: &BTreeSet<String>) {
        for need in needs::of(&connection.vendor, self.purpose) {
            let covered = need.covered_by.iter().any(|broader| held.contains(*broader));
            let good = held.contains(need.permission) || covered;
            if good || !need.optional {
                self.good(&connection.id, &format!("permission `{}`", need.permission), good, need.actions.to_vec(), "grant it");
            }
        }
        let known: Vec<&str> = needs::of(&connection.vendor, self.purpose).iter().map(|need| need.permission).collect();
        for extra in held.iter().filter(|held| !known.contains(&held.as_str())) {
            self.note(&connection.id, &format!("permission `{extra}`"), Mark::Excessive, Vec::new(), "take it away: nothing here needs it");
        }
    }

    async fn slack(&mut self, connection: &Connection) -> Result<(), Fault> {
        let Some(answer) = self.ask(connection, "POST", &["auth.test"], &[]).await? else { return Ok(()) };
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let chat = needs::of_role(Role::Chat);
        if body.get("ok") != Some(&Value::Bool(true)) {
            let why = body.get("error").and_then(Value::as_str).unwrap_or("no reason given");
            self.note(&connection.id, "credentials", Mark::Missing, chat, &format!("Slack refuses the bot token: {why}"));
            return Ok(());
        }
        let team = body.get("team_id").and_then(Value::as_str);
        if body.get("is_enterprise_install") == Some(&Value::Bool(true)) {
            let advice = "it is installed for a whole organisation: install it in the workspace";
            self.note(&connection.id, "installation in one workspace", Mark::Missing, chat, advice);
            return Ok(());
        }
        // A guest in the MSP's workspace is reached with the MSP's own installation.
        let own = if connection.connect { self.tenant.staff_chat().and_then(Connection::customer) } else { connection.customer() };
        self.good(&connection.id, "workspace", own.is_some() && team == own, chat, "the bot token is of another workspace than `account.team`");
        let scopes = answer.headers.iter().find(|(name, _)| name == "x-oauth-scopes").map_or("", |(_, value)| value.as_str());
        let held = scopes.split(',').map(|scope| scope.trim().to_string()).filter(|scope| !scope.is_empty()).collect();
        self.compare(connection, &held);
        Ok(())
    }

    async fn entra(&mut self, connection: &Connection) -> Result<(), Fault> {
        // A token tells what was granted when it was issued, so an older one must not be asked.
        self.settings.opened.borrow_mut().remove(&keys::token(&connection.id));
        self.host.set_many(vec![(keys::token(&connection.id), Vec::new())]).await?;
        let Some(answer) = self.ask(connection, "GET", &["users"], &[("$select", "id"), ("$top", "1")]).await? else { return Ok(()) };
        let token = self.settings.opened.borrow().get(&keys::token(&connection.id)).map(|token| token.expose().to_string()).unwrap_or_default();
        let claims = claims(&token);
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
        if connection.customer().is_some_and(|directory| directory.contains('-') && !text("tid").eq_ignore_ascii_case(directory)) {
            self.note(&connection.id, "directory", Mark::Missing, needs::of_role(Role::Idp), "the token is of another directory than `account.directory`");
        }
        let roles = claims.get("roles").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut held: BTreeSet<String> = roles.iter().filter_map(Value::as_str).map(Into::into).collect();
        if answer.status >= 400 && answer.status != 403 {
            self.note(&connection.id, "an answer of Graph", Mark::Missing, needs::of_role(Role::Idp), &format!("it answered {}", answer.status));
        }
        let whose = format!("principalId eq '{}'", text("oid").replace('\'', "''"));
        let path = ["roleManagement", "directory", "roleAssignments"];
        let assigned = self.ask(connection, "GET", &path, &[("$filter", &whose), ("$expand", "roleDefinition")]).await?;
        match assigned.filter(|answer| answer.status == 200).and_then(|answer| serde_json::from_slice::<Value>(&answer.body).ok()) {
            Some(body) => {
                let named = body.get("value").and_then(Value::as_array).cloned().unwrap_or_default();
                held.extend(named.iter().filter_map(|one| one.pointer("/roleDefinition/displayName").and_then(Value::as_str)).map(Into::into));
            }
            None => self.note(&connection.id, "directory roles", Mark::Unproven, Vec::new(), "they can be read with `RoleManagement.Read.Directory`"),
        }
        self.compare(connection, &held);
        Ok(())
    }

    async fn okta(&mut self, connection: &Connection) -> Result<(), Fault> {
        let Some(answer) = self.ask(connection, "GET", &["api", "v1", "users", "me"], &[]).await? else { return Ok(()) };
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(owner) = body.get("id").and_then(Value::as_str).filter(|_| answer.status == 200).map(str::to_string) else {
            self.note(&connection.id, "permission to read users", Mark::Missing, needs::of_role(Role::Idp), "the token's owner cannot be read");
            return Ok(());
        };
        let roles = self.ask(connection, "GET", &["api", "v1", "users", &owner, "roles"], &[]).await?;
        let readable = roles.as_ref().is_some_and(|answer| answer.status == 200);
        self.good(&connection.id, "permission to read roles", readable, needs::of_role(Role::Idp), "an account whose roles cannot be read is never touched");
        if self.tenant.wants_groups() {
            let groups = self.ask(connection, "GET", &["api", "v1", "users", &owner, "groups"], &[]).await?;
            let there = groups.is_some_and(|answer| answer.status == 200);
            self.good(&connection.id, "permission to read groups", there, needs::of_role(Role::Idp), "a list of the guardrails may name a group");
        }
        let roles: Vec<Value> = roles.filter(|_| readable).and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default();
        let held = roles.iter().filter_map(|role| role.get("type").and_then(Value::as_str)).map(Into::into).collect();
        if readable {
            self.compare(connection, &held);
        }
        Ok(())
    }

    async fn connectwise(&mut self, connection: &Connection) -> Result<(), Fault> {
        let (tenant, psa) = (self.tenant, needs::of_role(Role::Psa));
        let desk = &tenant.desk;
        let company = desk.company.to_string();
        let found = self.one(connection, &["company", "companies", &company], &[], "company", psa.clone()).await?;
        if let Some(found) = found {
            let gone = found.get("deletedFlag") == Some(&Value::Bool(true));
            self.good(&connection.id, &format!("company {company}"), !gone, psa.clone(), "it is deleted in the PSA");
        }
        let whose = format!("company/id={company}");
        self.list(connection, &["service", "tickets"], &[("conditions", &whose), ("pageSize", "1")], "tickets", psa.clone()).await?;
        self.list(connection, &["company", "contacts"], &[("conditions", &whose), ("pageSize", "1")], "contacts", psa.clone()).await?;
        self.list(connection, &["time", "entries"], &[("conditions", "chargeToId=0"), ("pageSize", "1")], "time entries", psa.clone()).await?;
        self.list(connection, &["finance", "agreements"], &[("conditions", &whose), ("pageSize", "1")], "agreements", vec![Action::Ticket]).await?;
        if desk.time_entry == "billable" && self.purpose == Use::Full {
            for action in ACTIONS.iter().filter(|action| !desk.minutes.contains_key(**action)) {
                self.note(&connection.id, &format!("`desk.minutes.{action}`"), Mark::Unproven, Vec::new(), "without it this type is never billed");
            }
        }
        let statuses = self.of_board(connection, desk.board, "statuses").await?;
        let named = |list: &[Value], name: &str| list.iter().any(|one| is_named(one, name) && !flag(one, "inactive") && !flag(one, "inactiveFlag"));
        if let Some(statuses) = &statuses {
            for name in [&desk.closed_status, &desk.dispatch_status, &desk.responded_status, &desk.waiting_status].into_iter().flatten() {
                self.good(&connection.id, &format!("status `{name}` on board {}", desk.board), named(statuses, name), psa.clone(), "choose one that is there");
            }
            let closes = statuses.iter().any(|one| flag(one, "closedStatus") && !flag(one, "inactive"));
            self.good(&connection.id, &format!("a closed status on board {}", desk.board), closes, psa.clone(), "tickets cannot be closed there");
        }
        if let Some(name) = &desk.alert_priority {
            let found = self.list(connection, &["service", "priorities"], &[("pageSize", PAGE)], "priorities", vec![Action::Ticket]).await?;
            if let Some(found) = found {
                self.good(&connection.id, &format!("priority `{name}`"), named(&found, name), vec![Action::Ticket], "choose one that is there");
            }
        }
        if let Some(name) = &desk.work_type {
            let found = self.list(connection, &["time", "workTypes"], &[("pageSize", PAGE)], "work types", psa.clone()).await?;
            if let Some(found) = found {
                self.good(
                    &connection.id,
                    &format!("work type `{name}`"),
                    named(&found, name),
                    psa.clone(),
                    "choose one that is there; until then nothing is billed",
                );
            }
        }
        let types = tenant.contact_types();
        if !types.is_empty() {
            let found = self.list(connection, &["company", "contacts", "types"], &[("pageSize", PAGE)], "contact types", psa.clone()).await?;
            // In this list a type has its name as `description`, on a contact as `name`.
            for name in types.iter().filter(|_| found.is_some()) {
                let there = found.iter().flatten().any(|one| is_called(one, "description", name) && !flag(one, "inactiveFlag"));
                self.good(&connection.id, &format!("contact type `{name}`"), there, psa.clone(), "choose one that is there; nobody has it");
            }
        }
        let mut role = None;
        if let Some(name) = &desk.member {
            let condition = format!("identifier=\"{}\"", name.replace(['"', '\\'], ""));
            let found = self.list(connection, &["system", "members"], &[("conditions", &condition), ("pageSize", PAGE)], "members", psa.clone()).await?;
            if let Some(found) = found {
                let there = found.iter().find(|one| one.get("identifier").and_then(Value::as_str).is_some_and(|id| id.eq_ignore_ascii_case(name)));
                role = there.and_then(|one| one.pointer("/securityRole/id")).and_then(Value::as_u64);
                let advice = "time cannot be logged for whom the PSA does not know";
                self.good(&connection.id, &format!("member `{name}`"), there.is_some(), psa.clone(), advice);
            }
        }
        for intake in &desk.intake {
            for (kind, names) in [("statuses", &intake.statuses), ("types", &intake.types)] {
                let list = if names.is_empty() { None } else { self.of_board(connection, intake.board, kind).await? };
                for name in names.iter().filter(|_| list.is_some()) {
                    let there = list.as_deref().is_some_and(|list| named(list, name));
                    let what = format!("{} `{name}` on board {}", if kind == "types" { "type" } else { "status" }, intake.board);
                    self.good(&connection.id, &what, there, vec![Action::Intake], "choose one that is there");
                }
            }
        }
        if !desk.intake.is_empty() {
            let url = format!("{}/webhooks/{}", self.settings.public_url, connection.id);
            let found = self.list(connection, &["system", "callbacks"], &[("pageSize", PAGE)], "callbacks", vec![Action::Intake]).await?;
            if let Some(found) = found {
                let ours =
                    |one: &&Value| one.get("url").and_then(Value::as_str).is_some_and(|to| to.split('?').next() == Some(&url)) && !flag(one, "inactiveFlag");
                self.good(&connection.id, "callback registered", found.iter().any(|one| ours(&one)), vec![Action::Intake], &format!("register one to `{url}`"));
            }
        }
        self.writes(connection, role).await
    }

    /// Which modules the member's role may write. Whether a ticket takes a note is said by no read, so for the full use this proves nothing.
    async fn writes(&mut self, connection: &Connection, role: Option<u64>) -> Result<(), Fault> {
        let unproven =
            |checks: &mut Self, what: &str| checks.note(&connection.id, what, Mark::Unproven, Vec::new(), "look at the security role of the API member");
        if self.purpose == Use::Full {
            unproven(self, "may write service tickets, notes and time entries");
            return Ok(());
        }
        let role = role.map(|role| role.to_string());
        let answer = match &role {
            Some(role) => self.ask(connection, "GET", &["system", "securityRoles", role, "settings"], &[("pageSize", PAGE)]).await?,
            None => None,
        };
        let settings: Option<Vec<Value>> = answer.filter(|answer| answer.status == 200).and_then(|answer| serde_json::from_slice(&answer.body).ok());
        let Some(settings) = settings.filter(|settings| !settings.is_empty()) else {
            unproven(self, "no writes");
            return Ok(());
        };
        let level = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).is_none_or(|level| !level.eq_ignore_ascii_case("none"));
        let mut clean = true;
        for one in settings.iter().filter(|one| ["addLevel", "editLevel", "deleteLevel"].iter().any(|name| level(one, name))) {
            clean = false;
            let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
            let what = format!("write `{} {}`", text("moduleIdentifier"), text("moduleFunctionName"));
            self.note(&connection.id, &what, Mark::Excessive, Vec::new(), "take it away: history and shadow only read");
        }
        if clean {
            self.note(&connection.id, "no writes", Mark::Good, Vec::new(), "");
        }
        Ok(())
    }

    async fn of_board(&mut self, connection: &Connection, board: u64, kind: &str) -> Result<Option<Vec<Value>>, Fault> {
        let board = board.to_string();
        self.list(connection, &["service", "boards", &board, kind], &[("pageSize", PAGE)], &format!("{kind} of board {board}"), needs::of_role(Role::Psa)).await
    }

    async fn list(
        &mut self,
        connection: &Connection,
        path: &[&str],
        query: &[(&str, &str)],
        what: &str,
        needed_for: Vec<Action>,
    ) -> Result<Option<Vec<Value>>, Fault> {
        let found = self.one(connection, path, query, what, needed_for).await?;
        Ok(found.and_then(|found| if let Value::Array(list) = found { Some(list) } else { None }))
    }

    /// A read whose success is itself what is checked.
    async fn one(
        &mut self,
        connection: &Connection,
        path: &[&str],
        query: &[(&str, &str)],
        what: &str,
        needed_for: Vec<Action>,
    ) -> Result<Option<Value>, Fault> {
        let Some(answer) = self.ask(connection, "GET", path, query).await? else { return Ok(None) };
        let advice = match answer.status {
            403 => "the member may not read them: widen its security role".to_string(),
            404 => "it is not there".to_string(),
            status => format!("the PSA answered {status}"),
        };
        self.good(&connection.id, &format!("read {what}"), answer.status == 200, needed_for, &advice);
        Ok(serde_json::from_slice(&answer.body).ok().filter(|_| answer.status == 200))
    }
}

/// The claims of a token. Whoever was given it knows what it says; only its audience has to trust it.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap_or_default().replace('-', "+").replace('_', "/");
    let padded = format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4));
    unbase64(&padded).and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
