//! The request head as the upstream gets it.

use http::HeaderValue;

use super::Cidr;

/// What the upstream gets as `Host`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostRule {
    /// What the client asked for. Applications build links and check origins with it.
    #[default]
    Preserve,
    /// This: the upstream's own name.
    Set(HeaderValue),
}

/// Compiled forwarding settings of a route.
#[derive(Clone, Debug)]
pub struct ForwardPolicy {
    /// Peers whose `Forwarded` and `X-Forwarded-*` are believed and extended. Everyone else's are replaced.
    pub trusted: Vec<Cidr>,
    /// What the upstream gets as `Host`.
    pub host: HostRule,
    /// Whether `X-Forwarded-For`, `-Proto`, `-Host` and `-Port` are sent.
    pub x_forwarded: bool,
    /// Whether `Forwarded` (RFC 7239) is sent.
    pub forwarded: bool,
    /// Whether the upstream is asked for uncoded bodies (`Accept-Encoding: identity`).
    pub identity: bool,
    /// Whether `Range` and `If-Range` are taken away, so that bodies are seen whole. Set on inspected routes.
    pub whole_bodies: bool,
    /// The pseudonym in `Via` (RFC 9110 section 7.6.3); none sends no `Via`.
    pub via: Option<Box<str>>,
}

impl Default for ForwardPolicy {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            host: HostRule::Preserve,
            x_forwarded: true,
            forwarded: false,
            identity: true,
            whole_bodies: true,
            via: None,
        }
    }
}
