//! Okta's management API.

use crate::query::{Dialect, Expr};
use crate::web::{Answer, Ask, Outcome, iso_millis, merge, only, token};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Every organisation.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Okta {
    pub orgs: Vec<Org>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Org {
    pub domain: String,
    pub tokens: Vec<Token>,
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    /// Events of the System Log, oldest first.
    pub log: Vec<Value>,
    /// Number of the newest temporary password and error.
    pub serial: u64,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Token {
    pub token: String,
    /// What its owner may do, as OAuth scopes: `okta.users.read`, `okta.users.manage`, `okta.groups.read`, `okta.roles.read`, `okta.logs.read`.
    pub scopes: Vec<String>,
    /// Its owner may also manage administrators.
    pub super_admin: bool,
    /// Id of the user that it belongs to.
    pub owner: String,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct User {
    pub id: String,
    pub status: String,
    pub profile: Map<String, Value>,
    /// `OKTA`, `ACTIVE_DIRECTORY`, `LDAP`, `FEDERATION`.
    pub provider: String,
    pub created: String,
    pub last_login: Option<String>,
    pub status_changed: Option<String>,
    pub password_changed: Option<String>,
    /// The password, for tests to read.
    pub password: Option<String>,
    pub sessions: u64,
    pub tokens: u64,
    /// Administrator roles: `type`, `label` and the like.
    pub roles: Vec<Map<String, Value>>,
    pub factors: Vec<Map<String, Value>>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Group {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub profile: Map<String, Value>,
    pub members: Vec<String>,
    /// Administrator roles that its members have.
    pub roles: Vec<Map<String, Value>>,
}

fn no(status: u16, code: &str, summary: &str, causes: &[&str], ask: &Ask) -> Answer {
    let causes: Vec<Value> = causes.iter().map(|cause| json!({ "errorSummary": cause })).collect();
    let id = format!("oae{}", token("error", ask.now).get(..20).unwrap_or_default());
    Answer::json(status, json!({ "errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": id, "errorCauses": causes }))
}

fn bad(what: &str, ask: &Ask) -> Answer {
    no(400, "E0000001", &format!("Api validation failed: {what}"), &[what], ask).violating(what)
}

fn denied(ask: &Ask) -> Answer {
    no(403, "E0000006", "You do not have permission to perform the requested action", &[], ask)
}

fn missing(key: &str, kind: &str, ask: &Ask) -> Answer {
    no(404, "E0000007", &format!("Not found: Resource not found: {key} ({kind})"), &[], ask)
}

fn wrong_status(ask: &Ask) -> Answer {
    no(403, "E0000038", "This operation is not allowed in the user's current status.", &[], ask)
}

impl User {
    fn profile(&self, name: &str) -> &str {
        self.profile.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn provider(&self) -> &str {
        if self.provider.is_empty() { "OKTA" } else { &self.provider }
    }

    fn json(&self, base: &str, full: bool) -> Value {
        let link = |tail: &str| json!({ "href": format!("{base}/api/v1/users/{}{tail}", self.id), "method": "POST" });
        // Only one user's own answer names what may be done; a list has the link to each user.
        let mut links = json!({ "self": { "href": format!("{base}/api/v1/users/{}", self.id) } });
        if full && self.status == "LOCKED_OUT" {
            links["unlock"] = link("/lifecycle/unlock");
        }
        if full && self.status == "ACTIVE" {
            for (name, tail) in
                [("resetPassword", "reset_password"), ("expirePassword", "expire_password"), ("suspend", "suspend"), ("deactivate", "deactivate")]
            {
                links[name] = link(&format!("/lifecycle/{tail}"));
            }
        }
        let credentials = json!({ "provider": { "type": self.provider(), "name": self.provider() }, "password": {} });
        json!({ "id": self.id, "status": self.status, "created": self.created, "activated": self.created, "statusChanged": self.status_changed, "lastLogin": self.last_login,
            "lastUpdated": self.status_changed.clone().unwrap_or_else(|| self.created.clone()), "passwordChanged": self.password_changed, "type": { "id": "otydefault" },
            "profile": self.profile, "credentials": credentials, "_links": links })
    }

    fn turn(&mut self, status: &str, now: u64) {
        self.status = status.into();
        self.status_changed = Some(iso_millis(now));
    }
}

impl Okta {
    /// Refuses what the seed cannot mean.
    pub fn check(&self) -> Result<(), String> {
        const STATUS: [&str; 8] = ["ACTIVE", "DEPROVISIONED", "LOCKED_OUT", "PASSWORD_EXPIRED", "PROVISIONED", "RECOVERY", "STAGED", "SUSPENDED"];
        for user in self.orgs.iter().flat_map(|org| &org.users) {
            if user.id.is_empty() || user.profile("login").is_empty() || !STATUS.contains(&user.status.as_str()) {
                return Err(format!("okta user `{}`: needs `id`, `profile.login` and a known `status`", user.id));
            }
        }
        Ok(())
    }

    /// What an administrator does by hand: `{"org"?, "user", "set": {…}}` `{"token", "set": {…}}` or
    /// `{"org", "group": {…}}` for a new group. And what a user does: `{"user", "signs_in": "SUCCESS"}`, or `"FAILURE"`.
    pub fn act(&mut self, deed: &Map<String, Value>, now: u64) -> Result<(), String> {
        only(deed, &["org", "user", "token", "group", "set", "signs_in"])?;
        if let Some(outcome) = deed.get("signs_in") {
            let key = deed.get("user").and_then(Value::as_str).ok_or("`user` is missing")?;
            let outcome = outcome.as_str().filter(|outcome| ["SUCCESS", "FAILURE"].contains(outcome)).ok_or("`signs_in` is SUCCESS or FAILURE")?;
            let known =
                self.orgs.iter_mut().find_map(|org| org.users.iter().position(|user| user.id == key || user.profile("login") == key).map(|at| (org, at)));
            let (org, at) = known.ok_or_else(|| format!("no user `{key}`"))?;
            let user = org.users.get_mut(at).ok_or("no such user")?;
            if outcome == "SUCCESS" {
                user.last_login = Some(iso_millis(now));
            }
            let actor = json!({ "id": user.id, "type": "User", "alternateId": user.profile("login") });
            org.log.push(json!({ "uuid": token("event", now), "published": iso_millis(now), "eventType": "user.session.start", "actor": actor, "outcome": { "result": outcome } }));
            return Ok(());
        }
        if let Some(group) = deed.get("group") {
            let org = deed.get("org").and_then(Value::as_str).ok_or("`org` is missing")?;
            let known = self.orgs.iter_mut().find(|known| known.domain == org).ok_or_else(|| format!("no organisation `{org}`"))?;
            known.groups.push(serde_json::from_value(group.clone()).map_err(|error| format!("no group: {error}"))?);
            return self.check();
        }
        if let Some(secret) = deed.get("token").and_then(Value::as_str) {
            let token = self.orgs.iter_mut().flat_map(|org| &mut org.tokens).find(|token| token.token == secret).ok_or("no such token")?;
            return merge(token, deed.get("set").and_then(Value::as_object).ok_or("`set` is missing")?);
        }
        let key = deed.get("user").and_then(Value::as_str).ok_or("`user` is missing")?;
        let set = deed.get("set").and_then(Value::as_object).ok_or("`set` is missing")?;
        let named = deed.get("org").and_then(Value::as_str);
        let mut users = self.orgs.iter_mut().filter(|org| named.is_none_or(|name| org.domain == name)).flat_map(|org| &mut org.users);
        let user = users.find(|user| user.id == key || user.profile("login") == key).ok_or_else(|| format!("no user `{key}`"))?;
        merge(user, set)?;
        self.check()
    }

    pub fn handle(&mut self, ask: &Ask) -> Outcome {
        let invalid = || no(401, "E0000011", "Invalid token provided", &[], ask);
        let given = ask.header("authorization").ok_or_else(invalid)?;
        let secret = given.strip_prefix("SSWS ").or_else(|| given.strip_prefix("Bearer "));
        let secret = secret.ok_or_else(|| invalid().violating("the authorization scheme is neither SSWS nor Bearer"))?;
        let host = ask.host.as_deref();
        let org = self
            .orgs
            .iter_mut()
            .find(|org| host.is_none_or(|host| org.domain == host) && org.tokens.iter().any(|token| token.token == secret))
            .ok_or_else(invalid)?;
        org.handle(ask, secret)
    }
}

impl Org {
    fn may(&self, secret: &str, scope: &str) -> bool {
        self.tokens.iter().any(|token| {
            token.token == secret && token.scopes.iter().any(|had| had == scope || (scope.ends_with(".read") && *had == scope.replace(".read", ".manage")))
        })
    }

    fn need(&self, ask: &Ask, secret: &str, scope: &str) -> Result<(), Answer> {
        if self.may(secret, scope) { Ok(()) } else { Err(denied(ask)) }
    }

    /// By id, login, or the part of the login before the `@` if only one has it.
    fn index(&self, key: &str, ask: &Ask) -> Result<usize, Answer> {
        let exact = self.users.iter().position(|user| user.id == key || user.profile("login").eq_ignore_ascii_case(key));
        let short = || {
            let mut hits =
                self.users.iter().enumerate().filter(|(_, user)| user.profile("login").split('@').next().is_some_and(|name| name.eq_ignore_ascii_case(key)));
            hits.next().filter(|_| hits.next().is_none()).map(|(at, _)| at)
        };
        exact.or_else(short).ok_or_else(|| missing(key, "User", ask))
    }

    /// Paths of changes take the id only.
    fn change(&mut self, ask: &Ask, secret: &str, id: &str) -> Result<&mut User, Answer> {
        self.need(ask, secret, "okta.users.manage")?;
        let at = self.users.iter().position(|user| user.id == id).ok_or_else(|| missing(id, "User", ask))?;
        let admin = !self.roles(id).is_empty();
        if admin && !self.tokens.iter().any(|token| token.token == secret && token.super_admin) {
            return Err(denied(ask));
        }
        self.users.get_mut(at).ok_or_else(|| missing(id, "User", ask))
    }

    fn roles(&self, id: &str) -> Vec<Value> {
        let direct = self.users.iter().filter(|user| user.id == id).flat_map(|user| user.roles.iter().map(|role| ("USER", role)));
        let grouped =
            self.groups.iter().filter(|group| group.members.iter().any(|member| member == id)).flat_map(|group| group.roles.iter().map(|role| ("GROUP", role)));
        let full = |(at, (assignment, role)): (usize, (&str, &Map<String, Value>))| {
            let kind = role.get("type").and_then(Value::as_str).unwrap_or("CUSTOM");
            let mut out = json!({ "id": format!("ra{at}{id}"), "label": kind, "type": kind, "status": "ACTIVE", "created": "2024-01-01T00:00:00.000Z", "lastUpdated": "2024-01-01T00:00:00.000Z",
                "assignmentType": assignment });
            for (name, value) in role {
                out[name] = value.clone();
            }
            out
        };
        direct.chain(grouped).enumerate().map(full).collect()
    }

    fn handle(&mut self, ask: &Ask, secret: &str) -> Outcome {
        let segments = ask.segments();
        let unknown = || no(404, "E0000008", "The requested path was not found", &[], ask).violating("unknown path");
        let ["api", "v1", path @ ..] = &segments[..] else { return Err(unknown()) };
        ask.no_body().map_err(|error| bad(&error, ask))?;
        let flag = |name: &str| match ask.query(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(bad(&format!("{name} is not a boolean"), ask)),
        };
        let options = |allowed: &[&str]| ask.only_query(allowed).map_err(|error| bad(&error, ask));
        match (ask.method.as_str(), path) {
            ("GET", ["users"]) => self.list(ask, secret),
            ("GET", ["users", "me"]) => {
                options(&[])?;
                let owner = self.tokens.iter().find(|token| token.token == secret).map(|token| token.owner.as_str()).unwrap_or_default();
                let user = self.users.iter().find(|user| user.id == owner).ok_or_else(|| missing("me", "User", ask))?;
                Ok(Answer::json(200, user.json(&ask.base, true)))
            }
            ("GET", ["users", key]) => {
                options(&["expand"])?;
                self.need(ask, secret, "okta.users.read")?;
                let user = self.users.get(self.index(key, ask)?).ok_or_else(|| missing(key, "User", ask))?;
                Ok(Answer::json(200, user.json(&ask.base, true)))
            }
            ("GET", ["logs"]) => {
                options(&["since", "filter", "sortOrder", "limit"])?;
                self.need(ask, secret, "okta.logs.read")?;
                let since = ask.query("since").unwrap_or_default();
                let limit = ask
                    .query("limit")
                    .map_or(Ok(100), str::parse::<usize>)
                    .ok()
                    .filter(|limit| *limit <= 1_000)
                    .ok_or_else(|| bad("limit must be 0 to 1000", ask))?;
                if !matches!(ask.query("sortOrder"), None | Some("ASCENDING")) || since.len() != 20 {
                    return Err(bad("sortOrder or since", ask));
                }
                let filter = Expr::parse(ask.query("filter").unwrap_or_default(), Dialect::Scim).map_err(|error| bad(&error, ask))?;
                if let Some((path, _)) =
                    filter.uses().into_iter().find(|(path, op)| op.is_none() || !["eventType", "outcome.result", "actor.id"].contains(path))
                {
                    return Err(bad(&format!("`{path}` cannot be filtered"), ask));
                }
                // Milliseconds behind whole seconds: `.` sorts before `Z`, so both ends are cut alike.
                let late = |event: &&Value| event["published"].as_str().is_some_and(|at| at.get(..19) >= since.get(..19));
                let found: Vec<&Value> = self.log.iter().filter(late).filter(|event| filter.holds(event)).take(limit).collect();
                Ok(Answer::json(200, json!(found)))
            }
            ("GET", ["groups"]) => {
                options(&["q", "limit"])?;
                self.need(ask, secret, "okta.groups.read")?;
                let limit = match ask.query("limit").map(str::parse::<usize>) {
                    None => 10_000,
                    Some(Ok(limit)) if (1..=10_000).contains(&limit) => limit,
                    Some(_) => return Err(bad("limit must be 1 to 10000", ask)),
                };
                let begins = ask.query("q").unwrap_or_default().to_lowercase();
                let name = |group: &Group| group.profile.get("name").and_then(Value::as_str).unwrap_or_default().to_lowercase();
                let found: Vec<Value> = self.groups.iter().filter(|group| name(group).starts_with(&begins)).take(limit).map(group_json).collect();
                Ok(Answer::json(200, json!(found)))
            }
            ("GET", ["users", key, "groups"]) => {
                options(&[])?;
                self.need(ask, secret, "okta.groups.read")?;
                let id = self.users.get(self.index(key, ask)?).map(|user| user.id.clone()).unwrap_or_default();
                let groups: Vec<Value> = self.groups.iter().filter(|group| group.members.contains(&id)).map(group_json).collect();
                Ok(Answer::json(200, json!(groups)))
            }
            ("GET", ["users", key, "roles"]) => {
                options(&["expand"])?;
                self.need(ask, secret, "okta.roles.read")?;
                let id = self.users.get(self.index(key, ask)?).map(|user| user.id.clone()).unwrap_or_default();
                Ok(Answer::json(200, json!(self.roles(&id))))
            }
            ("GET", ["users", key, "factors"]) => {
                options(&[])?;
                self.need(ask, secret, "okta.users.read")?;
                let factors = self.users.get(self.index(key, ask)?).map(|user| user.factors.clone()).unwrap_or_default();
                Ok(Answer::json(200, json!(factors)))
            }
            ("POST", ["users", id, "lifecycle", "unlock"]) => {
                options(&[])?;
                let user = self.change(ask, secret, id)?;
                if user.status != "LOCKED_OUT" || user.provider() != "OKTA" {
                    return Err(no(403, "E0000032", "Unlock is not allowed for this user.", &[], ask));
                }
                user.turn("ACTIVE", ask.now);
                Ok(Answer::json(200, json!({})).changed())
            }
            ("POST", ["users", id, "lifecycle", "expire_password_with_temp_password"]) => {
                options(&["revokeSessions"])?;
                let revoke = flag("revokeSessions")?.unwrap_or_default();
                self.serial += 1;
                let password = format!("Tmp-{}", token("temporary", self.serial).get(..12).unwrap_or_default());
                let user = self.change(ask, secret, id)?;
                if !matches!(user.status.as_str(), "ACTIVE" | "PASSWORD_EXPIRED" | "RECOVERY") || matches!(user.provider(), "FEDERATION" | "SOCIAL" | "LDAP") {
                    return Err(wrong_status(ask));
                }
                user.turn("PASSWORD_EXPIRED", ask.now);
                user.password_changed = Some(iso_millis(ask.now));
                user.password = Some(password.clone());
                if revoke {
                    user.sessions = 0;
                }
                Ok(Answer::json(200, json!({ "tempPassword": password })).changed())
            }
            ("POST", ["users", id, "lifecycle", "reset_password"]) => {
                options(&["sendEmail", "revokeSessions"])?;
                let mail = flag("sendEmail")?.ok_or_else(|| bad("sendEmail is required", ask))?;
                let revoke = flag("revokeSessions")?.unwrap_or_default();
                self.serial += 1;
                let link = format!("{}/reset_password/{}", ask.base, token("reset", self.serial));
                let user = self.change(ask, secret, id)?;
                if !matches!(user.status.as_str(), "ACTIVE" | "PASSWORD_EXPIRED" | "RECOVERY" | "PROVISIONED") || user.provider() != "OKTA" {
                    return Err(wrong_status(ask));
                }
                user.turn("RECOVERY", ask.now);
                if revoke {
                    user.sessions = 0;
                }
                Ok(Answer::json(200, if mail { json!({}) } else { json!({ "resetPasswordUrl": link }) }).changed())
            }
            ("POST", ["users", id, "lifecycle", "reset_factors"]) => {
                options(&[])?;
                let user = self.change(ask, secret, id)?;
                if user.status != "ACTIVE" {
                    return Err(wrong_status(ask));
                }
                user.factors.clear();
                Ok(Answer::json(200, json!({})).changed())
            }
            ("DELETE", ["users", id, "factors", factor]) => {
                options(&["removeRecoveryEnrollment"])?;
                let user = self.change(ask, secret, id)?;
                let before = user.factors.len();
                user.factors.retain(|known| known.get("id").and_then(Value::as_str) != Some(factor));
                if user.factors.len() == before {
                    return Err(missing(factor, "UserFactor", ask));
                }
                Ok(Answer::empty(204).changed())
            }
            ("DELETE", ["users", id, "sessions"]) => {
                options(&["oauthTokens", "forgetDevices"])?;
                let tokens = flag("oauthTokens")?.unwrap_or_default();
                flag("forgetDevices")?;
                let user = self.change(ask, secret, id)?;
                user.sessions = 0;
                if tokens {
                    user.tokens = 0;
                }
                Ok(Answer::empty(204).changed())
            }
            (
                _,
                ["users" | "groups" | "logs"]
                | ["users", _]
                | ["users", _, "groups" | "roles" | "factors" | "sessions"]
                | ["users", _, "lifecycle" | "factors", _],
            ) => Err(no(405, "E0000022", "The endpoint does not support the provided HTTP method", &[], ask).violating("unknown method")),
            _ => Err(unknown()),
        }
    }

    fn list(&self, ask: &Ask, secret: &str) -> Outcome {
        ask.only_query(&["search", "filter", "limit", "after"]).map_err(|error| bad(&error, ask))?;
        self.need(ask, secret, "okta.users.read")?;
        let limit = match ask.query("limit").map(str::parse::<usize>) {
            None => 200,
            Some(Ok(limit)) if (1..=200).contains(&limit) => limit,
            Some(_) => return Err(bad("limit must be 1 to 200", ask)),
        };
        let offset = match ask.query("after").map(str::parse::<usize>) {
            None => 0,
            Some(Ok(offset)) => offset,
            Some(Err(_)) => return Err(bad("after is not our cursor", ask)),
        };
        let expression = |name: &str, known: &dyn Fn(&str) -> bool| match ask.query(name) {
            None => Ok(None),
            Some(text) => {
                let wrong = |error: String| no(400, "E0000031", &format!("Invalid search criteria. {error}"), &[], ask).violating(error);
                let filter = Expr::parse(text, Dialect::Scim).map_err(wrong)?;
                match filter.uses().iter().find(|(path, _)| !known(path)) {
                    Some((path, _)) => Err(wrong(format!("unknown property `{path}`"))),
                    None => Ok(Some(filter)),
                }
            }
        };
        let plain = |path: &str| matches!(path, "id" | "status" | "lastUpdated" | "profile.login" | "profile.email" | "profile.firstName" | "profile.lastName");
        let search = expression("search", &|path| plain(path) || path.starts_with("profile.") || matches!(path, "created" | "activated" | "statusChanged"))?;
        let filter = expression("filter", &plain)?;
        if search.is_some() && filter.is_some() {
            return Err(bad("search and filter together", ask));
        }
        // A plain list leaves out those who have left.
        let all: Vec<Value> = self
            .users
            .iter()
            .filter(|user| search.is_some() || filter.is_some() || user.status != "DEPROVISIONED")
            .map(|user| user.json(&ask.base, false))
            .filter(|user| search.as_ref().or(filter.as_ref()).is_none_or(|expr| expr.holds(user)))
            .collect();
        let more = all.len() > offset.saturating_add(limit);
        let mut answer = Answer::json(200, Value::Array(all.into_iter().skip(offset).take(limit).collect()));
        let link = |after: usize| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(ask.query.iter().filter(|(name, _)| name != "after"));
            query.append_pair("after", &after.to_string());
            format!("<{}/api/v1/users?{}>", ask.base, query.finish())
        };
        answer = answer.header("link", &format!("{}; rel=\"self\"", link(offset)));
        if more {
            answer = answer.header("link", &format!("{}; rel=\"next\"", link(offset.saturating_add(limit))));
        }
        Ok(answer)
    }
}

fn group_json(group: &Group) -> Value {
    let kind = if group.kind.is_empty() { "OKTA_GROUP" } else { &group.kind };
    json!({ "id": group.id, "type": kind, "profile": group.profile, "objectClass": ["okta:user_group"], "created": "2024-01-01T00:00:00.000Z",
        "lastUpdated": "2024-01-01T00:00:00.000Z", "lastMembershipUpdated": "2024-01-01T00:00:00.000Z" })
}
