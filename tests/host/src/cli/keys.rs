//! `keys`: every key pair, the integrity key and a first owner.

use anyhow::Result;
use firstline_host::build::to_stderr;
use firstline_host::desk::Keys;

/// Variables go to standard output, so that they can be redirected; what a person should know goes to standard error.
pub fn run() -> Result<()> {
    let keys = Keys::make()?;
    let public = keys.verifying_key().unwrap_or_default();
    let Keys { variables, owner_token } = keys;
    to_stderr("Variables for `spin up`: paste them into its shell, or redirect them to a file that only you can read.");
    to_stderr("Secret: every line below but those that end in PUBLIC_KEY. New keys open nothing that was sealed to the old ones.");
    for (name, value) in &variables {
        super::say(&super::export(name, value));
    }
    to_stderr("The public half of the signing key, for `firstline verify BUNDLE --key FILE`; give it to whoever checks evidence.");
    to_stderr(&format!("  {public}"));
    to_stderr("The first owner's API token, shown this once; secret. The variables hold only its hash.");
    to_stderr(&format!("  {owner_token}"));
    Ok(())
}
