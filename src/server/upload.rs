//! The body of a request as its client sends it, whatever it speaks.

use std::{
    cell::RefCell,
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use thiserror::Error;

use super::{http1::Wire, listener::Duplex};

/// A body that is still to be read.
pub(crate) enum Upload {
    /// None.
    Empty,
    /// What comes on this connection until the end of the request.
    Http1(Rc<RefCell<Wire<dyn Duplex>>>),
    /// A stream of HTTP/2.
    Http2(Incoming),
}

/// Why a body did not come to its end.
#[derive(Debug, Error)]
pub(crate) enum UploadFault {
    /// The connection ended within it.
    #[error("the connection ended within the body")]
    Truncated,
    /// It breaks the rules of its framing.
    #[error("the body cannot be read")]
    Malformed,
    /// The stream of HTTP/2 ended.
    #[error(transparent)]
    Http2(#[from] hyper::Error),
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Http1(_) => "Http1",
            Self::Http2(_) => "Http2",
        })
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Http1(wire) => wire.borrow_mut().poll_body(cx),
            Self::Http2(incoming) => {
                Pin::new(incoming).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(UploadFault::from)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Http1(wire) => wire.borrow().is_body_end(),
            Self::Http2(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Http1(wire) => wire.borrow().body_left().map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Http2(incoming) => incoming.size_hint(),
        }
    }
}
