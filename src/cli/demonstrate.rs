//! `cofferdam demo`: a leaky application of its own behind the real proxy, and what its visitors see.

use super::{Exit, Failure, Terminal, arguments::DemoArgs};

pub(super) fn run(args: &DemoArgs, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    show(args.once, terminal)
}

/// Starts application and proxy, fetches every page through both, prints the table; a leak that got through is a
/// finding.
fn show(_once: bool, _terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    Err(anyhow::anyhow!("this build has no demonstration").into())
}
