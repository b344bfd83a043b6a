//! A case, and what may come of it.

use std::fmt;

use crate::peer::Peer;

/// Error codes (RFC 9113 section 7).
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const FLOW_CONTROL_ERROR: u32 = 3;
pub(crate) const STREAM_CLOSED: u32 = 5;
pub(crate) const FRAME_SIZE_ERROR: u32 = 6;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const COMPRESSION_ERROR: u32 = 9;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// Why a malformed frame has no code of its own.
pub(crate) const ONE_CODE_OF_FRAMES: &str = "the library says PROTOCOL_ERROR of every malformed frame";

/// Why a header block has none.
pub(crate) const ONE_CODE_OF_BLOCKS: &str = "the library says PROTOCOL_ERROR of a block that it cannot decode";

/// Why the whole connection ends.
pub(crate) const ONE_CODE_OF_STATES: &str = "the library ends the connection for what a stream's state does not allow";

/// Names of the codes from 0 on.
const CODES: &[&str] = &[
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
];

/// What comes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A whole answer.
    Answered(u16),
    /// Nothing but that the connection goes on.
    Accepted,
    /// The first DATA has so many bytes.
    Data(usize),
    /// The stream is reset.
    Reset(u32),
    /// The connection is ended with a GOAWAY of this code.
    GoneAway(u32),
    /// The connection is ended without a word.
    Closed,
    /// It is answered in HTTP/1.1.
    Http1(u16),
    /// Nothing for longer than anybody waits.
    Silence,
}

impl Outcome {
    /// Whether the connection lives on.
    pub(crate) fn leaves_connection(self) -> bool {
        matches!(self, Self::Answered(_) | Self::Accepted | Self::Data(_) | Self::Reset(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |code: &u32| CODES[usize::try_from(*code).unwrap()];
        match self {
            Self::Answered(status) => write!(f, "{status}"),
            Self::Accepted => f.write_str("accepted"),
            Self::Data(length) => write!(f, "DATA of {length}"),
            Self::Reset(code) => write!(f, "RST_STREAM {}", name(code)),
            Self::GoneAway(code) => write!(f, "GOAWAY {}", name(code)),
            Self::Closed => f.write_str("closed"),
            Self::Http1(status) => write!(f, "{status} in HTTP/1.1"),
            Self::Silence => f.write_str("silence"),
        }
    }
}

/// Cases about one thing.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// What h2spec calls it: its cases are numbered from 1 in the order in which they stand here. None are our own.
    pub(crate) h2spec: Option<&'static str>,
    pub(crate) cases: &'static [Case],
}

/// Something sent by a client.
pub(crate) struct Case {
    pub(crate) sends: &'static str,
    /// What the specifications ask for or allow.
    pub(crate) asks: &'static [Outcome],
    /// What comes instead, and why that stays so.
    pub(crate) differs: Option<(Outcome, &'static str)>,
    /// Whether the client begins as it should.
    pub(crate) opens: bool,
    pub(crate) talk: fn(&mut Peer) -> Outcome,
}

impl Case {
    pub(crate) const fn new(sends: &'static str, asks: &'static [Outcome], talk: fn(&mut Peer) -> Outcome) -> Self {
        Self { sends, asks, differs: None, opens: true, talk }
    }

    pub(crate) const fn differs(self, outcome: Outcome, why: &'static str) -> Self {
        Self { differs: Some((outcome, why)), ..self }
    }

    pub(crate) const fn unopened(self) -> Self {
        Self { opens: false, ..self }
    }

    /// Whether it comes out as it may.
    pub(crate) fn allows(&self, outcome: Outcome) -> bool {
        match self.differs {
            Some((differs, _)) => outcome == differs,
            None => self.asks.contains(&outcome),
        }
    }
}
