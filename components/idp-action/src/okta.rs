//! Okta. The base URL of a connection is the organisation (`https://acme.okta.com`).
//!
//! Names of an account are its login and its primary address; the second address is a private one and identifies nobody.

use crate::bindings::exports::firstline::idp::idp::{Account, Lock, Manager, Outcome, Person, Report, Subject, Watched};
use crate::directory::{self, Change, Directory, Flow, PEOPLE, SECRET, begins, body, changed, escalate, fit, is_called, pairs};
use firstline_connector::quote;
use firstline_connector::replay::{Io, Read, get, json, request};
use firstline_connector::wire::{Body, Effect, Request, Response};
use serde::Deserialize;

#[cfg(test)]
mod tests;

const READS: &str = "a token of an administrator who may read users and their administrator roles (`okta.users.read`, `okta.roles.read`)";
const LOGS: &str = "a token of an administrator who may read the System Log (`okta.logs.read`)";
const MANAGES: &str = "a token of an administrator who may manage this user (`okta.users.manage`)";
const GROUPS: &str = "a token of an administrator who may read groups (`okta.groups.read`)";
/// Groups of one answer.
const PAGE: usize = 50;
const LOCKED: &str = "LOCKED_OUT";
const EXPIRED: &str = "PASSWORD_EXPIRED";

/// The vendor `okta`.
pub(crate) struct Okta;

impl Directory for Okta {
    fn find(&self, io: &mut Io, login: &str) -> Flow<Outcome> {
        // `me` is the owner of the token.
        if login.is_empty() || login == "me" {
            return Ok(Outcome::Absent);
        }
        let read = io.read(user(login))?;
        let user = if read.status() == 404 {
            let Some(user) = by_address(io, login)? else {
                return Ok(Outcome::Absent);
            };
            user
        } else {
            body::<User>(&read, "the account", READS)?
        };
        if !user.names().contains(&login.to_lowercase()) {
            return Ok(Outcome::Absent);
        }
        let roles = io.read(roles(&user.id))?;
        Ok(Outcome::Found(user.account(privileges(&roles)?)))
    }

    /// Okta keeps no check on what `managerId` holds: only what is the id or login of a user counts.
    fn manager(&self, io: &mut Io, id: &str) -> Flow<Option<Manager>> {
        let owner: User = body(&io.read(user(id))?, "the account", READS)?;
        let Some(named) = owner.profile.manager_id.filter(|named| !named.trim().is_empty() && named != "me") else { return Ok(None) };
        let read = io.read(user(named.trim()))?;
        if read.status() == 404 {
            return Ok(None);
        }
        let manager: User = body(&read, "the manager", READS)?;
        let address = manager.profile.email.clone().unwrap_or_else(|| manager.profile.login.clone());
        let account = manager.account(Vec::new());
        Ok(account.enabled.then_some(Manager { id: account.id, name: account.name, address }))
    }

    fn groups(&self, io: &mut Io, account: &Account) -> Flow<Vec<String>> {
        let read = io.read(get(&["api", "v1", "users", &account.id, "groups"]))?;
        let groups: Vec<Group> = body(&read, "the groups of the account", GROUPS)?;
        Ok(groups.into_iter().map(|group| group.id).collect())
    }

    fn unlock(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome> {
        let (account, looked) = again(io, subject)?;
        let mut evidence = vec![looked];
        if account.lock == Lock::Locked {
            unlock(io, subject, &mut evidence)?;
            return Ok(changed(evidence, None));
        }
        evidence.push(format!("not locked out: the state is {}", account.state));
        Ok(Outcome::Unchanged(Report { evidence, secret: None }))
    }

    fn reset_password(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome> {
        let (account, looked) = again(io, subject)?;
        let mut evidence = vec![looked];
        let mut what = "setting a temporary password";
        if account.lock == Lock::Locked {
            unlock(io, subject, &mut evidence)?;
            what = "setting a temporary password (the account was unlocked before)";
        }
        let set = Change { request: post(&subject.id, "expire_password_with_temp_password"), what, needs: MANAGES };
        // Okta makes the password, so a lost reply is a lost password, and a second one replaces it.
        let answer = match directory::sent(io, &set, false)? {
            Some(answer) => Some(answer),
            None => {
                evidence.push(format!("{what}: the reply was lost"));
                let Some(seen) = state(io, subject, &["ACTIVE", "RECOVERY", EXPIRED])? else {
                    return escalate(
                        "unknown-outcome",
                        format!("{what}: the reply was lost, and so was the account; a password may have been set that nobody knows"),
                    );
                };
                evidence.push(format!("{seen}; whatever password was set is lost, so another is set"));
                directory::sent(io, &set, true)?
            }
        };
        let Some(answer) = answer else {
            return escalate("unknown-outcome", format!("{what}: the reply was lost twice; a password may have been set that nobody knows"));
        };
        if !sealed(&answer)? {
            return escalate("read-back-failed", format!("{what}: answered {} without a password; the old one may be gone", answer.status));
        }
        evidence.push(format!("{what}: answered {}", answer.status));
        match state(io, subject, &[EXPIRED])? {
            Some(seen) => evidence.push(seen),
            None => return escalate("read-back-failed", format!("{what}: answered {}, but the state did not become {EXPIRED}", answer.status)),
        }
        Ok(changed(evidence, Some(SECRET)))
    }

    fn revoke_sessions(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome> {
        let delete = request("DELETE", &["api", "v1", "users", &subject.id, "sessions"], Body::Empty, Effect::Change);
        let request = Request { query: vec![("oauthTokens".into(), "true".into())], ..delete };
        let evidence = directory::repeatable(io, &Change { request, what: "ending sessions and tokens", needs: MANAGES })?;
        Ok(changed(evidence, None))
    }

    fn look_up(&self, io: &mut Io, words: &[&str]) -> Flow<Outcome> {
        let search = Request { query: vec![("search".into(), meaning(words))], ..get(&["api", "v1", "users"]) };
        let hits: Vec<User> = body(&io.read(search)?, "accounts by name", READS)?;
        let address = words.iter().any(|word| word.contains('@'));
        let called = |user: &User| address || is_called(words, [&user.profile.first_name, &user.profile.last_name].into_iter().flatten().map(String::as_str));
        let found: Vec<User> = hits.into_iter().filter(called).take(PEOPLE + 1).collect();
        let asked = if found.len() > PEOPLE { Vec::new() } else { found.iter().map(|user| roles(&user.id)).collect() };
        let mut held = io.reads(asked)?.into_iter();
        let mut people = Vec::new();
        for mut user in found {
            let department = user.profile.department.take();
            let privileged = held.next().map_or_else(|| Ok(Vec::new()), |roles| privileges(&roles))?;
            people.push(directory::person(user.account(privileged), department));
        }
        Ok(Outcome::People(people))
    }

    /// The System Log, oldest first.
    fn first_sign_in(&self, io: &mut Io, watched: &Watched) -> Flow<Option<String>> {
        let actor = quote::scim(&watched.account);
        let filter = format!("eventType eq \"user.session.start\" and outcome.result eq \"SUCCESS\" and actor.id eq {actor}");
        let query = pairs(&[("since", watched.since.as_str()), ("filter", &filter), ("sortOrder", "ASCENDING"), ("limit", "1")]);
        let events: Vec<LogEvent> = body(&io.read(Request { query, ..get(&["api", "v1", "logs"]) })?, "the System Log", LOGS)?;
        Ok(events.into_iter().next().map(|event| event.published))
    }

    fn look_up_group(&self, io: &mut Io, words: &[&str]) -> Flow<Outcome> {
        let name = words.join(" ");
        let query = pairs(&[("q", name.as_str()), ("limit", &PAGE.to_string())]);
        let hits: Vec<Group> = body(&io.read(Request { query, ..get(&["api", "v1", "groups"]) })?, "groups by name", GROUPS)?;
        if hits.len() >= PAGE {
            return escalate("not-found", "more groups have such a name than one page holds");
        }
        let found = hits.into_iter().filter(|group| begins(&group.profile.name, &name)).take(PEOPLE + 1);
        Ok(Outcome::People(found.map(Group::person).collect()))
    }
}

#[derive(Deserialize)]
struct Group {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    profile: GroupProfile,
}

#[derive(Deserialize)]
struct GroupProfile {
    name: String,
}

impl Group {
    fn person(self) -> Person {
        let marks = match self.kind.as_str() {
            "OKTA_GROUP" => None,
            "BUILT_IN" => Some("Okta says who belongs to it"),
            _ => Some("mastered in another directory"),
        };
        let marks = marks.into_iter().map(Into::into).collect();
        Person { id: self.id, login: String::new(), names: Vec::new(), name: self.profile.name, department: None, state: format!("group {}", self.kind), marks }
    }
}

#[derive(Deserialize)]
struct LogEvent {
    published: String,
}

#[derive(Deserialize)]
struct User {
    id: String,
    status: String,
    profile: Profile,
    credentials: Option<Credentials>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    login: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    preferred_language: Option<String>,
    locale: Option<String>,
    mobile_phone: Option<String>,
    primary_phone: Option<String>,
    manager_id: Option<String>,
    department: Option<String>,
}

#[derive(Deserialize)]
struct Credentials {
    provider: Option<Provider>,
}

#[derive(Deserialize)]
struct Provider {
    #[serde(rename = "type")]
    kind: String,
}

impl User {
    fn names(&self) -> Vec<String> {
        directory::names([self.profile.login.as_str()].into_iter().chain(self.profile.email.as_deref()))
    }

    /// What Okta does not say counts against the account.
    fn account(self, privileged: Vec<String>) -> Account {
        let name: Vec<&str> = [&self.profile.first_name, &self.profile.last_name].into_iter().flatten().map(String::as_str).collect();
        let name = if name.is_empty() { self.profile.login.clone() } else { name.join(" ") };
        let provider = self.credentials.as_ref().and_then(|credentials| credentials.provider.as_ref());
        Account {
            mobile: self.profile.mobile_phone.clone(),
            phones: directory::phones([&self.profile.mobile_phone, &self.profile.primary_phone].into_iter().flatten()),
            names: self.names(),
            name,
            id: self.id,
            login: self.profile.login,
            // STAGED, PROVISIONED, SUSPENDED and DEPROVISIONED may not sign in, and neither may a state that is not known.
            enabled: ["ACTIVE", LOCKED, EXPIRED, "RECOVERY"].contains(&self.status.as_str()),
            lock: if self.status == LOCKED { Lock::Locked } else { Lock::Open },
            state: self.status,
            guest: false,
            synced: provider.is_none_or(|provider| provider.kind != "OKTA"),
            groups: Vec::new(),
            privileged,
            // Okta fills `locale` in by itself, the other only somebody who means it.
            locale: directory::locale([self.profile.preferred_language.as_deref(), self.profile.locale.as_deref()]),
            manager: None,
        }
    }
}

#[derive(Deserialize)]
struct Role {
    #[serde(rename = "type")]
    kind: Option<String>,
    label: Option<String>,
}

/// Every administrator role counts, also an inactive one.
fn privileges(read: &Read) -> Flow<Vec<String>> {
    let roles: Vec<Role> = body(read, "administrator roles", READS)?;
    Ok(roles.into_iter().map(|role| format!("administrator role `{}`", role.label.or(role.kind).unwrap_or_else(|| "unknown".into()))).collect())
}

/// Accounts that these words of a text may mean. `sw` is not exact, so whoever has longer names is left out afterwards.
fn meaning(words: &[&str]) -> String {
    let starts = |property: &str, text: &str| format!("profile.{property} sw {}", quote::scim(text));
    if let Some(address) = words.iter().find(|word| word.contains('@')) {
        let address = quote::scim(address);
        return format!("profile.login eq {address} or profile.email eq {address}");
    }
    match words {
        [name] => format!("{} or {}", starts("firstName", name), starts("lastName", name)),
        [first, .., last] => format!("{} and {}", starts("firstName", first), starts("lastName", last)),
        [] => starts("login", ""),
    }
}

/// The one account that carries an address which is not its login.
fn by_address(io: &mut Io, address: &str) -> Flow<Option<User>> {
    let search = format!("profile.email eq {}", quote::scim(address));
    let search = Request { query: vec![("search".into(), search)], ..get(&["api", "v1", "users"]) };
    let mut hits: Vec<User> = body(&io.read(search)?, "accounts by address", READS)?;
    match hits.len() {
        0 | 1 => Ok(hits.pop()),
        n => escalate("not-found", format!("{n} accounts carry the address `{address}`")),
    }
}

/// Account and roles as they stand now, found fit to be changed.
fn again(io: &mut Io, subject: &Subject) -> Flow<(Account, String)> {
    let [user, roles] = io.read_all([user(&subject.id), roles(&subject.id)])?;
    let user: User = body(&user, "the account", READS)?;
    let account = user.account(privileges(&roles)?);
    let looked = fit(&account, subject)?;
    Ok((account, looked))
}

fn unlock(io: &mut Io, subject: &Subject, evidence: &mut Vec<String>) -> Flow<()> {
    let change = Change { request: post(&subject.id, "unlock"), what: "unlocking", needs: MANAGES };
    directory::confirmed(io, &change, evidence, |io| state(io, subject, &["ACTIVE", EXPIRED]))
}

/// Reads back until the account is in one of these states.
fn state(io: &mut Io, subject: &Subject, wanted: &[&str]) -> Flow<Option<String>> {
    directory::shows(io, &user(&subject.id), |user: &User| wanted.contains(&user.status.as_str()).then(|| format!("read back: the state is {}", user.status)))
}

/// The technician replaced the password by its name, so it has been sealed.
fn sealed(response: &Response) -> Flow<bool> {
    let body: serde_json::Value = json(response)?;
    Ok(body.pointer("/tempPassword/secret").and_then(|name| name.as_str()) == Some(SECRET))
}

fn user(key: &str) -> Request {
    get(&["api", "v1", "users", key])
}

fn roles(id: &str) -> Request {
    get(&["api", "v1", "users", id, "roles"])
}

fn post(id: &str, lifecycle: &str) -> Request {
    request("POST", &["api", "v1", "users", id, "lifecycle", lifecycle], Body::Empty, Effect::Change)
}
