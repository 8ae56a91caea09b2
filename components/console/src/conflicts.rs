//! What two tenants must not both claim.

use firstline_core::tenant::{Connection, Msp, Role, Tenant};

/// What a new document would take from a tenant that is there already. Both as far as their documents are filled.
#[must_use]
pub fn between(new: &Tenant, other: &Tenant) -> Vec<String> {
    let mut problems = vec![];
    for (i, connection) in new.connections.iter().enumerate() {
        if other.connections.iter().any(|theirs| theirs.id == connection.id) {
            problems.push(format!("`connections.{i}.id`: `{}` belongs to the tenant `{}`", connection.id, other.tenant));
        }
        let what = match connection.role() {
            Some(Role::Chat) => "workspace",
            Some(Role::Idp) => "directory",
            // Clients share a PSA; their companies tell them apart. A language model knows nobody, and neither does whoever sends codes.
            Some(Role::Psa | Role::Model | Role::Proof) | None => continue,
        };
        let claimed = |theirs: &&Connection| theirs.vendor == connection.vendor && same(theirs.customer(), connection.customer());
        if let Some(theirs) = other.connections.iter().find(claimed) {
            let id = connection.customer().unwrap_or_default();
            problems.push(format!("`connections.{i}.account`: the {what} `{id}` is claimed by `{}` of the tenant `{}`", theirs.id, other.tenant));
        }
    }
    let desks = |tenant: &Tenant| tenant.connection_of(Role::Psa).map(installation);
    if new.desk.company > 0 && new.desk.company == other.desk.company && desks(new).is_some_and(|desk| desks(other) == Some(desk)) {
        problems.push(format!("`desk.company`: company {} of the same PSA is claimed by the tenant `{}`", new.desk.company, other.tenant));
    }
    problems
}

/// What a tenant's connections would take from the MSP.
#[must_use]
pub fn with_msp(connections: &[Connection], msp: Option<&Msp>) -> Vec<String> {
    let mut problems = vec![];
    for (i, connection) in connections.iter().enumerate() {
        for theirs in msp.iter().flat_map(|msp| &msp.connections) {
            if theirs.id == connection.id {
                problems.push(format!("`connections.{i}.id`: `{}` belongs to the MSP", connection.id));
            }
            let chat = theirs.role() == Some(Role::Chat) && theirs.vendor == connection.vendor;
            if chat && same(theirs.customer(), connection.customer()) {
                problems.push(format!("`connections.{i}.account`: the workspace is the MSP's own, by its connection `{}`", theirs.id));
            }
        }
    }
    problems
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
}

/// One installation of a PSA may be reached by several host names, so the account counts and not the URL.
fn installation(connection: &Connection) -> (String, String) {
    (connection.vendor.clone(), connection.customer().unwrap_or(&connection.base_url).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::tenant;

    fn check(change: impl FnOnce(&mut Tenant), expect: &[&str]) {
        let mut new = tenant("globex");
        change(&mut new);
        let got = between(&new, &tenant("acme"));
        assert_eq!(got.len(), expect.len(), "{got:?}");
        assert!(got.iter().zip(expect).all(|(got, expect)| got.contains(expect)), "{got:?}");
    }

    #[test]
    fn tenants_of_one_desk_do_not_disturb_each_other() {
        check(|_| {}, &[]);
        check(|new| new.desk.company = tenant("acme").desk.company + 1, &[]);
    }

    #[test]
    fn connection_workspace_and_company_have_one_owner() {
        let acme = tenant("acme");
        check(|new| new.connections[0].id = "acme-slack".into(), &["`connections.0.id`: `acme-slack` belongs to the tenant `acme`"]);
        check(|new| new.connections[0].account = acme.connections[0].account.clone(), &["`connections.0.account`: the workspace `T-acme`"]);
        check(|new| new.desk.company = acme.desk.company, &["`desk.company`: company"]);
    }

    #[test]
    fn another_host_or_spelling_of_the_same_psa_is_the_same_psa() {
        let company = tenant("acme").desk.company;
        check(
            |new| {
                new.desk.company = company;
                new.connections[1].base_url = "https://na.myconnectwise.net/v4_6_release/apis/3.0".into();
                new.connections[1].account.insert("login_company".into(), "NW".into());
            },
            &["`desk.company`"],
        );
        check(
            |new| {
                new.desk.company = company;
                new.connections[1].account.insert("login_company".into(), "other".into());
            },
            &[],
        );
    }
}
