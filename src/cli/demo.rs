//! `cofferdam demo`: a leaky application of its own behind the real proxy, and what its visitors see.

use super::{Exit, Failure, Terminal};

pub(super) fn run(terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    show(terminal)
}

/// Starts application and proxy, fetches every page through both, prints the table.
fn show(_terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    Err(anyhow::anyhow!("this build has no demonstration").into())
}
