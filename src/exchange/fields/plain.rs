//! Fields that can hold no leak, by their names and the strict shape of their values: moments and counts.

use http::{HeaderName, HeaderValue, header};

/// Whether the field is a moment or a count, and nothing else.
pub(super) fn is_plain(name: &HeaderName, value: &HeaderValue) -> bool {
    match *name {
        header::DATE | header::LAST_MODIFIED | header::EXPIRES => is_moment(value.as_bytes()),
        header::CONTENT_LENGTH | header::AGE => is_count(value.as_bytes()),
        _ => false,
    }
}

/// Digits of a count that the client needs.
const COUNT_MAX: usize = 12;

fn is_count(value: &[u8]) -> bool {
    (1..=COUNT_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit)
}

/// The shape of an IMF-fixdate (RFC 9110 section 5.6.7), in which `a` stands for a letter and `0` for a digit.
const MOMENT: &[u8; 29] = b"aaa, 00 aaa 0000 00:00:00 GMT";

fn is_moment(value: &[u8]) -> bool {
    let fits = |(&byte, &shape): (&u8, &u8)| match shape {
        b'a' => byte.is_ascii_alphabetic(),
        b'0' => byte.is_ascii_digit(),
        shape => byte == shape,
    };
    value.len() == MOMENT.len() && value.iter().zip(MOMENT).all(fits)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        rules::{PACKS, parse_pack},
        scan::{Block, Ruleset, Source},
    };

    #[test]
    fn moments_and_counts_are_plain_and_nothing_else_is() {
        let plain = |name, value| is_plain(&name, &HeaderValue::from_str(value).unwrap());
        assert!(plain(header::DATE, "Tue, 24 Nov 2026 16:01:30 GMT"));
        assert!(plain(header::CONTENT_LENGTH, "1030"));
        for (name, value) in [
            (header::DATE, "Tue, 24 Nov 2026 16:01:30 GMT "),
            (header::DATE, "Tue, 24 Nov 2026 16:01:30 UTC"),
            (header::DATE, "Tuesday, 24-Nov-26 16:01:30 GMT"),
            (header::EXPIRES, "0"),
            (header::CONTENT_LENGTH, ""),
            (header::CONTENT_LENGTH, "4111111111111111"),
            (header::AGE, "1a"),
            (header::ETAG, "1030"),
        ] {
            assert!(!plain(name.clone(), value), "{name}: {value}");
        }
    }

    static RULES: LazyLock<Ruleset> = LazyLock::new(|| {
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect();
        Ruleset::compile(rules).unwrap()
    });

    proptest! {
        #[test]
        fn no_rule_finds_anything_in_plain_fields(
            letters in "[A-Za-z]{6}", day in 0..100_u8, year in 0..10_000_u16, count in 0..1_000_000_000_000_u64,
        ) {
            let moment = format!("{}, {day:02} {} {year:04} 16:01:30 GMT", &letters[..3], &letters[3..]);
            let text = format!("date: {moment}\nexpires: {moment}\nage: {count}\ncontent-length: {count}\n");
            for status in [200, 500] {
                let block = Block { bytes: text.as_bytes(), own: 0..text.len(), offset: 0 };
                let source = Source { status, fields: true, json: false, utf7: false };
                prop_assert!(RULES.scan(&block, source).findings.is_empty(), "{text}");
            }
        }
    }
}
