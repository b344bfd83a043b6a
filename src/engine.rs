//! The engine: compiled rules and policies, immutable, swapped whole on reload.

use crate::policy::RouteTable;

/// Everything an exchange is judged by. Built by `config::compile`, valid by construction.
#[derive(Debug)]
pub struct Engine {
    /// Which policy governs which request.
    pub routes: RouteTable,
}
