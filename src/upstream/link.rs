//! One connection to the application: HTTP/1.1, driven by whoever reads from it, or hyper's HTTP/2, driven by tasks of
//! its own. Either carries one exchange at a time.

use http::{Method, Request, response, uri::Scheme};
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;

use super::{
    Fault, RequestBody,
    body::Source,
    connect::Spoken,
    framing,
    http1::{Http1, Scratch},
    http2::{self as version2, Tasks},
    io::{Allowance, Stream, UpstreamIo},
};

/// A connection. Dropping it closes it, whatever it is doing.
#[derive(Debug)]
pub(super) enum Link {
    Http1(Box<Http1>),
    Http2(Box<Http2>),
}

#[derive(Debug)]
pub(super) struct Http2 {
    sender: http2::SendRequest<RequestBody>,
    scheme: Scheme,
    tasks: Tasks,
    allowance: Allowance,
    max_head: usize,
}

/// A request that was not answered.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) again: Option<Again>,
}

/// A request that is still there, from its beginning.
#[derive(Debug)]
pub(super) enum Again {
    /// The application cannot have seen any of it.
    Unsent(Box<Request<RequestBody>>),
    /// It may have, but is the same to do it twice (RFC 9110 section 9.2.2).
    Repeatable(Box<Request<RequestBody>>),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, again: None }
    }
}

impl Link {
    pub(super) async fn open(
        (stream, spoken): (Stream, Spoken),
        scratch: Scratch,
        max_head: usize,
    ) -> Result<Self, Fault> {
        match spoken {
            Spoken::Http1 => Ok(Self::Http1(Box::new(Http1::new(stream, scratch, max_head)))),
            Spoken::Http2 => Ok(Self::Http2(Box::new(Http2::start(stream, max_head).await?))),
        }
    }

    /// Whether another request may be sent.
    pub(super) fn is_ready(&mut self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_idle(),
            Self::Http2(connection) => connection.sender.is_ready(),
        }
    }
}

impl Http2 {
    async fn start(stream: Stream, max_head: usize) -> Result<Self, Fault> {
        let (allowance, tasks) = (Allowance::new(), Tasks::default());
        let scheme = if matches!(stream, Stream::Tls(_)) { Scheme::HTTPS } else { Scheme::HTTP };
        let io = TokioIo::new(UpstreamIo::new(stream, allowance.clone()));
        let (sender, connection) = version2::builder(tasks.clone(), max_head).handshake(io).await?;
        tasks.spawn(async move {
            // How the connection ended is told to whoever awaits its answer.
            let _ended = connection.await;
        });
        Ok(Self { sender, scheme, tasks, allowance, max_head: max_head + version2::READ_AHEAD })
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&mut self, request: Request<RequestBody>) -> Result<(response::Parts, Source), Failure> {
        self.allowance.begin(self.max_head);
        let spare = copy(&request);
        let result = self.sender.try_send_request(version2::from_http1(request, &self.scheme)).await;
        self.allowance.end();
        let response = result.map_err(|mut error| {
            let unsent = error.take_message().map(version2::to_http1).map(Box::new);
            let fault = Fault::from(error.into_error());
            let spare = spare.filter(|_| matches!(fault, Fault::Closed)).map(Again::Repeatable);
            Failure { fault, again: unsent.map(Again::Unsent).or(spare) }
        })?;
        let (head, incoming) = response.into_parts();
        if framing::end(&head).is_none() {
            return Err(Fault::Malformed.into());
        }
        Ok((head, Source::Http2(incoming)))
    }
}

/// A copy to send again if the connection turns out to be closing.
fn copy(request: &Request<RequestBody>) -> Option<Box<Request<RequestBody>>> {
    if !is_repeatable(request.method()) || !request.body().is_empty() {
        return None;
    }
    let mut copy = Request::new(RequestBody::Empty);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(Box::new(copy))
}

/// Whether a request without a body changes nothing (RFC 9110 section 9.2.1).
pub(super) fn is_repeatable(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}
