//! Content codings (RFC 9110 section 8.4): what to decode, in bounded steps, and how to code again.
//!
//! The only module that names flate2, brotli and zstd, so every cap on them stands here.
//!
//! A response goes through in this order: [`Plan::from_headers`] reads `Content-Encoding`; a [`Decoder`] gives the
//! content out piece by piece, never more than the slice it is handed; [`Decoder::finish`] says whether the coded
//! stream was whole. [`sniff`] finds a coding nobody declared. An [`Encoder`] codes what leaves, in the coding that
//! the request's `Accept-Encoding` allows ([`accept`]).
//!
//! Settled here, because the specifications leave it open or clients differ:
//! - A body without a single byte is empty content in every coding: `Content-Encoding: gzip` stands on many empty
//!   answers.
//! - gzip: every member is content (RFC 1952 section 2.2); zero bytes after the last one are padding and dropped;
//!   anything else there is an error. Header CRC, CRC-32 and ISIZE are checked.
//! - deflate: the zlib format (RFC 1950) or the bare one (RFC 1951) that some servers send under that name; the
//!   first two bytes decide.
//! - zstd: windows above 8 MiB are refused (RFC 9659); frames needing a dictionary as well. br: the large-window
//!   extension is refused.
//! - Bytes after the end of br, deflate and zstd are an error.

mod accept;
mod brotli;
mod decode;
mod deflate;
mod encode;
mod gzip;
mod inflate;
mod limits;
mod message;
mod plan;
#[cfg(test)]
mod tests;
mod transfer;
mod zstd;

pub use accept::accept;
#[doc(hidden)]
pub use decode::fuzz_decode;
pub use decode::{Decoder, Progress};
pub use encode::Encoder;
pub use limits::Limits;
pub use message::{MESSAGE_INFLATER_MEMORY, MessageDeflate, MessageInflater};
pub use plan::{MAX_DEPTH, Plan, Unsupported};
pub use transfer::{TransferDecoder, TransferEncoding};

/// A content coding of the IANA registry that the proxy reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or RFC 1951 without its wrapper.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, with the window of RFC 9659.
    Zstd,
}

impl Coding {
    /// The coding a token of `Content-Encoding` or `Accept-Encoding` names, in any case. `x-gzip` is gzip
    /// (RFC 9110 section 8.4.1.3).
    pub fn from_token(token: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Coding); 5] = [
            (b"gzip", Coding::Gzip),
            (b"x-gzip", Coding::Gzip),
            (b"deflate", Coding::Deflate),
            (b"br", Coding::Brotli),
            (b"zstd", Coding::Zstd),
        ];
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(token)).map(|(_, coding)| *coding)
    }

    /// The token to write into `Content-Encoding`.
    pub fn token(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// Why a coded body could not be read (or written). None of them carries content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodingError {
    /// The first bytes are not of this coding, and nothing was decoded: the label lies. The body is
    /// [`Decoder::taken`] followed by the input that is left; inspect it as it stands, after [`sniff`].
    /// Only gzip and zstd begin with a mark by which this can be told.
    #[error("the upstream labels the body {} but it does not begin like that; correct its Content-Encoding", .0.token())]
    NotCoded(Coding),
    /// Malformed, or a checksum that does not match.
    #[error("the {} coded body is corrupt", .0.token())]
    Corrupt(Coding),
    /// Something follows the end of the coded stream.
    #[error("bytes follow the end of the {} coded body", .0.token())]
    TrailingBytes(Coding),
    /// The body ended before the coded stream did.
    #[error("the {} coded body ends too early", .0.token())]
    Truncated(Coding),
    /// The stream asks for a larger window than [`Limits::window_log`] or the coding's own bound.
    #[error("the {} coded body asks for a window beyond the limit", .0.token())]
    WindowTooLarge(Coding),
    /// Decoding this layer expands the body beyond [`Limits`].
    #[error("the {} coded body expands beyond the limit", .0.token())]
    TooExpanded(Coding),
    /// The library could not encode; never seen with sound memory.
    #[error("the {} encoder failed", .0.token())]
    EncoderFailed(Coding),
}

impl CodingError {
    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotCoded(_) => "not-coded",
            Self::Corrupt(_) => "corrupt",
            Self::TrailingBytes(_) => "trailing-bytes",
            Self::Truncated(_) => "truncated",
            Self::WindowTooLarge(_) => "window-too-large",
            Self::TooExpanded(_) => "too-expanded",
            Self::EncoderFailed(_) => "encoder-failed",
        }
    }
}

/// Bytes of a body that [`sniff`] wants to see, if there are as many.
pub const SNIFF_LEN: usize = 4;

/// The coding that `prefix`, the first bytes of a body without a (true) label, begins with.
///
/// Only marks that no text begins with count: gzip (with its one method) and zstd (a frame, or a skippable one). The
/// two bytes of zlib occur at the beginning of one text in a few thousand, and bare deflate and br have no mark.
pub fn sniff(prefix: &[u8]) -> Option<Coding> {
    match prefix {
        [0x1f, 0x8b, 8, ..] => Some(Coding::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Coding::Zstd),
        _ => None,
    }
}
