//! Where a decoder writes to before what it wrote is known to fit: a body needs the room only while it is being read, so
//! that a thread's bodies share it.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
};

use super::STEP;

/// Parts of bodies are decoded while the body around them is.
const IDLE_MAX: usize = 4;

thread_local! {
    static IDLE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// [`STEP`] bytes, in which anything may stand.
#[derive(Debug)]
pub(super) struct Scratch(Box<[u8]>);

impl Scratch {
    pub(super) fn take() -> Self {
        let idle = IDLE.try_with(|idle| idle.borrow_mut().pop()).ok().flatten();
        Self(idle.unwrap_or_else(|| vec![0; STEP].into()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let room = std::mem::take(&mut self.0);
        // Where the thread itself ends, there is nothing to keep it in.
        let _ = IDLE.try_with(|idle| {
            let mut idle = idle.borrow_mut();
            if idle.len() < IDLE_MAX {
                idle.push(room);
            }
        });
    }
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
