//! The clock of one worker: coarse time that costs nothing to read and deadlines that cost nothing to move.
//!
//! Every request passes half a dozen deadlines and hardly ever meets one. A timer for each would be the largest
//! single item of our own CPU time, so a deadline here is a number in a cell, and one sweep per [`TICK`] looks
//! which of them have passed. A deadline is met at most two ticks late and never early.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The distance of two sweeps, and so the precision of every deadline.
pub const TICK: Duration = Duration::from_millis(100);

/// The value of a deadline that is not set.
const NEVER: u64 = u64::MAX;

/// The clock of one worker. Clones are the same clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Rc<Face>);

#[derive(Debug)]
struct Face {
    started: Instant,
    /// Ticks since `started`, as of the last sweep.
    tick: Cell<u64>,
    /// Seconds since the Unix epoch, as of the last sweep.
    epoch: Cell<u64>,
    draining: Cell<bool>,
    /// Invariant: `hands[i].place == i`.
    hands: RefCell<Vec<Rc<Hand>>>,
}

struct Hand {
    /// The tick at which it is met.
    due: Cell<u64>,
    place: Cell<usize>,
    waker: Cell<Option<Waker>>,
}

/// A moment that may be moved, cleared and waited for.
#[derive(Debug)]
pub(crate) struct Deadline {
    hand: Rc<Hand>,
    clock: Clock,
}

impl Default for Clock {
    fn default() -> Self {
        let face = Face {
            started: Instant::now(),
            tick: Cell::new(0),
            epoch: Cell::new(epoch_seconds()),
            draining: Cell::new(false),
            hands: RefCell::default(),
        };
        Self(Rc::new(face))
    }
}

impl Clock {
    /// Seconds since the Unix epoch, at most a tick old.
    pub(crate) fn epoch(&self) -> u64 {
        self.0.epoch.get()
    }

    /// Ticks since the clock began.
    pub(crate) fn tick(&self) -> u64 {
        self.0.tick.get()
    }

    /// What has passed since `tick`, as of the last sweep.
    pub(crate) fn since(&self, tick: u64) -> Duration {
        TICK.saturating_mul(u32::try_from(self.tick() - tick).unwrap_or(u32::MAX))
    }

    /// How many ticks make up `duration`, rounded up.
    pub(crate) fn ticks(duration: Duration) -> u64 {
        u64::try_from(duration.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(NEVER)
    }

    /// A deadline that is not set.
    pub(crate) fn deadline(&self) -> Deadline {
        let mut hands = self.0.hands.borrow_mut();
        let hand = Rc::new(Hand { due: Cell::new(NEVER), place: Cell::new(hands.len()), waker: Cell::new(None) });
        hands.push(hand.clone());
        Deadline { hand, clock: self.clone() }
    }

    /// Whether the worker takes leave: connections end after their exchange.
    pub(crate) fn draining(&self) -> bool {
        self.0.draining.get()
    }

    /// Tells every waiter that the worker takes leave.
    pub(crate) fn drain(&self) {
        self.0.draining.set(true);
        let hands: Vec<_> = self.0.hands.borrow().clone();
        hands.iter().for_each(|hand| hand.wake());
    }

    /// Looks at the time and wakes whoever waits for a deadline that has passed. To be called once per [`TICK`].
    pub(crate) fn sweep(&self) {
        let ticks = self.0.started.elapsed().as_nanos() / TICK.as_nanos();
        self.advance_to(u64::try_from(ticks).unwrap_or(NEVER - 1));
        self.0.epoch.set(epoch_seconds());
    }

    fn advance_to(&self, tick: u64) {
        self.0.tick.set(tick);
        let passed: Vec<_> = self.0.hands.borrow().iter().filter(|hand| hand.due.get() <= tick).cloned().collect();
        passed.iter().for_each(|hand| hand.wake());
    }
}

impl fmt::Debug for Hand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hand").field("due", &self.due).field("place", &self.place).finish_non_exhaustive()
    }
}

impl Hand {
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Deadline {
    /// Moves it to `after` from now.
    pub(crate) fn set(&self, after: Duration) {
        // The current tick has partly passed: one more, so that it is never early.
        let due = self.clock.tick().saturating_add(Clock::ticks(after)).saturating_add(1);
        self.hand.due.set(due.min(NEVER - 1));
    }

    /// Takes it away.
    pub(crate) fn clear(&self) {
        self.hand.due.set(NEVER);
    }

    /// The future's result, or nothing if the deadline passes before.
    pub(crate) async fn bound<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => self.poll(cx).map(|()| None),
        })
        .await
    }

    /// Whether it has passed; else the task is woken when it has (or when the worker begins to drain).
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.hand.due.get() <= self.clock.tick() {
            return Poll::Ready(());
        }
        let waker = match self.hand.waker.take() {
            Some(waker) if waker.will_wake(cx.waker()) => waker,
            _ => cx.waker().clone(),
        };
        self.hand.waker.set(Some(waker));
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut hands = self.clock.0.hands.borrow_mut();
        let place = self.hand.place.get();
        hands.swap_remove(place);
        if let Some(moved) = hands.get(place) {
            moved.place.set(place);
        }
    }
}

/// A clock before 1970 counts as 1970.
fn epoch_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(deadline: &Deadline) -> bool {
        deadline.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_deadline_is_never_early_and_at_most_two_ticks_late() {
        let clock = Clock::default();
        let deadline = clock.deadline();
        deadline.set(TICK * 3);
        clock.advance_to(3);
        assert!(!passed(&deadline));
        clock.advance_to(4);
        assert!(passed(&deadline));
        deadline.set(TICK);
        assert!(!passed(&deadline));
        deadline.clear();
        clock.advance_to(1_000_000);
        assert!(!passed(&deadline));
    }

    #[test]
    fn dropping_one_deadline_leaves_the_others_in_place() {
        let clock = Clock::default();
        let mut deadlines: Vec<_> = (0..4).map(|_| clock.deadline()).collect();
        deadlines.remove(1);
        deadlines.remove(0);
        let hands = clock.0.hands.borrow();
        assert_eq!(hands.len(), 2);
        assert!(hands.iter().enumerate().all(|(place, hand)| hand.place.get() == place));
    }

    #[test]
    fn a_duration_beyond_counting_is_a_deadline_that_does_not_come() {
        let clock = Clock::default();
        let deadline = clock.deadline();
        deadline.set(Duration::MAX);
        clock.advance_to(1_000_000);
        assert!(!passed(&deadline));
    }
}
