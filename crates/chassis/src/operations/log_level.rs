//! `/-/log-level`: which log lines are written, and how that changes while the process runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::answer;
use crate::fault::Fault;
use crate::presenter::{Presenter, Report, ReportKind};
use crate::telemetry::LogLevel;

/// The longest filter, in bytes.
const FILTER_BYTES_MAX: usize = 4096;
/// The longest time for which a change holds, in seconds: a day.
const SECONDS_MAX: u64 = 24 * 60 * 60;

/// The route, for those who run the process. GET tells the filter; PUT has the one in the body
/// apply, with `?for=60` for so many seconds, else until it is changed again.
pub fn router(level: LogLevel, presenter: Arc<dyn Presenter>) -> Router {
    let (told, wording) = (level.clone(), Arc::clone(&presenter));
    let tell = move || std::future::ready(answer(&*wording, &report(&told)));
    let change = async move |request: Request| match change(&level, request).await {
        Ok(()) => answer(&*presenter, &report(&level)),
        Err(fault) => refuse(&*presenter, &fault),
    };
    Router::new().route("/-/log-level", get(tell).put(change))
}

fn refuse(presenter: &dyn Presenter, fault: &Fault) -> Response {
    presenter.fault("/-/log-level", fault)
}

fn report(level: &LogLevel) -> Report {
    let current = level.current();
    let mut attributes = vec![
        ("filter".to_owned(), json!(current.filter)),
        ("configured".to_owned(), json!(level.configured())),
    ];
    if let Some(until) = current.until {
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        attributes.push(("secondsLeft".to_owned(), json!(left)));
    }
    Report::new(ReportKind::LogLevel, true, attributes)
}

async fn change(level: &LogLevel, request: Request) -> Result<(), Fault> {
    let unfit = |reason: &str| Fault::LogFilterUnfit {
        reason: reason.to_owned(),
    };
    let time = match request.uri().query().unwrap_or_default() {
        "" => None,
        query => {
            let seconds = query
                .strip_prefix("for=")
                .and_then(|text| text.parse().ok());
            let seconds = seconds.filter(|seconds| (1..=SECONDS_MAX).contains(seconds));
            let wrong = format!("the query is for= and 1 to {SECONDS_MAX} seconds, or nothing");
            Some(Duration::from_secs(seconds.ok_or_else(|| unfit(&wrong))?))
        }
    };
    let body = to_bytes(request.into_body(), FILTER_BYTES_MAX).await;
    let body = body.map_err(|_| Fault::BodyTooLarge {
        bytes_max: FILTER_BYTES_MAX,
    })?;
    let filter = std::str::from_utf8(&body).map_err(|_| unfit("the filter is not UTF-8 text"))?;
    let filter = filter.trim();
    if filter.is_empty() {
        return Err(unfit("the body has no filter, such as debug"));
    }
    let changed = level.change(filter, time);
    let changed = changed.map_err(|error| unfit(&error.to_string()))?;
    tracing::warn!(filter, "the filter of the log is changed");
    if let Some(time) = time {
        let level = level.clone();
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            level.restore(&changed);
        });
    }
    Ok(())
}
