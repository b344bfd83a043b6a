//! Everything that somebody could read out of bytes, so that nothing leaves unseen.

use std::io::Read;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// How deep codings may be stacked.
const DEPTH: usize = 5;

/// How often escapes may be escaped.
const ROUNDS: usize = 4;

/// Runs of base64 shorter than this are not looked into.
const BASE64_MIN: usize = 40;

/// Readings of `bytes`: decoded in every coding, as they are, and with escapes, marks and tags resolved.
pub(crate) fn reveal(bytes: &[u8]) -> String {
    let mut layers = vec![bytes.to_vec()];
    let mut begin = 0;
    for _ in 0..DEPTH {
        let decoded: Vec<Vec<u8>> = layers[begin..].iter().flat_map(|layer| decoded(layer)).collect();
        begin = layers.len();
        layers.extend(decoded);
    }
    layers.iter().map(|layer| readings(layer)).collect::<Vec<_>>().join("\n")
}

/// What each decoder makes of it, as far as it comes.
fn decoded(bytes: &[u8]) -> Vec<Vec<u8>> {
    let all = |mut reader: Box<dyn Read + '_>| {
        let mut out = Vec::new();
        // What comes before an error has been read all the same.
        drop(reader.read_to_end(&mut out));
        out
    };
    let mut found = vec![
        all(Box::new(MultiGzDecoder::new(bytes))),
        all(Box::new(ZlibDecoder::new(bytes))),
        all(Box::new(DeflateDecoder::new(bytes))),
        all(Box::new(brotli::Decompressor::new(bytes, 4096))),
    ];
    found.extend(zstd::Decoder::new(bytes).map(|decoder| all(Box::new(decoder))));
    found.retain(|out| !out.is_empty());
    found
}

fn readings(bytes: &[u8]) -> String {
    let narrow: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
    let mut text = String::from_utf8_lossy(&narrow).replace('\u{200b}', "").replace("=\r\n", "");
    let mut readings = text.clone();
    for _ in 0..ROUNDS {
        text = unescaped(&text);
        readings += "\n";
        readings += &text;
    }
    let bare = without_marks(&text);
    [readings, from_base64(&text), bare].join("\n")
}

/// Percent, quoted-printable, JSON and character references resolved once.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (character, length) = reference(rest).unwrap_or((first, first.len_utf8()));
        out.push(character);
        rest = &rest[length..];
    }
    out
}

fn reference(text: &str) -> Option<(char, usize)> {
    if let Some(digits) = text.strip_prefix('%').and_then(|rest| rest.get(..2)) {
        return Some((char::from(u8::from_str_radix(digits, 16).ok()?), 3));
    }
    if let Some(digits) = text.strip_prefix('=').and_then(|rest| rest.get(..2)) {
        return Some((char::from(u8::from_str_radix(digits, 16).ok()?), 3));
    }
    if let Some(digits) = text.strip_prefix("\\u").and_then(|rest| rest.get(..4)) {
        return Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 6));
    }
    if let Some(escaped) = text.strip_prefix('\\').and_then(|rest| rest.chars().next()) {
        return Some((if escaped == 'n' { '\n' } else { escaped }, 1 + escaped.len_utf8()));
    }
    let name = text.strip_prefix('&')?.split(';').next().filter(|name| name.len() < 9)?;
    let character = match (name.strip_prefix("#x"), name.strip_prefix('#'), name) {
        (Some(digits), ..) => char::from_u32(u32::from_str_radix(digits, 16).ok()?)?,
        (_, Some(digits), _) => char::from_u32(digits.parse().ok()?)?,
        (_, _, "lt") => '<',
        (_, _, "gt") => '>',
        (_, _, "amp") => '&',
        (_, _, "quot") => '"',
        _ => return None,
    };
    Some((character, name.len() + 2))
}

/// Tags and colours of a terminal left out.
fn without_marks(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '<' => rest.find('>'),
            '\x1b' => rest.find('m'),
            _ => None,
        };
        if end.is_none() {
            out.push(first);
        }
        rest = &rest[end.map_or(first.len_utf8(), |end| end + 1)..];
    }
    out
}

fn from_base64(text: &str) -> String {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/".contains(c));
    let runs = runs.filter(|run| run.len() >= BASE64_MIN);
    runs.filter_map(|run| Some(String::from_utf8_lossy(&STANDARD_NO_PAD.decode(run).ok()?).into_owned())).collect()
}
