//! Graph and the token endpoint: what is accepted and what is refused.
mod common;
use common::*;
use serde_json::{Value, json};

fn outcome(status: u16, body: &Value) -> String {
    match body.pointer("/error/code").and_then(Value::as_str) {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}

#[test]
fn the_token_endpoint_knows_tenant_client_secret_and_scope() {
    let scope = "https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let good = format!("client_id={CLIENT}&client_secret=northwind-client-secret&grant_type=client_credentials&scope={scope}");
    for (path, media, body, expect, violation) in [
        (TENANT, FORM, good.clone(), "200 ", false),
        ("acme.example", FORM, good.clone(), "200 ", false),
        ("other.example", FORM, good.clone(), "400 invalid_request", false),
        (TENANT, FORM, good.replace("northwind-client", "wrong"), "401 invalid_client", false),
        (TENANT, FORM, good.replace(CLIENT, "nobody"), "400 unauthorized_client", false),
        (TENANT, FORM, good.replace("client_credentials", "password"), "400 unsupported_grant_type", true),
        (TENANT, FORM, good.replace(scope, "User.Read"), "400 invalid_scope", true),
        (TENANT, FORM, format!("{good}&resource=x"), "400 invalid_request", true),
        (TENANT, FORM, good.replace("grant_type", "grant"), "400 invalid_request", true),
        (TENANT, JSON, json!({ "client_id": CLIENT }).to_string(), "400 invalid_request", true),
    ] {
        let world = world();
        let (status, got) = world.send(&format!("POST https://login.microsoftonline.com/{path}/oauth2/v2.0/token"), &[("content-type", media)], &body);
        assert_eq!(
            (format!("{status} {}", got["error"].as_str().unwrap_or_default()).as_str(), world.violations() > 0),
            (expect, violation),
            "{path} {body}: {got}"
        );
    }
}

#[test]
fn a_token_expires_by_the_clock() {
    let world = world();
    let bearer = format!("Bearer {}", world.token());
    let get = |bearer: &str| world.send(&format!("GET https://graph.microsoft.com/v1.0/users/{JANE}"), &[("authorization", bearer)], "").0;
    assert_eq!((get(&bearer), get("Bearer x"), get("")), (200, 401, 401));
    world.later(3_599_000);
    assert_eq!(get(&bearer), 401);
}

#[test]
fn graph_accepts_and_refuses_as_documented() {
    let reset = r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"Xk3!vf9Qz7"}}"#;
    let eventual: &[(&str, &str)] = &[("ConsistencyLevel", "eventual")];
    let json: &[(&str, &str)] = &[("content-type", JSON)];
    for (line, headers, body, expect, violation) in [
        ("GET /users/jane%40acme.example", &[][..], "", "200", false),
        ("GET /users/jane@acme.example?$select=id,lastPasswordChangeDateTime,onPremisesSyncEnabled,proxyAddresses", &[], "", "200", false),
        ("GET /users/nobody@acme.example", &[], "", "404 Request_ResourceNotFound", false),
        ("GET /users/jane.doe@acme.example", &[], "", "404 Request_ResourceNotFound", false),
        ("GET /users/jane@acme.example?$select=id,colour", &[], "", "400 BadRequest", true),
        ("GET /users/jane@acme.example?select=id", &[], "", "400 Request_BadRequest", true),
        ("GET /users/jane@acme.example/colour", &[], "", "400 BadRequest", true),
        ("PUT /users/jane@acme.example", json, "{}", "405 Request_BadRequest", true),
        ("GET /users?$filter=mail%20eq%20'jane%40acme.example'&$top=2", &[], "", "200", false),
        ("GET /users?$filter=mail%20eq%20jane", &[], "", "400 Request_BadRequest", true),
        ("GET /users?$filter=proxyAddresses/any(p:p%20eq%20'smtp:jane.doe@acme.example')", &[], "", "200", false),
        ("GET /users?$filter=endswith(mail,'acme.example')", &[], "", "400 Request_UnsupportedQuery", true),
        ("GET /users?$filter=endswith(mail,'acme.example')&$count=true", eventual, "", "200", false),
        ("GET /users?$count=true", &[], "", "400 Request_UnsupportedQuery", true),
        ("GET /users?$filter=aboutMe%20eq%20'x'", &[], "", "400 Request_UnsupportedQuery", true),
        ("GET /users?$top=1000", &[], "", "400 Request_BadRequest", true),
        ("GET /users/jane@acme.example/transitiveMemberOf?$select=id,displayName,isAssignableToRole", &[], "", "200", false),
        ("GET /users/jane@acme.example/transitiveMemberOf/microsoft.graph.group", &[], "", "400 Request_UnsupportedQuery", true),
        ("GET /users/jane@acme.example/transitiveMemberOf/microsoft.graph.group?$count=true", eventual, "", "200", false),
        ("GET /users/oscar@acme.example/ownedObjects", &[], "", "200", false),
        ("PATCH /users/jane@acme.example", json, reset, "204", false),
        (
            "PATCH /users/jane@acme.example",
            json,
            r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"short"}}"#,
            "400 Request_BadRequest",
            false,
        ),
        ("PATCH /users/jane@acme.example", json, r#"{"passwordProfile":{"newPassword":"x"}}"#, "400 Request_BadRequest", true),
        ("PATCH /users/jane@acme.example", json, r#"{"password":"x"}"#, "400 Request_BadRequest", true),
        ("PATCH /users/jane@acme.example", json, "{}", "400 Request_BadRequest", true),
        ("PATCH /users/jane@acme.example", &[("content-type", "text/plain")], reset, "400 Request_BadRequest", true),
        ("PATCH /users/jane@acme.example", json, r#"{"accountEnabled":false}"#, "403 Authorization_RequestDenied", false),
        ("PATCH /users/ada@acme.example", json, reset, "403 Authorization_RequestDenied", false),
        ("PATCH /users/grace@acme.example", json, reset, "403 Authorization_RequestDenied", false),
        ("PATCH /users/oscar@acme.example", json, reset, "403 Authorization_RequestDenied", false),
        ("PATCH /users/sid@acme.example", json, reset, "400 Request_BadRequest", false),
        ("POST /users/jane@acme.example/revokeSignInSessions", &[], "", "200", false),
        ("POST /users/jane@acme.example/revokeSignInSessions", json, "{}", "400 Request_BadRequest", true),
        ("GET /users/jane@acme.example/authentication/methods", &[], "", "403 Authorization_RequestDenied", false),
        ("GET /groups/4f1c0061-7c2d-4f5a-9b1e-6a0d8c3e2b61?$select=id,displayName", &[], "", "200", false),
        ("GET /subscribedSkus", &[], "", "403 Authorization_RequestDenied", false),
    ] {
        let world = world();
        let (status, got) = world.graph(line, headers, body);
        assert_eq!((outcome(status, &got).as_str(), world.violations() > 0), (expect, violation), "{line} {body}: {got} {:?}", world.vendors.violations());
    }
}

#[test]
fn only_what_is_selected_is_returned() {
    let world = world();
    let (_, usual) = world.graph("GET /users/sid@acme.example", &[], "");
    for name in ["lastPasswordChangeDateTime", "onPremisesSyncEnabled", "userType", "accountEnabled", "proxyAddresses", "otherMails"] {
        assert!(usual.get(name).is_none(), "{name} is no default: {usual}");
    }
    let (_, some) = world.graph("GET /users/sid@acme.example?$select=onPremisesSyncEnabled,passwordProfile", &[], "");
    assert_eq!((some.as_object().unwrap().len(), &some["onPremisesSyncEnabled"], &some["passwordProfile"]), (3, &json!(true), &Value::Null));
}

#[test]
fn a_reset_sets_password_and_times_and_a_revocation_the_sessions() {
    let world = world();
    world.graph(
        "PATCH /users/jane@acme.example",
        &[("content-type", JSON)],
        r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"Xk3!vf9Qz7"}}"#,
    );
    let jane = world.vendors.state()["entra"]["tenants"][0]["users"][0].clone();
    assert_eq!(
        (&jane["passwordProfile"], &jane["lastPasswordChangeDateTime"]),
        (&json!({ "forceChangePasswordNextSignIn": true, "password": "Xk3!vf9Qz7" }), &json!("2026-09-21T14:13:20Z"))
    );
    world.later(60_000);
    assert_eq!(world.graph("POST /users/jane@acme.example/revokeSignInSessions", &[], "").1["value"], true);
    let (_, read) = world.graph("GET /users/jane@acme.example?$select=signInSessionsValidFromDateTime", &[], "");
    assert_eq!(read["signInSessionsValidFromDateTime"], "2026-09-21T14:14:20Z");
    let calls = world.vendors.calls();
    assert_eq!(calls.iter().filter(|call| call.changed).map(|call| call.method.as_str()).collect::<Vec<_>>(), ["PATCH", "POST"]);
}

#[test]
fn memberships_are_transitive_paged_and_empty_of_what_may_not_be_read() {
    let world = world();
    let mut seed: Value = serde_json::from_str(firstline_vendors::DEMO).unwrap();
    seed["entra"]["tenants"][0]["page_size"] = json!(1);
    world.vendors.seed(&json!({ "entra": seed["entra"] })).unwrap();
    let (_, first) = world.graph("GET /users/grace@acme.example/transitiveMemberOf?$select=id,displayName,isAssignableToRole&$top=999", &[], "");
    assert_eq!((first["value"].as_array().unwrap().len(), &first["value"][0]["@odata.type"]), (1, &json!("#microsoft.graph.directoryRole")));
    let next = first["@odata.nextLink"].as_str().unwrap().strip_prefix("https://graph.microsoft.com/v1.0").unwrap();
    let (_, second) = world.graph(&format!("GET {next}"), &[], "");
    assert_eq!((&second["value"][0]["isAssignableToRole"], second["@odata.nextLink"].is_string()), (&json!(true), true));
    seed["entra"]["tenants"][0]["apps"][0]["permissions"] = json!(["User.Read.All"]);
    seed["entra"]["tenants"][0]["page_size"] = json!(999);
    world.vendors.seed(&json!({ "entra": seed["entra"] })).unwrap();
    let (_, blind) = world.graph("GET /users/grace@acme.example/transitiveMemberOf", &[], "");
    assert_eq!(
        blind["value"].as_array().unwrap().iter().map(|one| (one["id"].is_string(), one["displayName"].is_null())).collect::<Vec<_>>(),
        [(true, true); 3]
    );
    assert_eq!(world.vendors.violations(), Vec::<String>::new());
}

#[test]
fn rights_are_permission_and_role_together() {
    let reset = r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"Xk3!vf9Qz7"}}"#;
    for (permissions, roles, user, writeback, expect) in [
        (json!(["User-PasswordProfile.ReadWrite.All"]), json!(["User Administrator"]), "jane", false, 204),
        (json!(["User.ReadWrite.All"]), json!(["User Administrator"]), "jane", false, 204),
        (json!(["User.ReadWrite.All"]), json!([]), "jane", false, 403),
        (json!(["User.Read.All"]), json!(["User Administrator"]), "jane", false, 403),
        (json!(["User.ReadWrite.All"]), json!(["User Administrator"]), "ada", false, 403),
        (json!(["User.ReadWrite.All"]), json!(["Privileged Authentication Administrator"]), "ada", false, 204),
        (json!(["User.ReadWrite.All"]), json!(["User Administrator"]), "sid", true, 204),
    ] {
        let world = world();
        let mut seed: Value = serde_json::from_str(firstline_vendors::DEMO).unwrap();
        let tenant = &mut seed["entra"]["tenants"][0];
        (tenant["apps"][0]["permissions"], tenant["apps"][0]["roles"], tenant["writeback"]) = (permissions.clone(), roles.clone(), json!(writeback));
        world.vendors.seed(&json!({ "entra": seed["entra"] })).unwrap();
        assert_eq!(world.graph(&format!("PATCH /users/{user}@acme.example"), &[("content-type", JSON)], reset).0, expect, "{permissions} {roles} {user}");
    }
}

#[test]
fn a_temporary_access_pass_is_shown_once_and_replaces_the_last() {
    let world = world();
    let mut seed: Value = serde_json::from_str(firstline_vendors::DEMO).unwrap();
    seed["entra"]["tenants"][0]["apps"][0]["permissions"] = json!(["User.Read.All", "UserAuthenticationMethod.ReadWrite.All"]);
    world.vendors.seed(&json!({ "entra": seed["entra"] })).unwrap();
    let issue = |body: &str| world.graph("POST /users/jane@acme.example/authentication/temporaryAccessPassMethods", &[("content-type", JSON)], body);
    let (status, first) = issue(r#"{"lifetimeInMinutes":60,"isUsableOnce":true}"#);
    assert_eq!((status, first["temporaryAccessPass"].is_string()), (201, true), "{first}");
    issue(r#"{"lifetimeInMinutes":60,"isUsableOnce":true}"#);
    let (_, all) = world.graph("GET /users/jane@acme.example/authentication/methods", &[], "");
    assert_eq!((all["value"].as_array().unwrap().len(), &all["value"][0]["temporaryAccessPass"]), (1, &Value::Null));
    let id = all["value"][0]["id"].as_str().unwrap();
    let delete = format!("DELETE /users/jane@acme.example/authentication/temporaryAccessPassMethods/{id}");
    assert_eq!((world.graph(&delete, &[], "").0, world.graph(&delete, &[], "").0), (204, 404));
    assert_eq!(world.vendors.violations(), Vec::<String>::new());
    assert_eq!((issue(r#"{"lifetimeInMinutes":5}"#).0, world.violations()), (400, 1));
}

#[test]
fn served_on_loopback_links_stay_on_loopback() {
    let world = world();
    let bearer = format!("Bearer {}", world.token());
    let (status, page) = world.send("GET /graph/v1.0/users?$top=1", &[("host", "127.0.0.1:9000"), ("authorization", &bearer)], "");
    assert_eq!(status, 200, "{page}");
    assert!(page["@odata.nextLink"].as_str().unwrap().starts_with("http://127.0.0.1:9000/graph/v1.0/users?"), "{page}");
}
