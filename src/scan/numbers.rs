//! Text as a list of numbers: the bytes of a buffer as JSON, C, Python and Node print them, in decimal, hexadecimal or
//! octal, or quoted-printable writes them; and dumps, which print them in rows behind their offset.

use std::ops::Range;

use super::armour::{self, Armoured};

/// Shorter lists are dates, versions and addresses.
const NUMBERS_MIN: usize = 24;

/// The longest number.
const DIGITS_MAX: usize = 4;

/// What may stand between two numbers, a row's end and indentation included.
const GAP_MAX: usize = 40;

/// How far a list is followed back from where it was seen.
const BACK_MAX: usize = 4096;

/// The most that is read of a list, in bytes of the block.
const LIST_MAX: usize = 128 * 1024;

/// The lists of numbers around these places, and the texts that they may spell.
pub(super) fn find(bytes: &[u8], places: &[usize]) -> Vec<Armoured> {
    let (mut found, mut end) = (Vec::new(), 0);
    for &place in places {
        if place < end || !is_list(bytes[place..].first_chunk()) {
            continue;
        }
        let list = List::around(bytes, place);
        end = list.range.end.max(place + 1);
        if list.numbers.len() >= NUMBERS_MIN {
            let texts = list.texts().into_iter();
            found.extend(texts.map(|text| Armoured { range: list.range.clone(), text }));
        }
    }
    found
}

/// How many bytes are looked at before a list is read.
const LOOK: usize = 24;

fn is_list(start: Option<&[u8; LOOK]>) -> bool {
    start.is_some_and(|start| start.iter().all(|&byte| is_part(byte)))
}

/// What lists are made of, escaped line breaks too.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'X' | b'n' | b'r' | b't') || is_between(byte)
}

fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b';' | b':' | b'=' | b'"' | b'\'' | b'\n' | b'\r' | b'\t' | b'\\' | b'-')
}

/// Numbers in a row.
struct List<'a> {
    range: Range<usize>,
    /// Without `0x`.
    numbers: Vec<&'a [u8]>,
}

impl<'a> List<'a> {
    /// The list that `place` stands in, from its first number on.
    fn around(bytes: &'a [u8], place: usize) -> Self {
        let back = bytes[place.saturating_sub(BACK_MAX)..place].iter().rev().take_while(|&&byte| is_part(byte)).count();
        let bytes = &bytes[..bytes.len().min(place + LIST_MAX)];
        let mut at = place - back;
        loop {
            let list = Self::from(bytes, at);
            if list.range.end >= place {
                return list;
            }
            at = list.range.end.max(at) + 1;
        }
    }

    /// The numbers from `at` on, or the place where there are none.
    fn from(bytes: &'a [u8], at: usize) -> Self {
        let mut list = Self { range: at..at, numbers: Vec::new() };
        while let Some((gap, prefix, digits)) = number(&bytes[list.range.end..]) {
            let first = list.range.end + gap;
            let start = first + prefix;
            if list.numbers.is_empty() {
                list.range.start = first;
            }
            list.numbers.push(&bytes[start..start + digits]);
            list.range.end = start + digits;
        }
        list
    }

    /// Both readings, where numbers of two digits may be decimal or hexadecimal.
    fn texts(&self) -> Vec<Vec<u8>> {
        let mut texts: Vec<_> = [self.read(16, 1..=2), self.read(10, 1..=3), self.read(8, 3..=3), self.indexed()]
            .into_iter()
            .flatten()
            .filter(|text| armour::is_text(text))
            .collect();
        texts.dedup();
        texts
    }

    /// The bytes, if all numbers have so many digits.
    fn read(&self, radix: u32, lengths: std::ops::RangeInclusive<usize>) -> Option<Vec<u8>> {
        self.numbers.iter().map(|digits| lengths.contains(&digits.len()).then(|| byte(digits, radix))?).collect()
    }

    /// The bytes of a typed array in JSON, in which each stands behind its index.
    fn indexed(&self) -> Option<Vec<u8>> {
        let pairs = self.numbers.chunks_exact(2).enumerate();
        let first: usize = std::str::from_utf8(self.numbers.first()?).ok()?.parse().ok()?;
        pairs.map(|(at, pair)| (pair[0] == (first + at).to_string().as_bytes()).then(|| byte(pair[1], 10))?).collect()
    }
}

/// The next number at the start of `rest`: bytes before it, of its prefix, and its digits.
fn number(rest: &[u8]) -> Option<(usize, usize, usize)> {
    let gap = gap(rest);
    let prefix = match rest.get(gap..)? {
        [b'0', b'x' | b'X', ..] => 2,
        [b'x' | b'X', ..] => 1,
        _ => 0,
    };
    let digits = rest[gap + prefix..].iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_hexdigit()).count();
    (1..=DIGITS_MAX).contains(&digits).then_some((gap, prefix, digits))
}

fn gap(rest: &[u8]) -> usize {
    let mut gap = 0;
    while gap < GAP_MAX {
        gap += match &rest[gap..] {
            [b'\\', b'n' | b'r' | b't', ..] => 2,
            [byte, ..] if is_between(*byte) => 1,
            _ => break,
        };
    }
    gap
}

fn byte(digits: &[u8], radix: u32) -> Option<u8> {
    let value = digits.iter().try_fold(0, |value, &digit| Some(value * radix + char::from(digit).to_digit(radix)?))?;
    u8::try_from(value).ok()
}

/// What the second row of a dump begins with: `xxd` and `hexdump` count in hexadecimal, `od` in octal.
pub(super) const SECOND_ROWS: [&str; 2] = ["\n00000010", "\n0000020 "];

/// The longest row of a dump.
const ROW_MAX: usize = 120;

/// The dump whose second row begins behind the line break at `at`.
pub(super) fn dump(bytes: &[u8], at: usize) -> Option<Armoured> {
    let before = &bytes[at.saturating_sub(ROW_MAX)..at];
    let start = at - before.iter().rev().take_while(|&&byte| byte != b'\n').count();
    let (mut text, mut end) = (Vec::new(), start);
    let mut rows = bytes[start..].split(|&byte| byte == b'\n');
    while let Some(row) = rows.next().filter(|row| row.len() <= ROW_MAX)
        && let Some(digits) = row_start(row)
    {
        read_row(&row[digits..], &mut text);
        end += row.len() + 1;
    }
    let range = start..end.min(bytes.len());
    armour::is_text(&text).then_some(Armoured { range, text })
}

/// Where the offset ends that a row begins with, behind a tag in its line.
fn row_start(row: &[u8]) -> Option<usize> {
    let tag =
        row.iter().rposition(|&byte| byte == b'>').filter(|&at| row[..at].starts_with(b"<")).map_or(0, |at| at + 1);
    let digits = row[tag..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let ends = matches!(row.get(tag + digits), Some(b' ' | b':'));
    ((6..=16).contains(&digits) && ends).then_some(tag + digits + 1)
}

/// Appends the bytes of a row, which end where their text stands beside them.
fn read_row(row: &[u8], text: &mut Vec<u8>) {
    let row = row.strip_prefix(b" ").unwrap_or(row);
    let row = row.strip_prefix(b" ").unwrap_or(row);
    // A wider gap stands in the middle of a row too, between two groups.
    let mut blank = 0;
    let length = text.len();
    for group in row.split(|&byte| byte == b' ') {
        if group.is_empty() {
            blank += 1;
            continue;
        }
        let is_group = matches!(group.len(), 2 | 4 | 8) && group.iter().all(u8::is_ascii_hexdigit);
        if !is_group || blank > 1 || text.len() - length >= 16 {
            return;
        }
        text.extend(group.chunks_exact(2).filter_map(|pair| byte(pair, 16)));
        blank = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{anchors::Kernel, suspects::Suspects};

    const TEXT: &str = "Traceback (most recent call last):\n  File \"/srv/shop/app.py\", line 12\n";

    fn texts(page: &str) -> Vec<String> {
        let suspects = Suspects::of(page.as_bytes(), 0..page.len(), Kernel::fastest());
        let found = find(page.as_bytes(), &suspects.lists).into_iter();
        found.map(|it| String::from_utf8_lossy(&it.text).into_owned()).collect()
    }

    fn list(each: impl Fn(u8) -> String, between: &str) -> String {
        TEXT.bytes().map(each).collect::<Vec<_>>().join(between)
    }

    #[test]
    fn bytes_are_read_however_they_are_printed() {
        for page in [
            format!("[{}]", list(|byte| byte.to_string(), ",")),
            format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", list(|byte| byte.to_string(), ", ")),
            format!("{{\"data\": [\n    {}\n  ]}}", list(|byte| byte.to_string(), ",\n    ")),
            format!("\"[{}]\"", list(|byte| byte.to_string(), ",\\n  ")),
            format!("<Buffer {}>", list(|byte| format!("{byte:02x}"), " ")),
            list(|byte| format!("{byte:02X}"), ":"),
            format!("[]byte{{{}}}", list(|byte| format!("0x{byte:02x}"), ", ")),
            format!("String.fromCharCode({})", list(|byte| byte.to_string(), ",")),
            list(|byte| format!("0x{byte:x}"), ", "),
            list(|byte| format!("={byte:02X}"), ""),
            list(|byte| format!("{byte:03o}"), " "),
            format!("['{}']", list(|byte| format!("\\x{byte:02x}"), "','")),
        ] {
            assert!(texts(&page).iter().any(|text| text == TEXT), "{page} {:?}", texts(&page));
        }
        let entries = TEXT.bytes().enumerate().map(|(at, byte)| format!("\"{at}\":{byte}")).collect::<Vec<_>>();
        assert_eq!(texts(&format!("{{{}}}", entries.join(","))), [TEXT]);
    }

    #[test]
    fn numbers_that_spell_nothing_are_no_text() {
        let numbers = (0..90).map(|n| (n * 7919 % 251).to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(texts(&numbers), [""; 0]);
        assert_eq!(texts(&"M12 3 4 5 L6 7 8 9 ".repeat(20)), [""; 0]);
    }

    #[test]
    fn dumps_are_read_without_their_offsets_and_their_text() {
        let pairs = |row: &[u8]| row.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        let shown = |row: &[u8]| String::from_utf8_lossy(row).replace('\n', ".");
        let rows = |each: &dyn Fn(usize, &[u8]) -> String| -> String {
            TEXT.as_bytes().chunks(16).enumerate().map(|(at, row)| each(16 * at, row)).collect()
        };
        let xxd = rows(&|at, row| {
            let groups: String = pairs(row).chunks(2).map(|pair| pair.concat() + " ").collect();
            format!("{at:08x}: {groups:<40} {}\n", shown(row))
        });
        let hexdump = rows(&|at, row| {
            let (left, right) = row.split_at(row.len().min(8));
            format!("{at:08x}  {:<23}  {:<23}  |{}|\n", pairs(left).join(" "), pairs(right).join(" "), shown(row))
        });
        let od = rows(&|at, row| format!("{at:07o} {}\n", pairs(row).join(" ")));
        for dumped in [xxd, hexdump, od] {
            for page in [dumped.clone(), format!("<pre>{dumped}</pre>"), format!("a\n{dumped}\nb\n")] {
                let at = SECOND_ROWS.iter().find_map(|row| page.find(row)).unwrap();
                let found = dump(page.as_bytes(), at).unwrap();
                assert_eq!(String::from_utf8_lossy(&found.text), TEXT, "{page}");
            }
        }
    }
}
