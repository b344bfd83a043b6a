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

/// Shorter lists of numbers are not bytes.
const NUMBERS_MIN: usize = 40;

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
    let mut found = inflated(bytes);
    let text = unescaped(&visible(bytes));
    found.extend(from_base64(&text));
    found.extend(from_numbers(&text));
    found
}

fn inflated(bytes: &[u8]) -> Vec<Vec<u8>> {
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

/// Without what nobody sees: NULs, soft hyphens of latin-1, characters of no width, breaks of quoted-printable.
fn visible(bytes: &[u8]) -> String {
    let narrow: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
    let is_hyphen = |at: usize| narrow[at] == 0xad && at > 0 && narrow[at - 1].is_ascii();
    let seen: Vec<u8> = (0..narrow.len()).filter(|&at| !is_hyphen(at)).map(|at| narrow[at]).collect();
    let mut text = String::from_utf8_lossy(&seen).into_owned();
    for nothing in ["\u{200b}", "\u{e0100}", "=\r\n", "&ZeroWidthSpace;", "]]><![CDATA["] {
        text = text.replace(nothing, "");
    }
    text
}

fn readings(bytes: &[u8]) -> String {
    let mut text = visible(bytes);
    let mut readings = text.clone();
    for _ in 0..ROUNDS {
        text = unescaped(&text);
        readings += "\n";
        readings += &text;
    }
    let bare = without_marks(&text);
    [readings, bare].join("\n")
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
    if let Some(digits) = text.strip_prefix("%u").and_then(|rest| rest.get(..4)) {
        return Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 6));
    }
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
        let meant = match escaped {
            'n' => '\n',
            'r' => '\r',
            other => other,
        };
        return Some((meant, 1 + escaped.len_utf8()));
    }
    let name = text.strip_prefix('&')?.split(';').next().filter(|name| name.len() < 18)?;
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

/// Base64 in either alphabet, over whatever stands between its lines and behind whatever stands before it.
fn from_base64(text: &str) -> Vec<Vec<u8>> {
    let joined = text.replace([' ', '\r', '\n', '"', ','], "").replace('-', "+").replace('_', "/");
    let runs = joined.split(|c: char| !c.is_ascii_alphanumeric() && !"+/".contains(c));
    let runs = runs.filter(|run| run.len() >= BASE64_MIN);
    let shifted = runs.flat_map(|run| (0..4).map(|shift| &run[shift..]));
    shifted
        .flat_map(|run| [run, &run[..run.len() / 4 * 4]])
        .filter_map(|run| STANDARD_NO_PAD.decode(run).ok())
        .collect()
}

/// Numbers in a row that are bytes, in decimal or hexadecimal, with whatever before, behind and between them. Rows of a
/// dump end with their text.
fn from_numbers(text: &str) -> Vec<Vec<u8>> {
    let rows: String = text.lines().map(|row| row.split('|').next().unwrap_or_default().to_owned() + "\n").collect();
    let words: Vec<&str> = rows.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let bare = |word: &'_ str| word.trim_start_matches("0x").trim_start_matches('x').to_owned();
    let hexadecimal = words.iter().map(|word| bare(word)).filter(|word| word.len() == 2);
    let hexadecimal = hexadecimal.filter_map(|word| u8::from_str_radix(&word, 16).ok()).collect::<Vec<_>>();
    let decimal = words.iter().filter_map(|word| word.parse().ok()).collect::<Vec<u8>>();
    let digits = words.iter().map(|word| bare(word)).filter(|word| word.len() >= 2 * NUMBERS_MIN);
    let digits = digits.filter_map(|word| {
        (0..word.len() / 2).map(|at| u8::from_str_radix(&word[2 * at..2 * at + 2], 16).ok()).collect()
    });
    [hexadecimal, decimal].into_iter().filter(|bytes| bytes.len() >= NUMBERS_MIN).chain(digits).collect()
}
