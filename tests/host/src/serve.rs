//! The application on a socket.

use crate::app::App;
use anyhow::Result;
use http_body_util::BodyExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::io::TokioIo;

/// Serves until the listener fails.
pub async fn serve(app: Arc<App>, listener: TcpListener) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(app.clone(), stream));
    }
}

async fn connection(app: Arc<App>, stream: TcpStream) {
    // An answer in two packets would wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.stream(request.map(|body| body.map_err(Error::from).boxed_unsync())).await) }
    });
    // What goes wrong with one connection is that client's affair.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
