//! The body of a response: where it ends (RFC 9112 section 6.3) and what is left of it.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{StatusCode, response};
use http_body::Frame;

use super::{Http1, sending::Sending};
use crate::{
    http1::{Chunked, Malformed, Piece, take},
    upstream::{
        body::BodyFault,
        framing::{self, End},
    },
};

/// Bytes that are read of a body at once, when it says its length and when not.
const READ: usize = 64 * 1024;
const READ_UNSIZED: usize = 16 * 1024;

/// Where a body ends, or how much of it is left.
#[derive(Debug)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    Chunked(Chunked),
    /// With the connection.
    Close,
    /// It has ended with the connection.
    Closed,
}

/// A body that is still to be read.
#[derive(Debug)]
pub(in crate::upstream) struct Content {
    framing: Framing,
    /// Whether the application will take another request.
    kept_alive: bool,
    /// The rest of the request; none once it has been sent.
    sending: Option<Box<Sending>>,
    /// Whether nothing came after the body that belongs to nobody.
    exact: bool,
    /// Taken, and not yet handed on.
    ready: Option<Piece>,
}

impl Framing {
    /// As the head says it; `None` if it says it in more ways than one.
    pub(super) fn of(head: &response::Parts, to_head: bool) -> Option<Self> {
        let end = framing::end(head)?;
        let bodiless =
            matches!(head.status, StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if to_head || bodiless {
            return Some(Self::Length(0));
        }
        Some(match end {
            End::Chunked => Self::Chunked(Chunked::default()),
            End::Length(length) => Self::Length(length),
            End::Unsaid => Self::Close,
        })
    }

    pub(super) fn is_end(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_end(),
            Self::Close => false,
            Self::Closed => true,
        }
    }

    /// Takes the next piece from `input`; none if that needs more, or there is no more.
    pub(super) fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, Malformed> {
        match self {
            Self::Chunked(chunked) => chunked.decode(input),
            Self::Length(0) | Self::Closed => Ok(None),
            Self::Length(_) | Self::Close if input.is_empty() => Ok(None),
            Self::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= length as u64;
                Ok(Some(Piece::Data(take(input, length))))
            }
            Self::Close => Ok(Some(Piece::Data(take(input, input.len())))),
        }
    }

    /// The connection has ended: whether the body has too.
    fn close(&mut self) -> Result<(), BodyFault> {
        match self {
            Self::Close => *self = Self::Closed,
            Self::Length(_) | Self::Chunked(_) | Self::Closed => return Err(BodyFault::Truncated),
        }
        Ok(())
    }

    /// How much room to read into. A byte more than is left shows at once what comes after the body, and a read that
    /// does not fill its room needs no second one to learn that nothing is left.
    fn room(&self) -> usize {
        match self {
            Self::Length(left) => usize::try_from(*left).unwrap_or(READ).min(READ - 1) + 1,
            _ => READ_UNSIZED,
        }
    }
}

impl Content {
    pub(super) fn new(framing: Framing, kept_alive: bool, sending: Sending) -> Self {
        let sending = (!sending.is_whole()).then(|| Box::new(sending));
        Self { framing, kept_alive, sending, exact: true, ready: None }
    }

    /// Takes what came with the head.
    pub(super) fn begun(mut self, connection: &mut Http1) -> Self {
        // A broken body is told to whoever reads it.
        if let Ok(piece) = self.framing.decode(&mut connection.input) {
            self.hold(piece, connection);
        }
        self
    }

    /// Whether nothing more will come.
    pub(in crate::upstream) fn is_end(&self) -> bool {
        self.ready.is_none() && self.framing.is_end()
    }

    /// Whether the connection may serve another request, once this is at its end.
    pub(in crate::upstream) fn is_reusable(&self) -> bool {
        let lasts = self.kept_alive && !matches!(self.framing, Framing::Closed);
        self.is_end() && lasts && self.exact && self.sending.is_none()
    }

    /// The next piece.
    pub(in crate::upstream) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Http1,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.send_rest(cx, connection);
        Poll::Ready(match ready!(self.poll_piece(cx, connection)) {
            Ok(None) => None,
            Ok(Some(Piece::Data(data))) => Some(Ok(Frame::data(data))),
            Ok(Some(Piece::Trailers(fields))) => Some(Ok(Frame::trailers(fields))),
            Err(fault) => Some(Err(fault)),
        })
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>, connection: &mut Http1) -> Poll<Result<Option<Piece>, BodyFault>> {
        loop {
            let piece = match self.ready.take() {
                Some(piece) => Some(piece),
                None => self.framing.decode(&mut connection.input).map_err(|_| BodyFault::Malformed)?,
            };
            if piece.is_some() {
                self.look_ahead(connection);
                return Poll::Ready(Ok(piece));
            }
            if self.framing.is_end() {
                self.hold(None, connection);
                return Poll::Ready(Ok(None));
            }
            match ready!(connection.poll_read(cx, self.framing.room())) {
                Ok(0) => self.framing.close()?,
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(BodyFault::of_io(&error))),
            }
        }
    }

    /// The end of a body in chunks is known as soon as it is there, not only when it is asked for.
    fn look_ahead(&mut self, connection: &mut Http1) {
        let piece = match &mut self.framing {
            Framing::Chunked(chunked) if !chunked.is_end() => chunked.decode(&mut connection.input),
            _ => Ok(None),
        };
        match piece {
            Ok(piece) => self.hold(piece, connection),
            Err(Malformed) => self.exact = false,
        }
    }

    fn hold(&mut self, piece: Option<Piece>, connection: &mut Http1) {
        self.ready = piece;
        match connection.input.is_empty() {
            _ if !self.framing.is_end() => {}
            true => connection.input = BytesMut::new(),
            false => self.exact = false,
        }
    }

    /// An answer may come before the request's end. The rest is sent as it can be; if it cannot, the answer counts.
    fn send_rest(&mut self, cx: &mut Context<'_>, connection: &mut Http1) {
        let Some(sending) = &mut self.sending else { return };
        if let Poll::Ready(result) = sending.poll(cx, &mut connection.stream) {
            self.kept_alive &= result.is_ok() && sending.is_whole();
            self.sending = None;
        }
    }
}
