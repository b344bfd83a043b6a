//! What to do with findings: routes, the score, the verdict.

mod route;

pub use route::{RoutePolicy, RouteTable, UpgradePolicy};
