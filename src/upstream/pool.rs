//! The idle connections of one worker.

use std::{cell::RefCell, collections::VecDeque, time::Duration};

use super::link::Link;
use crate::server::Clock;

#[derive(Debug)]
pub(super) struct Pool {
    /// Oldest first.
    idle: RefCell<VecDeque<Idle>>,
    max_idle: usize,
    /// In ticks of `clock`.
    idle_ticks: u64,
    clock: Clock,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    /// The tick at which it became idle.
    since: u64,
}

impl Pool {
    pub(super) fn new(max_idle: usize, idle_timeout: Duration, clock: Clock) -> Self {
        Self { idle: RefCell::default(), max_idle, idle_ticks: Clock::ticks(idle_timeout), clock }
    }

    /// The connection used last, which is the least likely to be closing and the warmest in every cache.
    pub(super) fn take(&self) -> Option<Link> {
        loop {
            let mut idle = self.idle.borrow_mut().pop_back()?;
            if idle.link.is_ready() && !self.is_expired(&idle) {
                return Some(idle.link);
            }
        }
    }

    /// Keeps a connection whose answer was read to its end.
    pub(super) fn put(&self, link: Link) {
        if self.idle.borrow().len() < self.max_idle {
            self.idle.borrow_mut().push_back(Idle { link, since: self.clock.tick() });
        }
    }

    /// Closes what has been idle for too long.
    pub(super) fn expire(&self) {
        let mut idle = self.idle.borrow_mut();
        while idle.front().is_some_and(|oldest| self.is_expired(oldest)) {
            idle.pop_front();
        }
    }

    fn is_expired(&self, idle: &Idle) -> bool {
        self.clock.tick() - idle.since >= self.idle_ticks
    }
}
