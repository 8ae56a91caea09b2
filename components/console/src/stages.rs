//! The stages that the console is composed with: WIT types in and out.

use crate::host::Stages;
use crate::spin::Spin;
use crate::spin::bindings::firstline::history::history;
use crate::spin::bindings::firstline::intent::intent;
use firstline_core::lesson;
use firstline_core::past::{Closed, Lesson};
use firstline_core::stage::{Candidate, Entity, Understanding};

impl Stages for Spin {
    fn understand(&self, text: &str) -> Result<Understanding, String> {
        // What is learned from is read without what was learned, so that no lesson confirms itself.
        let answer =
            intent::detect(&intent::Utterance { text: text.into(), context: String::new(), familiar: Vec::new() }).map_err(|error| format!("{error:?}"))?;
        let intent::Understanding { candidates, also, abstained, other_system, about_another, language, entities } = answer;
        let readings = |list: Vec<intent::Candidate>| {
            list.into_iter().map(|intent::Candidate { intent, confidence, because }| Candidate { intent, confidence, because }).collect()
        };
        let entities = entities.into_iter().map(|intent::Entity { kind, words }| Entity { kind, words }).collect();
        Ok(Understanding { candidates: readings(candidates), also: readings(also), abstained, other_system, about_another, language, entities })
    }

    fn learn(&self, memory: &str, tickets: &[Closed]) -> Result<String, String> {
        let tickets: Vec<history::Ticket> = tickets.iter().cloned().map(ticket).collect();
        history::learn(memory, &tickets).map_err(|error| format!("{error:?}"))
    }

    fn recall(&self, memory: &str) -> Result<Vec<Lesson>, String> {
        Ok(history::recall(memory, None).map_err(|error| format!("{error:?}"))?.into_iter().map(|of| lesson!(of)).collect())
    }
}

fn ticket(closed: Closed) -> history::Ticket {
    let Closed { id, opened, intent, about, department, fields, minutes, after_hours, reopened, escalated, approver, resolution } = closed;
    let fields = fields.into_iter().collect();
    history::Ticket { id, opened, intent, about, department, fields, minutes, after_hours, reopened, escalated, approver, resolution }
}
