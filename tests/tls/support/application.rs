//! The application behind the proxy: healthy pages, leaks by path, and a mirror of the request.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ServerConfig, crypto::ring, server::WebPkiClientVerifier};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::{Authority, proxy::leaks};

/// What the application speaks.
#[derive(Clone)]
pub(crate) enum Speaks {
    Http1,
    Http2,
    /// TLS, and HTTP/2 on it if that is agreed on.
    Tls(Arc<ServerConfig>),
}

/// A running application. It ends when this is dropped.
pub(crate) struct Application {
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Speaks {
    /// TLS for `localhost`, offering `protocols`; clients must show a certificate if `authenticated`.
    pub(crate) fn tls(authority: &Authority, protocols: &[&[u8]], authenticated: bool) -> Self {
        let (chain, key) = authority.identity(&["localhost"]);
        let provider = Arc::new(ring::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(authority.roots(), provider.clone());
        let verifier =
            if authenticated { builder.build().unwrap() } else { builder.allow_unauthenticated().build().unwrap() };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Self::Tls(Arc::new(config))
    }
}

impl Application {
    pub(crate) async fn start(speaks: Speaks) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, speaks.clone()));
            }
        });
        Self { address, accepting }
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(stream: TcpStream, speaks: Speaks) {
    match speaks {
        Speaks::Http1 => serve_on(stream, false).await,
        Speaks::Http2 => serve_on(stream, true).await,
        Speaks::Tls(config) => {
            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                serve_on(stream, http2).await;
            }
        }
    }
}

async fn serve_on(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, http2: bool) {
    let io = TokioIo::new(stream);
    let _ended = match http2 {
        true => http2::Builder::new(TokioExecutor::new()).serve_connection(io, service_fn(answer)).await,
        false => http1::Builder::new().serve_connection(io, service_fn(answer)).await,
    };
}

async fn answer(request: Request<Incoming>) -> Result<Response<Pieces>, Infallible> {
    let leaks = leaks();
    Ok(match request.uri().path() {
        "/replaced" => page(leaks.replaced.0, &leaks.replaced.1),
        "/masked" => page(leaks.masked.0, &leaks.masked.1),
        "/severed" => page(leaks.severed.0, &leaks.severed.1),
        "/large" => page(200, &"All is well. ".repeat(100_000)),
        "/silent" => std::future::pending().await,
        "/mirror" => mirror(request).await,
        "/grpc" => grpc(b"\0\0\0\0\x02ok", &[("grpc-status", "0")]),
        "/grpc/compressed" => grpc(b"\x01\0\0\0\x02ok", &[("grpc-status", "0")]),
        "/grpc/echo" => echo(request),
        "/grpc/leak" => grpc(&message(leaks.replaced.1.as_bytes()), &[("grpc-status", "0")]),
        "/grpc/trailers" => grpc(b"\0\0\0\0\x02ok", &[("grpc-status", "2"), ("grpc-message", &leaks.masked.1)]),
        _ => page(200, "All is well."),
    })
}

fn page(status: u16, text: &str) -> Response<Pieces> {
    let pieces = text.as_bytes().chunks(16 * 1024).map(|piece| Frame::data(Bytes::copy_from_slice(piece)));
    let mut response = Response::new(Pieces::Made(pieces.collect()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Says what came, a line for each field, and the body.
async fn mirror(request: Request<Incoming>) -> Response<Pieces> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut text = format!("{} {} {:?}\n", parts.method, parts.uri, parts.version);
    for (name, value) in &parts.headers {
        text += &format!("{name}: {}\n", value.to_str().unwrap());
    }
    let mut response = page(200, &format!("{text}\n{} bytes", body.len()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

fn grpc(message: &[u8], trailers: &[(&'static str, &str)]) -> Response<Pieces> {
    let mut fields = HeaderMap::new();
    for (name, value) in trailers {
        fields.insert(*name, HeaderValue::from_str(&value.replace(['\r', '\n'], " ")).unwrap());
    }
    let message = Frame::data(Bytes::copy_from_slice(message));
    let mut response = Response::new(Pieces::Made(VecDeque::from([message, Frame::trailers(fields)])));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// A message with its prefix.
pub(crate) fn message(bytes: &[u8]) -> Vec<u8> {
    [&[0], &u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// Each message goes back as it comes, and the head at once.
fn echo(request: Request<Incoming>) -> Response<Pieces> {
    let mut response = Response::new(Pieces::Echo(request.into_body()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// A body, frame by frame.
pub(crate) enum Pieces {
    Made(VecDeque<Frame<Bytes>>),
    Echo(Incoming),
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Made(frames) => Poll::Ready(frames.pop_front().map(Ok)),
            Self::Echo(incoming) => Pin::new(incoming).poll_frame(cx).map(|frame| frame.and_then(Result::ok).map(Ok)),
        }
    }
}
