//! The leaky application of the demonstration: an HTTP/1.1 origin on a free loopback port.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, SERVER, SET_COOKIE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::pages::{self, Page, Secrets};

/// A running leaky application. It ends when this is dropped.
#[derive(Debug)]
pub struct LeakyApplication {
    /// Where it listens.
    pub address: SocketAddr,
    /// The secrets it gives away.
    pub secrets: Arc<Secrets>,
    accepting: JoinHandle<()>,
}

impl LeakyApplication {
    /// Starts the application on a free port of 127.0.0.1, with newly made-up secrets.
    ///
    /// # Errors
    /// When no loopback port can be bound.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let secrets = Arc::new(Secrets::made_up());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&secrets)));
        Ok(Self { address, secrets, accepting })
    }
}

impl Drop for LeakyApplication {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, secrets: Arc<Secrets>) {
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(serve(connection, Arc::clone(&secrets)));
    }
}

async fn serve(connection: TcpStream, secrets: Arc<Secrets>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&request, &secrets);
        async move { Ok::<_, Infallible>(answer) }
    });
    // A visitor who breaks off is no event for an application that is only shown.
    let _ended = http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
}

fn answer<B>(request: &Request<B>, secrets: &Secrets) -> Response<Pieces> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    match pages::find(request.method().as_str(), target) {
        Some(page) => shown(page, secrets),
        None if matches!(*request.method(), Method::GET | Method::HEAD) => plain(StatusCode::NOT_FOUND, "Not found\n"),
        None => {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
    }
}

fn shown(page: &Page, secrets: &Secrets) -> Response<Pieces> {
    let pieces = page.body(secrets);
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let mut response = Response::new(Pieces(pieces));
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::OK);
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    fields.insert(SERVER, HeaderValue::from_static("Werkzeug/3.0.1 Python/3.11.7"));
    if !page.streams() {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    for cookie in page.cookies {
        fields.append(SET_COOKIE, HeaderValue::from_static(cookie));
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Pieces> {
    let mut response = Response::new(Pieces(VecDeque::from([Bytes::from_static(text.as_bytes())])));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
    response
}

/// A body written one piece at a time.
#[derive(Debug)]
struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, target: &str) -> Response<Pieces> {
        let request = Request::builder().method(method).uri(target).body(()).expect("the request is valid");
        answer(&request, &Secrets::made_up())
    }

    #[test]
    fn every_page_answers_with_its_status() {
        for page in &pages::PAGES {
            assert_eq!(ask(page.method, page.path).status(), page.status, "{}", page.path);
        }
    }

    #[test]
    fn an_unknown_page_and_an_unknown_method_are_refused() {
        assert_eq!(ask("GET", "/nowhere").status(), StatusCode::NOT_FOUND);
        assert_eq!(ask("DELETE", "/").status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn cookies_are_bare_on_purpose() {
        let response = ask("GET", "/login");
        assert_eq!(response.headers().get_all(SET_COOKIE).iter().count(), 2);
        assert!(response.headers().get_all(SET_COOKIE).iter().all(|cookie| !cookie.as_bytes().contains(&b'H')));
    }

    #[tokio::test]
    async fn it_listens_until_it_is_dropped() {
        let application = LeakyApplication::start().await.expect("a port is free");
        assert!(application.address.ip().is_loopback());
        TcpStream::connect(application.address).await.expect("it listens");
    }
}
