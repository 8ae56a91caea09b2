//! Okta: what is accepted and what is refused.
mod common;
use common::*;
use serde_json::{Value, json};

#[test]
fn okta_accepts_and_refuses_as_documented() {
    for (line, expect, violation) in [
        ("GET /users/00ulee", "200", false),
        ("GET /users/lee@globex.example", "200", false),
        ("GET /users/lee%40globex.example", "200", false),
        ("GET /users/lee", "200", false),
        ("GET /users/nobody@globex.example", "404 E0000007", false),
        ("GET /users/00ulee?fields=id", "400 E0000001", true),
        ("GET /users?search=profile.email%20eq%20%22LEE@globex.example%22", "200", false),
        ("GET /users?search=profile.email%20eq%20lee", "400 E0000031", true),
        ("GET /users?filter=status%20eq%20%22LOCKED_OUT%22&limit=2", "200", false),
        ("GET /users?filter=profile.nickName%20eq%20%22x%22", "400 E0000031", true),
        ("GET /users/00ulee/roles", "200", false),
        ("GET /users/00ulee/groups", "200", false),
        ("GET /users/00umia/factors", "200", false),
        ("POST /users/00ulee/lifecycle/unlock", "200", false),
        ("POST /users/lee@globex.example/lifecycle/unlock", "404 E0000007", false),
        ("POST /users/00umia/lifecycle/unlock", "403 E0000032", false),
        ("POST /users/00uadam/lifecycle/unlock", "403 E0000032", false),
        ("POST /users/00uotto/lifecycle/unlock", "403 E0000006", false),
        ("POST /users/00umia/lifecycle/expire_password_with_temp_password?revokeSessions=true", "200", false),
        ("POST /users/00umia/lifecycle/expire_password_with_temp_password?revokeSessions=yes", "400 E0000001", true),
        ("POST /users/00usam/lifecycle/expire_password_with_temp_password", "403 E0000038", false),
        ("POST /users/00ulee/lifecycle/expire_password_with_temp_password", "403 E0000038", false),
        ("POST /users/00umia/lifecycle/reset_password?sendEmail=false", "200", false),
        ("POST /users/00umia/lifecycle/reset_password", "400 E0000001", true),
        ("POST /users/00umia/lifecycle/reset_factors", "200", false),
        ("DELETE /users/00umia/factors/opfmia", "204", false),
        ("DELETE /users/00umia/factors/none", "404 E0000007", false),
        ("DELETE /users/00umia/sessions?oauthTokens=true", "204", false),
        ("DELETE /users/00umia/sessions?all=true", "400 E0000001", true),
        ("PUT /users/00umia/sessions", "405 E0000022", true),
        ("GET /people", "404 E0000008", true),
    ] {
        let world = world();
        let (status, got) = world.okta(line);
        let outcome = got["errorCode"].as_str().map_or(status.to_string(), |code| format!("{status} {code}"));
        assert_eq!((outcome.as_str(), world.violations() > 0), (expect, violation), "{line}: {got} {:?}", world.vendors.violations());
    }
}

#[test]
fn a_token_is_needed_and_its_scopes_decide() {
    let world = world();
    let get = |authorization: &str| world.send("GET https://globex.okta.com/api/v1/users/00ulee", &[("authorization", authorization)], "").0;
    assert_eq!((get(""), get("SSWS wrong"), get("SSWS globex-api-token")), (401, 401, 200));
    assert_eq!(world.violations(), 0);
    assert_eq!((get("SSWST globex-api-token"), world.violations()), (401, 1));
    assert_eq!(world.send("GET https://acme.okta.com/api/v1/users/00ulee", &[("authorization", "SSWS globex-api-token")], "").0, 401, "another organisation");
    assert_eq!(world.send("GET /okta/api/v1/users/00ulee", &[("host", "127.0.0.1:9000"), ("authorization", "SSWS globex-api-token")], "").0, 200);
    let mut seed: Value = serde_json::from_str(firstline_vendors::DEMO).unwrap();
    seed["okta"]["orgs"][0]["tokens"][0]["scopes"] = json!(["okta.users.read"]);
    world.vendors.seed(&json!({ "okta": seed["okta"] })).unwrap();
    assert_eq!(
        (world.okta("GET /users/00ulee").0, world.okta("POST /users/00ulee/lifecycle/unlock").0, world.okta("GET /users/00ulee/roles").0),
        (200, 403, 403)
    );
}

#[test]
fn unlock_then_a_temporary_password_then_the_sessions() {
    let world = world();
    assert_eq!(world.okta("GET /users/00ulee").1["status"], "LOCKED_OUT");
    world.okta("POST /users/00ulee/lifecycle/unlock");
    assert_eq!(world.okta("POST /users/00ulee/lifecycle/unlock").1["errorCode"], "E0000032");
    let (_, temporary) = world.okta("POST /users/00ulee/lifecycle/expire_password_with_temp_password");
    world.okta("DELETE /users/00ulee/sessions?oauthTokens=true");
    let (_, lee) = world.okta("GET /users/00ulee");
    assert_eq!((&lee["status"], lee.get("password"), &lee["credentials"]["password"]), (&json!("PASSWORD_EXPIRED"), None, &json!({})));
    let state = &world.vendors.state()["okta"]["orgs"][0]["users"][0];
    assert_eq!((&state["password"], &state["sessions"], &state["tokens"]), (&temporary["tempPassword"], &json!(0), &json!(0)));
    let (_, roles) = world.okta("GET /users/00uotto/roles");
    assert_eq!((&roles[0]["type"], &roles[0]["assignmentType"]), (&json!("SUPER_ADMIN"), &json!("USER")));
    assert_eq!(world.vendors.violations(), Vec::<String>::new());
}

#[test]
fn a_list_is_paged_by_links() {
    let world = world();
    let request =
        http::Request::get("https://globex.okta.com/api/v1/users?limit=2").header("authorization", "SSWS globex-api-token").body(bytes::Bytes::new()).unwrap();
    let response = world.vendors.handle(request).unwrap();
    let links: Vec<&str> = response.headers().get_all("link").iter().map(|link| link.to_str().unwrap()).collect();
    assert_eq!(links[1], "<https://globex.okta.com/api/v1/users?limit=2&after=2>; rel=\"next\"");
}
