//! `[server.tls]` and `[upstream.tls]`: TLS towards clients and towards the application.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Duration, ListenAddress, units};

/// TLS towards clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerTls {
    /// Where clients connect by TLS; empty for nowhere.
    #[serde(with = "units::empty_is_none")]
    pub listen: Option<ListenAddress>,
    /// The certificates; the first that covers the name asked for is shown.
    pub certificates: Vec<Certificate>,
    /// Whether clients show certificates.
    pub client_certificates: ClientCertificates,
    /// The authorities that sign the clients' certificates, in PEM.
    pub client_ca: PathBuf,
    /// Where clients that speak no TLS are told to; empty for nowhere.
    #[serde(with = "units::empty_is_none")]
    pub redirect_from: Option<ListenAddress>,
    /// For TLS to be agreed on.
    pub handshake_timeout: Duration,
    /// The most handshakes at a time; more wait.
    pub max_handshakes: usize,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The certificate and those that lead to a root, in PEM.
    pub cert: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// Whether clients show certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificates {
    /// They are not asked.
    #[default]
    Off,
    /// Those they show must be valid.
    Optional,
    /// Without a valid one there is no connection.
    Required,
}

/// TLS towards the application; for a `https` URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamTls {
    /// The authorities that sign its certificate, in PEM; empty for those of the system.
    pub ca: PathBuf,
    /// The name its certificate must be for; empty for the host of the URL.
    pub server_name: String,
    /// The certificate shown to it, in PEM; empty for none.
    pub cert: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// What is spoken to the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamProtocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 where TLS offers it, else HTTP/1.1.
    Offered,
    /// HTTP/2, without TLS by prior knowledge.
    Http2,
}

impl Default for ServerTls {
    fn default() -> Self {
        Self {
            listen: None,
            certificates: Vec::new(),
            client_certificates: ClientCertificates::default(),
            client_ca: PathBuf::new(),
            redirect_from: None,
            handshake_timeout: Duration::seconds(10),
            max_handshakes: 256,
        }
    }
}
