//! Prefixes of cookie names, taken off again on the way in.

use http::{HeaderMap, HeaderValue, header::COOKIE};

use super::{CookiePolicy, CookieRules};
use crate::{
    cookies::{Disguise, Edit, Pair, Prefix, rewrite},
    incident::Mode,
};

impl CookiePolicy {
    /// Gives the `Cookie` fields of a request the names that the application knows: prefixes given by these rules
    /// come off. A cookie that should bear a prefix and does not was not set by this proxy (a sibling domain or a
    /// plain-text attacker can plant it) and is dropped, and so is one that some applications would take for it. Gives the number of cookies renamed or dropped.
    pub fn unprefix(&self, fields: &mut HeaderMap, tls: bool) -> u32 {
        if self.mode != Mode::Enforce || !self.gives_prefixes() || !fields.contains_key(COOKIE) {
            return 0;
        }
        let mut changed = 0;
        let rewritten: Vec<_> =
            fields.get_all(COOKIE).iter().map(|field| self.unprefixed(field, tls, &mut changed)).collect();
        if changed > 0 {
            fields.remove(COOKIE);
            rewritten.into_iter().filter(|field| !field.is_empty()).for_each(|field| {
                fields.append(COOKIE, field);
            });
        }
        changed
    }

    fn gives_prefixes(&self) -> bool {
        self.rules.prefix.is_some() || self.overrides.iter().any(|(_, rules)| rules.prefix.is_some())
    }

    fn unprefixed(&self, field: &HeaderValue, tls: bool, changed: &mut u32) -> HeaderValue {
        let rewritten = rewrite(field.as_bytes(), |pair| {
            let edit = self.unprefix_pair(pair, tls);
            *changed += u32::from(!matches!(edit, Edit::Keep));
            edit
        });
        match rewritten.map(|bytes| HeaderValue::from_bytes(&bytes)) {
            Some(Ok(value)) => value,
            Some(Err(_)) => HeaderValue::from_static(""),
            None => field.clone(),
        }
    }

    /// Whether an application that reads names or fields leniently would take the pair for a cookie that should bear a
    /// prefix. What a rule of its own covers is what it says.
    fn poses(&self, pair: &Pair<'_>, tls: bool) -> bool {
        let prefixed = |rules: &CookieRules| rules.prefix.is_some() && rules.client_tls(tls);
        let disguise = Disguise::of(pair);
        let known = self.overrides.iter().any(|(pattern, _)| pattern.matches(pair.name));
        let resembles =
            |name: &[u8]| self.overrides.iter().any(|(pattern, rules)| prefixed(rules) && pattern.resembles(name));
        (!known && disguise.names().any(resembles)) || disguise.hidden().any(|name| prefixed(self.rules_for(name)))
    }

    fn unprefix_pair<'a>(&self, pair: Pair<'a>, tls: bool) -> Edit<'a> {
        let rules = self.rules_for(pair.name);
        let Some(prefix) = rules.prefix.filter(|_| rules.client_tls(tls) && !pair.name.is_empty()) else {
            return if self.poses(&pair, tls) { Edit::Drop } else { Edit::Keep };
        };
        match prefix.strip(pair.name) {
            Some(bare) => Edit::Replace { name: bare.into(), value: pair.value.into() },
            None if Prefix::of(pair.name).is_some() => Edit::Keep,
            None => Edit::Drop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookies::NamePattern;
    use http::{HeaderName, header::SET_COOKIE};

    fn fields(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for value in values {
            fields.append(name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        fields
    }

    fn all(fields: &HeaderMap, name: &HeaderName) -> Vec<String> {
        fields.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    fn with_prefix(pattern: &str) -> CookiePolicy {
        let rules = CookieRules { prefix: Some(Prefix::Host), ..CookieRules::default() };
        CookiePolicy { overrides: vec![(NamePattern::new(pattern), rules)], ..CookiePolicy::default() }
    }

    #[test]
    fn a_prefix_given_on_the_way_out_comes_off_on_the_way_in() {
        let policy = with_prefix("sid");
        let mut out = fields(&SET_COOKIE, &["sid=1"]);
        policy.harden(&mut out, true, 0);
        assert_eq!(all(&out, &SET_COOKIE), ["__Host-~sid=1; Path=/; SameSite=Lax; Secure; HttpOnly"]);
        let mut back = fields(&COOKIE, &["a=0; __Host-~sid=1; __Host-own=2", "b=3"]);
        assert_eq!(policy.unprefix(&mut back, true), 1);
        assert_eq!(all(&back, &COOKIE), ["a=0; sid=1; __Host-own=2", "b=3"]);
    }

    #[test]
    fn a_prefix_that_the_application_gave_comes_back_to_it() {
        for pattern in ["sid", "*"] {
            let policy = with_prefix(pattern);
            let mut out = fields(&SET_COOKIE, &["__Host-sid=1; Path=/; Secure"]);
            policy.harden(&mut out, true, 0);
            assert_eq!(all(&out, &SET_COOKIE), ["__Host-sid=1; Path=/; Secure; SameSite=Lax; HttpOnly"]);
            let mut back = fields(&COOKIE, &["__Host-sid=1; __Host-~sid=2"]);
            assert_eq!(policy.unprefix(&mut back, true), 1);
            assert_eq!(all(&back, &COOKIE), ["__Host-sid=1; sid=2"]);
        }
    }

    #[test]
    fn a_planted_cookie_without_its_prefix_never_reaches_the_application() {
        let policy = with_prefix("sid");
        let mut back = fields(&COOKIE, &["sid=evil", " sid =evil; __Host-~sid=1; __host-sid=2"]);
        assert_eq!(policy.unprefix(&mut back, true), 3);
        assert_eq!(all(&back, &COOKIE), ["sid=1; __host-sid=2"]);
        let mut plain = fields(&COOKIE, &["sid=1"]);
        assert_eq!(policy.unprefix(&mut plain, false), 0);
    }

    #[test]
    fn a_planted_cookie_in_disguise_never_reaches_the_application() {
        let mut policy = with_prefix("sid");
        policy.overrides.insert(0, (NamePattern::new("Sid"), CookieRules::default()));
        for planted in ["s%69d=evil", "\"sid\"=evil", "SID=evil", "sid%00=evil", "x=1, sid=evil"] {
            let mut back = fields(&COOKIE, &[&format!("{planted}; __Host-~sid=1; Sid=2; other=3")]);
            assert_eq!(policy.unprefix(&mut back, true), 2, "{planted}");
            assert_eq!(all(&back, &COOKIE), ["sid=1; Sid=2; other=3"], "{planted}");
        }
    }
}
