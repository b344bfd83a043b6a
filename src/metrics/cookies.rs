//! The counts of cookies.

use prometheus::{IntCounterVec, Opts, Registry};

use super::registered;
use crate::exchange::Outcome;

/// The shared counts of cookies.
#[derive(Clone, Debug)]
pub(super) struct CookieCounts {
    all: IntCounterVec,
    sealed: IntCounterVec,
}

impl CookieCounts {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        Ok(Self {
            all: counters(
                "cofferdam_cookies_total",
                "Cookies that were changed, dropped or came twice, or would have been",
                &["outcome", "mode", "route"],
            )?,
            sealed: counters(
                "cofferdam_sealed_cookies_total",
                "Cookies of the names to be sealed, by what became of them",
                &["outcome", "reason", "mode", "route"],
            )?,
        })
    }

    /// Counts the cookies of an exchange.
    pub(super) fn exchange(&self, outcome: &Outcome) {
        let route = &outcome.route;
        for (what, count) in outcome.hardening.cookies.outcomes() {
            self.all.with_label_values(&[what, route.cookies.mode.as_str(), &route.name]).inc_by(u64::from(count));
        }
        let Some(sealing) = &route.sealing else { return };
        for (what, reason, count) in outcome.sealing.outcomes() {
            let labels = [what, reason, sealing.mode.as_str(), &route.name];
            self.sealed.with_label_values(&labels).inc_by(u64::from(count));
        }
    }
}
