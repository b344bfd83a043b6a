//! `Accept-Encoding`: which coding a client may be served.

use super::{
    Coding,
    plan::{members, trim},
};

/// The coding to serve out of `offered`, which stands in order of preference; `None` is identity.
///
/// `values` are those of all `Accept-Encoding` fields (RFC 9110 section 12.5.3). The highest weight wins, then the
/// order of `offered`. A client that sends no such field, or says nothing of a coding, is served identity: it may be
/// unable to decode. So is one that weighs `identity` above every coding offered, or excludes all of them: the
/// section lets a server ignore that rather than answer 406. A member that does not parse counts for nothing.
pub fn accept<'a>(values: impl Iterator<Item = &'a [u8]>, offered: &[Coding]) -> Option<Coding> {
    let wishes: Vec<Wish<'a>> = values.flat_map(members).filter_map(Wish::parse).collect();
    let floor = weight(&wishes, |name| name.eq_ignore_ascii_case(b"identity")).unwrap_or(0).max(1);
    let weigh = |coding: Coding| {
        let explicit = weight(&wishes, |name| Coding::from_token(name) == Some(coding));
        explicit.or_else(|| weight(&wishes, |name| name == b"*")).unwrap_or(0)
    };
    // `max_by_key` keeps the last of equals: reversed, that is the first offered.
    offered.iter().copied().rev().max_by_key(|coding| weigh(*coding)).filter(|coding| weigh(*coding) >= floor)
}

/// One member: a name and its weight in thousandths.
struct Wish<'a> {
    name: &'a [u8],
    weight: u16,
}

impl<'a> Wish<'a> {
    fn parse(member: &'a [u8]) -> Option<Self> {
        let mut parts = member.splitn(2, |byte| *byte == b';').map(trim);
        let name = parts.next()?;
        let weight = parts.next().map_or(Some(1000), parse_weight)?;
        Some(Self { name, weight })
    }
}

/// `q=` and 0 to 1 with at most three decimals (RFC 9110 section 12.4.2), in thousandths.
fn parse_weight(parameter: &[u8]) -> Option<u16> {
    let ([b'q' | b'Q', b'=', whole], rest) = parameter.split_at_checked(3)? else { return None };
    let decimals = match rest {
        [] => &[][..],
        [b'.', decimals @ ..] if decimals.len() <= 3 && decimals.iter().all(u8::is_ascii_digit) => decimals,
        _ => return None,
    };
    let thousandths = (0..3).fold(0, |sum, place| sum * 10 + u16::from(decimals.get(place).unwrap_or(&b'0') - b'0'));
    match whole {
        b'0' => Some(thousandths),
        b'1' if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// The weight of the members with such a name. Of several the lowest, so that an exclusion holds.
fn weight(wishes: &[Wish<'_>], is_meant: impl Fn(&[u8]) -> bool) -> Option<u16> {
    wishes.iter().filter(|wish| is_meant(wish.name)).map(|wish| wish.weight).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Coding::{Brotli, Gzip, Zstd};

    const OFFERED: [Coding; 3] = [Zstd, Brotli, Gzip];

    fn choose(values: &[&str]) -> Option<Coding> {
        accept(values.iter().map(|value| value.as_bytes()), &OFFERED)
    }

    #[test]
    fn silence_and_emptiness_mean_identity() {
        assert_eq!(choose(&[]), None);
        assert_eq!(choose(&[""]), None);
        assert_eq!(choose(&["identity"]), None);
        assert_eq!(choose(&["compress, deflate"]), None);
        assert_eq!(accept([&b"gzip"[..]].into_iter(), &[]), None);
    }

    #[test]
    fn the_servers_order_decides_between_equal_weights() {
        assert_eq!(choose(&["gzip, deflate, br, zstd"]), Some(Zstd));
        assert_eq!(choose(&["gzip, br"]), Some(Brotli));
        assert_eq!(choose(&["gzip;q=0.5", "br;q=0.5"]), Some(Brotli));
        assert_eq!(choose(&["*"]), Some(Zstd));
    }

    #[test]
    fn the_highest_weight_wins() {
        assert_eq!(choose(&["zstd;q=0.1, br;q=0.2, gzip;q=0.25"]), Some(Gzip));
        assert_eq!(choose(&["X-GZip ; Q=1.000, br;q=0.999"]), Some(Gzip));
        assert_eq!(choose(&["gzip;q=0.001"]), Some(Gzip));
    }

    #[test]
    fn zero_excludes_and_the_star_covers_only_the_unnamed() {
        assert_eq!(choose(&["gzip;q=0, br;q=0.000"]), None);
        assert_eq!(choose(&["*;q=0.3, zstd;q=0"]), Some(Brotli));
        assert_eq!(choose(&["*;q=0, gzip"]), Some(Gzip));
        assert_eq!(choose(&["gzip, gzip;q=0"]), None);
    }

    #[test]
    fn identity_weighed_higher_is_served() {
        assert_eq!(choose(&["identity, gzip;q=0.5"]), None);
        assert_eq!(choose(&["identity;q=0.5, gzip;q=0.5"]), Some(Gzip));
        assert_eq!(choose(&["identity;q=0, gzip;q=0.001"]), Some(Gzip));
        assert_eq!(choose(&["identity;q=0"]), None);
    }

    #[test]
    fn a_member_that_does_not_parse_counts_for_nothing() {
        for value in
            ["gzip;q=1.1", "gzip;q=2", "gzip;q=0.1234", "gzip;q=", "gzip;x=1", "gzip;q=.5", "gzip;q=-1", "gzip;"]
        {
            assert_eq!(choose(&[value]), None, "{value}");
        }
        assert_eq!(choose(&["gzip;q=9, br;q=0.1"]), Some(Brotli));
    }
}
