//! The tables that all routes and workers share.

use std::sync::Arc;

use super::{LockoutTable, RateTable};
use crate::incident::HashKey;

/// What is known of clients. One for the process: a new engine goes on counting in it.
#[derive(Clone, Debug)]
pub struct RateTables {
    /// What clients have used up.
    pub table: Arc<RateTable>,
    /// Who failed to sign in.
    pub lockouts: Arc<LockoutTable>,
    /// The key of the hashes by which clients stand in the tables.
    pub key: HashKey,
}

/// A slot of either table.
const SLOT: usize = size_of::<u64>();

impl RateTables {
    /// Tables that take at most `bytes` together, now and for ever; at least 1 KiB, at most 256 MiB.
    pub fn new(bytes: usize, key: HashKey) -> Self {
        let most = (bytes / SLOT / 2).clamp(64, 1 << 24);
        let slots = 1 << most.ilog2();
        Self { table: Arc::new(RateTable::new(slots)), lockouts: Arc::new(LockoutTable::new(slots)), key }
    }

    /// The scope of the route with this name, the same in every engine.
    pub fn scope(&self, route: &str) -> u64 {
        self.key.hash(route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_stay_within_their_memory() {
        for bytes in [1 << 10, 5000, 4 << 20, (4 << 20) + 1, 7 << 20] {
            let tables = RateTables::new(bytes, HashKey::from_random([1; 16]));
            assert!(tables.table.bytes() * 2 <= bytes, "{bytes}");
            assert!(tables.table.bytes() * 4 > bytes, "{bytes}");
        }
    }
}
