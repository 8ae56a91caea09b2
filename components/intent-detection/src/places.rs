//! Where a name may stand without being the matter: in greetings, signatures, headers, and where the writer says who or where they are.

use crate::{
    lexicon::{self, Lexicon},
    pattern,
    text::{Kind, Text},
};
use std::collections::HashMap;

/// Words that open a letter, close it, or head a line of a mail or a form.
const GREETINGS: &[&str] = &["hi", "hello", "hey", "dear", "morning", "afternoon", "evening", "hiya", "greetings"];
pub(crate) const FAREWELLS: &[&str] = &[
    "thanks",
    "thank",
    "thx",
    "ty",
    "regards",
    "rgds",
    "cheers",
    "best",
    "kind",
    "many",
    "warm",
    "sincerely",
    "br",
    "wishes",
    "you",
    "yours",
    "faithfully",
    "ta",
];
const HEADERS: &[&str] = &["from", "to", "cc", "sent", "contact", "requester", "submitter", "reporter", "location", "site", "department", "company", "date"];
/// What no line of a signature holds.
pub(crate) const SPOKEN: &[&str] = &[
    "for", "is", "was", "the", "please", "pls", "her", "his", "their", "needs", "need", "my", "i", "me", "it", "he", "she", "they", "who", "this", "that",
    "user", "account", "password", "login", "reset", "unlock", "locked", "forgot", "also", "not",
];
/// Most words of a signature's line, and of a name.
const LINE: usize = 8;
const NAME: usize = 3;

/// Words with which the writer goes on after a name.
const ON: &[&str] = &["i", "im", "ive", "my", "can", "could", "please", "pls", "would", "hope", "from", "here", "and"];

/// How the note of a call begins.
const CALLS: [&str; 12] = ["caller", "call", "tel", "telephone", "phonecall", "phone", "voicemail", "voice", "walkin", "walkup", "phoned", "rang"];

/// Somebody took down a call; the first words say of whom, up to what is returned.
pub(crate) fn called(text: &Text) -> Option<usize> {
    let count = text.tokens.len().min(12);
    let call = (0..count.min(3)).find(|&i| CALLS.contains(&text.word(i)))?;
    // "Phone lost" is no call, and "call Bob" one that is wished for.
    let apart = |at: usize| text.tokens.get(at).is_some_and(|next| next.gap && !next.first || next.kind == Kind::Number);
    let next = ["from", "transcript", "rec", "recd", "received", "mail", "note", "log", "call"].contains(&text.word(call + 1));
    let owned = (0..=call).any(|i| text.tokens.get(i).is_some_and(|token| token.possessive));
    let told = apart(call + 1) || next || matches!(text.word(call), "caller" | "walkin" | "walkup" | "voicemail" | "phonecall");
    let told = told && !owned;
    let speaks = |i: usize| SPOKEN.contains(&text.word(i)) && text.word(i) != "user";
    if !told || (0..call).any(speaks) {
        return None;
    }
    Some((call + 1..count).find(|&i| speaks(i) || i > 3 && text.tokens.get(i).is_some_and(|token| token.first && !token.capital)).unwrap_or(count))
}

/// Where somebody may be.
const PLACES: [&str; 12] = ["store", "office", "site", "warehouse", "shop", "building", "branch", "campus", "plant", "clinic", "school", "library"];

/// Somebody who is only mentioned.
pub(crate) const MENTIONED: &[&str] = &["%name had|has the same", "%name told|asked|advised me", "%name|%capital read|gave|sent|issued|helped|showed .. me|us"];

/// By which the writer says who, or where, they are.
const INTRODUCED: &[&str] =
    &["this|name is", "this is uh|um", "this is|uh|um professor|dr|mr|mrs|ms", "this is uh|um professor|dr|mr|mrs|ms", "its", "im", "i am"];

/// What a text's words are in their places. Made once a text: whether a word is odd takes a look at every word that there is.
pub struct Places {
    odd: Vec<bool>,
    harmless: Vec<(usize, usize)>,
}

impl Places {
    /// Looks at a text.
    #[must_use]
    pub fn of(text: &Text, lexicon: &Lexicon) -> Self {
        let mut looks = HashMap::new();
        let odd: Vec<bool> = (0..text.tokens.len()).map(|i| is_odd(text, lexicon, i, &mut looks)).collect();
        let harmless = harmless(text, lexicon, &odd);
        Places { odd, harmless }
    }

    /// A name tells nothing here.
    #[must_use]
    pub fn explains(&self, i: usize) -> bool {
        self.harmless.iter().any(|(from, to)| (from..to).contains(&&i))
    }

    /// The first word that is nobody's English and that its place does not explain.
    #[must_use]
    pub fn stranger(&self, text: &Text) -> Option<String> {
        self.odd.iter().enumerate().find(|(i, odd)| **odd && !self.explains(*i)).map(|(i, _)| text.span(i, i))
    }
}

/// Whether a word is known, and whether it is a slip of one, as far as that was asked.
type Looks<'a> = HashMap<&'a str, (bool, Option<bool>)>;

/// So many words of a text are compared with all of a dictionary.
const MOST_SLIPS: usize = 16;

/// A name, or a word that nobody knows. Products have rules of their own, and codes of errors and tickets are no names.
fn is_odd<'a>(text: &'a Text, lexicon: &Lexicon, i: usize, looks: &mut Looks<'a>) -> bool {
    const CODES: [&str; 6] = ["aadsts", "0x", "inc", "req", "err", "ext"];
    let Some(token) = text.tokens.get(i) else { return false };
    if token.kind != Kind::Word {
        return token.kind == Kind::Mask;
    }
    let word = token.word.as_str();
    let digit = word.starts_with(|c: char| c.is_ascii_digit());
    let code = word.chars().any(|c| c.is_ascii_digit()) && CODES.iter().any(|code| word.starts_with(code));
    if word.len() < 2 || digit || code {
        return false;
    }
    // A long text of words that nobody knows must not be looked through a dictionary for each of them.
    let asked = looks.values().filter(|(_, slipped)| slipped.is_some()).count();
    let known = || lexicon.product(word) || lexicon.common(word) || lexicon::provider(word) || lexicon::secret(word);
    let (known, slipped) = looks.entry(word).or_insert_with(|| (known(), None));
    let slips = || lexicon.slipped(word) || asked < MOST_SLIPS && word.len() > 5 && lexicon.nearly_english(word);
    let mut mistyped = || in_passing(text, i) && *slipped.get_or_insert_with(slips);
    !(*known || glued(text, lexicon, i) || lexicon.english(word) && !named(text, i) || mistyped())
}

/// Two words whose space was lost, "resetNew", or that a hyphen joins, "post-it".
fn glued(text: &Text, lexicon: &Lexicon, i: usize) -> bool {
    let source = text.span(i, i);
    let common = |word: &str| lexicon.common(&word.to_lowercase());
    if source.split_once('-').is_some_and(|(first, second)| first.len() > 1 && second.len() > 1 && common(first) && common(second)) {
        return true;
    }
    let Some((at, _)) = source.char_indices().zip(source.chars().skip(1)).find(|((_, a), b)| a.is_lowercase() && b.is_uppercase()).map(|(a, _)| a) else {
        return false;
    };
    let end = at + source.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    let known = |word: Option<&str>| word.map(str::to_lowercase).is_some_and(|word| lexicon.common(&word) || lexicon::provider(&word));
    known(source.get(..end)) && known(source.get(end..))
}

/// Where a name of somebody, or of a system, would stand.
fn named(text: &Text, i: usize) -> bool {
    const BEFORE: [&str; 7] = ["unlock", "reset", "user", "username", "id", "account", "help"];
    const OWNS: [&str; 6] = ["password", "account", "pc", "login", "credentials", "pw"];
    const DOES: [&str; 12] = ["is", "was", "has", "had", "needs", "cant", "cannot", "got", "gets", "forgot", "lost", "locked"];
    let Some(token) = text.tokens.get(i) else { return false };
    let before = i.checked_sub(1).filter(|_| !token.first && !token.gap).map_or("", |before| text.word(before));
    let behind = text.tokens.get(i + 1).filter(|next| !next.first && !next.gap).map_or("", |next| next.word.as_str());
    let capital = token.capital && (matches!(before, "for" | "of") || DOES.contains(&behind));
    token.possessive || BEFORE.contains(&before) || OWNS.contains(&behind) || capital
}

/// Where no name would stand, so that a small word may be mistyped.
fn in_passing(text: &Text, i: usize) -> bool {
    const BEFORE: [&str; 15] = ["for", "of", "unlock", "reset", "user", "username", "id", "account", "to", "with", "and", "from", "help", "by", ""];
    const BEHIND: [&str; 15] = ["is", "was", "has", "had", "needs", "cant", "cannot", "got", "gets", "forgot", "lost", "locked", "account", "password", "pc"];
    let Some(token) = text.tokens.get(i) else { return false };
    let before = i.checked_sub(1).filter(|_| !token.first && !token.gap).map_or("", |before| text.word(before));
    !(token.capital || token.possessive || BEFORE.contains(&before) || BEHIND.contains(&text.word(i + 1)))
}

/// Where names tell nothing, as ranges of tokens, the end not included.
fn harmless(text: &Text, lexicon: &Lexicon, odd: &[bool]) -> Vec<(usize, usize)> {
    let count = text.tokens.len();
    let gap = |i: usize| text.tokens.get(i).is_none_or(|token| token.gap || token.first);
    let odd = |i: usize| odd.get(i).is_some_and(|odd| *odd);
    let run = |from: usize| (from, (from..count).take(NAME).find(|&i| !odd(i) || i > from && gap(i)).unwrap_or((from + NAME).min(count)));
    let owns = |i: usize| text.tokens.get(i).is_some_and(|token| token.possessive);
    // A name is only greeted or given if nothing is told of it.
    let name = |from: usize| Some(run(from)).filter(|&(from, to)| !(from..to).any(owns)).filter(|&(_, to)| gap(to) || ON.contains(&text.word(to)));
    let mut ranges = Vec::new();
    ranges.extend(called(text).map(|end| (0, end)));
    let own = (0..count).any(|i| pattern::OWN.contains(&text.word(i)));
    let mut signed = false;
    for (from, to) in lines(text) {
        let line: Vec<&str> = (from..to).map(|i| text.word(i)).collect();
        let begins = |words: &[&str]| line.first().is_some_and(|word| words.contains(word));
        let spoken = line.len() > LINE || line.iter().any(|word| SPOKEN.contains(word));
        // A farewell alone, or with a name behind it; what follows is a signature as long as it does not speak.
        let farewells = line.iter().take_while(|word| FAREWELLS.contains(word)).count();
        if farewells > 0 && !spoken && line.len() - farewells <= NAME || signed && !spoken {
            signed = true;
            ranges.push((from, to));
        } else {
            signed = false;
        }
        if begins(HEADERS) && headed(text, from) {
            ranges.push((from, to));
        }
    }
    for i in 0..count {
        let word = text.word(i);
        if GREETINGS.contains(&word) && gap(i) || matches!(word, "morning" | "afternoon" | "evening") && matches!(text.word(i.wrapping_sub(1)), "good") {
            ranges.extend(name(i + 1));
        }
        // "Thanks Gareth", at the end of a text in one line.
        if matches!(word, "thanks" | "thx" | "regards" | "rgds" | "cheers") && count - i <= NAME + 1 {
            ranges.push((i + 1, count));
        }
        let capital = |at: usize| text.tokens.get(at).is_some_and(|token| token.capital);
        if matches!(word, "at" | "in") && capital(i + 1) {
            ranges.push(run(i + 1));
        }
        // "At the Granger site".
        if matches!(word, "at" | "in" | "from" | "over" | "outside" | "after") && text.word(i + 1) == "the" && capital(i + 2) {
            let end = (i + 3..i + 6).find(|&at| PLACES.contains(&text.word(at)));
            ranges.extend(end.filter(|&end| (i + 2..end).all(capital)).map(|end| (i + 2, end)));
        }
        // Whom a mail is for: "Bluewire team -".
        if text.tokens.get(i).is_some_and(|token| token.first)
            && matches!(text.word(i + 1), "team" | "support" | "helpdesk" | "desk" | "folks" | "all")
            && gap(i + 2)
        {
            ranges.push((i, i + 1));
        }
        // By which the writer says who they are: "User kbrandt4", "ID N0041".
        if own
            && matches!(word, "user" | "username" | "userid" | "id" | "badge" | "netid" | "login" | "handle")
            && (gap(i) || text.word(i.wrapping_sub(1)) == "my")
        {
            let at = i + 1 + usize::from(matches!(text.word(i + 1), "id" | "is" | "name"));
            // `acme\\jdoe` and `j.doe` are two words.
            let joined = text.tokens.get(at).zip(text.tokens.get(at + 1)).is_some_and(|(a, b)| a.end + 1 == b.start);
            ranges.push((i, at + 1 + usize::from(joined)));
        }
    }
    // A name alone at the end of what somebody wrote of themselves.
    let last = lines(text).last().copied().filter(|_| own);
    ranges.extend(last.filter(|&(from, to)| to - from <= NAME && from > LINE && (from..to).all(odd)));
    let introduced = INTRODUCED.iter().flat_map(|rule| pattern::all(rule, text, lexicon));
    ranges.extend(introduced.filter_map(|(_, last)| name(last + 1)));
    ranges.extend(MENTIONED.iter().flat_map(|rule| pattern::all(rule, text, lexicon)).map(|(from, last)| (from, last + 1)));
    // "It's Wendy" ends like a possessive.
    ranges.extend((0..count).filter(|&i| text.word(i) == "it" && text.tokens.get(i).is_some_and(|token| token.possessive)).filter_map(|i| name(i + 1)));
    ranges
}

/// A colon stands behind the first word of a line.
fn headed(text: &Text, from: usize) -> bool {
    let (Some(head), Some(next)) = (text.tokens.get(from), text.tokens.get(from + 1)) else { return false };
    text.source.get(head.end..next.start).is_some_and(|between| between.contains(':'))
}

/// Sentences and lines as ranges of tokens.
fn lines(text: &Text) -> Vec<(usize, usize)> {
    let mut starts: Vec<usize> = text.tokens.iter().enumerate().filter(|(i, token)| *i == 0 || token.first).map(|(i, _)| i).collect();
    starts.push(text.tokens.len());
    starts.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect()
}
