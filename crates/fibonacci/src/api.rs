//! The routes: URL and method to handler.

mod list;
mod number;
mod documentation;
mod query;
mod accept;
mod conditional;
mod answer;
mod error;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::generator::Form;
use crate::number::Computations;
use crate::settings::{Settings, SettingsError};
use crate::stream::Reservations;
use crate::table::Table;
use error::ApiError;
pub use error::error;

/// What the handlers share.
struct Service {
    settings: Settings,
    form: Form,
    table: Table,
    reservations: Reservations,
    computations: Computations,
}

/// The service as a router without state, ready to be merged into another.
///
/// | route | answer |
/// |---|---|
/// | `GET /fibonacci/list?count=N` | the first N numbers |
/// | `GET /fibonacci/{n}` | the number `F(n)` |
/// | `GET /fibonacci/docs/index.html` | the documentation page |
/// | `GET /fibonacci/docs` | 302 to the documentation page |
/// | `GET /` | the same, with [`Settings::at_root`] |
///
/// `HEAD` answers like `GET` everywhere, and any other method is a 405. The router neither logs
/// nor limits time: it expects such things around it.
///
/// # Errors
///
/// If the settings cannot work on this machine; see [`SettingsError`].
pub fn router(settings: &Settings) -> Result<Router, SettingsError> {
    settings.check()?;
    let form = settings.generator.form()?;
    let service = Service {
        form,
        table: Table::new(form, settings.table_count_max.min(settings.count_max)),
        reservations: Reservations::new(settings.streaming_bytes_max),
        computations: Computations::new(settings.computations_max),
        settings: settings.clone(),
    };
    let root = if settings.at_root {
        Router::new().route("/", get(documentation::redirect))
    } else {
        Router::new()
    };
    Ok(root
        .route("/fibonacci/docs", get(documentation::redirect))
        .route(documentation::PATH, get(documentation::page))
        .route("/fibonacci/list", get(list::list))
        .route("/fibonacci/{n}", get(number::number))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(Arc::new(service)))
}
