//! Instructions of one exchange and of one request judged, as Callgrind counts them: figures that do not depend on what
//! else the machine does.
//!
//!     cargo bench --bench instructions               fails where a figure is more than 5 % above its baseline
//!     cargo bench --bench instructions -- --renew    makes the counted figures the baseline, benches/instructions.toml
//!
//! The bench runs itself under Valgrind, once for each figure. What differs between machines is fixed: the kernel of the
//! anchor filter is AVX2, the fastest that Valgrind can run; ids, keys, seeds and clocks are constants; what is built
//! when first needed is built by an exchange that is not counted.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot run should say where")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports")]

mod pages;

use std::{
    collections::BTreeMap,
    env, fs,
    hint::black_box,
    net::IpAddr,
    process::{Command, ExitCode},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use cofferdam::{
    coding::{Coding, Encoder},
    config::{Flag, Sources, compile, load},
    engine::Engine,
    exchange::{Exchange, Facts, RequestVerdict, replay_answer},
    incident::{FingerprintKey, HashKey, IncidentId, Seed},
    request::{Peer, RequestHead, rate::RateTables},
    response::ResponseHead,
    scan::anchors::Kernel,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};
use pages::{head, html, json, trace};

/// Above it the change is refused. As far below it the baseline should follow, or the gain can be lost again unseen.
const TOLERANCE: f64 = 0.05;

/// What stands above the figures in their file.
const BASELINE_HEAD: &str = "\
# Instructions, counted by `cargo bench --bench instructions`, which fails where one is more than 5 % above its figure here.
# `cargo bench --bench instructions -- --renew` writes this file: after a gain, or where a change is worth what it costs.

";

/// Each figure and what is run for it.
const FIGURES: [(&str, fn()); 8] = [
    ("request-forwarded", || judge_request("/orders/17?page=2&sort=date", true)),
    ("request-refused", || judge_request("/_profiler/phpinfo", false)),
    ("exchange-json-1-kib", || exchange(&clean("application/json", json(1 << 10)))),
    ("exchange-html-8-kib", || exchange(&clean("text/html; charset=utf-8", html(8 << 10)))),
    ("exchange-html-64-kib", || exchange(&clean("text/html; charset=utf-8", html(64 << 10)))),
    ("exchange-html-8-kib-gzip", || exchange(&gzipped("text/html; charset=utf-8", &html(8 << 10)))),
    ("exchange-html-8-kib-masked", || exchange(&masked(&html(8 << 10)))),
    ("exchange-trace-8-kib-replaced", || exchange(&replaced(trace(8 << 10)))),
];

type Figures = BTreeMap<String, u64>;

fn main() -> ExitCode {
    // Cargo says --bench.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => judge(&count_all()),
        ["--renew"] => renew(&count_all()),
        ["--run", name] => run(name),
        _ => {
            eprintln!("expected nothing or --renew");
            ExitCode::from(2)
        }
    }
}

fn run(name: &str) -> ExitCode {
    let (_, work) = FIGURES.iter().find(|(known, _)| *known == name).expect("a known figure");
    work();
    ExitCode::SUCCESS
}

fn count_all() -> Figures {
    assert!(Kernel::Avx2.is_supported(), "the figures are those of the AVX2 kernel, which this processor cannot run");
    FIGURES.iter().map(|(name, _)| ((*name).to_owned(), count(name))).collect()
}

/// Runs this program under Valgrind; only what [`counted_by_callgrind`] calls is counted.
fn count(name: &str) -> u64 {
    let itself = env::current_exe().expect("this program has a path");
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*counted_by_callgrind*"])
        .arg(itself)
        .args(["--run", name])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("valgrind runs; on Debian it is installed by `apt-get install valgrind`");
    let report = String::from_utf8_lossy(&ran.stderr);
    let collected = report.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    match collected.and_then(|count| count.parse().ok()) {
        Some(count) if ran.status.success() && count > 0 => count,
        _ => panic!("{name} was not counted:\n{report}"),
    }
}

/// Prints each figure beside its baseline; fails where one is above it or has none.
fn judge(counted: &Figures) -> ExitCode {
    let text = fs::read_to_string(baseline_path()).expect("benches/instructions.toml, which --renew writes");
    let baseline: Figures = toml::from_str(&text).expect("benches/instructions.toml holds names and numbers");
    let change = |(name, count): (&String, &u64)| {
        let before = baseline.get(name).copied().unwrap_or_default();
        let change = *count as f64 / before as f64 - 1.0;
        println!("{name:30} {count:>10} instructions, {before:>10} before, {:+.2} %", 100.0 * change);
        change
    };
    let changes: Vec<f64> = counted.iter().map(change).collect();
    if changes.iter().any(|change| *change < -TOLERANCE) {
        println!("More than 5 % below the baseline: lower it with `cargo bench --bench instructions -- --renew`.");
    }
    if changes.iter().any(|change| *change > TOLERANCE) {
        eprintln!(
            "More than 5 % above the baseline. If that is worth it, say why in the commit and renew the baseline \
             with `cargo bench --bench instructions -- --renew`."
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn renew(counted: &Figures) -> ExitCode {
    let rows: String = counted.iter().map(|(name, count)| format!("{name} = {count}\n")).collect();
    fs::write(baseline_path(), BASELINE_HEAD.to_owned() + &rows).expect("benches/instructions.toml can be written");
    print!("{rows}");
    ExitCode::SUCCESS
}

fn baseline_path() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.toml")
}

/// The whole exchange: request judged, fields and body inspected, head hardened.
fn exchange(answer: &Answer) {
    let engine = engine();
    let request = request("/orders/17?page=2&sort=date");
    let all = (request.clone(), answer.head.clone(), [answer.body.clone()]);
    let warm = replay_answer(&engine, request, answer.head.clone(), [answer.body.clone()]);
    assert_eq!(warm.outcome.disposition.as_str(), answer.disposition);
    drop(counted_by_callgrind(|| {
        let (request, head, body) = all;
        replay_answer(&engine, request, head, body)
    }));
}

/// The request alone: the guard, and the fields that are forwarded or the refusal.
fn judge_request(path: &'static str, forwarded: bool) {
    let engine = engine();
    let judge = |head: &mut RequestHead| {
        let mut exchange = Exchange::new(engine.clone(), facts());
        let verdict = exchange.on_request(head);
        (exchange, verdict)
    };
    let (_, verdict) = judge(&mut request(path));
    assert_eq!(matches!(verdict, RequestVerdict::Forward), forwarded, "{path}");
    let mut head = request(path);
    drop(counted_by_callgrind(|| judge(&mut head)));
}

/// What is counted, and nothing else: Callgrind knows it by its name.
#[inline(never)]
fn counted_by_callgrind<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// The engine of the configuration as it is shipped, found by the AVX2 kernel.
fn engine() -> Arc<Engine> {
    let kernel = Flag { name: "--set".to_owned(), key: "rules.kernel".to_owned(), value: "avx2".to_owned() };
    let loaded = load(&Sources { flags: vec![kernel], ..Sources::default() }).expect("the defaults load");
    let rates = RateTables::new(1 << 14, HashKey::from_random([1; 16]));
    Arc::new(compile::engine(&loaded, FingerprintKey::new([1; 32]), &rates).expect("the defaults compile"))
}

/// What a browser asks when a link is followed.
fn request(path: &'static str) -> RequestHead {
    let fields = [
        ("host", "harbour.example"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("referer", "https://harbour.example/orders"),
        ("connection", "keep-alive"),
        ("cookie", "session=4f2b9c; theme=dark; consent=necessary"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "same-origin"),
    ];
    let field = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let headers: HeaderMap = fields.into_iter().map(field).collect();
    RequestHead { method: Method::GET, uri: Uri::from_static(path), version: Version::HTTP_11, headers }
}

fn facts() -> Facts {
    Facts {
        incident_id: IncidentId::from_random([7; 12]),
        peer: Peer { address: IpAddr::from([192, 0, 2, 7]), tls: false },
        now: 1_795_500_000,
        clock: Duration::ZERO,
        seed: Seed::from_random([7; 32]),
    }
}

/// A response, and how its exchange must end.
struct Answer {
    head: ResponseHead,
    body: Bytes,
    disposition: &'static str,
}

fn clean(content_type: &'static str, body: Bytes) -> Answer {
    Answer { head: head(content_type), body, disposition: "inspected-clean" }
}

fn gzipped(content_type: &'static str, content: &[u8]) -> Answer {
    let mut encoder = Encoder::new(Coding::Gzip).expect("an encoder");
    let mut coded = Vec::new();
    encoder.push(content, &mut coded).and_then(|()| encoder.finish(&mut coded)).expect("encodes");
    let mut answer = clean(content_type, coded.into());
    answer.head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    answer
}

fn replaced(body: Bytes) -> Answer {
    Answer { disposition: "replaced", ..clean("text/plain", body) }
}

/// A healthy page in the middle of which a key stands.
fn masked(page: &Bytes) -> Answer {
    let mut body = page.to_vec();
    let middle = body.len() / 2 + body[body.len() / 2..].iter().position(|byte| *byte == b'\n').unwrap_or_default();
    let setting = b"\n<div data-google-api-key=\"AIzaw67N6SWuon2_7AOWm-JmtbGp0ygfcz8y8Qq\"></div>";
    body.splice(middle..middle, *setting);
    Answer { disposition: "masked", ..clean("text/html; charset=utf-8", body.into()) }
}
