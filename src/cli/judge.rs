//! Drives the exchange with captures instead of connections: the same calls that the proxy makes.

use std::{net::Ipv4Addr, sync::Arc};

use super::{Failure, capture::Capture};
use crate::{
    config::{Guard, Loaded, compile},
    engine::Engine,
    exchange::{Exchange, Facts, HeadVerdict, Outcome, RequestVerdict, Step},
    incident::{IncidentId, Mode},
};

/// The pieces in which a body is fed, in bytes. The verdict does not depend on it.
const CHUNK: usize = 16 << 10;

/// The engine of a configuration without its guard: a capture of a debug endpoint is to be read, not refused.
pub(super) fn engine(mut loaded: Loaded) -> Result<Arc<Engine>, Failure> {
    let config = &mut loaded.config;
    config.route.iter_mut().map(|route| &mut route.guard).chain([&mut config.guard]).for_each(switch_off);
    Ok(Arc::new(compile::engine(&loaded)?))
}

/// How the exchange of a capture ends.
pub(super) fn judge(engine: &Arc<Engine>, capture: Capture) -> Outcome {
    let mut exchange = Exchange::new(Arc::clone(engine), facts());
    let Capture { mut request, response, mut body, .. } = capture;
    if let RequestVerdict::Refuse(_) = exchange.on_request(&mut request) {
        return exchange.finish();
    }
    if let HeadVerdict::Inspect = exchange.on_response_head(response) {
        while !body.is_empty() {
            let piece = body.split_to(body.len().min(CHUNK));
            if let Step::Replace(_) | Step::Sever = exchange.on_chunk(piece) {
                return exchange.finish();
            }
        }
        // What would be released goes nowhere.
        drop(exchange.on_end(None));
    }
    exchange.finish()
}

fn switch_off(guard: &mut Guard) {
    guard.methods.mode = Mode::Off;
    guard.limits.mode = Mode::Off;
    guard.endpoints.mode = Mode::Off;
}

/// Captures have no surroundings: ids are not looked up again, and cookies expire from 1970 on.
fn facts() -> Facts {
    Facts { incident_id: IncidentId::from_random([0; 12]), peer: Ipv4Addr::LOCALHOST.into(), tls: true, now: 0 }
}
