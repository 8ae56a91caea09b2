//! What belongs to the application, to a component of it, and to one instance.

use crate::hosts::AllowedHosts;
use crate::instance::Handlers;
use crate::outbound::{Hooks, Outbound};
use crate::output::Lines;
use crate::store::Store;
use crate::trace::{Effect, Fate, Fault, Moment, Point, Trace};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::Instant;
use wasmtime::Result;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The wall clock that guests see.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What all instances of an application share.
pub(crate) struct World {
    pub(crate) store: Arc<Store>,
    pub(crate) outbound: Arc<dyn Outbound>,
    pub(crate) clock: Clock,
    pub(crate) trace: Trace,
    pub(crate) fault: Fault,
    pub(crate) activity: Arc<Activity>,
    pub(crate) closed: watch::Sender<bool>,
    pub(crate) handlers: OnceLock<Weak<Handlers>>,
    calls: AtomicU64,
    instances: AtomicU64,
    /// How often an instance took a request, or a piece of an answer was passed on: no event tells of it.
    moved: AtomicU64,
    began: Instant,
}

impl World {
    pub(crate) fn new(store: Store, outbound: Arc<dyn Outbound>, clock: Clock, trace: Trace, fault: Fault) -> Self {
        Self {
            store: Arc::new(store),
            outbound,
            clock,
            trace,
            fault,
            activity: Arc::default(),
            closed: watch::Sender::new(false),
            handlers: OnceLock::new(),
            calls: AtomicU64::new(0),
            instances: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            began: Instant::now(),
        }
    }

    /// The number of the next outbound request.
    pub(crate) fn next_call(&self) -> u64 {
        self.calls.fetch_add(1, SeqCst)
    }

    pub(crate) fn note_move(&self) {
        self.moved.fetch_add(1, SeqCst);
    }

    pub(crate) async fn before(&self, who: &Who, effect: Effect<'_>) -> Result<()> {
        self.pass(Point { component: &who.context.name, instance: who.instance, moved: self.moved.load(SeqCst), effect, moment: Moment::Before }).await
    }

    pub(crate) async fn after(&self, who: &Who, effect: Effect<'_>) -> Result<()> {
        self.pass(Point { component: &who.context.name, instance: who.instance, moved: self.moved.load(SeqCst), effect, moment: Moment::After }).await
    }

    async fn pass(&self, point: Point<'_>) -> Result<()> {
        // INVARIANT: nothing has an effect once the application was killed.
        if *self.closed.borrow() {
            wasmtime::bail!("killed, {point}");
        }
        match (self.fault)(&point) {
            Fate::Go => {}
            Fate::Trap => wasmtime::bail!("injected crash, {point}"),
            Fate::Wait(until) => until.await,
        }
        Ok(())
    }
}

/// Counts what is running, so that an embedder can wait for the end of all of it.
#[derive(Default)]
pub(crate) struct Activity(watch::Sender<usize>);

/// Something that is running.
pub(crate) struct Running(Arc<Activity>);

impl Activity {
    pub(crate) fn enter(self: &Arc<Self>) -> Running {
        self.0.send_modify(|count| *count += 1);
        Running(self.clone())
    }

    pub(crate) fn is_idle(&self) -> bool {
        *self.0.borrow() == 0
    }

    pub(crate) async fn idle(&self) {
        // It fails only when the sender is gone, and `self` is the sender.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// One component as the manifest lets it be.
pub(crate) struct Context {
    pub(crate) name: String,
    pub(crate) stores: Vec<String>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) hosts: AllowedHosts,
    pub(crate) world: Arc<World>,
}

/// Whose effect it is.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) context: Arc<Context>,
    /// Number of the instance within the application's life.
    instance: u64,
}

/// One instance.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    pub(crate) who: Who,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
}

impl State {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let lines = |error| Lines::new(&context.name, error, context.world.trace.clone());
        // No environment, no arguments, no files, no sockets: the manifest's other members are not supported.
        let wasi = WasiCtxBuilder::new()
            .stdout(lines(false))
            .stderr(lines(true))
            .wall_clock(Wall(context.world.clock.clone()))
            .monotonic_clock(Monotonic(context.world.began))
            .build();
        let instance = context.world.instances.fetch_add(1, SeqCst);
        Self { table: ResourceTable::new(), wasi, http: WasiHttpCtx::new(), hooks: Hooks::new(context.clone()), who: Who { context, instance } }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

struct Wall(Clock);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }
    fn now(&self) -> Duration {
        (self.0)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

/// Runs with the timers of the runtime: where an embedder pauses them, a sleep ends as soon as nothing else is left to do.
struct Monotonic(Instant);

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        1
    }
    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
