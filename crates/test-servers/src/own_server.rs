//! A server of one test's own, which the test may kill.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The first start may install the stand-in.
const START_TIMEOUT: Duration = Duration::from_mins(5);

pub struct OwnServer {
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
    /// Further arguments of `scripts/mongodb serve`, from the next start on.
    pub options: Vec<OsString>,
}

impl OwnServer {
    /// A server that is not started yet.
    pub fn absent() -> Self {
        let probe = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            port: probe.local_addr().unwrap().port(),
            process: None,
            options: Vec::new(),
        }
    }

    pub fn started(options: &[&OsStr]) -> Self {
        let mut server = Self::absent();
        server.options = options.iter().map(Into::into).collect();
        server.start();
        server
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn uri(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.address())
    }

    /// Returns when the server takes connections; panics with its output if it ends instead.
    pub fn start(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/mongodb");
        let said = self.folder.path().join("output");
        let output = File::create(&said).unwrap();
        let mut process = Command::new(script)
            .args(["serve", "--port", &self.port.to_string(), "--path"])
            .arg(self.folder.path().join("data"))
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while TcpStream::connect(self.address()).is_err() {
            let ended = process.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < START_TIMEOUT,
                "no server of its own for the test ({ended:?}):\n{}",
                std::fs::read_to_string(&said).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        self.process = Some(process);
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.kill();
    }
}
