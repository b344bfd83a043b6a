//! The proxy, in this process, with all its rules.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use cofferdam::{
    app::{self, AppSettings, Service},
    engine::Engine,
    exchange::replay,
    incident::{Disposition, FingerprintKey},
    policy::{RoutePolicy, RouteTable, Shield, ShieldMode, WholeBody},
    response::{DevelopmentServers, ResponseHead},
    rules::{PACKS, Rule, parse_pack},
    scan::Ruleset,
    server::{ClientCertificates, ListenAddress, TlsFiles, TlsIdentity, TlsSettings},
    upstream::{UpstreamAddress, UpstreamSettings},
};
use http::{HeaderMap, StatusCode};

use super::Authority;

/// Status and body of an answer that ends in each way.
pub(crate) struct Leaks {
    pub(crate) replaced: (u16, String),
    pub(crate) masked: (u16, String),
    pub(crate) severed: (u16, String),
}

fn rules() -> Vec<Rule> {
    PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect()
}

fn engine() -> Engine {
    Engine::with_rules(Ruleset::compile(rules()).unwrap(), FingerprintKey::new([1; 32]))
}

/// Leaks of the rules' own rows.
pub(crate) fn leaks() -> &'static Leaks {
    static LEAKS: OnceLock<Leaks> = OnceLock::new();
    LEAKS.get_or_init(|| {
        let engine = Arc::new(engine());
        let late = format!("{}\n", "All is well. ".repeat(20_000));
        let find = |before: &str, disposition: Disposition| {
            let rows = rules().into_iter().flat_map(|rule| rule.leak);
            let mut rows = rows.filter(|row| row.field().is_none() && row.status() == 200 && row.body().len() > 40);
            let found = rows.find(|row| {
                let status = StatusCode::from_u16(row.status()).unwrap();
                let head = ResponseHead::new(status, HeaderMap::new());
                let body = Bytes::from(format!("{before}{}", row.body()));
                replay(&engine, head, vec![body]).outcome.disposition == disposition
            });
            let row = found.expect("a row that ends so");
            (row.status(), format!("{before}{}", row.body()))
        };
        Leaks {
            replaced: find("", Disposition::Replaced),
            masked: find("", Disposition::Masked),
            severed: find(&late, Disposition::Severed),
        }
    })
}

/// Settings of one worker on free ports, in front of a plain application.
pub(crate) fn settings(application: SocketAddr) -> AppSettings {
    let upstream = UpstreamAddress::Tcp { host: "127.0.0.1".into(), port: application.port() };
    AppSettings { workers: 1, ..AppSettings::new(vec![anywhere()], UpstreamSettings::new(upstream)) }
}

/// TLS settings with one certificate, for `localhost`.
pub(crate) fn front(authority: &Authority) -> TlsSettings {
    let certificates = vec![authority.sign("server", &["localhost"])];
    let identity = TlsIdentity::load(TlsFiles { certificates, clients: ClientCertificates::Unasked }).unwrap();
    TlsSettings { listen: anywhere(), redirect_from: Some(anywhere()), identity }
}

pub(crate) fn start(settings: AppSettings) -> Service {
    start_with(settings, engine())
}

/// With the shield up.
pub(crate) fn start_shielded(settings: AppSettings) -> Service {
    let body = WholeBody { memory: 10_000, ..WholeBody::default() };
    let shield = Shield::new(DevelopmentServers::default(), ShieldMode::Enforce, body, Arc::default());
    let policy = RoutePolicy { shield: Some(Arc::new(shield)), ..RoutePolicy::default() };
    start_with(settings, Engine { routes: RouteTable::new(Vec::new(), Arc::new(policy)), ..engine() })
}

fn start_with(settings: AppSettings, engine: Engine) -> Service {
    // Binding takes a runtime of its own, which the test's does not allow on its thread.
    std::thread::spawn(|| app::start(settings, engine, io::sink()).unwrap()).join().unwrap()
}

pub(crate) fn anywhere() -> ListenAddress {
    ListenAddress::Tcp(([127, 0, 0, 1], 0).into())
}

pub(crate) fn tcp(address: &ListenAddress) -> SocketAddr {
    match address {
        ListenAddress::Tcp(address) => *address,
        ListenAddress::Unix(_) => panic!("TCP was asked for"),
    }
}
