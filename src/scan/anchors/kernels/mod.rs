//! The kernels: which places of a text might begin a chosen window, as one bit per place.
//!
//! A kernel may name places in vain, but it never leaves one out. `unsafe` stands in the two vector kernels only;
//! the portable one is their safe twin.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod members;
mod portable;
mod suspects;
#[cfg(target_arch = "x86_64")]
mod vbmi;

pub(in crate::scan) use members::{ByteSet, members};
pub(super) use suspects::suspects;

use super::{Kernel, frequency::Frequencies, plan::Sieve, window::Window};

/// Places a kernel judges at once, one bit each.
pub(super) const BLOCK: usize = 64;
/// Blocks in the longest text a kernel takes.
pub(super) const BLOCKS: usize = 64;
/// Bytes that must follow the last block of a text: a kernel looks at a place and so many bytes behind it.
pub(super) const REACH: usize = 16;

/// A block of a text and what follows it.
type Reach = [u8; BLOCK + REACH];

/// What a kernel's tables are filled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    pub(super) window: Window,
    /// Below [`Sieve::buckets`].
    pub(super) bucket: usize,
    /// The folded byte that precedes the window in its literal; none where the literal begins with it.
    pub(super) before: Option<u8>,
}

/// Whether this processor can run `kernel`.
pub(super) fn is_supported(kernel: Kernel) -> bool {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Vbmi => vbmi::is_supported(),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => avx2::is_supported(),
        #[cfg(not(target_arch = "x86_64"))]
        Kernel::Vbmi | Kernel::Avx2 => false,
        Kernel::Portable | Kernel::Automaton => true,
    }
}

/// How `kernel` tells places apart, for so many literals; `None` where this processor cannot run it, and for the
/// automaton, which looks at every byte.
pub(super) fn sieve(kernel: Kernel, literals: usize, frequencies: &Frequencies) -> Option<Sieve> {
    match kernel {
        _ if !is_supported(kernel) => None,
        #[cfg(target_arch = "x86_64")]
        Kernel::Vbmi => Some(vbmi::sieve(literals, frequencies)),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => Some(avx2::sieve(literals, frequencies)),
        Kernel::Portable => Some(portable::sieve()),
        _ => None,
    }
}

/// The tables of one kernel.
#[derive(Debug)]
pub(super) enum Tables {
    #[cfg(target_arch = "x86_64")]
    Vbmi(Box<vbmi::Tables>),
    #[cfg(target_arch = "x86_64")]
    Avx2(Box<avx2::Tables>),
    Portable(Box<portable::Tables>),
}

impl Tables {
    /// `None` where this processor cannot run the kernel, and for the automaton, which has no tables here.
    pub(super) fn new(kernel: Kernel, patterns: &[Pattern]) -> Option<Self> {
        match kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Vbmi => vbmi::Tables::new(patterns).map(|tables| Self::Vbmi(Box::new(tables))),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::Tables::new(patterns).map(|tables| Self::Avx2(Box::new(tables))),
            Kernel::Portable => Some(Self::Portable(Box::new(portable::Tables::new(patterns)))),
            _ => None,
        }
    }

    /// Collects the blocks of `text` that have candidates; its last [`REACH`] bytes are only looked at.
    pub(super) fn candidates(&self, text: &[u8], found: &mut Candidates) {
        debug_assert!(text.len() >= REACH && (text.len() - REACH).is_multiple_of(BLOCK));
        debug_assert!(text.len() <= BLOCKS * BLOCK + REACH);
        found.length = 0;
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vbmi(tables) => tables.candidates(text, found),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(tables) => tables.candidates(text, found),
            Self::Portable(tables) => tables.candidates(text, found),
        }
    }

    /// Writes the places of the first blocks out, until `places` is full; returns the blocks that are left.
    pub(super) fn expand<'a>(&self, blocks: &'a [Block], places: &mut Places) -> &'a [Block] {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vbmi(tables) => tables.expand(blocks, places),
            _ => places.fill(blocks),
        }
    }
}

/// Groups of eight buckets that `patterns` use; a kernel has no fewer than two.
#[cfg(target_arch = "x86_64")]
fn groups(patterns: &[Pattern]) -> usize {
    patterns.iter().map(|pattern| pattern.bucket / 8 + 1).max().unwrap_or(0).max(2)
}

/// The blocks in which something was found, in order.
#[derive(Debug)]
pub(super) struct Candidates {
    blocks: [Block; BLOCKS],
    length: usize,
}

/// One block of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// A bit for each place in the block.
    places: u64,
    /// Where in the text the block begins.
    start: u16,
}

impl Block {
    /// Calls `visit` with the candidates' places in the text.
    #[inline(always)]
    pub(super) fn each_place(self, mut visit: impl FnMut(usize)) {
        let mut places = self.places;
        while places != 0 {
            visit(usize::from(self.start) + places.trailing_zeros() as usize);
            places &= places - 1;
        }
    }
}

impl Candidates {
    pub(super) fn new() -> Self {
        Self { blocks: [Block { places: 0, start: 0 }; BLOCKS], length: 0 }
    }

    pub(super) fn blocks(&self) -> &[Block] {
        debug_assert!(self.length <= BLOCKS);
        &self.blocks[..self.length.min(BLOCKS)]
    }

    /// Appends the block if it has candidates. Without a branch: where candidates stand is not predictable.
    #[inline(always)]
    fn push(&mut self, start: usize, places: u64) {
        self.blocks[self.length % BLOCKS] = Block { places, start: start as u16 };
        self.length += usize::from(places != 0);
    }
}

/// Places in a text, in order.
#[derive(Debug)]
pub(super) struct Places {
    /// The room behind [`Places::FULL`] takes what one more block may add.
    places: [u16; Places::FULL + BLOCK],
    length: usize,
}

impl Places {
    /// So many places are no longer added to.
    const FULL: usize = 256;

    pub(super) fn new() -> Self {
        Self { places: [0; Self::FULL + BLOCK], length: 0 }
    }

    pub(super) fn as_slice(&self) -> &[u16] {
        &self.places[..self.length]
    }

    /// Keeps the places that satisfy `keep`. Without a branch on what it says.
    #[inline(always)]
    pub(super) fn retain(&mut self, mut keep: impl FnMut(u16) -> bool) {
        let mut kept = 0;
        for read in 0..self.length.min(self.places.len()) {
            let place = self.places[read];
            self.places[kept] = place;
            kept += usize::from(keep(place));
        }
        self.length = kept;
    }

    fn fill<'a>(&mut self, blocks: &'a [Block]) -> &'a [Block] {
        self.length = 0;
        let mut rest = blocks;
        while let [block, more @ ..] = rest
            && self.length < Self::FULL
        {
            self.push_all(block);
            rest = more;
        }
        rest
    }

    /// Most blocks have few places: the first four are written without asking how many there are.
    #[inline(always)]
    fn push_all(&mut self, block: &Block) {
        let mut places = block.places;
        let end = self.length + places.count_ones() as usize;
        let mut next = self.length;
        loop {
            for place in &mut self.places[next..next + 4] {
                *place = block.start + (places.trailing_zeros() % 64) as u16;
                places &= places.wrapping_sub(1);
            }
            next += 4;
            if places == 0 {
                break;
            }
        }
        self.length = end;
    }
}

/// The blocks of a text, each with its start.
#[inline(always)]
fn blocks(text: &[u8]) -> impl Iterator<Item = (usize, &Reach)> {
    let mut rest = text;
    let blocks = std::iter::from_fn(move || {
        let block = rest.first_chunk()?;
        rest = &rest[BLOCK..];
        Some(block)
    });
    (0..).step_by(BLOCK).zip(blocks)
}
