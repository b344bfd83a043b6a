//! What to do with findings: routes, the score, the verdict.

mod breaker;
mod copies;
mod inspect;
mod judge;
mod prose;
mod route;
mod score;
mod shield;
mod trace;

pub use breaker::{Breaker, BreakerSettings, BreakerTurn};
pub use copies::{CleanCopies, StoredCopy, Target};
pub use inspect::{InspectPolicy, Unreadable};
pub use judge::{Judgement, Mask, Page, Verdict, judge};
pub use prose::Prose;
pub use route::{RouteMatch, RoutePolicy, RouteTable, UpgradePolicy};
pub use score::{Line, THRESHOLD, Tally};
pub use shield::{Shield, ShieldMode, WholeBody};
