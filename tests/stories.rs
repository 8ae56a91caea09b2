//! Every story of `tests/stories`, one test each.

use firstline_host::{build, story};
use serde_json::{Value, json};
use std::path::PathBuf;

fn project() -> PathBuf {
    let project = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    build::once(&project).unwrap();
    project
}

fn check(name: &str) {
    let project = project();
    let path = project.join(format!("tests/stories/{}.json", name.replace('_', "-")));
    let outcome = story::play(&project, &story::read(&path).unwrap()).unwrap();
    assert!(outcome.failures.is_empty(), "{name}:\n- {}", outcome.failures.join("\n- "));
}

macro_rules! stories {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { check(stringify!($name)); })*
    };
}

stories! {
    a_colleagues_password
    a_language_model_names_a_type
    a_language_model_names_an_action
    a_language_model_that_chats
    a_language_model_that_is_busy
    a_language_model_that_lies
    a_language_model_that_stalls
    a_language_model_that_truncates
    access_for_a_colleague
    access_pass_not_allowed
    another_system
    approval_by_a_contact
    approval_by_a_contact_no_more
    approval_by_an_approver_of_the_client
    approval_by_the_api
    approval_by_the_fallback
    approval_by_the_manager
    approval_expires
    approver_wants_changes
    asked_and_answered_by_a_button
    asked_and_answered_in_words
    asked_and_never_answered
    autonomous
    autonomy_earned
    autonomy_lost_by_a_read_back
    autonomy_lost_by_a_technicians_word
    autonomy_lost_by_still_broken_twice
    backlog
    blocked_while_the_button_waits
    board_not_taken_in
    button_of_another_client
    button_of_another_user
    call_back_and_approval
    call_back_never_answered
    call_back_not_them
    change_of_subject
    channel_shared_with_the_msp
    chat_signs_in_with_the_same_identity
    client_of_the_msps_applications
    code_by_sms
    code_check_lost
    code_in_the_chat
    code_never_comes
    code_not_typed
    code_to_a_landline
    code_wrong_thrice
    connectwise_down_at_closing
    connectwise_down_at_handing_over
    connectwise_down_at_opening
    connectwise_down_for_an_hour
    daily_digest
    did_this_fix_it
    directory_guest
    disabled_account
    dispatch
    emoji
    entra_lockout_becomes_a_reset
    entra_reset
    first_sign_in
    first_sign_in_in_entra
    first_sign_in_not_licensed
    first_sign_in_not_seen
    forged_button
    forged_callback
    freeze_window
    freeze_window_that_is_over
    german
    graph_asks_to_wait
    graph_asks_to_wait_for_minutes
    graph_down_after_the_press
    graph_down_and_a_person_asked_for
    graph_down_before_resetting
    graph_down_for_an_hour
    graph_down_for_five_minutes
    graph_down_for_half_a_day
    graph_down_while_resetting
    graph_refuses
    graph_stumbles
    greeting_alone_opens_nothing
    greeting_waits_for_a_request
    group_in_okta
    group_none
    group_one
    group_several
    guardrails_approval
    guardrails_deny
    guardrails_human
    guardrails_tightened_while_the_button_waits
    handed_over_at_night
    handed_over_by_day
    handed_over_on_a_holiday
    hundred_kilobytes
    instructions_in_the_text
    kill_switch_from_the_chat
    kill_switch_in_mid_case
    limit_of_the_msp
    limit_of_the_person
    limit_of_the_tenant
    locale_of_the_directory
    locale_of_the_profile
    locale_of_the_text
    lost_phone
    lost_phone_not_them
    lost_phone_stuck
    mailbox_one
    mailed_ticket_answered_in_words
    mailed_ticket_never_answered
    mailed_ticket_no
    mailed_ticket_no_alerts
    mailed_ticket_of_another_kind
    mailed_ticket_of_the_msps_psa
    mailed_ticket_without_chat
    mailed_ticket_yes
    mailed_tickets_at_once
    manager_never_answers
    manager_not_in_the_chat
    manager_says_not_them
    manager_vouches
    manager_vouches_and_approval
    mention_in_a_channel
    message_lost_after
    monitoring_alert
    no_credential
    no_number_on_record
    no_sms_connected
    no_token_for_an_hour
    offer_never_answered
    okta_down_for_an_hour
    okta_mastered_in_ad
    okta_password_lost
    okta_reset
    okta_reset_of_a_locked_account
    okta_super_admin
    okta_suspended
    okta_unlock
    okta_unlock_of_an_open_account
    on_call_cannot_be_reached
    on_call_is_paged
    one_case_for_hi_request_and_hurry
    out_of_scope
    outside_the_pilot_group
    own_messages_are_not_heard
    own_ticket_comes_back
    own_words
    own_words_of_a_client
    person_after_the_end
    person_at_once
    person_in_german
    person_while_acting
    person_while_closing
    person_while_finding
    person_while_the_button_waits
    pilot_group
    press_after_the_offer_expired
    pressed_by_somebody_else
    protected_by_group
    protected_by_ownership
    protected_by_role
    protected_by_the_tenants_list
    push_by_duo
    push_denied
    push_ignored
    push_lost
    push_unasked
    reset_at_night
    reset_lost_after
    reset_lost_before
    reset_without_an_answer
    right_to_left
    same_event_twice
    same_press_twice
    second_wish_is_done_too
    shadow
    slack_down_after_the_reset
    slack_down_at_the_delivery
    slack_down_at_the_offer
    slack_down_for_an_hour
    something_else
    stands_down_assigned
    stands_down_in_chat
    stands_down_status
    stands_down_time
    stands_down_without_a_callback
    status_set_by_a_human
    still_broken
    still_broken_in_words
    stranger_of_another_workspace
    supervised
    synced_account
    text_that_looks_like_a_secret
    thanks_opens_nothing
    ticket_lost_after
    ticket_of_another_company
    time_entry_billable
    time_entry_closed_agreement
    time_entry_non_billable
    time_entry_none
    time_entry_open_agreement
    time_entry_without_minutes
    twilio_down
    two_clients_at_once
    two_presses_at_once
    two_wishes
    unclear_then_clear
    unclear_twice
    unknown_user
    vip
    vip_by_contact_type
    vip_by_group
    vip_by_group_in_okta
    vip_contacts_not_readable
    waiting_status_set_by_a_human
    waits_and_is_closed
    waits_for_the_user
    waits_in_vain
    waits_no_more
    whom_answered_in_words
    whom_at_a_ticket
    whom_chosen_by_a_button
    whom_directory_down
    whom_in_okta
    whom_never_answered
    whom_nobody_has_that_name
    whom_one_is_meant
    words_are_no_approval
    workspace_guest
    wrong_client_secret
    yes_as_text
    zero_width
}

#[test]
fn every_file_is_in_the_list() {
    let found: Vec<String> = story::all(&project()).unwrap().into_iter().map(|(name, _)| name.replace('-', "_")).collect();
    assert_eq!(NAMES, found);
}

/// Changes one member of a story that passes, and expects to be told of it.
fn check_fails(pointer: &str, value: Value, expect: &str) {
    let project = project();
    let text = std::fs::read_to_string(project.join("tests/stories/entra-reset.json")).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.insert(name.into(), value)),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        other => panic!("{pointer} leads into {other}"),
    }
    let failures = match story::parse(document).and_then(|story| story::play(&project, &story)) {
        Ok(outcome) => outcome.failures,
        Err(error) => vec![format!("{error:#}")],
    };
    assert!(failures.iter().any(|failure| failure.contains(expect)), "{pointer}: {failures:#?} should contain `{expect}`");
}

#[test]
fn a_story_that_expects_something_else_fails() {
    for (pointer, value, expect) in [
        ("/expect/messages", json!({}), "messages in D0JANE: expected nothing, there:"),
        ("/expect/messages/C0HELP", json!(["hi"]), "messages in C0HELP"),
        ("/expect/messages/D0JANE/2", json!("edit: Your password"), "messages in D0JANE"),
        ("/expect/tickets", json!([]), "0 tickets expected"),
        ("/expect/tickets/0/company", json!("Globex Inc"), "company, contact and status of ticket 1001"),
        ("/expect/tickets/0/summary", json!("other"), "summary of ticket 1001"),
        ("/expect/tickets/0/description", json!("hello"), "description of ticket 1001"),
        ("/expect/tickets/0/internal/0", json!("Handed over"), "internal notes of ticket 1001"),
        ("/expect/tickets/0/resolution", json!([]), "resolution notes of ticket 1001"),
        ("/expect/tickets/0/never", json!(["read back"]), "ticket 1001 holds `read back`"),
        ("/expect/tickets/0/time", json!(["Billable"]), "time entries of ticket 1001"),
        ("/expect/tickets/0/time", json!(["DoNotBill 3"]), "time entries of ticket 1001"),
        ("/expect/tickets/0/priority", json!("Priority 1 - Critical"), "priority of ticket 1001"),
        ("/expect/tickets/0/responded", json!(true), "ticket 1001 was answered"),
        ("/expect/changes", json!([]), "changing calls at the identity provider"),
        ("/expect/accounts", json!({}), "changed members of jane@acme.example"),
        ("/expect/cases", json!({}), "cases of acme"),
        ("/expect/waits", json!({"D0JANE": "offering"}), "open cases expected"),
        ("/steps/3", json!({"open": "shown"}), "answered with 410"),
        ("/steps/2", json!({"open": "gone"}), "answered with 200"),
        ("/steps/1", json!({"press": "No"}), "no button `No` stands in"),
        ("/steps/0", json!({"say": "hi", "to": "you"}), "no step that is known"),
        // The secret is known to the runner only as one that was entered, and the user gives it away.
        ("/secrets", json!({"acme-slack": {"signing-secret-next": "forgot my password"}}), "stands in the clear in the PSA's notes"),
    ] {
        check_fails(pointer, value, expect);
    }
}

/// Whoever gets a case reads why in words.
#[test]
fn every_reason_that_stories_know_is_said_in_the_notes() {
    let notes: Value = serde_json::from_str(include_str!("../components/messaging/src/notes/en.json")).unwrap();
    for (name, path) in story::all(&project()).unwrap() {
        let told: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let cases = told["expect"]["cases"].as_object().into_iter().flatten().flat_map(|(_, cases)| cases.as_array().into_iter().flatten());
        for reason in cases.filter_map(|case| case.as_str()?.strip_prefix("handed-over ")?.split_once(": ").map(|(_, reason)| reason)) {
            assert!(notes["labels"][reason].is_string(), "{name}: `{reason}`");
        }
    }
}
