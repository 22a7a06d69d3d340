//! The settings about connections, clients and browsers, as the chassis takes them.

use std::path::PathBuf;
use std::sync::Arc;

use chassis::client::{RateLimit, RateLimiter, Tally};
use chassis::serve::{Address, Entrance};
use chassis::stack::{Hosts, Rules};
use chassis::tls::{ClientCertificates, Tls, TlsFiles};

use crate::failure::Failure;
use crate::settings::Settings;

/// TLS of the services and of the operations, where they have it.
pub(super) struct Both {
    pub(super) services: Option<Tls>,
    pub(super) operations: Option<Tls>,
}

impl Both {
    /// Reads certificates and keys.
    pub(super) fn load(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            services: tls(
                "tls",
                settings.tls_certificate.as_ref(),
                settings.tls_key.as_ref(),
                settings.tls_client_ca.as_ref(),
                settings.tls_client_certificates,
            )?,
            operations: tls(
                "admin_tls",
                settings.admin_tls_certificate.as_ref(),
                settings.admin_tls_key.as_ref(),
                settings.admin_tls_client_ca.as_ref(),
                settings.admin_tls_client_certificates,
            )?,
        })
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Tls> {
        self.services.iter().chain(&self.operations)
    }
}

fn tls(
    prefix: &str,
    certificate: Option<&PathBuf>,
    key: Option<&PathBuf>,
    client_ca: Option<&PathBuf>,
    client_certificates: ClientCertificates,
) -> Result<Option<Tls>, Failure> {
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Ok(None);
    };
    let files = TlsFiles {
        certificate: certificate.clone(),
        key: key.clone(),
        client_ca: client_ca.cloned(),
        client_certificates,
    };
    let loaded = Tls::load(files);
    loaded
        .map(Some)
        .map_err(|error| Failure::settings(format!("the settings '{prefix}_…': {error}")))
}

/// How clients come to the services.
pub(super) fn services_entrance(settings: &Settings, tls: &Both) -> Entrance {
    let share = settings.connections_per_client_max;
    Entrance {
        tls: tls.services.clone(),
        handshake_timeout: settings.tls_handshake_timeout_ms,
        proxy_protocol: settings.proxy_protocol,
        trusted_proxies: settings.trusted_proxies.clone(),
        connections_per_client: (share > 0).then(|| Arc::new(Tally::new(share))),
    }
}

/// How those who run the process come to the operations routes.
pub(super) fn operations_entrance(settings: &Settings, tls: &Both) -> Entrance {
    Entrance {
        tls: tls.operations.clone(),
        handshake_timeout: settings.tls_handshake_timeout_ms,
        ..Entrance::default()
    }
}

/// The rules for requests to the services, which listen at `address`.
pub(super) fn services_rules(settings: &Settings, address: &Address) -> Rules {
    let limiter = settings.rate_limit.map(|rate| {
        let burst = u32::try_from(settings.rate_limit_burst).unwrap_or(u32::MAX);
        let limit = RateLimit {
            requests: rate.count,
            window: rate.window,
            burst: if burst == 0 { rate.count } else { burst },
            clients_max: settings.rate_limit_clients_max,
        };
        Arc::new(RateLimiter::new(limit))
    });
    let share = settings.request_bodies_bytes_per_client_max.in_memory();
    Rules {
        hosts: settings.hosts.clone().unwrap_or_else(|| hosts_of(address)),
        origins: settings.cors_origins.clone().unwrap_or_default(),
        trusted_proxies: settings.trusted_proxies.clone(),
        forwarded_header: settings.forwarded_header,
        rate_limiter: limiter,
        rate_limit_headers: settings.rate_limit_headers,
        body_bytes_per_client: (share > 0).then(|| Arc::new(Tally::new(share))),
        compressed_bytes_min: compressed_bytes_min(settings),
    }
}

/// The rules for requests to the operations routes, which listen at `address`. No limit for a
/// client: these must answer when all else is too much.
pub(super) fn operations_rules(settings: &Settings, address: &Address) -> Rules {
    Rules {
        hosts: hosts_of(address),
        compressed_bytes_min: compressed_bytes_min(settings),
        ..Rules::default()
    }
}

fn compressed_bytes_min(settings: &Settings) -> Option<u64> {
    settings
        .compression
        .then_some(settings.compressed_bytes_min.0)
}

/// Where a listener is reached.
pub(super) fn url(address: &Address, has_tls: bool) -> String {
    match address {
        Address::Tcp(_) if has_tls => format!("https://{address}"),
        Address::Tcp(_) => format!("http://{address}"),
        Address::Unix(_) => address.to_string(),
    }
}

/// The hosts that may be named where no setting says it.
fn hosts_of(address: &Address) -> Hosts {
    match address {
        Address::Tcp(address) if address.ip().to_canonical().is_loopback() => Hosts::Loopback,
        Address::Tcp(_) | Address::Unix(_) => Hosts::Any,
    }
}
