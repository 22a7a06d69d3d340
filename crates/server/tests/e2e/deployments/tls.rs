//! Encrypted connections, and which certificates are trusted.

use std::ffi::OsStr;

use test_servers::OwnServer;

use super::certificates::Certificates;
use super::{is_refused, process_on, uri, works};
use crate::harness::Invocation;

/// A server with a certificate; `demands` more options.
fn encrypted(certificates: &Certificates, demands: &[&str]) -> OwnServer {
    let mut options = vec![
        OsStr::new("--tls-folder"),
        certificates.folder().as_os_str(),
    ];
    options.extend(demands.iter().map(OsStr::new));
    OwnServer::started(&options)
}

/// The options of a client that trusts the authority in this file.
fn trusting(certificates: &Certificates, authority: &str) -> String {
    let file = certificates.file(authority);
    format!("&tls=true&tlsCAFile={}", file.display())
}

#[tokio::test]
async fn a_server_is_trusted_if_the_named_authority_signed_its_certificate() {
    let certificates = Certificates::made();
    let mongodb = encrypted(&certificates, &[]);
    let trusting = |authority| uri(&mongodb, &trusting(&certificates, authority));
    works(&process_on(&trusting("ca.pem")).await).await;
    for refused in [trusting("other.pem"), uri(&mongodb, "&tls=true")] {
        let process = process_on(&refused).await;
        is_refused(&process, "UnknownIssuer", &["PRIVATE KEY"]).await;
    }
}

#[tokio::test]
async fn a_client_without_encryption_is_refused() {
    let certificates = Certificates::made();
    let mongodb = encrypted(&certificates, &[]);
    let encrypting = uri(&mongodb, &trusting(&certificates, "ca.pem"));
    works(&process_on(&encrypting).await).await;
    let process = process_on(&uri(&mongodb, "")).await;
    is_refused(&process, "upstream fails", &[]).await;
}

#[tokio::test]
async fn a_client_shows_its_certificate_to_a_server_that_demands_one() {
    let certificates = Certificates::made();
    let mongodb = encrypted(&certificates, &["--tls-clients"]);
    let nobody = trusting(&certificates, "ca.pem");
    let client = certificates.file("client.pem");
    let known = format!("{nobody}&tlsCertificateKeyFile={}", client.display());
    works(&process_on(&uri(&mongodb, &known)).await).await;
    let process = process_on(&uri(&mongodb, &nobody)).await;
    is_refused(&process, "upstream fails", &["PRIVATE KEY"]).await;
}

#[test]
fn a_file_of_certificates_that_is_not_there_is_code_64_and_named() {
    for option in ["tlsCAFile", "tlsCertificateKeyFile"] {
        let uri = format!("mongodb://ada:hunter2@127.0.0.1:1/?tls=true&{option}=/absent.pem");
        let outcome = Invocation::new(&["export", "contacts"])
            .variable("MONGO_URI", &uri)
            .run();
        outcome.fails_with(64, &["'mongo_uri'", "/absent.pem"]);
        assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
    }
}
