//! What a linear model cannot see: whose account, which system, and whether it is a request at all.
//!
//! Each rule errs towards not acting. A wrong one costs a question; a missing one would cost an account.

use crate::{
    language, letter,
    lexicon::{self, Lexicon},
    pattern,
    places::{self, Places},
    text::{Kind, Text},
};

/// Why a text that sounds like an action is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Veto {
    /// The text says that it is not so, or must not be done.
    Negated,
    /// A question about how things work.
    Question,
    /// It was so, and is over.
    Resolved,
    /// About a suspicious message or a misused account.
    Suspicious,
    /// It was done; what is told is what came after.
    Past,
    /// Not certainly a request: a condition, an instruction to the machine, another language.
    Unclear,
}

/// What was seen beside the intent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// A system other than the identity provider, as it stands in the text.
    pub other_system: Option<String>,
    /// Words that speak of somebody else.
    pub about_another: Option<String>,
    /// Why not to act.
    pub veto: Option<Veto>,
    /// A password, or a word near it, is spoken of.
    pub names_secret: bool,
    /// A lock is spoken of.
    pub names_lock: bool,
    /// A second factor is spoken of.
    pub names_factor: bool,
    /// The writer knows the password.
    pub knows_secret: bool,
    /// The writer does not know the password any more.
    pub lost_secret: bool,
    /// Somebody or something is said to be locked.
    pub locked_out: bool,
    /// A new password is asked for.
    pub asks_reset: bool,
    /// A name, or a word that is not English as everybody writes it, where neither greeting nor signature explains it: somebody, or some system.
    pub stranger: Option<String>,
}

/// Looks at a text.
#[must_use]
pub fn signals(text: &Text, lexicon: &Lexicon) -> Signals {
    let text = &letter::core(text, lexicon);
    let places = Places::of(text, lexicon);
    Signals {
        other_system: other_system(text, lexicon, &places),
        about_another: about_another(text, lexicon),
        veto: veto(text, lexicon),
        names_secret: text.tokens.iter().any(|token| lexicon::secret(&token.word)),
        names_lock: text.tokens.iter().any(|token| is_lock(&token.word)) || pattern::any(SHUT, text, lexicon).is_some(),
        names_factor: pattern::any(FACTOR, text, lexicon).is_some(),
        knows_secret: pattern::any(KNOWN, text, lexicon).is_some(),
        lost_secret: pattern::any(LOST, text, lexicon).is_some(),
        locked_out: pattern::any(LOCKED, text, lexicon).is_some(),
        asks_reset: pattern::any(ASKED, text, lexicon).is_some(),
        stranger: places.stranger(text),
    }
}

const FACTOR: &[&str] = &[
    "mfa|2fa|tfa|otp|authent*|verif*|factor|twofactor|multifactor|token|yubikey|fido*|duo|enrol*|reenrol*|qr|sms",
    "security|passkey key|info|keys",
    "two|2 step|factor|fa",
    "code|codes|push|pushes|notification|approve|approval|verify",
    "phone|device|mobile|iphone|handset|smartphone .. approve|log|login|logging|sign|signin|signins|signing|verify|authenticate|prompt|prompts|access|okta|account",
    "approve|log|login|logging|sign|signin|signing|okta|approvals .. phone|device|mobile|iphone|handset|smartphone",
    "softtoken|softoken|softokens|mobilepass|securid|rsa|safenet|passkey|passkeys|fortitoken|pingid|smartcard",
    "okta regist*|enrol*|setup|reset|mobile|activat*|locked",
    "okta .. locked to",
    "need it .. log|logging|login|sign|signing",
    "regist*|enrol*|setup|reset|mobile|activat* okta",
    "signin|login app",
    "number matching",
    "access pass",
    "vip access|credential",
];

/// Words at which a name ends.
const ENDS: &[&str] = &[
    "a",
    "an",
    "the",
    "my",
    "your",
    "our",
    "his",
    "her",
    "their",
    "its",
    "this",
    "that",
    "i",
    "im",
    "ive",
    "you",
    "we",
    "it",
    "he",
    "she",
    "they",
    "me",
    "us",
    "for",
    "to",
    "of",
    "on",
    "in",
    "at",
    "with",
    "into",
    "from",
    "by",
    "and",
    "or",
    "but",
    "so",
    "because",
    "since",
    "as",
    "if",
    "when",
    "is",
    "was",
    "are",
    "be",
    "has",
    "have",
    "had",
    "do",
    "does",
    "did",
    "can",
    "could",
    "would",
    "will",
    "please",
    "pls",
    "not",
    "no",
    "reset",
    "forgot",
    "forgotten",
    "change",
    "need",
    "needs",
    "want",
    "get",
    "lost",
    "unlock",
    "locked",
    "says",
    "after",
    "again",
    "today",
    "now",
    "where",
    "which",
    "then",
    "just",
    "hi",
    "hello",
    "hey",
];

/// Words that hide what the text is about when they follow `log in to`.
const ACTIVITIES: &[&str] = &[
    "log",
    "login",
    "sign",
    "signin",
    "logon",
    "get",
    "getting",
    "access",
    "locked",
    "lock",
    "logging",
    "signing",
    "password",
    "account",
    "pw",
    "credentials",
    "passcode",
    "pass",
    "unlock",
];

fn is_lock(word: &str) -> bool {
    word.contains("lock") || matches!(word, "lokced" | "loked" | "disabled" | "deactivated" | "lcoked" | "lcked" | "lockd")
}

/// Other words for a lock that is to be opened.
const SHUT: &[&str] = &["enable|reenable|reactivate|release|activate .. %credential", "wrong|failed|many .. attempts|tries|logins"];

/// The place of a name: before a credential ("my X password"), or behind it ("password for X", "log in to X").
fn other_system(text: &Text, lexicon: &Lexicon, places: &Places) -> Option<String> {
    // A bound: a text that names a hundred credentials is no request anyway.
    let spots: Vec<usize> = (0..text.tokens.len()).filter(|&i| lexicon::credential(text.word(i)) || ACTIVITIES.contains(&text.word(i))).take(100).collect();
    let found = spots.iter().find_map(|&i| before(text, lexicon, i).or_else(|| behind(text, lexicon, i)));
    found
        .or_else(|| heading(text, lexicon))
        .or_else(|| {
            let own = pattern::any(&["my %provider %secret", "my %provider %provider %secret"], text, lexicon).is_some();
            // Whose connecting locks an account is no system; what a form or a signature holds is none either.
            let device = |i: usize| DEVICES.contains(&text.word(i)) && pattern::any(CODE, text, lexicon).is_none();
            let aside = |i: usize| device(i) || FIELDS.contains(&text.word(i)) && i < 3 || places.explains(i);
            let product = (0..text.tokens.len()).find(|&i| lexicon.product(text.word(i)) && !aside(i));
            product.filter(|_| !own).map(|i| text.span(i, i))
        })
        .or_else(|| pattern::any(ELSEWHERE, text, lexicon).map(|(_, last)| text.span(last, last)))
}

/// Systems of others, whoever they are.
const ELSEWHERE: &[&str] = &[
    "for|of my|our|the|a|your bank|payroll|pension|supplier|suppliers",
    "portal|website|webshop|platform of the|our|a|my|their",
    "portal|website|webshop|platform has|have|had locked|blocked",
];

/// Devices, whose own code may be meant.
const DEVICES: &[&str] = &["iphone", "ipad", "android", "samsung", "tablet", "macbook", "chromebook"];
const CODE: &[&str] = &[
    "passcode|pin|pincode|apple|icloud",
    "unlock|locked .. iphone|ipad|android|samsung|tablet|macbook|chromebook",
    "my|the|an iphone|ipad|android|samsung|tablet|macbook|chromebook password|code|locked|lock|is|account",
];

/// What stands before a colon in a form or a call log, and is no system.
const FIELDS: &[&str] = &[
    "summary",
    "category",
    "subcategory",
    "description",
    "details",
    "detail",
    "title",
    "subject",
    "body",
    "issue",
    "problem",
    "request",
    "incident",
    "ticket",
    "voicemail",
    "transcript",
    "caller",
    "call",
    "priority",
    "impact",
    "location",
    "contact",
    "type",
    "short",
    "reported",
    "message",
    "notes",
    "note",
    "from",
];

/// "Salesforce: I forgot my password".
fn heading(text: &Text, lexicon: &Lexicon) -> Option<String> {
    let last = (0..3).find(|&i| {
        let (Some(token), Some(next)) = (text.tokens.get(i), text.tokens.get(i + 1)) else { return false };
        let time = token.kind == Kind::Number && next.kind == Kind::Number;
        // A smile is no colon.
        !time && text.source.get(token.end..next.start).is_some_and(|between| between.contains(':') && !between.contains([')', '(']))
    })?;
    if (0..=last).any(|i| FIELDS.contains(&text.word(i))) {
        return None;
    }
    name_in(text, lexicon, 0, last)
}

fn before(text: &Text, lexicon: &Lexicon, at: usize) -> Option<String> {
    if !lexicon::credential(text.word(at)) || text.tokens.get(at)?.gap {
        return None;
    }
    let mut from = at;
    while from > 0 && at - from < 3 {
        let token = text.tokens.get(from - 1)?;
        if ENDS.contains(&token.word.as_str()) || token.possessive || token.kind != Kind::Word {
            break;
        }
        from -= 1;
        if token.gap || token.first {
            break;
        }
    }
    // A forename right after a greeting is not a system.
    name_in(text, lexicon, from, at.checked_sub(1)?)
}

fn behind(text: &Text, lexicon: &Lexicon, at: usize) -> Option<String> {
    const LINKS: &[&str] =
        &["in", "out", "on", "to", "for", "of", "into", "onto", "from", "at", "back", "with", "my", "the", "our", "your", "a", "an", "this", "their"];
    let mut from = at + 1;
    let mut linked = matches!(text.word(at), "access" | "unlock");
    while LINKS.contains(&text.word(from)) && text.tokens.get(from).is_some_and(|token| !token.gap) && from - at < 6 {
        linked |= !matches!(text.word(from), "out" | "back");
        from += 1;
    }
    // What one gets to, once in, has no password of its own.
    let entered = matches!(text.word(at), "get" | "getting" | "access");
    let within = entered && matches!(text.word(from), "file" | "files" | "folder" | "folders" | "document" | "documents");
    // Where a password came from is not where it leads.
    let source = lexicon::secret(text.word(at)) && text.word(from - 1) == "from";
    let somebody = matches!(text.word(from), "user" | "username" | "userid");
    if !linked || within || source || somebody || text.tokens.get(from)?.gap {
        return None;
    }
    let mut to = from;
    while to - from < 4
        && text.tokens.get(to).is_some_and(|token| token.kind == Kind::Word && (to == from || !token.gap) && !ENDS.contains(&token.word.as_str()))
    {
        to += 1;
    }
    // What everybody knows is a system where it stands before "password", and only a thing behind it.
    let told = (from..to).any(|i| lexicon.system(text.word(i)) && (lexicon.thing(text.word(i)) || !lexicon.common(text.word(i))));
    let on_site = text.word(from) == "site" && text.word(from - 1) == "on" || matches!(text.word(from), "screen" | "prompt" | "window");
    name_in(text, lexicon, from, to.checked_sub(1)?).filter(|_| told && !on_site)
}

/// The words of a range that name a system, with their capitalised neighbours.
fn name_in(text: &Text, lexicon: &Lexicon, from: usize, to: usize) -> Option<String> {
    let counted = |word: &str| ["1st", "2nd", "3rd", "4th", "5th"].contains(&word);
    let names = |i: usize| {
        lexicon.system(text.word(i)) && !lexicon.name(text.word(i)) && !counted(text.word(i)) && text.tokens.get(i).is_some_and(|token| !token.possessive)
    };
    let first = (from..=to).find(|&i| names(i))?;
    let part = |i: usize| names(i) || text.tokens.get(i).is_some_and(|token| token.capital || token.kind == Kind::Number) && !lexicon::credential(text.word(i));
    let last = (first..=to).take_while(|&i| part(i)).last()?;
    Some(text.span(first, last))
}

/// Words that say that an account is somebody else's.
const ANOTHER: &[&str] = &[
    "%owner .. %credential|mfa|2fa|authenticator|phone|mobile|iphone",
    "someones|somebodys .. %credential|mfa|2fa|authenticator",
    "behalf",
    "leaver|leavers",
    "new starter|joiner|hire|employee|colleague|user",
    "the|our|this temp is|was|has|on|at|in|cannot|cant|needs|forgot|got",
    "for|of the|our|a|all .. team|department|reception|warehouse|terminal|kiosk|classroom|mailbox|inbox|lobby|till|counter|room",
    "for|of|from|unlock|reset|behalf .. %person",
    "%person forgot|forgets|lost|cant|cannot|needs|keeps|locked|lockout|password|account",
    "%person is|was|has|are|have|got|gets|who ... locked|forgotten|password|unable|lost|forgot",
    "%person ... forgot|locked",
    "%name|%capital forgot|forgets|lost|cant|cannot|needs|keeps|locked|password|account|pc|lockout",
    "%name|%capital is|was|has|got|gets ... locked|forgotten|password|unable|lost|forgot",
    "%name %capital|%unknown forgot|is|has|locked|cant|needs|%credential",
    "%name ... locked|forgot|%secret",
    "unlock|reset %name|%email|%mention|%unknown",
    "for|of|unlock|reset %name|%email|%mention",
    "for|of|unlock|reset .. %name|%email|%mention",
    "a|the|another|one|this|that|some|two|three|our user|users ... locked|forgot|unable",
    "user|username %email|%unknown|%name",
    "somebody|everyone|everybody|others|nobody .. locked|forgot|password",
    "someone else",
    "of|for .. person|people|man|woman|leaver",
    "who left|leaves|quit|resigned|retired",
    "someone in .. locked|forgot",
    "for|of|unlock|reset %either",
    "%either is|was|has|cannot|cant|needs|forgot|lost|keeps|got",
    "unlock|reset reception|warehouse|till|kiosk|lobby|terminal|counter|classroom",
    "both|several|two|three|four|five|six are|locked|need|cant|cannot|forgot",
    "both|several|two|three|four|five|six .. are|have locked|forgotten|lost",
    "one|two|three|some|many|most|few of our|my|the|us",
    "someone forgot|is|has|locked",
    "all|several|many|multiple|other .. users|accounts|people",
    "all .. passwords",
    "every user|account|employee",
    "all|our|both tablets|phones|devices|laptops|computers|staff|employees",
    "the|my|our|whole|entire team .. locked|forgot",
    "everybody|everyone",
    "reset|unlock all|everything|everyones",
    "the|a|new|temp|temporary|%reset %secret|account of|for our|the|a|an %foreign",
    "user|ext|extension .. %number forgot|lost|needs|is|has|cant|cannot|locked",
];

/// Pronouns, which in a technician's summary ("caller forgot her password") stand for the requester.
const PRONOUNS: &[&str] = &[
    "his|her|their .. %credential|mfa|2fa|authenticator",
    "he|she|they is|was|are|were|has|have|got|gets|cant|cannot|keeps|forgot|lost|needs|need|locked",
    "hes|shes|theyre .. locked|forgotten|unable",
    "reset|unlock|help him|her|them|his",
    "for|to him|her|them",
    "in|on my|our team",
    "locked himself|herself|themselves",
];

/// How such a summary begins: without an article, since "the user" or "a user" may be anybody.
const SUMMARY: &[&str] = &[
    "^caller|user|ee|enduser is|was|has|had|cant|cannot|could|forgot|forgets|lost|locked|needs|wants|wanted|requests|requested|requesting|asks|asked|asking|reports|reported|states|stated|says|said|called|unable|not|got|gets|changed|does|did|will|tried|entered|keeps|wishes|would|reset",
    "^caller",
    "^the caller",
];

/// Words by which the writer names themselves, or somebody who only sent them.
const SELF: &[&str] = &[
    "this is|uh|um professor|dr|mr|mrs|ms %name|%capital|%unknown",
    "im|am|as .. %person",
    "%person told|said|asked|says|wants|approved|approves|mentioned|suggested|recommended|sent|knows|waiting",
    "%person is|are waiting|asking|calling|watching",
    "this|name is|its %name",
    "from|regards|best|cheers|sincerely %name",
    "im|am %name",
    "hi|hello|hey|dear|thanks|cheers|morning|afternoon %name|%person",
    "my|mine|im|i|is|login|username|email|address|me|am|from .. %email",
    "your %person",
];
/// How the writer tells an account of their own by its name.
const MINE: &[&str] = &["its|thats|is me|mine", "locked myself", "my %credential|%provider|mfa|authenticator", "my %provider %credential"];
const KNOWN_AS: &[&str] = &["user|username|userid|login|id %unknown", "username|userid|login is %unknown"];

fn about_another(text: &Text, lexicon: &Lexicon) -> Option<String> {
    let every = |rules: &[&str]| rules.iter().flat_map(|rule| pattern::all(rule, text, lexicon)).collect::<Vec<_>>();
    let caller = places::called(text);
    let mut own = every(SELF);
    own.extend(every(places::MENTIONED));
    own.extend(caller.map(|end| (0, end)));
    // "Please reset my password. User kbrandt4": who writes of themselves may say by which name they are known.
    let known_as = if pattern::any(MINE, text, lexicon).is_some() { every(KNOWN_AS) } else { Vec::new() };
    own.extend(&known_as);
    let summary = pattern::any(SUMMARY, text, lexicon).is_some() || caller.is_some();
    let mut found = every(ANOTHER);
    if !summary {
        found.extend(every(PRONOUNS));
    }
    found.extend(spoken_of(text, lexicon));
    found.extend(titled(text, lexicon));
    // A rule that rests on the one person whom the writer only mentions does not count.
    found.retain(|&(from, to)| {
        if known_as.contains(&(from, to)) {
            return false;
        }
        let people: Vec<usize> = (from..=to).filter(|&i| is_somebody(text, lexicon, i)).collect();
        people.is_empty() || people.iter().any(|&i| !own.iter().any(|&(a, b)| (a..=b).contains(&i)))
    });
    if let Some(&(from, to)) = found.iter().min() {
        return Some(text.span(from, to));
    }
    let stranger = |i: &usize| text.tokens.get(*i).is_some_and(|token| token.kind == Kind::Email) && !own.iter().any(|&(a, b)| (a..=b).contains(i));
    (0..text.tokens.len()).find(stranger).map(|i| text.span(i, i))
}

/// "Will Hope password reset": two words in capitals before what is somebody's, though each is one that everybody writes.
fn titled(text: &Text, lexicon: &Lexicon) -> Option<(usize, usize)> {
    let own = |i: usize| lexicon::credential(text.word(i)) || is_lock(text.word(i));
    let name = |i: usize| {
        let word = text.word(i);
        let plain = own(i) || lexicon::provider(word) || lexicon.product(word) || FIELDS.contains(&word) || word.starts_with("reset");
        text.tokens.get(i).is_some_and(|token| token.capital && token.kind == Kind::Word) && word.len() > 1 && !plain && !OPENINGS.contains(&word)
    };
    let small = |i: usize| text.tokens.get(i).is_some_and(|token| !token.capital && !token.gap) && own(i);
    let first = |i: usize| text.tokens.get(i).is_some_and(|token| token.first);
    (0..text.tokens.len())
        .find(|&i| first(i) && name(i) && name(i + 1) && text.tokens.get(i + 1).is_some_and(|token| !token.gap) && small(i + 2))
        .map(|i| (i, i + 1))
}

/// What opens a ticket in capitals without being a name.
const OPENINGS: [&str; 18] =
    ["my", "our", "the", "please", "getting", "your", "new", "old", "good", "morning", "re", "fw", "fwd", "urgent", "temp", "temporary", "expired", "wrong"];

/// Somebody who is locked out, or has forgotten, in a sentence that does not speak of the writer.
fn spoken_of(text: &Text, lexicon: &Lexicon) -> Vec<(usize, usize)> {
    const BEFALLS: [&str; 10] = ["locked", "forgot", "forgotten", "lost", "locks", "password", "pw", "account", "mfa", "authenticator"];
    let sentence = |i: usize| (i + 1..text.tokens.len()).take_while(|&j| text.tokens.get(j).is_some_and(|token| !token.first));
    let people = (0..text.tokens.len()).filter(|&i| is_somebody(text, lexicon, i)).take(20);
    let befallen = people.filter_map(|i| {
        let last = sentence(i).find(|&j| BEFALLS.contains(&text.word(j)))?;
        let writer = sentence(i).any(|j| pattern::WRITER.contains(&text.word(j)));
        (!writer).then_some((i, last))
    });
    befallen.collect()
}

fn is_somebody(text: &Text, lexicon: &Lexicon, i: usize) -> bool {
    let kind = text.tokens.get(i).map(|token| token.kind);
    lexicon::person(text.word(i)) || lexicon.name(text.word(i)) || matches!(kind, Some(Kind::Email | Kind::Mention))
}

const SUSPICIOUS: &[&str] = &[
    "phish*|scam*|spam|hacked|compromised|malware|ransomware|virus|breach*|hacker*|fraud*",
    "suspicious|fake|strange|weird|odd|dodgy|unexpected .. email|mail|link|message|sms|text|call|page|prompt|prompts|request|requests|code|codes|push|login|website",
    "email|mail|mails|emails|sms|letter|texts .. saying|says|said|claims|claiming|telling|stating|asking",
    "text|message|call|page|whatsapp .. asking|asks|wanting|wants|demanding|requesting",
    "got|received|receive|getting|this|that .. email|mail|mails|emails|sms|letter .. that|about|asking|with|to|my",
    "text message .. says|saying|said|that|about",
    "clicked .. link",
    "click|tap|follow|press|verify here|below|now|link|button",
    "verify|confirm|validate your",
    "is this|it legit|real|genuine|phishing|spam|safe",
    "is it|that legit|real|genuine",
    "legit|scammer|imposter",
    "unusual|strange|unknown sign|signin|login|activity",
    "someone|somebody .. changed|logged|logging|hacked|called|stole|using",
    "called|phoned|emailed|mailed|texted|wrote|messaged me|us",
    "claiming|pretending|impersonat*",
    "caller claimed|claims|pretended|pretends",
    "caller said|says|wanted|asked me|my|remote",
    "a|the|this|strange|unknown caller|man|woman|person said|says|wanted|asked",
    "is|was this|that|it you|from|your",
    "%person|he|she|they|someone|somebody|caller|man|woman|guy|mail|email|message|text|site|link|website .. asked|asking|asks|wanted .. %secret",
    "was|been|being|am asked .. %secret",
    "didnt|not|never|without .. trigger|requested|initiate",
    "didnt|not|never|without request|requesting",
    "wasnt|isnt me",
    "was|is not me",
    "not|never by me|myself|us",
    "without .. knowledge|knowing|consent|permission",
    "was|been|got|is|were changed|altered|replaced by",
    "%credential is|was|were|got|been|has|have|might|may .. leak*|exposed|pwned|stolen|misused|abused",
];

/// What a screen says as well as a fraud: the way on which it came tells them apart.
const TOLD: &[&str] = &["your|youre %secret|account|mailbox will|has|is|was expire*|suspended|deactivated|deleted|closed|full|limited|close"];
const MAILED: &[&str] = &["mail|mails|email|emails|link|links|click|sms|text|texts|website|letter|sender|received|whatsapp"];

const NEGATED: &[&str] = &[
    "not|never|havent|didnt|hasnt|wasnt|isnt|arent|dont|wont|aint .. forget|forgot|forgotten|locked|lost",
    "dont|not|never|stop|without|avoid|no %reset",
    "dont|not|never|stop|without|avoid|no my|the|this|any|a|it|just|ever|even|you|please|another %reset",
    "do|please|pls|should|must not .. %reset",
    "dont|stop|without .. %reset my|the|it|me|this|any|that",
    "dont|not|never|stop change|changing|touch",
    "no need",
    "disable|bypass|skip .. mfa|2fa|multifactor|authenticator|okta|duo",
    "turn|switch off .. mfa|2fa|multifactor|authenticator",
    "turn|switch .. mfa|2fa|multifactor|authenticator off",
    "dont|not|didnt|never|wouldnt .. want|wants|need|needs|require|ask|asked|asking|request|requested",
    "not|isnt|nothing .. about|issue|problem .. %secret",
    "not|isnt|wasnt .. %secret|lockout .. issue|problem|reset",
    "cancel|nevermind|nvm|abort|wait",
    "^stop",
    "stop it|this|that|the|my|all|any|resetting|sending|asking|please|now",
    "never mind",
    "false alarm",
    "i said .. but",
    "instead of|without .. reset",
    "disable|delete|suspend my|the|this|his|her",
    "please|pls|you lock|block my|the|this",
    "lock my %credential please|pls|now|immediately|because",
    "^lock the|this|his|her|account|user|login|accounts",
    "^block|disable|deactivate|suspend .. %credential",
    "%secret protected|policy|manager|requirements|rules|audit|hint|field|box|expiry|expiration|generator",
    "never expire*",
    "going|planning|plan|intend|want to change|reset my %secret later|this|tomorrow|tonight|on|next",
    "going|planning to change|reset my",
];

const QUESTION: &[&str] = &[
    "is|are|can|does|will|must|should mfa|2fa|authenticator|multifactor|okta|duo be|a|mandatory|required|compulsory|necessary|optional|possible|have|need|work|really",
    "how do|does|can|to|often|long|many|should|would|could|come",
    "where do|can|is|are",
    "when do|does|will|is|can|could",
    "what is|are|happens|do|does|if|was|should",
    "what|whats the|our|your %secret",
    "is it possible",
    "whats .. policy|rule|rules|procedure|process",
    "who do|does|can|is|has|should|resets",
    "why do|does|is|did|are",
    "do|does|did you|i|my|we|it|resetting .. reset|resets|expire*|unlock|store|have|need|change|changing",
    "will|should|would i|my|we|it .. reset|expire*|unlock|lock|locked|lose|have|need|change",
    "when|how .. %secret expire*",
    "why|who|when|which reset|unlocked|did|does|do|is|was|were|has|am|are",
    "are|were|did|have|do|should|am|will|would you|i|we going|not|really|ever|be|already|able",
    "you locked|changed",
    "how many|come",
    "can i .. myself",
    "can|could|may|should i|we keep|use|reuse|share",
    "reset|changed|unlocked the wrong",
    "is it|there .. normal|safe|way|policy|ok|okay",
    "tell|show|remind me .. how|what|the|about",
    "explain|describe|clarify|define",
    "does resetting|changing",
    "who|what|why|which locked|locks|changed|blocked|disabled",
    "^which .. do|does|should|can|would|is|are",
    "you recommend|suggest|advise|prefer",
];

/// What has the form of a question and asks for the deed.
const POLITE: &[&str] = &[
    "is|are someone|somebody|anyone|anybody|you able to .. %reset my|it",
    "would|will someone|somebody|anyone|anybody|you be able to .. %reset my|it",
    "so kind .. %reset my|it",
    "kind enough to .. %reset my|it",
];

/// The order of words that asks, at the beginning of a sentence, or anywhere if there is a question mark.
const INVERTED: &str = "is|are|was|were|did|does|has|should my|someone|somebody|anyone|anybody|the|this|that";
const OPENING: &str = "^is|are|was|were|did|does|has|should my|someone|somebody|anyone|anybody|the|this|that";

const RESOLVED: &[&str] = &[
    "resolved|solved|sorted|worked|completed",
    "%reset done",
    "found it",
    "you unlocked|reset|changed .. but",
    "its|all|everything|works|is|are fine|good|working",
    "by itself",
    "fixed|sorted|resolved|solved|unlocked|cleared itself",
    "no action",
    "works|working|sorted|solved|resolved|fixed|done .. now|again|thanks|thank|thx|cheers|already",
    "now works|working",
    "is|was|its|got|been|that .. sorted|solved|resolved|fixed",
    "all good|sorted|fine|set|fixed|done|resolved|solved|clear",
    "its|is|am|im|all fine|ok|okay|back now",
    "no longer locked|need|needed|required|necessary|an",
    "back in|online",
    "got in",
    "im|am in now",
    "figured|worked .. out",
    "i remembered|found",
    "remembered|found my|the|it .. %secret",
    "able to .. now|again",
    "can .. log|login|sign .. again|now",
    "close the|this|my ticket|case",
    "you|can|may|please|pls close this|it|that",
    "went fine|well|smoothly|ok|okay|perfectly|great",
    "was|is|were successful|complete",
    "nothing left|more|else|further to|needed|required",
    "ignore|disregard my|this|that|the",
    "thanks|thank|thx .. unlocking|resetting",
    "was locked .. but",
    "was unlocked",
    "is|are|got unlocked|reset now|again|thanks|thank|ty|thx",
    "account|user is|are unlocked",
];

/// Thanks for what was done, and not in advance.
const THANKED: &[&str] = &[
    "thanks|thank|thx .. resetting|unlocking|reset|fixing .. yesterday|earlier|quickly|promptly|fast|monday|tuesday|wednesday|thursday|friday",
    "thanks|thank|thx .. quick|fast|prompt %reset|help",
];

/// Asked for, whatever was done before.
const AGAIN: &[&str] = &[
    "please|pls|kindly %reset so|asap|it|that|this|me|again|thanks|thank",
    "%reset please|pls|asap",
    "somebody|someone|anyone|you could|can|please %reset that|it",
    "can|could|would|will you|someone|somebody|anyone .. %reset me|it|that|my|this",
    "can|could|would|please .. issue|give|send|set me a|an new|temp|temporary|fresh one|%secret",
    "wants|needs|want|need .. new|temporary|temp %secret",
];

/// A change of the past: what is told after it is another problem, unless the new password is gone too.
const PAST: &[&str] = &[
    "already|successfully reset|changed|unlocked",
    "i|ive|have|had|was|been|got|it just reset|changed|unlocked",
    "i|ive|we %reset|changed|updated|unlocked my|it|the",
    "%person reset|changed|updated|unlocked my|it",
    "%secret changed|updated",
    "after|since .. resetting|changing|change|changed|unlocking",
    "after|since reset",
    "after|since a|the|my|your|its|i|you|we|last|%secret .. reset",
];

/// The writer knows the password: no reason for a new one, though the account may be locked.
const KNOWN: &[&str] =
    &["%credential is|are fine|ok|okay|good|correct|working", "i know|have|remember my|the %secret", "%secret works|fine", "though .. correct|right"];

/// The writer does not know the password any more.
const LOST: &[&str] = &[
    "forg*|lost|frogot|misplaced .. %secret",
    "cant|cannot|dont|couldnt|not remember|recall|know .. %secret",
    "cant|cannot|dont|couldnt|not remember|recall|know|forgot what|which|it|the",
    "no longer know|remember",
    "forgot it",
    "not|no sure|idea|clue what|which",
    "cant|cannot|dont|not remember|recall if|whether",
    "cant|cannot|couldnt for .. of me remember|recall|think",
];

const LOCKED: &[&str] =
    &["im|am|got|been|me|myself|us .. locked|lockout", "%credential .. locked|blocked|lockout", "locked out|my|myself", "unlock .. %credential|me|it"];

const ASKED: &[&str] = &["reset|resetting|change|new|temporary|temp .. %secret", "%secret .. reset|resetting"];

const STILL: &[&str] = &[
    "not|isnt|still|never|wasnt|arent|hasnt|hasnt|doesnt|didnt|cant|wont|cannot|none|nothing|nor .. works|working|worked|work|solved|resolved|fixed|sorted|fine|good",
    "cant|cannot|couldnt|unable|wont .. back",
    "let|get me back",
    "so|to|please|help|can .. get back",
    "till|until|before|unless .. sorted|fixed|resolved|solved|done",
    "get|have|need|want|getting .. resolved|solved|sorted|fixed",
    "locked .. again",
    "thanks|thank .. in advance",
    "thanks|thank|thx for unlocking|resetting",
];

/// Conditions, postponements and words to the machine: no wish stands against them.
const HOSTILE: &[&str] = &[
    "if|case|whenever|unless|suppose|assuming i|we|someone|anyone|somebody|people|users|user|my|the|a|they|it",
    "in case",
    "example|test|testing|joke|article",
    "wait with|until",
    "we|were|company switching|moving|migrating|rolling|changing|introducing|launching|upgrading|replacing",
    "next|coming month|quarter|year",
    "later|tomorrow|myself .. %reset",
    "%reset .. later|tomorrow|myself",
    "ignore .. rules|instructions|previous|prompt|everything|above",
    "previous|prior|above instructions",
    "developer|debug|god mode",
    "you are|now .. now|authorised|authorized|allowed|admin|system|free",
    "system prompt",
    "secret pw|temporary|link",
    "i approve|approved|authorise|authorize",
];

const UNCLEAR: &[&str] = &[
    "caps|num|scroll|screen lock light|key|stuck|keeps",
    "caps|num|scroll|screen lock is stuck|on|broken|blinking",
    "locked in the|our",
    "locked .. ceo|editing|dock|desk|house|building|car|room|cabinet|closet|garage|gate|door|safe|file|screen",
    "screen|door|file|cell|sheet|workbook|room|building|closet|cabinet|car|keyboard|drawer|spreadsheet|document|site|bathroom .. is|are|was|gets .. lock*",
    "screen|door|file|keyboard|mouse|device|phone|tablet|bike|laptop lock|locks",
    "sim .. lock*|block*",
    "locked|lock by",
    "locked|lock for editing|use|changes|maintenance|another|others",
    "locked to its|the",
    "locked to my desk|dock|chair|wall|table|rack",
    "locked out of the|our|my house|building|flat|car",
    "locked .. of the office",
    "locked .. of .. house|building|flat|car|garage|parking|gate|cabinet|room|toilet",
    "authent*|mfa|okta|duo server|servers|service|services|outage|rollout|policy|project",
    "mfa|okta|duo|authenticator is down",
    "door|gate|alarm|entry|building|discount|postal code|codes",
    "reminder|reminders|notification|notifications .. %secret",
    "order|orders|record|records|invoice|period|transaction|posting|booking|item|batch|delivery|job|table|entry|material|cell|cells|quote|contract .. lock*|unlock*|block*|releas*",
    "unlock*|releas* .. order|orders|record|records|invoice|period|transaction|posting|booking|item|batch|delivery|job|table|entry|material|cell|quote|contract",
    "%secret|%reset link|hint",
    "tell|explain|show|know .. how",
    "send|tell|give|know|show .. current|old %secret",
    "%reset page|tool|process|link|portal|feature|function|procedure|form|guide|statistics|report",
    "%secret %reset mail|email",
    "%secret page|tool|process|portal|form|prompt|prompts|resets",
    "unlock|lockout|change tool|process|portal|form|page|policy|setting|settings|after",
    "enable|enforce|introduce|configure|implement|activate .. %secret|reset|lockout|unlock",
    "for our|the|whole|entire company|organisation|organization|department|tenant|firm|team|school",
    "list|report|export|all|number|print|show|give|tell|what .. of .. %credential",
    "policy|policies|training|audit|procedure",
    "%secret .. reminder|reminders|notification|notifications|popup",
    "resetting|changing|unlocking passwords|accounts",
    "guide|manual|instruction|instructions|article|documentation for|on|about|to",
];

fn veto(text: &Text, lexicon: &Lexicon) -> Option<Veto> {
    let has = |rules: &[&str]| pattern::any(rules, text, lexicon);
    let linked = || text.question || text.tokens.iter().any(|token| token.kind == Kind::Url) || has(MAILED).is_some();
    if has(SUSPICIOUS).is_some() || has(TOLD).is_some() && linked() {
        return Some(Veto::Suspicious);
    }
    if language::foreign(text, lexicon).is_some() {
        return Some(Veto::Unclear);
    }
    // A plain statement beside a question or a negation keeps the wish possible, but no longer certain.
    let stated = has(&[
        "i|ive|have|had|i just|only|and forgot*",
        "i .. cant|cannot|dont|couldnt .. remember|recall|know",
        "my %credential|%provider .. expired",
        "im|am|got|been|me|myself .. locked",
        "my .. %credential is|has|was|got|gets .. locked",
    ]);
    if has(NEGATED).is_some() {
        return Some(if stated.is_some() && has(&["not|never|havent|didnt|isnt|im not|dont .. forg*|locked"]).is_none() {
            Veto::Unclear
        } else {
            Veto::Negated
        });
    }
    if has(RESOLVED).is_some() && has(STILL).is_none() || has(THANKED).is_some() {
        return Some(Veto::Resolved);
    }
    if has(POLITE).is_none() && (has(QUESTION).is_some() || has(&[if text.question { INVERTED } else { OPENING }]).is_some()) {
        return Some(if stated.is_some() { Veto::Unclear } else { Veto::Question });
    }
    // "Self-service does not work, please reset my password" talks of a tool, and asks all the same.
    let asked = has(&[
        "please|pls|can|could|kindly|would .. %reset my %secret|%provider|%credential",
        "please|pls|can|could|kindly|would .. set|give|issue a new %secret|one",
    ]);
    if asked.is_some() && has(HOSTILE).is_none() && has(&["for our|the|whole", "enable|configure|introduce"]).is_none() {
        return None;
    }
    // What was done before does not stand against what is asked for now.
    let again = has(AGAIN).is_some() && has(HOSTILE).is_none();
    if !again && has(PAST).is_some() && has(LOST).is_none() {
        return Some(Veto::Past);
    }
    has(UNCLEAR).or_else(|| has(HOSTILE)).map(|_| Veto::Unclear)
}
