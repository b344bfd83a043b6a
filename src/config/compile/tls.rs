//! `[server.tls]` and `[upstream.tls]`: from the names of files to what they hold.

use std::path::Path;

use super::Place;
use crate::{
    config::{self, ConfigError, Loaded, UpstreamProtocol, UpstreamUrl},
    server::{CertificateFiles, ClientCertificates, TlsError, TlsFiles, TlsIdentity},
    upstream::{Protocol, UpstreamTls, UpstreamTlsFiles},
};

/// Who the server is; none where it speaks no TLS.
///
/// # Errors
/// Keys that do not fit together, and files that cannot be used.
pub fn tls_identity(loaded: &Loaded) -> Result<Option<TlsIdentity>, ConfigError> {
    let place = Place { loaded, prefix: "server.tls.".to_owned() };
    let tls = &loaded.config.server.tls;
    match (&tls.listen, tls.certificates.is_empty()) {
        (None, true) if tls.redirect_from.is_none() => return Ok(None),
        (None, _) => {
            return Err(place.error(
                "listen",
                "expected an address",
                "where clients connect by TLS, e.g. \"[::]:443\"",
            ));
        }
        (Some(_), true) => return Err(place.error("certificates", "expected at least one", CERTIFICATES)),
        (Some(_), false) => {}
    }
    if tls.max_handshakes == 0 {
        return Err(place.error("max_handshakes", "expected at least 1", "the default is 256"));
    }
    let certificates = (0..tls.certificates.len()).map(|position| files(loaded, position)).collect();
    let files = TlsFiles { certificates, clients: clients(&place)? };
    TlsIdentity::load(files).map(Some).map_err(|error| unusable(&place, &error))
}

/// TLS towards the application; none where its URL is not `https`.
///
/// # Errors
/// Keys that do not fit together, and files that cannot be used.
pub fn upstream_tls(loaded: &Loaded) -> Result<Option<UpstreamTls>, ConfigError> {
    let place = Place { loaded, prefix: "upstream.tls.".to_owned() };
    let upstream = &loaded.config.upstream;
    let Some(UpstreamUrl::Http { host, tls: true, .. }) = &upstream.url else { return not_by_tls(&place) };
    let file = |key: &str, path: &Path| {
        let base = loaded.base_directory(&format!("upstream.tls.{key}"));
        (!path.as_os_str().is_empty()).then(|| base.join(path))
    };
    let identity = match (file("cert", &upstream.tls.cert), file("key", &upstream.tls.key)) {
        (Some(certificate), Some(key)) => Some(CertificateFiles { certificate, key }),
        (None, None) => None,
        _ => return Err(place.error("cert", "expected a certificate and its key", "set both, or neither")),
    };
    let files = UpstreamTlsFiles { authorities: file("ca", &upstream.tls.ca), identity };
    let name =
        if upstream.tls.server_name.is_empty() { host.trim_matches(['[', ']']) } else { &upstream.tls.server_name };
    UpstreamTls::load(files, name, protocol(loaded))
        .map(Some)
        .map_err(|error| place.error(upstream_key(&upstream.tls, &error), error.to_string(), FILES))
}

/// What is spoken to the application.
pub fn protocol(loaded: &Loaded) -> Protocol {
    match loaded.config.upstream.protocol {
        UpstreamProtocol::Http1 => Protocol::Http1,
        UpstreamProtocol::Offered => Protocol::Offered,
        UpstreamProtocol::Http2 => Protocol::Http2,
    }
}

/// Settings without effect would be settings that someone relies on.
fn not_by_tls(place: &Place<'_>) -> Result<Option<UpstreamTls>, ConfigError> {
    if place.loaded.config.upstream.url.is_none() || place.loaded.config.upstream.tls == config::UpstreamTls::default()
    {
        return Ok(None);
    }
    let error = "these settings are for TLS, and upstream.url is not https";
    let path = ["upstream".to_owned(), "url".to_owned()];
    Err(ConfigError::at(
        &place.loaded.origin(&path),
        "upstream.url",
        error,
        "say https://, or leave [upstream.tls] out",
    ))
}

fn upstream_key(tls: &config::UpstreamTls, error: &TlsError) -> &'static str {
    let is = |path: &Path| !path.as_os_str().is_empty() && error.path.ends_with(path);
    match () {
        () if is(&tls.cert) => "cert",
        () if is(&tls.key) => "key",
        () if is(Path::new(&tls.server_name)) => "server_name",
        () => "ca",
    }
}

const FILES: &str = "files must be PEM, readable for the user cofferdam runs as, and belong together";

const CERTIFICATES: &str = "[[server.tls.certificates]] with cert = \"cert.pem\" and key = \"key.pem\"";

fn files(loaded: &Loaded, position: usize) -> CertificateFiles {
    let certificate = &loaded.config.server.tls.certificates[position];
    let base = |key: &str| loaded.base_directory(&format!("server.tls.certificates.{position}.{key}"));
    CertificateFiles { certificate: base("cert").join(&certificate.cert), key: base("key").join(&certificate.key) }
}

fn clients(place: &Place<'_>) -> Result<ClientCertificates, ConfigError> {
    let tls = &place.loaded.config.server.tls;
    let path = place.loaded.base_directory("server.tls.client_ca").join(&tls.client_ca);
    let named = !tls.client_ca.as_os_str().is_empty();
    match tls.client_certificates {
        config::ClientCertificates::Off if named => {
            let hint = "say \"required\" or \"optional\", or leave client_ca out";
            Err(place.error("client_certificates", "clients are not asked for certificates", hint))
        }
        config::ClientCertificates::Off => Ok(ClientCertificates::Unasked),
        _ if !named => Err(place.error(
            "client_ca",
            "expected a file",
            "the authorities that sign the clients' certificates, in PEM",
        )),
        config::ClientCertificates::Optional => Ok(ClientCertificates::Optional(path)),
        config::ClientCertificates::Required => Ok(ClientCertificates::Required(path)),
    }
}

fn unusable(place: &Place<'_>, error: &TlsError) -> ConfigError {
    let key = match &place.loaded.config.server.tls.client_ca {
        path if !path.as_os_str().is_empty() && error.path.ends_with(path) => "client_ca",
        _ => "certificates",
    };
    place.error(key, error.to_string(), FILES)
}
