//! The service as a configuration says.

use std::io;

use cofferdam::{
    app::{AppSettings, start},
    config::{Sources, compile, load},
    engine::Engine,
    incident::{FingerprintKey, HashKey},
    request::rate::RateTables,
    server::ListenAddress,
    upstream::{UpstreamAddress, UpstreamSettings},
};

use crate::support::{cofferdam::Cofferdam, origin::Origin};

/// Room for the clients of a test.
pub(crate) fn rates() -> RateTables {
    RateTables::new(1 << 16, HashKey::from_random([3; 16]))
}

/// The engine that this text makes.
pub(crate) fn engine(text: &str, rates: &RateTables) -> Engine {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let loaded = load(&Sources { file: Some(file.path().to_owned()), ..Sources::default() }).unwrap();
    compile::engine(&loaded, FingerprintKey::new([1; 32]), rates).unwrap()
}

/// In front of `origin`, as the configuration of this text says, with two workers.
pub(crate) fn configured(origin: &Origin, text: &str, rates: &RateTables) -> Cofferdam {
    let upstream = UpstreamAddress::Tcp { host: "127.0.0.1".into(), port: origin.address.port() };
    let listen = ListenAddress::Tcp(([127, 0, 0, 1], 0).into());
    let mut settings = AppSettings::new(vec![listen], UpstreamSettings::new(upstream));
    settings.workers = 2;
    Cofferdam { service: start(settings, engine(text, rates), io::sink()).unwrap() }
}
