//! The guard on the way in: an ordered list of checks on the request head; and the rewriting of that head for
//! the upstream.

mod canonical;
mod cidr;
mod client;
mod endpoints;
mod forward;
mod hop;
mod limits;
mod message;
mod names;
mod origin;
mod patch;
mod paths;
pub mod rate;

pub use canonical::CanonicalPath;
pub use cidr::{Cidr, CidrError};
pub use client::Client;
pub use endpoints::{EndpointError, EndpointRow, EndpointSelection, PatternKind, Probe, embedded_rows, parse_rows};
pub use forward::{ForwardPolicy, HostRule, Peer};
pub use hop::{Upgrade, remove_hop_by_hop};
pub use limits::{LimitPolicy, MethodPolicy};
pub use origin::{CrossSitePolicy, Origin, OriginError};
pub use patch::{PatchError, PatchPolicy, PatchRow};
pub use paths::{Endpoint, EndpointPolicy, EndpointTable};

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode, Uri, Version};

use crate::incident::{Mode, Refusal};

/// The head of a request, as the upstream will see it once judged.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The target: origin form or absolute form as received; origin form once judged.
    pub uri: Uri,
    /// The version the client spoke.
    pub version: Version,
    /// The fields.
    pub headers: HeaderMap,
}

/// Compiled guard settings of a route. What is not acceptable HTTP is always refused.
#[derive(Clone, Debug, Default)]
pub struct GuardPolicy {
    /// Which methods are let in.
    pub methods: MethodPolicy,
    /// How large a head may be.
    pub limits: LimitPolicy,
    /// Which debug endpoints and files are refused.
    pub endpoints: EndpointPolicy,
    /// Which cross-site requests are refused.
    pub cross_site: CrossSitePolicy,
    /// What single endpoints take.
    pub patches: PatchPolicy,
    /// Limits on the rate of requests; none counts nothing.
    pub rate: Option<Arc<rate::RatePolicy>>,
}

/// Why a request is refused, or would be in observe mode.
#[derive(Clone, Debug)]
pub struct Objection {
    /// What it is counted under.
    pub refusal: Refusal,
    /// What the client is answered.
    pub status: StatusCode,
    /// The row that covers the path.
    pub endpoint: Option<Arc<Endpoint>>,
    /// The limit that the request is beyond.
    pub limited: Option<rate::Limited>,
    /// The methods that a patch takes; empty where it is another control's objection, or all are taken.
    pub methods: Vec<Method>,
}

/// Judges a request head. The first objection of a control in enforce mode is the answer; those of controls in
/// observe mode are added to `observed`, and the request goes on.
pub fn check(head: &RequestHead, policy: &GuardPolicy, observed: &mut Vec<Objection>) -> Result<(), Objection> {
    let mut guard = Guard { observed };
    guard.control(Mode::Enforce, || message::check(head))?;
    guard.control(policy.methods.mode, || limits::method(head, &policy.methods))?;
    guard.control(policy.limits.mode, || limits::size(head, &policy.limits))?;
    guard.control(policy.endpoints.mode, || paths::endpoint(head, &policy.endpoints))?;
    guard.control(policy.cross_site.mode, || origin::cross_site(head, &policy.cross_site))?;
    guard.control(policy.patches.mode, || patch::patch(head, &policy.patches))
}

struct Guard<'a> {
    observed: &'a mut Vec<Objection>,
}

impl Guard<'_> {
    fn control(&mut self, mode: Mode, check: impl FnOnce() -> Result<(), Objection>) -> Result<(), Objection> {
        match mode {
            Mode::Off => Ok(()),
            Mode::Observe => {
                self.observed.extend(check().err());
                Ok(())
            }
            Mode::Enforce => check(),
        }
    }
}

impl Objection {
    /// To a request whose body became longer than allowed.
    pub fn to_body() -> Self {
        limits::body()
    }

    fn new(refusal: Refusal, status: StatusCode) -> Self {
        Self { refusal, status, endpoint: None, limited: None, methods: Vec::new() }
    }

    fn bad_request() -> Self {
        Self::new(Refusal::BadRequest, StatusCode::BAD_REQUEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(target: &str) -> RequestHead {
        head_with("GET", target, &[("host", "example.org")])
    }

    pub(super) fn head_with(method: &str, target: &str, fields: &[(&'static str, &str)]) -> RequestHead {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        RequestHead { method, uri: target.parse().unwrap(), version: Version::HTTP_11, headers }
    }

    #[test]
    fn a_healthy_request_meets_no_objection() {
        let mut observed = Vec::new();
        for target in ["/", "/users/1?tab=console", "/.well-known/security.txt", "/assets/app.js"] {
            check(&head(target), &GuardPolicy::default(), &mut observed).unwrap();
        }
        assert!(observed.is_empty());
    }

    #[test]
    fn observe_reports_and_lets_through_and_off_does_not_look() {
        for (mode, reported) in [(Mode::Observe, 1), (Mode::Off, 0)] {
            let mut policy = GuardPolicy::default();
            policy.endpoints.mode = mode;
            let mut observed = Vec::new();
            check(&head("/.env"), &policy, &mut observed).unwrap();
            assert_eq!(observed.len(), reported);
        }
        let refused = check(&head("/.env"), &GuardPolicy::default(), &mut Vec::new()).unwrap_err();
        assert_eq!((refused.refusal, refused.status), (Refusal::DebugEndpoint, StatusCode::NOT_FOUND));
        assert!(refused.endpoint.is_some());
    }

    #[test]
    fn what_is_not_acceptable_http_is_refused_in_every_mode() {
        let mut policy = GuardPolicy::default();
        (policy.methods.mode, policy.limits.mode, policy.endpoints.mode) = (Mode::Off, Mode::Off, Mode::Off);
        let twice = head_with("GET", "/", &[("host", "a"), ("host", "b")]);
        assert_eq!(check(&twice, &policy, &mut Vec::new()).unwrap_err().refusal, Refusal::BadRequest);
    }
}
