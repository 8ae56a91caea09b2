//! Slack's Web API, and the people in front of it.

mod blocks;
pub mod human;

use crate::web::{Answer, Ask, Outcome, iso, merge, only, token};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Every workspace.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Slack {
    pub workspaces: Vec<Workspace>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Workspace {
    pub id: String,
    pub name: String,
    pub domain: String,
    /// The Enterprise Grid organisation that the workspace belongs to.
    pub organisation: Option<String>,
    pub app_id: String,
    pub signing_secret: String,
    /// Where webhooks are sent: the path that built requests carry.
    pub request_path: String,
    pub bot: Bot,
    pub users: Vec<User>,
    pub channels: Vec<Channel>,
    /// Modals that were opened.
    pub views: Vec<Value>,
    pub triggers: Vec<Trigger>,
    /// Microseconds of the newest timestamp: each is given once.
    pub last_ts: u64,
    /// Number of the newest event, trigger and channel.
    pub serial: u64,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Bot {
    pub token: String,
    pub user: String,
    pub bot_id: String,
    pub scopes: Vec<String>,
    pub revoked: bool,
    /// The application is installed for the whole organisation, not in the workspace.
    pub org_wide: bool,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct User {
    pub id: String,
    pub name: String,
    pub real_name: String,
    pub email: Option<String>,
    /// The user's own workspace, if it is another one (Slack Connect).
    pub team_id: Option<String>,
    pub locale: Option<String>,
    pub is_bot: bool,
    pub deleted: bool,
    pub is_restricted: bool,
    pub is_ultra_restricted: bool,
    pub is_admin: bool,
    /// The account cannot be written to directly.
    pub no_direct: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    Channel,
    Private,
    Im,
    Mpim,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Kind::Channel => "channels",
            Kind::Private => "groups",
            Kind::Im => "im",
            Kind::Mpim => "mpim",
        }
    }
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Channel {
    pub id: String,
    pub name: String,
    pub kind: Kind,
    pub members: Vec<String>,
    pub archived: bool,
    pub messages: Vec<Message>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Message {
    pub ts: String,
    pub user: String,
    pub bot_id: Option<String>,
    pub text: String,
    pub thread_ts: Option<String>,
    pub broadcast: bool,
    pub blocks: Vec<Value>,
    pub metadata: Option<Value>,
    /// When it was last changed.
    pub edited: Option<String>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Trigger {
    pub id: String,
    pub expires: u64,
    pub used: bool,
}

enum Content {
    /// Only a JSON body; what the official client sends.
    Json,
    /// A form, or query options on a GET.
    Form,
    /// Any of them.
    Any,
}

struct Method {
    name: &'static str,
    content: Content,
    scope: &'static str,
    /// Name and type; `!` behind the type marks what is required. s text, b bool, n number, o object, a list.
    arguments: &'static [(&'static str, &'static str)],
}

const METHODS: &[Method] = &[
    Method { name: "auth.test", content: Content::Any, scope: "", arguments: &[] },
    Method { name: "users.info", content: Content::Form, scope: "users:read", arguments: &[("user", "s!"), ("include_locale", "b")] },
    Method { name: "users.lookupByEmail", content: Content::Form, scope: "users:read.email", arguments: &[("email", "s!")] },
    Method {
        name: "conversations.open",
        content: Content::Any,
        scope: "im:write",
        arguments: &[("users", "s"), ("channel", "s"), ("return_im", "b"), ("prevent_creation", "b")],
    },
    Method {
        name: "chat.postMessage",
        content: Content::Json,
        scope: "chat:write",
        arguments: &[
            ("channel", "s!"),
            ("text", "s"),
            ("blocks", "a"),
            ("thread_ts", "s"),
            ("reply_broadcast", "b"),
            ("metadata", "o"),
            ("mrkdwn", "b"),
            ("unfurl_links", "b"),
            ("unfurl_media", "b"),
            ("parse", "s"),
            ("link_names", "b"),
        ],
    },
    Method {
        name: "chat.update",
        content: Content::Json,
        scope: "chat:write",
        arguments: &[
            ("channel", "s!"),
            ("ts", "s!"),
            ("text", "s"),
            ("blocks", "a"),
            ("metadata", "o"),
            ("parse", "s"),
            ("link_names", "b"),
            ("reply_broadcast", "b"),
        ],
    },
    Method {
        name: "conversations.history",
        content: Content::Form,
        scope: "*:history",
        arguments: &[("channel", "s!"), ("cursor", "s"), ("oldest", "s"), ("latest", "s"), ("inclusive", "b"), ("limit", "n"), ("include_all_metadata", "b")],
    },
    Method {
        name: "conversations.replies",
        content: Content::Form,
        scope: "*:history",
        arguments: &[
            ("channel", "s!"),
            ("ts", "s!"),
            ("cursor", "s"),
            ("oldest", "s"),
            ("latest", "s"),
            ("inclusive", "b"),
            ("limit", "n"),
            ("include_all_metadata", "b"),
        ],
    },
    Method { name: "views.open", content: Content::Json, scope: "", arguments: &[("trigger_id", "s!"), ("view", "o!")] },
];

/// Slack's refusals are HTTP 200.
fn no(error: &str) -> Answer {
    Answer::json(200, json!({ "ok": false, "error": error }))
}

/// Microseconds of a timestamp such as `1700000000.000100`.
pub(crate) fn micros(ts: &str) -> Option<u64> {
    let (whole, part) = ts.split_once('.').unwrap_or((ts, ""));
    let part: u64 = if part.is_empty() { 0 } else { format!("{part:0<6}").get(..6)?.parse().ok()? };
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part)
}

impl Slack {
    pub fn handle(&mut self, ask: &Ask) -> Outcome {
        let ["api", method] = ask.segments()[..] else {
            return Err(Answer::json(404, json!({ "ok": false, "error": "unknown_path" })).violating("unknown path"));
        };
        let Some(method) = METHODS.iter().find(|known| known.name == method) else {
            return Err(Answer::json(200, json!({ "ok": false, "error": "unknown_method", "req_method": method })).violating("unknown method"));
        };
        let arguments = arguments(method, ask)?;
        let token = ask.bearer().ok_or_else(|| no("not_authed"))?;
        let workspace = self.workspaces.iter_mut().find(|workspace| !token.is_empty() && workspace.bot.token == token).ok_or_else(|| no("invalid_auth"))?;
        if workspace.bot.revoked {
            return Err(no("token_revoked"));
        }
        if !method.scope.is_empty() && !method.scope.starts_with('*') {
            workspace.scope(method.scope)?;
        }
        let mut answer = match method.name {
            "auth.test" => workspace.auth_test(),
            "users.info" => workspace.users_info(&arguments),
            "users.lookupByEmail" => workspace.lookup_by_email(&arguments),
            "conversations.open" => workspace.open(&arguments),
            "chat.postMessage" => workspace.post(ask, &arguments),
            "chat.update" => workspace.update(ask, &arguments),
            "conversations.history" => workspace.history(&arguments),
            "conversations.replies" => workspace.replies(&arguments),
            "views.open" => workspace.views_open(ask, &arguments),
            _ => Err(no("unknown_method")),
        }?;
        let charset = ask.header("content-type").is_some_and(|value| value.to_ascii_lowercase().contains("charset"));
        let warning = match ask.media().as_deref() {
            Some("application/json") if !charset => Some("missing_charset"),
            Some("application/x-www-form-urlencoded") if charset => Some("superfluous_charset"),
            _ => None,
        };
        if let (Some(warning), Some(body)) = (warning, answer.body.as_mut()) {
            body["warning"] = json!(warning);
            body["response_metadata"]["warnings"] = json!([warning]);
        }
        Ok(answer)
    }

    /// What a person does by hand: `{"workspace", "user", "set": {…}}`, `{"workspace", "channel", "set": {…}}` or `{"workspace", "bot": {…}}`.
    pub fn act(&mut self, deed: &Map<String, Value>) -> Result<(), String> {
        only(deed, &["workspace", "user", "channel", "bot", "set"])?;
        let text = |name: &str| deed.get(name).and_then(Value::as_str);
        let workspace = self.workspace(text("workspace").ok_or("`workspace` is missing")?)?;
        if let Some(bot) = deed.get("bot").and_then(Value::as_object) {
            return merge(&mut workspace.bot, bot);
        }
        let set = deed.get("set").and_then(Value::as_object).ok_or("`set` is missing")?;
        match (text("user"), text("channel")) {
            (Some(id), None) => merge(workspace.users.iter_mut().find(|user| user.id == id).ok_or("no such user")?, set),
            (None, Some(id)) => merge(workspace.channels.iter_mut().find(|channel| channel.id == id).ok_or("no such channel")?, set),
            (None, None) => merge(workspace, set),
            _ => Err("`user` or `channel`, not both".into()),
        }
    }

    pub fn workspace(&mut self, id: &str) -> Result<&mut Workspace, String> {
        self.workspaces.iter_mut().find(|workspace| workspace.id == id).ok_or_else(|| format!("no workspace `{id}`"))
    }
}

/// Reads and checks what was given to a method.
fn arguments(method: &Method, ask: &Ask) -> Result<Map<String, Value>, Answer> {
    let bad = |what: String| no("invalid_arguments").violating(what);
    let json_body = ask.media().as_deref() == Some("application/json");
    let (mut given, is_text) = match (ask.method.as_str(), &method.content) {
        ("POST", Content::Json | Content::Any) if json_body => {
            if !ask.query.is_empty() {
                return Err(bad("query options beside a JSON body".into()));
            }
            match ask.json() {
                Ok(Value::Object(map)) => (map, false),
                Ok(_) => return Err(no("json_not_object").violating("the body is not an object")),
                Err(error) => return Err(no("invalid_json").violating(error)),
            }
        }
        ("POST", Content::Form | Content::Any) if ask.body.is_empty() && ask.media().is_none() => (pairs(&ask.query).map_err(bad)?, true),
        ("POST", Content::Form | Content::Any) => match ask.form() {
            Ok(form) if ask.query.is_empty() => (pairs(&form).map_err(bad)?, true),
            Ok(_) => return Err(bad("query options beside a form".into())),
            Err(error) => return Err(no("invalid_post_type").violating(error)),
        },
        ("GET", Content::Form) if ask.body.is_empty() => (pairs(&ask.query).map_err(bad)?, true),
        _ => return Err(no("invalid_post_type").violating(format!("{} with content type `{}`", ask.method, ask.media().unwrap_or_default()))),
    };
    for (name, value) in &mut given {
        let Some((_, kind)) = method.arguments.iter().find(|(known, _)| known == name) else { return Err(bad(format!("unknown field `{name}`"))) };
        if is_text {
            let text = value.as_str().unwrap_or_default();
            *value = match *kind {
                "b" => json!(matches!(text, "true" | "1")),
                "n" => text.parse::<u64>().map(|number| json!(number)).map_err(|_| bad(format!("`{name}` is not a number")))?,
                _ => continue,
            };
        }
        let fits = match kind.trim_end_matches('!') {
            "s" => value.is_string(),
            "b" => value.is_boolean(),
            "n" => value.is_u64(),
            "o" => value.is_object(),
            "a" => value.is_array(),
            _ => false,
        };
        if !fits {
            return Err(bad(format!("`{name}` has the wrong type")));
        }
    }
    match method.arguments.iter().find(|(name, kind)| kind.ends_with('!') && !given.contains_key(*name)) {
        Some((name, _)) => Err(bad(format!("`{name}` is missing"))),
        None => Ok(given),
    }
}

fn pairs(pairs: &[(String, String)]) -> Result<Map<String, Value>, String> {
    let mut map = Map::new();
    for (name, value) in pairs {
        if map.insert(name.clone(), json!(value)).is_some() {
            return Err(format!("`{name}` given twice"));
        }
    }
    Ok(map)
}

fn text<'a>(arguments: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str)
}

fn flag(arguments: &Map<String, Value>, name: &str) -> bool {
    arguments.get(name).and_then(Value::as_bool).unwrap_or_default()
}

impl Workspace {
    fn scope(&self, needed: &str) -> Result<(), Answer> {
        if self.bot.scopes.iter().any(|scope| scope == needed) {
            return Ok(());
        }
        Err(Answer::json(200, json!({ "ok": false, "error": "missing_scope", "needed": needed, "provided": self.bot.scopes.join(",") })))
    }

    fn has(&self, scope: &str) -> bool {
        self.bot.scopes.iter().any(|had| had == scope)
    }

    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// A channel that the bot can see at all.
    fn channel(&mut self, id: &str) -> Result<&mut Channel, Answer> {
        let bot = self.bot.user.clone();
        let found = self.channels.iter_mut().find(|channel| channel.id == id && (channel.kind == Kind::Channel || channel.members.contains(&bot)));
        found.ok_or_else(|| no("channel_not_found"))
    }

    pub(crate) fn next_ts(&mut self, now: u64) -> String {
        self.last_ts = (now * 1000).max(self.last_ts + 1);
        format!("{}.{:06}", self.last_ts / 1_000_000, self.last_ts % 1_000_000)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn auth_test(&self) -> Outcome {
        let name = self.user(&self.bot.user).map(|user| user.name.clone()).unwrap_or_default();
        // A token of a whole organisation is of no workspace.
        let team = self.organisation.as_ref().filter(|_| self.bot.org_wide).unwrap_or(&self.id);
        let mut out = json!({ "ok": true, "url": format!("https://{}.slack.com/", self.domain), "team": self.name, "user": name, "team_id": team,
            "user_id": self.bot.user, "bot_id": self.bot.bot_id, "is_enterprise_install": self.bot.org_wide });
        if let Some(organisation) = &self.organisation {
            out["enterprise_id"] = json!(organisation);
        }
        Ok(Answer::json(200, out).header("x-oauth-scopes", &self.bot.scopes.join(",")))
    }

    fn user_json(&self, user: &User, locale: bool) -> Value {
        let team = user.team_id.as_ref().unwrap_or(&self.id);
        let mut profile =
            json!({ "real_name": user.real_name, "display_name": user.name, "real_name_normalized": user.real_name, "team": team, "title": "", "phone": "" });
        if let (Some(email), true, true) = (&user.email, self.has("users:read.email"), *team == self.id) {
            profile["email"] = json!(email);
        }
        let mut out = json!({ "id": user.id, "team_id": team, "name": user.name, "deleted": user.deleted, "real_name": user.real_name, "tz": "Europe/London",
            "profile": profile, "is_bot": user.is_bot, "is_app_user": false, "updated": 1_700_000_000 });
        if !user.deleted {
            for (name, value) in [
                ("is_admin", user.is_admin),
                ("is_owner", false),
                ("is_primary_owner", false),
                ("is_restricted", user.is_restricted),
                ("is_ultra_restricted", user.is_ultra_restricted),
                ("is_email_confirmed", true),
            ] {
                out[name] = json!(value);
            }
        }
        if *team != self.id {
            out["is_stranger"] = json!(true);
        }
        if let (Some(value), true) = (&user.locale, locale) {
            out["locale"] = json!(value);
        }
        out
    }

    fn users_info(&self, arguments: &Map<String, Value>) -> Outcome {
        let user = self.user(text(arguments, "user").unwrap_or_default()).ok_or_else(|| no("user_not_found"))?;
        Ok(Answer::json(200, json!({ "ok": true, "user": self.user_json(user, flag(arguments, "include_locale")) })))
    }

    fn lookup_by_email(&self, arguments: &Map<String, Value>) -> Outcome {
        let email = text(arguments, "email").unwrap_or_default();
        let user = self.users.iter().find(|user| !user.deleted && user.email.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(email)));
        let user = user.ok_or_else(|| no("users_not_found"))?;
        Ok(Answer::json(200, json!({ "ok": true, "user": self.user_json(user, false) })))
    }

    /// The direct conversation of the bot and these people; made if there is none.
    pub(crate) fn direct(&mut self, people: &[&str]) -> (String, bool) {
        let bot = self.bot.user.clone();
        let kind = if people.len() == 1 { Kind::Im } else { Kind::Mpim };
        let same = |channel: &&Channel| {
            channel.kind == kind && channel.members.len() == people.len() + 1 && people.iter().all(|id| channel.members.iter().any(|member| member == id))
        };
        if let Some(found) = self.channels.iter().find(same) {
            return (found.id.clone(), true);
        }
        let id = match (kind, people) {
            (Kind::Im, [one]) => format!("D{}", one.trim_start_matches('U')),
            _ => format!("G0MPIM{}", self.next()),
        };
        let members = std::iter::once(bot).chain(people.iter().map(|id| (*id).to_string())).collect();
        self.channels.push(Channel { id: id.clone(), name: String::new(), kind, members, ..Channel::default() });
        (id, false)
    }

    fn open(&mut self, arguments: &Map<String, Value>) -> Outcome {
        let (id, known) = match (text(arguments, "users"), text(arguments, "channel")) {
            (Some(list), None) => {
                let people: Vec<&str> = list.split(',').map(str::trim).collect();
                if people.len() > 8 {
                    return Err(no("too_many_users"));
                }
                if people.len() > 1 {
                    self.scope("mpim:write")?;
                }
                for id in &people {
                    let user = self.user(id).ok_or_else(|| no("user_not_found"))?;
                    if user.deleted {
                        return Err(no("user_disabled"));
                    }
                    if user.is_bot || user.no_direct {
                        return Err(no("cannot_dm_bot"));
                    }
                }
                if flag(arguments, "prevent_creation")
                    && !self.channels.iter().any(|channel| people.iter().all(|id| channel.members.iter().any(|member| member == id)))
                {
                    return Err(no("channel_not_found"));
                }
                self.direct(&people)
            }
            (None, Some(id)) => {
                let channel = self.channel(id)?;
                if !matches!(channel.kind, Kind::Im | Kind::Mpim) {
                    return Err(no("method_not_supported_for_channel_type"));
                }
                (id.to_string(), true)
            }
            (None, None) => return Err(no("users_list_not_supplied").violating("neither `users` nor `channel`")),
            (Some(_), Some(_)) => return Err(no("invalid_arguments").violating("both `users` and `channel`")),
        };
        let mut channel = json!({ "id": id });
        if flag(arguments, "return_im") {
            let bot = self.bot.user.clone();
            let user = self.channel(&id)?.members.iter().find(|member| **member != bot).cloned();
            channel = json!({ "id": id, "is_im": true, "is_open": true, "user": user });
        }
        let mut body = json!({ "ok": true, "channel": channel });
        if known {
            body["no_op"] = json!(true);
            body["already_open"] = json!(true);
        }
        let answer = Answer::json(200, body);
        Ok(if known { answer } else { answer.changed() })
    }

    fn content(&mut self, arguments: &Map<String, Value>) -> Result<(String, Vec<Value>, Option<Value>), Answer> {
        let words = text(arguments, "text").unwrap_or_default().to_string();
        let serial = self.next();
        let blocks = match arguments.get("blocks").and_then(Value::as_array) {
            Some(blocks) => blocks::check(blocks, serial).map_err(|error| {
                let mut answer = no("invalid_blocks").violating(format!("invalid_blocks: {error}"));
                if let Some(body) = answer.body.as_mut() {
                    body["errors"] = json!([error]);
                    body["response_metadata"] = json!({ "messages": [format!("[ERROR] {error}")] });
                }
                answer
            })?,
            None => Vec::new(),
        };
        if words.is_empty() && blocks.is_empty() {
            return Err(no("no_text").violating("neither text nor blocks"));
        }
        if words.chars().count() > 40_000 {
            return Err(no("msg_too_long").violating("the text is longer than 40000"));
        }
        let metadata = arguments.get("metadata").cloned();
        if let Some(Value::Object(map)) = &metadata {
            let fits = only(map, &["event_type", "event_payload"]).is_ok()
                && map.get("event_type").is_some_and(Value::is_string)
                && map.get("event_payload").is_some_and(Value::is_object);
            if !fits {
                return Err(no("invalid_metadata_format").violating("metadata needs `event_type` and `event_payload`, and no more"));
            }
            if serde_json::to_string(map).map(|text| text.len()).unwrap_or_default() > 16_000 {
                return Err(no("metadata_too_large").violating("the metadata is too large"));
            }
        }
        Ok((words, blocks, metadata))
    }

    fn post(&mut self, ask: &Ask, arguments: &Map<String, Value>) -> Outcome {
        let mut id = text(arguments, "channel").unwrap_or_default().to_string();
        if self.user(&id).is_some_and(|user| !user.deleted && !user.is_bot) {
            id = self.direct(&[&id]).0;
        }
        let thread_ts = text(arguments, "thread_ts").map(str::to_string);
        let (words, blocks, metadata) = self.content(arguments)?;
        let bot = (self.bot.user.clone(), self.bot.bot_id.clone());
        let ts = self.next_ts(ask.now);
        let channel = self.channel(&id)?;
        if channel.archived {
            return Err(no("is_archived"));
        }
        if !channel.members.contains(&bot.0) {
            return Err(no("not_in_channel"));
        }
        if let Some(parent) = &thread_ts
            && !channel.messages.iter().any(|message| message.ts == *parent && message.thread_ts.as_ref().is_none_or(|thread| thread == parent))
        {
            return Err(no("thread_not_found"));
        }
        let message = Message {
            ts: ts.clone(),
            user: bot.0,
            bot_id: Some(bot.1),
            text: words,
            thread_ts,
            broadcast: flag(arguments, "reply_broadcast"),
            blocks,
            metadata,
            edited: None,
        };
        channel.messages.push(message.clone());
        Ok(Answer::json(200, json!({ "ok": true, "channel": id, "ts": ts, "message": self.message_json(&message, true) })).changed())
    }

    fn update(&mut self, ask: &Ask, arguments: &Map<String, Value>) -> Outcome {
        let id = text(arguments, "channel").unwrap_or_default().to_string();
        let ts = text(arguments, "ts").unwrap_or_default().to_string();
        let (words, blocks, metadata) = self.content(arguments)?;
        let edited = self.next_ts(ask.now);
        let bot = self.bot.user.clone();
        let channel = self.channel(&id)?;
        let message = channel.messages.iter_mut().find(|message| message.ts == ts).ok_or_else(|| no("message_not_found"))?;
        if message.user != bot {
            return Err(no("cant_update_message"));
        }
        message.text.clone_from(&words);
        // Slack keeps the old blocks if none are given; an empty list removes them.
        if arguments.contains_key("blocks") {
            message.blocks = blocks;
        }
        if metadata.is_some() {
            message.metadata = metadata;
        }
        message.edited = Some(edited);
        let message = message.clone();
        Ok(Answer::json(200, json!({ "ok": true, "channel": id, "ts": ts, "text": words, "message": self.message_json(&message, true) })).changed())
    }

    pub(crate) fn message_json(&self, message: &Message, metadata: bool) -> Value {
        let mut out = json!({ "type": "message", "user": message.user, "text": message.text, "ts": message.ts, "team": self.id });
        if let Some(bot) = &message.bot_id {
            out["bot_id"] = json!(bot);
            out["app_id"] = json!(self.app_id);
        }
        if !message.blocks.is_empty() {
            out["blocks"] = json!(message.blocks);
        }
        if let Some(thread) = &message.thread_ts {
            out["thread_ts"] = json!(thread);
        }
        if let Some(edited) = &message.edited {
            out["edited"] = json!({ "user": message.user, "ts": edited });
        }
        match (&message.metadata, metadata) {
            (Some(value), true) => out["metadata"] = value.clone(),
            // Without `include_all_metadata` only the type is shown.
            (Some(value), false) => out["metadata"] = json!({ "event_type": value.get("event_type") }),
            (None, _) => {}
        }
        out
    }

    fn readable(&mut self, arguments: &Map<String, Value>) -> Result<&Channel, Answer> {
        let id = text(arguments, "channel").unwrap_or_default();
        let kind = self.channel(id)?.kind;
        self.scope(&format!("{}:history", kind.prefix()))?;
        let bot = self.bot.user.clone();
        let channel = self.channel(id)?;
        if channel.members.contains(&bot) { Ok(channel) } else { Err(no("not_in_channel")) }
    }

    fn history(&mut self, arguments: &Map<String, Value>) -> Outcome {
        let channel = self.readable(arguments)?;
        let mut messages: Vec<Message> = channel
            .messages
            .iter()
            .filter(|message| message.broadcast || message.thread_ts.as_ref().is_none_or(|thread| *thread == message.ts))
            .cloned()
            .collect();
        messages.reverse();
        self.page(messages, arguments, 100)
    }

    fn replies(&mut self, arguments: &Map<String, Value>) -> Outcome {
        let ts = text(arguments, "ts").unwrap_or_default();
        let channel = self.readable(arguments)?;
        if !channel.messages.iter().any(|message| message.ts == ts) {
            return Err(no("thread_not_found"));
        }
        let messages = channel.messages.iter().filter(|message| message.ts == ts || message.thread_ts.as_deref() == Some(ts)).cloned().collect();
        self.page(messages, arguments, 1000)
    }

    fn page(&self, messages: Vec<Message>, arguments: &Map<String, Value>, usual: u64) -> Outcome {
        let bound = |name: &str| match text(arguments, name) {
            Some(ts) => micros(ts).map(Some).ok_or_else(|| no(&format!("invalid_ts_{name}")).violating(format!("`{name}` is not a timestamp"))),
            None => Ok(None),
        };
        let (oldest, latest) = (bound("oldest")?, bound("latest")?);
        let inclusive = flag(arguments, "inclusive");
        let limit = arguments.get("limit").and_then(Value::as_u64).unwrap_or(usual);
        if limit == 0 || limit > 1000 {
            return Err(no("invalid_limit").violating("`limit` must be 1 to 999"));
        }
        let offset = match text(arguments, "cursor") {
            Some(cursor) => {
                cursor.strip_prefix("next:").and_then(|number| number.parse().ok()).ok_or_else(|| no("invalid_cursor").violating("not our cursor"))?
            }
            None => 0_usize,
        };
        let limit = usize::try_from(limit).unwrap_or(100);
        let within = |message: &Message| {
            let at = micros(&message.ts).unwrap_or_default();
            oldest.is_none_or(|bound| at > bound || (inclusive && at == bound)) && latest.is_none_or(|bound| at < bound || (inclusive && at == bound))
        };
        let all: Vec<Message> = messages.into_iter().filter(within).collect();
        let more = all.len() > offset.saturating_add(limit);
        let shown: Vec<Value> =
            all.iter().skip(offset).take(limit).map(|message| self.message_json(message, flag(arguments, "include_all_metadata"))).collect();
        let mut body = json!({ "ok": true, "messages": shown, "has_more": more });
        if more {
            body["response_metadata"] = json!({ "next_cursor": format!("next:{}", offset.saturating_add(limit)) });
        }
        Ok(Answer::json(200, body))
    }

    fn views_open(&mut self, ask: &Ask, arguments: &Map<String, Value>) -> Outcome {
        let id = text(arguments, "trigger_id").unwrap_or_default();
        let trigger = self.triggers.iter_mut().find(|trigger| trigger.id == id).ok_or_else(|| no("invalid_trigger_id"))?;
        if trigger.used {
            return Err(no("exchanged_trigger_id"));
        }
        if trigger.expires < ask.now {
            return Err(no("expired_trigger_id"));
        }
        let view = arguments.get("view").and_then(Value::as_object).cloned().unwrap_or_default();
        blocks::check_view(&view).map_err(|error| no("invalid_arguments").violating(error))?;
        trigger.used = true;
        let mut view = Value::Object(view);
        let serial = self.next();
        view["id"] = json!(format!("V{}", token("view", serial).get(..10).unwrap_or_default().to_uppercase()));
        view["team_id"] = json!(self.id);
        view["opened"] = json!(iso(ask.now));
        self.views.push(view.clone());
        Ok(Answer::json(200, json!({ "ok": true, "view": view })).changed())
    }
}
