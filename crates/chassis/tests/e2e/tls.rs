use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use chassis::client::ClientCertificate;
use chassis::serve::{Entrance, ServeLimits, refusals};
use chassis::testing::TestServer;
use chassis::tls::{ClientCertificates, Tls, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{SOON, Wire, becomes_true, guarded, start};

/// An authority and what it signed, as files.
struct Authority {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters
            .distinguished_name
            .push(DnType::CommonName, "tests");
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        std::fs::write(directory.path().join("ca.pem"), certificate.pem()).unwrap();
        Self {
            directory,
            issuer: Issuer::new(parameters, key),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A certificate for this machine and somebody of this name, and its key.
    fn sign(&self, name: &str) {
        let mut parameters =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn files(&self, clients: Option<ClientCertificates>) -> TlsFiles {
        self.sign("server");
        TlsFiles {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: clients.map(|_| self.path("ca.pem")),
            client_certificates: clients.unwrap_or_default(),
        }
    }

    /// A client that knows this authority, and shows the certificate of that name.
    fn config(&self, shown: Option<&str>, protocols: &[&str]) -> rustls::ClientConfig {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(self.path("ca.pem")).unwrap();
        roots.add(authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let chain = CertificateDer::pem_file_iter(self.path(&format!("{name}.pem")));
                let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key")));
                let chain: Result<Vec<_>, _> = chain.unwrap().collect();
                builder
                    .with_client_auth_cert(chain.unwrap(), key.unwrap())
                    .unwrap()
            }
        };
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        config
    }

    async fn connect(&self, server: &TestServer) -> TlsStream<TcpStream> {
        let config = self.config(None, &["http/1.1"]);
        connect(server, config).await.unwrap()
    }

    /// What the server answers to a client that shows the certificate of that name.
    async fn ask(&self, server: &TestServer, shown: Option<&str>) -> io::Result<String> {
        ask(server, self.config(shown, &["h2", "http/1.1"])).await
    }
}

async fn connect(
    server: &TestServer,
    config: rustls::ClientConfig,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// A request over HTTP/2.
async fn ask(server: &TestServer, config: rustls::ClientConfig) -> io::Result<String> {
    let stream = connect(server, config).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) = h2::client::handshake(stream)
        .await
        .map_err(io::Error::other)?;
    let driver = tokio::spawn(connection);
    let request = http::Request::get("https://localhost/").body(()).unwrap();
    let (answer, _) = sender
        .send_request(request, true)
        .map_err(io::Error::other)?;
    let answer = answer.await.map_err(io::Error::other)?;
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        bytes.extend(piece.map_err(io::Error::other)?);
    }
    drop(sender);
    driver.abort();
    Ok(String::from_utf8(bytes).unwrap())
}

fn whoami() -> Router {
    let told = async |certificate: Option<Extension<ClientCertificate>>| {
        certificate.map_or_else(String::new, |Extension(shown)| shown.subject.to_string())
    };
    Router::new().route("/", get(told))
}

async fn serve(tls: &Tls) -> TestServer {
    serve_for(tls, Duration::from_mins(1)).await
}

async fn serve_for(tls: &Tls, handshake_timeout: Duration) -> TestServer {
    let entrance = Entrance {
        tls: Some(tls.clone()),
        handshake_timeout,
        ..Entrance::default()
    };
    let limits = ServeLimits {
        drain_quiet: Duration::from_millis(100),
        header_read_timeout: Duration::from_mins(1),
        ..ServeLimits::default()
    };
    let service = guarded(whoami(), &chassis::stack::Limits::default());
    TestServer::start_behind(service, limits, entrance).await
}

fn url(server: &TestServer) -> String {
    format!("https://localhost:{}/", server.address().port())
}

/// Runs a client of this machine, which the test needs.
async fn run(program: &'static str, arguments: Vec<String>) -> Output {
    let running = move || {
        let command = Command::new(program)
            .args(&arguments)
            .stdin(Stdio::null())
            .output();
        command.unwrap_or_else(|error| panic!("this test needs '{program}' on PATH: {error}"))
    };
    tokio::task::spawn_blocking(running).await.unwrap()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

async fn read_until(stream: &mut TlsStream<TcpStream>, end: &str) -> String {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(end) {
        let byte = tokio::time::timeout(SOON, stream.read_u8()).await;
        bytes.push(
            byte.expect("an answer in time")
                .expect("an open connection"),
        );
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_client_speaks_http_2_over_tls_and_http_1_if_it_knows_no_other() {
    let authority = Authority::new();
    let server = serve(&Tls::load(authority.files(None)).unwrap()).await;
    assert_eq!(authority.ask(&server, None).await.unwrap(), "");
    let mut stream = authority.connect(&server).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let answer = read_until(&mut stream, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn curl_and_openssl_are_served_by_both_versions_of_tls_and_by_no_older_one() {
    let authority = Authority::new();
    let server = serve(&Tls::load(authority.files(None)).unwrap()).await;
    for (version, protocol) in [("1.2", "2"), ("1.3", "1.1")] {
        let http = format!("--http{protocol}");
        let exactly = format!("--tlsv{version}");
        let mut arguments = [
            "-sS",
            "--fail",
            "--noproxy",
            "*",
            &http,
            &exactly,
            "--tls-max",
            version,
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.extend(["--cacert".to_owned(), text(&authority.path("ca.pem"))]);
        arguments.extend(["-w", "%{http_version} %{ssl_verify_result}"].map(str::to_owned));
        arguments.push(url(&server));
        let output = run("curl", arguments).await;
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(shown, format!("{protocol} 0"), "{output:?}");
    }
    let address = format!("127.0.0.1:{}", server.address().port());
    for (flag, word) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let arguments = [
            "s_client",
            "-connect",
            &address,
            flag,
            "-alpn",
            "h2,http/1.1",
        ];
        let mut arguments = arguments.map(str::to_owned).to_vec();
        arguments.extend(["-CAfile".to_owned(), text(&authority.path("ca.pem"))]);
        let output = run("openssl", arguments).await;
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(shown.contains(word), "{shown}");
        assert!(shown.contains("ALPN protocol: h2"), "{shown}");
        assert!(shown.contains("Verify return code: 0 (ok)"), "{shown}");
    }
    let arguments = [
        "s_client",
        "-connect",
        &address,
        "-tls1_1",
        "-cipher",
        "ALL:@SECLEVEL=0",
    ];
    let output = run("openssl", arguments.map(str::to_owned).to_vec()).await;
    assert!(!output.status.success(), "{output:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_used_by_new_connections_and_cuts_none() {
    let authority = Authority::new();
    let tls = Tls::load(authority.files(None)).unwrap();
    let server = serve(&tls).await;
    let watching = tokio::spawn(tls.clone().watch(Duration::from_millis(20)));
    let mut kept = authority.connect(&server).await;
    let shown =
        |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let first = shown(&kept);
    authority.sign("server");
    becomes_true(async || shown(&authority.connect(&server).await) != first).await;
    // Half a pair, and nothing at all: what is in use stays.
    let second = shown(&authority.connect(&server).await);
    authority.sign("other");
    std::fs::copy(authority.path("other.pem"), authority.path("server.pem")).unwrap();
    tls.look_again();
    std::fs::remove_file(authority.path("server.key")).unwrap();
    tls.look_again();
    for _ in 0..5 {
        assert_eq!(shown(&authority.connect(&server).await), second);
    }
    std::fs::copy(authority.path("other.key"), authority.path("server.key")).unwrap();
    becomes_true(async || shown(&authority.connect(&server).await) != second).await;
    kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let answer = read_until(&mut kept, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    watching.abort();
    server.stop().await;
}

#[tokio::test]
async fn the_subject_of_a_clients_certificate_comes_with_its_requests() {
    let authority = Authority::new();
    authority.sign("reports");
    let stranger = Authority::new();
    stranger.sign("reports");
    for (clients, without) in [
        (ClientCertificates::Optional, true),
        (ClientCertificates::Required, false),
    ] {
        let server = serve(&Tls::load(authority.files(Some(clients))).unwrap()).await;
        let subject = authority.ask(&server, Some("reports")).await.unwrap();
        assert!(subject.contains("CN=reports"), "{subject}");
        let shown = authority.ask(&server, None).await;
        assert_eq!(shown.ok(), without.then(String::new), "{clients:?}");
        // A certificate of another authority is refused in any case.
        let mut config = authority.config(None, &["h2"]);
        let of_stranger = stranger.config(Some("reports"), &["h2"]);
        config.client_auth_cert_resolver = of_stranger.client_auth_cert_resolver;
        assert!(ask(&server, config).await.is_err(), "{clients:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn who_begins_a_handshake_and_says_no_more_is_cut_and_holds_up_nobody() {
    let authority = Authority::new();
    let tls = Tls::load(authority.files(None)).unwrap();
    let server = serve_for(&tls, Duration::from_millis(100)).await;
    let before = refusals().handshakes;
    let mut silent = Vec::new();
    for beginning in ["", "\u{16}", "\u{16}\u{3}\u{1}\u{2}\0"] {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(beginning).await;
        silent.push(wire);
    }
    assert_eq!(authority.ask(&server, None).await.unwrap(), "");
    for mut wire in silent {
        assert_eq!(wire.read_to_end().await, "");
    }
    assert!(refusals().handshakes >= before + 3);
    server.stop().await;
}

#[tokio::test]
async fn plain_http_on_a_port_of_tls_is_told_so() {
    let authority = Authority::new();
    let server = serve(&Tls::load(authority.files(None)).unwrap()).await;
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = plain.get(server.url("/")).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let told = answer.text().await.unwrap();
    assert_eq!(told, "This port speaks TLS: begin the URL with https\n");
    server.stop().await;
}

#[tokio::test]
async fn a_drain_says_goodbye_over_tls_as_well() {
    let authority = Authority::new();
    let server = serve(&Tls::load(authority.files(None)).unwrap()).await;
    // HTTP/2 hears GOAWAY.
    let stream = connect(&server, authority.config(None, &["h2"]))
        .await
        .unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = http::Request::get("https://localhost/").body(()).unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let mut kept = authority.connect(&server).await;
    kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut kept, "\r\n\r\n").await;
    let stopping = tokio::spawn(server.stop());
    // Without close_notify this would be an error of a truncated stream.
    let mut rest = Vec::new();
    let read = tokio::time::timeout(SOON, kept.read_to_end(&mut rest)).await;
    read.expect("a closed connection in time")
        .expect("close_notify");
    let ended = tokio::time::timeout(SOON, driver)
        .await
        .expect("GOAWAY in time");
    ended.unwrap().expect("an end in order");
    assert_eq!(stopping.await.unwrap().connections_cut, 0);
}

#[tokio::test]
async fn without_tls_no_certificate_is_known() {
    let server = start(whoami()).await;
    let answer = reqwest::get(server.url("/")).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "");
    server.stop().await;
}
