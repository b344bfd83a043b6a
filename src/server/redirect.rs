//! What clients without TLS are answered where everyone is to come by TLS: 308 to the same place.

use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header, uri::Authority};
use http_body_util::Empty;

use super::{Abuse, Connection, Service, Upload};
use crate::{
    incident::Mode,
    request::{self, GuardPolicy, Peer, RequestHead},
};

/// Sends everyone to TLS on `port`. Connections are counted by `counter`.
#[derive(Debug)]
pub(crate) struct Redirect<S> {
    port: u16,
    counter: Rc<S>,
}

impl<S: Service> Redirect<S> {
    pub(crate) fn new(port: u16, counter: Rc<S>) -> Self {
        Self { port, counter }
    }
}

impl<S: Service> Service for Redirect<S> {
    type Body = Empty<Bytes>;

    async fn call(&self, request: Request<Upload>, _: &Rc<Connection>) -> Response<Empty<Bytes>> {
        let http::request::Parts { method, uri, version, headers, .. } = request.into_parts().0;
        answer(&RequestHead { method, uri, version, headers }, self.port)
    }

    fn overloaded(&self, _: Request<Upload>, _: &Rc<Connection>) -> Response<Empty<Bytes>> {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }

    fn unread(&self, connection: &Connection, status: StatusCode) -> Response<Bytes> {
        self.counter.unread(connection, status)
    }

    fn connected(&self, open: bool) {
        self.counter.connected(open);
    }

    fn abused(&self, peer: Peer, abuse: Abuse) {
        self.counter.abused(peer, abuse);
    }
}

fn answer(head: &RequestHead, port: u16) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = match request::check(head, &only_http(), &mut Vec::new()) {
        Err(objection) => objection.status,
        Ok(()) => match location(head, port) {
            Some(location) => {
                response.headers_mut().insert(header::LOCATION, location);
                StatusCode::PERMANENT_REDIRECT
            }
            None => StatusCode::BAD_REQUEST,
        },
    };
    response
}

/// What is not acceptable HTTP is refused; everything else is judged where it is sent to.
fn only_http() -> GuardPolicy {
    let mut policy = GuardPolicy::default();
    (policy.methods.mode, policy.limits.mode, policy.endpoints.mode) = (Mode::Off, Mode::Off, Mode::Off);
    policy
}

/// The place asked for, at the host asked for and no other.
fn location(head: &RequestHead, port: u16) -> Option<HeaderValue> {
    let field = || Authority::try_from(head.headers.get(header::HOST)?.as_bytes()).ok();
    let authority = head.uri.authority().cloned().or_else(field)?;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path } else { "/" };
    let host = authority.host();
    let location = if port == 443 { format!("https://{host}{path}") } else { format!("https://{host}:{port}{path}") };
    HeaderValue::try_from(location).ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, Version};

    use super::*;

    fn redirected(method: Method, target: &str, host: Option<&str>, port: u16) -> (u16, String) {
        let mut headers = HeaderMap::new();
        headers.extend(host.map(|host| (header::HOST, host.try_into().unwrap())));
        let head = RequestHead { method, uri: target.parse().unwrap(), version: Version::HTTP_11, headers };
        let response = answer(&head, port);
        let location = response.headers().get(header::LOCATION).map_or("", |value| value.to_str().unwrap());
        (response.status().as_u16(), location.to_owned())
    }

    #[test]
    fn everyone_is_sent_to_the_place_asked_for() {
        for (target, host, port, wanted) in [
            ("/a?b=c", "example.org", 443, "https://example.org/a?b=c"),
            ("/", "example.org:8080", 443, "https://example.org/"),
            ("/", "example.org:8080", 8443, "https://example.org:8443/"),
            ("/", "[::1]:80", 8443, "https://[::1]:8443/"),
            ("//evil.example/", "example.org", 443, "https://example.org//evil.example/"),
            ("http://example.org/x", "other.example", 443, "https://example.org/x"),
        ] {
            assert_eq!(redirected(Method::POST, target, Some(host), port), (308, wanted.to_owned()));
        }
        assert_eq!(redirected(Method::OPTIONS, "*", Some("a"), 443).1, "https://a/");
    }

    #[test]
    fn nobody_is_sent_anywhere_by_what_is_not_acceptable() {
        for host in [None, Some(""), Some("user@evil"), Some("a/b"), Some("a b"), Some("a\\b"), Some("a:x")] {
            assert_eq!(redirected(Method::GET, "/", host, 443), (400, String::new()), "{host:?}");
        }
        assert_eq!(redirected(Method::TRACE, "/", Some("a"), 443).0, 405);
    }
}
