//! The `Host` of a request: RFC 9112, section 3.2, demands exactly one from HTTP/1.1.

use axum::extract::Request;
use http::{Version, header};

use crate::fault::Fault;

/// Refuses a request of HTTP/1.1 without a `Host`, and one of any version with two of them or with
/// one that is no host.
pub(super) fn check(request: &Request) -> Result<(), Fault> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let fine = match (hosts.next(), hosts.next()) {
        (None, _) => request.version() != Version::HTTP_11,
        (Some(host), None) => is_host(host.as_bytes()),
        (Some(_), Some(_)) => false,
    };
    if fine { Ok(()) } else { Err(Fault::HostUnfit) }
}

/// `uri-host [ ":" port ]` of RFC 3986, section 3.2.2, or nothing. Cheaper and stricter than
/// [`http::uri::Authority`], which takes names of users.
fn is_host(text: &[u8]) -> bool {
    let name = match text.iter().rposition(|byte| *byte == b':') {
        Some(colon) if text[colon + 1..].iter().all(u8::is_ascii_digit) => &text[..colon],
        _ => text,
    };
    if let Some(address) = name.strip_prefix(b"[") {
        let address = address.strip_suffix(b"]").unwrap_or_default();
        return !address.is_empty()
            && address
                .iter()
                .all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte));
    }
    name.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in [
            "",
            "x",
            "a.example:80",
            "127.0.0.1:8000",
            "[::1]",
            "[::1]:80",
            "a:",
            "xn--a",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for other in [
            "<script>", "a b", "u@h", "a/b", "a:80:80", "::1", "[::1", "[]", "a\"", "é",
        ] {
            assert!(!is_host(other.as_bytes()), "{other}");
        }
    }
}
