//! What a WebSocket server says (RFC 6455), judged message by message across fragments. Clean messages leave as
//! their frames came, clean control frames in between; a leaking message ends the connection or is masked.
//!
//! Compression is negotiated away on inspected routes. A server that compresses all the same (permessage-deflate,
//! RFC 7692) is read, and the client, who is told nothing of it, gets its messages uncompressed.

mod frame;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};

use self::frame::{CLOSE, Frame, message};
use super::{Released, step::Context};
use crate::{
    coding::{CodingError, MESSAGE_INFLATER_MEMORY, MessageDeflate, MessageInflater},
    policy::{Mask, Page, Tally, Verdict, judge},
    scan::{Block, Source},
};

/// The largest message that is inspected, in bytes; a larger one ends the connection with 1009.
pub const MESSAGE_MAX: usize = 1 << 20;

/// Close codes of RFC 6455 section 7.4.1.
const PROTOCOL_ERROR: u16 = 1002;
const INVALID_DATA: u16 = 1007;
const TOO_BIG: u16 = 1009;
const INTERNAL_ERROR: u16 = 1011;
const TRY_AGAIN_LATER: u16 = 1013;

/// Takes the client's offer of extensions away, compression among them, so that frames can be read.
pub(super) fn decline_extensions(request: &mut HeaderMap) {
    request.remove(header::SEC_WEBSOCKET_EXTENSIONS);
}

/// How the messages of a server can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As they come.
    Plain,
    /// Those that say so are compressed.
    Deflated(MessageDeflate),
}

/// How to read what the server switched to; `None` if it is not WebSocket or has extensions nobody knows.
pub(super) fn reading(response: &HeaderMap) -> Option<Reading> {
    let upgrade = response.get(header::UPGRADE).map(HeaderValue::as_bytes);
    if !upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket")) {
        return None;
    }
    let mut extensions = response.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter();
    match (extensions.next(), extensions.next()) {
        (None, _) => Some(Reading::Plain),
        (Some(extension), None) => deflate(extension.to_str().ok()?).map(Reading::Deflated),
        _ => None,
    }
}

/// The one extension there is, with parameters as a server may give them, each once (RFC 7692 section 7.1).
fn deflate(extension: &str) -> Option<MessageDeflate> {
    let mut parts = extension.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let mut seen = Vec::new();
    for parameter in parts {
        let (name, value) = parameter.split_once('=').map_or((parameter, None), |(name, value)| (name, Some(value)));
        let name = name.trim().to_ascii_lowercase();
        let fits = match name.as_str() {
            "server_no_context_takeover" | "client_no_context_takeover" => value.is_none(),
            "server_max_window_bits" | "client_max_window_bits" => value.is_some_and(is_window),
            _ => false,
        };
        if !fits || seen.contains(&name) {
            return None;
        }
        seen.push(name);
    }
    Some(MessageDeflate { resets: seen.iter().any(|name| name == "server_no_context_takeover") })
}

fn is_window(bits: &str) -> bool {
    matches!(bits.trim().trim_matches('"'), "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")
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
    /// Its payload, as it came.
    payload: Vec<u8>,
    /// Whether that is compressed.
    compressed: bool,
    /// Reads compressed messages; none where compression was not agreed on.
    inflater: Option<MessageInflater>,
    closed: bool,
}

impl Messages {
    /// A connection on which nothing has been said.
    pub(super) fn new(reading: Reading) -> Self {
        let inflater = match reading {
            Reading::Plain => None,
            Reading::Deflated(agreed) => Some(MessageInflater::new(agreed)),
        };
        Self { inflater, ..Self::default() }
    }

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

    /// Bytes held. A message that is complete is there as it came and as it is read.
    pub(super) fn held(&self) -> usize {
        let inflater = self.inflater.as_ref().map_or(0, |_| MESSAGE_INFLATER_MEMORY);
        self.unparsed.len() + self.frames.len() + 2 * self.payload.len() + inflater
    }

    /// There is no memory for what comes next.
    pub(super) fn give_up(&mut self) -> MessageStep {
        self.end(TRY_AGAIN_LATER)
    }

    /// Judging went wrong: nobody knows what the rest is.
    pub(super) fn fail(&mut self) -> MessageStep {
        self.end(INTERNAL_ERROR)
    }

    fn end(&mut self, code: u16) -> MessageStep {
        match self.closed {
            true => MessageStep::Close(Released::new()),
            false => self.close(Released::new(), code),
        }
    }

    fn take(&mut self, cx: &mut Context<'_>, frame: &Frame, out: &mut Released) -> Result<(), u16> {
        let bytes = self.unparsed.split_to(frame.head + frame.payload);
        if frame.compressed && (self.inflater.is_none() || !frame.begins_message()) {
            return Err(PROTOCOL_ERROR);
        }
        if frame.is_control() {
            return control(cx, bytes.freeze(), frame.head, out);
        }
        if frame.begins_message() != self.frames.is_empty() {
            return Err(PROTOCOL_ERROR);
        }
        if frame.begins_message() {
            self.compressed = frame.compressed;
        }
        self.payload.extend_from_slice(&bytes[frame.head..]);
        self.frames.extend_from_slice(&bytes);
        if frame.last { self.complete(cx, out) } else { Ok(()) }
    }

    /// Reads the message that is complete, and lets it out if it may leave.
    fn complete(&mut self, cx: &mut Context<'_>, out: &mut Released) -> Result<(), u16> {
        let frames = self.frames.split().freeze();
        let payload = std::mem::take(&mut self.payload);
        let opcode = frames[0] & 0x0f;
        match self.inflater.as_mut().filter(|_| self.compressed) {
            None => judged(cx, &payload, opcode, frames, out)?,
            Some(inflater) => {
                let content = inflater.decode(&payload, MESSAGE_MAX).map_err(close_code)?;
                judged(cx, &content, opcode, message(opcode, &content), out)?;
            }
        }
        self.payload = payload;
        self.payload.clear();
        Ok(())
    }

    fn close(&mut self, mut out: Released, code: u16) -> MessageStep {
        self.closed = true;
        let [high, low] = code.to_be_bytes();
        out.push(Bytes::copy_from_slice(&[0x80 | CLOSE, 2, high, low]));
        MessageStep::Close(out)
    }
}

/// Judges what a control frame carries, such as the reason of a close, and lets it out. There is no room in one for a
/// mask: where it leaks, the connection ends.
fn control(cx: &mut Context<'_>, frame: Bytes, head: usize, out: &mut Released) -> Result<(), u16> {
    match verdict(cx, &frame[head..]) {
        Verdict::Pass => {
            out.push(frame);
            Ok(())
        }
        Verdict::Replace | Verdict::Mask(_) => Err(INTERNAL_ERROR),
    }
}

/// Judges a message by its content and lets it out, as `whole` if nothing is wrong with it.
fn judged(cx: &mut Context<'_>, content: &[u8], opcode: u8, whole: Bytes, out: &mut Released) -> Result<(), u16> {
    match verdict(cx, content) {
        Verdict::Pass => out.push(whole),
        Verdict::Replace => return Err(INTERNAL_ERROR),
        Verdict::Mask(masks) => {
            cx.ledger.masked = true;
            out.push(message(opcode, &masked(cx, content, &masks)));
        }
    }
    Ok(())
}

fn verdict(cx: &mut Context<'_>, content: &[u8]) -> Verdict {
    let block = Block { bytes: content, own: 0..content.len(), offset: 0 };
    let found = cx.engine.rules.scan(&block, Source { status: 200, fields: false, json: false, utf7: false });
    if found.findings.is_empty() {
        return Verdict::Pass;
    }
    let page = Page { bytes: content, context: 0, status: 200, earlier: &Tally::default(), storm: cx.storm };
    let judgement = judge(&cx.engine.rules, &found, page, cx.policy);
    cx.ledger.note(cx.engine, content, &found, &judgement);
    judgement.verdict
}

fn close_code(error: CodingError) -> u16 {
    match error {
        CodingError::TooExpanded(_) => TOO_BIG,
        _ => INVALID_DATA,
    }
}

fn masked(cx: &Context<'_>, payload: &[u8], masks: &[Mask]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len());
    let mut at = 0;
    for Mask { rule, piece, first, open } in masks {
        if piece.start >= at {
            out.extend_from_slice(&payload[at..piece.start]);
            if *first {
                out.extend_from_slice(cx.engine.rules.token(*rule));
            }
        }
        at = if *open { payload.len() } else { at.max(piece.end) };
    }
    out.extend_from_slice(&payload[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::{
        frame::{COMPRESSED, CONTINUATION},
        *,
    };
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
        run_as(Reading::Plain, server, size)
    }

    fn run_as(reading: Reading, server: &[u8], size: usize) -> (Vec<u8>, bool) {
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect();
        let engine = Engine::with_rules(Ruleset::compile(rules).unwrap(), FingerprintKey::new([1; 32]));
        let (policy, mut ledger) = (InspectPolicy::default(), Ledger::default());
        let mut cx = Context { engine: &engine, policy: &policy, status: 101, storm: false, ledger: &mut ledger };
        let (mut messages, mut sent) = (Messages::new(reading), Vec::new());
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
    fn a_leak_in_a_control_frame_ends_the_connection() {
        let secret = b"postgres://cellar:kW7pXq2LmR9t@vault-db.internal:5432/cellar";
        for frame in [message(9, secret), message(8, &[b"\x03\xf3", &secret[..]].concat())] {
            let (sent, closed) = run(&[message(1, b"hello"), frame].concat(), 5);
            assert!(closed && sent == [message(1, b"hello").to_vec(), vec![0x88, 2, 0x03, 0xf3]].concat());
        }
        let goodbye = [message(10, b""), message(8, b"\x03\xe8the cellar is closed")].concat();
        assert_eq!(run(&goodbye, 3), (goodbye, false));
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

    const DEFLATED: Reading = Reading::Deflated(MessageDeflate { resets: false });

    /// A message in two compressed fragments, coded as one stored block.
    fn deflated(text: &str) -> Vec<u8> {
        let size = u16::try_from(text.len()).unwrap();
        let payload = [&[0], &size.to_le_bytes()[..], &(!size).to_le_bytes(), text.as_bytes(), &[0]].concat();
        let (first, second) = payload.split_at(payload.len() / 2);
        let (mut first, mut second) = (message(1, first).to_vec(), message(CONTINUATION, second).to_vec());
        first[0] = first[0] & 0x7f | COMPRESSED;
        second[0] |= 0x80;
        [first, message(9, b"ping").to_vec(), second].concat()
    }

    #[test]
    fn compressed_messages_are_judged_and_leave_uncompressed() {
        for size in [1, 7, 100_000] {
            let server = [deflated("hello there"), fragments("plain", 2), deflated("again")].concat();
            let ping = message(9, b"ping").to_vec();
            let clean =
                [&ping[..], &message(1, b"hello there"), &fragments("plain", 2), &ping, &message(1, b"again")].concat();
            assert_eq!(run_as(DEFLATED, &server, size), (clean, false));
            let (sent, closed) = run_as(DEFLATED, &deflated(TRACE), size);
            assert!(closed && sent == [message(9, b"ping").to_vec(), vec![0x88, 2, 0x03, 0xf3]].concat());
            let (sent, closed) = run_as(DEFLATED, &deflated(KEY), size);
            let text = String::from_utf8_lossy(&sent);
            assert!(!closed && text.contains("k [redacted:private-key]") && !text.contains("MIIE"), "{text}");
        }
    }

    #[test]
    fn compression_that_breaks_its_rules_ends_the_connection() {
        let corrupt =
            [message(1, &[0xff; 9]).to_vec()].concat().split_first().map(|(_, rest)| [&[0xc1], rest].concat());
        let bomb = [&[0xc1, 11, 0xec, 0xc1, 1, 1, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf][..]].concat();
        for (server, code) in [
            (corrupt.unwrap(), 1007_u16),
            (bomb, 1007),
            (vec![0xc9, 0], 1002),
            (vec![0x41, 1, 0, 0xc0, 1, 0], 1002),
            (vec![0xa1, 1, 0], 1002),
        ] {
            let (sent, closed) = run_as(DEFLATED, &server, 100);
            assert!(closed && sent.ends_with(&code.to_be_bytes()), "{server:?} {sent:?}");
        }
    }

    #[test]
    fn what_a_server_may_agree_to_is_read_and_nothing_else() {
        let read = |extensions: &[&'static str]| {
            let mut head = HeaderMap::new();
            head.insert(header::UPGRADE, HeaderValue::from_static("WebSocket"));
            for value in extensions {
                head.append(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(value));
            }
            reading(&head)
        };
        assert_eq!(read(&[]), Some(Reading::Plain));
        assert_eq!(read(&["permessage-deflate"]), Some(DEFLATED));
        let resets = Some(Reading::Deflated(MessageDeflate { resets: true }));
        assert_eq!(read(&["Permessage-Deflate; server_no_context_takeover; client_max_window_bits=\"12\""]), resets);
        for unknown in [
            &["permessage-deflate, permessage-deflate"][..],
            &["permessage-deflate", "permessage-deflate"],
            &["x-webkit-deflate-frame"],
            &["permessage-deflate; server_max_window_bits"],
            &["permessage-deflate; server_max_window_bits=16"],
            &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
            &["permessage-deflate; more=1"],
            &[""],
        ] {
            assert_eq!(read(unknown), None, "{unknown:?}");
        }
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
