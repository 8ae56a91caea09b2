//! A conversation from the first event to the end, with the world in memory.

use super::*;
use crate::fake::*;
use serde_json::json;

/// Plays the reset to its end: request, button, everything else by itself.
fn reset(world: &World, stages: &Script) {
    world.say(stages, "password_reset");
    world.press(stages, "yes");
}

#[test]
fn a_reset_is_played_to_the_closed_ticket() {
    let (world, stages) = (World::new(), Script::default());
    reset(&world, &stages);
    assert_eq!(world.end(), "closed");
}
