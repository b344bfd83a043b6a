//! The parts of a multipart body (RFC 2046 section 5.1). What stands there in plain is read with the body around it;
//! a part that is encoded by itself, in transfer or in content, is undone and judged as a body of its own, and nothing
//! behind the place up to which it has been judged may leave. A mail (section 5.2.1) is a body of one part, and so is a
//! message of HTTP (RFC 9112 section 10), as in the answer to a batch of requests.

mod part;

use http::{HeaderValue, header};

use self::part::{Part, fields};
use super::{
    media::ContentType,
    step::{Cause, Context},
};
use crate::incident::Exemption;

/// How deep parts may hold parts.
pub(super) const DEPTH_MAX: u8 = 4;

/// The most bytes of a part's fields.
const HEAD_MAX: usize = 16 * 1024;

/// The longest boundary (RFC 2046 section 5.1.1).
const BOUNDARY_MAX: usize = 70;

/// The most white space behind a boundary.
const PADDING_MAX: usize = 1024;

/// Types of bodies that are one part: fields, an empty line, content.
const MESSAGES: [&str; 4] = ["message/rfc822", "message/global", "message/http", "application/http"];

/// A reader of one multipart body.
#[derive(Debug)]
pub(super) struct Parts {
    /// The boundary with the two hyphens before it; empty in a mail, which has none.
    delimiter: Vec<u8>,
    depth: u8,
    /// Parts whose fields say no type are mails (`multipart/digest`, RFC 2046 section 5.1.5).
    is_digest: bool,
    /// The beginning of a line that may still become a delimiter, with the break before it.
    undecided: Vec<u8>,
    /// How many bytes of `undecided` are the break before the line.
    before: usize,
    /// Whether the line that is being read can no longer be a delimiter.
    ordinary: bool,
    section: Section,
    /// Bytes of the body that were taken so far, but for those of `undecided`.
    taken: u64,
    exemption: Option<Exemption>,
}

#[derive(Debug)]
enum Section {
    /// Read with the body around it: preamble, epilogue, a plain part.
    Plain,
    /// The fields of a part.
    Head(Vec<u8>),
    /// A part that is read by itself.
    Own(Box<Part>),
}

impl Parts {
    /// A reader for a body of this type; `None` if it is not one of parts, or says no boundary, so that nobody can tell
    /// its parts.
    pub(super) fn of(content_type: &ContentType, depth: u8) -> Option<Self> {
        let is_mail = MESSAGES.contains(&content_type.essence.as_str());
        let boundary = content_type.boundary.as_deref().filter(|_| content_type.essence.starts_with("multipart/"));
        let boundary = boundary.filter(|boundary| (1..=BOUNDARY_MAX).contains(&boundary.len()));
        Some(Self {
            delimiter: if is_mail { Vec::new() } else { [b"--", boundary?.as_bytes()].concat() },
            depth,
            is_digest: content_type.essence == "multipart/digest",
            undecided: Vec::new(),
            before: 0,
            ordinary: false,
            section: if is_mail { Section::Head(Vec::new()) } else { Section::Plain },
            taken: 0,
            exemption: None,
        })
    }

    /// Reads the next bytes of the body.
    pub(super) fn push(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<(), Cause> {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line(cx, line)?;
        }
        Ok(())
    }

    /// The body is over.
    pub(super) fn end(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        if self.is_delimiter() {
            return self.end_part(cx);
        }
        self.settle(cx)?;
        self.end_part(cx)
    }

    /// The body is quiet.
    pub(super) fn quiet(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        let Section::Own(part) = &mut self.section else { return Ok(()) };
        let step = part.inspection.quiet(cx);
        part.check(&step)
    }

    /// The place in the body up to which everything has been judged, as far as the parts go.
    pub(super) fn limit(&self) -> u64 {
        match &self.section {
            Section::Own(part) => part.origins.front().map_or(u64::MAX, |(_, origin)| *origin),
            Section::Plain | Section::Head(_) => u64::MAX,
        }
    }

    /// Whether nothing of the part that is being read has been judged.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(&self.section, Section::Own(part) if part.inspection.is_holding())
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        let section = match &self.section {
            Section::Plain => 0,
            Section::Head(head) => head.len(),
            Section::Own(part) => part.inspection.held(),
        };
        self.undecided.len() + section
    }

    /// Why a part was not read, if it was let by.
    pub(super) fn exemption(&self) -> Option<Exemption> {
        self.exemption
    }

    /// Takes a line or a piece of one.
    fn line(&mut self, cx: &mut Context<'_>, piece: &[u8]) -> Result<(), Cause> {
        if self.ordinary {
            self.content(cx, piece)?;
        } else {
            self.undecided.extend_from_slice(piece);
        }
        if !piece.ends_with(b"\n") {
            return if self.may_be_delimiter() { Ok(()) } else { self.settle(cx) };
        }
        if self.is_delimiter() {
            self.end_part(cx)?;
            self.section = if self.closes() { Section::Plain } else { Section::Head(Vec::new()) };
            self.taken += self.undecided.len() as u64;
            self.undecided.clear();
            self.before = 0;
            return Ok(());
        }
        self.settle(cx)?;
        self.ordinary = false;
        Ok(())
    }

    /// The line is none of the delimiters: what was kept of it is content. Its break may belong to the next one.
    fn settle(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        let undecided = std::mem::take(&mut self.undecided);
        self.before = 0;
        self.ordinary = true;
        self.content(cx, &undecided)
    }

    /// Takes content. The break at its end is kept back, since it belongs to a delimiter that follows.
    fn content(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<(), Cause> {
        let undecided = std::mem::take(&mut self.undecided);
        let bytes = if undecided.is_empty() { bytes } else { &[&undecided, bytes].concat() };
        if let Section::Head(head) = &mut self.section {
            head.extend_from_slice(bytes);
            self.taken += bytes.len() as u64;
            self.before = 0;
            return self.begin_part(cx);
        }
        let kept = match bytes {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n' | b'\r'] => 1,
            _ => 0,
        };
        let (content, line_break) = bytes.split_at(bytes.len() - kept);
        self.undecided.extend_from_slice(line_break);
        self.before = kept;
        let origin = self.taken;
        self.taken += content.len() as u64;
        match &mut self.section {
            Section::Own(part) => part.push(cx, content, origin),
            Section::Plain | Section::Head(_) => Ok(()),
        }
    }

    /// Once the fields of a part are there, settles how it is read.
    fn begin_part(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        let Section::Head(head) = &self.section else { return Ok(()) };
        if head.len() > HEAD_MAX {
            return Err(Cause::Unreadable);
        }
        if !(head.as_slice() == b"\n" || head == b"\r\n" || head.ends_with(b"\n\n") || head.ends_with(b"\n\r\n")) {
            return Ok(());
        }
        let mut fields = fields(head);
        if self.is_digest && !fields.contains_key(header::CONTENT_TYPE) {
            fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(MESSAGES[0]));
        }
        self.section = match Part::of(&fields, cx, self.depth)? {
            Some(part) => Section::Own(Box::new(part)),
            None => Section::Plain,
        };
        Ok(())
    }

    fn end_part(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        if let Section::Own(mut part) = std::mem::replace(&mut self.section, Section::Plain) {
            part.end(cx)?;
            // That a part is the picture it says it is exempts only that part.
            self.exemption = self.exemption.or(part.inspection.exemption()).filter(|why| *why != Exemption::BinaryType);
        }
        Ok(())
    }

    fn undecided_line(&self) -> &[u8] {
        self.undecided.get(self.before..).unwrap_or_default()
    }

    fn is_delimiter(&self) -> bool {
        !self.ordinary
            && !self.delimiter.is_empty()
            && self.undecided_line().strip_prefix(self.delimiter.as_slice()).is_some_and(|rest| {
                let rest = rest.trim_ascii();
                rest.is_empty() || rest == b"--"
            })
    }

    fn closes(&self) -> bool {
        self.undecided_line().trim_ascii_end().len() > self.delimiter.len()
    }

    fn may_be_delimiter(&self) -> bool {
        let line = self.undecided_line();
        let length = line.len().min(self.delimiter.len());
        let rest = line.get(length..).unwrap_or_default();
        let padding = rest.strip_prefix(b"--").or(rest.strip_prefix(b"-")).unwrap_or(rest);
        !self.ordinary
            && !self.delimiter.is_empty()
            && line.get(..length) == self.delimiter.get(..length)
            && padding.iter().all(|byte| b" \t\r".contains(byte))
            && padding.len() <= PADDING_MAX
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::Arc};

    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use bytes::Bytes;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        coding::{TransferDecoder, TransferEncoding},
        engine::Engine,
        exchange::{Replayed, replay},
        incident::{Disposition, FingerprintKey, Refusal},
        response::ResponseHead,
        rules::{PACKS, parse_pack},
        scan::Ruleset,
    };

    const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/shop/venv/lib/python3.11/site-packages/flask/app.py\", line 1511, in wsgi_app\n    response = self.full_dispatch_request()\n  File \"/srv/shop/app.py\", line 12, in index\n    return 1 / 0\nZeroDivisionError: division by zero\n";

    fn engine() -> Arc<Engine> {
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect();
        Arc::new(Engine::with_rules(Ruleset::compile(rules).unwrap(), FingerprintKey::new([1; 32])))
    }

    fn sent(engine: &Arc<Engine>, media_type: &str, body: &[u8], size: usize) -> Replayed {
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_str(media_type).unwrap())].into_iter().collect();
        let head = ResponseHead::new(http::StatusCode::OK, headers);
        replay(engine, head, body.chunks(size).map(Bytes::copy_from_slice))
    }

    fn multipart(fields: &str, part: &[u8]) -> Vec<u8> {
        let (before, after) =
            ("--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1\r\n", "\r\n--b1\r\n\r\nbye\r\n--b1--\r\n");
        [before.as_bytes(), fields.as_bytes(), b"\r\n\r\n", part, after.as_bytes()].concat()
    }

    fn in_lines(text: &[u8]) -> Vec<u8> {
        STANDARD.encode(text).as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..])
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn quoted(text: &[u8]) -> Vec<u8> {
        let line = |bytes: &[u8]| bytes.iter().map(|byte| format!("={byte:02X}")).collect::<String>().into_bytes();
        text.chunks(25).map(line).collect::<Vec<_>>().join(&b"=\r\n"[..])
    }

    /// Parts under their fields, with what is read in them.
    fn encoded(text: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let nested = multipart("Content-Transfer-Encoding: base64", &in_lines(text));
        let nested = String::from_utf8(nested).unwrap().replace("b1", "b2").into_bytes();
        vec![
            ("Content-Transfer-Encoding: BASE64", in_lines(text)),
            ("content-transfer-encoding:\r\n base64", in_lines(text)),
            ("Content-Transfer-Encoding: quoted-printable", quoted(text)),
            ("Content-Type: text/html\r\nContent-Encoding: gzip", gzip(text)),
            ("Content-Encoding: gzip\r\nContent-Transfer-Encoding: base64", in_lines(&gzip(text))),
            ("Content-Type: multipart/mixed; boundary=\"b2\"", nested),
            ("Content-Type: image/png\r\nContent-Transfer-Encoding: base64", in_lines(text)),
            (
                "Content-Type: application/http",
                [&b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n\r\n"[..], &gzip(text)]
                    .concat(),
            ),
            (
                "Content-Type: message/rfc822",
                [&b"Content-Transfer-Encoding: quoted-printable\n\n"[..], &quoted(text)].concat(),
            ),
        ]
    }

    #[test]
    fn a_leak_in_an_encoded_part_is_found_however_the_body_is_cut() {
        let engine = engine();
        for (fields, part) in encoded(TRACE.as_bytes()) {
            for media_type in ["multipart/mixed; boundary=b1", "multipart/form-data;boundary=\"b1\"; x=\";\""] {
                for size in [1, 13, 100_000] {
                    let sent = sent(&engine, media_type, &multipart(fields, &part), size);
                    assert_eq!(sent.outcome.disposition, Disposition::Replaced, "{fields} {size}");
                }
            }
            let mail = [fields.as_bytes(), b"\r\nSubject: a mail\r\n\r\n", &part].concat();
            assert_eq!(
                sent(&engine, "message/rfc822", &mail, 13).outcome.disposition,
                Disposition::Replaced,
                "{fields}"
            );
        }
    }

    #[test]
    fn what_says_no_type_in_a_digest_is_a_mail() {
        let engine = engine();
        for (text, disposition) in [(TRACE, Disposition::Replaced), ("Nothing.\n", Disposition::InspectedClean)] {
            let mail =
                [&b"--b1\r\n\r\nContent-Transfer-Encoding: base64\r\n\r\n"[..], &in_lines(text.as_bytes())].concat();
            let body = [&mail[..], b"\r\n--b1--\r\n"].concat();
            for size in [1, 50, 100_000] {
                let sent = sent(&engine, "multipart/digest; boundary=b1", &body, size);
                assert_eq!(sent.outcome.disposition, disposition, "{size}");
            }
        }
    }

    /// Nobody can tell its parts, so that nothing in them is undone.
    #[test]
    fn parts_without_their_boundary_are_read_as_text() {
        let engine = engine();
        for media_type in ["multipart/mixed", "multipart/mixed; boundary=other", "multipart/mixed; boundary=\"\""] {
            let body = multipart("Content-Type: application/octet-stream", TRACE.as_bytes());
            assert_eq!(sent(&engine, media_type, &body, 50).outcome.disposition, Disposition::Replaced, "{media_type}");
        }
    }

    #[test]
    fn harmless_parts_arrive_as_they_were() {
        let engine = engine();
        for (fields, part) in encoded(b"Nothing to see here.\n") {
            let body = multipart(fields, &part);
            for size in [1, 13, 100_000] {
                let sent = sent(&engine, "multipart/mixed; boundary=b1", &body, size);
                assert_eq!(sent.outcome.disposition, Disposition::InspectedClean, "{fields} {size}");
                assert!(sent.complete && sent.body == body, "{fields} {size}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_in_a_part_is_refused() {
        let engine = engine();
        let deep = (0..DEPTH_MAX).fold(b"x".to_vec(), |inner, depth| {
            let part =
                format!("--d{depth}\r\nContent-Type: multipart/mixed; boundary=d{}\r\n\r\n", depth.wrapping_sub(1));
            [part.as_bytes(), &inner, format!("\r\n--d{depth}--\r\n").as_bytes()].concat()
        });
        let refused = Disposition::Refused(Refusal::Unreadable);
        for (media_type, body) in [
            ("multipart/mixed; boundary=b1", multipart("Content-Transfer-Encoding: x-uuencode", b"x")),
            ("multipart/mixed; boundary=b1", multipart("Content-Encoding: lzma", b"x")),
            (
                "multipart/mixed; boundary=b1",
                multipart("Content-Encoding: gzip", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 7]),
            ),
            ("multipart/mixed; boundary=b1", multipart("Content-Type: text/plain; charset=ebcdic-us", b"x")),
            ("multipart/mixed; boundary=b1", multipart(&"X-Long: x\r\n".repeat(2000), b"x")),
            ("multipart/mixed; boundary=d3", deep),
        ] {
            let outcome = sent(&engine, media_type, &body, 50).outcome.disposition;
            assert_eq!(outcome, refused, "{:?}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn nothing_behind_an_undecided_part_leaves() {
        let engine = engine();
        let filler = "Lorem ipsum dolor sit amet, consectetur.\n".repeat(20_000);
        let late = format!("{filler}{TRACE}{filler}");
        for (fields, part) in encoded(late.as_bytes()) {
            let sent = sent(&engine, "multipart/mixed; boundary=b1", &multipart(fields, &part), 4000);
            assert!(matches!(sent.outcome.disposition, Disposition::Severed | Disposition::Replaced), "{fields}");
            let out: Vec<u8> = sent.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let mut decoded = Vec::new();
            TransferDecoder::new(TransferEncoding::Base64).decode(&out[out.len().min(60)..], &mut decoded);
            assert!(!decoded.windows(9).any(|window| window == b"/srv/shop"), "{fields}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_pass_or_are_refused_and_never_change(
            body in "(--b1(--)?[ \t]{0,3}\r?\n|Content-Type: (multipart/x; boundary=b2|text/plain)\r\n|Content-Transfer-Encoding: (base64|quoted-printable)\r\n|--b2\n|\r\n|[a-z=+ -]{0,9}){0,30}",
            size in 1_usize..40,
        ) {
            let engine = Arc::new(Engine::with_rules(Ruleset::compile(Vec::new()).unwrap(), FingerprintKey::new([1; 32])));
            let sent = sent(&engine, "multipart/mixed; boundary=b1", body.as_bytes(), size);
            prop_assert!(sent.outcome.disposition == Disposition::Refused(Refusal::Unreadable) || sent.body == body.as_bytes());
        }
    }
}
