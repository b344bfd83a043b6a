//! Text in armour: stretches of base64 or hexadecimal long enough to hold a leak are decoded and looked into once.

use std::{borrow::Cow, ops::Range};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Shorter stretches are tokens and digests, which rules know by themselves.
const STRETCH_MIN: usize = 96;

/// Distance of the samples by which stretches are found. At most half of [`STRETCH_MIN`], so that none is missed.
const STRIDE: usize = 48;

/// A stretch that is long enough covers a sample and everything up to the next one, so it is armour at every step
/// between; most text fails at the first few.
const SAMPLE_STEP: usize = 6;
const SAMPLES: usize = STRIDE / SAMPLE_STEP;

/// The most that is decoded of one block.
const DECODED_MAX: usize = 128 * 1024;

/// What is looked at to tell text from pictures and ciphertext.
const SAMPLE: usize = 96;

/// A stretch of a block and the text it decodes to.
#[derive(Clone, Debug)]
pub(super) struct Armoured {
    pub(super) range: Range<usize>,
    pub(super) text: Vec<u8>,
}

/// The stretches of `bytes` that begin in `own` (or reach into it from before) and decode to text.
pub(super) fn find(bytes: &[u8], own: Range<usize>) -> Vec<Armoured> {
    let mut found = Vec::new();
    let mut left = DECODED_MAX;
    let mut at = own.start;
    while at < own.end && left > 0 {
        if !is_sampled(&bytes[at..]) {
            at += STRIDE;
            continue;
        }
        let stretch = grown(bytes, at);
        let end = stretch.end;
        let armour = unwrapped(&bytes[stretch.clone()]);
        if armour.len() >= STRETCH_MIN
            && has_armour_shape(&armour)
            && let Some(text) = decode(&armour, stretch.start == 0, left)
        {
            left -= text.len().min(left);
            found.push(Armoured { range: stretch, text });
        }
        at = end.max(at + STRIDE);
    }
    found
}

/// Whether every sample up to the next stride is armour. All are looked at: at which of them text fails is not
/// predictable, so that a branch for each costs more than the looks it saves.
fn is_sampled(rest: &[u8]) -> bool {
    match rest.first_chunk::<STRIDE>() {
        Some(stride) => (0..SAMPLES).fold(true, |all, sample| all & is_armour(stride[sample * SAMPLE_STEP])),
        None => rest.iter().step_by(SAMPLE_STEP).all(|&byte| is_armour(byte)),
    }
}

/// The stretch around `at`, over the breaks of lines that are all as long as each other but for the last one, as MIME
/// writes them (RFC 2045 section 6.8).
fn grown(bytes: &[u8], at: usize) -> Range<usize> {
    let at = at + usize::from(matches!(&bytes[..=at], [.., b'\\', b'n' | b'r']));
    let mut start = at - run_before(bytes, at);
    let mut end = at + run_after(bytes, at);
    let mut width = end - start;
    while let Some(next) = after_break(bytes, end) {
        let length = run_after(bytes, next);
        // The first line of a block may have begun in the one before.
        width = if start == 0 { width.max(length) } else { width };
        if length == 0 || length > width || width < LINE_MIN {
            break;
        }
        end = next + length;
        if length < width {
            break;
        }
    }
    while let Some(previous) = before_break(bytes, start) {
        let length = run_before(bytes, previous);
        if length != width && (previous != length || length > width) || width < LINE_MIN {
            break;
        }
        start = previous - length;
    }
    start..end
}

/// Shorter lines are not joined: lists of words are made of the same letters.
const LINE_MIN: usize = 40;

fn run_after(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take_while(|&&byte| is_armour(byte)).count()
}

/// A letter that a backslash makes a break is none of the run.
fn run_before(bytes: &[u8], at: usize) -> usize {
    let run = bytes[..at].iter().rev().take_while(|&&byte| is_armour(byte)).count();
    run - usize::from(run > 0 && matches!(&bytes[..=at - run], [.., b'\\', b'n' | b'r']))
}

/// Where the next line begins, if a break stands at `at`.
fn after_break(bytes: &[u8], at: usize) -> Option<usize> {
    match &bytes[at..] {
        [b'\\', b'r', b'\\', b'n', ..] => Some(at + 4),
        [b'\r', b'\n', ..] | [b'\\', b'n', ..] => Some(at + 2),
        [b'\n', ..] => Some(at + 1),
        _ => None,
    }
}

/// Where the line before ends, if a break stands before `at`.
fn before_break(bytes: &[u8], at: usize) -> Option<usize> {
    match &bytes[..at] {
        [.., b'\\', b'r', b'\\', b'n'] => Some(at - 4),
        [.., b'\r', b'\n'] | [.., b'\\', b'n'] => Some(at - 2),
        [.., b'\n'] => Some(at - 1),
        _ => None,
    }
}

/// The stretch without the breaks of its lines, in whichever way they are written.
fn unwrapped(stretch: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\n', b'\\', stretch).is_none() {
        return Cow::Borrowed(stretch);
    }
    let mut is_escape = false;
    let mut is_kept = |byte: u8| {
        let after_backslash = std::mem::replace(&mut is_escape, byte == b'\\');
        is_armour(byte) && !after_backslash
    };
    Cow::Owned(stretch.iter().copied().filter(|&byte| is_kept(byte)).collect())
}

/// Base64 in both alphabets. JSON-escaped slashes are not, so that armour with those is several stretches.
fn is_armour(byte: u8) -> bool {
    ARMOUR[usize::from(byte)]
}

static ARMOUR: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let it = byte as u8;
        table[byte] = it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/' | b'-' | b'_' | b'=');
        byte += 1;
    }
    table
};

/// Paths and identifiers are made of the same letters; base64 of text mixes cases and digits all along.
fn has_armour_shape(stretch: &[u8]) -> bool {
    let sample = &stretch[..stretch.len().min(SAMPLE)];
    let separators = sample.iter().filter(|byte| matches!(byte, b'/' | b'-' | b'_' | b'=')).count();
    separators * 8 < sample.len()
}

/// The text in the stretch. `cut`: it may have begun before the block, so that its groups may begin anywhere.
fn decode(stretch: &[u8], cut: bool, most: usize) -> Option<Vec<u8>> {
    if stretch.iter().all(u8::is_ascii_hexdigit) {
        return Some(hex(stretch, most)).filter(|text| is_text(text));
    }
    let offsets = if cut { 0..4 } else { 0..1 };
    offsets.into_iter().find_map(|offset| base64(&stretch[offset..], most))
}

pub(super) fn hex(stretch: &[u8], most: usize) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    stretch.chunks_exact(2).take(most).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

pub(super) fn base64(stretch: &[u8], most: usize) -> Option<Vec<u8>> {
    let end = stretch.iter().position(|&byte| byte == b'=').unwrap_or(stretch.len()).min(most / 3 * 4);
    let body = &stretch[..end - usize::from(end % 4 == 1)];
    let start = &body[..body.len().min(SAMPLE) / 4 * 4];
    let engine = if body.iter().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    engine.decode(start).ok().filter(|text| is_text(text))?;
    engine.decode(body).ok()
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Nearly all printable: ciphertext and compressed data are not.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let printable = sample.iter().filter(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')).count();
    printable * 10 >= sample.len() * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] =
        b"Traceback (most recent call last):\n  File \"/srv/shop/app.py\", line 12, in index\nKeyError: 'x'\n";

    fn texts(page: &[u8]) -> Vec<Vec<u8>> {
        find(page, 0..page.len()).into_iter().map(|armoured| armoured.text).collect()
    }

    #[test]
    fn base64_and_hexadecimal_of_text_are_read() {
        let page =
            [b"<img src=\"data:text/plain;base64,".as_slice(), STANDARD.encode(TEXT).as_bytes(), b"\">"].concat();
        assert_eq!(texts(&page), [TEXT]);
        let page = [b"{\"log\":\"".as_slice(), URL_SAFE.encode(TEXT).as_bytes(), b"\"}"].concat();
        assert_eq!(texts(&page), [TEXT]);
        let page: String = TEXT.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(texts(page.as_bytes()), [TEXT]);
    }

    #[test]
    fn a_stretch_is_found_wherever_it_begins() {
        for before in 0..200 {
            let page = [vec![b' '; before], STANDARD.encode(TEXT).into_bytes(), vec![b' '; 60]].concat();
            assert_eq!(texts(&page), [TEXT], "{before}");
        }
    }

    #[test]
    fn lines_are_read_as_one_stretch() {
        let text = TEXT.repeat(8);
        for (width, line_break) in [(76, "\r\n"), (64, "\n"), (60, "\\n"), (76, "\\r\\n")] {
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
        let words = "hereditary\nconstitution\n".repeat(40);
        assert!(texts(words.as_bytes()).is_empty());
    }

    #[test]
    fn pictures_words_and_paths_are_not_text_in_armour() {
        let picture: Vec<u8> = (0..400_u32).map(|n| ((n * 7919) >> 3) as u8).collect();
        assert!(texts(STANDARD.encode(picture).as_bytes()).is_empty());
        assert!(texts("/static/js/vendor/a/b/c/d/e/f/g/".repeat(8).as_bytes()).is_empty());
        assert!(texts("supercalifragilisticexpialidocious".repeat(8).as_bytes()).is_empty());
    }
}
