//! TLS for listeners: certificate and key from files, which may change while the process runs.

mod certificate;
mod files;
mod own_server;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, RootCertStore, ServerConfig};
use tokio::sync::Notify;

pub(crate) use self::certificate::subject;
use self::files::Contents;
pub use self::own_server::connect_to_own_server;

/// Where certificate and key of a listener are, and whose certificates clients show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the certificate of the server, then those that lead from it to one that clients know.
    pub certificate: PathBuf,
    /// PEM: its private key, as PKCS #8, PKCS #1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// PEM: the authorities that certificates of clients come from. Without it none are asked for.
    pub client_ca: Option<PathBuf>,
    /// Whether a client may connect without one.
    pub client_certificates: ClientCertificates,
}

/// Whether clients must show a certificate where there are authorities for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Who shows none is served too; one of another authority is refused.
    Optional,
    /// Who shows none is refused.
    #[default]
    Required,
}

/// Why a listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} {problem}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, such as "holds no certificate in PEM".
        problem: String,
    },
    /// Certificate and key do not belong together.
    #[error(
        "the key in {key} does not belong to the first certificate in {certificate}: their public \
         keys differ"
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
}

/// The TLS of a listener. Clones share it.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
    /// What was last looked at, whether or not it could be used.
    seen: Mutex<Contents>,
    wanted: Notify,
}

impl Tls {
    /// Reads the files. A certificate that has expired, or is about to, is a warning in the log.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or used, or certificate and key do not belong together.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let contents = Contents::read(&files)?;
        let config = config(&files, &contents)?;
        Ok(Self(Arc::new(Shared {
            files,
            config: RwLock::new(Arc::new(config)),
            seen: Mutex::new(contents),
            wanted: Notify::new(),
        })))
    }

    /// What the next handshake uses.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let config = self.0.config.read();
        Arc::clone(&config.unwrap_or_else(PoisonError::into_inner))
    }

    /// Has [`Tls::watch`] look at the files now.
    pub fn look_again(&self) {
        self.0.wanted.notify_one();
    }

    /// Looks at the files every `interval`, and when it is told to. New connections use what has
    /// changed; those that there are go on with what they began with. What cannot be used is
    /// logged once, and what was in use before stays. Never ends.
    pub async fn watch(self, interval: Duration) {
        loop {
            let _ = tokio::time::timeout(interval, self.0.wanted.notified()).await;
            let tls = self.clone();
            let _ = tokio::task::spawn_blocking(move || tls.reload()).await;
        }
    }

    fn reload(&self) {
        let certificate = self.0.files.certificate.display();
        match self.try_reload() {
            Ok(false) => {}
            Ok(true) => tracing::info!(%certificate, "new certificate in use"),
            Err(error) => tracing::error!(
                %certificate, %error,
                "the new certificate or key cannot be used; the one before it stays in use"
            ),
        }
    }

    /// Returns whether something new is in use; an error once for the same contents.
    fn try_reload(&self) -> Result<bool, TlsError> {
        let contents = Contents::read(&self.0.files);
        {
            let seen = self.0.seen.lock();
            let mut seen = seen.unwrap_or_else(PoisonError::into_inner);
            // A file that is away for a moment is no news either, the second time.
            let now = contents.as_ref().cloned().unwrap_or_default();
            if *seen == now {
                return Ok(false);
            }
            *seen = now;
        }
        let config = config(&self.0.files, &contents?)?;
        let mut used = self
            .0
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *used = Arc::new(config);
        Ok(true)
    }
}

fn config(files: &TlsFiles, contents: &Contents) -> Result<ServerConfig, TlsError> {
    let chain = contents.chain(files)?;
    let key = contents.key(files)?;
    let unfit = |path: &PathBuf, problem: String| TlsError::Unfit {
        path: path.clone(),
        problem,
    };
    certificate::warn_of_expiry(&files.certificate, &chain[0]);
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| unfit(&files.certificate, error.to_string()))?;
    let builder = if let Some(path) = &files.client_ca {
        let mut roots = RootCertStore::empty();
        for authority in contents.authorities(path)? {
            let added = roots.add(authority);
            added.map_err(|error| unfit(path, format!("has an unfit certificate: {error}")))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = match files.client_certificates {
            ClientCertificates::Optional => verifier.allow_unauthenticated(),
            ClientCertificates::Required => verifier,
        };
        let verifier = verifier.build();
        builder.with_client_cert_verifier(verifier.map_err(|error| unfit(path, error.to_string()))?)
    } else {
        builder.with_no_client_auth()
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
        },
        rustls::Error::InvalidCertificate(CertificateError::BadEncoding) => unfit(
            &files.certificate,
            "begins with a certificate that cannot be read".to_owned(),
        ),
        other => unfit(
            &files.key,
            format!("holds no key that can be used: {other}"),
        ),
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests;
