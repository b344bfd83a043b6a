//! UTF-16 and UTF-32, told by where their NULs stand: declared, by their mark, or neither.

use memchr::memchr_iter;

/// How the units of a text are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wide {
    /// Bytes of a unit, 2 or 4.
    width: usize,
    big_endian: bool,
}

/// NULs that are counted.
const NULS_MAX: usize = 2048;

/// With fewer NULs, a text is not wide.
const NULS_MIN: usize = 8;

/// So many times as many NULs stand where the text has them as elsewhere.
const RATIO: usize = 8;

impl Wide {
    /// How the text of `bytes` is written, whose units begin with the first of them; none if they are bytes.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut nuls = [0; 4];
        memchr_iter(0, bytes).take(NULS_MAX).for_each(|at| nuls[at % 4] += 1);
        let [first, second, third, fourth] = nuls;
        let dense = |sparse: usize, of: &[usize]| of.iter().all(|&many| many >= NULS_MIN.max(sparse * RATIO));
        let wide = |width, big_endian| Some(Self { width, big_endian });
        match () {
            () if dense(first, &[second, third, fourth]) => wide(4, false),
            () if dense(fourth, &[first, second, third]) => wide(4, true),
            () if dense(first + third, &[second + fourth]) => wide(2, false),
            () if dense(second + fourth, &[first + third]) => wide(2, true),
            () => None,
        }
    }

    /// The characters of `bytes`, each with how many bytes it takes. What is no character is left out.
    pub(super) fn chars(self, bytes: &[u8]) -> impl Iterator<Item = (Option<char>, usize)> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            let (unit, behind) = rest.split_at_checked(self.width)?;
            let code = self.code(unit);
            let low = behind.get(..self.width).map(|unit| self.code(unit));
            let (code, length) = match (code, low) {
                (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) if self.width == 2 => {
                    (0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), 4)
                }
                _ => (code, self.width),
            };
            rest = &rest[length..];
            Some((char::from_u32(code), length))
        })
    }

    fn code(self, unit: &[u8]) -> u32 {
        let push = |code: u32, &byte: &u8| code << 8 | u32::from(byte);
        if self.big_endian { unit.iter().fold(0, push) } else { unit.iter().rev().fold(0, push) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "A page, \u{200b}with a \u{1f600} and a \u{ad} in its words.";

    fn utf16(encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
        TEXT.encode_utf16().flat_map(encode).collect()
    }

    fn utf32(encode: fn(u32) -> [u8; 4]) -> Vec<u8> {
        TEXT.chars().flat_map(|char| encode(char.into())).collect()
    }

    #[test]
    fn every_width_and_order_is_told_and_read() {
        for bytes in [
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            utf32(u32::to_le_bytes),
            utf32(u32::to_be_bytes),
            [&b"\xff\xfe"[..], &utf16(u16::to_le_bytes)].concat(),
        ] {
            let chars: Vec<_> = Wide::of(&bytes).unwrap().chars(&bytes).collect();
            let text: String = chars.iter().filter_map(|(char, _)| *char).collect();
            assert_eq!(text.trim_start_matches('\u{feff}'), TEXT);
            assert_eq!(chars.iter().map(|(_, length)| length).sum::<usize>(), bytes.len());
        }
    }

    #[test]
    fn bytes_and_records_that_end_in_nul_are_not_wide() {
        assert_eq!(Wide::of(TEXT.as_bytes()), None);
        assert_eq!(Wide::of(&b"HOME=/root\0PATH=/bin:/usr/bin\0PWD=/srv/shop\0A=\0".repeat(9)), None);
        assert_eq!(Wide::of(&[0; 400]), None);
    }
}
