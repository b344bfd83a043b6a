//! Names that a cookie may have for an application that reads more leniently than RFC 6265bis.

use super::{NamePattern, Pair};

/// The other names of one pair: what PHP, Rack, ASP.NET and parsers of RFC 2109 may read it as.
#[derive(Debug)]
pub struct Disguise<'a> {
    /// The name decoded; `None` where the name is plain already.
    decoded: Option<Vec<u8>>,
    pair: Pair<'a>,
}

impl<'a> Disguise<'a> {
    /// Reads a pair.
    pub fn of(pair: &Pair<'a>) -> Self {
        let plain = pair.name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        Self { decoded: (!plain).then(|| decode(pair.name)), pair: *pair }
    }

    /// What the name may be read as: itself, or decoded and without what some readers drop. To be compared with
    /// [`NamePattern::resembles`].
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.decoded.as_deref().unwrap_or(self.pair.name)).filter(|name| !name.is_empty())
    }

    /// Names that stand behind a comma in the value: a separator of pairs to parsers of RFC 2109.
    pub fn hidden(&self) -> impl Iterator<Item = &'a [u8]> {
        let pieces = self.pair.value.split(|&byte| byte == b',').skip(1);
        pieces.filter_map(|piece| {
            let equals = piece.iter().position(|&byte| byte == b'=')?;
            Some(bare(&piece[..equals]))
        })
    }
}

impl NamePattern {
    /// Whether the pattern covers `name` for a reader that knows no case and takes every mark for `_`.
    pub fn resembles(&self, name: &[u8]) -> bool {
        let fold = |byte: &u8| match byte {
            b'.' | b' ' | b'[' | b'+' => b'_',
            byte => byte.to_ascii_lowercase(),
        };
        let folded: Vec<u8> = name.iter().map(fold).collect();
        let pattern: Vec<u8> = self.as_str().as_bytes().iter().map(fold).collect();
        std::str::from_utf8(&pattern).is_ok_and(|pattern| NamePattern::new(pattern).matches(&folded))
    }
}

/// Percent codes decoded, cut at a NUL, quotes and blanks off.
fn decode(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'%').then(|| tail.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        out.push(code.unwrap_or(byte));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    let end = out.iter().position(|&byte| byte == 0).unwrap_or(out.len());
    bare(&out[..end]).to_vec()
}

fn bare(name: &[u8]) -> &[u8] {
    let dropped = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\x0b');
    let Some(start) = name.iter().position(|byte| !dropped(byte)) else { return &[] };
    let end = name.iter().rposition(|byte| !dropped(byte)).map_or(start, |last| last + 1);
    &name[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookies::pairs;

    #[test]
    fn every_reading_of_a_name_is_seen() {
        for (field, reading) in
            [("sid=1", "sid"), ("%73%69d=1", "sid"), ("\" sid\"=1", "sid"), ("sid%00x=1", "sid"), ("a%=1", "a%")]
        {
            let pair = pairs(field.as_bytes()).next().unwrap();
            assert_eq!(Disguise::of(&pair).names().collect::<Vec<_>>(), [reading.as_bytes()], "{field}");
        }
        let pair = pairs(b"a=1, sid =x,b,\"c\"=2").next().unwrap();
        assert_eq!(Disguise::of(&pair).hidden().collect::<Vec<_>>(), [b"sid", &b"c"[..]]);
    }

    #[test]
    fn case_and_marks_make_no_difference_to_a_resemblance() {
        let pattern = NamePattern::new("App_*");
        for (name, wanted) in [("app_x", true), ("APP.x", true), ("app[x", true), ("appx", false), ("xapp_", false)] {
            assert_eq!(pattern.resembles(name.as_bytes()), wanted, "{name}");
        }
    }
}
