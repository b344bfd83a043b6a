//! What becomes of a response for which there is no memory: while nothing has left the client is asked to come again.

use bytes::Bytes;

use super::{Exchange, HeadVerdict, Step, budget::Exhausted};
use crate::{
    incident::{Disposition, Exemption, Refusal},
    response::ResponseHead,
};

impl Exchange {
    /// Reserves what the body holds, and `more`.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), Exhausted> {
        match &self.body {
            Some(body) if !body.is_passed() => self.share.resize(body.held() + more),
            _ => Ok(()),
        }
    }

    /// There is no place for the body of this head.
    pub(super) fn on_exhausted_head(&mut self, head: ResponseHead) -> HeadVerdict {
        self.body = None;
        if self.enforces() {
            return HeadVerdict::Replace(self.refuse(Refusal::Overloaded));
        }
        self.end_as(Disposition::Exempt(Exemption::Memory));
        HeadVerdict::Pass(self.harden(head))
    }

    /// There is no place for `chunk`. Where nothing is enforced, the rest passes unread.
    pub(super) fn on_exhausted(&mut self, chunk: Bytes) -> Step {
        if !self.enforces() {
            return self.drive(|body, _| body.abandon(Exemption::Memory, chunk));
        }
        self.body = None;
        match self.head.take() {
            Some(_) => Step::Replace(self.refuse(Refusal::Overloaded)),
            None => {
                self.end_as(Disposition::Refused(Refusal::Overloaded));
                Step::Sever
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, sync::Arc, time::Duration};

    use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};

    use super::*;
    use crate::{
        coding::{Coding, Encoder},
        engine::Engine,
        exchange::{Budget, Facts},
        incident::{FingerprintKey, IncidentId, Mode, Seed},
        policy::{InspectPolicy, RoutePolicy, RouteTable},
        request::{Peer, RequestHead},
        scan::Ruleset,
    };

    fn exchange(budget: &Arc<Budget>, mode: Mode) -> Box<Exchange> {
        let mut engine = Engine::with_rules(Ruleset::compile(Vec::new()).unwrap(), FingerprintKey::new([1; 32]));
        let inspect = InspectPolicy { mode, ..InspectPolicy::default() };
        engine.routes = RouteTable::new(Vec::new(), Arc::new(RoutePolicy { inspect, ..RoutePolicy::default() }));
        let facts = Facts {
            incident_id: IncidentId::from_random([0; 12]),
            peer: Peer { address: IpAddr::from([127, 0, 0, 1]), tls: false },
            now: 0,
            clock: Duration::ZERO,
            seed: Seed::from_random([0; 32]),
        };
        let mut exchange = Exchange::new(Arc::new(engine), facts).within(budget);
        let headers = [(header::HOST, HeaderValue::from_static("localhost"))].into_iter().collect();
        let (uri, version) = (Uri::from_static("/"), Version::HTTP_11);
        exchange.on_request(&mut RequestHead { method: Method::GET, uri, version, headers });
        exchange
    }

    fn head(coding: &'static str) -> ResponseHead {
        let headers = [(header::CONTENT_ENCODING, HeaderValue::from_static(coding))].into_iter().collect();
        ResponseHead::new(StatusCode::OK, if coding.is_empty() { HeaderMap::new() } else { headers })
    }

    const PIECE: Bytes = Bytes::from_static(&[b'.'; 60_000]);

    #[test]
    fn a_response_for_which_there_is_no_memory_becomes_503() {
        let budget = Arc::new(Budget::new(100_000));
        let mut first = exchange(&budget, Mode::Enforce);
        assert!(matches!(first.on_response_head(head("")), HeadVerdict::Inspect));
        assert!(matches!(first.on_chunk(PIECE), Step::Hold));
        let mut second = exchange(&budget, Mode::Enforce);
        assert!(matches!(second.on_response_head(head("")), HeadVerdict::Inspect));
        let Step::Replace(reply) = second.on_chunk(PIECE) else { panic!("there is no memory") };
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(second.finish().disposition, Disposition::Refused(Refusal::Overloaded));
        assert!(matches!(first.on_end(None).0, Step::Commit { whole: true, .. }));
        drop((first, second));
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_has_begun_to_leave_is_severed_and_what_is_observed_passes() {
        let budget = Arc::new(Budget::new(150_000));
        let hoarder = || {
            let mut hoarder = exchange(&budget, Mode::Enforce);
            hoarder.on_response_head(head(""));
            hoarder.on_chunk(PIECE);
            hoarder
        };
        let mut streaming = exchange(&budget, Mode::Enforce);
        streaming.on_response_head(head(""));
        streaming.on_chunk(PIECE);
        assert!(matches!(streaming.on_chunk(PIECE.slice(..20_000)), Step::Commit { .. }));
        let mut observing = exchange(&budget, Mode::Observe);
        observing.on_response_head(head(""));
        let hoard = hoarder();
        assert!(matches!(observing.on_chunk(PIECE), Step::Commit { .. }));
        assert!(matches!(observing.on_chunk(PIECE), Step::Release(body) if body.concat() == PIECE));
        assert!(matches!(streaming.on_chunk(Bytes::from(vec![b'.'; 90_000])), Step::Sever));
        drop(hoard);
        observing.on_end(None);
        assert_eq!(observing.finish().disposition, Disposition::Exempt(Exemption::Memory));
    }

    #[test]
    fn a_decoder_has_its_memory_before_it_takes_it() {
        let mut coded = Vec::new();
        let mut encoder = Encoder::new(Coding::Brotli).unwrap();
        encoder.push(b"hello", &mut coded).unwrap();
        encoder.finish(&mut coded).unwrap();
        let coded = Bytes::from(coded);
        for (limit, fits) in [(1 << 20, false), (32 << 20, true)] {
            let budget = Arc::new(Budget::new(limit));
            let mut exchange = exchange(&budget, Mode::Enforce);
            assert!(matches!(exchange.on_response_head(head("br")), HeadVerdict::Inspect));
            assert_eq!(matches!(exchange.on_chunk(coded.clone()), Step::Hold), fits);
            assert!(budget.held() < 8 << 20, "what the stream did not ask for is given back");
        }
    }
}
