//! `cofferdam demo`: a leaky application and the real proxy in front of it, both on free loopback ports, and a
//! table of what the one says and the other lets through, fetched here and now.

mod leaky;
mod pages;
mod table;
mod visit;

use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Context, Result};

pub use leaky::LeakyApplication;
pub use pages::{PAGES, Page, Promise, Secrets};
use table::Row;
use visit::visit;

/// What the demonstration showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How many pages were asked.
    pub pages: usize,
    /// How many of them broke their promise: a secret arrived or an honest page changed.
    pub broken: usize,
}

/// Starts the leaky application, has `start` put the proxy in front of it, asks every page at both doors and
/// prints the table to `out`. Unless `once`, both then stay up until the process is interrupted.
///
/// `start` gets the address of the application and gives that of the proxy, which must serve for as long as
/// this runs.
///
/// # Errors
/// When a port cannot be bound, the proxy does not start or does not answer, or `out` cannot be written.
pub async fn demonstrate<Start, Started>(start: Start, once: bool, out: &mut dyn Write) -> Result<Outcome>
where
    Start: FnOnce(SocketAddr) -> Started,
    Started: Future<Output = Result<SocketAddr>>,
{
    let application = LeakyApplication::start().await.context("starting the leaky application")?;
    let proxy = start(application.address).await.context("starting the proxy in front of it")?;
    introduce(out, application.address, proxy)?;
    let outcome = show(&application, proxy, out).await?;
    conclude(out, outcome)?;
    if !once {
        writeln!(out, "Look for yourself; Ctrl-C ends both.")?;
        out.flush()?;
        tokio::signal::ctrl_c().await.context("waiting for the interrupt")?;
    }
    Ok(outcome)
}

async fn show(application: &LeakyApplication, proxy: SocketAddr, out: &mut dyn Write) -> Result<Outcome> {
    let mut outcome = Outcome { pages: 0, broken: 0 };
    writeln!(out, "{}", table::heading())?;
    for page in &PAGES {
        let said = visit(application.address, page).await?;
        let seen = visit(proxy, page).await?;
        let row = Row::of(page, &application.secrets, &said, &seen);
        outcome.pages += 1;
        outcome.broken += usize::from(!row.kept);
        writeln!(out, "{row}")?;
    }
    Ok(outcome)
}

fn introduce(out: &mut dyn Write, application: SocketAddr, proxy: SocketAddr) -> Result<()> {
    writeln!(out, "A leaky application:            http://{application}/")?;
    writeln!(out, "The same behind cofferdam:      http://{proxy}/")?;
    writeln!(out, "Every secret below was made up for this run.\n")?;
    Ok(())
}

fn conclude(out: &mut dyn Write, outcome: Outcome) -> Result<()> {
    let Outcome { pages, broken } = outcome;
    match broken {
        0 => writeln!(out, "\n{pages} pages: every leak was kept back, every honest page arrived as it was.")?,
        _ => writeln!(out, "\n{pages} pages, {broken} marked with !: a secret arrived or an honest page changed.")?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_proxy_every_leak_is_marked() {
        let mut out = Vec::new();
        let outcome = demonstrate(async |application| Ok(application), true, &mut out).await.expect("it runs");
        let table = String::from_utf8(out).expect("the table is text");
        let marked = table.lines().filter(|line| line.starts_with('!')).count();
        let expected = PAGES.iter().filter(|page| page.promise != Promise::Untouched).count();
        assert_eq!((outcome.pages, outcome.broken, marked), (PAGES.len(), expected, expected), "{table}");
    }

    #[tokio::test]
    async fn a_proxy_that_does_not_start_is_an_error() {
        let result = demonstrate(async |_| anyhow::bail!("no port"), true, &mut Vec::new()).await;
        assert!(format!("{:#}", result.expect_err("it fails")).contains("no port"));
    }
}
