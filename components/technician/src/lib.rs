//! Trigger: the reference monitor; drives cases and sends every request.
//!
//! [`runner`] drives a conversation, [`monitor`] decides what may be sent, [`catalogue`] says what a request is, [`credentials`] authorizes it, [`tick`] finds what is due, [`days`] records each day, [`retention`] erases what is old, [`health`] tries connections before they are needed, [`damage`] says what is left to know when a record cannot be used, [`tenants`] reads what a client inherits, [`backlog`] takes in what came while nobody listened, [`history`] reads what was closed, [`checks`] asks the vendors what they grant and compares it with [`needs`].

pub mod backlog;
pub mod catalogue;
pub mod checks;
pub mod credentials;
pub mod damage;
pub mod days;
pub mod digest;
pub mod health;
pub mod history;
pub mod host;
pub mod judge;
pub mod limits;
pub mod monitor;
pub mod needs;
pub mod probe;
pub mod retention;
pub mod runner;
pub mod tenants;
pub mod tick;

#[cfg(test)]
mod fake;

#[cfg(target_arch = "wasm32")]
mod spin;
#[cfg(target_arch = "wasm32")]
mod stages;
