//! The application: started from its manifest, asked for answers.

use crate::compile::{compile, link};
use crate::compose::Part;
use crate::hosts::AllowedHosts;
use crate::instance::{Handler, Handlers};
use crate::manifest::{Component, Manifest};
use crate::outbound::{Nowhere, Outbound, whole};
use crate::routes::Routes;
pub use crate::state::Clock;
use crate::state::{Context, State, World};
use crate::store::{Backend, Memory, Retired, Store};
use crate::template::Variables;
use crate::trace::{Fate, Fault, Trace};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::p3::bindings::ServicePre;

/// How to start an application.
#[derive(Clone)]
pub struct Config {
    /// The path of `spin.toml`.
    pub manifest: PathBuf,
    /// Where compiled components are kept; none means `target/firstline-cache` beside the manifest.
    pub cache: Option<PathBuf>,
    /// Other files for some components: a stage is swapped here without touching the manifest.
    pub sources: BTreeMap<String, PathBuf>,
    /// Values of the application's variables.
    pub variables: BTreeMap<String, String>,
    /// Where keys are kept.
    pub backend: Arc<dyn Backend>,
    /// The world outside.
    pub outbound: Arc<dyn Outbound>,
    /// The wall clock that guests see.
    pub clock: Clock,
    /// Told of everything.
    pub trace: Trace,
    /// Asked at every crash point.
    pub fault: Fault,
    /// What the manifest names, if it was loaded before.
    pub program: Option<Arc<Program>>,
}

impl Config {
    /// An empty store in memory, nobody outside, the real clock, no trace, no fault.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            cache: None,
            sources: BTreeMap::new(),
            variables: BTreeMap::new(),
            backend: Arc::new(Memory::default()),
            outbound: Arc::new(Nowhere),
            clock: Arc::new(SystemTime::now),
            trace: Arc::new(|_| {}),
            fault: Arc::new(|_| Fate::Go),
            program: None,
        }
    }
}

/// A manifest with its components, composed, compiled and linked: as many applications as wanted start from one.
pub struct Program {
    manifest: Manifest,
    components: BTreeMap<String, ServicePre<State>>,
    sizes: Sizes,
}

impl Program {
    /// Reads the manifest of a configuration, composes and compiles what it names.
    ///
    /// # Errors
    /// A file is missing, or does not fit the others.
    pub fn load(config: &Config) -> Result<Arc<Self>> {
        let manifest = Manifest::load(&config.manifest)?;
        let files = Files::new(&config.manifest, &manifest, &config.sources)?;
        let cache = config.cache.clone().unwrap_or_else(|| files.folder.join("target/firstline-cache"));
        let mut sizes = Sizes::default();
        for name in manifest.component.keys() {
            sizes.files.insert(name.clone(), files.read(name)?.len() as u64);
        }
        let mut components = BTreeMap::new();
        for name in manifest.triggered() {
            let component = manifest.component.get(name).with_context(|| format!("no component `{name}`"))?;
            let compiled = compile(name, &files.read(name)?, &files.parts(component)?, &cache)?;
            sizes.memories.insert(name.to_owned(), compiled.resources_required().map_or(0, |r| r.num_memories));
            components.insert(name.to_owned(), link(name, &compiled)?);
        }
        Ok(Arc::new(Self { manifest, components, sizes }))
    }
}

/// A clock that begins at a given time and then follows the runtime's timers.
///
/// Under a paused runtime (`tokio::time::pause`) a guest's sleep ends as soon as nothing else is left to do, and this clock has moved by as much.
#[must_use]
pub fn simulated(start: SystemTime) -> Clock {
    let began = tokio::time::Instant::now();
    Arc::new(move || start + began.elapsed())
}

/// What an application weighs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of each component's file.
    pub files: BTreeMap<String, u64>,
    /// Linear memories of each composition.
    pub memories: BTreeMap<String, u32>,
}

/// A running application. Dropping it ends its instances at once, as the death of the process would.
pub struct App {
    routes: Routes,
    handlers: Arc<Handlers>,
    world: Arc<World>,
    program: Arc<Program>,
}

impl App {
    /// Starts what the manifest names.
    pub fn start(config: Config) -> Result<Arc<Self>> {
        let program = config.program.clone().map_or_else(|| Program::load(&config), Ok)?;
        let Config { variables, backend, outbound, clock, trace, fault, .. } = config;
        let variables = Variables::resolve(&program.manifest, &variables)?;
        let routes = Routes::new(&program.manifest.trigger.http)?;
        let world = Arc::new(World::new(Store::new(backend), outbound, clock, trace, fault));
        let mut handlers = Handlers::new();
        for (name, linked) in &program.components {
            let component = program.manifest.component.get(name).with_context(|| format!("no component `{name}`"))?;
            let context = context(name, component, &variables, &world).with_context(|| format!("component `{name}`"))?;
            handlers.insert(name.clone(), Handler::new(linked.clone(), context));
        }
        let handlers = Arc::new(handlers);
        // The only place that sets it.
        let _ = world.handlers.set(Arc::downgrade(&handlers));
        Ok(Arc::new(Self { routes, handlers, world, program }))
    }

    /// Answers a request from outside.
    pub async fn request(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        collected(self.stream(request.map(whole)).await).await
    }

    /// Answers a request from outside, bodies as they come: how much of one to read is the component's business.
    pub async fn stream(&self, request: http::Request<WasiBody>) -> http::Response<WasiBody> {
        // Only the path decides. A private component is in no route, so a forged `Host` cannot reach it.
        match self.routes.find(request.uri().path()).and_then(|name| self.handlers.get(name)) {
            Some(handler) => handler.handle(addressed(request, None), false).await,
            None => {
                let mut answer = http::Response::new(whole(Bytes::new()));
                *answer.status_mut() = http::StatusCode::NOT_FOUND;
                answer
            }
        }
    }

    /// Answers a request as if another component had sent it: the way of a timer into a private component.
    pub async fn chained(&self, component: &str, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        let handler = self.handlers.get(component).with_context(|| format!("no component `{component}` with a trigger"))?;
        let host = format!("{component}.spin.internal");
        Ok(collected(handler.handle(addressed(request.map(whole), Some(&host)), true).await).await)
    }

    /// Waits until no request is open and all work that requests spawned has ended.
    pub async fn idle(&self) {
        self.world.activity.idle().await;
    }

    /// Ends every instance where it stands, as the death of the process would. Afterwards nothing has an effect, and every request is a 500.
    pub fn kill(&self) {
        self.world.closed.send_replace(true);
    }

    /// True if no request is open and nothing that one spawned is still running.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.world.activity.is_idle()
    }

    /// Counters that were deleted. A store keeps no trace of them, and setting one is still wrong.
    pub(crate) fn retired(&self) -> Retired {
        self.world.store.retired().clone()
    }

    /// Takes over what another application on a copy of this store knew.
    pub(crate) fn retire(&self, counters: &Retired) {
        self.world.store.retired().extend(counters.iter().cloned());
    }

    /// What the application weighs.
    #[must_use]
    pub fn sizes(&self) -> &Sizes {
        &self.program.sizes
    }

    /// How long each component takes to a fresh instance.
    pub async fn cold_instantiation(&self) -> Result<BTreeMap<String, Duration>> {
        let mut times = BTreeMap::new();
        for (name, handler) in self.handlers.iter() {
            times.insert(name.clone(), handler.cold().await?);
        }
        Ok(times)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the manifest lets a component have.
fn context(name: &str, component: &Component, variables: &Variables, world: &Arc<World>) -> Result<Arc<Context>> {
    let own = component.variables.iter().map(|(name, template)| Ok((name.clone(), variables.fill(template)?))).collect::<Result<_>>()?;
    Ok(Arc::new(Context {
        name: name.to_owned(),
        stores: component.key_value_stores.clone(),
        variables: own,
        hosts: AllowedHosts::new(&component.allowed_outbound_hosts, variables)?,
        world: world.clone(),
    }))
}

/// The files of the components.
struct Files {
    paths: BTreeMap<String, PathBuf>,
    folder: PathBuf,
}

impl Files {
    fn new(manifest: &Path, parsed: &Manifest, sources: &BTreeMap<String, PathBuf>) -> Result<Self> {
        let folder = manifest.parent().unwrap_or(Path::new("")).to_path_buf();
        if let Some(name) = sources.keys().find(|name| !parsed.component.contains_key(*name)) {
            anyhow::bail!("no component `{name}` whose source could be replaced");
        }
        let paths = parsed
            .component
            .iter()
            .map(|(name, component)| (name.clone(), sources.get(name).cloned().unwrap_or_else(|| folder.join(&component.source))))
            .collect();
        Ok(Self { paths, folder })
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.paths.get(name).with_context(|| format!("no component `{name}`"))?;
        std::fs::read(path).with_context(|| format!("cannot read component `{name}` at `{}`: is it built?", path.display()))
    }

    fn parts(&self, component: &Component) -> Result<Vec<Part>> {
        let part = |(import, dependency): (&String, &crate::manifest::Dependency)| {
            let (name, bytes) = match (&dependency.component, &dependency.path) {
                (Some(name), _) => (name.clone(), self.read(name)?),
                (None, path) => {
                    let path = self.folder.join(path.as_deref().unwrap_or(Path::new("")));
                    (path.display().to_string(), std::fs::read(&path).with_context(|| format!("cannot read dependency `{}`", path.display()))?)
                }
            };
            Ok(Part { import: import.clone(), name, bytes })
        };
        component.dependencies.iter().map(part).collect()
    }
}

/// Gives a request the whole URL that a component sees: its host is what the caller called it, which proves nothing.
fn addressed(mut request: http::Request<WasiBody>, host: Option<&str>) -> http::Request<WasiBody> {
    let named = request.headers().get(http::header::HOST).and_then(|h| h.to_str().ok()).map(str::to_owned);
    let host = host.map(str::to_owned).or(named).or_else(|| request.uri().host().map(str::to_owned)).unwrap_or_else(|| "localhost".into());
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    let uri = http::Uri::builder().scheme("http").authority(host).path_and_query(path).build();
    // A host that is no authority is left out, and the component sees a path alone.
    if let Ok(uri) = uri {
        *request.uri_mut() = uri;
    }
    request
}

/// A whole answer. A body that breaks off is a 500: the instance trapped while it wrote.
async fn collected(answer: http::Response<WasiBody>) -> http::Response<Bytes> {
    let (parts, body) = answer.into_parts();
    match body.collect().await {
        Ok(body) => http::Response::from_parts(parts, body.to_bytes()),
        Err(_) => {
            let mut answer = http::Response::new(Bytes::new());
            *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            answer
        }
    }
}
