//! Tests for weak keys: what one value costs the background thread when no key of the list fits, so that all are
//! tried, and what the hot path pays to find out whether there is anything to test.

#![expect(missing_docs, reason = "criterion's macro makes a public function")]

use std::hint::black_box;

use cofferdam::{
    cookies::weak::{Candidate, KeyList, Seen, test},
    incident::HashKey,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

/// A cookie or token of each form, with a signature by no key of the list: name, value, and the value of `<name>.sig`.
fn sound() -> Vec<(&'static str, &'static str, String, Option<&'static str>)> {
    let sha256 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let session = "eyJhZG1pbiI6ZmFsc2UsInVzZXIiOiJhZGEifQ";
    vec![
        ("flask", "session", format!("{session}.awU2Fw.AAAAAAAAAAAAAAAAAAAAAAAAAAA"), None),
        ("django", "sessionid", format!("{session}:1xVkW8:{sha256}"), None),
        ("express", "connect.sid", format!("s%3AabcDEF123-_x.{sha256}"), None),
        ("egg, signed", "branch", "harbour".to_owned(), Some(sha256)),
        ("egg, encrypted", "EGG_SESS", "A".repeat(128), None),
        (
            "jwt",
            "token",
            format!("eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3OTk5OTk5OTksImV4cCI6MTgwMDAwMzYwMH0.{sha256}"),
            None,
        ),
        ("django, 4 KiB", "sessionid", format!("{}:1xVkW8:{sha256}", "x".repeat(4000)), None),
        ("django, 4 KiB, SHA-512", "sessionid", format!("{}:1xVkW8:{}", "x".repeat(4000), "A".repeat(86)), None),
        ("rails", "_app_session", format!("{session}--{}", "0".repeat(40)), None),
    ]
}

fn background(c: &mut Criterion) {
    let Ok(keys) = KeyList::embedded() else { return };
    for (form, name, value, signature) in sound() {
        let run = |keys: &KeyList| {
            test(name.as_bytes(), black_box(value.as_bytes()), signature.map(str::as_bytes), keys, 1_800_000_000)
        };
        assert_eq!(run(&keys), None, "{form}");
        c.bench_function(&format!("background/{form}"), |bencher| bencher.iter(|| run(&keys)));
        if form == "rails" {
            let fresh = || KeyList::embedded().ok();
            let run = |keys: Option<KeyList>| keys.map(|keys| run(&keys));
            let mut group = c.benchmark_group("background");
            group.sample_size(10);
            group.bench_function("rails, the first", |bencher| {
                bencher.iter_batched(fresh, run, BatchSize::PerIteration);
            });
        }
    }
}

fn hot_path(c: &mut Criterion) {
    let key = || HashKey::from_random([1; 16]);
    let plain: &[u8] = b"theme=dark; lang=en; _ga=GA1.2.123; csrftoken=wWIkYBpvBbHyFPaBcVvNyXcUoVzSyVyq";
    let signed: &[u8] = b"theme=dark; lang=en; session=eyJ1c2VyIjoiYWRhIn0.awU2Fw.Kia3uTQHz9sb4gSAabOJevoAK7A";
    for (name, cookies) in [("nothing signed", plain), ("a session seen before", signed)] {
        let seen = Seen::new(4096, key());
        let due = |cookies| {
            Candidate::of_request([cookies].into_iter(), None).iter().filter(|value| seen.is_due(value, 100)).count()
        };
        c.bench_function(&format!("hot path/{name}"), |bencher| bencher.iter(|| due(black_box(cookies))));
    }
}

criterion_group!(benches, background, hot_path);
criterion_main!(benches);
