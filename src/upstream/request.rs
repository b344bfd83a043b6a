//! The body of a request on its way to the application.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::server::Connection;

/// What the client sends, as it comes. Waiting for the client is timed by the client's limit, waiting for the
/// application by its own.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// None.
    Empty,
    /// As it comes in.
    Streaming {
        /// The client's side.
        incoming: Incoming,
        /// Whose exchange deadline it moves.
        connection: Rc<Connection>,
        /// How long the application may take once it has all there is.
        head_timeout: Duration,
    },
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, connection: &Rc<Connection>, head_timeout: Duration) -> Self {
        if incoming.is_end_stream() {
            return Self::Empty;
        }
        Self::Streaming { incoming, connection: connection.clone(), head_timeout }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Self::Streaming { incoming, connection, head_timeout } = self.get_mut() else { return Poll::Ready(None) };
        let frame = Pin::new(incoming).poll_frame(cx);
        connection.uploading(frame.is_pending(), *head_timeout);
        frame
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Streaming { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Streaming { incoming, .. } => incoming.size_hint(),
        }
    }
}
