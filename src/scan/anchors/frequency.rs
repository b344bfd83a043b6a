//! How often a few bytes stand on an ordinary page.
//!
//! The model ships with the project as `frequency.bin` and was counted over public documentation (HTML, scripts,
//! styles, JSON) with bit 5 of every byte set, the fold under which the kernels compare. The test
//! `the_model_is_counted_anew` at the end writes it.

use std::sync::LazyLock;

/// Counted classes of bytes: a letter each, and the rest as [`class`] has it.
const CLASSES: usize = 40;
const PAIRS: usize = CLASSES * CLASSES;
/// Cells in each of the two rows for windows; with them the model stays below 64 KiB.
const ROW: usize = 31_744;
const MODEL: usize = 2 * ROW + PAIRS + 256;
/// One octave of probability in units of the model: a stored `v` means a probability of 2^(-v/8).
const OCTAVE: f32 = 8.0;

/// The shipped model, see [`Frequencies`].
static SHIPPED: &[u8; MODEL] = include_bytes!("frequency.bin");

/// Probabilities at a place of an ordinary page, of folded bytes.
///
/// Windows are kept in two rows of cells by two hashes. A cell has the probability of the commonest window that
/// falls into it, so the lower of a window's two cells is never below the window's own probability, and seldom
/// above: it takes a commoner one in both cells.
#[derive(Debug)]
pub(super) struct Frequencies {
    rows: [&'static [u8]; 2],
    /// Two classes of bytes in a row.
    pairs: &'static [u8],
    /// Every byte's share of its class.
    shares: &'static [u8],
    /// 2^(-v/8) by v.
    decoded: [f32; 256],
}

/// Sets bit 5, which makes the two cases of an ASCII letter equal (and some other bytes too).
pub(super) fn fold(byte: u8) -> u8 {
    byte | 0x20
}

impl Frequencies {
    pub(super) fn shipped() -> &'static Self {
        static DECODED: LazyLock<Frequencies> = LazyLock::new(Frequencies::decoded);
        &DECODED
    }

    fn decoded() -> Self {
        let (first, rest) = SHIPPED.split_at(ROW);
        let (second, rest) = rest.split_at(ROW);
        let (pairs, shares) = rest.split_at(PAIRS);
        let decoded = std::array::from_fn(|v| (-(v as f32) / OCTAVE).exp2());
        Self { rows: [first, second], pairs, shares, decoded }
    }

    /// Four folded bytes in a row, or three if the fourth is 0.
    pub(super) fn window(&self, window: [u8; 4]) -> f32 {
        let [first, second] = cells(window);
        self.decode(self.rows[0][first].max(self.rows[1][second]))
    }

    /// Two folded bytes in a row.
    pub(super) fn pair(&self, first: u8, second: u8) -> f32 {
        let classes = self.pairs[class(first) * CLASSES + class(second)];
        self.decode(classes) * self.share(first) * self.share(second)
    }

    fn share(&self, byte: u8) -> f32 {
        self.decode(self.shares[usize::from(byte)])
    }

    fn decode(&self, v: u8) -> f32 {
        self.decoded[usize::from(v)]
    }
}

/// The cells of a window, one in each row.
fn cells(window: [u8; 4]) -> [usize; 2] {
    let window = u64::from(u32::from_le_bytes(window));
    let hash = |factor: u64| (window * factor) & 0xFFFF_FFFF;
    let cell = |factor| ((hash(factor) * ROW as u64) >> 32) as usize;
    [cell(0x9E37_79B1), cell(0x85EB_CA77)]
}

/// The class of a folded byte. A folded newline is `*`, an underscore 0x7F.
fn class(byte: u8) -> usize {
    match byte {
        letter @ b'a'..=b'z' => usize::from(letter - b'a'),
        b'0'..=b'9' => 26,
        b' ' => 27,
        b'*' => 28,
        b'<' => 29,
        b'>' => 30,
        b'/' => 31,
        b'.' => 32,
        b'"' => 33,
        b'=' => 34,
        b':' => 35,
        b'-' => 36,
        0x7F => 37,
        0x80.. => 39,
        _ => 38,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        env, fs,
        path::{Path, PathBuf},
    };

    use super::*;

    #[test]
    fn common_windows_are_likelier_than_rare_ones() {
        let model = Frequencies::shipped();
        let per_megabyte = |window: &[u8; 4]| model.window(window.map(fold)) * 1e6;
        assert!(per_megabyte(b"the ") > 1000.0, "{}", per_megabyte(b"the "));
        assert!(per_megabyte(b"rror") > 100.0, "{}", per_megabyte(b"rror"));
        assert!(per_megabyte(b"AKIA") < 1.0, "{}", per_megabyte(b"AKIA"));
    }

    #[test]
    fn the_pairs_of_all_bytes_make_one() {
        let model = Frequencies::shipped();
        let folded = || (0..=u8::MAX).filter(|&byte| byte == fold(byte));
        let sum: f32 = folded().flat_map(|a| folded().map(move |b| (a, b))).map(|(a, b)| model.pair(a, b)).sum();
        assert!((0.9..1.1).contains(&sum), "{sum}");
    }

    /// Counts the pages below `BENIGN_PAGES` and writes `frequency.bin`:
    /// `BENIGN_PAGES=DIR cargo test --release --lib the_model_is_counted_anew -- --ignored`.
    /// Every directory of DIR weighs the same.
    #[test]
    #[ignore = "writes frequency.bin; needs a directory of ordinary pages in BENIGN_PAGES"]
    fn the_model_is_counted_anew() {
        let root = env::var("BENIGN_PAGES").expect("BENIGN_PAGES names a directory of pages");
        let mut counts = Counts::default();
        let packages: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
        for package in &packages {
            let mut text = Vec::new();
            read_pages(package, &mut text);
            text.iter_mut().for_each(|byte| *byte = fold(*byte));
            counts.add(&text, 1.0 / (packages.len() * text.len().max(1)) as f64);
        }
        let model = counts.model();
        assert_eq!(model.len(), MODEL);
        fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/scan/anchors/frequency.bin"), model).unwrap();
    }

    /// Of each directory so many bytes are read.
    const SAMPLE: usize = 24_000_000;

    fn read_pages(directory: &Path, text: &mut Vec<u8>) {
        let mut pages = Vec::new();
        list_pages(directory, &mut pages);
        // In an order that has nothing to do with their names, so that the sample is one of all.
        pages.sort_by_key(|(path, length)| length.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ path.as_os_str().len() as u64);
        for (path, _) in pages {
            if text.len() < SAMPLE {
                text.extend(fs::read(path).unwrap());
            }
        }
    }

    fn list_pages(path: &Path, pages: &mut Vec<(PathBuf, u64)>) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| list_pages(&entry.unwrap().path(), pages));
        } else if path.extension().is_some_and(|it| ["html", "js", "json", "css"].iter().any(|e| it == *e)) {
            pages.push((path.to_owned(), path.metadata().unwrap().len()));
        }
    }

    #[derive(Default)]
    struct Counts {
        windows: HashMap<[u8; 4], f64>,
        pairs: HashMap<[u8; 2], f64>,
    }

    impl Counts {
        fn add(&mut self, text: &[u8], weight: f64) {
            for four in text.windows(4) {
                let [a, b, c, d] = [0, 1, 2, 3].map(|i| four[i]);
                *self.windows.entry([a, b, c, d]).or_default() += weight;
                *self.windows.entry([a, b, c, 0]).or_default() += weight;
                *self.pairs.entry([a, b]).or_default() += weight;
            }
        }

        fn model(&self) -> Vec<u8> {
            let mut rows = [vec![0.0; ROW], vec![0.0; ROW]];
            for (window, count) in &self.windows {
                for (row, cell) in rows.iter_mut().zip(cells(*window)) {
                    row[cell] = count.max(row[cell]);
                }
            }
            let (mut pairs, mut bytes, mut classes) = (vec![0.0; PAIRS], vec![0.0; 256], [0.0; CLASSES]);
            for ([a, b], count) in &self.pairs {
                pairs[class(*a) * CLASSES + class(*b)] += count;
                bytes[usize::from(*a)] += count;
                classes[class(*a)] += count;
            }
            let shares = bytes.iter().zip(0..).map(|(count, byte)| count / classes[class(byte)]);
            rows.concat().into_iter().chain(pairs).chain(shares).map(encode).collect()
        }
    }

    fn encode(probability: f64) -> u8 {
        (-probability.log2() * f64::from(OCTAVE)).round().clamp(0.0, 255.0) as u8
    }
}
