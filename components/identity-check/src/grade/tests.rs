use super::*;

/// Jane wrote in her own chat workspace, everything can be asked for, and nothing was asked yet.
fn claim(wanted: Assurance) -> Claim {
    Claim {
        channel: Channel::Chat,
        names: vec!["T1/U1".into(), "jane@acme.com".into(), "j.doe@acme.com".into(), "u-1".into()],
        proofs: Vec::new(),
        lost: Vec::new(),
        means: ["code", "call-back", "manager"].map(Into::into).into(),
        wanted,
        challenges: 0,
        challenges_this_hour: 0,
        denied: false,
        at: 1_000,
    }
}

fn proof(kind: &str, names: &[&str]) -> Proof {
    Proof { kind: kind.into(), expires: 2_000, names: names.iter().map(|name| (*name).into()).collect() }
}

/// What is passed stands for: a technician's call, a code, a manager's word.
fn passed(kinds: &str) -> Vec<Proof> {
    kinds.split_whitespace().map(|kind| proof(kind, if kind == "code" { &[] } else { &["T0/U0TOM"] })).collect()
}

/// `assurance: because; step-ups` and why it is locked.
fn told(claim: &Claim) -> String {
    let Standing { assurance, because, step_ups, locked } = assess(claim);
    let locked = locked.map_or(String::new(), |why| format!(" ({why})"));
    format!("{assurance:?}: {}; {}{locked}", because.join(" "), step_ups.join(" "))
}

#[test]
fn the_channel_alone_is_graded() {
    for (channel, expect) in
        [(Channel::Unknown, "Assurance::None: ; "), (Channel::Email, "Assurance::Email: email; "), (Channel::Chat, "Assurance::Chat: chat; ")]
    {
        assert_eq!(told(&Claim { channel, wanted: Assurance::None, ..claim(Assurance::None) }), expect);
    }
}

#[test]
fn what_is_held_already_needs_no_step_up() {
    assert_eq!(told(&claim(Assurance::Chat)), "Assurance::Chat: chat; ");
    assert_eq!(told(&Claim { proofs: passed("code"), ..claim(Assurance::Challenge) }), "Assurance::Challenge: chat code; ");
}

#[test]
fn proofs_are_worth_what_the_table_says_and_several_weaker_ones_add_up() {
    for (kinds, expect) in [
        ("code", "Challenge"),
        ("manager", "Challenge"),
        ("call-back", "Strong"),
        ("code manager", "Strong"),
        ("manager code", "Strong"),
        ("code code", "Challenge"),
        ("manager manager", "Challenge"),
        ("call-back code", "Strong"),
        ("birthday", "Chat"),
        ("birthday name", "Chat"),
    ] {
        let standing = assess(&Claim { proofs: passed(kinds), ..claim(Assurance::None) });
        assert_eq!(format!("{:?}", standing.assurance), format!("Assurance::{expect}"), "{kinds}");
    }
}

#[test]
fn the_first_row_that_reaches_what_is_wanted_and_can_be_asked_for_is_the_plan() {
    for (wanted, means, held, expect) in [
        (Assurance::Challenge, "code call-back manager", "", "code"),
        (Assurance::Challenge, "call-back manager", "", "manager"),
        (Assurance::Challenge, "manager", "", "manager"),
        (Assurance::Challenge, "", "", ""),
        (Assurance::Strong, "code call-back manager", "", "call-back"),
        (Assurance::Strong, "code manager", "", "code manager"),
        (Assurance::Strong, "manager", "code", "manager"),
        (Assurance::Strong, "code", "", ""),
        (Assurance::Strong, "birthday", "", ""),
    ] {
        let means = means.split_whitespace().map(Into::into).collect();
        let standing = assess(&Claim { means, proofs: passed(held), ..claim(wanted) });
        assert_eq!(standing.step_ups.join(" "), expect, "{wanted:?} {:?}", standing.because);
    }
}

#[test]
fn who_wrote_nowhere_that_proves_anything_is_asked_nothing_and_believed_nothing() {
    assert_eq!(told(&Claim { channel: Channel::Unknown, proofs: passed("call-back"), ..claim(Assurance::Challenge) }), "Assurance::None: ; ");
}

#[test]
fn what_was_lost_proves_nothing_and_is_not_asked_for() {
    let lost = vec!["code".to_string()];
    assert_eq!(told(&Claim { lost: lost.clone(), proofs: passed("code"), ..claim(Assurance::Challenge) }), "Assurance::Chat: chat; manager");
    let means = vec!["code".into(), "manager".into()];
    assert_eq!(told(&Claim { lost, means, ..claim(Assurance::Strong) }), "Assurance::Chat: chat; ");
}

#[test]
fn a_proof_counts_until_it_expires() {
    for (at, expect) in [(1_999, "Strong"), (2_000, "Chat")] {
        let standing = assess(&Claim { proofs: passed("call-back"), at, ..claim(Assurance::None) });
        assert_eq!(format!("{:?}", standing.assurance), format!("Assurance::{expect}"), "{at}");
    }
}

#[test]
fn nobody_vouches_for_themselves_under_any_name() {
    for name in ["T1/U1", "t1/u1 ", "Jane@acme.com", "J.DOE@acme.com", "u-1", "j.d\u{200b}oe@acme.com"] {
        let proofs = vec![proof("manager", &["T1/U9", name])];
        assert_eq!(told(&Claim { proofs, ..claim(Assurance::Challenge) }), "Assurance::None: ;  (self-vouched)", "{name}");
    }
}

#[test]
fn a_call_without_a_caller_proves_nothing() {
    for names in [&[][..], &[" "]] {
        let proofs = vec![proof("call-back", names)];
        assert_eq!(told(&Claim { proofs, ..claim(Assurance::None) }), "Assurance::Chat: chat; ");
    }
}

#[test]
fn a_denial_locks_whatever_else_was_passed() {
    assert_eq!(told(&Claim { denied: true, proofs: passed("call-back"), ..claim(Assurance::Challenge) }), "Assurance::None: ;  (denied)");
}

#[test]
fn too_many_challenges_end_the_asking_and_what_is_held_stays() {
    for (challenges, this_hour, expect) in [(2, 4, "; code"), (3, 0, ";  (too-many-challenges)"), (0, 5, ";  (too-many-challenges)")] {
        let told = told(&Claim { challenges, challenges_this_hour: this_hour, ..claim(Assurance::Challenge) });
        assert_eq!(told, format!("Assurance::Chat: chat{expect}"));
    }
    assert_eq!(told(&Claim { challenges: 3, proofs: passed("call-back"), ..claim(Assurance::Strong) }), "Assurance::Strong: chat call-back; ");
}
