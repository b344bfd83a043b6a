//! `cofferdam demo`: puts the real proxy in front of the application of [`demo`].

use std::{io, net::SocketAddr, sync::mpsc, thread};

use anyhow::Context;

use super::{
    Exit, Failure, Terminal,
    arguments::DemoArgs,
    demo::{self, Outcome},
    service,
};
use crate::{
    app::{self, Service},
    config::{Flag, Loaded, Sources, load},
    server::ListenAddress,
};

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

/// Starts the proxy on a thread of its own, where it serves until the process ends; gives its address. Its log goes
/// nowhere: the table is what there is to see.
async fn start_proxy(loaded: Loaded) -> anyhow::Result<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("proxy".to_owned()).spawn(move || {
        let service = serve(&loaded);
        let address = service.as_ref().map(|service| service.listening.first().cloned());
        if sender.send(address.map_err(|error| anyhow::anyhow!("{error:#}"))).is_ok() && service.is_ok() {
            // Dropping the service would stop it.
            thread::park();
        }
    })?;
    match receiver.recv()?? {
        Some(ListenAddress::Tcp(address)) => Ok(address),
        other => anyhow::bail!("the proxy listens on {other:?}"),
    }
}

fn serve(loaded: &Loaded) -> anyhow::Result<Service> {
    let upstream = loaded.config.upstream.url.as_ref().context("the demonstration has no application")?;
    app::start(service::settings(loaded, upstream)?, service::engine(loaded, &service::rates(loaded)?)?, io::sink())
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
