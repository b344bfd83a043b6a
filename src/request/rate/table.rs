//! The generic cell rate algorithm over a table of fixed size, without locks.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How much is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests a minute, in the long run. 1 to 60,000.
    pub per_minute: u32,
    /// Requests that may come at once after a pause. At least 1.
    pub burst: u32,
}

/// What the table says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Within the quota.
    Admitted,
    /// Beyond it; the next request is let through after this time.
    Limited(Duration),
}

/// When each of many clients will have used up what it owes: its theoretical arrival time. Takes 8 bytes a slot and
/// never grows. A client whose time is past owes nothing, so its slot is free; when all eight slots that a client may
/// have are taken, the one that owes least is forgotten. So with more busy clients than slots the limits become
/// lenient, never wrong for those who keep within them.
#[derive(Debug)]
pub struct RateTable {
    sets: Box<[Set]>,
}

/// Eight slots in one line of the processor's cache. A slot is a tag of 24 bits (never 0 once used) and a time of 40
/// bits in units of 10 µs, which comes round every 127 days.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Set([AtomicU64; WAYS]);

const WAYS: usize = 8;
const TIME_BITS: u32 = 40;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
const UNITS_PER_MINUTE: u64 = 6_000_000;

/// No client owes more: a day.
const HORIZON: u64 = 24 * 60 * UNITS_PER_MINUTE;

impl RateTable {
    /// A table of at least `clients` slots (64 to 2²⁶), 8 bytes each.
    pub fn new(clients: usize) -> Self {
        let sets = (clients.clamp(64, 1 << 26) / WAYS).next_power_of_two();
        Self { sets: (0..sets).map(|_| Set::default()).collect() }
    }

    /// Bytes that the table takes, now and for ever.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.sets)
    }

    /// Counts a request of the client with this keyed hash. `now` is any clock that never goes back.
    pub fn admit(&self, client: u64, quota: Quota, now: Duration) -> Admission {
        let (cost, most) = quota.units();
        let now = units(now);
        let (set, tag) = self.set(client);
        loop {
            let (slot, word) = set.find(tag, now);
            let owed = if word >> TIME_BITS == tag { owed(word, now) } else { 0 };
            if owed > most {
                return Admission::Limited(Duration::from_micros((owed - most) * 10));
            }
            let next = tag << TIME_BITS | (now.wrapping_add(owed + cost) & TIME_MASK);
            if slot.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return Admission::Admitted;
            }
        }
    }

    /// High bits choose the tag and low bits the set, so that one tells nothing of the other.
    fn set(&self, client: u64) -> (&Set, u64) {
        debug_assert!(self.sets.len().is_power_of_two());
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are meant")]
        let set = &self.sets[client as usize & (self.sets.len() - 1)];
        (set, (client >> TIME_BITS).max(1))
    }
}

impl Set {
    /// The client's slot, or else the one it may have: a free one, or the one that owes least.
    fn find(&self, tag: u64, now: u64) -> (&AtomicU64, u64) {
        let mut best = (&self.0[0], 0, u64::MAX);
        for slot in &self.0 {
            let word = slot.load(Ordering::Relaxed);
            if word >> TIME_BITS == tag {
                return (slot, word);
            }
            let owed = owed(word, now);
            if owed < best.2 {
                best = (slot, word, owed);
            }
        }
        (best.0, best.1)
    }
}

impl Quota {
    /// The most [`Quota::per_minute`].
    pub const PER_MINUTE_MAX: u32 = 60_000;

    /// What a request costs and the most that may be owed for one more to pass, in units.
    fn units(self) -> (u64, u64) {
        let per_minute = u64::from(self.per_minute.max(1));
        let cost = ((UNITS_PER_MINUTE + per_minute / 2) / per_minute).max(1);
        (cost, (cost * u64::from(self.burst.max(1) - 1)).min(HORIZON - cost))
    }
}

/// What is still owed; a time further off than anyone can owe is a past one.
fn owed(word: u64, now: u64) -> u64 {
    let ahead = word.wrapping_sub(now) & TIME_MASK;
    if ahead <= HORIZON { ahead } else { 0 }
}

fn units(now: Duration) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the clock comes round")]
    let units = (now.as_micros() / 10) as u64;
    units & TIME_MASK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::HashKey;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn hash(client: u64) -> u64 {
        HashKey::from_random([9; 16]).hash(&client)
    }

    fn admitted(table: &RateTable, client: u64, quota: Quota, times: impl Iterator<Item = Duration>) -> usize {
        times.filter(|&now| table.admit(client, quota, now) == Admission::Admitted).count()
    }

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let (table, quota) = (RateTable::new(64), Quota { per_minute: 60, burst: 5 });
        let at = Duration::from_secs(100);
        assert_eq!(admitted(&table, 7, quota, std::iter::repeat_n(at, 9)), 5);
        assert_eq!(table.admit(7, quota, at), Admission::Limited(Duration::from_secs(1)));
        assert_eq!(table.admit(7, quota, at + Duration::from_secs(1)), Admission::Admitted);
        assert_eq!(table.admit(8 << 40, quota, at), Admission::Admitted);
    }

    #[test]
    fn the_long_run_is_exact_for_every_rate() {
        for per_minute in [1, 7, 20, 100, 999, 7000, 60_000] {
            let (table, quota) = (RateTable::new(64), Quota { per_minute, burst: 2 });
            let step = MINUTE / (per_minute * 3);
            let minutes = if per_minute > 1000 { 1 } else { 10 };
            let times = (0..per_minute * 3 * minutes).map(|at| step * at);
            let wanted = (per_minute * minutes) as usize;
            let got = admitted(&table, 1, quota, times);
            assert!(got.abs_diff(wanted) * 100 <= wanted + 200, "{per_minute}: {got} of {wanted}");
        }
    }

    #[test]
    fn the_limit_is_exact_under_concurrency() {
        let (table, quota) = (RateTable::new(1 << 12), Quota { per_minute: 600, burst: 1000 });
        let total: usize = std::thread::scope(|scope| {
            let worker = || {
                let times = (0..4000).map(|at| Duration::from_millis(at / 4));
                admitted(&table, hash(1), quota, times)
            };
            let workers: Vec<_> = (0..8).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        // The burst, and ten a second for the second that the clocks cover.
        assert!((1000..=1010).contains(&total), "{total}");
    }

    #[test]
    fn the_limit_of_each_of_many_clients_is_exact_under_concurrency() {
        const CLIENTS: usize = 500;
        let (table, quota) = (RateTable::new(1 << 16), Quota { per_minute: 600, burst: 100 });
        let worker = || -> Vec<usize> {
            let mut admitted = vec![0; CLIENTS];
            for turn in 0..60 * CLIENTS {
                let (client, now) = (turn % CLIENTS, Duration::from_millis((turn / CLIENTS) as u64));
                admitted[client] += usize::from(table.admit(hash(client as u64), quota, now) == Admission::Admitted);
            }
            admitted
        };
        let of_workers: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        for client in 0..CLIENTS {
            let total: usize = of_workers.iter().map(|admitted| admitted[client]).sum();
            // Of 240 requests the burst; within 60 ms nothing more is earned.
            assert!((99..=101).contains(&total), "client {client}: {total}");
        }
    }

    #[test]
    fn new_clients_that_come_together_are_counted_once() {
        for round in 0..200 {
            let (table, quota) = (RateTable::new(64), Quota { per_minute: 60, burst: 3 });
            let total: usize = std::thread::scope(|scope| {
                let worker = || admitted(&table, hash(round), quota, std::iter::repeat_n(MINUTE, 4));
                let workers: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
                workers.into_iter().map(|worker| worker.join().unwrap()).sum()
            });
            assert_eq!(total, 3);
        }
    }

    #[test]
    fn ten_million_clients_take_no_more_memory_than_one() {
        let (table, quota) = (RateTable::new(1 << 18), Quota { per_minute: 20, burst: 20 });
        let before = table.bytes();
        assert_eq!(before, 8 << 18);
        let denied = (0..10_000_000).filter(|&client| {
            let now = Duration::from_micros(client * 60);
            table.admit(hash(client), quota, now) != Admission::Admitted
        });
        assert!(denied.count() < 100, "nobody who keeps within the limit is limited for another's sake");
        assert_eq!(table.bytes(), before);
    }

    #[test]
    fn a_busy_client_is_limited_in_a_crowd_that_the_table_holds() {
        let (table, quota) = (RateTable::new(1 << 14), Quota { per_minute: 20, burst: 20 });
        let passed = (0..4000).filter(|&client| {
            table.admit(hash(client + 100), quota, MINUTE);
            table.admit(hash(1), quota, MINUTE) == Admission::Admitted
        });
        assert_eq!(passed.count(), 20);
    }

    #[test]
    fn the_clock_may_come_round() {
        let (table, quota) = (RateTable::new(64), Quota { per_minute: 60, burst: 1 });
        let round = Duration::from_micros(10 << 40);
        assert_eq!(table.admit(1, quota, round - Duration::from_millis(100)), Admission::Admitted);
        assert_eq!(table.admit(1, quota, round), Admission::Limited(Duration::from_millis(900)));
        assert_eq!(table.admit(1, quota, round + Duration::from_secs(1)), Admission::Admitted);
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_burst_and_rate(
            per_minute in 1..6000u32, burst in 1..50u32, gaps in proptest::collection::vec(0..2000u64, 1..200),
        ) {
            let (table, quota) = (RateTable::new(64), Quota { per_minute, burst });
            let mut now = Duration::ZERO;
            let times: Vec<_> = gaps.iter().map(|gap| { now += Duration::from_millis(*gap); now }).collect();
            let got = admitted(&table, 5, quota, times.into_iter());
            let earned = now.as_secs_f64() / 60.0 * f64::from(per_minute) * 1.01;
            prop_assert!(got as f64 <= f64::from(burst) + earned + 1.0);
        }
    }
}
