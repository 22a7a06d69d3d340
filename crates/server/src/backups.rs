//! `/-/backup` on the operations port: a copy of the embedded store, made by the process that
//! serves it, in the one directory that a setting allows.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use jsonapi::{Error, Errors};
use serde_json::{Value, json};
use store_sqlite::{BackupProgress, BackupSettings};

use crate::failure::Failure;
use crate::settings::Settings;

const PATH: &str = "/-/backup";

/// The longest name that a file may have.
const NAME_BYTES_MAX: usize = 100;

/// How often the end of the process looks whether a backup has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// The backups of a process, one at a time.
#[derive(Clone)]
pub(crate) struct Backups(Arc<Shared>);

struct Shared {
    data_dir: PathBuf,
    folder: PathBuf,
    settings: BackupSettings,
    /// The one that is being made, or the last one.
    latest: Mutex<Option<Latest>>,
    /// Set at the end of the process.
    stop: AtomicBool,
}

#[derive(Clone)]
struct Latest {
    file: String,
    began: Instant,
    progress: BackupProgress,
    state: Stage,
}

/// What has become of a backup.
#[derive(Clone)]
enum Stage {
    Running,
    Done(Duration),
    Failed(String),
}

/// How backups of the embedded store are made.
pub(crate) fn settings_of(settings: &Settings) -> BackupSettings {
    BackupSettings {
        files_mode: settings.files_mode.0,
        bytes_per_second_max: settings.backup_bytes_per_second_max.0,
    }
}

impl Backups {
    /// None, unless a setting names the directory.
    ///
    /// # Errors
    /// When that is no directory.
    pub(crate) fn allowed(settings: &Settings) -> Result<Option<Self>, Failure> {
        let Some(folder) = &settings.backup_dir else {
            return Ok(None);
        };
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(Failure::settings(format!(
                "the setting 'backup_dir': '{folder}' is no directory; make it first"
            )));
        }
        Ok(Some(Self(Arc::new(Shared {
            data_dir: settings.data_dir.clone(),
            folder: folder.clone(),
            settings: settings_of(settings),
            latest: Mutex::default(),
            stop: AtomicBool::new(false),
        }))))
    }

    pub(crate) fn router(&self) -> Router {
        let routes = get(show).post(begin);
        Router::new().route(PATH, routes).with_state(self.clone())
    }

    /// Ends the one that is being made, of which nothing is left then.
    pub(crate) async fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
        while self.is_running() {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    fn latest(&self) -> MutexGuard<'_, Option<Latest>> {
        self.0.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_running(&self) -> bool {
        let latest = self.latest();
        latest
            .as_ref()
            .is_some_and(|one| matches!(one.state, Stage::Running))
    }

    /// Takes the one place, if it is free.
    fn take_place(&self, file: &str) -> Result<(), Error> {
        let mut latest = self.latest();
        if let Some(Latest {
            file,
            state: Stage::Running,
            ..
        }) = latest.as_ref()
        {
            let detail = format!("'{file}' is being made: GET {PATH} shows how far it is.");
            return Err(conflict("backup_running", "A backup is running", detail));
        }
        if self.0.folder.join(file).exists() {
            let detail = format!("There is a file '{file}' already: name a new one.");
            return Err(conflict("file_exists", "File exists", detail));
        }
        *latest = Some(Latest {
            file: file.to_owned(),
            began: Instant::now(),
            progress: BackupProgress::default(),
            state: Stage::Running,
        });
        Ok(())
    }

    /// Makes the copy, on a thread that may block.
    fn make(&self, file: &str) {
        let shared = &self.0;
        tracing::info!(file, "a backup begins");
        let mut advance = |progress| {
            if let Some(latest) = self.latest().as_mut() {
                latest.progress = progress;
            }
            if shared.stop.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let target = shared.folder.join(file);
        let made = store_sqlite::back_up(&shared.data_dir, &target, &shared.settings, &mut advance);
        match &made {
            Ok(bytes) => tracing::info!(file, bytes, "a backup is made"),
            Err(error) => tracing::error!(file, %error, "a backup failed"),
        }
        if let Some(latest) = self.latest().as_mut() {
            latest.state = match made {
                Ok(_) => Stage::Done(latest.began.elapsed()),
                Err(error) => Stage::Failed(error.to_string()),
            };
        }
    }
}

async fn show(State(backups): State<Backups>) -> Response {
    let latest = backups.latest().clone();
    let data = latest.map_or(Value::Null, |latest| latest.resource());
    document(StatusCode::OK, &data)
}

async fn begin(State(backups): State<Backups>, headers: HeaderMap, body: Bytes) -> Response {
    let begun = named_file(&headers, &body).and_then(|file| {
        backups.take_place(&file)?;
        Ok(file)
    });
    let file = match begun {
        Ok(file) => file,
        Err(error) => return Errors::from(error).into_response(),
    };
    let making = backups.clone();
    let made = tokio::task::spawn_blocking(move || making.make(&file));
    let awaiting = backups.clone();
    tokio::spawn(async move {
        // One that panicked is not being made any more.
        if let (Err(error), Some(latest)) = (made.await, awaiting.latest().as_mut()) {
            latest.state = Stage::Failed(error.to_string());
        }
    });
    let latest = backups.latest().clone();
    let data = latest.map_or(Value::Null, |latest| latest.resource());
    let mut response = document(StatusCode::ACCEPTED, &data);
    let location = header::HeaderValue::from_static(PATH);
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// The file that a request names. Another media type than JSON's is refused: pages of any origin may
/// send such a request without asking first.
fn named_file(headers: &HeaderMap, body: &Bytes) -> Result<String, Error> {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let is_json = media_type.is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let error = Error::new(status, "unsupported_media_type", "Unsupported media type");
        return Err(
            error.detail("The body is 'application/json', such as {\"file\": \"a.sqlite\"}.")
        );
    }
    let wrong = |detail: &str| {
        let title = "No name of a file";
        Error::new(StatusCode::BAD_REQUEST, "invalid_file_name", title)
            .pointer("/file")
            .detail(detail.to_owned())
    };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(file) = body["file"].as_str() else {
        return Err(wrong(
            "The body is an object with the name, such as {\"file\": \"a.sqlite\"}.",
        ));
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_name = !file.is_empty() && file.len() <= NAME_BYTES_MAX && !file.starts_with('.');
    if is_name && file.bytes().all(is_plain) {
        return Ok(file.to_owned());
    }
    Err(wrong(
        "The name has at most 100 letters, digits, '.', '-' and '_', and begins with no dot; the \
         file is made in the directory of the setting 'backup_dir'.",
    ))
}

fn conflict(code: &'static str, title: &'static str, detail: String) -> Error {
    Error::new(StatusCode::CONFLICT, code, title).detail(detail)
}

impl Latest {
    fn resource(&self) -> Value {
        let BackupProgress { copied, total } = self.progress;
        let seconds = match &self.state {
            Stage::Done(took) => *took,
            _ => self.began.elapsed(),
        };
        let mut attributes = json!({
            "state": match self.state {
                Stage::Running => "running",
                Stage::Done(_) => "done",
                Stage::Failed(_) => "failed",
            },
            "bytes": copied,
            "bytesTotal": total,
            "seconds": seconds.as_secs(),
        });
        if let Stage::Failed(reason) = &self.state {
            attributes["error"] = json!(reason);
        }
        json!({"type": "backups", "id": self.file, "attributes": attributes})
    }
}

fn document(status: StatusCode, data: &Value) -> Response {
    let mut response = jsonapi::http::document(status, jsonapi::document("data", data));
    let no_store = header::HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(media_type: &str, body: &str) -> Result<String, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, media_type.parse().unwrap());
        named_file(&headers, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn a_file_is_named_plainly_and_in_json_alone() {
        for media_type in ["application/json", "application/JSON; charset=utf-8"] {
            let named = named(media_type, r#"{"file": "monday-1_a.sqlite"}"#);
            assert_eq!(named.unwrap(), "monday-1_a.sqlite");
        }
        for file in ["", "../x", "/x", ".x", "a/b", "ä", "a b", &"x".repeat(101)] {
            let body = json!({ "file": file }).to_string();
            let refused = named("application/json", &body).unwrap_err();
            assert_eq!(refused.code, "invalid_file_name", "{file}");
        }
        for body in ["", "[]", "{}", r#"{"file": 1}"#] {
            assert_eq!(named("application/json", body).unwrap_err().status, 400);
        }
        let refused = named("text/plain", r#"{"file": "x"}"#).unwrap_err();
        assert_eq!(refused.status, 415);
    }
}
