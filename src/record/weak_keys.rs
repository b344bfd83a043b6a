//! The thread that tests cookies and tokens for weak keys, after their responses have left.
//!
//! It outlives engines: what it is given names the keys to test with, and what it has reported stays known over
//! reloads.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::{Duration, SystemTime},
};

use tracing::error;

use crate::{
    cookies::weak::{Candidate, SignedValues, WeakKey},
    incident::{Extract, Incident},
    logging::target,
    metrics::{Metrics, WeakKeyTest},
};

/// Exchanges whose values wait; more are dropped and counted. Eight values of 8 KiB each at the most.
const QUEUE: usize = 64;

/// The same weakness is an incident again after so many seconds.
const REPEAT: u64 = 3600;

/// Weaknesses that are kept in mind; more are only counted. A name takes 64 bytes at the most.
const REPORTED_MAX: usize = 1024;

/// The running thread. It ends when this and all [`WeakKeyQueue`]s are gone.
#[derive(Debug)]
pub(crate) struct WeakKeyThread {
    /// None once it was told to stop.
    queue: Option<WeakKeyQueue>,
    /// Disconnected when the thread has ended.
    ended: Receiver<Infallible>,
}

/// Where workers leave what is to be tested.
#[derive(Clone, Debug)]
pub(crate) struct WeakKeyQueue {
    waiting: SyncSender<Arc<SignedValues>>,
    metrics: Metrics,
}

impl WeakKeyThread {
    /// Starts it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start(metrics: Metrics) -> io::Result<Self> {
        let (waiting, values) = mpsc::sync_channel(QUEUE);
        let (ending, ended) = mpsc::channel::<Infallible>();
        let queue = WeakKeyQueue { waiting, metrics: metrics.clone() };
        let work = move || {
            let mut tester = Tester { metrics, reported: Reported::default() };
            values.iter().for_each(|values| tester.test_all(&values, now()));
            drop(ending);
        };
        thread::Builder::new().name("weak-keys".to_owned()).spawn(work)?;
        Ok(Self { queue: Some(queue), ended })
    }

    /// Where workers leave what is to be tested; none after [`WeakKeyThread::stop`].
    pub(crate) fn queue(&self) -> Option<WeakKeyQueue> {
        self.queue.clone()
    }

    /// Tests what still waits, if that is done within `patience`. To be called when no worker is left.
    pub(crate) fn stop(&mut self, patience: Duration) {
        self.queue = None;
        let over = self.ended.recv_timeout(patience);
        if over == Err(RecvTimeoutError::Timeout) {
            error!(target: target::SERVICE, "some cookies are not tested for weak keys any more");
        }
    }
}

impl WeakKeyQueue {
    /// Leaves them to the thread. Never waits.
    pub(super) fn leave(&self, values: &Arc<SignedValues>) {
        if self.waiting.try_send(values.clone()).is_err() {
            self.metrics.weak_key_tests(WeakKeyTest::Dropped, values.candidates.len());
        }
    }
}

/// What the thread does and knows.
struct Tester {
    metrics: Metrics,
    reported: Reported,
}

impl Tester {
    fn test_all(&mut self, values: &SignedValues, now: u64) {
        for candidate in &values.candidates {
            let result = self.test(values, candidate, now);
            self.metrics.weak_key_tests(result, 1);
        }
    }

    fn test(&mut self, values: &SignedValues, candidate: &Candidate, now: u64) -> WeakKeyTest {
        // Values come from anywhere: none may end the thread.
        let tested = catch_unwind(AssertUnwindSafe(|| candidate.test(&values.keys, now)));
        match tested {
            Err(_) => WeakKeyTest::Failed,
            Ok(None) => WeakKeyTest::Sound,
            Ok(Some(weak)) if !self.reported.is_new(&values.incident.route, candidate, &weak, now) => {
                WeakKeyTest::Repeated
            }
            Ok(Some(weak)) => {
                let incident = incident(values, candidate, &weak);
                incident.rules.iter().for_each(|hit| self.metrics.weak_key(hit));
                super::report(&incident, "weak key or token");
                WeakKeyTest::Reported
            }
        }
    }
}

fn incident(values: &SignedValues, candidate: &Candidate, weak: &WeakKey) -> Incident {
    Incident {
        rules: vec![weak.hit(&candidate.name, candidate.set)],
        extract: Extract { framework: Some(weak.framework.to_owned()), ..Extract::default() },
        ..values.incident.clone()
    }
}

/// What was reported, and when.
#[derive(Debug, Default)]
struct Reported(HashMap<Weakness, u64>);

/// What counts as the same: the rule on a route, and of what the application set, the cookie. Names that clients send
/// do not count, or they could fill the log.
type Weakness = (String, String, Option<Box<[u8]>>);

impl Reported {
    fn is_new(&mut self, route: &str, candidate: &Candidate, weak: &WeakKey, now: u64) -> bool {
        let name = candidate.set.then(|| candidate.name[..candidate.name.len().min(64)].into());
        let weakness = (route.to_owned(), weak.rule(), name);
        if self.0.len() >= REPORTED_MAX {
            self.0.retain(|_, reported| is_recent(*reported, now));
        }
        let is_new = match self.0.get(&weakness) {
            Some(reported) => !is_recent(*reported, now),
            None => self.0.len() < REPORTED_MAX,
        };
        if is_new {
            self.0.insert(weakness, now);
        }
        is_new
    }
}

/// A clock that was put back makes nothing old.
fn is_recent(reported: u64, now: u64) -> bool {
    now.saturating_sub(reported) < REPEAT
}

/// Seconds since the Unix epoch.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cookies::weak::{KeyList, Weakness as Kind},
        incident::{Disposition, Excerpt, IncidentId, Mode},
        metrics::Registry,
    };

    const FLASK: &str = "eyJhZG1pbiI6ZmFsc2UsInVzZXIiOiJhZGEifQ.awU2Fw.Kia3uTQHz9sb4gSAabOJevoAK7A";

    fn candidate(name: &str, value: &str, set: bool) -> Candidate {
        Candidate { name: name.as_bytes().into(), value: value.as_bytes().into(), signature: None, set }
    }

    fn values(candidates: Vec<Candidate>) -> SignedValues {
        let incident = Incident {
            id: IncidentId::from_random([7; 12]),
            disposition: Disposition::InspectedClean,
            would: None,
            mode: Mode::Observe,
            route: "default".into(),
            method: "POST".into(),
            path: Excerpt::from_masked("/login"),
            upstream_status: 200,
            rules: Vec::new(),
            extract: Extract::default(),
            score: None,
        };
        SignedValues { candidates, keys: Arc::new(KeyList::embedded().unwrap()), incident }
    }

    fn rendered(metrics: &Metrics) -> String {
        String::from_utf8(metrics.render().unwrap()).unwrap()
    }

    fn assert_counted(metrics: &Metrics, result: &str, count: u64) {
        let line = format!("cofferdam_weak_key_tests_total{{result=\"{result}\"}} {count}\n");
        assert!(rendered(metrics).contains(&line), "{line}: {}", rendered(metrics));
    }

    #[test]
    fn a_weak_cookie_is_one_incident_an_hour_whatever_its_value() {
        let metrics = Metrics::new(Registry::new()).unwrap();
        let mut tester = Tester { metrics: metrics.clone(), reported: Reported::default() };
        let weak = values(vec![candidate("session", FLASK, true), candidate("theme", "dark.and.quiet", true)]);
        for now in [1000, 1001, 999, 1000 + REPEAT - 1, 1000 + REPEAT] {
            tester.test_all(&weak, now);
        }
        assert_counted(&metrics, "reported", 2);
        assert_counted(&metrics, "repeated", 3);
        assert_counted(&metrics, "sound", 5);
        let finding = r#"cofferdam_findings_total{category="secret",mode="observe",rule="weak-key-flask"} 2"#;
        assert!(rendered(&metrics).contains(finding), "{}", rendered(&metrics));
    }

    #[test]
    fn the_incident_is_the_exchange_s_with_the_cookie_and_never_key_or_value() {
        let values = values(vec![candidate("session", FLASK, true)]);
        let weak = values.candidates[0].test(&values.keys, 0).unwrap();
        let incident = incident(&values, &values.candidates[0], &weak);
        assert_eq!((incident.path.as_str(), incident.rules[0].severity.as_str()), ("/login", "high"));
        assert_eq!(incident.extract.framework.as_deref(), Some("flask"));
        let printed = format!("{incident:?}{values:?}");
        assert!(printed.contains("`session`") && !printed.contains("changeme") && !printed.contains("Kia3u"));
    }

    #[test]
    fn no_client_can_fill_the_log_with_names() {
        let mut reported = Reported::default();
        let weak = WeakKey { framework: "jwt", weakness: Kind::Unsigned };
        let mut is_new = |name: &str, set| reported.is_new("default", &candidate(name, "", set), &weak, 0);
        assert!(is_new("a", false) && !is_new("b", false));
        assert!(is_new("a", true) && is_new("b", true) && !is_new("b", true));
        let reports = (0..2 * REPORTED_MAX).filter(|at| is_new(&format!("x{at}"), true)).count();
        assert_eq!(reports, REPORTED_MAX - 3);
    }

    #[test]
    fn what_does_not_fit_the_queue_is_dropped_and_counted() {
        let metrics = Metrics::new(Registry::new()).unwrap();
        let (waiting, held) = mpsc::sync_channel(1);
        let queue = WeakKeyQueue { waiting, metrics: metrics.clone() };
        let two = Arc::new(values(vec![candidate("a", FLASK, true), candidate("b", FLASK, true)]));
        queue.leave(&two);
        queue.leave(&two);
        drop(held);
        queue.leave(&two);
        assert_counted(&metrics, "dropped", 4);
    }

    #[test]
    fn stopping_tests_what_still_waits() {
        let metrics = Metrics::new(Registry::new()).unwrap();
        let mut thread = WeakKeyThread::start(metrics.clone()).unwrap();
        let queue = thread.queue().unwrap();
        queue.leave(&Arc::new(values(vec![candidate("session", FLASK, true)])));
        drop(queue);
        thread.stop(Duration::from_secs(20));
        assert_counted(&metrics, "reported", 1);
        assert!(thread.queue().is_none());
    }
}
