//! `[server.tls]`: from the names of files to what they hold.

use super::Place;
use crate::{
    config::{self, ConfigError, Loaded},
    server::{CertificateFiles, ClientCertificates, TlsError, TlsFiles, TlsIdentity},
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
    place.error(
        key,
        error.to_string(),
        "the files must be PEM, readable for the user cofferdam runs as, and belong together",
    )
}
