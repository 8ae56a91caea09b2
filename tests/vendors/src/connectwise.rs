//! ConnectWise PSA, REST API 3.0.

use crate::query::{Dialect, Expr, find};
use crate::web::{Answer, Ask, Outcome, iso, merge, only, parse_iso};
use base64::Engine;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The one site that the MSP has.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConnectWise {
    pub login_company: String,
    /// Client ids that are registered.
    pub client_ids: Vec<String>,
    pub keys: Vec<Key>,
    pub boards: Vec<Board>,
    pub companies: Vec<Company>,
    pub contacts: Vec<Contact>,
    /// Kinds that a contact may be of.
    pub contact_types: Vec<Named>,
    pub members: Vec<Member>,
    pub security_roles: Vec<SecurityRole>,
    pub work_types: Vec<WorkType>,
    pub priorities: Vec<Named>,
    pub sources: Vec<Named>,
    /// As the API shows them.
    pub tickets: Vec<Map<String, Value>>,
    pub notes: Vec<Map<String, Value>>,
    pub time_entries: Vec<Map<String, Value>>,
    /// As the API shows them.
    pub agreements: Vec<Map<String, Value>>,
    /// Where the site reports changes, as the API shows them.
    pub callbacks: Vec<Map<String, Value>>,
    /// The key that callbacks are signed with.
    pub signing_key: String,
    /// Number of the newest ticket, note and entry.
    pub serial: u64,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Key {
    pub public: String,
    pub private: String,
    /// Identifier of the member that the key belongs to.
    pub member: String,
    /// Modules that may not be used: `company`, `service`, `time`.
    pub denied: Vec<String>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Board {
    pub id: u64,
    pub name: String,
    pub inactive: bool,
    pub statuses: Vec<Status>,
    pub types: Vec<Named>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Status {
    pub id: u64,
    pub name: String,
    pub closed_status: bool,
    pub default_flag: bool,
    pub inactive: bool,
    /// Tickets in it take no time entries.
    pub time_entry_not_allowed: bool,
    /// `NotResponded`, `Responded`, `ResolutionPlan`, `Resolved` or `NoEscalation`; the first if empty.
    pub escalation_status: String,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Named {
    pub id: u64,
    pub name: String,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct WorkType {
    pub id: u64,
    pub name: String,
    pub inactive_flag: bool,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Company {
    pub id: u64,
    pub identifier: String,
    pub name: String,
    pub deleted: bool,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Contact {
    pub id: u64,
    pub first: String,
    pub last: String,
    /// Id of the company.
    pub company: u64,
    pub emails: Vec<String>,
    pub phones: Vec<String>,
    /// Names of its types.
    pub types: Vec<String>,
    pub inactive: bool,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Member {
    pub id: u64,
    pub identifier: String,
    pub name: String,
    /// As the API shows it: `{"id"}`.
    #[serde(rename = "securityRole")]
    pub security_role: Map<String, Value>,
}

/// What a security role may do, by module.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SecurityRole {
    pub id: u64,
    /// As the API shows them: `moduleIdentifier`, `addLevel`, `editLevel`, `deleteLevel`, `inquireLevel`.
    pub settings: Vec<Map<String, Value>>,
}

const TICKET: &[&str] = &[
    "summary",
    "recordType",
    "board",
    "status",
    "company",
    "contact",
    "contactName",
    "contactEmailAddress",
    "contactPhoneNumber",
    "initialDescription",
    "initialInternalAnalysis",
    "initialResolution",
    "externalXRef",
    "type",
    "subType",
    "item",
    "priority",
    "source",
    "severity",
    "impact",
    "owner",
    "agreement",
    "automaticEmailContactFlag",
    "automaticEmailResourceFlag",
    "automaticEmailCcFlag",
    "poNumber",
];
const PATCHABLE: &[&str] = &[
    "summary",
    "status",
    "board",
    "contact",
    "contactName",
    "contactEmailAddress",
    "externalXRef",
    "type",
    "subType",
    "priority",
    "source",
    "owner",
    "severity",
    "impact",
];
const NOTE: &[&str] = &[
    "text",
    "detailDescriptionFlag",
    "internalAnalysisFlag",
    "resolutionFlag",
    "customerUpdatedFlag",
    "processNotifications",
    "issueFlag",
    "member",
    "contact",
];
const TIME: &[&str] = &[
    "company",
    "chargeToId",
    "chargeToType",
    "member",
    "workType",
    "workRole",
    "agreement",
    "timeStart",
    "timeEnd",
    "hoursDeduct",
    "actualHours",
    "billableOption",
    "notes",
    "internalNotes",
    "addToDetailDescriptionFlag",
    "addToInternalAnalysisFlag",
    "addToResolutionFlag",
    "emailResourceFlag",
    "emailContactFlag",
    "emailCcFlag",
];
const LIST: &[&str] = &["conditions", "childConditions", "orderBy", "page", "pageSize", "fields"];

const CALLBACK: &[&str] = &["description", "url", "objectId", "type", "level", "memberId", "payloadVersionFlag", "inactiveFlag", "isSelfSuppressedFlag"];

/// Paths below these are the members of a list's items that conditions may name.
const TICKET_PATHS: &[&str] = &[
    "id",
    "summary",
    "recordType",
    "board/id",
    "board/name",
    "status/id",
    "status/name",
    "company/id",
    "company/identifier",
    "company/name",
    "contact/id",
    "contact/name",
    "contactName",
    "contactEmailAddress",
    "externalXRef",
    "closedFlag",
    "closedDate",
    "dateEntered",
    "type/id",
    "type/name",
    "priority/id",
    "priority/name",
    "source/id",
    "source/name",
    "owner/id",
    "owner/identifier",
    "lastUpdated",
    "_info/lastUpdated",
];

fn no(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, json!({ "code": code, "message": message, "errors": null }))
}

fn bad(what: &str) -> Answer {
    no(400, "ConnectWiseApi", what).violating(what)
}

fn invalid(resource: &str, code: &str, field: &str, message: &str) -> Answer {
    let error = json!({ "code": code, "message": message, "resource": resource, "field": field });
    Answer::json(400, json!({ "code": "InvalidObject", "message": format!("{resource} object is invalid"), "errors": [error] }))
}

fn missing(what: &str, id: &str) -> Answer {
    no(404, "NotFound", &format!("{what} {id} not found"))
}

fn id_of(record: &Map<String, Value>, name: &str) -> u64 {
    match name {
        "" => record.get("id").and_then(Value::as_u64).unwrap_or_default(),
        name => record.get(name).and_then(|value| value.get("id")).and_then(Value::as_u64).unwrap_or_default(),
    }
}

impl Contact {
    fn json(&self, site: &ConnectWise) -> Value {
        let kind = |name: &String| site.contact_types.iter().find(|kind| kind.name == *name).map(|kind| json!({ "id": kind.id, "name": kind.name }));
        let types: Vec<Value> = self.types.iter().filter_map(kind).collect();
        let item = |at: usize, kind: &str, value: &String| json!({ "id": self.id * 100 + at as u64, "type": { "id": if kind == "Email" { 1 } else { 2 }, "name": kind }, "value": value, "defaultFlag": at == 0, "communicationType": kind });
        let mails = self.emails.iter().enumerate().map(|(at, value)| item(at, "Email", value));
        let phones = self.phones.iter().enumerate().map(|(at, value)| item(at + 50, "Phone", value));
        let items: Vec<Value> = mails.chain(phones).collect();
        let company = site.companies.iter().find(|company| company.id == self.company).map(Company::reference);
        json!({ "id": self.id, "types": types, "firstName": self.first, "lastName": self.last, "company": company, "inactiveFlag": self.inactive, "communicationItems": items, "defaultFlag": false })
    }
}

impl Company {
    fn reference(&self) -> Value {
        json!({ "id": self.id, "identifier": self.identifier, "name": self.name })
    }
}

impl Status {
    fn json(&self, board: &Board) -> Value {
        json!({ "id": self.id, "name": self.name, "board": { "id": board.id, "name": board.name }, "sortOrder": self.id, "displayOnBoard": !self.closed_status, "inactive": self.inactive,
            "closedStatus": self.closed_status, "timeEntryNotAllowed": self.time_entry_not_allowed, "defaultFlag": self.default_flag,
            "escalationStatus": if self.escalation_status.is_empty() { "NotResponded" } else { &self.escalation_status } })
    }
}

impl ConnectWise {
    /// What a person does by hand: `{"open": {…, "by"?}}`, `{"ticket", "status"?, "assign"?, "time"?, "set"?, "note"?, "delete"?}`, or `{"site": {…}}` to change whole lists.
    pub fn act(&mut self, deed: &Map<String, Value>, now: u64) -> Result<(), String> {
        if let Some(open) = deed.get("open") {
            only(deed, &["open"])?;
            let mut body = open.as_object().cloned().ok_or("`open` is not an object")?;
            let by = body.remove("by").and_then(|by| by.as_str().map(str::to_string)).unwrap_or_else(|| "person".into());
            only(&body, TICKET)?;
            return self.open(&body, &by, now).map(drop).map_err(|refused| format!("the ticket was refused: {:?}", refused.body));
        }
        only(deed, &["ticket", "status", "assign", "time", "set", "note", "delete", "site"])?;
        if let Some(site) = deed.get("site").and_then(Value::as_object) {
            return merge(self, site);
        }
        let id = deed.get("ticket").and_then(Value::as_u64).ok_or("`ticket` is missing")?;
        let at = self.tickets.iter().position(|ticket| id_of(ticket, "") == id).ok_or_else(|| format!("no ticket {id}"))?;
        let mut ticket = self.tickets.get(at).cloned().unwrap_or_default();
        if let Some(name) = deed.get("status") {
            self.set(&mut ticket, "status", &json!({ "name": name }), now).map_err(|_| format!("no status {name} on the ticket's board"))?;
        }
        if let Some(member) = deed.get("assign") {
            self.set(&mut ticket, "owner", &json!({ "identifier": member }), now).map_err(|_| format!("no member {member}"))?;
        }
        if let Some(hours) = deed.get("time").and_then(Value::as_f64) {
            let id_of_entry = self.next();
            let entry = json!({ "id": id_of_entry, "chargeToId": id, "chargeToType": "ServiceTicket", "actualHours": hours, "notes": "looked into it",
                "timeStart": iso(now), "billableOption": "Billable", "enteredBy": "dispatch", "ticket": { "id": id }, "company": ticket.get("company") });
            self.time_entries.extend(entry.as_object().cloned());
        }
        if let Some(set) = deed.get("set").and_then(Value::as_object) {
            merge(&mut ticket, set)?;
        }
        ticket.insert("_info".into(), json!({ "lastUpdated": iso(now), "updatedBy": "person" }));
        if let Some(slot) = self.tickets.get_mut(at) {
            *slot = ticket;
        }
        if let Some(text) = deed.get("note").and_then(Value::as_str) {
            self.add_note(id, text, ("person", "detailDescriptionFlag"), now);
        }
        if deed.get("delete") == Some(&json!(true)) {
            self.tickets.remove(at);
        }
        Ok(())
    }

    pub fn handle(&mut self, ask: &Ask) -> Outcome {
        let segments = ask.segments();
        if let (["v4_6_release", "callback-keys", "1"], "GET") = (&segments[..], ask.method.as_str()) {
            // Whoever is called back fetches it without any login.
            return ask.no_body().map(|()| Answer::json(200, json!({ "signing_key": self.signing_key }))).map_err(|error| bad(&error));
        }
        let ["v4_6_release", "apis", "3.0", path @ ..] = &segments[..] else { return Err(no(404, "NotFound", "no such resource").violating("unknown path")) };
        let key = self.key(ask)?;
        let member = key.member.clone();
        if let Some(module) = path.first().filter(|module| key.denied.iter().any(|denied| denied == *module)) {
            return Err(no(403, "SecurityCheck", &format!("the member has no access to {module}")));
        }
        if ask
            .header("accept")
            .is_some_and(|accept| !["*/*", "application/json", "application/vnd.connectwise.com+json"].iter().any(|known| accept.starts_with(known)))
        {
            return Err(no(406, "NotAcceptable", "not acceptable").violating("unknown accept header"));
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| bad(&format!("`{text}` is not an id")));
        match (ask.method.as_str(), path) {
            ("GET", ["company", "companies"]) => {
                let all = self.companies.iter().filter(|company| !company.deleted).map(Company::full).collect();
                list(ask, all, &["id", "identifier", "name", "deletedFlag"], &[])
            }
            ("GET", ["company", "companies", id]) => {
                let company = self.companies.iter().find(|company| id.parse() == Ok(company.id)).ok_or_else(|| missing("Company", id))?;
                one(ask, company.full())
            }
            ("GET", ["company", "contacts"]) => {
                let all = self.contacts.iter().map(|contact| contact.json(self)).collect();
                let paths = ["id", "firstName", "lastName", "company/id", "company/identifier", "company/name", "inactiveFlag"];
                list(
                    ask,
                    all,
                    &paths,
                    &[
                        "communicationItems/value",
                        "communicationItems/communicationType",
                        "communicationItems/defaultFlag",
                        "communicationItems/type/name",
                        "types/id",
                        "types/name",
                    ],
                )
            }
            ("GET", ["company", "contacts", "types"]) => {
                let all = self.contact_types.iter().map(|kind| json!({ "id": kind.id, "description": kind.name, "defaultFlag": false })).collect();
                list(ask, all, &["id", "description", "defaultFlag"], &[])
            }
            ("GET", ["company", "contacts", id]) => {
                let contact = self.contacts.iter().find(|contact| id.parse() == Ok(contact.id)).ok_or_else(|| missing("Contact", id))?;
                one(ask, contact.json(self))
            }
            ("GET", ["service", "boards"]) => list(ask, self.boards.iter().map(Board::json).collect(), &["id", "name", "inactiveFlag"], &[]),
            ("GET", ["service", "boards", id]) => one(ask, self.board(number(id)?)?.json()),
            ("GET", ["service", "boards", id, "statuses"]) => {
                let board = self.board(number(id)?)?;
                let all = board.statuses.iter().map(|status| status.json(board)).collect();
                list(ask, all, &["id", "name", "closedStatus", "inactive", "defaultFlag", "timeEntryNotAllowed"], &[])
            }
            ("GET", ["service", "boards", id, "types"]) => {
                let all = self.board(number(id)?)?.types.iter().map(|kind| json!({ "id": kind.id, "name": kind.name, "inactiveFlag": false })).collect();
                list(ask, all, &["id", "name", "inactiveFlag"], &[])
            }
            ("GET", ["service", "priorities"]) => list(ask, self.priorities.iter().map(|named| json!(named)).collect(), &["id", "name"], &[]),
            ("GET", ["service", "sources"]) => list(ask, self.sources.iter().map(|named| json!(named)).collect(), &["id", "name"], &[]),
            ("GET", ["finance", "agreements"]) => {
                list(ask, self.agreements.iter().map(|agreement| json!(agreement)).collect(), &["id", "name", "company/id", "cancelledFlag"], &[])
            }
            ("GET", ["finance", "agreements", id]) => {
                let agreement = self.agreements.iter().find(|agreement| id.parse() == Ok(id_of(agreement, ""))).ok_or_else(|| missing("Agreement", id))?;
                one(ask, json!(agreement))
            }
            ("GET", ["system", "callbacks"]) => {
                list(ask, self.callbacks.iter().map(|callback| json!(callback)).collect(), &["id", "url", "type", "level", "objectId", "inactiveFlag"], &[])
            }
            ("POST", ["system", "callbacks"]) => self.register(ask),
            ("GET", ["system", "securityRoles", id, "settings"]) => {
                let role = self.security_roles.iter().find(|role| id.parse() == Ok(role.id)).ok_or_else(|| missing("SecurityRole", id))?;
                list(ask, role.settings.iter().map(|setting| json!(setting)).collect(), &["id", "moduleIdentifier"], &[])
            }
            ("GET", ["system", "members"]) => list(ask, self.members.iter().map(|member| json!(member)).collect(), &["id", "identifier"], &[]),
            ("GET", ["time", "workTypes"]) => list(ask, self.work_types.iter().map(|kind| json!(kind)).collect(), &["id", "name", "inactiveFlag"], &[]),
            ("GET", ["service", "tickets"]) => list(ask, self.tickets.iter().map(|ticket| json!(ticket)).collect(), TICKET_PATHS, &[]),
            ("POST", ["service", "tickets"]) => self.create(ask, &member),
            ("GET", ["service", "tickets", id]) => one(ask, json!(self.ticket(number(id)?)?)),
            ("PATCH", ["service", "tickets", id]) => self.patch(ask, number(id)?, &member),
            ("GET", ["service", "tickets", id, "notes"]) => {
                let id = id_of(self.ticket(number(id)?)?, "");
                let all = self.notes.iter().filter(|note| note.get("ticketId") == Some(&json!(id))).map(|note| json!(note)).collect();
                list(ask, all, &["id", "text", "ticketId", "detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag", "dateCreated", "createdBy"], &[])
            }
            ("POST", ["service", "tickets", id, "notes"]) => self.post_note(ask, number(id)?, &member),
            ("GET", ["time", "entries"]) => {
                let all = self.time_entries.iter().map(|entry| json!(entry)).collect();
                list(
                    ask,
                    all,
                    &[
                        "id",
                        "chargeToId",
                        "chargeToType",
                        "company/id",
                        "member/id",
                        "member/identifier",
                        "timeStart",
                        "timeEnd",
                        "notes",
                        "internalNotes",
                        "billableOption",
                        "ticket/id",
                    ],
                    &[],
                )
            }
            ("POST", ["time", "entries"]) => self.post_time(ask, &member),
            (
                _,
                ["company", "companies" | "contacts"]
                | ["company", "companies" | "contacts", _]
                | ["service", "tickets" | "boards" | "priorities" | "sources"]
                | ["service", "tickets" | "boards", _]
                | ["service", "tickets", _, "notes"]
                | ["service", "boards", _, "statuses" | "types"]
                | ["time", "entries" | "workTypes"],
            ) => Err(no(405, "MethodNotAllowed", "method not allowed").violating("unknown method, or not emulated")),
            _ => Err(no(404, "NotFound", "no such resource").violating("unknown path")),
        }
    }

    fn key(&self, ask: &Ask) -> Result<&Key, Answer> {
        let unauthorized = |message: &str| no(401, "Unauthorized", message);
        if !ask.header("clientid").is_some_and(|id| self.client_ids.iter().any(|known| known.eq_ignore_ascii_case(id))) {
            return Err(unauthorized("the request had no valid clientId"));
        }
        let given = ask
            .header("authorization")
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        let given = given.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| unauthorized("authorization is missing"))?;
        let key = self.keys.iter().find(|key| format!("{}+{}:{}", self.login_company, key.public, key.private) == given);
        key.ok_or_else(|| unauthorized("the login is not valid"))
    }

    fn board(&self, id: u64) -> Result<&Board, Answer> {
        self.boards.iter().find(|board| board.id == id).ok_or_else(|| missing("Board", &id.to_string()))
    }

    fn ticket(&self, id: u64) -> Result<&Map<String, Value>, Answer> {
        self.tickets.iter().find(|ticket| id_of(ticket, "") == id).ok_or_else(|| missing("Ticket", &id.to_string()))
    }

    fn next(&mut self) -> u64 {
        self.serial = self.serial.max(1000) + 1;
        self.serial
    }

    /// Reads a reference (by id, or by name or identifier) and writes it in full.
    fn set(&self, ticket: &mut Map<String, Value>, field: &str, value: &Value, now: u64) -> Result<(), Answer> {
        let wrong = |message: &str| invalid("ticket", "InvalidReference", field, message);
        let named = |items: &[Named]| items.iter().find(|item| refers(value, item.id, &item.name)).map(|item| json!(item));
        let full = match field {
            "board" => self
                .boards
                .iter()
                .find(|board| !board.inactive && refers(value, board.id, &board.name))
                .map(|board| json!({ "id": board.id, "name": board.name })),
            "company" => self.companies.iter().find(|company| !company.deleted && refers(value, company.id, &company.identifier)).map(Company::reference),
            "contact" if value.is_null() => Some(Value::Null),
            "contact" => {
                let company = id_of(ticket, "company");
                let contact = self.contacts.iter().find(|contact| refers(value, contact.id, "")).ok_or_else(|| wrong("contact does not exist"))?;
                if contact.company != company {
                    return Err(wrong("contact does not belong to the company"));
                }
                ticket.insert("contactName".into(), json!(format!("{} {}", contact.first, contact.last)));
                if let Some(mail) = contact.emails.first() {
                    ticket.insert("contactEmailAddress".into(), json!(mail));
                }
                Some(json!({ "id": contact.id, "name": format!("{} {}", contact.first, contact.last) }))
            }
            "status" => {
                let board = self.board(id_of(ticket, "board"))?;
                let status = board
                    .statuses
                    .iter()
                    .find(|status| refers(value, status.id, &status.name))
                    .ok_or_else(|| wrong("status does not exist on the ticket's board"))?;
                if status.inactive {
                    return Err(wrong("status is inactive"));
                }
                if ["Responded", "ResolutionPlan", "Resolved"].contains(&status.escalation_status.as_str()) {
                    ticket.entry("dateResponded").or_insert_with(|| json!(iso(now)));
                }
                ticket.insert("closedFlag".into(), json!(status.closed_status));
                if status.closed_status {
                    ticket.insert("closedDate".into(), json!(iso(now)));
                } else {
                    ticket.remove("closedDate");
                }
                Some(json!({ "id": status.id, "name": status.name }))
            }
            "type" | "subType" | "item" => self.boards.iter().filter(|board| board.id == id_of(ticket, "board")).find_map(|board| named(&board.types)),
            "priority" => named(&self.priorities),
            "source" => named(&self.sources),
            "agreement" => self
                .agreements
                .iter()
                .find(|agreement| refers(value, id_of(agreement, ""), ""))
                .map(|agreement| json!({ "id": agreement.get("id"), "name": agreement.get("name") })),
            "owner" => self.members.iter().find(|member| refers(value, member.id, &member.identifier)).map(|member| json!(member)),
            "summary" => match value.as_str().map(|text| text.chars().count()) {
                Some(1..=100) => Some(value.clone()),
                Some(0) | None => return Err(invalid("ticket", "MissingRequiredField", field, "summary is required")),
                Some(_) => return Err(invalid("ticket", "MaxLength", field, "summary may be 100 characters long").violating("summary longer than 100")),
            },
            "externalXRef" | "poNumber" => match value.as_str().map(|text| text.chars().count()) {
                Some(0..=100) => Some(value.clone()),
                _ => {
                    return Err(invalid("ticket", "MaxLength", field, "must be a text of at most 100 characters")
                        .violating(format!("{field} is not a text of at most 100 characters")));
                }
            },
            "recordType" => (value == "ServiceTicket").then(|| value.clone()),
            "severity" | "impact" => ["Low", "Medium", "High"].iter().any(|known| value == *known).then(|| value.clone()),
            "automaticEmailContactFlag" | "automaticEmailResourceFlag" | "automaticEmailCcFlag" => value.is_boolean().then(|| value.clone()),
            _ => value.is_string().then(|| value.clone()),
        };
        let full = full.ok_or_else(|| wrong(&format!("{field} is not valid")))?;
        ticket.insert(field.into(), full);
        Ok(())
    }

    fn register(&mut self, ask: &Ask) -> Outcome {
        let mut body = ask.only_query(&["fields"]).and_then(|()| ask.json_object(CALLBACK)).map_err(|error| bad(&error))?;
        let wrong =
            |field: &str| Err(invalid("callbackEntry", "InvalidField", field, &format!("{field} is not valid")).violating(format!("{field} is not valid")));
        if !body.get("url").and_then(Value::as_str).is_some_and(|url| url.parse::<http::Uri>().is_ok_and(|url| url.host().is_some())) {
            return wrong("url");
        }
        if body.get("type") != Some(&json!("Ticket")) {
            return wrong("type");
        }
        if !body.get("level").and_then(Value::as_str).is_some_and(|level| ["Owner", "Board", "Status", "Company"].contains(&level)) {
            return wrong("level");
        }
        if !body.get("objectId").is_some_and(Value::is_u64) {
            return wrong("objectId");
        }
        body.insert("id".into(), json!(self.next()));
        self.callbacks.push(body.clone());
        Ok(Answer::json(201, project(ask, &json!(body))).changed())
    }

    /// What is sent to a registered callback about a ticket: path, body and signature.
    pub fn callback(&self, path: &str, ticket: u64, action: &str, base: &str) -> Result<(String, String), String> {
        let fits = |callback: &&Map<String, Value>| {
            let url = callback.get("url").and_then(Value::as_str).unwrap_or_default();
            callback.get("inactiveFlag") != Some(&json!(true)) && url.parse::<http::Uri>().is_ok_and(|url| url.path() == path)
        };
        let callback = self.callbacks.iter().find(fits).ok_or_else(|| format!("no callback leads to `{path}`"))?;
        let shown = self.tickets.iter().find(|known| id_of(known, "") == ticket).ok_or_else(|| format!("no ticket {ticket}"))?;
        let body = json!({
            "MessageId": format!("{ticket}-{}", self.serial), "FromUrl": base, "CompanyId": self.login_company, "MemberId": "callback", "Action": action,
            "Type": "ticket", "ID": ticket, "ProductInstanceId": null, "PartnerId": null, "Entity": json!(shown).to_string(),
            "Metadata": { "key_url": format!("{base}/v4_6_release/callback-keys/1") }, "CallbackObjectRecId": callback.get("id"),
        })
        .to_string();
        let signature = sign(&self.signing_key, body.as_bytes());
        Ok((body, signature))
    }

    fn create(&mut self, ask: &Ask, member: &str) -> Outcome {
        let body = ask.only_query(&["fields"]).and_then(|()| ask.json_object(TICKET)).map_err(|error| bad(&error))?;
        let ticket = self.open(&body, member, ask.now)?;
        Ok(Answer::json(201, project(ask, &json!(ticket))).changed())
    }

    fn open(&mut self, body: &Map<String, Value>, member: &str, now: u64) -> Result<Map<String, Value>, Answer> {
        for field in ["summary", "company", "board"] {
            if !body.contains_key(field) {
                return Err(invalid("ticket", "MissingRequiredField", field, &format!("{field} is required")).violating(format!("{field} is missing")));
            }
        }
        let mut ticket = Map::new();
        ticket.insert("recordType".into(), json!("ServiceTicket"));
        // References first, in the order in which they depend on one another.
        for field in ["board", "company", "status", "contact"]
            .into_iter()
            .chain(TICKET.iter().copied().filter(|field| !["board", "company", "status", "contact"].contains(field)))
        {
            match body.get(field) {
                Some(value) if field.starts_with("initial") && !value.is_string() => return Err(bad(&format!("{field} is not a text"))),
                Some(_) if field.starts_with("initial") => {}
                Some(value) if !(ticket.contains_key(field) && field.starts_with("contact")) => self.set(&mut ticket, field, value, now)?,
                Some(_) => {}
                None if field == "status" => {
                    let board = self.board(id_of(&ticket, "board"))?;
                    let usual = board.statuses.iter().find(|status| status.default_flag).or(board.statuses.first()).map(|status| status.id);
                    self.set(&mut ticket, "status", &json!({ "id": usual }), now)?;
                }
                None if field == "priority" => {
                    if let Some(usual) = self.priorities.first().map(|priority| priority.id) {
                        self.set(&mut ticket, "priority", &json!({ "id": usual }), now)?;
                    }
                }
                None => {}
            }
        }
        let id = self.next();
        ticket.insert("id".into(), json!(id));
        ticket.insert("dateEntered".into(), json!(iso(now)));
        ticket.insert("enteredBy".into(), json!(member));
        ticket.insert("_info".into(), json!({ "lastUpdated": iso(now), "updatedBy": member, "dateEntered": iso(now), "enteredBy": member }));
        self.tickets.push(ticket.clone());
        for (field, flag) in
            [("initialDescription", "detailDescriptionFlag"), ("initialInternalAnalysis", "internalAnalysisFlag"), ("initialResolution", "resolutionFlag")]
        {
            if let Some(text) = body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()) {
                self.add_note(id, text, (member, flag), now);
            }
        }
        Ok(ticket)
    }

    fn patch(&mut self, ask: &Ask, id: u64, member: &str) -> Outcome {
        ask.only_query(&["fields"]).map_err(|error| bad(&error))?;
        let Value::Array(operations) = ask.json().map_err(|error| bad(&error))? else { return Err(bad("the body is not a list of operations")) };
        if operations.is_empty() {
            return Err(bad("no operation"));
        }
        let mut ticket = self.ticket(id)?.clone();
        for operation in &operations {
            let operation = operation.as_object().ok_or_else(|| bad("an operation is not an object"))?;
            only(operation, &["op", "path", "value"]).map_err(|error| bad(&error))?;
            let text = |name: &str| operation.get(name).and_then(Value::as_str).ok_or_else(|| bad(&format!("`{name}` is missing")));
            let path = text("path")?.trim_start_matches('/').to_string();
            let (field, below) = path.split_once('/').map_or((path.as_str(), None), |(field, below)| (field, Some(below)));
            if !PATCHABLE.contains(&field) || !matches!(below, None | Some("id" | "name" | "identifier")) {
                return Err(bad(&format!("path `{path}` is not valid")));
            }
            let value = match text("op")? {
                "replace" | "add" => operation.get("value").cloned().ok_or_else(|| bad("`value` is missing"))?,
                "remove" => Value::Null,
                other => return Err(bad(&format!("operation `{other}` is not valid"))),
            };
            let value = below.map_or(value.clone(), |below| json!({ below: value }));
            self.set(&mut ticket, field, &value, ask.now)?;
        }
        ticket.insert("_info".into(), json!({ "lastUpdated": iso(ask.now), "updatedBy": member }));
        if let Some(slot) = self.tickets.iter_mut().find(|known| id_of(known, "") == id) {
            slot.clone_from(&ticket);
        }
        Ok(Answer::json(200, project(ask, &json!(ticket))).changed())
    }

    fn add_note(&mut self, ticket: u64, text: &str, (by, flag): (&str, &str), now: u64) -> Map<String, Value> {
        let mut note = Map::new();
        note.insert("id".into(), json!(self.next()));
        note.insert("ticketId".into(), json!(ticket));
        note.insert("text".into(), json!(text));
        for known in ["detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag", "issueFlag"] {
            note.insert(known.into(), json!(known == flag));
        }
        note.insert("dateCreated".into(), json!(iso(now)));
        note.insert("createdBy".into(), json!(by));
        note.insert("_info".into(), json!({ "lastUpdated": iso(now), "updatedBy": by }));
        self.notes.push(note.clone());
        note
    }

    fn post_note(&mut self, ask: &Ask, id: u64, member: &str) -> Outcome {
        let body = ask.only_query(&["fields"]).and_then(|()| ask.json_object(NOTE)).map_err(|error| bad(&error))?;
        self.ticket(id)?;
        let text = body.get("text").and_then(Value::as_str).filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| invalid("serviceNote", "MissingRequiredField", "text", "text is required").violating("text is missing"))?;
        let flags = ["detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag"];
        for (name, value) in body.iter().filter(|(name, _)| name.ends_with("Flag")) {
            if !value.is_boolean() {
                return Err(bad(&format!("{name} is not a boolean")));
            }
        }
        if !flags.iter().any(|flag| body.get(*flag) == Some(&json!(true))) {
            return Err(
                invalid("serviceNote", "InvalidField", "detailDescriptionFlag", "it must be said where the note is shown").violating("a note without a flag")
            );
        }
        let mut note = self.add_note(id, text, (member, ""), ask.now);
        for (name, value) in body.iter().filter(|(name, _)| name.ends_with("Flag")) {
            note.insert(name.clone(), value.clone());
        }
        match body.get("processNotifications") {
            None | Some(Value::Bool(false)) => {}
            // Its contact gets what the note shows to clients.
            Some(Value::Bool(true)) if body.get("internalAnalysisFlag") != Some(&json!(true)) => drop(note.insert("mailed".into(), json!(true))),
            Some(_) => {
                return Err(invalid("serviceNote", "InvalidField", "processNotifications", "an internal note is mailed to nobody")
                    .violating("mail of an internal note"));
            }
        }
        if let Some(last) = self.notes.last_mut() {
            last.clone_from(&note);
        }
        Ok(Answer::json(201, project(ask, &json!(note))).changed())
    }

    fn post_time(&mut self, ask: &Ask, by: &str) -> Outcome {
        let body = ask.only_query(&["fields"]).and_then(|()| ask.json_object(TIME)).map_err(|error| bad(&error))?;
        let wrong = |field: &str, message: &str| invalid("timeEntry", "InvalidField", field, message);
        let must = |field: &str| {
            body.get(field)
                .ok_or_else(|| invalid("timeEntry", "MissingRequiredField", field, &format!("{field} is required")).violating(format!("{field} is missing")))
        };
        let instant = |field: &str, value: &Value| {
            // ConnectWise takes UTC in whole seconds.
            let text = value.as_str().filter(|text| text.len() == 20 && text.ends_with('Z'));
            text.and_then(parse_iso).ok_or_else(|| wrong(field, "not a time").violating(format!("{field} is not a time in UTC and whole seconds")))
        };
        if must("chargeToType")? != "ServiceTicket" {
            return Err(wrong("chargeToType", "only ServiceTicket is known here").violating("chargeToType"));
        }
        let ticket = self
            .ticket(must("chargeToId")?.as_u64().ok_or_else(|| bad("chargeToId is not a number"))?)
            .map_err(|_| wrong("chargeToId", "ticket does not exist"))?;
        let agreement = self.agreements.iter().find(|agreement| id_of(agreement, "") == id_of(ticket, "agreement"));
        if agreement.is_some_and(|agreement| agreement.get("cancelledFlag") == Some(&json!(true))) {
            return Err(wrong("agreement", "the agreement is cancelled").violating("time on a cancelled agreement"));
        }
        let board = self.board(id_of(ticket, "board"))?;
        if board.statuses.iter().any(|status| status.id == id_of(ticket, "status") && status.time_entry_not_allowed) {
            return Err(wrong("chargeToId", "the ticket's status does not allow time entries"));
        }
        let start = instant("timeStart", must("timeStart")?)?;
        let end = body.get("timeEnd").map(|value| instant("timeEnd", value)).transpose()?;
        let hours =
            body.get("actualHours").map(|value| value.as_f64().filter(|hours| *hours >= 0.0).ok_or_else(|| bad("actualHours is not a number"))).transpose()?;
        let hours = match (end, hours) {
            (Some(end), _) if end <= start => return Err(wrong("timeEnd", "the end is not after the start").violating("timeEnd is not after timeStart")),
            (Some(end), None) => (end - start) as f64 / 3_600_000.0,
            (_, Some(hours)) => hours,
            (None, None) => return Err(wrong("actualHours", "timeEnd or actualHours is required").violating("neither timeEnd nor actualHours")),
        };
        let billable = body.get("billableOption").and_then(Value::as_str).unwrap_or("Billable");
        if !["Billable", "DoNotBill", "NoCharge", "NoDefault"].contains(&billable) {
            return Err(wrong("billableOption", "not valid").violating("billableOption is not valid"));
        }
        let member = match body.get("member") {
            Some(value) => {
                self.members.iter().find(|member| refers(value, member.id, &member.identifier)).ok_or_else(|| wrong("member", "member does not exist"))?
            }
            None => self.members.iter().find(|member| member.identifier == by).ok_or_else(|| wrong("member", "member is required"))?,
        };
        let work_type = match body.get("workType") {
            Some(value) => Some(
                self.work_types
                    .iter()
                    .find(|kind| !kind.inactive_flag && refers(value, kind.id, &kind.name))
                    .ok_or_else(|| wrong("workType", "work type does not exist"))?,
            ),
            None => None,
        };
        if let Some(company) = body.get("company")
            && company.get("id").and_then(Value::as_u64).is_some_and(|id| id != id_of(ticket, "company"))
        {
            return Err(wrong("company", "the company is not the ticket's"));
        }
        let mut entry = body.clone();
        entry.insert("company".into(), ticket.get("company").cloned().unwrap_or_default());
        entry.insert("ticket".into(), json!({ "id": id_of(ticket, ""), "summary": ticket.get("summary") }));
        entry.insert("member".into(), json!(member));
        entry.insert("workType".into(), work_type.map(|kind| json!({ "id": kind.id, "name": kind.name })).unwrap_or_default());
        entry.insert("actualHours".into(), json!(hours));
        entry.insert("billableOption".into(), json!(billable));
        entry.insert("status".into(), json!("Open"));
        entry.insert("enteredBy".into(), json!(by));
        entry.insert("dateEntered".into(), json!(iso(ask.now)));
        entry.insert("_info".into(), json!({ "lastUpdated": iso(ask.now), "updatedBy": by }));
        entry.insert("id".into(), json!(self.next()));
        let id = id_of(&entry, "ticket");
        for (field, flag) in [
            ("addToDetailDescriptionFlag", "detailDescriptionFlag"),
            ("addToInternalAnalysisFlag", "internalAnalysisFlag"),
            ("addToResolutionFlag", "resolutionFlag"),
        ] {
            let text = entry.get("notes").and_then(Value::as_str).unwrap_or_default().to_string();
            if entry.get(field) == Some(&json!(true)) && !text.is_empty() {
                self.add_note(id, &text, (by, flag), ask.now);
            }
        }
        self.time_entries.push(entry.clone());
        Ok(Answer::json(201, project(ask, &json!(entry))).changed())
    }
}

impl Board {
    fn json(&self) -> Value {
        json!({ "id": self.id, "name": self.name, "inactiveFlag": self.inactive, "projectFlag": false })
    }
}

impl Company {
    fn full(&self) -> Value {
        json!({ "id": self.id, "identifier": self.identifier, "name": self.name, "status": { "id": 1, "name": "Active" }, "deletedFlag": self.deleted })
    }
}

/// As ConnectWise signs a callback.
#[must_use]
pub fn sign(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&Sha256::digest(key)).unwrap_or_else(|_| unreachable!("any length is a key"));
    mac.update(body);
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// A callback with this signature.
pub(crate) fn call_back(path: &str, signature: &str, body: Bytes) -> Result<Request<Bytes>, String> {
    Request::post(path)
        .header("content-type", "application/json; charset=utf-8")
        .header("x-content-signature", signature)
        .body(body)
        .map_err(|error| error.to_string())
}

/// By id, or by name or identifier where there is no id.
fn refers(value: &Value, id: u64, name: &str) -> bool {
    match value.get("id") {
        Some(given) => given.as_u64() == Some(id),
        None => {
            !name.is_empty()
                && ["identifier", "name"].iter().any(|key| value.get(*key).and_then(Value::as_str).is_some_and(|given| given.eq_ignore_ascii_case(name)))
        }
    }
}

fn one(ask: &Ask, record: Value) -> Outcome {
    ask.only_query(&["fields"]).and_then(|()| ask.no_body()).map_err(|error| bad(&error))?;
    Ok(Answer::json(200, project(ask, &record)))
}

/// Only the columns of `fields`, if it is given.
fn project(ask: &Ask, record: &Value) -> Value {
    let Some(fields) = ask.query("fields") else { return record.clone() };
    let mut out = json!({});
    for field in fields.split(',').map(str::trim) {
        let value = find(record, field);
        if !value.is_null() {
            let mut slot = &mut out;
            for step in field.split('/') {
                slot = &mut slot[step];
            }
            *slot = value;
        }
    }
    out
}

fn list(ask: &Ask, all: Vec<Value>, paths: &[&str], children: &[&str]) -> Outcome {
    ask.only_query(LIST).and_then(|()| ask.no_body()).map_err(|error| bad(&error))?;
    let filter = |name: &str, known: &[&str]| match ask.query(name).filter(|text| !text.trim().is_empty()) {
        None => Ok(None),
        Some(text) => {
            let filter = Expr::parse(text, Dialect::ConnectWise).map_err(|error| bad(&format!("{name} is not valid: {error}")))?;
            match filter.uses().iter().find(|(path, _)| !known.contains(path)) {
                Some((path, _)) => Err(bad(&format!("{name}: `{path}` is not known"))),
                None => Ok(Some(filter)),
            }
        }
    };
    let own = filter("conditions", paths)?;
    let child = filter("childConditions", children)?;
    let mut found: Vec<Value> = all
        .into_iter()
        .filter(|item| own.as_ref().is_none_or(|filter| filter.holds(item)) && child.as_ref().is_none_or(|filter| any_child(item, filter)))
        .collect();
    if let Some(by) = ask.query("orderBy") {
        for part in by.split(',').rev() {
            let mut words = part.split_whitespace();
            let path = words.next().unwrap_or_default();
            if !paths.contains(&path) || !matches!(words.next(), None | Some("asc" | "desc")) {
                return Err(bad(&format!("orderBy `{part}` is not valid")));
            }
            found.sort_by(|a, b| {
                let (a, b) = (find(a, path), find(b, path));
                a.as_f64().partial_cmp(&b.as_f64()).filter(|order| order.is_ne()).unwrap_or_else(|| a.to_string().cmp(&b.to_string()))
            });
            if part.trim().ends_with(" desc") {
                found.reverse();
            }
        }
    }
    let number = |name: &str, usual: usize, most: usize| match ask.query(name).map(str::parse::<usize>) {
        None => Ok(usual),
        Some(Ok(number)) if (1..=most).contains(&number) => Ok(number),
        Some(_) => Err(bad(&format!("{name} must be 1 to {most}"))),
    };
    let (page, size) = (number("page", 1, 1_000_000)?, number("pageSize", 25, 1000)?);
    let more = found.len() > page * size;
    let shown: Vec<Value> = found.iter().skip((page - 1) * size).take(size).map(|item| project(ask, item)).collect();
    let answer = Answer::json(200, Value::Array(shown));
    if !more {
        return Ok(answer);
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(ask.query.iter().filter(|(name, _)| name != "page"));
    query.append_pair("page", &(page + 1).to_string());
    Ok(answer.header("link", &format!("<{}/{}?{}>; rel=\"next\"", ask.base, ask.path.join("/"), query.finish())))
}

/// One and the same child must fulfil all of it.
fn any_child(item: &Value, filter: &Expr) -> bool {
    let named: std::collections::BTreeSet<&str> = filter.uses().iter().filter_map(|(path, _)| path.split('/').next()).collect();
    let holds = |list: &str| item.get(list).and_then(Value::as_array).is_some_and(|items| items.iter().any(|child| filter.holds(&json!({ list: child }))));
    named.into_iter().all(holds)
}
