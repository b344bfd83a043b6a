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

impl SameSite {
    /// The value as browsers read it: case does not matter, anything else is unknown.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|known| value.eq_ignore_ascii_case(known.as_str().as_bytes()))
    }

    /// The spelling of the RFC.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl Prefix {
    /// The bytes that this proxy puts before a name: the prefix and a `~`. By the `~` its names are told from those
    /// that the application itself gave a prefix, which must come back to it as they are.
    pub fn given(self) -> &'static str {
        match self {
            Self::Secure => "__Secure-~",
            Self::Host => "__Host-~",
        }
    }

    /// The bytes that browsers look for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secure => "__Secure-",
            Self::Host => "__Host-",
        }
    }

    /// The prefix a browser would see in `name`: case does not matter to it.
    pub fn of(name: &[u8]) -> Option<Self> {
        [Self::Secure, Self::Host].into_iter().find(|prefix| {
            let prefix = prefix.as_str().as_bytes();
            name.len() >= prefix.len() && name[..prefix.len()].eq_ignore_ascii_case(prefix)
        })
    }

    /// `name` without this prefix, where this proxy gave it ([`Prefix::given`]).
    pub fn strip(self, name: &[u8]) -> Option<&[u8]> {
        name.strip_prefix(self.given().as_bytes())
    }
}

/// Whether `text` can be the value of `Path` or `Domain`: no semicolon, no control character, at most 1024 bytes.
pub fn is_attribute_value(text: &str) -> bool {
    text.len() <= 1024 && text.bytes().all(|byte| byte != b';' && byte >= 0x20 && byte != 0x7f)
}
