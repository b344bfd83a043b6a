//! The engine: compiled rules and policies, immutable, swapped whole on reload.

use crate::{incident::FingerprintKey, policy::RouteTable, scan::Ruleset};

/// Everything an exchange is judged by. Built by `config::compile`, valid by construction.
#[derive(Debug)]
pub struct Engine {
    /// What leaks look like.
    pub rules: Ruleset,
    /// Which policy governs which request.
    pub routes: RouteTable,
    /// The key of the fingerprints in incidents.
    pub fingerprints: FingerprintKey,
}
