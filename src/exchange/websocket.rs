//! What a WebSocket server says (RFC 6455), judged message by message across fragments. Clean messages leave as
//! their frames came; control frames pass in between; a leaking message ends the connection or is masked.
//!
//! Compression is not negotiated on inspected routes, so a frame with a reserved bit is a protocol error.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};

use super::{Released, body::Context};
use crate::{
    incident::Mode,
    policy::{Mask, Page, Tally, Verdict, judge},
    scan::{Block, Finding, Source},
};

/// The largest message that is inspected, in bytes; a larger one ends the connection with 1009.
pub const MESSAGE_MAX: usize = 1 << 20;

/// Close codes of RFC 6455 section 7.4.1.
const PROTOCOL_ERROR: u16 = 1002;
const TOO_BIG: u16 = 1009;
const INTERNAL_ERROR: u16 = 1011;

/// Takes the client's offer of extensions away, compression among them, so that frames can be read.
pub(super) fn decline_extensions(request: &mut HeaderMap) {
    request.remove(header::SEC_WEBSOCKET_EXTENSIONS);
}

/// Whether the server switched to plain WebSocket frames.
pub(super) fn is_readable(response: &HeaderMap) -> bool {
    let upgrade = response.get(header::UPGRADE).map(HeaderValue::as_bytes);
    upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
        && !response.contains_key(header::SEC_WEBSOCKET_EXTENSIONS)
}

/// What may go to the client.
#[derive(Debug)]
pub enum MessageStep {
    /// These bytes.
    Release(Released),
    /// These bytes, then nothing more: a close frame is the last of them.
    Close(Released),
}

/// The server's side of a WebSocket.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// Bytes that are not a whole frame yet.
    unparsed: BytesMut,
    /// Frames of the message that is being put together, as they came.
    frames: BytesMut,
    /// Its payload.
    payload: Vec<u8>,
    closed: bool,
}

struct Frame {
    last: bool,
    opcode: u8,
    /// Length of the head in bytes.
    head: usize,
    payload: usize,
}

impl Messages {
    /// Judges the next bytes of the server.
    pub(super) fn push(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> MessageStep {
        let mut out = Released::new();
        if self.closed {
            return MessageStep::Close(out);
        }
        self.unparsed.extend_from_slice(bytes);
        loop {
            match Frame::at(&self.unparsed) {
                Ok(None) => return MessageStep::Release(out),
                Ok(Some(frame)) if self.payload.len() + frame.payload > MESSAGE_MAX => return self.close(out, TOO_BIG),
                Ok(Some(frame)) if self.unparsed.len() < frame.head + frame.payload => {
                    return MessageStep::Release(out);
                }
                Ok(Some(frame)) => {
                    if let Err(code) = self.take(cx, &frame, &mut out) {
                        return self.close(out, code);
                    }
                }
                Err(code) => return self.close(out, code),
            }
        }
    }

    fn take(&mut self, cx: &mut Context<'_>, frame: &Frame, out: &mut Released) -> Result<(), u16> {
        let bytes = self.unparsed.split_to(frame.head + frame.payload);
        if frame.is_control() {
            out.push(bytes.freeze());
            return Ok(());
        }
        if (frame.opcode == CONTINUATION) == self.frames.is_empty() {
            return Err(PROTOCOL_ERROR);
        }
        self.payload.extend_from_slice(&bytes[frame.head..]);
        self.frames.extend_from_slice(&bytes);
        if frame.last {
            self.judge(cx, out)?;
            self.payload.clear();
        }
        Ok(())
    }

    /// Judges the message that is complete and lets it out if it may leave.
    fn judge(&mut self, cx: &mut Context<'_>, out: &mut Released) -> Result<(), u16> {
        let frames = self.frames.split().freeze();
        let block = Block { bytes: &self.payload, own: 0..self.payload.len(), offset: 0 };
        let found = cx.engine.rules.scan(&block, Source { status: 200, fields: false, json: false, utf7: false });
        if found.findings.is_empty() {
            out.push(frames);
            return Ok(());
        }
        let page = Page { bytes: &self.payload, status: 200, earlier: &Tally::default() };
        let judgement = judge(&cx.engine.rules, &found, page, cx.policy);
        cx.ledger.note(cx.engine, &self.payload, &found, &judgement);
        match judgement.verdict {
            _ if cx.policy.mode == Mode::Observe => out.push(frames),
            Verdict::Pass => out.push(frames),
            Verdict::Replace => return Err(INTERNAL_ERROR),
            Verdict::Mask(masks) => {
                cx.ledger.masked = true;
                out.push(message(frames[0] & 0x0f, &masked(cx, &self.payload, &found.findings, &masks)));
            }
        }
        Ok(())
    }

    fn close(&mut self, mut out: Released, code: u16) -> MessageStep {
        self.closed = true;
        let [high, low] = code.to_be_bytes();
        out.push(Bytes::copy_from_slice(&[0x80 | CLOSE, 2, high, low]));
        MessageStep::Close(out)
    }
}

const CONTINUATION: u8 = 0;
const CLOSE: u8 = 8;

impl Frame {
    /// The frame at the start of `bytes` (RFC 6455 section 5.2), once its head has arrived. Servers do not mask.
    fn at(bytes: &[u8]) -> Result<Option<Self>, u16> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let reserved = first & 0x70 != 0 || matches!(first & 0x0f, 3..=7 | 11..=15);
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
            opcode: first & 0x0f,
            head,
            payload: usize::try_from(payload).unwrap_or(usize::MAX / 2),
        };
        if frame.is_control() && (!frame.last || frame.payload > 125) {
            return Err(PROTOCOL_ERROR);
        }
        Ok(Some(frame))
    }

    fn is_control(&self) -> bool {
        self.opcode & 0x08 != 0
    }
}

/// One unfragmented message.
fn message(opcode: u8, payload: &[u8]) -> Bytes {
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

fn masked(cx: &Context<'_>, payload: &[u8], findings: &[Finding], masks: &[Mask]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len());
    let mut at = 0;
    for Mask { finding, piece, first, open } in masks {
        if piece.start >= at {
            out.extend_from_slice(&payload[at..piece.start]);
            if *first {
                out.extend_from_slice(cx.engine.rules.token(findings[*finding].rule));
            }
        }
        at = if *open { payload.len() } else { at.max(piece.end) };
    }
    out.extend_from_slice(&payload[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::Engine,
        exchange::ledger::Ledger,
        incident::FingerprintKey,
        policy::InspectPolicy,
        rules::{PACKS, parse_pack},
        scan::Ruleset,
    };

    const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/shop/venv/lib/python3.11/site-packages/flask/app.py\", line 1511, in wsgi_app\n    response = self.full_dispatch_request()\n  File \"/srv/shop/app.py\", line 12, in index\n    return 1 / 0\nZeroDivisionError: division by zero\n";
    const KEY: &str = "k -----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw\n-----END RSA PRIVATE KEY-----\n";

    /// What the client gets, and whether the connection was closed, when the bytes come in pieces of `size`.
    fn run(server: &[u8], size: usize) -> (Vec<u8>, bool) {
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect();
        let engine = Engine::with_rules(Ruleset::compile(rules).unwrap(), FingerprintKey::new([1; 32]));
        let (policy, mut ledger) = (InspectPolicy::default(), Ledger::default());
        let mut cx = Context { engine: &engine, policy: &policy, status: 101, ledger: &mut ledger };
        let (mut messages, mut sent) = (Messages::default(), Vec::new());
        for piece in server.chunks(size) {
            let (out, closed) = match messages.push(&mut cx, piece) {
                MessageStep::Release(out) => (out, false),
                MessageStep::Close(out) => (out, true),
            };
            out.iter().for_each(|bytes| sent.extend_from_slice(bytes));
            if closed {
                return (sent, true);
            }
        }
        (sent, false)
    }

    fn fragments(text: &str, size: usize) -> Vec<u8> {
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let frame = |(index, piece): (usize, &&[u8])| {
            let mut frame = message(if index == 0 { 1 } else { CONTINUATION }, piece).to_vec();
            frame[0] &= if index + 1 == pieces.len() { 0xff } else { 0x7f };
            frame
        };
        pieces.iter().enumerate().flat_map(frame).collect()
    }

    #[test]
    fn a_clean_conversation_passes_byte_for_byte() {
        let server =
            [fragments("hello there", 3), message(9, b"ping").to_vec(), message(2, &[0, 1, 2]).to_vec()].concat();
        for size in [1, 2, 5, 1000] {
            assert_eq!(run(&server, size), (server.clone(), false));
        }
    }

    #[test]
    fn a_leaking_message_ends_the_connection_however_it_is_cut() {
        for fragment in [1, 40, 10_000] {
            for size in [1, 33, 100_000] {
                let (sent, closed) = run(&[message(1, b"ok").to_vec(), fragments(TRACE, fragment)].concat(), size);
                assert!(closed);
                assert_eq!(sent, [message(1, b"ok").to_vec(), vec![0x88, 2, 0x03, 0xf3]].concat());
            }
        }
    }

    #[test]
    fn a_secret_in_a_message_is_masked() {
        let (sent, closed) = run(&fragments(KEY, 20), 7);
        assert!(!closed);
        let text = String::from_utf8(sent[2..].to_vec()).unwrap();
        assert!(text.starts_with("k [redacted:private-key]") && !text.contains("MIIE"), "{text}");
    }

    #[test]
    fn what_cannot_be_read_ends_the_connection() {
        for (frame, code) in
            [(&[0xc1_u8, 1, b'a'][..], 1002_u16), (&[0x81, 0x81, 0, 0, 0, 0, b'a'], 1002), (&[0x80, 1, b'a'], 1002)]
        {
            let (sent, closed) = run(frame, 100);
            assert!(closed && sent == [vec![0x88, 2], code.to_be_bytes().to_vec()].concat(), "{frame:?} {sent:?}");
        }
        let (sent, closed) = run(&[0x82, 127, 0, 0, 0, 0, 0x10, 0, 0, 0], 100);
        assert!(closed && sent == [0x88, 2, 0x03, 0xf1]);
    }
}
