//! Hardening of `Set-Cookie`, and the names of cookies on their way in.

use crate::{
    cookies::{Domain, NamePattern, Prefix, SameSite, SameSiteRule},
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

/// What hardening changed (or would change, in observe mode), in cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct CookieReport {
    /// `Set-Cookie` fields seen.
    pub seen: u32,
    /// Fields rewritten in any way.
    pub changed: u32,
    /// Dropped by a rule.
    pub removed: u32,
    /// Dropped because no browser would take them: malformed.
    pub malformed: u32,
    /// Dropped because no browser would take them: too large.
    pub oversized: u32,
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
