use super::*;
use crate::bindings::exports::firstline::guardrails::guardrails::{Approval, Assurance, Autonomy, Circumstances, Requester, Settings, Subject};
use crate::policy::{ACTIONS, INVARIANTS, text, uid, word};
use cedar_policy::{Entities, Request, Schema, ValidationMode, Validator};
use std::collections::HashMap;

/// Jane asks for her own account, and nothing speaks against it.
fn fine() -> Question {
    Question {
        tenant: "acme".into(),
        action: "password_reset".into(),
        requester: Requester {
            account: Some("u-1".into()),
            assurance: Assurance::Chat,
            guest: false,
            names: vec!["T1/U1".into(), "jane@acme.com".into()],
            vouchers: vec![],
        },
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
        settings: Some(Settings {
            matrix: Vec::new(),
            proof: vec![("password_reset".into(), Assurance::Chat)],
            protected: Vec::new(),
            vips: Vec::new(),
            password_writeback: false,
            autonomy: vec![autonomy("default", "autonomous", &[])],
        }),
        approvals: Vec::new(),
        circumstances: Circumstances { halted: false, frozen: false, over: Vec::new() },
        at: 0,
    }
}

fn autonomy(action: &str, mode: &str, pilot: &[&str]) -> Autonomy {
    Autonomy { action: action.into(), mode: mode.into(), pilot: pilot.iter().map(|name| (*name).into()).collect() }
}

fn yes(q: &mut Question, staff: bool, names: &[&str]) {
    q.approvals.push(Approval { names: names.iter().map(|name| (*name).into()).collect(), staff, approver: true });
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
    let decision = decide(&question).unwrap();
    assert_eq!(format!("{}: {}", word(decision.verdict), decision.rules.join(", ")), expect);
    assert_eq!(Some(&decision.reason), decision.rules.first());
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
    check(|q| q.action = "make_admin".into(), "deny: unknown-action");
    check(|q| q.action = "Password_Reset".into(), "deny: unknown-action");
    check(|q| q.action.clear(), "deny: unknown-action");
    check(|q| (q.tenant.clear(), q.subject.tenant.clear()).0, "deny: incomplete-question");
    check(|q| (q.subject.id.clear(), q.requester.account = Some(String::new())).0, "deny: incomplete-question");
    check(|q| q.subject.names.clear(), "deny: incomplete-question");
}

#[test]
fn an_unknown_action_is_denied_even_where_the_settings_allow_it() {
    check(|q| (q.action = "make_admin".into(), mode(q, "autonomous")).0, "deny: unknown-action");
}

#[test]
fn an_account_of_another_tenant_is_denied() {
    check(|q| q.subject.tenant = "globex".into(), "deny: other-tenant");
    check(|q| q.subject.tenant.clear(), "deny: incomplete-question, other-tenant");
}

#[test]
fn only_ones_own_account_is_served() {
    check(|q| q.requester.account = Some("u-2".into()), "human: not-own-account");
    check(|q| q.requester.account = None, "human: not-own-account");
    check(|q| q.requester.account = Some("U-1".into()), "human: not-own-account");
}

#[test]
fn who_is_not_a_verified_member_goes_to_a_human() {
    check(|q| q.requester.guest = true, "human: chat-guest");
    check(|q| q.requester.assurance = Assurance::Email, "human: not-verified");
    check(|q| q.requester.assurance = Assurance::None, "human: not-verified");
}

#[test]
fn a_proof_that_is_too_weak_can_be_made_stronger_unless_something_else_forbids_it() {
    fn proof(q: &mut Question, needs: Assurance) {
        settings(q).proof = vec![("password_reset".into(), needs)];
    }
    fn strength(q: &mut Question, held: Assurance) {
        q.requester.assurance = held;
    }
    for (change, wanted) in [
        ((|q| settings(q).proof.clear()) as fn(&mut Question), Assurance::Challenge),
        (|q| proof(q, Assurance::Challenge), Assurance::Challenge),
        (|q| proof(q, Assurance::Strong), Assurance::Strong),
        (|q| (proof(q, Assurance::Strong), strength(q, Assurance::Challenge)).0, Assurance::Strong),
        // Of two entries the stronger counts.
        (|q| (proof(q, Assurance::Strong), settings(q).proof.push(("password_reset".into(), Assurance::Chat))).0, Assurance::Strong),
        // Who has to say yes is asked later: nobody approves what a stranger wants.
        (|q| (proof(q, Assurance::Challenge), settings(q).autonomy.clear()).0, Assurance::Challenge),
    ] {
        let mut question = fine();
        change(&mut question);
        let decision = decide(&question).unwrap();
        assert_eq!((decision.verdict, decision.proof, decision.reason.as_str()), (Verdict::Prove, Some(wanted), "stronger-proof"));
    }
    check(|q| (proof(q, Assurance::Strong), strength(q, Assurance::Strong)).0, "autonomous: own-account-verified");
    check(|q| (settings(q).proof.clear(), strength(q, Assurance::Challenge)).0, "autonomous: own-account-verified");
    check(|q| (settings(q).proof.clear(), q.action = "account_unlock".into()).0, "autonomous: own-account-verified");
    check(|q| (proof(q, Assurance::Strong), q.subject.enabled = false).0, "human: disabled-account, stronger-proof");
    // No setting goes below the chat, and a lost factor needs more.
    fn lost(q: &mut Question, held: Assurance) {
        q.action = "mfa_reset".into();
        settings(q).proof.push(("mfa_reset".into(), Assurance::Chat));
        q.requester.assurance = held;
    }
    check(|q| lost(q, Assurance::Chat), "prove: factor-needs-more, approval-by-settings");
    check(|q| lost(q, Assurance::Challenge), "approval: approval-by-settings");
    check(|q| (lost(q, Assurance::Challenge), yes(q, true, &["T0/U0"])).0, "autonomous: approved");
    // Whoever called back is not the second person.
    fn vouching(q: &mut Question) {
        yes(q, true, &["T0/U0"]);
        q.requester.vouchers = vec!["t0/u0".into()];
    }
    check(|q| (lost(q, Assurance::Challenge), vouching(q)).0, "approval: second-person");
    check(|q| (lost(q, Assurance::Challenge), vouching(q), yes(q, true, &["T0/U1"])).0, "autonomous: approved");
    check(|q| (mode(q, "approval"), vouching(q)).0, "autonomous: approved");
    check(|q| (proof(q, Assurance::None), strength(q, Assurance::Email)).0, "human: not-verified");
}

#[test]
fn a_protected_account_goes_to_a_human_under_any_of_its_names() {
    let expect = "human: protected-account";
    check(|q| q.subject.privileged = vec!["directory role `Global Administrator`".into()], expect);
    check(|q| settings(q).protected.push("u-1".into()), expect);
    check(|q| settings(q).protected.push("U-1".into()), expect);
    check(|q| settings(q).protected.push(" J.Doe@ACME.com ".into()), expect);
    check(|q| settings(q).protected.push("jane\u{200b}@acme.com\u{feff}".into()), expect);
    check(|q| settings(q).protected.push("ｊａｎｅ@acme.com".into()), expect);
    check(|q| (q.subject.names.push("zoe\u{308}@acme.com".into()), settings(q).protected.push("ZO\u{cb}@acme.com".into())).0, expect);
}

#[test]
fn who_needs_a_strong_proof_gets_a_person_without_one() {
    check(|q| settings(q).vips.push("JANE@acme.com".into()), "human: vip");
    check(|q| (settings(q).vips.push("u-1".into()), yes(q, true, &["T0/U0"])).0, "human: vip");
    check(|q| (settings(q).vips.push("u-1".into()), q.requester.assurance = Assurance::Strong).0, "autonomous: own-account-verified");
    check(|q| settings(q).vips.push("bob@acme.com".into()), "autonomous: own-account-verified");
}

#[test]
fn a_list_of_others_protects_nobody_else() {
    check(|q| settings(q).protected.extend(["breakglass@acme.com".into(), String::new(), " ".into(), "jane".into()]), "autonomous: own-account-verified");
}

#[test]
fn accounts_out_of_reach_go_to_a_human() {
    check(|q| q.subject.enabled = false, "human: disabled-account");
    check(|q| q.subject.guest = true, "human: guest-account");
    check(|q| q.subject.synced = true, "human: synced-account");
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
        "human: synced-account",
    );
}

#[test]
fn a_secret_needs_a_channel_that_stays_open() {
    check(|q| q.delivery_survives = false, "human: no-way-to-deliver");
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
fn an_approval_lets_through_what_needs_one_and_nothing_else() {
    check(|q| (mode(q, "approval"), yes(q, false, &["mo@acme.com"])).0, "autonomous: approved");
    check(|q| (mode(q, "approval"), yes(q, true, &["T0/U0"])).0, "autonomous: approved");
    check(|q| (mode(q, "approval"), yes(q, true, &[" "])).0, "approval: approval-by-settings");
    check(|q| (mode(q, "human"), yes(q, true, &["T0/U0"])).0, "human: human-by-settings");
    check(|q| (q.subject.enabled = false, mode(q, "approval"), yes(q, true, &["T0/U0"])).0, "human: disabled-account");
}

#[test]
fn nobody_approves_their_own_request_under_any_name() {
    for name in ["T1/U1", "t1/u1 ", "Jane@acme.com", "J.DOE@acme.com", "u-1", "j.d\u{200b}oe@acme.com"] {
        let mut question = fine();
        mode(&mut question, "approval");
        yes(&mut question, true, &["T0/U0", name]);
        assert_eq!(decide(&question).unwrap().rules, ["self-approval"], "{name}");
    }
    // Among several, one of oneself is one too many.
    check(|q| (mode(q, "approval"), yes(q, true, &["T0/U0"]), yes(q, false, &["T1/U1"])).0, "human: self-approval");
}

#[test]
fn a_tenant_of_which_nothing_is_said_is_supervised() {
    check(|q| settings(q).autonomy.clear(), "approval: supervised");
    check(|q| (settings(q).autonomy.clear(), yes(q, true, &["T0/U0"])).0, "autonomous: own-account-verified");
    // Somebody of the client is no technician of the MSP.
    check(|q| (settings(q).autonomy.clear(), yes(q, false, &["mo@acme.com"])).0, "approval: supervised");
}

#[test]
fn a_technicians_yes_lets_a_plan_go_and_is_no_approval() {
    fn technician(q: &mut Question) {
        q.approvals.push(Approval { names: vec!["T0/U0".into()], staff: true, approver: false });
    }
    check(|q| (settings(q).autonomy.clear(), technician(q)).0, "autonomous: own-account-verified");
    check(|q| (mode(q, "approval"), technician(q)).0, "approval: approval-by-settings");
    check(|q| (q.circumstances.frozen = true, technician(q)).0, "approval: change-freeze");
}

#[test]
fn the_mode_of_an_action_goes_before_the_default() {
    check(
        |q| settings(q).autonomy = vec![autonomy("default", "supervised", &[]), autonomy("password_reset", "autonomous", &[])],
        "autonomous: own-account-verified",
    );
    check(|q| settings(q).autonomy = vec![autonomy("default", "supervised", &[]), autonomy("account_unlock", "autonomous", &[])], "approval: supervised");
    check(|q| settings(q).autonomy.push(autonomy("password_reset", "shadow", &[])), "human: shadow");
    check(|q| (settings(q).autonomy.push(autonomy("password_reset", "shadow", &[])), yes(q, true, &["T0/U0"])).0, "human: shadow");
    check(|q| settings(q).autonomy.push(autonomy("password_reset", "Autonomous", &[])), "deny: bad-mode");
    check(|q| settings(q).autonomy.push(autonomy("default", "shadow", &[])), "human: shadow");
}

#[test]
fn a_pilot_group_goes_ahead_of_the_others() {
    fn pilot(q: &mut Question, others: &str, names: &[&str]) {
        settings(q).autonomy = vec![autonomy("default", others, &[]), autonomy("password_reset", "autonomous", names)];
    }
    check(|q| pilot(q, "supervised", &["J.Doe@acme.com"]), "autonomous: own-account-verified");
    check(|q| pilot(q, "supervised", &["bob@acme.com"]), "approval: supervised");
    check(|q| (pilot(q, "supervised", &["bob@acme.com"]), yes(q, true, &["T0/U0"])).0, "autonomous: own-account-verified");
    check(|q| pilot(q, "shadow", &["u-1"]), "autonomous: own-account-verified");
    check(|q| pilot(q, "shadow", &["bob@acme.com", ""]), "human: shadow");
    // The list of one action says nothing about another.
    check(|q| (pilot(q, "supervised", &["u-1"]), q.action = "account_unlock".into()).0, "approval: supervised");
}

#[test]
fn what_holds_at_the_moment_stops_even_what_was_approved() {
    check(|q| (q.circumstances.halted = true, yes(q, true, &["T0/U0"])).0, "human: kill-switch");
    check(|q| q.circumstances.frozen = true, "approval: change-freeze");
    check(|q| (q.circumstances.frozen = true, yes(q, false, &["mo@acme.com"])).0, "approval: change-freeze");
    check(|q| (q.circumstances.frozen = true, yes(q, true, &["T0/U0"])).0, "autonomous: own-account-verified");
    for limit in ["person", "tenant", "msp"] {
        let mut question = fine();
        question.circumstances.over.push(limit.into());
        yes(&mut question, true, &["T0/U0"]);
        assert_eq!(decide(&question).unwrap().rules, [format!("limit-of-the-{limit}")]);
    }
}

#[test]
fn a_mode_that_means_nothing_denies_and_of_two_entries_the_stricter_counts() {
    check(|q| mode(q, "Autonomous"), "deny: bad-setting");
    check(|q| mode(q, ""), "deny: bad-setting");
    check(|q| (mode(q, "autonomous"), mode(q, "yes")).0, "deny: bad-setting");
    check(|q| (mode(q, "autonomous"), mode(q, "human")).0, "human: human-by-settings");
}

#[test]
fn with_several_reasons_all_are_told_and_the_strictest_decides() {
    check(
        |q| {
            q.requester = Requester { account: None, assurance: Assurance::None, guest: true, names: Vec::new(), vouchers: Vec::new() };
            q.subject.enabled = false;
            q.subject.privileged.push("x".into());
            q.subject.tenant = "globex".into();
            mode(q, "approval");
        },
        "deny: other-tenant, not-own-account, chat-guest, protected-account, disabled-account, not-verified",
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
    (Verdict::Human, |q| settings(q).vips.push("J.Doe@acme.com".into())),
    (Verdict::Human, |q| yes(q, true, &["j.doe@acme.com"])),
    (Verdict::Human, |q| q.circumstances.halted = true),
    (Verdict::Human, |q| q.circumstances.over.push("person".into())),
    (Verdict::Human, |q| q.circumstances.over.push("tenant".into())),
    (Verdict::Human, |q| q.circumstances.over.push("msp".into())),
    (Verdict::Approval, |q| q.circumstances.frozen = true),
    (Verdict::Prove, |q| settings(q).proof = ["password_reset", "account_unlock"].map(|action| (action.into(), Assurance::Strong)).into()),
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
    let mut read = HashMap::new();
    let mut asked = |question: &Question| {
        let text = text(question).unwrap();
        let policies = read.entry(text).or_insert_with_key(|text| Policies::read(text).unwrap());
        judge(question, policies).unwrap()
    };
    // Up to three flaws at once.
    for chosen in (0..1_usize << FLAWS.len()).filter(|chosen| chosen.count_ones() <= 3) {
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
                let decision = asked(&question);
                assert_eq!(decision.verdict, strictest, "{question:?}");
                assert!(!decision.rules.is_empty());
                served += usize::from(decision.verdict == Verdict::Autonomous);

                question.settings = None;
                assert_eq!(asked(&question).verdict, Verdict::Deny, "{question:?}");
            }
        }
    }
    // Only the question without a flaw is served: two actions, by default and by setting.
    assert_eq!(served, 4);
}

/// Every question that differs from the fine one by one flaw, and what the flaw is called.
fn flawed() -> Vec<Question> {
    let mut questions: Vec<Question> = FLAWS
        .iter()
        .map(|(_, spoil)| {
            let mut question = fine();
            spoil(&mut question);
            question
        })
        .collect();
    questions.push(Question { settings: None, ..fine() });
    let mut lost = Question { action: "mfa_reset".into(), ..fine() };
    settings(&mut lost).proof.push(("mfa_reset".into(), Assurance::Chat));
    let mut alone = Question { requester: Requester { assurance: Assurance::Strong, ..lost.requester.clone() }, ..lost.clone() };
    yes(&mut alone, true, &["T0/U0"]);
    alone.requester.vouchers = vec!["T0/U0".into()];
    questions.extend([lost, alone]);
    let mut unknown = Question { action: "make_admin".into(), ..fine() };
    mode(&mut unknown, "autonomous");
    questions.push(unknown);
    questions
}

/// Takes one policy out of the invariants.
fn without(id: &str) -> String {
    let kept: Vec<&str> = INVARIANTS.split_inclusive("\n\n").filter(|policy| !policy.contains(&format!("@id(\"{id}\")"))).collect();
    kept.concat()
}

/// What is forbidden only by default (nothing configured, an unknown action without a setting) stays so; everything else is let through
/// or judged more mildly once its policy is gone.
#[test]
fn without_any_one_of_the_invariants_some_question_is_judged_more_mildly() {
    let ids: Vec<&str> = INVARIANTS.lines().filter_map(|line| line.strip_prefix("@id(\"")?.strip_suffix("\")")).collect();
    assert_eq!(ids.len(), INVARIANTS.matches("\nforbid (").count());
    for id in ids {
        let milder = flawed().into_iter().any(|question| {
            let whole = text(&question).unwrap();
            let open = whole.replace(INVARIANTS, &without(id));
            assert_ne!(whole, open, "{id}");
            let [whole, open] = [whole, open].map(|text| judge(&question, &Policies::read(&text).unwrap()).unwrap());
            (severity(open.verdict), open.reason != whole.reason) < (severity(whole.verdict), false) || open.reason == "no-rule-allows"
        });
        assert!(milder, "`{id}` holds nothing");
    }
}

#[test]
fn the_policies_fit_the_schema_and_the_actions_are_those_of_the_schema() {
    let (schema, _) = Schema::from_cedarschema_str(include_str!("../../policies/firstline.cedarschema")).unwrap();
    let mut question = fine();
    settings(&mut question).matrix.extend(["approval", "human", "deny", "?"].map(|mode| ("account_unlock".into(), mode.into())));
    settings(&mut question).autonomy = ["shadow", "supervised", "?"].map(|mode| autonomy("account_unlock", mode, &["u-1"])).into();
    settings(&mut question).autonomy.push(autonomy("default", "supervised", &[]));
    let checked = Validator::new(schema.clone()).validate(&Policies::read(&text(&question).unwrap()).unwrap().set, ValidationMode::Strict);
    assert!(checked.validation_passed(), "{checked}");
    let wrong = Policies::read("forbid (principal, action, resource) when { resource.enable };").unwrap();
    assert!(!Validator::new(schema.clone()).validate(&wrong.set, ValidationMode::Strict).validation_passed());

    let told = schema.action_entities().unwrap();
    for action in ACTIONS {
        let id = uid("Action", action.name).unwrap();
        let mut groups: Vec<String> = told.ancestors(&id).unwrap().map(|group| group.id().unescaped().to_owned()).collect();
        groups.sort();
        let mut ours = action.groups.to_vec();
        ours.sort_unstable();
        assert_eq!(groups, ours, "{}", action.name);
    }
    assert_eq!(schema.actions().filter(|action| schema.principals_for_action(action).is_some_and(|mut p| p.next().is_some())).count(), ACTIONS.len());
    // The facts themselves fit as well.
    let (request, entities) = facts(&fine()).unwrap();
    Request::new(
        request.principal().unwrap().clone(),
        request.action().unwrap().clone(),
        request.resource().unwrap().clone(),
        request.context().unwrap().clone(),
        Some(&schema),
    )
    .unwrap();
    Entities::from_entities(entities.iter().cloned(), Some(&schema)).unwrap();
}

/// Names are quoted by Cedar, so that no setting can smuggle a policy in.
#[test]
fn a_setting_that_looks_like_a_policy_stays_a_name() {
    let smuggled = r#"x", resource); permit (principal, action, resource); forbid (principal, action == Action::"x"#;
    check(|_| (), "autonomous: own-account-verified");
    let mut question = fine();
    question.subject.enabled = false;
    settings(&mut question).matrix.push((smuggled.into(), "autonomous".into()));
    assert_eq!(decide(&question).unwrap().verdict, Verdict::Human);
    question = Question { tenant: smuggled.into(), ..fine() };
    assert_eq!(decide(&question).unwrap().verdict, Verdict::Deny);
    question.subject.tenant = smuggled.into();
    assert_eq!(decide(&question).unwrap().verdict, Verdict::Autonomous);
}

#[test]
fn the_hash_follows_the_policies() {
    let hash = |question: &Question| decide(question).unwrap().policies;
    let (plain, mut stricter) = (fine(), fine());
    mode(&mut stricter, "human");
    assert_eq!(hash(&plain).len(), 16);
    assert_ne!(hash(&plain), hash(&stricter));
    assert_eq!(hash(&plain), hash(&Question { delivery_survives: false, ..fine() }));
}

#[test]
fn a_policy_that_errs_is_a_fault_and_decides_nothing() {
    let policies = Policies::read("permit (principal, action, resource); forbid (principal, action, resource) when { resource.nothing };").unwrap();
    assert!(judge(&fine(), &policies).unwrap_err().contains("nothing"));
}
