//! Every metric: its name, its labels, its buckets. The values of labels come from the configuration and from
//! enums, never from traffic.
//!
//! A worker counts in cells of its own ([`WorkerMetrics`]) and adds them to the shared ones once per tick, so that
//! counting costs a request no atomic operation and no lookup by label.

mod cookies;
mod guard;
mod weak_keys;

use std::{cell::RefCell, sync::Arc, time::Duration};

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, TextEncoder,
    core::Collector,
    local::{LocalHistogram, LocalIntCounter},
};
pub use prometheus::{IntCounter, Registry};

pub(crate) use self::weak_keys::WeakKeyTest;
use self::{cookies::CookieCounts, guard::GuardCounts, weak_keys::WeakKeyCounts};
use crate::{
    exchange::{Budget, Outcome},
    incident::{Disposition, Mode},
    policy::{BreakerTurn, RoutePolicy},
};

/// Seconds; from a page out of memory to the slowest report.
const DURATION_BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The shared counts of the process.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    responses: IntCounterVec,
    findings: IntCounterVec,
    guard: GuardCounts,
    cookies: CookieCounts,
    weak_keys: WeakKeyCounts,
    breaker_turns: IntCounterVec,
    durations: Histogram,
    upstream_errors: IntCounterVec,
    connections: IntGauge,
    held: IntGauge,
    budget: Arc<Budget>,
    spooled: IntGauge,
    disk: Arc<Budget>,
    accepted: IntCounter,
    abuses: IntCounterVec,
    log_lines_dropped: IntCounter,
    reloads: IntCounterVec,
    tls_reloads: IntCounterVec,
}

impl Metrics {
    /// Registers everything with `registry`.
    ///
    /// # Errors
    /// When `registry` already has one of the names.
    pub fn new(registry: Registry) -> prometheus::Result<Self> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            registered(&registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let counter = |name: &str, help: &str| registered(&registry, IntCounter::new(name, help)?);
        let gauge = |name: &str, help: &str| registered(&registry, IntGauge::new(name, help)?);
        let metrics = Self {
            responses: counters(
                "cofferdam_responses_total",
                "Responses by the one way in which each ended",
                &["disposition", "reason", "mode", "route"],
            )?,
            findings: counters("cofferdam_findings_total", "Confirmed findings", &["rule", "category", "mode"])?,
            guard: GuardCounts::new(&registry)?,
            cookies: CookieCounts::new(&registry)?,
            weak_keys: WeakKeyCounts::new(&registry)?,
            breaker_turns: counters(
                "cofferdam_breaker_turns_total",
                "Breakers opened by a storm of replacements, and closed again",
                &["route", "turn"],
            )?,
            upstream_errors: counters(
                "cofferdam_upstream_errors_total",
                "Requests without a usable answer",
                &["fault"],
            )?,
            abuses: counters(
                "cofferdam_connection_abuses_total",
                "Connections ended outside an exchange",
                &["reason"],
            )?,
            tls_reloads: counters(
                "cofferdam_tls_reloads_total",
                "Attempts to read certificates and keys again",
                &["result"],
            )?,
            reloads: counters("cofferdam_engine_reloads_total", "Attempts to swap the engine", &["result"])?,
            durations: registered(
                &registry,
                Histogram::with_opts(
                    HistogramOpts::new("cofferdam_exchange_duration_seconds", "From request head to response end")
                        .buckets(DURATION_BUCKETS.to_vec()),
                )?,
            )?,
            connections: gauge("cofferdam_connections", "Open client connections")?,
            held: gauge("cofferdam_held_bytes", "Memory reserved for bodies: in inspection, and behind the shield")?,
            budget: Arc::default(),
            spooled: gauge("cofferdam_spooled_bytes", "Reserved for bodies that wait in files behind the shield")?,
            disk: Arc::default(),
            accepted: counter("cofferdam_connections_total", "Client connections accepted")?,
            log_lines_dropped: counter(
                "cofferdam_log_lines_dropped_total",
                "Log lines given up because the log was blocked",
            )?,
            registry,
        };
        metrics.register_build()?;
        Ok(metrics)
    }

    /// Shows what is reserved of the memory and of the disk.
    #[must_use]
    pub fn showing(self, budget: Arc<Budget>, disk: Arc<Budget>) -> Self {
        Self { budget, disk, ..self }
    }

    fn register_build(&self) -> prometheus::Result<()> {
        let opts = Opts::new("cofferdam_build_info", "The running version");
        let build = registered(&self.registry, IntGaugeVec::new(opts, &["version"])?)?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(())
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric cannot be encoded.
    pub fn render(&self) -> prometheus::Result<Vec<u8>> {
        self.held.set(i64::try_from(self.budget.held()).unwrap_or(i64::MAX));
        self.spooled.set(i64::try_from(self.disk.held()).unwrap_or(i64::MAX));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// The counter of log lines given up.
    pub(crate) fn log_lines_dropped(&self) -> &IntCounter {
        &self.log_lines_dropped
    }

    /// Counts an attempt to read certificates and keys again.
    pub(crate) fn tls_reloaded(&self, swapped: bool) {
        self.tls_reloads.with_label_values(&[if swapped { "swapped" } else { "refused" }]).inc();
    }

    /// Counts an attempt to swap the engine.
    pub(crate) fn reloaded(&self, swapped: bool) {
        self.reloads.with_label_values(&[if swapped { "swapped" } else { "refused" }]).inc();
    }
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

/// The counts of one worker.
#[derive(Debug)]
pub(crate) struct WorkerMetrics {
    shared: Metrics,
    responses: RefCell<Vec<ResponseCount>>,
    durations: LocalHistogram,
}

/// A counter and what it counts. There are a handful of them in a worker's life, so a list is the fastest map.
#[derive(Debug)]
struct ResponseCount {
    disposition: Disposition,
    mode: Mode,
    route: Arc<RoutePolicy>,
    count: LocalIntCounter,
}

/// More than the ways in which responses end on a few routes; beyond it, counters are looked up by label.
const MOST_COUNTERS: usize = 64;

impl WorkerMetrics {
    pub(crate) fn new(shared: Metrics) -> Self {
        let durations = shared.durations.local();
        Self { shared, responses: RefCell::default(), durations }
    }

    /// Counts the end of an exchange.
    pub(crate) fn exchange(&self, outcome: &Outcome, duration: Duration) {
        self.response(outcome);
        self.durations.observe(duration.as_secs_f64());
        if let Some(incident) = &outcome.incident {
            for hit in &incident.rules {
                let labels = [hit.rule.as_str(), hit.category.as_str(), incident.mode.as_str()];
                self.shared.findings.with_label_values(&labels).inc_by(u64::from(hit.count));
            }
        }
        self.shared.guard.count(outcome);
        self.shared.cookies.exchange(outcome);
    }

    /// The counts of the guard.
    pub(crate) fn guard(&self) -> &GuardCounts {
        &self.shared.guard
    }

    /// Counts a turn of a route's breaker.
    pub(crate) fn breaker_turned(&self, route: &str, turn: BreakerTurn) {
        self.shared.breaker_turns.with_label_values(&[route, turn.as_str()]).inc();
    }

    fn response(&self, outcome: &Outcome) {
        let mut counts = self.responses.borrow_mut();
        let same = |known: &&ResponseCount| {
            known.disposition == outcome.disposition
                && known.mode == outcome.mode
                && Arc::ptr_eq(&known.route, &outcome.route)
        };
        if let Some(known) = counts.iter().find(same) {
            return known.count.inc();
        }
        let Outcome { disposition, mode, route, .. } = outcome;
        let labels = [disposition.as_str(), disposition.reason(), mode.as_str(), &route.name];
        let count = self.shared.responses.with_label_values(&labels);
        count.inc();
        // After reloads the routes of former engines would pile up.
        if counts.len() == MOST_COUNTERS {
            counts.drain(..).for_each(|former| former.count.flush());
        }
        counts.push(ResponseCount {
            disposition: *disposition,
            mode: *mode,
            route: route.clone(),
            count: count.local(),
        });
    }

    /// Counts a request without a usable answer.
    pub(crate) fn upstream_error(&self, fault: &'static str) {
        self.shared.upstream_errors.with_label_values(&[fault]).inc();
    }

    /// Counts a client connection opened or closed.
    pub(crate) fn connected(&self, open: bool) {
        if open {
            self.shared.accepted.inc();
            self.shared.connections.inc();
        } else {
            self.shared.connections.dec();
        }
    }

    /// Counts a connection ended outside of any exchange.
    pub(crate) fn abuse(&self, reason: &'static str) {
        self.shared.abuses.with_label_values(&[reason]).inc();
    }

    /// Adds what was counted to the shared counts. To be called once per tick.
    pub(crate) fn flush(&self) {
        self.responses.borrow().iter().for_each(|known| known.count.flush());
        self.durations.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::HeaderPolicy;

    fn rendered(metrics: &Metrics) -> String {
        String::from_utf8(metrics.render().unwrap()).unwrap()
    }

    #[test]
    fn every_response_is_counted_once_in_one_disposition() {
        let metrics = Metrics::new(Registry::new()).unwrap();
        let worker = WorkerMetrics::new(metrics.clone());
        for _ in 0..100 {
            worker.exchange(&Outcome::ended(Disposition::InspectedClean), Duration::from_millis(3));
        }
        worker.exchange(&Outcome::ended(Disposition::Masked), Duration::from_millis(3));
        worker.flush();
        let text = rendered(&metrics);
        let line = |disposition, count| {
            format!(
                "cofferdam_responses_total{{disposition=\"{disposition}\",mode=\"enforce\",reason=\"\",route=\"default\"}} {count}\n"
            )
        };
        assert!(text.contains(&line("inspected-clean", 100)), "{text}");
        assert!(text.contains(&line("masked", 1)), "{text}");
        assert!(text.contains("cofferdam_exchange_duration_seconds_count 101\n"), "{text}");
    }

    #[test]
    fn what_was_met_in_cookies_is_counted_by_route_and_what_would_be_set_where_it_is_observed() {
        let metrics = Metrics::new(Registry::new()).unwrap();
        let mut outcome = Outcome::ended(Disposition::InspectedClean);
        (outcome.hardening.cookies.duplicate, outcome.hardening.headers.set) = (2, 3);
        let count = |outcome: &Outcome| WorkerMetrics::new(metrics.clone()).exchange(outcome, Duration::ZERO);
        count(&outcome);
        assert!(!rendered(&metrics).contains("cofferdam_observed_fields_total"));
        let headers = HeaderPolicy { mode: Mode::Observe, ..HeaderPolicy::default() };
        outcome.route = Arc::new(RoutePolicy { headers: Arc::new(headers), ..RoutePolicy::default() });
        count(&outcome);
        let text = rendered(&metrics);
        for line in [
            "cofferdam_cookies_total{mode=\"enforce\",outcome=\"duplicate\",route=\"default\"} 4\n",
            "cofferdam_observed_fields_total{change=\"set\",route=\"default\"} 3\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn the_turns_of_a_breaker_are_counted_by_route() {
        let metrics = Metrics::new(Registry::new()).unwrap();
        WorkerMetrics::new(metrics.clone()).breaker_turned("board", BreakerTurn::Opened);
        let text = rendered(&metrics);
        assert!(text.contains("cofferdam_breaker_turns_total{route=\"board\",turn=\"opened\"} 1\n"), "{text}");
    }

    #[test]
    fn two_sets_of_metrics_do_not_meet() {
        let one = Metrics::new(Registry::new()).unwrap();
        let other = Metrics::new(Registry::new()).unwrap();
        one.reloaded(true);
        assert!(rendered(&one).contains("cofferdam_engine_reloads_total{result=\"swapped\"} 1"));
        assert!(!rendered(&other).contains("result=\"swapped\""));
    }
}
