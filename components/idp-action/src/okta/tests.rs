use crate::bindings::exports::firstline::idp::idp::{Act, Sought, Watched};
use crate::testing::{self, golden, jane, next, ok, recorded, requests, rows, sought};
use firstline_connector::replay::testing::answer;
use firstline_connector::wire::Reply;

const PAIR: &str = "GET api/v1/users/00u1 | GET api/v1/users/00u1/roles";
const READ: &str = "GET api/v1/users/00u1";
const UNLOCK: &str = "POST api/v1/users/00u1/lifecycle/unlock";
const RESET: &str = "POST api/v1/users/00u1/lifecycle/expire_password_with_temp_password";
const SEALED: &str = r#"{"tempPassword":{"secret":"temporary-password"}}"#;
const NEEDS: &str = "the connection needs a token of an administrator who may manage this user (`okta.users.manage`)";

fn check(act: Act, seen: &[Reply], expect: &str) {
    assert_eq!(next("okta", act, seen), expect);
}

fn account(status: &str, provider: &str) -> String {
    serde_json::json!({
        "id": "00u1", "status": status, "credentials": {"provider": {"type": provider, "name": provider}},
        "profile": {"login": "Jane@acme.com", "email": "jane.doe@acme.com", "secondEmail": "jane@home.example", "firstName": "Jane", "lastName": "Doe"},
    })
    .to_string()
}

fn is(status: &str) -> Reply {
    ok(&account(status, "OKTA"))
}

fn none() -> Reply {
    ok("[]")
}

fn looked(status: &str) -> String {
    format!("read `Jane@acme.com` (00u1) just before: {status}, not privileged, not a guest, not synced")
}

fn then(first: &[Reply], rest: &[Reply]) -> Vec<Reply> {
    [first, rest].concat()
}

fn find() -> Act {
    Act::Find(sought("jane@acme.com"))
}

fn unlock() -> Act {
    Act::Unlock(jane("00u1"))
}

fn reset() -> Act {
    Act::ResetPassword(jane("00u1"))
}

fn found(flags: &str, privileged: &str) -> String {
    format!("found 00u1 Jane@acme.com `Jane Doe` [jane@acme.com jane.doe@acme.com] {flags} [{privileged}]")
}

#[test]
fn the_groups_of_an_account_are_read_where_they_are_wanted() {
    let act = || Act::Find(Sought { groups: true, ..sought("jane@acme.com") });
    let with = |last: Reply| then(&[is("ACTIVE"), none()], &[last]);
    check(act(), &[is("ACTIVE"), none()], "GET api/v1/users/00u1/groups");
    let groups = r#"[{"id":"00g1","type":"BUILT_IN","profile":{"name":"Everyone"}},{"id":"00g2","type":"OKTA_GROUP","profile":{"name":"Board"}}]"#;
    assert_eq!(testing::account("okta", act(), &with(ok(groups))).unwrap().groups, ["00g1", "00g2"]);
    // Who is in a group cannot be known, so nobody is taken for somebody who is in none.
    check(
        act(),
        &with(answer(403, "{}")),
        "permission-missing: reading the groups of the account: answered 403; the connection needs a token of an administrator who may read groups (`okta.groups.read`)",
    );
}

#[test]
fn the_manager_is_a_user_whom_the_profile_names() {
    let act = || Act::Find(Sought { manager: true, ..sought("jane@acme.com") });
    let before = [is("ACTIVE"), none()];
    let with = |replies: &[Reply]| then(&before, replies);
    check(act(), &before, READ);
    let jane = |manager: &str| {
        let mut jane: serde_json::Value = serde_json::from_str(&account("ACTIVE", "OKTA")).unwrap();
        jane["profile"]["managerId"] = manager.into();
        ok(&jane.to_string())
    };
    let mona = |status: &str| {
        let mut mona: serde_json::Value = serde_json::from_str(&account(status, "OKTA")).unwrap();
        (mona["id"], mona["profile"]["login"], mona["profile"]["email"]) = ("00u2".into(), "mona".into(), "mona@acme.com".into());
        ok(&mona.to_string())
    };
    let plain = found("ACTIVE enabled Lock::Open", "");
    check(act(), &with(&[jane("mona")]), "GET api/v1/users/mona");
    check(act(), &with(&[jane("mona"), mona("ACTIVE")]), &format!("{plain} manager 00u2 Jane Doe mona@acme.com"));
    for nobody in [&[is("ACTIVE")][..], &[jane(" ")], &[jane("me")], &[jane("4711"), answer(404, "{}")], &[jane("mona"), mona("SUSPENDED")]] {
        check(act(), &with(nobody), &plain);
    }
}

#[test]
fn an_account_is_found_with_its_state_and_its_roles() {
    check(find(), &[], "GET api/v1/users/jane@acme.com");
    check(find(), &[is("ACTIVE")], "GET api/v1/users/00u1/roles");
    for (status, flags) in [
        ("ACTIVE", "ACTIVE enabled Lock::Open"),
        ("LOCKED_OUT", "LOCKED_OUT enabled Lock::Locked"),
        ("PASSWORD_EXPIRED", "PASSWORD_EXPIRED enabled Lock::Open"),
        ("RECOVERY", "RECOVERY enabled Lock::Open"),
        ("SUSPENDED", "SUSPENDED Lock::Open"),
        ("DEPROVISIONED", "DEPROVISIONED Lock::Open"),
        ("STAGED", "STAGED Lock::Open"),
        ("PROVISIONED", "PROVISIONED Lock::Open"),
        ("NEWLY_INVENTED", "NEWLY_INVENTED Lock::Open"),
    ] {
        check(find(), &[is(status), none()], &found(flags, ""));
    }
}

#[test]
fn an_account_with_another_provider_is_mastered_elsewhere() {
    for provider in ["ACTIVE_DIRECTORY", "LDAP", "FEDERATION", "SOCIAL", "IMPORT"] {
        check(find(), &[ok(&account("ACTIVE", provider)), none()], &found("ACTIVE enabled synced Lock::Open", ""));
    }
    let unsaid = r#"{"id":"00u1","status":"ACTIVE","profile":{"login":"jane@acme.com"}}"#;
    check(find(), &[ok(unsaid), none()], "found 00u1 jane@acme.com `jane@acme.com` [jane@acme.com] ACTIVE enabled synced Lock::Open []");
}

#[test]
fn any_administrator_role_makes_an_account_privileged() {
    let roles = ok(r#"[{"id":"r1","label":"Help Desk Administrator","type":"HELP_DESK_ADMIN","status":"INACTIVE"},{"id":"r2","type":"CUSTOM"},{}]"#);
    let expect = "administrator role `Help Desk Administrator`, administrator role `CUSTOM`, administrator role `unknown`";
    check(find(), &[is("ACTIVE"), roles], &found("ACTIVE enabled Lock::Open", expect));
    let denied = answer(403, r#"{"errorCode":"E0000006"}"#);
    let needs = "a token of an administrator who may read users and their administrator roles (`okta.users.read`, `okta.roles.read`)";
    let expect = format!("permission-missing: reading administrator roles: answered 403 `E0000006`; the connection needs {needs}");
    check(find(), &[is("ACTIVE"), denied], &expect);
}

#[test]
fn an_address_that_is_no_login_is_searched_for() {
    let gone = answer(404, r#"{"errorCode":"E0000007"}"#);
    let act = || Act::Find(sought("jane.\"doe@acme.com"));
    check(act(), std::slice::from_ref(&gone), r#"GET api/v1/users?search=profile.email eq "jane.\"doe@acme.com""#);
    let act = || Act::Find(sought("Jane.Doe@acme.com"));
    let one = ok(&format!("[{}]", account("ACTIVE", "OKTA")));
    check(act(), &[gone.clone(), one.clone()], "GET api/v1/users/00u1/roles");
    check(act(), &[gone.clone(), one, none()], &found("ACTIVE enabled Lock::Open", ""));
    check(act(), &[gone.clone(), none()], "absent");
    let two = ok(&format!("[{0},{0}]", account("ACTIVE", "OKTA")));
    check(act(), &[gone, two], "not-found: 2 accounts carry the address `Jane.Doe@acme.com`");
}

#[test]
fn the_owner_of_the_token_and_accounts_of_another_name_are_absent() {
    check(Act::Find(sought("me")), &[], "absent");
    check(Act::Find(sought(" ")), &[], "absent");
    check(Act::Find(sought("john@acme.com")), &[is("ACTIVE")], "absent");
    check(Act::Find(sought("jane@home.example")), &[is("ACTIVE")], "absent");
}

#[test]
fn an_unlock_reads_again_unlocks_and_reads_back() {
    let locked = [is("LOCKED_OUT"), none()];
    check(unlock(), &[], PAIR);
    check(unlock(), &locked, UNLOCK);
    check(unlock(), &then(&locked, &[ok("{}")]), READ);
    let done = format!("changed (): {} / unlocking: answered 200 / read back: the state is ACTIVE", looked("LOCKED_OUT"));
    check(unlock(), &then(&locked, &[ok("{}"), is("ACTIVE")]), &done);
    check(unlock(), &then(&locked, &[ok("{}"), is("LOCKED_OUT")]), "wait 2");
    check(unlock(), &then(&locked, &[ok("{}"), is("LOCKED_OUT"), Reply::Waited(3), is("ACTIVE")]), &done);
}

#[test]
fn an_account_that_is_not_locked_is_left_alone() {
    for status in ["ACTIVE", "PASSWORD_EXPIRED", "RECOVERY"] {
        check(unlock(), &[is(status), none()], &format!("unchanged (): {} / not locked out: the state is {status}", looked(status)));
    }
}

#[test]
fn nothing_is_done_to_an_account_that_is_not_fit_for_it_just_before() {
    let role = ok(r#"[{"id":"r","label":"Super Administrator"}]"#);
    for act in [unlock, reset] {
        for (user, roles, expect) in [
            (is("LOCKED_OUT"), role.clone(), "privileged: `Jane@acme.com` is privileged: administrator role `Super Administrator`; nothing was changed"),
            (is("SUSPENDED"), none(), "disabled: `Jane@acme.com` may not sign in (SUSPENDED); nothing was changed"),
            (is("DEPROVISIONED"), none(), "disabled: `Jane@acme.com` may not sign in (DEPROVISIONED); nothing was changed"),
            (
                ok(&account("LOCKED_OUT", "ACTIVE_DIRECTORY")),
                none(),
                "synced: `Jane@acme.com` is mastered in another directory and has to be changed there; nothing was changed",
            ),
            (ok(&account("ACTIVE", "OKTA").replace("00u1", "00u2")), none(), "wrong-target: another account answered for id `00u1`; nothing was changed"),
            (answer(404, ""), answer(404, ""), "not-found: reading the account: answered 404"),
            (Reply::Unknown(1), none(), "vendor-down: reading the account: no answer"),
        ] {
            check(act(), &[user, roles], expect);
        }
    }
}

#[test]
fn an_unlock_that_fails_says_how() {
    let locked = [is("LOCKED_OUT"), none()];
    let denied = answer(403, r#"{"errorCode":"E0000006"}"#);
    check(unlock(), &then(&locked, &[denied]), &format!("permission-missing: unlocking: answered 403 `E0000006`; {NEEDS}; it was not applied"));
    let refused = answer(403, r#"{"errorCode":"E0000032"}"#);
    check(unlock(), &then(&locked, &[refused]), "vendor-refused: unlocking: answered 403 `E0000032`; it was not applied");
    check(unlock(), &then(&locked, &[Reply::NotApplied(1)]), "vendor-down: unlocking: the vendor did not take the request; it was not applied");
    let still = [is("LOCKED_OUT"), Reply::Waited(1), is("LOCKED_OUT"), Reply::Waited(2), is("LOCKED_OUT")];
    let expect = "read-back-failed: unlocking: answered 200, but the change did not show in 3 reads; it may have been applied";
    check(unlock(), &[&locked[..], &[ok("{}")], &still].concat(), expect);

    let lost = then(&locked, &[Reply::Unknown(1)]);
    let done = format!("changed (): {} / unlocking: the reply was lost / read back: the state is ACTIVE", looked("LOCKED_OUT"));
    check(unlock(), &then(&lost, &[is("ACTIVE")]), &done);
    let again = then(&lost, &still);
    check(unlock(), &again, UNLOCK);
    let expect = "unknown-outcome: unlocking: the reply was lost twice and the change did not show; it may still be applied";
    check(unlock(), &[&again[..], &[Reply::Unknown(1)], &still].concat(), expect);
}

#[test]
fn a_reset_sets_a_temporary_password_and_reads_back() {
    let active = [is("ACTIVE"), none()];
    check(reset(), &[], PAIR);
    check(reset(), &active, RESET);
    check(reset(), &then(&active, &[ok(SEALED)]), READ);
    let rest = "setting a temporary password: answered 200 / read back: the state is PASSWORD_EXPIRED";
    let expect = format!("changed (temporary-password): {} / {rest}", looked("ACTIVE"));
    check(reset(), &then(&active, &[ok(SEALED), is("PASSWORD_EXPIRED")]), &expect);
}

#[test]
fn a_locked_account_is_unlocked_before_its_reset() {
    let what = "setting a temporary password (the account was unlocked before)";
    let locked = [is("LOCKED_OUT"), none()];
    check(reset(), &locked, UNLOCK);
    let open = then(&locked, &[ok("{}"), is("ACTIVE")]);
    check(reset(), &open, RESET);
    let expect = format!(
        "changed (temporary-password): {} / unlocking: answered 200 / read back: the state is ACTIVE / {what}: answered 200 / read back: the state is PASSWORD_EXPIRED",
        looked("LOCKED_OUT")
    );
    check(reset(), &then(&open, &[ok(SEALED), is("PASSWORD_EXPIRED")]), &expect);
    check(reset(), &then(&open, &[answer(400, "")]), &format!("vendor-refused: {what}: answered 400; it was not applied"));
}

#[test]
fn a_reset_whose_password_is_missing_or_does_not_show_is_in_doubt() {
    let what = "setting a temporary password";
    let active = [is("ACTIVE"), none()];
    for body in ["{}", r#"{"tempPassword":"in the clear"}"#] {
        check(reset(), &then(&active, &[ok(body)]), &format!("read-back-failed: {what}: answered 200 without a password; the old one may be gone"));
    }
    let same = [is("ACTIVE"), Reply::Waited(1), answer(500, ""), Reply::Waited(2), is("ACTIVE")];
    let expect = format!("read-back-failed: {what}: answered 200, but the state did not become PASSWORD_EXPIRED");
    check(reset(), &[&active[..], &[ok(SEALED)], &same].concat(), &expect);
}

#[test]
fn a_lost_password_is_replaced_once() {
    let what = "setting a temporary password";
    let lost = [is("ACTIVE"), none(), Reply::Unknown(1)];
    check(reset(), &lost, READ);
    let seen = then(&lost, &[is("PASSWORD_EXPIRED")]);
    check(reset(), &seen, RESET);
    let expect = format!(
        "changed (temporary-password): {} / {what}: the reply was lost / read back: the state is PASSWORD_EXPIRED; whatever password was set is lost, so another is set / {what}: answered 200 / read back: the state is PASSWORD_EXPIRED",
        looked("ACTIVE")
    );
    check(reset(), &then(&seen, &[ok(SEALED), is("PASSWORD_EXPIRED")]), &expect);
    let expect = format!("unknown-outcome: {what}: the reply was lost twice; a password may have been set that nobody knows");
    check(reset(), &then(&seen, &[Reply::Unknown(1)]), &expect);
    let expect = format!("unknown-outcome: {what}: the vendor did not take the request; an earlier request, whose reply was lost, may have been applied");
    check(reset(), &then(&seen, &[Reply::NotApplied(1)]), &expect);

    let away = [is("SUSPENDED"), Reply::Waited(1), answer(500, ""), Reply::Waited(2), is("SUSPENDED")];
    let expect = format!("unknown-outcome: {what}: the reply was lost, and so was the account; a password may have been set that nobody knows");
    check(reset(), &then(&lost, &away), &expect);
}

#[test]
fn sessions_and_tokens_are_ended_and_a_lost_reply_is_sent_again() {
    let act = || Act::RevokeSessions(jane("00u1"));
    let line = "DELETE api/v1/users/00u1/sessions?oauthTokens=true";
    check(act(), &[], line);
    check(act(), &[answer(204, "")], "changed (): ending sessions and tokens: answered 204");
    check(act(), &[Reply::Unknown(1)], line);
    check(act(), &[Reply::Unknown(1), answer(204, "")], "changed (): ending sessions and tokens: answered 204");
    check(act(), &[Reply::Unknown(1), Reply::Unknown(1)], "unknown-outcome: ending sessions and tokens: the reply was lost twice");
}

#[test]
fn requests_are_those_of_the_vendors_own_client() {
    let golden = golden(include_str!("../../tests/data/okta.jsonl"));
    let ours = |act: Act, seen: &[Reply]| recorded(&requests("okta", act, seen)[0], "", "");
    let [get, unlocking, resetting, ending] = &golden[..] else { panic!("{golden:?}") };
    assert_eq!(&ours(find(), &[]), get);
    assert_eq!(&ours(unlock(), &[is("LOCKED_OUT"), none()]), unlocking);
    assert_eq!(&ours(reset(), &[is("ACTIVE"), none()]), resetting);
    assert_eq!(&ours(Act::RevokeSessions(jane("00u1")), &[]), ending);
    // The control: one lifecycle call is told from another.
    assert_ne!(&ours(unlock(), &[is("LOCKED_OUT"), none()]), resetting);
}

#[test]
fn every_request_has_its_row_in_the_catalogue() {
    let catalogue = include_str!("../../../technician/src/catalogue/okta.json");
    let check = |act: Act, seen: &[Reply], expect: &[&str]| assert_eq!(rows(catalogue, &requests("okta", act, seen)), expect);
    check(find(), &[], &["read-user"]);
    check(find(), &[answer(404, "")], &["find-user"]);
    check(unlock(), &[], &["read-user", "read-roles"]);
    check(unlock(), &[is("LOCKED_OUT"), none()], &["unlock"]);
    check(reset(), &[is("ACTIVE"), none()], &["set-temporary-password"]);
    check(Act::RevokeSessions(jane("00u1")), &[], &["revoke-sessions"]);
}

fn look_up(name: &str) -> Act {
    Act::LookUp(name.into())
}

/// The search by which somebody is looked for.
fn search(name: &str) -> String {
    let asked = requests("okta", look_up(name), &[]);
    assert_eq!(rows(include_str!("../../../technician/src/catalogue/okta.json"), &asked), ["find-user"]);
    asked[0].query[0].1.clone()
}

#[test]
fn a_name_is_looked_for_in_both_names_and_an_address_as_it_is() {
    assert_eq!(search("Jane"), r#"profile.firstName sw "Jane" or profile.lastName sw "Jane""#);
    assert_eq!(search("Jane van Doe"), r#"profile.firstName sw "Jane" and profile.lastName sw "Doe""#);
    assert_eq!(search("jane@acme.com"), r#"profile.login eq "jane@acme.com" or profile.email eq "jane@acme.com""#);
    check(look_up(" "), &[], "people: ");
}

#[test]
fn a_hostile_name_stays_within_its_quotes() {
    for name in [r#"x" or status eq "ACTIVE"#, r#"\" pr or ""#, r#"a"@b.c" or id pr "#] {
        let search = search(name);
        let outside: String = search.replace(r"\\", "").replace(r#"\""#, "").split('"').step_by(2).collect();
        assert!(!outside.contains("status") && !outside.contains("id pr"), "{name}: {search}");
    }
}

#[test]
fn people_are_told_with_what_protects_their_accounts() {
    let with = |id: &str, more: &str| {
        let mut user: serde_json::Value = serde_json::from_str(&account("ACTIVE", "OKTA")).unwrap();
        user["id"] = id.into();
        user["profile"]["firstName"] = more.into();
        user["profile"]["department"] = "Sales".into();
        user.to_string()
    };
    let (one, longer) = (with("00u1", "Jane"), with("00u2", "Janet"));
    let page = ok(&format!("[{one},{longer}]"));
    check(look_up("Jane"), std::slice::from_ref(&page), "GET api/v1/users/00u1/roles");
    let roles = ok(r#"[{"type":"SUPER_ADMIN","label":"Super Administrator"}]"#);
    check(look_up("Jane"), &[page, roles], "people: 00u1 Jane@acme.com `Jane Doe` Sales ACTIVE [administrator role `Super Administrator`]");
    check(look_up("Jane"), &[none()], "people: ");
    check(look_up("Jane"), &[answer(503, "")], "vendor-down: reading accounts by name: answered 503");
}

#[test]
fn groups_are_looked_for_by_how_their_names_begin_and_mailboxes_are_not_here() {
    let act = || Act::LookUpGroup("All Staff".into());
    let asked = requests("okta", act(), &[]);
    assert_eq!(rows(include_str!("../../../technician/src/catalogue/okta.json"), &asked), ["find-group"]);
    assert_eq!(asked[0].query, [("q".to_string(), "All Staff".to_string()), ("limit".to_string(), "50".to_string())]);
    let group = |id: &str, kind: &str, name: &str| format!(r#"{{"id":"{id}","type":"{kind}","profile":{{"name":"{name}"}}}}"#);
    let page = |groups: &[String]| ok(&format!("[{}]", groups.join(",")));
    let all = [group("g1", "OKTA_GROUP", "all staff"), group("g2", "APP_GROUP", "All Staff (AD)"), group("g3", "OKTA_GROUP", "All Staffing")];
    check(act(), &[page(&all)], "people: g1  `all staff` - group OKTA_GROUP [] / g2  `All Staff (AD)` - group APP_GROUP [mastered in another directory]");
    check(act(), &[page(&vec![all[2].clone(); 50])], "not-found: more groups have such a name than one page holds");
    check(
        act(),
        &[answer(403, "")],
        "permission-missing: reading groups by name: answered 403; the connection needs a token of an administrator who may read groups (`okta.groups.read`)",
    );
    check(Act::LookUpMailbox("x".into()), &[], "no-mailboxes: this directory knows no mailboxes");
}

#[test]
fn the_first_sign_in_is_the_oldest_success_of_the_log() {
    let watched = Watched { account: "00u1".into(), since: "2026-11-24T08:00:00Z".into() };
    let act = || Act::FirstSignIn(watched.clone());
    let asked = requests("okta", act(), &[]);
    assert_eq!(rows(include_str!("../../../technician/src/catalogue/okta.json"), &asked), ["read-log"]);
    let filter = r#"eventType eq "user.session.start" and outcome.result eq "SUCCESS" and actor.id eq "00u1""#;
    let query = [("since", "2026-11-24T08:00:00Z"), ("filter", filter), ("sortOrder", "ASCENDING"), ("limit", "1")];
    assert_eq!(asked[0].query, query.map(|(name, value)| (name.to_string(), value.to_string())));
    check(act(), &[ok(r#"[{"published":"2026-11-24T08:05:00.123Z"}]"#)], "signed in: 2026-11-24T08:05:00.123Z");
    check(act(), &[none()], "signed in: never");
    let needs = "permission-missing: reading the System Log: answered 403; the connection needs a token of an administrator who may read the System Log (`okta.logs.read`)";
    check(act(), &[answer(403, "")], needs);
    check(act(), &[answer(503, "")], "vendor-down: reading the System Log: answered 503");
}
