//! The engine: compiled rules and policies, immutable, swapped whole on reload.

use std::sync::Arc;

use crate::{
    incident::FingerprintKey,
    policy::{CleanCopies, RouteTable},
    response::Templates,
    scan::Ruleset,
};

/// Everything an exchange is judged by. Built by `config::compile`, valid by construction.
#[derive(Debug)]
pub struct Engine {
    /// What leaks look like.
    pub rules: Ruleset,
    /// Which policy governs which request.
    pub routes: RouteTable,
    /// The bodies of our own replies.
    pub templates: Templates,
    /// Whether TLS ends before us, so that clients speak HTTPS whatever our listener speaks.
    pub tls_before_us: bool,
    /// Whether bodies that were held whole are compressed for clients that ask for it.
    pub compress: bool,
    /// The key of the fingerprints in incidents.
    pub fingerprints: FingerprintKey,
    /// Which copies of pages are clean by these rules: what is learnt, not set.
    pub clean: CleanCopies,
}

impl Engine {
    /// An engine with these rules and the default policy for everything.
    pub fn with_rules(rules: Ruleset, fingerprints: FingerprintKey) -> Self {
        let routes = RouteTable::new(Vec::new(), Arc::default());
        Self {
            rules,
            routes,
            templates: Templates::default(),
            tls_before_us: false,
            compress: false,
            fingerprints,
            clean: CleanCopies::default(),
        }
    }
}
