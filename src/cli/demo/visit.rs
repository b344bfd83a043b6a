//! The visitor of the demonstration: asks one page and keeps what it got.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::{ACCEPT, HOST, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::pages::Page;

/// What came back for one page.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) status: StatusCode,
    pub(super) fields: HeaderMap,
    pub(super) body: String,
    /// Whether the connection was broken off before the body ended.
    pub(super) cut: bool,
}

impl Sight {
    /// The Set-Cookie fields, in order.
    pub(super) fn cookies(&self) -> Vec<String> {
        let values = self.fields.get_all(SET_COOKIE).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }
}

/// Asks a server for a page, on a connection of its own.
pub(super) async fn visit(server: SocketAddr, page: &Page) -> Result<Sight> {
    let connection = TcpStream::connect(server).await.with_context(|| format!("connecting to {server}"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(connection)).await?;
    let driver = tokio::spawn(connection);
    let accept = if page.content_type.starts_with("text/html") { "text/html" } else { page.content_type };
    let request = Request::builder()
        .method(page.method)
        .uri(page.path)
        .header(HOST, server.to_string())
        .header(ACCEPT, accept)
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await.with_context(|| format!("asking {server} for {}", page.path))?;
    let (head, mut rest) = response.into_parts();
    let mut body = Vec::new();
    let mut cut = false;
    while let Some(frame) = rest.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(piece)) => body.extend_from_slice(&piece),
            Ok(Err(_trailers)) => {}
            Err(_broken_off) => {
                cut = true;
                break;
            }
        }
    }
    driver.abort();
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Sight { status: head.status, fields: head.headers, body, cut })
}
