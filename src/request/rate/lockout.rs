//! Lock-out after failed sign-ins: longer with every further failure.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// When and how long an address is locked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// Failures in a row that are still free. At most 32.
    pub free: u8,
    /// How long the first lock-out takes; every further failure doubles it. In seconds, at least 1.
    pub first: u32,
    /// The longest lock-out, in seconds.
    pub longest: u32,
    /// Failures are forgotten after so many seconds without another, counted from the end of a lock-out.
    pub forget: u32,
}

/// The failures of many addresses, 8 bytes each, in a table of fixed size, without locks. Of eight addresses that
/// share a place the one with the fewest failures is forgotten first.
#[derive(Debug)]
pub struct LockoutTable {
    sets: Box<[[AtomicU64; WAYS]]>,
}

const WAYS: usize = 8;

/// A slot is a tag of 24 bits (never 0 once used), a count of 6 and the second of the last failure in 34.
const COUNT_SHIFT: u32 = 34;
const TAG_SHIFT: u32 = 40;
const COUNT_MAX: u64 = 63;

#[derive(Clone, Copy)]
struct Record {
    tag: u64,
    failures: u64,
    last: u64,
}

impl Lockout {
    /// The most [`Lockout::free`].
    pub const FREE_MAX: u8 = 32;
}

impl LockoutTable {
    /// A table of at least `addresses` slots (64 to 2²⁴), 8 bytes each.
    pub fn new(addresses: usize) -> Self {
        let sets = (addresses.clamp(64, 1 << 24) / WAYS).next_power_of_two();
        Self { sets: (0..sets).map(|_| <[AtomicU64; WAYS]>::default()).collect() }
    }

    /// For how long the address with this keyed hash is locked out, if it is.
    pub fn locked(&self, address: u64, rule: &Lockout, now: Duration) -> Option<Duration> {
        let (set, tag) = self.set(address);
        let record = set.iter().map(read).find(|record| record.tag == tag)?;
        let end = Duration::from_secs(record.last + rule.length(record.failures));
        end.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Notes a failed sign-in.
    pub fn failed(&self, address: u64, rule: &Lockout, now: Duration) {
        let now = now.as_secs();
        self.update(address, rule, now, |record| Record {
            failures: (record.failures + 1).min(COUNT_MAX),
            last: now,
            ..record
        });
    }

    /// Notes a good one: what was before is forgotten.
    pub fn succeeded(&self, address: u64) {
        let (set, tag) = self.set(address);
        for slot in set {
            let word = slot.load(Ordering::Relaxed);
            if word >> TAG_SHIFT == tag {
                // Whoever changed it meanwhile noted a later failure.
                let _unchanged = slot.compare_exchange(word, 0, Ordering::Relaxed, Ordering::Relaxed);
            }
        }
    }

    fn update(&self, address: u64, rule: &Lockout, now: u64, change: impl Fn(Record) -> Record) {
        let (set, tag) = self.set(address);
        loop {
            let own = set.iter().find(|slot| read(slot).tag == tag);
            let cheapest = || set.iter().min_by_key(|slot| read(slot).weight(rule, now));
            let Some(slot) = own.or_else(cheapest) else { return };
            let word = slot.load(Ordering::Relaxed);
            let before = Record::of(word);
            let fresh = Record { tag, failures: 0, last: now };
            let before = if before.tag == tag && before.weight(rule, now).0 > 0 { before } else { fresh };
            let next = change(before).word();
            if slot.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return;
            }
        }
    }

    fn set(&self, address: u64) -> (&[AtomicU64; WAYS], u64) {
        debug_assert!(self.sets.len().is_power_of_two());
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are meant")]
        let set = &self.sets[address as usize & (self.sets.len() - 1)];
        (set, (address >> TAG_SHIFT).max(1))
    }
}

impl Lockout {
    /// How long this many failures lock out, in seconds.
    fn length(&self, failures: u64) -> u64 {
        let Some(beyond) = failures.checked_sub(u64::from(self.free) + 1) else { return 0 };
        let doubled = u64::from(self.first.max(1)) << beyond.min(24);
        doubled.min(u64::from(self.longest))
    }
}

impl Record {
    fn of(word: u64) -> Self {
        let mask = |bits: u32| (1 << bits) - 1;
        Self {
            tag: word >> TAG_SHIFT,
            failures: word >> COUNT_SHIFT & mask(TAG_SHIFT - COUNT_SHIFT),
            last: word & mask(COUNT_SHIFT),
        }
    }

    fn word(self) -> u64 {
        debug_assert!(self.failures <= COUNT_MAX && self.last < 1 << COUNT_SHIFT);
        self.tag << TAG_SHIFT | self.failures << COUNT_SHIFT | self.last
    }

    /// What would be lost with it: nothing once its failures are forgotten.
    fn weight(&self, rule: &Lockout, now: u64) -> (u64, u64) {
        let end = self.last + rule.length(self.failures) + u64::from(rule.forget);
        if now > end { (0, 0) } else { (self.failures, self.last) }
    }
}

fn read(slot: &AtomicU64) -> Record {
    Record::of(slot.load(Ordering::Relaxed))
}

/// Five are free, as many as a forgotten password takes; then half a minute, doubled up to an hour.
impl Default for Lockout {
    fn default() -> Self {
        Self { free: 5, first: 30, longest: 3600, forget: 900 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn every_further_failure_locks_out_for_twice_as_long() {
        let (table, rule) = (LockoutTable::new(64), Lockout::default());
        for _ in 0..5 {
            table.failed(1, &rule, at(100));
            assert_eq!(table.locked(1, &rule, at(100)), None);
        }
        for seconds in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
            table.failed(1, &rule, at(100));
            assert_eq!(table.locked(1, &rule, at(100)), Some(at(seconds)));
        }
        assert_eq!(table.locked(1, &rule, at(3699)), Some(at(1)));
        assert_eq!(table.locked(1, &rule, at(3700)), None);
        assert_eq!(table.locked(2 << 40, &rule, at(100)), None);
    }

    #[test]
    fn failures_are_forgotten_in_time_and_by_success() {
        let (table, rule) = (LockoutTable::new(64), Lockout { free: 1, ..Lockout::default() });
        table.failed(1, &rule, at(0));
        table.failed(1, &rule, at(901));
        assert_eq!(table.locked(1, &rule, at(901)), None);
        table.failed(1, &rule, at(902));
        assert!(table.locked(1, &rule, at(902)).is_some());
        table.succeeded(1);
        assert_eq!(table.locked(1, &rule, at(902)), None);
    }

    #[test]
    fn the_worst_offender_is_forgotten_last() {
        let (table, rule) = (LockoutTable::new(64), Lockout { free: 1, ..Lockout::default() });
        (0..9).for_each(|_| table.failed(1 << 40, &rule, at(10)));
        (2..1000).for_each(|other| table.failed(other << 40, &rule, at(11)));
        assert!(table.locked(1 << 40, &rule, at(12)).is_some());
    }
}
