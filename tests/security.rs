//! What must never happen, tried.

use crate::rig::{Rig, Setup, start};

/// Jane asks for a new password and presses the button, while the identity stage lies.
async fn lied(lie: &str) -> Rig {
    let rig = start(Setup { stub_for: "idp-action", jane: lie, ..Setup::default() }).await;
    assert_eq!(rig.says("I forgot my password").await, 200);
    if rig.messages().iter().any(|message| message.contains("Reset your")) {
        assert_eq!(rig.presses("Yes").await, 200);
    }
    // Longer than any wait, lease or retry of a case that gets nowhere.
    rig.minutes(4).await;
    rig
}

/// Nothing is changed, no foreign host is asked, a human gets the case, and the journal says why.
async fn check(lie: &str, why: &str) -> Vec<String> {
    let rig = lied(lie).await;
    let mut wrong = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            wrong.push(format!("{lie}: {what}"));
        }
    };
    let changes = rig.changes("entra");
    expect(changes.is_empty(), format!("these got past: {changes:?}"));
    let unknown: Vec<_> = rig.desk.vendors.calls().into_iter().filter(|call| call.vendor == "unknown" || call.path.contains("auditLogs")).collect();
    expect(unknown.is_empty(), format!("these got past: {unknown:?}"));
    let violations = rig.desk.vendors.violations();
    expect(violations.is_empty(), format!("a vendor was sent what no correct client sends: {violations:?}"));
    let fresh = start(Setup { jane: lie, empty: true, ..Setup::default() }).await;
    expect(rig.accounts() == fresh.accounts(), "the directory has changed".into());
    let (case, journal) = rig.case().await;
    expect(case["state"] == "handed-over", format!("the case is {case}\n{}", rig.log()));
    expect(journal.contains(why), format!("the journal does not say `{why}`: {}", rig.log()));
    expect(rig.tickets().iter().any(|ticket| ticket["status"]["name"] == "Needs Dispatch"), format!("no human gets it: {:?}", rig.tickets()));
    expect(!rig.log().contains("trap: "), rig.log());
    wrong
}

#[tokio::test(start_paused = true)]
async fn a_lying_stage_gets_nothing_past_the_technician() {
    let lies = [
        ("change-as-read", "the stage says Read"),
        ("foreign-host", "leads out of the connection"),
        ("look-alike-host", "leads out of the connection"),
        ("user-name-host", "leads out of the connection"),
        ("other-version", "refused-by-monitor"),
        ("other-version-encoded", "refused-by-monitor"),
        ("own-link", "refused-by-monitor"),
        ("own-link-by-checkpoint", "refused-by-monitor"),
        ("wrong-target", "no live grant for `password_reset`"),
        ("change-while-finding", "no live grant for `password_reset`"),
        ("found-another", "refused-by-monitor"),
        ("own-authorization", "header `authorization` is not allowed"),
        ("method-override", "header `x-http-method-override` is not allowed"),
        ("enables-too", "`/accountEnabled` is not allowed"),
        ("own-password", "`/passwordProfile/password` has a value that is not allowed"),
        ("keeps-password", "`/passwordProfile/forceChangePasswordNextSignIn` has a value that is not allowed"),
        ("up", "no row"),
        ("up-in-place", "no row"),
        ("slash", "no row"),
        ("slash-in-a-read", "no row"),
        ("link-as-password", "`link` must not be filled in"),
        ("query", "query `$expand` is not allowed"),
        ("two-changes", "two changes"),
        ("no-row", "no row"),
        ("endless-reads", "too-much"),
        ("endless-waits", "too-much"),
        ("endless-checkpoints", "too-much"),
        ("much", "refused-by-monitor"),
        ("many", "a batch of 10000 requests"),
    ];
    let mut wrong = Vec::new();
    for (lie, why) in lies {
        println!("{lie}");
        wrong.extend(check(lie, why).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The negative control: the same stage, telling the truth, changes the password.
#[tokio::test(start_paused = true)]
async fn the_same_stage_telling_the_truth_gets_through() {
    let rig = lied("honest").await;
    assert_eq!(rig.changes("entra"), ["PATCH /v1.0/users/4f1c0001-7c2d-4f5a-9b1e-6a0d8c3e2b01"], "{}", rig.log());
    assert_eq!(rig.case().await.0["state"], "closed");
}
