//! One request through the rate limiter's table: a client that is known, and a crowd that never comes twice; alone and
//! beside three threads that hammer the same table.

#![expect(missing_docs, reason = "criterion's macro makes a public function")]

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use cofferdam::{
    incident::HashKey,
    request::rate::{Quota, RateTable},
};
use criterion::{Criterion, criterion_group, criterion_main};

const QUOTA: Quota = Quota { per_minute: 100, burst: 100 };

fn crowd(c: &mut Criterion, name: &str, table: &RateTable) {
    let key = HashKey::from_random([1; 16]);
    let (mut client, mut now) = (0u64, Duration::ZERO);
    c.bench_function(&format!("{name}/crowd"), |bencher| {
        bencher.iter(|| {
            client += 1;
            now += Duration::from_micros(6);
            black_box(table.admit(key.hash(&client), QUOTA, now))
        });
    });
    c.bench_function(&format!("{name}/known"), |bencher| {
        bencher.iter(|| {
            now += Duration::from_millis(600);
            black_box(table.admit(key.hash(&7u64), QUOTA, now))
        });
    });
}

fn rate(c: &mut Criterion) {
    let table = RateTable::new(1 << 18);
    crowd(c, "alone", &table);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3u64 {
            let (table, over) = (&table, &over);
            scope.spawn(move || {
                let mut client = thread << 32;
                while !over.load(Ordering::Relaxed) {
                    client = client.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    black_box(table.admit(client, QUOTA, Duration::ZERO));
                }
            });
        }
        crowd(c, "contended", &table);
        over.store(true, Ordering::Relaxed);
    });
}

criterion_group!(benches, rate);
criterion_main!(benches);
