use crate::bindings::exports::firstline::idp::idp::{Act, Sought, Watched};
use crate::testing::{golden, jane, next, ok, recorded, requests, rows, sought};
use firstline_connector::replay::testing::answer;
use firstline_connector::wire::Reply;

const SELECT: &str = "$select=id,userPrincipalName,displayName,mail,proxyAddresses,mobilePhone,businessPhones,accountEnabled,userType,onPremisesSyncEnabled,lastPasswordChangeDateTime,preferredLanguage";
const OBJECTS: &str = "$select=id,displayName,isAssignableToRole";
const NONE: &str = r#"{"value":[]}"#;
const PATCH: &str = r#"PATCH users/7 {"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":""}}"#;
const LOOKED: &str = "read `jane@acme.com` (7) just before: sign-in allowed, not privileged, not a guest, not synced";
const BEFORE: &str = "2026-01-05T08:00:00Z";
const AFTER: &str = "2026-11-22T10:00:00Z";

fn check(act: Act, seen: &[Reply], expect: &str) {
    assert_eq!(next("entra", act, seen), expect);
}

/// Jane's account, with other members where a test wants them.
fn user(other: &str) -> String {
    let mut user = serde_json::json!({
        "id": "7", "userPrincipalName": "jane@acme.com", "displayName": "Jane Doe", "mail": "Jane@Acme.com",
        "proxyAddresses": ["SMTP:jane@acme.com", "smtp:J.Doe@acme.com", "x500:/o=acme"],
        "accountEnabled": true, "userType": "Member", "onPremisesSyncEnabled": null, "lastPasswordChangeDateTime": BEFORE,
    });
    let other: serde_json::Value = serde_json::from_str(other).unwrap();
    user.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    user.to_string()
}

fn changed_at(instant: &str) -> Reply {
    ok(&user(&format!(r#"{{"lastPasswordChangeDateTime":"{instant}"}}"#)))
}

fn triple(key: &str) -> String {
    format!("GET users/{key}?{SELECT} | GET users/{key}/transitiveMemberOf?{OBJECTS} | GET users/{key}/ownedObjects?{OBJECTS}")
}

fn find() -> Act {
    Act::Find(sought("Jane@acme.com"))
}

fn reset() -> Act {
    Act::ResetPassword(jane("7"))
}

fn found(flags: &str, privileged: &str) -> String {
    format!("found 7 jane@acme.com `Jane Doe` [jane@acme.com j.doe@acme.com] {flags} Lock::Unknown [{privileged}]")
}

#[test]
fn an_account_is_found_with_all_that_guardrails_need_in_one_round() {
    check(find(), &[], &triple("Jane@acme.com"));
    check(find(), &[ok(&user("{}")), ok(NONE), ok(NONE)], &found("sign-in allowed enabled", ""));
    check(find(), &[ok(&user(r#"{"accountEnabled":false}"#)), ok(NONE), ok(NONE)], &found("sign-in blocked", ""));
    check(find(), &[ok(&user(r#"{"accountEnabled":null}"#)), ok(NONE), ok(NONE)], &found("sign-in blocked", ""));
    check(find(), &[ok(&user(r#"{"userType":"Guest"}"#)), ok(NONE), ok(NONE)], &found("sign-in allowed enabled guest", ""));
    check(find(), &[ok(&user(r#"{"onPremisesSyncEnabled":true}"#)), ok(NONE), ok(NONE)], &found("sign-in allowed enabled synced", ""));
    check(find(), &[ok(&user(r#"{"onPremisesSyncEnabled":false}"#)), ok(NONE), ok(NONE)], &found("sign-in allowed enabled", ""));
}

#[test]
fn a_guest_made_a_member_is_still_a_guest() {
    let guest = user(r#"{"userPrincipalName":"jane_acme.com#EXT#@globex.com","mail":"jane@acme.com","proxyAddresses":[]}"#);
    let expect =
        "found 7 jane_acme.com#EXT#@globex.com `Jane Doe` [jane_acme.com#ext#@globex.com jane@acme.com] sign-in allowed enabled guest Lock::Unknown []";
    check(find(), &[ok(&guest), ok(NONE), ok(NONE)], expect);
}

#[test]
fn roles_and_role_assignable_groups_make_an_account_privileged() {
    let listing = |kind: &str, rest: &str| ok(&format!(r##"{{"value":[{{"@odata.type":"#microsoft.graph.{kind}","id":"o-1"{rest}}}]}}"##));
    let (role, unit) = (listing("directoryRole", r#","displayName":"User Administrator""#), listing("administrativeUnit", r#","displayName":null"#));
    let group = |assignable: &str| listing("group", &format!(r#","displayName":"Tier 0","isAssignableToRole":{assignable}"#));
    let blanked = listing("group", r#","displayName":null,"isAssignableToRole":null"#);
    let unknown = ok(r#"{"value":[{"id":"o-1","displayName":"Thing"}]}"#);
    for (member, owned, privileged) in [
        (role, ok(NONE), "directory role `User Administrator`"),
        (group("true"), ok(NONE), "member of role-assignable group `Tier 0`"),
        (ok(NONE), group("true"), "owner of role-assignable group `Tier 0`"),
        (blanked, ok(NONE), "member of group `o-1`, which may not be read"),
        (unknown, ok(NONE), "member of object `Thing` of an unknown kind"),
        (group("false"), group("null"), ""),
        (unit, listing("application", r#","displayName":"App""#), ""),
    ] {
        check(find(), &[ok(&user("{}")), member, owned], &found("sign-in allowed enabled", privileged));
    }
}

#[test]
fn every_page_of_the_memberships_is_read() {
    let page = r##"{"value":[{"@odata.type":"#microsoft.graph.group","id":"g","displayName":"All","isAssignableToRole":null}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/next?a=%20b"}"##;
    let role = ok(r##"{"value":[{"@odata.type":"#microsoft.graph.directoryRole","id":"r","displayName":"Helpdesk Administrator"}]}"##);
    let first = [ok(&user("{}")), ok(page), ok(NONE)];
    check(find(), &first, "GET -> https://graph.microsoft.com/v1.0/next?a=%20b");
    check(find(), &[&first[..], &[role]].concat(), &found("sign-in allowed enabled", "directory role `Helpdesk Administrator`"));
    check(find(), &[&first[..], &[answer(503, "")]].concat(), "vendor-down: reading memberships: answered 503");
    check(find(), &[&first[..], &vec![ok(page); 20]].concat(), &found("sign-in allowed enabled", "too many memberships to read them all"));
}

#[test]
fn an_address_that_is_no_sign_in_name_is_searched_for() {
    let gone = vec![answer(404, r#"{"error":{"code":"Request_ResourceNotFound"}}"#); 3];
    let act = || Act::Find(sought("j.o'doe@acme.com"));
    let filter = "$filter=mail eq 'j.o''doe@acme.com' or proxyAddresses/any(p:p eq 'smtp:j.o''doe@acme.com')";
    check(act(), &gone, &format!("GET users?{filter}&{SELECT}&$count=true"));
    assert_eq!(requests("entra", act(), &gone)[0].headers, [("ConsistencyLevel".to_string(), "eventual".to_string())]);

    let with = |replies: &[Reply]| [&gone[..], replies].concat();
    let hit = user(r#"{"proxyAddresses":["smtp:j.o'doe@acme.com"]}"#);
    let one = ok(&format!(r#"{{"@odata.count":1,"value":[{hit}]}}"#));
    check(act(), &with(std::slice::from_ref(&one)), &format!("GET users/7/transitiveMemberOf?{OBJECTS} | GET users/7/ownedObjects?{OBJECTS}"));
    let expect = "found 7 jane@acme.com `Jane Doe` [jane@acme.com j.o'doe@acme.com] sign-in allowed enabled Lock::Unknown []";
    check(act(), &with(&[one, ok(NONE), ok(NONE)]), expect);
    check(act(), &with(&[ok(NONE)]), "absent");
    let two = ok(&format!(r#"{{"value":[{hit},{hit}]}}"#));
    check(act(), &with(&[two]), "not-found: more than one account carries the address `j.o'doe@acme.com`");
    let more = ok(&format!(r#"{{"value":[{hit}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?s=1"}}"#));
    check(act(), &with(std::slice::from_ref(&more)), "GET -> https://graph.microsoft.com/v1.0/users?s=1");
    assert_eq!(requests("entra", act(), &with(&[more]))[0].headers.len(), 1);
}

#[test]
fn what_is_no_address_or_belongs_to_another_name_is_absent() {
    for login in ["", " ", "delta", "$count", "me"] {
        check(Act::Find(sought(login)), &[], "absent");
    }
    check(Act::Find(sought("john@acme.com")), &[ok(&user("{}")), ok(NONE), ok(NONE)], "absent");
}

#[test]
fn the_manager_is_whom_the_directory_names_if_they_may_sign_in() {
    let act = || Act::Find(Sought { manager: true, ..sought("Jane@acme.com") });
    let before = [ok(&user("{}")), ok(NONE), ok(NONE)];
    let with = |manager: Reply| [&before[..], &[manager]].concat();
    check(act(), &before, &format!("GET users/7/manager?{SELECT}"));
    let plain = found("sign-in allowed enabled", "");
    let mona = |other: &str| {
        let mona = r#"{"id":"8","userPrincipalName":"mona@acme.com","displayName":"Mona","mail":null}"#;
        let (mut mona, other): (serde_json::Value, serde_json::Value) = (serde_json::from_str(mona).unwrap(), serde_json::from_str(other).unwrap());
        mona.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        ok(&mona.to_string())
    };
    check(act(), &with(mona(r#"{"accountEnabled":true}"#)), &format!("{plain} manager 8 Mona mona@acme.com"));
    check(act(), &with(mona(r#"{"accountEnabled":true,"mail":"m@acme.com"}"#)), &format!("{plain} manager 8 Mona m@acme.com"));
    for nobody in
        [mona("{}"), mona(r#"{"accountEnabled":false}"#), mona(r#"{"accountEnabled":true,"userType":"Guest"}"#), ok(r#"{"id":"9"}"#), answer(404, "{}")]
    {
        check(act(), &with(nobody), &plain);
    }
    check(act(), &with(answer(503, "")), "vendor-down: reading the manager: answered 503");
    check(act(), &[answer(404, "{}"), answer(404, "{}"), answer(404, "{}"), ok(NONE)], "absent");
}

#[test]
fn reads_that_fail_go_to_a_human() {
    let denied = answer(403, r#"{"error":{"code":"Authorization_RequestDenied","message":"secret words"}}"#);
    let needs = "the connection needs the application permissions User.Read.All, GroupMember.Read.All and RoleManagement.Read.Directory";
    let expect = format!("permission-missing: reading the account: answered 403 `Authorization_RequestDenied`; {needs}");
    check(find(), &[denied.clone(), ok(NONE), ok(NONE)], &expect);
    let expect = format!("permission-missing: reading owned objects: answered 403 `Authorization_RequestDenied`; {needs}");
    check(find(), &[ok(&user("{}")), ok(NONE), denied], &expect);
    check(find(), &[Reply::NotApplied(1), ok(NONE), ok(NONE)], "vendor-down: reading the account: no answer");
    check(find(), &[answer(400, "oops"), ok(NONE), ok(NONE)], "vendor-refused: reading the account: answered 400");
    check(find(), &[ok("{}"), ok(NONE), ok(NONE)], r#"Error::UnexpectedReply("the vendor's JSON did not fit: line 1 column 2")"#);
}

fn before() -> Vec<Reply> {
    vec![ok(&user("{}")), ok(NONE), ok(NONE)]
}

fn after(replies: &[Reply]) -> Vec<Reply> {
    [&before()[..], replies].concat()
}

#[test]
fn a_reset_reads_again_sets_the_password_and_reads_back() {
    let accepted = answer(204, "");
    check(reset(), &[], &triple("7"));
    check(reset(), &before(), PATCH);
    check(reset(), &after(std::slice::from_ref(&accepted)), &format!("GET users/7?{SELECT}"));
    let done = format!(
        "changed (temporary-password): {LOOKED} / setting a temporary password: answered 204 / read back: last password change moved from {BEFORE} to {AFTER}"
    );
    check(reset(), &after(&[accepted.clone(), changed_at(AFTER)]), &done);
    // The second look may be the first that shows it.
    check(reset(), &after(&[accepted.clone(), changed_at(BEFORE)]), "wait 2");
    let lagging = after(&[accepted, changed_at(BEFORE), Reply::Waited(3_000)]);
    check(reset(), &lagging, &format!("GET users/7?{SELECT}"));
    check(reset(), &[&lagging[..], &[changed_at(AFTER)]].concat(), &done);
}

#[test]
fn a_password_that_never_changed_before_has_changed_now() {
    let never = ok(&user(r#"{"lastPasswordChangeDateTime":null}"#));
    let expect = format!(
        "changed (temporary-password): {LOOKED} / setting a temporary password: answered 204 / read back: last password change moved from never to {AFTER}"
    );
    check(reset(), &[never, ok(NONE), ok(NONE), answer(204, ""), changed_at(AFTER)], &expect);
}

#[test]
fn the_body_holds_an_empty_string_where_the_secret_is_filled_in() {
    let request = requests("entra", reset(), &before()).remove(0);
    let fill: Vec<_> = request.fill.iter().map(|fill| (fill.pointer.as_str(), fill.name.as_str())).collect();
    assert_eq!(fill, [("/passwordProfile/password", "temporary-password")]);
}

#[test]
fn a_reset_is_refused_when_the_account_is_not_fit_for_it_just_before() {
    let role = ok(r##"{"value":[{"@odata.type":"#microsoft.graph.directoryRole","id":"r","displayName":"Reader"}]}"##);
    let group = ok(r##"{"value":[{"@odata.type":"#microsoft.graph.group","id":"g","displayName":"T0","isAssignableToRole":true}]}"##);
    let none = || ok(NONE);
    for (account, member, owned, expect) in [
        ("{}", role, none(), "privileged: `jane@acme.com` is privileged: directory role `Reader`; nothing was changed"),
        ("{}", group.clone(), none(), "privileged: `jane@acme.com` is privileged: member of role-assignable group `T0`; nothing was changed"),
        ("{}", none(), group, "privileged: `jane@acme.com` is privileged: owner of role-assignable group `T0`; nothing was changed"),
        (r#"{"accountEnabled":false}"#, none(), none(), "disabled: `jane@acme.com` may not sign in (sign-in blocked); nothing was changed"),
        (r#"{"userType":"Guest"}"#, none(), none(), "guest: `jane@acme.com` is a guest of the directory; nothing was changed"),
        (
            r#"{"onPremisesSyncEnabled":true}"#,
            none(),
            none(),
            "synced: `jane@acme.com` is mastered in another directory and has to be changed there; nothing was changed",
        ),
        (r#"{"id":"8"}"#, none(), none(), "wrong-target: another account answered for id `7`; nothing was changed"),
    ] {
        check(reset(), &[ok(&user(account)), member, owned], expect);
    }
    check(reset(), &[answer(404, ""), answer(404, ""), answer(404, "")], "not-found: reading the account: answered 404");
    check(reset(), &[ok(&user("{}")), answer(500, ""), ok(NONE)], "vendor-down: reading memberships: answered 500");
}

#[test]
fn a_refused_reset_says_what_is_missing() {
    let denied = answer(403, r#"{"error":{"code":"Authorization_RequestDenied"}}"#);
    let needs = "the application permission User-PasswordProfile.ReadWrite.All and the directory role User Administrator for its service principal";
    let what = "setting a temporary password";
    let expect = format!("permission-missing: {what}: answered 403 `Authorization_RequestDenied`; the connection needs {needs}; it was not applied");
    check(reset(), &after(&[denied]), &expect);
    let weak = answer(400, r#"{"error":{"code":"Request_BadRequest"}}"#);
    check(reset(), &after(&[weak]), &format!("vendor-refused: {what}: answered 400 `Request_BadRequest`; it was not applied"));
    check(reset(), &after(&[Reply::NotApplied(1)]), &format!("vendor-down: {what}: the vendor did not take the request; it was not applied"));
}

#[test]
fn a_change_that_never_shows_is_said_to_be_in_doubt() {
    let same = || [changed_at(BEFORE), Reply::Waited(3_000), answer(503, ""), Reply::Waited(5_000), changed_at("2025-01-01T00:00:00Z")];
    let seen = [&after(&[answer(204, "")])[..], &same()].concat();
    let expect = "read-back-failed: setting a temporary password: answered 204, but the change did not show in 3 reads; it may have been applied";
    check(reset(), &seen, expect);
}

#[test]
fn a_lost_reply_is_read_back_and_the_request_sent_once_more_at_most() {
    let what = "setting a temporary password";
    let lost = after(&[Reply::Unknown(1_000)]);
    check(reset(), &lost, &format!("GET users/7?{SELECT}"));
    let applied =
        format!("changed (temporary-password): {LOOKED} / {what}: the reply was lost / read back: last password change moved from {BEFORE} to {AFTER}");
    check(reset(), &[&lost[..], &[changed_at(AFTER)]].concat(), &applied);

    let same = [changed_at(BEFORE), Reply::Waited(3_000), changed_at(BEFORE), Reply::Waited(5_000), changed_at(BEFORE)];
    let again = [&lost[..], &same].concat();
    check(reset(), &again, PATCH);
    let applied = format!(
        "changed (temporary-password): {LOOKED} / {what}: the reply was lost / read back: not applied / {what}: answered 204 / read back: last password change moved from {BEFORE} to {AFTER}"
    );
    check(reset(), &[&again[..], &[answer(204, ""), changed_at(AFTER)]].concat(), &applied);
    let expect = format!("unknown-outcome: {what}: the reply was lost twice and the change did not show; it may still be applied");
    check(reset(), &[&again[..], &[Reply::Unknown(1)], &same].concat(), &expect);
    let expect = format!("unknown-outcome: {what}: the vendor did not take the request; an earlier request, whose reply was lost, may have been applied");
    check(reset(), &[&again[..], &[Reply::NotApplied(1)]].concat(), &expect);
}

#[test]
fn sessions_are_revoked_and_a_lost_reply_is_sent_again() {
    let act = || Act::RevokeSessions(jane("7"));
    let what = "revoking sign-in sessions";
    check(act(), &[], "POST users/7/revokeSignInSessions");
    for status in [200, 204] {
        check(act(), &[answer(status, "")], &format!("changed (): {what}: answered {status} / sessions end within minutes"));
    }
    check(act(), &[Reply::Unknown(1)], "POST users/7/revokeSignInSessions");
    check(act(), &[Reply::Unknown(1), answer(204, "")], &format!("changed (): {what}: answered 204 / sessions end within minutes"));
    check(act(), &[Reply::Unknown(1), Reply::Unknown(2)], &format!("unknown-outcome: {what}: the reply was lost twice"));
    check(act(), &[answer(404, "")], &format!("not-found: {what}: answered 404; it was not applied"));
}

#[test]
fn there_is_no_unlock() {
    let expect = "vendor-refused: Entra has no unlock: smart lockout passes by itself or with a password reset; nothing was changed";
    check(Act::Unlock(jane("7")), &[], expect);
}

#[test]
fn a_subject_without_an_id_and_a_vendor_that_is_not_known_are_errors() {
    check(Act::ResetPassword(jane(" ")), &[], r#"Error::Invalid("the subject has no id")"#);
    assert_eq!(next("google", reset(), &[]), r#"Error::Unsupported("vendor `google`")"#);
}

#[test]
fn requests_are_those_of_the_vendors_own_client() {
    let golden = golden(include_str!("../../tests/data/graph.jsonl"));
    let ours = |act: Act, seen: &[Reply]| {
        let mut request = requests("entra", act, seen).remove(0);
        request.query.retain(|(key, _)| key != "$select");
        recorded(&request, "/v1.0", "N3w!pw")
    };
    let login = || jane("jane@acme.com");
    let itself = user(r#"{"id":"jane@acme.com"}"#);
    let seen = [ok(&itself), ok(NONE), ok(NONE)];
    let [get, patch, other, revoke] = &golden[..] else { panic!("{golden:?}") };
    assert_eq!(&ours(Act::Find(sought("jane@acme.com")), &[]), get);
    assert_eq!(&ours(Act::ResetPassword(login()), &seen), patch);
    assert_eq!(&ours(Act::RevokeSessions(login()), &[]), revoke);
    // The control: a PATCH of the same account with another body is told apart.
    assert_ne!(&ours(Act::ResetPassword(login()), &seen), other);
}

#[test]
fn every_request_has_its_row_in_the_catalogue() {
    let catalogue = include_str!("../../../technician/src/catalogue/entra.json");
    let gone = vec![answer(404, ""); 3];
    let check = |act: Act, seen: &[Reply], expect: &[&str]| assert_eq!(rows(catalogue, &requests("entra", act, seen)), expect);
    check(find(), &[], &["read-user", "read-memberships", "read-owned-objects"]);
    check(find(), &gone, &["find-user"]);
    check(reset(), &before(), &["reset-password"]);
    check(Act::RevokeSessions(jane("7")), &[], &["revoke-sessions"]);
    // The control: a body without the forced change has none.
    let mut odd = requests("entra", reset(), &before());
    odd[0].body = firstline_connector::wire::Body::Json(r#"{"passwordProfile":{"password":""}}"#.into());
    assert!(rows(catalogue, &odd)[0].starts_with("no row"));
}

fn look_up(name: &str) -> Act {
    Act::LookUp(name.into())
}

/// The filter by which somebody is looked for.
fn filter(name: &str) -> String {
    let asked = requests("entra", look_up(name), &[]);
    assert_eq!(rows(include_str!("../../../technician/src/catalogue/entra.json"), &asked), ["find-user"]);
    asked[0].query.iter().find(|(key, _)| key == "$filter").unwrap().1.clone()
}

#[test]
fn a_name_is_looked_for_in_every_part_of_a_name_and_an_address_as_it_is() {
    assert_eq!(filter("Jane"), "startswith(displayName,'Jane') or startswith(givenName,'Jane') or startswith(surname,'Jane')");
    assert_eq!(filter("Jane Doe"), "startswith(displayName,'Jane Doe') or (startswith(givenName,'Jane') and startswith(surname,'Doe'))");
    let address = "userPrincipalName eq 'jane@acme.com' or mail eq 'jane@acme.com' or proxyAddresses/any(p:p eq 'smtp:jane@acme.com')";
    assert_eq!(filter("jane@acme.com"), address);
    check(look_up("  "), &[], "people: ");
}

#[test]
fn a_hostile_name_stays_within_its_quotes() {
    for name in ["x') or (accountEnabled eq true", "O'Hara", "') or startswith(displayName,'", "a'@b.c' or id ne '"] {
        let filter = filter(name);
        // Outside of quotes, where a doubled quote is none, nothing of the name is left.
        let outside: String = filter.replace("''", "").split('\'').step_by(2).collect();
        for word in ["accountEnabled", " ne ", "Hara"] {
            assert!(!outside.contains(word), "{name}: {filter}");
        }
        assert_eq!(filter.matches('\'').count() % 2, 0, "{filter}");
    }
}

#[test]
fn people_are_told_with_what_protects_their_accounts() {
    let page = |users: &[String]| ok(&format!(r#"{{"value":[{}]}}"#, users.join(",")));
    let one = user(r#"{"department":"Sales","givenName":"Jane","surname":"Doe"}"#);
    let longer = user(r#"{"id":"8","displayName":"Janet Poe","userPrincipalName":"janet@acme.com"}"#);
    let lists = "GET users/7/transitiveMemberOf?$select=id,displayName,isAssignableToRole | GET users/7/ownedObjects?$select=id,displayName,isAssignableToRole";
    check(look_up("jane"), &[page(&[one.clone(), longer.clone()])], lists);
    let role = ok(r##"{"value":[{"@odata.type":"#microsoft.graph.directoryRole","id":"r","displayName":"User Administrator"}]}"##);
    let expect = "people: 7 jane@acme.com `Jane Doe` Sales sign-in allowed [directory role `User Administrator`]";
    check(look_up("jane"), &[page(&[one.clone(), longer.clone()]), role, ok(NONE)], expect);
    check(look_up("jane"), &[page(&[longer])], "people: ");
    let six: Vec<String> = (0..6).map(|n| user(&format!(r#"{{"id":"{n}"}}"#))).collect();
    assert_eq!(next("entra", look_up("jane"), &[page(&six)]).matches("jane@acme.com").count(), 5, "too many are not looked at closely");
    check(look_up("jane"), &[answer(503, "")], "vendor-down: reading accounts by name: answered 503");
    let more = ok(&format!(r#"{{"value":[{one}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?x"}}"#));
    check(look_up("jane"), &[more], "not-found: more people have such a name than one page holds");
}

/// The filter by which a group or a mailbox is looked for.
fn filter_of(act: Act, row: &str) -> String {
    let asked = requests("entra", act, &[]);
    assert_eq!(rows(include_str!("../../../technician/src/catalogue/entra.json"), &asked), [row]);
    asked[0].query.iter().find(|(key, _)| key == "$filter").unwrap().1.clone()
}

#[test]
fn groups_and_mailboxes_are_looked_for_by_how_their_names_begin_and_by_address() {
    let group = |name: &str| filter_of(Act::LookUpGroup(name.into()), "find-group");
    let mailbox = |name: &str| filter_of(Act::LookUpMailbox(name.into()), "find-user");
    assert_eq!(group("All staff"), "startswith(displayName,'All staff')");
    assert_eq!(group("staff@acme.com"), "mail eq 'staff@acme.com' or proxyAddresses/any(p:p eq 'smtp:staff@acme.com')");
    assert_eq!(group("x') or (id ne '"), "startswith(displayName,'x'') or (id ne ''')");
    assert_eq!(mailbox("Customer Care"), "startswith(displayName,'Customer Care') or startswith(mail,'CustomerCare')");
    assert_eq!(mailbox("care@acme.com"), "userPrincipalName eq 'care@acme.com' or mail eq 'care@acme.com' or proxyAddresses/any(p:p eq 'smtp:care@acme.com')");
    check(Act::LookUpGroup(" ".into()), &[], "people: ");
}

#[test]
fn groups_are_told_with_their_kind_and_longer_words_are_others() {
    let page = |groups: &[&str]| ok(&format!(r#"{{"value":[{}]}}"#, groups.join(",")));
    let act = || Act::LookUpGroup("sales".into());
    let exact = r#"{"id":"g1","displayName":"Sales","securityEnabled":true,"mailEnabled":false,"isAssignableToRole":true,"groupTypes":[]}"#;
    let list = r#"{"id":"g2","displayName":"Sales-EU","mail":"s@acme.com","mailEnabled":true,"securityEnabled":false,"onPremisesSyncEnabled":true}"#;
    let team = r#"{"id":"g3","displayName":"sales team","mail":"t@acme.com","mailEnabled":true,"groupTypes":["Unified","DynamicMembership"]}"#;
    let longer = r#"{"id":"g4","displayName":"Salesforce","securityEnabled":true}"#;
    let expect = "people: g1  `Sales` - security group [directory roles may hang on it] / g2 s@acme.com `Sales-EU` - distribution list [mastered in another directory] / \
        g3 t@acme.com `sales team` - Microsoft 365 group [a rule says who belongs to it]";
    check(act(), &[page(&[exact, list, team, longer])], expect);
    check(act(), &[page(&[longer])], "people: ");
    check(act(), &[page(&[exact; 9])], &format!("people: {}", ["g1  `Sales` - security group [directory roles may hang on it]"; 5].join(" / ")));
    let more = ok(&format!(r#"{{"value":[{exact}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/groups?x"}}"#));
    check(act(), &[more], "not-found: more groups have such a name than one page holds");
    let needs = "permission-missing: reading groups by name: answered 403; the connection needs the application permissions User.Read.All, GroupMember.Read.All and RoleManagement.Read.Directory";
    check(act(), &[answer(403, "")], needs);
}

#[test]
fn a_mailbox_is_an_account_with_an_address() {
    let page = |users: &[String]| ok(&format!(r#"{{"value":[{}]}}"#, users.join(",")));
    let act = || Act::LookUpMailbox("invoices".into());
    let by_name = user(r#"{"id":"m1","displayName":"Invoices Europe","mail":"eu@acme.com","accountEnabled":false}"#);
    let by_address = user(r#"{"id":"m2","displayName":"Accounts","mail":"invoices@acme.com"}"#);
    let none = user(r#"{"id":"m3","displayName":"Invoices","mail":null}"#);
    let longer = user(r#"{"id":"m4","displayName":"Invoicesque","mail":"invoicesque@acme.com"}"#);
    let expect = "people: m1 eu@acme.com `Invoices Europe` - sign-in blocked [] / m2 invoices@acme.com `Accounts` - sign-in allowed []";
    check(act(), &[page(&[by_name, by_address, none, longer])], expect);
    check(act(), &[answer(503, "")], "vendor-down: reading mailboxes by name: answered 503");
}

/// P-24: sign-in logs need Entra ID P1.
#[test]
fn the_first_sign_in_is_the_oldest_success_of_the_log_and_needs_a_licence() {
    let watched = Watched { account: "7".into(), since: "2026-11-24T08:00:00Z".into() };
    let act = || Act::FirstSignIn(watched.clone());
    assert_eq!(filter_of(act(), "read-sign-ins"), "userId eq '7' and createdDateTime ge 2026-11-24T08:00:00Z and status/errorCode eq 0");
    check(act(), &[ok(r#"{"value":[{"createdDateTime":"2026-11-24T08:05:00Z"}]}"#)], "signed in: 2026-11-24T08:05:00Z");
    check(act(), &[ok(r#"{"value":[]}"#)], "signed in: never");
    let premium = answer(403, r#"{"error":{"code":"Authentication_RequestFromNonPremiumTenantOrB2CTenant"}}"#);
    let needs = "permission-missing: reading the sign-in log: answered 403 `Authentication_RequestFromNonPremiumTenantOrB2CTenant`; \
        the connection needs the application permission AuditLog.Read.All, and Entra ID P1";
    check(act(), &[premium], needs);
}
