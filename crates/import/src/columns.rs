//! Which column holds what.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is wanted of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Its number.
    Id,
    /// When it came.
    Opened,
    /// When it was closed.
    Closed,
    /// The client.
    Client,
    /// Who asked.
    Requester,
    /// For whom.
    Department,
    /// Its title.
    Summary,
    /// What was written.
    Description,
    /// What technicians wrote.
    Resolution,
    /// Board or queue.
    Board,
    /// Status.
    Status,
    /// Type.
    Type,
    /// Type below the type.
    Subtype,
    /// Item below that.
    Item,
    /// Priority.
    Priority,
    /// How it came.
    Source,
    /// Work type of the time.
    WorkType,
    /// Who closed it.
    Owner,
    /// Time that was recorded.
    Time,
    /// Opened again.
    Reopened,
    /// To whom it was escalated.
    Escalated,
    /// Who approved it.
    Approver,
}

/// Names that exports of PSAs and help desks give each of them, in lower case and without blanks; the better ones first.
const NAMES: [(Field, &[&str]); 22] = [
    (
        Field::Id,
        &[
            "ticketnumber",
            "ticketid",
            "ticketno",
            "ticketnbr",
            "ticket",
            "srnumber",
            "srservicerecid",
            "issuekey",
            "casenumber",
            "incidentnumber",
            "requestid",
            "number",
            "key",
            "id",
            "recid",
        ],
    ),
    (
        Field::Opened,
        &[
            "dateentered",
            "infodateentered",
            "dateenteredutc",
            "createdat",
            "createddate",
            "createdate",
            "datecreated",
            "created",
            "openedat",
            "dateopened",
            "opened",
            "dateoccurred",
            "enteredat",
            "submitted",
            "requestdate",
        ],
    ),
    (
        Field::Closed,
        &[
            "dateclosed",
            "closeddate",
            "closedat",
            "closed",
            "dateclosedutc",
            "completeddate",
            "completed",
            "dateresolved",
            "resolveddate",
            "resolvedat",
            "resolutiondate",
            "resolved",
            "solvedat",
        ],
    ),
    (
        Field::Client,
        &[
            "companyname",
            "company",
            "clientname",
            "client",
            "accountname",
            "account",
            "organizationname",
            "organization",
            "organisation",
            "customername",
            "customer",
        ],
    ),
    (
        Field::Requester,
        &[
            "contactemailaddress",
            "contactemail",
            "requesteremail",
            "useremail",
            "emailaddress",
            "email",
            "contactname",
            "contact",
            "requestername",
            "requester",
            "reporter",
            "reportedby",
            "caller",
            "user",
            "raisedby",
        ],
    ),
    (Field::Department, &["department", "departmentname", "sitename", "site", "locationname", "location"]),
    (Field::Summary, &["summary", "ticketsummary", "title", "subject", "shortdescription"]),
    (Field::Description, &["initialdescription", "description", "details", "body", "text", "problemdescription", "initialissue"]),
    (
        Field::Resolution,
        &["resolution", "resolutionnotes", "closenotes", "closingnotes", "solution", "internalanalysis", "internalnotes", "technotes", "notes"],
    ),
    (Field::Board, &["boardname", "board", "serviceboard", "queuename", "queue", "team", "assignmentgroup", "group"]),
    (Field::Status, &["statusname", "status", "statusdescription", "state"]),
    (Field::Type, &["typename", "tickettype", "servicetype", "type", "issuetype", "categoryname", "category", "requesttype"]),
    (Field::Subtype, &["subtypename", "subtype", "servicesubtype", "subissuetype", "subcategory"]),
    (Field::Item, &["itemname", "item", "serviceitem", "servicesubtypeitem"]),
    (Field::Priority, &["priorityname", "priority", "priorityid"]),
    (Field::Source, &["sourcename", "source", "channel", "origin", "contacttype"]),
    (Field::WorkType, &["worktypename", "worktype"]),
    (
        Field::Owner,
        &["ownername", "owneridentifier", "owner", "assigneename", "assignedto", "assignee", "technician", "primaryresource", "resource", "agent", "closedby"],
    ),
    (Field::Time, &["actualhours", "actualhrs", "hoursworked", "totalhours", "timespent", "totaltimespent", "timeworked", "minutesworked", "minutes", "hours"]),
    (Field::Reopened, &["reopened", "isreopened", "wasreopened", "reopencount", "reopens"]),
    (Field::Escalated, &["escalatedto", "escalated", "escalation", "isescalated"]),
    (Field::Approver, &["approvername", "approvedby", "approver"]),
];

/// The column of each field, by its header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// Header by field.
    pub headers: BTreeMap<Field, String>,
    #[serde(skip)]
    places: BTreeMap<Field, usize>,
    /// Headers that nothing was taken from.
    pub unused: Vec<String>,
}

impl Columns {
    /// Guesses, unless a person said.
    pub(crate) fn find(headers: &[String], said: &BTreeMap<Field, String>) -> Result<Self, String> {
        let mut columns = Columns::default();
        for (field, header) in said {
            let Some(place) = headers.iter().position(|other| other.trim() == header.trim()) else {
                return Err(format!("there is no column `{header}`; the file has {}", listed(headers)));
            };
            columns.take(*field, place, headers);
        }
        // Once a header: a file may have ten thousand.
        let known: Vec<String> = headers.iter().map(|header| plain(header)).collect();
        for (field, names) in NAMES.iter().filter(|(field, _)| !said.contains_key(field)) {
            let free = |place: &usize| !columns.places.values().any(|taken| taken == place);
            let found = names.iter().find_map(|name| known.iter().position(|header| header == name).filter(free));
            if let Some(place) = found {
                columns.take(*field, place, headers);
            }
        }
        let has = |field| columns.places.contains_key(&field);
        let missing = match (has(Field::Opened), has(Field::Summary) || has(Field::Description)) {
            (false, _) => "when a ticket came (`opened`)",
            (true, false) => "what was written (`summary` or `description`)",
            (true, true) => {
                columns.unused =
                    (0..).zip(headers).filter(|(place, _)| !columns.places.values().any(|taken| taken == place)).map(|(_, header)| header.clone()).collect();
                return Ok(columns);
            }
        };
        Err(format!("no column was found for {missing}; the file has {}", listed(headers)))
    }

    fn take(&mut self, field: Field, place: usize, headers: &[String]) {
        self.places.insert(field, place);
        self.headers.insert(field, headers.get(place).cloned().unwrap_or_default());
    }

    pub(crate) fn at(&self, field: Field) -> Option<usize> {
        self.places.get(&field).copied()
    }

    pub(crate) fn header(&self, field: Field) -> &str {
        self.headers.get(&field).map_or("", String::as_str)
    }
}

impl std::str::FromStr for Field {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        serde_json::from_value(serde_json::Value::from(name)).map_err(|_| {
            let names = NAMES.iter().filter_map(|(field, _)| serde_json::to_value(field).ok()?.as_str().map(str::to_string));
            format!("`{name}` is no field: use {}", names.collect::<Vec<_>>().join(", "))
        })
    }
}

/// "Ticket #", "ticket_number" and "Ticket Number (open)" are one header.
pub(crate) fn plain(header: &str) -> String {
    let header = header.split('(').next().unwrap_or_default().to_lowercase().replace('#', "number").replace("fields/", "");
    header.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn listed(headers: &[String]) -> String {
    let names: Vec<String> = headers.iter().take(40).map(|header| format!("`{}`", header.trim())).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
