//! HTTP/2 towards the application (RFC 9113): the settings, the form of requests, the tasks of a connection.

use std::{cell::RefCell, future::Future, rc::Rc};

use http::{
    HeaderValue, Request, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    uri::{PathAndQuery, Scheme},
};
use hyper::{client::conn::http2, rt::Executor};
use tokio::task::JoinSet;

use super::RequestBody;

/// Bytes of a response body that are read ahead.
const WINDOW: u32 = 128 * 1024;

/// Bytes that may come with a head: what is read ahead of the body, and the settings of both sides.
pub(super) const READ_AHEAD: usize = 2 * WINDOW as usize;

/// Bytes of a request body that wait for the application.
const SEND_BUFFER: usize = 64 * 1024;

pub(super) fn builder(tasks: Tasks, max_head: usize) -> http2::Builder<Tasks> {
    let mut builder = http2::Builder::new(tasks);
    builder
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(max_head).unwrap_or(u32::MAX));
    builder
}

/// The target is made whole again with the scheme of the connection and what `Host` says, and the fields of HTTP/1.1
/// connections go.
pub(super) fn from_http1(mut request: Request<RequestBody>, scheme: &Scheme) -> Request<RequestBody> {
    let fields = request.headers_mut();
    for name in [CONNECTION, TRANSFER_ENCODING] {
        fields.remove(name);
    }
    let Some(host) = fields.remove(HOST) else { return request };
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let whole = Uri::builder().scheme(scheme.clone()).authority(host.as_bytes()).path_and_query(path).build();
    if let Ok(whole) = whole {
        *request.uri_mut() = whole;
    }
    *request.version_mut() = Version::HTTP_2;
    request
}

/// Undoes [`from_http1`], for a request that was not sent. One that never was of HTTP/2 stays as it is.
pub(super) fn to_http1(mut request: Request<RequestBody>) -> Request<RequestBody> {
    if request.version() != Version::HTTP_2 {
        return request;
    }
    *request.version_mut() = Version::HTTP_11;
    let host = request.uri().authority().and_then(|host| HeaderValue::try_from(host.as_str()).ok());
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    let unsized_body = !request.body().is_empty() && !request.headers().contains_key(CONTENT_LENGTH);
    let fields = request.headers_mut();
    fields.extend(host.map(|host| (HOST, host)));
    if unsized_body {
        fields.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    request
}

/// The tasks of one connection. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks(Rc<RefCell<JoinSet<()>>>);

impl Tasks {
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        let mut tasks = self.0.borrow_mut();
        while tasks.try_join_next().is_some() {}
        drop(tasks.spawn_local(future));
    }

    /// Ends all of them, and with them the connection.
    pub(super) fn abort(&self) {
        self.0.borrow_mut().abort_all();
    }
}

impl<F: Future<Output = ()> + 'static> Executor<F> for Tasks {
    fn execute(&self, future: F) {
        self.spawn(future);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_not_sent_can_be_sent_by_the_other_version() {
        let request = || Request::get("/a?b").header(HOST, "example.org:81").body(RequestBody::Empty).unwrap();
        let there = from_http1(request(), &Scheme::HTTP);
        assert_eq!(there.uri(), "http://example.org:81/a?b");
        assert!(there.headers().is_empty());
        let back = to_http1(there);
        assert_eq!(
            (back.uri(), back.headers(), back.version()),
            (request().uri(), request().headers(), Version::HTTP_11)
        );
    }
}
