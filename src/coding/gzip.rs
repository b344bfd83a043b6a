//! The coding `gzip` (RFC 1952): every member, with its header read here because of what may hide in it.

use flate2::Crc;

use super::{
    Coding::Gzip as CODING,
    CodingError,
    decode::Machine,
    deflate::{is_zlib_header, may_begin_zlib},
    inflate::{Inflate, MEMORY},
};

pub(super) struct Gzip {
    inflate: Inflate,
    stage: Stage,
    /// Of the header, while in it; of the content after that.
    crc: Crc,
    /// The bytes of the field being read. Never more than its length, which is at most the fixed header's.
    field: [u8; FIXED_HEADER],
    /// How many of them have arrived.
    gathered: usize,
    /// The flags of this member's header whose fields are still to come.
    flags: u8,
    /// Whether a member has ended before this one.
    later_member: bool,
    metadata: bool,
}

/// The part of a member that the next byte belongs to, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Fixed,
    ExtraLength,
    Extra {
        left: u16,
    },
    Name,
    Comment,
    HeaderCrc,
    Content,
    Trailer,
    /// Zeros behind the last member.
    Padding,
}

const FIXED_HEADER: usize = 10;
const TRAILER: usize = 8;
const MAGIC: [u8; 2] = [0x1f, 0x8b];
const METHOD_DEFLATE: u8 = 8;

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const FLAGS_RESERVED: u8 = 0xe0;

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            inflate: Inflate::new(),
            stage: Stage::Fixed,
            crc: Crc::new(),
            field: [0; FIXED_HEADER],
            gathered: 0,
            flags: 0,
            later_member: false,
            metadata: false,
        }
    }

    /// Takes one byte that is not part of the compressed content. The byte that shows a lying label is not taken.
    fn on_byte(&mut self, byte: u8) -> Result<(), CodingError> {
        match self.stage {
            Stage::Fixed => return self.on_fixed(byte),
            Stage::ExtraLength => {
                if let Some([low, high]) = self.gather(byte) {
                    self.stage = Stage::Extra { left: u16::from_le_bytes([low, high]) };
                    self.skip_empty_extra();
                }
            }
            Stage::Extra { left } => {
                self.stage = Stage::Extra { left: left - 1 };
                self.skip_empty_extra();
            }
            Stage::Name | Stage::Comment if byte == 0 => self.enter_next_field(),
            Stage::Name | Stage::Comment => {}
            Stage::HeaderCrc => return self.on_header_crc(byte),
            Stage::Trailer => return self.on_trailer(byte),
            Stage::Padding if byte == 0 => return Ok(()),
            Stage::Padding | Stage::Content => return Err(CodingError::TrailingBytes(CODING)),
        }
        Ok(())
    }

    fn on_fixed(&mut self, byte: u8) -> Result<(), CodingError> {
        if self.later_member && self.gathered == 0 && byte == 0 {
            self.stage = Stage::Padding;
            return Ok(());
        }
        self.check_mark(byte)?;
        if let Some([_, _, method, flags, ..]) = self.gather::<FIXED_HEADER>(byte) {
            if method != METHOD_DEFLATE || flags & FLAGS_RESERVED != 0 {
                return Err(CodingError::Corrupt(CODING));
            }
            self.metadata |= flags & (FLAG_EXTRA | FLAG_NAME | FLAG_COMMENT) != 0;
            self.flags = flags;
            self.crc.reset();
            self.crc.update(&self.field);
            self.enter_next_field();
        }
        Ok(())
    }

    /// Judges the first two bytes of a member.
    fn check_mark(&self, byte: u8) -> Result<(), CodingError> {
        match self.gathered {
            0 if byte == MAGIC[0] => Ok(()),
            // Some clients accept zlib's wrapper under this label: what they would decode must not count as plain.
            0 if !self.later_member && may_begin_zlib(byte) => Ok(()),
            1 if self.field[0] != MAGIC[0] && is_zlib_header([self.field[0], byte]) => {
                Err(CodingError::Corrupt(CODING))
            }
            1 if self.field[0] == MAGIC[0] && byte == MAGIC[1] => Ok(()),
            0 | 1 if self.later_member => Err(CodingError::TrailingBytes(CODING)),
            0 | 1 => Err(CodingError::NotCoded(CODING)),
            _ => Ok(()),
        }
    }

    fn on_header_crc(&mut self, byte: u8) -> Result<(), CodingError> {
        // RFC 1952 section 2.3.1: the two least significant bytes of the CRC-32 of what stands before.
        let expected = self.crc.sum().to_le_bytes();
        match self.gather(byte) {
            Some([low, high]) if [low, high] != expected[..2] => Err(CodingError::Corrupt(CODING)),
            Some(_) => {
                self.enter_next_field();
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn on_trailer(&mut self, byte: u8) -> Result<(), CodingError> {
        let Some([c0, c1, c2, c3, s0, s1, s2, s3]) = self.gather::<TRAILER>(byte) else { return Ok(()) };
        let (crc, size) = (u32::from_le_bytes([c0, c1, c2, c3]), u32::from_le_bytes([s0, s1, s2, s3]));
        if (crc, size) != (self.crc.sum(), self.crc.amount()) {
            return Err(CodingError::Corrupt(CODING));
        }
        self.begin_member();
        self.later_member = true;
        Ok(())
    }

    /// The field of `N` bytes once its last one is here.
    fn gather<const N: usize>(&mut self, byte: u8) -> Option<[u8; N]> {
        self.field[self.gathered] = byte;
        self.gathered += 1;
        let field = self.field.first_chunk::<N>().copied().filter(|_| self.gathered == N);
        if field.is_some() {
            self.gathered = 0;
        }
        field
    }

    fn skip_empty_extra(&mut self) {
        if self.stage == (Stage::Extra { left: 0 }) {
            self.enter_next_field();
        }
    }

    /// The optional fields stand in this order (RFC 1952 section 2.3).
    fn enter_next_field(&mut self) {
        const ORDER: [(u8, Stage); 4] = [
            (FLAG_EXTRA, Stage::ExtraLength),
            (FLAG_NAME, Stage::Name),
            (FLAG_COMMENT, Stage::Comment),
            (FLAG_HEADER_CRC, Stage::HeaderCrc),
        ];
        match ORDER.iter().find(|(flag, _)| self.flags & flag != 0) {
            Some((flag, stage)) => {
                self.flags &= !flag;
                self.stage = *stage;
            }
            None => self.enter_content(),
        }
    }

    fn enter_content(&mut self) {
        self.stage = Stage::Content;
        self.crc.reset();
        self.inflate.reset(false);
    }

    fn begin_member(&mut self) {
        self.stage = Stage::Fixed;
        (self.gathered, self.flags) = (0, 0);
    }

    fn inflate(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, CodingError> {
        let turn = self.inflate.step(input, output).map_err(|_| CodingError::Corrupt(CODING))?;
        self.crc.update(output.get(..turn.written).unwrap_or_default());
        if turn.ended {
            self.stage = Stage::Trailer;
        }
        Ok(turn.written)
    }

    /// Whether this byte of an optional field is covered by a header CRC that will be checked.
    fn counts_for_header_crc(&self) -> bool {
        self.flags & FLAG_HEADER_CRC != 0
            && matches!(self.stage, Stage::ExtraLength | Stage::Extra { .. } | Stage::Name | Stage::Comment)
    }
}

impl Machine for Gzip {
    fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, CodingError> {
        while self.stage != Stage::Content {
            let [byte, rest @ ..] = *input else { return Ok(0) };
            if self.counts_for_header_crc() {
                self.crc.update(&[*byte]);
            }
            self.on_byte(*byte)?;
            *input = rest;
        }
        self.inflate(input, output)
    }

    fn is_complete(&self) -> bool {
        self.stage == Stage::Padding || (self.stage == Stage::Fixed && self.gathered == 0)
    }

    fn lacks_content(&self) -> bool {
        self.stage != Stage::Trailer && !self.is_complete()
    }

    fn taken(&self) -> &[u8] {
        self.field.get(..self.gathered).unwrap_or_default()
    }

    fn has_metadata(&self) -> bool {
        self.metadata
    }

    fn reset(&mut self) {
        self.begin_member();
        (self.later_member, self.metadata) = (false, false);
    }

    fn memory(&self) -> usize {
        MEMORY
    }
}
