//! Counts of the test for weak keys.

use prometheus::{IntCounterVec, Opts};

use super::{Metrics, Registry, registered};
use crate::incident::{Mode, RuleHit};

#[derive(Clone, Debug)]
pub(super) struct WeakKeyCounts {
    tests: IntCounterVec,
}

/// What became of a value to be tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WeakKeyTest {
    /// Nothing is known against it.
    Sound,
    /// An incident was raised.
    Reported,
    /// It is weak as another was, of which an incident was raised not long ago.
    Repeated,
    /// It was not tested: too many were waiting.
    Dropped,
    /// The test failed by a fault of ours.
    Failed,
}

impl WeakKeyTest {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Reported => "reported",
            Self::Repeated => "repeated",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

impl WeakKeyCounts {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let opts = Opts::new("cofferdam_weak_key_tests_total", "Cookies and tokens tested for weak keys");
        Ok(Self { tests: registered(registry, IntCounterVec::new(opts, &["result"])?)? })
    }
}

impl Metrics {
    /// Counts values to be tested for weak keys.
    pub(crate) fn weak_key_tests(&self, result: WeakKeyTest, values: usize) {
        self.weak_keys.tests.with_label_values(&[result.as_str()]).inc_by(values as u64);
    }

    /// Counts a weak key as a finding.
    pub(crate) fn weak_key(&self, hit: &RuleHit) {
        self.findings.with_label_values(&[hit.rule.as_str(), hit.category.as_str(), Mode::Observe.as_str()]).inc();
    }
}
