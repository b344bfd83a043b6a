//! Decoding and encoding of pages, per coding: divide the time by the size for nanoseconds per decoded byte.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run should say where")]
#![expect(missing_docs, reason = "criterion's macro makes a public function")]

use std::hint::black_box;

use cofferdam::coding::{Coding, Decoder, Encoder, Limits, Plan};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const CODINGS: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
const SIZES: [usize; 2] = [8 << 10, 64 << 10];

/// What a relay reads and hands on at a time.
const PIECE: usize = 16 << 10;

/// Markup, numbers and prose-like words in about the proportions of a page; gzip makes a fifth of it.
fn page(size: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "account", "the", "of", "settings", "order", "and", "to", "invoice", "in", "summary", "a", "customer", "for",
        "delivery", "is", "address",
    ];
    let (mut page, mut state) =
        (String::from("<!doctype html>\n<html><head><title>Orders</title></head><body>\n"), 1_u32);
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    while page.len() < size {
        let number = random();
        page.push_str(&format!("<li class=\"item item-{}\"><a href=\"/orders/{number}\">", number % 7));
        for _ in 0..4 + random() % 8 {
            page.push_str(WORDS[random() as usize % WORDS.len()]);
            page.push(' ');
        }
        page.push_str("</a></li>\n");
    }
    page.truncate(size);
    page.into_bytes()
}

fn encode(encoder: &mut Encoder, content: &[u8], coded: &mut Vec<u8>) {
    coded.clear();
    for piece in content.chunks(PIECE) {
        encoder.push(piece, coded).expect("encodes");
    }
    encoder.finish(coded).expect("ends");
}

fn decode(decoder: &mut Decoder, coded: &[u8], output: &mut [u8]) {
    for mut piece in coded.chunks(PIECE) {
        while decoder.decode(&mut piece, output).expect("decodes").has_more {
            black_box(&output);
        }
    }
    decoder.finish().expect("is whole");
}

fn bench_decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (coding, size) in CODINGS.into_iter().flat_map(|coding| SIZES.map(|size| (coding, size))) {
        let (plan, mut coded, mut output) = (Plan::Decode(vec![coding]), Vec::new(), vec![0; PIECE]);
        encode(&mut Encoder::new(coding).expect("is made"), &page(size), &mut coded);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new(format!("{}/new", coding.token()), size), |bencher| {
            bencher.iter(|| {
                let mut decoder = Decoder::new(&plan, Limits::default()).expect("is made");
                decode(&mut decoder, &coded, &mut output);
            });
        });
        let mut decoder = Decoder::new(&plan, Limits::default()).expect("is made");
        group.bench_function(BenchmarkId::new(format!("{}/reset", coding.token()), size), |bencher| {
            bencher.iter(|| {
                decoder.reset();
                decode(&mut decoder, &coded, &mut output);
            });
        });
    }
}

fn bench_encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    for (coding, size) in CODINGS.into_iter().flat_map(|coding| SIZES.map(|size| (coding, size))) {
        let (content, mut coded) = (page(size), Vec::new());
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new(format!("{}/new", coding.token()), size), |bencher| {
            bencher.iter(|| encode(&mut Encoder::new(coding).expect("is made"), &content, &mut coded));
        });
        let mut encoder = Encoder::new(coding).expect("is made");
        group.bench_function(BenchmarkId::new(format!("{}/reset", coding.token()), size), |bencher| {
            bencher.iter(|| {
                encoder.reset();
                encode(&mut encoder, &content, &mut coded);
            });
        });
    }
}

criterion_group!(coding, bench_decode, bench_encode);
criterion_main!(coding);
