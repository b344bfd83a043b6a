//! The coding `zstd` (RFC 8878): frames, one after the other, some of which may be skippable.

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::{Coding::Zstd as CODING, CodingError, Limits, decode::Machine};

/// RFC 9659: no window above 8 MiB in HTTP.
const WINDOW_LOG_MAX: u8 = 23;

/// The library's context, and its buffers beside the window: a coded block and two decoded ones. Measured.
const CONTEXT: usize = (96 << 10) + 3 * (128 << 10);

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Magic number, descriptor, window, dictionary id, content size.
const FRAME_HEADER_MAX: usize = 4 + 1 + 1 + 4 + 8;

/// Magic number and size.
const SKIPPABLE_HEADER: usize = 8;

pub(super) struct Zstd {
    context: DCtx<'static>,
    window_max: usize,
    /// The largest window of the frames so far.
    window: usize,
    /// The header of the frame that begins. It is judged, and handed to the library, in one piece: given a whole
    /// frame and room for it, the library takes a short cut that does not look at the window, so that the verdict
    /// would depend on how the frame arrived.
    header: [u8; FRAME_HEADER_MAX],
    /// How many of its bytes have arrived; 0 inside a frame.
    gathered: usize,
    in_frame: bool,
    /// Whether the last turn filled the output, so that the library may hold more.
    pending: bool,
    /// Whether a frame has ended.
    later_frame: bool,
    metadata: bool,
}

/// Bytes that a decoder can come to hold.
pub(super) fn memory_bound(limits: &Limits) -> usize {
    CONTEXT + limits.window(WINDOW_LOG_MAX)
}

impl Zstd {
    pub(super) fn new(limits: &Limits) -> Result<Self, CodingError> {
        let mut context = DCtx::try_create().ok_or(CodingError::WindowTooLarge(CODING))?;
        // Beside the check of this module, because the library's own default is 128 MiB.
        context
            .set_parameter(DParameter::WindowLogMax(limits.window_log.clamp(10, WINDOW_LOG_MAX).into()))
            .map_err(|_| CodingError::WindowTooLarge(CODING))?;
        Ok(Self {
            context,
            window_max: limits.window(WINDOW_LOG_MAX),
            window: 0,
            header: [0; FRAME_HEADER_MAX],
            gathered: 0,
            in_frame: false,
            pending: false,
            later_frame: false,
            metadata: false,
        })
    }

    /// Collects the header of a frame and opens the frame when it is complete.
    fn gather(&mut self, input: &mut &[u8]) -> Result<(), CodingError> {
        while let ([byte, rest @ ..], false) = (*input, self.in_frame) {
            self.check_magic(*byte)?;
            self.header[self.gathered] = *byte;
            self.gathered += 1;
            *input = rest;
            if self.header_len() == Some(self.gathered) {
                self.open_frame()?;
            }
        }
        Ok(())
    }

    fn check_magic(&self, byte: u8) -> Result<(), CodingError> {
        let fits = match (self.gathered, self.header[0]) {
            (0, _) => byte == MAGIC[0] || is_skippable(byte),
            (at @ 1..4, first) if is_skippable(first) => byte == [0, 0x2a, 0x4d, 0x18][at],
            (at @ 1..4, _) => byte == MAGIC[at],
            _ => true,
        };
        match (fits, self.later_frame) {
            (true, _) => Ok(()),
            (false, true) => Err(CodingError::TrailingBytes(CODING)),
            (false, false) => Err(CodingError::NotCoded(CODING)),
        }
    }

    /// The length of the header (RFC 8878 sections 3.1.1.1 and 3.1.2) as soon as it is known.
    fn header_len(&self) -> Option<usize> {
        match self.gathered {
            0..=4 => None,
            _ if is_skippable(self.header[0]) => Some(SKIPPABLE_HEADER),
            _ => Some(FrameHeader::parse(&self.header).len()),
        }
    }

    fn open_frame(&mut self) -> Result<(), CodingError> {
        if is_skippable(self.header[0]) {
            self.metadata |= self.header[4..SKIPPABLE_HEADER] != [0; 4];
        } else {
            self.check_window(FrameHeader::parse(&self.header).window(&self.header))?;
        }
        let header = self.header;
        let mut rest = &header[..self.gathered];
        (self.in_frame, self.gathered) = (true, 0);
        // A turn may only open the frame, so the library takes all of it even without room for output.
        while !rest.is_empty() && self.in_frame {
            self.run(&mut rest, &mut [])?;
        }
        if rest.is_empty() { Ok(()) } else { Err(CodingError::Corrupt(CODING)) }
    }

    fn check_window(&mut self, window: u64) -> Result<(), CodingError> {
        match usize::try_from(window) {
            Ok(window) if window <= self.window_max => {
                self.window = self.window.max(window);
                Ok(())
            }
            Ok(_) | Err(_) => Err(CodingError::WindowTooLarge(CODING)),
        }
    }

    fn run(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, CodingError> {
        let mut source = InBuffer::around(input);
        let mut target = OutBuffer::around(output);
        let hint =
            self.context.decompress_stream(&mut target, &mut source).map_err(|_| CodingError::Corrupt(CODING))?;
        let (read, written) = (source.pos(), target.pos());
        self.pending = written > 0 && written == output.len();
        *input = input.get(read..).unwrap_or_default();
        if hint == 0 {
            (self.in_frame, self.pending, self.later_frame) = (false, false, true);
        }
        Ok(written)
    }
}

impl Machine for Zstd {
    fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, CodingError> {
        self.gather(input)?;
        if self.in_frame && (self.pending || !input.is_empty()) {
            return self.run(input, output);
        }
        Ok(0)
    }

    fn is_complete(&self) -> bool {
        !self.in_frame && self.gathered == 0
    }

    fn taken(&self) -> &[u8] {
        &self.header[..self.gathered]
    }

    fn has_metadata(&self) -> bool {
        self.metadata
    }

    fn reset(&mut self) {
        // Documented never to fail for the session; a context that is stuck would report the next body as corrupt.
        let _ = self.context.reset(ResetDirective::SessionOnly);
        self.gathered = 0;
        (self.in_frame, self.pending, self.later_frame, self.metadata) = (false, false, false, false);
    }

    fn memory(&self) -> usize {
        CONTEXT + self.window
    }
}

/// RFC 8878 section 3.1.2: sixteen magic numbers, told apart by the first byte.
fn is_skippable(first: u8) -> bool {
    first & 0xf0 == 0x50
}

/// Where the optional fields of a frame's header stand (RFC 8878 section 3.1.1.1).
struct FrameHeader {
    single_segment: bool,
    dictionary_id_len: usize,
    content_size_len: usize,
}

impl FrameHeader {
    fn parse(header: &[u8; FRAME_HEADER_MAX]) -> Self {
        let descriptor = header[4];
        let single_segment = descriptor & 0x20 != 0;
        Self {
            single_segment,
            dictionary_id_len: [0, 1, 2, 4][usize::from(descriptor & 3)],
            content_size_len: match descriptor >> 6 {
                0 => usize::from(single_segment),
                flag => 1 << flag,
            },
        }
    }

    fn len(&self) -> usize {
        self.content_size_at() + self.content_size_len
    }

    fn content_size_at(&self) -> usize {
        5 + usize::from(!self.single_segment) + self.dictionary_id_len
    }

    /// Bytes of history the decoder must keep.
    fn window(&self, header: &[u8; FRAME_HEADER_MAX]) -> u64 {
        if self.single_segment {
            return self.content_size(header);
        }
        let (exponent, mantissa) = (header[5] >> 3, u64::from(header[5] & 7));
        let base = 1 << (10 + exponent);
        base + base / 8 * mantissa
    }

    fn content_size(&self, header: &[u8; FRAME_HEADER_MAX]) -> u64 {
        let field = header.iter().skip(self.content_size_at()).take(self.content_size_len);
        let size = field.rev().fold(0, |size, byte| size << 8 | u64::from(*byte));
        // Two bytes count from 256, because one byte reaches 255.
        if self.content_size_len == 2 { size + 256 } else { size }
    }
}
