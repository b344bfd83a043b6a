//! Text in armour: stretches of base64, base32 or hexadecimal long enough to hold a leak are decoded and looked into, and what is
//! compressed in them as well.

mod lines;

use std::{borrow::Cow, ops::Range};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use self::lines::Stretch;
use super::suspects::RUN;
use crate::coding::{Coding, Decoder, Limits, Plan, sniff};

/// Shorter stretches are tokens and digests, which rules know by themselves.
const STRETCH_MIN: usize = 2 * RUN;

/// The most that is decoded of one block.
const DECODED_MAX: usize = 128 * 1024;

/// What is looked at to tell text from pictures and ciphertext.
const SAMPLE: usize = 96;

/// A prefix that is written without a separator, and a block's start, shift the groups of four characters.
const SHIFTS: usize = 4;

/// A stretch of a block and the text it decodes to.
#[derive(Clone, Debug)]
pub(super) struct Armoured {
    pub(super) range: Range<usize>,
    pub(super) text: Vec<u8>,
}

/// The stretches of `bytes` around these long runs that decode to text.
pub(super) fn find(bytes: &[u8], runs: &[usize]) -> Vec<Armoured> {
    let (mut found, mut left, mut end) = (Vec::new(), DECODED_MAX, 0);
    for &run in runs {
        if run < end || left == 0 {
            continue;
        }
        let stretch = Stretch::around(bytes, run);
        end = stretch.range.end;
        if stretch.armour.len() >= STRETCH_MIN
            && has_armour_shape(&stretch.armour)
            && let Some(text) = decode(&stretch.armour, left)
        {
            left -= text.len().min(left);
            found.push(Armoured { range: stretch.range, text });
        }
    }
    found
}

/// The text that all of `bytes`, the start of a body, is compressed from: content codings end where no field names more.
pub(super) fn whole(bytes: &[u8]) -> Option<Armoured> {
    let text = unpacked(packed(bytes)?, bytes, DECODED_MAX);
    (!text.is_empty() && is_text(&text)).then_some(Armoured { range: 0..bytes.len(), text })
}

/// Paths and identifiers are made of the same letters; base64 of text mixes cases and digits all along.
fn has_armour_shape(stretch: &[u8]) -> bool {
    let sample = &stretch[..stretch.len().min(SAMPLE)];
    let separators = sample.iter().filter(|byte| matches!(byte, b'/' | b'-' | b'_' | b'=')).count();
    separators * 8 < sample.len()
}

/// The text in the stretch, behind whatever prefix.
fn decode(stretch: &[u8], most: usize) -> Option<Vec<u8>> {
    let prefix = stretch.iter().rposition(|byte| !byte.is_ascii_hexdigit()).map_or(0, |last| last + 1);
    if stretch.len() - prefix >= STRETCH_MIN {
        return hex(&stretch[prefix..], most);
    }
    base32(stretch, most).or_else(|| (0..SHIFTS).find_map(|shift| base64(&stretch[shift..], most)))
}

/// The text that hexadecimal digits stand for.
pub(super) fn hex(digits: &[u8], most: usize) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    let bytes = |digits: &[u8]| -> Vec<u8> {
        digits.chunks_exact(2).take(most).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    };
    holds_text(&bytes(&digits[..digits.len().min(SAMPLE)])).then(|| text_of(bytes(digits), most))?
}

/// The text that base64 in either alphabet stands for; behind padding, more of it may follow.
pub(super) fn base64(stretch: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut parts = stretch.split(|&byte| byte == b'=').filter(|part| part.len() > 1);
    let first = parts.next()?;
    let start = &first[..first.len().min(SAMPLE) / 4 * 4];
    STANDARD.decode(in_standard(start)).ok().filter(|bytes| holds_text(bytes))?;
    let mut bytes = Vec::with_capacity(stretch.len().min(most) / 4 * 3);
    for part in std::iter::once(first).chain(parts) {
        let whole = part.len() - usize::from(part.len() % 4 == 1);
        bytes.extend(STANDARD.decode(in_standard(&part[..whole.min(most / 3 * 4)])).unwrap_or_default());
    }
    bytes.truncate(most);
    text_of(bytes, most)
}

/// In the alphabet of RFC 4648 section 4, of which that of section 5 is a variant.
fn in_standard(armour: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'-', b'_', armour).is_none() {
        return Cow::Borrowed(armour);
    }
    let standard = |&byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    Cow::Owned(armour.iter().map(standard).collect())
}

/// The text that base32 (RFC 4648 section 6) stands for.
pub(super) fn base32(stretch: &[u8], most: usize) -> Option<Vec<u8>> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u64::from(byte - b'A')),
        b'2'..=b'7' => Some(u64::from(byte - b'2' + 26)),
        _ => None,
    };
    let body = stretch.split(|&byte| byte == b'=').next()?;
    let mut bytes = Vec::with_capacity(body.len() / 8 * 5 + 5);
    for group in body.chunks(8) {
        let bits = group.iter().try_fold(0, |bits, &byte| Some(bits << 5 | value(byte)?))?;
        let aligned = bits << (5 * (8 - group.len()));
        bytes.extend_from_slice(&aligned.to_be_bytes()[3..3 + group.len() * 5 / 8]);
    }
    bytes.truncate(most);
    holds_text(&bytes).then(|| text_of(bytes, most))?
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// Whether bytes that begin so are text, or may be compressed text.
fn holds_text(start: &[u8]) -> bool {
    is_text(start) || packed(start).is_some()
}

fn text_of(bytes: Vec<u8>, most: usize) -> Option<Vec<u8>> {
    match packed(&bytes) {
        Some(coding) => Some(unpacked(coding, &bytes, most)).filter(|text| is_text(text)),
        None => Some(bytes),
    }
}

/// Nearly all printable, or that and every other byte a NUL: ciphertext and compressed data are not.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let count = |is: fn(&u8) -> bool| sample.iter().filter(|byte| is(byte)).count();
    let printable = count(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    printable * 10 >= sample.len() * 9
        || printable * 20 >= sample.len() * 9 && count(|&byte| byte == 0) * 5 >= sample.len() * 2
}

/// The coding that bytes begin with. Those of zlib are two only, but few texts in armour are compressed otherwise.
fn packed(bytes: &[u8]) -> Option<Coding> {
    let zlib = matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]);
    sniff(bytes).or(zlib.then_some(Coding::Deflate))
}

/// What was decoded at a time.
const STEP: usize = 8 * 1024;

/// The content as far as it can be read, and no more of it.
fn unpacked(coding: Coding, mut bytes: &[u8], most: usize) -> Vec<u8> {
    let (mut content, mut step) = (Vec::new(), vec![0; STEP]);
    let Ok(mut decoder) = Decoder::new(&Plan::Decode(vec![coding]), Limits::default()) else { return content };
    while content.len() < most
        && let Ok(progress) = decoder.decode(&mut bytes, &mut step)
    {
        content.extend_from_slice(&step[..progress.written]);
        if !progress.has_more {
            break;
        }
    }
    content.truncate(most);
    content
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE;

    use super::*;
    use crate::{
        coding::Encoder,
        scan::{anchors::Kernel, suspects::Suspects},
    };

    const TEXT: &[u8] =
        b"Traceback (most recent call last):\n  File \"/srv/shop/app.py\", line 12, in index\nKeyError: 'x'\n";

    fn texts(page: &[u8]) -> Vec<Vec<u8>> {
        let suspects = Suspects::of(page, 0..page.len(), Kernel::fastest());
        find(page, &suspects.runs).into_iter().map(|armoured| armoured.text).collect()
    }

    #[test]
    fn base64_and_hexadecimal_of_text_are_read() {
        let page =
            [b"<img src=\"data:text/plain;base64,".as_slice(), STANDARD.encode(TEXT).as_bytes(), b"\">"].concat();
        assert_eq!(texts(&page), [TEXT]);
        let page = [b"{\"log\":\"".as_slice(), URL_SAFE.encode(TEXT).as_bytes(), b"\"}"].concat();
        assert_eq!(texts(&page), [TEXT]);
        let page: String = TEXT.iter().map(|byte| format!("{byte:02x}")).collect();
        for prefix in ["", "0x", "\\\\x"] {
            assert_eq!(texts([prefix, &page].concat().as_bytes()), [TEXT]);
        }
        let page = "KRUGKIDTMVRXEZLUEBXWMIDUNBSSA5TBOVWHIIDJOMQGC3TEEBUXG3RHOQ======";
        assert_eq!(texts(page.as_bytes()), [b"The secret of the vault is and isn't"]);
    }

    #[test]
    fn a_stretch_is_found_wherever_it_begins() {
        for before in 0..200 {
            let page = [vec![b' '; before], STANDARD.encode(TEXT).into_bytes(), vec![b' '; 60]].concat();
            assert_eq!(texts(&page), [TEXT], "{before}");
        }
    }

    #[test]
    fn escaped_characters_belong_to_a_stretch() {
        let text = b"~~>?>?: a secret, which is long enough to be one?>?>~";
        let armoured = STANDARD.encode(text);
        for (plus, slash, equals) in [
            ("+", "\\/", "="),
            ("\\u002b", "\\u002F", "\\u003d"),
            ("%2B", "%2f", "%3D"),
            ("&#43;", "&#x2F;", "&#61;"),
            ("&plus;", "&sol;", "&equals;"),
        ] {
            let escaped = armoured.replace('+', plus).replace('/', slash).replace('=', equals);
            for page in [
                escaped.clone(),
                format!("{{\"a\":\"{escaped}\"}}"),
                format!("x\\n{escaped}"),
                format!("%22{escaped}%22"),
            ] {
                assert_eq!(texts(page.as_bytes()), [text], "{page}");
            }
        }
    }

    #[test]
    fn what_is_compressed_or_wide_in_armour_is_read() {
        let mut encoder = Encoder::new(Coding::Gzip).unwrap();
        let mut packed = Vec::new();
        encoder.push(TEXT, &mut packed).unwrap();
        encoder.finish(&mut packed).unwrap();
        assert_eq!(texts(STANDARD.encode(&packed).as_bytes()), [TEXT]);
        let wide: Vec<u8> = TEXT.iter().flat_map(|&byte| [byte, 0]).collect();
        assert_eq!(texts(STANDARD.encode(&wide).as_bytes()), [wide]);
    }

    #[test]
    fn lines_are_read_as_one_stretch() {
        let text = TEXT.repeat(8);
        for (width, line_break) in [
            (76, "\r\n"),
            (64, "\n"),
            (60, "\\n"),
            (76, "\\r\\n"),
            (64, "\n    "),
            (68, "\n\t"),
            (76, "<br>\n"),
            (40, "<wbr>"),
            (60, "',\n '"),
            (60, "\"+\n\""),
        ] {
            let lines: Vec<String> = STANDARD
                .encode(&text)
                .as_bytes()
                .chunks(width)
                .map(|line| String::from_utf8(line.to_vec()).unwrap())
                .collect();
            for before in 0..90 {
                let page = format!("{}\n{}\nbye", "x ".repeat(before), lines.join(line_break));
                assert_eq!(texts(page.as_bytes()), std::slice::from_ref(&text), "{before}");
            }
        }
        let text = "Whatever it is?> ~~~ It is what it was, and what else? ".repeat(9).into_bytes();
        let armoured = STANDARD.encode(&text);
        for width in 40..64 {
            let lines = armoured.as_bytes().chunks(width).collect::<Vec<_>>().join(&b'\n');
            assert_eq!(texts(&lines), std::slice::from_ref(&text), "{width}");
        }
        let words = "hereditary\nconstitution\n".repeat(40);
        assert!(texts(words.as_bytes()).is_empty());
    }

    #[test]
    fn the_next_key_of_a_document_is_no_line_of_a_stretch() {
        for text in [TEXT, &TEXT[1..], &TEXT[2..]] {
            let armoured = STANDARD.encode(text);
            let page = format!("data:\n  log: {armoured}\nkind: Secret\n");
            let suspects = Suspects::of(page.as_bytes(), 0..page.len(), Kernel::fastest());
            let ranges: Vec<_> = find(page.as_bytes(), &suspects.runs).into_iter().map(|it| it.range).collect();
            assert_eq!((ranges.len(), ranges.first()), (1, Some(&(13..13 + armoured.len()))));
        }
    }

    #[test]
    fn pictures_words_and_paths_are_not_text_in_armour() {
        let picture: Vec<u8> = (0..400_u32).map(|n| ((n * 7919) >> 3) as u8).collect();
        assert!(texts(STANDARD.encode(picture).as_bytes()).is_empty());
        assert!(texts("/static/js/vendor/a/b/c/d/e/f/g/".repeat(8).as_bytes()).is_empty());
        assert!(texts("supercalifragilisticexpialidocious".repeat(8).as_bytes()).is_empty());
    }
}
