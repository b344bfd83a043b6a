//! The anchor filter: every occurrence of some hundred literals in one pass over a haystack.
//!
//! An [`AnchorSet`] answers one question, "which of these literals stand where", with no false answers and no
//! misses, whichever [`Kernel`] does the work. A kernel is a way of computing the same result: the automaton is
//! the reference the others are tested against.

mod automaton;
mod escapes;
mod filter;
mod frequency;
mod index;
mod kernels;
mod lint;
mod plan;
mod rounds;
mod window;

use std::{fmt, ops::Range};

use automaton::Automaton;
pub use escapes::{EscapeCensus, Spelled, each_escape, escapes};
use filter::Filter;
pub(super) use kernels::{ByteSet, members};
pub use lint::{LintError, MAX_RATE};

/// The shortest literal an [`AnchorSet`] takes, in bytes: anything shorter stands on every page.
pub const MIN_LITERAL: usize = 3;

/// One literal to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Literal<'a> {
    /// At least [`MIN_LITERAL`] bytes.
    pub bytes: &'a [u8],
    /// Whether an ASCII letter also matches its other case.
    pub ignore_case: bool,
}

/// One occurrence of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The offset of its first byte in the haystack.
    pub start: usize,
    /// Which literal, as an index into the slice [`AnchorSet::new`] was given.
    pub literal: u32,
}

/// A way to find the literals. All give the same hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// AVX-512 VBMI, VBMI2 and GFNI: 64 positions a step.
    Vbmi,
    /// AVX2: 32 positions a step.
    Avx2,
    /// No vector instructions, no `unsafe`.
    Portable,
    /// The Aho-Corasick automaton: the reference, several times slower than the rest.
    Automaton,
}

impl Kernel {
    /// All kernels, the fastest first.
    pub const ALL: [Self; 4] = [Self::Vbmi, Self::Avx2, Self::Portable, Self::Automaton];

    /// The fastest kernel of this processor.
    pub fn fastest() -> Self {
        Self::ALL.into_iter().find(|kernel| kernel.is_supported()).unwrap_or(Self::Portable)
    }

    /// Whether this processor can run it.
    pub fn is_supported(self) -> bool {
        kernels::is_supported(self)
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vbmi => "vbmi",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
            Self::Automaton => "automaton",
        })
    }
}

/// Why a set of literals cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// A literal has fewer than [`MIN_LITERAL`] bytes.
    #[error("literal {literal} has {length} bytes; a literal needs at least {MIN_LITERAL}")]
    TooShort {
        /// Its index.
        literal: usize,
        /// Its length in bytes.
        length: usize,
    },
    /// This processor cannot run the kernel asked for.
    #[error("this processor cannot run the {0} kernel; portable runs on any")]
    Unsupported(Kernel),
    /// The automaton could not be built.
    #[error("the literals do not fit an automaton: {0}")]
    Automaton(#[from] aho_corasick::BuildError),
}

/// A compiled set of literals, each ASCII-case-insensitive or not.
#[derive(Debug)]
pub struct AnchorSet {
    literals: Vec<OwnedLiteral>,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Automaton(Automaton),
    Filter(Box<Filter>),
}

#[derive(Clone, Debug)]
struct OwnedLiteral {
    bytes: Box<[u8]>,
    ignore_case: bool,
}

impl AnchorSet {
    /// Compiles `literals` for the fastest kernel of this processor.
    ///
    /// # Errors
    /// A literal is shorter than [`MIN_LITERAL`].
    pub fn new(literals: &[Literal<'_>]) -> Result<Self, AnchorError> {
        let literals = own(literals)?;
        let engine = Engine::new(&literals, Kernel::fastest())?;
        Ok(Self { literals, engine })
    }

    /// Compiles the same literals for `kernel`.
    ///
    /// # Errors
    /// This processor cannot run it.
    pub fn with_kernel(self, kernel: Kernel) -> Result<Self, AnchorError> {
        let engine = Engine::new(&self.literals, kernel)?;
        Ok(Self { engine, ..self })
    }

    /// The kernel that does the work.
    pub fn kernel(&self) -> Kernel {
        match &self.engine {
            Engine::Automaton(_) => Kernel::Automaton,
            Engine::Filter(filter) => filter.kernel(),
        }
    }

    /// The literals, as they were given.
    pub fn literals(&self) -> impl Iterator<Item = Literal<'_>> {
        self.literals.iter().map(|literal| Literal { bytes: &literal.bytes, ignore_case: literal.ignore_case })
    }

    /// Appends every occurrence, overlapping ones included, that starts in `own`, ordered by start and then by
    /// literal. An occurrence may extend past `own` to the end of `haystack`; the part of `own` outside
    /// `haystack` is ignored.
    pub fn find(&self, haystack: &[u8], own: Range<usize>, hits: &mut Vec<Hit>) {
        let first = hits.len();
        match &self.engine {
            Engine::Automaton(automaton) => automaton.find(&self.literals, haystack, own, hits),
            Engine::Filter(filter) => filter.find(&self.literals, haystack, own, hits),
        }
        hits[first..].sort_unstable();
    }
}

impl Engine {
    fn new(literals: &[OwnedLiteral], kernel: Kernel) -> Result<Self, AnchorError> {
        match kernel {
            Kernel::Automaton => Ok(Self::Automaton(Automaton::new(literals)?)),
            other => Ok(Self::Filter(Box::new(Filter::new(literals, other)?))),
        }
    }
}

fn own(literals: &[Literal<'_>]) -> Result<Vec<OwnedLiteral>, AnchorError> {
    let short = literals.iter().position(|literal| literal.bytes.len() < MIN_LITERAL);
    match short {
        Some(literal) => Err(AnchorError::TooShort { literal, length: literals[literal].bytes.len() }),
        None => Ok(literals.iter().map(OwnedLiteral::from).collect()),
    }
}

impl From<&Literal<'_>> for OwnedLiteral {
    fn from(literal: &Literal<'_>) -> Self {
        Self { bytes: literal.bytes.into(), ignore_case: literal.ignore_case }
    }
}

impl OwnedLiteral {
    /// Whether the literal stands at `start`.
    fn stands_at(&self, haystack: &[u8], start: usize) -> bool {
        let found = haystack.get(start..start + self.bytes.len());
        found.is_some_and(|found| self.equals(found))
    }

    fn equals(&self, found: &[u8]) -> bool {
        if self.ignore_case { found.eq_ignore_ascii_case(&self.bytes) } else { *found == *self.bytes }
    }
}

#[cfg(test)]
mod tests;
