//! What a text names: whose, what, when, and who is said to have approved. Words as they stand there, for a person to read and a directory to resolve.
//!
//! Nothing here gives authority: an approval that the requester claims stays a claim (P-34).

use crate::{
    lexicon::{self, Lexicon},
    pattern,
    text::{Kind, Text},
};

/// What is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entity {
    /// Somebody whom the wish is about, other than the writer.
    AffectedPerson,
    /// A mailbox or calendar.
    Mailbox,
    /// A group, list, team or channel.
    Group,
    /// A share, drive, folder or site.
    Share,
    /// A licence.
    Licence,
    /// An application.
    Application,
    /// A device.
    Device,
    /// A day or a time.
    Date,
    /// Who is said to have approved, or to be able to.
    Approver,
    /// The words that claim an approval.
    ApprovalClaimed,
    /// The words that say that the writer cannot sign in.
    SignIn,
}

impl Entity {
    /// Its name outside.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Entity::AffectedPerson => "affected-person",
            Entity::Mailbox => "mailbox",
            Entity::Group => "group",
            Entity::Share => "share",
            Entity::Licence => "licence",
            Entity::Application => "application",
            Entity::Device => "device",
            Entity::Date => "date",
            Entity::Approver => "approver",
            Entity::ApprovalClaimed => "approval-claimed",
            Entity::SignIn => "sign-in",
        }
    }
}

/// Most that are handed back, and the longest of them in bytes.
const MOST: usize = 16;
const LONGEST: usize = 100;

/// Words at which a name in the place of an object ends.
const STOPS: &[&str] = &[
    "a",
    "an",
    "the",
    "my",
    "your",
    "our",
    "his",
    "her",
    "their",
    "this",
    "that",
    "these",
    "those",
    "new",
    "shared",
    "all",
    "any",
    "some",
    "same",
    "other",
    "to",
    "for",
    "of",
    "on",
    "in",
    "at",
    "with",
    "from",
    "by",
    "and",
    "or",
    "is",
    "are",
    "was",
    "be",
    "has",
    "have",
    "need",
    "needs",
    "want",
    "access",
    "add",
    "remove",
    "create",
    "delete",
    "open",
    "see",
    "use",
    "give",
    "grant",
    "get",
    "please",
    "can",
    "could",
    "i",
    "we",
    "you",
    "he",
    "she",
    "they",
    "it",
    "me",
    "us",
    "him",
    "them",
    "not",
    "no",
    "into",
    "as",
    "which",
    "distribution",
    "security",
    "mailing",
    "mail",
    "email",
    "network",
    "public",
    "group",
    "permission",
    "permissions",
    "rights",
    "read",
    "write",
    "full",
    "until",
    "will",
    "would",
    "where",
    "when",
    "hi",
    "hello",
    "request",
    "missing",
    "assign",
    "order",
    "another",
    "additional",
    "install",
    "without",
];

/// An object and the words that stand next to its name.
const OBJECTS: &[(Entity, &[&str])] = &[
    (Entity::Mailbox, &["mailbox", "mailboxes", "inbox", "calendar"]),
    (Entity::Group, &["group", "groups", "list", "dl", "dg", "team", "channel"]),
    (Entity::Share, &["drive", "folder", "share", "fileshare", "site", "sharepoint", "directory"]),
    (Entity::Licence, &["license", "licence", "licenses", "licences", "subscription"]),
];

/// Applications that everybody has, beside the products of the lexicon.
const APPLICATIONS: &[&str] = &[
    "outlook",
    "teams",
    "excel",
    "word",
    "powerpoint",
    "onenote",
    "onedrive",
    "sharepoint",
    "visio",
    "skype",
    "zoom",
    "chrome",
    "firefox",
    "edge",
    "acrobat",
    "photoshop",
    "sap",
    "citrix",
    "salesforce",
    "jira",
    "confluence",
    "autocad",
    "quickbooks",
    "webex",
    "slack",
    "anyconnect",
    "globalprotect",
    "forticlient",
    "okta",
    "copilot",
    "erp",
    "crm",
];

/// Devices.
const DEVICES: &[&str] = &[
    "laptop",
    "notebook",
    "computer",
    "pc",
    "desktop",
    "workstation",
    "printer",
    "scanner",
    "copier",
    "phone",
    "iphone",
    "mobile",
    "ipad",
    "tablet",
    "monitor",
    "screen",
    "dock",
    "docking",
    "headset",
    "keyboard",
    "mouse",
    "server",
    "router",
    "camera",
    "webcam",
    "projector",
];

const DATES: &[&str] = &[
    "today|tomorrow|tonight|yesterday|asap",
    "next|this|last|coming week|month|monday|tuesday|wednesday|thursday|friday|saturday|sunday",
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday",
    "%number january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec",
    "january|february|march|april|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec %number",
    "end of .. week|month|year|quarter|day",
];

const CLAIMS: &[&str] = &[
    "approved|authorised|authorized|signed|agreed|confirmed by",
    "has|have|already|been|was|is|got approved|authorised|authorized|agreed",
    "%person|%name|%capital|she|he approved|approves|agreed|agrees|authorised|authorized|okayed",
    "%person|%name|%capital said|says .. ok|okay|fine|yes",
    "with|has|have|got|given .. approval|permission|authorisation|authorization|consent|okay|ok of|from|by",
    "approval attached|enclosed|below|given",
    "preapproved|approved",
];

const BARRED: &[&str] = &[
    "cant|cannot|couldnt|unable|not|wont|isnt|doesnt|never|impossible|trouble|problem|problems|issue|issues|fails|failed|error .. log|login|logon|logging|sign|signin|signing",
    "log|login|logon|logging|signin|sign|signing .. fails|failed|failing|broken|impossible|problem|problems|issue|issues|trouble|error|doesnt|isnt|not|wont",
    "cant|cannot|couldnt|unable|not|wont .. get|getting|access in|into|to my .. account|computer|pc|laptop|windows|profile|mail|email|desktop",
    "cant|cannot|couldnt|unable|not .. get|getting in|into|on",
];

const APPROVERS: &[&str] = &[
    "approved|authorised|authorized|signed|agreed|confirmed|approval|permission|authorisation|consent|ok by|from|of",
    "%name|%capital approved|approves|agreed|agrees|authorised|authorized",
    "%person|%name|%capital is in cc|copy",
];

/// Who follows "for" or owns something.
const AFFECTED: &[&str] = &[
    "for|of|behalf|from .. colleague|coworker|employee|user|starter|hire|joiner|boss|manager|assistant|intern|trainee|contractor %name|%capital|%unknown",
    "colleague|coworker|employee|user|username|starter|hire|joiner|boss|manager|assistant|intern|trainee|contractor|leaver %name|%capital|%unknown|%email",
    "for|reset|unlock|disable|deactivate|terminate|offboard|onboard|behalf|add|remove|help %name|%email|%mention",
    "for|of|reset|unlock|disable|deactivate|terminate|offboard|onboard|add|remove|create %capital",
    "%owner .. %credential|mailbox|inbox|email|emails|calendar|access|laptop|phone|pc|computer|mfa|authenticator|computer|user",
    "%name|%capital is|has|was|cannot|cant|forgot|needs|lost|left|will|joins|starts",
    "for|of my|our|the|a %person",
];

/// Finds what is named, in the order of the text.
#[must_use]
pub fn entities(text: &Text, lexicon: &Lexicon, about_another: Option<&str>) -> Vec<(Entity, String)> {
    let mut found: Vec<(usize, usize, Entity)> = Vec::new();
    for (entity, words) in OBJECTS {
        let places = (0..text.tokens.len()).filter(|&i| words.contains(&text.word(i)));
        found.extend(places.filter_map(|i| named(text, i).map(|(from, to)| (from, to, *entity))));
    }
    let other = |i: &usize| text.tokens.get(*i).is_some_and(|token| token.kind == Kind::Email);
    for i in (0..text.tokens.len()).filter(other) {
        let near = (i.saturating_sub(3)..=i + 3).any(|j| matches!(text.word(j), "mailbox" | "inbox" | "calendar" | "shared" | "forward" | "forwarding"));
        if near {
            found.push((i, i, Entity::Mailbox));
        }
    }
    for i in 0..text.tokens.len() {
        let word = text.word(i);
        if APPLICATIONS.contains(&word) || lexicon.product(word) {
            found.push((i, i, Entity::Application));
        }
        if DEVICES.contains(&word) {
            let last = if tag(text, i + 1) { i + 1 } else { i };
            found.push((i, last, Entity::Device));
        }
        if dated(text, i) {
            found.push((i, i, Entity::Date));
        }
    }
    for (entity, rules) in [(Entity::Date, DATES), (Entity::ApprovalClaimed, CLAIMS), (Entity::SignIn, BARRED)] {
        found.extend(rules.iter().flat_map(|rule| pattern::all(rule, text, lexicon)).map(|(from, to)| (from, to, entity)));
    }
    for (from, to) in APPROVERS.iter().flat_map(|rule| pattern::all(rule, text, lexicon)) {
        let person = (from..=to + 4).find(|&i| somebody(text, lexicon, i) && !(from..i).any(|j| j > to && text.tokens.get(j).is_some_and(|t| t.first)));
        found.extend(person.map(|i| (i, last_name(text, lexicon, i), Entity::Approver)));
    }
    let approvers: Vec<(usize, usize)> = found.iter().filter(|one| one.2 == Entity::Approver).map(|one| (one.0, one.1)).collect();
    for (from, to) in AFFECTED.iter().flat_map(|rule| pattern::all(rule, text, lexicon)) {
        let person = (from..=to).rev().find(|&i| somebody(text, lexicon, i)).filter(|i| !approvers.iter().any(|(a, b)| (a..=b).contains(&i)));
        found.extend(person.map(|i| (i, last_name(text, lexicon, i), Entity::AffectedPerson)));
    }
    found.sort_unstable_by_key(|&(from, to, entity)| (from, std::cmp::Reverse(to), entity));
    let mut out: Vec<(Entity, String)> = Vec::new();
    let mut kept: Vec<(usize, usize, Entity)> = Vec::new();
    for (from, to, entity) in found {
        // A part of what was already named is not named twice.
        let within = kept.iter().any(|&(a, b, kind)| kind == entity && a <= from && to <= b);
        let words = text.span(from, to);
        if !within && !words.is_empty() && words.len() <= LONGEST && !out.contains(&(entity, words.clone())) {
            kept.push((from, to, entity));
            out.push((entity, words));
        }
    }
    out.extend(paths(text).into_iter().map(|path| (Entity::Share, path)));
    if !out.iter().any(|(entity, _)| *entity == Entity::AffectedPerson) {
        out.extend(about_another.filter(|words| words.len() <= LONGEST).map(|words| (Entity::AffectedPerson, words.to_owned())));
    }
    out.truncate(MOST);
    out
}

/// The name beside an object's word: quoted or capitalised behind it, or up to three words before it.
fn named(text: &Text, at: usize) -> Option<(usize, usize)> {
    let fits = |i: usize| text.tokens.get(i).is_some_and(|token| token.kind == Kind::Word || token.kind == Kind::Number) && !STOPS.contains(&text.word(i));
    let mut from = at;
    while from > 0 && at - from < 3 && fits(from - 1) && text.tokens.get(from).is_some_and(|token| !token.gap && !token.first) {
        from -= 1;
    }
    // "All" counts things, but is the first word of some names ("the All staff group").
    let whole = from < at && from > 0 && text.word(from - 1) == "all";
    let all = text.tokens.get(from.wrapping_sub(1)).is_some_and(|token| token.capital && !token.first || from > 1 && text.word(from - 2) == "the");
    if whole && all && text.tokens.get(from).is_some_and(|token| !token.gap && !token.first) {
        from -= 1;
    }
    if from < at {
        return Some((from, at));
    }
    let next = text.tokens.get(at + 1).filter(|token| !token.first)?;
    let quoted = text.source.get(text.tokens.get(at)?.end..next.start).is_some_and(|gap| gap.contains(['"', '“', '\'', ':', '‘']));
    if !(quoted && next.kind == Kind::Word || next.capital && fits(at + 1)) {
        return None;
    }
    let last = (at + 1..at + 5)
        .take_while(|&i| i == at + 1 || fits(i) && text.tokens.get(i).is_some_and(|token| token.capital && !token.gap && !token.first))
        .last()?;
    Some((at, last))
}

/// An asset tag such as `LT-4432`.
fn tag(text: &Text, at: usize) -> bool {
    let Some(token) = text.tokens.get(at).filter(|token| !token.first) else { return false };
    let word = &token.word;
    word.len() >= 4 && word.chars().any(|c| c.is_ascii_digit()) && word.chars().any(char::is_alphabetic)
        || token.capital && text.tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Number && next.start == token.end + 1)
}

/// `2025-03-01`, `01.03.2025`, `15/03`: numbers joined by one mark.
fn dated(text: &Text, at: usize) -> bool {
    let (Some(first), Some(second)) = (text.tokens.get(at), text.tokens.get(at + 1)) else { return false };
    let joined = text.source.get(first.end..second.start).is_some_and(|gap| matches!(gap, "-" | "." | "/"));
    let small = |word: &str| word.parse::<u32>().is_ok_and(|n| (1..=31).contains(&n) || (1990..=2100).contains(&n));
    joined && first.kind == Kind::Number && second.kind == Kind::Number && small(&first.word) && small(&second.word)
}

fn somebody(text: &Text, lexicon: &Lexicon, i: usize) -> bool {
    let Some(token) = text.tokens.get(i) else { return false };
    let name = token.kind == Kind::Word
        && (lexicon.name(&token.word)
            || lexicon.names(&token.word)
            || token.capital && !token.first && lexicon.unknown(&token.word) && !lexicon.product(&token.word));
    name || lexicon::person(&token.word) || matches!(token.kind, Kind::Email | Kind::Mention | Kind::Mask)
}

/// A surname belongs to the forename before it.
fn last_name(text: &Text, lexicon: &Lexicon, at: usize) -> usize {
    let surname = |i: usize| {
        text.tokens.get(i).is_some_and(|token| token.kind == Kind::Word && token.capital && !token.gap && !token.first)
            && !lexicon::credential(text.word(i))
            && !lexicon::provider(text.word(i))
            && lexicon.unknown(text.word(i))
    };
    if text.tokens.get(at).is_some_and(|token| token.kind == Kind::Word) { (at + 1..at + 3).take_while(|&i| surname(i)).last().unwrap_or(at) } else { at }
}

/// `\\server\share` and `J:\Projects`.
fn paths(text: &Text) -> Vec<String> {
    let words = text.source.get(..text.source.len().min(4096)).unwrap_or(text.source).split_whitespace();
    let trimmed = words.map(|word| word.trim_matches(|c: char| matches!(c, ',' | ';' | '.' | '"' | '\'' | '(' | ')' | '?' | '!')));
    let path = |word: &&str| {
        let mut chars = word.chars();
        let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':') && matches!(chars.next(), None | Some('\\' | '/'));
        word.len() <= LONGEST && (word.starts_with("\\\\") || drive)
    };
    let mut found: Vec<String> = trimmed.filter(path).map(str::to_owned).collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::entities;
    use crate::{lexicon::Lexicon, signals::signals, text::Text};

    fn check(source: &str, expected: &[&str]) {
        let (text, lexicon) = (Text::read(source), Lexicon::new());
        let another = signals(&text, &lexicon).about_another;
        let found = entities(&text, &lexicon, another.as_deref());
        for one in expected {
            let (kind, words) = one.split_once(' ').unwrap();
            assert!(found.iter().any(|(entity, named)| entity.name() == kind && named.contains(words)), "{source}: no `{one}` in {found:?}");
        }
    }

    #[test]
    fn what_is_named_is_found() {
        check("please reset the password for my colleague Jane", &["affected-person Jane"]);
        check("Can you unlock bob@acme.example?", &["affected-person bob@acme.example"]);
        check("reset Bob's password", &["affected-person Bob's"]);
        check("Please add me to the invoices mailbox", &["mailbox invoices mailbox"]);
        check("I need access to the shared mailbox careers@acme.example", &["mailbox careers@acme.example"]);
        check("Please add me to the distribution list \"All Staff\"", &["group list \"All Staff"]);
        check("Please add me to the All staff group", &["group All staff group"]);
        check("please add me to the all hands list", &["group all hands list"]);
        check("remove him from all sales groups", &["group sales groups"]);
        check("add Olga Petrova to the VIP group", &["group VIP group", "affected-person Olga Petrova"]);
        check("Please grant me write access to J:\\Projects\\Helios until Friday", &["share J:\\Projects\\Helios", "date Friday"]);
        check("I need the finance drive", &["share finance drive"]);
        check("read access to \\\\fs01\\hr, please", &["share \\\\fs01\\hr"]);
        check("I need a Visio licence", &["licence Visio licence", "application Visio"]);
        check("Outlook crashes on my laptop LT-4432", &["application Outlook", "device laptop LT"]);
        check("new colleague starts on 1 September 2026", &["date 1 September"]);
        check("from 01.03.2027 please", &["date 01"]);
        check("Her manager approved it", &["approval-claimed manager approved"]);
        check("I can't log in this morning", &["sign-in can't log"]);
        check("Sign-in problem", &["sign-in Sign-in problem"]);
        check("not able to get into my account", &["sign-in not able to get into my account"]);
        check("I need Visio, approved by Ingrid Larsen", &["approver Ingrid Larsen", "approval-claimed approved by"]);
    }

    #[test]
    fn a_plain_request_names_nobody() {
        for source in ["I forgot my password", "please unlock my account", "hi", ""] {
            let text = Text::read(source);
            assert!(
                entities(&text, &Lexicon::new(), None).iter().all(|(entity, _)| !["affected-person", "approver", "sign-in"].contains(&entity.name())),
                "{source}"
            );
        }
    }

    #[test]
    fn there_are_never_many() {
        let text = "add Bob to the sales group, the ops group and J:\\x ".repeat(200);
        let text = Text::read(&text);
        assert!(entities(&text, &Lexicon::new(), None).len() <= super::MOST);
    }
}
