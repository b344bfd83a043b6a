//! The memory of all exchanges together (law L5): what holds bodies is reserved before it is allocated.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Bytes by which reservations grow and shrink, so that most exchanges reserve once.
const GRAIN: usize = 64 << 10;

/// Bytes that all exchanges together may hold: windows, coded bytes, the state of decoders.
///
/// What a piece of a coded body decodes to is known only afterwards; until it is counted, each thread is beyond the
/// limit by at most 4 MiB.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    held: AtomicUsize,
}

impl Default for Budget {
    /// Without a limit.
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, held: AtomicUsize::new(0) }
    }

    /// Bytes that are reserved now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// There is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// What one exchange, or one body, has reserved. Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    /// None is without a limit.
    budget: Option<Arc<Budget>>,
    /// A multiple of [`GRAIN`].
    reserved: usize,
}

impl Share {
    /// Of no budget.
    pub(crate) fn unlimited() -> Self {
        Self { budget: None, reserved: 0 }
    }

    /// Of this budget, nothing yet.
    pub(crate) fn of(budget: &Arc<Budget>) -> Self {
        Self { budget: Some(budget.clone()), reserved: 0 }
    }

    /// Reserves `bytes` in all. Less than before can always be had.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let Some(budget) = &self.budget else { return Ok(()) };
        let wanted = bytes.div_ceil(GRAIN).saturating_mul(GRAIN);
        if wanted > self.reserved {
            let more = wanted - self.reserved;
            let before = budget.held.fetch_add(more, Ordering::Relaxed);
            if before.saturating_add(more) > budget.limit {
                budget.held.fetch_sub(more, Ordering::Relaxed);
                return Err(Exhausted);
            }
        } else if wanted < self.reserved {
            budget.held.fetch_sub(self.reserved - wanted, Ordering::Relaxed);
        }
        self.reserved = wanted;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(budget) = self.budget.as_ref().filter(|_| self.reserved > 0) {
            budget.held.fetch_sub(self.reserved, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_never_more_than_the_limit_and_is_given_back() {
        let budget = Arc::new(Budget::new(3 * GRAIN));
        let (mut one, mut other) = (Share::of(&budget), Share::of(&budget));
        assert_eq!(one.resize(GRAIN + 1), Ok(()));
        assert_eq!(other.resize(GRAIN + 1), Err(Exhausted));
        assert_eq!((other.resize(1), budget.held()), (Ok(()), 3 * GRAIN));
        assert_eq!((one.resize(0), budget.held()), (Ok(()), GRAIN));
        assert_eq!(other.resize(usize::MAX), Err(Exhausted));
        drop(other);
        assert_eq!(budget.held(), 0);
    }
}
