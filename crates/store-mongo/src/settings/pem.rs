//! Whether files of certificates and keys hold what they should.
//!
//! The driver skips sections that it cannot read, and then fails at the first connection or with a
//! message that names no option.

use std::path::Path;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Certificates of authorities.
pub(super) fn check_authorities(file: &Path) -> Result<(), String> {
    let option = "tlsCAFile";
    has_certificate(option, file, &read(option, file)?)
}

/// The certificate of a client and its key.
pub(super) fn check_identity(file: &Path) -> Result<(), String> {
    let option = "tlsCertificateKeyFile";
    let pem = read(option, file)?;
    has_certificate(option, file, &pem)?;
    if PrivateKeyDer::from_pem_slice(&pem).is_ok() {
        return Ok(());
    }
    let file = file.display();
    Err(format!(
        "the file '{file}' of {option} holds no key in PEM form beside the certificate, or only an \
         encrypted one; it must be a plain one"
    ))
}

fn read(option: &str, file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| {
        let file = file.display();
        format!("the file '{file}' of {option} cannot be read: {error}")
    })
}

fn has_certificate(option: &str, file: &Path, pem: &[u8]) -> Result<(), String> {
    match CertificateDer::from_pem_slice(pem) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "the file '{}' of {option} holds no certificate in PEM form",
            file.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(label: &str) -> String {
        format!("-----BEGIN {label}-----\nMAMCAQU=\n-----END {label}-----\n")
    }

    #[test]
    fn files_without_a_certificate_or_its_key_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = |text: &str| {
            let path = folder.path().join("x.pem");
            std::fs::write(&path, text).unwrap();
            path
        };
        let (certificate, key) = (section("CERTIFICATE"), section("PRIVATE KEY"));
        let encrypted = format!("{certificate}{}", section("ENCRYPTED PRIVATE KEY"));
        let broken = "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n";
        let cut = certificate.split("-----END").next().unwrap().to_owned();
        for (text, reason) in [
            ("", "no certificate"),
            (&key, "no certificate"),
            (&cut, "no certificate"),
            (broken, "no certificate"),
            (&certificate, "no key"),
            (&encrypted, "encrypted"),
        ] {
            let refused = check_identity(&file(text)).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
            assert!(
                refused.contains("x.pem' of tlsCertificateKeyFile"),
                "{refused}"
            );
        }
        for text in ["", &key, broken, "\u{FFFD}0\u{1}"] {
            let refused = check_authorities(&file(text)).unwrap_err();
            assert!(
                refused.contains("x.pem' of tlsCAFile holds no"),
                "{refused}"
            );
        }
        for path in [folder.path(), Path::new("/absent.pem")] {
            let refused = check_authorities(path).unwrap_err();
            assert!(refused.contains("cannot be read"), "{refused}");
        }
        assert_eq!(check_authorities(&file(&certificate)), Ok(()));
        let identity = file(&format!("{key}{certificate}"));
        assert_eq!(check_identity(&identity), Ok(()));
    }
}
