//! The guard on the way in: an ordered list of checks on the request head.

/// Compiled guard settings of a route.
#[derive(Clone, Debug, Default)]
pub struct GuardPolicy {}
