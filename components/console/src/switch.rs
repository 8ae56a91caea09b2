//! The kill switch, of one tenant or of all.

use crate::answer::{Answer, Refused, damaged, ok, refused};
use crate::host::Host;
use crate::tenants;
use firstline_core::halt::{self, Halt};
use firstline_core::people::{Person, PersonRole};
use firstline_core::record::IntegrityKey;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thrown {
    halted: bool,
}

/// Where a switch stands, and who threw it last.
///
/// # Errors
/// The tenant is unknown, the record is damaged, or the store failed.
pub async fn get(host: &impl Host, key: &IntegrityKey, tenant: Option<&str>) -> Result<Answer, Refused> {
    if let Some(tenant) = tenant {
        tenants::find(host, key, tenant).await?;
    }
    Ok(ok(match tenants::stored::<Halt>(host, key, &halt::key(tenant)).await? {
        Some(Ok(halt)) => json!(halt),
        // Whatever stands there stops changes until it is thrown again.
        Some(Err(corrupt)) => return Err(damaged("the kill switch", &format!("{corrupt}: throw it again"))),
        None => json!({"halted": false}),
    }))
}

/// Throws a switch. Anybody may stop changes; only an owner lets them go on.
///
/// # Errors
/// The tenant is unknown, the person may not, or the store failed.
pub async fn post(host: &impl Host, key: &IntegrityKey, tenant: Option<&str>, person: &Person, body: &[u8]) -> Result<Answer, Refused> {
    let thrown: Thrown = serde_json::from_slice(body).map_err(|_| refused(400, "send `{\"halted\": true}` or `{\"halted\": false}`"))?;
    if let Some(tenant) = tenant {
        tenants::find(host, key, tenant).await?;
    }
    if !thrown.halted && person.role != PersonRole::Owner {
        return Err(refused(403, "only an owner lets changes go on: ask one"));
    }
    let halt = Halt { halted: thrown.halted, by: person.name.clone(), at: host.now() };
    let under = halt::key(tenant);
    host.set_many(vec![(under.clone(), key.write(&under, &halt))]).await?;
    Ok(ok(json!(halt)))
}

#[cfg(test)]
mod tests {
    use crate::api::{Body, Request, handle};
    use crate::fake::{Fake, run};
    use firstline_core::halt;

    fn check(host: &Fake, token: &str, method: &str, path: &str, body: &str, status: u16, says: &str) {
        let authorization = Some(format!("Bearer {token}"));
        let body = Body::Whole(body.as_bytes().to_vec());
        let answer = run(handle(host, &Request { method: method.into(), path: path.into(), query: String::new(), authorization, body }));
        let text = answer.body.map(|body| body.to_string()).unwrap_or_default();
        assert!(answer.status == status && text.contains(says), "{method} {path}: {} {text}", answer.status);
    }

    #[test]
    fn anybody_stops_and_an_owner_lets_go_on() {
        let host = Fake::new();
        let stops = || halt::stops(&host.key(), &halt::key(None), host.values.borrow().get(&halt::key(None)).map(Vec::as_slice));
        check(&host, "b", "GET", "/api/halt", "", 200, "false");
        check(&host, "b", "POST", "/api/halt", r#"{"halted": true}"#, 200, "\"by\":\"Bo\"");
        assert!(stops());
        check(&host, "b", "POST", "/api/halt", r#"{"halted": false}"#, 403, "owner");
        assert!(stops());
        check(&host, "a", "POST", "/api/halt", r#"{"halted": false}"#, 200, "\"by\":\"Ada\"");
        assert!(!stops());
        check(&host, "a", "POST", "/api/halt", "true", 400, "send");
        check(&host, "a", "POST", "/api/tenants/nobody/halt", r#"{"halted": true}"#, 404, "nobody");
        host.values.borrow_mut().insert(halt::key(None), b"broken".to_vec());
        check(&host, "a", "GET", "/api/halt", "", 500, "");
        assert!(stops());
    }
}
