//! Untrusted text on its way into a ticket.

/// What stands for the part that was cut off.
const CUT: &str = "…";

/// One line without control characters, at most `limit` units long.
pub fn line(text: &str, limit: usize) -> String {
    let spaced: String = text.chars().filter(|c| !is_steering(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    shorten(&spaced.split_whitespace().collect::<Vec<_>>().join(" "), limit)
}

/// Lines without control characters, at most `limit` units long.
pub fn lines(text: &str, limit: usize) -> String {
    let keep = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || is_steering(*c));
    shorten(text.chars().filter(keep).collect::<String>().trim(), limit)
}

/// Cuts between characters. The vendors' limits count UTF-16 units, in which an emoji is two.
fn shorten(text: &str, limit: usize) -> String {
    if text.encode_utf16().count() <= limit {
        return text.into();
    }
    let mut left = limit.saturating_sub(CUT.chars().count());
    let fits = |c: &char| match left.checked_sub(c.len_utf16()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}{CUT}", kept.trim_end())
}

/// Characters that only change how others are shown: overrides of the writing direction, and invisible ones that joined emoji do not need.
fn is_steering(c: char) -> bool {
    matches!(c, '\u{200B}' | '\u{FEFF}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{line, lines};

    fn check(text: &str, limit: usize, one: &str, many: &str) {
        assert_eq!((line(text, limit).as_str(), lines(text, limit).as_str()), (one, many), "{text:?}");
    }

    #[test]
    fn text_is_kept_as_text() {
        check("locked out", 100, "locked out", "locked out");
        check("{{secret:pw}} \"x\" \\", 100, "{{secret:pw}} \"x\" \\", "{{secret:pw}} \"x\" \\");
        check("נעול בחוץ", 100, "נעול בחוץ", "נעול בחוץ");
        check("👩‍💻 help", 100, "👩‍💻 help", "👩‍💻 help");
    }

    #[test]
    fn control_characters_and_hidden_ones_go() {
        check("a\r\nb\u{0}c\u{1b}[31m", 100, "a b c [31m", "a\nbc[31m");
        check("\u{202e}evil\u{2066}x\u{200b}y\u{feff}", 100, "evilxy", "evilxy");
        check(" \u{7} \n ", 100, "", "");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        check("abcdef", 6, "abcdef", "abcdef");
        check("abcdefg", 6, "abcde…", "abcde…");
        check("ab 👩👩👩", 6, "ab 👩…", "ab 👩…");
        check("ab 👩👩👩", 5, "ab…", "ab…");
        check("abc", 0, "…", "…");
        assert_eq!(lines(&"🔒".repeat(100_000), 30_000).encode_utf16().count(), 29_999);
    }
}
