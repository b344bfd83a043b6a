//! The counts of sealed cookies.

use prometheus::{IntCounterVec, Opts, Registry};

use super::registered;
use crate::exchange::Outcome;

/// The shared counts of cookies.
#[derive(Clone, Debug)]
pub(super) struct CookieCounts {
    sealed: IntCounterVec,
}

impl CookieCounts {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let opts =
            Opts::new("cofferdam_sealed_cookies_total", "Cookies of the names to be sealed, by what became of them");
        let sealed = IntCounterVec::new(opts, &["outcome", "reason", "mode", "route"])?;
        Ok(Self { sealed: registered(registry, sealed)? })
    }

    /// Counts the cookies of an exchange.
    pub(super) fn exchange(&self, outcome: &Outcome) {
        let Some(sealing) = &outcome.route.sealing else { return };
        for (what, reason, count) in outcome.sealing.outcomes() {
            let labels = [what, reason, sealing.mode.as_str(), &outcome.route.name];
            self.sealed.with_label_values(&labels).inc_by(u64::from(count));
        }
    }
}
