//! The engine, and compiled components: kept in the process, and on disk so that a second start takes milliseconds.

use crate::compose::{Part, compose};
use crate::state::State;
use crate::{keyvalue, outbound};
use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi_http::p3::bindings::ServicePre;

/// One engine, with all that a component may import, for every application of the process.
struct Shared {
    engine: Engine,
    linker: Linker<State>,
    compiled: Mutex<HashMap<String, Component>>,
}

static SHARED: LazyLock<Result<Shared, String>> = LazyLock::new(|| Shared::new().map_err(|error| format!("{error:#}")));

impl Shared {
    fn new() -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
        let engine = Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        outbound::add_to_linker(&mut linker)?;
        keyvalue::add_to_linker(&mut linker)?;
        Ok(Self { engine, linker, compiled: Mutex::default() })
    }

    fn get() -> Result<&'static Self> {
        SHARED.as_ref().map_err(|why| anyhow::anyhow!("cannot make the engine: {why}"))
    }
}

/// As on Spin, instances take their memories from a pool: to map and unmap them for each request would take longer than most requests.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // An instance of the technician alone has a memory and several small modules for each of its stages.
    pool.total_component_instances(2_000).total_core_instances(20_000).total_memories(4_000).total_tables(10_000).total_stacks(2_000);
    // What an instance has touched is cleared and kept, up to so much; where the kernel cannot tell what that is, as much is cleared each time.
    pool.linear_memory_keep_resident(1 << 19).table_keep_resident(1 << 16).async_stack_keep_resident(1 << 14).pagemap_scan(Enabled::Auto);
    pool
}

/// Composes and compiles a component, unless that was done before with the same bytes and the same wasmtime.
pub(crate) fn compile(name: &str, root: &[u8], parts: &[Part], cache: &Path) -> Result<Component> {
    let shared = Shared::get()?;
    let key = key(&shared.engine, root, parts);
    let mut compiled = shared.compiled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(component) = compiled.get(&key) {
        return Ok(component.clone());
    }
    let file = cache.join(format!("{key}.cwasm"));
    let component = match file.exists().then(|| load(&shared.engine, &file)) {
        Some(Ok(component)) => component,
        // A damaged file is made again.
        Some(Err(_)) | None => {
            let bytes = compose(name, root, parts)?;
            let component = Component::new(&shared.engine, bytes).map_err(anyhow::Error::from).with_context(|| format!("cannot compile `{name}`"))?;
            store(&component, &file).with_context(|| format!("cannot write `{}`", file.display()))?;
            component
        }
    };
    compiled.insert(key, component.clone());
    Ok(component)
}

/// Links a component with what the platform offers. An import that nothing satisfies is named.
pub(crate) fn link(name: &str, component: &Component) -> Result<ServicePre<State>> {
    let linked = Shared::get()?.linker.instantiate_pre(component).and_then(ServicePre::new);
    linked.map_err(anyhow::Error::from).with_context(|| format!("cannot link `{name}`"))
}

/// An engine that counts what it executes (wasmtime's fuel); for measuring, so nothing that it compiles is kept.
pub(crate) fn metered() -> Result<Engine> {
    Ok(Engine::new(Config::new().wasm_component_model_async(true).consume_fuel(true))?)
}

/// For one stage by itself, which imports nothing.
pub(crate) fn alone() -> Result<(Linker<()>, Store<()>)> {
    let engine = &Shared::get()?.engine;
    Ok((Linker::new(engine), Store::new(engine, ())))
}

fn key(engine: &Engine, root: &[u8], parts: &[Part]) -> String {
    let mut version = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut version);
    let mut hash = Sha256::new();
    hash.update(version.finish().to_le_bytes());
    let texts = parts.iter().flat_map(|part| [part.import.as_bytes(), part.bytes.as_slice()]);
    for text in std::iter::once(root).chain(texts) {
        // The length keeps two different lists of texts from looking alike.
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn load(engine: &Engine, file: &Path) -> Result<Component> {
    // SAFETY: the file was written by `store` into this project's own build folder, under a name that holds engine and contents.
    let component = unsafe { Component::deserialize_file(engine, file) };
    Ok(component?)
}

fn store(component: &Component, file: &Path) -> Result<()> {
    let folder = file.parent().context("no folder")?;
    std::fs::create_dir_all(folder)?;
    // Another process may be reading: the finished file appears at once.
    let partial = file.with_extension(format!("{}.partial", std::process::id()));
    std::fs::write(&partial, component.serialize()?)?;
    Ok(std::fs::rename(partial, file)?)
}
