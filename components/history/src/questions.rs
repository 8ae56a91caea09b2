//! Questions that technicians ask.

/// Longest question, in characters; what is longer is a mail and no question.
const LONGEST: usize = 80;
/// Fewest words.
const WORDS: usize = 3;
/// Most questions of one ticket.
const MOST: usize = 4;

/// The questions in a text, in lower case and without names' marks, so that equal ones meet.
pub fn asked(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in text.split_inclusive(['?', '.', '!', '\n', ':']) {
        let Some(question) = part.trim().strip_suffix('?') else { continue };
        let question: Vec<String> = question.split_whitespace().map(str::to_lowercase).collect();
        let text = question.join(" ");
        if question.len() >= WORDS && text.chars().count() <= LONGEST && !found.contains(&text) && found.len() < MOST {
            found.push(text);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sentences_that_end_in_a_question_mark_count() {
        let long = format!("{} ?", "is it ".repeat(40));
        for (text, expect) in [
            ("Called her. Which  mailbox is it? Done.", &["which mailbox is it"][..]),
            ("Which mailbox is it?\nWHICH mailbox is it?", &["which mailbox is it"]),
            ("ok? really?", &[]),
            (&long, &[]),
            ("", &[]),
        ] {
            assert_eq!(asked(text), expect, "{text}");
        }
    }
}
