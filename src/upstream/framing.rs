//! Whether a response says in one way only where its body ends (RFC 9112 section 6.3).

use http::{HeaderValue, Version, header, response};

/// Where the fields of a response say that its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// After so many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// Nowhere: with the connection.
    Unsaid,
}

/// Where the body ends; `None` if the fields say it in two ways. Two answers to that question let two readers see two
/// different messages: such a response is refused, and its connection closed.
pub(super) fn end(head: &response::Parts) -> Option<End> {
    let (mut length, mut coding) = (None, None);
    for (name, value) in &head.headers {
        let said = match *name {
            header::CONTENT_LENGTH => length.replace(value),
            header::TRANSFER_ENCODING => coding.replace(value),
            _ => None,
        };
        if said.is_some() {
            return None;
        }
    }
    match (coding, length) {
        (Some(_), Some(_)) => None,
        (Some(coding), None) => (head.version == Version::HTTP_11 && is_chunked(coding)).then_some(End::Chunked),
        (None, Some(length)) => number(length).map(End::Length),
        (None, None) => Some(End::Unsaid),
    }
}

/// `chunked` alone: other codings need what nobody implements.
fn is_chunked(coding: &HeaderValue) -> bool {
    coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")
}

/// The most digits of which every number fits.
const DIGITS_MAX: usize = 19;

fn number(length: &HeaderValue) -> Option<u64> {
    let digits = length.as_bytes();
    let is_number = (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unambiguous(version: Version, fields: &[(&'static str, &'static str)]) -> bool {
        let mut response = http::Response::new(()).into_parts().0;
        response.version = version;
        response.headers.extend(
            fields.iter().map(|&(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value))),
        );
        for &(name, value) in fields {
            if response.headers.get_all(name).iter().count() < fields.iter().filter(|(other, _)| *other == name).count()
            {
                response.headers.append(name, HeaderValue::from_static(value));
            }
        }
        end(&response).is_some()
    }

    #[test]
    fn a_length_is_read_to_its_last_digit() {
        for (text, length) in [("0", 0), ("007", 7), ("9999999999999999999", 9_999_999_999_999_999_999)] {
            assert_eq!(number(&HeaderValue::from_static(text)), Some(length));
        }
    }

    #[test]
    fn a_body_ends_in_one_way() {
        let modern = Version::HTTP_11;
        assert!(unambiguous(modern, &[]));
        assert!(unambiguous(modern, &[("content-length", "5")]));
        assert!(unambiguous(modern, &[("transfer-encoding", "Chunked")]));
        assert!(!unambiguous(Version::HTTP_10, &[("transfer-encoding", "chunked")]));
        assert!(!unambiguous(modern, &[("transfer-encoding", "chunked"), ("content-length", "5")]));
        assert!(!unambiguous(modern, &[("content-length", "5"), ("content-length", "5")]));
        for length in ["", "+5", "5, 5", "0x5", "-1", "99999999999999999999"] {
            assert!(!unambiguous(modern, &[("content-length", length)]), "{length:?}");
        }
        for coding in ["gzip", "gzip, chunked", "chunked, chunked", "identity"] {
            assert!(!unambiguous(modern, &[("transfer-encoding", coding)]), "{coding:?}");
        }
    }
}
