//! Writes at the end of a turn of the event loop.
//!
//! A write to a process that sleeps wakes it, which costs whoever writes as much as the write itself: another processor
//! has to be interrupted. So whatever is ready at the same time is read and judged first and written afterwards. The first
//! write wakes the other side, and that finds the others without having slept in between. Nobody waits for longer than
//! each task that is ready takes to run once.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Lets the tasks that are ready go first, once.
#[derive(Debug, Default)]
pub(crate) struct GiveWay {
    given: bool,
}

impl Future for GiveWay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.given, true) {
            return Poll::Ready(());
        }
        // A task that is woken while it runs goes behind all that wait already.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use tokio::task::spawn_local;

    use super::*;

    #[test]
    fn what_is_ready_at_the_same_time_is_read_before_anything_is_written() {
        let steps = Rc::new(RefCell::new(Vec::new()));
        let step = |steps: Rc<RefCell<Vec<_>>>, task| async move {
            steps.borrow_mut().push((task, "read"));
            GiveWay::default().await;
            steps.borrow_mut().push((task, "write"));
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let tasks: Vec<_> = (1..=2).map(|task| spawn_local(step(steps.clone(), task))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert_eq!(*steps.borrow(), [(1, "read"), (2, "read"), (1, "write"), (2, "write")]);
    }
}
