//! The guard on the way in: an ordered list of checks on the request head; and the rewriting of that head for
//! the upstream.

mod cidr;
mod forward;
mod limits;
mod paths;

pub use cidr::{Cidr, CidrError};
pub use forward::{ForwardPolicy, HostRule};
pub use limits::{LimitPolicy, MethodPolicy};
pub use paths::{EndpointPolicy, EndpointRow, EndpointTable, PatternKind};

use http::{HeaderMap, Method, Uri, Version};

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
}
