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
