//! The classes of the model, and what the outside sees of them.

/// A class of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Intent {
    /// A new password for an account of the identity provider.
    PasswordReset,
    /// A locked account is to be unlocked.
    AccountUnlock,
    /// A second factor is lost, new or broken.
    MfaReset,
    /// Access to a mailbox or calendar.
    MailboxAccess,
    /// A licence is missing or wanted.
    LicenseRequest,
    /// Groups, shares, application roles, local administrator rights.
    GroupChange,
    /// Something is to be installed or updated.
    SoftwareRequest,
    /// Remote access.
    VpnIssue,
    /// An application or service does not work.
    AppOutage,
    /// Printers and scanners.
    Printer,
    /// Devices.
    Hardware,
    /// A new starter.
    Onboarding,
    /// A leaver.
    Offboarding,
    /// Suspicious mail, a compromised account.
    Phishing,
    /// Anything else.
    Other,
    /// A credential of a system that is not the identity provider; shown as `other`.
    OtherCredential,
    /// A greeting, or a request for help that does not say with what.
    Greeting,
    /// Thanks, or word that it works now.
    Thanks,
    /// A human is wanted.
    Human,
    /// Impatience or a question for news; shown as `other`, abstained.
    Nudge,
}

/// What an intent is for, which decides how sure one has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The technician may act upon it.
    Acting,
    /// It steers the conversation.
    Social,
    /// It is handed to a human with a name.
    Handover,
}

impl Intent {
    /// Every class, in the order of the artefact.
    pub const ALL: [Intent; 20] = [
        Intent::PasswordReset,
        Intent::AccountUnlock,
        Intent::MfaReset,
        Intent::MailboxAccess,
        Intent::LicenseRequest,
        Intent::GroupChange,
        Intent::SoftwareRequest,
        Intent::VpnIssue,
        Intent::AppOutage,
        Intent::Printer,
        Intent::Hardware,
        Intent::Onboarding,
        Intent::Offboarding,
        Intent::Phishing,
        Intent::Other,
        Intent::OtherCredential,
        Intent::Greeting,
        Intent::Thanks,
        Intent::Human,
        Intent::Nudge,
    ];

    /// The class's own name, as in the training data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Intent::PasswordReset => "password_reset",
            Intent::AccountUnlock => "account_unlock",
            Intent::MfaReset => "mfa_reset",
            Intent::MailboxAccess => "mailbox_access",
            Intent::LicenseRequest => "license_request",
            Intent::GroupChange => "group_change",
            Intent::SoftwareRequest => "software_request",
            Intent::VpnIssue => "vpn_issue",
            Intent::AppOutage => "app_outage",
            Intent::Printer => "printer",
            Intent::Hardware => "hardware",
            Intent::Onboarding => "onboarding",
            Intent::Offboarding => "offboarding",
            Intent::Phishing => "phishing",
            Intent::Other => "other",
            Intent::OtherCredential => "other_credential",
            Intent::Greeting => "greeting",
            Intent::Thanks => "thanks",
            Intent::Human => "human",
            Intent::Nudge => "nudge",
        }
    }

    /// The class that the outside sees.
    #[must_use]
    pub fn shown(self) -> Intent {
        match self {
            Intent::OtherCredential | Intent::Nudge => Intent::Other,
            Intent::PasswordReset
            | Intent::AccountUnlock
            | Intent::MfaReset
            | Intent::MailboxAccess
            | Intent::LicenseRequest
            | Intent::GroupChange
            | Intent::SoftwareRequest
            | Intent::VpnIssue
            | Intent::AppOutage
            | Intent::Printer
            | Intent::Hardware
            | Intent::Onboarding
            | Intent::Offboarding
            | Intent::Phishing
            | Intent::Other
            | Intent::Greeting
            | Intent::Thanks
            | Intent::Human => self,
        }
    }

    /// What it is for.
    #[must_use]
    pub fn group(self) -> Group {
        match self {
            Intent::PasswordReset | Intent::AccountUnlock | Intent::MfaReset => Group::Acting,
            Intent::Greeting | Intent::Thanks | Intent::Human => Group::Social,
            Intent::MailboxAccess
            | Intent::LicenseRequest
            | Intent::GroupChange
            | Intent::SoftwareRequest
            | Intent::VpnIssue
            | Intent::AppOutage
            | Intent::Printer
            | Intent::Hardware
            | Intent::Onboarding
            | Intent::Offboarding
            | Intent::Phishing
            | Intent::Other
            | Intent::OtherCredential
            | Intent::Nudge => Group::Handover,
        }
    }

    /// The class of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Intent> {
        Intent::ALL.into_iter().find(|intent| intent.name() == name)
    }
}
