//! Which candidates were tested already: a table of fixed size, without locks.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Candidate;
use crate::incident::HashKey;

/// Remembers tested values, and when a cookie of each name was last tested. What is forgotten, because another entry
/// took its slot, is merely tested again.
#[derive(Debug)]
pub struct Seen {
    key: HashKey,
    /// Hashes of values; 0 is empty. A power of two of slots.
    values: Box<[AtomicU64]>,
    /// The second before which no other cookie of a name is tested.
    names: Box<[AtomicU64]>,
}

/// Slots for names: applications set few different cookies.
const NAMES: usize = 256;

/// At most one value per name and this many seconds: applications may sign anew with every response.
const INTERVAL: u64 = 5;

impl Seen {
    /// A table with at least `slots` slots of 8 bytes for values (at least 64, at most 2²⁰). The key must be random,
    /// so that no client can aim at slots.
    pub fn new(slots: usize, key: HashKey) -> Self {
        let empty = |length: usize| (0..length).map(|_| AtomicU64::new(0)).collect();
        Self { key, values: empty(slots.clamp(64, 1 << 20).next_power_of_two()), names: empty(NAMES) }
    }

    /// Whether the candidate should be tested now; if so, that is noted. What clients send never keeps the
    /// application's own from being tested. `now` in seconds of any clock.
    pub fn is_due(&self, candidate: &Candidate, now: u64) -> bool {
        let hash = self.key.hash(candidate).max(1);
        let value = slot(&self.values, hash);
        if value.load(Ordering::Relaxed) == hash {
            return false;
        }
        let name = slot(&self.names, self.key.hash(&(&candidate.name, candidate.set)));
        let next = name.load(Ordering::Relaxed);
        let due =
            next <= now && name.compare_exchange(next, now + INTERVAL, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if due {
            value.store(hash, Ordering::Relaxed);
        }
        due
    }
}

fn slot(table: &[AtomicU64], hash: u64) -> &AtomicU64 {
    debug_assert!(table.len().is_power_of_two());
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are as good as any")]
    &table[hash as usize & (table.len() - 1)]
}
