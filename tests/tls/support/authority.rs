//! Certificates made for one test.

use std::{path::PathBuf, sync::Arc};

use cofferdam::server::CertificateFiles;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tempfile::TempDir;

/// An authority, and the directory of what it signs.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

/// A certificate in memory.
pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, directory: tempfile::tempdir().unwrap() }
    }

    /// Writes a new certificate for `names`; an earlier one in the files `stem` is replaced.
    pub(crate) fn sign(&self, stem: &str, names: &[&str]) -> CertificateFiles {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let signed = CertificateParams::new(names).unwrap().signed_by(&key, &*self.issuer).unwrap();
        CertificateFiles {
            certificate: self.write(&format!("{stem}.pem"), &signed.pem()),
            key: self.write(&format!("{stem}.key"), &key.serialize_pem()),
        }
    }

    pub(crate) fn identity(&self, names: &[&str]) -> Identity {
        let files = self.sign("identity", names);
        let chain = CertificateDer::pem_file_iter(files.certificate).unwrap().map(Result::unwrap).collect();
        (chain, PrivateKeyDer::from_pem_file(files.key).unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.write("authority.pem", &self.issuer.pem())
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        Arc::new(roots)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}
