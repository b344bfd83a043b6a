//! The coding `br` (RFC 7932).

use std::mem::size_of;

use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, SliceWrapper as _, enc::StandardAlloc};

use super::{Coding::Brotli as CODING, CodingError, Limits, decode::Machine};

/// The largest window without the large-window extension.
const WINDOW_LOG_MAX: u8 = 24;

/// The three groups of up to 256 prefix codes of a stream, 1080 entries of 4 bytes each.
const CODES_MAX: usize = 3 * 256 * 1080 * CODE;

/// One entry of a prefix code.
const CODE: usize = size_of::<brotli::HuffmanCode>();

/// Tables that do not depend on the stream's number of prefix codes, and the context maps at their largest.
const TABLES: usize = 7 * 1080 * CODE + (20 << 10);

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

pub(super) struct Brotli {
    state: Box<State>,
    window_max: usize,
    /// The window in bytes; 0 before the first byte.
    window: usize,
    ended: bool,
}

/// Bytes that a decoder can come to hold.
pub(super) fn memory_bound(limits: &Limits) -> usize {
    size_of::<State>() + TABLES + CODES_MAX + limits.window(WINDOW_LOG_MAX)
}

impl Brotli {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { state: new_state(), window_max: limits.window(WINDOW_LOG_MAX), window: 0, ended: false }
    }

    /// The library allocates the window as soon as it knows its size, which the first byte tells.
    fn check_window(&mut self, first: u8) -> Result<(), CodingError> {
        self.window = 1 << window_log(first);
        if self.window > self.window_max { Err(CodingError::WindowTooLarge(CODING)) } else { Ok(()) }
    }

    fn run(&mut self, input: &mut &[u8], output: &mut [u8]) -> (BrotliResult, usize) {
        let (mut available_in, mut read) = (input.len(), 0);
        let (mut available_out, mut written, mut total) = (output.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut available_in,
            &mut read,
            input,
            &mut available_out,
            &mut written,
            output,
            &mut total,
            &mut self.state,
        );
        *input = input.get(read..).unwrap_or_default();
        (result, written)
    }
}

impl Machine for Brotli {
    fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, CodingError> {
        match input.first() {
            Some(_) if self.ended => return Err(CodingError::TrailingBytes(CODING)),
            Some(first) if self.window == 0 => self.check_window(*first)?,
            None if self.ended || self.window == 0 => return Ok(0),
            Some(_) | None => {}
        }
        let (result, written) = self.run(input, output);
        match result {
            BrotliResult::ResultFailure if written == 0 => return Err(CodingError::Corrupt(CODING)),
            BrotliResult::ResultSuccess => self.ended = true,
            // After a failure behind some content, the library repeats the failure on the next turn.
            BrotliResult::ResultFailure | BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        }
        Ok(written)
    }

    fn is_complete(&self) -> bool {
        self.ended || self.window == 0
    }

    fn reset(&mut self) {
        *self.state = *new_state();
        (self.window, self.ended) = (0, false);
    }

    fn memory(&self) -> usize {
        let state = &self.state;
        let groups = [&state.literal_hgroup, &state.insert_copy_hgroup, &state.distance_hgroup];
        let codes: usize = groups.iter().map(|group| group.codes.slice().len()).sum();
        size_of::<State>() + TABLES + codes * CODE + self.window
    }
}

fn new_state() -> Box<State> {
    let alloc = StandardAlloc::default();
    // Not `new`, which admits windows up to 1 GiB.
    Box::new(State::new_strict(alloc, alloc, alloc))
}

/// WBITS (RFC 7932 section 9.1), the window's binary logarithm, from the first byte of a stream. What is not valid
/// there is left to the library to refuse.
fn window_log(first: u8) -> u32 {
    let (short, long) = (u32::from(first >> 1 & 7), u32::from(first >> 4 & 7));
    match (first & 1, short, long) {
        (0, ..) => 16,
        (_, 0, 0) => 17,
        (_, 0, long) => 8 + long,
        (_, short, _) => 17 + short,
    }
}
