//! What a certificate says: whose it is, and until when.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// A warning comes so long before a certificate expires.
const WARNING: Duration = Duration::from_hours(7 * 24);

const SUBJECT_CHARACTERS_MAX: usize = 256;

/// The subject of a certificate, or its first alternative name where that is empty.
pub(crate) fn subject(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let mut text = parsed.subject().to_string();
    if text.is_empty() {
        let names = parsed.subject_alternative_name().ok()??;
        text = names.value.general_names.first()?.to_string();
    }
    Some(text.chars().take(SUBJECT_CHARACTERS_MAX).collect())
}

/// Warns of a certificate that clients will refuse, or do so soon.
pub(super) fn warn_of_expiry(path: &Path, certificate: &CertificateDer<'_>) {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return;
    };
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since_epoch.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    });
    let validity = parsed.validity();
    let (from, until) = (validity.not_before, validity.not_after);
    let certificate = path.display();
    let warning = i64::try_from(WARNING.as_secs()).unwrap_or(i64::MAX);
    if until.timestamp() < now {
        tracing::warn!(%certificate, %until, "the certificate has expired; clients will refuse it");
    } else if until.timestamp() - now < warning {
        tracing::warn!(%certificate, %until, "the certificate expires soon");
    } else if from.timestamp() > now {
        tracing::warn!(%certificate, %from, "the certificate is not valid yet");
    }
}
