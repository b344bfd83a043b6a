//! `Content-Encoding` to what has to be done with the body.

use super::{Coding, Limits};

/// Codings that one body may be wrapped in. More is only seen in attempts to get past an inspection.
pub const MAX_DEPTH: usize = 4;

/// What `Content-Encoding` asks of the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The body is the content.
    Identity,
    /// Undo these, in this order (the reverse of the field's). One to [`MAX_DEPTH`] entries.
    Decode(Vec<Coding>),
    /// The body cannot be read.
    Refuse(Unsupported),
}

/// Why a body with this `Content-Encoding` is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// Not a coding that is read here, or not a coding at all.
    #[error("Content-Encoding names something other than gzip, deflate, br, zstd or identity")]
    UnknownCoding,
    /// More than [`MAX_DEPTH`].
    #[error("Content-Encoding names more than {MAX_DEPTH} codings")]
    TooManyCodings,
}

impl Unsupported {
    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownCoding => "unknown-coding",
            Self::TooManyCodings => "too-many-codings",
        }
    }
}

impl Plan {
    /// Reads the values of all `Content-Encoding` fields, in order of arrival (RFC 9110 sections 5.3 and 8.4).
    ///
    /// Names compare without regard to case; `identity` and empty members count for nothing (section 5.6.1.2).
    pub fn from_headers<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut codings = Vec::new();
        for member in values.flat_map(members).filter(|member| !is_identity(member)) {
            match Coding::from_token(member) {
                None => return Self::Refuse(Unsupported::UnknownCoding),
                Some(_) if codings.len() == MAX_DEPTH => return Self::Refuse(Unsupported::TooManyCodings),
                Some(coding) => codings.push(coding),
            }
        }
        codings.reverse();
        if codings.is_empty() { Self::Identity } else { Self::Decode(codings) }
    }

    /// The codings to undo, in that order.
    pub fn codings(&self) -> &[Coding] {
        match self {
            Self::Decode(codings) => codings,
            Self::Identity | Self::Refuse(_) => &[],
        }
    }

    /// Bytes that a [`Decoder`](super::Decoder) of this plan can come to hold: reserve them before making it.
    pub fn memory(&self, limits: &Limits) -> usize {
        super::decode::memory_bound(self.codings(), limits)
    }
}

/// The members of a comma-separated list without the white space around them, empty ones left out.
pub(super) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|member| !member.is_empty())
}

/// Without optional white space (RFC 9110 section 5.6.3) at either end.
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn is_identity(member: &[u8]) -> bool {
    member.eq_ignore_ascii_case(b"identity")
}

#[cfg(test)]
mod tests {
    use super::*;
    use Coding::{Brotli, Deflate, Gzip, Zstd};

    fn plan(values: &[&str]) -> Plan {
        Plan::from_headers(values.iter().map(|value| value.as_bytes()))
    }

    #[test]
    fn no_field_and_empty_fields_are_identity() {
        for values in [&[][..], &[""], &["", " \t"], &[",", " , ,"], &["identity"], &["Identity, IDENTITY", ""]] {
            assert_eq!(plan(values), Plan::Identity, "{values:?}");
        }
    }

    #[test]
    fn names_are_read_in_any_case_and_with_white_space() {
        for value in ["gzip", "GZip", "x-gzip", "X-GZIP", " \tgzip\t ", ",gzip,", "identity, gzip", "gzip,identity"] {
            assert_eq!(plan(&[value]), Plan::Decode(vec![Gzip]), "{value:?}");
        }
        assert_eq!(plan(&["BR"]), Plan::Decode(vec![Brotli]));
        assert_eq!(plan(&["Deflate"]), Plan::Decode(vec![Deflate]));
        assert_eq!(plan(&["zSTD"]), Plan::Decode(vec![Zstd]));
    }

    #[test]
    fn the_last_coding_over_all_fields_is_undone_first() {
        assert_eq!(plan(&["gzip, br", "zstd"]), Plan::Decode(vec![Zstd, Brotli, Gzip]));
        assert_eq!(plan(&["gzip", "identity", "deflate"]), Plan::Decode(vec![Deflate, Gzip]));
    }

    #[test]
    fn four_codings_are_read_and_five_are_not() {
        assert_eq!(plan(&["gzip,gzip", "gzip,gzip"]), Plan::Decode(vec![Gzip; 4]));
        assert_eq!(plan(&["gzip,gzip,identity,gzip", "gzip,gzip"]), Plan::Refuse(Unsupported::TooManyCodings));
    }

    #[test]
    fn anything_else_is_refused() {
        for value in
            ["compress", "x-compress", "dcb", "dcz", "utf-8", "gzip;q=1", "gzip br", "\"gzip\"", "gzip\0", "*", "gzi"]
        {
            assert_eq!(plan(&[value]), Plan::Refuse(Unsupported::UnknownCoding), "{value:?}");
            assert_eq!(plan(&["gzip", value]), Plan::Refuse(Unsupported::UnknownCoding), "{value:?}");
        }
    }
}
