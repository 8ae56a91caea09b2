//! What a tenant's past suggests for its document. A proposal binds nobody until an owner accepts it, by one call and by its name.
//!
//! Only firm evidence proposes (P-32), and only what makes the agent ask more people: nothing learned ever lets it do more by itself.
//! What it has shown by doing may, and is proposed beside it ([`promotions`]).

use crate::answer::{Answer, Refused, ok, refused};
use crate::host::{Host, Stages};
use crate::{past, promotions, tenants};
use firstline_core::case::LOST_PHONE;
use firstline_core::past::Lesson;
use firstline_core::people::{Person, PersonRole};
use firstline_core::record::IntegrityKey;
use firstline_core::tenant::{ACTIONS, Document, Named, Tenant};
use firstline_core::{keys, redact};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Something that a document could say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// Changes with whatever is proposed.
    pub id: String,
    /// What would change.
    #[serde(flatten)]
    pub change: Change,
    /// Tickets that say so, of those that could.
    pub support: u32,
    /// Tickets that could say so.
    pub of: u32,
    /// Some of those that say so, by number.
    pub evidence: Vec<String>,
    /// Some of those that say otherwise.
    pub exceptions: Vec<String>,
}

/// What a proposal would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "propose", rename_all = "kebab-case")]
pub enum Change {
    /// An action needs an approval: `guardrails.matrix`.
    Approval {
        /// The action.
        action: String,
    },
    /// Somebody is asked for it, as for everything that needs an approval: `approvals.people`. Who that is in the chat, only a person can say.
    Approver {
        /// The action.
        action: String,
        /// The name, as the tickets have it.
        name: String,
    },
}

/// What the lessons suggest that the documents do not say yet.
#[must_use]
pub fn proposals(lessons: &[Lesson], tenant: &Tenant) -> Vec<Proposal> {
    let firm = lessons.iter().filter(|lesson| !lesson.thin && lesson.about.is_empty() && ACTIONS.contains(&lesson.intent.as_str()));
    firm.filter_map(|lesson| {
        let action = lesson.intent.clone();
        // A lost phone is never autonomous by itself.
        let asks = tenant.guardrails.matrix.get(&action).map_or(action == LOST_PHONE, |mode| mode != "autonomous");
        let known = |name: &str| tenant.approvals.people.iter().any(|person| person.name.eq_ignore_ascii_case(name));
        let change = match lesson.kind.as_str() {
            "approved" if !asks && lesson.support * 2 > lesson.of => Change::Approval { action },
            "approver" if !known(&lesson.value) => Change::Approver { action, name: redact::line(&lesson.value, 80) },
            _ => return None,
        };
        let id = keys::sha256_hex(json!(change).to_string().as_bytes()).chars().take(16).collect();
        let Lesson { support, of, evidence, exceptions, .. } = lesson.clone();
        Some(Proposal { id, change, support, of, evidence, exceptions })
    })
    .collect()
}

/// Everything that is proposed.
///
/// # Errors
/// The tenant is unknown, or what was learned cannot be used.
pub async fn get(host: &(impl Host + Stages), key: &IntegrityKey, tenant: &str) -> Result<Answer, Refused> {
    let outline = tenants::outline(host, key, tenant).await?;
    let alone = tenants::find(host, key, tenant).await?.msp.is_some();
    let learned = proposals(&past::lessons(host, key, tenant).await?, &outline).into_iter().map(|one| json!(one));
    let earned = promotions::promotions(host, key, &outline, alone).await?.into_iter().map(|one| json!(one));
    Ok(ok(json!({"proposals": learned.chain(earned).collect::<Vec<_>>()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    accept: String,
    user: Option<String>,
}

/// Writes one proposal into the tenant's document; what was earned needs two people.
///
/// # Errors
/// The person may not, there is no such proposal any more, or the document does not take it.
pub async fn post(host: &(impl Host + Stages), key: &IntegrityKey, tenant: &str, person: &Person, body: &[u8]) -> Result<Answer, Refused> {
    let usage = "send `{\"accept\": \"…\"}` with the proposal's id, and for an approver also `user`, their id in the client's chat";
    let Accepted { accept, user } = serde_json::from_slice(body).map_err(|_| refused(400, usage))?;
    if let Some(answer) = promotions::agree(host, key, tenant, person, &accept).await? {
        return Ok(answer);
    }
    if person.role != PersonRole::Owner {
        return Err(refused(403, "only an owner may do this: ask one"));
    }
    let outline = tenants::outline(host, key, tenant).await?;
    let all = proposals(&past::lessons(host, key, tenant).await?, &outline);
    let proposal = all.into_iter().find(|proposal| proposal.id == accept).ok_or_else(|| refused(409, "this is not proposed any more: look again"))?;
    if host.get(&keys::draft(tenant)).await?.is_some() {
        return Err(refused(409, "somebody has begun to change this document: finish that first"));
    }
    let mut document: Document = tenants::find(host, key, tenant).await?;
    match proposal.change {
        Change::Approval { action } => drop(document.guardrails.matrix.insert(action, "approval".into())),
        Change::Approver { name, .. } => {
            let user = user.filter(|user| !user.trim().is_empty()).ok_or_else(|| refused(400, usage))?;
            // Who names people of its own inherits no others, so those that hold now are written along.
            let mut approvals = outline.approvals;
            approvals.people.push(Named { name, user });
            document.settings.approvals = Some(approvals);
        }
    }
    tenants::save(host, key, document).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::handle;
    use crate::fake::{Fake, document, request, run};
    use serde_json::Value;

    fn lesson(kind: &str, intent: &str, value: &str, support: u32, thin: bool) -> Lesson {
        Lesson { kind: kind.into(), intent: intent.into(), value: value.into(), support, of: 20, evidence: vec!["7".into()], thin, ..Lesson::default() }
    }

    fn host() -> Fake {
        let host = Fake::new();
        assert_eq!(run(handle(&host, &request("a", "PUT", "/api/tenants/acme", document("acme").to_string().as_bytes()))).status, 200);
        *host.lessons.borrow_mut() = vec![
            lesson("approved", "password_reset", "", 18, false),
            lesson("approver", "password_reset", "maria gomez", 17, false),
            lesson("approver", "password_reset", "tom", 2, true),
            lesson("approver", "group_change", "sam", 19, false),
            Lesson { about: "department sales".into(), ..lesson("approver", "password_reset", "kim", 19, false) },
            lesson("approved", "account_unlock", "", 3, false),
            lesson("approved", "mfa_reset", "", 18, false),
            lesson("field", "password_reset", "Help Desk", 20, false),
        ];
        host
    }

    fn send(host: &Fake, token: &str, method: &str, body: &str) -> (u16, Value) {
        let answer = run(handle(host, &request(token, method, "/api/tenants/acme/proposals", body.as_bytes())));
        (answer.status, answer.body.unwrap_or_default())
    }

    fn shown(host: &Fake) -> Vec<Value> {
        send(host, "b", "GET", "").1["proposals"].as_array().unwrap().clone()
    }

    #[test]
    fn only_firm_evidence_about_what_the_agent_does_proposes_anything() {
        let found: Vec<String> = shown(&host()).iter().map(|one| format!("{} {} {}", one["propose"], one["action"], one["name"])).collect();
        assert_eq!(found, [r#""approval" "password_reset" null"#, r#""approver" "password_reset" "maria gomez""#]);
    }

    #[test]
    fn a_proposal_holds_once_an_owner_has_accepted_it_and_not_before() {
        let host = host();
        let matrix = |host: &Fake| run(handle(host, &request("a", "GET", "/api/tenants/acme", b""))).body.unwrap()["document"]["guardrails"]["matrix"].clone();
        let all = shown(&host);
        let accept = |one: &Value, user: &str| json!({"accept": one["id"], "user": Some(user).filter(|user| !user.is_empty())}).to_string();
        assert_eq!(matrix(&host), json!({}), "nothing holds because it was learned");
        assert_eq!(send(&host, "b", "POST", &accept(&all[0], "")).0, 403);
        assert_eq!(send(&host, "a", "POST", r#"{"accept": "0000000000000000"}"#).0, 409);
        assert_eq!(send(&host, "a", "POST", &accept(&all[1], "")).0, 400, "a name is no user");
        let (status, answer) = send(&host, "a", "POST", &accept(&all[0], ""));
        assert_eq!((status, matrix(&host)), (200, json!({"password_reset": "approval"})), "{answer}");
        let (status, answer) = send(&host, "a", "POST", &accept(&all[1], "U0MARIA"));
        let people = &answer["document"]["approvals"]["people"];
        assert_eq!((status, people), (200, &json!([{"name": "maria gomez", "user": "U0MARIA"}])), "{answer}");
        assert_eq!(shown(&host), Vec::<Value>::new(), "what holds is proposed no more");
        assert_eq!(send(&host, "a", "POST", &accept(&all[0], "")).0, 409);
    }

    #[test]
    fn a_document_that_somebody_is_changing_is_left_alone() {
        let host = host();
        let all = shown(&host);
        host.write(&keys::draft("acme"), &crate::fake::stored("acme"));
        let (status, answer) = send(&host, "a", "POST", &json!({"accept": all[0]["id"]}).to_string());
        assert!(status == 409 && answer["error"].as_str().unwrap().contains("begun to change"), "{answer}");
    }
}
