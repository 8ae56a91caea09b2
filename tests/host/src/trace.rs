//! What an embedder sees of the application, and where it may let it crash.

use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Told of everything that happens, in order.
pub type Trace = Arc<dyn Fn(Event) + Send + Sync>;

/// Asked before and after every effect what shall become of it.
pub type Fault = Arc<dyn Fn(&Point<'_>) -> Fate + Send + Sync>;

/// A key-value operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of the platform's functions")]
pub enum Operation {
    Get,
    Set,
    Delete,
    Exists,
    GetKeys,
    Increment,
    SetMany,
    DeleteMany,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Exists => "exists",
            Self::GetKeys => "get-keys",
            Self::Increment => "increment",
            Self::SetMany => "set-many",
            Self::DeleteMany => "delete-many",
        })
    }
}

/// Something that happened. Two applications that do the same things report the same counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A request reached a component.
    Inbound {
        /// The component.
        component: String,
        /// Its method.
        method: String,
        /// Its path and query.
        path: String,
        /// It came from another component (or from the embedder in its place).
        chained: bool,
    },
    /// A component answered; what it spawned may still be running.
    Answered {
        /// The component.
        component: String,
        /// Path and query of the request.
        path: String,
        /// The status; 500 if the instance trapped.
        status: u16,
        /// From the request's arrival to the head of the answer.
        took: Duration,
    },
    /// A fresh instance was made.
    Instance {
        /// The component.
        component: String,
        /// How long instantiation took.
        took: Duration,
    },
    /// A key-value operation that succeeded.
    Store {
        /// The component.
        component: String,
        /// What was done.
        operation: Operation,
        /// The keys it was done to, in the caller's order.
        keys: Vec<String>,
        /// Bytes of values, read or written.
        bytes: usize,
        /// It cost a durable commit: it wrote, and something changed by it.
        commit: bool,
    },
    /// An outbound request began. Requests to another component count as well.
    Sending {
        /// The component.
        component: String,
        /// Number of the request within the application's life.
        call: u64,
        /// Its method.
        method: String,
        /// Its whole URL.
        url: String,
    },
    /// An outbound request ended.
    Sent {
        /// The component.
        component: String,
        /// Number of the request within the application's life.
        call: u64,
        /// Its method.
        method: String,
        /// Its whole URL.
        url: String,
        /// The status, or why there is none.
        outcome: Result<u16, String>,
        /// From the beginning to the head of the answer.
        took: Duration,
    },
    /// A request to a host that the manifest does not allow. Nothing was sent.
    Denied {
        /// The component.
        component: String,
        /// Its whole URL.
        url: String,
    },
    /// A line on a component's standard output or error.
    Line {
        /// The component.
        component: String,
        /// It came on standard error.
        error: bool,
        /// Without its end of line.
        text: String,
    },
    /// An instance trapped, and every request on it with it.
    Trap {
        /// The component.
        component: String,
        /// Why.
        why: String,
    },
}

/// Which side of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Nothing has happened yet.
    Before,
    /// It has happened, and the component does not know it yet.
    After,
}

/// An effect on the world outside the instance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect<'a> {
    /// On the store.
    Store {
        /// What is done.
        operation: Operation,
        /// To which keys.
        keys: &'a [String],
    },
    /// A request to outside the application. Requests between components are none: the store sees what they do.
    Send {
        /// Its method.
        method: &'a str,
        /// Its whole URL.
        url: &'a str,
    },
}

/// A point where a crash can be asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point<'a> {
    /// The component.
    pub component: &'a str,
    /// Number of the instance within the application's life.
    pub instance: u64,
    /// How often an instance of the application had taken a request, or passed on a piece of an answer.
    pub moved: u64,
    /// Around what.
    pub effect: Effect<'a>,
    /// On which side of it.
    pub moment: Moment,
}

impl fmt::Display for Point<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::After => "after",
        };
        match self.effect {
            Effect::Store { operation, keys } => write!(f, "{}: {moment} {operation} {}", self.component, keys.join(" ")),
            Effect::Send { method, url } => write!(f, "{}: {moment} {method} {url}", self.component),
        }
    }
}

/// What becomes of a component at a [`Point`].
pub enum Fate {
    /// Nothing special.
    Go,
    /// The instance traps, and every request on it with it.
    Trap,
    /// Goes on when this is done: holds one request back while others run.
    Wait(BoxFuture<'static, ()>),
}
