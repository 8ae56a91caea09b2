//! What the policies are told of a question: entities and context.

use crate::bindings::exports::firstline::guardrails::guardrails::{Circumstances, Question};
use crate::policy::{ACTIONS, strength, uid};
use cedar_policy::{Context, Entities, Entity, EntityUid, Request, RestrictedExpression as Value};
use firstline_connector::names::plain;
use std::collections::{HashMap, HashSet};

/// The question, and everything that is known about who and what it names.
pub(crate) fn facts(question: &Question) -> Result<(Request, Entities), String> {
    let subject = &question.subject;
    let tenant = uid("Tenant", &question.tenant)?;
    let account = uid("Account", &subject.id)?;
    let who = uid("Requester", question.requester.account.as_deref().unwrap_or("unknown"))?;
    let action = uid("Action", &question.action)?;

    let mut requester = vec![
        ("assurance", Value::new_long(strength(question.requester.assurance).0)),
        ("guest", Value::new_bool(question.requester.guest)),
        ("names", names(&question.requester.names)),
    ];
    if let Some(own) = &question.requester.account {
        requester.push(("account", Value::new_entity_uid(uid("Account", own)?)));
    }
    let shown = vec![
        ("enabled", Value::new_bool(subject.enabled)),
        ("guest", Value::new_bool(subject.guest)),
        ("synced", Value::new_bool(subject.synced)),
        ("privileged", Value::new_set(subject.privileged.iter().cloned().map(Value::new_string))),
        ("listed", Value::new_bool(question.settings.as_ref().is_some_and(|settings| stands_in(&settings.protected, question)))),
        ("vip", Value::new_bool(question.settings.as_ref().is_some_and(|settings| stands_in(&settings.vips, question)))),
        ("names", names(subject.names.iter().chain([&subject.id]))),
    ];
    let mut entities = vec![entity(who.clone(), requester, [])?, entity(account.clone(), shown, [uid("Tenant", &subject.tenant)?])?];
    if let Some(known) = ACTIONS.iter().find(|known| known.name == question.action) {
        let groups = known.groups.iter().map(|group| uid("Action", group)).collect::<Result<Vec<_>, _>>()?;
        entities.push(entity(action.clone(), Vec::new(), groups)?);
    }
    let said_yes = || question.approvals.iter().filter(|approval| approval.names.iter().any(|name| !plain(name).is_empty()));
    let vouchers: HashSet<String> = question.requester.vouchers.iter().map(|name| plain(name)).collect();
    let Circumstances { halted, frozen, over } = &question.circumstances;
    let context = [
        ("tenant", Value::new_entity_uid(tenant)),
        ("configured", Value::new_bool(question.settings.is_some())),
        ("complete", Value::new_bool(complete(question))),
        ("needsDelivery", Value::new_bool(question.needs_delivery)),
        ("deliverySurvives", Value::new_bool(question.delivery_survives)),
        ("passwordWriteback", Value::new_bool(question.settings.as_ref().is_some_and(|settings| settings.password_writeback))),
        ("approved", Value::new_bool(said_yes().any(|approval| approval.approver))),
        ("approvedByStaff", Value::new_bool(said_yes().any(|approval| approval.staff))),
        ("approvedByAnother", Value::new_bool(said_yes().any(|approval| !approval.names.iter().any(|name| vouchers.contains(&plain(name)))))),
        ("approvers", names(question.approvals.iter().flat_map(|approval| &approval.names))),
        ("pilot", Value::new_bool(pilot(question))),
        ("halted", Value::new_bool(*halted)),
        ("frozen", Value::new_bool(*frozen)),
        ("over", Value::new_set(over.iter().cloned().map(Value::new_string))),
    ];
    let context = Context::from_pairs(context.map(|(name, value)| (name.to_owned(), value))).map_err(|error| error.to_string())?;
    let request = Request::new(who, action, account, context, None).map_err(|error| error.to_string())?;
    let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
    Ok((request, entities))
}

fn entity(id: EntityUid, attributes: Vec<(&str, Value)>, parents: impl IntoIterator<Item = EntityUid>) -> Result<Entity, String> {
    let attributes: HashMap<_, _> = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(id, attributes, parents.into_iter().collect::<HashSet<_>>()).map_err(|error| error.to_string())
}

fn complete(question: &Question) -> bool {
    let subject = &question.subject;
    ![&question.tenant, &subject.tenant, &subject.id].iter().any(|text| text.trim().is_empty()) && subject.names.iter().any(|name| !name.trim().is_empty())
}

/// Id or any name of the account stands in a list that people wrote (P-13).
fn stands_in(list: &[String], question: &Question) -> bool {
    let list: Vec<String> = list.iter().map(|name| plain(name)).filter(|name| !name.is_empty()).collect();
    let subject = &question.subject;
    subject.names.iter().chain([&subject.id]).any(|name| list.contains(&plain(name)))
}

/// The account is in the pilot group of the action.
fn pilot(question: &Question) -> bool {
    let entries = question.settings.iter().flat_map(|settings| &settings.autonomy);
    entries.filter(|entry| entry.action == question.action).any(|entry| stands_in(&entry.pilot, question))
}

fn names<'a>(list: impl IntoIterator<Item = &'a String>) -> Value {
    Value::new_set(list.into_iter().map(|name| plain(name)).filter(|name| !name.is_empty()).map(Value::new_string))
}
