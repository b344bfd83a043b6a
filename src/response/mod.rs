//! The way out: hardening of the head, masks, and the one way to build a generic reply.

#[cfg(test)]
mod cookie_lines;
mod cookies;
mod cors;
mod csp;
mod development;
mod forward;
mod grpc;
mod headers;
mod inline;
mod negotiate;
mod nonce;
mod reason;
mod render;
mod returned;
mod review;
mod sealing;
mod strip;
mod template;
mod transport;

pub use cookies::{CookiePolicy, CookieReport, CookieRules, CookieRulesError, HttpOnlyRule, SecureRule};
pub use cors::{CorsPolicy, CorsRepair, Preflight};
pub use csp::{CspError, CspPolicy, keep_page_policy};
pub use development::{DevelopmentServer, DevelopmentServerError, DevelopmentServers};
pub use forward::remove_hop_by_hop;
pub use grpc::Grpc;
pub use headers::{HeaderPolicy, HeaderReport, Removal, Setting, When};
pub use inline::InlineSources;
pub use negotiate::{Format, Wanted};
pub use nonce::{Nonce, NonceInjector};
pub use reason::ReasonPhrase;
pub use render::{INCIDENT_ID, allow, limited, refusal_status, replacement_status, reply};
pub use review::{CspWeakness, WeakField, review_csp, review_fields};
pub use sealing::{SealPolicy, SealReport};
pub use strip::{carry_over, remove_body_claims};
pub use template::{Template, TemplateError, Templates};
pub use transport::{StrictTransport, StrictTransportError};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// The head of a response.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The status.
    pub status: StatusCode,
    /// The fields.
    pub headers: HeaderMap,
    /// What an application of HTTP/1.1 said in place of its status' own reason phrase.
    pub reason: Option<ReasonPhrase>,
}

impl ResponseHead {
    /// A head with the reason phrase of its status.
    pub fn new(status: StatusCode, headers: HeaderMap) -> Self {
        Self { status, headers, reason: None }
    }
}

/// A whole response made by the proxy itself.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The fields, `Content-Length` included.
    pub headers: HeaderMap,
    /// The body; empty for HEAD, while `Content-Length` tells what GET would get.
    pub body: Bytes,
    /// What stands in an operator's page and a content security policy could stop.
    pub inline: InlineSources,
}

/// What was met and changed in fields, or would have been in observe mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct HardenReport {
    /// In cookies, both ways.
    pub cookies: CookieReport,
    /// In other fields of the response.
    pub headers: HeaderReport,
}
