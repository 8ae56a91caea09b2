//! The life of an instance, as on Spin: requests share it, a trap takes all of them down, idleness ends it.

use crate::outbound::whole;
use crate::state::{Context, Running, State, World};
use crate::trace::Event;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};
use wasmtime::component::GuestTaskId;
use wasmtime::{Result, Store, StoreContextMut};
use wasmtime_wasi_http::handler::{HandlerState, Instance, Proxy, ProxyHandler, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

/// Requests that one instance serves at the same time.
const AT_ONCE: usize = 16;
/// Requests that one instance serves in its life.
const IN_ALL: usize = 128;

/// How long an instance without work is kept.
const IDLE: Duration = Duration::from_secs(1);

/// The components that can be called, by name.
pub(crate) type Handlers = BTreeMap<String, Handler>;

/// Hands requests to the instances of one component, and makes them.
pub(crate) struct Handler {
    proxy: ProxyHandler<Factory>,
}

struct Factory {
    pre: ServicePre<State>,
    context: Arc<Context>,
}

impl Handler {
    pub(crate) fn new(pre: ServicePre<State>, context: Arc<Context>) -> Self {
        Self { proxy: ProxyHandler::new(Factory { pre, context }) }
    }

    /// The answer to one request. A trap, wherever on the instance it happened, is a 500, and so is a handler's error.
    pub(crate) async fn handle(&self, request: http::Request<WasiBody>, chained: bool) -> http::Response<WasiBody> {
        let context = &self.proxy.state().context;
        let world = &context.world;
        let _running = world.activity.enter();
        let (component, path) = (context.name.clone(), request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned());
        (world.trace)(Event::Inbound { component: component.clone(), method: request.method().to_string(), path: path.clone(), chained });
        let began = Instant::now();
        let answer = if *world.closed.borrow() { None } else { self.proxy.handle((), request).await.ok() };
        let answer = answer.unwrap_or_else(|| {
            let mut answer = http::Response::new(whole(Bytes::new()));
            *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            answer
        });
        (world.trace)(Event::Answered { component, path, status: answer.status().as_u16(), took: began.elapsed() });
        answer.map(|body| Watched { body, world: world.clone() }.boxed_unsync())
    }

    /// Makes an instance that serves nothing, to see how long it takes.
    pub(crate) async fn cold(&self) -> Result<Duration> {
        let began = std::time::Instant::now();
        let Factory { pre, context } = self.proxy.state();
        let mut store = Store::new(pre.engine(), State::new(context.clone()));
        pre.instantiate_async(&mut store).await?;
        Ok(began.elapsed())
    }
}

/// The body of an answer, each piece of which is noted when it is passed on.
struct Watched {
    body: WasiBody,
    world: Arc<World>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = <WasiBody as hyper::body::Body>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<std::result::Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_ready() {
            self.world.note_move();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

impl HandlerState for Factory {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> Result<Instance<State, Expiration, Worker>> {
        let began = std::time::Instant::now();
        let world = &self.context.world;
        let mut store = Store::new(self.pre.engine(), State::new(self.context.clone()));
        let service = self.pre.instantiate_async(&mut store).await.inspect_err(|error| {
            (world.trace)(Event::Trap { component: self.context.name.clone(), why: format!("{error:#}") });
        })?;
        (world.trace)(Event::Instance { component: self.context.name.clone(), took: began.elapsed() });
        let work = Work::default();
        let mut closed = world.closed.subscribe();
        let closed = Box::pin(async move {
            // It fails only when the application is gone, which ends its instances as well.
            let _ = closed.wait_for(|closed| *closed).await;
        });
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: State::http,
            expiration: Expiration { work: work.clone(), closed, idle: None },
            state: Worker { context: self.context.clone(), work },
        })
    }
}

/// Held while an instance has anything to do: requests, or work that they spawned.
#[derive(Clone, Default)]
struct Work(Arc<Mutex<Option<Running>>>);

impl Work {
    fn set(&self, running: Option<Running>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }
}

struct Worker {
    context: Arc<Context>,
    work: Work,
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = ();

    /// An instance serves up to 16 requests at once and 128 in all.
    fn should_accept_request(&self, at_once: usize, in_all: usize) -> ShouldAccept {
        match (at_once, in_all) {
            (_, IN_ALL..) => ShouldAccept::Never,
            (AT_ONCE.., _) => ShouldAccept::No,
            _ => ShouldAccept::Yes,
        }
    }

    /// There is no request timeout by default.
    fn on_request_start(&self, _: StoreContextMut<'_, State>, (): (), _: GuestTaskId) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        self.context.world.note_move();
        self.work.set(Some(self.context.world.activity.enter()));
        Box::pin(std::future::pending())
    }

    /// A trap takes every request on the instance down; the next one gets a fresh instance.
    fn drop(&self, store: Store<State>, result: Result<()>) {
        let world = &self.context.world;
        if let Err(error) = result
            && !*world.closed.borrow()
        {
            (world.trace)(Event::Trap { component: self.context.name.clone(), why: format!("{error:#}") });
        }
        drop(store);
        self.work.set(None);
    }
}

struct Expiration {
    work: Work,
    closed: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    idle: Option<(std::time::Instant, Pin<Box<Sleep>>)>,
}

impl WorkerExpiration for Expiration {
    /// Work spawned after an answer goes on for as long as it takes; an instance with nothing to do lives for one second more.
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>, status: WorkerStatus, since: std::time::Instant) -> Poll<()> {
        if self.closed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match status {
            WorkerStatus::Requests | WorkerStatus::PostReturn => Poll::Pending,
            WorkerStatus::Idle => {
                self.work.set(None);
                if self.idle.as_ref().is_none_or(|(before, _)| *before != since) {
                    self.idle = Some((since, Box::pin(sleep(IDLE))));
                }
                self.idle.as_mut().map_or(Poll::Pending, |(_, sleep)| sleep.as_mut().poll(cx))
            }
        }
    }
}
