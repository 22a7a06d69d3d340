//! Authorities and what they sign, made for one test.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// A folder as `scripts/mongodb serve --tls-folder` takes it, and an authority that signed nothing
/// of it.
pub(super) struct Certificates(TempDir);

impl Certificates {
    pub(super) fn made() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = authority("the authority", &folder.path().join("ca.pem"));
        for name in ["server", "client"] {
            issue(&authority, name, &folder.path().join(format!("{name}.pem")));
        }
        self::authority("another authority", &folder.path().join("other.pem"));
        Self(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// `ca.pem`, `server.pem`, `client.pem` or `other.pem`.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        let file = self.0.path().join(name);
        assert!(file.exists(), "{}", file.display());
        file
    }
}

/// An authority whose certificate is in the file.
fn authority(name: &str, file: &Path) -> Issuer<'static, KeyPair> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    std::fs::write(file, certificate.pem()).unwrap();
    Issuer::new(parameters, key)
}

/// Writes a certificate for this machine and its key into one file.
fn issue(authority: &Issuer<'static, KeyPair>, name: &str, file: &Path) {
    let hosts = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let mut parameters = CertificateParams::new(hosts).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    // Strict clients, such as Python from 3.13 on, take none that does not name its authority.
    parameters.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, authority).unwrap();
    std::fs::write(file, certificate.pem() + &key.serialize_pem()).unwrap();
}
