//! Frameworks that no rule knows: with every rule of a framework and of its language taken out of the packs, the rules
//! for any framework must still contain its stack traces. `cargo test --test ablation -- --nocapture` prints the table.

#![cfg(test)]

use std::sync::Arc;

use bytes::Bytes;
use cofferdam::{
    engine::Engine,
    exchange::replay,
    incident::{Disposition, FingerprintKey},
    response::ResponseHead,
    rules::{PACKS, parse_pack},
    scan::Ruleset,
};
use http::{HeaderMap, StatusCode};

/// A family and what its traces look like as plain text.
struct Family {
    name: &'static str,
    /// The value of `framework` in the rules that are taken out.
    frameworks: &'static [&'static str],
    traces: &'static [&'static str],
}

/// The share of a family's traces that must be contained, in percent.
const LEAST: usize = 90;

include!("ablation/families.rs");

#[test]
fn a_framework_without_rules_is_contained_by_the_rules_for_any() {
    let mut table = String::from("| framework | rules out | contained |\n|---|---|---|\n");
    let mut missed = String::new();
    for family in FAMILIES {
        let (engine, out) = without(family.frameworks);
        let cases: Vec<_> = family.traces.iter().flat_map(|trace| forms(trace)).collect();
        let leaks: Vec<_> = cases.iter().filter(|case| !is_contained(&engine, case)).collect();
        let contained = cases.len() - leaks.len();
        table += &format!("| {} | {out} | {contained} of {} |\n", family.name, cases.len());
        if contained * 100 < LEAST * cases.len() {
            leaks
                .iter()
                .for_each(|case| missed += &format!("{}, status {}:\n{}\n\n", family.name, case.status, case.body));
        }
    }
    println!("{table}");
    assert_eq!(missed, "", "not contained, and fewer than {LEAST} % of the family are");
}

/// A response that holds a trace.
struct Case {
    status: StatusCode,
    body: String,
}

/// The trace as text, in mark-up, as a string and as a list in JSON; under 200 and under 500.
fn forms(trace: &str) -> Vec<Case> {
    let lines: Vec<&str> = trace.lines().collect();
    let escaped = trace.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;");
    let bodies = [
        trace.to_owned(),
        format!("<!doctype html><title>Something went wrong</title><h1>Oops</h1><pre>{escaped}</pre>"),
        format!("<h1>Oops</h1><p>{}</p>", escaped.replace('\n', "<br>\n")),
        serde_json::json!({ "ok": false, "detail": trace }).to_string(),
        serde_json::json!({ "message": lines.first(), "frames": &lines[1..] }).to_string(),
    ];
    let statuses = [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR];
    let case = |body: &String| statuses.map(|status| Case { status, body: body.clone() });
    bodies.iter().flat_map(case).collect()
}

/// Nothing is contained that merely lost a line: no frame may be left.
fn is_contained(engine: &Arc<Engine>, case: &Case) -> bool {
    let head = ResponseHead::new(case.status, HeaderMap::new());
    let replayed = replay(engine, head, [Bytes::copy_from_slice(case.body.as_bytes())]);
    match replayed.outcome.disposition {
        Disposition::Replaced => true,
        Disposition::Masked => !String::from_utf8_lossy(&replayed.body).contains("art."),
        _ => false,
    }
}

/// The packs without the rules of these frameworks, and how many those are.
fn without(frameworks: &[&str]) -> (Arc<Engine>, usize) {
    let packs = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap());
    let all: Vec<_> = packs.filter(|rule| !rule.opt_in).collect();
    let is_out = |name: &Option<String>| name.as_deref().is_some_and(|name| frameworks.contains(&name));
    let (out, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(|rule| is_out(&rule.framework));
    assert!(!out.is_empty(), "no rule is for {frameworks:?}");
    let engine = Engine::with_rules(Ruleset::compile(kept).unwrap(), FingerprintKey::new([1; 32]));
    (Arc::new(engine), out.len())
}
