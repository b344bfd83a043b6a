//! The deflate format (RFC 1951, optionally in RFC 1950's wrapper), one bounded turn at a time.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

/// Bytes of the decompressor: the window of 32 KiB and the tables beside it.
pub(super) const MEMORY: usize = 48 << 10;

/// A thread keeps so many decompressors for the bodies to come: making one and its first use of fresh memory costs as
/// much as reading a small page.
const IDLE_MAX: usize = 16;

thread_local! {
    static IDLE: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
}

/// A decompressor that keeps its window and tables from body to body.
#[derive(Debug)]
pub(super) struct Inflate {
    /// None only while it is dropped.
    state: Option<Decompress>,
}

/// What one turn did.
pub(super) struct Turn {
    pub(super) written: usize,
    /// Whether the end of the stream was read. Then nothing more will be written.
    pub(super) ended: bool,
}

/// The stream is malformed.
pub(super) struct Malformed;

impl Inflate {
    pub(super) fn new() -> Self {
        let idle = IDLE.try_with(|idle| idle.borrow_mut().pop()).ok().flatten();
        Self { state: Some(idle.unwrap_or_else(|| Decompress::new(false))) }
    }

    /// Begins a new stream, in zlib's wrapper or bare.
    pub(super) fn reset(&mut self, zlib: bool) {
        if let Some(state) = &mut self.state {
            state.reset(zlib);
        }
    }

    /// Takes from `input` and writes to `output` until one of them is used up.
    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Turn, Malformed> {
        let state = self.state.as_mut().ok_or(Malformed)?;
        let (read_before, written_before) = (state.total_in(), state.total_out());
        let status = state.decompress(input, output, FlushDecompress::None);
        let written = progress(written_before, state.total_out());
        *input = input.get(progress(read_before, state.total_in())..).unwrap_or_default();
        match status {
            Ok(status) => Ok(Turn { written, ended: status == Status::StreamEnd }),
            // What stands before the damage is content; the library repeats the error on the next turn.
            Err(_) if written > 0 => Ok(Turn { written, ended: false }),
            Err(_) => Err(Malformed),
        }
    }
}

impl Drop for Inflate {
    /// Keeps the decompressor, as it was when it was new, so that the next body finds nothing of this one.
    fn drop(&mut self) {
        let Some(mut state) = self.state.take() else { return };
        // Where the thread itself ends, there is nothing to keep it in.
        let _ = IDLE.try_with(|idle| {
            let mut idle = idle.borrow_mut();
            if idle.len() < IDLE_MAX {
                state.reset(false);
                idle.push(state);
            }
        });
    }
}

/// A turn is bounded by the lengths of two slices.
fn progress(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hello`, uncompressed, and a copy of 3 bytes from 5 bytes before.
    const STORED: [u8; 10] = [1, 5, 0, 0xfa, 0xff, b'h', b'e', b'l', b'l', b'o'];
    const REACHING_BACK: [u8; 3] = [0x03, 0x12, 0x00];

    fn read(mut stream: &[u8]) -> Option<Vec<u8>> {
        let (mut inflate, mut content) = (Inflate::new(), [0; 64]);
        let turn = inflate.step(&mut stream, &mut content).ok()?;
        turn.ended.then(|| content[..turn.written].to_vec())
    }

    #[test]
    fn a_body_finds_nothing_of_the_one_before() {
        for _ in 0..3 {
            assert_eq!(read(&STORED).as_deref(), Some(b"hello".as_slice()));
            assert_eq!(read(&REACHING_BACK), None);
            assert_eq!(read(&STORED[..7]), None);
        }
    }

    #[test]
    fn a_thread_keeps_a_few() {
        drop((0..2 * IDLE_MAX).map(|_| Inflate::new()).collect::<Vec<_>>());
        assert_eq!(IDLE.with(|idle| idle.borrow().len()), IDLE_MAX);
    }
}
