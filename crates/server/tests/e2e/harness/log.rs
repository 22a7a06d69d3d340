//! What a server writes to its standard error.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::Value;

use super::{LOOK_INTERVAL, SOON};

/// The lines so far; a thread of its own collects them, so that the server never waits.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Log {
    pub(super) fn follow(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let collected = lines.clone();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                collected.lock().unwrap().push(line);
            }
        });
        Self {
            lines,
            reader: Some(reader),
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// All lines of a process that has ended.
    pub(super) fn complete(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.lines()
    }

    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Every line as JSON.
    #[track_caller]
    pub(crate) fn values(&self) -> Vec<Value> {
        let value = |line: &String| match serde_json::from_str(line) {
            Ok(value @ Value::Object(_)) => value,
            _ => panic!("no JSON object: {line}"),
        };
        self.lines().iter().map(value).collect()
    }

    /// Waits for lines that fit and returns all of them that there are then.
    pub(crate) async fn matching(&self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + SOON;
        loop {
            let found: Vec<Value> = self.values().into_iter().filter(&fits).collect();
            if !found.is_empty() {
                return found;
            }
            assert!(Instant::now() < deadline, "no such line: {}", self.text());
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    pub(super) async fn first_line(&self, child: &mut Child) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(line) = self.lines().into_iter().next() {
                return line;
            }
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "the server ended without a word: {ended:?}"
            );
            assert!(Instant::now() < deadline, "the server logs nothing");
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

/// The address that the first line names, in either form of the log.
pub(super) fn address_in(line: &str, name: &str) -> SocketAddr {
    let text = match serde_json::from_str::<Value>(line) {
        Ok(value) => value[name].as_str().unwrap_or_default().to_owned(),
        Err(_) => line
            .split_once(&format!(" {name}="))
            .and_then(|(_, rest)| rest.split(' ').next())
            .unwrap_or_default()
            .to_owned(),
    };
    text.parse()
        .unwrap_or_else(|_| panic!("no address '{name}' in: {line}"))
}
