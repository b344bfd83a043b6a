//! The keys and their file: one key a line, the first seals, all open.

use std::{collections::HashSet, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

use crate::incident::mac;

/// Keys for cookie values: at least one. To bring in a new key without losing a session, put it last on every
/// replica, then first on every replica, and take the old one out when the longest cookie has expired.
pub struct KeyRing {
    /// Never empty; no id and no key twice.
    keys: Vec<Key>,
}

pub(super) struct Key {
    id: Box<str>,
    cipher: XChaCha20Poly1305,
    nonce_key: [u8; 32],
}

/// Why a key file is of no use. Tells nothing of what is written there but where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct KeyError {
    /// Where the text came from.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: KeyProblem,
}

/// What is wrong with a line of a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// See the text.
    #[error("no key in the file; write one with `cofferdam keys generate`")]
    Empty,
    /// See the text.
    #[error("a line is an id, a blank, and a key")]
    Shape,
    /// See the text.
    #[error("an id is 1 to 16 lower-case letters and digits")]
    Id,
    /// See the text.
    #[error("a key is 32 bytes in base64url without padding: 43 characters")]
    Key,
    /// See the text.
    #[error("the key is no random one; write one with `cofferdam keys generate`")]
    Guessable,
    /// See the text.
    #[error("this id stands further up already")]
    DuplicateId,
    /// See the text.
    #[error("this key stands further up already, under another id")]
    DuplicateKey,
    /// See the text.
    #[error("more than 16 keys: take out those that no valid cookie was sealed by")]
    TooMany,
}

const KEYS_MAX: usize = 16;
const ID_MAX: usize = 16;

impl KeyRing {
    /// Reads a key file: lines of `<id> <key>`, blank lines and lines that start with `#` aside. `file` is its name
    /// for error messages.
    ///
    /// # Errors
    /// The first line that is wrong. A file is taken whole or not at all.
    pub fn parse(file: &str, text: &str) -> Result<Self, KeyError> {
        let mut seen = Seen::default();
        let mut keys = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = seen.read(line).map_err(|problem| KeyError { file: file.into(), line: at + 1, problem })?;
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(KeyError { file: file.into(), line: 1, problem: KeyProblem::Empty });
        }
        Ok(Self { keys })
    }

    /// The ids of the keys, that of the sealing key first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(Key::id)
    }

    pub(super) fn first(&self) -> &Key {
        &self.keys[0]
    }

    /// Ids are no secret: they stand in every sealed value.
    pub(super) fn find(&self, id: &[u8]) -> Option<&Key> {
        self.keys.iter().find(|key| key.id.as_bytes() == id)
    }
}

/// A whole key file with one key of these random bytes: 4 for its id, 32 for the key.
pub fn generate(random: &[u8; 36]) -> String {
    format!(
        "# Keys for cookies: the first seals, all open. Give every replica the same file and nobody else.\n\
         # New key: put it last everywhere, then first everywhere; drop the old one when its cookies have expired.\n\
         {}",
        key_line(random)
    )
}

/// One line of a key file: 4 random bytes for the key's id, 32 for the key. Ends with a line feed.
pub fn key_line(random: &[u8; 36]) -> String {
    let (id, key) = random.split_at(4);
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{id} {}\n", URL_SAFE_NO_PAD.encode(key))
}

impl Key {
    fn new(id: &str, key: &[u8; 32]) -> Self {
        let cipher_key = mac(key, &[b"cofferdam cookie 1 cipher"]);
        Self {
            id: id.into(),
            cipher: XChaCha20Poly1305::new(&cipher_key.into()),
            nonce_key: mac(key, &[b"cofferdam cookie 1 nonce"]),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn cipher(&self) -> &XChaCha20Poly1305 {
        &self.cipher
    }

    pub(super) fn nonce_key(&self) -> &[u8; 32] {
        &self.nonce_key
    }
}

/// What the lines so far have used up.
#[derive(Default)]
struct Seen {
    ids: HashSet<Box<str>>,
    keys: HashSet<[u8; 32]>,
}

impl Seen {
    fn read(&mut self, line: &str) -> Result<Key, KeyProblem> {
        let (id, key) = line.split_once([' ', '\t']).ok_or(KeyProblem::Shape)?;
        let is_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if id.len() > ID_MAX || !is_id(id) {
            return Err(KeyProblem::Id);
        }
        let bytes = URL_SAFE_NO_PAD.decode(key.trim()).map_err(|_| KeyProblem::Key)?;
        let key: [u8; 32] = bytes.try_into().map_err(|_| KeyProblem::Key)?;
        if key.iter().collect::<HashSet<_>>().len() < 8 {
            return Err(KeyProblem::Guessable);
        }
        self.note(id, key)?;
        Ok(Key::new(id, &key))
    }

    fn note(&mut self, id: &str, key: [u8; 32]) -> Result<(), KeyProblem> {
        if self.ids.len() == KEYS_MAX {
            return Err(KeyProblem::TooMany);
        }
        if !self.ids.insert(id.into()) {
            return Err(KeyProblem::DuplicateId);
        }
        self.keys.insert(key).then_some(()).ok_or(KeyProblem::DuplicateKey)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.ids().collect::<Vec<_>>()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(fill: u8) -> [u8; 36] {
        std::array::from_fn(|at| fill ^ u8::try_from(at).unwrap())
    }

    #[test]
    fn what_is_generated_is_read_and_never_printed() {
        let text = generate(&random(7));
        let ring = KeyRing::parse("keys", &text).unwrap();
        assert_eq!(format!("{ring:?}"), "KeyRing([\"07060504\"])");
    }

    #[test]
    fn the_first_wrong_line_is_named_and_the_key_is_not() {
        let good = key_line(&random(1));
        let key = good.split_once(' ').unwrap().1.trim();
        for (lines, line, problem) in [
            ("", 1, KeyProblem::Empty),
            ("# nothing\n\n", 1, KeyProblem::Empty),
            ("a", 1, KeyProblem::Shape),
            ("# x\n\nA_ KEY", 3, KeyProblem::Id),
            ("abcdefghijklmnopq KEY", 1, KeyProblem::Id),
            ("a KEYx", 1, KeyProblem::Key),
            ("a KEY=", 1, KeyProblem::Key),
            ("a AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1, KeyProblem::Guessable),
            ("a KEY\nb KEY", 2, KeyProblem::DuplicateKey),
        ] {
            let error = KeyRing::parse("keys", &lines.replace("KEY", key)).unwrap_err();
            assert_eq!((error.line, error.problem), (line, problem), "{lines}");
            assert!(error.to_string().starts_with(&format!("keys:{line}: ")) && !error.to_string().contains(key));
        }
    }

    #[test]
    fn ids_are_unique_and_keys_are_few() {
        let lines: String = (0..16).map(|fill| key_line(&random(fill * 4))).collect();
        let parse = |text: String| KeyRing::parse("keys", &text).map_err(|error| error.problem);
        assert_eq!(parse(lines.clone()).unwrap().ids().count(), 16);
        assert_eq!(parse(lines + &key_line(&random(99))).unwrap_err(), KeyProblem::TooMany);
        let same_id = key_line(&random(1)) + &key_line(&random(2)).replacen("02030001", "01000302", 1);
        let same_id = same_id.replacen("02030001", "01000302", 1);
        assert_eq!(parse(same_id).unwrap_err(), KeyProblem::DuplicateId);
    }
}
