//! Plain HTTP to this machine: the way to emulators that run elsewhere, and to an application that does.

use crate::{Outbound, OutboundError};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{CONNECTION, HOST, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use tokio::net::TcpStream;
use wasmtime_wasi_http::io::TokioIo;

/// Reaches this machine and nothing else, over real connections.
#[derive(Debug, Default)]
pub struct Loopback;

impl Outbound for Loopback {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, OutboundError>> {
        Box::pin(send(request))
    }
}

/// Sends one request on a connection of its own, and reads the whole answer.
///
/// # Errors
/// [`OutboundError::Refused`] where it certainly did not arrive.
pub async fn send(mut request: http::Request<Bytes>) -> Result<http::Response<Bytes>, OutboundError> {
    let uri = request.uri().clone();
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or(OutboundError::Refused)?;
    if !["127.0.0.1", "localhost", "[::1]"].contains(&authority.host()) {
        return Err(OutboundError::Refused);
    }
    let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.map_err(|_| OutboundError::Refused)?;
    // A request in two packets would wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|_| OutboundError::Refused)?;
    tokio::spawn(connection);
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| OutboundError::Refused)?;
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    *request.uri_mut() = uri.path_and_query().map_or("/", |path| path.as_str()).parse().map_err(|_| OutboundError::Refused)?;
    let answer = sender.send_request(request.map(Full::new)).await.map_err(|_| OutboundError::Lost)?;
    let (parts, body) = answer.into_parts();
    Ok(http::Response::from_parts(parts, body.collect().await.map_err(|_| OutboundError::Lost)?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_this_machine_is_reached() {
        for url in ["http://example.com/", "https://127.0.0.1/", "/x", "http://127.0.0.1.example.com/", "http://169.254.169.254/", "http://user@example.com/"] {
            let request = http::Request::get(url).body(Bytes::new()).unwrap();
            assert_eq!(send(request).await.err(), Some(OutboundError::Refused), "{url}");
        }
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_refused() {
        let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let request = http::Request::get(format!("http://{address}/")).body(Bytes::new()).unwrap();
        assert_eq!(send(request).await.err(), Some(OutboundError::Refused));
    }
}
