//! What of a text is said about the matter: not the signature, the disclaimer, the quoted mail, and the fields of a form that tell nothing.
//!
//! What was left out speaks neither for a wish nor against it, so what might name somebody or some system is kept when in doubt.

use crate::{
    lexicon::{self, Lexicon},
    pattern,
    places::{FAREWELLS, SPOKEN},
    text::{Kind, Text, Token},
};

/// Fewest words before an end, so that something is left.
const LEAST: usize = 4;
/// Most words of a signature's line, and of a farewell's besides it.
const LINE: usize = 9;
const BESIDES: usize = 3;
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
/// How an earlier mail begins.
const ORIGINAL: [&str; 3] = ["-----original", "----- original", "begin forwarded message"];
const HEADERS: [&str; 4] = ["sent:", "to:", "date:", "subject:"];
/// Parts of the names of fields that say what is wanted, and of what; and of those that tell nothing.
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
const IDLE: [&str; 11] = ["impact", "urgency", "priority", "location", "phone", "badge", "serial", "date", "department", "room", "contact"];
/// How the names of fields begin that ask, which would be taken for the writer's own question.
const ASKED: [&str; 4] = ["what", "how", "who", "request type"];
/// Parts of the names of fields that name whom a form is for; those that name who filled it in, and by what these are known.
const WHOM: [&str; 5] = ["requested for", "affected user", "on behalf of", "for user", "employee"];
const WHO: [&str; 10] = ["opened by", "requested by", "submitted by", "reported by", "caller", "requester", "reporter", "name", "your name", "full name"];
const KNOWN_BY: [&str; 4] = ["user id", "username", "employee id", "email"];
/// Fewest lines of a form.
const FIELDS: usize = 3;
/// Who knows no more, speaks of themselves.
const FORGOTTEN: [&str; 2] = ["remember", "recall"];
/// What stands before a name.
const TITLES: [&str; 10] = ["prof", "professor", "dr", "doctor", "mr", "mrs", "ms", "miss", "sr", "sister"];
/// After these a name is the matter.
const OPEN: [&str; 14] = ["for", "of", "user", "username", "is", "are", "account", "from", "to", "and", "with", "named", "called", "id"];

/// A line, the tokens that stand in it, and whether it is kept.
struct Line<'a> {
    source: &'a str,
    from: usize,
    to: usize,
    kept: bool,
}

impl Line<'_> {
    fn len(&self) -> usize {
        self.to - self.from
    }
}

/// A text, line by line.
struct Letter<'a> {
    text: &'a Text<'a>,
    lexicon: &'a Lexicon,
    lines: Vec<Line<'a>>,
}

/// The text without what tells nothing.
#[must_use]
pub fn core<'a>(text: &Text<'a>, lexicon: &Lexicon) -> Text<'a> {
    let mut letter = Letter { text, lexicon, lines: lines(text) };
    letter.quoted();
    letter.form();
    letter.signed();
    letter.named();
    let kept = |line: &Line| {
        let mut tokens: Vec<Token> = text.tokens.get(line.from..line.to).unwrap_or_default().to_vec();
        // Where everything is in capitals, none tells anything.
        if line.len() > 2 && !line.source.contains(char::is_lowercase) {
            tokens.iter_mut().for_each(|token| token.capital = false);
        }
        tokens
    };
    let tokens = letter.lines.iter().filter(|line| line.kept).flat_map(kept).collect();
    Text { source: text.source, tokens, letters: text.letters, strange: text.strange, question: text.question }
}

fn lines<'a>(text: &'a Text<'_>) -> Vec<Line<'a>> {
    let mut start = 0;
    let line = |part: &'a str| {
        let token = |at: usize| text.tokens.partition_point(|token| token.start < at);
        let (from, to) = (token(start), token(start + part.len()));
        start += part.len();
        Line { source: part.trim(), from, to, kept: true }
    };
    text.source.split_inclusive('\n').map(line).collect()
}

fn begins(line: &str, with: &str) -> bool {
    line.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
}

/// The name and the value of a field.
fn field(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once(':')?;
    let words = name.split_whitespace().count();
    ((1..=4).contains(&words) && name.len() <= 40 && !name.contains(['.', '?', '!', ','])).then(|| (name.trim().to_ascii_lowercase(), value.trim()))
}

impl Letter<'_> {
    fn words(&self, line: &Line) -> impl Iterator<Item = &str> {
        (line.from..line.to).map(|i| self.text.word(i))
    }

    /// Words that are kept of the first lines.
    fn before(&self, line: usize) -> usize {
        self.lines.iter().take(line).filter(|line| line.kept).map(Line::len).sum()
    }

    fn drop(&mut self, lines: impl IntoIterator<Item = usize>) {
        for i in lines {
            if let Some(line) = self.lines.get_mut(i) {
                line.kept = false;
            }
        }
    }

    /// An earlier mail below, and what every mail of a firm ends in.
    fn quoted(&mut self) {
        for i in 0..self.lines.len() {
            let Some(line) = self.lines.get(i).filter(|_| self.before(i) >= LEAST) else { continue };
            let headed = || self.lines.iter().skip(i + 1).take(4).any(|next| HEADERS.iter().any(|head| begins(next.source, head)));
            let wrote = begins(line.source, "on ") && line.source.ends_with("wrote:");
            if wrote || ORIGINAL.iter().any(|head| begins(line.source, head)) || begins(line.source, "from:") && headed() {
                self.drop(i..self.lines.len());
                return;
            }
            let lower = line.source.to_ascii_lowercase();
            if DISCLAIMERS.iter().any(|said| lower.contains(said)) {
                self.drop([i]);
            }
        }
    }

    /// A form keeps what tells something, and whom it is for if that is another than who filled it in.
    fn form(&mut self) {
        let fields: Vec<(usize, String, &str)> =
            self.lines.iter().enumerate().filter_map(|(i, line)| field(line.source).map(|(name, value)| (i, name, value))).collect();
        if fields.len() < FIELDS {
            return;
        }
        let is = |list: &[&str], name: &str| list.contains(&name);
        let holds = |list: &[&str], name: &str| list.iter().any(|part| name.contains(part));
        let mut people = fields.iter().filter(|(_, name, _)| is(&WHO, name)).map(|(_, _, value)| *value);
        let who = people.next();
        let is_who = |value: &str| who.is_some_and(|who| who.eq_ignore_ascii_case(value));
        // Several people in one form: any of them may be the matter.
        let several = people.any(|other| !is_who(other));
        let (mut idle, mut asked) = (Vec::new(), Vec::new());
        for (i, name, value) in &fields {
            let own = holds(&WHOM, name) && (is_who(value) || value.to_ascii_lowercase().contains("self"));
            let filled = !several && (is(&WHO, name) || is(&KNOWN_BY, name));
            if own || filled || holds(&IDLE, name) && !holds(&TOLD, name) {
                idle.push(*i);
            } else if ASKED.iter().any(|word| name.starts_with(word)) {
                asked.push(*i);
            }
        }
        self.drop(idle);
        for i in asked {
            let colon = |(a, b): (&Token, &Token)| self.text.source.get(a.end..b.start).is_some_and(|between| between.contains(':'));
            let token = |i: usize| self.text.tokens.get(i);
            let Some(line) = self.lines.get_mut(i) else { continue };
            line.from = (line.from + 1..line.to).find(|&i| token(i - 1).zip(token(i)).is_some_and(colon)).unwrap_or(line.to);
        }
    }

    fn spoken(&self, line: &Line) -> bool {
        // A motto.
        if line.source.len() > 2 && line.source.starts_with(['"', '“']) && line.source.ends_with(['"', '”']) {
            return false;
        }
        line.len() > LINE || line.source.ends_with('?') || self.words(line).any(|word| SPOKEN.contains(&word))
    }

    /// A farewell, and everything below it that does not speak; and all below the line that mail programs draw.
    fn signed(&mut self) {
        let mut below = false;
        for i in 0..self.lines.len() {
            let (Some(line), before) = (self.lines.get(i), self.before(i)) else { return };
            if line.source == "--" && before >= LEAST {
                self.drop(i..self.lines.len());
                return;
            }
            let words = self.words(line).take_while(|word| FAREWELLS.contains(word)).count();
            let alone = words > 0 && line.len() - words <= BESIDES && !self.words(line).any(|word| matches!(word, "for" | "user" | "account"));
            below = alone && before >= LEAST || below && !self.spoken(line);
            self.drop(below.then_some(i));
        }
    }

    /// A name with what belongs to it at the end of what somebody wrote of themselves.
    fn named(&mut self) {
        let full: Vec<usize> = (0..self.lines.len()).filter(|&i| self.lines.get(i).is_some_and(|line| line.kept && line.len() > 0)).collect();
        let own = |word: &str| pattern::OWN.contains(&word) || FORGOTTEN.contains(&word);
        if !full.iter().filter_map(|&i| self.lines.get(i)).any(|line| self.words(line).any(own)) {
            return;
        }
        if let Some(tail) = self.in_lines(&full) {
            self.drop(tail);
        } else if let Some((&last, from)) = full.last().zip(self.behind(&full))
            && let Some(line) = self.lines.get_mut(last)
        {
            line.to = from;
        }
    }

    /// Lines of their own.
    fn in_lines(&self, full: &[usize]) -> Option<Vec<usize>> {
        let line = |i: &usize| self.lines.get(*i);
        let count = full.iter().rev().take_while(|i| line(i).is_some_and(|line| !self.spoken(line))).count();
        let (rest, tail) = full.split_at_checked(full.len() - count)?;
        let (above, first) = (rest.last().and_then(line)?, tail.first().filter(|_| count <= LINES)?);
        let open = above.source.ends_with([':', ',']) || self.words(above).last().is_some_and(|word| OPEN.contains(&word));
        let left: usize = rest.iter().filter_map(line).map(Line::len).sum();
        let apart = first.checked_sub(1).and_then(|i| self.lines.get(i)).is_some_and(|line| line.source.is_empty());
        let first = line(first)?;
        let lone = apart && first.len() == 1 && self.strange(first.from);
        (left >= LEAST && !open && (self.is_name(first.from) || lone)).then(|| tail.to_vec())
    }

    /// Behind the last sentence of the last line: the token with which it begins.
    fn behind(&self, full: &[usize]) -> Option<usize> {
        let last = full.last().and_then(|&i| self.lines.get(i))?;
        let word = |i: usize| self.text.word(i);
        let token = |i: usize| self.text.tokens.get(i);
        let dash = |i: usize| {
            let between = token(i.wrapping_sub(1)).zip(token(i)).and_then(|(a, b)| self.text.source.get(a.end..b.start));
            between.is_some_and(|between| between.contains(" - "))
        };
        let begins = |i: usize| token(i).is_some_and(|token| token.first) || dash(i);
        // "Dr. A. Mensah" is one end, not three.
        let goes_on = |i: usize| i > last.from && begins(i - 1) && (TITLES.contains(&word(i - 1)) || word(i - 1).len() == 1);
        let from = (last.from..last.to).rev().find(|&i| begins(i) && !goes_on(i)).filter(|&from| from >= LEAST)?;
        let count = last.to - from;
        let told = count > LINE || (from..last.to).any(|i| SPOKEN.contains(&word(i))) || OPEN.contains(&word(from - 1));
        let strange = || self.strange(from) && token(from).is_some_and(|token| token.capital && token.kind == Kind::Word);
        // "- Rasmus" signs, whoever that is, and so does "Bogdan, ID 30077".
        let dashed = token(from).is_some_and(|token| !token.first) && count <= 4;
        let numbered = (from..last.to).any(|i| token(i).is_some_and(|token| token.kind == Kind::Number));
        (!told && (self.is_name(from) || (dashed || numbered) && strange())).then_some(from)
    }

    /// Nobody's English, and no product's name.
    fn strange(&self, at: usize) -> bool {
        let word = self.text.word(at);
        !self.lexicon.product(word) && !self.lexicon.common(word) && !self.lexicon.english(word)
    }

    /// A first name, two words that are none, or what stands behind a title or an initial.
    fn is_name(&self, at: usize) -> bool {
        let word = |at: usize| self.text.word(at);
        let capital = |at: usize| self.text.tokens.get(at).is_some_and(|token| token.capital && token.kind == Kind::Word);
        let plain = |at: usize| {
            let word = word(at);
            self.lexicon.product(word) || self.lexicon.common(word) || lexicon::provider(word) || self.lexicon.thing(word)
        };
        let title = TITLES.contains(&word(at)) || word(at).len() == 1 && word(at) != "i";
        let next = capital(at + 1) && (title || self.text.tokens.get(at + 1).is_some_and(|token| !token.gap)) && !plain(at + 1);
        capital(at) && (title && next || !plain(at) && (self.lexicon.name(word(at)) || next))
    }
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
