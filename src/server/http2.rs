//! HTTP/2 on one client connection (RFC 9113): the streams, what each and all of them may hold, their ends.
//!
//! Every stream is an exchange of its own, with deadlines of its own; what the exchange sees is what it sees of
//! HTTP/1.1. At worst a connection holds, beside what its exchanges hold back (see `inspect.hold`),
//! [`CONNECTION_WINDOW`] bytes of request bodies, and for each of [`MAX_STREAMS`] streams [`SEND_BUFFER`] bytes of
//! response and a request head: about 16 MiB. All connections of a worker together have no more exchanges at a time
//! than it may have connections.

use std::{
    cell::RefCell,
    convert::Infallible,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header::COOKIE};
use http_body::{Body, Frame, SizeHint};
use hyper::{body::Incoming, rt::Executor, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_local,
};

use super::{
    Abuse, ConnectionSettings, Service,
    clock::Clock,
    connection::{Connection, Driven, drive, report},
    listener::Duplex,
    upload::Upload,
};

/// The most streams at a time. Browsers open fewer than 100; RFC 9113 section 6.5.2 advises not to allow less.
const MAX_STREAMS: u32 = 128;

/// Bytes of one request body that are read ahead.
const STREAM_WINDOW: u32 = 128 * 1024;

/// Bytes of all request bodies of a connection that are read ahead.
const CONNECTION_WINDOW: u32 = 512 * 1024;

/// Bytes of one response body that wait for the client.
const SEND_BUFFER: usize = 64 * 1024;

/// Frames are no larger, so that no stream waits long for another.
const FRAME: u32 = 16 * 1024;

/// A connection without a sign of life is asked for one after so long, and closed after so long again. It is how a
/// client that has vanished during a long answer is found out.
const PING: Duration = Duration::from_secs(20);

/// Serves one connection to its end.
pub(super) async fn serve<D: Duplex, S: Service>(
    duplex: D,
    connection: Rc<Connection>,
    clock: &Clock,
    service: Rc<S>,
    exchanges: Arc<Semaphore>,
) {
    connection.begin_http2();
    let streams = Streams { service: service.clone(), next: Rc::default() };
    let calls = service_fn(|request| {
        let stream = Rc::new(Connection::stream_of(&connection, clock));
        streams.next.replace(Some(stream.clone()));
        answer(request, stream, service.clone(), exchanges.clone())
    });
    let builder = builder(streams.clone(), connection.settings());
    let mut http = Box::pin(builder.serve_connection(TokioIo::new(duplex), calls));
    let end = drive(&mut http, &connection, clock).await;
    report(&end, &connection, &*service);
}

fn builder<S: Service>(streams: Streams<S>, settings: &ConnectionSettings) -> http2::Builder<Streams<S>> {
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_frame_size(FRAME)
        .max_header_list_size(u32::try_from(settings.buffer).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

async fn answer<S: Service>(
    request: Request<Incoming>,
    stream: Rc<Connection>,
    service: Rc<S>,
    exchanges: Arc<Semaphore>,
) -> Result<http::Response<Response<S::Body>>, Infallible> {
    let mut request = request.map(Upload::Http2);
    let unsettled = Unsettled(&stream);
    join_cookies(request.headers_mut());
    let response = match turn(&stream, exchanges).await {
        Some(turn) => {
            stream.take_turn(turn);
            service.call(request, &stream).await
        }
        None => service.overloaded(request, &stream),
    };
    unsettled.answered();
    stream.await_client();
    Ok(response.map(|body| Response { body, stream }))
}

/// A turn, if there is one before a request's head would have had to be there.
async fn turn(stream: &Connection, exchanges: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    let deadline = &stream.exchange_deadline;
    deadline.set(stream.settings().head_timeout);
    let turn = deadline.bound(exchanges.acquire_owned()).await;
    deadline.clear();
    // The semaphore is never closed.
    turn?.ok()
}

/// A request that is dropped before it is answered was taken back.
struct Unsettled<'a>(&'a Connection);

impl Unsettled<'_> {
    fn answered(self) {
        self.0.settle(true);
        std::mem::forget(self);
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        self.0.settle(false);
    }
}

/// HTTP/2 clients may cut `Cookie` in pieces; HTTP/1.1 and its applications know one (RFC 9113 section 8.2.3).
fn join_cookies(fields: &mut HeaderMap) {
    let pieces: Vec<_> = fields.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1
        && let Ok(whole) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        fields.insert(COOKIE, whole);
    }
}

/// Runs the streams of a connection, each held to its deadlines.
#[derive(Debug)]
struct Streams<S> {
    service: Rc<S>,
    /// The stream that is to be run next: hyper hands it over in the moment it has asked for its answer.
    next: Rc<RefCell<Option<Rc<Connection>>>>,
}

impl<S> Clone for Streams<S> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), next: self.next.clone() }
    }
}

impl<S: Service, F: Future<Output = ()> + 'static> Executor<F> for Streams<S> {
    fn execute(&self, future: F) {
        let Some(stream) = self.next.take() else {
            drop(spawn_local(future));
            return;
        };
        let service = self.service.clone();
        drop(spawn_local(async move {
            // Dropped before its end, a stream is reset.
            if stream.bound(future).await.is_none() {
                service.abused(stream.peer, Abuse::SlowRead);
            }
        }));
    }
}

/// A response body that notes when it waits for the client: its flow control may stop one stream for ever while the
/// others move.
#[derive(Debug)]
struct Response<B> {
    body: B,
    stream: Rc<Connection>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Response<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.stream.await_application();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.stream.await_client();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<I, B, C, E> Driven for Pin<Box<http2::Connection<I, C, E>>>
where
    C: hyper::service::HttpService<Incoming, ResBody = B>,
    C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<C::Future, B>,
{
    fn take_leave(&mut self) {
        self.as_mut().graceful_shutdown();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_that_came_in_pieces_are_one() {
        let mut fields = HeaderMap::new();
        for piece in ["a=1", "b=2; c=3", "d=4"] {
            fields.append(COOKIE, HeaderValue::from_static(piece));
        }
        join_cookies(&mut fields);
        let joined: Vec<_> = fields.get_all(COOKIE).iter().collect();
        assert_eq!(joined, ["a=1; b=2; c=3; d=4"]);
    }
}
