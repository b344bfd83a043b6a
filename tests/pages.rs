//! Whole pages, as frameworks and people write them: those in `pages/leaks.toml` must be contained, those in
//! `pages/healthy.toml` must arrive byte for byte.

#![cfg(test)]

use std::sync::Arc;

use bytes::Bytes;
use cofferdam::{
    engine::Engine,
    exchange::{Replayed, replay},
    incident::FingerprintKey,
    response::ResponseHead,
    rules::{PACKS, parse_pack},
    scan::Ruleset,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pages {
    page: Vec<Page>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    name: String,
    #[serde(default = "ok")]
    status: u16,
    /// What must not reach the client.
    #[serde(default)]
    secrets: Vec<String>,
    body: String,
}

fn ok() -> u16 {
    200
}

#[test]
fn nothing_of_a_leaking_page_that_matters_reaches_the_client() {
    let engine = engine();
    let mut leaked = String::new();
    for page in pages(include_str!("pages/leaks.toml")) {
        let replayed = through(&engine, &page);
        let body = String::from_utf8_lossy(&replayed.body);
        for secret in
            page.secrets.iter().filter(|secret| page.body.contains(secret.as_str()) && body.contains(secret.as_str()))
        {
            leaked += &format!("{}: {secret} ({})\n", page.name, why(&replayed));
        }
    }
    assert_eq!(leaked, "");
}

#[test]
fn a_healthy_page_arrives_as_it_was() {
    let engine = engine();
    let mut touched = String::new();
    for page in pages(include_str!("pages/healthy.toml")) {
        let replayed = through(&engine, &page);
        if replayed.body != page.body.as_bytes() {
            touched += &format!("{} ({})\n", page.name, why(&replayed));
        }
    }
    assert_eq!(touched, "");
}

fn pages(text: &str) -> Vec<Page> {
    toml::from_str::<Pages>(text).unwrap().page
}

fn through(engine: &Arc<Engine>, page: &Page) -> Replayed {
    let status = StatusCode::from_u16(page.status).unwrap();
    replay(engine, ResponseHead::new(status, HeaderMap::new()), [Bytes::copy_from_slice(page.body.as_bytes())])
}

fn why(replayed: &Replayed) -> String {
    let incident = replayed.outcome.incident.as_ref();
    let rules = incident.map(|it| it.rules.iter().map(|hit| hit.rule.as_str()).collect::<Vec<_>>().join(", "));
    let score = incident.and_then(|it| it.score);
    format!("{}, {}, score {score:?}", replayed.outcome.disposition.as_str(), rules.unwrap_or_default())
}

fn engine() -> Arc<Engine> {
    let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).filter(|rule| !rule.opt_in);
    let rules = Ruleset::compile(rules.collect()).unwrap();
    Arc::new(Engine::with_rules(rules, FingerprintKey::new([1; 32])))
}
