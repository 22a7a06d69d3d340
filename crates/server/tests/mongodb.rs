//! The process over MongoDB: without its server, with it, and without it again.
//!
//! Needs what `scripts/mongodb serve` needs.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

/// A child process that is killed at the end of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn mongodb(port: u16, folder: &tempfile::TempDir) -> Running {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/mongodb");
    let mut command = Command::new(script);
    command.args(["serve", "--port", &port.to_string(), "--path"]);
    let quiet = command.arg(folder.path()).stdin(Stdio::null());
    Running(
        quiet
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    )
}

/// The process and the URL of its services.
fn monocoque(uri: &str) -> (Running, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_monocoque"))
        .args([
            "serve",
            "contacts",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ])
        .args(["--mongo-shows-hosts", "true"])
        // Cargo leaves variables of the build in the environment of tests.
        .env_clear()
        .env("MONGO_URI", uri)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let first: Value = serde_json::from_str(&first).unwrap_or_else(|_| panic!("{first}"));
    std::thread::spawn(move || lines.for_each(drop));
    let listen = first["fields"]["listen"]
        .as_str()
        .or(first["listen"].as_str());
    let url = format!("http://{}", listen.unwrap_or_else(|| panic!("{first}")));
    (Running(process), url)
}

/// The first answer with this status, within 20 seconds.
async fn until(client: &Client, url: &str, status: StatusCode) -> Response {
    let begun = Instant::now();
    loop {
        let answer = client.get(url).send().await;
        match answer {
            Ok(answer) if answer.status() == status => return answer,
            other => assert!(begun.elapsed() < Duration::from_secs(20), "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_process_outlives_the_absence_of_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let uri = format!("mongodb://127.0.0.1:{port}/shop?directConnection=true");
    let (_process, url) = monocoque(&uri);
    let (client, contacts) = (Client::new(), format!("{url}/contacts"));
    let answer = until(&client, &contacts, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(answer.headers().contains_key("retry-after"));
    let document: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let error = &document["errors"][0];
    assert_eq!(error["code"], "datastore_unavailable");
    assert_eq!(error["title"], "Datastore is unreachable");
    let place = format!("at 127.0.0.1:{port} ");
    assert!(
        error["detail"].as_str().unwrap().contains(&place),
        "{error}"
    );
    until(
        &client,
        &format!("{url}/readiness"),
        StatusCode::SERVICE_UNAVAILABLE,
    )
    .await;
    until(&client, &format!("{url}/liveness"), StatusCode::OK).await;

    let server = mongodb(port, &folder);
    until(&client, &contacts, StatusCode::OK).await;
    let answer = until(&client, &format!("{url}/readiness"), StatusCode::OK).await;
    let document: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(document["data"]["attributes"]["mongodb"], "ok");
    let created = client
        .post(&contacts)
        .json(&json!({"firstName": "Ada"}))
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let location = created.headers()["location"].to_str().unwrap().to_owned();

    drop(server);
    until(&client, &contacts, StatusCode::SERVICE_UNAVAILABLE).await;
    let _server = mongodb(port, &folder);
    let found = until(&client, &format!("{url}{location}"), StatusCode::OK).await;
    let document: Value = serde_json::from_str(&found.text().await.unwrap()).unwrap();
    assert_eq!(document["data"]["attributes"]["firstName"], "Ada");
}
