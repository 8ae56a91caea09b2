//! What two tenants must not both claim.

use firstline_core::tenant::{Connection, Role, Tenant, vendor};

/// A tenant that is there already, and what the new document would take from it.
#[must_use]
pub fn between(new: &Tenant, other: &Tenant) -> Vec<String> {
    let mut problems = vec![];
    for (i, connection) in new.connections.iter().enumerate() {
        if other.connection(&connection.id).is_some() {
            problems.push(format!("`connections.{i}.id`: `{}` belongs to the tenant `{}`", connection.id, other.tenant));
        }
        let same = |theirs: &&Connection| role(theirs) == Some(Role::Chat) && role(connection) == Some(Role::Chat) && account(theirs) == account(connection);
        if let Some(theirs) = other.connections.iter().find(same) {
            let workspace = account(connection).map_or("", |(_, id)| id);
            problems.push(format!("`connections.{i}.account`: the workspace `{workspace}` is claimed by `{}` of the tenant `{}`", theirs.id, other.tenant));
        }
    }
    let desks = |tenant: &Tenant| tenant.connections.iter().filter(|c| role(c) == Some(Role::Psa)).map(installation).collect::<Vec<_>>();
    if new.desk.company == other.desk.company && desks(new).iter().any(|desk| desks(other).contains(desk)) {
        problems.push(format!("`desk.company`: company {} of the same PSA is claimed by the tenant `{}`", new.desk.company, other.tenant));
    }
    problems
}

fn role(connection: &Connection) -> Option<Role> {
    vendor(&connection.vendor).map(|vendor| vendor.role)
}

/// The vendor's own id of whom the connection leads to: the first member of its account.
fn account(connection: &Connection) -> Option<(&str, &str)> {
    let vendor = vendor(&connection.vendor)?;
    let name = vendor.account.first()?;
    connection.account.get(*name).map(|id| (vendor.name, id.trim()))
}

/// One installation of a PSA may be reached by several host names, so the account counts and not the URL.
fn installation(connection: &Connection) -> (String, String) {
    let id = account(connection).map_or(connection.base_url.as_str(), |(_, id)| id);
    (connection.vendor.clone(), id.to_ascii_lowercase())
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
