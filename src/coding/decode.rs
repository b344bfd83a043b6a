//! Coded bytes to content: a chain of layers, each giving out no more than the slice it is handed.

use std::fmt;

use super::{
    Coding, CodingError, Limits, Plan, brotli, brotli::Brotli, deflate::Deflate, gzip::Gzip, inflate, zstd, zstd::Zstd,
};

/// Bytes between two layers of a stack.
const BETWEEN_LAYERS: usize = 16 << 10;

/// Decoded bytes between two looks at the limits. Fixed points in the content, so that where a body is cut does not
/// depend on the pieces it came in.
const CHECKPOINT: u64 = 64 << 10;

/// What one call of [`Decoder::decode`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes written to the beginning of the output.
    pub written: usize,
    /// Whether to call again before giving more input: the output was filled, or an error follows the bytes written.
    /// If not, all input was consumed, and everything that can be made of it has been given out.
    pub has_more: bool,
}

/// Undoes the content codings of one body.
///
/// ```
/// # use cofferdam::coding::{Decoder, Limits, Plan, CodingError};
/// # fn content(field: &[u8], pieces: &[&[u8]]) -> Result<Vec<u8>, CodingError> {
/// let plan = Plan::from_headers([field].into_iter());
/// let mut decoder = Decoder::new(&plan, Limits::default())?;
/// let (mut buffer, mut content) = (vec![0; 4096], Vec::new());
/// for mut piece in pieces.iter().copied() {
///     loop {
///         let progress = decoder.decode(&mut piece, &mut buffer)?;
///         content.extend_from_slice(&buffer[..progress.written]);
///         if !progress.has_more {
///             break;
///         }
///     }
/// }
/// decoder.finish()?;
/// # Ok(content)
/// # }
/// # assert_eq!(content(b"br", &[b"\x8f\x02\x80hel", b"lo\n\x03"]), Ok(b"hello\n".to_vec()));
/// ```
pub struct Decoder {
    /// In the order of decoding: the first reads the wire. Empty for identity.
    layers: Vec<Layer>,
}

/// One coding being undone.
pub(super) trait Machine: Send {
    /// Takes from `input` and writes to `output`, which is not empty, and says how much was written. Every turn makes
    /// progress while there is input or something undelivered inside.
    fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, CodingError>;

    /// Whether the coded stream may end here. True before the first byte.
    fn is_complete(&self) -> bool;

    /// Whether the content goes on behind what came so far.
    fn lacks_content(&self) -> bool {
        !self.is_complete()
    }

    /// After [`CodingError::NotCoded`]: the bytes consumed until then.
    fn taken(&self) -> &[u8] {
        &[]
    }

    /// Whether the coded stream carried bytes that are not content.
    fn has_metadata(&self) -> bool {
        false
    }

    /// Makes ready for another body.
    fn reset(&mut self);

    /// Bytes held now, windows declared by the stream included.
    fn memory(&self) -> usize;
}

/// A machine, what it still has to read, and its account.
struct Layer {
    coding: Coding,
    limits: Limits,
    /// Whether another layer stands before this one.
    inner: bool,
    machine: Box<dyn Machine>,
    /// Output of the layer before this one. Empty in the first layer, which reads the wire.
    buffer: Box<[u8]>,
    /// The part of `buffer` not read yet. `start <= end <= buffer.len()`.
    start: usize,
    end: usize,
    /// Bytes read.
    coded: u64,
    /// Bytes written.
    decoded: u64,
    /// The first error; every later call repeats it.
    failed: Option<CodingError>,
}

/// Bytes that a decoder of these codings can come to hold.
pub(super) fn memory_bound(codings: &[Coding], limits: &Limits) -> usize {
    let machine = |coding: &Coding| match coding {
        Coding::Gzip | Coding::Deflate => inflate::MEMORY,
        Coding::Brotli => brotli::memory_bound(limits),
        Coding::Zstd => zstd::memory_bound(limits),
    };
    codings.iter().map(machine).sum::<usize>() + codings.len().saturating_sub(1) * BETWEEN_LAYERS
}

impl Decoder {
    /// A decoder for bodies of this plan. [`Plan::memory`] tells what to reserve first; a plan that refuses is taken
    /// as identity, since a caller that goes on regardless wants the bytes as they are.
    ///
    /// # Errors
    /// [`CodingError::WindowTooLarge`] if the library cannot get memory.
    pub fn new(plan: &Plan, limits: Limits) -> Result<Self, CodingError> {
        let layer = |(depth, coding): (usize, &Coding)| Layer::new(*coding, depth > 0, &limits);
        let layers = plan.codings().iter().enumerate().map(layer).collect::<Result<_, _>>()?;
        Ok(Self { layers })
    }

    /// Decodes from the front of `input`, which shrinks, into `output`, which must not be empty.
    ///
    /// # Errors
    /// Any of [`CodingError`] but `Truncated`. Content before the place of the error is given out first. After an
    /// error every call repeats it.
    pub fn decode(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Progress, CodingError> {
        debug_assert!(!output.is_empty());
        let mut written = 0;
        let result = match self.layers.as_mut_slice() {
            [] => {
                written = copy(input, output);
                Ok(())
            }
            layers => pull(layers, input, output, &mut written),
        };
        match result {
            Err(error) if written == 0 => Err(error),
            Err(_) => Ok(Progress { written, has_more: true }),
            Ok(()) => Ok(Progress { written, has_more: written == output.len() }),
        }
    }

    /// Says whether the body was whole, after all of it went through [`Decoder::decode`] until nothing more came.
    ///
    /// # Errors
    /// [`CodingError::Truncated`], or the error met before.
    pub fn finish(&self) -> Result<(), CodingError> {
        match self.layers.iter().rev().find_map(|layer| layer.failed) {
            Some(error) => Err(error),
            None => self.layers.iter().try_for_each(Layer::finish),
        }
    }

    /// Whether the coded bytes so far stop before the content does, so that more of it than a checksum is missing.
    pub fn lacks_content(&self) -> bool {
        self.layers.iter().any(|layer| layer.start < layer.end || layer.machine.lacks_content())
    }

    /// After [`CodingError::NotCoded`]: the bytes that were consumed before it showed, at most three. They and what is
    /// left of the input are the body.
    pub fn taken(&self) -> &[u8] {
        self.layers.first().map_or(&[], |layer| layer.machine.taken())
    }

    /// Whether the coded bytes carried something that is not content and was not given out: a file name, comment or
    /// extra field of gzip, a skippable frame of zstd. Such bytes must not be forwarded as they came.
    ///
    /// br can carry metadata blocks too, which the library skips without saying so.
    pub fn has_metadata(&self) -> bool {
        self.layers.iter().any(|layer| layer.machine.has_metadata())
    }

    /// Bytes held now, never more than [`Plan::memory`]. Grows when a stream declares its window, which is before the
    /// window is touched.
    pub fn memory(&self) -> usize {
        self.layers.iter().map(|layer| layer.machine.memory() + layer.buffer.len()).sum()
    }

    /// Makes ready for another body of the same plan, keeping allocated state where the libraries can.
    pub fn reset(&mut self) {
        self.layers.iter_mut().for_each(Layer::reset);
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.layers.iter().map(|layer| (layer.coding, layer.coded, layer.decoded))).finish()
    }
}

/// Identity.
fn copy(input: &mut &[u8], output: &mut [u8]) -> usize {
    let (now, later) = input.split_at(input.len().min(output.len()));
    output[..now.len()].copy_from_slice(now);
    *input = later;
    now.len()
}

/// Fills `output` from the last layer, which is fed from the layers before it, the first of them from `input`.
///
/// `written` is right in case of an error, too. Returns without an error when `output` is full, or when `input` is
/// used up and no layer can make anything more of it.
fn pull(layers: &mut [Layer], input: &mut &[u8], output: &mut [u8], written: &mut usize) -> Result<(), CodingError> {
    let Some((last, before)) = layers.split_last_mut() else { return Ok(()) };
    if before.is_empty() {
        return last.run(None, input, output, written);
    }
    loop {
        let wire = before.first().map(|first| first.coded);
        last.run_buffered(wire, output, written)?;
        if *written == output.len() {
            return Ok(());
        }
        (last.start, last.end) = (0, 0);
        let refilled = pull(before, input, &mut last.buffer, &mut last.end);
        if last.end == 0 {
            return refilled;
        }
        // An error behind these bytes comes again when they are used up.
    }
}

impl Layer {
    fn new(coding: Coding, inner: bool, limits: &Limits) -> Result<Self, CodingError> {
        let machine: Box<dyn Machine> = match coding {
            Coding::Gzip => Box::new(Gzip::new()),
            Coding::Deflate => Box::new(Deflate::new()),
            Coding::Brotli => Box::new(Brotli::new(limits)),
            Coding::Zstd => Box::new(Zstd::new(limits)?),
        };
        let buffer = vec![0; if inner { BETWEEN_LAYERS } else { 0 }].into_boxed_slice();
        Ok(Self {
            coding,
            limits: *limits,
            inner,
            machine,
            buffer,
            start: 0,
            end: 0,
            coded: 0,
            decoded: 0,
            failed: None,
        })
    }

    /// Fills `output` behind `written` from this layer's own buffer.
    fn run_buffered(&mut self, wire: Option<u64>, output: &mut [u8], written: &mut usize) -> Result<(), CodingError> {
        debug_assert!(self.start <= self.end && self.end <= self.buffer.len());
        let buffer = std::mem::take(&mut self.buffer);
        let mut pending = &buffer[self.start..self.end];
        let result = self.run(wire, &mut pending, output, written);
        self.start = self.end - pending.len();
        self.buffer = buffer;
        result
    }

    /// Fills `output` behind `written`. `wire` counts the bytes of the first layer, if that is not this one.
    fn run(
        &mut self,
        wire: Option<u64>,
        input: &mut &[u8],
        output: &mut [u8],
        written: &mut usize,
    ) -> Result<(), CodingError> {
        while *written < output.len() {
            let before = (input.len(), *written);
            self.turn(wire, input, &mut output[*written..], written)?;
            if (input.len(), *written) == before {
                return if input.is_empty() { Ok(()) } else { self.fail(CodingError::Corrupt(self.coding)) };
            }
        }
        Ok(())
    }

    /// One step of the machine, not across a checkpoint.
    fn turn(
        &mut self,
        wire: Option<u64>,
        input: &mut &[u8],
        output: &mut [u8],
        written: &mut usize,
    ) -> Result<(), CodingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let room = usize::try_from(CHECKPOINT - self.decoded % CHECKPOINT).unwrap_or(usize::MAX).min(output.len());
        let before = input.len();
        let step = self.machine.step(input, &mut output[..room]);
        self.coded += (before - input.len()) as u64;
        let given = match step {
            Ok(given) => given,
            Err(error) => return self.fail(error),
        };
        self.decoded += given as u64;
        *written += given;
        let looks = given > 0 && self.decoded.is_multiple_of(CHECKPOINT);
        if looks && !self.limits.allow(self.decoded, wire.unwrap_or(self.coded)) {
            return self.fail(CodingError::TooExpanded(self.coding));
        }
        Ok(())
    }

    fn fail(&mut self, error: CodingError) -> Result<(), CodingError> {
        let error = match error {
            // The layer before has been undone: the body as it came is not the content.
            CodingError::NotCoded(coding) if self.inner => CodingError::Corrupt(coding),
            other => other,
        };
        self.failed = Some(error);
        Err(error)
    }

    fn finish(&self) -> Result<(), CodingError> {
        let complete = self.start == self.end && self.machine.is_complete();
        if complete { Ok(()) } else { Err(CodingError::Truncated(self.coding)) }
    }

    fn reset(&mut self) {
        self.machine.reset();
        (self.start, self.end, self.coded, self.decoded, self.failed) = (0, 0, 0, 0, None);
    }
}

/// Decodes arbitrary bytes whole and in pieces, and checks what holds for any input: no panic, never more output than
/// room, an end to it, and the same content whichever way it came.
///
/// The first byte chooses the codings, the second the sizes of pieces and of the output, the rest is the body.
#[doc(hidden)]
pub fn fuzz_decode(data: &[u8]) {
    let [codings, sizes, body @ ..] = data else { return };
    let plan = fuzz_plan(*codings);
    let limits = Limits { total: 1 << 20, ..Limits::default() };
    let whole = fuzz_run(&plan, limits, body, body.len().max(1), 64 << 10);
    let pieces = fuzz_run(&plan, limits, body, usize::from(sizes & 15) + 1, 1 << (sizes >> 4));
    assert_eq!(whole.is_ok(), pieces.is_ok(), "the verdict depends on the delivery: {whole:?} {pieces:?}");
    if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
        assert!(whole == pieces, "the content depends on the delivery");
    }
}

/// One to four codings.
fn fuzz_plan(choice: u8) -> Plan {
    const ALL: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
    let first = ALL[usize::from(choice & 3)];
    let second = ALL[usize::from(choice >> 2 & 3)];
    Plan::Decode([first, second, first, second][..1 + usize::from(choice >> 6)].to_vec())
}

fn fuzz_run(plan: &Plan, limits: Limits, body: &[u8], piece: usize, room: usize) -> Result<Vec<u8>, CodingError> {
    let mut decoder = Decoder::new(plan, limits)?;
    let (mut output, mut content) = (vec![0; room], Vec::new());
    for mut input in body.chunks(piece) {
        loop {
            let before = input.len();
            let progress = decoder.decode(&mut input, &mut output)?;
            assert!(progress.written <= room && input.len() <= before);
            assert!(progress.has_more || input.is_empty(), "input left behind");
            assert!(decoder.memory() <= plan.memory(&limits));
            content.extend_from_slice(&output[..progress.written]);
            assert!(content.len() as u64 <= limits.total + CHECKPOINT);
            if !progress.has_more {
                break;
            }
        }
    }
    decoder.finish().map(|()| content)
}
