//! The body of a request on its way to the application: as it comes, or when it is whole.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;

use super::whole::Whole;
use crate::server::{Connection, Upload, UploadFault};

/// How long a body that does not say its length may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyLimit {
    /// Bytes.
    pub(crate) most: u64,
    /// Whether a longer one is broken off, or only noted.
    pub(crate) enforced: bool,
}

/// Why the body is broken off.
#[derive(Debug, Error)]
pub(crate) enum UploadError {
    /// By the client.
    #[error(transparent)]
    Client(#[from] UploadFault),
    /// It is too long.
    #[error("the request's body is longer than the route allows")]
    TooLarge,
    /// It was whole, and cannot be read back.
    #[error("the request's body was lost: {0}")]
    Lost(io::Error),
}

/// What the client sends, as it comes. Waiting for the client is timed by the client's limit, waiting for the
/// application by its own.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// None.
    Empty,
    /// As it comes in.
    Streaming {
        /// The client's side.
        incoming: Upload,
        /// Whose exchange deadline it moves.
        connection: Rc<Connection>,
        /// How long the application may take once it has all there is.
        head_timeout: Duration,
        /// What it is held to.
        limit: Option<BodyLimit>,
        /// Bytes that came so far.
        came: u64,
    },
    /// All of it is there.
    Whole {
        /// What is left of it.
        whole: Box<Whole>,
        /// Whose exchange deadline it moves.
        connection: Rc<Connection>,
        /// How long the application may take from each piece on.
        head_timeout: Duration,
    },
}

impl RequestBody {
    pub(crate) fn new(
        incoming: Upload,
        connection: &Rc<Connection>,
        head_timeout: Duration,
        limit: Option<BodyLimit>,
    ) -> Self {
        if incoming.is_end_stream() {
            return Self::Empty;
        }
        Self::Streaming { incoming, connection: connection.clone(), head_timeout, limit, came: 0 }
    }

    pub(crate) fn whole(whole: Whole, connection: &Rc<Connection>, head_timeout: Duration) -> Self {
        Self::Whole { whole: Box::new(whole), connection: connection.clone(), head_timeout }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let (incoming, connection, head_timeout, limit, came) = match self.get_mut() {
            Self::Empty => return Poll::Ready(None),
            Self::Whole { whole, connection, head_timeout } => {
                let piece = ready!(whole.poll_piece(cx));
                connection.uploading(false, *head_timeout);
                return Poll::Ready(piece.map(|piece| piece.map(Frame::data).map_err(UploadError::Lost)));
            }
            Self::Streaming { incoming, connection, head_timeout, limit, came } => {
                (incoming, connection, head_timeout, limit, came)
            }
        };
        let frame = Pin::new(incoming).poll_frame(cx);
        connection.uploading(frame.is_pending(), *head_timeout);
        let Some(frame) = ready!(frame).transpose()? else { return Poll::Ready(None) };
        *came += frame.data_ref().map_or(0, |data| data.len() as u64);
        if limit.is_some_and(|limit| *came > limit.most) {
            connection.oversize();
            if limit.is_some_and(|limit| limit.enforced) {
                return Poll::Ready(Some(Err(UploadError::TooLarge)));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Streaming { incoming, .. } => incoming.is_end_stream(),
            Self::Whole { whole, .. } => whole.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Streaming { incoming, .. } => incoming.size_hint(),
            Self::Whole { whole, .. } => SizeHint::with_exact(whole.left()),
        }
    }
}
