//! One connection to the application: hyper's HTTP/1.1 on it, driven by a task of its own.

use bytes::Bytes;
use http::{Request, Response};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    sync::oneshot,
    task::{AbortHandle, spawn_local},
};

use super::{
    Fault, RequestBody,
    io::{Allowance, Stream, UpstreamIo},
};

/// A connection. Dropping it closes it, whatever it is doing.
#[derive(Debug)]
pub(super) struct Link {
    sender: http1::SendRequest<RequestBody>,
    allowance: Allowance,
    max_head: usize,
    driver: AbortHandle,
}

/// Where a connection arrives that has switched protocols: its stream, and what the upstream has already sent.
pub(crate) type Switched = oneshot::Receiver<(Stream, Bytes)>;

/// A request that was not answered, and whether it is still there, unwritten.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) unsent: Option<Request<RequestBody>>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, unsent: None }
    }
}

impl Link {
    pub(super) async fn open(stream: Stream, max_head: usize) -> Result<Self, Fault> {
        Self::start(stream, max_head, None).await
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
        builder.max_buf_size(max_head).max_headers(256);
        let (sender, connection) = builder.handshake(io).await?;
        let driver = spawn_local(async move {
            // How the connection ended is told to whoever awaits its answer.
            let Ok(parts) = connection.without_shutdown().await else { return };
            if let Some(switch) = switch {
                // Nobody waits any more if the client has gone meanwhile.
                let _gone = switch.send((parts.io.into_inner().into_inner(), parts.read_buf));
            }
        });
        Ok(Self { sender, allowance, max_head, driver: driver.abort_handle() })
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&mut self, request: Request<RequestBody>) -> Result<Response<Incoming>, Failure> {
        self.allowance.begin(self.max_head);
        let result = self.sender.try_send_request(request).await;
        self.allowance.end();
        result.map_err(|mut error| {
            let unsent = error.take_message();
            Failure { fault: error.into_error().into(), unsent }
        })
    }

    /// Whether another request may be sent.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
