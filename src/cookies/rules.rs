//! What a `Set-Cookie` must say, and the rewriting that makes it say so.

/// The `SameSite` attribute (RFC 6265bis section 5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SameSite {
    /// Sent on requests from the same site only.
    Strict,
    /// Sent on top-level navigations from elsewhere, too.
    Lax,
    /// Sent on every request; browsers demand `Secure` with it.
    None,
}

/// What happens to `SameSite`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSiteRule {
    /// The application's word stands.
    Keep,
    /// Used where the application said nothing that a browser would understand.
    Default(SameSite),
    /// Used whatever the application said.
    Force(SameSite),
}

/// A cookie name prefix that browsers enforce (RFC 6265bis section 4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prefix {
    /// `__Secure-`: only over TLS.
    Secure,
    /// `__Host-`: only over TLS, for this host alone, with `Path=/`. Overrides a domain and a path rule.
    Host,
}

/// What happens to `Domain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The application's word stands.
    Keep,
    /// Taken away: the cookie belongs to the host that set it, alone.
    Remove,
    /// Narrowed to this domain where the application named a parent of it. Lower case, without a leading dot.
    Narrow(Box<str>),
}

/// What one `Set-Cookie` must say, everything that depends on the connection already decided.
#[derive(Clone, Debug)]
pub struct Rules<'a> {
    /// `Secure` is added.
    pub secure: bool,
    /// Whether `Secure` may be added at all (the client's side is TLS). Then `SameSite=None` gets it, whatever
    /// `secure` says, and then only are prefixes and `Partitioned` applied.
    pub tls: bool,
    /// `HttpOnly` is added.
    pub http_only: bool,
    /// `SameSite`.
    pub same_site: SameSiteRule,
    /// `Partitioned` is added where the result says `SameSite=None; Secure`.
    pub partitioned: bool,
    /// The name gets this prefix unless it has one.
    pub prefix: Option<Prefix>,
    /// `Domain`.
    pub domain: &'a Domain,
    /// `Path` is set to this.
    pub path: Option<&'a str>,
    /// The longest lifetime in seconds, counted from `now`.
    pub lifetime_cap: Option<u64>,
    /// Seconds since the Unix epoch.
    pub now: u64,
}
