//! The operator's listener, by default reachable from this machine only.
//!
//! | endpoint | answer |
//! |---|---|
//! | `GET /metrics` | every metric, in Prometheus' text format |
//! | `GET /live` | 200 while the process can answer at all |
//! | `GET /ready` | 200 while new requests are welcome, 503 while it drains |
//! | `GET /version` | name and version as JSON |
//!
//! It shows no configuration, no environment and nothing of any exchange.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{sync::watch, task::spawn_local};

use crate::{metrics::Metrics, server::Bound};

/// What the endpoints show.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pub(crate) metrics: Metrics,
    /// Whether the service has been told to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Ample for a scraper and a few probes.
const HEAD_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Serves for ever. To be run on a runtime of its own, so that no amount of traffic keeps it from answering.
pub(crate) async fn serve(bound: Bound, admin: Admin) -> std::io::Result<()> {
    let listener = bound.start()?;
    let admin = Arc::new(admin);
    loop {
        // What failed to be accepted is the peer's affair, or passes.
        let Ok(accepted) = listener.accept().await else {
            tokio::time::sleep(crate::server::TICK).await;
            continue;
        };
        let admin = admin.clone();
        let answers = service_fn(move |request| {
            let response = admin.answer(&request);
            async move { Ok::<_, Infallible>(response) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(16 * 1024);
        let connection = builder.serve_connection(TokioIo::new(accepted.into_duplex()), answers);
        drop(spawn_local(async move {
            // A probe that hangs up early is no news.
            let _ended = connection.await;
        }));
    }
}

impl Admin {
    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        }
        match request.uri().path() {
            "/metrics" => self.metrics(),
            "/live" => plain(StatusCode::OK, "live\n"),
            "/ready" if *self.stopping.borrow() => plain(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
            "/ready" => plain(StatusCode::OK, "ready\n"),
            "/version" => typed(
                StatusCode::OK,
                "application/json",
                concat!(r#"{"name":"cofferdam","version":""#, env!("CARGO_PKG_VERSION"), "\"}\n"),
            ),
            _ => plain(StatusCode::NOT_FOUND, "/metrics /live /ready /version\n"),
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        match self.metrics.render() {
            Ok(text) => typed(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text),
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be encoded\n"),
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", text)
}

fn typed(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: Method, path: &str, stopping: bool) -> u16 {
        let (sender, receiver) = watch::channel(stopping);
        let metrics = Metrics::new(prometheus::Registry::new()).unwrap();
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        let status = Admin { metrics, stopping: receiver }.answer(&request).status().as_u16();
        drop(sender);
        status
    }

    #[test]
    fn every_endpoint_answers() {
        for path in ["/metrics", "/live", "/ready", "/version"] {
            assert_eq!(status(Method::GET, path, false), 200, "{path}");
            assert_eq!(status(Method::POST, path, false), 405, "{path}");
        }
        assert_eq!(status(Method::GET, "/env", false), 404);
    }

    #[test]
    fn a_stopping_service_is_live_but_not_ready() {
        assert_eq!(status(Method::GET, "/ready", true), 503);
        assert_eq!(status(Method::GET, "/live", true), 200);
    }
}
