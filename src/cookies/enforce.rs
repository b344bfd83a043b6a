//! Making a `Set-Cookie` say what the rules want, and nothing twice.

use std::borrow::Cow;

use super::{
    Domain, Prefix, Rules, SameSite, SameSiteRule, SetCookie,
    set_cookie::{Attribute, Kind},
    trim,
};

impl<'a> SetCookie<'a> {
    /// The field under `rules`: the very bytes where it obeys them already, else with the offending attributes
    /// replaced where they stand and the missing ones appended. Name, value, unknown attributes and their order
    /// are never touched (but for the name's prefix), and a known attribute occurs at most once. Doing it twice
    /// changes nothing more.
    pub fn enforce(&self, rules: &Rules<'_>) -> Cow<'a, [u8]> {
        let mut draft = Draft::of(self);
        draft.prefix(self, rules);
        draft.domain(self, rules);
        draft.path(self, rules);
        draft.lifetime(self, rules);
        let same_site = draft.same_site(self, rules);
        let secure = draft.secure(self, rules, same_site);
        draft.http_only(self, rules);
        draft.partitioned(self, rules, secure && same_site == Some(SameSite::None));
        draft.print(self)
    }
}

struct Draft<'a> {
    prefix: Option<Prefix>,
    /// The attributes that stay, in order; no kind but `Unknown` twice, none `Ignored`.
    attributes: Vec<(Kind, Cow<'a, [u8]>)>,
    changed: bool,
}

impl<'a> Draft<'a> {
    fn of(cookie: &SetCookie<'a>) -> Self {
        let all = &cookie.attributes;
        let overruled = |at: usize, kind: Kind| all[at + 1..].iter().any(|later| later.kind == kind);
        let stays = |(at, attribute): &(usize, &Attribute<'a>)| match attribute.kind {
            Kind::Unknown => true,
            Kind::Ignored => false,
            kind => !overruled(*at, kind),
        };
        let attributes: Vec<_> = all
            .iter()
            .enumerate()
            .filter(stays)
            .map(|(_, attribute)| (attribute.kind, Cow::Borrowed(attribute.raw)))
            .collect();
        Self { prefix: None, changed: attributes.len() != all.len(), attributes }
    }

    fn prefix(&mut self, cookie: &SetCookie<'_>, rules: &Rules<'_>) {
        let bare = !cookie.name().is_empty() && Prefix::of(cookie.name()).is_none();
        self.prefix = rules.prefix.filter(|_| rules.tls && bare);
        self.changed |= self.prefix.is_some();
    }

    fn domain(&mut self, cookie: &SetCookie<'_>, rules: &Rules<'_>) {
        if rules.is_host_bound(cookie) || *rules.domain == Domain::Remove {
            self.remove(Kind::Domain);
        } else if let (Domain::Narrow(to), Some(domain)) = (rules.domain, cookie.domain())
            && is_parent(domain, to.as_bytes())
        {
            self.put(Kind::Domain, &format!("Domain={to}"));
        }
    }

    fn path(&mut self, cookie: &SetCookie<'_>, rules: &Rules<'_>) {
        let wanted = if rules.is_host_bound(cookie) { Some("/") } else { rules.path };
        if let Some(path) = wanted.filter(|path| cookie.path() != Some(path.as_bytes())) {
            self.put(Kind::Path, &format!("Path={path}"));
        }
    }

    fn lifetime(&mut self, cookie: &SetCookie<'_>, rules: &Rules<'_>) {
        let Some(cap) = rules.lifetime_cap else { return };
        let left = cookie.max_age().or_else(|| Some(cookie.expires()?.saturating_sub(rules.now)));
        if left.is_some_and(|left| left > cap) {
            self.put(Kind::MaxAge, &format!("Max-Age={cap}"));
            self.remove(Kind::Expires);
        }
    }

    /// Gives what the result says.
    fn same_site(&mut self, cookie: &SetCookie<'_>, rules: &Rules<'_>) -> Option<SameSite> {
        let said = cookie.same_site();
        let wanted = match rules.same_site {
            SameSiteRule::Keep => said,
            SameSiteRule::Default(default) => said.or(Some(default)),
            SameSiteRule::Force(forced) => Some(forced),
        };
        if let Some(wanted) = wanted.filter(|_| wanted != said) {
            self.put(Kind::SameSite, &format!("SameSite={}", wanted.as_str()));
        }
        wanted
    }

    /// Gives what the result says.
    fn secure(&mut self, cookie: &SetCookie<'_>, rules: &Rules<'_>, same_site: Option<SameSite>) -> bool {
        let implied = same_site == Some(SameSite::None) || rules.prefix_of(cookie).is_some();
        let wanted = rules.secure || (rules.tls && implied);
        if wanted && !cookie.secure() {
            self.put(Kind::Secure, "Secure");
        }
        wanted || cookie.secure()
    }

    fn http_only(&mut self, cookie: &SetCookie<'_>, rules: &Rules<'_>) {
        if rules.http_only && !cookie.http_only() {
            self.put(Kind::HttpOnly, "HttpOnly");
        }
    }

    fn partitioned(&mut self, cookie: &SetCookie<'_>, rules: &Rules<'_>, possible: bool) {
        if rules.partitioned && possible && !cookie.partitioned() {
            self.put(Kind::Partitioned, "Partitioned");
        }
    }

    fn remove(&mut self, kind: Kind) {
        let before = self.attributes.len();
        self.attributes.retain(|(other, _)| *other != kind);
        self.changed |= self.attributes.len() != before;
    }

    /// Replaces the attribute where it stands, or appends it (in the place of an empty last piece).
    fn put(&mut self, kind: Kind, text: &str) {
        self.changed = true;
        let text = (kind, Cow::Owned([b" ", text.as_bytes()].concat()));
        if let Some(slot) = self.attributes.iter_mut().find(|(other, _)| *other == kind) {
            *slot = text;
            return;
        }
        if self.attributes.last().is_some_and(|(_, last)| trim(last).is_empty()) {
            self.attributes.pop();
        }
        self.attributes.push(text);
    }

    fn print(self, cookie: &SetCookie<'a>) -> Cow<'a, [u8]> {
        if !self.changed {
            return Cow::Borrowed(cookie.raw);
        }
        let pair = cookie.raw.split(|&byte| byte == b';').next().unwrap_or_default();
        let mut out = Vec::with_capacity(cookie.raw.len() + 64);
        out.extend_from_slice(&pair[..cookie.name_at]);
        out.extend_from_slice(self.prefix.map_or("", Prefix::given).as_bytes());
        out.extend_from_slice(&pair[cookie.name_at..]);
        for (_, attribute) in &self.attributes {
            out.push(b';');
            out.extend_from_slice(attribute);
        }
        Cow::Owned(out)
    }
}

impl Rules<'_> {
    /// The prefix of these rules that the printed name bears, given by them now or before.
    fn prefix_of(&self, cookie: &SetCookie<'_>) -> Option<Prefix> {
        let carried = Prefix::of(cookie.name());
        self.prefix
            .filter(|prefix| self.tls && !cookie.name().is_empty() && carried.is_none_or(|carried| carried == *prefix))
    }

    fn is_host_bound(&self, cookie: &SetCookie<'_>) -> bool {
        self.prefix_of(cookie) == Some(Prefix::Host)
    }
}

/// Whether `domain` is a proper parent of `narrow`.
fn is_parent(domain: &[u8], narrow: &[u8]) -> bool {
    let Some(at) = narrow.len().checked_sub(domain.len() + 1) else { return false };
    narrow[at] == b'.' && narrow[at + 1..].eq_ignore_ascii_case(domain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u64 = 1_700_000_000;

    /// What a browser of a site over TLS gets by default.
    fn standard() -> Rules<'static> {
        Rules {
            secure: true,
            tls: true,
            http_only: true,
            same_site: SameSiteRule::Default(SameSite::Lax),
            partitioned: false,
            prefix: None,
            domain: &Domain::Keep,
            path: None,
            lifetime_cap: None,
            now: NOW,
        }
    }

    fn enforced(field: &str, rules: &Rules<'_>) -> String {
        String::from_utf8(SetCookie::parse(field.as_bytes()).unwrap().enforce(rules).into_owned()).unwrap()
    }

    #[test]
    fn a_bare_cookie_gets_what_it_lacks_and_keeps_what_it_has() {
        for (field, wanted) in [
            ("sid=1", "sid=1; Secure; HttpOnly; SameSite=Lax"),
            ("sid=1; Path=/", "sid=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
            ("sid=1;Path=/;", "sid=1;Path=/; Secure; HttpOnly; SameSite=Lax"),
            ("sid=1; Priority=High; HTTPONLY", "sid=1; Priority=High; HTTPONLY; Secure; SameSite=Lax"),
            ("sid=1; SameSite=bogus; Secure", "sid=1; SameSite=Lax; Secure; HttpOnly"),
            ("sid=\"a; Secure\"", "sid=\"a; Secure\"; Secure; HttpOnly; SameSite=Lax"),
            ("sid=1; SameSite=None", "sid=1; SameSite=None; Secure; HttpOnly"),
        ] {
            let got = enforced(field, &standard());
            assert_eq!(sorted(&got), sorted(wanted), "{field}: {got}");
        }
    }

    fn sorted(field: &str) -> Vec<&str> {
        let mut pieces: Vec<_> = field.split(';').map(str::trim).collect();
        pieces.sort_unstable();
        pieces
    }

    #[test]
    fn an_obedient_cookie_is_untouched_whatever_its_spelling() {
        for field in ["sid=1;secure;HTTPONLY ; samesite=strict", " a = b ;  Secure=no;HttpOnly;SameSite=Lax;;x"] {
            let cookie = SetCookie::parse(field.as_bytes()).unwrap();
            assert!(matches!(cookie.enforce(&standard()), Cow::Borrowed(same) if same == field.as_bytes()));
        }
    }

    #[test]
    fn the_last_of_several_attributes_wins_and_stays_alone() {
        let field = "a=1; Secure; SameSite=None; Path=/a; secure; Path=/b; samesite=Strict; httponly";
        assert_eq!(enforced(field, &standard()), "a=1; secure; Path=/b; samesite=Strict; httponly");
    }

    #[test]
    fn secure_is_never_invented_on_plain_http() {
        let rules = Rules { secure: false, tls: false, partitioned: true, prefix: Some(Prefix::Host), ..standard() };
        assert_eq!(enforced("a=1; SameSite=None", &rules), "a=1; SameSite=None; HttpOnly");
        assert_eq!(enforced("a=1; Secure", &rules), "a=1; Secure; SameSite=Lax; HttpOnly");
    }

    #[test]
    fn a_host_prefix_brings_what_browsers_demand_with_it() {
        let rules = Rules { prefix: Some(Prefix::Host), path: Some("/app"), ..standard() };
        let got = enforced(" sid =1; Domain=example.org; Path=/x", &rules);
        assert_eq!(got, " __Host-~sid =1; Path=/; SameSite=Lax; Secure; HttpOnly");
        assert_eq!(
            enforced("__secure-sid=1; Path=/app; SameSite=Lax; Secure; HttpOnly", &rules),
            "__secure-sid=1; Path=/app; SameSite=Lax; Secure; HttpOnly"
        );
        assert_eq!(enforced("nameless", &Rules { path: None, ..rules }), "nameless; SameSite=Lax; Secure; HttpOnly");
    }

    #[test]
    fn a_domain_is_narrowed_to_a_child_and_never_widened() {
        let narrow = Domain::Narrow("app.example.org".into());
        let rules =
            Rules { domain: &narrow, http_only: false, secure: false, same_site: SameSiteRule::Keep, ..standard() };
        for (field, wanted) in [
            ("a=1; Domain=.Example.org", "a=1; Domain=app.example.org"),
            ("a=1; Domain=app.example.org", "a=1; Domain=app.example.org"),
            ("a=1; Domain=x.app.example.org", "a=1; Domain=x.app.example.org"),
            ("a=1; Domain=ample.org", "a=1; Domain=ample.org"),
            ("a=1", "a=1"),
        ] {
            assert_eq!(enforced(field, &rules), wanted);
        }
        assert_eq!(enforced("a=1; domain=example.org; x", &Rules { domain: &Domain::Remove, ..rules }), "a=1; x");
    }

    #[test]
    fn a_lifetime_is_capped_however_it_is_written() {
        let rules = Rules {
            lifetime_cap: Some(3600),
            http_only: false,
            secure: false,
            same_site: SameSiteRule::Keep,
            ..standard()
        };
        for (field, wanted) in [
            ("a=1", "a=1"),
            ("a=1; Max-Age=3600", "a=1; Max-Age=3600"),
            ("a=1; Max-Age=99999; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "a=1; Max-Age=3600"),
            ("a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT; x", "a=1; x; Max-Age=3600"),
            ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
            (
                "a=1; Max-Age=0; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
                "a=1; Max-Age=0; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
            ),
        ] {
            assert_eq!(enforced(field, &rules), wanted);
        }
    }

    #[test]
    fn partitioned_goes_with_same_site_none_alone() {
        let rules = Rules { partitioned: true, ..standard() };
        assert_eq!(
            enforced("a=1; SameSite=None; HttpOnly", &rules),
            "a=1; SameSite=None; HttpOnly; Secure; Partitioned"
        );
        assert!(!enforced("a=1; SameSite=Strict", &rules).contains("Partitioned"));
    }

    fn any_rules() -> impl Strategy<Value = (Rules<'static>, Domain)> {
        let same_site = prop_oneof![
            Just(SameSiteRule::Keep),
            Just(SameSiteRule::Default(SameSite::Lax)),
            Just(SameSiteRule::Default(SameSite::None)),
            Just(SameSiteRule::Force(SameSite::Strict)),
            Just(SameSiteRule::Force(SameSite::None)),
        ];
        let prefix = prop_oneof![Just(None), Just(Some(Prefix::Host)), Just(Some(Prefix::Secure))];
        let domain = prop_oneof![Just(Domain::Keep), Just(Domain::Remove), Just(Domain::Narrow("a.b.c".into()))];
        let path = prop_oneof![Just(None), Just(Some("/x"))];
        let cap = prop_oneof![Just(None), Just(Some(60))];
        (any::<[bool; 4]>(), same_site, prefix, domain, path, cap).prop_map(
            |([tls, secure, http_only, partitioned], same_site, prefix, domain, path, lifetime_cap)| {
                let secure = secure && tls;
                let rules =
                    Rules { secure, tls, http_only, same_site, partitioned, prefix, path, lifetime_cap, ..standard() };
                (rules, domain)
            },
        )
    }

    fn any_field() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            proptest::string::bytes_regex("(?i-u)[ \t]{0,2}(secure|httponly|partitioned)[ \t]{0,2}(=[a-z]{0,3})?")
                .unwrap(),
            proptest::string::bytes_regex("(?i-u) ?samesite ?= ?(lax|strict|none|x|)").unwrap(),
            proptest::string::bytes_regex("(?i-u) ?(max-age=-?[0-9]{0,4}|domain=\\.?(b\\.)?c|path=/?x?)").unwrap(),
            proptest::string::bytes_regex("(?i-u) ?expires=(Fri, 31 Dec 9999 23:59:59 GMT|x)").unwrap(),
            proptest::string::bytes_regex("(?-u)[ -:<-~\\x80-\\xff]{0,8}").unwrap(),
        ];
        let name =
            proptest::string::bytes_regex("(?-u)[ ]?(__Host-|__secure-)?[a-b]{0,2} ?=?[ab\"\\xff]{0,3}").unwrap();
        (name, proptest::collection::vec(piece, 0..8))
            .prop_map(|(name, pieces)| std::iter::once(name).chain(pieces).collect::<Vec<_>>().join(&b';'))
    }

    proptest! {
        #[test]
        fn any_cookie_under_any_rules_obeys_them_and_obeying_twice_changes_nothing(
            field in any_field(), (rules, domain) in any_rules()
        ) {
            let rules = Rules { domain: &domain, ..rules };
            let Some(cookie) = SetCookie::parse(&field) else { return Ok(()) };
            let once = cookie.enforce(&rules).into_owned();
            let result = SetCookie::parse(&once).expect("the result is a cookie");
            prop_assert!(result.secure() || !rules.secure);
            prop_assert!(result.http_only() || !rules.http_only);
            prop_assert!(result.same_site().is_some() || rules.same_site == SameSiteRule::Keep);
            prop_assert!(result.secure() || !rules.tls || result.same_site() != Some(SameSite::None));
            prop_assert!(result.max_age().unwrap_or(0) <= rules.lifetime_cap.unwrap_or(u64::MAX));
            prop_assert_eq!(result.value(), cookie.value());
            prop_assert!(result.name().ends_with(cookie.name()));
            prop_assert!(result.unknown_attributes().eq(cookie.unknown_attributes()));
            prop_assert!(cookie.secure() <= result.secure() && cookie.http_only() <= result.http_only());
            prop_assert!(result.partitioned() >= cookie.partitioned());
            if rules.prefix.is_none() {
                prop_assert!(domain != Domain::Keep || result.domain() == cookie.domain());
                prop_assert!(rules.path.is_some() || result.path() == cookie.path());
            }
            if rules.lifetime_cap.is_none() {
                prop_assert_eq!((result.max_age(), result.expires()), (cookie.max_age(), cookie.expires()));
            }
            for kind in [Kind::Secure, Kind::HttpOnly, Kind::SameSite, Kind::Domain, Kind::Path, Kind::MaxAge] {
                prop_assert!(result.attributes.iter().filter(|attribute| attribute.kind == kind).count() <= 1);
            }
            prop_assert_eq!(result.enforce(&rules).into_owned(), once.clone());
        }
    }
}
