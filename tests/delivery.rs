//! Law L2: the verdict does not depend on delivery. Every row of every rule goes through an exchange whole, in
//! pieces of any size and in every content coding, and what a client can read is the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its case has failed")]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use cofferdam::{
    coding::{Coding, Decoder, Encoder, Limits, Plan},
    engine::Engine,
    exchange::{Replayed, replay},
    incident::{Disposition, FingerprintKey, Mode},
    policy::{InspectPolicy, RoutePolicy, RouteTable},
    response::ResponseHead,
    rules::{Example, PACKS, Rule, parse_pack},
    scan::Ruleset,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use proptest::prelude::*;

static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect());

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Arc::new(engine()));

fn engine() -> Engine {
    Engine::with_rules(Ruleset::compile(RULES.clone()).unwrap(), FingerprintKey::new([1; 32]))
}

fn rows() -> impl Iterator<Item = &'static Example> {
    RULES.iter().flat_map(|rule| rule.leak.iter().chain(&rule.benign))
}

fn head(row: &Example, coding: Option<Coding>) -> ResponseHead {
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = row.field() {
        headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
    }
    ResponseHead::new(StatusCode::from_u16(row.status()).unwrap(), headers)
}

fn cut(body: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut rest = body;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        pieces.push(Bytes::copy_from_slice(piece));
        rest = after;
    }
    pieces
}

fn encoded(body: &[u8], coding: Coding) -> Vec<u8> {
    let mut encoder = Encoder::new(coding).unwrap();
    let mut out = Vec::new();
    encoder.push(body, &mut out).unwrap();
    encoder.finish(&mut out).unwrap();
    out
}

/// What a client can read: the body, decoded as the response's fields say.
fn readable(replayed: &Replayed) -> Vec<u8> {
    let Some(head) = &replayed.head else { return Vec::new() };
    let plan = Plan::from_headers(head.headers.get_all(header::CONTENT_ENCODING).iter().map(HeaderValue::as_bytes));
    if plan == Plan::Identity {
        return replayed.body.clone();
    }
    let mut decoder = Decoder::new(&plan, Limits::default()).unwrap();
    let (mut input, mut out, mut step) = (replayed.body.as_slice(), Vec::new(), [0; 4096]);
    loop {
        let progress = decoder.decode(&mut input, &mut step).unwrap();
        out.extend_from_slice(&step[..progress.written]);
        if !progress.has_more {
            return out;
        }
    }
}

fn assert_same(row: &Example, whole: &Replayed, other: &Replayed, delivery: &str) {
    assert_eq!(other.outcome.disposition, whole.outcome.disposition, "{delivery}: {:?}", row.body());
    assert_eq!(readable(other), readable(whole), "{delivery}: {:?}", row.body());
}

#[test]
fn every_coding_gives_the_verdict_of_the_plain_row() {
    for row in rows().filter(|row| !row.body().is_empty()) {
        let whole = replay(&ENGINE, head(row, None), cut(row.body().as_bytes(), &[usize::MAX]));
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let body = encoded(row.body().as_bytes(), coding);
            for sizes in [&[usize::MAX][..], &[1], &[13, 5]] {
                let other = replay(&ENGINE, head(row, Some(coding)), cut(&body, sizes));
                assert_same(row, &whole, &other, &format!("{coding:?} in {sizes:?}"));
            }
        }
    }
}

#[test]
fn every_split_in_two_gives_the_verdict_of_the_whole_row() {
    for row in rows().filter(|row| row.body().len() < 2000) {
        let body = row.body().as_bytes();
        let whole = replay(&ENGINE, head(row, None), cut(body, &[usize::MAX]));
        for at in 1..body.len() {
            let other = replay(&ENGINE, head(row, None), cut(body, &[at, usize::MAX]));
            assert_same(row, &whole, &other, &format!("split at {at}"));
        }
    }
}

#[test]
fn a_clean_coded_body_leaves_as_it_came() {
    for row in RULES.iter().flat_map(|rule| &rule.benign).filter(|row| !row.body().is_empty()) {
        for coding in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
            let body = encoded(row.body().as_bytes(), coding);
            let replayed = replay(&ENGINE, head(row, Some(coding)), cut(&body, &[7]));
            assert_eq!(replayed.body, body);
            assert_eq!(replayed.head.unwrap().headers[header::CONTENT_ENCODING], coding.token());
        }
    }
}

#[test]
fn observe_mode_changes_no_byte_and_reports_what_it_would_have_done() {
    let inspect = InspectPolicy { mode: Mode::Observe, ..InspectPolicy::default() };
    let policy = RoutePolicy { inspect, ..RoutePolicy::default() };
    let engine = Arc::new(Engine { routes: RouteTable::new(Vec::new(), Arc::new(policy)), ..engine() });
    for rule in RULES.iter() {
        for row in rule.leak.iter().filter(|row| !row.body().is_empty()) {
            let replayed = replay(&engine, head(row, None), cut(row.body().as_bytes(), &[11]));
            assert_eq!(replayed.body, row.body().as_bytes(), "{}", rule.id);
            let incident = replayed.outcome.incident.expect(&rule.id);
            assert!(incident.rules.iter().any(|hit| hit.rule == rule.id), "{}", rule.id);
            let enforced = replay(&ENGINE, head(row, None), cut(row.body().as_bytes(), &[11])).outcome.disposition;
            assert_eq!(incident.would, Some(enforced), "{}", rule.id);
        }
    }
}

/// A leak far into a body is caught wherever the block boundaries fall.
#[test]
fn a_secret_is_masked_at_every_place_around_a_block_boundary() {
    let hold = InspectPolicy::default().hold;
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw\n-----END RSA PRIVATE KEY-----\n";
    for before in (hold - 90..hold + 20).step_by(3).chain([3 * hold - 40, 3 * hold + 4096]) {
        let mut body = vec![b'.'; before];
        body.extend_from_slice(key.as_bytes());
        body.extend_from_slice(&vec![b'.'; 2 * hold]);
        let row = Example::Body(String::new());
        let replayed = replay(&ENGINE, head(&row, None), cut(&body, &[9000]));
        assert_eq!(replayed.outcome.disposition, Disposition::Masked, "{before}");
        let text = String::from_utf8(replayed.body).unwrap();
        assert!(!text.contains("MIIEow"), "{before}");
        assert_eq!(text.matches("[redacted:private-key]").count(), 1, "{before}");
        assert_eq!(text.len(), body.len() - key.len() + text.trim_matches('.').len(), "{before}");
    }
}

#[test]
fn a_secret_longer_than_any_window_is_masked_to_its_end() {
    let body = format!(
        "a\n-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\nb{}",
        "MIIEow".repeat(60_000),
        ".".repeat(200_000)
    );
    let row = Example::Body(String::new());
    for sizes in [&[usize::MAX][..], &[1000], &[70_000]] {
        let replayed = replay(&ENGINE, head(&row, None), cut(body.as_bytes(), sizes));
        let text = String::from_utf8(replayed.body).unwrap();
        assert!(!text.contains("MII"), "{sizes:?}");
        assert!(text.starts_with("a\n[redacted:private-key]\nb."), "{:?}", &text[..60]);
        assert!(text.ends_with("..."));
    }
}

/// A page of prose with a trace of two frames that begins at this place.
fn page_with_trace(at: usize) -> Vec<u8> {
    let mut page = b"<nav><a href=/>Home</a></nav>\n".to_vec();
    while page.len() + 80 < at {
        page.extend_from_slice(b"<p>The market opens at nine. Bread is sold out by ten.</p>\n");
    }
    page.resize(at, b' ');
    page.extend_from_slice(b"<pre>Traceback (most recent call last):\n  File \"/srv/shop/run.py\", line 3, in run\n    cart.add(x)\n  File \"/srv/shop/cart.py\", line 9, in add\n    raise Sold(x)\nshop.Sold: out\n</pre>\n");
    for _ in 0..2500 {
        page.extend_from_slice(b"<p>The market opens at nine. Bread is sold out by ten.</p>\n");
    }
    page
}

/// Neither of its frames alone is a trace.
#[test]
fn a_trace_is_masked_at_every_place_around_a_block_boundary() {
    let row = Example::Body(String::new());
    let hold = InspectPolicy::default().hold;
    let inside = replay(&ENGINE, head(&row, None), cut(&page_with_trace(hold / 2), &[usize::MAX]));
    let inside = String::from_utf8(inside.body).unwrap();
    let token = inside.find("[redacted:").unwrap();
    let masked = &inside[token - 40..token + 60];
    for at in (hold - 240..hold + 10).step_by(3).chain(2 * hold - 130..2 * hold - 125) {
        let page = page_with_trace(at);
        for sizes in [&[usize::MAX][..], &[7000, 64]] {
            let replayed = replay(&ENGINE, head(&row, None), cut(&page, sizes));
            let text = String::from_utf8_lossy(&replayed.body).into_owned();
            assert_eq!(replayed.outcome.disposition, Disposition::Masked, "{at}");
            assert!(!text.contains("/srv/") && !text.contains("shop.Sold"), "{at}");
            assert_eq!(text.matches("[redacted:").count(), inside.matches("[redacted:").count(), "{at} {masked}");
            assert_eq!(text.len(), page.len() + inside.len() - page_with_trace(hold / 2).len(), "{at}");
        }
    }
}

/// Messages of gRPC, each with its length before it, and the head that says so.
fn conversation(messages: &[Vec<u8>]) -> (ResponseHead, Vec<u8>) {
    let mut body = Vec::new();
    for message in messages {
        body.push(0);
        body.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        body.extend_from_slice(message);
    }
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"))].into_iter().collect();
    (ResponseHead::new(StatusCode::OK, headers), body)
}

/// A highlighter that puts every word and every sign in a span of its own hides nothing.
#[test]
fn spans_around_every_word_hide_nothing() {
    let trace = "java.lang.IllegalStateException: no stock\n\tat com.shop.Cart.total(Cart.java:42)\n\tat org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:166)\n";
    let mut page = String::from("<html><body><pre>");
    let mut word = String::new();
    for char in trace.chars() {
        if !word.is_empty() && (char.is_alphanumeric() != word.ends_with(char::is_alphanumeric)) {
            page.push_str(&format!("<span class=t>{}</span>", std::mem::take(&mut word)));
        }
        word.push(char);
    }
    page.push_str(&format!("<span class=t>{word}</span></pre>"));
    let row = Example::Body(String::new());
    let replayed = replay(&ENGINE, head(&row, None), cut(page.as_bytes(), &[usize::MAX]));
    assert_eq!(replayed.outcome.disposition, Disposition::Replaced);
}

/// What programs write a text as, each in its own way of escaping.
#[test]
fn escapes_of_programming_languages_hide_nothing() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw\n-----END RSA PRIVATE KEY-----\n";
    let trace = "Traceback (most recent call last):\n  File \"/srv/shop/app.py\", line 12, in index\n    return cart(1)\n  File \"/srv/shop/cart.py\", line 3, in cart\n    return 1 / 0\nZeroDivisionError: division by zero\n";
    let url = "postgres://shop:h7Qe2kd93mXz@db.internal/shop\n";
    let proxy = "http://shop:h7Qe2kd93mXz@10.0.0.9:3128/\n";
    let each = |text: &str, write: fn(char) -> String| text.chars().map(write).collect::<String>();
    let lines = |text: &str, before: &str| text.lines().map(|line| format!("{before}{line}\n")).collect::<String>();
    for text in [key, trace, url, proxy] {
        let json = serde_json::json!({ "text": text }).to_string();
        let forms = [
            ("octal", each(text, |char| format!("\\{:03o}", u32::from(char)))),
            ("braced", each(text, |char| format!("\\u{{{:x}}}", u32::from(char)))),
            ("eight digits", each(text, |char| format!("\\U{:08x}", u32::from(char)))),
            ("json in html", json.replace('"', "&quot;")),
            ("json in html in json", serde_json::json!({ "html": json.replace('"', "&quot;") }).to_string()),
            ("colours", text.replace(' ', "\\e[31m \\033[0m")),
            ("log", lines(text, "2026-03-01 12:01:07,113 ERROR [main] ")),
            ("diff", lines(text, "+")),
            ("array", serde_json::to_string(&text.lines().collect::<Vec<_>>()).unwrap()),
            ("csv", format!("7,\"{}\",x\n", text.replace('"', "\"\""))),
        ];
        let properties = format!("text={}", text.replace(':', "\\:").replace('\n', "\\n\\\n    "));
        let properties = (text != proxy).then_some(("properties", properties));
        for (form, body) in forms.into_iter().chain(properties) {
            let mut head = head(&Example::Body(String::new()), None);
            head.status = StatusCode::INTERNAL_SERVER_ERROR;
            let replayed = replay(&ENGINE, head, cut(body.as_bytes(), &[usize::MAX]));
            assert!(replayed.body != body.as_bytes(), "{form}: {body}");
        }
    }
}

/// Between angle brackets only names and attributes are mark-up.
#[test]
fn a_secret_in_a_tag_is_found_wherever_in_it_it_stands() {
    let secrets = [
        "AKIAVKQ3TZ7LM2WXR5NB",
        "DB_PASSWORD=h7Qe2kd93mXz",
        "postgres://shop:h7Qe2kd93mXz@db.internal/shop",
        "-----BEGIN RSA PRIVATE KEY-----MIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw",
    ];
    let pages = [
        "<a {}>x</a>",
        "<a\n{}\n>",
        "<a/{}/>",
        "<a b=c {} d=e>",
        "<a b=\"c\"{}>",
        "</a {}>",
        "<input value={} data-x=1>",
        "<input value=\"{} data-x>",
        "<input value = \"{}\">",
        "<input value= '{}'>",
        "<a b=\"<c {}>\">",
        "<a b=\"&lt;i {}&gt;\">",
        "&lt;a {}&gt;",
        "<{}>",
        "<!DOCTYPE html SYSTEM {}>",
        "<!DOCTYPE html \"{}\">",
        "<! {} >",
        "<![if {}]>x<![endif]>",
        "<![CDATA[{}]]>",
        "<?php\n$a = {};\n?>",
        "<?xml version=\"1.0\" note='{}'?>",
        "<%= {} %>",
        "if a <b and {}> c",
        "{\"html\":\"<i title = \\\"{}\\\">\"}",
    ];
    for (secret, page) in secrets.iter().flat_map(|secret| pages.iter().map(move |page| (secret, page))) {
        let page = format!("<p>Hello.</p>\n{}\n<p>Bye.</p>\n", page.replace("{}", secret));
        let row = Example::Body(String::new());
        let replayed = replay(&ENGINE, head(&row, None), cut(page.as_bytes(), &[usize::MAX]));
        assert!(!String::from_utf8_lossy(&replayed.body).contains(&secret[12..]), "{page}");
    }
}

/// Highlighters write tags in capitals, with fonts, and parts of words.
#[test]
fn inline_elements_around_every_piece_of_a_word_hide_nothing() {
    let trace = "java.lang.IllegalStateException: no stock\n\tat com.shop.Cart.total(Cart.java:42)\n\tat org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:166)\n";
    for (open, close) in [
        ("<SPAN CLASS=t>", "</SPAN>"),
        ("<Span>", "</span>"),
        ("<font color=red>", "</font>"),
        ("<FONT COLOR=RED>", "</FONT>"),
        ("<b>", "</b>"),
        ("<I>", "</i>"),
        ("<code>", "</code>"),
        ("", "<WBR>"),
    ] {
        let chars: Vec<char> = trace.chars().collect();
        let pieces = chars.chunks(3).map(|part| format!("{open}{}{close}", part.iter().collect::<String>()));
        let page = format!("<html><body><pre>{}</pre>", pieces.collect::<String>());
        let row = Example::Body(String::new());
        let replayed = replay(&ENGINE, head(&row, None), cut(page.as_bytes(), &[usize::MAX]));
        assert_eq!(replayed.outcome.disposition, Disposition::Replaced, "{open}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_of_any_conversation_passes_whole_or_is_contained(
        messages in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0_usize..90_000), 1..5),
        sizes in proptest::collection::vec(1_usize..20_000, 1..6),
    ) {
        let all: Vec<_> = rows().collect();
        let messages: Vec<_> = messages.into_iter().map(|(pick, leaks, padding)| {
            let mut message = vec![b'.'; padding];
            if leaks {
                message.extend_from_slice(pick.get(&all).body().as_bytes());
            }
            message
        }).collect();
        let (head, body) = conversation(&messages);
        let whole = replay(&ENGINE, head.clone(), cut(&body, &[usize::MAX]));
        let other = replay(&ENGINE, head, cut(&body, &sizes));
        // Where earlier messages have left, what would be replaced is severed.
        let contained = |replayed: &Replayed| {
            matches!(replayed.outcome.disposition, Disposition::Replaced | Disposition::Severed)
        };
        prop_assert_eq!(contained(&other), contained(&whole));
        if !contained(&whole) {
            prop_assert!(other.complete && other.body == body && whole.body == body);
        }
    }

    #[test]
    fn any_split_of_any_mix_of_rows_gives_one_output(
        picks in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..40_000), 1..5),
        sizes in proptest::collection::vec(1_usize..20_000, 1..6),
        coding in prop_oneof![Just(None), Just(Some(Coding::Gzip)), Just(Some(Coding::Zstd))],
    ) {
        let all: Vec<_> = rows().collect();
        let mut body = Vec::new();
        for (pick, padding) in picks {
            body.resize(body.len() + padding, b'.');
            body.push(b'\n');
            body.extend_from_slice(pick.get(&all).body().as_bytes());
        }
        let row = Example::Body(String::new());
        let wire = coding.map_or(body.clone(), |coding| encoded(&body, coding));
        let whole = replay(&ENGINE, head(&row, coding), cut(&wire, &[usize::MAX]));
        let other = replay(&ENGINE, head(&row, coding), cut(&wire, &sizes));
        prop_assert_eq!(other.outcome.disposition, whole.outcome.disposition);
        prop_assert_eq!(other.complete, whole.complete);
        if whole.complete {
            prop_assert_eq!(other.body, whole.body);
        }
    }
}
