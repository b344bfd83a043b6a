//! The fuzz targets of `fuzz/` on stable Rust: every kept input, then inputs made of them, for a second or for as long
//! as `COFFERDAM_FUZZ_SECONDS` says.
//!
//! libFuzzer, which sees what code an input reaches, finds more (`fuzz/README.md`); this keeps what it found, and finds
//! the shallow faults on any machine. What breaks a promise is written to `target/fuzz/`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a target that fails has found something")]
#![expect(clippy::print_stdout, reason = "how much was tried is told to who asks for it")]

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

#[path = "../fuzz/src/lib.rs"]
pub mod targets;

/// No input may take longer.
const INPUT_LIMIT: Duration = Duration::from_secs(20);

/// The largest input that is made, in bytes.
const INPUT_MAX: usize = 32 * 1024;

/// What formats are made of, one piece of each; whole inputs are in the corpora.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"--b\r\n",
    b"--b--\r\n",
    b"0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"; Secure",
    b"; Max-Age=",
    b"; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
    b"; SameSite=None",
    b"; Domain=.example.org",
    b"__Host-",
    b"&lt;",
    b"&#x41;",
    b"\\u003c",
    b"%3C",
    b"+ADw-",
    b"<a title=\"",
    b"\x1b[0m",
    b"=3D",
    b"=\r\n",
    b"data: ",
    b"\n\n",
    b"\xc1\x01\x00",
    b"\x81\x7e\x00\x05",
    b"\x89\x00",
    b"\x88\x02\x03\xe8",
    b"-----BEGIN RSA PRIVATE KEY-----\n",
    b"-----END RSA PRIVATE KEY-----\n",
    b"Traceback (most recent call last):\n",
    b"  File \"/srv/shop/app.py\", line 12, in index\n",
    b"ZeroDivisionError: division by zero\n",
    b"\tat com.shop.Cart.total(Cart.java:42)\n",
];

/// SplitMix64: a run can be repeated by its seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(256) + 1)
    }
}

/// Runs the target of this name on its corpus, then on what is made of it.
fn fuzz(name: &str) {
    let (_, target) = targets::TARGETS.into_iter().find(|(known, _)| *known == name).expect("the target exists");
    let corpus = corpus(name);
    for input in &corpus {
        run(name, target, input);
    }
    let seeds: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
    let (seed, budget) = (setting("COFFERDAM_FUZZ_SEED", 0), setting("COFFERDAM_FUZZ_SECONDS", 1));
    let (mut dice, begun, mut count) = (Dice(seed), Instant::now(), 0_u64);
    while begun.elapsed() < Duration::from_secs(budget) {
        run(name, target, &made_of(&seeds, &mut dice));
        count += 1;
    }
    println!("{name}: {} kept inputs, {count} made in {budget} s from seed {seed}", corpus.len());
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn run(name: &str, target: targets::Target, input: &[u8]) {
    let begun = Instant::now();
    let failed = catch_unwind(AssertUnwindSafe(|| target(input))).is_err();
    if failed || begun.elapsed() > INPUT_LIMIT {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}-{:016x}", fingerprint(input)));
        fs::write(&path, input).unwrap();
        let what = if failed { "breaks a promise" } else { "takes too long" };
        panic!("{name}: an input {what}; kept as {}", path.display());
    }
}

fn fingerprint(input: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    hasher.finish()
}

/// One of the seeds with some changes.
fn made_of(seeds: &[&[u8]], dice: &mut Dice) -> Vec<u8> {
    let mut input = dice.pick(seeds).to_vec();
    for _ in 0..=dice.below(6) {
        change(&mut input, seeds, dice);
    }
    input.truncate(INPUT_MAX);
    input
}

fn change(input: &mut Vec<u8>, seeds: &[&[u8]], dice: &mut Dice) {
    let at = dice.below(input.len() + 1);
    match dice.below(8) {
        0 if at < input.len() => input[at] = dice.next().to_le_bytes()[0],
        1 if at < input.len() => input[at] ^= 1 << dice.below(8),
        2 => drop(input.drain(dice.range(input.len()))),
        3 => insert(input, at, dice.pick(WORDS)),
        4 => {
            let copy = input[dice.range(input.len())].to_vec();
            insert(input, at, &copy);
        }
        5 => {
            let other = dice.pick(seeds);
            insert(input, at, &other[dice.range(other.len())]);
        }
        6 => input.truncate(at),
        _ => insert(input, at, &vec![b"a \n<\0\xff"[dice.below(6)]; dice.below(300)]),
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

#[test]
fn an_answer_is_read_in_one_way() {
    fuzz("answer");
}

#[test]
fn a_coded_body_is_decoded_in_one_way() {
    fuzz("coding");
}

#[test]
fn a_cookie_obeys_any_rules() {
    fuzz("cookie");
}

#[test]
fn an_exchange_does_not_depend_on_its_delivery() {
    fuzz("exchange");
}

#[test]
fn no_head_carries_a_secret() {
    fuzz("head");
}

#[test]
fn parts_pass_unchanged_or_not_at_all() {
    fuzz("multipart");
}

#[test]
fn every_stretch_of_a_view_has_its_source() {
    fuzz("view");
}

#[test]
fn a_conversation_does_not_depend_on_its_delivery() {
    fuzz("websocket");
}
