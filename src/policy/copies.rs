//! Which copies of pages are known to be clean, by what identifies them: a client or a cache may hold one from a time
//! before a rule knew what is in it, and "not modified" would keep it alive.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};

/// Copies that are remembered. One that is forgotten is sent once more.
const COPIES_MAX: usize = 1 << 13;

/// The clean copies seen since the rules were loaded, shared by all workers. Takes 64 KiB and never grows.
#[derive(Debug)]
pub struct CleanCopies(Box<[AtomicU64]>);

/// What a request asks for, and of whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target(u64);

/// A copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredCopy(u64);

impl Target {
    /// The target of a request to `host`.
    pub fn of(host: &str, target: &str) -> Self {
        Self(hash(&(host, target)))
    }

    /// The copy with this validator: an entity tag, compared weakly (RFC 9110 section 8.8.3.2), or a date.
    pub fn copy(self, validator: &[u8]) -> StoredCopy {
        let validator = validator.trim_ascii();
        StoredCopy(hash(&(self.0, validator.strip_prefix(b"W/").unwrap_or(validator))).max(1))
    }
}

impl Default for CleanCopies {
    fn default() -> Self {
        Self((0..COPIES_MAX).map(|_| AtomicU64::new(0)).collect())
    }
}

impl CleanCopies {
    /// This one was judged and is clean.
    pub fn note(&self, copy: StoredCopy) {
        self.place(copy).store(copy.0, Ordering::Relaxed);
    }

    /// Whether it was, as far as anybody remembers.
    pub fn know(&self, copy: StoredCopy) -> bool {
        self.place(copy).load(Ordering::Relaxed) == copy.0
    }

    fn place(&self, copy: StoredCopy) -> &AtomicU64 {
        &self.0[copy.0 as usize % COPIES_MAX]
    }
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_by_target_and_validator() {
        let (copies, target) = (CleanCopies::default(), Target::of("a", "/page?x=1"));
        copies.note(target.copy(b"\"v1\""));
        assert!(copies.know(target.copy(b" W/\"v1\" ")));
        assert!(!copies.know(target.copy(b"\"v2\"")));
        assert!(!copies.know(Target::of("a", "/page?x=2").copy(b"\"v1\"")));
        assert!(!copies.know(Target::of("b", "/page?x=1").copy(b"\"v1\"")));
    }
}
