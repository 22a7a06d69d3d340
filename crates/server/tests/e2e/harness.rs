//! The real binary as a child process, and a client for it.

mod answer;
pub(crate) mod command;
pub(crate) mod database;
pub(crate) mod feed;
mod log;
mod probe;
mod store;
mod wire;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use answer::{Answer, JSON_API, pointers};
pub(crate) use command::{Invocation, Outcome};
pub(crate) use log::Log;
pub(crate) use store::Store;
pub(crate) use wire::Wire;

/// Longer than anything that is to happen on a busy machine, shorter than the patience of a
/// developer.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// How often a condition is looked at while it is waited for.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(3);

/// How a server is to be started.
pub(crate) struct Setup {
    store: Store,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    descriptors: Option<u32>,
    directory: Option<PathBuf>,
}

impl Setup {
    pub(crate) fn on(store: &Store) -> Self {
        Self {
            store: store.clone(),
            arguments: Vec::new(),
            variables: Vec::new(),
            descriptors: None,
            directory: None,
        }
    }

    /// Where the process runs, to which relative paths belong.
    pub(crate) fn directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    pub(crate) fn fresh() -> Self {
        Self::on(&Store::fresh())
    }

    /// Adds arguments after `serve`.
    pub(crate) fn arguments<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.arguments.extend(arguments.map(str::to_owned));
        self
    }

    pub(crate) fn definitions(self, folder: &Path) -> Self {
        self.arguments(["--resources", folder.to_str().unwrap()])
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Limits how many files and connections it may have open.
    pub(crate) fn descriptors(mut self, count: u32) -> Self {
        self.descriptors = Some(count);
        self
    }

    /// Starts the server and waits until it is ready.
    pub(crate) async fn start(self) -> Server {
        let server = self.start_unready().await;
        server.becomes_ready().await;
        server
    }

    /// Starts the server and waits until it takes connections.
    pub(crate) async fn start_unready(self) -> Server {
        let mut command = command::binary();
        if let Some(count) = self.descriptors {
            command = command::within_descriptors(&command, count);
        }
        command.arg("serve");
        command.current_dir(self.directory.as_deref().unwrap_or(Path::new(".")));
        command.env("MONOCOQUE_LISTEN", "127.0.0.1:0");
        command.env("MONOCOQUE_ADMIN_LISTEN", "127.0.0.1:0");
        // The connections that the client keeps must not hold up the end of each test.
        command.env("MONOCOQUE_DRAIN_DELAY_MS", "0");
        command.env("MONOCOQUE_DRAIN_QUIET_MS", "50ms");
        self.store.configure(&mut command);
        command.args(self.arguments).envs(self.variables);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::follow(child.stderr.take().unwrap());
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(SOON);
        let mut server = Server {
            child,
            log,
            store: self.store,
            client: client.build().unwrap(),
            address: ([0; 4], 0).into(),
            admin_address: ([0; 4], 0).into(),
        };
        server.find_addresses().await;
        server
    }
}

/// A running server; it is stopped when it is dropped.
pub(crate) struct Server {
    child: Child,
    log: Log,
    store: Store,
    client: Client,
    address: SocketAddr,
    admin_address: SocketAddr,
}

impl Server {
    /// All services on an empty store of their own.
    pub(crate) async fn start() -> Self {
        Setup::fresh().start().await
    }

    async fn find_addresses(&mut self) {
        let first = self.log.first_line(&mut self.child).await;
        let address = |name| log::address_in(&first, name);
        (self.address, self.admin_address) = (address("listen"), address("admin_listen"));
    }

    pub(crate) async fn becomes_ready(&self) {
        let deadline = Instant::now() + SOON;
        loop {
            if self.get("/readiness").await.status == 200 {
                return;
            }
            assert!(Instant::now() < deadline, "not ready: {}", self.log.text());
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Waits until readiness fails, with this traffic all the while.
    pub(crate) async fn becomes_unready(&self, traffic: impl AsyncFn()) {
        let deadline = Instant::now() + SOON;
        while self.get("/readiness").await.status != 503 {
            assert!(Instant::now() < deadline, "still ready");
            traffic().await;
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// What the process has logged so far.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client and the URL of the root, for tasks that outlive a borrow.
    pub(crate) fn client(&self) -> (Client, String) {
        (self.client.clone(), format!("http://{}", self.address))
    }

    /// A request to the services; `path` begins with a slash.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        self.client.request(method, url)
    }

    /// A request to the port of the operations.
    pub(crate) fn admin_request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.admin_address);
        self.client.request(method, url)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        answer::of(self.request(Method::DELETE, path)).await
    }

    /// Sends the attributes as one `application/json` object.
    pub(crate) async fn send_plain(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send_text(method, path, "application/json", body.to_string())
            .await
    }

    /// Sends a JSON:API document.
    pub(crate) async fn send_document(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send_text(method, path, JSON_API, body.to_string())
            .await
    }

    pub(crate) async fn send_text(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request = self.request(method, path).body(body);
        answer::of(request.header("content-type", media_type)).await
    }

    /// Ends the process as a power failure would, without a chance to tidy up.
    pub(crate) fn kill_hard(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells the process to stop.
    pub(crate) fn begin_to_terminate(&self) {
        assert!(terminate(self.child.id()), "no SIGTERM could be sent");
    }

    /// Sends a signal, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let (flag, pid) = (format!("-{name}"), self.child.id().to_string());
        let sent = Command::new("kill").args([flag, pid]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "no {name} could be sent"
        );
    }

    /// Tells the process to stop and waits until it has.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        self.begin_to_terminate();
        self.ended().await
    }

    /// Tells the process to stop and returns all that it has logged.
    pub(crate) async fn terminate_and_read(mut self) -> Vec<String> {
        self.begin_to_terminate();
        assert!(self.ended().await.success());
        self.log.complete()
    }

    /// Waits for the end of the process.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "still running: {}",
                self.log.text()
            );
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

impl Drop for Server {
    /// Asks before it kills: a binary that counts its coverage writes it down at an orderly end.
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the log of the server:\n{}", self.log.text());
        }
        let deadline = Instant::now() + Duration::from_secs(2);
        let running = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        if running(&mut self.child) && terminate(self.child.id()) {
            while running(&mut self.child) && Instant::now() < deadline {
                std::thread::sleep(LOOK_INTERVAL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends SIGTERM with the shell's own `kill`, which needs neither a crate nor a program.
pub(crate) fn terminate(pid: u32) -> bool {
    let script = format!("kill -TERM {pid}");
    let status = Command::new("sh").args(["-c", &script]).status();
    status.is_ok_and(|status| status.success())
}

/// A directory with the given files.
pub(crate) fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// A JSON:API document that creates a contact.
pub(crate) fn contact(attributes: &Value) -> Value {
    serde_json::json!({"data": {"type": "contacts", "attributes": attributes}})
}
