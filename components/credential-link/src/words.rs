//! Every sentence of the pages.

/// Title of the page with the button, and its heading.
pub const READY: &str = "Your password is ready";
/// What the button does.
pub const READY_TEXT: &str = "You can see it one time only. Have the sign-in page open, then press the button.";
/// The button.
pub const SHOW: &str = "Show the password once";
/// Below the button.
pub const READY_NOTE: &str = "Nobody else needs this link. Do not forward it.";

/// Title of the page with the secret, and its heading.
pub const SHOWN: &str = "Your temporary password";
/// Label of the field.
pub const FIELD: &str = "Temporary password";
/// That it is gone now.
pub const SHOWN_ONCE: &str = "It will not be shown again: this link has stopped working.";
/// Heading of the steps.
pub const NEXT: &str = "What to do next";
/// The steps.
pub const STEPS: &[&str] =
    &["Copy the password, or write it down for a moment.", "Sign in with it.", "Choose a new password of your own when you are asked to.", "Close this page."];

/// Title and heading of the page for links that show nothing.
pub const GONE: &str = "This link no longer works";
/// Why, as far as anybody is told.
pub const GONE_TEXT: &str = "A link shows its password one time, and only for a while. If you still need a password, ask for a new one where you asked before.";
/// For those who never saw it.
pub const GONE_NOTE: &str = "If you have not seen the password yourself, tell your IT support: somebody else may have opened the link.";

/// Title and heading when something is broken here.
pub const FAULT: &str = "This does not work right now";
/// What to do.
pub const FAULT_TEXT: &str = "Go back and try again in a minute. If it still does not work, tell your IT support.";

/// Title and heading when the button was not pressed on our own page.
pub const REFUSED: &str = "Please open the link itself";
/// What to do.
pub const REFUSED_TEXT: &str =
    "The password is shown only after the button on the link's own page was pressed. Open the link from your message and press it there.";

/// Title and heading of an address that is no link.
pub const NO_LINK: &str = "There is nothing here";
/// What to do.
pub const NO_LINK_TEXT: &str = "Open the link from your message again; it may have been cut off.";

/// Who gives the password, and for which ticket.
#[must_use]
pub fn from(msp: &str, ticket: &str) -> String {
    match (msp.is_empty(), ticket.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("Ticket {ticket}"),
        (false, true) => format!("From {msp}"),
        (false, false) => format!("From {msp}, ticket {ticket}"),
    }
}
