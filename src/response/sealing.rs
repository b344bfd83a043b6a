//! Sealing of chosen cookies on their way out, and their opening on the way in.

use std::{borrow::Cow, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};

use crate::{
    cookies::{
        Disguise, Edit, NamePattern, Pair, SetCookie, rewrite,
        seal::{Binding, KeyRing, Opened},
    },
    incident::{Mode, Seed},
};

/// Compiled sealing settings of a route.
///
/// In observe mode nothing is sealed and nothing kept from the application, but what was sealed before is opened, so
/// that a step back from enforce mode loses no session.
#[derive(Clone, Debug)]
pub struct SealPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The cookies to seal, by the name that the application gives them.
    pub cookies: Vec<NamePattern>,
    /// Cookies that stay readable although a pattern covers them: scripts must read them.
    pub except: Vec<NamePattern>,
    /// Bound into every value, so that it is good for nobody else who has the keys; may be empty.
    pub audience: Box<str>,
    /// Until then, in seconds since the Unix epoch, values that are not sealed still reach the application: those
    /// that were set before sealing began. Forged ones never do.
    pub accept_unsealed_until: Option<u64>,
    /// The keys.
    pub keys: Arc<KeyRing>,
    /// The most bytes of a name and its sealed value, `__Secure-` before the name included. Browsers keep 4096
    /// (RFC 6265bis section 5.6).
    pub max_bytes: usize,
}

/// What sealing did, or would have done in observe mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SealReport {
    /// `Set-Cookie` fields sealed.
    pub sealed: u32,
    /// `Set-Cookie` fields dropped because their sealed value is more than browsers keep.
    pub too_large: u32,
    /// Cookies opened for the application.
    pub opened: u32,
    /// Cookies that were not sealed and passed within the grace period.
    pub unsealed_accepted: u32,
    /// Cookies dropped because they were not sealed.
    pub unsealed_dropped: u32,
    /// Cookies dropped because they were sealed by no key of ours, or were meant for another name or audience.
    pub forged: u32,
    /// Cookies dropped because they name a key that the key file does not hold: after a rotation without overlap, or
    /// on a replica with an old file.
    pub unknown_key: u32,
    /// Cookies dropped because some applications would take them for a sealed one.
    pub disguised: u32,
}

/// May still be put before the name.
const PREFIX: usize = "__Secure-~".len();

impl SealReport {
    /// Every outcome that was met: its name, why (for refused ones), and in how many cookies.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, &'static str, u32)> {
        let all = [
            ("sealed", "", self.sealed),
            ("opened", "", self.opened),
            ("grace", "", self.unsealed_accepted),
            ("oversized", "", self.too_large),
            ("refused", "unsealed", self.unsealed_dropped),
            ("refused", "forged", self.forged),
            ("refused", "unknown-key", self.unknown_key),
            ("refused", "disguised", self.disguised),
        ];
        all.into_iter().filter(|(_, _, count)| *count > 0)
    }
}

impl SealPolicy {
    /// Seals the chosen cookies of a response before their names get prefixes ([`super::harden`]). Sealed ones stay
    /// as they are, so that doing it twice changes nothing more; so do those that are deleted. What would be too
    /// large is dropped: unsealed it would never come back in. `now` in seconds since the Unix epoch.
    pub fn seal(&self, fields: &mut HeaderMap, seed: &Seed, now: u64, report: &mut SealReport) {
        if self.mode == Mode::Off || !fields.contains_key(SET_COOKIE) {
            return;
        }
        self.edit(fields, &SET_COOKIE, |field| self.sealed(field, seed, now, report));
    }

    /// Opens the chosen cookies of a request, after their names lost the prefixes
    /// ([`super::CookiePolicy::take_back`]). What was not sealed by this proxy goes no further.
    pub fn open(&self, fields: &mut HeaderMap, now: u64, report: &mut SealReport) {
        if self.mode == Mode::Off || !fields.contains_key(COOKIE) {
            return;
        }
        let open = |field: &HeaderValue| match rewrite(field.as_bytes(), |pair| self.opened(pair, now, report)) {
            None => Fate::Keep,
            Some(bytes) if bytes.is_empty() => Fate::Drop,
            Some(bytes) => HeaderValue::from_bytes(&bytes).map_or(Fate::Drop, Fate::Become),
        };
        // Single pairs have been left alone in observe mode already.
        apply(fields, &COOKIE, open);
    }

    /// Whether a cookie of this name is sealed.
    pub fn covers(&self, name: &[u8]) -> bool {
        let any = |patterns: &[NamePattern]| patterns.iter().any(|pattern| pattern.matches(name));
        !name.is_empty() && any(&self.cookies) && !any(&self.except)
    }

    fn edit(&self, fields: &mut HeaderMap, name: &HeaderName, mut judge: impl FnMut(&HeaderValue) -> Fate) {
        if self.mode == Mode::Enforce {
            apply(fields, name, judge);
        } else {
            fields.get_all(name).iter().for_each(|field| drop(judge(field)));
        }
    }

    fn sealed(&self, field: &HeaderValue, seed: &Seed, now: u64, report: &mut SealReport) -> Fate {
        let Some(cookie) = SetCookie::parse(field.as_bytes()) else { return Fate::Keep };
        if !self.covers(cookie.name()) || cookie.is_deletion(now) || self.is_sealed(&cookie) {
            return Fate::Keep;
        }
        if PREFIX + cookie.name().len() + self.keys.sealed_length(cookie.value().len()) > self.max_bytes {
            report.too_large += 1;
            return Fate::Drop;
        }
        let value = self.keys.seal(self.binding(cookie.name()), cookie.value(), seed);
        report.sealed += 1;
        let field = cookie.with_value(&value).and_then(|field| HeaderValue::from_bytes(&field).ok());
        field.map_or(Fate::Drop, Fate::Become)
    }

    fn is_sealed(&self, cookie: &SetCookie<'_>) -> bool {
        matches!(self.keys.open(self.binding(cookie.name()), cookie.value()), Opened::Value(_))
    }

    fn opened<'a>(&self, pair: Pair<'a>, now: u64, report: &mut SealReport) -> Edit<'a> {
        if !self.covers(pair.name) {
            return self.disguised(pair, report);
        }
        match self.keys.open(self.binding(pair.name), pair.value) {
            Opened::Value(value) => {
                report.opened += 1;
                return Edit::Replace { name: pair.name.into(), value: Cow::Owned(value) };
            }
            Opened::Unsealed if self.accept_unsealed_until.is_some_and(|end| now < end) => {
                report.unsealed_accepted += 1;
                return Edit::Keep;
            }
            Opened::Unsealed => report.unsealed_dropped += 1,
            Opened::UnknownKey => report.unknown_key += 1,
            Opened::Forged => report.forged += 1,
        }
        self.refused()
    }

    /// A cookie that is none of the chosen, but may be to an application that reads names or fields less strictly.
    fn disguised<'a>(&self, pair: Pair<'a>, report: &mut SealReport) -> Edit<'a> {
        let excepted = self.except.iter().any(|pattern| pattern.matches(pair.name));
        let disguise = Disguise::of(&pair);
        let name = !excepted && disguise.names().any(|name| self.cookies.iter().any(|chosen| chosen.resembles(name)));
        if !name && !disguise.hidden().any(|name| self.covers(name)) {
            return Edit::Keep;
        }
        report.disguised += 1;
        self.refused()
    }

    fn refused<'a>(&self) -> Edit<'a> {
        if self.mode == Mode::Enforce { Edit::Drop } else { Edit::Keep }
    }

    fn binding<'a>(&'a self, name: &'a [u8]) -> Binding<'a> {
        Binding { name, audience: self.audience.as_bytes() }
    }
}

enum Fate {
    Keep,
    Drop,
    Become(HeaderValue),
}

/// Puts the fields back in their order.
fn apply(fields: &mut HeaderMap, name: &HeaderName, judge: impl FnMut(&HeaderValue) -> Fate) {
    let fates: Vec<_> = fields.get_all(name).iter().map(judge).collect();
    if fates.iter().all(|fate| matches!(fate, Fate::Keep)) {
        return;
    }
    let before: Vec<_> = fields.get_all(name).iter().cloned().collect();
    fields.remove(name);
    for (field, fate) in before.into_iter().zip(fates) {
        match fate {
            Fate::Keep => fields.append(name.clone(), field),
            Fate::Become(field) => fields.append(name.clone(), field),
            Fate::Drop => continue,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cookies::seal::key_line,
        response::{
            CookieReport,
            cookie_lines::{fields, lines, with_prefix},
        },
    };
    use proptest::prelude::*;

    fn policy(mode: Mode) -> SealPolicy {
        let keys = Arc::new(KeyRing::parse("keys", &key_line(&std::array::from_fn(|at| at as u8))).unwrap());
        SealPolicy {
            mode,
            cookies: vec![NamePattern::new("sid"), NamePattern::new("app_*")],
            except: vec![NamePattern::new("app_csrf")],
            audience: "".into(),
            accept_unsealed_until: None,
            keys,
            max_bytes: 4096,
        }
    }

    fn seal(policy: &SealPolicy, values: &[&str]) -> (Vec<String>, SealReport) {
        let (mut out, mut report) = (fields(&SET_COOKIE, values), SealReport::default());
        policy.seal(&mut out, &Seed::from_random([5; 32]), 1000, &mut report);
        (lines(&out, &SET_COOKIE), report)
    }

    fn open(policy: &SealPolicy, values: &[&str]) -> (Vec<String>, SealReport) {
        let (mut sent, mut report) = (fields(&COOKIE, values), SealReport::default());
        policy.open(&mut sent, 1000, &mut report);
        (lines(&sent, &COOKIE), report)
    }

    fn pair(set_cookie: &str) -> String {
        set_cookie.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn chosen_cookies_leave_sealed_and_come_back_as_they_were_set() {
        let policy = policy(Mode::Enforce);
        let (out, report) = seal(&policy, &["sid = \"a b\" ; Path=/", "theme=dark", "app_csrf=1", "app_x=2"]);
        assert_eq!((report.sealed, out.len()), (2, 4));
        assert!(out[0].starts_with("sid =cf1.") && out[0].ends_with("; Path=/"), "{}", out[0]);
        assert_eq!(out[1..3], ["theme=dark", "app_csrf=1"]);
        let sent = format!("{}; theme=dark; {}", pair(&out[0]), pair(&out[3]));
        let (opened, report) = open(&policy, &[&sent]);
        assert_eq!(opened, ["sid=\"a b\"; theme=dark; app_x=2"]);
        assert_eq!(report, SealReport { opened: 2, ..SealReport::default() });
    }

    #[test]
    fn sealing_twice_is_sealing_once() {
        let policy = policy(Mode::Enforce);
        let (once, _) = seal(&policy, &["sid=1", "app_x=cf1.00010203.forged"]);
        let (twice, report) = seal(&policy, &once.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((&once, report.sealed), (&twice, 0));
        assert!(once[1].len() > 60, "what only looks sealed is sealed");
    }

    #[test]
    fn a_deletion_stays_one() {
        let (out, report) =
            seal(&policy(Mode::Enforce), &["sid=; Max-Age=0", "sid=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
        assert_eq!(out[0], "sid=; Max-Age=0");
        assert!(out[1].starts_with("sid=x;"));
        assert_eq!(report, SealReport::default());
    }

    #[test]
    fn what_the_proxy_did_not_seal_never_reaches_the_application() {
        let policy = policy(Mode::Enforce);
        let (out, _) = seal(&policy, &["sid=1"]);
        let moved = pair(&out[0]).replace("sid=", "app_x=");
        for (sent, wanted, count) in [
            ("sid=forged; a=1", "a=1", SealReport { unsealed_dropped: 1, ..SealReport::default() }),
            ("sid=; a=1", "a=1", SealReport { unsealed_dropped: 1, ..SealReport::default() }),
            ("a=1; sid=cf1.00010203.AAAA", "a=1", SealReport { forged: 1, ..SealReport::default() }),
            ("a=1; sid=cf1.ffffffff.AAAA", "a=1", SealReport { unknown_key: 1, ..SealReport::default() }),
            (&format!("a=1; {moved}"), "a=1", SealReport { forged: 1, ..SealReport::default() }),
        ] {
            assert_eq!(open(&policy, &[sent]), (vec![wanted.to_owned()], count), "{sent}");
        }
        assert_eq!(open(&policy, &["sid=x"]).0, Vec::<String>::new());
    }

    #[test]
    fn no_other_spelling_smuggles_a_chosen_cookie_in() {
        let policy = policy(Mode::Enforce);
        for sent in
            ["SID=x", "%73id=x", "a=1, sid=x", "a=\"1,sid=x\"", "\"sid\"=x", "app.x=1", "app%5fx=1", "si%64%00=x"]
        {
            let (left, report) = open(&policy, &[sent]);
            assert_eq!((left.len(), report.disguised), (0, 1), "{sent}");
        }
        for sent in ["sidx=1", "mysid=1", "a=sid", "a=b=c", "app_csrf=1", "a={\"x\":1,\"y\":2}", "token", "a=1,b=2"] {
            assert_eq!(open(&policy, &[sent]).0, [sent]);
        }
    }

    #[test]
    fn the_grace_period_takes_unsealed_values_until_its_end_and_forged_ones_never() {
        let mut policy = policy(Mode::Enforce);
        policy.accept_unsealed_until = Some(1001);
        let (left, report) = open(&policy, &["sid=old; app_x=cf1.00010203.AAAA"]);
        assert_eq!((left, report.unsealed_accepted, report.forged), (vec!["sid=old".to_owned()], 1, 1));
        policy.accept_unsealed_until = Some(1000);
        assert_eq!(open(&policy, &["sid=old"]).1.unsealed_dropped, 1);
    }

    #[test]
    fn observe_reports_the_same_and_changes_nothing_but_what_was_sealed_before() {
        let (enforcing, observing) = (policy(Mode::Enforce), policy(Mode::Observe));
        assert_eq!(seal(&observing, &["sid=1"]), (vec!["sid=1".to_owned()], seal(&enforcing, &["sid=1"]).1));
        assert_eq!(open(&observing, &["sid=1; SID=2"]).0, ["sid=1; SID=2"]);
        assert_eq!(open(&observing, &["sid=1; SID=2"]).1, open(&enforcing, &["sid=1; SID=2"]).1);
        let sealed = pair(&seal(&enforcing, &["sid=1"]).0[0]);
        assert_eq!(open(&observing, &[&sealed]).0, ["sid=1"]);
        assert_eq!(open(&policy(Mode::Off), &[&sealed]).0, [sealed]);
    }

    #[test]
    fn what_no_browser_would_keep_is_dropped_and_counted() {
        let longest = |length: usize| seal(&policy(Mode::Enforce), &[&format!("sid={}", "x".repeat(length))]);
        let (out, report) = longest(3012);
        assert_eq!((PREFIX + pair(&out[0]).len() - 1, report.sealed), (4096, 1));
        assert_eq!(longest(3013), (vec![], SealReport { too_large: 1, ..SealReport::default() }));
    }

    #[test]
    fn prefixes_go_on_after_sealing_and_come_off_before_opening() {
        let policy = policy(Mode::Enforce);
        let cookies = with_prefix("sid");
        let mut out = fields(&SET_COOKIE, &["sid=1"]);
        policy.seal(&mut out, &Seed::from_random([5; 32]), 0, &mut SealReport::default());
        cookies.harden(&mut out, true, 0, &mut CookieReport::default());
        let sent = pair(&lines(&out, &SET_COOKIE)[0]);
        assert!(sent.starts_with("__Host-~sid=cf1."));
        let mut request = fields(&COOKIE, &[&format!("sid=planted; {sent}")]);
        cookies.take_back(&mut request, true, &mut CookieReport::default());
        policy.open(&mut request, 0, &mut SealReport::default());
        assert_eq!(lines(&request, &COOKIE), ["sid=1"]);
    }

    proptest! {
        #[test]
        fn any_value_a_browser_takes_comes_back(value in "[!-:<-~]{0,200}", attributes in "(; [A-Za-z=/]{1,9}){0,3}") {
            let policy = policy(Mode::Enforce);
            let (out, report) = seal(&policy, &[&format!("sid={value}{attributes}")]);
            prop_assert_eq!(report.sealed, 1);
            prop_assert!(out[0].ends_with(&attributes));
            prop_assert_eq!(open(&policy, &[&pair(&out[0])]).0, [format!("sid={value}")]);
        }

        #[test]
        fn any_field_opens_to_nothing_that_is_chosen(field in "[sidSID=;, \"%64.acf1]{0,60}") {
            let policy = policy(Mode::Enforce);
            for left in open(&policy, &[&field]).0 {
                prop_assert!(crate::cookies::pairs(left.as_bytes()).all(|pair| !policy.covers(pair.name)));
            }
        }
    }
}
