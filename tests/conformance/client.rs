//! A client that sends one request on a connection of its own.

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use wasmtime_wasi_http::io::TokioIo;

/// Sends, and reads the whole answer.
pub async fn send(address: SocketAddr, mut request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let headers = request.headers_mut();
    if !headers.contains_key("host") {
        headers.insert("host", address.to_string().parse()?);
    }
    // Spin leaves Nagle's algorithm on, and a kept connection would wait 40 ms.
    headers.insert("connection", "close".parse()?);
    let (parts, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
    Ok(http::Response::from_parts(parts, body.collect().await?.to_bytes()))
}
