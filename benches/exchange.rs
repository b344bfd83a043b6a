//! One response in memory: nanoseconds of the whole exchange (request judged, fields and body inspected, head
//! hardened) for pages of several sizes, healthy and leaking.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run should say where")]
#![expect(missing_docs, reason = "criterion's macro makes a public function")]

use std::{hint::black_box, sync::Arc};

use bytes::Bytes;
use cofferdam::{
    engine::Engine,
    exchange::replay,
    incident::FingerprintKey,
    response::ResponseHead,
    rules::{PACKS, parse_pack},
    scan::Ruleset,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, StatusCode, header};

fn engine() -> Arc<Engine> {
    let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).expect(file)).collect();
    Arc::new(Engine::with_rules(Ruleset::compile(rules).expect("the packs compile"), FingerprintKey::new([1; 32])))
}

fn head(content_type: &'static str) -> ResponseHead {
    let fields = [
        (header::CONTENT_TYPE, content_type),
        (header::SERVER, "nginx/1.22.1"),
        (header::DATE, "Tue, 24 Nov 2026 06:00:00 GMT"),
        (header::ETAG, "\"67430a2c-2000\""),
        (header::LAST_MODIFIED, "Mon, 23 Nov 2026 06:00:00 GMT"),
        (header::ACCEPT_RANGES, "bytes"),
    ];
    let headers: HeaderMap = fields.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    ResponseHead::new(StatusCode::OK, headers)
}

/// Ordinary mark-up: paragraphs, links, entities, a list.
fn html(length: usize) -> Bytes {
    let paragraph = "<p>The harbour office opens at <b>eight</b>; bring the <a href=\"/forms/17?lang=en&amp;v=2\">form</a> \
                     and the receipt of the last payment, please.</p>\n<li class=\"item\">Berth 12, &quot;Anna&quot;, 14:30</li>\n";
    let mut page = String::from("<!doctype html>\n<html lang=en><head><title>Harbour</title></head><body>\n");
    while page.len() + paragraph.len() < length {
        page.push_str(paragraph);
    }
    page.extend(std::iter::repeat_n(' ', length.saturating_sub(page.len())));
    Bytes::from(page)
}

fn json(length: usize) -> Bytes {
    let row = r#"{"id":1734,"name":"Anna","berth":12,"paid":true,"note":"arrives 14:30, leaves Tuesday"},"#;
    Bytes::from(format!("[{}null]", row.repeat(length / row.len())))
}

fn trace(length: usize) -> Bytes {
    let frame = "  File \"/srv/harbour/views.py\", line 12, in index\n    return render(berth)\n";
    Bytes::from(format!(
        "Traceback (most recent call last):\n{}KeyError: 'berth'\n",
        frame.repeat(length / frame.len())
    ))
}

fn exchange(criterion: &mut Criterion) {
    let engine = engine();
    let mut group = criterion.benchmark_group("exchange");
    let pages = [
        ("json 1 KiB", "application/json", json(1 << 10)),
        ("html 8 KiB", "text/html; charset=utf-8", html(8 << 10)),
        ("html 64 KiB", "text/html; charset=utf-8", html(64 << 10)),
        ("html 1 MiB", "text/html; charset=utf-8", html(1 << 20)),
        ("trace 8 KiB, replaced", "text/plain", trace(8 << 10)),
    ];
    for (name, content_type, body) in pages {
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
