//! What the process says about itself, and the limits of every request.

use std::sync::Arc;

use axum::Router;
use chassis::health::Health;
use chassis::operations::{self, Audience, BuildInfo};
use chassis::presenter::Presenter;
use chassis::stack::Limits;

use crate::settings::Settings;

/// Query parameters that name nobody.
const LOGGED_PARAMETERS: [&str; 5] = ["count", "from", "numbers", "page[number]", "page[size]"];

const NAME: &str = "monocoque";

/// The routes of the probes.
pub(crate) fn router(
    health: &Health,
    audience: Audience,
    settings: &Settings,
    presenter: &Arc<dyn Presenter>,
) -> Router {
    if audience == Audience::Public && !settings.version_shown {
        // What somebody could look up known faults by is for those who run the process.
        let build = BuildInfo {
            name: NAME.to_owned(),
            ..BuildInfo::default()
        };
        return operations::router(health, &build, audience, presenter);
    }
    operations::router(health, &build(), audience, presenter)
}

/// What this process was built from.
pub(crate) fn build() -> BuildInfo {
    BuildInfo {
        name: NAME.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("BUILD_COMMIT").to_owned(),
        rustc: env!("BUILD_RUSTC").to_owned(),
    }
}

/// What one request may take.
pub(crate) fn limits(settings: &Settings) -> Limits {
    Limits {
        request_body_bytes_max: settings.request_body_bytes_max.in_memory(),
        request_bodies_bytes_max: settings.request_bodies_bytes_max.in_memory(),
        request_bodies_max: settings.request_bodies_max,
        body_read_timeout: settings.body_read_timeout_ms,
        request_timeout: settings.request_timeout_ms,
        requests_in_flight_max: settings.requests_in_flight_max,
        logged_parameters: &LOGGED_PARAMETERS,
    }
}
