//! `GET /`: what this process serves, as a JSON:API document or as a page for a browser.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::definitions::FIBONACCI;

const STYLE: &str =
    "body{font:1.1rem/1.6 sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}";

/// Both forms of the answer, made once.
struct FrontDoor {
    document: String,
    page: String,
}

/// The route, for these services, with the version of the program where that is shown.
pub(crate) fn router(services: &[String], version_shown: bool) -> Router {
    let version = version_shown.then_some(env!("CARGO_PKG_VERSION"));
    let front_door = FrontDoor {
        document: document(services, version),
        page: page(services, version),
    };
    let document = get(answer).with_state(Arc::new(front_door));
    Router::new().route("/", document)
}

async fn answer(State(front_door): State<Arc<FrontDoor>>, headers: HeaderMap) -> Response {
    if wants_html(&headers) {
        let headers = [
            (header::VARY, "Accept"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none'",
            ),
        ];
        return (headers, Html(front_door.page.clone())).into_response();
    }
    jsonapi::http::document(StatusCode::OK, front_door.document.clone())
}

/// Browsers name HTML; others that take anything are given the document.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| range.trim().to_ascii_lowercase().starts_with("text/html"))
}

/// Where a service begins.
fn link(service: &str) -> String {
    match service {
        FIBONACCI => "/fibonacci/docs".to_owned(),
        resource_type => format!("/{resource_type}"),
    }
}

fn document(services: &[String], version: Option<&str>) -> String {
    let service =
        |name: &String| json!({"type": "services", "id": name, "links": {"self": link(name)}});
    let data: Vec<Value> = services.iter().map(service).collect();
    let mut document = json!({
        "data": data,
        "links": {"self": "/"},
        "jsonapi": {"version": "1.1"},
    });
    if let Some(version) = version {
        document["meta"] = json!({"version": version});
    }
    document.to_string()
}

/// Names of services are letters, digits, `-` and `_`, so that nothing is to be escaped.
fn page(services: &[String], version: Option<&str>) -> String {
    let item = |name: &String| {
        let link = link(name);
        format!("<li><a href=\"{link}\">{name}</a> <code>{link}</code></li>")
    };
    let items: Vec<String> = services.iter().map(item).collect();
    let version = version.map_or_else(String::new, |version| format!(" Version {version}."));
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Monocoque</title>\
         <style>{STYLE}</style></head><body><h1>Monocoque</h1><p>This process serves:</p>\
         <ul>{}</ul><p>Its state: <a href=\"/readiness\">/readiness</a>, \
         <a href=\"/liveness\">/liveness</a>.{version}</p></body></html>\n",
        items.concat()
    )
}
