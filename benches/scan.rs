//! Throughput of the anchor filter, by kernel, number of literals, chunk size and kind of text.
//!
//! `cargo bench --bench scan`; `BENIGN_PAGES=DIR` names a directory of HTML pages to search instead of the page made
//! below, which is alike but small. `LITERALS_FILE=FILE` writes the literals of the default rules to a file, for
//! `hyperscan/`. benches/README.md has the last results.

#![expect(clippy::expect_used, missing_docs, reason = "a bench may stop; criterion's macros document nothing")]

use std::{
    env, fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::Duration,
};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use cofferdam::{
    rules::{PACKS, parse_pack},
    scan::{
        Ruleset,
        anchors::{AnchorSet, Kernel, Literal, escapes},
    },
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const COUNTS: [usize; 4] = [30, 300, 600, 3000];
const CHUNKS: [usize; 3] = [4 << 10, 64 << 10, 1 << 20];
const TEXT: usize = 8 << 20;

fn literals(count: usize) -> Vec<Vec<u8>> {
    include_str!("literals.txt").lines().take(count).map(unescaped).collect()
}

/// Without the escapes that [`listed`] writes.
fn unescaped(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'0') => 0,
                _ => b'\\',
            },
            other => other,
        });
    }
    bytes
}

fn set(bytes: &[Vec<u8>], kernel: Kernel) -> AnchorSet {
    let literals: Vec<Literal<'_>> = bytes.iter().map(|bytes| Literal { bytes, ignore_case: true }).collect();
    AnchorSet::new(&literals).and_then(|set| set.with_kernel(kernel)).expect("a supported kernel and good literals")
}

fn kernels() -> impl Iterator<Item = Kernel> {
    Kernel::ALL.into_iter().filter(|kernel| kernel.is_supported() && *kernel != Kernel::Automaton)
}

/// [`TEXT`] bytes of ordinary pages, of all directories alike.
fn benign() -> Vec<u8> {
    let mut pages = Vec::new();
    if let Ok(root) = env::var("BENIGN_PAGES") {
        list_pages(Path::new(&root), &mut pages);
    }
    pages.sort();
    let total: u64 = pages.iter().map(|(_, length)| length).sum();
    let every = (total as usize / TEXT).max(1);
    let mut text: Vec<u8> =
        pages.iter().step_by(every).flat_map(|(path, _)| fs::read(path).unwrap_or_default()).collect();
    while text.len() < TEXT {
        text.extend_from_slice(PAGE.as_bytes());
    }
    text.truncate(TEXT);
    text
}

fn list_pages(path: &Path, pages: &mut Vec<(PathBuf, u64)>) {
    if path.is_dir() {
        fs::read_dir(path).into_iter().flatten().flatten().for_each(|entry| list_pages(&entry.path(), pages));
    } else if path.extension().is_some_and(|it| it == "html") {
        pages.push((path.to_owned(), path.metadata().map_or(0, |it| it.len())));
    }
}

const PAGE: &str = r#"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Orders</title>
<link rel="stylesheet" href="/static/site.css?v=3"><script>window.shop = {"currency": "EUR", "items": [1, 2, 3]};
document.addEventListener("click", function (event) { if (event.target.id === "more") { load(event); } });</script>
</head><body class="page"><nav><a class="brand" href="/">Harbour &amp; Sons</a> <a href="/orders">Orders</a></nav>
<main><h1>Your orders</h1><p>Thank you for your visit. The following parcels have left our warehouse and are on their
way; should anything be missing, write to us within fourteen days and we will look into it.</p><table><tr><th>No</th>
<th>Article</th><th>Price</th></tr><tr><td>1</td><td>Rope, 20&nbsp;m</td><td>19.90</td></tr><tr><td>2</td><td>Anchor,
galvanised</td><td>84.00</td></tr></table><form action="/search" method="get"><input name="q" placeholder="Search">
<button type="submit">Go</button></form></main><footer>Imprint · Privacy · Terms and conditions</footer></body></html>
"#;

/// Puts literals into a text, so far from each other.
type Plant = fn(&[u8], &[Vec<u8>], usize) -> Vec<u8>;

/// Ordinary pages in which, every `distance` bytes, a literal stands.
fn hits(benign: &[u8], bytes: &[Vec<u8>], distance: usize) -> Vec<u8> {
    planted(benign, bytes, distance, |_| {})
}

/// Ordinary pages in which, every `distance` bytes, a literal stands that has its last byte changed.
fn near_misses(benign: &[u8], bytes: &[Vec<u8>], distance: usize) -> Vec<u8> {
    planted(benign, bytes, distance, |literal| *literal.last_mut().expect("no literal is empty") = b'^')
}

fn planted(benign: &[u8], bytes: &[Vec<u8>], distance: usize, change: fn(&mut [u8])) -> Vec<u8> {
    let mut text = benign.to_vec();
    for (place, literal) in (0..text.len() - 256).step_by(distance).zip(bytes.iter().cycle()) {
        let length = literal.len().min(distance);
        text[place..place + length].copy_from_slice(&literal[..length]);
        change(&mut text[place..place + length]);
    }
    text
}

fn search(set: &AnchorSet, text: &[u8], chunk: usize) -> usize {
    let mut hits = Vec::new();
    let count = |chunk: &[u8]| {
        hits.clear();
        set.find(chunk, 0..chunk.len(), &mut hits);
        hits.len()
    };
    text.chunks(chunk).map(count).sum()
}

fn by_count_and_chunk(c: &mut Criterion) {
    let text = benign();
    for kernel in kernels() {
        let mut group = c.benchmark_group(format!("benign/{kernel}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        for (count, chunk) in COUNTS.into_iter().flat_map(|count| CHUNKS.map(|chunk| (count, chunk))) {
            let set = set(&literals(count), kernel);
            let id = BenchmarkId::new(count.to_string(), format!("{}K", chunk >> 10));
            group.bench_function(id, |b| b.iter(|| search(&set, black_box(&text), chunk)));
        }
    }
}

/// The rules that are on by themselves.
fn default_rules() -> Ruleset {
    let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).expect("a pack"));
    Ruleset::compile(rules.filter(|rule| !rule.opt_in).collect()).expect("the packs compile")
}

fn with_default_rules(c: &mut Criterion) {
    let text = benign();
    if let Ok(path) = env::var("LITERALS_FILE") {
        fs::write(path, listed(default_rules().anchors())).expect("LITERALS_FILE can be written");
    }
    for kernel in kernels() {
        let rules = default_rules().with_kernel(kernel).expect("a supported kernel");
        let mut group = c.benchmark_group(format!("default-rules/{kernel}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        for chunk in CHUNKS {
            let id = format!("{}K", chunk >> 10);
            group.bench_function(id, |b| b.iter(|| search(rules.anchors(), black_box(&text), chunk)));
        }
    }
}

/// One literal a line, as `hyperscan/scan.c` reads them: with `\n`, `\t`, `\0` and `\\`, and `\c` before one whose case
/// matters.
fn listed(set: &AnchorSet) -> Vec<u8> {
    let mut lines = Vec::new();
    for literal in set.literals() {
        lines.extend_from_slice(if literal.ignore_case { b"" } else { b"\\c" });
        for byte in literal.bytes {
            match byte {
                b'\\' => lines.extend_from_slice(b"\\\\"),
                b'\n' => lines.extend_from_slice(b"\\n"),
                b'\0' => lines.extend_from_slice(b"\\0"),
                b'\t' => lines.extend_from_slice(b"\\t"),
                other => lines.push(*other),
            }
        }
        lines.push(b'\n');
    }
    lines
}

fn by_near_misses(c: &mut Criterion) {
    by_distance(c, "near-miss", near_misses);
}

fn by_hits(c: &mut Criterion) {
    by_distance(c, "hits", hits);
}

fn by_distance(c: &mut Criterion, name: &str, plant: Plant) {
    let (benign, bytes) = (benign(), literals(300));
    for kernel in kernels() {
        let set = set(&bytes, kernel);
        let mut group = c.benchmark_group(format!("{name}/{kernel}"));
        group.throughput(Throughput::Bytes(benign.len() as u64));
        for distance in [4096, 1024, 256, 64] {
            let text = plant(&benign, &bytes, distance);
            group.bench_function(distance.to_string(), |b| b.iter(|| search(&set, black_box(&text), 64 << 10)));
        }
    }
}

/// The reference for those who doubt that a filter is worth it.
fn automaton(c: &mut Criterion) {
    let text = &benign()[..TEXT / 8];
    let mut group = c.benchmark_group("benign/aho-corasick-dfa");
    group.throughput(Throughput::Bytes(text.len() as u64));
    for count in COUNTS {
        let mut builder = AhoCorasick::builder();
        let builder = builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
        let dfa = builder.build(literals(count)).expect("a DFA");
        group.bench_function(count.to_string(), |b| b.iter(|| dfa.find_overlapping_iter(black_box(text)).count()));
    }
}

fn escape_census(c: &mut Criterion) {
    let text = benign();
    let mut group = c.benchmark_group("escapes");
    group.throughput(Throughput::Bytes(text.len() as u64));
    for kernel in kernels() {
        let count = |chunk: &[u8]| escapes(chunk, 0..chunk.len(), kernel).word;
        group.bench_function(kernel.to_string(), |b| {
            b.iter(|| black_box(&text).chunks(64 << 10).map(count).sum::<u32>());
        });
    }
}

fn building(c: &mut Criterion) {
    let mut group = c.benchmark_group("build");
    for count in COUNTS {
        let bytes = literals(count);
        group.bench_function(count.to_string(), |b| b.iter(|| set(black_box(&bytes), Kernel::fastest())));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = by_count_and_chunk, with_default_rules, by_near_misses, by_hits, automaton, escape_census, building
}
criterion_main!(benches);
