//! Reason phrases of an application's own (RFC 9112 section 4). Frameworks write messages of exceptions there.

use bytes::Bytes;
use http::StatusCode;

/// A reason phrase other than its status' own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonPhrase(Bytes);

impl ReasonPhrase {
    /// `None` for no phrase, and for the one that stands in the registry of statuses.
    pub fn own(phrase: &str, status: StatusCode) -> Option<Self> {
        let is_own = !phrase.is_empty() && Some(phrase) != status.canonical_reason();
        is_own.then(|| Self(Bytes::copy_from_slice(phrase.as_bytes())))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_phrase_of_the_application_is_one() {
        for phrase in ["", "Not Found"] {
            assert_eq!(ReasonPhrase::own(phrase, StatusCode::NOT_FOUND), None);
        }
        let own = ReasonPhrase::own("Nothing here", StatusCode::NOT_FOUND).unwrap();
        assert_eq!(own.as_bytes(), b"Nothing here");
    }
}
