//! What holds at the moment of a decision and of a change: the kill switch, and how much has been changed.

use crate::host::{Fault, Host};
use crate::runner::{Settings, read_counter};
use firstline_core::stage::{Circumstances, Question};
use firstline_core::tenant::Tenant;
use firstline_core::{autonomy, halt, keys};

/// The counters of a change, each with its name and its limit.
fn counters(question: &Question, tenant: &Tenant, now: firstline_core::Instant) -> [(&'static str, String, u64); 3] {
    let (day, hour, limits) = (now / 86_400_000, now / 3_600_000, &tenant.limits);
    let account = hashed(&question.subject.id);
    [
        ("person", keys::limit_person(&tenant.tenant, &account, day), limits.person_a_day),
        ("tenant", keys::limit_tenant(&tenant.tenant, hour), limits.tenant_an_hour),
        ("msp", keys::limit_msp(hour), limits.msp_an_hour),
    ]
}

fn hashed(account: &str) -> String {
    keys::sha256_hex(account.as_bytes()).chars().take(32).collect()
}

/// The counter of challenges of an account in this hour.
#[must_use]
pub fn challenge(tenant: &Tenant, account: &str, now: firstline_core::Instant) -> String {
    keys::limit_challenge(&tenant.tenant, &hashed(account), now / 3_600_000)
}

/// Challenges of an account in this hour so far.
///
/// # Errors
/// The store failed.
pub async fn challenges<H: Host>(host: &H, tenant: &Tenant, account: &str) -> Result<u32, Fault> {
    let count = read_counter(host, &challenge(tenant, account, host.now())).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Before a decision: nothing is counted, and a limit that is reached leaves no room for one more.
///
/// # Errors
/// The store failed.
pub async fn look<H: Host>(host: &H, settings: &Settings, question: &Question, tenant: &Tenant) -> Result<Circumstances, Fault> {
    let mut over = Vec::new();
    for (name, key, limit) in counters(question, tenant, host.now()) {
        if u64::try_from(read_counter(host, &key).await?).unwrap_or(0) >= limit {
            over.push(name.into());
        }
    }
    now(host, settings, question, tenant, over).await
}

/// Just before a change: it is counted first, so that of two at once only as many leave as there is room for.
///
/// # Errors
/// The store failed.
pub async fn count<H: Host>(host: &H, settings: &Settings, question: &Question, tenant: &Tenant) -> Result<Circumstances, Fault> {
    let mut over = Vec::new();
    for (name, key, limit) in counters(question, tenant, host.now()) {
        if u64::try_from(host.increment(&key, 1).await?).unwrap_or(u64::MAX) > limit {
            over.push(name.into());
        }
    }
    // Last, so that nothing lies between the look at the switch and the change.
    now(host, settings, question, tenant, over).await
}

/// What holds at this moment, with the limits that are used up.
///
/// # Errors
/// The store failed.
pub async fn now<H: Host>(host: &H, settings: &Settings, question: &Question, tenant: &Tenant, over: Vec<String>) -> Result<Circumstances, Fault> {
    let key = keys::demoted(&tenant.tenant, &question.action);
    let lost = match tenant.autonomous_since(&question.action) {
        Some(_) => autonomy::lost_at(&settings.integrity, &key, host.get(&key).await?.as_deref()),
        // There is nothing to lose.
        None => None,
    };
    Ok(Circumstances { over, lost, halted: halted(host, settings, tenant).await? })
}

/// Whether somebody has stopped all changes of this tenant, or of all.
///
/// # Errors
/// The store failed.
async fn halted<H: Host>(host: &H, settings: &Settings, tenant: &Tenant) -> Result<bool, Fault> {
    for key in [halt::key(None), halt::key(Some(&tenant.tenant))] {
        if halt::stops(&settings.integrity, &key, host.get(&key).await?.as_deref()) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use crate::fake::*;
    use firstline_core::autonomy::{self, Lost};
    use firstline_core::halt::{self, Halt};
    use firstline_core::keys;
    use firstline_core::mailbox::Act;
    use firstline_core::tenant::Limits;

    fn throw(world: &World, tenant: Option<&str>, halted: bool) {
        let key = halt::key(tenant);
        let bytes = world.settings().integrity.write(&key, &Halt { halted, by: "Ada".into(), at: 1 });
        world.values.borrow_mut().insert(key, bytes);
    }

    fn limited(world: &World, limits: Limits) {
        let mut tenant = tenant();
        tenant.limits = limits;
        world.save(&tenant);
    }

    fn reset(world: &World, stages: &Script) {
        world.say(stages, "password_reset");
        if let Some(value) = world.button("yes") {
            world.deliver(stages, &world.event(Act::Press(value)));
        }
    }

    #[test]
    fn the_kill_switch_stops_a_case_wherever_it_is() {
        for tenant in [None, Some("acme")] {
            // Before the offer.
            let (world, stages) = (World::new(), Script::default());
            throw(&world, tenant, true);
            world.say(&stages, "password_reset");
            assert_eq!((world.end().as_str(), world.button("yes")), ("handed-over halted", None), "{tenant:?}");
            // While the button waits.
            let (world, stages) = (World::new(), Script::default());
            world.say(&stages, "password_reset");
            throw(&world, tenant, true);
            world.press(&stages, "yes");
            assert_eq!((world.end().as_str(), world.vendors.borrow().changes), ("handed-over halted", 0), "{tenant:?}");
            // After the decision, when the change waits to be sent again.
            let (world, stages) = (World::new(), Script::default());
            world.say(&stages, "password_reset");
            world.troubles.borrow_mut().push_back(("PATCH", Trouble::Answers(429, &[("retry-after", "60")])));
            world.press(&stages, "yes");
            assert_eq!(world.end(), "open");
            throw(&world, tenant, true);
            for _ in 0..3 {
                world.now.set(world.now.get() + MINUTE);
                world.tick(&stages);
            }
            assert_eq!((world.end().as_str(), world.vendors.borrow().changes), ("handed-over refused-by-monitor", 0), "{tenant:?}");
        }
    }

    #[test]
    fn another_tenants_switch_and_one_that_was_thrown_back_stop_nothing() {
        let (world, stages) = (World::new(), Script::default());
        throw(&world, Some("globex"), true);
        throw(&world, Some("acme"), true);
        throw(&world, Some("acme"), false);
        reset(&world, &stages);
        assert_eq!(world.end(), "closed");
    }

    #[test]
    fn what_was_lost_is_known_before_a_decision_and_just_before_the_change() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        let (settings, tenant, question) = (world.settings(), tenant(), stages.asked.borrow().clone().unwrap());
        let lost = || {
            let look = block_on(super::look(&world, &settings, &question, &tenant)).unwrap().lost;
            assert_eq!(block_on(super::count(&world, &settings, &question, &tenant)).unwrap().lost, look);
            look
        };
        assert_eq!(lost(), None);
        let key = keys::demoted("acme", "password_reset");
        let record = Lost { cause: autonomy::FAULT.into(), case: "c".into(), by: None, at: 7 };
        world.values.borrow_mut().insert(key.clone(), settings.integrity.write(&key, &record));
        assert_eq!(lost(), Some(7));
        // Another action, or a record that was tampered with.
        world.values.borrow_mut().insert(key.clone(), settings.integrity.write("elsewhere", &record));
        assert_eq!(lost(), Some(u64::MAX));
        let unlock = firstline_core::stage::Question { action: "account_unlock".into(), ..question.clone() };
        assert_eq!(block_on(super::look(&world, &settings, &unlock, &tenant)).unwrap().lost, None);
    }

    #[test]
    fn each_limit_leaves_the_rest_to_a_human() {
        let open = Limits { person_a_day: 9, tenant_an_hour: 9, msp_an_hour: 9 };
        for (name, limits) in [
            ("person", Limits { person_a_day: 1, ..open.clone() }),
            ("tenant", Limits { tenant_an_hour: 1, ..open.clone() }),
            ("msp", Limits { msp_an_hour: 1, ..open.clone() }),
        ] {
            let (world, stages) = (World::new(), Script::default());
            limited(&world, limits);
            reset(&world, &stages);
            assert_eq!(world.vendors.borrow().changes, 1, "{name}");
            reset(&world, &stages);
            let reasons: Vec<String> = world.cases().into_iter().filter_map(|case| case.reason).collect();
            assert_eq!((world.vendors.borrow().changes, reasons), (1, vec![name.to_string()]));
            // A day later there is room again.
            world.now.set(world.now.get() + 24 * 60 * MINUTE);
            reset(&world, &stages);
            assert_eq!(world.vendors.borrow().changes, 2, "{name}");
        }
    }

    #[test]
    fn of_two_at_once_only_as_many_leave_as_there_is_room_for() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        let (settings, mut narrow) = (world.settings(), tenant());
        narrow.limits.tenant_an_hour = 1;
        let question = stages.asked.borrow().clone().unwrap();
        let first = block_on(super::count(&world, &settings, &question, &narrow)).unwrap();
        let second = block_on(super::count(&world, &settings, &question, &narrow)).unwrap();
        assert_eq!((first.over, second.over), (vec![], vec!["tenant".to_string()]));
        assert_eq!(block_on(super::look(&world, &settings, &question, &narrow)).unwrap().over, ["tenant"]);
    }

    #[test]
    fn a_further_try_of_the_same_change_is_not_counted_again() {
        let (world, stages) = (World::new(), Script::default());
        limited(&world, Limits { person_a_day: 1, ..Limits::default() });
        world.troubles.borrow_mut().push_back(("PATCH", Trouble::Answers(429, &[("retry-after", "1")])));
        reset(&world, &stages);
        assert_eq!((world.end().as_str(), world.vendors.borrow().changes), ("closed", 1));
    }
}
