//! `spin:key-value`, `wasi:keyvalue` and `spin:variables` over the store.

use crate::state::{State, Who};
use crate::store::{Stop, Store};
use crate::trace::{Effect, Event, Operation};
use wasmtime::Result;
use wasmtime::component::{Accessor, FutureReader, HasData, Linker, Resource, StreamReader};

mod bindings {
    wasmtime::component::bindgen!({
        inline: "package firstline:host; world host {
            import spin:key-value/key-value@3.0.0;
            import spin:variables/variables@3.0.0;
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
            import wasi:keyvalue/batch@0.2.0-draft2;
        }",
        path: ["wit/spin-key-value", "wit/spin-variables", "wit/wasi-keyvalue"],
        imports: { default: async | trappable },
        with: {
            "spin:key-value/key-value.store": super::Label,
            "wasi:keyvalue/store.bucket": super::Label,
            "wasi:keyvalue/atomics.cas": super::Never,
        },
    });
}
use bindings::spin::key_value::key_value as spin;
use bindings::spin::variables::variables;
use bindings::wasi::keyvalue::{atomics, batch, store as wasi};

/// An open store, by its label.
pub struct Label(String);
/// `cas` is refused, so there is no such thing.
pub enum Never {}

/// The host's side of these interfaces.
struct Host;
impl HasData for Host {
    type Data<'a> = &'a mut State;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    spin::add_to_linker::<State, Host>(linker, |state| state)?;
    variables::add_to_linker::<State, Host>(linker, |state| state)?;
    wasi::add_to_linker::<State, Host>(linker, |state| state)?;
    atomics::add_to_linker::<State, Host>(linker, |state| state)?;
    batch::add_to_linker::<State, Host>(linker, |state| state)
}

/// What a call gave, or the text of the error that the component is told.
type Told<T> = std::result::Result<T, String>;

/// What one call did: its result, the bytes it read, and whether it cost a commit.
struct Done<T> {
    result: T,
    read: usize,
    commit: bool,
}

fn read<T>(result: T, bytes: usize) -> Done<T> {
    Done { result, read: bytes, commit: false }
}

fn wrote<T>(result: T, commit: bool) -> Done<T> {
    Done { result, read: 0, commit }
}

/// One open store in the hands of one component.
struct Access {
    who: Who,
    label: String,
}

impl Access {
    /// Does one operation, with a crash point on each side of it.
    async fn run<T: Send + 'static>(
        &self,
        operation: Operation,
        keys: Vec<String>,
        written: usize,
        work: impl FnOnce(&Store, &str, &[String]) -> std::result::Result<Done<T>, Stop> + Send + 'static,
    ) -> Result<Told<T>> {
        let world = &self.who.context.world;
        world.before(&self.who, Effect::Store { operation, keys: &keys }).await?;
        let (store, label) = (world.store.clone(), self.label.clone());
        let work = move || {
            let result = work(&store, &label, &keys);
            (result, keys)
        };
        // A commit to disk must not hold up the other requests of this process.
        let (result, keys) = if world.store.blocks() { tokio::task::spawn_blocking(work).await? } else { work() };
        let done = match result {
            Ok(done) => done,
            Err(Stop::Refused(why)) => return Ok(Err(why)),
            Err(Stop::Panic(why)) => wasmtime::bail!("{operation}: {why}"),
        };
        (world.trace)(Event::Store {
            component: self.who.context.name.clone(),
            operation,
            keys: keys.clone(),
            bytes: written + done.read,
            commit: done.commit,
        });
        world.after(&self.who, Effect::Store { operation, keys: &keys }).await?;
        Ok(Ok(done.result))
    }

    async fn get(&self, key: String) -> Result<Told<Option<Vec<u8>>>> {
        self.run(Operation::Get, vec![key], 0, |store, label, keys| {
            let value = store.get(label, only(keys))?;
            let bytes = value.as_ref().map_or(0, Vec::len);
            Ok(read(value, bytes))
        })
        .await
    }

    async fn set(&self, key: String, value: Vec<u8>) -> Result<Told<()>> {
        self.run(Operation::Set, vec![key], value.len(), |store, label, keys| Ok(wrote((), store.write(label, &[(only(keys).to_owned(), Some(value))])?))).await
    }

    async fn delete(&self, key: String) -> Result<Told<()>> {
        self.run(Operation::Delete, vec![key], 0, |store, label, keys| Ok(wrote((), store.write(label, &[(only(keys).to_owned(), None)])?))).await
    }

    async fn exists(&self, key: String) -> Result<Told<bool>> {
        self.run(Operation::Exists, vec![key], 0, |store, label, keys| Ok(read(store.get(label, only(keys))?.is_some(), 0))).await
    }

    async fn keys(&self) -> Result<Told<Vec<String>>> {
        self.run(Operation::GetKeys, Vec::new(), 0, |store, label, _| {
            let keys = store.keys(label)?;
            let bytes = keys.iter().map(String::len).sum();
            Ok(read(keys, bytes))
        })
        .await
    }

    async fn increment(&self, key: String, delta: i64) -> Result<Told<i64>> {
        self.run(Operation::Increment, vec![key], 0, move |store, label, keys| {
            let (sum, commit) = store.increment(label, only(keys), delta)?;
            Ok(wrote(sum, commit))
        })
        .await
    }

    async fn set_many(&self, pairs: Vec<(String, Vec<u8>)>) -> Result<Told<()>> {
        let keys = pairs.iter().map(|(key, _)| key.clone()).collect();
        let bytes = pairs.iter().map(|(_, value)| value.len()).sum();
        let changes: Vec<_> = pairs.into_iter().map(|(key, value)| (key, Some(value))).collect();
        self.run(Operation::SetMany, keys, bytes, move |store, label, _| Ok(wrote((), store.write(label, &changes)?))).await
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<Told<()>> {
        self.run(Operation::DeleteMany, keys, 0, |store, label, keys| {
            let changes: Vec<_> = keys.iter().map(|key| (key.clone(), None)).collect();
            Ok(wrote((), store.write(label, &changes)?))
        })
        .await
    }
}

/// The key of an operation on one key.
fn only(keys: &[String]) -> &str {
    keys.first().map_or("", String::as_str)
}

fn access<T: 'static>(accessor: &Accessor<T, Host>, store: &Resource<Label>) -> Result<Access> {
    accessor.with(|mut a| a.get().access(store))
}

impl State {
    fn access(&self, bucket: &Resource<Label>) -> Result<Access> {
        Ok(Access { who: self.who.clone(), label: self.table.get(bucket)?.0.clone() })
    }

    /// A component opens the labels of its manifest entry and no other.
    fn may_open(&self, label: &str) -> bool {
        self.who.context.stores.iter().any(|s| s == label)
    }
}

impl spin::Host for State {}
impl spin::HostStore for State {
    async fn drop(&mut self, store: Resource<Label>) -> Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}
impl<T: 'static + Send> spin::HostStoreWithStore<T> for Host {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Result<std::result::Result<Resource<Label>, spin::Error>> {
        accessor.with(|mut a| {
            let state = a.get();
            if !state.may_open(&label) {
                return Ok(Err(spin::Error::AccessDenied));
            }
            Ok(Ok(state.table.push(Label(label))?))
        })
    }
    async fn get(accessor: &Accessor<T, Self>, store: Resource<Label>, key: String) -> Result<std::result::Result<Option<Vec<u8>>, spin::Error>> {
        Ok(access(accessor, &store)?.get(key).await?.map_err(spin::Error::Other))
    }
    async fn set(accessor: &Accessor<T, Self>, store: Resource<Label>, key: String, value: Vec<u8>) -> Result<std::result::Result<(), spin::Error>> {
        Ok(access(accessor, &store)?.set(key, value).await?.map_err(spin::Error::Other))
    }
    async fn delete(accessor: &Accessor<T, Self>, store: Resource<Label>, key: String) -> Result<std::result::Result<(), spin::Error>> {
        Ok(access(accessor, &store)?.delete(key).await?.map_err(spin::Error::Other))
    }
    async fn exists(accessor: &Accessor<T, Self>, store: Resource<Label>, key: String) -> Result<std::result::Result<bool, spin::Error>> {
        Ok(access(accessor, &store)?.exists(key).await?.map_err(spin::Error::Other))
    }
    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<Label>,
    ) -> Result<(StreamReader<String>, FutureReader<std::result::Result<(), spin::Error>>)> {
        let (keys, end) = match access(accessor, &store)?.keys().await? {
            Ok(keys) => (keys, Ok(())),
            Err(why) => (Vec::new(), Err(spin::Error::Other(why))),
        };
        accessor.with(|mut a| Ok((StreamReader::new(&mut a, keys)?, FutureReader::new(&mut a, async { wasmtime::error::Ok(end) })?)))
    }
}

impl variables::Host for State {}
impl<T: 'static + Send> variables::HostWithStore<T> for Host {
    /// Only what the component's own manifest entry declares.
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<std::result::Result<String, variables::Error>> {
        let context = accessor.with(|mut a| a.get().who.context.clone());
        Ok(context.variables.get(&name).cloned().ok_or(variables::Error::Undefined(name)))
    }
}

impl wasi::Host for State {
    async fn open(&mut self, label: String) -> Result<std::result::Result<Resource<Label>, wasi::Error>> {
        if !self.may_open(&label) {
            return Ok(Err(wasi::Error::AccessDenied));
        }
        Ok(Ok(self.table.push(Label(label))?))
    }
}
impl wasi::HostBucket for State {
    async fn get(&mut self, bucket: Resource<Label>, key: String) -> Result<std::result::Result<Option<Vec<u8>>, wasi::Error>> {
        Ok(self.access(&bucket)?.get(key).await?.map_err(wasi::Error::Other))
    }
    async fn set(&mut self, bucket: Resource<Label>, key: String, value: Vec<u8>) -> Result<std::result::Result<(), wasi::Error>> {
        Ok(self.access(&bucket)?.set(key, value).await?.map_err(wasi::Error::Other))
    }
    async fn delete(&mut self, bucket: Resource<Label>, key: String) -> Result<std::result::Result<(), wasi::Error>> {
        Ok(self.access(&bucket)?.delete(key).await?.map_err(wasi::Error::Other))
    }
    async fn exists(&mut self, bucket: Resource<Label>, key: String) -> Result<std::result::Result<bool, wasi::Error>> {
        Ok(self.access(&bucket)?.exists(key).await?.map_err(wasi::Error::Other))
    }
    async fn list_keys(&mut self, bucket: Resource<Label>, _: Option<String>) -> Result<std::result::Result<wasi::KeyResponse, wasi::Error>> {
        let keys = self.access(&bucket)?.keys().await?;
        Ok(keys.map(|keys| wasi::KeyResponse { keys, cursor: None }).map_err(wasi::Error::Other))
    }
    async fn drop(&mut self, bucket: Resource<Label>) -> Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

/// `cas` is wrong on every store of the platform: two creators of an absent key both win on SQLite, and on Redis `swap` always reports failure.
const NEVER_CAS: &str = "never use `cas`: no store of the platform gets it right, use `increment`";

impl atomics::Host for State {
    async fn increment(&mut self, bucket: Resource<Label>, key: String, delta: i64) -> Result<std::result::Result<i64, wasi::Error>> {
        Ok(self.access(&bucket)?.increment(key, delta).await?.map_err(wasi::Error::Other))
    }
    async fn swap(&mut self, _: Resource<Never>, _: Vec<u8>) -> Result<std::result::Result<(), atomics::CasError>> {
        wasmtime::bail!("{NEVER_CAS}")
    }
}
impl atomics::HostCas for State {
    async fn new(&mut self, _: Resource<Label>, _: String) -> Result<std::result::Result<Resource<Never>, wasi::Error>> {
        wasmtime::bail!("{NEVER_CAS}")
    }
    async fn current(&mut self, _: Resource<Never>) -> Result<std::result::Result<Option<Vec<u8>>, wasi::Error>> {
        wasmtime::bail!("{NEVER_CAS}")
    }
    async fn drop(&mut self, _: Resource<Never>) -> Result<()> {
        wasmtime::bail!("{NEVER_CAS}")
    }
}

impl batch::Host for State {
    /// SQLite leaves out missing keys and Redis always fails: nothing that works with both may call it.
    async fn get_many(&mut self, _: Resource<Label>, _: Vec<String>) -> Result<std::result::Result<Vec<(String, Option<Vec<u8>>)>, wasi::Error>> {
        Ok(Err(wasi::Error::Other("get-many always fails on Redis: get the keys one by one".into())))
    }
    async fn set_many(&mut self, bucket: Resource<Label>, pairs: Vec<(String, Vec<u8>)>) -> Result<std::result::Result<(), wasi::Error>> {
        Ok(self.access(&bucket)?.set_many(pairs).await?.map_err(wasi::Error::Other))
    }
    async fn delete_many(&mut self, bucket: Resource<Label>, keys: Vec<String>) -> Result<std::result::Result<(), wasi::Error>> {
        Ok(self.access(&bucket)?.delete_many(keys).await?.map_err(wasi::Error::Other))
    }
}
