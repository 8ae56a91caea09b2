//! Microsoft Entra through Graph v1.0.
//!
//! Names of an account are its sign-in name, its mail address and its SMTP proxy addresses.
//! `otherMails` is left out on purpose: a user may set it to any private address, so it identifies nobody.

use crate::bindings::exports::firstline::idp::idp::{Account, Lock, Manager, Outcome, Person, Subject, Watched};
use crate::directory::{self, Change, Directory, Flow, PEOPLE, SECRET, begins, body, changed, escalate, fit, is_called, pairs};
use firstline_connector::quote;
use firstline_connector::replay::{Io, Read, change, get, request};
use firstline_connector::wire::{Body, Effect, Fill, Request, Target};
use serde::Deserialize;
use serde::de::DeserializeOwned;

mod factors;
#[cfg(test)]
mod tests;

const ACCOUNT: &str = "id,userPrincipalName,displayName,mail,proxyAddresses,mobilePhone,businessPhones,accountEnabled,userType,onPremisesSyncEnabled,lastPasswordChangeDateTime,preferredLanguage";
const OBJECT: &str = "id,displayName,isAssignableToRole";
const GROUP: &str = "id,displayName,mail,proxyAddresses,groupTypes,securityEnabled,mailEnabled,isAssignableToRole,onPremisesSyncEnabled";
const READS: &str = "the application permissions User.Read.All, GroupMember.Read.All and RoleManagement.Read.Directory";
const RESETS: &str = "the application permission User-PasswordProfile.ReadWrite.All and the directory role User Administrator for its service principal";
const LOGS: &str = "the application permission AuditLog.Read.All, and Entra ID P1";
const METHODS: &str = "the application permission UserAuthenticationMethod.ReadWrite.All";
const REVOKES: &str = "the application permission User.RevokeSessions.All";
/// Pages of one listing that are followed; a hundred objects each.
const PAGES: usize = 20;

/// The vendor `entra`.
pub(crate) struct Entra;

impl Directory for Entra {
    fn find(&self, io: &mut Io, login: &str) -> Flow<Outcome> {
        // Without an address this would be one of Graph's own words, such as `delta`.
        if !login.contains('@') {
            return Ok(Outcome::Absent);
        }
        let [user, member, owned] = io.read_all([account(login), member_of(login), owned_by(login)])?;
        let (user, listings) = if user.status() == 404 {
            let Some(user) = by_address(io, login)? else {
                return Ok(Outcome::Absent);
            };
            let [member, owned] = io.read_all([member_of(&user.id), owned_by(&user.id)])?;
            (user, [member, owned])
        } else {
            (body::<User>(&user, "the account", READS)?, [member, owned])
        };
        if !user.names().contains(&login.to_lowercase()) {
            return Ok(Outcome::Absent);
        }
        let (privileged, belongs) = privileges(io, listings)?;
        let groups = belongs.into_iter().filter(Object::is_group).map(|object| object.id).collect();
        Ok(Outcome::Found(Account { groups, ..user.account(privileged) }))
    }

    fn manager(&self, io: &mut Io, id: &str) -> Flow<Option<Manager>> {
        let read = io.read(Request { query: pairs(&[("$select", ACCOUNT)]), ..get(&["users", id, "manager"]) })?;
        // Graph's answer where nobody is named.
        if read.status() == 404 {
            return Ok(None);
        }
        // A contact of the organisation has no sign-in name, and is nobody who could be asked.
        let manager: Option<User> = body::<serde_json::Value>(&read, "the manager", READS).map(|found| serde_json::from_value(found).ok())?;
        Ok(manager
            .map(|manager| (manager.mail.clone(), manager.account(Vec::new())))
            .filter(|(_, account)| account.enabled && !account.guest)
            .map(|(mail, account)| Manager { address: mail.unwrap_or_else(|| account.login.clone()), id: account.id, name: account.name }))
    }

    fn unlock(&self, _io: &mut Io, _subject: &Subject) -> Flow<Outcome> {
        escalate("vendor-refused", "Entra has no unlock: smart lockout passes by itself or with a password reset; nothing was changed")
    }

    /// A synced account is refused even where write-back is set up: only the delegated `resetPassword` writes back (P-17),
    /// an application's password would be overwritten from on premises.
    fn reset_password(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome> {
        let reads = io.read_all([account(&subject.id), member_of(&subject.id), owned_by(&subject.id)])?;
        let (before, _, fits) = still_fit(io, reads, subject)?;
        let mut evidence = vec![fits];

        let set = Change { request: new_password(&subject.id), what: "setting a temporary password", needs: RESETS };
        let look = account(&subject.id);
        // Both instants are Graph's own, so no clock of ours is compared with Microsoft's.
        // Graph writes them in UTC and to the second, so their order as text is their order in time.
        directory::confirmed(io, &set, &mut evidence, |io| {
            directory::shows(io, &look, |now: &User| {
                let now = now.last_password_change_date_time.as_ref().filter(|now| before.as_ref().is_none_or(|before| *now > before))?;
                Some(format!("read back: last password change moved from {} to {now}", before.as_deref().unwrap_or("never")))
            })
        })?;
        Ok(changed(evidence, Some(SECRET)))
    }

    fn revoke_sessions(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome> {
        let request = request("POST", &["users", &subject.id, "revokeSignInSessions"], Body::Empty, Effect::Change);
        let mut evidence = directory::repeatable(io, &Change { request, what: "revoking sign-in sessions", needs: REVOKES })?;
        evidence.push("sessions end within minutes".into());
        Ok(changed(evidence, None))
    }

    fn reset_factors(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome> {
        factors::reset(io, subject)
    }

    fn check_factors(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome> {
        factors::check(io, subject)
    }

    fn look_up(&self, io: &mut Io, words: &[&str]) -> Flow<Outcome> {
        let page: Page<User> = body(&io.read(search(&meaning(words)))?, "accounts by name", READS)?;
        let address = words.iter().any(|word| word.contains('@'));
        let called = |user: &User| address || is_called(words, [&user.display_name, &user.given_name, &user.surname].into_iter().flatten().map(String::as_str));
        if page.next.is_some() {
            return escalate("not-found", "more people have such a name than one page holds");
        }
        let found: Vec<User> = page.value.into_iter().filter(called).take(PEOPLE + 1).collect();
        let mut people = Vec::new();
        let asked = if found.len() > PEOPLE { Vec::new() } else { found.iter().flat_map(|user| [member_of(&user.id), owned_by(&user.id)]).collect() };
        let mut listings = io.reads(asked)?.into_iter();
        for mut user in found {
            let department = user.department.take();
            let privileged = match (listings.next(), listings.next()) {
                (Some(member), Some(owned)) => privileges(io, [member, owned])?.0,
                _ => Vec::new(),
            };
            people.push(directory::person(user.account(privileged), department));
        }
        Ok(Outcome::People(people))
    }

    /// Interactive sign-ins, oldest first; error code 0 is success.
    fn first_sign_in(&self, io: &mut Io, watched: &Watched) -> Flow<Option<String>> {
        let (user, since) = (quote::odata(&watched.account), &watched.since);
        let filter = format!("userId eq {user} and createdDateTime ge {since} and status/errorCode eq 0");
        let query = pairs(&[("$filter", filter.as_str()), ("$orderby", "createdDateTime"), ("$top", "1")]);
        let page: Page<SignIn> = body(&io.read(Request { query, ..get(&["auditLogs", "signIns"]) })?, "the sign-in log", LOGS)?;
        Ok(page.value.into_iter().next().map(|found| found.created_date_time))
    }

    fn look_up_group(&self, io: &mut Io, words: &[&str]) -> Flow<Outcome> {
        let name = words.join(" ");
        let address = words.iter().find(|word| word.contains('@'));
        let filter = address.map_or_else(|| starts("displayName", &name), |address| carries(address));
        let page: Page<Group> = body(&io.read(listed("groups", &filter, GROUP))?, "groups by name", READS)?;
        if page.next.is_some() {
            return escalate("not-found", "more groups have such a name than one page holds");
        }
        let meant = |group: &Group| address.is_some() || group.display_name.as_deref().is_some_and(|known| begins(known, &name));
        Ok(Outcome::People(page.value.into_iter().filter(meant).take(PEOPLE + 1).map(Group::person).collect()))
    }

    /// A shared mailbox is an account that has an address, and that mostly may not sign in.
    fn look_up_mailbox(&self, io: &mut Io, words: &[&str]) -> Flow<Outcome> {
        let (name, joined) = (words.join(" "), words.concat());
        let address = words.iter().any(|word| word.contains('@'));
        let filter = if address { meaning(words) } else { format!("{} or {}", starts("displayName", &name), starts("mail", &joined)) };
        let page: Page<User> = body(&io.read(search(&filter))?, "mailboxes by name", READS)?;
        if page.next.is_some() {
            return escalate("not-found", "more mailboxes have such a name than one page holds");
        }
        let meant = |user: &User| {
            let named = || user.display_name.as_deref().is_some_and(|known| begins(known, &name));
            user.mail.as_deref().is_some_and(|mail| address || begins(mail, &joined) || named())
        };
        let found = page.value.into_iter().filter(meant).take(PEOPLE + 1);
        let mailbox = |user: User| {
            let mail = user.mail.clone().unwrap_or_default();
            Person { login: mail, ..directory::person(user.account(Vec::new()), None) }
        };
        Ok(Outcome::People(found.map(mailbox).collect()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    id: String,
    display_name: Option<String>,
    mail: Option<String>,
    proxy_addresses: Option<Vec<String>>,
    group_types: Option<Vec<String>>,
    security_enabled: Option<bool>,
    mail_enabled: Option<bool>,
    is_assignable_to_role: Option<bool>,
    on_premises_sync_enabled: Option<bool>,
}

impl Group {
    fn person(self) -> Person {
        let is = |kind: &str| self.group_types.iter().flatten().any(|known| known.eq_ignore_ascii_case(kind));
        let kind = match (is("Unified"), self.mail_enabled == Some(true), self.security_enabled == Some(true)) {
            (true, _, _) => "Microsoft 365 group",
            (false, true, true) => "mail-enabled security group",
            (false, true, false) => "distribution list",
            (false, false, _) => "security group",
        };
        let marks = [
            (self.is_assignable_to_role == Some(true), "directory roles may hang on it"),
            (is("DynamicMembership"), "a rule says who belongs to it"),
            (self.on_premises_sync_enabled == Some(true), "mastered in another directory"),
        ];
        let proxies = self.proxy_addresses.iter().flatten().filter_map(|address| address.split_once(':').map(|(_, address)| address));
        Person {
            names: directory::names(self.mail.as_deref().into_iter().chain(proxies)),
            login: self.mail.clone().unwrap_or_default(),
            name: self.display_name.clone().unwrap_or_else(|| self.id.clone()),
            department: None,
            state: kind.into(),
            marks: marks.into_iter().filter(|(so, _)| *so).map(|(_, mark)| mark.to_string()).collect(),
            id: self.id,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    user_principal_name: String,
    display_name: Option<String>,
    mail: Option<String>,
    proxy_addresses: Option<Vec<String>>,
    mobile_phone: Option<String>,
    business_phones: Option<Vec<String>>,
    account_enabled: Option<bool>,
    user_type: Option<String>,
    on_premises_sync_enabled: Option<bool>,
    last_password_change_date_time: Option<String>,
    preferred_language: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    department: Option<String>,
}

impl User {
    fn names(&self) -> Vec<String> {
        let proxies = self.proxy_addresses.iter().flatten().filter_map(|address| {
            let (kind, address) = address.split_once(':')?;
            kind.eq_ignore_ascii_case("smtp").then_some(address)
        });
        directory::names([self.user_principal_name.as_str()].into_iter().chain(self.mail.as_deref()).chain(proxies))
    }

    /// What Graph does not say counts against the account.
    fn account(self, privileged: Vec<String>) -> Account {
        let enabled = self.account_enabled == Some(true);
        // A guest who was made a member still has the password of another directory; only the name shows it.
        let guest =
            self.user_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("guest")) || self.user_principal_name.to_uppercase().contains("#EXT#");
        Account {
            mobile: self.mobile_phone.clone(),
            phones: directory::phones(self.mobile_phone.iter().chain(self.business_phones.iter().flatten())),
            names: self.names(),
            name: self.display_name.unwrap_or_else(|| self.user_principal_name.clone()),
            id: self.id,
            login: self.user_principal_name,
            enabled,
            state: if enabled { "sign-in allowed" } else { "sign-in blocked" }.into(),
            lock: Lock::Unknown,
            guest,
            synced: self.on_premises_sync_enabled == Some(true),
            groups: Vec::new(),
            privileged,
            locale: directory::locale([self.preferred_language.as_deref()]),
            manager: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: String,
    display_name: Option<String>,
    is_assignable_to_role: Option<bool>,
}

impl Object {
    fn is_group(&self) -> bool {
        self.kind.as_deref() == Some("#microsoft.graph.group")
    }

    /// Why belonging to this object, or owning it, makes an account privileged (P-11).
    fn privilege(&self, relation: &str) -> Option<String> {
        let name = self.display_name.as_deref().unwrap_or(&self.id);
        match self.kind.as_deref() {
            Some("#microsoft.graph.directoryRole") => Some(format!("directory role `{name}`")),
            // Graph blanks what the application may not read, and a group always has a name.
            Some("#microsoft.graph.group") if self.display_name.is_none() => Some(format!("{relation} group `{name}`, which may not be read")),
            Some("#microsoft.graph.group") => self.is_assignable_to_role.unwrap_or(false).then(|| format!("{relation} role-assignable group `{name}`")),
            Some(_) => None,
            None => Some(format!("{relation} object `{name}` of an unknown kind")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignIn {
    created_date_time: String,
}

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// Follows a listing to its end. None: it has more pages than are followed.
fn pages<T: DeserializeOwned>(io: &mut Io, first: Read, headers: &[(String, String)], what: &str) -> Flow<Option<Vec<T>>> {
    let mut page: Page<T> = body(&first, what, READS)?;
    let mut all = Vec::new();
    for _ in 0..PAGES {
        all.append(&mut page.value);
        let Some(next) = page.next else {
            return Ok(Some(all));
        };
        let follow = Request { target: Target::Follow(next), headers: headers.to_vec(), ..get(&[]) };
        page = body(&io.read(follow)?, what, READS)?;
    }
    Ok(None)
}

/// Roles and role-assignable groups that the account belongs to, directly or through groups, or owns; and all that it belongs to.
fn privileges(io: &mut Io, [member, owned]: [Read; 2]) -> Flow<(Vec<String>, Vec<Object>)> {
    let mut reasons = Vec::new();
    let mut read = |listing, relation, what| -> Flow<Vec<Object>> {
        let objects = pages::<Object>(io, listing, &[], what)?;
        reasons.extend(objects.is_none().then(|| format!("too many {what} to read them all")));
        let objects = objects.unwrap_or_default();
        reasons.extend(objects.iter().filter_map(|object| object.privilege(relation)));
        Ok(objects)
    };
    let belongs = read(member, "member of", "memberships")?;
    read(owned, "owner of", "owned objects")?;
    Ok((reasons, belongs))
}

/// Of the account as it is just before a change: when its password was last changed, what it belongs to, and what was seen that makes it fit for one.
fn still_fit(io: &mut Io, [user, member, owned]: [Read; 3], subject: &Subject) -> Flow<(Option<String>, Vec<Object>, String)> {
    let user: User = body(&user, "the account", READS)?;
    let changed = user.last_password_change_date_time.clone();
    let (privileged, belongs) = privileges(io, [member, owned])?;
    let fits = fit(&user.account(privileged), subject)?;
    Ok((changed, belongs, fits))
}

fn carries(address: &str) -> String {
    format!("mail eq {} or proxyAddresses/any(p:p eq {})", quote::odata(address), quote::odata(&format!("smtp:{address}")))
}

fn starts(property: &str, text: &str) -> String {
    format!("startswith({property},{})", quote::odata(text))
}

/// Accounts that these words of a text may mean. `startswith` is not exact, so whoever has longer names is left out afterwards.
fn meaning(words: &[&str]) -> String {
    if let Some(address) = words.iter().find(|word| word.contains('@')) {
        return format!("userPrincipalName eq {} or {}", quote::odata(address), carries(address));
    }
    match words {
        [name] => ["displayName", "givenName", "surname"].map(|property| starts(property, name)).join(" or "),
        [first, .., last] => format!("{} or ({} and {})", starts("displayName", &words.join(" ")), starts("givenName", first), starts("surname", last)),
        [] => starts("id", ""),
    }
}

fn search(filter: &str) -> Request {
    listed("users", filter, &format!("{ACCOUNT},givenName,surname,department"))
}

fn listed(what: &str, filter: &str, select: &str) -> Request {
    let query = [("$filter", filter), ("$select", select), ("$count", "true")];
    Request { query: pairs(&query), headers: eventual(), ..get(&[what]) }
}

fn eventual() -> Vec<(String, String)> {
    vec![("ConsistencyLevel".to_string(), "eventual".to_string())]
}

/// The one account that carries an address which is not its sign-in name.
fn by_address(io: &mut Io, address: &str) -> Flow<Option<User>> {
    let headers = eventual();
    let filter = carries(address);
    let query = [("$filter", filter.as_str()), ("$select", ACCOUNT), ("$count", "true")];
    let search = Request { query: pairs(&query), headers: headers.clone(), ..get(&["users"]) };
    let first = io.read(search)?;
    let hits = pages::<User>(io, first, &headers, "accounts by address")?;
    match hits {
        Some(mut hits) if hits.len() <= 1 => Ok(hits.pop()),
        Some(_) | None => escalate("not-found", format!("more than one account carries the address `{address}`")),
    }
}

fn account(key: &str) -> Request {
    Request { query: pairs(&[("$select", ACCOUNT)]), ..get(&["users", key]) }
}

fn member_of(key: &str) -> Request {
    Request { query: pairs(&[("$select", OBJECT)]), ..get(&["users", key, "transitiveMemberOf"]) }
}

fn owned_by(key: &str) -> Request {
    Request { query: pairs(&[("$select", OBJECT)]), ..get(&["users", key, "ownedObjects"]) }
}

fn new_password(id: &str) -> Request {
    let body = serde_json::json!({"passwordProfile": {"forceChangePasswordNextSignIn": true, "password": ""}});
    let fill = vec![Fill { pointer: "/passwordProfile/password".into(), name: SECRET.into() }];
    Request { fill, ..change("PATCH", &["users", id], &body) }
}
