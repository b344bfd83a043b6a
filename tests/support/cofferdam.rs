//! The proxy: the whole service in this process, on a free port.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use cofferdam::{
    app::{AppSettings, Service, start},
    engine::Engine,
    incident::FingerprintKey,
    policy::{RoutePolicy, RouteTable},
    rules::{PACKS, parse_pack},
    scan::Ruleset,
    server::ListenAddress,
    upstream::{UpstreamAddress, UpstreamSettings},
};

use super::{client::Client, origin::Origin};

/// A running proxy.
pub(crate) struct Cofferdam {
    pub(crate) service: Service,
}

impl Cofferdam {
    /// With the defaults, in front of `origin`.
    pub(crate) fn before(origin: &Origin) -> Self {
        Self::with(origin, |_, _| {})
    }

    /// With settings and the policy for everything adjusted.
    pub(crate) fn with(origin: &Origin, adjust: impl FnOnce(&mut AppSettings, &mut RoutePolicy)) -> Self {
        let upstream = UpstreamAddress::Tcp { host: "127.0.0.1".into(), port: origin.address.port() };
        Self::at(upstream, adjust)
    }

    /// In front of whatever is at `upstream`.
    pub(crate) fn at(upstream: UpstreamAddress, adjust: impl FnOnce(&mut AppSettings, &mut RoutePolicy)) -> Self {
        let listen = ListenAddress::Tcp(([127, 0, 0, 1], 0).into());
        let mut settings = AppSettings::new(vec![listen], UpstreamSettings::new(upstream));
        settings.workers = 1;
        settings.drain_timeout = Duration::from_secs(5);
        let mut policy = RoutePolicy::default();
        adjust(&mut settings, &mut policy);
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect();
        let mut engine = Engine::with_rules(Ruleset::compile(rules).unwrap(), FingerprintKey::new([1; 32]));
        engine.routes = RouteTable::new(Vec::new(), Arc::new(policy));
        Self { service: start(settings, engine, io::sink()).unwrap() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self.service.listening[0] {
            ListenAddress::Tcp(address) => address,
            ListenAddress::Unix(_) => panic!("it listens on a TCP address"),
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// Stops it and gives what it counted, in Prometheus' text format.
    pub(crate) fn stop(mut self) -> String {
        self.service.stop();
        String::from_utf8(self.service.metrics().render().unwrap()).unwrap()
    }
}
