//! Whether files of certificates and keys hold what they should.
//!
//! The driver passes over what it cannot read and then trusts nobody, or fails with a message that
//! names no option.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const CERTIFICATE: &str = "CERTIFICATE";
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
/// With which the DER form of certificates and keys begins: a sequence.
const SEQUENCE: u8 = 0x30;

/// Certificates of authorities.
pub(super) fn check_authorities(file: &Path) -> Result<(), String> {
    let text = read("tlsCAFile", file)?;
    has_certificate("tlsCAFile", file, &text)
}

/// The certificate of a client and its key.
pub(super) fn check_identity(file: &Path) -> Result<(), String> {
    let option = "tlsCertificateKeyFile";
    let text = read(option, file)?;
    has_certificate(option, file, &text)?;
    if KEYS.iter().any(|key| holds(&text, key)) {
        return Ok(());
    }
    let file = file.display();
    let is_encrypted = text.contains("ENCRYPTED");
    Err(if is_encrypted {
        format!("the key in the file '{file}' of {option} is encrypted; it must be a plain one")
    } else {
        format!("the file '{file}' of {option} holds no key in PEM form beside the certificate")
    })
}

fn read(option: &str, file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file).map_err(|error| {
        let file = file.display();
        format!("the file '{file}' of {option} cannot be read: {error}")
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn has_certificate(option: &str, file: &Path, text: &str) -> Result<(), String> {
    if holds(text, CERTIFICATE) {
        return Ok(());
    }
    let file = file.display();
    Err(format!(
        "the file '{file}' of {option} holds no certificate in PEM form"
    ))
}

/// Whether a section of this label can be read.
fn holds(text: &str, label: &str) -> bool {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    text.split(&begin).skip(1).any(|section| {
        let body = section.split_once(&end).map(|(body, _)| body);
        let body: Option<String> = body.map(|body| body.split_whitespace().collect());
        let bytes = body.and_then(|body| STANDARD.decode(body).ok());
        bytes.is_some_and(|bytes| bytes.first() == Some(&SEQUENCE))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(label: &str) -> String {
        let body = STANDARD.encode([SEQUENCE, 3, 2, 1, 5]);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
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
            (&encrypted, "is encrypted"),
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
        assert_eq!(
            check_identity(&file(&format!("{key}{certificate}"))),
            Ok(())
        );
    }
}
