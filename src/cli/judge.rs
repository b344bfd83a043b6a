//! Puts captures through exchanges, as the proxy does with what arrives.

use std::sync::Arc;

use super::{Failure, capture::Capture};
use crate::{
    config::{Guard, Loaded, RateMode, compile},
    engine::Engine,
    exchange::{Outcome, replay_answer},
    incident::{FingerprintKey, HashKey, Mode},
    request::rate::RateTables,
};

/// The pieces in which a body is fed, in bytes. The verdict does not depend on it.
const PIECE: usize = 16 << 10;

/// The engine of a configuration without its guard: a capture of a debug endpoint is to be read, not refused. Nor do
/// captures make a storm, however many there are of one page.
pub(super) fn engine(mut loaded: Loaded) -> Result<Arc<Engine>, Failure> {
    let config = &mut loaded.config;
    config.route.iter_mut().map(|route| &mut route.guard).chain([&mut config.guard]).for_each(switch_off);
    let inspections = config.route.iter_mut().map(|route| &mut route.inspect).chain([&mut config.inspect]);
    inspections.for_each(|inspect| inspect.breaker.replacements = 0);
    Ok(Arc::new(compile::engine(&loaded, random_key()?, &no_rates())?))
}

/// How the exchange of a capture ends.
pub(super) fn judge(engine: &Arc<Engine>, capture: Capture) -> Outcome {
    let Capture { request, response, mut body, .. } = capture;
    let pieces = std::iter::from_fn(|| (!body.is_empty()).then(|| body.split_to(body.len().min(PIECE))));
    replay_answer(engine, request, response, pieces).outcome
}

/// A key that is forgotten: fingerprints of a report cannot be tested against guesses.
pub(super) fn random_key() -> Result<FingerprintKey, Failure> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(FingerprintKey::new(key))
}

/// For an engine that counts nobody.
pub(super) fn no_rates() -> RateTables {
    RateTables::new(0, HashKey::from_random([0; 16]))
}

fn switch_off(guard: &mut Guard) {
    guard.methods.mode = Mode::Off;
    guard.limits.mode = Mode::Off;
    guard.endpoints.mode = Mode::Off;
    guard.cross_site.mode = Mode::Off;
    guard.patch_mode = Mode::Off;
    guard.rate.mode = RateMode::Off;
    guard.rate.login.mode = Mode::Off;
}
