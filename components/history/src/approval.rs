//! Who approved a ticket, by the technicians' own words.

/// Words that stand before the name of whoever approved.
const BEFORE: [&str; 6] = ["approved by", "approval by", "approval from", "approval received from", "authorised by", "authorized by"];
/// Words that turn what stands before into its opposite, or into a wish.
const UNDONE: [&str; 9] = ["not", "never", "needs", "need", "needed", "awaiting", "pending", "requires", "be"];
/// Words that begin something else than a name.
const AFTER: [&str; 12] = ["on", "at", "via", "in", "and", "for", "to", "as", "by", "with", "who", "per"];

/// The name, in lower case, if there is exactly one; who is named beside another was not clearly the approver.
pub fn named(resolution: &str) -> Option<String> {
    let text: String = resolution.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut names: Vec<String> = BEFORE
        .iter()
        .flat_map(|words| text.match_indices(words).map(move |(at, words)| (at, at + words.len())))
        .filter_map(|(from, to)| {
            let before = text.get(..from)?.split(' ').rfind(|word| !word.is_empty()).unwrap_or_default();
            let name = name(text.get(to..)?)?;
            (!UNDONE.contains(&before.trim_matches(|c: char| !c.is_alphanumeric()))).then_some(name)
        })
        .collect();
    names.sort();
    names.dedup();
    names.pop().filter(|_| names.is_empty())
}

/// At most three words, or an address, up to whatever ends a name.
fn name(rest: &str) -> Option<String> {
    let mut name: Vec<&str> = Vec::new();
    for word in rest.trim_start_matches([':', ' ']).split(' ').take(3) {
        let clean = word.trim_matches(|c: char| !c.is_alphanumeric());
        if clean.is_empty() || AFTER.contains(&clean) {
            break;
        }
        name.push(clean);
        // A full stop within a word belongs to an address or an initial.
        if word.ends_with([',', '.', ';', ')', '/', '!', '?']) || clean.contains('@') {
            break;
        }
    }
    let name = name.join(" ");
    name.contains(char::is_alphabetic).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_after_the_words_is_taken() {
        for (text, expect) in [
            ("Access granted.  Approved by Maria  Gomez, see mail.", Some("maria gomez")),
            ("approval from: m.gomez@acme.example on 3 May", Some("m.gomez@acme.example")),
            ("Authorised by Tom on the phone", Some("tom")),
            ("Approved by Tom and approved by Maria", None),
            ("Approved by Tom. (Approved by Tom)", Some("tom")),
            ("was not approved by Tom", None),
            ("needs to be approved by Tom", None),
            ("Awaiting approval from Tom", None),
            ("the change was approved", None),
            ("approved by ", None),
            ("approved by 4711", None),
            ("", None),
        ] {
            assert_eq!(named(text).as_deref(), expect, "{text}");
        }
    }
}
