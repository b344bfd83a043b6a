//! Content to coded bytes: for a masked body, and for clients served compressed by setting.

use std::{fmt, mem::size_of};

use brotli::enc::{
    StandardAlloc,
    encode::{BrotliEncoderOperation, BrotliEncoderParameter, BrotliEncoderStateStruct},
};
use flate2::{Compress, Compression, FlushCompress, Status};
use zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective};

use super::{Coding, CodingError};

/// zlib's fastest: a proxy codes while the client waits, and higher levels cost two to four times as much for a few
/// per cent of a page.
const DEFLATE_LEVEL: u32 = 1;
/// The least that beats gzip in size on pages at bearable cost.
const BROTLI_QUALITY: u32 = 4;
/// 256 KiB: covers most pages, and is what a decoder on the other side must allocate.
const BROTLI_WINDOW_LOG: u32 = 18;
const ZSTD_LEVEL: i32 = 1;

/// Room made at the end of the caller's buffer for one turn of a library.
const TURN: usize = 8 << 10;

/// Codes one body.
///
/// Every call appends to `out`. Small pushes may append nothing: [`Encoder::flush`] what the client must see now.
pub struct Encoder {
    coding: Coding,
    machine: Machine,
}

enum Machine {
    /// gzip and deflate, the latter in zlib's wrapper.
    Deflate(Compress),
    Brotli(Box<BrotliEncoderStateStruct<StandardAlloc>>),
    Zstd(CCtx<'static>),
}

/// What the library is to do with what it holds, beside taking more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// Whatever codes best.
    Continue,
    /// Give out everything pushed so far.
    Flush,
    /// Give out everything and end the stream.
    Finish,
}

impl Encoder {
    /// Bytes an encoder of this coding holds, to be reserved before making it. Measured, rounded up.
    pub fn memory(coding: Coding) -> usize {
        match coding {
            Coding::Gzip | Coding::Deflate => 384 << 10,
            Coding::Brotli => 4 << 20,
            Coding::Zstd => 1400 << 10,
        }
    }

    /// An encoder for one body.
    ///
    /// # Errors
    /// [`CodingError::EncoderFailed`] if the library cannot get memory.
    pub fn new(coding: Coding) -> Result<Self, CodingError> {
        let level = Compression::new(DEFLATE_LEVEL);
        let machine = match coding {
            Coding::Gzip => Machine::Deflate(Compress::new_gzip(level, 15)),
            Coding::Deflate => Machine::Deflate(Compress::new(level, true)),
            Coding::Brotli => Machine::Brotli(new_brotli()),
            Coding::Zstd => Machine::Zstd(new_zstd().ok_or(CodingError::EncoderFailed(coding))?),
        };
        Ok(Self { coding, machine })
    }

    /// The coding written.
    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// Codes `content`.
    ///
    /// # Errors
    /// [`CodingError::EncoderFailed`].
    pub fn push(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), CodingError> {
        if content.is_empty() { Ok(()) } else { self.run(content, Goal::Continue, out) }
    }

    /// Gives out all that was pushed, so that a decoder can read it now.
    ///
    /// # Errors
    /// [`CodingError::EncoderFailed`].
    pub fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), CodingError> {
        self.run(&[], Goal::Flush, out)
    }

    /// Ends the coded stream. Afterwards only [`Encoder::reset`] makes sense.
    ///
    /// # Errors
    /// [`CodingError::EncoderFailed`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CodingError> {
        self.run(&[], Goal::Finish, out)
    }

    /// Makes ready for another body, keeping allocated state where the libraries can.
    pub fn reset(&mut self) {
        match &mut self.machine {
            Machine::Deflate(state) => state.reset(),
            Machine::Brotli(state) => *state = new_brotli(),
            Machine::Zstd(context) => {
                // Documented never to fail for the session.
                let _ = context.reset(ResetDirective::SessionOnly);
            }
        }
    }

    fn run(&mut self, content: &[u8], goal: Goal, out: &mut Vec<u8>) -> Result<(), CodingError> {
        let done = match &mut self.machine {
            Machine::Deflate(state) => run_deflate(state, content, goal, out),
            Machine::Brotli(state) => run_brotli(state, content, goal, out),
            Machine::Zstd(context) => run_zstd(context, content, goal, out),
        };
        done.ok_or(CodingError::EncoderFailed(self.coding))
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Encoder").field(&self.coding).finish()
    }
}

fn new_brotli() -> Box<BrotliEncoderStateStruct<StandardAlloc>> {
    let mut state = Box::new(BrotliEncoderStateStruct::new(StandardAlloc::default()));
    state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_QUALITY, BROTLI_QUALITY);
    state.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_LGWIN, BROTLI_WINDOW_LOG);
    state
}

fn new_zstd() -> Option<CCtx<'static>> {
    let mut context = CCtx::try_create()?;
    context.set_parameter(CParameter::CompressionLevel(ZSTD_LEVEL)).ok()?;
    Some(context)
}

fn run_deflate(state: &mut Compress, mut content: &[u8], goal: Goal, out: &mut Vec<u8>) -> Option<()> {
    let flush = match goal {
        Goal::Continue => FlushCompress::None,
        Goal::Flush => FlushCompress::Sync,
        Goal::Finish => FlushCompress::Finish,
    };
    loop {
        out.reserve(TURN);
        let read_before = state.total_in();
        let status = state.compress_vec(content, out, flush).ok()?;
        content = content.get(usize::try_from(state.total_in() - read_before).ok()?..)?;
        let done = match goal {
            // Room left over means that nothing is held back any more than the goal allows.
            Goal::Continue | Goal::Flush => content.is_empty() && out.len() < out.capacity(),
            Goal::Finish => status == Status::StreamEnd,
        };
        if done {
            return Some(());
        }
    }
}

fn run_brotli(
    state: &mut BrotliEncoderStateStruct<StandardAlloc>,
    content: &[u8],
    goal: Goal,
    out: &mut Vec<u8>,
) -> Option<()> {
    let operation = match goal {
        Goal::Continue => BrotliEncoderOperation::BROTLI_OPERATION_PROCESS,
        Goal::Flush => BrotliEncoderOperation::BROTLI_OPERATION_FLUSH,
        Goal::Finish => BrotliEncoderOperation::BROTLI_OPERATION_FINISH,
    };
    let (mut available_in, mut read) = (content.len(), 0);
    loop {
        // Without room of the caller the encoder keeps its output, which is then taken below.
        let (mut no_room, mut nothing_written, mut total) = (0, 0, None);
        let accepted = state.compress_stream(
            operation,
            &mut available_in,
            content,
            &mut read,
            &mut no_room,
            &mut [],
            &mut nothing_written,
            &mut total,
            &mut |_, _, _, _| (),
        );
        if !accepted {
            return None;
        }
        while state.has_more_output() {
            // Zero asks for all of it; the slice given back reaches beyond that.
            let mut len = 0;
            let output = state.take_output(&mut len);
            out.extend_from_slice(output.get(..len)?);
        }
        if available_in == 0 && (goal != Goal::Finish || state.is_finished()) {
            return Some(());
        }
    }
}

fn run_zstd(context: &mut CCtx<'static>, content: &[u8], goal: Goal, out: &mut Vec<u8>) -> Option<()> {
    let mut source = InBuffer::around(content);
    loop {
        out.reserve(TURN);
        let end = out.len();
        let mut target = OutBuffer::around_pos(out, end);
        let remaining = match goal {
            Goal::Continue => context.compress_stream(&mut target, &mut source),
            Goal::Flush => context.flush_stream(&mut target),
            Goal::Finish => context.end_stream(&mut target),
        }
        .ok()?;
        let done = if goal == Goal::Continue { source.pos() == content.len() } else { remaining == 0 };
        if done {
            return Some(());
        }
    }
}

const _: () = assert!(size_of::<BrotliEncoderStateStruct<StandardAlloc>>() < 64 << 10);
