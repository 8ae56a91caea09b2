use super::*;
use crate::needs::Use;

#[test]
fn a_token_tells_what_it_grants_and_nonsense_tells_nothing() {
    let token = "x.eyJyb2xlcyI6WyJVc2VyLlJlYWQuQWxsIl0sInRpZCI6IsO8In0.y";
    assert_eq!(claims(token), json!({"roles": ["User.Read.All"], "tid": "ü"}));
    for token in ["", "x", "x.y", "x.!!!.y", "x.e30", "..."] {
        assert!(claims(token).get("roles").is_none(), "{token}");
    }
}

#[test]
fn the_readme_lists_every_permission() {
    let readme = include_str!("../../../../README.md");
    for vendor in ["slack", "entra", "okta", "connectwise"] {
        for purpose in [Use::Full, Use::ReadOnly] {
            for need in needs::of(vendor, purpose) {
                assert!(readme.contains(need.permission), "`{}` of {vendor} is not in the README", need.permission);
            }
        }
    }
}

#[test]
fn a_missing_permission_holds_up_only_what_needs_it() {
    let finding =
        |what: &str, mark: Mark, needed_for: Vec<Action>| Finding { connection: "c".into(), what: what.into(), mark, needed_for, advice: String::new() };
    let report = |purpose, findings| Report::new("acme", purpose, needs::actions(purpose, Some("entra")), findings);
    let mixed = report(Use::Full, vec![finding("a", Mark::Missing, vec![Action::PasswordReset]), finding("b", Mark::Excessive, vec![])]);
    assert!(!mixed.ready && mixed.actions[&Action::PasswordReset] == ["c a"] && mixed.actions[&Action::Chat].is_empty());
    assert!(report(Use::Full, vec![finding("b", Mark::Excessive, vec![]), finding("d", Mark::Unproven, vec![])]).ready);
    // Whoever lost a phone gets a person meanwhile.
    let phones = report(Use::Full, vec![finding("m", Mark::Missing, vec![Action::MfaReset])]);
    assert!(phones.ready && phones.actions[&Action::MfaReset] == ["c m"]);
    assert!(!needs::actions(Use::Full, Some("okta")).contains(&Action::MfaReset));
    // For reading only, a write that is there or cannot be excluded is one too many.
    for mark in [Mark::Excessive, Mark::Unproven] {
        assert!(!report(Use::ReadOnly, vec![finding("b", mark, vec![])]).ready);
    }
    assert!(report(Use::ReadOnly, vec![finding("b", Mark::Good, vec![])]).ready);
}
