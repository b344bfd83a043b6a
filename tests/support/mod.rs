//! The three actors of a test over sockets. Everything is on free ports of this machine, and every wait ends.

pub(crate) mod client;
pub(crate) mod cofferdam;
pub(crate) mod origin;

use std::time::Duration;

/// Longer than anything a test waits for that does happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
