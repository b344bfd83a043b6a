//! From a loaded configuration to a running service: what `run` and `demo` share.

use std::{path::PathBuf, sync::Arc};

use super::{Failure, judge::random_key};
use crate::{
    app::AppSettings,
    config::{self, ByteSize, Loaded, LogFormat, UpstreamUrl, compile},
    exchange::Budget,
    incident::HashKey,
    logging::{self, LogSettings},
    proxy::ProxySettings,
    request::rate::RateTables,
    server::{ConnectionSettings, ListenAddress, TlsSettings},
    upstream::{ClientDisks, SHIELDED_REQUESTS, Slots, Storage, UpstreamAddress, UpstreamSettings},
};

/// The settings of the service in front of `upstream`.
pub(super) fn settings(loaded: &Loaded, upstream: &UpstreamUrl) -> Result<AppSettings, Failure> {
    let workers = compile::workers(loaded)?;
    let server = &loaded.config.server;
    let storage = storage(loaded)?;
    Ok(AppSettings {
        listen: vec![listen_address(&server.listen)],
        tls: tls(loaded)?,
        admin: loaded.config.admin.listen.as_ref().map(listen_address),
        workers: workers.count,
        drain_timeout: server.drain_timeout.get(),
        connections: connections(loaded),
        proxy: ProxySettings { budget: storage.memory.clone(), ..ProxySettings::default() },
        upstream: UpstreamSettings { storage, ..upstream_settings(loaded, upstream, workers.idle_connections)? },
        log: log(loaded),
    })
}

/// The engine of a loaded configuration, its rules tested by their own rows.
pub(super) fn engine(loaded: &Loaded, rates: &RateTables) -> Result<crate::engine::Engine, Failure> {
    Ok(compile::engine(loaded, random_key()?, rates)?)
}

/// Where clients are counted for as long as the process lives.
pub(super) fn rates(loaded: &Loaded) -> Result<RateTables, Failure> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let bytes = usize::try_from(loaded.config.server.rate_memory.get()).unwrap_or(usize::MAX);
    Ok(RateTables::new(bytes, HashKey::from_random(key)))
}

/// Files whose change calls for a new engine: the configuration `file`, templates, rule packs and their directory,
/// the keys of cookies and lists of known ones.
pub(super) fn watched(file: Option<PathBuf>, loaded: &Loaded) -> Vec<PathBuf> {
    let replies = &loaded.config.replies;
    let templates = [&replies.html, &replies.json, &replies.problem, &replies.text];
    let dir = &loaded.config.rules.dir;
    let packs = std::fs::read_dir(dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let named = file.into_iter().chain(templates.into_iter().cloned()).chain([dir.clone()]).chain(packs);
    let keys = compile::key_files(loaded).into_iter().chain(compile::weak_key_files(loaded));
    named.chain(keys).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// Of the memory and the disk for all exchanges together.
fn storage(loaded: &Loaded) -> Result<Storage, Failure> {
    let server = &loaded.config.server;
    Ok(Storage {
        folder: compile::spool_dir(loaded)?.unwrap_or_default(),
        memory: budget(server.max_memory),
        disk: budget(server.max_disk),
        clients: Arc::new(match server.max_disk_per_client.get() {
            0 => ClientDisks::default(),
            most => ClientDisks::new(usize::try_from(most).unwrap_or(usize::MAX)),
        }),
    })
}

fn budget(most: ByteSize) -> Arc<Budget> {
    match most.get() {
        0 => Arc::default(),
        most => Arc::new(Budget::new(usize::try_from(most).unwrap_or(usize::MAX))),
    }
}

fn connections(loaded: &Loaded) -> ConnectionSettings {
    let server = &loaded.config.server;
    ConnectionSettings {
        head_timeout: server.head_timeout.get(),
        body_timeout: server.body_timeout.get(),
        idle_timeout: server.idle_timeout.get(),
        write_timeout: server.write_timeout.get(),
        max_connections: server.max_connections,
        max_headers: max_headers(loaded),
        handshake_timeout: server.tls.handshake_timeout.get(),
        max_handshakes: server.tls.max_handshakes,
        h2c: server.h2c,
        ..ConnectionSettings::default()
    }
}

fn tls(loaded: &Loaded) -> Result<Option<TlsSettings>, Failure> {
    let Some(identity) = compile::tls_identity(loaded)? else { return Ok(None) };
    let tls = &loaded.config.server.tls;
    let listen = tls.listen.as_ref().map(listen_address);
    let redirect_from = tls.redirect_from.as_ref().map(listen_address);
    Ok(listen.map(|listen| TlsSettings { listen, redirect_from, identity }))
}

/// No lower than any route's own limit, which answers with a page; this one cannot.
fn max_headers(loaded: &Loaded) -> usize {
    let routes = loaded.config.route.iter().map(|route| route.guard.limits.header_count);
    routes.chain([loaded.config.guard.limits.header_count]).max().unwrap_or_default()
}

fn upstream_settings(loaded: &Loaded, url: &UpstreamUrl, idle_connections: usize) -> Result<UpstreamSettings, Failure> {
    let upstream = &loaded.config.upstream;
    Ok(UpstreamSettings {
        tls: compile::upstream_tls(loaded)?,
        protocol: compile::protocol(loaded),
        connect_timeout: upstream.connect_timeout.get(),
        head_timeout: upstream.head_timeout.get(),
        body_timeout: upstream.body_timeout.get(),
        idle_timeout: upstream.idle_timeout.get(),
        max_idle: idle_connections,
        slots: slots(upstream),
        shielded_slots: Slots::new(SHIELDED_REQUESTS, upstream.queue_timeout.get()),
        max_head: upstream.max_head.get() as usize,
        ..UpstreamSettings::new(upstream_address(url))
    })
}

fn slots(upstream: &config::Upstream) -> Option<Slots> {
    (upstream.max_requests > 0).then(|| Slots::new(upstream.max_requests, upstream.queue_timeout.get()))
}

fn listen_address(address: &config::ListenAddress) -> ListenAddress {
    match address {
        config::ListenAddress::Tcp(address) => ListenAddress::Tcp(*address),
        config::ListenAddress::Unix(path) => ListenAddress::Unix(path.clone()),
    }
}

fn upstream_address(url: &UpstreamUrl) -> UpstreamAddress {
    match url {
        UpstreamUrl::Http { host, port, .. } => {
            UpstreamAddress::Tcp { host: host.trim_matches(['[', ']']).into(), port: *port }
        }
        UpstreamUrl::Unix(path) => UpstreamAddress::Unix(path.clone()),
    }
}

fn log(loaded: &Loaded) -> LogSettings {
    let log = &loaded.config.log;
    LogSettings {
        format: match log.format {
            LogFormat::Json => logging::LogFormat::Json,
            LogFormat::Text => logging::LogFormat::Text,
        },
        filter: format!("{:?}", log.level).to_lowercase(),
        access: log.access,
    }
}
