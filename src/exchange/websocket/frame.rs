//! Frames of WebSocket (RFC 6455 section 5.2), as servers send them.

use bytes::{Buf, Bytes};

use super::PROTOCOL_ERROR;

pub(super) const CONTINUATION: u8 = 0;
pub(super) const CLOSE: u8 = 8;

/// The reserved bit that says that a message is compressed (RFC 7692 section 6).
pub(super) const COMPRESSED: u8 = 0x40;

/// The head of a frame.
pub(super) struct Frame {
    pub(super) last: bool,
    pub(super) compressed: bool,
    opcode: u8,
    /// Length of the head in bytes.
    pub(super) head: usize,
    pub(super) payload: usize,
}

impl Frame {
    /// The frame at the start of `bytes` (RFC 6455 section 5.2), once its head has arrived. Servers do not mask.
    pub(super) fn at(bytes: &[u8]) -> Result<Option<Self>, u16> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let reserved = first & 0x30 != 0 || matches!(first & 0x0f, 3..=7 | 11..=15);
        if reserved || second & 0x80 != 0 {
            return Err(PROTOCOL_ERROR);
        }
        let (head, payload) = match second {
            126 if rest.len() < 2 => return Ok(None),
            127 if rest.len() < 8 => return Ok(None),
            126 => (4, u64::from((&rest[..2]).get_u16())),
            127 => (10, (&rest[..8]).get_u64()),
            short => (2, u64::from(short)),
        };
        let frame = Self {
            last: first & 0x80 != 0,
            compressed: first & COMPRESSED != 0,
            opcode: first & 0x0f,
            head,
            payload: usize::try_from(payload).unwrap_or(usize::MAX / 2),
        };
        if frame.is_control() && (!frame.last || frame.payload > 125) {
            return Err(PROTOCOL_ERROR);
        }
        Ok(Some(frame))
    }

    pub(super) fn is_control(&self) -> bool {
        self.opcode & 0x08 != 0
    }

    pub(super) fn begins_message(&self) -> bool {
        !self.is_control() && self.opcode != CONTINUATION
    }
}

/// One unfragmented message.
pub(super) fn message(opcode: u8, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(payload.len() + 10);
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..=125 => out.push(short as u8),
        medium @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
    Bytes::from(out)
}
