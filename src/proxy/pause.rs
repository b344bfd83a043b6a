//! The wait after which an application counts as pausing. It is shorter than a tick of the worker's clock, so it has a
//! timer of its own, which is there for those bodies only that mind.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// A wait that may be begun again and again.
#[derive(Debug, Default)]
pub(super) struct Pause {
    /// Kept for the next wait.
    sleep: Option<Pin<Box<Sleep>>>,
    is_awaited: bool,
}

impl Pause {
    /// Begins to wait, or ceases to.
    pub(super) fn begin(&mut self, wait: Option<Duration>) {
        let end = wait.and_then(|wait| Instant::now().checked_add(wait));
        self.is_awaited = end.is_some();
        let Some(end) = end else { return };
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(end),
            None => self.sleep = Some(Box::pin(sleep_until(end))),
        }
    }

    /// Whether the wait has come to its end, which is told once; else the task is woken when it does.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sleep) = self.sleep.as_mut().filter(|_| self.is_awaited) else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        self.is_awaited = false;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const WAIT: Duration = Duration::from_millis(2);

    #[tokio::test]
    async fn each_wait_is_told_once() {
        let mut pause = Pause::default();
        for _ in 0..2 {
            pause.begin(Some(WAIT));
            let begun = Instant::now();
            poll_fn(|cx| pause.poll(cx)).await;
            assert!(begun.elapsed() >= WAIT);
            assert!(poll_fn(|cx| Poll::Ready(pause.poll(cx))).await.is_pending());
        }
    }

    #[tokio::test]
    async fn what_is_not_awaited_does_not_come() {
        let mut pause = Pause::default();
        for wait in [Duration::ZERO, Duration::MAX] {
            pause.begin(Some(wait));
            pause.begin(None);
            assert!(poll_fn(|cx| Poll::Ready(pause.poll(cx))).await.is_pending(), "{wait:?}");
        }
    }
}
