//! A lost phone: what hung on it is taken away, and a Temporary Access Pass lets its owner register a new one (P-6, P-10).

use super::{METHODS, Object, Page, account, member_of, owned_by, still_fit};
use crate::bindings::exports::firstline::idp::idp::{Outcome, Report, Subject};
use crate::directory::{self, Change, Flow, SECRET, body, changed, escalate};
use firstline_connector::replay::{Changed, Io, change, get, request};
use firstline_connector::wire::{Body, Effect, Request};
use serde::Deserialize;

const POLICY: &str = "the application permission Policy.Read.AuthenticationMethod";
const PASS: &str = "#microsoft.graph.temporaryAccessPassAuthenticationMethod";
/// How long a pass works, in minutes.
const LIFETIME: u32 = 60;

/// Issues a pass and removes what hung on the phone. The pass comes first: should anything fail after it, its owner is not locked out.
pub(super) fn reset(io: &mut Io, subject: &Subject) -> Flow<Outcome> {
    let reads = [account(&subject.id), member_of(&subject.id), owned_by(&subject.id), methods(&subject.id), policy()];
    let [user, member, owned, registered, policy] = io.read_all(reads)?;
    let (_, groups, fits) = still_fit(io, [user, member, owned], subject)?;
    let mut evidence = vec![fits];
    let registered: Page<Method> = body(&registered, "authentication methods", METHODS)?;
    let lost: Vec<(&str, String)> = registered.value.iter().filter_map(|method| Some((method.below()?, method.id.clone()))).collect();
    if lost.is_empty() {
        return escalate("no-lost-factor", "no authenticator app and no mobile number is registered; nothing was changed");
    }
    // A pass can be issued for anyone, and works only for whom the policy names (P-10).
    let policy: Policy = body(&policy, "the Temporary Access Pass policy", POLICY)?;
    if !policy.covers(&groups) {
        return escalate(
            "no-access-pass",
            "the Temporary Access Pass policy of this tenant is off, does not name this user, or allows no hour; nothing was changed",
        );
    }
    issue(io, subject, &mut evidence)?;
    remove(io, subject, lost, &mut evidence)?;
    let gone = |now: &Page<Method>| now.value.iter().all(|method| method.below().is_none()).then(|| "read back: nothing hangs on the phone any more".into());
    match directory::shows(io, &methods(&subject.id), gone)? {
        Some(seen) => evidence.push(seen),
        None => return escalate("factor-not-removed", "methods of the lost phone still show; a pass was issued, and was not delivered"),
    }
    Ok(changed(evidence, Some(SECRET)))
}

/// Whether its owner has registered something new in place of what was removed.
pub(super) fn check(io: &mut Io, subject: &Subject) -> Flow<Outcome> {
    let registered: Page<Method> = body(&io.read(methods(&subject.id))?, "authentication methods", METHODS)?;
    let kinds: Vec<&str> = registered.value.iter().filter_map(Method::below).collect();
    Ok(match kinds.first() {
        Some(_) => changed(vec![format!("read back: a new factor is registered ({})", kinds.join(", "))], None),
        None => Outcome::Unchanged(Report { evidence: vec!["read back: no new factor is registered yet".into()], secret: None }),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    #[serde(rename = "@odata.type")]
    kind: String,
    id: String,
    phone_type: Option<String>,
}

impl Method {
    /// Below which segment it is deleted, if it hangs on a mobile phone.
    fn below(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod" => Some("microsoftAuthenticatorMethods"),
            "#microsoft.graph.softwareOathAuthenticationMethod" => Some("softwareOathMethods"),
            "#microsoft.graph.phoneAuthenticationMethod" if self.phone_type.as_deref() == Some("mobile") => Some("phoneMethods"),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    state: String,
    minimum_lifetime_in_minutes: u32,
    maximum_lifetime_in_minutes: u32,
    include_targets: Vec<Target>,
    #[serde(default)]
    exclude_targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    id: String,
}

impl Policy {
    fn covers(&self, groups: &[Object]) -> bool {
        let names = |target: &Target| target.id == "all_users" || groups.iter().any(|group| group.id == target.id);
        self.state == "enabled"
            && (self.minimum_lifetime_in_minutes..=self.maximum_lifetime_in_minutes).contains(&LIFETIME)
            && self.include_targets.iter().any(names)
            && !self.exclude_targets.iter().any(names)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pass {
    is_usable: Option<bool>,
    method_usability_reason: Option<String>,
}

/// A user has one pass: a new one replaces it, so a lost reply costs nothing but another try.
fn issue(io: &mut Io, subject: &Subject, evidence: &mut Vec<String>) -> Flow<()> {
    let pass = serde_json::json!({"lifetimeInMinutes": LIFETIME, "isUsableOnce": true});
    let issue = Change {
        request: change("POST", &["users", &subject.id, "authentication", "temporaryAccessPassMethods"], &pass),
        what: "issuing a Temporary Access Pass",
        needs: METHODS,
    };
    for lost in [false, true] {
        let Some(response) = directory::sent(io, &issue, lost)? else {
            let now: Page<Method> = body(&io.read(methods(&subject.id))?, "authentication methods", METHODS)?;
            let issued = if now.value.iter().any(|method| method.kind == PASS) { "one shows that nobody knows" } else { "none shows" };
            evidence.push(format!("issuing a Temporary Access Pass: the reply was lost; {issued}"));
            continue;
        };
        let Pass { is_usable, method_usability_reason } = firstline_connector::replay::json(&response)?;
        if is_usable != Some(true) {
            return escalate("no-access-pass", format!("the pass cannot be used: {}; nothing else was changed", method_usability_reason.unwrap_or_default()));
        }
        evidence.push(format!("issued a Temporary Access Pass for one use within {LIFETIME} minutes"));
        return Ok(());
    }
    escalate("unknown-outcome", "the reply was lost twice; a pass may have been issued that nobody knows, and nothing else was changed")
}

/// Removes methods, and once more those that still show: the default one can only be deleted last (P-19), and a reply may be lost.
fn remove(io: &mut Io, subject: &Subject, mut lost: Vec<(&str, String)>, evidence: &mut Vec<String>) -> Flow<()> {
    for again in [false, true] {
        if again {
            let now: Page<Method> = body(&io.read(methods(&subject.id))?, "authentication methods", METHODS)?;
            lost.retain(|(_, id)| now.value.iter().any(|method| method.id == *id));
        }
        let mut left = Vec::new();
        for (below, id) in lost {
            let delete = request("DELETE", &["users", &subject.id, "authentication", below, &id], Body::Empty, Effect::Change);
            match io.change(delete)? {
                Changed::Answered(response) if (200..300).contains(&response.status) => evidence.push(format!("removed one of {below}")),
                Changed::Unknown => {
                    evidence.push(format!("removing one of {below}: the reply was lost"));
                    left.push((below, id));
                }
                Changed::Answered(_) | Changed::NotApplied => left.push((below, id)),
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        lost = left;
    }
    Ok(())
}

fn methods(id: &str) -> Request {
    get(&["users", id, "authentication", "methods"])
}

fn policy() -> Request {
    get(&["policies", "authenticationMethodsPolicy", "authenticationMethodConfigurations", "temporaryAccessPass"])
}

#[cfg(test)]
mod tests;
