//! The breaker of a route: a storm of replacements of one page below status 400 means that something on it looks like a
//! leak, and whoever can post text could black it out. While the breaker is open, the page is masked instead.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What makes a storm, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Replacements of one page within [`BreakerSettings::within`] that open its breaker. At least 1.
    pub replacements: u32,
    /// The time over which they are counted.
    pub within: Duration,
    /// The breaker closes when the page would not have been replaced for so long.
    pub calm: Duration,
}

/// A change of the breaker's position: worth a log line and a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerTurn {
    /// From now on pages are masked.
    Opened,
    /// From now on they are replaced again.
    Closed,
}

impl BreakerTurn {
    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
        }
    }
}

/// The breaker of one route, shared by all workers: each page (path) has a count and a position of its own, so that a
/// storm on one changes nothing for others. All times are of one clock that never goes back; where workers tell of
/// moments out of order, the later one holds. Holds [`PAGES_MAX`] pages and never grows.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    /// Milliseconds until which some page's is open; 0 while all are closed. Beside the lock because every exchange
    /// reads it.
    open_until: AtomicU64,
    pages: Mutex<Vec<Page>>,
}

/// Pages on which something was replaced lately.
const PAGES_MAX: usize = 64;

#[derive(Debug)]
struct Page {
    /// The hash of its path.
    key: u64,
    since: Duration,
    /// Replacements from `since` on.
    replacements: u32,
    /// Set while it is open.
    open_until: Option<Duration>,
}

impl Page {
    /// When it can be forgotten.
    fn end(&self, settings: &BreakerSettings) -> Duration {
        self.open_until.unwrap_or(self.since + settings.within)
    }
}

impl Breaker {
    /// One that is closed for all pages.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, open_until: AtomicU64::new(0), pages: Mutex::default() }
    }

    /// Whether the page at `path` is masked instead of replaced.
    pub fn is_open(&self, path: &str, now: Duration) -> bool {
        self.open_until.load(Ordering::Relaxed) > millis(now) && {
            let key = key(path);
            self.lock().iter().any(|page| page.key == key && page.open_until.is_some_and(|until| until > now))
        }
    }

    /// Says that an exchange on `path` ended: `provoked` when its page was replaced, or would have been if the breaker
    /// were closed.
    pub fn settle(&self, path: &str, provoked: bool, now: Duration) -> Option<BreakerTurn> {
        if provoked {
            return self.count(key(path), now);
        }
        let until = self.open_until.load(Ordering::Relaxed);
        if until == 0 { None } else { self.close(&mut self.lock(), now) }
    }

    fn count(&self, key: u64, now: Duration) -> Option<BreakerTurn> {
        let mut pages = self.lock();
        let closed = self.close(&mut pages, now);
        pages.retain(|page| page.end(&self.settings) > now);
        let at = pages.iter().position(|page| page.key == key).unwrap_or_else(|| self.admit(&mut pages, key, now));
        let page = &mut pages[at];
        page.replacements = page.replacements.saturating_add(1);
        let opens = page.open_until.is_none() && page.replacements >= self.settings.replacements;
        if opens || page.open_until.is_some() {
            let until = now + self.settings.calm;
            page.open_until = page.open_until.max(Some(until));
            self.open_until.fetch_max(millis(until), Ordering::Relaxed);
        }
        if opens { Some(BreakerTurn::Opened) } else { closed }
    }

    /// The place of a page that was not known; the one whose time is over first makes room.
    fn admit(&self, pages: &mut Vec<Page>, key: u64, now: Duration) -> usize {
        if pages.len() == PAGES_MAX
            && let Some((first, _)) = pages.iter().enumerate().min_by_key(|(_, page)| page.end(&self.settings))
        {
            pages.swap_remove(first);
        }
        pages.push(Page { key, since: now, replacements: 0, open_until: None });
        pages.len() - 1
    }

    /// Forgets one page whose breaker has been open and is so no more.
    fn close(&self, pages: &mut Vec<Page>, now: Duration) -> Option<BreakerTurn> {
        let over = pages.iter().position(|page| page.open_until.is_some_and(|until| until <= now))?;
        pages.swap_remove(over);
        if pages.iter().all(|page| page.open_until.is_none()) {
            self.open_until.store(0, Ordering::Relaxed);
        }
        Some(BreakerTurn::Closed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        let within = Duration::from_secs(60);
        Breaker::new(BreakerSettings { replacements: 3, within, calm: Duration::from_secs(300) })
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn storm(breaker: &Breaker, path: &str, seconds: std::ops::Range<u64>) -> Vec<Option<BreakerTurn>> {
        seconds.map(|second| breaker.settle(path, true, Duration::from_secs(second))).collect()
    }

    #[test]
    fn a_storm_opens_it_once_and_for_its_page_only() {
        let breaker = breaker();
        assert_eq!(storm(&breaker, "/book", 1..6), [None, None, Some(BreakerTurn::Opened), None, None]);
        assert!(breaker.is_open("/book", seconds(6)));
        assert!(!breaker.is_open("/", seconds(6)));
    }

    #[test]
    fn replacements_on_many_pages_are_no_storm() {
        let breaker = breaker();
        for page in 0..1000 {
            assert_eq!(breaker.settle(&format!("/{page}"), true, seconds(1)), None);
        }
        assert!(breaker.lock().len() <= PAGES_MAX);
    }

    #[test]
    fn a_few_replacements_now_and_then_do_not_open_it() {
        let breaker = breaker();
        for minute in 0..50 {
            assert_eq!(storm(&breaker, "/", 60 * minute..60 * minute + 2), [None, None]);
        }
    }

    #[test]
    fn clean_pages_do_not_count() {
        let breaker = breaker();
        assert!((0..100).all(|second| breaker.settle("/", false, seconds(second)).is_none()));
        assert!(!breaker.is_open("/", seconds(100)));
    }

    #[test]
    fn it_closes_after_a_calm_and_says_so_once() {
        let breaker = breaker();
        storm(&breaker, "/", 1..4);
        breaker.settle("/", true, seconds(200));
        assert!(breaker.is_open("/", seconds(499)), "what would have been replaced keeps it open");
        assert!(!breaker.is_open("/", seconds(500)));
        assert_eq!(breaker.settle("/other", false, seconds(499)), None);
        assert_eq!(breaker.settle("/other", false, seconds(500)), Some(BreakerTurn::Closed));
        assert_eq!(breaker.settle("/", false, seconds(501)), None);
    }

    #[test]
    fn after_a_calm_it_takes_a_new_storm() {
        let breaker = breaker();
        storm(&breaker, "/", 1..4);
        let turns = storm(&breaker, "/", 400..403);
        assert_eq!(turns, [Some(BreakerTurn::Closed), None, Some(BreakerTurn::Opened)]);
    }
}
