//! Names of people and accounts, as one compares them.

use unicode_normalization::UnicodeNormalization as _;

/// Names as people type and paste them: compatible forms, case, blanks and invisible characters make no difference.
#[must_use]
pub fn plain(name: &str) -> String {
    let visible = |c: &char| {
        !c.is_whitespace()
            && !c.is_control()
            && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
    };
    // Lowering may undo the composition, so it is composed once more.
    let lower: String = name.nfkc().filter(visible).flat_map(char::to_lowercase).collect();
    lower.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_one_name_is_one_name() {
        for other in ["J.Doe@acme.com", " j.doe@acme.com\t", "j.d\u{200b}oe@acme.com", "\u{ff4a}.doe@acme.com", "J.DOE@ACME.COM"] {
            assert_eq!(plain(other), "j.doe@acme.com", "{other}");
        }
        assert_ne!(plain("j.d\u{43e}e@acme.com"), "j.doe@acme.com", "another script is another name");
    }
}
