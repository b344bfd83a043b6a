//! Hardening of `Set-Cookie`. What comes back in: `returned.rs`.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header::SET_COOKIE};

use crate::{
    cookies::{Domain, NamePattern, Prefix, Rules, SameSite, SameSiteRule, SetCookie, is_attribute_value},
    incident::Mode,
};

/// When `Secure` is added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecureRule {
    /// Never.
    Never,
    /// When the client's side of the exchange is TLS, here or at a trusted peer that says so.
    #[default]
    WhenTls,
    /// Always: the operator says that TLS ends before this proxy.
    Always,
}

/// When `HttpOnly` is added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpOnlyRule {
    /// Never.
    Never,
    /// Unless the name is one of [`CookiePolicy::script_readable`].
    #[default]
    UnlessScriptReadable,
    /// Always.
    Always,
}

/// Compiled cookie settings of a route.
#[derive(Clone, Debug)]
pub struct CookiePolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// Cookies that scripts must read: csrf cookies of the double-submit kind.
    pub script_readable: Vec<NamePattern>,
    /// Rules of single cookies, complete; the first whose pattern matches the name given by the application holds.
    pub overrides: Vec<(NamePattern, CookieRules)>,
    /// Rules of every other cookie.
    pub rules: CookieRules,
    /// The most bytes a name and value may have together. Browsers drop larger cookies (RFC 6265bis section 5.6);
    /// the proxy drops and counts them. 0 means no limit.
    pub max_bytes: usize,
}

/// What the `Set-Cookie` of a cookie must say.
#[derive(Clone, Debug)]
pub struct CookieRules {
    /// When `Secure` is added. It is never taken away.
    pub secure: SecureRule,
    /// When `HttpOnly` is added. It is never taken away.
    pub http_only: HttpOnlyRule,
    /// `SameSite`. The value `None` implies `Secure` where TLS allows it.
    pub same_site: SameSiteRule,
    /// `Partitioned` is added where the cookie ends up `SameSite=None; Secure`.
    pub partitioned: bool,
    /// The name's prefix towards the client; taken off again towards the application.
    pub prefix: Option<Prefix>,
    /// `Domain`.
    pub domain: Domain,
    /// `Path` is set to this; starts with `/`.
    pub path: Option<Box<str>>,
    /// The longest lifetime, in seconds. Session cookies have none.
    pub lifetime_cap: Option<u64>,
    /// The cookie is dropped.
    pub remove: bool,
}

/// What was met in cookies and what was changed in them, or would have been in observe mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct CookieReport {
    /// `Set-Cookie` fields seen.
    pub seen: u32,
    /// Fields rewritten in any way.
    pub changed: u32,
    /// Fields that gained `Secure`.
    pub secure: u32,
    /// Fields that gained `HttpOnly`.
    pub http_only: u32,
    /// Fields whose `SameSite` changed.
    pub same_site: u32,
    /// Dropped by a rule.
    pub removed: u32,
    /// Dropped because no browser would take them: malformed.
    pub malformed: u32,
    /// Dropped because no browser would take them: too large.
    pub oversized: u32,
    /// Cookies of a request whose name came before in it. They pass: browsers send two where a cookie was set for two
    /// paths or for a parent domain, too, and only the application knows which it takes.
    pub duplicate: u32,
    /// Cookies of a request whose names lost the prefix that this proxy gave them.
    pub unprefixed: u32,
    /// Cookies of a request dropped because they lack that prefix, so that somebody else set them.
    pub planted: u32,
}

/// Why [`CookieRules`] are of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieRulesError {
    /// See the text.
    #[error("a cookie's path starts with / and holds no semicolon and no control character")]
    Path,
    /// See the text.
    #[error("a cookie's domain is a host name in lower case, without a leading dot")]
    Domain,
    /// See the text.
    #[error("a lifetime of 0 would delete every cookie; use removal for that")]
    Lifetime,
}

/// Django and Egg, Tornado and Angular: their scripts copy the cookie into a header or form field.
const SCRIPT_READABLE: [&str; 4] = ["csrftoken", "csrfToken", "_xsrf", "XSRF-TOKEN"];

impl Default for CookiePolicy {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            script_readable: SCRIPT_READABLE.iter().map(|name| NamePattern::new(name)).collect(),
            overrides: Vec::new(),
            rules: CookieRules::default(),
            max_bytes: 4096,
        }
    }
}

impl Default for CookieRules {
    fn default() -> Self {
        Self {
            secure: SecureRule::default(),
            http_only: HttpOnlyRule::default(),
            same_site: SameSiteRule::Default(SameSite::Lax),
            partitioned: false,
            prefix: None,
            domain: Domain::Keep,
            path: None,
            lifetime_cap: None,
            remove: false,
        }
    }
}

impl CookiePolicy {
    /// Rewrites every `Set-Cookie`, and drops those that no browser would take or that a rule removes. Observe
    /// mode changes nothing and reports the same. `tls` is whether the client's side is TLS; `now` in seconds since
    /// the Unix epoch.
    pub fn harden(&self, fields: &mut HeaderMap, tls: bool, now: u64, report: &mut CookieReport) {
        if self.mode == Mode::Off || !fields.contains_key(SET_COOKIE) {
            return;
        }
        let verdicts: Vec<_> =
            fields.get_all(SET_COOKIE).iter().map(|field| self.judge(field, tls, now, report)).collect();
        if self.mode == Mode::Enforce && verdicts.iter().any(|verdict| !matches!(verdict, Verdict::Keep)) {
            apply(fields, verdicts);
        }
    }

    /// The rules for a cookie under the name the application gave it or the prefixed one that the browser knows.
    pub fn rules_for(&self, name: &[u8]) -> &CookieRules {
        self.overrides
            .iter()
            .find(|(pattern, rules)| {
                let bare = rules.prefix.and_then(|prefix| prefix.strip(name));
                pattern.matches(name) || bare.is_some_and(|bare| pattern.matches(bare))
            })
            .map_or(&self.rules, |(_, rules)| rules)
    }

    fn judge(&self, field: &HeaderValue, tls: bool, now: u64, report: &mut CookieReport) -> Verdict {
        report.seen += 1;
        let Some(cookie) = SetCookie::parse(field.as_bytes()) else {
            report.malformed += 1;
            return Verdict::Drop;
        };
        if self.max_bytes > 0 && cookie.size() > self.max_bytes {
            report.oversized += 1;
            return Verdict::Drop;
        }
        let rules = self.rules_for(cookie.name());
        if rules.remove {
            report.removed += 1;
            return Verdict::Drop;
        }
        self.rewrite(&cookie, rules, (tls, now), report)
    }

    fn rewrite(
        &self,
        cookie: &SetCookie<'_>,
        rules: &CookieRules,
        (tls, now): (bool, u64),
        report: &mut CookieReport,
    ) -> Verdict {
        let http_only = match rules.http_only {
            HttpOnlyRule::Never => false,
            HttpOnlyRule::Always => true,
            HttpOnlyRule::UnlessScriptReadable => !self.is_script_readable(cookie.name()),
        };
        match cookie.enforce(&rules.decide(tls, http_only, now)) {
            Cow::Borrowed(_) => Verdict::Keep,
            Cow::Owned(rewritten) => {
                report.note(cookie, &rewritten);
                HeaderValue::from_bytes(&rewritten).map_or(Verdict::Drop, Verdict::Rewrite)
            }
        }
    }

    /// Whether scripts must read the cookie of this name, prefixed or not.
    pub fn is_script_readable(&self, name: &[u8]) -> bool {
        let own = || Prefix::of(name).map(|prefix| &name[prefix.as_str().len()..]);
        let given = [Prefix::Host, Prefix::Secure].iter().find_map(|prefix| prefix.strip(name));
        let bare = given.or_else(own).unwrap_or(name);
        self.script_readable.iter().any(|pattern| pattern.matches(name) || pattern.matches(bare))
    }
}

impl CookieRules {
    /// Whether the rules can be printed into a `Set-Cookie` and mean what they say there.
    ///
    /// # Errors
    /// The first value that would not.
    pub fn check(&self) -> Result<(), CookieRulesError> {
        if self.path.as_ref().is_some_and(|path| !path.starts_with('/') || !is_attribute_value(path)) {
            return Err(CookieRulesError::Path);
        }
        let is_name = |domain: &str| {
            let name =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
            !domain.is_empty() && domain.len() <= 253 && !domain.starts_with('.') && domain.bytes().all(name)
        };
        if matches!(&self.domain, Domain::Narrow(domain) if !is_name(domain)) {
            return Err(CookieRulesError::Domain);
        }
        if self.lifetime_cap == Some(0) {
            return Err(CookieRulesError::Lifetime);
        }
        Ok(())
    }

    pub(super) fn client_tls(&self, tls: bool) -> bool {
        tls || self.secure == SecureRule::Always
    }

    fn decide(&self, tls: bool, http_only: bool, now: u64) -> Rules<'_> {
        Rules {
            secure: self.secure != SecureRule::Never && self.client_tls(tls),
            tls: self.client_tls(tls),
            http_only,
            same_site: self.same_site,
            partitioned: self.partitioned,
            prefix: self.prefix,
            domain: &self.domain,
            path: self.path.as_deref(),
            lifetime_cap: self.lifetime_cap,
            now,
        }
    }
}

impl CookieReport {
    /// Every outcome that was met, and in how many cookies.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let all = [
            ("changed", self.changed),
            ("removed", self.removed),
            ("malformed", self.malformed),
            ("oversized", self.oversized),
            ("duplicate", self.duplicate),
            ("unprefixed", self.unprefixed),
            ("planted", self.planted),
        ];
        all.into_iter().filter(|(_, count)| *count > 0)
    }

    fn note(&mut self, before: &SetCookie<'_>, rewritten: &[u8]) {
        let Some(after) = SetCookie::parse(rewritten) else { return };
        self.changed += 1;
        self.secure += u32::from(before.secure() != after.secure());
        self.http_only += u32::from(before.http_only() != after.http_only());
        self.same_site += u32::from(before.same_site() != after.same_site());
    }
}

enum Verdict {
    Keep,
    Rewrite(HeaderValue),
    Drop,
}

/// Puts the fields back in their order, so that of two cookies of one name the later still wins.
fn apply(fields: &mut HeaderMap, verdicts: Vec<Verdict>) {
    let before: Vec<_> = fields.get_all(SET_COOKIE).iter().cloned().collect();
    fields.remove(SET_COOKIE);
    for (field, verdict) in before.into_iter().zip(verdicts) {
        match verdict {
            Verdict::Keep => fields.append(SET_COOKIE, field),
            Verdict::Rewrite(field) => fields.append(SET_COOKIE, field),
            Verdict::Drop => continue,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::cookie_lines::{fields, lines, with_prefix};

    fn harden(policy: &CookiePolicy, fields: &mut HeaderMap, tls: bool) -> CookieReport {
        let mut report = CookieReport::default();
        policy.harden(fields, tls, 0, &mut report);
        report
    }

    #[test]
    fn every_cookie_is_hardened_in_its_place_and_csrf_cookies_stay_readable() {
        let mut out = fields(&SET_COOKIE, &["sid=1; Path=/", "csrftoken=2", "ok=3; Secure; HttpOnly; SameSite=Strict"]);
        let report = harden(&CookiePolicy::default(), &mut out, true);
        assert_eq!(
            lines(&out, &SET_COOKIE),
            [
                "sid=1; Path=/; SameSite=Lax; Secure; HttpOnly",
                "csrftoken=2; SameSite=Lax; Secure",
                "ok=3; Secure; HttpOnly; SameSite=Strict",
            ]
        );
        let wanted = CookieReport { seen: 3, changed: 2, secure: 2, http_only: 1, same_site: 2, ..Default::default() };
        assert_eq!(report, wanted);
    }

    #[test]
    fn observe_reports_the_same_and_changes_nothing_and_off_does_not_look() {
        let before = fields(&SET_COOKIE, &["sid=1", "=", "x=2; Secure; Secure"]);
        let mut enforced = before.clone();
        let report = harden(&CookiePolicy::default(), &mut enforced, true);
        for (mode, wanted) in [(Mode::Observe, report), (Mode::Off, CookieReport::default())] {
            let mut same = before.clone();
            let policy = CookiePolicy { mode, ..CookiePolicy::default() };
            assert_eq!(harden(&policy, &mut same, true), wanted);
            assert_eq!(same, before);
        }
        assert_ne!(enforced, before);
    }

    #[test]
    fn what_no_browser_takes_and_what_a_rule_removes_is_dropped_and_counted() {
        let large = format!("big={}", "x".repeat(4094));
        let mut policy = CookiePolicy::default();
        let gone = CookieRules { remove: true, ..CookieRules::default() };
        policy.overrides.push((NamePattern::new("debug_*"), gone));
        let mut out = fields(&SET_COOKIE, &["=", &large, "debug_id=1", "a=1"]);
        let report = harden(&policy, &mut out, false);
        assert_eq!((report.malformed, report.oversized, report.removed), (1, 1, 1));
        assert_eq!(lines(&out, &SET_COOKIE), ["a=1; SameSite=Lax; HttpOnly"]);
    }

    #[test]
    fn hardening_twice_changes_nothing_more() {
        let mut policy = with_prefix("s*");
        policy.overrides[0].1.http_only = HttpOnlyRule::Never;
        let mut once = fields(&SET_COOKIE, &["sid=1; Domain=example.org", "csrftoken=1", "__Secure-x=2", "b"]);
        harden(&policy, &mut once, true);
        let mut twice = once.clone();
        assert_eq!(harden(&policy, &mut twice, true).changed, 0);
        assert_eq!(once, twice);
    }

    #[test]
    fn rules_that_would_break_a_field_are_refused() {
        let rules = CookieRules::default();
        assert_eq!(rules.check(), Ok(()));
        for path in ["x", "", "/a;b", "/a\nb"] {
            let rules = CookieRules { path: Some(path.into()), ..rules.clone() };
            assert_eq!(rules.check(), Err(CookieRulesError::Path));
        }
        for domain in ["", ".a.b", "A.b", "a;b", "a b"] {
            let rules = CookieRules { domain: Domain::Narrow(domain.into()), ..rules.clone() };
            assert_eq!(rules.check(), Err(CookieRulesError::Domain));
        }
        assert_eq!(CookieRules { lifetime_cap: Some(0), ..rules }.check(), Err(CookieRulesError::Lifetime));
    }

    #[test]
    fn plain_http_gets_secure_only_where_the_operator_says_that_tls_ends_before() {
        let mut policy = CookiePolicy::default();
        let mut plain = fields(&SET_COOKIE, &["a=1; SameSite=None"]);
        harden(&policy, &mut plain, false);
        assert_eq!(lines(&plain, &SET_COOKIE), ["a=1; SameSite=None; HttpOnly"]);
        policy.rules.secure = SecureRule::Always;
        harden(&policy, &mut plain, false);
        assert_eq!(lines(&plain, &SET_COOKIE), ["a=1; SameSite=None; HttpOnly; Secure"]);
    }
}
