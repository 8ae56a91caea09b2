//! The stages that the technician is composed with: WIT types in and out.

use crate::host::{Signed, StageFault, Stages};
use firstline_core::Instant;
use firstline_core::case::{LOST_PHONE, Task, means};
use firstline_core::lesson;
use firstline_core::note::about_time;
use firstline_core::past::{Familiar, Lesson};
use firstline_core::stage::{self, CODE, ChatAct, IdpAct, Outcome, PUSH, ProofAct, PsaAct, Work};
use firstline_core::tenant::Tenant;
use firstline_core::wire;

use crate::spin::bindings::firstline::guardrails::guardrails;
use crate::spin::bindings::firstline::history::history;
use crate::spin::bindings::firstline::identity::identity;
use crate::spin::bindings::firstline::idp::idp;
use crate::spin::bindings::firstline::intent::intent;
use crate::spin::bindings::firstline::messaging::outbox;
use crate::spin::bindings::firstline::opinion::opinion;
use crate::spin::bindings::firstline::psa::psa;
use crate::spin::bindings::firstline::types::types::{Assurance, Error};
use crate::spin::bindings::firstline::wire::wire as wit;

/// The stages behind the composition.
pub struct Composed;

impl Stages for Composed {
    fn understand(&self, text: &str, context: &str, names: Vec<Familiar>) -> Result<stage::Understanding, StageFault> {
        let familiar = names.into_iter().map(|Familiar { phrase, intent }| intent::Familiar { phrase, intent }).collect();
        let answer = intent::detect(&intent::Utterance { text: text.into(), context: context.into(), familiar }).map_err(fault)?;
        let intent::Understanding { candidates, also, abstained, other_system, about_another, language, entities } = answer;
        let readings = |list: Vec<intent::Candidate>| {
            list.into_iter().map(|intent::Candidate { intent, confidence, because }| stage::Candidate { intent, confidence, because }).collect()
        };
        let entities = entities.into_iter().map(|intent::Entity { kind, words }| stage::Entity { kind, words }).collect();
        Ok(stage::Understanding { candidates: readings(candidates), also: readings(also), abstained, other_system, about_another, language, entities })
    }

    fn assess(
        &self,
        question: &stage::Question,
        tenant: &Tenant,
        wanted: stage::Assurance,
        challenges: u32,
        now: Instant,
    ) -> Result<stage::Standing, StageFault> {
        let subject = &question.subject;
        let claim = identity::Claim {
            channel: if question.guest { identity::Channel::Unknown } else { identity::Channel::Chat },
            names: question.requester_names.iter().chain(&subject.names).chain([&subject.id]).cloned().collect(),
            proofs: question
                .proofs(tenant)
                .map(|proof| identity::Proof { kind: proof.kind.clone(), expires: proof.expires, names: proof.names.clone() })
                .collect(),
            // Both would go to the very phone that is lost.
            lost: if question.action == LOST_PHONE { vec![CODE.into(), PUSH.into()] } else { Vec::new() },
            means: means(question, tenant),
            wanted: to_wit(wanted),
            challenges: question.vetting.challenges,
            challenges_this_hour: challenges,
            denied: question.vetting.denied,
            at: now,
        };
        let identity::Standing { assurance, because, step_ups, locked } = identity::assess(&claim).map_err(fault)?;
        Ok(stage::Standing { assurance: from_wit(assurance), because, step_ups, locked })
    }

    fn decide(
        &self,
        question: &stage::Question,
        assurance: stage::Assurance,
        tenant: &Tenant,
        circumstances: &stage::Circumstances,
        now: Instant,
    ) -> Result<stage::Decision, StageFault> {
        let subject = &question.subject;
        let guard = &tenant.guardrails;
        let asked = guardrails::Question {
            tenant: tenant.tenant.clone(),
            action: question.action.clone(),
            requester: guardrails::Requester {
                account: question.requester_account.clone(),
                assurance: to_wit(assurance),
                guest: question.guest,
                names: question.requester_names.clone(),
                vouchers: question.vouchers(tenant),
            },
            subject: guardrails::Subject {
                tenant: question.subject_tenant.clone(),
                id: subject.id.clone(),
                // A list may name a group instead of everybody in it.
                names: subject.names.iter().chain(&subject.groups).cloned().collect(),
                enabled: subject.enabled,
                guest: subject.guest,
                synced: subject.synced,
                privileged: subject.privileged.clone(),
            },
            needs_delivery: question.needs_delivery,
            delivery_survives: question.delivery_survives,
            settings: Some(guardrails::Settings {
                matrix: guard.matrix.iter().map(|(action, mode)| (action.clone(), mode.clone())).collect(),
                proof: guard.proof.iter().map(|(action, proof)| (action.clone(), to_wit(stage::Assurance::parse(proof)))).collect(),
                protected: guard.protected.clone(),
                vips: guard.vips.names.iter().cloned().chain(question.vips(tenant)).collect(),
                password_writeback: guard.password_writeback,
                autonomy: guard
                    .autonomy
                    .iter()
                    .map(|(action, entry)| guardrails::Autonomy { action: action.clone(), mode: entry.mode.clone(), pilot: entry.pilot.clone() })
                    .collect(),
            }),
            approvals: question
                .standing(tenant, now)
                .map(|yes| guardrails::Approval { names: yes.names.clone(), staff: yes.staff(), approver: yes.approver(tenant) })
                .collect(),
            circumstances: guardrails::Circumstances { halted: circumstances.halted, frozen: tenant.frozen(now).is_some(), over: circumstances.over.clone() },
            at: now,
        };
        let guardrails::Decision { verdict, proof, rules, reason, policies } = guardrails::decide(&asked).map_err(fault)?;
        let verdict = match verdict {
            guardrails::Verdict::Autonomous => stage::Verdict::Autonomous,
            guardrails::Verdict::Approval => stage::Verdict::Approval,
            guardrails::Verdict::Prove => stage::Verdict::Prove,
            guardrails::Verdict::Human => stage::Verdict::Human,
            guardrails::Verdict::Deny => stage::Verdict::Deny,
        };
        Ok(stage::Decision { verdict, proof: proof.map(from_wit), rules, reason, policies })
    }

    fn next(&self, task: &Task, tenant: &Tenant, signed: &Signed) -> Result<wire::Step<Outcome>, StageFault> {
        let vendor = tenant.connection(&task.connection).map(|connection| connection.vendor.clone()).unwrap_or_default();
        let seen: Vec<wit::Reply> = task.replies.iter().map(reply).collect();
        match &task.work {
            Work::Chat(act) => {
                let task =
                    outbox::Task { vendor, tag: signed.tag.clone(), started: task.started, locale: locale(act, tenant), act: chat_act(act, signed, tenant) };
                Ok(match outbox::next(&task, &seen).map_err(fault)? {
                    outbox::Step::SendAll(requests) => wire::Step::SendAll(requests.into_iter().map(request).collect()),
                    outbox::Step::Wait(seconds) => wire::Step::Wait(seconds),
                    outbox::Step::Checkpoint(state) => wire::Step::Checkpoint(state),
                    outbox::Step::Done(outcome) => wire::Step::Done(chat_outcome(outcome)),
                })
            }
            Work::Idp(act) => {
                let subject = |subject: &stage::Subject| idp::Subject { id: subject.id.clone(), login: subject.login.clone() };
                let act = match act {
                    IdpAct::Find(stage::Sought { name, manager, groups }) => {
                        idp::Act::Find(idp::Sought { name: name.clone(), manager: *manager, groups: *groups })
                    }
                    IdpAct::Unlock(account) => idp::Act::Unlock(subject(account)),
                    IdpAct::ResetPassword(account) => idp::Act::ResetPassword(subject(account)),
                    IdpAct::RevokeSessions(account) => idp::Act::RevokeSessions(subject(account)),
                    IdpAct::ResetFactors(account) => idp::Act::ResetFactors(subject(account)),
                    IdpAct::CheckFactors(account) => idp::Act::CheckFactors(subject(account)),
                    IdpAct::LookUp(name) => idp::Act::LookUp(name.clone()),
                    IdpAct::FirstSignIn(account, since) => idp::Act::FirstSignIn(idp::Watched { account: account.clone(), since: since.clone() }),
                    IdpAct::LookUpGroup(name) => idp::Act::LookUpGroup(name.clone()),
                    IdpAct::LookUpMailbox(name) => idp::Act::LookUpMailbox(name.clone()),
                };
                Ok(match idp::next(&idp::Task { vendor, started: task.started, act }, &seen).map_err(fault)? {
                    idp::Step::SendAll(requests) => wire::Step::SendAll(requests.into_iter().map(request).collect()),
                    idp::Step::Wait(seconds) => wire::Step::Wait(seconds),
                    idp::Step::Checkpoint(state) => wire::Step::Checkpoint(state),
                    idp::Step::Done(outcome) => wire::Step::Done(idp_outcome(outcome, tenant)),
                })
            }
            Work::Psa(act) => {
                let act = match act {
                    PsaAct::Open(new) => psa::Act::Open(psa::NewTicket {
                        summary: new.summary.clone(),
                        description: new.description.clone(),
                        contact_email: new.contact_email.clone(),
                        contact_name: new.contact_name.clone(),
                    }),
                    PsaAct::Close(closeout) => psa::Act::Close(self.closeout(closeout, tenant)?),
                    PsaAct::HandOver(closeout) => psa::Act::HandOver(self.closeout(closeout, tenant)?),
                    PsaAct::Note(closeout) => psa::Act::Note(self.closeout(closeout, tenant)?),
                    PsaAct::Look(ticket) => psa::Act::Look(*ticket),
                    PsaAct::Contacts(types) => psa::Act::Contacts(types.clone()),
                    PsaAct::Wait(stage::Waiting { ticket, board, status }) => psa::Act::Wait(psa::Waiting { ticket: *ticket, board: *board, status: *status }),
                };
                let desk = &tenant.desk;
                let desk = psa::Desk {
                    company: desk.company,
                    board: desk.board,
                    closed_status: desk.closed_status.clone(),
                    dispatch_status: desk.dispatch_status.clone(),
                    responded_status: desk.responded_status.clone(),
                    waiting_status: desk.waiting_status.clone(),
                    time_entry: desk.time_entry.clone(),
                    alert_priority: desk.alert_priority.clone(),
                    member: desk.member.clone(),
                    work_type: desk.work_type.clone(),
                };
                let task = psa::Task { vendor, started: task.started, case: signed.case.clone(), desk, act };
                Ok(match psa::next(&task, &seen).map_err(fault)? {
                    psa::Step::SendAll(requests) => wire::Step::SendAll(requests.into_iter().map(request).collect()),
                    psa::Step::Wait(seconds) => wire::Step::Wait(seconds),
                    psa::Step::Checkpoint(state) => wire::Step::Checkpoint(state),
                    psa::Step::Done(outcome) => wire::Step::Done(psa_outcome(outcome)),
                })
            }
            Work::Proof(act) => {
                let (act, language) = match act {
                    ProofAct::SendCode(number, language) => (identity::Act::SendCode(number.clone()), language.clone()),
                    ProofAct::CheckCode(number) => (identity::Act::CheckCode(number.clone()), String::new()),
                    ProofAct::Push(login) => (identity::Act::Push(login.clone()), String::new()),
                };
                let service = tenant.connection(&task.connection).and_then(|connection| connection.account.get("service")).cloned().unwrap_or_default();
                let task = identity::Task { vendor, started: task.started, service, language, act };
                Ok(match identity::next(&task, &seen).map_err(fault)? {
                    identity::Step::SendAll(requests) => wire::Step::SendAll(requests.into_iter().map(request).collect()),
                    identity::Step::Wait(seconds) => wire::Step::Wait(seconds),
                    identity::Step::Checkpoint(state) => wire::Step::Checkpoint(state),
                    identity::Step::Done(outcome) => wire::Step::Done(match outcome {
                        identity::Outcome::Sent => Outcome::Sent,
                        identity::Outcome::Passed => Outcome::Passed,
                        identity::Outcome::Refused => Outcome::Refused,
                        identity::Outcome::Failed((code, text)) => Outcome::Escalate(code, text),
                    }),
                })
            }
            Work::Model(stage::Unread { text, intents, kinds }) => {
                let model = tenant.connection(&task.connection).and_then(|connection| connection.account.get("model")).cloned().unwrap_or_default();
                let (text, intents, kinds) = (text.clone(), intents.clone(), kinds.clone());
                let task = opinion::Task { vendor, started: task.started, model, text, intents, kinds };
                Ok(match opinion::next(&task, &seen).map_err(fault)? {
                    opinion::Step::SendAll(requests) => wire::Step::SendAll(requests.into_iter().map(request).collect()),
                    opinion::Step::Wait(seconds) => wire::Step::Wait(seconds),
                    opinion::Step::Checkpoint(state) => wire::Step::Checkpoint(state),
                    opinion::Step::Done(outcome) => wire::Step::Done(model_outcome(outcome)),
                })
            }
        }
    }

    fn words(&self, words: &stage::Words, locale: &str, tenant: &Tenant) -> Result<String, StageFault> {
        let own = tenant.own_words(&words.sentence, locale);
        outbox::words(&words.sentence, &words.arguments, tenant.language(locale), own.as_deref()).map_err(fault)
    }

    fn recall(&self, memory: &str, kind: &str) -> Result<Vec<Lesson>, StageFault> {
        Ok(history::recall(memory, Some(kind)).map_err(fault)?.into_iter().map(|of| lesson!(of)).collect())
    }
}

impl Composed {
    fn closeout(&self, closeout: &stage::Closeout, tenant: &Tenant) -> Result<psa::Closeout, StageFault> {
        let resolution_note = match &closeout.resolution {
            // The ticket is the MSP's, and so is its language.
            Some(words) => self.words(words, &tenant.msp_locale, tenant)?,
            None => String::new(),
        };
        let note = |lines: &[stage::Words]| {
            let line = |words: &stage::Words| outbox::Line { name: words.sentence.clone(), arguments: words.arguments.clone() };
            outbox::note(&lines.iter().map(line).collect::<Vec<_>>(), tenant.language(&tenant.msp_locale)).map_err(fault)
        };
        // One call for four lines.
        let about_time = note(&about_time(tenant.desk.work_type.as_deref()))?;
        let mut about_time = about_time.lines().map(str::to_string);
        let mut line = || about_time.next().unwrap_or_default();
        Ok(psa::Closeout {
            ticket: closeout.ticket,
            board: closeout.board,
            status: closeout.status,
            internal_note: note(&closeout.internal_note)?,
            resolution_note,
            time_start: closeout.time_start,
            time_end: closeout.time_end,
            billed_minutes: closeout.billed_minutes,
            notify: closeout.notify,
            stand_down: closeout.stand_down,
            alert: closeout.alert,
            priority: closeout.priority.clone(),
            time_words: psa::TimeWords { done: line(), no_minutes: line(), no_work_type: line(), no_agreement: line() },
        })
    }
}

/// Each assurance, here and in the contract.
const ASSURANCES: [(stage::Assurance, Assurance); 5] = [
    (stage::Assurance::None, Assurance::None),
    (stage::Assurance::Email, Assurance::Email),
    (stage::Assurance::Chat, Assurance::Chat),
    (stage::Assurance::Challenge, Assurance::Challenge),
    (stage::Assurance::Strong, Assurance::Strong),
];

fn to_wit(assurance: stage::Assurance) -> Assurance {
    ASSURANCES.into_iter().find(|(ours, _)| *ours == assurance).map_or(Assurance::None, |(_, theirs)| theirs)
}

fn from_wit(assurance: Assurance) -> stage::Assurance {
    ASSURANCES.into_iter().find(|(_, theirs)| *theirs == assurance).map_or(stage::Assurance::None, |(ours, _)| ours)
}

fn fault(error: Error) -> StageFault {
    match error {
        Error::Invalid(why) => StageFault("stage-invalid", why),
        Error::Unsupported(why) => StageFault("stage-unsupported", why),
        Error::UnexpectedReply(why) => StageFault("unexpected-reply", why),
        Error::Other(why) => StageFault("stage-failed", why),
    }
}

/// The language of what is said; of no matter where nothing is.
fn locale(act: &ChatAct, tenant: &Tenant) -> String {
    let of = match act {
        ChatAct::Say(message) | ChatAct::Replace(_, message) => message.locale.as_str(),
        ChatAct::Who(_) | ChatAct::Find(_) | ChatAct::OpenDirect(_) => "",
    };
    tenant.language(of).into()
}

fn chat_act(act: &ChatAct, signed: &Signed, tenant: &Tenant) -> outbox::Act {
    let message = |message: &stage::Message| outbox::Message {
        channel: message.channel.clone(),
        thread: message.thread.clone(),
        sentence: message.words.sentence.clone(),
        text: tenant.own_words(&message.words.sentence, &message.locale),
        arguments: message.words.arguments.clone(),
        buttons: message.buttons.iter().map(|b| outbox::Button { label: b.label.clone(), value: (signed.button)(&b.choice), primary: b.primary }).collect(),
        secret_link: message.secret_link.clone(),
    };
    match act {
        ChatAct::Who(user) => outbox::Act::Who(user.clone()),
        ChatAct::Find(address) => outbox::Act::Find(address.clone()),
        ChatAct::OpenDirect(user) => outbox::Act::OpenDirect(user.clone()),
        ChatAct::Say(words) => outbox::Act::Say(message(words)),
        ChatAct::Replace(id, words) => outbox::Act::Replace((id.clone(), message(words))),
    }
}

fn chat_outcome(outcome: outbox::Outcome) -> Outcome {
    match outcome {
        outbox::Outcome::Profile(outbox::Profile { id, workspace, email, name, guest, inactive, locale }) => {
            Outcome::Profile(stage::Profile { id, workspace, email, name, guest, inactive, locale })
        }
        outbox::Outcome::Opened(channel) => Outcome::Opened(channel),
        outbox::Outcome::Posted(message) => Outcome::Posted(message),
        outbox::Outcome::Unreachable(why) => Outcome::Unreachable(why),
        outbox::Outcome::Unsure(why) => Outcome::Unsure(why),
    }
}

fn idp_outcome(outcome: idp::Outcome, tenant: &Tenant) -> Outcome {
    let report = |idp::Report { evidence, secret }| stage::Report { evidence, secret };
    match outcome {
        idp::Outcome::Found(idp::Account {
            id,
            login,
            names,
            name,
            enabled,
            state,
            lock,
            guest,
            synced,
            privileged,
            groups,
            phones,
            mobile,
            locale,
            manager,
        }) => {
            // Somebody may be in hundreds.
            let groups = groups.into_iter().filter(|group| tenant.guardrails.lists(group)).collect();
            let lock = match lock {
                idp::Lock::Open => stage::Lock::Open,
                idp::Lock::Locked => stage::Lock::Locked,
                idp::Lock::Unknown => stage::Lock::Unknown,
            };
            let manager = manager.map(|idp::Manager { id, name, address }| stage::Manager { id, name, address });
            Outcome::Found(stage::Account { id, login, names, name, enabled, state, lock, guest, synced, privileged, groups, phones, mobile, locale, manager })
        }
        idp::Outcome::Absent => Outcome::Absent,
        idp::Outcome::Changed(done) => Outcome::Changed(report(done)),
        idp::Outcome::Unchanged(done) => Outcome::Unchanged(report(done)),
        idp::Outcome::People(people) => {
            let person = |idp::Person { id, login, names, name, department, state, marks }| stage::Person { id, login, names, name, department, state, marks };
            Outcome::People(people.into_iter().map(person).collect())
        }
        idp::Outcome::SignedIn(at) => Outcome::SignedIn(at),
        idp::Outcome::Escalate(idp::Escalation { code, text }) => Outcome::Escalate(code, text),
    }
}

fn psa_outcome(outcome: psa::Outcome) -> Outcome {
    let ticket = |psa::Ticket { id, board, status, status_name, contact, priority }| stage::Ticket { id, board, status, status_name, contact, priority };
    match outcome {
        psa::Outcome::Opened(opened) => Outcome::TicketOpened(ticket(opened)),
        psa::Outcome::Closed(closed) => Outcome::TicketClosed(ticket(closed)),
        psa::Outcome::HandedOver(handed) => Outcome::TicketHandedOver(ticket(handed)),
        psa::Outcome::Waits(waits) => Outcome::TicketWaits(ticket(waits)),
        psa::Outcome::Contacts(people) => {
            let contact = |psa::Contact { id, name, addresses, types }| stage::Contact { id, name, addresses, types };
            Outcome::Contacts(people.into_iter().map(contact).collect())
        }
        psa::Outcome::Seen(view) => {
            let psa::View { ticket: seen, summary, text, kind, source, contact_name, contact_email, closed, owner, case, worked } = view;
            let ticket = ticket(seen);
            Outcome::TicketSeen(Box::new(stage::Seen { ticket, summary, text, kind, source, contact_name, contact_email, closed, owner, case, worked }))
        }
        psa::Outcome::Escalate((code, text)) => Outcome::Escalate(code, text),
    }
}

fn model_outcome(outcome: opinion::Outcome) -> Outcome {
    match outcome {
        opinion::Outcome::Given(opinion::Reading { intent, entities }) => {
            let entities = entities.into_iter().map(|opinion::Entity { kind, words }| stage::Entity { kind, words }).collect();
            Outcome::Opinion(stage::Opinion { intent, entities })
        }
        opinion::Outcome::None(why) => Outcome::Escalate("no-opinion".into(), why),
    }
}

fn request(request: wit::Request) -> wire::Request {
    let wit::Request { method, target, query, headers, body, fill, effect } = request;
    wire::Request {
        method,
        target: match target {
            wit::Target::Path(segments) => wire::Target::Path(segments),
            wit::Target::Follow(url) => wire::Target::Follow(url),
        },
        query,
        headers,
        body: match body {
            wit::Body::Empty => wire::Body::Empty,
            wit::Body::Json(text) => wire::Body::Json(text),
            wit::Body::Form(pairs) => wire::Body::Form(pairs),
        },
        fill: fill.into_iter().map(|wit::Fill { pointer, name }| wire::Fill { pointer, name }).collect(),
        effect: match effect {
            wit::Effect::Read => wire::Effect::Read,
            wit::Effect::Change => wire::Effect::Change,
        },
    }
}

fn reply(reply: &wire::Reply) -> wit::Reply {
    match reply {
        wire::Reply::Response(response) => {
            wit::Reply::Response(wit::Response { status: response.status, headers: response.headers.clone(), body: response.body.clone(), at: response.at })
        }
        wire::Reply::NotApplied(at) => wit::Reply::NotApplied(*at),
        wire::Reply::Unknown(at) => wit::Reply::Unknown(*at),
        wire::Reply::Waited(at) => wit::Reply::Waited(*at),
    }
}
