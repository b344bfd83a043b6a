//! One response in memory: nanoseconds of the whole exchange (request judged, fields and body inspected, head
//! hardened) for pages of several sizes, healthy and leaking.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run should say where")]
#![expect(missing_docs, reason = "criterion's macro makes a public function")]

mod pages;

use std::{hint::black_box, sync::Arc};

use cofferdam::{
    engine::Engine,
    exchange::replay,
    incident::FingerprintKey,
    rules::{PACKS, parse_pack},
    scan::Ruleset,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pages::{head, html, json, trace};

fn engine() -> Arc<Engine> {
    let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).expect(file)).collect();
    Arc::new(Engine::with_rules(Ruleset::compile(rules).expect("the packs compile"), FingerprintKey::new([1; 32])))
}

fn exchange(criterion: &mut Criterion) {
    let engine = engine();
    let mut group = criterion.benchmark_group("exchange");
    let responses = [
        ("json 1 KiB", "application/json", json(1 << 10)),
        ("html 8 KiB", "text/html; charset=utf-8", html(8 << 10)),
        ("html 64 KiB", "text/html; charset=utf-8", html(64 << 10)),
        ("html 1 MiB", "text/html; charset=utf-8", html(1 << 20)),
        ("trace 8 KiB, replaced", "text/plain", trace(8 << 10)),
    ];
    for (name, content_type, body) in responses {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let pieces =
                    (0..body.len()).step_by(64 << 10).map(|at| body.slice(at..body.len().min(at + (64 << 10))));
                black_box(replay(&engine, head(content_type), pieces))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, exchange);
criterion_main!(benches);
