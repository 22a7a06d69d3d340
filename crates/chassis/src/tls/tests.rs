use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, DnType, KeyPair};

use super::*;
use crate::testing::LogCapture;

/// Writes a certificate of its own authority, and its key.
fn write(directory: &Path, name: &str, change: impl FnOnce(&mut CertificateParams)) -> TlsFiles {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    change(&mut parameters);
    let certificate = parameters.self_signed(&key).unwrap();
    let files = TlsFiles {
        certificate: directory.join(format!("{name}.pem")),
        key: directory.join(format!("{name}.key")),
        client_ca: None,
        client_certificates: ClientCertificates::Required,
    };
    fs::write(&files.certificate, certificate.pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

fn text_of(log: &LogCapture) -> String {
    log.lines().join("\n")
}

#[test]
fn what_cannot_be_used_is_said_with_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let fine = write(directory.path(), "fine", |_| {});
    let other = write(directory.path(), "other", |_| {});
    let empty = directory.path().join("empty");
    fs::write(&empty, "").unwrap();
    Tls::load(fine.clone()).unwrap();
    let refused = |files: TlsFiles| Tls::load(files).unwrap_err().to_string();
    let with_key = |key: &Path| TlsFiles {
        key: key.to_owned(),
        ..fine.clone()
    };
    let text = refused(with_key(&other.key));
    assert!(
        text.contains("other.key does not belong to the first certificate in"),
        "{text}"
    );
    let text = refused(with_key(&fine.certificate));
    assert!(
        text.contains("fine.pem holds no private key in PEM"),
        "{text}"
    );
    let text = refused(with_key(Path::new("/absent")));
    assert!(
        text.starts_with("/absent cannot be read: No such file"),
        "{text}"
    );
    let text = refused(TlsFiles {
        certificate: empty.clone(),
        ..fine.clone()
    });
    assert!(
        text.ends_with("empty holds no certificate in PEM"),
        "{text}"
    );
    let text = refused(TlsFiles {
        client_ca: Some(empty),
        ..fine
    });
    assert!(
        text.ends_with("empty holds no certificate in PEM"),
        "{text}"
    );
}

#[test]
fn an_expired_certificate_is_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let log = LogCapture::start("info");
    let files = write(directory.path(), "old", |parameters| {
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    Tls::load(files).unwrap();
    assert!(
        text_of(&log).contains("the certificate has expired"),
        "{}",
        text_of(&log)
    );
    let files = write(directory.path(), "young", |_| {});
    let log = LogCapture::start("info");
    Tls::load(files).unwrap();
    assert_eq!(text_of(&log), "");
}

#[test]
fn a_bad_new_pair_leaves_the_old_one_in_use_and_is_logged_once() {
    let directory = tempfile::tempdir().unwrap();
    let files = write(directory.path(), "fine", |_| {});
    let other = write(directory.path(), "other", |_| {});
    let log = LogCapture::start("info");
    let tls = Tls::load(files.clone()).unwrap();
    let first = tls.config();
    tls.reload();
    assert!(Arc::ptr_eq(&first, &tls.config()));
    assert_eq!(text_of(&log), "");
    // Half of a pair, as when one file is replaced before the other.
    fs::copy(&other.certificate, &files.certificate).unwrap();
    tls.reload();
    tls.reload();
    assert!(Arc::ptr_eq(&first, &tls.config()));
    let text = text_of(&log);
    assert_eq!(
        text.matches("the one before it stays in use").count(),
        1,
        "{text}"
    );
    fs::copy(&other.key, &files.key).unwrap();
    tls.reload();
    assert!(!Arc::ptr_eq(&first, &tls.config()));
    assert!(text_of(&log).contains("new certificate in use"));
}

#[test]
fn the_subject_of_a_certificate_is_text_of_a_bounded_length() {
    let directory = tempfile::tempdir().unwrap();
    let of = |files: &TlsFiles| {
        let contents = Contents::read(files).unwrap();
        subject(&contents.chain(files).unwrap()[0]).unwrap()
    };
    let reports = write(directory.path(), "reports", |parameters| {
        let names = &mut parameters.distinguished_name;
        names.push(DnType::OrganizationName, "Example");
    });
    let text = of(&reports);
    assert!(
        text.contains("CN=reports") && text.contains("O=Example"),
        "{text}"
    );
    let nameless = write(directory.path(), "nameless", |parameters| {
        parameters.distinguished_name = rcgen::DistinguishedName::new();
    });
    assert!(of(&nameless).contains("localhost"), "{}", of(&nameless));
    let long = write(directory.path(), "long", |parameters| {
        let names = &mut parameters.distinguished_name;
        names.push(DnType::OrganizationName, "x".repeat(5000));
    });
    assert_eq!(of(&long).chars().count(), 256);
}
