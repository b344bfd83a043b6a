//! Cookies that come back: duplicates counted, prefixes of their names taken off again.

use http::{HeaderMap, HeaderValue, header::COOKIE};

use super::{CookiePolicy, CookieReport, CookieRules};
use crate::{
    cookies::{Disguise, Edit, Pair, Prefix, pairs, rewrite},
    incident::Mode,
};

impl CookiePolicy {
    /// Gives the `Cookie` fields of a request the names that the application knows: prefixes given by these rules
    /// come off. A cookie that should bear a prefix and does not was not set by this proxy (a sibling domain or a
    /// plain-text attacker can plant it) and is dropped, and so is one that some applications would take for it.
    /// Observe mode changes nothing and reports the same.
    pub fn take_back(&self, fields: &mut HeaderMap, tls: bool, report: &mut CookieReport) {
        if self.mode == Mode::Off || !fields.contains_key(COOKIE) {
            return;
        }
        report.duplicate += duplicates(fields);
        if !self.gives_prefixes() {
            return;
        }
        let before = report.returned();
        let rewritten: Vec<_> =
            fields.get_all(COOKIE).iter().map(|field| self.unprefixed(field, tls, report)).collect();
        if self.mode == Mode::Enforce && report.returned() > before {
            fields.remove(COOKIE);
            rewritten.into_iter().filter(|field| !field.is_empty()).for_each(|field| {
                fields.append(COOKIE, field);
            });
        }
    }

    fn gives_prefixes(&self) -> bool {
        self.rules.prefix.is_some() || self.overrides.iter().any(|(_, rules)| rules.prefix.is_some())
    }

    fn unprefixed(&self, field: &HeaderValue, tls: bool, report: &mut CookieReport) -> HeaderValue {
        let rewritten = rewrite(field.as_bytes(), |pair| {
            let edit = self.unprefix_pair(pair, tls);
            match edit {
                Edit::Keep => {}
                Edit::Drop => report.planted += 1,
                Edit::Replace { .. } => report.unprefixed += 1,
            }
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

impl CookieReport {
    /// Cookies of a request that were changed or dropped.
    fn returned(&self) -> u32 {
        self.unprefixed + self.planted
    }
}

/// How many cookies bear a name that another of the same request has.
fn duplicates(fields: &HeaderMap) -> u32 {
    let all = fields.get_all(COOKIE).iter().flat_map(|field| pairs(field.as_bytes()));
    let mut names: Vec<&[u8]> = all.map(|pair| pair.name).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    let count = names.windows(2).filter(|two| two[0] == two[1]).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cookies::NamePattern,
        response::cookie_lines::{fields, lines, with_prefix},
    };
    use http::header::SET_COOKIE;
    use proptest::prelude::*;

    /// Cookies unprefixed and planted.
    fn take_back(policy: &CookiePolicy, fields: &mut HeaderMap, tls: bool) -> (u32, u32) {
        let mut report = CookieReport::default();
        policy.take_back(fields, tls, &mut report);
        (report.unprefixed, report.planted)
    }

    #[test]
    fn a_prefix_given_on_the_way_out_comes_off_on_the_way_in() {
        let policy = with_prefix("sid");
        let mut out = fields(&SET_COOKIE, &["sid=1"]);
        policy.harden(&mut out, true, 0, &mut CookieReport::default());
        assert_eq!(lines(&out, &SET_COOKIE), ["__Host-~sid=1; Path=/; SameSite=Lax; Secure; HttpOnly"]);
        let mut back = fields(&COOKIE, &["a=0; __Host-~sid=1; __Host-own=2", "b=3"]);
        assert_eq!(take_back(&policy, &mut back, true), (1, 0));
        assert_eq!(lines(&back, &COOKIE), ["a=0; sid=1; __Host-own=2", "b=3"]);
    }

    #[test]
    fn a_prefix_that_the_application_gave_comes_back_to_it() {
        for pattern in ["sid", "*"] {
            let policy = with_prefix(pattern);
            let mut out = fields(&SET_COOKIE, &["__Host-sid=1; Path=/; Secure"]);
            policy.harden(&mut out, true, 0, &mut CookieReport::default());
            assert_eq!(lines(&out, &SET_COOKIE), ["__Host-sid=1; Path=/; Secure; SameSite=Lax; HttpOnly"]);
            let mut back = fields(&COOKIE, &["__Host-sid=1; __Host-~sid=2"]);
            assert_eq!(take_back(&policy, &mut back, true), (1, 0));
            assert_eq!(lines(&back, &COOKIE), ["__Host-sid=1; sid=2"]);
        }
    }

    #[test]
    fn a_planted_cookie_without_its_prefix_never_reaches_the_application() {
        let policy = with_prefix("sid");
        let mut back = fields(&COOKIE, &["sid=evil", " sid =evil; __Host-~sid=1; __host-sid=2"]);
        assert_eq!(take_back(&policy, &mut back, true), (1, 2));
        assert_eq!(lines(&back, &COOKIE), ["sid=1; __host-sid=2"]);
        let mut plain = fields(&COOKIE, &["sid=1"]);
        assert_eq!(take_back(&policy, &mut plain, false), (0, 0));
    }

    #[test]
    fn a_planted_cookie_in_disguise_never_reaches_the_application() {
        let mut policy = with_prefix("sid");
        policy.overrides.insert(0, (NamePattern::new("Sid"), CookieRules::default()));
        for planted in ["s%69d=evil", "\"sid\"=evil", "SID=evil", "sid%00=evil", "x=1, sid=evil"] {
            let mut back = fields(&COOKIE, &[&format!("{planted}; __Host-~sid=1; Sid=2; other=3")]);
            assert_eq!(take_back(&policy, &mut back, true), (1, 1), "{planted}");
            assert_eq!(lines(&back, &COOKIE), ["sid=1; Sid=2; other=3"], "{planted}");
        }
    }

    #[test]
    fn observe_reports_what_enforce_would_do_and_changes_nothing() {
        let before = fields(&COOKIE, &["sid=evil; __Host-~sid=1; a=1; a=2"]);
        let enforced = take_back(&with_prefix("sid"), &mut before.clone(), true);
        let observing = CookiePolicy { mode: Mode::Observe, ..with_prefix("sid") };
        let mut same = before.clone();
        assert_eq!((take_back(&observing, &mut same, true), same), (enforced, before));
    }

    #[test]
    fn a_name_that_comes_twice_is_counted_and_passes() {
        for (sent, count) in [
            (&["a=1; b=2"][..], 0),
            (&["sid=planted; a=1; sid=mine"], 1),
            (&["sid=1", "sid=1; sid = 1"], 2),
            (&["SID=1; sid=1; =x; =y; z; z"], 0),
        ] {
            let (mut back, mut report) = (fields(&COOKIE, sent), CookieReport::default());
            CookiePolicy::default().take_back(&mut back, true, &mut report);
            assert_eq!(
                (report.duplicate, lines(&back, &COOKIE)),
                (count, sent.iter().map(|it| (*it).into()).collect())
            );
        }
    }

    proptest! {
        #[test]
        fn any_cookies_are_duplicates_as_often_as_names_repeat(names in proptest::collection::vec("[a-c]{0,2}", 0..9)) {
            let field: Vec<String> = names.iter().map(|name| format!("{name}=1")).collect();
            let named: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
            let different: std::collections::HashSet<_> = named.iter().collect();
            let wanted = named.len() - different.len();
            prop_assert_eq!(duplicates(&fields(&COOKIE, &[&field.join("; ")])) as usize, wanted);
        }
    }
}
