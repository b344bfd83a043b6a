//! How an exchange ended: every response has exactly one disposition, and each is counted.

use serde::Serialize;

/// The one way an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "reason")]
pub enum Disposition {
    /// Read to the end; nothing was found.
    InspectedClean,
    /// Spans were replaced by a token.
    Masked,
    /// The whole response became a generic error.
    Replaced,
    /// The head had left when the leak was found: the connection was broken off.
    Severed,
    /// Not read, by an explicit setting or because there was nothing to read.
    Exempt(Exemption),
    /// Answered by the proxy itself.
    Refused(Refusal),
    /// The upstream broke off in the middle of a body in which nothing was found; so did we.
    Truncated,
    /// The client went away before the end.
    Cancelled,
}

/// Why a response was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exemption {
    /// The route's inspection is off.
    RouteOff,
    /// HEAD, 204, 304: no body by definition.
    NoBody,
    /// A body that is the binary format its type says.
    BinaryType,
    /// The route exempts the body's media type.
    ExemptType,
    /// The route tunnels upgraded connections.
    Tunnel,
    /// The route passes what cannot be decoded.
    Undecodable,
    /// A cross-origin preflight that the proxy answered itself.
    Preflight,
    /// There was no memory to read it in, and the route only observes.
    Memory,
}

/// Why the proxy answered itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The request was not acceptable HTTP.
    BadRequest,
    /// The request did not come in time.
    RequestTimeout,
    /// Method not allowed on this route.
    Method,
    /// A debug endpoint or exposed file.
    DebugEndpoint,
    /// The request's target, a field or its body was too large.
    TooLarge,
    /// A limit on the rate or number of requests.
    RateLimit,
    /// A cross-site request with an unsafe method.
    CrossSite,
    /// A virtual patch said no.
    Patch,
    /// Upgrade refused by the route.
    Upgrade,
    /// The upstream could not be reached.
    UpstreamUnreachable,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The upstream's answer was not acceptable HTTP.
    UpstreamMalformed,
    /// The proxy is at its own limit or shutting down.
    Overloaded,
    /// The content could not be read (coding, charset, unasked range) and the route fails closed.
    Unreadable,
    /// A fault of the proxy itself.
    Internal,
}

impl Disposition {
    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InspectedClean => "inspected-clean",
            Self::Masked => "masked",
            Self::Replaced => "replaced",
            Self::Severed => "severed",
            Self::Exempt(_) => "exempt",
            Self::Refused(_) => "refused",
            Self::Truncated => "truncated",
            Self::Cancelled => "cancelled",
        }
    }

    /// The metric label of the reason; empty where there is none.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Exempt(exemption) => exemption.as_str(),
            Self::Refused(refusal) => refusal.as_str(),
            Self::InspectedClean
            | Self::Masked
            | Self::Replaced
            | Self::Severed
            | Self::Truncated
            | Self::Cancelled => "",
        }
    }
}

impl Exemption {
    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RouteOff => "route-off",
            Self::NoBody => "no-body",
            Self::BinaryType => "binary-type",
            Self::ExemptType => "exempt-type",
            Self::Tunnel => "tunnel",
            Self::Undecodable => "undecodable",
            Self::Preflight => "preflight",
            Self::Memory => "memory",
        }
    }
}

impl Refusal {
    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::RequestTimeout => "request-timeout",
            Self::Method => "method",
            Self::DebugEndpoint => "debug-endpoint",
            Self::TooLarge => "too-large",
            Self::RateLimit => "rate-limit",
            Self::CrossSite => "cross-site",
            Self::Patch => "patch",
            Self::Upgrade => "upgrade",
            Self::UpstreamUnreachable => "upstream-unreachable",
            Self::UpstreamTimeout => "upstream-timeout",
            Self::UpstreamMalformed => "upstream-malformed",
            Self::Overloaded => "overloaded",
            Self::Unreadable => "unreadable",
            Self::Internal => "internal",
        }
    }
}
