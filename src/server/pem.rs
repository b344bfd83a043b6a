//! Certificates and keys in files. What is wrong with one is told by its path alone: their texts may be secrets.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore,
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};

/// A certificate, followed by those that lead to a root, and its key. Both are PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificates, the one of the server or client itself first.
    pub certificate: PathBuf,
    /// The key of the first certificate: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PathBuf,
}

/// Why files cannot be used for TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    /// One line, lower case, without a full stop.
    pub what: String,
    /// The file.
    pub path: PathBuf,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.what)
    }
}

impl std::error::Error for TlsError {}

impl TlsError {
    pub(crate) fn new(path: &Path, what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), path: path.to_owned() }
    }
}

impl CertificateFiles {
    /// Reads both files.
    ///
    /// # Errors
    /// A file that cannot be read or is not what it should be; a key that is not that of the certificate.
    pub(crate) fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = private_key(&self.key)?;
        CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::new(&self.key, format!("is not the key of {}", self.certificate.display()))
            }
            // Of a key, rustls tells no more than that it is of no known kind.
            error => TlsError::new(&self.key, format!("cannot be used with its certificate: {error}")),
        })
    }

    /// The paths of both.
    pub(crate) fn paths(&self) -> [PathBuf; 2] {
        [self.certificate.clone(), self.key.clone()]
    }
}

/// The certificates of authorities in a file.
///
/// # Errors
/// A file that cannot be read or holds anything else.
pub(crate) fn authorities(path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::new(path, format!("is not an authority: {error}")))?;
    }
    Ok(Arc::new(roots))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| unreadable(path, &error))?;
    if found.is_empty() {
        return Err(TlsError::new(path, "holds no certificate in PEM"));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::new(path, "holds no key in PEM that is not encrypted"),
        error => unreadable(path, &error),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error: io::Error| TlsError::new(path, format!("cannot be read: {error}")))
}

/// The library's own texts quote the file.
fn unreadable(path: &Path, error: &pem::Error) -> TlsError {
    TlsError::new(
        path,
        match error {
            pem::Error::MissingSectionEnd { .. } => "is cut off: a PEM section has no end",
            _ => "is not valid PEM",
        },
    )
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_is_told_without_a_word_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = file("certificate", &made.cert.pem());
        let provider = ring::default_provider();
        let complaint = |key: &Path| {
            let files = CertificateFiles { certificate: certificate.clone(), key: key.to_owned() };
            files.read(&provider).map(drop).map_err(|error| error.what)
        };
        assert_eq!(complaint(&file("key", &made.signing_key.serialize_pem())), Ok(()));
        let wrong = complaint(&file("other", &other.signing_key.serialize_pem())).unwrap_err();
        assert!(wrong.starts_with("is not the key of "), "{wrong}");
        for (text, wanted) in [
            ("hunter2", "holds no key in PEM that is not encrypted"),
            ("-----BEGIN PRIVATE KEY-----\nhunter2\n", "is cut off: a PEM section has no end"),
            ("-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n", "is not valid PEM"),
            ("-----BEGIN hunter2", "is not valid PEM"),
        ] {
            let told = complaint(&file("bad", text)).unwrap_err();
            assert_eq!(told, wanted);
        }
        assert!(complaint(&directory.path().join("none")).unwrap_err().starts_with("cannot be read: "));
        assert!(authorities(&certificate).is_ok());
    }
}
