//! A small matcher over tokens, so that the rules can be read as a table.
//!
//! A pattern is a list of words: `a|b` is either, `lock*` a beginning, `..` up to three words, `...` up to four of which none speaks of the writer,
//! `%class` a class of tokens, and `^` before a word says that nothing but punctuation stands before it. It never crosses the beginning of a sentence.

use crate::{
    lexicon::{self, Lexicon},
    text::{Kind, Text, Token},
};

/// Words by which a writer speaks of themselves.
pub const OWN: [&str; 6] = ["i", "im", "ive", "my", "me", "mine"];
/// Words that bring the writer in, after which a person named before is no longer the subject.
pub const WRITER: &[&str] = &["i", "im", "ive", "my", "me", "mine", "id", "ill"];

/// A pattern, taken apart once for all the places where it is tried.
struct Pattern<'a>(Vec<Part<'a>>);

enum Part<'a> {
    /// At most so many words of any kind, and whether they may speak of the writer.
    Gap(usize, bool),
    /// One of these.
    Words { opens: bool, words: Vec<&'a str>, letters: u32 },
}

impl<'a> Pattern<'a> {
    fn read(pattern: &'a str) -> Self {
        let part = |part: &'a str| match part {
            ".." => Part::Gap(3, true),
            "..." => Part::Gap(4, false),
            _ => {
                let (opens, words) = part.strip_prefix('^').map_or((false, part), |words| (true, words));
                let words: Vec<&str> = words.split('|').collect();
                let letters = words.iter().fold(0, |letters, word| letters | if word.starts_with('%') { u32::MAX } else { letter(word) });
                Part::Words { opens, words, letters }
            }
        };
        Pattern(pattern.split(' ').map(part).collect())
    }

    fn at(&self, start: usize, text: &Text, lexicon: &Lexicon) -> Option<(usize, usize)> {
        matches(&self.0, start, start, text, lexicon).map(|end| (start, end))
    }
}

/// One bit for what a word begins with, so that most words are told apart without being compared; never none.
fn letter(word: &str) -> u32 {
    1 << (word.as_bytes().first().copied().unwrap_or_default() & 31)
}

/// Finds the first place where a pattern stands: first and last token.
#[must_use]
pub fn find(pattern: &str, text: &Text, lexicon: &Lexicon) -> Option<(usize, usize)> {
    let pattern = Pattern::read(pattern);
    (0..text.tokens.len()).find_map(|start| pattern.at(start, text, lexicon))
}

/// Finds every place where a pattern stands.
#[must_use]
pub fn all(pattern: &str, text: &Text, lexicon: &Lexicon) -> Vec<(usize, usize)> {
    let pattern = Pattern::read(pattern);
    (0..text.tokens.len()).filter_map(|start| pattern.at(start, text, lexicon)).collect()
}

/// Finds the first of several patterns that stands in the text.
#[must_use]
pub fn any(patterns: &[&str], text: &Text, lexicon: &Lexicon) -> Option<(usize, usize)> {
    patterns.iter().find_map(|pattern| find(pattern, text, lexicon))
}

fn matches(parts: &[Part], at: usize, start: usize, text: &Text, lexicon: &Lexicon) -> Option<usize> {
    let (part, rest) = parts.split_first()?;
    let (most, writer) = match part {
        Part::Gap(most, writer) => (*most, *writer),
        Part::Words { opens, words, letters } => {
            let token = text.tokens.get(at)?;
            let placed = (at == start || !token.first) && (!opens || token.first || token.gap);
            let fits = placed && letters & letter(&token.word) != 0 && words.iter().any(|word| fits(word, token, lexicon));
            return match (fits, rest.is_empty()) {
                (false, _) => None,
                (true, true) => Some(at),
                (true, false) => matches(rest, at + 1, start, text, lexicon),
            };
        }
    };
    for skipped in 0..=most {
        if let Some(end) = matches(rest, at + skipped, start, text, lexicon) {
            return Some(end);
        }
        let token = text.tokens.get(at + skipped)?;
        if token.first || (!writer && WRITER.contains(&token.word.as_str())) {
            return None;
        }
    }
    None
}

fn fits(word: &str, token: &Token, lexicon: &Lexicon) -> bool {
    if !word.starts_with('%') {
        return word.strip_suffix('*').map_or_else(|| token.word == word, |stem| token.word.starts_with(stem));
    }
    match word {
        "%credential" => lexicon::credential(&token.word),
        "%secret" => lexicon::secret(&token.word),
        "%reset" => ["reset", "resetting", "unlock", "unlocking"].iter().any(|known| lexicon::near(known, &token.word)),
        "%provider" => lexicon::provider(&token.word),
        "%person" => lexicon::person(&token.word),
        "%name" => token.kind == Kind::Mask || lexicon.name(&token.word) && !token.possessive,
        "%capital" => token.kind == Kind::Word && token.capital && !token.first && lexicon.unknown(&token.word) && !lexicon.product(&token.word),
        "%unknown" => token.kind == Kind::Word && lexicon.unknown(&token.word) && !lexicon.product(&token.word),
        "%either" => token.kind == Kind::Word && token.capital && (lexicon::either(&token.word) || lexicon.name(&token.word)),
        "%owner" => owner(token, lexicon),
        "%foreign" => foreign(token),
        "%number" => token.kind == Kind::Number,
        "%email" => token.kind == Kind::Email,
        "%mention" => token.kind == Kind::Mention,
        _ => false,
    }
}

/// What could have an account and is neither the writer's own nor a time.
fn foreign(token: &Token) -> bool {
    const TIMES: [&str; 12] = ["first", "second", "third", "fourth", "last", "next", "time", "day", "week", "weekend", "morning", "year"];
    let word = token.word.as_str();
    token.kind == Kind::Word && !lexicon::provider(word) && !lexicon::credential(word) && !TIMES.contains(&word)
}

/// `Bob's`, and `bobs` for a known name.
fn owner(token: &Token, lexicon: &Lexicon) -> bool {
    const NO_OWNER: &[&str] = &[
        "it",
        "that",
        "what",
        "let",
        "here",
        "there",
        "today",
        "who",
        "how",
        "where",
        "everything",
        "he",
        "she",
        "company",
        "account",
        "password",
        "thing",
        "caller",
    ];
    let owner = token.possessive && !NO_OWNER.contains(&token.word.as_str()) && !lexicon::provider(&token.word) && !lexicon.product(&token.word);
    owner || lexicon.names(&token.word)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::{lexicon::Lexicon, text::Text};

    fn check(pattern: &str, source: &str, expected: Option<(usize, usize)>) {
        assert_eq!(find(pattern, &Text::read(source), &Lexicon::new()), expected, "{pattern} in {source}");
    }

    #[test]
    fn patterns_match_words_in_one_sentence() {
        check("a b", "x a b", Some((1, 2)));
        check("a .. b", "a x y z b", Some((0, 4)));
        check("a .. b", "a x y z w b", None);
        check("a .. b", "a x. b", None);
        check("not|never lock*", "never locked", Some((0, 1)));
        check("%person ... locked", "manager is locked", Some((0, 2)));
        check("%person ... locked", "manager says i am locked", None);
        check("%owner .. %secret", "Bob's Windows pasword", Some((0, 2)));
        check("%owner .. %secret", "it's my password", None);
        check("^is my", "hi, is my account locked", Some((1, 2)));
        check("^is my", "the account is my own", None);
    }
}
