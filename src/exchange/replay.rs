//! A stored response through an exchange, in pieces: how `cofferdam scan`, the rules' own rows and the property
//! tests ask for a verdict.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Uri, Version};

use super::{Exchange, Facts, HeadVerdict, Outcome, RequestVerdict, Step};
use crate::{
    engine::Engine,
    incident::{IncidentId, Seed},
    request::{Peer, RequestHead},
    response::{Reply, ResponseHead},
};

/// What a client would have got.
#[derive(Debug)]
pub struct Replayed {
    /// The head, unless the response was severed before it left.
    pub head: Option<ResponseHead>,
    /// The body as far as it left.
    pub body: Vec<u8>,
    /// Whether the body came to a clean end.
    pub complete: bool,
    /// How the exchange ended.
    pub outcome: Outcome,
}

/// What happens to a body on its way to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A piece of it arrives.
    Piece(Bytes),
    /// The application pauses.
    Pause,
    /// The application breaks off; nothing comes behind this.
    Break,
    /// The client goes away with what it has; nothing comes behind this.
    Cancel,
}

/// Puts a response to `GET /` through an exchange; the body arrives in `pieces`.
pub fn replay(engine: &Arc<Engine>, head: ResponseHead, pieces: impl IntoIterator<Item = Bytes>) -> Replayed {
    replay_answer(engine, request(), head, pieces)
}

/// Puts the response to a request through an exchange; the body arrives in `pieces`.
pub fn replay_answer(
    engine: &Arc<Engine>,
    request: RequestHead,
    head: ResponseHead,
    pieces: impl IntoIterator<Item = Bytes>,
) -> Replayed {
    replay_at(engine, Duration::ZERO, request, head, pieces)
}

/// Puts the response to a request through an exchange at a moment of the clock of rates; the body arrives in `pieces`.
pub fn replay_at(
    engine: &Arc<Engine>,
    clock: Duration,
    request: RequestHead,
    head: ResponseHead,
    pieces: impl IntoIterator<Item = Bytes>,
) -> Replayed {
    run(engine, clock, request, head, pieces.into_iter().map(Arrival::Piece))
}

/// Puts a response to `GET /` through an exchange; its body arrives so.
pub fn replay_arrivals(
    engine: &Arc<Engine>,
    head: ResponseHead,
    arrivals: impl IntoIterator<Item = Arrival>,
) -> Replayed {
    run(engine, Duration::ZERO, request(), head, arrivals)
}

fn run(
    engine: &Arc<Engine>,
    clock: Duration,
    mut request: RequestHead,
    head: ResponseHead,
    arrivals: impl IntoIterator<Item = Arrival>,
) -> Replayed {
    let mut exchange = Exchange::new(engine.clone(), Facts { clock, ..facts() });
    let mut sent = Sent::default();
    if let RequestVerdict::Refuse(reply) = exchange.on_request(&mut request) {
        sent.reply(reply);
        return sent.end(exchange);
    }
    let passes = match exchange.on_response_head(head) {
        HeadVerdict::Pass(head) | HeadVerdict::Upgrade(head, _) => {
            sent.head = Some(head);
            true
        }
        HeadVerdict::Stream(head) => {
            sent.head = Some(head);
            false
        }
        HeadVerdict::Inspect => false,
        HeadVerdict::Replace(reply) => {
            sent.reply(reply);
            return sent.end(exchange);
        }
    };
    for arrival in arrivals {
        let step = match arrival {
            Arrival::Piece(piece) if passes => Step::Release(vec![piece]),
            Arrival::Piece(piece) => exchange.on_chunk(piece),
            Arrival::Pause if exchange.pause().is_none() => Step::Hold,
            Arrival::Pause => exchange.on_pause(),
            Arrival::Break => {
                sent.step(exchange.on_truncated());
                return sent.end(exchange);
            }
            Arrival::Cancel => return sent.end(exchange),
        };
        if sent.step(step) == Flow::Over || sent.breaks_off(&mut exchange) {
            return sent.end(exchange);
        }
    }
    if passes || sent.step(exchange.on_end(None).0) == Flow::On && !sent.breaks_off(&mut exchange) {
        sent.complete = true;
    }
    sent.end(exchange)
}

fn facts() -> Facts {
    let peer = Peer { address: IpAddr::from([127, 0, 0, 1]), tls: false };
    Facts {
        incident_id: IncidentId::from_random([0; 12]),
        peer,
        now: 0,
        clock: Duration::ZERO,
        seed: Seed::from_random([0; 32]),
    }
}

fn request() -> RequestHead {
    let headers = [(http::header::HOST, http::HeaderValue::from_static("localhost"))].into_iter().collect();
    RequestHead { method: Method::GET, uri: Uri::from_static("/"), version: Version::HTTP_11, headers }
}

#[derive(Default)]
struct Sent {
    head: Option<ResponseHead>,
    body: Vec<u8>,
    complete: bool,
}

#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Over,
}

impl Sent {
    fn step(&mut self, step: Step) -> Flow {
        match step {
            Step::Hold => {}
            Step::Commit { head, body, .. } => {
                self.head = Some(head);
                self.take(&body);
            }
            Step::Release(body) => self.take(&body),
            Step::Finish(body) => {
                self.take(&body);
                self.complete = true;
                return Flow::Over;
            }
            Step::Replace(reply) => {
                self.reply(reply);
                return Flow::Over;
            }
            Step::Sever => return Flow::Over,
        }
        Flow::On
    }

    fn breaks_off(&mut self, exchange: &mut Exchange) -> bool {
        exchange.breaks_off() && self.step(exchange.on_quiet()) == Flow::Over
    }

    fn take(&mut self, body: &[Bytes]) {
        body.iter().for_each(|piece| self.body.extend_from_slice(piece));
    }

    fn reply(&mut self, reply: Reply) {
        self.head = Some(ResponseHead::new(reply.status, reply.headers));
        self.body = reply.body.to_vec();
        self.complete = true;
    }

    fn end(self, mut exchange: Exchange) -> Replayed {
        Replayed { head: self.head, body: self.body, complete: self.complete, outcome: exchange.finish() }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{incident::FingerprintKey, scan::Ruleset};

    /// An exchange without rules whose request has been forwarded.
    pub(in crate::exchange) fn exchange() -> Exchange {
        let engine = Engine::with_rules(Ruleset::compile(Vec::new()).unwrap(), FingerprintKey::new([1; 32]));
        let mut exchange = Exchange::new(Arc::new(engine), facts());
        exchange.on_request(&mut request());
        exchange
    }
}
