//! What a response's fields say about its body: how it is coded, whether its text can be read, how it is cut.

use http::{HeaderMap, HeaderValue, header};

use super::{body::Inspection, cut::Cut, parts::Parts};
use crate::{
    coding::{Decoder, Limits, Plan},
    policy::InspectPolicy,
    scan::MARGIN,
};

/// The body cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable;

/// Charsets in which ASCII stands for itself, or which the text view reads (UTF-16, UTF-32: by dropping NULs; UTF-7:
/// by decoding it).
const READABLE_CHARSETS: &[&str] = &[
    "utf-8",
    "utf-7",
    "utf8",
    "us-ascii",
    "ascii",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "utf-32",
    "utf-32le",
    "utf-32be",
    "big5",
    "gb2312",
    "gbk",
    "gb18030",
    "euc-jp",
    "euc-kr",
    "shift_jis",
    "shift-jis",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "tis-620",
];

/// Families of charsets of which every member keeps ASCII.
const READABLE_FAMILIES: &[&str] = &["iso-8859-", "iso8859-", "latin", "windows-", "cp125", "x-mac-"];

/// The machine for a body with these fields.
pub(super) fn inspection(fields: &HeaderMap, policy: &InspectPolicy) -> Result<Inspection, Unreadable> {
    part(fields, policy, 0)
}

/// The machine for a part with these fields, so deep in a body.
pub(super) fn part(fields: &HeaderMap, policy: &InspectPolicy, depth: u8) -> Result<Inspection, Unreadable> {
    let said = Said::by(fields);
    let codings = said.coded.then(|| fields.get_all(header::CONTENT_ENCODING)).into_iter().flatten();
    let limits = Limits::default();
    let plan = Plan::from_headers(codings.map(HeaderValue::as_bytes));
    let decoder = match &plan {
        Plan::Identity => None,
        Plan::Refuse(_) => return Err(Unreadable),
        plan => Some(Decoder::new(plan, limits).map_err(|_| Unreadable)?),
    };
    let content_type = ContentType::read(said.content_type);
    if !content_type.is_readable() {
        return Err(Unreadable);
    }
    let cut = if policy.hold == 0 { Cut::Line } else { Cut::for_type(&content_type.essence) };
    let cut = if depth > 0 { Cut::Blocks } else { cut };
    let utf7 = content_type.charset.as_deref() == Some("utf-7");
    let parts = Parts::of(&content_type, depth);
    let expected = if decoder.is_none() { said.length.min(policy.hold + HELD_BEYOND) } else { 0 };
    let inspection = Inspection::new(cut, decoder, content_type.essence, said.promised);
    Ok(inspection.expecting(expected).in_utf7(utf7).of_parts(parts).taking(plan.memory(&limits)))
}

/// What is held beyond the first block: the margins on both sides, and a piece that has just arrived.
const HELD_BEYOND: usize = 2 * MARGIN + 16 * 1024;

/// What fields say about their body, read in one look at them: asking the map for each costs more.
#[derive(Default)]
struct Said<'a> {
    /// Of several the first.
    content_type: Option<&'a HeaderValue>,
    /// What `Content-Length` says, 0 where there is none.
    length: usize,
    /// There is a `Content-Encoding`.
    coded: bool,
    /// A length or a validator is there.
    promised: bool,
}

impl<'a> Said<'a> {
    fn by(fields: &'a HeaderMap) -> Self {
        let mut said = Self::default();
        for (name, value) in fields {
            match *name {
                header::CONTENT_TYPE => drop(said.content_type.get_or_insert(value)),
                header::CONTENT_ENCODING => said.coded = true,
                header::ETAG | header::LAST_MODIFIED => said.promised = true,
                header::CONTENT_LENGTH => {
                    said.promised = true;
                    said.length = value.to_str().ok().and_then(|length| length.parse().ok()).unwrap_or_default();
                }
                _ => {}
            }
        }
        said
    }
}

/// Whether the fields say that the body is HTML. XHTML is read by other rules.
pub(super) fn is_html(fields: &HeaderMap) -> bool {
    let value = fields.get(header::CONTENT_TYPE).map_or(b"".as_slice(), |value| value.as_bytes());
    value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii().eq_ignore_ascii_case(b"text/html")
}

/// What a `Content-Type` field says.
pub(super) struct ContentType {
    /// Type and subtype in lower case; empty if the field is missing or unreadable.
    pub(super) essence: String,
    charset: Option<String>,
    /// As it was written: case matters.
    pub(super) boundary: Option<String>,
}

impl ContentType {
    fn of(fields: &HeaderMap) -> Self {
        Self::read(fields.get(header::CONTENT_TYPE))
    }

    fn read(value: Option<&HeaderValue>) -> Self {
        let value = value.map(|value| String::from_utf8_lossy(value.as_bytes())).unwrap_or_default();
        if memchr::memchr2(b';', b'"', value.as_bytes()).is_none() {
            return Self { essence: value.trim().to_ascii_lowercase(), charset: None, boundary: None };
        }
        let mut parts = segments(&value);
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let (mut charset, mut boundary) = (None, None);
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            match name.trim().to_ascii_lowercase().as_str() {
                "charset" if charset.is_none() => charset = Some(unquoted(value).to_ascii_lowercase()),
                "boundary" if boundary.is_none() => boundary = Some(unquoted(value)),
                _ => {}
            }
        }
        Self { essence, charset, boundary }
    }

    fn is_readable(&self) -> bool {
        self.charset.as_deref().is_none_or(|charset| {
            charset.is_empty()
                || READABLE_CHARSETS.contains(&charset)
                || READABLE_FAMILIES.iter().any(|family| charset.starts_with(family))
        })
    }
}

/// The value cut at its semicolons, but for those inside quotes. An unclosed quote ends where the value does.
fn segments(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value.split(move |character| {
        quoted ^= character == '"';
        character == ';' && !quoted
    })
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    let inner = value.strip_prefix('"').map_or(value, |rest| rest.strip_suffix('"').unwrap_or(rest));
    inner.trim_matches('\'').replace('\\', "")
}

/// Whether a media type, without parameters and in lower case, is JSON or a stream of it (RFC 8259, RFC 6839, RFC 7464).
pub(super) fn is_json(media_type: &str) -> bool {
    let subtype = media_type.split_once('/').map_or("", |(_, subtype)| subtype);
    let subtype = subtype.strip_prefix("x-").unwrap_or(subtype);
    subtype.ends_with("+json") || matches!(subtype, "json" | "json-seq" | "ndjson" | "jsonl" | "jsonlines")
}

/// Whether the type is one of text, which compression makes smaller.
pub(super) fn is_text(fields: &HeaderMap) -> bool {
    let essence = ContentType::of(fields).essence;
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || ["application/json", "application/javascript", "application/xml"].contains(&essence.as_str())
}

/// With so many bytes of a body, or more, more of it change nothing about [`is_what_it_says`].
pub(super) const MAGIC_MAX: u64 = 12;

/// Whether a body that begins with `start` is the binary format that `media_type` says. Only such a body is exempt.
pub(super) fn is_what_it_says(media_type: &str, start: &[u8]) -> bool {
    let at = |offset: usize, magic: &[u8]| start.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    match media_type {
        "image/png" => at(0, b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" | "image/jpg" => at(0, b"\xff\xd8\xff"),
        "image/gif" => (at(0, b"GIF87a") || at(0, b"GIF89a")) && is_binary(start.get(6..)),
        "image/webp" => at(0, b"RIFF") && at(8, b"WEBP"),
        "image/avif" | "image/heic" | "video/mp4" | "audio/mp4" | "video/quicktime" => at(0, b"\0") && at(4, b"ftyp"),
        "image/x-icon" | "image/vnd.microsoft.icon" => at(0, b"\0\0\x01\0"),
        "image/bmp" => at(0, b"BM") && at(6, b"\0\0\0\0"),
        "font/woff2" => at(0, b"wOF2"),
        "font/woff" | "application/font-woff" => at(0, b"wOFF"),
        "font/ttf" | "font/otf" => at(0, b"\0\x01\0\0") || at(0, b"OTTO\0") || at(0, b"true\0"),
        "audio/mpeg" => at(0, b"ID3") && is_binary(start.get(3..5)) || at(0, b"\xff\xfb") || at(0, b"\xff\xf3"),
        "audio/ogg" | "video/ogg" | "application/ogg" => at(0, b"OggS\0"),
        "audio/wav" | "audio/x-wav" => at(0, b"RIFF") && at(8, b"WAVE"),
        "video/webm" | "audio/webm" => at(0, b"\x1a\x45\xdf\xa3"),
        "application/wasm" => at(0, b"\0asm"),
        "application/pdf" => at(0, b"%PDF-"),
        "application/zip" | "application/java-archive" => at(0, b"PK\x03\x04"),
        "application/gzip" | "application/x-gzip" => at(0, b"\x1f\x8b\x08"),
        _ => false,
    }
}

/// Whether one of the bytes behind a mark of letters is none that stands in text.
fn is_binary(bytes: Option<&[u8]>) -> bool {
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | b' '..=b'~');
    bytes.is_some_and(|bytes| !bytes.iter().all(is_text))
}
