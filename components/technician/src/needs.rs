//! What each vendor must grant for each action: the README's table, as data.

use firstline_core::tenant::Role;
use serde::Serialize;

/// What can be done for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Talk in the chat.
    Chat,
    /// Reset a password.
    PasswordReset,
    /// Unlock an account.
    AccountUnlock,
    /// Lead somebody who lost a phone to a new factor.
    MfaReset,
    /// Write a ticket.
    Ticket,
    /// Take in tickets of the PSA.
    Intake,
    /// Learn from what was done before, and show what would have been done.
    Learn,
}

/// Which permission set is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// Everything that this version does.
    Full,
    /// Reading only, for history and shadow.
    ReadOnly,
}

impl Use {
    /// As a path names it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "full" => Some(Use::Full),
            "read-only" => Some(Use::ReadOnly),
            _ => None,
        }
    }
}

/// One permission.
#[derive(Debug, PartialEq, Eq)]
pub struct Need {
    vendor: &'static str,
    /// As the vendor names it.
    pub permission: &'static str,
    /// Actions that need it.
    pub actions: &'static [Action],
    /// Broader ones that include it, and are excessive.
    pub covered_by: &'static [&'static str],
    /// Neither missing nor too much.
    pub optional: bool,
    uses: &'static [Use],
}

const FULL: &[Use] = &[Use::Full];
const BOTH: &[Use] = &[Use::Full, Use::ReadOnly];
const CHAT: &[Action] = &[Action::Chat, Action::PasswordReset, Action::AccountUnlock, Action::MfaReset, Action::Learn];
const IDP: &[Action] = &[Action::PasswordReset, Action::AccountUnlock, Action::MfaReset, Action::Learn];
const RESET: &[Action] = &[Action::PasswordReset];
/// A client for whom nobody has consented to these gets a person for a lost phone.
const PHONES: &[Action] = &[Action::MfaReset];

const fn need(vendor: &'static str, permission: &'static str, actions: &'static [Action], uses: &'static [Use]) -> Need {
    Need { vendor, permission, actions, covered_by: &[], optional: false, uses }
}

const fn covered(need: Need, covered_by: &'static [&'static str]) -> Need {
    Need { covered_by, ..need }
}

const fn optional(need: Need) -> Need {
    Need { optional: true, ..need }
}

const NEEDS: &[Need] = &[
    need("slack", "chat:write", CHAT, FULL),
    need("slack", "im:write", CHAT, FULL),
    need("slack", "im:history", CHAT, BOTH),
    need("slack", "app_mentions:read", &[Action::Chat], BOTH),
    need("slack", "users:read", CHAT, BOTH),
    need("slack", "users:read.email", IDP, BOTH),
    optional(need("slack", "channels:history", CHAT, BOTH)),
    covered(need("entra", "User.Read.All", IDP, BOTH), &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]),
    covered(
        need("entra", "GroupMember.Read.All", IDP, BOTH),
        &["Group.Read.All", "GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    covered(
        need("entra", "RoleManagement.Read.Directory", IDP, BOTH),
        &["RoleManagement.ReadWrite.Directory", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    optional(need("entra", "AuditLog.Read.All", IDP, BOTH)),
    need("entra", "User-PasswordProfile.ReadWrite.All", RESET, FULL),
    covered(need("entra", "User.RevokeSessions.All", RESET, FULL), &["User.ReadWrite.All", "Directory.ReadWrite.All"]),
    need("entra", "User Administrator", RESET, FULL),
    need("entra", "UserAuthenticationMethod.ReadWrite.All", PHONES, FULL),
    covered(need("entra", "Policy.Read.AuthenticationMethod", PHONES, FULL), &["Policy.Read.All"]),
    covered(need("okta", "ORG_ADMIN", IDP, FULL), &["SUPER_ADMIN"]),
    need("okta", "READ_ONLY_ADMIN", IDP, &[Use::ReadOnly]),
];

/// What a vendor must grant.
#[must_use]
pub fn of(vendor: &str, purpose: Use) -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| need.vendor == vendor && need.uses.contains(&purpose)).collect()
}

/// Actions that need a connection of this role.
#[must_use]
pub fn of_role(role: Role) -> Vec<Action> {
    match role {
        Role::Chat => CHAT.to_vec(),
        Role::Idp => IDP.to_vec(),
        // Nobody needs one: a technician calls back instead of a code.
        Role::Model | Role::Proof => Vec::new(),
        Role::Psa => vec![Action::Chat, Action::PasswordReset, Action::AccountUnlock, Action::MfaReset, Action::Ticket, Action::Intake, Action::Learn],
    }
}

/// What a use is about, for a tenant with this identity provider: lost phones are only led to a new factor in Entra.
#[must_use]
pub fn actions(purpose: Use, idp: Option<&str>) -> Vec<Action> {
    let phones = (idp == Some("entra")).then_some(Action::MfaReset);
    match purpose {
        Use::Full => [Action::Chat, Action::PasswordReset, Action::AccountUnlock, Action::Ticket, Action::Intake].into_iter().chain(phones).collect(),
        Use::ReadOnly => vec![Action::Learn],
    }
}

/// A tenant is ready without it: whoever wants it gets a person.
#[must_use]
pub fn may_wait(action: Action) -> bool {
    action == Action::MfaReset
}
