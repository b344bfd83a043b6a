//! The record of an exchange: one access line, one line per incident, the counts. Nothing here waits.

mod line;
mod weak_keys;

use std::{
    cell::RefCell,
    collections::HashSet,
    net::IpAddr,
    time::{Duration, Instant},
};

use http::{Method, StatusCode, uri::PathAndQuery};
use tracing::{info, warn};

use self::line::Lines;
pub(crate) use self::weak_keys::{WeakKeyQueue, WeakKeyThread};
use crate::{
    exchange::Outcome,
    incident::{Disposition, Incident, IncidentId},
    logging::{Log, LogSettings, target},
    metrics::WorkerMetrics,
    policy::BreakerTurn,
    request::{Objection, Peer},
    response::DevelopmentServer,
    server::Abuse,
    upstream::Fault,
};

/// The recorder of one worker.
#[derive(Debug)]
pub(crate) struct Recorder {
    metrics: WorkerMetrics,
    log: Log,
    settings: LogSettings,
    weak_keys: Option<WeakKeyQueue>,
    /// Access lines that have not been handed to the log yet. A batch costs one lock and one wake-up.
    lines: RefCell<Lines>,
    /// The weak fields that were told: route, field and problem. They stand on every page, and once is enough.
    told: RefCell<HashSet<(Box<str>, &'static str, &'static str)>>,
}

/// Access lines are handed over at the latest when there are so many bytes of them.
const BATCH: usize = 16 * 1024;

/// What the record tells of an exchange beside its outcome.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: IncidentId,
    pub(crate) peer: IpAddr,
    pub(crate) method: Method,
    /// Only where access lines are written.
    pub(crate) target: Option<PathAndQuery>,
    pub(crate) started: Instant,
    /// What the client was answered; none if nothing was.
    pub(crate) status: Option<StatusCode>,
    /// Bytes of the body that left.
    pub(crate) bytes: u64,
}

impl Recorder {
    pub(crate) fn new(
        metrics: WorkerMetrics,
        log: Log,
        settings: LogSettings,
        weak_keys: Option<WeakKeyQueue>,
    ) -> Self {
        Self { metrics, log, settings, weak_keys, lines: RefCell::default(), told: RefCell::default() }
    }

    /// Whether each request gets a line.
    pub(crate) fn access(&self) -> bool {
        self.settings.access
    }

    /// Records the end of an exchange.
    pub(crate) fn exchange(&self, entry: &Entry, outcome: &Outcome) {
        let duration = entry.started.elapsed();
        self.metrics.exchange(outcome, duration);
        if self.settings.access {
            self.access_line(entry, outcome, duration);
        }
        outcome.objections.iter().for_each(|objection| objected(entry, outcome, objection));
        sealing(entry, outcome);
        if let Some(incident) = &outcome.incident {
            report(incident, "leak");
        }
        if let (Some(queue), Some(values)) = (&self.weak_keys, &outcome.signed) {
            queue.leave(values);
        }
        if let Some(repair) = outcome.cors {
            warn!(target: target::OBJECTION, incident_id = %entry.id, route = &*outcome.route.name, permission = repair.as_str(), "other origins may read a response with credentials");
        }
        self.tell_weak_fields(outcome);
        if let Some(turn) = outcome.breaker {
            self.breaker_turned(&outcome.route.name, turn);
        }
    }

    /// Records that the application gave no usable answer.
    pub(crate) fn upstream_failed(&self, id: IncidentId, fault: &Fault) {
        self.metrics.upstream_error(fault.as_str());
        warn!(target: target::UPSTREAM, incident_id = %id, fault = fault.as_str(), "the application gave no answer: {fault}");
    }

    /// Records that the application of a route is a development server.
    pub(crate) fn development_server(&self, route: &str, server: &DevelopmentServer) {
        self.metrics.guard().development_server(route, &server.id);
        let DevelopmentServer { id, name, advice, .. } = server;
        warn!(target: target::UPSTREAM, route, server = &**id, advice = &**advice, "the application is served by {name}");
    }

    /// Records a connection that was opened or closed.
    pub(crate) fn connected(&self, open: bool) {
        self.metrics.connected(open);
    }

    /// Records a connection that ended outside of any exchange.
    pub(crate) fn abused(&self, peer: Peer, abuse: Abuse) {
        let reason = abuse.as_str();
        self.metrics.abuse(reason);
        info!(target: target::ACCESS, peer = %peer.address, reason, "connection ended");
    }

    /// Records that what came instead of a request was answered with a page.
    pub(crate) fn unread(&self, peer: Peer, id: IncidentId, status: StatusCode) {
        info!(target: target::ACCESS, peer = %peer.address, incident_id = %id, status = status.as_u16(), "no request");
    }

    /// Hands over what was collected. To be called once per tick.
    pub(crate) fn flush(&self) {
        self.metrics.flush();
        self.hand_over(&mut self.lines.borrow_mut());
    }

    fn tell_weak_fields(&self, outcome: &Outcome) {
        let route = &*outcome.route.name;
        for weak in &outcome.weak_fields {
            if self.told.borrow_mut().insert((route.into(), weak.name, weak.problem)) {
                info!(target: target::OBJECTION, route, field = weak.name, problem = weak.problem, "a security field of the application is weak");
            }
        }
    }

    fn breaker_turned(&self, route: &str, turn: BreakerTurn) {
        self.metrics.breaker_turned(route, turn);
        match turn {
            BreakerTurn::Opened => warn!(
                target: target::INCIDENT,
                route,
                breaker = turn.as_str(),
                "a storm of replaced pages: those that are not a leak from the first word on are masked until it is over"
            ),
            BreakerTurn::Closed => {
                info!(target: target::INCIDENT, route, breaker = turn.as_str(), "the storm is over: pages are replaced again");
            }
        }
    }

    fn access_line(&self, entry: &Entry, outcome: &Outcome, duration: Duration) {
        let mut lines = self.lines.borrow_mut();
        lines.access(self.settings.format, entry, outcome, duration);
        if lines.buffer.len() >= BATCH {
            self.hand_over(&mut lines);
        }
    }

    fn hand_over(&self, lines: &mut Lines) {
        if !lines.buffer.is_empty() {
            self.log.write(&lines.buffer);
            lines.buffer.clear();
        }
    }
}

/// One line per incident. Everything in it has been redacted where it was made.
fn report(incident: &Incident, what: &str) {
    let rules: Vec<_> = incident.rules.iter().map(|hit| format!("{}*{}", hit.rule, hit.count)).collect();
    let first = incident.rules.first();
    warn!(
        target: target::INCIDENT,
        incident_id = %incident.id,
        disposition = incident.disposition.as_str(),
        would = incident.would.map(Disposition::as_str),
        mode = incident.mode.as_str(),
        route = incident.route,
        method = incident.method,
        path = incident.path.as_str(),
        upstream_status = incident.upstream_status,
        rules = rules.join(","),
        category = first.map(|hit| hit.category.as_str()),
        severity = first.map(|hit| hit.severity.as_str()),
        advice = first.map(|hit| hit.advice.as_str()),
        fingerprints = fingerprints(incident),
        framework = incident.extract.framework,
        exception = incident.extract.exception.as_ref().map(|excerpt| excerpt.as_str()),
        file = incident.extract.file.as_ref().map(|excerpt| excerpt.as_str()),
        line = incident.extract.line,
        score = incident.score,
        "{what}"
    );
}

fn fingerprints(incident: &Incident) -> String {
    let all = incident.rules.iter().flat_map(|hit| &hit.fingerprints);
    all.map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// One line per exchange in which sealing kept a cookie back, or would have. Names of cookies are the client's words.
fn sealing(entry: &Entry, outcome: &Outcome) {
    let Some(policy) = &outcome.route.sealing else { return };
    for (what, reason, count) in
        outcome.sealing.outcomes().filter(|(what, ..)| matches!(*what, "refused" | "oversized"))
    {
        info!(
            target: target::COOKIES,
            incident_id = %entry.id,
            peer = %entry.peer,
            outcome = what,
            reason,
            count,
            mode = policy.mode.as_str(),
            route = &*outcome.route.name,
            "a cookie to be sealed is kept back"
        );
    }
}

fn objected(entry: &Entry, outcome: &Outcome, objection: &Objection) {
    info!(
        target: target::OBJECTION,
        incident_id = %entry.id,
        peer = %entry.peer,
        reason = objection.refusal.as_str(),
        status = objection.status.as_u16(),
        endpoint = objection.endpoint.as_ref().map(|endpoint| &*endpoint.id),
        limit = objection.limited.map(|limited| limited.name),
        retry_after = objection.limited.map(|limited| limited.retry_after),
        refused = outcome.disposition == Disposition::Refused(objection.refusal),
        route = &*outcome.route.name,
        "the guard objects to a request"
    );
}
