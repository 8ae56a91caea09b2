use super::super::tests::{Play, account, event, replay};
use super::*;
use crate::journal::Fact;
use crate::mailbox::Answer;
use crate::stage::{Account, Contact, Contacts, Lock, Verdict};
use crate::tenant::{Reach, read, read_msp, resolve};
use serde_json::json;

const MINUTE: u64 = 60_000;

/// A client of an MSP with a chat of its own, with Nia and Tom as staff and Mo as an approver at the client.
pub(in crate::case) fn play(approvals: serde_json::Value) -> Play {
    let mut play = Play::new("okta", Lock::Locked);
    let msp = json!({
        "brand": {"name": "Northwind IT", "phone": "+1 555 0100"},
        "connections": [{"id": "nw-slack", "vendor": "slack", "account": {"team": "T0NW"}}],
        "staff": [
            {"name": "Nia", "role": "approver", "workspace": "T0NW", "user": "U0NIA"},
            {"name": "Tom", "role": "technician", "workspace": "T0NW", "user": "U0TOM"},
        ],
        "time_zone": "UTC",
        "approvals": approvals,
    });
    let mut document = serde_json::to_value(&play.tenant).unwrap();
    let members = document.as_object_mut().unwrap();
    for inherited in ["msp", "staff", "approvals", "time_zone", "hours", "holidays"] {
        members.remove(inherited);
    }
    let msp = read_msp(msp.to_string().as_bytes(), &Reach::default()).unwrap();
    let document = read("acme", document.to_string().as_bytes(), &Reach::default()).unwrap();
    play.tenant = resolve(Some(&msp), &document).unwrap();
    play
}

pub(in crate::case) fn channel() -> serde_json::Value {
    json!({"channel": "C0STAFF"})
}

/// Everything up to the question whether somebody agrees, which a rule wants.
fn asked(approvals: serde_json::Value, rule: &str) -> Play {
    let mut play = play(approvals);
    play.line("says account_unlock, who, find, open, allow, offer, press yes");
    play.decide_by(Verdict::Approval, rule);
    play
}

fn in_chat(play: &mut Play, user: &str, choice: &str) -> Event {
    play.number += 1;
    let staff = Event {
        tenant: MSP.into(),
        connection: "nw-slack".into(),
        workspace: "T0NW".into(),
        author_workspace: None,
        channel: "C0STAFF".into(),
        to: Some(play.state.id.clone()),
        ..event(play.number, user, Act::Press(choice.into()), play.now)
    };
    if user == "U0MO" { Event { tenant: "acme".into(), connection: "chat".into(), workspace: "T1".into(), channel: "D0MO".into(), ..staff } } else { staff }
}

/// Somebody presses a button of the request that waits, or of the last one.
pub(in crate::case) fn press(play: &mut Play, user: &str, choice: &str) -> String {
    let event = in_chat(play, user, choice);
    let case = play.state.case.as_ref().unwrap();
    let press = Press { case: case.id.clone(), offer: format!("a{}", case.asks), choice: choice.into() };
    let before = play.state.counted;
    play.take(event, Some(press));
    started(play, before)
}

pub(in crate::case) fn started(play: &Play, before: u32) -> String {
    let number = |task: &Task| task.id.trim_start_matches('t').parse::<u32>().unwrap();
    let show = |task: &Task| match &task.work {
        Work::Chat(ChatAct::Say(message) | ChatAct::Replace(_, message)) => format!("{} in {}", message.words.sentence, message.channel),
        Work::Chat(ChatAct::Who(user)) => format!("who is {user}"),
        other => format!("{other:?}").chars().take_while(|c| c.is_alphanumeric() || *c == '(').collect(),
    };
    play.state.tasks.iter().filter(|task| number(task) > before).map(show).collect::<Vec<_>>().join(", ")
}

pub(in crate::case) fn phase(play: &Play) -> String {
    let case = play.state.case.as_ref().unwrap();
    let why = case.handover.as_ref().map_or(String::new(), |(code, _)| format!(" ({code})"));
    format!("{:?}{why}", case.phase)
}

fn purposes(play: &Play, of: &Purpose) -> Vec<Task> {
    play.state.tasks.iter().filter(|task| task.purpose == *of).cloned().collect()
}

pub(in crate::case) fn evidence(play: &Play) -> String {
    play.state.case.as_ref().unwrap().evidence.join("\n")
}

#[test]
fn one_press_of_a_technician_lets_a_plan_go_after_the_account_was_read_again() {
    let mut play = asked(channel(), "supervised");
    assert_eq!(phase(&play), "Approving");
    let posts = purposes(&play, &Purpose::Ask);
    assert!(matches!(&posts[..], [Task { connection, work: Work::Chat(ChatAct::Say(message)), .. }]
        if connection == "nw-slack" && message.channel == "C0STAFF" && message.words.sentence == "approve-unlock" && message.buttons.len() == 4));
    play.line("ask");
    assert_eq!(press(&mut play, "U0TOM", "approve"), "who is U0TOM");
    let before = play.state.counted;
    play.line("approver");
    assert_eq!(started(&play, before), "approval-given in C0STAFF, Idp(Find(Sought");
    play.line("find");
    let question = play.state.asked.clone().unwrap();
    assert_eq!(question.approvals.len(), 1);
    assert_eq!((question.approvals[0].staff(), question.approvals[0].approver(&play.tenant)), (true, false));
    assert_eq!(play.line("allow"), "acting: unlock");
    let case = play.state.case.as_ref().unwrap();
    assert!(case.approvals.is_empty(), "a yes is used once");
    assert!(evidence(&play).contains("(T0NW/U0TOM) in C0STAFF answered request a1 (message p"), "{}", evidence(&play));
    replay(&play);
}

#[test]
fn a_press_after_its_time_counts_no_more_though_no_tick_has_come() {
    let mut play = asked(channel(), "supervised");
    play.line("ask");
    play.now = play.state.case.as_ref().unwrap().ask.as_ref().unwrap().expires;
    assert_eq!(press(&mut play, "U0NIA", "approve"), "approval-over in C0STAFF");
    assert!(purposes(&play, &Purpose::Approver).is_empty());
}

#[test]
fn a_no_and_a_technician_who_takes_over_end_in_a_human_with_the_ticket() {
    for (choice, sentence, code) in
        [("decline", "approval-declined in C0STAFF", "approval-declined"), ("take-over", "approval-taken in C0STAFF", "approver-took-over")]
    {
        let mut play = asked(channel(), "supervised");
        play.line("ask");
        press(&mut play, "U0NIA", choice);
        let before = play.state.counted;
        play.line("approver");
        assert!(started(&play, before).starts_with(sentence), "{}", started(&play, before));
        assert_eq!(phase(&play), format!("HandingOver ({code})"));
        assert!(play.state.case.as_ref().unwrap().approvals.is_empty());
    }
}

#[test]
fn nobody_but_whom_the_documents_name_can_answer() {
    let mut play = asked(channel(), "supervised");
    play.line("ask");
    // Another user of the MSP's workspace, the requester in it, and somebody whose own workspace is another.
    for user in ["U0NOBODY", "U1"] {
        assert_eq!(press(&mut play, user, "approve"), "approval-not-yours in C0STAFF", "{user}");
    }
    let press_of = |play: &Play| Press { case: play.state.case.as_ref().unwrap().id.clone(), offer: "a1".into(), choice: "approve".into() };
    for change in [
        |event: &mut Event| event.author_workspace = Some("T0OTHER".into()),
        |event: &mut Event| event.workspace = "T0OTHER".into(),
        |event: &mut Event| event.connection = "other".into(),
        |event: &mut Event| event.tenant = "globex".into(),
    ] {
        let mut event = in_chat(&mut play, "U0NIA", "approve");
        change(&mut event);
        let press = press_of(&play);
        let before = play.state.counted;
        play.take(event, Some(press));
        assert_eq!(started(&play, before), "");
    }
    // Without a good MAC there is no press at all.
    let event = in_chat(&mut play, "U0NIA", "approve");
    let before = play.state.counted;
    play.take(event, None);
    assert_eq!((started(&play, before), phase(&play)), (String::new(), "Approving".into()));
}

#[test]
fn where_an_approver_is_wanted_a_technician_may_decline_and_not_approve() {
    for rule in ["change-freeze", "approval-by-settings"] {
        let mut play = asked(channel(), rule);
        play.line("ask");
        assert_eq!(press(&mut play, "U0TOM", "approve"), "approval-not-yours in C0STAFF", "{rule}");
        assert_eq!(press(&mut play, "U0NIA", "approve"), "who is U0NIA", "{rule}");
        let mut play = asked(channel(), rule);
        play.line("ask");
        assert_eq!(press(&mut play, "U0TOM", "decline"), "who is U0TOM", "{rule}");
    }
}

#[test]
fn words_are_answered_with_the_buttons_a_few_times() {
    let mut play = asked(channel(), "supervised");
    play.line("ask");
    for round in 0..6 {
        let event = Event { act: Act::Message("approved".into()), thread: Some("1.2".into()), ..in_chat(&mut play, "U0TOM", "") };
        let before = play.state.counted;
        play.take(event, None);
        let expect = if round < 4 { "approval-press in C0STAFF, approve-unlock in C0STAFF" } else { "" };
        assert_eq!(started(&play, before), expect, "{round}");
        if round < 4 {
            play.line("ask");
        }
    }
    // Somebody else's words are not heard at all.
    let event = Event { act: Act::Message("approved".into()), ..in_chat(&mut play, "U0NOBODY", "") };
    let before = play.state.counted;
    play.take(event, None);
    assert_eq!((started(&play, before), phase(&play)), (String::new(), "Approving".into()));
}

#[test]
fn a_guest_or_somebody_who_left_does_not_count_and_another_answer_still_does() {
    let mut play = asked(channel(), "supervised");
    play.line("ask");
    press(&mut play, "U0NIA", "approve");
    // While Nia is looked up, a second answer is no news.
    assert_eq!(press(&mut play, "U0TOM", "decline"), "");
    let gone = Profile { id: "U0NIA".into(), workspace: "T0NW".into(), email: None, name: "Nia".into(), guest: false, inactive: true, locale: None };
    play.done("approver", Some(Outcome::Profile(gone)), true);
    assert_eq!(phase(&play), "Approving");
    assert!(evidence(&play).contains("the answer of `U0NIA` does not count"));
    assert_eq!(press(&mut play, "U0TOM", "approve"), "who is U0TOM");
}

#[test]
fn the_api_answers_too_and_what_stands_in_the_chat_is_replaced() {
    for (owner, mac) in [(true, true), (false, true), (true, false)] {
        let mut play = asked(channel(), "supervised");
        play.line("ask");
        let answer = Answer { signed: String::new(), by: "Ada".into(), owner, mac: String::new() };
        let event = Event { to: Some(play.state.id.clone()), ..event(90, "", Act::Answer(answer), play.now) };
        let press = Press { case: play.state.case.as_ref().unwrap().id.clone(), offer: "a1".into(), choice: "approve".into() };
        let before = play.state.counted;
        play.take(event, mac.then_some(press));
        if !mac {
            assert_eq!(started(&play, before), "");
            continue;
        }
        assert_eq!(started(&play, before), "approval-given in C0STAFF, Idp(Find(Sought");
        play.line("find");
        let question = play.state.asked.clone().unwrap();
        assert_eq!((question.approvals[0].names.clone(), question.approvals[0].approver(&play.tenant)), (vec!["api/Ada".to_string()], owner));
    }
}

#[test]
fn what_the_matrix_wants_is_asked_of_the_client_first_and_of_the_msp_when_nobody_answers() {
    let people =
        json!({"channel": "C0STAFF", "people": [{"name": "Mo", "user": "U0MO"}, {"name": "Jane", "user": "U1"}], "remind_minutes": 30, "expire_minutes": 60});
    let mut play = asked(people, "approval-by-settings");
    // The requester is named too, and is not asked.
    assert_eq!(purposes(&play, &Purpose::Ask).len(), 1);
    play.line("ask");
    play.line("ask");
    play.line("wait 20");
    assert!(purposes(&play, &Purpose::Ask).is_empty());
    let before = play.state.counted;
    play.line("wait 11");
    assert_eq!(started(&play, before), "approve-unlock in C0STAFF, approval-reminder in D9");
    play.line("ask");
    assert_eq!(press(&mut play, "U1", "approve"), "approval-not-yours in C0STAFF");
    let before = play.state.counted;
    play.line("wait 30");
    assert_eq!(phase(&play), "HandingOver (approval-expired)");
    assert!(started(&play, before).contains("approval-over in D9, approval-over in C0STAFF"), "{}", started(&play, before));
    // Too late.
    assert_eq!(press(&mut play, "U0NIA", "approve"), "approval-over in C0STAFF");
    assert_eq!(phase(&play), "HandingOver (approval-expired)");
    replay(&play);
}

#[test]
fn an_approver_at_the_client_says_yes_in_the_clients_own_chat() {
    let people = json!({"channel": "C0STAFF", "people": [{"name": "Mo", "user": "U0MO"}]});
    let mut play = asked(people.clone(), "approval-by-settings");
    play.line("ask");
    play.line("ask");
    assert_eq!(press(&mut play, "U0MO", "approve"), "who is U0MO");
    play.line("approver");
    play.line("find");
    let approval = play.state.asked.clone().unwrap().approvals[0].clone();
    assert_eq!((approval.staff(), approval.approver(&play.tenant), approval.stands(&play.tenant)), (false, true, true));
    // Taken off the list before it is used, Mo's yes counts no more.
    play.tenant.approvals.people.clear();
    assert!(!approval.stands(&play.tenant));
    // Where a supervised client also wants a technician, that is asked next.
    play.tenant.approvals = serde_json::from_value(people).unwrap();
    play.decide_by(Verdict::Approval, "supervised");
    let posts = purposes(&play, &Purpose::Ask);
    assert!(matches!(&posts[..], [Task { connection, .. }] if connection == "nw-slack"), "{posts:?}");
    assert_eq!(play.state.case.as_ref().unwrap().approvals.len(), 1, "the first yes waits for the second");
}

#[test]
fn a_yes_fits_one_change_of_one_account_for_a_short_time() {
    let mut play = asked(channel(), "supervised");
    play.line("ask");
    press(&mut play, "U0NIA", "approve");
    play.line("approver");
    let case = play.state.case.clone().unwrap();
    assert_eq!(bound(&case, "account_unlock", "u1", play.now).len(), 1);
    for (action, target, after) in [("password_reset", "u1", 0), ("account_unlock", "u2", 0), ("account_unlock", "u1", GRANT_TIME)] {
        assert!(bound(&case, action, target, play.now + after).is_empty(), "{action} {target} {after}");
    }
    // Another account than the one that was shown is not what was agreed to.
    let other = Account { id: "u2".into(), ..account() };
    play.done("find", Some(Outcome::Found(other)), true);
    assert!(play.state.asked.clone().unwrap().approvals.is_empty());
}

fn with_manager(address: Option<&str>) -> Account {
    let manager = address.map(|address| Manager { id: "m1".into(), name: "Mona".into(), address: address.into() });
    Account { manager, ..account() }
}

/// Everything up to the question, with the manager asked for where the directory names one.
fn asked_the_manager(address: Option<&str>) -> Play {
    let mut play = play(json!({"channel": "C0STAFF", "manager": true}));
    play.line("says account_unlock, who");
    play.done("find", Some(Outcome::Found(with_manager(address))), true);
    play.line("open, allow, offer, press yes");
    play.decide_by(Verdict::Approval, "approval-by-settings");
    play
}

fn user(id: &str, email: &str, guest: bool) -> Option<Outcome> {
    let (email, name) = (Some(email.to_string()), "Mona".to_string());
    Some(Outcome::Profile(Profile { id: id.into(), workspace: "T1".into(), email, name, guest, inactive: false, locale: None }))
}

#[test]
fn the_manager_whom_the_directory_names_is_asked_and_counts_only_while_they_are_it() {
    let mut play = asked_the_manager(Some("mona@acme.example"));
    assert_eq!(purposes(&play, &Purpose::Ask).len(), 1, "only the manager is asked");
    play.done("ask", user("U0MO", "Mona@acme.example", false), true);
    play.done("ask", Some(Outcome::Opened("D0MO".into())), true);
    play.line("ask");
    // Nobody else of the client may answer.
    assert_eq!(press(&mut play, "U1", "approve"), "approval-not-yours in C0STAFF");
    assert_eq!(press(&mut play, "U0MO", "approve"), "who is U0MO");
    play.done("approver", user("U0MO", "mona@acme.example", false), true);
    assert!(evidence(&play).contains("Mona (U0MO), the requester's manager, in D0MO answered request a1"), "{}", evidence(&play));
    // When the account was read again she is it no more.
    let mut left = with_manager(Some("mona@acme.example"));
    left.manager = None;
    let (mut still, mut gone) = (play.state.clone(), play.state.clone());
    let find = |state: &mut State, tenant: &Tenant, account: Account, now| {
        let task = state.tasks.iter().find(|task| task.purpose == Purpose::Find).unwrap().id.clone();
        super::super::apply(state, &Fact::Done { task, outcome: Outcome::Found(account) }, tenant, now);
        let question = state.asked.clone().unwrap();
        question.standing(tenant, now).filter(|approval| approval.approver(tenant)).count()
    };
    assert_eq!(find(&mut still, &play.tenant, with_manager(Some("mona@acme.example")), play.now), 1);
    assert_eq!(find(&mut gone, &play.tenant, left, play.now), 0);
    // Nor does her yes count where the client does not want managers any more.
    play.tenant.approvals.manager = false;
    let question = still.asked.unwrap();
    assert_eq!(question.standing(&play.tenant, play.now).count(), 0);
    replay(&asked_the_manager(Some("mona@acme.example")));
}

#[test]
fn where_no_manager_can_be_asked_the_msps_people_are() {
    let mut play = asked_the_manager(None);
    assert!(evidence(&play).contains("names no manager") && play.state.case.as_ref().unwrap().ask.as_ref().unwrap().staff);
    // A guest, the requester, and somebody with another address are not the manager.
    for (id, email, guest) in [("U0MO", "mona@acme.example", true), ("U1", "mona@acme.example", false), ("U0MO", "mo@acme.example", false)] {
        play = asked_the_manager(Some("mona@acme.example"));
        let before = play.state.counted;
        play.done("ask", user(id, email, guest), true);
        assert_eq!(started(&play, before), "approve-unlock in C0STAFF", "{id} {email}");
        assert_eq!(play.state.case.as_ref().unwrap().ask.as_ref().unwrap().manager, None);
    }
}

fn contact(id: u64, address: &str, kind: &str) -> Contact {
    Contact { id, name: "Mona".into(), addresses: vec![address.into()], types: vec![kind.into()] }
}

/// Everything up to the question, with these contacts of the client.
fn asked_contacts(people: Vec<Contact>) -> Play {
    let mut play = play(json!({"channel": "C0STAFF", "contact_types": ["Approver"]}));
    play.line("says account_unlock, who, find, open");
    assert!(play.state.asked.is_none(), "nothing is judged before the contacts are known");
    play.done("contacts", Some(Outcome::Contacts(people)), true);
    play.line("allow, offer, press yes");
    play.decide_by(Verdict::Approval, "approval-by-settings");
    play
}

#[test]
fn contacts_of_the_right_type_are_asked_and_count_only_while_they_have_it() {
    let people = || vec![contact(1, "jane@acme.example", "Approver"), contact(2, "mona@acme.example", "Approver"), contact(3, "bob@acme.example", "VIP")];
    let mut play = asked_contacts(people());
    let asked = purposes(&play, &Purpose::Ask);
    assert!(matches!(&asked[..], [Task { work: Work::Chat(ChatAct::Find(address)), .. }] if address == "mona@acme.example"), "{asked:?}");
    play.done("ask", user("U0MO", "Mona@acme.example", false), true);
    play.done("ask", Some(Outcome::Opened("D0MO".into())), true);
    play.line("ask");
    assert_eq!(press(&mut play, "U1", "approve"), "approval-not-yours in C0STAFF");
    assert_eq!(press(&mut play, "U0MO", "approve"), "who is U0MO");
    // Whoever has that user id, but another address by now, is not the contact.
    let mut moved = play.state.clone();
    let task = moved.tasks.iter().find(|task| task.purpose == Purpose::Approver).unwrap().id.clone();
    super::super::apply(&mut moved, &Fact::Done { task, outcome: user("U0MO", "mo@acme.example", false).unwrap() }, &play.tenant, play.now);
    assert!(moved.case.as_ref().unwrap().approvals.is_empty() && moved.asked.is_none());
    play.done("approver", user("U0MO", "mona@acme.example", false), true);
    assert!(evidence(&play).contains("Mona (U0MO), mona@acme.example, a contact who may approve"), "{}", evidence(&play));
    // Account and contacts are read again before the yes is used.
    play.line("find");
    assert!(play.state.asked.is_none());
    let after = |people: Vec<Contact>, tenant: &Tenant| {
        let mut state = play.state.clone();
        let task = state.tasks.iter().find(|task| task.purpose == Purpose::Contacts).unwrap().id.clone();
        super::super::apply(&mut state, &Fact::Done { task, outcome: Outcome::Contacts(people) }, &play.tenant, play.now);
        state.asked.unwrap().standing(tenant, play.now).filter(|approval| approval.approver(tenant) && !approval.staff()).count()
    };
    assert_eq!(after(people(), &play.tenant), 1);
    assert_eq!(after(Vec::new(), &play.tenant), 0);
    assert_eq!(after(vec![contact(2, "mona@acme.example", "VIP")], &play.tenant), 0);
    let mut tenant = play.tenant.clone();
    tenant.approvals.contact_types.clear();
    assert_eq!(after(people(), &tenant), 0);
    tenant.approvals.contact_types = vec!["Approver".into(), "Owner".into()];
    assert_eq!(after(people(), &tenant), 0, "a type that was not asked for says nothing");
    replay(&play);
}

#[test]
fn where_no_contact_can_be_asked_the_msps_people_are() {
    for people in [vec![], vec![contact(1, "jane@acme.example", "Approver")], vec![contact(1, "mona@acme.example", "VIP")]] {
        let play = asked_contacts(people);
        assert!(evidence(&play).contains("knows no other contact of type Approver") && play.state.case.as_ref().unwrap().ask.as_ref().unwrap().staff);
    }
    for (id, email, guest) in [("U0MO", "mona@acme.example", true), ("U1", "mona@acme.example", false), ("U0MO", "mo@acme.example", false)] {
        let mut play = asked_contacts(vec![contact(2, "mona@acme.example", "Approver")]);
        let before = play.state.counted;
        play.done("ask", user(id, email, guest), true);
        assert_eq!(started(&play, before), "approve-unlock in C0STAFF", "{id} {email}");
        assert!(play.state.case.as_ref().unwrap().ask.as_ref().unwrap().contacts.is_empty());
    }
    // The PSA does not say: a human decides.
    let mut play = play(json!({"channel": "C0STAFF", "contact_types": ["Approver"]}));
    play.line("says account_unlock, who, find, open");
    play.done("contacts", Some(Outcome::Escalate("vendor-refused".into(), "403".into())), false);
    assert_eq!(phase(&play), "HandingOver (vendor-refused)");
}

#[test]
fn whose_types_are_not_known_counts_as_somebody_who_must_not_wait() {
    let mut play = play(channel());
    play.line("says account_unlock, who, find, open");
    let mut question = play.state.asked.clone().unwrap();
    assert!(question.vips(&play.tenant).is_empty());
    play.tenant.guardrails.vips.contact_types = vec!["VIP".into()];
    assert_eq!(question.vips(&play.tenant), ["u1"]);
    question.contacts = Some(Contacts { types: vec!["Approver".into()], people: vec![contact(1, "jane@acme.example", "VIP")] });
    assert_eq!(question.vips(&play.tenant), ["u1"], "another type was asked for");
    question.contacts.as_mut().unwrap().types = vec!["Approver".into(), "VIP".into()];
    assert_eq!(question.vips(&play.tenant), ["jane@acme.example"]);
    question.contacts.as_mut().unwrap().people.clear();
    assert!(question.vips(&play.tenant).is_empty());
}

#[test]
fn who_wants_it_done_differently_is_asked_again_about_what_is_then_asked_for() {
    let mut play = asked(channel(), "supervised");
    play.line("ask");
    press(&mut play, "U0NIA", "changes");
    let before = play.state.counted;
    play.line("approver");
    assert_eq!((started(&play, before).as_str(), phase(&play).as_str()), ("approval-changes in C0STAFF, approval-differently in D1", "Listening"));
    // The old buttons are dead, and the changed request is offered, judged and asked about anew, with a name of its own.
    assert_eq!(press(&mut play, "U0NIA", "approve"), "approval-over in C0STAFF");
    play.line("says password_reset, find, allow, offer, press yes");
    play.decide_by(Verdict::Approval, "supervised");
    let ask = play.state.case.as_ref().unwrap().ask.clone().unwrap();
    assert_eq!((ask.id.as_str(), ask.action.as_str()), ("a2", "password_reset"));
    // Not for ever.
    play.line("ask");
    play.state.case.as_mut().unwrap().asks = MOST_ASKS;
    play.state.case.as_mut().unwrap().ask.as_mut().unwrap().id = format!("a{MOST_ASKS}");
    press(&mut play, "U0NIA", "changes");
    play.line("approver");
    assert_eq!(phase(&play), "HandingOver (approver-wants-changes)");
}

#[test]
fn the_manager_hears_of_a_new_password_where_the_client_wants_it() {
    for wanted in [true, false] {
        let mut play = play(channel());
        play.tenant.notices.manager = wanted;
        play.line("says password_reset, who");
        play.done("find", Some(Outcome::Found(with_manager(Some("mona@acme.example")))), true);
        play.line("open, allow, offer, press yes, allow, act");
        let told = play.state.tasks.iter().filter(|task| matches!(task.purpose, Purpose::Page(_))).count();
        assert_eq!(told, usize::from(wanted));
        if wanted {
            play.done("page", user("U0MO", "mona@acme.example", false), true);
            play.done("page", Some(Outcome::Opened("D0MO".into())), true);
            let said = |task: &Task| matches!(&task.work, Work::Chat(ChatAct::Say(message)) if message.words.sentence == "notice-manager" && message.channel == "D0MO");
            assert!(play.state.tasks.iter().any(said));
            play.line("page");
            assert!(play.state.case.as_ref().unwrap().said.is_empty(), "nobody on call was told");
        }
    }
}

#[test]
fn only_the_desks_hours_count_where_the_document_says_so() {
    let mut play = play(json!({"channel": "C0STAFF", "remind_minutes": 30, "expire_minutes": 60, "business_hours": true}));
    // 2027-01-15 is a Friday; the desk opens on Monday.
    play.tenant.hours = [("mon".to_string(), "08:00-18:00".to_string())].into();
    assert_eq!(play.tenant.in_minutes(1_800_000_000_000, 60), 1_800_259_200_000 + 3_600_000);
    play.tenant.approvals.business_hours = false;
    assert_eq!(play.tenant.in_minutes(1_800_000_000_000, 60), 1_800_000_000_000 + 60 * MINUTE);
}

#[test]
fn without_a_channel_the_api_is_left_and_the_note_says_so() {
    let mut play = asked(json!({}), "supervised");
    assert!(purposes(&play, &Purpose::Ask).is_empty());
    assert!(evidence(&play).contains("only be answered by the API"));
    assert!(play.state.tasks.iter().any(
        |task| matches!(&task.work, Work::Psa(crate::stage::PsaAct::Note(note)) if note.internal_note.iter().any(|line| line.sentence == "waits-for-approval"))
    ));
    let expires = play.state.case.as_ref().unwrap().ask.as_ref().unwrap().expires;
    play.apply(Fact::Tick { at: expires });
    assert_eq!(phase(&play), "HandingOver (approval-expired)");
}
