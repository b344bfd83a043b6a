//! `cofferdam demo`: puts the real proxy in front of the application of [`demo`].

use std::net::SocketAddr;

use anyhow::Context;

use super::{
    Exit, Failure, Terminal,
    arguments::DemoArgs,
    demo::{self, Outcome},
};
use crate::config::{Flag, Loaded, Sources, load};

/// A page that did not do what it promised is a finding.
pub(super) fn run(args: &DemoArgs, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("starting the demonstration")?;
    let start = async |application| start_proxy(configuration(application)?).await;
    let Outcome { broken, .. } = runtime.block_on(demo::demonstrate(start, args.once, terminal.out))?;
    Ok(if broken == 0 { Exit::Ok } else { Exit::Findings })
}

/// The defaults, on free ports.
fn configuration(application: SocketAddr) -> anyhow::Result<Loaded> {
    let settings = [
        ("upstream.url", format!("http://{application}")),
        ("server.listen", "127.0.0.1:0".to_owned()),
        ("admin.listen", String::new()),
    ];
    let flags = settings.map(|(key, value)| Flag { name: "demo".to_owned(), key: key.to_owned(), value }).to_vec();
    Ok(load(&Sources { flags, ..Sources::default() })?)
}

/// Starts the proxy, which serves until the process ends; gives its address.
async fn start_proxy(_loaded: Loaded) -> anyhow::Result<SocketAddr> {
    anyhow::bail!("this build has no server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstration_runs_on_the_defaults() {
        let config = configuration(([127, 0, 0, 1], 5000).into()).unwrap().config;
        assert_eq!(config.upstream.url.unwrap().to_string(), "http://127.0.0.1:5000");
        assert_eq!((config.server.listen.to_string().as_str(), config.admin.listen), ("127.0.0.1:0", None));
    }
}
