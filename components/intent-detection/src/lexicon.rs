//! Word lists. What is neither a plain word nor the identity provider's, in the place of a name, is taken for a name.

use std::collections::HashSet;
use strsim::osa_distance;

/// Words around the identity provider: a password "of" these is the account's own.
const PROVIDER: &[&str] = &[
    "microsoft",
    "ms",
    "office",
    "o365",
    "m365",
    "office365",
    "microsoft365",
    "outlook",
    "windows",
    "okta",
    "teams",
    "entra",
    "azure",
    "ad",
    "active",
    "directory",
    "exchange",
    "onedrive",
    "sharepoint",
    "laptop",
    "computer",
    "pc",
    "desktop",
    "work",
    "company",
    "corporate",
    "domain",
    "network",
    "email",
    "mail",
    "mailbox",
    "sso",
    "netid",
    "user",
    "workstation",
    "business",
];

/// Words of a dictionary in small letters, one a line, in order.
const ENGLISH: &str = include_str!("lexicon/english.txt");

/// Things with a credential of their own, matched only next to a word for a credential.
const THINGS: &[&str] = &[
    "admin",
    "administrator",
    "alarm",
    "app",
    "apps",
    "application",
    "applications",
    "archive",
    "backup",
    "bank",
    "bios",
    "bitlocker",
    "building",
    "car",
    "card",
    "customer",
    "database",
    "db",
    "disk",
    "document",
    "documents",
    "door",
    "drive",
    "erp",
    "file",
    "files",
    "folder",
    "guest",
    "house",
    "key",
    "keyboard",
    "local",
    "mobile",
    "online",
    "partition",
    "payroll",
    "pdf",
    "phone",
    "pin",
    "portal",
    "presentation",
    "printer",
    "recovery",
    "room",
    "root",
    "router",
    "safe",
    "school",
    "screen",
    "server",
    "service",
    "shared",
    "sheet",
    "shop",
    "sim",
    "site",
    "spreadsheet",
    "store",
    "supplier",
    "tablet",
    "usb",
    "vendor",
    "visitor",
    "visitors",
    "website",
    "workbook",
    "zip",
    "personal",
    "private",
];

/// First names that are words as well, and so not in the list of names.
const EITHER: &[&str] = &[
    "grace", "faith", "hope", "joy", "rose", "dawn", "april", "may", "june", "summer", "will", "dean", "chase", "hunter", "mason", "carter", "parker",
    "cooper", "drew", "pat", "penny", "ruby", "ivy", "violet", "daisy", "olive", "iris", "amber", "crystal", "jade", "pearl", "angel", "guy", "sandy",
    "ginger", "melody", "cliff", "dale", "glen", "reed", "wade", "brooke", "gene", "earl", "duke", "noel", "norm", "ray", "rich", "art",
];

/// People other than the writer.
const PEOPLE: &[&str] = &[
    "colleague",
    "colleagues",
    "coworker",
    "coworkers",
    "manager",
    "boss",
    "employee",
    "employees",
    "intern",
    "interns",
    "assistant",
    "wife",
    "husband",
    "son",
    "daughter",
    "kid",
    "kids",
    "friend",
    "teammate",
    "teammates",
    "ceo",
    "cfo",
    "cto",
    "coo",
    "director",
    "receptionist",
    "secretary",
    "supervisor",
    "hire",
    "hires",
    "starter",
    "starters",
    "joiner",
    "client",
    "clients",
    "customer",
    "customers",
    "staff",
    "student",
    "students",
    "teacher",
    "patient",
    "contractor",
    "contractors",
    "vp",
    "owner",
    "president",
    "partner",
    "somebody",
    "everyone",
    "everybody",
    "nobody",
    "users",
    "people",
    "guy",
    "lady",
    "apprentice",
    "trainee",
    "consultant",
    "volunteer",
    "driver",
    "technician",
    "engineer",
    "accountant",
    "paralegal",
    "nurse",
    "doctor",
    "member",
    "members",
    "administrator",
    "father",
    "mother",
    "dad",
    "mum",
    "mom",
    "brother",
    "sister",
    "salesperson",
    "rep",
    "bookkeeper",
    "clerk",
    "executive",
    "mate",
    "mates",
    "guys",
    "folks",
    "man",
    "men",
    "woman",
    "women",
    "gentleman",
    "ladies",
    "pupil",
    "pupils",
    "teachers",
    "operator",
    "operators",
    "worker",
    "workers",
    "cashier",
    "chef",
    "agent",
    "agents",
    "managers",
    "drivers",
    "nurses",
    "engineers",
    "apprentices",
    "trainees",
    "temps",
    "lawyer",
    "attorney",
    "relative",
    "spouse",
    "girlfriend",
    "boyfriend",
    "successor",
    "predecessor",
];

/// Words for a credential or an account.
const CREDENTIALS: &[&str] = &[
    "password",
    "passwords",
    "pw",
    "pwd",
    "pass",
    "passcode",
    "passphrase",
    "login",
    "logins",
    "logon",
    "signin",
    "signon",
    "credentials",
    "credential",
    "account",
    "accounts",
    "profile",
    "user",
    "username",
];

/// Words for a secret that one knows.
const SECRETS: &[&str] = &["password", "passwords", "pw", "pwd", "pass", "passcode", "passphrase", "login", "logon", "credentials", "signin"];

/// Every list, ready to be asked.
pub struct Lexicon {
    plain: HashSet<&'static str>,
    products: HashSet<&'static str>,
    names: HashSet<&'static str>,
    common: HashSet<&'static str>,
}

impl Lexicon {
    /// Reads the lists.
    #[must_use]
    pub fn new() -> Self {
        let set = |list: &'static str| list.split_ascii_whitespace().collect();
        Lexicon {
            plain: set(include_str!("lexicon/plain.txt")),
            products: set(include_str!("lexicon/products.txt")),
            names: set(include_str!("lexicon/names.txt")),
            common: set(include_str!("lexicon/common.txt")),
        }
    }

    /// A product or service known to have credentials of its own.
    #[must_use]
    pub fn product(&self, word: &str) -> bool {
        self.products.contains(word)
    }

    /// A first name.
    #[must_use]
    pub fn name(&self, word: &str) -> bool {
        self.names.contains(word)
    }

    /// A first name with the `s` of a possessive whose apostrophe was left out.
    #[must_use]
    pub fn names(&self, word: &str) -> bool {
        !self.plain.contains(word) && word.strip_suffix('s').is_some_and(|name| self.names.contains(name))
    }

    /// Neither a plain word, nor the provider's, nor a typing error of one.
    #[must_use]
    pub fn unknown(&self, word: &str) -> bool {
        let known = self.plain.contains(word) || provider(word) || credential(word) || PEOPLE.contains(&word) || word.chars().all(|c| c.is_ascii_digit());
        let slipped = || word.len() > 5 && self.plain.iter().any(|plain| slip(plain, word));
        !word.is_empty() && (self.products.contains(word) || !known && !slipped())
    }

    /// A word as everybody writes it, with its endings, or a typing error of one; a name or a product is none.
    #[must_use]
    pub fn common(&self, word: &str) -> bool {
        const ENDINGS: [&str; 8] = ["s", "es", "d", "ed", "ing", "ly", "er", "y"];
        const BEGINNINGS: [&str; 6] = ["re", "un", "dis", "mis", "pre", "de"];
        let known = |word: &str| self.common.contains(word) || self.plain.contains(word) || THINGS.contains(&word);
        let stem = |word: &str| {
            let short = word.strip_suffix("ied").or_else(|| word.strip_suffix("ies"));
            ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending)).any(|stem| stem.len() > 2 && (known(stem) || known(&format!("{stem}e"))))
                || short.is_some_and(|stem| stem.len() > 2 && known(&format!("{stem}y")))
        };
        let derived = || BEGINNINGS.iter().filter_map(|beginning| word.strip_prefix(beginning)).any(|rest| rest.len() > 3 && (known(rest) || stem(rest)));
        let name = self.names.contains(word) || self.products.contains(word);
        !name && (known(word) || stem(word) || derived() || !self.unknown(word) || word.len() > 5 && self.common.iter().any(|known| slip(known, word)))
    }

    /// A word of a dictionary, in small letters; a name or a product is none.
    #[must_use]
    pub fn english(&self, word: &str) -> bool {
        // A list of this length is asked where it stands: a set of it would have to be made for every text.
        let (mut from, mut to) = (0, ENGLISH.len());
        while from < to {
            let middle = from + (to - from) / 2;
            let start = ENGLISH.get(..middle).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
            let line = ENGLISH.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            match line.cmp(word) {
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Less => from = start + line.len() + 1,
                std::cmp::Ordering::Greater => to = start,
            }
        }
        false
    }

    /// One slip away from a word of a dictionary.
    #[must_use]
    pub fn nearly_english(&self, word: &str) -> bool {
        if self.name(word) || self.product(word) || !word.bytes().all(|b| b.is_ascii_lowercase()) || word.len() > 20 {
            return false;
        }
        let cut = |at: usize| (word.get(..at).unwrap_or_default(), word.get(at..).unwrap_or_default());
        let less = |rest: &str| rest.get(1..).unwrap_or_default().to_string();
        (0..=word.len()).any(|at| {
            let (head, rest) = cut(at);
            let swapped = rest.get(..2).map(|two| format!("{head}{}{}", two.chars().rev().collect::<String>(), rest.get(2..).unwrap_or_default()));
            let dropped = (!rest.is_empty()).then(|| format!("{head}{}", less(rest)));
            swapped.into_iter().chain(dropped).any(|slip| self.english(&slip))
                || ('a'..='z').any(|c| self.english(&format!("{head}{c}{rest}")) || !rest.is_empty() && self.english(&format!("{head}{c}{}", less(rest))))
        })
    }

    /// A thing with a credential of its own.
    #[must_use]
    pub fn thing(&self, word: &str) -> bool {
        THINGS.contains(&word)
    }

    /// One slip away from a word that everybody writes, however short.
    #[must_use]
    pub fn slipped(&self, word: &str) -> bool {
        word.len() > 1 && !self.names.contains(word) && self.plain.iter().any(|known| near(known, word))
    }

    /// In the place of a name, this word names a system that is not the identity provider.
    #[must_use]
    pub fn system(&self, word: &str) -> bool {
        THINGS.contains(&word) || self.unknown(word)
    }
}

impl Default for Lexicon {
    fn default() -> Self {
        Self::new()
    }
}

/// A word of the identity provider.
#[must_use]
pub fn provider(word: &str) -> bool {
    close(PROVIDER, word, 7)
}

/// A first name, or a word: its capital tells.
#[must_use]
pub fn either(word: &str) -> bool {
    EITHER.contains(&word)
}

/// Somebody other than the writer.
#[must_use]
pub fn person(word: &str) -> bool {
    PEOPLE.contains(&word)
}

/// A credential or an account.
#[must_use]
pub fn credential(word: &str) -> bool {
    close(CREDENTIALS, word, 6)
}

/// Something that one can forget.
#[must_use]
pub fn secret(word: &str) -> bool {
    close(SECRETS, word, 6) || word.starts_with("passw") || word.starts_with("pasw")
}

/// One slip away from a word that is long enough for that to be one.
fn slip(known: &str, word: &str) -> bool {
    known.len() > 4 && near(known, word)
}

/// One slip away: a letter too many, too few, wrong, or two in the wrong order.
#[must_use]
pub fn near(known: &str, word: &str) -> bool {
    // One slip leaves one end as it is, unless it turns a word of two letters round; to see that costs little, and spares most words the distance.
    let ends = || known.chars().next() == word.chars().next() || known.chars().next_back() == word.chars().next_back();
    known.len().abs_diff(word.len()) <= 1 && (known.len() < 3 || ends()) && osa_distance(known, word) <= 1
}

/// In the list, or one slip away from a long word of it.
fn close(list: &[&str], word: &str, least: usize) -> bool {
    list.contains(&word) || list.iter().any(|known| known.len() >= least && near(known, word))
}

#[cfg(test)]
mod tests {
    use super::{Lexicon, PROVIDER, credential, provider};

    #[test]
    fn no_product_or_name_is_a_plain_word() {
        let lexicon = Lexicon::new();
        let both: Vec<_> = lexicon.plain.iter().filter(|word| lexicon.products.contains(**word) || lexicon.names.contains(**word)).collect();
        assert!(both.is_empty(), "{both:?}");
        let both: Vec<_> = PROVIDER.iter().filter(|word| lexicon.products.contains(**word)).collect();
        assert!(both.is_empty(), "{both:?}");
    }

    #[test]
    fn the_dictionary_is_in_order_and_holds_no_name_and_no_product() {
        let lexicon = Lexicon::new();
        let words: Vec<&str> = super::ENGLISH.lines().collect();
        assert!(words.is_sorted(), "the search needs them so");
        let both: Vec<_> = words.iter().filter(|word| lexicon.product(word) || lexicon.name(word)).collect();
        assert!(both.is_empty(), "{both:?}");
        assert!(words.iter().all(|word| lexicon.english(word)) && !lexicon.english("zorblatt") && !lexicon.english(""));
    }

    #[test]
    fn what_is_near_is_one_slip_away_and_nothing_else_is() {
        let words =
            ["an", "na", "at", "the", "teh", "password", "passwrod", "pasword", "passwordd", "xassword", "passworx", "ärger", "arger", "lock", "clock", ""];
        for known in words {
            for word in words {
                assert_eq!(super::near(known, word), strsim::osa_distance(known, word) <= 1 && known.len().abs_diff(word.len()) <= 1, "{known} {word}");
            }
        }
    }

    #[test]
    fn typing_errors_are_no_names() {
        let lexicon = Lexicon::new();
        for word in ["temporay", "windwos", "forgt", "acount", "tomorow"] {
            assert!(!lexicon.unknown(word), "{word}");
        }
        for word in ["zorblatt", "quickbooks", "dentrix", "fizzbuzz"] {
            assert!(lexicon.unknown(word), "{word}");
        }
        assert!(credential("pasword") && provider("windws"));
    }
}
