//! Routes: host, path and method to policy.

use std::sync::Arc;

use http::Method;

use super::{Breaker, InspectPolicy, Shield};
use crate::{
    cookies::weak::Watch,
    request::{ForwardPolicy, GuardPolicy},
    response::{CookiePolicy, CorsPolicy, CspPolicy, HeaderPolicy, SealPolicy},
};

/// What a route does with a request to switch protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradePolicy {
    /// Answer 403 and count it.
    Refuse,
    /// Inspect WebSocket messages; refuse every other protocol.
    #[default]
    Inspect,
    /// Pass the connection through unread, and count it.
    Tunnel,
}

/// Everything that holds for the exchanges of one route.
#[derive(Clone, Debug)]
pub struct RoutePolicy {
    /// Shown in logs and metrics.
    pub name: Box<str>,
    /// Inspection of bodies and fields.
    pub inspect: InspectPolicy,
    /// What a storm of replacements opens; none counts nothing.
    pub breaker: Option<Arc<Breaker>>,
    /// Recognises a development server; none looks for none.
    pub shield: Option<Arc<Shield>>,
    /// What happens to requests to switch protocols.
    pub upgrades: UpgradePolicy,
    /// What the upstream is told of the client and its wishes.
    pub forward: Arc<ForwardPolicy>,
    /// The guard on the way in.
    pub guard: Arc<GuardPolicy>,
    /// Security and disclosing headers.
    pub headers: Arc<HeaderPolicy>,
    /// `Set-Cookie` attributes.
    pub cookies: Arc<CookiePolicy>,
    /// Sealing of cookie values; none seals nothing.
    pub sealing: Option<Arc<SealPolicy>>,
    /// By what cookies and tokens are tested for weak keys; none tests nothing.
    pub weak_keys: Option<Arc<Watch>>,
    /// The content security policy; none sends none.
    pub csp: Option<Arc<CspPolicy>>,
    /// Who may read responses from other origins.
    pub cors: Arc<CorsPolicy>,
}

impl Default for RoutePolicy {
    fn default() -> Self {
        Self {
            name: "default".into(),
            inspect: InspectPolicy::default(),
            breaker: None,
            shield: None,
            upgrades: UpgradePolicy::default(),
            forward: Arc::default(),
            guard: Arc::default(),
            headers: Arc::default(),
            cookies: Arc::default(),
            sealing: None,
            weak_keys: None,
            csp: None,
            cors: Arc::default(),
        }
    }
}

/// The routes in order; the last one matches everything.
#[derive(Debug)]
pub struct RouteTable {
    routes: Vec<(RouteMatch, Arc<RoutePolicy>)>,
    fallback: Arc<RoutePolicy>,
}

/// Which requests a route is for. An empty list matches all.
#[derive(Clone, Debug, Default)]
pub struct RouteMatch {
    /// Host names, lower case, without port; `*.example.org` matches every name below it.
    pub hosts: Vec<Box<str>>,
    /// Path prefixes; a prefix ends at a segment boundary.
    pub paths: Vec<Box<str>>,
    /// Methods.
    pub methods: Vec<Method>,
}

impl RouteTable {
    /// A table of these routes, tried in order, with `fallback` for everything else.
    pub fn new(routes: Vec<(RouteMatch, Arc<RoutePolicy>)>, fallback: Arc<RoutePolicy>) -> Self {
        Self { routes, fallback }
    }

    /// Whether one policy governs everything.
    pub fn is_uniform(&self) -> bool {
        self.routes.is_empty()
    }

    /// The policy of what no route matches.
    pub fn fallback(&self) -> &Arc<RoutePolicy> {
        &self.fallback
    }

    /// The policy for a request. `host` without port.
    pub fn find(&self, host: &str, path: &str, method: &Method) -> &Arc<RoutePolicy> {
        self.routes
            .iter()
            .find(|(wanted, _)| wanted.matches(host, path, method))
            .map_or(&self.fallback, |(_, policy)| policy)
    }
}

impl RouteMatch {
    fn matches(&self, host: &str, path: &str, method: &Method) -> bool {
        (self.hosts.is_empty() || self.hosts.iter().any(|wanted| host_matches(wanted, host)))
            && (self.paths.is_empty() || self.paths.iter().any(|prefix| path_has_prefix(path, prefix)))
            && (self.methods.is_empty() || self.methods.contains(method))
    }
}

fn host_matches(wanted: &str, host: &str) -> bool {
    match wanted.strip_prefix("*.") {
        Some(parent) => {
            host.len() > parent.len() + 1
                && host.as_bytes()[host.len() - parent.len() - 1] == b'.'
                && host[host.len() - parent.len()..].eq_ignore_ascii_case(parent)
        }
        None => wanted.eq_ignore_ascii_case(host),
    }
}

fn path_has_prefix(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| prefix.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?']))
}
