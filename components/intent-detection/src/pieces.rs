//! From a text's tokens to the word pieces of the encoder.

use crate::{
    encoder::Encoder,
    text::{Kind, Text, Token, fold},
};

/// Punctuation that the encoder is given.
const MARKS: &[char] = &['.', ',', '?', '!', ':', ';', '-', '/', '(', ')', '&', '\'', '"', '+'];
/// Lines of a forwarded mail's head that say nothing about the wish.
const HEADS: &[&str] = &["from", "sent", "to", "cc", "date", "von", "gesendet", "an", "de", "para"];
/// Words by which a letter ends.
const CLOSINGS: &[&str] =
    &["regards", "sincerely", "cheers", "best", "kind", "warm", "thanks", "thank", "rgds", "br", "yours", "sent", "mit", "gruss", "saludos", "att"];
/// Longest line that can be such an ending.
const CLOSING: usize = 4;

/// The pieces of a text, from `[CLS]` to `[SEP]`, so many of them at most. Heads of forwarded mails and what follows a closing are left out: rules and words still see them.
#[must_use]
pub fn pieces(text: &Text, encoder: &Encoder, most: usize) -> Vec<usize> {
    let piece = |name: &str| encoder.piece(name).unwrap_or_default();
    let (unknown, end) = (piece("[UNK]"), piece("[SEP]"));
    let mut out = vec![piece("[CLS]")];
    let (mut at, mut skipping) = (0, false);
    for (i, token) in text.tokens.iter().enumerate() {
        let gap = text.source.get(at..token.start).unwrap_or_default();
        at = token.end;
        if i == 0 || gap.contains('\n') {
            skipping = HEADS.contains(&token.word.as_str()) && text.source.get(token.end..).is_some_and(|rest| rest.starts_with(':'));
            if out.len() > 6 && CLOSINGS.contains(&token.word.as_str()) && line(text, i) <= CLOSING {
                break;
            }
        }
        if skipping {
            continue;
        }
        // A long gap holds somebody's quoted words.
        if gap.len() <= 8 {
            out.extend(gap.chars().filter(|c| MARKS.contains(c)).filter_map(|c| encoder.piece(c.encode_utf8(&mut [0; 4]))));
        }
        match token.kind {
            Kind::Word | Kind::Number => parts(text, token).iter().for_each(|word| split(word, encoder, unknown, &mut out)),
            Kind::Email => out.extend(encoder.piece("@")),
            Kind::Url => out.extend(encoder.piece("http")),
            Kind::Mention | Kind::Mask | Kind::Blank => {}
        }
        if out.len() >= most {
            break;
        }
    }
    if text.question && out.len() < most {
        out.extend(encoder.piece("?"));
    }
    out.truncate(most.saturating_sub(1));
    out.push(end);
    out
}

/// Tokens from here to the end of the line.
fn line(text: &Text, from: usize) -> usize {
    let rest = text.tokens.get(from..).unwrap_or_default();
    let broken = |pair: &[Token]| match pair {
        [a, b] => text.source.get(a.end..b.start).is_some_and(|gap| gap.contains('\n')),
        _ => false,
    };
    rest.windows(2).position(broken).map_or(rest.len(), |at| at + 1)
}

/// A word as the encoder learned it: `can't` is three. A word with look-alike letters is taken as it was read.
fn parts(text: &Text, token: &Token) -> Vec<String> {
    let source = text.source.get(token.start..token.end).unwrap_or_default();
    let mut parts = vec![String::new()];
    for c in source.chars() {
        match (fold(c), parts.last_mut()) {
            (Some(folded), Some(last)) => last.push(folded),
            (None, _) if c == '\'' || c == '’' => parts.extend(["'".to_owned(), String::new()]),
            (None, _) if c == '-' => parts.extend(["-".to_owned(), String::new()]),
            (_, _) => {}
        }
    }
    if parts.iter().any(|part| part.len() > 40 || !part.is_ascii()) {
        return vec![token.word.clone()];
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The longest known beginnings of a word, one after the other.
fn split(word: &str, encoder: &Encoder, unknown: usize, out: &mut Vec<usize>) {
    let before = out.len();
    let mut rest = word;
    while !rest.is_empty() {
        let mark = if out.len() == before { "" } else { "##" };
        let lengths = rest.char_indices().map(|(at, c)| at + c.len_utf8()).collect::<Vec<_>>();
        let found = lengths.iter().rev().find_map(|&length| Some((length, encoder.piece(&format!("{mark}{}", rest.get(..length)?))?)));
        let Some((length, piece)) = found else {
            out.truncate(before);
            out.push(unknown);
            return;
        };
        out.push(piece);
        rest = rest.get(length..).unwrap_or_default();
    }
}
