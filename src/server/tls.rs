//! TLS towards clients (1.2 and 1.3): certificates chosen by the name the client asks for, read again while the
//! service runs.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    client::verify_server_name,
    crypto::{CryptoProvider, ring},
    pki_types::ServerName,
    server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use super::{
    ListenAddress,
    pem::{self, CertificateFiles, TlsError},
};

/// What is spoken after the handshake, best first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];

/// The name of HTTP/2 in the handshake.
pub(super) const HTTP2: &[u8] = b"h2";

/// Where TLS is spoken.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// Where clients connect.
    pub listen: ListenAddress,
    /// Where clients that speak no TLS are told to; none for nowhere.
    pub redirect_from: Option<ListenAddress>,
    /// Who the server is.
    pub identity: TlsIdentity,
}

/// The files that say who the server is and whom it lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The first that covers the name a client asks for is shown; the first of all to clients that ask for none.
    pub certificates: Vec<CertificateFiles>,
    /// Whether clients show certificates.
    pub clients: ClientCertificates,
}

/// Whether clients show certificates. The files hold the authorities that sign them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked.
    #[default]
    Unasked,
    /// Those they show must be valid.
    Optional(PathBuf),
    /// Without a valid one there is no connection.
    Required(PathBuf),
}

/// Who the server is, as read from its files. Clones are the same, also after [`TlsIdentity::reload`].
#[derive(Clone)]
pub struct TlsIdentity {
    files: Arc<TlsFiles>,
    current: Arc<ArcSwap<ServerConfig>>,
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").field("files", &self.files).finish_non_exhaustive()
    }
}

impl TlsIdentity {
    /// Reads the files.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Arc::new(ArcSwap::from_pointee(server_config(&files)?));
        Ok(Self { files: Arc::new(files), current })
    }

    /// Reads the files again. Handshakes that have begun end as they began.
    ///
    /// # Errors
    /// The first file that cannot be used; nothing has changed then.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(server_config(&self.files)?));
        Ok(())
    }

    /// Every file, for whoever watches them.
    pub fn files(&self) -> Vec<PathBuf> {
        let authorities = self.files.clients.authorities().map(Path::to_owned);
        self.files.certificates.iter().flat_map(CertificateFiles::paths).chain(authorities).collect()
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }
}

impl ClientCertificates {
    fn authorities(&self) -> Option<&Path> {
        match self {
            Self::Unasked => None,
            Self::Optional(path) | Self::Required(path) => Some(path),
        }
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let Some(path) = self.authorities() else { return Ok(WebPkiClientVerifier::no_client_auth()) };
        let builder = WebPkiClientVerifier::builder_with_provider(pem::authorities(path)?, provider.clone());
        let builder = match self {
            Self::Optional(_) => builder.allow_unauthenticated(),
            _ => builder,
        };
        builder.build().map_err(|error| TlsError::new(path, error))
    }
}

fn server_config(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let certificates = Certificates::read(files, &provider)?;
    let first = files.certificates.first().map_or(Path::new(""), |files| &files.certificate);
    let unusable = |error: rustls::Error| TlsError::new(first, error);
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?
        .with_client_cert_verifier(files.clients.verifier(&provider)?)
        .with_cert_resolver(Arc::new(certificates));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    // Sessions are resumed on any worker, and nothing is remembered of them here. A new identity has new keys: no
    // session outlives the authorities that its client was checked by.
    config.ticketer = ring::Ticketer::new().map_err(unusable)?;
    Ok(config)
}

/// The certificates in the order of the configuration.
#[derive(Debug)]
struct Certificates(Vec<Arc<CertifiedKey>>);

impl Certificates {
    fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let read = |files: &CertificateFiles| {
            let certified = files.read(provider)?;
            let parsed = certified.end_entity_cert().and_then(ParsedCertificate::try_from).map(drop);
            parsed.map_err(|error| TlsError::new(&files.certificate, format!("is not a certificate: {error}")))?;
            Ok(Arc::new(certified))
        };
        files.certificates.iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let usable = |certified: &&Arc<CertifiedKey>| certified.key.choose_scheme(hello.signature_schemes()).is_some();
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let named = name.and_then(|name| self.0.iter().filter(|certified| covers(certified, &name)).find(usable));
        // Where none can be used the first is shown to the library, which then says that the two have nothing in common
        // (`handshake_failure`). Without any it would say `access_denied`, which clients take for a fault of their own.
        named.or_else(|| self.0.iter().find(usable)).or(self.0.first()).cloned()
    }
}

/// Whether a certificate is one for `name`, wildcards included.
fn covers(certified: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = certified.end_entity_cert().and_then(ParsedCertificate::try_from);
    parsed.is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
}
