use super::*;
use crate::bindings::exports::firstline::guardrails::guardrails::{Requester, Subject};

/// Jane asks for her own account, and nothing speaks against it.
fn fine() -> Question {
    Question {
        tenant: "acme".into(),
        action: "password_reset".into(),
        requester: Requester { account: Some("u-1".into()), assurance: Assurance::Chat, guest: false },
        subject: Subject {
            tenant: "acme".into(),
            id: "u-1".into(),
            names: vec!["jane@acme.com".into(), "j.doe@acme.com".into()],
            enabled: true,
            guest: false,
            synced: false,
            privileged: Vec::new(),
        },
        needs_delivery: true,
        delivery_survives: true,
        settings: Some(Settings { matrix: Vec::new(), protected: Vec::new(), password_writeback: false }),
        at: 0,
    }
}

fn settings(q: &mut Question) -> &mut Settings {
    q.settings.as_mut().unwrap()
}

fn mode(q: &mut Question, mode: &str) {
    let action = q.action.clone();
    settings(q).matrix.push((action, mode.into()));
}

/// One change to the fine question: `verdict: rule, rule`, the reason being the first rule.
fn check(change: fn(&mut Question), expect: &str) {
    let mut question = fine();
    change(&mut question);
    let decision = decide(&question);
    assert_eq!(format!("{}: {}", word(decision.verdict), decision.rules.join(", ")), expect);
    assert_eq!(Some(&decision.reason), decision.rules.first());
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Autonomous => "autonomous",
        Verdict::Approval => "approval",
        Verdict::Human => "human",
        Verdict::Deny => "deny",
    }
}

#[test]
fn ones_own_ordinary_account_is_served() {
    check(|_| (), "autonomous: own-account-verified");
    check(|q| q.action = "account_unlock".into(), "autonomous: own-account-verified");
    check(|q| q.requester.assurance = Assurance::Strong, "autonomous: own-account-verified");
}

#[test]
fn nothing_configured_and_anything_odd_is_denied() {
    check(|q| q.settings = None, "deny: nothing-configured");
    check(|q| q.action = "make_admin".into(), "deny: unknown-action, not-verified");
    check(|q| q.action = "Password_Reset".into(), "deny: unknown-action, not-verified");
    check(|q| q.action.clear(), "deny: unknown-action, not-verified");
    check(|q| (q.tenant.clear(), q.subject.tenant.clear()).0, "deny: incomplete-question, own-account-verified");
    check(|q| (q.subject.id.clear(), q.requester.account = Some(String::new())).0, "deny: incomplete-question, own-account-verified");
    check(|q| q.subject.names.clear(), "deny: incomplete-question, own-account-verified");
}

#[test]
fn an_unknown_action_is_denied_even_where_the_settings_allow_it() {
    check(|q| (q.action = "make_admin".into(), mode(q, "autonomous")).0, "deny: unknown-action, not-verified, own-account-verified");
}

#[test]
fn an_account_of_another_tenant_is_denied() {
    check(|q| q.subject.tenant = "globex".into(), "deny: other-tenant, own-account-verified");
    check(|q| q.subject.tenant.clear(), "deny: incomplete-question, other-tenant, own-account-verified");
}

#[test]
fn only_ones_own_account_is_served() {
    check(|q| q.requester.account = Some("u-2".into()), "human: not-own-account, own-account-verified");
    check(|q| q.requester.account = None, "human: not-own-account, own-account-verified");
    check(|q| q.requester.account = Some("U-1".into()), "human: not-own-account, own-account-verified");
}

#[test]
fn who_is_not_a_verified_member_goes_to_a_human() {
    check(|q| q.requester.guest = true, "human: chat-guest, own-account-verified");
    check(|q| q.requester.assurance = Assurance::Email, "human: not-verified, own-account-verified");
    check(|q| q.requester.assurance = Assurance::None, "human: not-verified, own-account-verified");
}

#[test]
fn a_protected_account_goes_to_a_human_under_any_of_its_names() {
    let expect = "human: protected-account, own-account-verified";
    check(|q| q.subject.privileged = vec!["directory role `Global Administrator`".into()], expect);
    check(|q| settings(q).protected.push("u-1".into()), expect);
    check(|q| settings(q).protected.push("U-1".into()), expect);
    check(|q| settings(q).protected.push(" J.Doe@ACME.com ".into()), expect);
    check(|q| settings(q).protected.push("jane\u{200b}@acme.com\u{feff}".into()), expect);
    check(|q| settings(q).protected.push("ｊａｎｅ@acme.com".into()), expect);
    check(|q| (q.subject.names.push("zoe\u{308}@acme.com".into()), settings(q).protected.push("ZO\u{cb}@acme.com".into())).0, expect);
}

#[test]
fn a_list_of_others_protects_nobody_else() {
    check(|q| settings(q).protected.extend(["breakglass@acme.com".into(), String::new(), " ".into(), "jane".into()]), "autonomous: own-account-verified");
}

#[test]
fn accounts_out_of_reach_go_to_a_human() {
    check(|q| q.subject.enabled = false, "human: disabled-account, own-account-verified");
    check(|q| q.subject.guest = true, "human: guest-account, own-account-verified");
    check(|q| q.subject.synced = true, "human: synced-account, own-account-verified");
}

#[test]
fn write_back_helps_a_reset_but_no_unlock() {
    check(|q| (q.subject.synced = true, settings(q).password_writeback = true).0, "autonomous: own-account-verified");
    check(
        |q| {
            q.action = "account_unlock".into();
            q.subject.synced = true;
            settings(q).password_writeback = true;
        },
        "human: synced-account, own-account-verified",
    );
}

#[test]
fn a_secret_needs_a_channel_that_stays_open() {
    check(|q| q.delivery_survives = false, "human: no-way-to-deliver, own-account-verified");
    check(|q| (q.delivery_survives = false, q.needs_delivery = false).0, "autonomous: own-account-verified");
}

#[test]
fn the_tenants_matrix_overrides_the_default() {
    check(|q| mode(q, "approval"), "approval: approval-by-settings");
    check(|q| mode(q, "human"), "human: human-by-settings");
    check(|q| mode(q, "deny"), "deny: denied-by-settings");
    check(|q| q.action = "revoke_sessions".into(), "human: human-by-settings");
    check(|q| (q.action = "revoke_sessions".into(), mode(q, "autonomous")).0, "autonomous: own-account-verified");
    check(|q| settings(q).matrix.push(("account_unlock".into(), "deny".into())), "autonomous: own-account-verified");
}

#[test]
fn a_mode_that_means_nothing_denies_and_of_two_entries_the_stricter_counts() {
    check(|q| mode(q, "Autonomous"), "deny: bad-setting");
    check(|q| mode(q, ""), "deny: bad-setting");
    check(|q| (mode(q, "autonomous"), mode(q, "yes")).0, "deny: bad-setting, own-account-verified");
    check(|q| (mode(q, "autonomous"), mode(q, "human")).0, "human: human-by-settings, own-account-verified");
}

#[test]
fn with_several_reasons_all_are_told_and_the_strictest_decides() {
    check(
        |q| {
            q.requester = Requester { account: None, assurance: Assurance::None, guest: true };
            q.subject.enabled = false;
            q.subject.privileged.push("x".into());
            q.subject.tenant = "globex".into();
            mode(q, "approval");
        },
        "deny: other-tenant, not-own-account, chat-guest, protected-account, disabled-account, not-verified, approval-by-settings",
    );
}

type Flaw = (Verdict, fn(&mut Question));

/// What may be wrong, and the verdict that it alone leads to.
const FLAWS: &[Flaw] = &[
    (Verdict::Deny, |q| q.subject.tenant = "globex".into()),
    (Verdict::Deny, |q| q.subject.names.clear()),
    (Verdict::Deny, |q| q.tenant = " ".into()),
    (Verdict::Human, |q| q.requester.account = None),
    (Verdict::Human, |q| q.requester.guest = true),
    (Verdict::Human, |q| q.requester.assurance = Assurance::Email),
    (Verdict::Human, |q| q.subject.privileged.push("role".into())),
    (Verdict::Human, |q| q.subject.enabled = false),
    (Verdict::Human, |q| q.subject.guest = true),
    (Verdict::Human, |q| q.subject.synced = true),
    (Verdict::Human, |q| q.delivery_survives = false),
    (Verdict::Human, |q| settings(q).protected.push("u-1".into())),
];

#[test]
fn whatever_comes_together_the_strictest_wins_and_no_flaw_is_ever_served() {
    let modes = [
        ("", Verdict::Autonomous),
        ("autonomous", Verdict::Autonomous),
        ("approval", Verdict::Approval),
        ("human", Verdict::Human),
        ("deny", Verdict::Deny),
        ("?", Verdict::Deny),
    ];
    let actions = ["password_reset", "account_unlock", "?"];
    let mut served = 0;
    for chosen in 0..1_usize << FLAWS.len() {
        let flaws: Vec<_> = FLAWS.iter().enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1).map(|(_, flaw)| flaw).collect();
        for (word, from_mode) in modes {
            for action in actions {
                let mut question = Question { action: action.into(), ..fine() };
                flaws.iter().for_each(|(_, spoil)| spoil(&mut question));
                if !word.is_empty() {
                    mode(&mut question, word);
                }
                let from_action = if action == "?" { Verdict::Deny } else { Verdict::Autonomous };
                let strictest = flaws.iter().map(|(verdict, _)| *verdict).chain([from_mode, from_action]).max_by_key(|verdict| severity(*verdict)).unwrap();
                let decision = decide(&question);
                assert_eq!(decision.verdict, strictest, "{question:?}");
                assert!(!decision.rules.is_empty());
                served += usize::from(decision.verdict == Verdict::Autonomous);

                question.settings = None;
                assert_eq!(decide(&question).verdict, Verdict::Deny, "{question:?}");
            }
        }
    }
    // Only the question without a flaw is served: two actions, by default and by setting.
    assert_eq!(served, 4);
}
