//! Incident ids: 96 random bits each.

use std::cell::RefCell;

use crate::incident::IncidentId;

/// Ids of one worker. Random bytes are fetched from the system for hundreds of ids at a time: a call for each
/// would be every fifth system call of a request.
#[derive(Debug)]
pub(super) struct IdSource(RefCell<Stock>);

#[derive(Debug)]
struct Stock {
    bytes: [u8; LENGTH * 256],
    /// Bytes already used.
    used: usize,
}

/// Bytes of an id.
const LENGTH: usize = 12;

impl Default for IdSource {
    fn default() -> Self {
        Self(RefCell::new(Stock { bytes: [0; LENGTH * 256], used: LENGTH * 256 }))
    }
}

impl IdSource {
    /// The next id.
    pub(super) fn next(&self) -> IncidentId {
        let mut stock = self.0.borrow_mut();
        if stock.used == stock.bytes.len() {
            stock.refill();
        }
        let mut id = [0; LENGTH];
        let used = stock.used;
        id.copy_from_slice(&stock.bytes[used..used + LENGTH]);
        stock.used += LENGTH;
        IncidentId::from_random(id)
    }
}

impl Stock {
    /// The system's generator cannot fail once the system has started; if it did, an id that repeats would be
    /// better than a response that is not given.
    fn refill(&mut self) {
        let _cannot_fail = getrandom::fill(&mut self.bytes);
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_comes_twice() {
        let source = IdSource::default();
        let ids: HashSet<_> = (0..10_000).map(|_| source.next()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
