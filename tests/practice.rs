//! The rules of the trade (P-1 … P-38), each with the tests that hold it. A rule without a test is named with what it waits for, and that list only shrinks.

use crate::rig::root;
use std::collections::BTreeSet;
use std::path::Path;

/// A rule, in a few words, and its tests: `story NAME`, `attacks FILE`, or `FILE: NAME OF THE TEST`.
const HELD: &[(u32, &str, &[&str])] = &[
    (
        1,
        "facts that can be known prove nothing; the call goes to the number on record",
        &["attacks impersonation", "attacks identity", "story a-colleagues-password", "story no-sms-connected", "story no-number-on-record"],
    ),
    (
        2,
        "proof scales with the person, and several weaker ones add up",
        &[
            "story vip",
            "components/guardrails/src/rules/tests.rs: who_needs_a_strong_proof_gets_a_person_without_one",
            "components/guardrails/src/rules/tests.rs: a_proof_that_is_too_weak_can_be_made_stronger_unless_something_else_forbids_it",
            "components/identity-check/src/grade/tests.rs: proofs_are_worth_what_the_table_says_and_several_weaker_ones_add_up",
        ],
    ),
    (
        3,
        "mail alone changes no credential",
        &["story mailed-ticket-never-answered", "components/guardrails/src/rules/tests.rs: who_is_not_a_verified_member_goes_to_a_human"],
    ),
    (4, "guests and strangers are no employees", &["story workspace-guest", "story stranger-of-another-workspace", "story channel-shared-with-the-msp"]),
    (
        5,
        "a denial locks the case, and challenges are few",
        &[
            "story call-back-not-them",
            "story call-back-never-answered",
            "story code-wrong-thrice",
            "attacks codes",
            "components/identity-check/src/grade/tests.rs: too_many_challenges_end_the_asking_and_what_is_held_stays",
            "crates/core/src/case/proof/tests.rs: a_denial_locks_the_case_and_leaves_no_room_for_another_challenge",
        ],
    ),
    (
        6,
        "a lost phone proves nothing: a call-back on record, a second person, notices, and then a pass",
        &["story manager-vouches", "story lost-phone", "story lost-phone-stuck", "story lost-phone-not-them", "attacks lost-phone"],
    ),
    (
        7,
        "a push goes through Duo, whose answer alone counts, and a code is not ours to make",
        &[
            "story push-by-duo",
            "story push-denied",
            "story push-unasked",
            "story code-by-sms",
            "components/identity-check/src/duo.rs: whoever_duo_lets_pass_unasked_has_proved_nothing",
            "components/technician/src/monitor.rs: a_push_is_approved_only_if_the_vendor_said_so_of_the_one_that_was_sent",
        ],
    ),
    (
        8,
        "a secret is shown once, behind a button",
        &[
            "components/credential-link/src/link/tests.rs: a_press_shows_the_secret_once_and_deletes_it_before_it_answers",
            "story text-that-looks-like-a-secret",
            "story entra-reset",
        ],
    ),
    (
        9,
        "a new password or factor is told elsewhere too: by mail of the PSA, and to the manager where the client wants it",
        &[
            "story approval-by-the-manager",
            "story entra-reset",
            "story lost-phone",
            "crates/core/src/case/approval/tests.rs: the_manager_hears_of_a_new_password_where_the_client_wants_it",
            "components/psa-closeout/src/connectwise/tests.rs: the_resolution_is_mailed_only_where_that_is_wanted_and_an_internal_note_never",
        ],
    ),
    (10, "a pass that works once, and only where the tenant's policy lets it work", &["story lost-phone", "story access-pass-not-allowed"]),
    (
        11,
        "administrators are never touched",
        &["story protected-by-role", "story protected-by-group", "story protected-by-ownership", "story protected-by-the-tenants-list"],
    ),
    (
        13,
        "aliases are resolved first",
        &["components/guardrails/src/rules/tests.rs: a_protected_account_goes_to_a_human_under_any_of_its_names", "attacks look-alikes", "attacks approvals"],
    ),
    (
        14,
        "the tenant is pinned and the object read again",
        &["story ticket-of-another-company", "story blocked-while-the-button-waits", "tests/security.rs: a_lying_stage_gets_nothing_past_the_technician"],
    ),
    (
        15,
        "synced accounts are mastered on premises",
        &["story synced-account", "components/guardrails/src/rules/tests.rs: write_back_helps_a_reset_but_no_unlock"],
    ),
    (16, "an app-only reset needs a permission and a role", &["tests/clients.rs: the_check_names_what_is_wrong_with_a_directory", "story graph-refuses"]),
    (19, "the default method is deleted last", &["components/idp-action/src/entra/factors/tests.rs: the_default_method_goes_last"]),
    (
        20,
        "sessions end slowly, and never those of guests",
        &["story directory-guest", "components/idp-action/src/entra/tests.rs: sessions_are_revoked_and_a_lost_reply_is_sent_again"],
    ),
    (21, "Entra has no unlock, Okta has", &["story entra-lockout-becomes-a-reset", "story okta-unlock"]),
    (24, "without P1 the log of sign-ins is said to be unavailable", &["story first-sign-in-not-licensed", "story first-sign-in-in-entra"]),
    (26, "own notes are not heard, an event counts once", &["story own-messages-are-not-heard", "story own-ticket-comes-back", "story same-event-twice"]),
    (
        28,
        "statuses are found on the ticket's own board",
        &[
            "components/psa-closeout/src/connectwise/tests.rs: the_desk_may_name_the_closed_status",
            "components/psa-closeout/src/connectwise/tests.rs: a_board_without_closed_status_needs_a_human_after_the_notes",
        ],
    ),
    (
        29,
        "what a human set stays",
        &[
            "story status-set-by-a-human",
            "story stands-down-status",
            "components/psa-closeout/src/connectwise/tests.rs: a_status_that_a_human_set_stays_and_the_notes_are_written",
        ],
    ),
    (
        30,
        "time is not billed unless the desk says so",
        &[
            "story time-entry-non-billable",
            "story time-entry-none",
            "components/psa-closeout/src/connectwise/tests.rs: without_the_right_work_type_nothing_is_billed",
        ],
    ),
    (
        31,
        "silence confirms nothing, and still broken re-opens and counts",
        &["story did-this-fix-it", "story still-broken", "story still-broken-in-words", "story autonomy-lost-by-still-broken-twice"],
    ),
    (
        32,
        "what was learned shows its evidence, and names nobody where that is thin",
        &[
            "story dispatch",
            "components/history/src/tally.rs: evidence_is_thin_where_it_is_scarce_or_divided",
            "components/console/src/proposals.rs: only_firm_evidence_about_what_the_agent_does_proposes_anything",
            "crates/core/src/case/dispatch.rs: a_human_hears_what_such_tickets_were_and_no_name_on_thin_evidence",
        ],
    ),
    (
        33,
        "an approval is bound, used once, and never one's own",
        &[
            "story supervised",
            "story approval-by-an-approver-of-the-client",
            "story approval-expires",
            "attacks approvals",
            "crates/core/src/case/approval/tests.rs: a_yes_fits_one_change_of_one_account_for_a_short_time",
            "components/guardrails/src/rules/tests.rs: nobody_approves_their_own_request_under_any_name",
        ],
    ),
    (34, "a claimed approval is none", &["attacks claimed-approvals", "story guardrails-approval"]),
    (
        35,
        "a text grants no authority",
        &["attacks instructions", "attacks names", "story instructions-in-the-text", "story a-language-model-that-lies", "story whom-chosen-by-a-button"],
    ),
    (36, "users never see internal notes", &["story entra-reset", "components/messaging/src/sentences.rs: a_value_is_never_read_as_part_of_the_sentence"]),
    (
        38,
        "autonomy begins with a pilot group, is earned by evidence and two people, and lost at the first failure",
        &[
            "story pilot-group",
            "story outside-the-pilot-group",
            "story autonomy-earned",
            "story autonomy-lost-by-a-read-back",
            "story autonomy-lost-by-a-technicians-word",
            "story autonomy-lost-by-still-broken-twice",
            "tests/security.rs: a_stage_that_reaches_for_somebody_else_costs_the_action_its_autonomy",
            "crates/core/src/autonomy/tests.rs: a_failure_begins_the_count_again_wherever_it_was",
            "crates/core/src/autonomy/tests.rs: only_what_supervision_alone_holds_back_may_rise",
            "components/console/src/promotions/tests.rs: what_was_earned_holds_once_two_people_agreed_and_is_told",
        ],
    ),
    (37, "in a freeze only a human lets a change through", &["story freeze-window", "story freeze-window-that-is-over", "story kill-switch-in-mid-case"]),
];

/// A rule that no test holds yet, and what it waits for. Nothing is ever added here.
const OPEN: &[(u32, &str)] = &[];

/// A rule about something that the agent does not do at all.
const NOT_DONE: &[(u32, &str)] = &[
    (12, "nobody is added to a group"),
    (17, "a synced account is a human's, so nothing is written back"),
    (18, "sign-in is never blocked"),
    (22, "no licence is assigned"),
    (23, "no mailbox is shared"),
    (25, "Google is not spoken"),
    (27, "no mail is read or answered"),
];

/// As many rules were open when this was written; whoever tests one lowers it.
const MOST_OPEN: usize = 0;

fn exists(root: &Path, test: &str) -> bool {
    if let Some(story) = test.strip_prefix("story ") {
        // That each story runs is checked by `stories.rs`.
        return root.join(format!("tests/stories/{story}.json")).is_file();
    }
    if let Some(file) = test.strip_prefix("attacks ") {
        return root.join(format!("tests/stories/attacks/{file}.json")).is_file();
    }
    let Some((file, name)) = test.split_once(": ") else { return false };
    let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
    let Some((before, _)) = text.split_once(&format!("fn {name}()")) else { return false };
    before.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ').trim_end().rsplit('\n').next().is_some_and(|line| line.contains("test"))
}

#[test]
fn every_rule_of_the_trade_has_a_test_or_says_what_it_waits_for() {
    let mut missing = Vec::new();
    for (rule, what, tests) in HELD {
        assert!(!tests.is_empty(), "P-{rule} ({what}) has no test");
        missing.extend(tests.iter().filter(|test| !exists(&root(), test)).map(|test| format!("P-{rule} ({what}): there is no `{test}`")));
    }
    assert!(missing.is_empty(), "- {}", missing.join("\n- "));
    let named = HELD.iter().map(|(rule, ..)| rule).chain(OPEN.iter().map(|(rule, _)| rule)).chain(NOT_DONE.iter().map(|(rule, _)| rule));
    let mut all: Vec<u32> = named.copied().collect();
    all.sort_unstable();
    assert_eq!(all, (1..=38).collect::<Vec<u32>>(), "each rule stands in one list");
    assert_eq!(OPEN.len(), MOST_OPEN, "a rule that is tested leaves the list, and none is added");
    assert!(OPEN.iter().chain(NOT_DONE).all(|(_, why)| !why.is_empty()));
    let told: BTreeSet<&str> = HELD.iter().map(|(_, what, _)| *what).collect();
    assert_eq!(told.len(), HELD.len());
}

#[test]
fn a_test_that_is_not_there_is_missed() {
    for nowhere in ["story no-such-story", "attacks none", "tests/practice.rs: no_such_test", "tests/no.rs: exists", "tests/practice.rs: exists", "every"] {
        assert!(!exists(&root(), nowhere), "{nowhere}");
    }
    assert!(exists(&root(), "tests/practice.rs: a_test_that_is_not_there_is_missed"));
}
