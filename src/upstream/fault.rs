//! What can go wrong with an upstream.

use std::{error::Error as _, io};

use thiserror::Error;

use super::{request::UploadError, spool::SpoolFault};
use crate::incident::Refusal;

/// Why there is no usable answer.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// No connection could be made.
    #[error("no connection could be made: {0}")]
    Connect(io::Error),
    /// No connection was made in time.
    #[error("no connection was made in time")]
    ConnectTimeout,
    /// The application had as many requests as it may have, and none ended in time.
    #[error("it had as many requests as it may have, and none ended in time")]
    Busy,
    /// The connection was closed before the answer.
    #[error("the connection was closed before the answer")]
    Closed,
    /// The answer did not come in time.
    #[error("the answer did not come in time")]
    Timeout,
    /// The answer is not acceptable HTTP.
    #[error("the answer is not acceptable HTTP")]
    Malformed,
    /// The request's body broke off or became too long: the client's fault.
    #[error("the request's body did not come to its end")]
    Request,
    /// The request's body stopped coming: the client's fault.
    #[error("the request's body did not come in time")]
    RequestTimeout,
    /// There is no place for the request's body, which is read whole: ours.
    #[error("the request's body could not be kept: {0}")]
    Spool(#[from] SpoolFault),
}

impl Fault {
    /// The metric label.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::ConnectTimeout => "connect-timeout",
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
            Self::Request => "request",
            Self::RequestTimeout => "request-timeout",
            Self::Spool(_) => "spool",
        }
    }

    /// What the client is told.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::Connect(_) | Self::Closed => Refusal::UpstreamUnreachable,
            Self::ConnectTimeout | Self::Timeout => Refusal::UpstreamTimeout,
            Self::Busy | Self::Spool(_) => Refusal::Overloaded,
            Self::Malformed => Refusal::UpstreamMalformed,
            Self::Request => Refusal::BadRequest,
            Self::RequestTimeout => Refusal::RequestTimeout,
        }
    }
}

impl From<UploadError> for Fault {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Client(_) | UploadError::TooLarge => Self::Request,
            UploadError::Lost(error) => Self::Spool(error.into()),
        }
    }
}

impl From<hyper::Error> for Fault {
    fn from(error: hyper::Error) -> Self {
        if error.is_user() {
            of_body(&error)
        } else if error.is_parse() || is_over_allowance(&error) {
            Self::Malformed
        } else {
            Self::Closed
        }
    }
}

/// Ours if the body was whole, else the client's.
fn of_body(error: &hyper::Error) -> Fault {
    match error.source().and_then(|source| source.downcast_ref::<UploadError>()) {
        Some(UploadError::Lost(error)) => SpoolFault::File(error.kind().into()).into(),
        _ => Fault::Request,
    }
}

/// Our own error of reading: more came than a head may have (see [`super::io`]).
fn is_over_allowance(error: &hyper::Error) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData)
}
