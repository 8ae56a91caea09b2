//! From hostile text to words: bounded, folded, each word with its place in the source.

/// Bytes read at the beginning of a text; a wish that stands nowhere in the first pages is not acted upon.
const HEAD: usize = 4 * 1024;
/// Bytes read at its end.
const TAIL: usize = 1024;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word.
    Word,
    /// Digits.
    Number,
    /// A mail address.
    Email,
    /// A web address.
    Url,
    /// A chat mention.
    Mention,
    /// A masked value such as `[NAME]`: noise for the model, and perhaps somebody.
    Mask,
    /// A masked value such as `[LOCATION]`, which is nobody.
    Blank,
}

/// One token.
#[derive(Debug, Clone)]
pub struct Token {
    /// Lower case, without accents, apostrophes, invisible characters and look-alikes; empty for what is not a word.
    pub word: String,
    /// What it is.
    pub kind: Kind,
    /// Where it stands in the source, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Begins with a capital letter.
    pub capital: bool,
    /// Ends in `'s`.
    pub possessive: bool,
    /// First of a sentence or line.
    pub first: bool,
    /// Punctuation stands before it.
    pub gap: bool,
}

/// A text as tokens.
#[derive(Debug)]
pub struct Text<'a> {
    /// The text as it came.
    pub source: &'a str,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// Letters of any script.
    pub letters: usize,
    /// Letters of scripts other than the Latin one, look-alikes inside Latin words not counted.
    pub strange: usize,
    /// A question mark stands in it.
    pub question: bool,
}

impl<'a> Text<'a> {
    /// Reads a text. Quoted lines (`>`) are somebody's earlier words and are left out.
    #[must_use]
    pub fn read(source: &'a str) -> Self {
        let mut text = Text { source, tokens: Vec::new(), letters: 0, strange: 0, question: false };
        if source.len() <= HEAD + TAIL {
            text.scan(source, 0);
        } else {
            text.scan(source.get(..boundary(source, HEAD)).unwrap_or_default(), 0);
            let from = boundary(source, source.len() - TAIL);
            text.scan(source.get(from..).unwrap_or_default(), from);
        }
        text
    }

    /// The source from one token to another.
    #[must_use]
    pub fn span(&self, from: usize, to: usize) -> String {
        let (Some(from), Some(to)) = (self.tokens.get(from), self.tokens.get(to)) else { return String::new() };
        self.source.get(from.start..to.end).unwrap_or_default().to_owned()
    }

    /// The folded word at a place; empty beyond the end.
    #[must_use]
    pub fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.word.as_str())
    }

    fn scan(&mut self, part: &str, offset: usize) {
        let chars: Vec<(usize, char)> = part.char_indices().collect();
        let at = |i: usize| chars.get(i).map(|&(_, c)| c);
        let place = |i: usize| offset + chars.get(i).map_or(part.len(), |&(p, _)| p);
        let (mut i, mut first, mut gap, mut line) = (0, true, true, true);
        while let Some(c) = at(i) {
            let rest = || part.get(place(i) - offset..).unwrap_or_default();
            if line && (c == '>' || rest().starts_with("&gt;") || sent_from_a_device(rest())) {
                while at(i).is_some_and(|c| c != '\n') {
                    i += 1;
                }
                continue;
            }
            if c == '\n' {
                (first, gap, line) = (true, true, true);
                i += 1;
                continue;
            }
            if c.is_whitespace() || hidden(c) {
                i += 1;
                continue;
            }
            line = false;
            if let Some((kind, end)) = special(&chars, i) {
                self.tokens.push(Token { word: String::new(), kind, start: place(i), end: place(end), capital: true, possessive: false, first, gap });
                (first, gap, i) = (false, false, end);
                continue;
            }
            if fold(c).is_some() {
                let end = self.word_from(&chars, i, place(i), &place, first, gap);
                (first, gap, i) = (false, false, end);
                continue;
            }
            self.question |= matches!(c, '?' | '？');
            first |= matches!(c, '.' | '!' | '?' | '？' | '！' | '。' | '…');
            // A dash with blanks around it sets apart as a comma does.
            let apart = c == '-' && at(i + 1).is_none_or(char::is_whitespace) && i.checked_sub(1).and_then(at).is_none_or(char::is_whitespace);
            gap |= apart || !matches!(c, '-' | '\'' | '’' | '"' | '*' | '_' | '/' | '“' | '”');
            i += 1;
        }
    }

    /// Reads one word that begins at `i` and returns where it ends.
    fn word_from(&mut self, chars: &[(usize, char)], i: usize, start: usize, place: &dyn Fn(usize) -> usize, first: bool, gap: bool) -> usize {
        let at = |i: usize| chars.get(i).map(|&(_, c)| c);
        let (mut word, mut end, mut possessive, mut latin, mut strange) = (String::new(), i, false, false, 0);
        let mut j = i;
        while let Some(c) = at(j) {
            if let Some(folded) = fold(c) {
                // A run of digits or letters without end (a key, an attack) is not a word that anybody would look up.
                if word.len() < 40 {
                    word.push(folded);
                }
                latin |= folded.is_ascii_alphabetic();
                strange += usize::from(folded.is_alphabetic() && !folded.is_ascii());
                self.letters += usize::from(folded.is_alphabetic());
                j += 1;
                end = j;
            } else if hidden(c) {
                j += 1;
            } else if matches!(c, '\'' | '’' | '‘' | 'ʼ' | '´' | '`') && at(j + 1).and_then(fold).is_some_and(char::is_alphabetic) {
                possessive = at(j + 1).and_then(fold) == Some('s') && at(j + 2).and_then(fold).is_none();
                j += 1;
            } else if c == '-' && word.len() <= 4 && word.chars().all(char::is_alphabetic) && at(j + 1).and_then(fold).is_some_and(char::is_alphabetic) {
                // `e-mail`, `Wi-Fi`, `sign-in` and `co-worker` are one word.
                j += 1;
            } else {
                break;
            }
        }
        if latin && strange > 0 {
            word = word.chars().map(look_alike).collect();
            strange = word.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()).count();
        }
        self.strange += strange;
        if possessive {
            word.pop();
        }
        let kind = if word.chars().all(|c| c.is_ascii_digit()) { Kind::Number } else { Kind::Word };
        let capital = at(i).is_some_and(char::is_uppercase);
        self.tokens.push(Token { word, kind, start, end: place(end), capital, possessive, first, gap });
        end.max(i + 1)
    }
}

/// The next place at or before `at` where a character begins.
pub(crate) fn boundary(source: &str, at: usize) -> usize {
    (0..=at).rev().find(|&i| source.is_char_boundary(i)).unwrap_or(0)
}

/// "Sent from my iPhone", which a mail program wrote.
fn sent_from_a_device(rest: &str) -> bool {
    const DEVICES: [&str; 12] =
        ["iphone", "ipad", "android", "samsung", "galaxy", "mobile", "phone", "smartphone", "pixel", "ios", "outlook for android", "outlook for ios"];
    let line = rest.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    let told = |start: &str| line.get(..start.len()).filter(|head| head.eq_ignore_ascii_case(start)).and_then(|_| line.get(start.len()..));
    let device = ["sent from my ", "sent from ", "get "].into_iter().find_map(told);
    device.is_some_and(|device| DEVICES.iter().any(|known| known.eq_ignore_ascii_case(device)))
}

/// What a mask hides if it hides no person.
const NOBODY: [&str; 12] = ["ADDRESS", "COMPANY", "DATE", "EXT", "EXTERNAL", "LOCATION", "PASSWORD", "SERVER", "SOFTWARE", "TICKET ID", "URGENT", "URL"];

/// Masks, addresses and mentions, which are not made of words.
fn special(chars: &[(usize, char)], i: usize) -> Option<(Kind, usize)> {
    let at = |i: usize| chars.get(i).map(|&(_, c)| c);
    if at(i) == Some('[') {
        let end = (i + 1..i + 24).find(|&j| at(j) == Some(']'))?;
        let inner: Vec<char> = (i + 1..end).filter_map(at).collect();
        let masked = inner.len() > 1 && inner.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | ' '));
        let inner: String = inner.into_iter().collect();
        let kind = if NOBODY.contains(&inner.as_str()) { Kind::Blank } else { Kind::Mask };
        return masked.then_some((kind, end + 1));
    }
    if at(i) == Some('<') && at(i + 1) == Some('@') {
        return (i + 2..i + 64).find(|&j| at(j) == Some('>')).map(|end| (Kind::Mention, end + 1));
    }
    if !at(i)?.is_alphanumeric() || (i > 0 && at(i - 1).is_some_and(char::is_alphanumeric)) {
        return None;
    }
    let length = (i..i + 256).take_while(|&j| at(j).is_some_and(|c| !c.is_whitespace() && !"<>()[]\"|,;".contains(c))).count();
    let mut chunk: String = (i..i + length).filter_map(at).collect();
    let trimmed = chunk.trim_end_matches(['.', '!', '?', ':', '\'', '’']).chars().count();
    chunk = chunk.chars().take(trimmed).collect();
    if chunk.contains("://") || chunk.starts_with("www.") {
        return Some((Kind::Url, i + length));
    }
    if let Some(rest) = chunk.strip_prefix("mailto:") {
        return rest.contains('@').then_some((Kind::Email, i + trimmed));
    }
    let (user, domain) = chunk.split_once('@')?;
    // `jane@acme.com's` still is an address.
    let owner = domain.strip_suffix("'s").or_else(|| domain.strip_suffix("’s"));
    let end = if owner.is_some() { i + trimmed - 2 } else { i + trimmed };
    (!user.is_empty() && owner.unwrap_or(domain).contains('.')).then_some((Kind::Email, end))
}

/// Invisible: zero width, direction marks, soft hyphens, variation selectors, combining accents.
fn hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{300}'..='\u{36f}' | '\u{e0000}'..='\u{e007f}')
}

/// A letter or digit as it is matched: lower case, without accent, full-width and mathematical forms undone.
pub(crate) fn fold(c: char) -> Option<char> {
    let c = match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0)?,
        // Mathematical letters come as alphabets of 26 capitals and 26 small letters.
        code @ 0x1d400..=0x1d6a3 => char::from_u32(u32::from('a') + (code - 0x1d400) % 26)?,
        _ => c,
    };
    if !c.is_alphanumeric() {
        return None;
    }
    let c = c.to_lowercase().next()?;
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ß' | 'ś' | 'š' | 'ş' => 's',
        'ź' | 'ż' | 'ž' => 'z',
        'ł' => 'l',
        'ď' | 'đ' => 'd',
        'ř' => 'r',
        'ť' => 't',
        'ğ' => 'g',
        other => other,
    })
}

/// Cyrillic and Greek letters that look like Latin ones. Applied only inside words that also hold Latin letters.
fn look_alike(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' => 'm',
        'н' | 'η' => 'n',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ѵ' | 'ν' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    fn check(source: &str, words: &str) {
        let text = Text::read(source);
        let found: Vec<String> = text.tokens.iter().map(|t| if t.word.is_empty() { format!("{:?}", t.kind) } else { t.word.clone() }).collect();
        assert_eq!(found.join(" "), words, "{source}");
    }

    #[test]
    fn words_are_folded() {
        check("I can’t log-in to Wi-Fi", "i cant login to wifi");
        check("Bob's e-mail", "bob email");
        check("fоrgot my pаsswоrd", "forgot my password");
        check("for\u{200b}got my pass\u{ad}word", "forgot my password");
        check("ＦＯＲＧＯＴ it", "forgot it");
        check("𝐟𝐨𝐫𝐠𝐨𝐭 it", "forgot it");
        check("contraseña olvidé", "contrasena olvide");
        check("Я забыл", "я забыл");
        check("password-reset", "password reset");
    }

    #[test]
    fn masks_addresses_and_quotes_are_no_words() {
        check("[TICKET ID] on[LOCATION]Server", "Blank on Blank server");
        check("mail jane@acme.com, or <mailto:a@b.co|a@b.co> or <@U123>: see https://x.y/z?q.", "mail Email or Email Email or Mention see Url");
        check("> I forgot my password\nfixed", "fixed");
        check("&gt; old\nnew", "new");
    }

    #[test]
    fn odd_text_is_read_without_end() {
        check("", "");
        check("[", "");
        check("<@", "");
        check("@@ @. .@", "");
        check("'s", "s");
        check("\u{202e}\u{200b}", "");
    }

    #[test]
    fn spans_stand_as_in_the_source() {
        let text = Text::read("my “Quick-Books Online” pass\u{200b}word");
        assert_eq!(text.span(3, 3), "Online");
        assert_eq!(text.span(4, 4), "pass\u{200b}word");
    }
}
