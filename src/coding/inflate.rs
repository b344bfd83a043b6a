//! The deflate format (RFC 1951, optionally in RFC 1950's wrapper), one bounded turn at a time.

use flate2::{Decompress, FlushDecompress, Status};

/// Bytes of the decompressor: the window of 32 KiB and the tables beside it.
pub(super) const MEMORY: usize = 48 << 10;

/// A decompressor that keeps its window and tables from body to body.
#[derive(Debug)]
pub(super) struct Inflate {
    state: Decompress,
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
        Self { state: Decompress::new(false) }
    }

    /// Begins a new stream, in zlib's wrapper or bare.
    pub(super) fn reset(&mut self, zlib: bool) {
        self.state.reset(zlib);
    }

    /// Takes from `input` and writes to `output` until one of them is used up.
    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Turn, Malformed> {
        let (read_before, written_before) = (self.state.total_in(), self.state.total_out());
        let status = self.state.decompress(input, output, FlushDecompress::None);
        let written = progress(written_before, self.state.total_out());
        *input = input.get(progress(read_before, self.state.total_in())..).unwrap_or_default();
        match status {
            Ok(status) => Ok(Turn { written, ended: status == Status::StreamEnd }),
            // What stands before the damage is content; the library repeats the error on the next turn.
            Err(_) if written > 0 => Ok(Turn { written, ended: false }),
            Err(_) => Err(Malformed),
        }
    }
}

/// A turn is bounded by the lengths of two slices.
fn progress(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}
