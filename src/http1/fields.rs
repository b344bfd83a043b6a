//! The fields of a head (RFC 9112 section 5).

use std::{cell::RefCell, fmt};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Fields as `httparse` found them, read one by one. All values share one copy of the head.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    head: &'a [u8],
    shared: Bytes,
    rest: std::slice::Iter<'a, httparse::Header<'a>>,
}

impl<'a> Fields<'a> {
    /// Of a whole `head`, in which `fields` stand.
    pub(crate) fn of(head: &'a [u8], fields: &'a [httparse::Header<'a>], spare: &SpareHeads) -> Self {
        Self { head, shared: spare.copy(head), rest: fields.iter() }
    }

    /// A part of the head, as a part of the copy.
    pub(crate) fn share(&self, part: &[u8]) -> Bytes {
        let start = (part.as_ptr() as usize).saturating_sub(self.head.as_ptr() as usize);
        if part.is_empty() || start + part.len() > self.head.len() {
            return Bytes::new();
        }
        self.shared.slice(start..start + part.len())
    }

    /// The rest of them, in this empty map; `None` if one is none.
    pub(crate) fn into_map(self, mut map: HeaderMap) -> Option<HeaderMap> {
        map.reserve(self.rest.len());
        for field in self {
            let (name, value) = field?;
            map.append(name, value);
        }
        Some(map)
    }

    /// How many are left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }
}

impl Iterator for Fields<'_> {
    /// `None` for what is no field.
    type Item = Option<(HeaderName, HeaderValue)>;

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.rest.next()?;
        let name = name(field.name);
        let value = HeaderValue::from_maybe_shared(self.share(field.value)).ok();
        Some(name.zip(value))
    }
}

/// The name that is written so. As most senders write the usual ones they are told by length and bytes; of others
/// each byte is looked at and put into lower case.
fn name(text: &str) -> Option<HeaderName> {
    Some(match text {
        "ETag" => header::ETAG,
        "Host" | "host" => header::HOST,
        "Vary" => header::VARY,
        "Date" => header::DATE,
        "Accept" | "accept" => header::ACCEPT,
        "Cookie" | "cookie" => header::COOKIE,
        "Server" => header::SERVER,
        "Referer" | "referer" => header::REFERER,
        "Location" => header::LOCATION,
        "Connection" | "connection" => header::CONNECTION,
        "Set-Cookie" => header::SET_COOKIE,
        "User-Agent" | "user-agent" => header::USER_AGENT,
        "Content-Type" | "content-type" => header::CONTENT_TYPE,
        "Accept-Ranges" => header::ACCEPT_RANGES,
        "Cache-Control" | "cache-control" => header::CACHE_CONTROL,
        "Last-Modified" => header::LAST_MODIFIED,
        "Content-Length" | "content-length" => header::CONTENT_LENGTH,
        "Accept-Encoding" | "accept-encoding" => header::ACCEPT_ENCODING,
        "Accept-Language" | "accept-language" => header::ACCEPT_LANGUAGE,
        _ => return HeaderName::from_bytes(text.as_bytes()).ok(),
    })
}

/// What heads are read into: maps that are empty, to be filled again, and a buffer. Making them anew is a fifth of
/// reading a head.
#[derive(Default)]
pub(crate) struct SpareHeads {
    maps: RefCell<Vec<HeaderMap>>,
    heads: RefCell<BytesMut>,
}

impl fmt::Debug for SpareHeads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpareHeads").finish_non_exhaustive()
    }
}

/// A map with room for more is not kept.
const SPARE_FIELDS: usize = 48;

/// The most maps that are kept: about as many as heads are read before responses to them are written.
const SPARE_MAPS: usize = 32;

/// Bytes of heads that share a buffer. Whoever keeps one of them keeps as much.
const SHARED_HEADS: usize = 4 * 1024;

impl SpareHeads {
    pub(crate) fn take(&self) -> HeaderMap {
        self.maps.borrow_mut().pop().unwrap_or_default()
    }

    /// Empties a map that nobody needs any more, for the next.
    pub(crate) fn put(&self, mut map: HeaderMap) {
        let mut maps = self.maps.borrow_mut();
        if (1..=SPARE_FIELDS).contains(&map.capacity()) && maps.len() < SPARE_MAPS {
            map.clear();
            maps.push(map);
        }
    }

    /// A copy of a head, behind those before it. The buffer begins again where nobody holds any of them.
    fn copy(&self, head: &[u8]) -> Bytes {
        if head.len() > SHARED_HEADS / 2 {
            return Bytes::copy_from_slice(head);
        }
        let mut heads = self.heads.borrow_mut();
        if heads.capacity() < head.len() && !heads.try_reclaim(SHARED_HEADS) {
            *heads = BytesMut::with_capacity(SHARED_HEADS);
        }
        heads.extend_from_slice(head);
        heads.split().freeze()
    }
}

/// Whether the value, a list, has this member, without regard to case.
pub(crate) fn has_token(value: &HeaderValue, token: &str) -> bool {
    let mut members = value.as_bytes().split(|&byte| byte == b',');
    members.any(|member| member.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// Appends a field as it is sent.
pub(crate) fn push_field(out: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        for text in [
            "ETag Host Vary Date Accept Cookie Server Referer Location Connection Set-Cookie User-Agent Content-Type",
            "Accept-Ranges Cache-Control Last-Modified Content-Length Accept-Encoding Accept-Language X-Other a_b",
        ] {
            for written in text.split(' ') {
                let expected = HeaderName::from_bytes(written.as_bytes()).ok();
                assert_eq!(name(written), expected);
                assert_eq!(name(&written.to_lowercase()), expected);
                assert_eq!(name(&written.to_uppercase()), expected);
            }
        }
        assert_eq!((name(""), name("a b")), (None, None));
    }

    #[test]
    fn heads_share_a_buffer_that_begins_again_when_nobody_holds_any() {
        let spare = SpareHeads::default();
        let (one, other) = (spare.copy(b"one"), spare.copy(b"other"));
        assert_eq!((&one[..], &other[..]), (&b"one"[..], &b"other"[..]));
        assert_eq!(one.as_ptr() as usize + one.len(), other.as_ptr() as usize);
        let buffer = one.as_ptr() as usize..one.as_ptr() as usize + SHARED_HEADS;
        drop((one, other));
        let fill = vec![b'a'; SHARED_HEADS / 2];
        for _ in 0..9 {
            let copy = spare.copy(&fill);
            assert!(copy == fill && buffer.contains(&(copy.as_ptr() as usize)));
        }
        let held: Vec<_> = (0..9).map(|_| spare.copy(&fill)).collect();
        assert!(held.iter().all(|head| head == &fill));
    }
}
