//! What stages are asked and what they answer, as it is stored. The shapes follow the WIT packages, but these are our own.

use crate::Instant;
use crate::tenant::{StaffRole, Tenant};
use serde::{Deserialize, Serialize};

/// One reading of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Name of the intent.
    pub intent: String,
    /// Probability in thousandths.
    pub confidence: u16,
    /// Words that led there.
    pub because: Vec<String>,
}

/// Something that a text names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// What it is: `affected-person`, `mailbox`, `approval-claimed`, …
    pub kind: String,
    /// The words, as they stand in the text.
    pub words: String,
}

/// What a text means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Understanding {
    /// Readings, most likely first.
    pub candidates: Vec<Candidate>,
    /// Further wishes beside the first reading.
    #[serde(default)]
    pub also: Vec<Candidate>,
    /// Too unsure to act upon.
    pub abstained: bool,
    /// A named system other than the identity provider.
    pub other_system: Option<String>,
    /// Words about somebody else's account.
    pub about_another: Option<String>,
    /// The language, if it is not English.
    #[serde(default)]
    pub language: Option<String>,
    /// What the text names.
    #[serde(default)]
    pub entities: Vec<Entity>,
}

/// How sure it is who asks, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// Nothing is known.
    None,
    /// A verified mail address.
    Email,
    /// A full member of the client's own chat workspace.
    Chat,
    /// Passed a challenge.
    Challenge,
    /// Proved a strong factor.
    Strong,
}

impl Assurance {
    /// As documents write what an action needs. What cannot be read needs the strongest.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "chat" => Assurance::Chat,
            "challenge" => Assurance::Challenge,
            _ => Assurance::Strong,
        }
    }
}

/// A question to the guardrails. The tenant's settings are added when it is asked, so that a re-check sees them as they are then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What is to be done.
    pub action: String,
    /// Requester's own account.
    pub requester_account: Option<String>,
    /// What speaks for them beside the channel, and against them.
    #[serde(default, skip_serializing_if = "Vetting::is_none")]
    pub vetting: Vetting,
    /// A guest.
    pub guest: bool,
    /// The account that would be changed.
    pub subject: Account,
    /// Tenant of the connection it was read from.
    pub subject_tenant: String,
    /// A secret must be delivered.
    pub needs_delivery: bool,
    /// A channel to the requester stays open afterwards.
    pub delivery_survives: bool,
    /// Every name of the requester: chat user, address.
    #[serde(default)]
    pub requester_names: Vec<String>,
    /// Who said yes to exactly this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// The client's contacts of the types that its document names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Contacts>,
}

impl Question {
    /// The approvals that still hold: not expired, and of somebody who may still say yes.
    pub fn standing<'a>(&'a self, tenant: &'a Tenant, now: Instant) -> impl Iterator<Item = &'a Approval> {
        let manager = self.subject.manager.as_ref().map(|manager| manager.id.as_str());
        // Whoever was the manager when they were asked may be it no more, and whoever had the type of an approver may have lost it.
        let still = move |approval: &Approval| match &approval.by {
            Approver::Manager { account, .. } => manager == Some(account),
            Approver::Contact { address, .. } => self.contacts.as_ref().is_some_and(|all| all.names(&tenant.approvals.contact_types, address)),
            Approver::Staff { .. } | Approver::Named { .. } | Approver::Api { .. } => true,
        };
        self.approvals.iter().filter(move |approval| now < approval.expires && approval.stands(tenant) && still(approval))
    }

    /// What was passed for this account, and still counts by the documents and by the directory.
    pub fn proofs<'a>(&'a self, tenant: &'a Tenant) -> impl Iterator<Item = &'a Proof> {
        let manager = self.subject.manager.as_ref().map(|manager| manager.id.as_str());
        let still = move |proof: &Proof| if let Some(Approver::Manager { account, .. }) = &proof.by { manager == Some(account) } else { true };
        self.vetting.proofs.iter().filter(move |proof| proof.target == self.subject.id && proof.stands(tenant) && still(proof))
    }

    /// Names of the accounts that are VIPs by the type of a contact. Whose types are not known counts as one.
    #[must_use]
    pub fn vips(&self, tenant: &Tenant) -> Vec<String> {
        let types = &tenant.guardrails.vips.contact_types;
        let known = self.contacts.as_ref().and_then(|all| all.of(types));
        match known {
            _ if types.is_empty() => Vec::new(),
            Some(people) => people.into_iter().flat_map(|person| person.addresses.clone()).collect(),
            None => vec![self.subject.id.clone()],
        }
    }

    /// Every name of whoever vouches for the requester; of those who answer by the API only the name is known.
    #[must_use]
    pub fn vouchers(&self, tenant: &Tenant) -> Vec<String> {
        let by_api = |by: &Approver| match by {
            Approver::Staff { workspace, user } => tenant.staff_member(workspace, user).map(|staff| api_name(&staff.name)),
            Approver::Named { .. } | Approver::Manager { .. } | Approver::Contact { .. } | Approver::Api { .. } => None,
        };
        let by_api = |proof: &Proof| by_api(proof.by.as_ref()?);
        self.vetting.proofs.iter().flat_map(|proof| proof.names.iter().cloned().chain(by_api(proof))).collect()
    }
}

/// What whoever answers by the API is known by.
#[must_use]
pub fn api_name(name: &str) -> String {
    format!("api/{name}")
}

/// The verified yes of a person to one change of one account. Used once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Approver,
    /// Every name that they are known by: chat user, address.
    pub names: Vec<String>,
    /// When.
    pub at: Instant,
    /// Dead from then on.
    pub expires: Instant,
    /// The action.
    pub action: String,
    /// Object id of the account.
    pub target: String,
    /// Hash of the arguments.
    pub arguments: String,
}

impl Approval {
    /// Its giver may say yes by the documents as they are now.
    #[must_use]
    pub fn stands(&self, tenant: &Tenant) -> bool {
        match &self.by {
            // The console has asked for the token, and signed who it was.
            Approver::Api { .. } => true,
            Approver::Staff { workspace, user } => tenant.staff_member(workspace, user).is_some(),
            Approver::Named { user } => tenant.approvals.people.iter().any(|person| person.user == *user),
            Approver::Manager { .. } => tenant.approvals.manager,
            Approver::Contact { .. } => !tenant.approvals.contact_types.is_empty(),
        }
    }

    /// One of the MSP's own people.
    #[must_use]
    pub fn staff(&self) -> bool {
        matches!(self.by, Approver::Api { .. } | Approver::Staff { .. })
    }

    /// May say yes to what the matrix or a freeze wants an approval for.
    #[must_use]
    pub fn approver(&self, tenant: &Tenant) -> bool {
        match &self.by {
            Approver::Api { owner, .. } => *owner,
            Approver::Staff { workspace, user } => tenant.staff_member(workspace, user).is_some_and(|staff| staff.role != StaffRole::Technician),
            Approver::Named { .. } | Approver::Manager { .. } | Approver::Contact { .. } => true,
        }
    }
}

/// What speaks for a requester beside the channel, and against them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vetting {
    /// What was passed, and by whom it is vouched for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// Challenges of this case so far.
    pub challenges: u32,
    /// Codes and pushes among them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sent: u32,
    /// Somebody said that it is not them: nothing more is believed.
    pub denied: bool,
    /// Kinds of proof that were asked for in vain, and are not asked for again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vain: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Vetting {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A step-up that a requester has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// `call-back` …
    pub kind: String,
    /// Object id of the account that it is about.
    pub target: String,
    /// When.
    pub at: Instant,
    /// Dead from then on.
    pub expires: Instant,
    /// Who vouched; nobody, where a vendor checked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Approver>,
    /// Every name that they are known by: chat user, address.
    pub names: Vec<String>,
}

impl Proof {
    /// Whoever vouched may do so by the documents as they are now.
    #[must_use]
    pub fn stands(&self, tenant: &Tenant) -> bool {
        match &self.by {
            Some(Approver::Staff { workspace, user }) => tenant.staff_member(workspace, user).is_some(),
            Some(Approver::Manager { .. }) => tenant.approvals.manager_vouches,
            Some(Approver::Named { .. } | Approver::Contact { .. } | Approver::Api { .. }) => false,
            None => tenant.prover(&self.kind).is_some(),
        }
    }
}

/// How sure it is who asks, as the stage graded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What is held.
    pub assurance: Assurance,
    /// What it rests on.
    pub because: Vec<String>,
    /// What to ask for, in this order, to reach what is wanted.
    pub step_ups: Vec<String>,
    /// Why nothing more may be asked.
    pub locked: Option<String>,
}

impl Standing {
    /// Nothing is known, and nothing can be asked.
    #[must_use]
    pub fn unknown(why: &str) -> Self {
        Standing { assurance: Assurance::None, because: Vec::new(), step_ups: Vec::new(), locked: Some(why.into()) }
    }
}

/// A technician calls the requester back on the number on record.
pub const CALL_BACK: &str = "call-back";
/// The requester's manager, as the directory names them, says that it is them.
pub const MANAGER: &str = "manager";
/// A code that was sent to the mobile number on record.
pub const CODE: &str = "code";
/// A push to a device that is enrolled with Duo.
pub const PUSH: &str = "push";

/// Who answered a request for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approver {
    /// A person of the MSP, in the MSP's own chat.
    Staff {
        /// Workspace.
        workspace: String,
        /// User id.
        user: String,
    },
    /// A person whom the client's document names, in the client's chat.
    Named {
        /// User id.
        user: String,
    },
    /// Whom the directory names as the manager of the account's owner, in the client's chat.
    Manager {
        /// User id.
        user: String,
        /// Object id of their account.
        account: String,
    },
    /// A contact of the client whose type in the PSA makes them an approver, in the client's chat.
    Contact {
        /// User id.
        user: String,
        /// The address that the PSA and the chat know them by.
        address: String,
    },
    /// A person with a token of the console.
    Api {
        /// Name.
        name: String,
        /// An owner.
        owner: bool,
    },
}

impl Approver {
    /// The id of their user in a chat; nothing if they do not answer in one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self {
            Approver::Staff { user, .. } | Approver::Named { user } | Approver::Manager { user, .. } | Approver::Contact { user, .. } => Some(user),
            Approver::Api { .. } => None,
        }
    }
}

/// What holds at the moment of a question, beside the documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Changes were stopped by a person.
    pub halted: bool,
    /// Limits that are used up: `person`, `tenant`, `msp`.
    pub over: Vec<String>,
    /// When the action lost its autonomy at this tenant.
    pub lost: Option<Instant>,
}

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Go on.
    Autonomous,
    /// Ask an approver.
    Approval,
    /// Ask for a stronger proof of who asks.
    Prove,
    /// A human does it.
    Human,
    /// It must not happen.
    Deny,
}

/// The guardrails' answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What may happen.
    pub verdict: Verdict,
    /// The proof that is enough, where one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Assurance>,
    /// Rules that spoke, the deciding one first.
    pub rules: Vec<String>,
    /// Short code.
    pub reason: String,
    /// Hash of all policies that were asked.
    #[serde(default)]
    pub policies: String,
}

/// A button: label, choice and emphasis. The technician signs its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// Name of the label.
    pub label: String,
    /// What pressing it means.
    pub choice: String,
    /// The one that goes on.
    pub primary: bool,
}

/// Words from the catalogue of sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Name of the sentence.
    pub sentence: String,
    /// Its arguments.
    pub arguments: Vec<(String, String)>,
}

impl Words {
    /// A sentence with these arguments.
    #[must_use]
    pub fn new(sentence: &str, arguments: &[(&str, &str)]) -> Self {
        Words { sentence: sentence.into(), arguments: arguments.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect() }
    }
}

/// A message to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Vendor's channel id.
    pub channel: String,
    /// Thread to answer in.
    pub thread: Option<String>,
    /// What it says.
    pub words: Words,
    /// Its reader's locale; the client's where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub locale: String,
    /// Buttons below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// Secret filled in as the address of a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_link: Option<String>,
}

/// Work for the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChatAct {
    /// Who is this user?
    Who(String),
    /// Who has this address?
    Find(String),
    /// The direct conversation with this user.
    OpenDirect(String),
    /// Post.
    Say(Message),
    /// Replace an earlier message.
    Replace(String, Message),
}

/// A chat user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// User id.
    pub id: String,
    /// Workspace of the account.
    pub workspace: String,
    /// Address.
    pub email: Option<String>,
    /// Name.
    pub name: String,
    /// Guest, or of another workspace.
    pub guest: bool,
    /// Deactivated, bot or app.
    pub inactive: bool,
    /// Locale.
    pub locale: Option<String>,
}

/// An account to act upon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Object id.
    pub id: String,
    /// Sign-in name.
    pub login: String,
}

/// Whose account is to be found, and what is wanted beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sought {
    /// Sign-in name or address.
    pub name: String,
    /// Whom the directory names as its owner's manager.
    pub manager: bool,
    /// Its groups.
    pub groups: bool,
}

/// Work for the identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdpAct {
    /// Find an account.
    Find(Sought),
    /// Unlock.
    Unlock(Subject),
    /// Set a temporary password.
    ResetPassword(Subject),
    /// End sessions.
    RevokeSessions(Subject),
    /// Take away what hung on a lost phone, and issue a pass.
    ResetFactors(Subject),
    /// Look for a new factor.
    CheckFactors(Subject),
    /// Who may be meant by a name.
    LookUp(String),
    /// Which group.
    LookUpGroup(String),
    /// Which mailbox.
    LookUpMailbox(String),
    /// When the account with this object id first signed in since this moment.
    FirstSignIn(String, String),
}

/// Locked out or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lock {
    /// It is not.
    Open,
    /// It is.
    Locked,
    /// The vendor does not say.
    Unknown,
}

/// An account as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Object id.
    pub id: String,
    /// Sign-in name.
    pub login: String,
    /// All its names, lower case.
    pub names: Vec<String>,
    /// Name to show.
    pub name: String,
    /// May sign in.
    pub enabled: bool,
    /// Vendor's word.
    pub state: String,
    /// Locked out or not.
    pub lock: Lock,
    /// Guest of the directory.
    pub guest: bool,
    /// Mastered elsewhere.
    pub synced: bool,
    /// Why it is privileged.
    pub privileged: Vec<String>,
    /// Object ids of groups that it belongs to and that a list of the tenant names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The language that the directory names for its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Telephone numbers on record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// The one of them that the directory names as mobile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// Its owner's manager, where that was asked for and the directory names one who may sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
}

/// Whom the directory names as somebody's manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    /// Object id.
    pub id: String,
    /// Name to show.
    pub name: String,
    /// Address.
    pub address: String,
}

/// Somebody whom a name may mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Object id.
    pub id: String,
    /// Sign-in name.
    pub login: String,
    /// All its names, lower case.
    pub names: Vec<String>,
    /// Name to show.
    pub name: String,
    /// Where they work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Vendor's word for the account's state.
    pub state: String,
    /// Why it must not be touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// For the note.
    pub evidence: Vec<String>,
    /// Secret to be delivered now.
    pub secret: Option<String>,
}

/// Work for the PSA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PsaAct {
    /// Open a ticket.
    Open(NewTicket),
    /// Notes, time, closed status.
    Close(Closeout),
    /// Note, dispatch status.
    HandOver(Closeout),
    /// An internal note, and nothing else.
    Note(Closeout),
    /// Read a ticket with what people did to it.
    Look(u64),
    /// Answered; the next word is the requester's.
    Wait(Waiting),
    /// Read the company's contacts of these types.
    Contacts(Vec<String>),
}

/// A person of the client, as the PSA knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Id.
    pub id: u64,
    /// Name to show.
    pub name: String,
    /// Their addresses, lower case.
    pub addresses: Vec<String>,
    /// Which of the types that were asked for they have.
    pub types: Vec<String>,
}

/// The contacts of the client that have one of these types, as they were last read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// The types that were asked for.
    pub types: Vec<String>,
    /// Who has one of them.
    pub people: Vec<Contact>,
}

impl Contacts {
    /// Whoever has one of these types; none if not all of them were asked for.
    #[must_use]
    pub fn of(&self, types: &[String]) -> Option<Vec<&Contact>> {
        let has = |person: &&Contact| person.types.iter().any(|kind| types.contains(kind));
        types.iter().all(|kind| self.types.contains(kind)).then(|| self.people.iter().filter(has).collect())
    }

    /// Somebody who has one of these types has this address.
    #[must_use]
    pub fn names(&self, types: &[String], address: &str) -> bool {
        self.of(types).into_iter().flatten().any(|person| person.addresses.iter().any(|own| own.eq_ignore_ascii_case(address)))
    }
}

/// A ticket that waits for its requester.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Ticket id.
    pub ticket: u64,
    /// Its board.
    pub board: u64,
    /// Status that we last saw.
    pub status: u64,
}

/// A ticket to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTicket {
    /// Summary.
    pub summary: String,
    /// What was written.
    pub description: String,
    /// Requester's address.
    pub contact_email: Option<String>,
    /// Requester's name.
    pub contact_name: String,
}

/// What is written at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closeout {
    /// Ticket id.
    pub ticket: u64,
    /// Its board.
    pub board: u64,
    /// Status that we last saw.
    pub status: u64,
    /// For technicians, line by line; the lines are those of the catalogue of notes.
    pub internal_note: Vec<Words>,
    /// For the user.
    pub resolution: Option<Words>,
    /// Work began.
    pub time_start: Instant,
    /// Work ended.
    pub time_end: Instant,
    /// What is billed for it; without, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_minutes: Option<u32>,
    /// The PSA mails the resolution to the ticket's contact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notify: bool,
    /// A person has taken over: only a note is written.
    #[serde(default)]
    pub stand_down: bool,
    /// It calls for a person at once.
    #[serde(default)]
    pub alert: bool,
    /// Priority that we first saw.
    #[serde(default)]
    pub priority: String,
}

/// A ticket as read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Id.
    pub id: u64,
    /// Board.
    pub board: u64,
    /// Status id.
    pub status: u64,
    /// Status name.
    pub status_name: String,
    /// A contact was found.
    pub contact: bool,
    /// Name of its priority.
    #[serde(default)]
    pub priority: String,
}

/// A ticket with what people did to it. Its texts are hostile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The ticket.
    pub ticket: Ticket,
    /// Summary.
    pub summary: String,
    /// What the contact wrote.
    pub text: String,
    /// Name of its type.
    pub kind: String,
    /// How it came: `Email` …
    pub source: String,
    /// Name of the contact.
    pub contact_name: String,
    /// Address of the contact.
    pub contact_email: Option<String>,
    /// It is closed.
    pub closed: bool,
    /// Identifier of the member that it is assigned to.
    pub owner: Option<String>,
    /// The case whose mark it carries.
    pub case: Option<String>,
    /// Somebody else has logged time.
    pub worked: bool,
}

/// A text that nobody has understood, for a language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// The text, redacted: nothing else leaves.
    pub text: String,
    /// Intents to choose among.
    pub intents: Vec<String>,
    /// Kinds of entities to look for.
    pub kinds: Vec<String>,
}

/// What a language model made of a text, as hostile as the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Name of the intent.
    pub intent: String,
    /// What it says is named.
    pub entities: Vec<Entity>,
}

/// The intents that intent detection tells apart, beside those that only steer a conversation.
pub const INTENTS: [&str; 15] = [
    "password_reset",
    "account_unlock",
    "mfa_reset",
    "mailbox_access",
    "license_request",
    "group_change",
    "software_request",
    "vpn_issue",
    "app_outage",
    "printer",
    "hardware",
    "onboarding",
    "offboarding",
    "phishing",
    "other",
];

/// What a vendor does so that a requester can prove who they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofAct {
    /// Send a code to this number (E.164), in this language.
    SendCode(String, String),
    /// Check the code that was typed, which was sent to this number.
    CheckCode(String),
    /// Ask the person with this sign-in name on their enrolled device.
    Push(String),
}

/// Work for a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Chat.
    Chat(ChatAct),
    /// Identity provider.
    Idp(IdpAct),
    /// PSA.
    Psa(PsaAct),
    /// Language model.
    Model(Unread),
    /// Proof of who asks.
    Proof(ProofAct),
}

/// How a connector's task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Chat: who it is.
    Profile(Profile),
    /// Chat: the direct conversation.
    Opened(String),
    /// Chat: accepted, with the message's id.
    Posted(String),
    /// Chat: cannot be reached.
    Unreachable(String),
    /// Chat: may or may not have been posted.
    Unsure(String),
    /// Identity provider: found.
    Found(Account),
    /// Identity provider: no such account.
    Absent,
    /// Identity provider: who may be meant.
    People(Vec<Person>),
    /// Identity provider: when somebody signed in, as the vendor wrote it.
    SignedIn(Option<String>),
    /// Identity provider: done and read back.
    Changed(Report),
    /// Identity provider: it was so already.
    Unchanged(Report),
    /// PSA: opened.
    TicketOpened(Ticket),
    /// PSA: closed.
    TicketClosed(Ticket),
    /// PSA: with a human.
    TicketHandedOver(Ticket),
    /// PSA: waits for its requester.
    TicketWaits(Ticket),
    /// PSA: read.
    TicketSeen(Box<Seen>),
    /// PSA: contacts.
    Contacts(Vec<Contact>),
    /// Language model: what it made of the text.
    Opinion(Opinion),
    /// Proof: asked for.
    Sent,
    /// Proof: passed.
    Passed,
    /// Proof: not passed.
    Refused,
    /// A human is needed: code and text.
    Escalate(String, String),
}

impl Outcome {
    /// Its name, for log lines.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Profile(_) => "profile",
            Outcome::Opened(_) => "opened",
            Outcome::Posted(_) => "posted",
            Outcome::Unreachable(_) => "unreachable",
            Outcome::Unsure(_) => "unsure",
            Outcome::Found(_) => "found",
            Outcome::Absent => "absent",
            Outcome::People(_) => "people",
            Outcome::SignedIn(_) => "signed in",
            Outcome::Changed(_) => "changed",
            Outcome::Unchanged(_) => "unchanged",
            Outcome::TicketOpened(_) => "ticket opened",
            Outcome::TicketClosed(_) => "ticket closed",
            Outcome::TicketHandedOver(_) => "ticket handed over",
            Outcome::TicketWaits(_) => "ticket waits",
            Outcome::TicketSeen(_) => "ticket seen",
            Outcome::Contacts(_) => "contacts",
            Outcome::Opinion(_) => "opinion",
            Outcome::Sent => "sent",
            Outcome::Passed => "passed",
            Outcome::Refused => "refused",
            Outcome::Escalate(..) => "needs a human",
        }
    }
}
