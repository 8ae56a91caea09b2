//! A tenant as it is now: its document, and the MSP's where it inherits.

use crate::host::{Fault, Host};
use crate::runner::read_counter;
use firstline_core::keys;
use firstline_core::record::{IntegrityKey, Record};
use firstline_core::tenant::{Document, Listed, MSP, Msp, Tenant, outline, resolve};
use std::collections::BTreeSet;

/// Why a tenant is served by nobody.
#[derive(Debug)]
pub enum Unusable {
    /// The store failed.
    Fault(Fault),
    /// A document is missing, damaged or half-filled. The text is for the log.
    Corrupt(String),
}

impl From<Fault> for Unusable {
    fn from(fault: Fault) -> Self {
        Unusable::Fault(fault)
    }
}

/// Reads a tenant with everything that it inherits.
///
/// # Errors
/// [`Unusable`]: nothing is guessed where one of the two documents cannot be trusted.
pub async fn load<H: Host>(host: &H, integrity: &IntegrityKey, name: &str) -> Result<Tenant, Unusable> {
    if name == MSP {
        return load_msp(host, integrity).await;
    }
    let document: Document = record(host, integrity, &keys::tenant(name)).await?.ok_or_else(|| Unusable::Corrupt(format!("the tenant `{name}` is gone")))?;
    if document.tenant != name {
        return Err(Unusable::Corrupt(format!("the document of `{name}` names `{}`", document.tenant)));
    }
    let msp: Option<Msp> = if document.msp.is_some() { None } else { record(host, integrity, &keys::msp()).await? };
    resolve(msp.as_ref(), &document).map_err(|missing| Unusable::Corrupt(format!("the tenant `{name}` cannot be used: {}", missing.join("; "))))
}

/// The MSP's own connections, as those of a tenant without a company: nothing can be written for it.
///
/// # Errors
/// As those of [`load`].
pub async fn load_msp<H: Host>(host: &H, integrity: &IntegrityKey) -> Result<Tenant, Unusable> {
    let msp: Msp = record(host, integrity, &keys::msp()).await?.ok_or_else(|| Unusable::Corrupt("there is no document of the MSP".into()))?;
    Ok(outline(Some(&msp), &Document { tenant: MSP.into(), ..Document::default() }))
}

/// Names of all tenants. An entry that cannot be trusted is left out.
///
/// # Errors
/// The store failed.
pub async fn names<H: Host>(host: &H, integrity: &IntegrityKey) -> Result<BTreeSet<String>, Fault> {
    let mut names = BTreeSet::new();
    for number in 1..=read_counter(host, &keys::tenant_counter()).await? {
        let key = keys::listed(number);
        let entry = host.get(&key).await?.and_then(|bytes| integrity.read::<Listed>(&key, &bytes).ok());
        names.extend(entry.map(|entry| entry.tenant));
    }
    Ok(names)
}

async fn record<H: Host, T: Record>(host: &H, integrity: &IntegrityKey, key: &str) -> Result<Option<T>, Unusable> {
    let Some(bytes) = host.get(key).await? else { return Ok(None) };
    integrity.read(key, &bytes).map(Some).map_err(|why| Unusable::Corrupt(format!("{key}: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::*;
    use firstline_core::tenant::{Reach, read, read_msp};
    use serde_json::json;

    const MSP: &str = r#"{"brand": {"name": "Northwind IT", "phone": "+1 555 0100"}, "desk": {"board": 1, "member": "firstline"},
        "connections": [{"id": "desk", "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4/apis/3.0", "account": {"login_company": "nw", "client_id": "c"}}]}"#;

    fn loaded(world: &World) -> Result<Tenant, String> {
        block_on(load(world, &world.settings().integrity, "acme")).map_err(|why| format!("{why:?}"))
    }

    /// A world whose tenant inherits.
    fn world() -> World {
        let world = World::new();
        let mut inherits = document();
        inherits.as_object_mut().unwrap().remove("msp");
        inherits["connections"].as_array_mut().unwrap().retain(|connection| connection["id"] != "desk");
        inherits["desk"] = json!({"company": 19});
        let (key, inherits) = (keys::tenant("acme"), read("acme", inherits.to_string().as_bytes(), &Reach::default()).unwrap());
        let msp = read_msp(MSP.as_bytes(), &Reach::default()).unwrap();
        let integrity = world.settings().integrity;
        world.values.borrow_mut().insert(key.clone(), integrity.write(&key, &inherits));
        world.values.borrow_mut().insert(keys::msp(), integrity.write(&keys::msp(), &msp));
        world
    }

    #[test]
    fn a_tenant_that_inherits_sees_one_document() {
        let tenant = loaded(&world()).unwrap();
        assert_eq!((tenant.msp.name.as_str(), tenant.desk.member.as_deref(), tenant.desk.company), ("Northwind IT", Some("firstline"), 19));
        assert_eq!(tenant.connection("desk").map(|desk| desk.vendor.as_str()), Some("connectwise"));
    }

    #[test]
    fn without_a_whole_and_genuine_msp_document_a_tenant_that_inherits_is_served_by_nobody() {
        for (name, harm) in [
            ("missing", (|_: &[u8]| None) as fn(&[u8]) -> Option<Vec<u8>>),
            ("flipped", |bytes| Some(bytes.iter().enumerate().map(|(i, byte)| if i == bytes.len() / 2 { byte ^ 1 } else { *byte }).collect())),
            ("cut short", |bytes| Some(bytes[..bytes.len() / 2].to_vec())),
            ("empty", |_| Some(vec![])),
            ("without a MAC", |_| Some(firstline_core::record::write(&read_msp(MSP.as_bytes(), &Reach::default()).unwrap()))),
        ] {
            let world = world();
            let bytes = harm(&world.values.borrow()[&keys::msp()]);
            match bytes {
                Some(bytes) => drop(world.values.borrow_mut().insert(keys::msp(), bytes)),
                None => drop(world.values.borrow_mut().remove(&keys::msp())),
            }
            assert!(loaded(&world).is_err(), "{name}");
            world.say(&Script::default(), "password_reset");
            assert_eq!(world.sent.borrow().len(), 0, "{name}: something was sent");
        }
        // Half-filled, though genuine.
        let world = world();
        let half = read_msp(br#"{"brand": {"name": "Northwind IT"}}"#, &Reach::default()).unwrap();
        let bytes = world.settings().integrity.write(&keys::msp(), &half);
        world.values.borrow_mut().insert(keys::msp(), bytes);
        assert!(loaded(&world).unwrap_err().contains("`brand.phone` is missing"));
        // A tenant's document in the place of the MSP's, and one tenant's in the place of another's.
        let (tenant, moved) = (keys::tenant("acme"), keys::tenant("globex"));
        let bytes = world.values.borrow()[&tenant].clone();
        world.values.borrow_mut().insert(keys::msp(), bytes.clone());
        world.values.borrow_mut().insert(moved, bytes);
        assert!(loaded(&world).unwrap_err().contains("not written by this installation"));
        assert!(block_on(load(&world, &world.settings().integrity, "globex")).is_err());
    }

    #[test]
    fn a_tenant_that_stands_alone_does_not_hear_of_the_msps_document() {
        let world = World::new();
        world.values.borrow_mut().insert(keys::msp(), b"broken".to_vec());
        assert_eq!(loaded(&world).unwrap(), tenant());
    }
}
