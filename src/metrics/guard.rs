//! Counts of what the guard objected to, of permissions taken back and of fields.

use prometheus::{IntCounterVec, Opts};

use super::{Registry, registered};
use crate::{exchange::Outcome, incident::Mode, response::HeaderReport};

#[derive(Clone, Debug)]
pub(crate) struct GuardCounts {
    objections: IntCounterVec,
    rate_limited: IntCounterVec,
    cors_repairs: IntCounterVec,
    weak_fields: IntCounterVec,
    development_servers: IntCounterVec,
    observed_fields: IntCounterVec,
}

impl GuardCounts {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        Ok(Self {
            objections: counters(
                "cofferdam_objections_total",
                "Requests the guard objected to, refused or only observed",
                &["reason", "route"],
            )?,
            rate_limited: counters(
                "cofferdam_rate_limited_total",
                "Requests beyond a limit, refused or only observed",
                &["limit", "route"],
            )?,
            cors_repairs: counters(
                "cofferdam_cors_repairs_total",
                "Permissions for other origins to read with credentials, taken back or only observed",
                &["permission", "route"],
            )?,
            weak_fields: counters(
                "cofferdam_weak_fields_total",
                "Security fields on pages of the application that are weak or contradict others",
                &["field", "route"],
            )?,
            development_servers: counters(
                "cofferdam_development_servers_total",
                "Development servers recognised behind routes, once per route and load of the configuration",
                &["server", "route"],
            )?,
            observed_fields: counters(
                "cofferdam_observed_fields_total",
                "Header fields that would have been set or removed where headers.mode only observes",
                &["change", "route"],
            )?,
        })
    }

    /// Counts a route behind which a development server was recognised.
    pub(crate) fn development_server(&self, route: &str, server: &str) {
        self.development_servers.with_label_values(&[server, route]).inc();
    }

    pub(super) fn count(&self, outcome: &Outcome) {
        let route = &*outcome.route.name;
        for objection in &outcome.objections {
            self.objections.with_label_values(&[objection.refusal.as_str(), route]).inc();
            if let Some(limited) = &objection.limited {
                self.rate_limited.with_label_values(&[limited.name, route]).inc();
            }
        }
        if outcome.route.headers.mode == Mode::Observe {
            let HeaderReport { set, removed } = outcome.hardening.headers;
            self.observed_fields.with_label_values(&["set", route]).inc_by(set.into());
            self.observed_fields.with_label_values(&["removed", route]).inc_by(removed.into());
        }
        for weak in &outcome.weak_fields {
            self.weak_fields.with_label_values(&[weak.name, route]).inc();
        }
        if let Some(repair) = outcome.cors {
            self.cors_repairs.with_label_values(&[repair.as_str(), route]).inc();
        }
    }
}
