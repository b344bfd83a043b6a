//! The response on its way into hyper: it tells its connection when the exchange is over.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::connection::Connection;

/// A body that reports its own end to the connection, read to the end or not.
#[derive(Debug)]
pub(super) struct Response<B> {
    body: B,
    connection: Rc<Connection>,
}

impl<B> Response<B> {
    pub(super) fn new(response: http::Response<B>, connection: Rc<Connection>) -> http::Response<Self> {
        response.map(|body| Self { body, connection })
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Response<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Response<B> {
    fn drop(&mut self) {
        self.connection.end_exchange();
    }
}
