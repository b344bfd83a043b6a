//! What the exchange asks of the breaker of its page, and tells it.

use super::Exchange;
use crate::policy::BreakerTurn;

impl Exchange {
    /// Whether the page is masked instead of replaced.
    pub(super) fn is_in_storm(&self) -> bool {
        let breaker = self.route.breaker.as_ref();
        breaker.is_some_and(|breaker| breaker.is_open(self.request.path.as_str(), self.facts.clock))
    }

    /// Says how the exchange ended.
    pub(super) fn settle_breaker(&mut self) -> Option<BreakerTurn> {
        let provoked = std::mem::take(&mut self.ledger.provoked) && self.enforces();
        self.route.breaker.as_ref()?.settle(self.request.path.as_str(), provoked, self.facts.clock)
    }
}
