//! Settings about connections, clients and browsers.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use reqwest::Method;
use serde_json::json;

use crate::harness::{
    Answer, Invocation, LOOK_INTERVAL, SOON, Server, Setup, Store, contact, terminate,
};

/// Writes a certificate for this machine and its key.
fn certificate(directory: &Path, name: &str) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let paths = ["pem", "key"].map(|ending| directory.join(format!("{name}.{ending}")));
    std::fs::write(&paths[0], made.cert.pem()).unwrap();
    std::fs::write(&paths[1], made.signing_key.serialize_pem()).unwrap();
    paths.map(|path| path.to_str().unwrap().to_owned())
}

/// What curl shows of an answer, its status last.
fn curl(arguments: &[&str]) -> String {
    let asked = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "-w", "\n%{http_code}"])
        .args(arguments)
        .output();
    let output = asked.unwrap_or_else(|error| panic!("this test needs curl on PATH: {error}"));
    String::from_utf8(output.stdout).unwrap()
}

async fn with_host(server: &Server, method: Method, path: &str, host: &str) -> Answer {
    let request = server.request(method, path).header("host", host);
    let request = request.header("content-type", "application/json");
    Answer::to(
        request
            .header("origin", format!("http://{host}"))
            .body("{\"a\":1}"),
    )
    .await
}

#[tokio::test]
async fn a_page_that_rebinds_its_name_reaches_no_local_process() {
    let server = Server::start().await;
    let refused = with_host(&server, Method::POST, "/contacts", "evil.example:8000").await;
    refused.error(421, "unknown_host");
    let refused = with_host(&server, Method::GET, "/fibonacci/5", "evil.example").await;
    assert_eq!(refused.status, 421);
    assert!(
        refused
            .text()
            .starts_with("{\"error\":\"ERR_UNKNOWN_HOST: ")
    );
    assert_eq!(server.get("/contacts").await.data(200), json!([]));
    let admin = server
        .admin_request(Method::GET, "/nowhere")
        .header("host", "evil.example");
    assert_eq!(Answer::to(admin).await.status, 421);
    for host in ["localhost:8000", "127.0.0.1"] {
        with_host(&server, Method::POST, "/contacts", host)
            .await
            .data(201);
    }
    // Probes are asked by the address that their prober knows.
    let probe = with_host(&server, Method::GET, "/readiness", "10.1.2.3:8000").await;
    assert_eq!(probe.status, 200);
    let listed = Setup::fresh().variable("MONOCOQUE_HOSTS", "shop.example, *.shop.example");
    let server = listed.start().await;
    for (host, status) in [
        ("shop.example", 200),
        ("a.shop.example", 200),
        ("localhost", 421),
    ] {
        let answer = with_host(&server, Method::GET, "/contacts", host).await;
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test]
async fn pages_tell_browsers_not_to_frame_them_and_to_load_nothing() {
    let server = Server::start().await;
    for path in ["/", "/fibonacci/docs/index.html"] {
        let answer = Answer::to(
            server
                .request(Method::GET, path)
                .header("accept", "text/html"),
        );
        let answer = answer.await;
        assert!(
            answer.header("content-type").starts_with("text/html"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        // The style of the page is in the page, which has no scripts and no other parts.
        assert!(policy.contains("style-src 'unsafe-inline'"), "{policy}");
        let text = answer.text();
        assert!(
            text.contains("<style>") && !text.contains("<script"),
            "{path}"
        );
        assert!(!text.contains("src=") && !text.contains("<link"), "{path}");
    }
    let stored = server
        .send_document(Method::POST, "/contacts", &contact(&json!({})))
        .await;
    let path = format!("/contacts/{}", stored.id(201));
    assert_eq!(
        server.get(&path).await.header("cache-control"),
        "private, no-cache"
    );
    assert_eq!(
        server.get("/contacts/-1").await.header("cache-control"),
        "no-store"
    );
}

#[tokio::test]
async fn a_page_of_a_listed_origin_changes_a_resource() {
    let setup = Setup::fresh().variable("MONOCOQUE_CORS_ORIGINS", "https://app.example.com");
    let server = setup.start().await;
    let stored = server
        .send_document(Method::POST, "/contacts", &contact(&json!({})))
        .await;
    let path = format!("/contacts/{}", stored.id(201));
    let asked = server
        .request(Method::OPTIONS, &path)
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "content-type,if-match");
    let allowed = Answer::to(asked).await;
    assert_eq!(allowed.status, 204);
    assert!(
        allowed
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    let read = server
        .request(Method::GET, &path)
        .header("origin", "https://app.example.com");
    let read = Answer::to(read).await;
    assert_eq!(
        read.header("access-control-allow-origin"),
        "https://app.example.com"
    );
    assert!(
        read.header("access-control-expose-headers")
            .contains("ETag")
    );
    let varies: Vec<_> = read.headers.get_all("vary").iter().collect();
    assert_eq!(varies.len(), 2, "{varies:?}");
}

#[tokio::test]
async fn each_service_words_what_is_beyond_a_rate_in_its_own_way() {
    let setup = Setup::fresh()
        .variable("MONOCOQUE_RATE_LIMIT", "2/d")
        .variable("MONOCOQUE_TRUSTED_PROXIES", "127.0.0.1");
    let server = setup.start().await;
    let ask = async |path: &str, client: &str| {
        let request = server
            .request(Method::GET, path)
            .header("x-forwarded-for", client);
        Answer::to(request).await
    };
    for _ in 0..2 {
        assert_eq!(ask("/contacts", "192.0.2.7").await.status, 200);
    }
    let refused = ask("/contacts", "192.0.2.7").await;
    refused.error(429, "rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 40_000);
    assert_eq!(refused.header("ratelimit-policy"), "\"client\";q=2;w=86400");
    let refused = ask("/fibonacci/5", "192.0.2.7").await;
    assert_eq!(refused.status, 429);
    assert!(
        refused
            .text()
            .starts_with("{\"error\":\"ERR_RATE_LIMITED: "),
        "{}",
        refused.text()
    );
    assert_eq!(ask("/readiness", "192.0.2.7").await.status, 200);
    assert_eq!(ask("/contacts", "192.0.2.8").await.status, 200);
}

#[tokio::test]
async fn compressed_answers_and_bodies_work_with_conditions() {
    let server = Server::start().await;
    let long = json!({"firstName": "x".repeat(5000)});
    let stored = server
        .send_document(Method::POST, "/contacts", &contact(&long))
        .await;
    let path = format!("/contacts/{}", stored.id(201));
    let ask = async |headers: &[(&str, &str)]| {
        let request = server
            .request(Method::GET, &path)
            .header("accept-encoding", "gzip");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        Answer::to(request).await
    };
    let packed = ask(&[]).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < 1000, "{}", packed.body.len());
    let tag = packed.header("etag").to_owned();
    let plain = server.get(&path).await;
    let plain = plain.header("etag").trim_end_matches('"');
    assert_eq!(tag, format!("{plain};gzip\""));
    let known = ask(&[("if-none-match", &tag)]).await;
    assert_eq!((known.status, known.header("etag")), (304, tag.as_str()));
    // gzip of {"firstName":"Ada"}, as curl --data-binary @file sends it.
    let body = packed_by_gzip(b"{\"firstName\":\"Ada\"}");
    let change = server
        .request(Method::PATCH, &path)
        .header("if-match", &tag);
    let change = change.header("content-type", "application/json");
    let change = change.header("content-encoding", "gzip").body(body);
    let changed = Answer::to(change).await.data(200);
    assert_eq!(changed["attributes"]["firstName"], "Ada");
    let request = server
        .request(Method::POST, "/contacts")
        .header("content-encoding", "lzma");
    let refused = Answer::to(
        request
            .header("content-type", "application/json")
            .body("{}"),
    )
    .await;
    refused.error(415, "unsupported_content_encoding");
    let list = server.request(Method::GET, "/fibonacci/list?count=2000");
    let list = Answer::to(list.header("accept-encoding", "br")).await;
    assert_eq!(list.header("content-encoding"), "br");
    assert!(
        list.header("etag").ends_with(";br\""),
        "{}",
        list.header("etag")
    );
}

fn packed_by_gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let child = Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| panic!("this test needs gzip on PATH: {error}"));
    child.stdin.take().unwrap().write_all(text).unwrap();
    child.wait_with_output().unwrap().stdout
}

#[tokio::test]
async fn both_ports_speak_tls_and_take_a_new_certificate_at_a_signal() {
    let directory = tempfile::tempdir().unwrap();
    let [pem, key] = certificate(directory.path(), "a");
    let setup = Setup::fresh()
        .variable("MONOCOQUE_TLS_CERTIFICATE", &pem)
        .variable("MONOCOQUE_TLS_KEY", &key)
        .variable("MONOCOQUE_TLS_RELOAD_INTERVAL_MS", "1d")
        .variable("MONOCOQUE_ADMIN_TLS_CERTIFICATE", &pem)
        .variable("MONOCOQUE_ADMIN_TLS_KEY", &key);
    let server = setup.start_unready().await;
    let url = |port: u16, path: &str| format!("https://localhost:{port}{path}");
    let admin = url(server.admin_address().port(), "/startup");
    let deadline = Instant::now() + SOON;
    while !curl(&["--cacert", &pem, &admin]).ends_with("\n200") {
        assert!(
            Instant::now() < deadline,
            "{}",
            curl(&["--cacert", &pem, &admin])
        );
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    let contacts = url(server.address().port(), "/contacts");
    assert!(curl(&["--cacert", &pem, &contacts]).ends_with("\n200"));
    let address = server.admin_address().to_string();
    let checked = Invocation::new(&["healthcheck", "--admin-listen", &address])
        .variable("MONOCOQUE_ADMIN_TLS_CERTIFICATE", &pem)
        .variable("MONOCOQUE_ADMIN_TLS_KEY", &key)
        .run();
    checked.output();
    let old = directory.path().join("old.pem");
    std::fs::copy(&pem, &old).unwrap();
    certificate(directory.path(), "a");
    server.signal("HUP");
    let deadline = Instant::now() + SOON;
    while !curl(&["--cacert", &pem, &contacts]).ends_with("\n200") {
        assert!(
            Instant::now() < deadline,
            "the old certificate is still in use"
        );
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    assert!(!curl(&["--cacert", old.to_str().unwrap(), &contacts]).ends_with("\n200"));
}

#[test]
fn a_start_with_a_pair_that_cannot_be_used_says_what_is_wrong_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let [pem, key] = certificate(directory.path(), "a");
    let [_, other] = certificate(directory.path(), "b");
    let serve = |arguments: &[&str]| {
        let arguments = [
            &["serve", "fibonacci", "--listen", "127.0.0.1:0"],
            arguments,
        ]
        .concat();
        Invocation::new(&arguments).run()
    };
    let certificate = ["--tls-certificate", pem.as_str()];
    serve(&[&certificate[..], &["--tls-key", &other]].concat()).fails_with(
        64,
        &[
            "the settings 'tls_…'",
            "b.key does not belong to the first certificate in",
        ],
    );
    serve(&[&certificate[..], &["--tls-key", "/absent"]].concat())
        .fails_with(64, &["/absent cannot be read: No such file"]);
    serve(&certificate).fails_with(64, &["needs the setting 'tls_key'"]);
    serve(&["--tls-key", &key]).fails_with(64, &["needs the setting 'tls_certificate'"]);
    serve(&["--proxy-protocol", "true"]).fails_with(64, &["needs the setting 'trusted_proxies'"]);
    serve(&["--trusted-proxies", "proxy"]).fails_with(64, &["'proxy' is no address such as"]);
    serve(&["--hosts", "http://a"]).fails_with(64, &["names 'http://a', which is no host"]);
    serve(&["--cors-origins", "*"]).fails_with(64, &["names '*', which is no origin"]);
    serve(&["--rate-limit", "fast"]).fails_with(64, &["is not a rate such as 10/s or 600/1m"]);
    serve(&["--request-bodies-bytes-per-client-max", "1KiB"])
        .fails_with(64, &["the largest body would never fit"]);
}

#[test]
fn both_ports_can_be_unix_sockets_and_are_gone_after_the_stop() {
    let directory = tempfile::tempdir().unwrap();
    let [main, admin] = ["main", "admin"].map(|name| directory.path().join(name));
    let [listen, admin_listen] = [&main, &admin].map(|path| format!("unix:{}", path.display()));
    let store = Store::fresh();
    let serving = Invocation::new(&[
        "serve",
        "--listen",
        &listen,
        "--admin-listen",
        &admin_listen,
    ])
    .on(&store)
    .variable("MONOCOQUE_DRAIN_DELAY_MS", "0")
    .variable("MONOCOQUE_UNIX_SOCKET_MODE", "0660")
    .begin();
    let socket = ["--unix-socket", main.to_str().unwrap()];
    let deadline = Instant::now() + SOON;
    let ask = |path: &str| curl(&[&socket[..], &[path]].concat());
    while !ask("http://localhost/readiness").ends_with("\n200") {
        assert!(
            Instant::now() < deadline,
            "{}",
            ask("http://localhost/readiness")
        );
        std::thread::sleep(LOOK_INTERVAL);
    }
    // A browser does not reach a Unix socket, so that any host may be named.
    assert!(ask("http://shop.example/contacts").ends_with("\n200"));
    Invocation::new(&["healthcheck", "--admin-listen", &admin_listen])
        .run()
        .output();
    let taken = Invocation::new(&["serve", "fibonacci", "--listen", &listen]).run();
    taken.fails_with(
        64,
        &[
            "the setting 'listen': cannot listen on unix:",
            "somebody answers",
        ],
    );
    assert!(terminate(serving.pid()));
    let outcome = serving.end();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(!main.exists() && !admin.exists());
    let away = Invocation::new(&["healthcheck", "--admin-listen", &admin_listen]).run();
    away.fails_with(1, &["unix:", "No such file"]);
}
