//! Values that are fine by themselves and cannot work together.

use super::{Effective, Settings};

/// What is wrong with values of different settings together, each named with its origin.
pub(super) fn find(settings: &Settings, values: &[Effective]) -> Vec<String> {
    let mut problems = Vec::new();
    let with_mongodb = settings.mongo_uri.is_some();
    if with_mongodb && settings.mongo_operation_timeout_ms >= settings.request_timeout_ms {
        problems.push(format!(
            "{} must be less than {}: requests would be answered with 504 before it is known what \
             MongoDB did",
            named(values, "mongo_operation_timeout_ms"),
            named(values, "request_timeout_ms"),
        ));
    }
    if settings.request_body_bytes_max > settings.request_bodies_bytes_max {
        problems.push(format!(
            "{} must not be more than {}: the largest body would never fit",
            named(values, "request_body_bytes_max"),
            named(values, "request_bodies_bytes_max"),
        ));
    }
    if settings.worker_slow_after_ms > settings.worker_stuck_after_ms {
        problems.push(format!(
            "{} must not be more than {}",
            named(values, "worker_slow_after_ms"),
            named(values, "worker_stuck_after_ms"),
        ));
    }
    if with_mongodb && settings.backup_dir.is_some() {
        problems.push(format!(
            "{} is for the embedded store, and the setting 'mongo_uri' takes its place",
            named(values, "backup_dir"),
        ));
    }
    problems.extend(edge(settings, values));
    problems
}

/// What is wrong with values about connections and clients.
fn edge(settings: &Settings, values: &[Effective]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut needs = |name: &str, is_set: bool, other: &str, other_is_set: bool| {
        if is_set && !other_is_set {
            problems.push(format!(
                "{} needs the setting '{other}'",
                named(values, name)
            ));
        }
    };
    for (certificate, key, authorities, names) in [
        (
            &settings.tls_certificate,
            &settings.tls_key,
            &settings.tls_client_ca,
            ["tls_certificate", "tls_key", "tls_client_ca"],
        ),
        (
            &settings.admin_tls_certificate,
            &settings.admin_tls_key,
            &settings.admin_tls_client_ca,
            [
                "admin_tls_certificate",
                "admin_tls_key",
                "admin_tls_client_ca",
            ],
        ),
    ] {
        needs(names[0], certificate.is_some(), names[1], key.is_some());
        needs(names[1], key.is_some(), names[0], certificate.is_some());
        needs(
            names[2],
            authorities.is_some(),
            names[0],
            certificate.is_some(),
        );
    }
    let proxies = !settings.trusted_proxies.is_empty();
    needs(
        "proxy_protocol",
        settings.proxy_protocol,
        "trusted_proxies",
        proxies,
    );
    let share = settings.request_bodies_bytes_per_client_max;
    if share.0 > 0 && share < settings.request_body_bytes_max {
        problems.push(format!(
            "{} must not be less than {}: the largest body would never fit",
            named(values, "request_bodies_bytes_per_client_max"),
            named(values, "request_body_bytes_max"),
        ));
    }
    problems
}

/// `the setting 'name' (origin): 'value'`
fn named(values: &[Effective], name: &str) -> String {
    let value = values.iter().find(|value| value.setting.name == name);
    let (origin, text) = value.map_or_else(Default::default, |value| {
        (value.origin.to_string(), value.text.as_str())
    });
    format!("the setting '{name}' ({origin}): '{text}'")
}
