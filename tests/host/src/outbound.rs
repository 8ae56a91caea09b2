//! Requests that a component sends: to another component of the application, or out of it.

use crate::state::{Context, State};
use crate::trace::{Effect, Event};
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Full};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::{client, types};
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtxView, WasiHttpHooks, WasiHttpView as _};

/// The world outside the application.
pub trait Outbound: Send + Sync + 'static {
    /// Answers one request that a manifest allowed.
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, OutboundError>>;
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboundError {
    /// The request was certainly not sent.
    Refused,
    /// The request may have arrived; the answer was lost.
    Lost,
    /// No answer came in time; the request may have arrived.
    TimedOut,
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Lost => "connection lost",
            Self::TimedOut => "timed out",
        })
    }
}

/// A world in which nobody answers.
#[derive(Debug, Default)]
pub struct Nowhere;

impl Outbound for Nowhere {
    fn send(&self, _: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, OutboundError>> {
        Box::pin(async { Err(OutboundError::Refused) })
    }
}

/// Spin waits this long for an answer unless the component says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// Where WASI HTTP hands over what a component sends.
pub(crate) struct Hooks(Arc<Context>);

impl Hooks {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self(context)
    }
}

type Ended = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Ended,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Ended), Error>> + Send> {
        let context = self.0.clone();
        Box::new(async move {
            let answer = traced(&context, request, options.unwrap_or_default()).await?;
            let ended: Ended = Box::new(async { Ok(()) });
            Ok((answer, ended))
        })
    }
}

/// Sends, and reports both ends of it.
async fn traced(context: &Context, request: http::Request<WasiBody>, options: RequestOptions) -> Result<http::Response<WasiBody>, Error> {
    let world = &context.world;
    let (component, call, method, url) = (context.name.clone(), world.next_call(), request.method().to_string(), request.uri().to_string());
    (world.trace)(Event::Sending { component: component.clone(), call, method: method.clone(), url: url.clone() });
    let began = Instant::now();
    let limit = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
    let answer = tokio::time::timeout(limit, send(context, request)).await.unwrap_or(Err(Error::ConnectionReadTimeout));
    let outcome = answer.as_ref().map(|a| a.status().as_u16()).map_err(ToString::to_string);
    (world.trace)(Event::Sent { component, call, method, url, outcome, took: began.elapsed() });
    answer
}

async fn send(context: &Context, request: http::Request<WasiBody>) -> Result<http::Response<WasiBody>, Error> {
    if let Some(name) = request.uri().host().and_then(chained_to) {
        let handlers = context.world.handlers.get().and_then(std::sync::Weak::upgrade).ok_or(Error::DestinationNotFound)?;
        // The target needs a trigger, private or not; that the caller lists it was checked before.
        let handler = handlers.get(&name).ok_or(Error::DestinationNotFound)?;
        return Ok(handler.handle(request, true).await);
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    match context.world.outbound.send(http::Request::from_parts(parts, body)).await {
        Ok(answer) => Ok(answer.map(whole)),
        Err(OutboundError::Refused) => Err(Error::ConnectionRefused),
        Err(OutboundError::Lost) => Err(Error::ConnectionTerminated),
        Err(OutboundError::TimedOut) => Err(Error::ConnectionReadTimeout),
    }
}

/// The component behind `<component>.spin.internal`.
fn chained_to(host: &str) -> Option<String> {
    let name = host.to_ascii_lowercase();
    name.strip_suffix(".spin.internal").filter(|name| !name.contains('.')).map(str::to_owned)
}

/// A body that is all there.
pub(crate) fn whole(bytes: Bytes) -> WasiBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// `wasi:http/client`: the allowed hosts, and crash points that a hook could not trap at.
struct Client;
impl HasData for Client {
    type Data<'a> = WasiHttpCtxView<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, WasiHttp>(linker, State::http)?;
    client::add_to_linker::<State, Client>(linker, State::http)
}

impl client::HostWithStore<State> for Client {
    async fn send(accessor: &Accessor<State, Self>, request: Resource<Request>) -> Result<Resource<Response>, TrappableError<types::ErrorCode>> {
        let (who, method, uri) = accessor.with(|mut a| {
            let state = a.data_mut();
            let request = state.table.get(&request).map_err(TrappableError::trap)?;
            Ok::<_, TrappableError<types::ErrorCode>>((state.who.clone(), request.method.to_string(), uri(request)))
        })?;
        let uri = uri.ok_or(types::ErrorCode::HttpRequestUriInvalid)?;
        let url = uri.to_string();
        let context = &who.context;
        let world = &context.world;
        if !context.hosts.allow(&uri) {
            (world.trace)(Event::Denied { component: context.name.clone(), url });
            return Err(types::ErrorCode::HttpRequestDenied.into());
        }
        let effect = uri.host().and_then(chained_to).is_none().then_some(Effect::Send { method: &method, url: &url });
        if let Some(effect) = effect {
            world.before(&who, effect).await.map_err(TrappableError::trap)?;
        }
        let answer = <WasiHttp as client::HostWithStore<State>>::send(&accessor.with_getter::<WasiHttp>(State::http), request).await;
        if let Some(effect) = effect {
            world.after(&who, effect).await.map_err(TrappableError::trap)?;
        }
        answer
    }
}

/// The URL of a request; WASI's default scheme is HTTPS.
fn uri(request: &Request) -> Option<http::Uri> {
    let scheme = request.scheme.as_ref().map_or("https", http::uri::Scheme::as_str);
    let path = request.path_with_query.as_ref().map_or("/", http::uri::PathAndQuery::as_str);
    http::Uri::builder().scheme(scheme).authority(request.authority.as_ref()?.as_str()).path_and_query(path).build().ok()
}
