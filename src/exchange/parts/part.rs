//! A part that is encoded by itself: undone, and judged as a body of its own.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::DEPTH_MAX;
use crate::{
    coding::{TransferDecoder, TransferEncoding},
    exchange::{
        body::Inspection,
        media,
        step::{BodyStep, Cause, Context},
    },
};

/// The encoding of a part.
const CONTENT_TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

/// One part.
#[derive(Debug)]
pub(super) struct Part {
    transfer: TransferDecoder,
    pub(super) inspection: Inspection,
    /// Which content was made of which bytes of the body: pairs of the end of a piece of content and the place in the
    /// body where the bytes for it began.
    pub(super) origins: VecDeque<(u64, u64)>,
}

impl Part {
    /// The part with these fields; `None` if it needs no reading of its own.
    pub(super) fn of(fields: &HeaderMap, cx: &Context<'_>, depth: u8) -> Result<Option<Self>, Cause> {
        let transfer = transfer(fields)?;
        let inspection = media::part(fields, cx.policy, depth + 1).map_err(|_| Cause::Unreadable)?;
        if transfer == TransferEncoding::Identity && !inspection.is_more_than_text() {
            return Ok(None);
        }
        if depth + 1 >= DEPTH_MAX {
            return Err(Cause::Unreadable);
        }
        Ok(Some(Self { transfer: TransferDecoder::new(transfer), inspection, origins: VecDeque::new() }))
    }

    /// Judges the content of the next bytes, which stand at `origin` in the body.
    pub(super) fn push(&mut self, cx: &mut Context<'_>, bytes: &[u8], origin: u64) -> Result<(), Cause> {
        let mut content = Vec::with_capacity(bytes.len());
        self.transfer.decode(bytes, &mut content);
        self.feed(cx, content, origin)
    }

    fn feed(&mut self, cx: &mut Context<'_>, content: Vec<u8>, origin: u64) -> Result<(), Cause> {
        if content.is_empty() {
            return Ok(());
        }
        let step = self.inspection.chunk(cx, Bytes::from(content));
        self.origins.push_back((self.inspection.received(), origin));
        self.check(&step)
    }

    pub(super) fn end(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        let mut content = Vec::new();
        self.transfer.finish(&mut content);
        self.feed(cx, content, 0)?;
        let step = self.inspection.end(cx);
        self.check(&step)
    }

    /// Nothing can be masked inside an encoding.
    pub(super) fn check(&mut self, step: &BodyStep) -> Result<(), Cause> {
        match (step, self.inspection.broken()) {
            (&(BodyStep::Replace(cause) | BodyStep::Sever(cause)), _) | (_, Some(cause)) => return Err(cause),
            (BodyStep::Hold | BodyStep::Commit { .. } | BodyStep::Release(_), None) => {}
        }
        if self.inspection.masked() {
            return Err(Cause::Leak);
        }
        let released = self.inspection.released();
        while self.origins.front().is_some_and(|(end, _)| *end <= released) {
            self.origins.pop_front();
        }
        Ok(())
    }
}

/// A part with two encodings, or one that nobody knows, cannot be read.
fn transfer(fields: &HeaderMap) -> Result<TransferEncoding, Cause> {
    let mut named = fields.get_all(&CONTENT_TRANSFER_ENCODING).iter().map(HeaderValue::as_bytes);
    let first = TransferEncoding::from_token(named.next().unwrap_or_default()).ok_or(Cause::Unreadable)?;
    match named.all(|token| TransferEncoding::from_token(token) == Some(first)) {
        true => Ok(first),
        false => Err(Cause::Unreadable),
    }
}

/// The fields that say how a part is to be read; lines that are continued are one (RFC 5322 section 2.2.3).
pub(super) fn fields(head: &[u8]) -> HeaderMap {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in head.split(|&byte| byte == b'\n') {
        match lines.last_mut() {
            Some(before) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                before.push(b' ');
                before.extend_from_slice(line.trim_ascii());
            }
            _ => lines.push(line.trim_ascii().to_vec()),
        }
    }
    let mut fields = HeaderMap::new();
    for line in lines {
        let Some(colon) = memchr::memchr(b':', &line) else { continue };
        let (name, value) = (line[..colon].trim_ascii_end(), line[colon + 1..].trim_ascii());
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) else { continue };
        if [header::CONTENT_TYPE, header::CONTENT_ENCODING, CONTENT_TRANSFER_ENCODING].contains(&name) {
            fields.append(name, value);
        }
    }
    fields
}
