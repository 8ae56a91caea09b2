//! What a linear model cannot see: whose account, which system, and whether it is a request at all.
//!
//! Each rule errs towards not acting. A wrong one costs a question; a missing one would cost an account.

use crate::{
    language,
    lexicon::{self, Lexicon},
    pattern,
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
}

/// Looks at a text.
#[must_use]
pub fn signals(text: &Text, lexicon: &Lexicon) -> Signals {
    Signals {
        other_system: other_system(text, lexicon),
        about_another: about_another(text, lexicon),
        veto: veto(text, lexicon),
        names_secret: text.tokens.iter().any(|token| lexicon::secret(&token.word)),
        names_lock: text.tokens.iter().any(|token| is_lock(&token.word)),
        names_factor: pattern::any(FACTOR, text, lexicon).is_some(),
        knows_secret: pattern::any(KNOWN, text, lexicon).is_some(),
        lost_secret: pattern::any(LOST, text, lexicon).is_some(),
        locked_out: pattern::any(LOCKED, text, lexicon).is_some(),
        asks_reset: pattern::any(ASKED, text, lexicon).is_some(),
    }
}

const FACTOR: &[&str] = &[
    "mfa|2fa|tfa|otp|authent*|verif*|factor|twofactor|multifactor|token|yubikey|fido*|duo|enrol*|reenrol*|qr|sms",
    "security|passkey key|info|keys",
    "two|2 step|factor|fa",
    "code|codes|push|notification|approve|approval|verify",
    "phone|device|mobile|iphone .. approve|log|login|sign|signin|signins|verify|authenticate|prompt|prompts|access|okta|account",
    "approve|log|login|logging|sign|signin|signing|okta|approvals .. phone|device|mobile|iphone",
    "softtoken|softoken|softokens|mobilepass|securid|rsa|safenet|passkey|passkeys",
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
    word.contains("lock") || matches!(word, "lokced" | "loked" | "disabled" | "blocked" | "lcoked" | "lcked")
}

/// The place of a name: before a credential ("my X password"), or behind it ("password for X", "log in to X").
fn other_system(text: &Text, lexicon: &Lexicon) -> Option<String> {
    // A bound: a text that names a hundred credentials is no request anyway.
    let places: Vec<usize> = (0..text.tokens.len()).filter(|&i| lexicon::credential(text.word(i)) || ACTIVITIES.contains(&text.word(i))).take(100).collect();
    let found = places.iter().find_map(|&i| before(text, lexicon, i).or_else(|| behind(text, lexicon, i)));
    found.or_else(|| heading(text, lexicon)).or_else(|| {
        let own = pattern::any(&["my %provider %secret", "my %provider %provider %secret"], text, lexicon).is_some();
        let product = (0..text.tokens.len()).find(|&i| lexicon.product(text.word(i)));
        product.filter(|_| !own).map(|i| text.span(i, i))
    })
}

/// "Salesforce: I forgot my password".
fn heading(text: &Text, lexicon: &Lexicon) -> Option<String> {
    let last = (0..3).find(|&i| {
        let (Some(token), Some(next)) = (text.tokens.get(i), text.tokens.get(i + 1)) else { return false };
        text.source.get(token.end..next.start).is_some_and(|between| between.contains(':'))
    })?;
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
    if !linked || text.tokens.get(from)?.gap {
        return None;
    }
    let mut to = from;
    while to - from < 4
        && text.tokens.get(to).is_some_and(|token| token.kind == Kind::Word && (to == from || !token.gap) && !ENDS.contains(&token.word.as_str()))
    {
        to += 1;
    }
    name_in(text, lexicon, from, to.checked_sub(1)?)
}

/// The words of a range that name a system, with their capitalised neighbours.
fn name_in(text: &Text, lexicon: &Lexicon, from: usize, to: usize) -> Option<String> {
    let names = |i: usize| lexicon.system(text.word(i)) && !lexicon.name(text.word(i)) && text.tokens.get(i).is_some_and(|token| !token.possessive);
    let first = (from..=to).find(|&i| names(i))?;
    let part = |i: usize| names(i) || text.tokens.get(i).is_some_and(|token| token.capital || token.kind == Kind::Number) && !lexicon::credential(text.word(i));
    let last = (first..=to).take_while(|&i| part(i)).last()?;
    Some(text.span(first, last))
}

/// Words that say that an account is somebody else's.
const ANOTHER: &[&str] = &[
    "%owner .. %credential|mfa|2fa|authenticator",
    "his|her|their|someones|somebodys .. %credential|mfa|2fa|authenticator",
    "he|she|they is|was|are|were|has|have|got|gets|cant|cannot|keeps|forgot|lost|needs|need|locked",
    "hes|shes|theyre .. locked|forgotten|unable",
    "reset|unlock|help him|her|them|his",
    "locked himself|herself|themselves",
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
    "one|two|three|some|many|most|few of our|my|the|us",
    "someone forgot|is|has|locked",
    "all|several|many|multiple|other .. users|accounts|people",
    "all .. passwords",
    "every user|account|employee",
    "the|my|our|whole|entire team .. locked|forgot",
    "everybody|everyone",
    "reset|unlock all|everything|everyones",
];

/// Words by which the writer names themselves, or somebody who only sent them.
const SELF: &[&str] = &[
    "im|am|as .. %person",
    "%person told|said|asked|says|wants|approved|approves|mentioned|suggested|recommended|sent|knows|waiting",
    "%person is|are waiting|asking|calling|watching",
    "this|name is|its %name",
    "from|regards|best|cheers|sincerely %name",
    "im|am %name",
    "hi|hello|hey|dear|thanks|morning|afternoon %name",
    "my|mine|im|i|is|login|username|email|address|me|am|from .. %email",
];

fn about_another(text: &Text, lexicon: &Lexicon) -> Option<String> {
    let own: Vec<(usize, usize)> = SELF.iter().flat_map(|rule| pattern::all(rule, text, lexicon)).collect();
    let mut found: Vec<(usize, usize)> = ANOTHER.iter().flat_map(|rule| pattern::all(rule, text, lexicon)).collect();
    // A rule that rests on the one person whom the writer only mentions does not count.
    found.retain(|&(from, to)| {
        let people: Vec<usize> = (from..=to).filter(|&i| is_somebody(text, lexicon, i)).collect();
        people.is_empty() || people.iter().any(|&i| !own.iter().any(|&(a, b)| (a..=b).contains(&i)))
    });
    if let Some(&(from, to)) = found.iter().min() {
        return Some(text.span(from, to));
    }
    let stranger = |i: &usize| text.tokens.get(*i).is_some_and(|token| token.kind == Kind::Email) && !own.iter().any(|&(a, b)| (a..=b).contains(i));
    (0..text.tokens.len()).find(stranger).map(|i| text.span(i, i))
}

fn is_somebody(text: &Text, lexicon: &Lexicon, i: usize) -> bool {
    let kind = text.tokens.get(i).map(|token| token.kind);
    lexicon::person(text.word(i)) || lexicon.name(text.word(i)) || matches!(kind, Some(Kind::Email | Kind::Mention))
}

const SUSPICIOUS: &[&str] = &[
    "phish*|scam*|spam|hacked|compromised|malware|ransomware|virus|breach*|hacker*|fraud*",
    "suspicious|fake|strange|weird|odd|dodgy|unexpected .. email|mail|link|message|sms|text|call|page|prompt|prompts|login|website",
    "email|mail|mails|emails|sms|letter|texts .. saying|says|said|claims|claiming|telling|stating|asking",
    "got|received|receive|getting|this|that .. email|mail|mails|emails|sms|letter .. that|about|asking|with|to|my",
    "text message .. says|saying|said|that|about",
    "clicked .. link",
    "click|tap|follow|press|verify here|below|now|link|button",
    "your|youre %secret|account|mailbox will|has|is|was expire*|suspended|deactivated|deleted|closed|full|limited|close",
    "verify|confirm|validate your",
    "is this|it legit|real|genuine|phishing|spam|safe",
    "is it|that legit|real|genuine",
    "legit|scammer|imposter",
    "unusual|strange|unknown sign|signin|login|activity",
    "someone|somebody .. changed|logged|logging|hacked|called|stole|using",
    "called|phoned|emailed|mailed|texted|wrote|messaged me|us",
    "claiming|pretending|impersonat*",
    "caller claimed|claims|said|says|wanted|asked me|for|to|that|remote",
    "is|was this|that|it you|from|your",
    "asked|asking .. for my %secret",
    "didnt|not|never|without .. trigger|request|requested|initiate",
];

const NEGATED: &[&str] = &[
    "not|never|havent|didnt|hasnt|wasnt|isnt|arent|dont|wont|aint .. forget|forgot|forgotten|locked|lost",
    "dont|not|never|stop|without|avoid|no .. %reset",
    "dont|not|never|stop change|changing|touch",
    "no need",
    "dont|not|didnt|never|wouldnt .. want|wants|ask|asked|asking|request|requested",
    "not|isnt|nothing .. about|issue|problem .. %secret",
    "not|isnt|wasnt .. %secret|lockout .. issue|problem|reset",
    "stop|cancel|nevermind|nvm|abort|wait",
    "never mind",
    "false alarm",
    "instead of|without .. reset",
    "disable|delete|suspend my|the|this|his|her",
    "please|pls|you lock|block my|the|this",
    "lock my %credential please|pls|now|immediately|because",
    "%secret protected|policy|manager|requirements|rules|audit|hint|field|box|expiry|expiration|generator",
    "never expire*",
    "going|planning|plan|intend|want to change|reset my %secret later|this|tomorrow|tonight|on|next",
    "going|planning to change|reset my",
];

const QUESTION: &[&str] = &[
    "how do|does|can|to|often|long|many|should|would|could|come",
    "where do|can|is|are",
    "when do|does|will|is",
    "what is|are|happens|do|does|if|was|should",
    "whats .. policy|rule|rules|procedure|process",
    "who do|does|can|is|has|should|resets",
    "why do|does|is|did|are",
    "do|does|did you|i|my|we|it|resetting .. reset|resets|expire*|unlock|store|have|need|change|changing",
    "will|should|would i|my|we|it .. reset|expire*|unlock|lose|have|need|change",
    "when|how .. %secret expire*",
    "why|who|when|which reset|unlocked|did|does|do|is|was|were|has|am|are",
    "is|are|was|were|did|does|has|should my|someone|somebody|anyone|anybody|the|this|that",
    "are|were|did|have|do|should|am|will|would you|i|we going|not|really|ever|be|already|able",
    "you locked|changed",
    "how many|come",
    "can i .. myself",
    "can|could|may|should i|we keep|use|reuse|share",
    "reset|changed|unlocked the wrong",
    "is it|there .. normal|safe|way|policy|ok|okay",
    "tell|explain|show|remind me .. how|what|the|about",
    "does resetting|changing",
];

const RESOLVED: &[&str] = &[
    "resolved|solved|sorted|worked|completed",
    "%reset done",
    "found it",
    "you unlocked|reset|changed .. but",
    "its|all|everything|works|is|are fine|good|working",
    "itself",
    "no action",
    "works|working|sorted|solved|resolved|fixed|done .. now|again|thanks|thank|thx|cheers|already",
    "now works|working",
    "is|was|its|got|been|that .. sorted|solved|resolved|fixed",
    "all good|sorted|fine|set",
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
    "thanks|thank|thx .. unlocking|resetting",
    "was locked .. but",
    "was unlocked",
    "is|are|got unlocked|reset now|again|thanks|thank|ty|thx",
    "account|user is|are unlocked",
];

/// A change of the past: what is told after it is another problem, unless the new password is gone too.
const PAST: &[&str] = &[
    "already|just|successfully reset|changed|unlocked",
    "i|ive|we %reset|changed|updated|unlocked my|it|the",
    "after|since .. resetting|changing|change|changed|unlocking",
    "after|since reset",
    "after|since a|the|my|your|its|i|you|we|last|%secret .. reset",
];

/// The writer knows the password: no reason for a new one, though the account may be locked.
const KNOWN: &[&str] = &["%credential is|are fine|ok|okay|good|correct|working", "i know|have|remember my|the %secret", "%secret works|fine"];

/// The writer does not know the password any more.
const LOST: &[&str] = &[
    "forg*|lost|frogot|misplaced .. %secret",
    "cant|cannot|dont|couldnt|not remember|recall|know .. %secret",
    "cant|cannot|dont|couldnt|not remember|recall|know|forgot what|which|it|the",
    "no longer know|remember",
    "forgot it",
];

const LOCKED: &[&str] =
    &["im|am|got|been|me|myself|us .. locked|lockout", "%credential .. locked|blocked|lockout", "locked out|my|myself", "unlock .. %credential|me|it"];

const ASKED: &[&str] = &["reset|resetting|change|new|temporary|temp .. %secret", "%secret .. reset|resetting"];

const STILL: &[&str] = &[
    "not|isnt|still|never|wasnt|arent|hasnt|hasnt|doesnt|didnt|cant|wont|cannot|none|nothing|nor .. works|working|worked|work|solved|resolved|fixed|sorted|fine|good",
    "get|have|need|want|getting .. resolved|solved|sorted|fixed",
    "locked .. again",
    "thanks|thank .. in advance",
    "thanks|thank|thx for unlocking|resetting",
];

/// Conditions, postponements and words to the machine: no wish stands against them.
const HOSTILE: &[&str] = &[
    "if|case|whenever|unless|suppose|assuming i|we|someone|anyone|somebody|people|users|user|my|the|a|they|it",
    "in case",
    "example|test|testing|joke|lol|article",
    "wait with|until",
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
    "caps|num|scroll|screen lock light|key|is|stuck",
    "locked in the|our",
    "locked .. ceo|editing|dock|desk|house|building|car|room|cabinet|closet|garage|gate|door|safe|file|screen",
    "screen|door|file|cell|sheet|workbook|room|building|closet|cabinet|car|keyboard|drawer|spreadsheet|document|site|bathroom .. is|are|was|gets .. lock*",
    "screen|door|file|keyboard|mouse|device|phone|tablet|bike|laptop lock|locks",
    "sim .. lock*|block*",
    "locked|lock by|for",
    "locked to its|my|the",
    "locked out of the|our|my house|building|flat|car",
    "locked out of the office",
    "order|orders|record|records|invoice|period|transaction|posting|booking|item|batch|delivery|job|table|entry|material|cell|quote|contract .. lock*|unlock*",
    "unlock* .. order|orders|record|records|invoice|period|transaction|posting|booking|item|batch|delivery|job|table|entry|material|cell|quote|contract",
    "%secret|%reset link|hint",
    "tell|explain|show|know .. how",
    "send|tell|give|know|show .. current|old %secret",
    "%reset page|tool|process|link|portal|feature|function|procedure|form|mail|email|guide|statistics|report",
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
    if has(SUSPICIOUS).is_some() {
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
    if has(RESOLVED).is_some() && has(STILL).is_none() {
        return Some(Veto::Resolved);
    }
    if has(QUESTION).is_some() {
        return Some(if stated.is_some() { Veto::Unclear } else { Veto::Question });
    }
    if has(PAST).is_some() && has(LOST).is_none() {
        return Some(Veto::Past);
    }
    // "Self-service does not work, please reset my password" talks of a tool, and asks all the same.
    let asked = has(&[
        "please|pls|can|could|kindly|would .. %reset my %secret|%provider|%credential",
        "please|pls|can|could|kindly|would .. set|give|issue a new %secret|one",
    ]);
    if asked.is_some() && has(HOSTILE).is_none() && has(&["for our|the|whole", "enable|configure|introduce|set"]).is_none() {
        return None;
    }
    has(UNCLEAR).or_else(|| has(HOSTILE)).map(|_| Veto::Unclear)
}
