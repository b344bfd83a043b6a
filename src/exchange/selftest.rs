//! A rule's own rows, run through whole exchanges: what `cofferdam rules test` and `cargo test` do.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{Replayed, replay};
use crate::{
    engine::Engine,
    incident::Disposition,
    response::ResponseHead,
    rules::{Example, Rule},
};

/// A row that did not do what it promises.
#[derive(Debug)]
pub struct Failure {
    /// The rule.
    pub rule: String,
    /// `leak` or `benign`.
    pub kind: &'static str,
    /// Index of the row.
    pub row: usize,
    /// What happened instead.
    pub why: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {:?}, {} row {}: {}", self.rule, self.kind, self.row + 1, self.why)
    }
}

/// Runs the rows of every rule of the engine, each whole and cut into pieces of a few sizes.
pub fn selftest(engine: &Arc<Engine>) -> Vec<Failure> {
    engine.rules.rules().iter().flat_map(|compiled| rule(engine, &compiled.rule)).collect()
}

fn rule(engine: &Arc<Engine>, rule: &Rule) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut check = |kind, row, verdict: Result<(), String>| {
        failures.extend(verdict.err().map(|why| Failure { rule: rule.id.clone(), kind, row, why }));
    };
    for (row, example) in rule.leak.iter().enumerate() {
        check("leak", row, leak(engine, rule, example));
    }
    for (row, example) in rule.benign.iter().enumerate() {
        check("benign", row, benign(engine, example));
    }
    failures
}

/// The rule must have been confirmed, and something must have been done about the response.
fn leak(engine: &Arc<Engine>, rule: &Rule, example: &Example) -> Result<(), String> {
    let whole = run(engine, example, usize::MAX);
    let incident = whole.outcome.incident.as_ref().ok_or("nothing was kept back")?;
    if !incident.rules.iter().any(|hit| hit.rule == rule.id) {
        let others: Vec<&str> = incident.rules.iter().map(|hit| hit.rule.as_str()).collect();
        return Err(format!("other rules acted ({}), this one was not confirmed", others.join(", ")));
    }
    same_in_pieces(engine, example, &whole)
}

fn benign(engine: &Arc<Engine>, example: &Example) -> Result<(), String> {
    let whole = run(engine, example, usize::MAX);
    if whole.outcome.disposition != Disposition::InspectedClean || whole.body != example.body().as_bytes() {
        let rules = whole.outcome.incident.map(|incident| incident.rules).unwrap_or_default();
        let ids: Vec<&str> = rules.iter().map(|hit| hit.rule.as_str()).collect();
        return Err(format!("it ended {:?} by {}", whole.outcome.disposition, ids.join(", ")));
    }
    Ok(())
}

fn same_in_pieces(engine: &Arc<Engine>, example: &Example, whole: &Replayed) -> Result<(), String> {
    for size in [1, 7, 64] {
        let cut = run(engine, example, size);
        if cut.body != whole.body || cut.outcome.disposition != whole.outcome.disposition {
            return Err(format!("in pieces of {size} bytes the outcome differs: {:?}", cut.outcome.disposition));
        }
    }
    Ok(())
}

fn run(engine: &Arc<Engine>, example: &Example, piece: usize) -> Replayed {
    let body = Bytes::copy_from_slice(example.body().as_bytes());
    let pieces = (0..body.len()).step_by(piece.min(body.len().max(1)));
    let pieces: Vec<Bytes> = pieces.map(|at| body.slice(at..body.len().min(at.saturating_add(piece)))).collect();
    replay(engine, head(example), pieces)
}

fn head(example: &Example) -> ResponseHead {
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = example.field()
        && let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
    {
        headers.insert(name, value);
    }
    ResponseHead::new(StatusCode::from_u16(example.status()).unwrap_or(StatusCode::OK), headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::FingerprintKey,
        rules::{PACKS, parse_pack},
        scan::Ruleset,
    };

    /// Failures of the rows that `of` picks, against the rules that `by` picks.
    fn failures(by: fn(&Rule) -> bool, of: fn(&Rule) -> bool) -> String {
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).filter(by).collect();
        let engine = Arc::new(Engine::with_rules(Ruleset::compile(rules).unwrap(), FingerprintKey::new([1; 32])));
        let tested = engine.rules.rules().iter().map(|compiled| &compiled.rule).filter(|rule| of(rule));
        tested.flat_map(|tested| rule(&engine, tested)).map(|failure| format!("{failure}\n")).collect()
    }

    #[test]
    fn every_row_of_the_embedded_packs_does_what_it_promises() {
        assert_eq!(failures(|rule| !rule.opt_in, |_| true), "");
    }

    #[test]
    fn rules_one_must_ask_for_do_what_they_promise_beside_the_others() {
        assert_eq!(failures(|_| true, |rule| rule.opt_in), "");
    }
}
