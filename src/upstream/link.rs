//! One connection to the application: hyper's HTTP/1.1 or HTTP/2 on it, driven by tasks of its own. Either carries
//! one exchange at a time.

use bytes::Bytes;
use http::{Request, Response, uri::Scheme};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::TokioIo;
use tokio::{
    sync::oneshot,
    task::{AbortHandle, spawn_local},
};

use super::{
    Fault, RequestBody,
    connect::Spoken,
    http2::{self as version2, Tasks},
    io::{Allowance, Stream, UpstreamIo},
};

/// A connection. Dropping it closes it, whatever it is doing.
#[derive(Debug)]
pub(super) struct Link {
    sender: Sender,
    allowance: Allowance,
    max_head: usize,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<RequestBody>, AbortHandle),
    Http2(http2::SendRequest<RequestBody>, Scheme, Tasks),
}

/// Where a connection arrives that has switched protocols: its stream, and what the upstream has already sent.
pub(crate) type Switched = oneshot::Receiver<(Stream, Bytes)>;

/// A request that was not answered, and whether it is still there, unwritten.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) unsent: Option<Box<Request<RequestBody>>>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, unsent: None }
    }
}

impl Link {
    pub(super) async fn open((stream, spoken): (Stream, Spoken), max_head: usize) -> Result<Self, Fault> {
        match spoken {
            Spoken::Http1 => Self::start(stream, max_head, None).await,
            Spoken::Http2 => Self::start_http2(stream, max_head).await,
        }
    }

    pub(super) async fn open_for_switch(stream: Stream, max_head: usize) -> Result<(Self, Switched), Fault> {
        let (sender, receiver) = oneshot::channel();
        Ok((Self::start(stream, max_head, Some(sender)).await?, receiver))
    }

    async fn start(
        stream: Stream,
        max_head: usize,
        switch: Option<oneshot::Sender<(Stream, Bytes)>>,
    ) -> Result<Self, Fault> {
        let allowance = Allowance::new();
        let io = TokioIo::new(UpstreamIo::new(stream, allowance.clone()));
        let mut builder = http1::Builder::new();
        builder.max_buf_size(max_head).max_header_size(max_head);
        let (sender, connection) = builder.handshake(io).await?;
        let driver = spawn_local(async move {
            // How the connection ended is told to whoever awaits its answer.
            let Ok(parts) = connection.without_shutdown().await else { return };
            if let Some(switch) = switch {
                // Nobody waits any more if the client has gone meanwhile.
                let _gone = switch.send((parts.io.into_inner().into_inner(), parts.read_buf));
            }
        });
        Ok(Self { sender: Sender::Http1(sender, driver.abort_handle()), allowance, max_head })
    }

    async fn start_http2(stream: Stream, max_head: usize) -> Result<Self, Fault> {
        let (allowance, tasks) = (Allowance::new(), Tasks::default());
        let scheme = if matches!(stream, Stream::Tls(_)) { Scheme::HTTPS } else { Scheme::HTTP };
        let io = TokioIo::new(UpstreamIo::new(stream, allowance.clone()));
        let (sender, connection) = version2::builder(tasks.clone(), max_head).handshake(io).await?;
        tasks.spawn(async move {
            // As above.
            let _ended = connection.await;
        });
        Ok(Self { sender: Sender::Http2(sender, scheme, tasks), allowance, max_head: max_head + version2::READ_AHEAD })
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&mut self, request: Request<RequestBody>) -> Result<Response<Incoming>, Failure> {
        self.allowance.begin(self.max_head);
        let result = match &mut self.sender {
            Sender::Http1(sender, _) => sender.try_send_request(request).await,
            Sender::Http2(sender, scheme, _) => sender.try_send_request(version2::from_http1(request, scheme)).await,
        };
        self.allowance.end();
        result.map_err(|mut error| {
            let unsent = error.take_message().map(version2::to_http1).map(Box::new);
            Failure { fault: error.into_error().into(), unsent }
        })
    }

    /// Whether another request may be sent.
    pub(super) fn is_ready(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender, _) => sender.is_ready(),
            Sender::Http2(sender, ..) => sender.is_ready(),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        match &self.sender {
            Sender::Http1(_, driver) => driver.abort(),
            Sender::Http2(.., tasks) => tasks.abort(),
        }
    }
}
