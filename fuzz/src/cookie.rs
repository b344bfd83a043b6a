//! `Set-Cookie` and `Cookie`.

use cofferdam::cookies::{Domain, Edit, Prefix, Rules, SameSite, SameSiteRule, SetCookie, pairs, rewrite};

/// The first two bytes choose the rules, the rest is a field.
///
/// A cookie under any rules obeys them, keeps its value and what it knew to protect, and obeying twice changes nothing.
pub fn cookie(data: &[u8]) {
    let [first, second, field @ ..] = data else { return };
    check_pairs(field);
    let domain = [Domain::Keep, Domain::Remove, Domain::Narrow("app.example.org".into())];
    let rules = rules(*first, *second, &domain[usize::from(second >> 5) % domain.len()]);
    let Some(cookie) = SetCookie::parse(field) else { return };
    let once = cookie.enforce(&rules).into_owned();
    let result = SetCookie::parse(&once).expect("the result is a cookie");
    assert!(result.secure() || !(rules.secure || cookie.secure()));
    assert!(result.http_only() || !(rules.http_only || cookie.http_only()));
    assert!(result.partitioned() || !cookie.partitioned());
    assert!(result.secure() || !rules.tls || result.same_site() != Some(SameSite::None));
    assert!(result.max_age().unwrap_or(0) <= rules.lifetime_cap.unwrap_or(u64::MAX));
    assert!(result.value() == cookie.value() && result.name().ends_with(cookie.name()));
    assert_eq!(result.enforce(&rules), once, "obeying twice changes something");
    if let Some(field) = cookie.with_value(b"v") {
        assert_eq!(SetCookie::parse(&field).map(|cookie| cookie.value()), Some(&b"v"[..]));
    }
}

fn check_pairs(field: &[u8]) {
    assert!(rewrite(field, |_| Edit::Keep).is_none(), "keeping everything changes something");
    let count = pairs(field).count();
    let named = rewrite(field, |pair| if pair.name.is_empty() { Edit::Drop } else { Edit::Keep });
    assert!(named.is_none_or(|left| pairs(&left).count() <= count));
}

fn rules(first: u8, second: u8, domain: &Domain) -> Rules<'_> {
    let same_site = [SameSite::Strict, SameSite::Lax, SameSite::None][usize::from(first >> 6) % 3];
    Rules {
        secure: first & 1 != 0,
        tls: first & 2 != 0,
        http_only: first & 4 != 0,
        same_site: [SameSiteRule::Keep, SameSiteRule::Default(same_site), SameSiteRule::Force(same_site)]
            [usize::from(first >> 4 & 3) % 3],
        partitioned: first & 8 != 0,
        prefix: [None, Some(Prefix::Secure), Some(Prefix::Host)][usize::from(second & 3) % 3],
        domain,
        path: (second & 4 != 0).then_some("/app"),
        lifetime_cap: (second & 8 != 0).then_some(3600),
        now: 1_700_000_000,
    }
}
