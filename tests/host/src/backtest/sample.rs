//! A ticket history to try a backtest with.
//!
//! The words are those of real tickets: "Classification of IT Support Tickets", L. S. Benitez Pereira, DOI 10.5281/zenodo.7648117, CC BY 4.0, without the 225 that the model was trained on.
//! Everything else is made up from a seed: numbers, clients, people, dates, how each was filed and closed, by whom it was approved.
//! How a ticket was filed follows its published category and plain words in it, never the model, and one in twelve is filed as people file when they are in a hurry.

use anyhow::{Context as _, Result};
use firstline_core::keys::sha256_hex;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The seed of the file in the repository.
pub const SEED: u64 = 7;
/// Longest text, in characters.
const LONGEST: usize = 420;
/// Wednesday, 1 April 2026, midnight.
const BEGIN: i64 = 1_775_001_600;
const DAYS: u64 = 182;

#[derive(Deserialize)]
struct Published {
    id: String,
    text: String,
    category: String,
}

#[derive(Deserialize)]
struct Known {
    id: String,
}

/// Numbers from a seed.
struct Dice {
    seed: u64,
    rolled: u64,
}

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.rolled += 1;
        let hash = sha256_hex(format!("{} {}", self.seed, self.rolled).as_bytes());
        u64::from_str_radix(hash.get(..15).unwrap_or_default(), 16).unwrap_or_default() % sides.max(1)
    }

    fn one<T: Copy>(&mut self, of: &[T], otherwise: T) -> T {
        let at = usize::try_from(self.roll(of.len() as u64)).unwrap_or_default();
        of.get(at).copied().unwrap_or(otherwise)
    }

    fn in_hundred(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

/// How one kind of ticket is dealt with at this desk.
struct Kind {
    /// Words that tell it, in any of the languages; none for what is only told by the published category.
    words: &'static [&'static str],
    category: &'static str,
    kind: &'static str,
    subtype: &'static str,
    /// Usual minutes.
    minutes: u64,
    /// Of a hundred, so many are approved, and so many escalated.
    approved: u64,
    escalated: u64,
    to: &'static str,
    closing: &'static str,
}

const fn kind(
    words: &'static [&'static str],
    (category, kind, subtype): (&'static str, &'static str, &'static str),
    (minutes, approved, escalated): (u64, u64, u64),
    to: &'static str,
    closing: &'static str,
) -> Kind {
    Kind { words, category, kind, subtype, minutes, approved, escalated, to, closing }
}

/// The first that fits is taken.
const KINDS: [Kind; 22] = [
    kind(
        &["check_mk", "alarm", "-> down", "-> crit", "-> warn"],
        ("", "Monitoring", "Alert"),
        (25, 0, 35),
        "Server team",
        "Checked the host, the service is up again.",
    ),
    kind(
        &["shared mailbox", "caixa compartilhada"],
        ("", "Mail", "Shared mailbox"),
        (14, 94, 1),
        "Mail team",
        "Permissions set. Which mailbox is it? Confirmed with the user.",
    ),
    kind(&["distribution", "mailing list", "verteiler", "lista de distrib"], ("", "Mail", "Distribution list"), (10, 70, 1), "Mail team", "Members changed."),
    kind(
        &["file share", "fileshare", "acesso a pasta", "acesso pasta", "acceso a carpeta", "access to folder", "zugriff auf"],
        ("", "Access", "File share"),
        (12, 94, 2),
        "Server team",
        "Group membership set. Which share is it? Confirmed with the user.",
    ),
    kind(
        &["leaving employee", "desligamento", "cancelamento de usu", "austritt", "terminat"],
        ("", "User", "Leaver"),
        (30, 60, 3),
        "Identity team",
        "Account blocked, licences removed, mailbox converted.",
    ),
    kind(
        &["light user", "new user", "new employee", "new account", "novo usu", "onboarding", "neuer mitarbeiter"],
        ("", "User", "New starter"),
        (40, 85, 3),
        "Identity team",
        "Account created, welcome letter sent to the manager.",
    ),
    kind(
        &["password", "passwort", "passworrd", "senha", "contrase", "kennwort", "passcode"],
        ("", "Account", "Password"),
        (11, 0, 4),
        "Identity team",
        "Called back on the number on file and set a temporary password.",
    ),
    kind(
        &["locked out", "account locked", "unlock", "conta bloqueada", "cuenta bloqueada", "desbloque", "usuario bloqueado", "gesperrt"],
        ("", "Account", "Locked"),
        (9, 0, 4),
        "Identity team",
        "Unlocked it, the user signed in.",
    ),
    kind(
        &["okta", "mfa", "authenticator", "verify", "multifactor", "rsa token", "soft token"],
        ("", "Account", "MFA"),
        (16, 0, 10),
        "Identity team",
        "Removed the old phone and enrolled the new one.",
    ),
    kind(
        &["print", "impress", "impresor", "drucker", "toner", "scanner"],
        ("", "Hardware", "Printer"),
        (25, 0, 8),
        "Field service",
        "Driver installed again. Which printer is it? Prints.",
    ),
    kind(&["vpn", "globalprotect", "anyconnect"], ("", "Network", "VPN"), (22, 10, 12), "Network team", "Client updated, the tunnel is up."),
    kind(
        &["wifi", "wi-fi", "wlan", "network", "rede", "netzwerk"],
        ("", "Network", "Office network"),
        (30, 0, 30),
        "Network team",
        "Port checked, works again.",
    ),
    kind(&["phishing", "spam", "virus", "suspicious"], ("", "Security", "Mail"), (30, 0, 45), "Security team", "Blocked the sender."),
    kind(&["licen", "visio", "adobe"], ("", "Software", "Licence"), (18, 80, 2), "Purchasing", "Licence assigned."),
    kind(&["install", "instala"], ("", "Software", "Installation"), (25, 35, 4), "Client team", "Installed from the software centre."),
    kind(&["sap", "navision", "erp"], ("", "Software", "Business application"), (35, 10, 50), "Application team", "Passed to the application team."),
    kind(
        &["notebook", "laptop", "monitor", "mouse", "iphone", "phone", "celular", "usb"],
        ("", "Hardware", "Device"),
        (35, 20, 10),
        "Field service",
        "Exchanged.",
    ),
    kind(&[], ("Fileservice", "Access", "File share"), (15, 80, 4), "Server team", "Group membership set."),
    kind(&[], ("O365", "Mail", "Outlook"), (20, 5, 6), "Mail team", "Profile set up again."),
    kind(&[], ("Software", "Software", "Other"), (28, 5, 12), "Client team", "Repaired."),
    kind(&[], ("Active Directory", "Account", "Other"), (18, 25, 6), "Identity team", "Changed as asked."),
    kind(&[], ("Computer-Services", "Hardware", "Device"), (35, 5, 12), "Field service", "Repaired on site."),
];
const OTHER: Kind = kind(&[], ("", "General", "Request"), (20, 5, 10), "Client team", "Done.");

const CLIENTS: [(&str, &str); 6] = [
    ("Acme Foods", "acme"),
    ("Acme Foods", "acme"),
    ("Acme Foods", "acme"),
    ("Globex Energy", "globex"),
    ("Globex Energy", "globex"),
    ("Initech Labs", "initech"),
];
const DEPARTMENTS: [&str; 4] = ["Sales", "Finance", "Production", "Research"];
const PEOPLE: [&str; 14] = ["jane", "bob", "hans", "lee", "mia", "ada", "gina", "sid", "sam", "tom", "ines", "raul", "petra", "olu"];
const APPROVERS: [&str; 12] = [
    "Maria Gomez",
    "Tom Baker",
    "Ann Lindt",
    "Raj Patel",
    "Eva Stein",
    "Luis Prado",
    "Kim Olsen",
    "Zoe Ward",
    "Paul Roth",
    "Nina Falk",
    "Omar Aziz",
    "Ida Berg",
];
const TECHNICIANS: [&str; 4] = ["mkoch", "tford", "lsilva", "dross"];

const HEADERS: [&str; 21] = [
    "Ticket #",
    "Date Entered",
    "Date Closed",
    "Company",
    "Contact Email",
    "Department",
    "Summary",
    "Initial Description",
    "Board",
    "Status",
    "Type",
    "Subtype",
    "Priority",
    "Source",
    "Work Type",
    "Owner",
    "Actual Hours",
    "Reopened",
    "Escalated To",
    "Approved By",
    "Resolution",
];

/// The export as CSV, the same for a seed on any machine. `data` is the folder of the published tickets.
pub fn sample(data: &Path, seed: u64) -> Result<String> {
    let read = |file: &str| std::fs::read_to_string(data.join(file)).with_context(|| format!("cannot read `{file}`"));
    let trained: BTreeSet<String> = read("tickets.jsonl")?.lines().map(|line| Ok(serde_json::from_str::<Known>(line)?.id)).collect::<Result<_>>()?;
    let published: Vec<Published> = read("zenodo-7648117.jsonl")?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect::<Result<_>>()?;
    let mut dice = Dice { seed, rolled: 0 };
    let mut rows = Vec::new();
    for ticket in published.iter().filter(|ticket| !trained.contains(&format!("zen-{}", ticket.id))) {
        rows.push(row(ticket, &mut dice));
    }
    rows.sort();
    let mut export = line(&HEADERS);
    for (number, (_, mut row)) in (40_001..).zip(rows) {
        if let Some(first) = row.first_mut() {
            *first = format!("{number}");
        }
        // What every export has: a row with a broken date, one without words, one that comes twice.
        match number % 233 {
            50 => row.get_mut(1).into_iter().for_each(|date| *date = "see ticket".into()),
            150 => row.iter_mut().skip(6).take(2).for_each(String::clear),
            200 => export += &line(&row),
            _ => {}
        }
        export += &line(&row);
    }
    Ok(export)
}

/// A row of CSV.
fn line(cells: &[impl AsRef<str>]) -> String {
    let quoted = |cell: &str| if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_string() };
    cells.iter().map(|cell| quoted(cell.as_ref())).collect::<Vec<_>>().join(",") + "\n"
}

fn row(ticket: &Published, dice: &mut Dice) -> (i64, Vec<String>) {
    // What the maskers of the set wrote in the place of personal data tells nothing.
    let mut plain = ticket.text.to_lowercase();
    while let Some((from, to)) = plain.find('[').and_then(|from| Some((from, from + plain.get(from..)?.find(']')? + 1))) {
        plain.replace_range(from..to, " ");
    }
    let fits = |kind: &&Kind| if kind.words.is_empty() { kind.category == ticket.category } else { kind.words.iter().any(|word| plain.contains(word)) };
    let kind = KINDS.iter().find(fits).unwrap_or(&OTHER);
    let (client, domain) = dice.one(&CLIENTS, ("Acme Foods", "acme"));
    let department = dice.one(&DEPARTMENTS, "Sales");
    let person = dice.one(&PEOPLE, "jane");
    let opened = moment(dice);
    let minutes = (kind.minutes * (50 + dice.roll(120)) / 100).max(3);
    let closed = opened + i64::try_from(minutes * 60 + dice.roll(20 * 3_600)).unwrap_or_default();
    let hurried = dice.in_hundred(8);
    let escalated = dice.in_hundred(kind.escalated);
    let approver = dice.in_hundred(kind.approved).then(|| approver(client, department, kind, dice));
    // Half of all technicians fill the field, the others write it down.
    let in_words = dice.in_hundred(35);
    let closing = match approver.filter(|_| in_words) {
        Some(name) => format!("{} Approved by {name}.", kind.closing),
        None => kind.closing.to_string(),
    };
    let text: String = ticket.text.chars().take(LONGEST).collect();
    let cut = text.char_indices().nth(90).map_or(text.len(), |(at, _)| at);
    let (summary, description) = text.split_at(cut);
    let description = if description.is_empty() { "" } else { text.as_str() };
    let timed = !dice.in_hundred(6);
    let row = [
        "",
        &date(opened),
        &date(closed),
        client,
        &format!("{person}@{domain}.example"),
        department,
        summary,
        description,
        if kind.kind == "Monitoring" { "Alerts" } else { "Service Desk" },
        "Closed",
        if hurried { "General" } else { kind.kind },
        if hurried { "Request" } else { kind.subtype },
        "Priority 3",
        if kind.kind == "Monitoring" { "Monitoring" } else { dice.one(&["Email", "Email", "Phone", "Portal"], "Email") },
        "Remote",
        dice.one(&TECHNICIANS, "mkoch"),
        &if timed { format!("{:.2}", minutes as f64 / 60.0) } else { String::new() },
        if dice.in_hundred(3) { "Yes" } else { "No" },
        if escalated { kind.to } else { "" },
        approver.filter(|_| !in_words).unwrap_or_default(),
        &closing,
    ];
    (opened, row.map(str::to_string).to_vec())
}

/// Mostly on working days between eight and six.
fn moment(dice: &mut Dice) -> i64 {
    let mut day = dice.roll(DAYS);
    // 1 April 2026 is a Wednesday: day 3 is a Saturday.
    if matches!((day + 2) % 7, 5 | 6) && !dice.in_hundred(12) {
        day = (day + 2) % DAYS;
    }
    let hour = if dice.in_hundred(9) { dice.roll(24) } else { 8 + dice.roll(10) };
    BEGIN + i64::try_from(day * 86_400 + hour * 3_600 + dice.roll(3_600)).unwrap_or_default()
}

/// Everybody has an approver, who is away now and then.
fn approver(client: &str, department: &str, kind: &Kind, dice: &mut Dice) -> &'static str {
    if dice.in_hundred(7) {
        return dice.one(&APPROVERS, "Maria Gomez");
    }
    // Shares and mailboxes belong to departments, all else to one person of the client.
    let of = if matches!(kind.kind, "Access" | "Mail") { department } else { "" };
    let hash = sha256_hex(format!("{client} {of} {}", kind.kind).as_bytes());
    let at = usize::from_str_radix(hash.get(..8).unwrap_or_default(), 16).unwrap_or_default() % APPROVERS.len();
    APPROVERS.get(at).copied().unwrap_or_default()
}

fn date(at: i64) -> String {
    jiff::Timestamp::from_second(at).map_or_else(|_| String::new(), |stamp| stamp.strftime("%m/%d/%Y %-I:%M %p").to_string())
}
