//! A fault of our own: a panic while something is judged is contained to its exchange, and what was not judged does
//! not leave (law L4).

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::HeaderMap;

use super::{Exchange, Step, body::Inspection, step::BodyStep, step::Context};
use crate::{
    incident::{Disposition, Refusal},
    request::Upgrade,
    response::{self, Reply},
};

impl Exchange {
    /// The result of `call`, or of `instead` if it panics. What the exchange holds then is not used any more but for
    /// its request, its route and its facts, which no judgement changes.
    pub(super) fn contained<T>(
        &mut self,
        call: impl FnOnce(&mut Self) -> T,
        instead: impl FnOnce(&mut Self) -> T,
    ) -> T {
        match catch_unwind(AssertUnwindSafe(|| call(self))) {
            Ok(result) => result,
            Err(_) => instead(self),
        }
    }

    /// One step of the body.
    pub(super) fn stepped(&mut self, call: impl FnOnce(&mut Inspection, &mut Context<'_>) -> BodyStep) -> Step {
        self.contained(|exchange| exchange.drive(call), Self::on_fault)
    }

    /// A reply of our own, whatever was to be answered.
    pub(super) fn refuse_fault(&mut self) -> Reply {
        (self.body, self.injector) = (None, None);
        self.refuse(Refusal::Internal)
    }

    pub(super) fn judge_trailers(&mut self, mut trailers: HeaderMap) -> Option<HeaderMap> {
        let judge = |exchange: &mut Self| {
            exchange.inspect_fields(&mut trailers);
            response::remove_hop_by_hop(&mut trailers, Upgrade::Drop);
            Some(trailers)
        };
        self.contained(judge, |_| None)
    }

    fn on_fault(&mut self) -> Step {
        match self.head.take() {
            Some(_) => Step::Replace(self.refuse_fault()),
            None => {
                self.body = None;
                self.end_as(Disposition::Refused(Refusal::Internal));
                Step::Sever
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;

    use super::*;
    use crate::{
        exchange::{HeadVerdict, RequestVerdict, replay::tests::exchange},
        response::ResponseHead,
    };

    fn head() -> ResponseHead {
        ResponseHead::new(StatusCode::OK, HeaderMap::new())
    }

    #[test]
    fn a_panic_before_the_head_has_left_is_a_500() {
        let mut exchange = exchange();
        exchange.on_response_head(head());
        exchange.on_chunk(Bytes::from_static(b"held"));
        let Step::Replace(reply) = exchange.stepped(|_, _| panic!("a test")) else { panic!("it is replaced") };
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(matches!(exchange.on_chunk(Bytes::from_static(b"rest")), Step::Hold));
        assert_eq!(exchange.finish().disposition, Disposition::Refused(Refusal::Internal));
    }

    #[test]
    fn a_panic_after_it_breaks_the_response_off() {
        let mut exchange = exchange();
        exchange.on_response_head(head());
        exchange.on_chunk(Bytes::from(vec![b'.'; 100_000]));
        assert!(matches!(exchange.stepped(|_, _| panic!("a test")), Step::Sever));
        assert_eq!(exchange.finish().disposition, Disposition::Refused(Refusal::Internal));
    }

    #[test]
    fn a_panic_about_a_head_is_a_500() {
        let mut exchange = exchange();
        let verdict =
            exchange.contained(|_| panic!("a test"), |exchange| RequestVerdict::Refuse(exchange.refuse_fault()));
        let RequestVerdict::Refuse(reply) = verdict else { panic!("it is refused") };
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        let verdict =
            exchange.contained(|_| panic!("a test"), |exchange| HeadVerdict::Replace(exchange.refuse_fault()));
        assert!(matches!(verdict, HeadVerdict::Replace(reply) if reply.status == StatusCode::INTERNAL_SERVER_ERROR));
    }
}
