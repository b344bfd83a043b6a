//! The binary.

use std::{env, io, process::ExitCode};

use anyhow::{Context, bail};
use cofferdam::{
    app::{AppSettings, Reload, start},
    engine::Engine,
    incident::FingerprintKey,
    scan::Ruleset,
    server::ListenAddress,
    upstream::{UpstreamAddress, UpstreamSettings},
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> anyhow::Result<()> {
    let (mut listen, mut upstream, mut admin, mut workers, mut access) = (None, None, None, 0, true);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "run" => {}
            "--listen" => listen = arguments.next(),
            "--upstream" => upstream = arguments.next(),
            "--admin" => admin = arguments.next(),
            "--workers" => workers = arguments.next().context("--workers needs a number")?.parse()?,
            "--no-access-log" => access = false,
            other => bail!("unknown argument {other}"),
        }
    }
    let address = |text: String| -> anyhow::Result<ListenAddress> {
        Ok(match text.strip_prefix("unix:") {
            Some(path) => ListenAddress::Unix(path.into()),
            None => ListenAddress::Tcp(text.parse().context("an address such as 127.0.0.1:8080")?),
        })
    };
    let upstream = upstream.context("--upstream is needed")?;
    let upstream = match upstream.strip_prefix("unix:") {
        Some(path) => UpstreamAddress::Unix(path.into()),
        None => {
            let authority = upstream.trim_start_matches("http://").trim_end_matches('/');
            let (host, port) = authority.rsplit_once(':').context("http://HOST:PORT")?;
            UpstreamAddress::Tcp { host: host.into(), port: port.parse()? }
        }
    };
    let listen = address(listen.unwrap_or_else(|| "127.0.0.1:8080".to_owned()))?;
    let mut settings = AppSettings::new(vec![listen], UpstreamSettings::new(upstream));
    settings.admin = admin.map(address).transpose()?;
    settings.workers = workers;
    settings.log.access = access;
    let log = settings.log.clone();
    let service = start(settings, engine()?, io::stderr())?;
    service.install_log(&log)?;
    service.run(Reload { load: Box::new(engine), watched: Vec::new() })
}

fn engine() -> anyhow::Result<Engine> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let mut rules = Vec::new();
    for (file, text) in cofferdam::rules::PACKS {
        rules.extend(cofferdam::rules::parse_pack(file, text)?);
    }
    Ok(Engine::with_rules(Ruleset::compile(rules)?, FingerprintKey::new(key)))
}
