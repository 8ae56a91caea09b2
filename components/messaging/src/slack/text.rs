//! Slack's text: markup out on the way in, escapes in on the way out.

/// Slack's markup as plain text: links, mentions and escapes are spelled out.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Slack escapes a `<` that somebody typed, so one that is left opens a token. Splitting at each keeps this linear.
    let mut pieces = text.split('<');
    out.push_str(&unescaped(pieces.next().unwrap_or_default()));
    for piece in pieces {
        match piece.split_once('>') {
            Some((token, tail)) => {
                out.push_str(&spelled_out(token));
                out.push_str(&unescaped(tail));
            }
            None => {
                out.push('<');
                out.push_str(&unescaped(piece));
            }
        }
    }
    out
}

/// The text without the mention at its front, if that mentions one of these; with none known, any mention goes.
pub fn without_leading_mention<'a>(text: &'a str, of: &[&str]) -> &'a str {
    let mention = text.trim_start().strip_prefix("<@").and_then(|rest| rest.split_once('>'));
    match mention {
        Some((token, rest)) if of.is_empty() || of.contains(&token.split('|').next().unwrap_or_default()) => {
            rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ':'))
        }
        Some(_) | None => text,
    }
}

/// Text for a field in which `&`, `<` and `>` are markup.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// At most so many UTF-16 units, cut between characters.
pub fn cut(text: &str, longest: usize) -> String {
    if utf16(text) <= longest {
        return text.to_string();
    }
    let mut units = 1; // the ellipsis
    let mut out: String = text
        .chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= longest
        })
        .collect();
    out.push('…');
    out
}

/// Length in UTF-16 units, the strictest reading of a limit in "characters".
pub fn utf16(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

fn spelled_out(token: &str) -> String {
    let (head, label) = match token.split_once('|') {
        Some((head, label)) if !label.is_empty() => (head, Some(unescaped(label))),
        Some((head, _)) => (head, None),
        None => (token, None),
    };
    let named = |sign: char, id: &str| format!("{sign}{}", label.as_deref().unwrap_or(id).trim_start_matches(sign));
    if let Some(user) = head.strip_prefix('@') {
        named('@', user)
    } else if let Some(channel) = head.strip_prefix('#') {
        named('#', channel)
    } else if let Some(special) = head.strip_prefix('!') {
        match (label, special.split_once('^')) {
            (Some(label), _) => label,
            (None, Some((kind, _))) => format!("@{kind}"),
            (None, None) => format!("@{special}"),
        }
    } else if let Some(address) = head.strip_prefix("mailto:").or_else(|| head.strip_prefix("tel:")) {
        label.unwrap_or_else(|| unescaped(address))
    } else if head.contains(':') {
        let url = unescaped(head);
        match label {
            // A label that hides where the link goes does not hide it from us.
            Some(label) if url.contains(&label) => label,
            Some(label) => format!("{label} ({url})"),
            None => url,
        }
    } else {
        format!("<{}>", unescaped(token))
    }
}

/// `&amp;` comes last, so that nothing is unescaped twice.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_plain_text() {
        for (wire, expect) in [
            ("hi", "hi"),
            ("", ""),
            ("a &lt;b&gt; &amp;amp; c &amp;lt;", "a <b> &amp; c &lt;"),
            ("<@U1> is locked out, ask <@U2|jane>", "@U1 is locked out, ask @jane"),
            ("see <#C1|general> or <#C2|> or <#C3>", "see #general or #C2 or #C3"),
            ("<!here> <!subteam^S1|@helpdesk> <!subteam^S2> <!date^1^{date}|today>", "@here @helpdesk @subteam today"),
            ("<mailto:jane@acme.com|jane@acme.com> <mailto:j@a.com> <tel:+1|+1>", "jane@acme.com j@a.com +1"),
            ("<http://acme.com|acme.com> <https://x.y/?a=1&amp;b=2>", "acme.com https://x.y/?a=1&b=2"),
            ("<https://evil.example|acme.com>", "acme.com (https://evil.example)"),
            ("open < and <@U1", "open < and <@U1"),
            ("<> <word> >", "<> <word> >"),
            ("مرحبا 👩‍🔧\u{200B}{{secret:pw}}", "مرحبا 👩‍🔧\u{200B}{{secret:pw}}"),
        ] {
            assert_eq!(plain(wire), expect);
        }
        assert_eq!(plain(&"<".repeat(100_000)).len(), 100_000);
        assert_eq!(plain(&"<@U1>".repeat(20_000)).len(), 60_000);
    }

    #[test]
    fn only_the_mention_of_the_agent_is_dropped() {
        for (wire, bots, expect) in [
            ("<@UBOT> hi", &["UBOT"][..], "hi"),
            (" <@UBOT|firstline>: hi <@UBOT>", &["UBOT"], "hi <@UBOT>"),
            ("<@U1> <@UBOT> hi", &["UBOT"], "<@U1> <@UBOT> hi"),
            ("<@U1> hi", &[], "hi"),
            ("hi <@UBOT>", &["UBOT"], "hi <@UBOT>"),
            ("<@UBOT", &["UBOT"], "<@UBOT"),
            ("<@UBOT>", &["UBOT"], ""),
        ] {
            assert_eq!(without_leading_mention(wire, bots), expect);
        }
    }

    #[test]
    fn a_cut_falls_between_characters() {
        for (text, longest, expect) in [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("👩👩", 3, "👩…"), ("👩👩", 4, "👩👩"), ("éé", 1, "…"), ("", 0, "")]
        {
            assert_eq!(cut(text, longest), expect);
        }
    }

    #[test]
    fn escapes_survive_the_way_out_and_back() {
        for text in ["<!channel> & <@U1>", "&lt;", "a < b"] {
            assert!(!escaped(text).contains('<'));
            assert_eq!(plain(&escaped(text)), text);
        }
    }
}
