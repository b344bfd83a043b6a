//! TLS towards the application (1.2 and 1.3). Its certificate is always checked: there is no setting to skip that,
//! for a certificate of one's own there is `upstream.tls.ca`.

use std::{fmt, io, path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::ServerName,
    version::{TLS12, TLS13},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::Protocol;
use crate::server::{CertificateFiles, TlsError, pem};

/// Whom the application is trusted by, and who we are to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTlsFiles {
    /// The authorities that sign its certificate, in PEM; none for those of the system.
    pub authorities: Option<PathBuf>,
    /// The certificate shown to it; none for none.
    pub identity: Option<CertificateFiles>,
}

/// TLS towards the application, as read from its files. Clones are the same, also after [`UpstreamTls::reload`].
#[derive(Clone)]
pub struct UpstreamTls {
    files: Arc<UpstreamTlsFiles>,
    name: ServerName<'static>,
    protocol: Protocol,
    current: Arc<ArcSwap<Configs>>,
}

struct Configs {
    /// Offers what the settings say.
    usual: Arc<ClientConfig>,
    /// Offers HTTP/1.1 alone, which can switch protocols.
    http1: Arc<ClientConfig>,
}

impl fmt::Debug for UpstreamTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamTls").field("files", &self.files).field("name", &self.name).finish_non_exhaustive()
    }
}

impl UpstreamTls {
    /// Reads the files. The application's certificate must be one for `name`, a host name or an address.
    ///
    /// # Errors
    /// The first file that cannot be used; a name that is none.
    pub fn load(files: UpstreamTlsFiles, name: &str, protocol: Protocol) -> Result<Self, TlsError> {
        let unnamed =
            |_| TlsError { what: "is not a name that a certificate can be for".to_owned(), path: name.into() };
        let name = ServerName::try_from(name.to_owned()).map_err(unnamed)?;
        let current = Arc::new(ArcSwap::from_pointee(Configs::read(&files, protocol)?));
        Ok(Self { files: Arc::new(files), name, protocol, current })
    }

    /// Reads the files again; for connections from now on.
    ///
    /// # Errors
    /// The first file that cannot be used; nothing has changed then.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(Configs::read(&self.files, self.protocol)?));
        Ok(())
    }

    /// Every file, for whoever watches them.
    pub fn files(&self) -> Vec<PathBuf> {
        let identity = self.files.identity.iter().flat_map(CertificateFiles::paths);
        self.files.authorities.iter().cloned().chain(identity).collect()
    }

    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.current.load().usual.clone();
        TlsConnector::from(config).connect(self.name.clone(), stream).await
    }

    pub(super) async fn connect_http1(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.current.load().http1.clone();
        TlsConnector::from(config).connect(self.name.clone(), stream).await
    }
}

impl Configs {
    fn read(files: &UpstreamTlsFiles, protocol: Protocol) -> Result<Self, TlsError> {
        let mut config = client_config(files)?;
        config.alpn_protocols = Protocol::Http1.names();
        let http1 = Arc::new(config.clone());
        config.alpn_protocols = protocol.names();
        Ok(Self { usual: Arc::new(config), http1 })
    }
}

impl Protocol {
    /// What is offered in the handshake, best first.
    fn names(self) -> Vec<Vec<u8>> {
        let names: &[&[u8]] = match self {
            Self::Http1 => &[b"http/1.1"],
            Self::Offered => &[b"h2", b"http/1.1"],
            Self::Http2 => &[b"h2"],
        };
        names.iter().map(|name| name.to_vec()).collect()
    }
}

fn client_config(files: &UpstreamTlsFiles) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let roots = match &files.authorities {
        Some(path) => pem::authorities(path)?,
        None => system_authorities()?,
    };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| TlsError { what: error.to_string(), path: PathBuf::new() })?
        .with_root_certificates(roots);
    let Some(identity) = &files.identity else { return Ok(builder.with_no_client_auth()) };
    let certified = Arc::new(identity.read(&provider)?);
    Ok(builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified))))
}

fn system_authorities() -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    // Systems keep single authorities that no library reads; the others do.
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        let what = "the system has no authorities; install ca-certificates or name a file (upstream.tls.ca)";
        return Err(TlsError { what: what.to_owned(), path: "/etc/ssl".into() });
    }
    Ok(Arc::new(roots))
}
