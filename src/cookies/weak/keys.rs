//! The list of known keys.

use std::{collections::HashMap, fmt, sync::OnceLock};

use super::digest::Digest;

/// Keys that anyone can look up.
#[derive(Debug)]
pub struct KeyList {
    keys: Vec<KnownKey>,
    /// Tokens that are good for longer, or without an end, are reported; in days. None reports none for that.
    pub lifetime_days: Option<u64>,
}

/// One key of the list.
pub struct KnownKey {
    scope: Scope,
    key: Box<[u8]>,
    line: u32,
    /// What Rails derives from it, with 1000 rounds each: done once.
    derived: [OnceLock<Vec<u8>>; RAILS.len()],
}

/// Which framework's a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A placeholder that is found with any.
    Any,
    /// Flask, Starlette and others that sign with itsdangerous.
    Flask,
    /// Django.
    Django,
    /// Rails and Rack.
    Rails,
    /// Express, Koa and others of Node.js.
    Express,
    /// Egg.
    Egg,
    /// Laravel.
    Laravel,
    /// JSON Web Tokens.
    Jwt,
}

/// Why a list is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct KeyListError {
    /// Where the text came from.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The derivations of Rails: up to version 6.1 by SHA-1, from 7.0 on by SHA-256.
pub(super) const RAILS: [(Digest, &[u8], usize); 6] = [
    (Digest::Sha1, b"signed cookie", 64),
    (Digest::Sha256, b"signed cookie", 64),
    (Digest::Sha1, b"signed encrypted cookie", 64),
    (Digest::Sha256, b"signed encrypted cookie", 64),
    (Digest::Sha1, b"authenticated encrypted cookie", 32),
    (Digest::Sha256, b"authenticated encrypted cookie", 32),
];

const SCOPES: [(&str, Scope); 8] = [
    ("any", Scope::Any),
    ("flask", Scope::Flask),
    ("django", Scope::Django),
    ("rails", Scope::Rails),
    ("express", Scope::Express),
    ("egg", Scope::Egg),
    ("laravel", Scope::Laravel),
    ("jwt", Scope::Jwt),
];

/// More would make a test of one value long.
const KEYS_MAX: usize = 4096;

const LIFETIME_DAYS: u64 = 7;

impl KeyList {
    /// The list that comes with the program, for [`KeyList::parse`].
    pub const EMBEDDED: (&str, &str) =
        ("config/keys/known-keys.txt", include_str!("../../../config/keys/known-keys.txt"));

    /// The keys that come with the program.
    ///
    /// # Errors
    /// Never: a test reads them. The result is there so that nothing has to panic.
    pub fn embedded() -> Result<Self, KeyListError> {
        Self::parse(&[Self::EMBEDDED])
    }

    /// Reads lists, each with its name for error messages: lines of `<framework> <key>`, blank lines and lines that
    /// start with `#` aside. The ids of keys are the lines of the lists set one after another.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(lists: &[(&str, &str)]) -> Result<Self, KeyListError> {
        let mut known: HashMap<Box<[u8]>, Vec<Scope>> = HashMap::new();
        let mut keys = Vec::new();
        let lines =
            lists.iter().flat_map(|(file, text)| text.lines().enumerate().map(move |(at, line)| (file, at, line)));
        for (id, (file, at, line)) in (1..).zip(lines) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fail = |problem| KeyListError { file: (*file).into(), line: at + 1, problem };
            let key = KnownKey::read(line, id).map_err(fail)?;
            if keys.len() == KEYS_MAX {
                return Err(fail("more than 4096 keys"));
            }
            let scopes = known.entry(key.key.clone()).or_default();
            if !scopes.contains(&key.scope) && !scopes.contains(&Scope::Any) {
                scopes.push(key.scope);
                keys.push(key);
            }
        }
        Ok(Self { keys, lifetime_days: Some(LIFETIME_DAYS) })
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys of a framework, and those of any.
    pub(super) fn of(&self, scope: Scope) -> impl Iterator<Item = &KnownKey> {
        self.keys.iter().filter(move |key| key.scope == scope || key.scope == Scope::Any)
    }

    /// The keys of any of these frameworks, and those of any.
    pub(super) fn of_any(&self, scopes: &'static [Scope]) -> impl Iterator<Item = &KnownKey> {
        self.keys.iter().filter(move |key| scopes.contains(&key.scope) || key.scope == Scope::Any)
    }
}

impl KnownKey {
    fn read(line: &str, id: u32) -> Result<Self, &'static str> {
        let (scope, text) = line.split_once(' ').ok_or("a line is a framework, a blank, and a key")?;
        let known = SCOPES.iter().find(|(name, _)| *name == scope);
        let scope = known.ok_or("a framework is any, flask, django, rails, express, egg, laravel or jwt")?.1;
        let encoded = text.strip_prefix("base64:").filter(|_| matches!(scope, Scope::Laravel | Scope::Jwt));
        let key = match encoded {
            Some(encoded) => super::base64(encoded.as_bytes()).ok_or("no base64 behind base64:")?,
            None => unescaped(text).ok_or("an escape is \\n, \\t, \\\\ or \\xHH")?,
        };
        if key.is_empty() {
            return Err("the key is empty");
        }
        Ok(Self { scope, key: key.into(), line: id, derived: Default::default() })
    }

    /// The line in the list.
    pub fn line(&self) -> u32 {
        self.line
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.key
    }

    /// What Rails makes of it by [`RAILS`]`[index]`.
    pub(super) fn rails(&self, index: usize) -> &[u8] {
        let (digest, salt, length) = RAILS[index];
        self.derived[index].get_or_init(|| digest.pbkdf2(&self.key, salt, length))
    }
}

impl fmt::Debug for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownKey").field("scope", &self.scope).field("line", &self.line).finish_non_exhaustive()
    }
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (decoded, length) = match (byte, tail) {
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            (b'\\', [b'x', digits @ ..]) => (super::hex_byte(digits)?, 4),
            (b'\\', _) => return None,
            _ => (byte, 1),
        };
        out.push(decoded);
        rest = &rest[length..];
    }
    Some(out)
}
