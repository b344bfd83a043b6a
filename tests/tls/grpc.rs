//! gRPC by HTTP/2 on both sides: messages and trailers pass, leaks become a status.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use cofferdam::{
    app::{AppSettings, Service},
    upstream::Protocol,
};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::support::{
    Application, Authority, Seen, Speaks, Visitor, application::message, front, proxy::leaks, settings, start,
};

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
async fn a_message_that_cannot_be_read_does_not_pass() {
    let (_application, _service, visitor) = proxied().await;
    let seen = call(&visitor, "/grpc/compressed").await;
    assert_eq!((&seen.headers["grpc-status"], seen.body.len()), (&http::HeaderValue::from_static("13"), 0));
}

#[tokio::test]
async fn each_message_of_a_conversation_arrives_before_the_next_is_said() {
    let (_application, _service, visitor) = proxied().await;
    let stream = visitor.handshake().await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (say, said) = tokio::sync::mpsc::unbounded_channel();
    let request = http::Request::post("https://localhost/grpc/echo").header("content-type", "application/grpc");
    // The head alone comes, too, though nothing has been said.
    let mut response = sender.send_request(request.body(Said(said)).unwrap()).await.unwrap();
    for text in ["hello", "is anyone there?", &"x".repeat(100_000), "good bye"] {
        let wanted = message(text.as_bytes());
        say.send(Bytes::from(wanted.clone())).unwrap();
        let mut heard = Vec::new();
        while heard.len() < wanted.len() {
            heard.extend_from_slice(&response.frame().await.unwrap().unwrap().into_data().unwrap());
        }
        assert_eq!(heard, wanted);
    }
    say.send(Bytes::from(message(leaks().replaced.1.as_bytes()))).unwrap();
    assert!(response.collect().await.is_err(), "a leak in a conversation ends it");
}

/// A body of what is said while it is sent.
struct Said(tokio::sync::mpsc::UnboundedReceiver<Bytes>);

impl http_body::Body for Said {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|said| said.map(|said| Ok(Frame::data(said))))
    }
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
