//! Microsoft Graph v1.0 over Entra ID, and its token endpoint.

use crate::query::{Dialect, Expr, Op};
use crate::web::{Answer, Ask, Outcome, guid, iso, merge, only, token};
use crate::wire;
use base64::Engine;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Every tenant, and the tokens that were given out.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Entra {
    pub tenants: Vec<Tenant>,
    pub tokens: Vec<Token>,
    /// Number of the newest token, pass and request.
    pub serial: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tenant {
    pub id: String,
    pub domain: String,
    /// Passwords are written back on premises.
    pub writeback: bool,
    /// No page of memberships is longer.
    pub page_size: usize,
    /// Seconds that a token lives.
    pub token_lifetime: u64,
    pub apps: Vec<App>,
    /// Graph's own properties; in addition `authentication` with a list `methods`.
    pub users: Vec<Map<String, Value>>,
    /// Sign-in name → that of the manager.
    pub managers: std::collections::BTreeMap<String, String>,
    pub roles: Vec<Role>,
    pub groups: Vec<Group>,
    pub subscribed_skus: Vec<Value>,
    /// It has Entra ID P1.
    pub premium: bool,
    /// The sign-in log, oldest first.
    pub sign_ins: Vec<Value>,
    pub access_pass: PassPolicy,
}

/// Who may use a Temporary Access Pass, and for how long one lives.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct PassPolicy {
    pub state: String,
    /// Groups, or `all_users`.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    pub minimum_lifetime_in_minutes: u64,
    pub maximum_lifetime_in_minutes: u64,
}

impl Default for PassPolicy {
    fn default() -> Self {
        // As Microsoft ships it.
        PassPolicy {
            state: "disabled".into(),
            include: vec!["all_users".into()],
            exclude: Vec::new(),
            minimum_lifetime_in_minutes: 60,
            maximum_lifetime_in_minutes: 480,
        }
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Tenant {
            id: String::new(),
            domain: String::new(),
            writeback: false,
            page_size: 999,
            token_lifetime: 3599,
            apps: Vec::new(),
            users: Vec::new(),
            managers: Default::default(),
            roles: Vec::new(),
            groups: Vec::new(),
            subscribed_skus: Vec::new(),
            premium: false,
            sign_ins: Vec::new(),
            access_pass: PassPolicy::default(),
        }
    }
}

/// The application as this tenant consented to it.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct App {
    pub client_id: String,
    pub client_secret: String,
    pub permissions: Vec<String>,
    /// Directory roles held by the application.
    pub roles: Vec<String>,
    /// Nobody has consented here yet, so the directory does not know the application.
    pub no_consent: bool,
}

/// A directory role that is in use.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Role {
    pub id: String,
    pub display_name: String,
    pub role_template_id: String,
    /// Users and role-assignable groups.
    pub members: Vec<String>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Group {
    pub id: String,
    pub display_name: String,
    pub mail: Option<String>,
    pub proxy_addresses: Vec<String>,
    pub is_assignable_to_role: bool,
    pub security_enabled: bool,
    pub mail_enabled: bool,
    pub group_types: Vec<String>,
    pub on_premises_sync_enabled: Option<bool>,
    pub members: Vec<String>,
    pub owners: Vec<String>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Token {
    pub token: String,
    pub tenant: String,
    pub client_id: String,
    pub expires: u64,
}

/// What Graph returns of a user without `$select`.
const USUAL: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

const GROUP: [&str; 9] =
    ["id", "displayName", "mail", "proxyAddresses", "isAssignableToRole", "securityEnabled", "mailEnabled", "groupTypes", "onPremisesSyncEnabled"];
const ROLE: [&str; 3] = ["id", "displayName", "roleTemplateId"];

/// Properties that `$filter` takes on users.
const FILTERABLE: [&str; 15] = [
    "accountEnabled",
    "createdDateTime",
    "department",
    "displayName",
    "employeeId",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mailNickname",
    "onPremisesImmutableId",
    "onPremisesSyncEnabled",
    "surname",
    "userPrincipalName",
    "userType",
];

/// Of groups.
const FILTERABLE_OF_GROUPS: [&str; 6] = ["displayName", "id", "mail", "mailEnabled", "onPremisesSyncEnabled", "securityEnabled"];

const READ_USERS: &[&str] = &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_GROUPS: &[&str] =
    &["GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_ROLES: &[&str] = &["RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_METHODS: &[&str] = &["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"];
const WRITE_METHODS: &[&str] = &["UserAuthenticationMethod.ReadWrite.All"];
const READ_POLICY: &[&str] = &["Policy.Read.AuthenticationMethod", "Policy.ReadWrite.AuthenticationMethod", "Policy.Read.All"];
const PASS: &str = "#microsoft.graph.temporaryAccessPassAuthenticationMethod";

fn no(status: u16, code: &str, message: &str, ask: &Ask) -> Answer {
    let request = ask.header("client-request-id").map_or_else(|| guid("request", ask.now), str::to_string);
    let inner = json!({ "date": iso(ask.now).trim_end_matches('Z'), "request-id": request, "client-request-id": request });
    Answer::json(status, json!({ "error": { "code": code, "message": message, "innerError": inner } }))
}

fn bad(what: &str, ask: &Ask) -> Answer {
    no(400, "Request_BadRequest", what, ask).violating(what)
}

fn denied(ask: &Ask) -> Answer {
    no(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.", ask)
}

fn missing(id: &str, ask: &Ask) -> Answer {
    no(404, "Request_ResourceNotFound", &format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present."), ask)
}

fn str_of<'a>(user: &'a Map<String, Value>, name: &str) -> &'a str {
    user.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Object id of an application in a directory.
fn principal(client_id: &str, tenant: &str) -> String {
    guid(&format!("principal {client_id} {tenant}"), 0)
}

impl Entra {
    /// Refuses what the seed cannot mean.
    pub fn check(&self) -> Result<(), String> {
        for tenant in &self.tenants {
            for user in &tenant.users {
                let name = str_of(user, "userPrincipalName");
                if str_of(user, "id").is_empty() || name.is_empty() {
                    return Err(format!("entra {}: a user needs `id` and `userPrincipalName`", tenant.domain));
                }
                if let Some(key) = user.keys().find(|key| *key != "authentication" && !wire::graph_has("microsoft.graph.user", key)) {
                    return Err(format!("entra {name}: unknown property `{key}`"));
                }
            }
        }
        Ok(())
    }

    fn tenant_of(&mut self, deed: &Map<String, Value>) -> Result<&mut Tenant, String> {
        let name = deed.get("tenant").and_then(Value::as_str).ok_or("`tenant` is missing")?;
        self.tenants.iter_mut().find(|known| known.id == name || known.domain == name).ok_or_else(|| format!("no tenant `{name}`"))
    }

    /// What an administrator does by hand: `{"tenant"?, "user", "set": {…}}`, `{"tenant", "app", "set": {…}}` with an application's client id, or
    /// `{"tenant", "set": {…}}` for the policy of Temporary Access Passes, `{"tenant", "group": {…}}` for a new group, `{"tenant", "premium": bool}` for
    /// Entra ID P1. And what a user does: `{"user", "signs_in": code}`, where 0 is success.
    pub fn act(&mut self, deed: &Map<String, Value>, now: u64) -> Result<(), String> {
        only(deed, &["tenant", "user", "app", "group", "set", "signs_in", "premium"])?;
        if let Some(premium) = deed.get("premium") {
            self.tenant_of(deed)?.premium = premium.as_bool().ok_or("`premium` is true or false")?;
            return Ok(());
        }
        if let Some(code) = deed.get("signs_in") {
            let key = deed.get("user").and_then(Value::as_str).ok_or("`user` is missing")?;
            let code = code.as_u64().ok_or("`signs_in` is an error code; 0 is success")?;
            let (tenant, id) = self
                .tenants
                .iter_mut()
                .find_map(|tenant| tenant.find(key).map(|user| str_of(user, "id").to_string()).map(|id| (tenant, id)))
                .ok_or_else(|| format!("no user `{key}`"))?;
            tenant.sign_ins.push(json!({ "id": guid(&id, now), "createdDateTime": iso(now), "userId": id, "userPrincipalName": key, "isInteractive": true, "status": { "errorCode": code } }));
            return Ok(());
        }
        if let Some(group) = deed.get("group") {
            self.tenant_of(deed)?.groups.push(serde_json::from_value(group.clone()).map_err(|error| format!("no group: {error}"))?);
            return self.check();
        }
        if let Some(client_id) = deed.get("app").and_then(Value::as_str) {
            let app = self.tenant_of(deed)?.apps.iter_mut().find(|app| app.client_id == client_id).ok_or_else(|| format!("no application `{client_id}`"))?;
            return merge(app, deed.get("set").and_then(Value::as_object).ok_or("`set` is missing")?);
        }
        if !deed.contains_key("user") {
            return merge(&mut self.tenant_of(deed)?.access_pass, deed.get("set").and_then(Value::as_object).ok_or("`set` is missing")?);
        }
        let key = deed.get("user").and_then(Value::as_str).ok_or("`user` is missing")?;
        let set = deed.get("set").and_then(Value::as_object).ok_or("`set` is missing")?;
        let named = deed.get("tenant").and_then(Value::as_str);
        let mut tenants = self.tenants.iter_mut().filter(|tenant| named.is_none_or(|name| tenant.id == name || tenant.domain == name));
        let user = tenants.find_map(|tenant| tenant.find_mut(key)).ok_or_else(|| format!("no user `{key}`"))?;
        user.extend(set.clone());
        self.check()
    }

    /// The token endpoint.
    pub fn login(&mut self, ask: &Ask) -> Outcome {
        let refuse = |status: u16, error: &str, code: u64, text: &str| {
            let (trace, correlation) = (guid("trace", ask.now), guid("correlation", ask.now));
            let description = format!("AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {}", iso(ask.now).replace('T', " "));
            let body = json!({ "error": error, "error_description": description, "error_codes": [code], "timestamp": iso(ask.now).replace('T', " "), "trace_id": trace,
                "correlation_id": correlation, "error_uri": format!("https://login.microsoftonline.com/error?code={code}") });
            Answer::json(status, body)
        };
        let [tenant, "oauth2", "v2.0", "token"] = ask.segments()[..] else { return Err(Answer::empty(404).violating("unknown path")) };
        if ask.method != "POST" {
            return Err(refuse(405, "invalid_request", 900_561, "The endpoint only accepts POST requests.").violating("unknown method"));
        }
        let form =
            ask.form().and_then(|form| ask.only_query(&[]).map(|()| form)).map_err(|error| refuse(400, "invalid_request", 900_144, &error).violating(error))?;
        let known = ["client_id", "client_secret", "scope", "grant_type"];
        for (at, (name, _)) in form.iter().enumerate() {
            if !known.contains(&name.as_str()) || form.iter().take(at).any(|(earlier, _)| earlier == name) {
                return Err(refuse(400, "invalid_request", 900_144, &format!("unexpected parameter {name}"))
                    .violating(format!("unknown field `{name}`, or given twice")));
            }
        }
        let field = |name: &str| {
            let value = form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty());
            let text = format!("The request body must contain the following parameter: '{name}'.");
            value.ok_or_else(|| refuse(400, "invalid_request", 900_144, &text).violating(format!("`{name}` is missing")))
        };
        if field("grant_type")? != "client_credentials" {
            return Err(refuse(400, "unsupported_grant_type", 70_003, "The app requested an unsupported grant type.")
                .violating("only client_credentials is known here"));
        }
        let (client_id, client_secret, scope) = (field("client_id")?, field("client_secret")?, field("scope")?);
        let found = self.tenants.iter().find(|known| known.id.eq_ignore_ascii_case(tenant) || known.domain.eq_ignore_ascii_case(tenant));
        let found = found.ok_or_else(|| refuse(400, "invalid_request", 90_002, &format!("Tenant '{tenant}' not found.")))?;
        let app = found.apps.iter().find(|app| !app.no_consent && app.client_id.eq_ignore_ascii_case(client_id));
        // An application that another directory knows may be installed here too, once an administrator consents.
        let elsewhere = self.tenants.iter().flat_map(|tenant| &tenant.apps).any(|app| app.client_id.eq_ignore_ascii_case(client_id));
        if app.is_none() && elsewhere {
            let text = format!(
                "The client application {client_id} is missing service principal in the tenant {}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
                found.id
            );
            return Err(refuse(401, "invalid_client", 7_000_229, &text));
        }
        let app = app.ok_or_else(|| {
            refuse(
                400,
                "unauthorized_client",
                700_016,
                &format!("Application with identifier '{client_id}' was not found in the directory '{}'.", found.domain),
            )
        })?;
        if app.client_secret != client_secret {
            return Err(refuse(401, "invalid_client", 7_000_215, "Invalid client secret provided."));
        }
        if scope != "https://graph.microsoft.com/.default" {
            return Err(refuse(400, "invalid_scope", 1_002_012, &format!("The provided value for scope {scope} is not valid."))
                .violating("the scope must be the resource and `/.default`"));
        }
        let (tenant, client_id, lifetime) = (found.id.clone(), app.client_id.clone(), found.token_lifetime);
        self.serial += 1;
        // As Microsoft writes it; the third part stands for its signature.
        let issued = ask.now / 1000;
        let claims = json!({ "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{tenant}/"), "iat": issued, "nbf": issued,
            "exp": issued + lifetime, "appid": client_id, "idtyp": "app", "oid": principal(&client_id, &tenant), "roles": app.permissions, "tid": tenant, "ver": "1.0" });
        let part = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
        let text = format!("eyJ0eXAiOiJKV1QifQ.{part}.{}", token("graph", self.serial));
        self.tokens.push(Token { token: text.clone(), tenant, client_id, expires: ask.now.saturating_add(lifetime.saturating_mul(1000)) });
        Ok(Answer::json(200, json!({ "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": text })))
    }

    /// Graph itself.
    pub fn graph(&mut self, ask: &Ask) -> Outcome {
        let unauthorized = |message: &str| no(401, "InvalidAuthenticationToken", message, ask).header("www-authenticate", "Bearer realm=\"\"");
        let bearer = ask.bearer().ok_or_else(|| unauthorized("Access token is empty."))?;
        let token = self
            .tokens
            .iter()
            .find(|token| token.token == bearer)
            .ok_or_else(|| unauthorized("IDX14100: JWT is not well formed, there are no dots (.)."))?
            .clone();
        if token.expires <= ask.now {
            return Err(unauthorized("Lifetime validation failed, the token is expired."));
        }
        self.serial += 1;
        let serial = self.serial;
        let tenant = self.tenants.iter_mut().find(|tenant| tenant.id == token.tenant).ok_or_else(|| unauthorized("the tenant is gone"))?;
        tenant.graph(ask, &token.client_id, serial)
    }
}

impl Tenant {
    fn index(&self, key: &str) -> Option<usize> {
        self.users.iter().position(|user| str_of(user, "id").eq_ignore_ascii_case(key) || str_of(user, "userPrincipalName").eq_ignore_ascii_case(key))
    }

    fn find(&self, key: &str) -> Option<&Map<String, Value>> {
        self.users.get(self.index(key)?)
    }

    fn find_mut(&mut self, key: &str) -> Option<&mut Map<String, Value>> {
        let at = self.index(key)?;
        self.users.get_mut(at)
    }

    fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client_id)
    }

    fn may(&self, client_id: &str, any: &[&str]) -> bool {
        self.app(client_id).is_some_and(|app| app.permissions.iter().any(|had| any.contains(&had.as_str())))
    }

    fn holds_role(&self, client_id: &str, any: &[&str]) -> bool {
        self.app(client_id).is_some_and(|app| app.roles.iter().any(|had| any.contains(&had.as_str())))
    }

    fn need(&self, ask: &Ask, client_id: &str, any: &[&str]) -> Result<(), Answer> {
        if self.may(client_id, any) { Ok(()) } else { Err(denied(ask)) }
    }

    fn graph(&mut self, ask: &Ask, client: &str, serial: u64) -> Outcome {
        let segments = ask.segments();
        let ["v1.0", path @ ..] = &segments[..] else { return Err(no(400, "BadRequest", "Invalid version.", ask).violating("unknown path")) };
        match (ask.method.as_str(), path) {
            ("GET", ["users"]) => self.list_users(ask, client),
            ("GET", ["users", key]) => {
                self.need(ask, client, READ_USERS)?;
                let select = select(ask, &["$select"], "microsoft.graph.user")?;
                let user = self.find(key).ok_or_else(|| missing(key, ask))?;
                let mut body = shown(user, select.as_deref());
                body.insert("@odata.context".into(), context(ask, "users", select.as_deref(), "/$entity"));
                Ok(Answer::json(200, Value::Object(body)))
            }
            ("PATCH", ["users", key]) => self.patch_user(ask, client, key),
            ("POST", ["users", key, "revokeSignInSessions"]) => {
                ask.only_query(&[]).and_then(|()| ask.no_body()).map_err(|error| bad(&error, ask))?;
                self.need(ask, client, &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"])?;
                let now = iso(ask.now);
                let user = self.find_mut(key).ok_or_else(|| missing(key, ask))?;
                // For people of another directory the call succeeds and does nothing.
                if str_of(user, "userType") != "Guest" {
                    user.insert("signInSessionsValidFromDateTime".into(), json!(now));
                }
                Ok(Answer::json(200, json!({ "@odata.context": format!("{}/v1.0/$metadata#Edm.Boolean", ask.base), "value": true })).changed())
            }
            ("GET", ["users", key, "manager"]) => {
                self.need(ask, client, READ_USERS)?;
                let select = select(ask, &["$select"], "microsoft.graph.user")?;
                let user = self.find(key).ok_or_else(|| missing(key, ask))?;
                let manager = self.managers.get(str_of(user, "userPrincipalName")).and_then(|manager| self.find(manager));
                let mut body = shown(manager.ok_or_else(|| missing("manager", ask))?, select.as_deref());
                body.insert("@odata.type".into(), json!("#microsoft.graph.user"));
                body.insert("@odata.context".into(), context(ask, "directoryObjects", select.as_deref(), "/$entity"));
                Ok(Answer::json(200, Value::Object(body)))
            }
            ("GET", ["users", key, "transitiveMemberOf"]) => self.members_of(ask, client, key, None),
            ("GET", ["users", key, "transitiveMemberOf", cast @ ("microsoft.graph.group" | "microsoft.graph.directoryRole")]) => {
                self.members_of(ask, client, key, Some(cast))
            }
            ("GET", ["users", key, "ownedObjects"]) => self.owned(ask, client, key, None),
            ("GET", ["users", key, "ownedObjects", cast @ "microsoft.graph.group"]) => self.owned(ask, client, key, Some(cast)),
            ("GET", ["users", key, "authentication", kind]) => {
                ask.only_query(&[]).map_err(|error| bad(&error, ask))?;
                self.need(ask, client, READ_METHODS)?;
                let wanted = method_type(kind).ok_or_else(|| bad("unknown path", ask))?;
                let methods: Vec<Value> = self
                    .methods(key, ask)?
                    .iter()
                    .filter(|method| wanted.is_empty() || method.get("@odata.type").and_then(Value::as_str) == Some(&wanted))
                    .cloned()
                    .map(|mut method| {
                        // Only the emulator knows which one is the default.
                        method.as_object_mut().and_then(|members| members.remove("default"));
                        method
                    })
                    .collect();
                Ok(Answer::json(
                    200,
                    json!({ "@odata.context": format!("{}/v1.0/$metadata#users('{key}')/authentication/{kind}", ask.base), "value": methods }),
                ))
            }
            ("POST", ["users", key, "authentication", "temporaryAccessPassMethods"]) => self.issue_pass(ask, client, key, serial),
            ("DELETE", ["users", key, "authentication", kind, id]) if method_type(kind).is_some_and(|kind| !kind.is_empty()) => {
                ask.only_query(&[]).and_then(|()| ask.no_body()).map_err(|error| bad(&error, ask))?;
                self.need(ask, client, WRITE_METHODS)?;
                let wanted = method_type(kind).unwrap_or_default();
                let methods = self.methods(key, ask)?;
                let at = methods.iter().position(|method| {
                    method.get("id").and_then(Value::as_str) == Some(id) && method.get("@odata.type").and_then(Value::as_str) == Some(&wanted)
                });
                let second = |method: &Value| {
                    let kind = method.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
                    ["phone", "microsoftAuthenticator", "softwareOath"].iter().any(|known| kind == format!("#microsoft.graph.{known}AuthenticationMethod"))
                };
                let others = methods.iter().filter(|method| second(method)).count() > 1;
                match at {
                    // The default one is the last that can go.
                    Some(at) if others && methods.get(at).and_then(|method| method.get("default")) == Some(&json!(true)) => {
                        return Err(no(400, "Request_BadRequest", "The default authentication method cannot be deleted while others are registered.", ask));
                    }
                    Some(at) => drop(methods.remove(at)),
                    None => return Err(missing(id, ask)),
                }
                Ok(Answer::empty(204).changed())
            }
            ("GET", ["policies", "authenticationMethodsPolicy", "authenticationMethodConfigurations", "temporaryAccessPass"]) => {
                ask.only_query(&[]).and_then(|()| ask.no_body()).map_err(|error| bad(&error, ask))?;
                self.need(ask, client, READ_POLICY)?;
                let targets =
                    |ids: &[String]| ids.iter().map(|id| json!({ "targetType": "group", "id": id, "isRegistrationRequired": false })).collect::<Vec<_>>();
                let policy = &self.access_pass;
                Ok(Answer::json(
                    200,
                    json!({ "@odata.context": format!("{}/v1.0/$metadata#authenticationMethodConfigurations/$entity", ask.base), "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration",
                        "id": "TemporaryAccessPass", "state": policy.state, "defaultLifetimeInMinutes": 60, "defaultLength": 8, "minimumLifetimeInMinutes": policy.minimum_lifetime_in_minutes,
                        "maximumLifetimeInMinutes": policy.maximum_lifetime_in_minutes, "isUsableOnce": false, "includeTargets": targets(&policy.include), "excludeTargets": targets(&policy.exclude) }),
                ))
            }
            ("GET", ["auditLogs", "signIns"]) => self.list_sign_ins(ask, client),
            ("GET", ["groups"]) => self.list_groups(ask, client),
            ("GET", ["groups", id]) => {
                self.need(ask, client, READ_GROUPS)?;
                let select = select(ask, &["$select"], "microsoft.graph.group")?;
                let group = self.groups.iter().find(|group| group.id == *id).ok_or_else(|| missing(id, ask))?;
                let mut body = object(&serde_json::to_value(group).unwrap_or_default(), "", &GROUP, select.as_deref(), true);
                body.insert("@odata.context".into(), context(ask, "groups", select.as_deref(), "/$entity"));
                Ok(Answer::json(200, Value::Object(body)))
            }
            ("GET", ["roleManagement", "directory", "roleAssignments"]) => {
                ask.only_query(&["$filter", "$expand"]).map_err(|error| bad(&error, ask))?;
                self.need(ask, client, READ_ROLES)?;
                let whose = ask.query("$filter").and_then(|text| text.strip_prefix("principalId eq '")).and_then(|text| text.strip_suffix('\''));
                let whose = whose.ok_or_else(|| bad("only `principalId eq` is known here", ask))?;
                let held = self.apps.iter().filter(|app| principal(&app.client_id, &self.id) == whose).flat_map(|app| &app.roles);
                let held: Vec<Value> = held
                    .map(|role| {
                        let mut one = json!({ "id": guid(role, 1), "principalId": whose, "directoryScopeId": "/", "roleDefinitionId": guid(role, 2) });
                        if ask.query("$expand") == Some("roleDefinition") {
                            one["roleDefinition"] = json!({ "id": guid(role, 2), "displayName": role, "isBuiltIn": true });
                        }
                        one
                    })
                    .collect();
                Ok(Answer::json(
                    200,
                    json!({ "@odata.context": format!("{}/v1.0/$metadata#roleManagement/directory/roleAssignments", ask.base), "value": held }),
                ))
            }
            ("GET", ["subscribedSkus"]) => {
                ask.only_query(&["$select"]).map_err(|error| bad(&error, ask))?;
                self.need(ask, client, &["LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"])?;
                Ok(Answer::json(200, json!({ "@odata.context": format!("{}/v1.0/$metadata#subscribedSkus", ask.base), "value": self.subscribed_skus })))
            }
            (
                _,
                ["users" | "groups"]
                | ["auditLogs", "signIns"]
                | ["users" | "groups", _]
                | ["users", _, "revokeSignInSessions" | "transitiveMemberOf" | "ownedObjects" | "manager"]
                | ["subscribedSkus"],
            ) => Err(no(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.", ask).violating("unknown method")),
            (_, path) => {
                let last = path.last().copied().unwrap_or_default();
                Err(no(400, "BadRequest", &format!("Resource not found for the segment '{last}'."), ask).violating("unknown path"))
            }
        }
    }

    fn list_users(&self, ask: &Ask, client: &str) -> Outcome {
        self.need(ask, client, READ_USERS)?;
        let select = select(ask, &["$select", "$filter", "$top", "$count", "$orderby", "$skiptoken"], "microsoft.graph.user")?;
        let mut found: Vec<&Map<String, Value>> = self.users.iter().collect();
        if let Some(filter) = filter(ask, "User", &FILTERABLE, &["proxyAddresses", "otherMails"])? {
            found.retain(|user| filter.holds(&Value::Object((*user).clone())));
        }
        if let Some(by) = ask.query("$orderby") {
            let (name, descending) = by.strip_suffix(" desc").map_or((by.trim_end_matches(" asc"), false), |name| (name, true));
            if !FILTERABLE.contains(&name) {
                return Err(unsupported("unsupported $orderby", ask));
            }
            found.sort_by(|a, b| if descending { str_of(b, name).cmp(str_of(a, name)) } else { str_of(a, name).cmp(str_of(b, name)) });
        }
        let values: Vec<Value> = found.into_iter().map(|user| Value::Object(shown(user, select.as_deref()))).collect();
        self.page(ask, "users", select.as_deref(), values)
    }

    fn list_sign_ins(&self, ask: &Ask, client: &str) -> Outcome {
        self.need(ask, client, &["AuditLog.Read.All"])?;
        if !self.premium {
            return Err(no(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Neither tenant is B2C or tenant doesn't have premium license", ask));
        }
        select(ask, &["$filter", "$orderby", "$top"], "microsoft.graph.signIn")?;
        if !matches!(ask.query("$orderby"), None | Some("createdDateTime" | "createdDateTime desc")) {
            return Err(bad("$orderby", ask));
        }
        let filter =
            Expr::parse(ask.query("$filter").unwrap_or_default(), Dialect::OData).map_err(|error| bad(&format!("Invalid filter clause: {error}"), ask))?;
        if let Some((path, _)) = filter.uses().into_iter().find(|(path, _)| !["userId", "createdDateTime", "status/errorCode"].contains(path)) {
            return Err(unsupported(&format!("`{path}` of a sign-in cannot be filtered"), ask));
        }
        let mut found: Vec<Value> = self.sign_ins.iter().filter(|found| filter.holds(found)).cloned().collect();
        if ask.query("$orderby") != Some("createdDateTime") {
            found.reverse();
        }
        let top = ask.query("$top").map_or(Ok(1_000), str::parse::<usize>).ok().filter(|top| (1..=1_000).contains(top)).ok_or_else(|| bad("$top", ask))?;
        found.truncate(top);
        Ok(Answer::json(200, json!({ "@odata.context": context(ask, "auditLogs/signIns", None, ""), "value": found })))
    }

    fn list_groups(&self, ask: &Ask, client: &str) -> Outcome {
        self.need(ask, client, READ_GROUPS)?;
        let select = select(ask, &["$select", "$filter", "$top", "$count", "$skiptoken"], "microsoft.graph.group")?;
        let mut found: Vec<Value> = self.groups.iter().map(|group| serde_json::to_value(group).unwrap_or_default()).collect();
        if let Some(filter) = filter(ask, "Group", &FILTERABLE_OF_GROUPS, &["proxyAddresses"])? {
            found.retain(|group| filter.holds(group));
        }
        let values = found.iter().map(|group| Value::Object(object(group, "", &GROUP, select.as_deref(), true))).collect();
        self.page(ask, "groups", select.as_deref(), values)
    }

    /// One page, and the link to the next.
    fn page(&self, ask: &Ask, what: &str, select: Option<&[String]>, values: Vec<Value>) -> Outcome {
        let top = match ask.query("$top").map(str::parse::<usize>) {
            None => 100,
            Some(Ok(top)) if (1..=999).contains(&top) => top,
            Some(_) => return Err(bad("Invalid page size specified. Must be between 1 and 999 inclusive.", ask)),
        };
        let offset = match ask.query("$skiptoken") {
            None => 0,
            Some(text) => text.strip_prefix("next-").and_then(|number| number.parse::<usize>().ok()).ok_or_else(|| bad("Invalid skip token.", ask))?,
        };
        let size = top.min(self.page_size.max(1));
        let count = values.len();
        let mut body = Map::new();
        body.insert("@odata.context".into(), context(ask, what, select, ""));
        if ask.query("$count") == Some("true") && advanced(ask) {
            body.insert("@odata.count".into(), json!(count));
        }
        if offset.saturating_add(size) < count {
            let mut link = form_urlencoded::Serializer::new(String::new());
            link.extend_pairs(ask.query.iter().filter(|(name, _)| name != "$skiptoken"));
            link.append_pair("$skiptoken", &format!("next-{}", offset.saturating_add(size)));
            let path: Vec<String> = ask.path.iter().map(|segment| percent_encoding::utf8_percent_encode(segment, crate::SEGMENT).to_string()).collect();
            body.insert("@odata.nextLink".into(), json!(format!("{}/{}?{}", ask.base, path.join("/"), link.finish())));
        }
        body.insert("value".into(), Value::Array(values.into_iter().skip(offset).take(size).collect()));
        Ok(Answer::json(200, Value::Object(body)))
    }

    /// Roles and groups that a user is in, groups in groups included.
    fn closure(&self, id: &str) -> (Vec<&Role>, Vec<&Group>) {
        let mut inside = vec![id.to_string()];
        let mut groups: Vec<&Group> = Vec::new();
        while let Some(member) = inside.pop() {
            for group in self.groups.iter().filter(|group| group.members.contains(&member)) {
                if !groups.iter().any(|known| known.id == group.id) {
                    groups.push(group);
                    inside.push(group.id.clone());
                }
            }
        }
        let within = |members: &[String]| members.iter().any(|member| member == id || groups.iter().any(|group| group.id == *member));
        (self.roles.iter().filter(|role| within(&role.members)).collect(), groups)
    }

    fn privileged(&self, id: &str) -> bool {
        let (roles, groups) = self.closure(id);
        !roles.is_empty()
            || groups.iter().any(|group| group.is_assignable_to_role)
            || self.groups.iter().any(|group| group.is_assignable_to_role && group.owners.iter().any(|owner| owner == id))
    }

    /// Directory objects; of a kind that the application may not read, only type and id.
    fn objects(&self, client: &str, roles: &[&Role], groups: &[&Group], cast: Option<&str>, select: Option<&[String]>) -> Vec<Value> {
        let mut out = Vec::new();
        if cast != Some("microsoft.graph.group") {
            let see = self.may(client, READ_ROLES);
            out.extend(roles.iter().map(|role| object(&serde_json::to_value(role).unwrap_or_default(), "#microsoft.graph.directoryRole", &ROLE, select, see)));
        }
        if cast != Some("microsoft.graph.directoryRole") {
            let see = self.may(client, READ_GROUPS);
            out.extend(groups.iter().map(|group| object(&serde_json::to_value(group).unwrap_or_default(), "#microsoft.graph.group", &GROUP, select, see)));
        }
        out.into_iter().map(Value::Object).collect()
    }

    fn members_of(&self, ask: &Ask, client: &str, key: &str, cast: Option<&str>) -> Outcome {
        self.need(ask, client, READ_USERS)?;
        let select = select(ask, &["$select", "$top", "$count", "$skiptoken"], cast.unwrap_or("directoryObject"))?;
        // Counting, and the cast of a transitive list, run on the eventual index only.
        if (cast.is_some() || ask.query("$count").is_some()) && !(advanced(ask) && ask.query("$count") == Some("true")) {
            return Err(unsupported("a cast needs ConsistencyLevel: eventual and $count=true", ask));
        }
        let id = str_of(self.find(key).ok_or_else(|| missing(key, ask))?, "id").to_string();
        let (roles, groups) = self.closure(&id);
        self.page(ask, cast.unwrap_or("directoryObjects"), select.as_deref(), self.objects(client, &roles, &groups, cast, select.as_deref()))
    }

    fn owned(&self, ask: &Ask, client: &str, key: &str, cast: Option<&str>) -> Outcome {
        self.need(ask, client, READ_USERS)?;
        let select = select(ask, &["$select", "$top", "$count", "$skiptoken"], cast.unwrap_or("directoryObject"))?;
        let id = str_of(self.find(key).ok_or_else(|| missing(key, ask))?, "id").to_string();
        let groups: Vec<&Group> = self.groups.iter().filter(|group| group.owners.contains(&id)).collect();
        self.page(ask, cast.unwrap_or("directoryObjects"), select.as_deref(), self.objects(client, &[], &groups, cast, select.as_deref()))
    }

    fn patch_user(&mut self, ask: &Ask, client: &str, key: &str) -> Outcome {
        const PLAIN: [&str; 12] = [
            "displayName",
            "givenName",
            "surname",
            "jobTitle",
            "department",
            "mobilePhone",
            "officeLocation",
            "preferredLanguage",
            "usageLocation",
            "businessPhones",
            "companyName",
            "employeeId",
        ];
        ask.only_query(&[]).map_err(|error| bad(&error, ask))?;
        let mut body = match ask.json() {
            Ok(Value::Object(body)) => body,
            Ok(_) => return Err(bad("the body is not an object", ask)),
            Err(error) => return Err(bad(&error, ask)),
        };
        if body.remove("@odata.type").is_some_and(|kind| kind != "#microsoft.graph.user") {
            return Err(bad("the type is not a user's", ask));
        }
        if body.is_empty() {
            return Err(bad("nothing to change", ask));
        }
        if let Some(name) = body.keys().find(|name| !PLAIN.contains(&name.as_str()) && !["passwordProfile", "accountEnabled"].contains(&name.as_str())) {
            return Err(bad(&format!("unknown field `{name}`, or not emulated"), ask));
        }
        let user = self.find(key).ok_or_else(|| missing(key, ask))?;
        let (id, synced) = (str_of(user, "id").to_string(), user.get("onPremisesSyncEnabled") == Some(&json!(true)));
        let privileged = self.privileged(&id);
        let plain = body.keys().any(|name| PLAIN.contains(&name.as_str()));
        let sensitive = body.contains_key("passwordProfile") || body.contains_key("accountEnabled");
        if plain || body.contains_key("accountEnabled") {
            self.need(
                ask,
                client,
                if plain {
                    &["User.ReadWrite.All", "Directory.ReadWrite.All"]
                } else {
                    &["User.ReadWrite.All", "Directory.ReadWrite.All", "User.EnableDisableAccount.All"]
                },
            )?;
        }
        let above = ["Privileged Authentication Administrator", "Global Administrator"];
        if sensitive && privileged && !self.holds_role(client, &above) {
            return Err(denied(ask));
        }
        if let Some(profile) = body.get("passwordProfile") {
            let profile = profile.as_object().ok_or_else(|| bad("passwordProfile is not an object", ask))?;
            only(profile, &["password", "forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa", "@odata.type"])
                .map_err(|error| bad(&error, ask))?;
            self.need(ask, client, &["User-PasswordProfile.ReadWrite.All", "User.ReadWrite.All"])?;
            if !self.holds_role(client, &["User Administrator", above[0], above[1]]) {
                return Err(denied(ask));
            }
            if let Some(password) = profile.get("password") {
                let password = password.as_str().ok_or_else(|| bad("password is not a text", ask))?;
                if !complex(password) {
                    return Err(no(
                        400,
                        "Request_BadRequest",
                        "The specified password does not comply with password complexity requirements. Please provide a different password.",
                        ask,
                    ));
                }
            }
        }
        if synced && (plain || body.contains_key("accountEnabled") || !self.writeback) {
            let text = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.";
            return Err(no(400, "Request_BadRequest", text, ask));
        }
        let now = iso(ask.now);
        let user = self.find_mut(key).ok_or_else(|| missing(key, ask))?;
        if body.get("passwordProfile").is_some_and(|profile| profile.get("password").is_some()) {
            user.insert("lastPasswordChangeDateTime".into(), json!(now));
            user.insert("signInSessionsValidFromDateTime".into(), json!(now));
        }
        user.extend(body);
        Ok(Answer::empty(204).changed())
    }

    fn methods(&mut self, key: &str, ask: &Ask) -> Result<&mut Vec<Value>, Answer> {
        let user = self.find_mut(key).ok_or_else(|| missing(key, ask))?;
        let place = user.entry("authentication").or_insert_with(|| json!({ "methods": [] }));
        place.get_mut("methods").and_then(Value::as_array_mut).ok_or_else(|| no(500, "InternalServerError", "the seed's methods are not a list", ask))
    }

    fn issue_pass(&mut self, ask: &Ask, client: &str, key: &str, serial: u64) -> Outcome {
        ask.only_query(&[]).map_err(|error| bad(&error, ask))?;
        self.need(ask, client, WRITE_METHODS)?;
        let body = ask.json_object(&["@odata.type", "lifetimeInMinutes", "isUsableOnce", "startDateTime"]).map_err(|error| bad(&error, ask))?;
        let minutes = match body.get("lifetimeInMinutes") {
            None => 60,
            Some(value) => value.as_u64().filter(|minutes| (10..=43_200).contains(minutes)).ok_or_else(|| bad("lifetimeInMinutes must be 10 to 43200", ask))?,
        };
        let once = match body.get("isUsableOnce") {
            None => false,
            Some(value) => value.as_bool().ok_or_else(|| bad("isUsableOnce is not a boolean", ask))?,
        };
        let policy = &self.access_pass;
        if !(policy.minimum_lifetime_in_minutes..=policy.maximum_lifetime_in_minutes).contains(&minutes) {
            return Err(no(400, "Request_BadRequest", "The lifetime is outside of what the policy of this tenant allows.", ask));
        }
        let owner = str_of(self.find(key).ok_or_else(|| missing(key, ask))?, "id").to_string();
        let (_, groups) = self.closure(&owner);
        let names = |ids: &[String]| ids.iter().any(|id| id == "all_users" || groups.iter().any(|group| group.id == *id));
        // It can be issued for anyone, and works only for whom the policy names.
        let usable = policy.state == "enabled" && names(&policy.include) && !names(&policy.exclude);
        let (id, secret, now) = (guid("pass", serial), token("secret", serial).get(..10).unwrap_or_default().to_string(), iso(ask.now));
        let methods = self.methods(key, ask)?;
        // A user has one pass: a new one replaces it.
        methods.retain(|method| method.get("@odata.type").and_then(Value::as_str) != Some(PASS));
        let method = json!({ "@odata.type": PASS, "id": id, "createdDateTime": now, "startDateTime": body.get("startDateTime").cloned().unwrap_or_else(|| json!(now)),
            "lifetimeInMinutes": minutes, "isUsableOnce": once, "isUsable": usable, "methodUsabilityReason": if usable { "EnabledByPolicy" } else { "DisabledByPolicy" }, "temporaryAccessPass": null });
        methods.push(method.clone());
        if let Some(place) = self.find_mut(key).and_then(|user| user.get_mut("authentication")) {
            // As a story's reader sees what its holder would enter.
            place["pass"] = json!(secret);
        }
        let mut shown = method;
        shown["temporaryAccessPass"] = json!(secret);
        shown["@odata.context"] = json!(format!("{}/v1.0/$metadata#users('{key}')/authentication/temporaryAccessPassMethods/$entity", ask.base));
        if let Some(map) = shown.as_object_mut() {
            map.remove("@odata.type");
        }
        Ok(Answer::json(201, shown).changed())
    }
}

fn unsupported(what: &str, ask: &Ask) -> Answer {
    no(400, "Request_UnsupportedQuery", what, ask).violating(what)
}

fn advanced(ask: &Ask) -> bool {
    ask.header("consistencylevel").is_some_and(|value| value.eq_ignore_ascii_case("eventual"))
}

/// Eight characters or more, of three kinds out of four.
fn complex(password: &str) -> bool {
    let kinds: [fn(char) -> bool; 4] = [|c| c.is_ascii_lowercase(), |c| c.is_ascii_uppercase(), |c| c.is_ascii_digit(), |c| !c.is_ascii_alphanumeric()];
    (8..=256).contains(&password.chars().count()) && kinds.iter().filter(|kind| password.chars().any(kind)).count() >= 3
}

/// `#microsoft.graph.phoneAuthenticationMethod` for `phoneMethods`; empty for `methods`.
fn method_type(segment: &str) -> Option<String> {
    let kind = segment.strip_suffix("Methods").or_else(|| (segment == "methods").then_some(""))?;
    let known = [
        "",
        "email",
        "fido2",
        "microsoftAuthenticator",
        "password",
        "phone",
        "platformCredential",
        "softwareOath",
        "temporaryAccessPass",
        "windowsHelloForBusiness",
    ]
    .contains(&kind);
    known.then(|| if kind.is_empty() { String::new() } else { format!("#microsoft.graph.{kind}AuthenticationMethod") })
}

/// Checks the query options and reads `$select`.
fn select(ask: &Ask, allowed: &[&str], kind: &str) -> Result<Option<Vec<String>>, Answer> {
    ask.only_query(allowed).map_err(|error| bad(&error, ask))?;
    if ask.method == "GET" {
        ask.no_body().map_err(|error| bad(&error, ask))?;
    }
    let Some(text) = ask.query("$select") else { return Ok(None) };
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_string()).collect();
    let known = |name: &str| match kind {
        "directoryObject" => GROUP.contains(&name) || ROLE.contains(&name) || wire::graph_has("microsoft.graph.group", name),
        "microsoft.graph.directoryRole" => ROLE.contains(&name),
        kind => wire::graph_has(kind, name),
    };
    match names.iter().find(|name| !known(name)) {
        Some(name) => {
            let text = format!("Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{kind}'.");
            Err(no(400, "BadRequest", &text, ask).violating(text))
        }
        None => Ok(Some(names)),
    }
}

/// What `$filter` asks of users or groups: these members, and these that are lists.
fn filter(ask: &Ask, kind: &str, members: &[&str], lists: &[&str]) -> Result<Option<Expr>, Answer> {
    let (eventual, counted) = (advanced(ask), ask.query("$count") == Some("true"));
    if counted && !eventual {
        return Err(unsupported("$count is not supported without ConsistencyLevel: eventual", ask));
    }
    let Some(text) = ask.query("$filter") else { return Ok(None) };
    let filter = Expr::parse(text, Dialect::OData).map_err(|error| bad(&format!("Invalid filter clause: {error}"), ask))?;
    for (path, op) in filter.uses() {
        let list = lists.contains(&path);
        if list != op.is_none() || !(list || members.contains(&path)) {
            return Err(unsupported(&format!("Unsupported or invalid query filter clause specified for property '{path}' of resource '{kind}'."), ask));
        }
    }
    let hard = filter.has(&|part| matches!(part, Expr::Not(_) | Expr::Test { op: Op::Ne | Op::Ends, .. } | Expr::Test { value: Value::Null, .. }));
    if (hard || ask.query("$orderby").is_some()) && !(eventual && counted) {
        return Err(unsupported("this filter needs ConsistencyLevel: eventual and $count=true", ask));
    }
    Ok(Some(filter))
}

fn context(ask: &Ask, what: &str, select: Option<&[String]>, tail: &str) -> Value {
    let select = select.map(|names| format!("({})", names.join(","))).unwrap_or_default();
    json!(format!("{}/v1.0/$metadata#{what}{select}{tail}", ask.base))
}

/// What Graph shows of a user: the selected properties, or the usual ones. A password is never shown.
fn shown(user: &Map<String, Value>, select: Option<&[String]>) -> Map<String, Value> {
    let names: Vec<&str> = select.map_or_else(|| USUAL.to_vec(), |names| names.iter().map(String::as_str).collect());
    let value = |name: &str| match name {
        "passwordProfile" => Value::Null,
        "businessPhones" | "proxyAddresses" | "otherMails" | "assignedLicenses" => user.get(name).cloned().unwrap_or_else(|| json!([])),
        "accountEnabled" => user.get(name).cloned().unwrap_or(Value::Bool(true)),
        "userType" => user.get(name).cloned().unwrap_or_else(|| json!("Member")),
        _ => user.get(name).cloned().unwrap_or_default(),
    };
    // The key is only returned if it is selected; what is not selected is absent, not null.
    names.into_iter().map(|name| (name.to_string(), value(name))).collect()
}

fn object(record: &Value, kind: &str, all: &[&str], select: Option<&[String]>, see: bool) -> Map<String, Value> {
    let names: Vec<&str> = select.map_or_else(|| all.to_vec(), |names| names.iter().map(String::as_str).collect());
    let mut out = Map::new();
    if !kind.is_empty() {
        out.insert("@odata.type".into(), json!(kind));
    }
    out.insert("id".into(), record.get("id").cloned().unwrap_or_default());
    for name in names.iter().filter(|name| **name != "id" && (all.contains(*name) || select.is_none())) {
        let value = record.get(*name).cloned().unwrap_or_default();
        out.insert((*name).to_string(), if see { value } else { Value::Null });
    }
    out
}
