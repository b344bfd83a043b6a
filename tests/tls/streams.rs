//! HTTP/2: containment stream by stream, and the way of fields between the versions.

use std::pin::Pin;

use bytes::Bytes;
use cofferdam::{
    app::{AppSettings, Service},
    upstream::Protocol,
};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::support::{Application, Authority, Speaks, Visitor, front, proxy::leaks, settings, start, start_shielded};

async fn proxied() -> (Application, Service, Visitor) {
    let application = Application::start(Speaks::Http1).await;
    let authority = Authority::new();
    let service = start(AppSettings { tls: Some(front(&authority)), ..settings(application.address) });
    let visitor = Visitor::tls(&service, &authority.roots());
    (application, service, visitor)
}

#[tokio::test]
async fn a_leak_is_replaced_or_masked_as_in_http1() {
    let (_application, service, visitor) = proxied().await;
    for path in ["/replaced", "/masked", "/large"] {
        let plain = Visitor::plain(&service).get(path).await.unwrap();
        for visitor in [visitor.clone(), visitor.clone().http2()] {
            let seen = visitor.get(path).await.unwrap();
            assert_eq!(seen.status, plain.status, "{path}");
            assert!(seen.broken.is_none() && seen.headers.contains_key("date"));
            if path != "/replaced" {
                assert_eq!(seen.body, plain.body, "{path}");
            }
        }
    }
    let replaced = visitor.clone().http2().get("/replaced").await.unwrap();
    assert!(replaced.status >= 400 && replaced.headers.contains_key("incident-id"));
    let masked = visitor.http2().get("/masked").await.unwrap();
    assert!(String::from_utf8_lossy(&masked.body).contains("[redacted"));
    assert_ne!(masked.body, leaks().masked.1);
}

/// Asks for paths on one connection of HTTP/2, at the same time if wanted.
async fn asking(visitor: Visitor) -> impl Fn(&str) -> ResponseFuture {
    let stream = visitor.http2().handshake().await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    move |path| {
        let request = Request::get(format!("https://localhost{path}")).body(Empty::<Bytes>::new()).unwrap();
        Box::pin(sender.clone().send_request(request))
    }
}

type ResponseFuture = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>> + Send>>;

#[tokio::test]
async fn a_severed_stream_is_reset_and_the_others_go_on() {
    let (_application, _service, visitor) = proxied().await;
    let ask = asking(visitor.clone()).await;
    let (severed, large) = tokio::join!(ask("/severed"), ask("/large"));
    let (severed, large) = tokio::join!(severed.unwrap().collect(), large.unwrap().collect());
    let reset = std::error::Error::source(&severed.unwrap_err()).unwrap().to_string();
    assert!(reset.contains("unexpected internal error"), "{reset}");
    assert_eq!(large.unwrap().to_bytes().len(), 1_300_000);
    assert_eq!(ask("/").await.unwrap().status(), 200);
    let seen = visitor.get("/severed").await.unwrap();
    assert!(seen.broken.is_some(), "nor is it a clean end in HTTP/1.1");
}

#[tokio::test]
async fn bodies_and_cookies_in_pieces_arrive_as_one() {
    let (_application, _service, visitor) = proxied().await;
    let visitor = visitor.http2();
    let mut request = visitor.request("/mirror", Bytes::from(vec![b'.'; 1_000_000]));
    for cookie in ["a=1", "b=2"] {
        request.headers_mut().append("cookie", cookie.parse().unwrap());
    }
    let seen = visitor.ask(request).await.unwrap();
    let said = String::from_utf8(seen.body.to_vec()).unwrap();
    assert!(said.contains("cookie: a=1; b=2\n"), "{said}");
    assert!(said.ends_with("\n1000000 bytes"), "{said}");
}

#[tokio::test]
async fn behind_the_shield_requests_are_whole_and_responses_the_same_by_either_version() {
    for (speaks, protocol) in [(Speaks::Http1, Protocol::Http1), (Speaks::Http2, Protocol::Http2)] {
        let application = Application::start(speaks).await;
        let authority = Authority::new();
        let mut settings = AppSettings { tls: Some(front(&authority)), ..settings(application.address) };
        settings.upstream.protocol = protocol;
        let service = start_shielded(settings);
        let visitor = Visitor::tls(&service, &authority.roots()).http2();
        let request = visitor.request("/mirror", Bytes::from(vec![b'.'; 1_000_000]));
        let said = String::from_utf8(visitor.ask(request).await.unwrap().body.to_vec()).unwrap();
        assert!(said.contains("content-length: 1000000\n") && said.ends_with("\n1000000 bytes"), "{said}");
        assert_eq!(visitor.get("/large").await.unwrap().body.len(), 1_300_000);
        assert!(visitor.get("/severed").await.unwrap().broken.is_some());
    }
}

#[tokio::test]
async fn nothing_is_connected_through() {
    let (_application, _service, visitor) = proxied().await;
    let visitor = visitor.http2();
    let mut connect = visitor.request("/", Bytes::new());
    *connect.method_mut() = http::Method::CONNECT;
    *connect.uri_mut() = "localhost:443".parse().unwrap();
    assert!(visitor.ask(connect).await.is_ok_and(|seen| seen.status == 405));
    let mut websocket = visitor.request("/", Bytes::new());
    *websocket.method_mut() = http::Method::CONNECT;
    websocket.extensions_mut().insert(hyper::ext::Protocol::from_static("websocket"));
    assert!(visitor.ask(websocket).await.is_err());
    assert_eq!(visitor.get("/").await.unwrap().version, Version::HTTP_2);
}

#[tokio::test]
async fn a_stream_that_nobody_takes_from_is_reset_and_the_others_go_on() {
    let application = Application::start(Speaks::Http1).await;
    let authority = Authority::new();
    let mut settings = AppSettings { tls: Some(front(&authority)), ..settings(application.address) };
    settings.connections.write_timeout = std::time::Duration::from_millis(100);
    let service = start(settings);
    let stream = Visitor::tls(&service, &authority.roots()).http2().handshake().await.unwrap();
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(16 * 1024);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let ask = |path: &str| Request::get(format!("https://localhost{path}")).body(Empty::<Bytes>::new()).unwrap();
    let large = sender.send_request(ask("/large")).await.unwrap();
    let mut cut = false;
    while !cut {
        assert_eq!(sender.send_request(ask("/")).await.unwrap().status(), 200);
        let metrics = String::from_utf8(service.metrics().render().unwrap()).unwrap();
        cut = metrics.contains("cofferdam_connection_abuses_total{reason=\"slow-read\"} 1");
    }
    assert!(large.collect().await.is_err());
}

#[tokio::test]
async fn who_takes_back_one_request_after_the_other_is_let_go() {
    let application = Application::start(Speaks::Http1).await;
    let authority = Authority::new();
    let service = start(AppSettings { tls: Some(front(&authority)), ..settings(application.address) });
    let stream = Visitor::tls(&service, &authority.roots()).http2().handshake().await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let ended = tokio::spawn(connection);
    let silent = || Request::get("https://localhost/silent").body(Empty::<Bytes>::new()).unwrap();
    while sender.ready().await.is_ok() {
        let asked = sender.send_request(silent());
        // Long enough for the request to leave, if it can.
        let _taken_back = tokio::time::timeout(std::time::Duration::from_millis(2), asked).await;
    }
    drop(ended.await.unwrap());
    let patient = Visitor::tls(&service, &authority.roots()).http2();
    assert_eq!(patient.get("/").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_waits_for_its_turn_and_not_for_ever() {
    let application = Application::start(Speaks::Http1).await;
    let authority = Authority::new();
    let mut settings = AppSettings { tls: Some(front(&authority)), ..settings(application.address) };
    settings.workers = 1;
    settings.connections.max_connections = 1;
    settings.connections.head_timeout = std::time::Duration::from_millis(200);
    let service = start(settings);
    let ask = asking(Visitor::tls(&service, &authority.roots())).await;
    let silent = tokio::spawn(ask("/silent"));
    let refused = loop {
        // Until the silent one has taken the only turn, others are answered.
        let response = ask("/").await.unwrap();
        if response.status() != 200 {
            break response;
        }
    };
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("incident-id") && refused.headers().contains_key("retry-after"));
    silent.abort();
    while ask("/").await.unwrap().status() != 200 {}
}
