//! The fields of a head (RFC 9112 section 5).

use std::{cell::Cell, fmt};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Fields as `httparse` found them, read one by one. All values share one copy of the head.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    head: &'a [u8],
    shared: Bytes,
    rest: std::slice::Iter<'a, httparse::Header<'a>>,
}

impl<'a> Fields<'a> {
    /// Of a whole `head`, in which `fields` stand.
    pub(crate) fn of(head: &'a [u8], fields: &'a [httparse::Header<'a>]) -> Self {
        Self { head, shared: Bytes::copy_from_slice(head), rest: fields.iter() }
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
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok();
        let value = HeaderValue::from_maybe_shared(self.share(field.value)).ok();
        Some(name.zip(value))
    }
}

/// A map that is empty, to be filled again: making one is a tenth of reading a head.
#[derive(Default)]
pub(crate) struct SpareMap(Cell<HeaderMap>);

impl fmt::Debug for SpareMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpareMap").finish_non_exhaustive()
    }
}

/// A map with room for more is not kept.
const SPARE_FIELDS: usize = 48;

impl SpareMap {
    pub(crate) fn take(&self) -> HeaderMap {
        self.0.take()
    }

    /// Empties a map that nobody needs any more, for the next.
    pub(crate) fn put(&self, mut map: HeaderMap) {
        if (1..=SPARE_FIELDS).contains(&map.capacity()) {
            map.clear();
            self.0.set(map);
        }
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
