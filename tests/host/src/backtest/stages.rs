//! The very stages of the product, each in an instance of its own.

use crate::compile::alone;
use crate::reader::{Reader, stage};
use anyhow::{Error, Result, anyhow};
use firstline_core::lesson;
use firstline_core::past::{Closed, Lesson};
use firstline_core::stage::{Understanding, Verdict};
use std::collections::BTreeMap;
use std::path::Path;
use wasmtime::Store;

mod judge {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "firstline:guardrails/guardrails-stage",
        exports: { default: async },
    });
}
use judge::GuardrailsStage;
use judge::exports::firstline::guardrails::guardrails;

mod memory {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "firstline:history/history-stage",
        exports: { default: async },
    });
}
use memory::HistoryStage;
use memory::exports::firstline::history::history;

/// Understanding, guardrails and history.
pub struct Stages {
    reader: Reader,
    judge: (Store<()>, GuardrailsStage),
    history: (Store<()>, HistoryStage),
    /// The matrix that the guardrails are asked with.
    matrix: Vec<(String, String)>,
    /// How far the client lets the agent go: `autonomous`, `supervised`, `shadow`.
    mode: String,
    /// One answer for every ticket of an action: nothing in an export tells accounts apart.
    decided: BTreeMap<String, (Verdict, String)>,
}

impl Stages {
    /// Loads what the manifest names; it must have been built.
    pub async fn start(manifest: &Path, mode: &str, matrix: &[(String, String)]) -> Result<Self> {
        let reader = Reader::start(manifest).await?;
        let (linker, mut store) = alone()?;
        let judge = GuardrailsStage::instantiate_async(&mut store, &stage(manifest, "guardrails")?, &linker).await.map_err(Error::from)?;
        let judge = (store, judge);
        let (linker, mut store) = alone()?;
        let history = HistoryStage::instantiate_async(&mut store, &stage(manifest, "history")?, &linker).await.map_err(Error::from)?;
        Ok(Self { reader, judge, history: (store, history), matrix: matrix.to_vec(), mode: mode.into(), decided: BTreeMap::new() })
    }

    /// What a text means.
    pub async fn read(&mut self, text: &str) -> Result<Understanding> {
        self.reader.read(text).await
    }

    /// Whether an action may happen, for a full member's own ordinary account.
    pub async fn decide(&mut self, action: &str) -> Result<(Verdict, String)> {
        if let Some(decided) = self.decided.get(action) {
            return Ok(decided.clone());
        }
        let question = guardrails::Question {
            tenant: "export".into(),
            action: action.into(),
            requester: guardrails::Requester {
                account: Some("own".into()),
                // An export shows no chat, so whoever asks counts as verified.
                assurance: guardrails::Assurance::Strong,
                guest: false,
                names: vec!["own@export.example".into()],
                vouchers: Vec::new(),
            },
            subject: guardrails::Subject {
                tenant: "export".into(),
                id: "own".into(),
                names: vec!["own@export.example".into()],
                enabled: true,
                guest: false,
                synced: false,
                privileged: Vec::new(),
            },
            needs_delivery: action == "password_reset",
            delivery_survives: true,
            settings: Some(guardrails::Settings {
                matrix: self.matrix.clone(),
                proof: Vec::new(),
                protected: Vec::new(),
                vips: Vec::new(),
                password_writeback: false,
                autonomy: vec![guardrails::Autonomy { action: "default".into(), mode: self.mode.clone(), pilot: Vec::new() }],
            }),
            approvals: Vec::new(),
            circumstances: guardrails::Circumstances { halted: false, frozen: false, over: Vec::new() },
            at: 0,
        };
        let (store, judge) = &mut self.judge;
        let answer = judge.firstline_guardrails_guardrails().call_decide(store, &question).await.map_err(Error::from)?;
        let guardrails::Decision { verdict, proof: _, rules: _, reason, policies: _ } = answer.map_err(|error| anyhow!("{error:?}"))?;
        let verdict = match verdict {
            guardrails::Verdict::Autonomous => Verdict::Autonomous,
            guardrails::Verdict::Approval => Verdict::Approval,
            guardrails::Verdict::Prove => Verdict::Prove,
            guardrails::Verdict::Human => Verdict::Human,
            guardrails::Verdict::Deny => Verdict::Deny,
        };
        self.decided.insert(action.into(), (verdict, reason.clone()));
        Ok((verdict, reason))
    }

    /// Adds closed tickets to a memory.
    pub async fn learn(&mut self, memory: &str, tickets: Vec<Closed>) -> Result<String> {
        let ticket = |closed| {
            let Closed { id, opened, intent, about, department, fields, minutes, after_hours, reopened, escalated, approver, resolution } = closed;
            let fields = fields.into_iter().collect();
            history::Ticket { id, opened, intent, about, department, fields, minutes, after_hours, reopened, escalated, approver, resolution }
        };
        let tickets: Vec<history::Ticket> = tickets.into_iter().map(ticket).collect();
        let (store, stage) = &mut self.history;
        let answer = stage.firstline_history_history().call_learn(store, memory, &tickets).await.map_err(Error::from)?;
        answer.map_err(|error| anyhow!("{error:?}"))
    }

    /// What a memory knows of one type, or of all.
    pub async fn recall(&mut self, memory: &str, intent: Option<&str>) -> Result<Vec<Lesson>> {
        let (store, stage) = &mut self.history;
        let answer = stage.firstline_history_history().call_recall(store, memory, intent).await.map_err(Error::from)?;
        Ok(answer.map_err(|error| anyhow!("{error:?}"))?.into_iter().map(|of| lesson!(of)).collect())
    }
}
