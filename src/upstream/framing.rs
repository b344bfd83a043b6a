//! Whether a response says in one way only where its body ends (RFC 9112 section 6.3).

use http::{HeaderMap, Version, header, response};

/// Two answers to that question let two readers see two different messages: such a response is refused, and its
/// connection closed.
pub(super) fn is_unambiguous(head: &response::Parts) -> bool {
    let coded = head.headers.contains_key(header::TRANSFER_ENCODING);
    match (coded, head.headers.contains_key(header::CONTENT_LENGTH)) {
        (true, true) => false,
        (true, false) => head.version == Version::HTTP_11 && is_chunked(&head.headers),
        (false, true) => is_one_length(&head.headers),
        (false, false) => true,
    }
}

/// `chunked` alone: other codings need what nobody implements.
fn is_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let first = codings.next().is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"));
    first && codings.next().is_none()
}

fn is_one_length(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let first = lengths.next().is_some_and(|value| {
        let digits = value.as_bytes();
        (1..20).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
    });
    first && lengths.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unambiguous(version: Version, fields: &[(&'static str, &'static str)]) -> bool {
        let mut response = http::Response::new(()).into_parts().0;
        response.version = version;
        response.headers.extend(
            fields
                .iter()
                .map(|&(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))),
        );
        for &(name, value) in fields {
            if response.headers.get_all(name).iter().count() < fields.iter().filter(|(other, _)| *other == name).count()
            {
                response.headers.append(name, http::HeaderValue::from_static(value));
            }
        }
        is_unambiguous(&response)
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
