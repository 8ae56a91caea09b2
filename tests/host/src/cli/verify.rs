//! `verify BUNDLE --key FILE`: checks evidence offline, and says what it proves.

use anyhow::{Context as _, Result, bail};
use firstline_core::evidence::{Proof, verify};

const USAGE: &str = "use `verify BUNDLE --key FILE`: BUNDLE from `GET /api/cases/{case}/evidence` or `GET /api/tenants/{tenant}/days/{day}`, FILE with the public half of the signing key";

pub fn run(arguments: &[String]) -> Result<()> {
    let (bundle, key) = match arguments {
        [bundle, flag, key] if flag == "--key" => (bundle, key),
        [flag, key, bundle] if flag == "--key" => (bundle, key),
        _ => bail!(USAGE),
    };
    let read = |path: &str| std::fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"));
    let (text, key) = (read(bundle)?, read(key)?);
    match verify(&text, key.trim()) {
        Ok(proof) => {
            tell(&proof);
            Ok(())
        }
        Err(broken) => bail!("`{bundle}`, {broken}"),
    }
}

fn tell(proof: &Proof) {
    super::say("It proves:");
    proof.proves().iter().for_each(|line| super::say(&format!("  - {line}")));
    if let Proof::Case { synopsis: Some(synopsis), .. } = proof {
        super::say("As the technician tells it:");
        let told = [
            ("asked", Some(synopsis.kind.clone())),
            ("by", synopsis.requester.clone()),
            ("verified", synopsis.verified.clone()),
            ("account", synopsis.account.clone()),
            ("rules", Some(synopsis.rules.join(", ")).filter(|rules| !rules.is_empty())),
            ("ticket", synopsis.ticket.map(|ticket| ticket.to_string())),
            ("a human's", synopsis.reason.clone()),
        ];
        for (what, text) in told.iter().filter_map(|(what, text)| Some((what, text.as_ref()?))) {
            super::say(&format!("  {what:<10} {text}"));
        }
        synopsis.done.iter().for_each(|line| super::say(&format!("  {:<10} {line}", "-")));
    }
    super::say("It does not prove:");
    proof.does_not_prove().iter().for_each(|line| super::say(&format!("  - {line}")));
}
