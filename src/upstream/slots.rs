//! How many requests the application has at a time: a development server answers one after the other, and a flood is
//! better kept here than in its queue.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::Fault;
use crate::{request::rate::network, server::Deadline};

/// Shared by all workers. Clients take turns, however many requests each has; of one client's requests, the one that
/// waits longest is next.
#[derive(Clone, Debug)]
pub struct Slots {
    queue: Arc<Mutex<Queue>>,
    patience: Duration,
}

#[derive(Debug)]
struct Queue {
    /// While there is any, nobody waits.
    free: usize,
    /// Whose turn it is comes first. Each once, and none without a request.
    clients: VecDeque<(Client, VecDeque<Sender<()>>)>,
}

/// An IPv4 address, or a network of 64 bits of IPv6.
type Client = Vec<u8>;

/// A place of one request, until its answer is over.
#[derive(Debug)]
pub(crate) struct Slot {
    queue: Arc<Mutex<Queue>>,
}

/// A request that waits for its place.
struct Waiting<'a> {
    queue: &'a Arc<Mutex<Queue>>,
    client: Client,
    place: Receiver<()>,
}

impl Slots {
    /// So many at a time, at least one; others wait for at most `patience`.
    pub fn new(most: usize, patience: Duration) -> Self {
        let queue = Queue { free: most.max(1), clients: VecDeque::new() };
        Self { queue: Arc::new(Mutex::new(queue)), patience }
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// [`Fault::Busy`] when none came free in time.
    pub(super) async fn take(&self, client: IpAddr, deadline: &Deadline) -> Result<Slot, Fault> {
        let Some(mut waiting) = self.try_take(client) else { return Ok(self.slot()) };
        deadline.set(self.patience);
        // Every place that is given back is passed on: nobody is forgotten.
        let placed = deadline.bound(&mut waiting.place).await.is_some_and(|place| place.is_ok());
        if placed { Ok(self.slot()) } else { Err(Fault::Busy) }
    }

    /// None if there is a place now.
    fn try_take(&self, client: IpAddr) -> Option<Waiting<'_>> {
        let mut queue = lock(&self.queue);
        if queue.free > 0 {
            queue.free -= 1;
            return None;
        }
        let (give, place) = channel();
        let client = network(client);
        queue.add(&client, give);
        Some(Waiting { queue: &self.queue, client, place })
    }

    /// A place that was taken.
    fn slot(&self) -> Slot {
        Slot { queue: self.queue.clone() }
    }
}

impl Queue {
    fn add(&mut self, client: &Client, request: Sender<()>) {
        match self.clients.iter_mut().find(|(known, _)| known == client) {
            Some((_, requests)) => requests.push_back(request),
            None => self.clients.push_back((client.clone(), VecDeque::from([request]))),
        }
    }

    /// The request whose turn it is. If there is none, the place is free.
    fn next(&mut self) -> Option<Sender<()>> {
        let Some((client, mut requests)) = self.clients.pop_front() else {
            self.free += 1;
            return None;
        };
        let next = requests.pop_front();
        if !requests.is_empty() {
            self.clients.push_back((client, requests));
        }
        next
    }

    /// Forgets the requests of a client that wait no more.
    fn forget(&mut self, client: &Client) {
        let Some(at) = self.clients.iter().position(|(known, _)| known == client) else { return };
        let (_, requests) = &mut self.clients[at];
        requests.retain(|request| !request.is_closed());
        if requests.is_empty() {
            self.clients.remove(at);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        pass_on(&self.queue);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let taken = self.place.is_terminated();
        self.place.close();
        match self.place.try_recv() {
            // It came in the moment in which it was no longer waited for.
            Ok(()) if !taken => pass_on(self.queue),
            _ => lock(self.queue).forget(&self.client),
        }
    }
}

/// Gives a place to whoever is next.
fn pass_on(queue: &Mutex<Queue>) {
    loop {
        let next = lock(queue).next();
        if next.is_none_or(|request| request.send(()).is_ok()) {
            return;
        }
    }
}

/// Nothing that holds the lock can leave the queue half changed.
fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::server::Clock;

    type Request<'a> = Pin<Box<dyn Future<Output = Result<Slot, Fault>> + 'a>>;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn request<'a>(slots: &'a Slots, client: IpAddr, deadline: &'a Deadline) -> Request<'a> {
        Box::pin(slots.take(client, deadline))
    }

    fn poll(request: &mut Request<'_>) -> Poll<Result<Slot, Fault>> {
        request.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    /// The place of a request whose turn it is.
    fn placed(request: &mut Request<'_>) -> Slot {
        match poll(request) {
            Poll::Ready(Ok(slot)) => slot,
            _ => panic!("it is its turn"),
        }
    }

    /// Requests of these clients, all of which wait for one place; and that place.
    fn waiting<'a>(slots: &'a Slots, deadlines: &'a [Deadline], clients: &[IpAddr]) -> (Slot, Vec<Request<'a>>) {
        let place = placed(&mut request(slots, ONE, &deadlines[0]));
        let mut requests: Vec<_> =
            clients.iter().zip(&deadlines[1..]).map(|(client, deadline)| request(slots, *client, deadline)).collect();
        assert!(requests.iter_mut().all(|request| poll(request).is_pending()));
        (place, requests)
    }

    fn deadlines() -> Vec<Deadline> {
        let clock = Clock::default();
        (0..9).map(|_| clock.deadline()).collect()
    }

    fn slots() -> Slots {
        Slots::new(1, Duration::from_secs(1))
    }

    #[test]
    fn of_one_client_who_waits_longest_is_next_and_nobody_comes_in_between() {
        let (slots, deadlines) = (slots(), deadlines());
        let (place, mut requests) = waiting(&slots, &deadlines, &[ONE, ONE]);
        drop(place);
        assert!(poll(&mut request(&slots, OTHER, &deadlines[8])).is_pending());
        assert!(poll(&mut requests[1]).is_pending());
        drop(placed(&mut requests[0]));
        drop(placed(&mut requests[1]));
        assert!(poll(&mut request(&slots, OTHER, &deadlines[8])).is_ready());
    }

    #[test]
    fn clients_take_turns_however_much_each_asks_for() {
        let (slots, deadlines) = (slots(), deadlines());
        let (place, mut requests) = waiting(&slots, &deadlines, &[ONE, ONE, ONE, OTHER, OTHER]);
        drop(place);
        for turn in [0, 3, 1, 4, 2] {
            drop(placed(&mut requests[turn]));
        }
    }

    #[test]
    fn who_goes_away_is_forgotten_and_a_place_that_came_too_late_is_passed_on() {
        let (slots, deadlines) = (slots(), deadlines());
        let (place, mut requests) = waiting(&slots, &deadlines, &[ONE, OTHER, ONE, ONE]);
        drop(requests.remove(2));
        assert_eq!(lock(&slots.queue).clients.iter().map(|(_, requests)| requests.len()).sum::<usize>(), 3);
        drop(place);
        drop(requests.remove(0));
        drop(placed(&mut requests[0]));
        drop(placed(&mut requests[1]));
        drop(requests);
        let queue = lock(&slots.queue);
        assert_eq!((queue.free, queue.clients.len()), (1, 0));
    }
}
