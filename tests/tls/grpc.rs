//! gRPC by HTTP/2 on both sides: messages and trailers pass, leaks become a status.

use bytes::Bytes;
use cofferdam::{
    app::{AppSettings, Service},
    upstream::Protocol,
};

use crate::support::{Application, Authority, Seen, Speaks, Visitor, front, proxy::leaks, settings, start};

async fn proxied() -> (Application, Service, Visitor) {
    let application = Application::start(Speaks::Http2).await;
    let authority = Authority::new();
    let mut settings = AppSettings { tls: Some(front(&authority)), ..settings(application.address) };
    settings.upstream.protocol = Protocol::Http2;
    let service = start(settings);
    let visitor = Visitor::tls(&service, &authority.roots()).http2();
    (application, service, visitor)
}

async fn call(visitor: &Visitor, path: &str) -> Seen {
    let mut request = visitor.request(path, Bytes::from_static(b"\0\0\0\0\x02hi"));
    request.headers_mut().insert("content-type", "application/grpc+proto".parse().unwrap());
    request.headers_mut().insert("te", "trailers".parse().unwrap());
    visitor.ask(request).await.unwrap()
}

#[tokio::test]
async fn a_healthy_call_passes_with_its_trailers() {
    let (_application, _service, visitor) = proxied().await;
    let seen = call(&visitor, "/grpc").await;
    assert_eq!((seen.status, &seen.body[..]), (200, &b"\0\0\0\0\x02ok"[..]));
    assert_eq!(seen.trailers.unwrap()["grpc-status"], "0");
}

#[tokio::test]
async fn a_leak_in_a_message_becomes_a_status_without_a_word() {
    let (_application, _service, visitor) = proxied().await;
    let seen = call(&visitor, "/grpc/leak").await;
    assert_eq!((seen.status, seen.body.len(), seen.trailers), (200, 0, None));
    assert_eq!(seen.headers["grpc-status"], "13");
    assert_eq!(seen.headers["content-type"], "application/grpc");
    assert!(seen.headers.contains_key("incident-id") && !seen.headers.contains_key("grpc-message"));
}

#[tokio::test]
async fn a_leak_in_the_trailers_does_not_pass() {
    let (_application, _service, visitor) = proxied().await;
    let seen = call(&visitor, "/grpc/trailers").await;
    let trailers = seen.trailers.unwrap();
    assert_eq!(trailers["grpc-status"], "2");
    let leak = leaks().masked.1.replace(['\r', '\n'], " ");
    assert!(trailers.get("grpc-message").is_none_or(|message| message.as_bytes() != leak.as_bytes()));
}

#[tokio::test]
async fn an_application_that_is_not_there_is_unavailable() {
    let (application, _service, visitor) = proxied().await;
    drop(application);
    // The listener closes when its task has been told.
    tokio::task::yield_now().await;
    let seen = call(&visitor, "/grpc").await;
    assert_eq!((seen.status, &seen.headers["grpc-status"]), (200, &http::HeaderValue::from_static("14")));
}
