//! The verdict does not depend on the processor: every row of every rule and every page of `pages/` is judged alike by
//! each kernel of the anchor filter that can run here, and by the automaton they stand in for.

#![cfg(test)]

use std::sync::Arc;

use bytes::Bytes;
use cofferdam::{
    engine::Engine,
    exchange::replay,
    incident::FingerprintKey,
    response::ResponseHead,
    rules::{Example, PACKS, Rule, parse_pack},
    scan::{Ruleset, anchors::Kernel},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

/// A response to judge.
struct Case {
    name: String,
    head: ResponseHead,
    body: Bytes,
}

#[derive(Deserialize)]
struct Pages {
    page: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    name: String,
    #[serde(default = "ok")]
    status: u16,
    body: String,
}

fn ok() -> u16 {
    200
}

#[test]
fn every_kernel_judges_every_row_alike() {
    every_kernel_judges_alike(&rows());
}

#[test]
fn every_kernel_judges_every_page_alike() {
    every_kernel_judges_alike(&pages());
}

fn every_kernel_judges_alike(cases: &[Case]) {
    let reference = engine(Kernel::Automaton);
    let expected: Vec<String> = cases.iter().map(|case| verdicts(&reference, case)).collect();
    for kernel in Kernel::ALL.into_iter().filter(|kernel| *kernel != Kernel::Automaton) {
        if !kernel.is_supported() {
            eprintln!("this processor cannot run {kernel}, so it is not compared");
            continue;
        }
        let engine = engine(kernel);
        for (case, expected) in cases.iter().zip(&expected) {
            assert_eq!(verdicts(&engine, case), *expected, "{kernel}: {}", case.name);
        }
    }
}

fn engine(kernel: Kernel) -> Arc<Engine> {
    let rules = Ruleset::compile(rules().collect()).unwrap().with_kernel(kernel).unwrap();
    Arc::new(Engine::with_rules(rules, FingerprintKey::new([1; 32])))
}

/// What became of the response, whole and in pieces that end within words: how it ended, why, and what left.
fn verdicts(engine: &Arc<Engine>, case: &Case) -> String {
    [case.body.len().max(1), 61].map(|piece| verdict(engine, case, piece)).join("\n")
}

fn verdict(engine: &Arc<Engine>, case: &Case, piece: usize) -> String {
    let pieces = (0..case.body.len()).step_by(piece).map(|at| case.body.slice(at..case.body.len().min(at + piece)));
    let replayed = replay(engine, case.head.clone(), pieces);
    let incident = replayed.outcome.incident.as_ref();
    let rules: Vec<&str> = incident.into_iter().flat_map(|it| &it.rules).map(|hit| hit.rule.as_str()).collect();
    let score = incident.and_then(|it| it.score);
    let body = String::from_utf8_lossy(&replayed.body);
    format!("{} {} {score:?} {:?}\n{body}", replayed.outcome.disposition.as_str(), rules.join(" "), replayed.head)
}

fn rules() -> impl Iterator<Item = Rule> {
    PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap())
}

fn rows() -> Vec<Case> {
    let of_rule = |rule: Rule| {
        let rows: Vec<Example> = rule.leak.iter().chain(&rule.benign).cloned().collect();
        rows.into_iter().enumerate().map(move |(row, example)| case_of(&rule.id, row, &example))
    };
    rules().flat_map(of_rule).collect()
}

fn case_of(rule: &str, row: usize, example: &Example) -> Case {
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = example.field() {
        headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    let status = StatusCode::from_u16(example.status()).unwrap();
    let body = Bytes::copy_from_slice(example.body().as_bytes());
    Case { name: format!("{rule}, row {row}"), head: ResponseHead::new(status, headers), body }
}

fn pages() -> Vec<Case> {
    let texts = [include_str!("pages/leaks.toml"), include_str!("pages/healthy.toml")];
    let pages = texts.into_iter().flat_map(|text| toml::from_str::<Pages>(text).unwrap().page);
    let case = |page: Page| Case {
        name: page.name,
        head: ResponseHead::new(StatusCode::from_u16(page.status).unwrap(), HeaderMap::new()),
        body: page.body.into(),
    };
    pages.map(case).collect()
}
