//! Who may call what.

use crate::answer::{Answer, Refused, ok, refused};
use crate::host::{Fault, Host, Stages};
use crate::{approval, cases, evidence, found_out, health, metrics, msp, past, proposals, secrets, switch, tenants};
use firstline_core::people::{self, Person, PersonRole};
use firstline_core::record::IntegrityKey;
use firstline_core::{journal, keys};
use serde::Deserialize;
use serde_json::Value;

/// Largest body that is read.
pub const LARGEST_BODY: usize = 256 * 1024;

/// The body as far as it was read.
#[derive(Debug, Clone)]
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// More than [`LARGEST_BODY`]; the rest was not read.
    TooLong,
    /// The sender broke off.
    Broken,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Without query.
    pub path: String,
    /// Without `?`.
    pub query: String,
    /// `Authorization`.
    pub authorization: Option<String>,
    /// The body.
    pub body: Body,
}

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route<'a> {
    Msp,
    MspSecret(&'a str, &'a str),
    Tenants,
    Tenant(&'a str),
    Check(&'a str),
    Backlog(&'a str),
    Secret(&'a str, &'a str, &'a str),
    CasesOf(&'a str),
    Past(&'a str),
    Page(&'a str),
    Proposals(&'a str),
    Case(&'a str),
    Approval(&'a str),
    Fault(&'a str),
    Journal(&'a str),
    Evidence(&'a str),
    Day(&'a str, &'a str),
    Metrics,
    Health,
    Halt(Option<&'a str>),
    Tick,
}

impl<'a> Route<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix("/api/")?.split('/').collect();
        // Only plain names and case ids become parts of keys.
        let route = match segments.as_slice() {
            ["msp"] => Route::Msp,
            ["msp", "connections", connection, "secrets", name] => Route::MspSecret(connection, name),
            ["tenants"] => Route::Tenants,
            ["tenants", tenant] => Route::Tenant(tenant),
            ["tenants", tenant, "check"] => Route::Check(tenant),
            ["tenants", tenant, "backlog"] => Route::Backlog(tenant),
            ["tenants", tenant, "connections", connection, "secrets", name] => Route::Secret(tenant, connection, name),
            ["tenants", tenant, "cases"] => Route::CasesOf(tenant),
            ["tenants", tenant, "history"] => Route::Past(tenant),
            ["tenants", tenant, "proposals"] => Route::Proposals(tenant),
            ["tenants", tenant, "history", "page"] => Route::Page(tenant),
            ["cases", case] => Route::Case(case),
            ["cases", case, "approval"] => Route::Approval(case),
            ["cases", case, "fault"] => Route::Fault(case),
            ["cases", case, "journal"] => Route::Journal(case),
            ["cases", case, "evidence"] => Route::Evidence(case),
            ["tenants", tenant, "days", day] => Route::Day(tenant, day),
            ["metrics"] => Route::Metrics,
            ["health"] => Route::Health,
            ["halt"] => Route::Halt(None),
            ["tenants", tenant, "halt"] => Route::Halt(Some(tenant)),
            ["tick"] => Route::Tick,
            _ => return None,
        };
        let plain = match route {
            Route::Msp | Route::Tenants | Route::Metrics | Route::Health | Route::Tick => true,
            Route::Halt(tenant) => tenant.is_none_or(keys::is_name),
            Route::MspSecret(connection, name) => keys::is_name(connection) && keys::is_name(name),
            Route::Tenant(tenant)
            | Route::Check(tenant)
            | Route::Backlog(tenant)
            | Route::CasesOf(tenant)
            | Route::Past(tenant)
            | Route::Page(tenant)
            | Route::Proposals(tenant)
            | Route::Day(tenant, _) => keys::is_name(tenant),
            Route::Secret(tenant, connection, name) => [tenant, connection, name].into_iter().all(keys::is_name),
            Route::Case(case) | Route::Approval(case) | Route::Fault(case) | Route::Journal(case) | Route::Evidence(case) => is_case(case),
        };
        plain.then_some(route)
    }

    fn methods(self) -> &'static str {
        match self {
            Route::Tenants
            | Route::Check(_)
            | Route::CasesOf(_)
            | Route::Case(_)
            | Route::Journal(_)
            | Route::Evidence(_)
            | Route::Day(..)
            | Route::Metrics
            | Route::Health => "GET",
            Route::Msp | Route::MspSecret(..) | Route::Tenant(_) | Route::Secret(..) => "GET, PUT",
            Route::Approval(_) | Route::Proposals(_) | Route::Past(_) | Route::Halt(_) | Route::Backlog(_) => "GET, POST",
            Route::Tick | Route::Page(_) | Route::Fault(_) => "POST",
        }
    }
}

/// A conversation and the number of the event that opened the case.
pub(crate) fn is_case(text: &str) -> bool {
    let number = text.rsplit_once('-').map_or("", |(_, number)| number);
    journal::conversation_of(text).is_some() && (1..=19).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

/// Answers a request.
pub async fn handle(host: &(impl Host + Stages), request: &Request) -> Answer {
    route(host, request).await.unwrap_or_else(|refused| *refused)
}

async fn route(host: &(impl Host + Stages), request: &Request) -> Result<Answer, Refused> {
    let person = who(host, request.authorization.as_deref()).await?;
    let route = Route::parse(&request.path).ok_or_else(|| refused(404, "there is nothing here: the console's README lists the routes"))?;
    let methods = route.methods();
    if !methods.split(", ").any(|method| method == request.method) {
        let mut answer = refused(405, &format!("this takes {methods}"));
        answer.allow = Some(methods);
        return Err(answer);
    }
    match (person.role, request.method.as_str()) {
        (PersonRole::Technician, _) if matches!(route, Route::Msp | Route::MspSecret(..)) => return Err(refused(403, "only an owner may do this: ask one")),
        (PersonRole::Owner, _) | (PersonRole::Technician, "GET" | "POST") => {}
        (PersonRole::Technician, _) => return Err(refused(403, "only an owner may do this: ask one")),
    }
    let key = IntegrityKey::parse(&host.variable("integrity_key").await).map_err(|text| refused(503, &text))?;
    match route {
        Route::Msp if request.method == "PUT" => msp::put(host, &key, body(request)?).await,
        Route::Msp => msp::get(host, &key).await,
        Route::MspSecret(connection, name) => {
            let place = secrets::find_msp(host, &key, connection, name).await?;
            if request.method != "PUT" {
                return secrets::get(host, &place).await;
            }
            secrets::put(host, &place, &person.name, body(request)?).await?;
            found_out::msp(host, &key, connection).await
        }
        Route::Tenants => tenants::list(host, &key).await,
        Route::Tenant(tenant) if request.method == "PUT" => tenants::put(host, &key, tenant, body(request)?, &person.name).await,
        Route::Tenant(tenant) => tenants::get(host, &key, tenant).await,
        Route::Secret(tenant, connection, name) => {
            let place = secrets::find(host, &key, tenant, connection, name).await?;
            if request.method != "PUT" {
                return secrets::get(host, &place).await;
            }
            secrets::put(host, &place, &person.name, body(request)?).await?;
            found_out::tenant(host, &key, tenant, connection).await
        }
        Route::CasesOf(tenant) => cases::list(host, &key, tenant, &request.query).await,
        Route::Past(tenant) if request.method == "POST" => past::post(host, &key, tenant, body(request)?).await,
        Route::Proposals(tenant) if request.method == "POST" => proposals::post(host, &key, tenant, &person, body(request)?).await,
        Route::Proposals(tenant) => proposals::get(host, &key, tenant).await,
        Route::Page(tenant) => past::page(host, &key, tenant).await,
        Route::Past(tenant) => past::get(host, &key, tenant).await,
        Route::Case(case) => cases::get(host, &key, case).await,
        Route::Approval(case) if request.method == "POST" => approval::post(host, &key, case, &person, body(request)?).await,
        Route::Fault(case) => approval::fault(host, &key, case, &person).await,
        Route::Approval(case) => approval::get(host, &key, case).await,
        Route::Journal(case) => cases::journal(host, &key, case, &request.query).await,
        Route::Evidence(case) => evidence::bundle(host, &key, case).await,
        Route::Day(tenant, day) => evidence::day(host, &key, tenant, day).await,
        Route::Health => health::get(host, &key).await,
        Route::Metrics => metrics::get(host, &key, &request.query).await,
        Route::Halt(tenant) if request.method == "POST" => switch::post(host, &key, tenant, &person, body(request)?).await,
        Route::Halt(tenant) => switch::get(host, &key, tenant).await,
        Route::Check(tenant) => check(host, &key, tenant, &request.query).await,
        Route::Backlog(tenant) if request.method == "POST" => backlog(host, &key, tenant, body(request)?).await,
        Route::Backlog(tenant) => {
            let pairs = cases::query(&request.query, &["days"])?;
            tenants::find(host, &key, tenant).await?;
            relay(host, &format!("backlog/{tenant}/{}", days(cases::value(&pairs, "days").unwrap_or("14"))?), "read the backlog").await
        }
        Route::Tick => tick(host).await,
    }
}

/// Takes in the plan that was shown.
async fn backlog(host: &impl Host, key: &IntegrityKey, tenant: &str, body: &[u8]) -> Result<Answer, Refused> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Go {
        days: u64,
        plan: String,
    }
    let Go { days: since, plan } =
        serde_json::from_slice(body).map_err(|_| refused(400, "send `days` and `plan` as the plan was shown: `{\"days\": 14, \"plan\": \"…\"}`"))?;
    let named = plan.len() == 16 && plan.bytes().all(|byte| byte.is_ascii_hexdigit());
    let since = days(&since.to_string())?;
    if !named {
        return Err(refused(400, "`plan` is the name that the plan was shown with"));
    }
    tenants::find(host, key, tenant).await?;
    relay(host, &format!("backlog/{tenant}/{since}/{plan}"), "take the backlog in").await
}

fn days(text: &str) -> Result<u64, Refused> {
    text.parse().ok().filter(|days| (1..=90).contains(days)).ok_or_else(|| refused(400, "`days` is 1 to 90"))
}

/// Live and read only: the technician asks the vendors.
async fn check(host: &impl Host, key: &IntegrityKey, tenant: &str, text: &str) -> Result<Answer, Refused> {
    let pairs = cases::query(text, &["use"])?;
    let purpose = cases::value(&pairs, "use").unwrap_or("full");
    if !["full", "read-only"].contains(&purpose) {
        return Err(refused(400, "`use` is `full` or `read-only`"));
    }
    tenants::find(host, key, tenant).await?;
    relay(host, &format!("check/{tenant}/{purpose}"), "check it").await
}

/// What the technician answers, who alone can ask a vendor.
pub(crate) async fn relay(host: &impl Host, path: &str, what: &str) -> Result<Answer, Refused> {
    let why = match host.ask(path).await {
        Ok((status @ (200 | 409), body)) => match serde_json::from_slice::<Value>(&body) {
            Ok(body) if status == 200 => return Ok(ok(body)),
            Ok(body) => return Err(refused(409, body.get("error").and_then(Value::as_str).unwrap_or("the tenant cannot be used"))),
            Err(error) => format!("its answer is not JSON: {error}"),
        },
        Ok((status, _)) => format!("it answered {status}"),
        Err(Fault(why)) => why,
    };
    let mut answer = refused(502, &format!("the technician did not {what}: try again"));
    answer.log = Some(why);
    Err(answer)
}

/// The person behind the token.
async fn who(host: &impl Host, authorization: Option<&str>) -> Result<Person, Refused> {
    let people = people::parse(&host.variable("console_people").await).map_err(|text| refused(503, &text))?;
    let token = authorization.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let person = token.filter(|token| !token.is_empty()).and_then(|token| people::find(&people, token));
    person.cloned().ok_or_else(|| refused(401, "send the header `Authorization: Bearer` with your token"))
}

fn body(request: &Request) -> Result<&[u8], Refused> {
    match &request.body {
        Body::Whole(body) => Ok(body),
        Body::TooLong => Err(refused(413, &format!("the body exceeds {LARGEST_BODY} bytes"))),
        Body::Broken => Err(refused(400, "the body could not be read to its end: send it again")),
    }
}

async fn tick(host: &impl Host) -> Result<Answer, Refused> {
    let why = match host.ask("tick").await {
        Ok((200..=299, body)) => match serde_json::from_slice::<Value>(&body) {
            Ok(body) => return Ok(ok(body)),
            Err(error) => format!("its answer is not JSON: {error}"),
        },
        Ok((status, _)) => format!("it answered {status}"),
        Err(Fault(why)) => why,
    };
    let mut answer = refused(502, "the technician did not run what is due: try again");
    answer.log = Some(why);
    Err(answer)
}

#[cfg(test)]
mod tests;
