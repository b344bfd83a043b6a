//! All built-in rules, the engine that has them, and the examples they come with.

use std::sync::{Arc, LazyLock};

use cofferdam::{
    engine::Engine,
    incident::FingerprintKey,
    rules::{Example, PACKS, Rule, parse_pack},
    scan::Ruleset,
};

static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect());

pub(crate) static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    Arc::new(Engine::with_rules(Ruleset::compile(RULES.clone()).unwrap(), FingerprintKey::new([1; 32])))
});

/// Leaks and healthy texts of every rule.
pub(crate) fn rows() -> Vec<&'static Example> {
    RULES.iter().flat_map(|rule| rule.leak.iter().chain(&rule.benign)).collect()
}
