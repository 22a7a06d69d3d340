//! What the files of a listener hold.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{TlsError, TlsFiles};

/// The bytes of the files at one moment. Comparing them finds every change, also one that keeps
/// time and size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Vec<u8>,
}

impl Contents {
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| TlsError::Unreadable {
                path: path.to_owned(),
                source,
            })
        };
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            client_ca: files.client_ca.as_deref().map_or(Ok(Vec::new()), read)?,
        })
    }

    /// At least one certificate.
    pub(super) fn chain(&self, files: &TlsFiles) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates(&files.certificate, &self.certificate)
    }

    /// At least one certificate.
    pub(super) fn authorities(
        &self,
        path: &Path,
    ) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates(path, &self.client_ca)
    }

    pub(super) fn key(&self, files: &TlsFiles) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::Unfit {
            path: files.key.clone(),
            problem: "holds no private key in PEM (PKCS #8, PKCS #1 or SEC1, not encrypted)"
                .to_owned(),
        })
    }
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unfit = |problem: String| TlsError::Unfit {
        path: path.to_owned(),
        problem,
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| unfit(format!("cannot be read as PEM: {error}")))?;
    if found.is_empty() {
        return Err(unfit("holds no certificate in PEM".to_owned()));
    }
    Ok(found)
}
