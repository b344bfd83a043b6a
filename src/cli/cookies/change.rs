//! What differs between a cookie as it was set and as it leaves, and the key of the configuration that did it.

use serde::Serialize;

use crate::{
    config::{Cookies, Loaded, Setting},
    cookies::{Prefix, SameSite, SetCookie},
    incident::Mode,
    policy::RoutePolicy,
    response::{CookiePolicy, CookieRules, HttpOnlyRule, SecureRule},
};

/// One difference, or one that there is not although there could be.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    /// The attribute, or what happens to the cookie.
    pub(super) what: &'static str,
    /// The key.
    pub(super) key: String,
    /// Its value as TOML.
    pub(super) value: String,
    /// Where it is set.
    pub(super) origin: String,
    /// Whether the control only observes, so that nothing changes yet.
    pub(super) observed: bool,
}

/// [`Change::what`] where a cookie that lacks `HttpOnly` stays so.
const STAYS_READABLE: &str = "stays readable";

impl Change {
    pub(super) fn is_change(&self) -> bool {
        self.what != STAYS_READABLE
    }
}

/// The keys of the cookies of one route.
pub(super) struct Keys<'a> {
    in_force: Vec<Setting>,
    cookies: &'a Cookies,
    /// Empty, or `route.0.` and so on.
    prefix: String,
    observed: bool,
    sealing_observed: bool,
}

impl<'a> Keys<'a> {
    pub(super) fn new(loaded: &'a Loaded, route: &RoutePolicy) -> Self {
        let position = loaded.config.route.iter().position(|known| *known.name == *route.name);
        let own = position.and_then(|position| loaded.config.route.get(position));
        Self {
            in_force: loaded.effective(),
            cookies: own.map_or(&loaded.config.cookies, |route| &route.cookies),
            prefix: position.map(|position| format!("route.{position}.")).unwrap_or_default(),
            observed: route.cookies.mode == Mode::Observe,
            sealing_observed: route.sealing.as_ref().is_some_and(|sealing| sealing.mode == Mode::Observe),
        }
    }

    /// What differs in a cookie that is still there.
    pub(super) fn changes(&self, policy: &CookiePolicy, before: &SetCookie<'_>, after: &SetCookie<'_>) -> Vec<Change> {
        let rules = policy.rules_for(before.name());
        let rule = position(policy, rules);
        let host_bound = rules.prefix == Some(Prefix::Host) && Prefix::of(after.name()) == Some(Prefix::Host);
        let bound = |key| if host_bound { "prefix" } else { key };
        let lifetime = |cookie: &SetCookie<'_>| (cookie.max_age(), cookie.expires());
        let readable = rules.http_only == HttpOnlyRule::UnlessScriptReadable
            && !after.http_only()
            && policy.is_script_readable(before.name());
        let idle = before.idle_attributes() > after.idle_attributes();
        let found = [
            (before.name() != after.name(), "name", "prefix"),
            (before.secure() != after.secure(), "Secure", secured_by(rules, after)),
            (before.http_only() != after.http_only(), "HttpOnly", "http_only"),
            (before.same_site() != after.same_site(), "SameSite", "same_site"),
            (before.partitioned() != after.partitioned(), "Partitioned", "partitioned"),
            (before.domain() != after.domain(), "Domain", bound("domain")),
            (before.path() != after.path(), "Path", bound("path")),
            (lifetime(before) != lifetime(after), "lifetime", "max_lifetime"),
            (before.value() != after.value(), "value", "seal.names"),
            (idle, "unread attributes", "mode"),
            (readable, STAYS_READABLE, "script_readable"),
        ];
        let found = found.into_iter().filter(|(differs, ..)| *differs);
        found.map(|(_, what, key)| self.change(what, key, rule)).collect()
    }

    /// Why a cookie is not there any more.
    pub(super) fn dropped(&self, policy: &CookiePolicy, cookie: &SetCookie<'_>, by_sealing: bool) -> Change {
        let rules = policy.rules_for(cookie.name());
        let key = match () {
            () if by_sealing => "seal.max_size",
            () if policy.max_bytes > 0 && cookie.size() > policy.max_bytes => "max_size",
            () if rules.remove => "remove",
            // Sealed, it has become too large.
            () => "max_size",
        };
        self.change("dropped", key, position(policy, rules))
    }

    /// Why a field that no browser takes for a cookie is not there any more.
    pub(super) fn malformed(&self) -> Change {
        self.change("malformed", "mode", None)
    }

    fn change(&self, what: &'static str, name: &str, rule: Option<usize>) -> Change {
        let of_rule = rule.filter(|at| self.cookies.rule.get(*at).is_some_and(|rule| sets(rule, name)));
        let general = match of_rule {
            Some(at) => format!("cookies.rule.{at}.{name}"),
            None => format!("cookies.{name}"),
        };
        let own = format!("{}{general}", self.prefix);
        let setting = self.find(&own).or_else(|| self.find(&general));
        let (value, origin) = setting.map_or_else(Default::default, |it| (it.value.clone(), it.origin.to_string()));
        let key = setting.map_or(general, |it| it.key.join("."));
        let observed = if name.starts_with("seal.") { self.sealing_observed } else { self.observed };
        Change { what, key, value, origin, observed: observed && what != STAYS_READABLE }
    }

    fn find(&self, key: &str) -> Option<&Setting> {
        self.in_force.iter().find(|setting| setting.key.join(".") == key)
    }
}

/// Which of the rules of single cookies these are.
fn position(policy: &CookiePolicy, rules: &CookieRules) -> Option<usize> {
    policy.overrides.iter().position(|(_, known)| std::ptr::eq(known, rules))
}

/// Whether a rule says something of its own. What it leaves out is not written either.
fn sets(rule: &crate::config::CookieRule, name: &str) -> bool {
    serde_json::to_value(rule).is_ok_and(|rule| rule.get(name).is_some())
}

/// Browsers demand `Secure` with `SameSite=None` and with prefixes.
fn secured_by(rules: &CookieRules, after: &SetCookie<'_>) -> &'static str {
    match rules.secure {
        SecureRule::Never if after.same_site() == Some(SameSite::None) => "same_site",
        SecureRule::Never => "prefix",
        SecureRule::WhenTls | SecureRule::Always => "secure",
    }
}
