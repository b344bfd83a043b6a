//! One `Set-Cookie` field, read as browsers read it (RFC 6265bis section 5.6).

use super::{Prefix, SameSite, date, split_pair, trim};

/// A `Set-Cookie` field that a browser would take. Borrows everything; prints back byte for byte.
#[derive(Clone, Debug)]
pub struct SetCookie<'a> {
    pub(super) raw: &'a [u8],
    /// Where the name stands in `raw`; the end of leading blanks when it is empty.
    pub(super) name_at: usize,
    name: &'a [u8],
    value: &'a [u8],
    pub(super) attributes: Vec<Attribute<'a>>,
}

/// One piece between semicolons.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    /// The piece as it came, blanks included.
    pub(super) raw: &'a [u8],
    pub(super) kind: Kind,
    pub(super) value: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Expires,
    MaxAge,
    Domain,
    Path,
    Secure,
    HttpOnly,
    SameSite,
    Partitioned,
    /// Passed on untouched.
    Unknown,
    /// The name is known but no browser reads the attribute, because its value is too long or no date or number.
    Ignored,
}

const NAMES: [(&[u8], Kind); 8] = [
    (b"expires", Kind::Expires),
    (b"max-age", Kind::MaxAge),
    (b"domain", Kind::Domain),
    (b"path", Kind::Path),
    (b"secure", Kind::Secure),
    (b"httponly", Kind::HttpOnly),
    (b"samesite", Kind::SameSite),
    (b"partitioned", Kind::Partitioned),
];

/// Longer attribute values are ignored (RFC 6265bis section 5.6).
const ATTRIBUTE_VALUE_MAX: usize = 1024;

impl<'a> SetCookie<'a> {
    /// Reads a field's value. `None` where a browser would ignore the whole field: a control character, neither
    /// name nor value, or a value without a name that poses as a prefixed name. Size is the caller's business
    /// ([`SetCookie::size`]).
    pub fn parse(field: &'a [u8]) -> Option<Self> {
        if field.iter().any(|&byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
            return None;
        }
        let mut pieces = field.split(|&byte| byte == b';');
        let pair = pieces.next().unwrap_or_default();
        let (name, value) = split_pair(pair);
        if name.is_empty() && (value.is_empty() || Prefix::of(value).is_some()) {
            return None;
        }
        let name_at = pair.iter().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count();
        Some(Self { raw: field, name_at, name, value, attributes: pieces.map(Attribute::parse).collect() })
    }

    /// The name; empty for a cookie that has none.
    pub fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The value, quotes included.
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The field with another value, everything else as it came. `None` for a cookie without a name, which has no
    /// `=` to put the value behind.
    pub fn with_value(&self, value: &[u8]) -> Option<Vec<u8>> {
        let pair = self.raw.split(|&byte| byte == b';').next().filter(|_| !self.name.is_empty())?;
        let equals = pair.iter().position(|&byte| byte == b'=')?;
        let mut field = Vec::with_capacity(self.raw.len() - self.value.len() + value.len());
        field.extend_from_slice(&pair[..=equals]);
        field.extend_from_slice(value);
        field.extend_from_slice(&self.raw[pair.len()..]);
        Some(field)
    }

    /// Whether the cookie ends a life: `Max-Age` of 0, or `Expires` that is past. `now` in seconds since the Unix
    /// epoch.
    pub fn is_deletion(&self, now: u64) -> bool {
        self.max_age().map_or_else(|| self.expires().is_some_and(|end| end <= now), |age| age == 0)
    }

    /// Bytes of name and value, which browsers limit to 4096 together.
    pub fn size(&self) -> usize {
        self.name.len() + self.value.len()
    }

    /// Whether the cookie is sent over TLS alone. A value (`Secure=false`) makes no difference to browsers.
    pub fn secure(&self) -> bool {
        self.last(Kind::Secure).is_some()
    }

    /// Whether the cookie is kept from scripts.
    pub fn http_only(&self) -> bool {
        self.last(Kind::HttpOnly).is_some()
    }

    /// Whether the cookie is kept per top-level site.
    pub fn partitioned(&self) -> bool {
        self.last(Kind::Partitioned).is_some()
    }

    /// The last `SameSite`, where browsers understand it.
    pub fn same_site(&self) -> Option<SameSite> {
        SameSite::parse(self.last(Kind::SameSite)?)
    }

    /// The domain without a leading dot; `None` for a cookie of this host alone.
    pub fn domain(&self) -> Option<&'a [u8]> {
        let domain = self.last(Kind::Domain)?;
        Some(domain.strip_prefix(b".").unwrap_or(domain)).filter(|domain| !domain.is_empty())
    }

    /// The path; `None` where the browser takes the request's directory.
    pub fn path(&self) -> Option<&'a [u8]> {
        self.last(Kind::Path).filter(|path| path.starts_with(b"/"))
    }

    /// The lifetime in seconds; 0 deletes the cookie.
    pub fn max_age(&self) -> Option<u64> {
        self.last(Kind::MaxAge).and_then(max_age)
    }

    /// The end of its life, in seconds since the Unix epoch; overruled by [`SetCookie::max_age`].
    pub fn expires(&self) -> Option<u64> {
        self.last(Kind::Expires).and_then(date::parse)
    }

    /// The pieces that are no known attribute, trimmed, empty ones left out.
    pub fn unknown_attributes(&self) -> impl Iterator<Item = &'a [u8]> {
        let unknown = self.attributes.iter().filter(|attribute| attribute.kind == Kind::Unknown);
        unknown.map(|attribute| trim(attribute.raw)).filter(|text| !text.is_empty())
    }

    /// Later attributes overrule earlier ones (RFC 6265bis section 5.7).
    fn last(&self, kind: Kind) -> Option<&'a [u8]> {
        self.attributes.iter().rfind(|attribute| attribute.kind == kind).map(|attribute| attribute.value)
    }
}

impl<'a> Attribute<'a> {
    fn parse(raw: &'a [u8]) -> Self {
        let (name, value) = match split_pair(raw) {
            (b"", name) if !raw.contains(&b'=') => (name, &raw[..0]),
            pair => pair,
        };
        Self { raw, kind: Kind::of(name, value), value }
    }
}

impl Kind {
    fn of(name: &[u8], value: &[u8]) -> Self {
        match NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) {
            None => Self::Unknown,
            Some(_) if value.len() > ATTRIBUTE_VALUE_MAX => Self::Ignored,
            Some((_, Self::Expires)) if date::parse(value).is_none() => Self::Ignored,
            Some((_, Self::MaxAge)) if max_age(value).is_none() => Self::Ignored,
            Some((_, kind)) => *kind,
        }
    }
}

/// `Max-Age`: digits with an optional minus (section 5.6.2). What is negative or zero expires at once.
fn max_age(value: &[u8]) -> Option<u64> {
    let (negative, digits) = value.strip_prefix(b"-").map_or((false, value), |digits| (true, digits));
    if !digits.iter().all(u8::is_ascii_digit) || value.is_empty() {
        return None;
    }
    let add = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(if negative { 0 } else { digits.iter().fold(0, add) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attributes_are_read_whatever_their_spelling() {
        let cookie = SetCookie::parse(
            b" sid = \"a b\" ;SECURE=false;\thttponly ;SameSite=none; samesite = STRICT;Domain=.Example.org;\
              Path=/app; Max-Age=60; Priority=High;;",
        )
        .unwrap();
        assert_eq!((cookie.name(), cookie.value()), (&b"sid"[..], &b"\"a b\""[..]));
        assert!(cookie.secure() && cookie.http_only() && !cookie.partitioned());
        assert_eq!(cookie.same_site(), Some(SameSite::Strict));
        assert_eq!(cookie.domain(), Some(&b"Example.org"[..]));
        assert_eq!(cookie.path(), Some(&b"/app"[..]));
        assert_eq!(cookie.max_age(), Some(60));
        assert_eq!(cookie.unknown_attributes().collect::<Vec<_>>(), [b"Priority=High"]);
    }

    #[test]
    fn what_looks_like_an_attribute_to_no_browser_is_none() {
        let quoted = SetCookie::parse(b"a=\"x; Secure\"; \xa0HttpOnly; Secure x; =Secure; Max-Age=1h").unwrap();
        assert!(!quoted.secure() && !quoted.http_only());
        assert_eq!(quoted.max_age(), None);
        let long = format!("a=1; Secure={}", "x".repeat(1025));
        assert!(!SetCookie::parse(long.as_bytes()).unwrap().secure());
    }

    #[test]
    fn a_later_attribute_that_is_ignored_overrules_nothing() {
        let cookie = SetCookie::parse(b"a=1; Max-Age=5; Max-Age=soon; Expires=never").unwrap();
        assert_eq!((cookie.max_age(), cookie.expires()), (Some(5), None));
        let unknown = SetCookie::parse(b"a=1; SameSite=Strict; SameSite=x").unwrap();
        assert_eq!(unknown.same_site(), None);
    }

    #[test]
    fn what_browsers_ignore_is_no_cookie() {
        for field in ["", "=", " ; Secure", "a=\u{1}", "a=1\u{7f}", "__Host-sid", "=__secure-sid"] {
            assert!(SetCookie::parse(field.as_bytes()).is_none(), "{field:?}");
        }
        assert_eq!(SetCookie::parse(b"value alone").unwrap().name(), b"");
        assert_eq!(SetCookie::parse(b"a=\xff\xfe").unwrap().value(), b"\xff\xfe");
    }

    #[test]
    fn a_huge_lifetime_is_the_longest_and_a_negative_one_is_none() {
        let max_age = |field: &'static str| SetCookie::parse(field.as_bytes()).unwrap().max_age();
        assert_eq!(max_age("a=1; Max-Age=99999999999999999999999"), Some(u64::MAX));
        assert_eq!(max_age("a=1; Max-Age=-1"), Some(0));
        assert_eq!(max_age("a=1; Max-Age=+1"), None);
    }

    proptest! {
        #[test]
        fn any_field_prints_back_byte_for_byte(field in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Some(cookie) = SetCookie::parse(&field) {
                let mut printed = field.split(|&byte| byte == b';').next().unwrap_or_default().to_vec();
                for attribute in &cookie.attributes {
                    printed.push(b';');
                    printed.extend_from_slice(attribute.raw);
                }
                prop_assert_eq!(printed, field);
            }
        }
    }
}
