//! What a browser makes of hardened cookies. The browser here is written after the steps of RFC 6265bis (draft 20,
//! sections 5.6 and 5.7) and shares nothing with the reader of the library, so that whatever gets past that one (by
//! case, white space, quoting, duplicates, 8-bit bytes) is seen.

#![expect(clippy::unwrap_used, reason = "a test that cannot run should fail there")]

use std::sync::Arc;

use cofferdam::{
    cookies::{
        NamePattern, Prefix, SameSite, SameSiteRule,
        seal::{KeyRing, key_line},
    },
    incident::{Mode, Seed},
    response::{CookiePolicy, CookieReport, CookieRules, HttpOnlyRule, SealPolicy, SealReport},
};
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use proptest::prelude::*;

/// A cookie in the jar of a browser that came by TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    name: Vec<u8>,
    value: Vec<u8>,
    domain: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    /// As written; what is no number is none.
    max_age: Option<Vec<u8>>,
    secure: bool,
    http_only: bool,
    partitioned: bool,
    /// In lower case; none for the default.
    same_site: Option<Vec<u8>>,
    /// What no browser knows, in order.
    unknown: Vec<Vec<u8>>,
}

impl Stored {
    /// Sections 5.6 and 5.7; `None` where the cookie is not stored.
    fn of(field: &[u8]) -> Option<Self> {
        let read = Self::read(field)?;
        let starts = |text: &[u8], prefix: &str| {
            text.len() >= prefix.len() && text[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
        };
        let poses = read.name.is_empty() && (starts(&read.value, "__Secure-") || starts(&read.value, "__Host-"));
        let host = starts(&read.name, "__Host-");
        let refused = (read.name.is_empty() && read.value.is_empty())
            || poses
            || (!read.secure && (starts(&read.name, "__Secure-") || host || read.partitioned))
            || (host && (read.domain.is_some() || read.path.as_deref() != Some(b"/")))
            || (!read.secure && read.same_site.as_deref() == Some(b"none"));
        (!refused).then_some(read)
    }

    fn read(field: &[u8]) -> Option<Self> {
        if field.iter().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
            return None;
        }
        let mut pieces = field.split(|byte| *byte == b';');
        let (name, value) = pair(pieces.next()?);
        if name.len() + value.len() > 4096 {
            return None;
        }
        let mut stored = Self {
            name,
            value,
            domain: None,
            path: None,
            max_age: None,
            secure: false,
            http_only: false,
            partitioned: false,
            same_site: None,
            unknown: Vec::new(),
        };
        pieces.for_each(|piece| stored.attribute(piece));
        Some(stored)
    }

    fn attribute(&mut self, piece: &[u8]) {
        let (name, value) = match piece.iter().position(|byte| *byte == b'=') {
            Some(at) => (blankless(&piece[..at]), blankless(&piece[at + 1..])),
            None => (blankless(piece), Vec::new()),
        };
        if value.len() > 1024 {
            return;
        }
        match &*name.to_ascii_lowercase() {
            b"secure" => self.secure = true,
            b"httponly" => self.http_only = true,
            b"partitioned" => self.partitioned = true,
            b"samesite" => {
                let value = value.to_ascii_lowercase();
                self.same_site = matches!(&*value, b"lax" | b"strict" | b"none").then_some(value);
            }
            b"max-age" => {
                let digits = value.strip_prefix(b"-").unwrap_or(&value);
                if !value.is_empty() && digits.iter().all(u8::is_ascii_digit) {
                    self.max_age = Some(value);
                }
            }
            b"domain" => {
                let domain = value.strip_prefix(b".").unwrap_or(&value).to_ascii_lowercase();
                self.domain = Some(domain).filter(|domain| !domain.is_empty());
            }
            b"path" => self.path = Some(value).filter(|path| path.starts_with(b"/")),
            b"expires" => {}
            _ if blankless(piece).is_empty() => {}
            _ => self.unknown.push(blankless(piece)),
        }
    }
}

fn pair(text: &[u8]) -> (Vec<u8>, Vec<u8>) {
    match text.iter().position(|byte| *byte == b'=') {
        Some(at) => (blankless(&text[..at]), blankless(&text[at + 1..])),
        None => (Vec::new(), blankless(text)),
    }
}

/// Without spaces and tabs at its ends.
fn blankless(mut text: &[u8]) -> Vec<u8> {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text.to_vec()
}

/// Anything that a field can hold: pieces that look like attributes to somebody, and any other.
fn any_field() -> impl Strategy<Value = Vec<u8>> {
    let bytes = |pattern: &str| proptest::string::bytes_regex(pattern).unwrap();
    let piece = prop_oneof![
        bytes("(?i-u)[ \t\"]{0,2}(secure|httponly|partitioned)[ \t\"\\xa0]{0,2}(=[a-z\"]{0,5})?"),
        bytes("(?i-u)[ \t]?samesite[ \t]?=[ \t\"]?(lax|strict|none|x|)[ \t\"]?"),
        bytes("(?i-u) ?(max-age ?= ?[+-]?[0-9x]{0,3}|domain=\\.{0,2}(b\\.)?C|path=\"?/?X?)"),
        bytes("(?-u)[\t -:<-~\\x80-\\xff]{0,10}"),
    ];
    let name = bytes("(?-u)[ \t\"]?(__Host-|__hOST-|__Secure-)?(sid|SID|csrftoken|csrfToken|a|)[ \t\"\\xff]{0,2}");
    let value = bytes("(?-u)(=[\t -:<-~\\x80-\\xff]{0,6})?");
    (name, value, proptest::collection::vec(piece, 0..7)).prop_map(|(name, value, pieces)| {
        let first = [name, value].concat();
        std::iter::once(first).chain(pieces).collect::<Vec<_>>().join(&b';')
    })
}

fn hardened(policy: &CookiePolicy, field: &[u8]) -> Option<Vec<u8>> {
    let mut fields = HeaderMap::new();
    fields.append(SET_COOKIE, HeaderValue::from_bytes(field).unwrap());
    policy.harden(&mut fields, true, 1_700_000_000, &mut CookieReport::default());
    fields.get(SET_COOKIE).map(|field| field.as_bytes().to_vec())
}

/// Names that scripts must read, as the configuration has them by itself.
fn is_script_readable(name: &[u8]) -> bool {
    let own = ["__Host-", "__Secure-"].iter().find_map(|prefix| {
        let (first, rest) = name.split_at_checked(prefix.len())?;
        first.eq_ignore_ascii_case(prefix.as_bytes()).then_some(rest)
    });
    [b"csrftoken".as_slice(), b"csrfToken", b"_xsrf", b"XSRF-TOKEN"].contains(&own.unwrap_or(name))
}

fn prefixing(prefix: Prefix) -> CookiePolicy {
    let rules = CookieRules { prefix: Some(prefix), ..CookieRules::default() };
    CookiePolicy { overrides: vec![(NamePattern::new("sid"), rules)], ..CookiePolicy::default() }
}

fn sealing() -> SealPolicy {
    let keys = KeyRing::parse("keys", &key_line(&std::array::from_fn(|at| at as u8))).unwrap();
    SealPolicy {
        mode: Mode::Enforce,
        cookies: vec![NamePattern::new("sid")],
        except: Vec::new(),
        audience: "".into(),
        accept_unsealed_until: None,
        keys: Arc::new(keys),
        max_bytes: 4096,
    }
}

/// The names that PHP, Rack, and parsers of RFC 2109 find in a `Cookie` field.
fn lenient_names(field: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(field).into_owned();
    let strict = text.split(';').map(|pair| pair.split('=').next().unwrap_or_default().to_owned());
    let old = text.split([';', ',']).filter(|pair| pair.contains('='));
    let old = old.map(|pair| pair.split('=').next().unwrap_or_default().to_owned());
    let names: Vec<String> = strict.chain(old).collect();
    let decoded = names.iter().map(|name| name.replace("%73", "s").replace("%69", "i").replace("%64", "d"));
    let all: Vec<String> = decoded.collect();
    all.iter().map(|name| name.trim_matches([' ', '\t', '"']).to_ascii_lowercase().into_bytes()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_browser_stores_is_protected(field in any_field()) {
        let policy = CookiePolicy::default();
        let Some(out) = hardened(&policy, &field) else {
            prop_assert_eq!(Stored::of(&field), None, "a cookie that browsers take is lost");
            return Ok(());
        };
        if let Some(stored) = Stored::of(&out) {
            prop_assert!(stored.secure && stored.same_site.is_some());
            prop_assert!(stored.http_only || is_script_readable(&stored.name));
        }
        prop_assert_eq!(hardened(&policy, &out), Some(out));
    }

    #[test]
    fn whatever_a_browser_read_it_still_reads(field in any_field()) {
        let Some(before) = Stored::of(&field) else { return Ok(()) };
        let after = Stored::of(&hardened(&CookiePolicy::default(), &field).unwrap()).expect("it is still stored");
        let added = Stored {
            secure: true,
            http_only: after.http_only,
            same_site: before.same_site.clone().or(Some(b"lax".to_vec())),
            ..before.clone()
        };
        prop_assert!(after.http_only >= before.http_only);
        prop_assert_eq!(after, added);
    }

    #[test]
    fn no_rule_is_got_around_by_spelling(field in any_field()) {
        let rules = CookieRules {
            http_only: HttpOnlyRule::Always,
            same_site: SameSiteRule::Force(SameSite::Strict),
            domain: cofferdam::cookies::Domain::Remove,
            path: Some("/app".into()),
            lifetime_cap: Some(60),
            ..CookieRules::default()
        };
        let policy = CookiePolicy { rules, ..CookiePolicy::default() };
        let Some(stored) = hardened(&policy, &field).and_then(|out| Stored::of(&out)) else { return Ok(()) };
        prop_assert!(stored.secure && stored.http_only && stored.domain.is_none());
        prop_assert_eq!((stored.same_site.unwrap(), stored.path.unwrap()), (b"strict".to_vec(), b"/app".to_vec()));
        let age = stored.max_age.map(|age| String::from_utf8(age).unwrap().parse::<i64>().unwrap_or(0));
        prop_assert!(age.is_none_or(|age| age <= 60));
    }

    #[test]
    fn what_the_application_sets_comes_back_to_it(
        value in "[!#-+\\--:<-\\[\\]-~]{1,60}", attributes in "(; ?(Path=/a?|Secure|domain=c|x=y|Max-Age=5)){0,3}",
        host: bool, sealed: bool
    ) {
        let policy = prefixing(if host { Prefix::Host } else { Prefix::Secure });
        let sealing = sealing();
        let mut fields = HeaderMap::new();
        fields.append(SET_COOKIE, HeaderValue::from_str(&format!("sid={value}{attributes}")).unwrap());
        if sealed {
            sealing.seal(&mut fields, &Seed::from_random([7; 32]), 1_700_000_000, &mut SealReport::default());
        }
        policy.harden(&mut fields, true, 1_700_000_000, &mut CookieReport::default());
        let stored = Stored::of(fields[SET_COOKIE].as_bytes()).expect("browsers keep it");
        prop_assert_eq!(sealed, stored.value != value.as_bytes());
        let mut back = HeaderMap::new();
        back.append(COOKIE, HeaderValue::from_bytes(&[&stored.name[..], b"=", &stored.value].concat()).unwrap());
        policy.take_back(&mut back, true, &mut CookieReport::default());
        if sealed {
            sealing.open(&mut back, 1_700_000_000, &mut SealReport::default());
        }
        prop_assert_eq!(back[COOKIE].to_str().unwrap(), format!("sid={value}"));
    }

    #[test]
    fn a_planted_cookie_never_takes_the_place_of_a_prefixed_one(
        planted in proptest::collection::vec("[ \t\"]?(s|S|%73)(i|%69)(d|%64)[ \t\"]?=[a-z,= ]{0,4}", 1..4),
        other in "[a-c]=([a-z]{0,3}|, ?sid=1)"
    ) {
        let policy = prefixing(Prefix::Host);
        let mut back = HeaderMap::new();
        let field = format!("{}; {other}", planted.join(";"));
        back.append(COOKIE, HeaderValue::from_str(&field).unwrap());
        policy.take_back(&mut back, true, &mut CookieReport::default());
        for field in back.get_all(COOKIE) {
            prop_assert!(!lenient_names(field.as_bytes()).contains(&b"sid".to_vec()), "{:?}", field);
        }
    }
}
