//! How many requests the application has at a time: a development server answers one after the other, and a flood is
//! better kept here than in its queue.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Fault;
use crate::server::Deadline;

/// Shared by all workers. Who waits longest is next.
#[derive(Clone, Debug)]
pub struct Slots {
    free: Arc<Semaphore>,
    patience: Duration,
}

/// A place of one request, until its answer is over.
#[derive(Debug)]
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    /// So many at a time, at least one; others wait for at most `patience`.
    pub fn new(most: usize, patience: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))), patience }
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// [`Fault::Busy`] when none came free in time.
    pub(super) async fn take(&self, deadline: &Deadline) -> Result<Slot, Fault> {
        let free = self.free.clone();
        if let Ok(permit) = free.clone().try_acquire_owned() {
            return Ok(Slot { _permit: permit });
        }
        deadline.set(self.patience);
        // The semaphore is never closed.
        let permit = deadline.bound(free.acquire_owned()).await.and_then(Result::ok).ok_or(Fault::Busy)?;
        Ok(Slot { _permit: permit })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::server::Clock;

    #[test]
    fn who_waits_longest_is_next_and_nobody_comes_in_between() {
        let (slots, clock) = (Slots::new(1, Duration::from_secs(1)), Clock::default());
        let deadlines = [(); 4].map(|()| clock.deadline());
        let [first, second, third, late] = &deadlines;
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(place)) = pin!(slots.take(first)).poll(&mut cx) else { panic!("there is a place") };
        let (mut second, mut third) = (pin!(slots.take(second)), pin!(slots.take(third)));
        assert!(second.as_mut().poll(&mut cx).is_pending() && third.as_mut().poll(&mut cx).is_pending());
        drop(place);
        assert!(pin!(slots.take(late)).poll(&mut cx).is_pending());
        assert!(third.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_ready());
    }
}
