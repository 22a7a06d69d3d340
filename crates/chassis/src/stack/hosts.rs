//! Which hosts a process answers for.
//!
//! A page of any origin can have its own name resolve to 127.0.0.1 and then ask a local process as
//! if it were its own server (DNS rebinding). The browser sends that name as `Host`.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::Request;
use http::header;

/// The hosts that requests may name, whatever their port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Any.
    #[default]
    Any,
    /// `localhost`, names below it, and IP addresses: no name that somebody else can have resolve
    /// to this machine.
    Loopback,
    /// These names and addresses in lower case; `*.example.com` is every name below `example.com`.
    Listed(Arc<[String]>),
}

impl FromStr for Hosts {
    type Err = String;

    /// Names and addresses with commas between them, without ports; `*` alone is any.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut listed = Vec::new();
        for item in text.split(',').map(str::trim) {
            if item == "*" {
                return if text.trim() == "*" {
                    Ok(Self::Any)
                } else {
                    Err("names '*' beside others, which is every host".to_owned())
                };
            }
            let name = item.strip_prefix("*.").unwrap_or(item);
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            if !is_name && bare(item).parse::<IpAddr>().is_err() {
                return Err(format!(
                    "names '{item}', which is no host such as api.example.com, *.example.com or \
                     192.0.2.7 (without a port)"
                ));
            }
            listed.push(bare(item).to_ascii_lowercase());
        }
        Ok(Self::Listed(listed.into()))
    }
}

impl Hosts {
    /// Whether a request may name the hosts that it names: in `Host`, and before its path where
    /// HTTP/2 or a proxy writes it. One that names none comes from no browser.
    pub(super) fn allow(&self, request: &Request) -> bool {
        if matches!(self, Self::Any) {
            return true;
        }
        let named = request.headers().get(header::HOST);
        let named = named.map(|value| value.to_str().unwrap_or("?"));
        let target = request.uri().authority().map(http::uri::Authority::as_str);
        named.into_iter().chain(target).all(|host| self.has(host))
    }

    fn has(&self, host: &str) -> bool {
        let name = bare(without_port(host));
        // The dot at the end of a full name means nothing here.
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() {
            return true;
        }
        match self {
            Self::Any => true,
            Self::Loopback => {
                name.parse::<IpAddr>().is_ok()
                    || name.eq_ignore_ascii_case("localhost")
                    || ends_below(name, "localhost")
            }
            Self::Listed(hosts) => hosts.iter().any(|host| match host.strip_prefix("*.") {
                Some(above) => ends_below(name, above),
                None => name.eq_ignore_ascii_case(host),
            }),
        }
    }
}

/// Whether `name` is one below `above`.
fn ends_below(name: &str, above: &str) -> bool {
    let Some(start) = name.len().checked_sub(above.len()) else {
        return false;
    };
    let end = name.get(start..).unwrap_or_default();
    end.eq_ignore_ascii_case(above) && start > 1 && name.as_bytes()[start - 1] == b'.'
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// An address of IPv6 without its brackets.
fn bare(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_loopback_address_answers_for_names_that_nobody_can_rebind() {
        for fine in [
            "localhost",
            "LOCALHOST:8000",
            "localhost.",
            "a.localhost",
            "127.0.0.1",
            "127.3.2.1:80",
            "[::1]",
            "[::1]:8000",
            "192.168.0.7:8000",
            "",
        ] {
            assert!(Hosts::Loopback.has(fine), "{fine}");
        }
        for other in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "xlocalhost",
            ".localhost",
            "1.2.3.4.5",
            "evil.example:80",
            "localhost:80:80",
        ] {
            assert!(!Hosts::Loopback.has(other), "{other}");
        }
    }

    #[test]
    fn a_list_answers_for_its_names_alone() {
        let hosts: Hosts = "api.example.com, *.Example.org,[2001:db8::7]"
            .parse()
            .unwrap();
        for fine in [
            "api.example.com",
            "API.example.com:443",
            "a.example.org",
            "a.b.example.org",
            "[2001:db8::7]:80",
        ] {
            assert!(hosts.has(fine), "{fine}");
        }
        for other in [
            "example.com",
            "x.api.example.com",
            "example.org",
            "localhost",
            "127.0.0.1",
        ] {
            assert!(!hosts.has(other), "{other}");
        }
        assert_eq!("*".parse(), Ok(Hosts::Any));
        for wrong in ["", "a:80", "http://a", "*.", "a,,b", "a,*", "a b"] {
            assert!(wrong.parse::<Hosts>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_place_where_a_host_is_named_counts() {
        let request = |uri: &str, host: Option<&str>| {
            let request = Request::builder().uri(uri);
            let request = match host {
                Some(host) => request.header(header::HOST, host),
                None => request,
            };
            request.body(Body::empty()).unwrap()
        };
        let allowed = |uri, host| Hosts::Loopback.allow(&request(uri, host));
        assert!(allowed("/", Some("localhost")));
        assert!(allowed("http://localhost/", None));
        assert!(allowed("/", None));
        assert!(!allowed("/", Some("evil.example")));
        assert!(!allowed("http://evil.example/", Some("localhost")));
        assert!(!allowed("http://localhost/", Some("evil.example")));
    }
}
