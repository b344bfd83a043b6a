//! What a worker's connections share.

use std::{
    cell::{RefCell, RefMut},
    fmt,
    rc::Rc,
    time::{Duration, UNIX_EPOCH},
};

use crate::http1::SpareHeads;

/// Bytes that are read at once while a head is awaited.
const READ: usize = 16 * 1024;

/// Buffers for responses that are kept, and the most bytes of one.
const OUTPUTS_KEPT: usize = 32;
const MOST_KEPT: usize = 8 * 1024;

/// Room that no connection keeps anything in between two steps. Clones are the same room.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Scratch(Rc<Workspace>);

struct Workspace {
    /// Where heads arrive.
    read: RefCell<Box<[u8]>>,
    /// Where responses are put together, each lent to one connection at a time.
    write: RefCell<Vec<Vec<u8>>>,
    /// Of the response before, for the next request.
    fields: SpareHeads,
    /// The second, and the date as it is sent.
    date: RefCell<(u64, String)>,
}

impl Default for Workspace {
    fn default() -> Self {
        let date = RefCell::new((u64::MAX, String::new()));
        Self {
            read: RefCell::new(vec![0; READ].into()),
            write: RefCell::default(),
            fields: SpareHeads::default(),
            date,
        }
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace").finish_non_exhaustive()
    }
}

impl Scratch {
    /// Where to read to, for as long as nothing else happens.
    pub(super) fn room(&self) -> RefMut<'_, Box<[u8]>> {
        self.0.read.borrow_mut()
    }

    /// The fields of heads that are done with, for heads to come.
    pub(super) fn spare_heads(&self) -> &SpareHeads {
        &self.0.fields
    }

    /// An empty buffer to put a response together in.
    pub(super) fn borrow_output(&self) -> Vec<u8> {
        self.0.write.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes it back for the next response, of whatever connection.
    pub(super) fn give_back(&self, output: Vec<u8>) {
        debug_assert!(output.is_empty(), "it is for others now");
        let mut kept = self.0.write.borrow_mut();
        if (1..=MOST_KEPT).contains(&output.capacity()) && kept.len() < OUTPUTS_KEPT {
            kept.push(output);
        }
    }

    /// Appends the date (RFC 9110 section 5.6.7) of a moment in seconds since the Unix epoch.
    pub(super) fn push_date(&self, out: &mut Vec<u8>, epoch: u64) {
        let mut date = self.0.date.borrow_mut();
        if date.0 != epoch {
            *date = (epoch, httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(epoch)));
        }
        out.extend_from_slice(date.1.as_bytes());
    }
}
