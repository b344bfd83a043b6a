//! What is random in an exchange: its incident id (96 bits) and the seed of its nonces (256 bits).

use std::cell::RefCell;

use crate::incident::{IncidentId, Seed};

/// Random bytes of one worker. They are fetched from the system for hundreds of exchanges at a time: a call for each
/// would be every fifth system call of a request.
#[derive(Debug)]
pub(super) struct RandomSource(RefCell<Stock>);

#[derive(Debug)]
struct Stock {
    bytes: [u8; (ID + SEED) * EXCHANGES],
    /// Bytes already used.
    used: usize,
}

const ID: usize = 12;
const SEED: usize = 32;
const EXCHANGES: usize = 256;

impl Default for RandomSource {
    fn default() -> Self {
        let bytes = [0; (ID + SEED) * EXCHANGES];
        Self(RefCell::new(Stock { used: bytes.len(), bytes }))
    }
}

impl RandomSource {
    /// What the next exchange gets.
    pub(super) fn next(&self) -> (IncidentId, Seed) {
        let mut stock = self.0.borrow_mut();
        if stock.used == stock.bytes.len() {
            stock.refill();
        }
        (IncidentId::from_random(stock.take()), Seed::from_random(stock.take()))
    }
}

impl Stock {
    /// The system's generator cannot fail once the system has started; if it did, an id that repeats would be
    /// better than a response that is not given.
    fn refill(&mut self) {
        let _cannot_fail = getrandom::fill(&mut self.bytes);
        self.used = 0;
    }

    fn take<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut taken = [0; LENGTH];
        taken.copy_from_slice(&self.bytes[self.used..self.used + LENGTH]);
        self.bytes[self.used..self.used + LENGTH].fill(0);
        self.used += LENGTH;
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_comes_twice() {
        let source = RandomSource::default();
        let ids: HashSet<_> = (0..10_000).map(|_| source.next().0).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
