//! What the vendors share: the acts, how a refusal is read, and how a change is confirmed.

use crate::bindings::exports::firstline::idp::idp::{Account, Act, Escalation, Manager, Outcome, Person, Report, Subject, Task, Watched};
use crate::{entra::Entra, okta::Okta};
use firstline_connector::replay::{Changed, Io, Read, Stop, end};
use firstline_connector::types::Error;
use firstline_connector::wire::{Request, Response};
use serde::de::DeserializeOwned;

/// The name of the one secret that this stage yields.
pub(crate) const SECRET: &str = "temporary-password";

/// How often a state is read back, and the pause between: both vendors' reads may lag behind a change.
const LOOKS: u32 = 3;
const PAUSE: u32 = 2;

/// People whom a name may mean that are told apart; one more means too many.
pub(crate) const PEOPLE: usize = 4;

/// What connector code returns: a value, or where it stopped. Boxed, because every `?` moves it.
pub(crate) type Flow<T> = Result<T, Stop<Box<Outcome>>>;

/// One identity provider. Each act is straight-line code that is replayed from its first line.
pub(crate) trait Directory {
    /// Finds the one account, and what guardrails need to know of it.
    fn find(&self, io: &mut Io, login: &str) -> Flow<Outcome>;
    /// Whom the directory names as the manager of this account's owner; none if they may not sign in.
    fn manager(&self, io: &mut Io, id: &str) -> Flow<Option<Manager>>;
    /// The groups that this account belongs to, where finding it did not show them.
    fn groups(&self, io: &mut Io, account: &Account) -> Flow<Vec<String>> {
        let _ = io;
        Ok(account.groups.clone())
    }
    /// Unlocks.
    fn unlock(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome>;
    /// Sets a temporary password.
    fn reset_password(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome>;
    /// Ends every session.
    fn revoke_sessions(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome>;
    /// Takes away what hung on a lost phone, and issues a pass.
    fn reset_factors(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome> {
        let _ = io;
        escalate("vendor-refused", format!("factors of `{}` are reset by hand here; nothing was changed", subject.login))
    }
    /// Who may be meant by these words of a text: an address, or a name. They are hostile.
    fn look_up(&self, io: &mut Io, words: &[&str]) -> Flow<Outcome>;
    /// Which groups may be meant by these words. They are hostile.
    fn look_up_group(&self, io: &mut Io, words: &[&str]) -> Flow<Outcome>;
    /// Which mailboxes.
    fn look_up_mailbox(&self, io: &mut Io, words: &[&str]) -> Flow<Outcome> {
        let _ = (io, words);
        escalate("no-mailboxes", "this directory knows no mailboxes")
    }
    /// When the account first signed in since this moment.
    fn first_sign_in(&self, io: &mut Io, watched: &Watched) -> Flow<Option<String>>;
    /// Looks for a new factor.
    fn check_factors(&self, io: &mut Io, subject: &Subject) -> Flow<Outcome> {
        self.reset_factors(io, subject)
    }
}

/// Goes on with a task at the directory it names.
pub(crate) fn act(io: &mut Io, task: &Task) -> Flow<Outcome> {
    let directory: &dyn Directory = match task.vendor.as_str() {
        "entra" => &Entra,
        "okta" => &Okta,
        other => return Err(Error::Unsupported(format!("vendor `{other}`")).into()),
    };
    match &task.act {
        Act::Find(sought) => match directory.find(io, sought.name.trim())? {
            Outcome::Found(account) => {
                let manager = if sought.manager { directory.manager(io, &account.id)? } else { None };
                let groups = if sought.groups { directory.groups(io, &account)? } else { account.groups };
                Ok(Outcome::Found(Account { manager, groups, ..account }))
            }
            other => Ok(other),
        },
        Act::Unlock(subject) => directory.unlock(io, named(subject)?),
        Act::ResetPassword(subject) => directory.reset_password(io, named(subject)?),
        Act::RevokeSessions(subject) => directory.revoke_sessions(io, named(subject)?),
        Act::ResetFactors(subject) => directory.reset_factors(io, named(subject)?),
        Act::CheckFactors(subject) => directory.check_factors(io, named(subject)?),
        Act::FirstSignIn(watched) => {
            identified(&watched.account)?;
            Ok(Outcome::SignedIn(directory.first_sign_in(io, watched)?))
        }
        Act::LookUp(name) | Act::LookUpGroup(name) | Act::LookUpMailbox(name) => match (&task.act, name.split_whitespace().collect::<Vec<_>>().as_slice()) {
            (_, []) => Ok(Outcome::People(Vec::new())),
            (Act::LookUpGroup(_), words) => directory.look_up_group(io, words),
            (Act::LookUpMailbox(_), words) => directory.look_up_mailbox(io, words),
            (_, words) => directory.look_up(io, words),
        },
    }
}

/// A change to an account without an id would fall back on a name, which may have moved to somebody else.
fn named(subject: &Subject) -> Flow<&Subject> {
    identified(&subject.id).map(|()| subject)
}

fn identified(id: &str) -> Flow<()> {
    if id.trim().is_empty() { Err(Error::Invalid("the subject has no id".into()).into()) } else { Ok(()) }
}

/// A query as it is sent.
pub(crate) fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
    query.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

/// Hands the case to a human.
pub(crate) fn escalate<T>(code: &str, text: impl Into<String>) -> Flow<T> {
    end(Box::new(Outcome::Escalate(Escalation { code: code.into(), text: text.into() })))
}

/// Done and read back.
pub(crate) fn changed(evidence: Vec<String>, secret: Option<&str>) -> Outcome {
    Outcome::Changed(Report { evidence, secret: secret.map(Into::into) })
}

/// The account as it stands just before acting must be the one that was judged, and still one that may be touched (P-11, P-14).
pub(crate) fn fit(account: &Account, subject: &Subject) -> Flow<String> {
    let (login, id) = (&account.login, &account.id);
    if *id != subject.id {
        return escalate("wrong-target", format!("another account answered for id `{}`; nothing was changed", subject.id));
    }
    if !account.privileged.is_empty() {
        return escalate("privileged", format!("`{login}` is privileged: {}; nothing was changed", account.privileged.join(", ")));
    }
    if account.guest {
        return escalate("guest", format!("`{login}` is a guest of the directory; nothing was changed"));
    }
    if !account.enabled {
        return escalate("disabled", format!("`{login}` may not sign in ({}); nothing was changed", account.state));
    }
    if account.synced {
        return escalate("synced", format!("`{login}` is mastered in another directory and has to be changed there; nothing was changed"));
    }
    Ok(format!("read `{login}` ({id}) just before: {}, not privileged, not a guest, not synced", account.state))
}

/// The body of a read that has to succeed.
pub(crate) fn body<D: DeserializeOwned>(read: &Read, what: &str, needs: &str) -> Flow<D> {
    match read {
        Read::Answered(response) if ok(response) => Ok(read.json()?),
        Read::Answered(response) => {
            let (code, text) = refusal(response, &format!("reading {what}"), needs);
            escalate(code, text)
        }
        Read::Down => escalate("vendor-down", format!("reading {what}: no answer")),
    }
}

/// A change, and what a refusal of it means.
pub(crate) struct Change<'a> {
    /// What is sent.
    pub(crate) request: Request,
    /// What it does, for sentences.
    pub(crate) what: &'a str,
    /// What the vendor demands of the credential (P-16).
    pub(crate) needs: &'a str,
}

/// Sends a change once. None: it may or may not have been applied. `lost`: so was the reply to an earlier one.
pub(crate) fn sent(io: &mut Io, change: &Change, lost: bool) -> Flow<Option<Response>> {
    let what = change.what;
    let (code, text) = match io.change(change.request.clone())? {
        Changed::Answered(response) if ok(&response) => return Ok(Some(response)),
        Changed::Unknown => return Ok(None),
        Changed::Answered(response) => refusal(&response, what, change.needs),
        Changed::NotApplied => ("vendor-down", format!("{what}: the vendor did not take the request")),
    };
    if lost {
        return escalate("unknown-outcome", format!("{text}; an earlier request, whose reply was lost, may have been applied"));
    }
    escalate(code, format!("{text}; it was not applied"))
}

/// Sends a change until its effect is read back: once, and once more if the reply was lost and the read-back says that it was not applied.
/// `read_back` says what it saw, or none if the effect is not there.
pub(crate) fn confirmed(io: &mut Io, change: &Change, evidence: &mut Vec<String>, mut read_back: impl FnMut(&mut Io) -> Flow<Option<String>>) -> Flow<()> {
    let what = change.what;
    for lost in [false, true] {
        let answer = sent(io, change, lost)?;
        evidence.push(match &answer {
            Some(response) => format!("{what}: answered {}", response.status),
            None => format!("{what}: the reply was lost"),
        });
        match (read_back(io)?, answer) {
            (Some(seen), _) => {
                evidence.push(seen);
                return Ok(());
            }
            (None, Some(response)) => {
                let text = format!("{what}: answered {}, but the change did not show in {LOOKS} reads; it may have been applied", response.status);
                return escalate("read-back-failed", text);
            }
            (None, None) => evidence.push("read back: not applied".into()),
        }
    }
    escalate("unknown-outcome", format!("{what}: the reply was lost twice and the change did not show; it may still be applied"))
}

/// Sends a change that does no harm when sent twice, and once more if the reply was lost.
pub(crate) fn repeatable(io: &mut Io, change: &Change) -> Flow<Vec<String>> {
    let what = change.what;
    for lost in [false, true] {
        if let Some(response) = sent(io, change, lost)? {
            return Ok(vec![format!("{what}: answered {}", response.status)]);
        }
    }
    escalate("unknown-outcome", format!("{what}: the reply was lost twice"))
}

/// Reads until `holds` says what it saw, a few times with a pause. A read that fails is a read that does not show it.
pub(crate) fn shows<D: DeserializeOwned>(io: &mut Io, request: &Request, holds: impl Fn(&D) -> Option<String>) -> Flow<Option<String>> {
    for look in 0..LOOKS {
        if look > 0 {
            io.wait(PAUSE)?;
        }
        if let Some(seen) = io.read(request.clone())?.json().ok().and_then(|state| holds(&state)) {
            return Ok(Some(seen));
        }
    }
    Ok(None)
}

/// Every word of a name is a whole word of what somebody is called.
pub(crate) fn is_called<'a>(words: &[&str], called: impl IntoIterator<Item = &'a str>) -> bool {
    let known: Vec<String> = called.into_iter().flat_map(|name| name.split(|c: char| c.is_whitespace() || c == ',')).map(str::to_lowercase).collect();
    words.iter().all(|word| known.contains(&word.to_lowercase()))
}

/// A name that is this one, or begins with it and goes on with another word: `startswith` also finds longer words.
pub(crate) fn begins(name: &str, with: &str) -> bool {
    name.to_lowercase().strip_prefix(&with.to_lowercase()).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// What the human who gets a name wants to know of an account.
pub(crate) fn person(account: Account, department: Option<String>) -> Person {
    let Account { id, login, names, name, state, guest, synced, privileged, .. } = account;
    let marks = [(guest, "a guest of the directory"), (synced, "mastered in another directory")];
    let marks = marks.into_iter().filter(|(so, _)| *so).map(|(_, mark)| mark.to_string());
    let department = department.map(|text| text.trim().to_string()).filter(|text| !text.is_empty());
    Person { id, login, names, name, department, state, marks: privileged.into_iter().chain(marks).collect() }
}

/// Names in lower case, without blanks and repetitions, in the order given.
pub(crate) fn names<'a>(all: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names = Vec::new();
    for name in all.into_iter().map(|name| name.trim().to_lowercase()) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The first of these that has the form of a language tag. A user may write anything there.
pub(crate) fn locale<'a>(tags: impl IntoIterator<Item = Option<&'a str>>) -> Option<String> {
    let plain = |tag: &&str| (2..=35).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    tags.into_iter().flatten().map(str::trim).find(plain).map(Into::into)
}

/// Telephone numbers as they are on record, without blanks and repetitions.
pub(crate) fn phones<'a>(all: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut phones: Vec<String> = Vec::new();
    for phone in all.into_iter().map(|phone| phone.trim()) {
        if phone.chars().any(|c| c.is_ascii_digit()) && !phones.iter().any(|known| known == phone) {
            phones.push(phone.into());
        }
    }
    phones
}

/// The vendor's own code of an error: `/error/code` at Microsoft, `/errorCode` at Okta. Its message may quote what was sent, so it is left out.
pub(crate) fn vendor_code(response: &Response) -> String {
    let body: serde_json::Value = serde_json::from_str(&response.body).unwrap_or_default();
    let code = body.pointer("/error/code").or_else(|| body.pointer("/errorCode")).and_then(|code| code.as_str()).unwrap_or_default();
    code.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).take(64).collect()
}

fn ok(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

/// What a failure means: a code for the case, and a text for the technician.
fn refusal(response: &Response, doing: &str, needs: &str) -> (&'static str, String) {
    let (status, code) = (response.status, vendor_code(response));
    let seen = if code.is_empty() { format!("{doing}: answered {status}") } else { format!("{doing}: answered {status} `{code}`") };
    match status {
        // Okta's word for an account that cannot be unlocked; no permission would help.
        403 if code == "E0000032" => ("vendor-refused", seen),
        401 | 403 => ("permission-missing", format!("{seen}; the connection needs {needs}")),
        404 => ("not-found", seen),
        429 | 500.. => ("vendor-down", seen),
        _ => ("vendor-refused", seen),
    }
}
