//! What of a text is said about the matter: not the signature, the disclaimer, the quoted mail, and the fields of a form that tell nothing.
//!
//! What was left out speaks neither for a wish nor against it, so what might name somebody or some system is kept when in doubt.

use crate::{
    lexicon::{self, Lexicon},
    places::{FAREWELLS, SPOKEN},
    text::{Kind, Text, Token},
};

/// Fewest words before an end, so that something is left.
const LEAST: usize = 4;
/// Most words of a signature's line.
const LINE: usize = 9;
/// Most lines of a signature without a farewell.
const LINES: usize = 5;
/// What a disclaimer says.
const DISCLAIMERS: [&str; 8] = [
    "this e-mail",
    "this email",
    "this message is intended",
    "intended recipient",
    "confidentiality notice",
    "confidential information",
    "consider the environment",
    "virus-free",
];
/// Fields of a form that say what is wanted, and of what.
const TOLD: [&str; 14] = [
    "description",
    "summary",
    "detail",
    "comment",
    "reason",
    "issue",
    "problem",
    "subject",
    "system",
    "application",
    "service",
    "software",
    "product",
    "category",
];
/// Fields that name whom a form is for, and who filled it in.
const WHOM: [&str; 5] = ["requested for", "affected user", "on behalf of", "for user", "employee"];
const WHO: [&str; 14] = [
    "reporter",
    "opened by",
    "requested by",
    "submitted by",
    "caller",
    "requester",
    "reported by",
    "name",
    "your name",
    "full name",
    "user id",
    "username",
    "employee id",
    "email",
];
/// Fewest lines of a form.
const FIELDS: usize = 3;
/// Words of the writer.
const OWN: [&str; 8] = ["i", "im", "ive", "my", "me", "mine", "remember", "recall"];
/// What stands before a name.
const TITLES: [&str; 10] = ["prof", "professor", "dr", "doctor", "mr", "mrs", "ms", "miss", "sr", "sister"];
/// After these a name is the matter.
const OPEN: [&str; 14] = ["for", "of", "user", "username", "is", "are", "account", "from", "to", "and", "with", "named", "called", "id"];

/// A line: where it stands, in bytes, and its words as tokens.
struct Line<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    words: Vec<&'a str>,
}

/// The text without what tells nothing.
#[must_use]
pub fn core<'a>(text: &Text<'a>, lexicon: &Lexicon) -> Text<'a> {
    let lines = lines(text);
    let mut kept: Vec<bool> = vec![true; lines.len()];
    quoted(&lines, &mut kept);
    let names = form(&lines, &mut kept);
    signed(&lines, &mut kept);
    let end = ending(text, &lines, &mut kept, lexicon);
    // The name of a field is the form's word and not the writer's.
    let named = |at: usize| names.iter().any(|(from, to)| (*from..*to).contains(&at));
    let inside = |at: usize| at < end && !named(at) && lines.iter().zip(&kept).any(|(line, kept)| *kept && (line.start..line.end).contains(&at));
    let mut tokens: Vec<Token> = text.tokens.iter().filter(|token| inside(token.start)).cloned().collect();
    // Where everything is in capitals, none tells anything.
    for line in lines.iter().filter(|line| line.words.len() > 2 && !line.text.contains(char::is_lowercase)) {
        tokens.iter_mut().filter(|token| (line.start..line.end).contains(&token.start)).for_each(|token| token.capital = false);
    }
    Text { source: text.source, tokens, letters: text.letters, strange: text.strange, question: text.question }
}

fn lines<'a>(text: &'a Text<'_>) -> Vec<Line<'a>> {
    let mut start = 0;
    let line = |part: &'a str| {
        let (from, to) = (start, start + part.len());
        start = to;
        let words = text.tokens.iter().filter(|token| (from..to).contains(&token.start)).map(|token| token.word.as_str()).collect();
        Line { text: part.trim(), start: from, end: to, words }
    };
    text.source.split_inclusive('\n').map(line).collect()
}

fn count(lines: &[Line], kept: &[bool]) -> usize {
    lines.iter().zip(kept).filter(|(_, kept)| **kept).map(|(line, _)| line.words.len()).sum()
}

fn begins(line: &str, with: &str) -> bool {
    line.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
}

/// An earlier mail below, and what every mail of a firm ends in.
fn quoted(lines: &[Line], kept: &mut [bool]) {
    for (i, line) in lines.iter().enumerate() {
        let below = lines.iter().skip(i + 1).take(4).any(|next| ["sent:", "to:", "date:", "subject:"].iter().any(|head| begins(next.text, head)));
        let original = begins(line.text, "-----original") || begins(line.text, "----- original") || begins(line.text, "begin forwarded message");
        let wrote = begins(line.text, "on ") && line.text.ends_with("wrote:");
        let before = kept.get(..i).unwrap_or_default();
        if (original || wrote || begins(line.text, "from:") && below) && count(lines, before) >= LEAST {
            kept.iter_mut().skip(i).for_each(|kept| *kept = false);
            return;
        }
        let lower = line.text.to_ascii_lowercase();
        if count(lines, before) >= LEAST && DISCLAIMERS.iter().any(|said| lower.contains(said)) {
            kept.iter_mut().skip(i).take(1).for_each(|kept| *kept = false);
        }
    }
}

/// The name and the value of a field.
fn field(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once(':')?;
    let words = name.split_whitespace().count();
    ((1..=4).contains(&words) && name.len() <= 40 && !name.contains(['.', '?', '!', ','])).then(|| (name.trim().to_ascii_lowercase(), value.trim()))
}

/// A form keeps what tells something, and whom it is for if that is another than who filled it in. Where the names of its fields stand, in bytes.
fn form(lines: &[Line], kept: &mut [bool]) -> Vec<(usize, usize)> {
    let fields: Vec<(usize, String, &str)> = lines.iter().enumerate().filter_map(|(i, line)| field(line.text).map(|(name, value)| (i, name, value))).collect();
    if fields.len() < FIELDS {
        return Vec::new();
    }
    let who = fields
        .iter()
        .find(|(_, name, _)| WHO.contains(&name.as_str()) && !name.contains("id") && !["username", "email"].contains(&name.as_str()))
        .map(|(_, _, value)| *value);
    // Several people in one form: any of them may be the matter.
    let people = |name: &String| WHO.contains(&name.as_str()) && !name.contains("id") && !["username", "email"].contains(&name.as_str());
    let many = fields.iter().any(|(_, name, value)| people(name) && who.is_some_and(|who| !who.eq_ignore_ascii_case(value)));
    let own = |value: &str| value.to_ascii_lowercase().contains("self") || who.is_some_and(|who| who.eq_ignore_ascii_case(value));
    for (i, name, value) in &fields {
        let whom = WHOM.iter().any(|known| name.contains(known));
        let told = TOLD.iter().any(|known| name.contains(known));
        let filled = WHO.contains(&name.as_str());
        let useless = ["impact", "urgency", "priority", "location", "phone", "badge", "serial", "date", "department", "room", "contact"];
        if whom && own(value) || filled && !many || !told && useless.iter().any(|known| name.contains(known)) {
            kept.iter_mut().skip(*i).take(1).for_each(|kept| *kept = false);
        }
    }
    let asked = |name: &str| name.starts_with("what") || name.starts_with("how") || name.starts_with("who") || name.starts_with("request type");
    let place =
        |(i, name, _): &(usize, String, &str)| lines.get(*i).filter(|_| asked(name)).map(|line| (line.start, line.start + line.text.find(':').unwrap_or(0)));
    fields.iter().filter_map(place).collect()
}

fn spoken(line: &Line) -> bool {
    // A motto.
    if line.text.len() > 2 && line.text.starts_with(['"', '“']) && line.text.ends_with(['"', '”']) {
        return false;
    }
    line.words.len() > LINE || line.text.ends_with('?') || line.words.iter().any(|word| SPOKEN.contains(word))
}

/// A farewell, and everything below it that does not speak; and all below the line that mail programs draw.
fn signed(lines: &[Line], kept: &mut [bool]) {
    let mut below = false;
    for (i, line) in lines.iter().enumerate() {
        let before = count(lines, kept.get(..i).unwrap_or_default());
        if line.text == "--" && before >= LEAST {
            kept.iter_mut().skip(i).for_each(|kept| *kept = false);
            return;
        }
        let words = line.words.iter().take_while(|word| FAREWELLS.contains(word)).count();
        let farewell =
            words > 0 && line.words.len() - words <= 3 && before >= LEAST && !line.words.iter().any(|word| matches!(*word, "for" | "user" | "account"));
        below = farewell || below && !spoken(line);
        if below {
            kept.iter_mut().skip(i).take(1).for_each(|kept| *kept = false);
        }
    }
}

/// A name with what belongs to it at the end of what somebody wrote of themselves: in lines of its own, or behind the last sentence. Where the rest ends, in bytes.
fn ending(text: &Text, lines: &[Line], kept: &mut [bool], lexicon: &Lexicon) -> usize {
    let all = text.source.len();
    let own = lines.iter().zip(kept.iter()).any(|(line, kept)| *kept && line.words.iter().any(|word| OWN.contains(word)));
    if !own {
        return all;
    }
    let named = |at: usize| {
        let capital = |at: usize| text.tokens.get(at).is_some_and(|token| token.capital && token.kind == Kind::Word);
        let plain =
            |at: usize| lexicon.product(text.word(at)) || lexicon.common(text.word(at)) || lexicon::provider(text.word(at)) || lexicon.thing(text.word(at));
        // A title or an initial is followed by a name.
        let title = TITLES.contains(&text.word(at)) || text.word(at).len() == 1 && text.word(at) != "i";
        let next = capital(at + 1) && (title || text.tokens.get(at + 1).is_some_and(|token| !token.gap)) && !plain(at + 1);
        capital(at) && (title && next || !plain(at) && (lexicon.name(text.word(at)) || next))
    };
    let at = |start: usize| text.tokens.iter().position(|token| token.start >= start);
    let full: Vec<usize> = (0..lines.len()).filter(|&i| kept.get(i) == Some(&true) && lines.get(i).is_some_and(|line| !line.words.is_empty())).collect();
    // Lines of their own.
    let speaks = |i: &&usize| lines.get(**i).is_none_or(spoken);
    let tail = full.iter().rev().take_while(|i| !speaks(i)).count();
    if (1..=LINES).contains(&tail) && tail < full.len() {
        let (rest, tail) = full.split_at(full.len() - tail);
        let left: usize = rest.iter().filter_map(|i| lines.get(*i)).map(|line| line.words.len()).sum();
        let open = rest
            .last()
            .and_then(|i| lines.get(*i))
            .is_none_or(|line| line.text.ends_with([':', ',']) || line.words.last().is_some_and(|word| OPEN.contains(word)));
        let first = tail.first().and_then(|i| lines.get(*i)).and_then(|line| at(line.start));
        // One word apart from the rest, which is nobody's English.
        let apart = tail.first().is_some_and(|i| i.checked_sub(1).and_then(|i| lines.get(i)).is_some_and(|line| line.text.is_empty()));
        let strange = |at: usize| !lexicon.product(text.word(at)) && !lexicon.common(text.word(at)) && !lexicon.english(text.word(at));
        let lone = |at: usize| apart && strange(at) && tail.first().and_then(|i| lines.get(*i)).is_some_and(|line| line.words.len() == 1);
        if left >= LEAST && !open && first.is_some_and(|at| named(at) || lone(at)) {
            tail.iter().for_each(|i| kept.iter_mut().skip(*i).take(1).for_each(|kept| *kept = false));
            return all;
        }
    }
    // Behind the last sentence of the last line.
    let Some(last) = full.last().and_then(|i| lines.get(*i)) else { return all };
    let begins = |i: usize| {
        let dash = || {
            text.tokens
                .get(i.wrapping_sub(1))
                .zip(text.tokens.get(i))
                .is_some_and(|(a, b)| text.source.get(a.end..b.start).is_some_and(|between| between.contains(" - ")))
        };
        text.tokens.get(i).is_some_and(|token| (last.start..last.end).contains(&token.start) && (token.first || dash()))
    };
    // "Dr. A. Mensah" is one end, not three.
    let begin =
        (0..text.tokens.len()).rev().find(|&i| begins(i) && !(i > 0 && begins(i - 1) && (TITLES.contains(&text.word(i - 1)) || text.word(i - 1).len() == 1)));
    let from = begin;
    let Some(from) = from else { return all };
    let words: Vec<&str> =
        text.tokens.iter().enumerate().filter(|(i, token)| *i >= from && token.start < last.end).map(|(_, token)| token.word.as_str()).collect();
    let open = from.checked_sub(1).is_none_or(|before| OPEN.contains(&text.word(before)));
    let short = words.len() <= LINE && !words.iter().any(|word| SPOKEN.contains(word));
    // "- Rasmus" signs, whoever that is.
    let dashed = text.tokens.get(from).is_some_and(|token| !token.first && token.capital) && words.len() <= 4;
    let dashed = dashed && !lexicon.product(text.word(from)) && !lexicon.common(text.word(from)) && !lexicon.english(text.word(from));
    // "Bogdan, ID 30077".
    let numbered = text.tokens.get(from).is_some_and(|token| token.capital && token.kind == Kind::Word) && !lexicon.product(text.word(from));
    let numbered = numbered && !lexicon.common(text.word(from)) && !lexicon.english(text.word(from));
    let numbered = numbered && (from..from + words.len()).any(|i| text.tokens.get(i).is_some_and(|token| token.kind == Kind::Number));
    if from >= LEAST && short && !open && (named(from) || dashed || numbered) { text.tokens.get(from).map_or(all, |token| token.start) } else { all }
}

#[cfg(test)]
mod tests {
    use super::core;
    use crate::{lexicon::Lexicon, text::Text};

    fn check(source: &str, left: &str) {
        let (text, lexicon) = (Text::read(source), Lexicon::new());
        let words: Vec<String> = core(&text, &lexicon).tokens.iter().map(|token| token.word.clone()).collect();
        assert_eq!(words.join(" "), left, "{source}");
    }

    #[test]
    fn what_ends_a_letter_is_left_out() {
        check("I forgot my password.\n\nThanks,\nGareth Pugh\nSystems Biology | x4410", "i forgot my password");
        check("I forgot my password.\n--\nOskar Nyberg, postdoc\nplease print less", "i forgot my password");
        check("I am locked out of windows. Gary Trail, trailer 3", "i am locked out of windows");
        check("Could you reset my password.\nThis e-mail and any attachments are for the person to whom they are addressed.", "could you reset my password");
        check("Please reset me again.\n\nFrom: IT\nSent: Monday\nSubject: your password\nIt expires", "please reset me again");
    }

    #[test]
    fn who_or_what_may_be_the_matter_stays() {
        check("Please reset my colleague.\nThanks\nalso unlock the account of Mo", "please reset my colleague also unlock the account of mo");
        check("I need a password reset for:\nGareth Pugh", "i need a password reset for gareth pugh");
        check("I cannot get in to the portal. Dentrix", "i cannot get in to the portal dentrix");
        check("Thanks", "thanks");
    }

    #[test]
    fn a_form_keeps_what_is_told_and_for_whom_if_it_is_another() {
        let form = |whom: &str| format!("Requested for: {whom}\nOpened by: Marta Lund\nImpact: Single user\nDescription: password expired");
        check(&form("Marta Lund"), "description password expired");
        check(&form("Bob Reed"), "requested for bob reed description password expired");
    }
}
