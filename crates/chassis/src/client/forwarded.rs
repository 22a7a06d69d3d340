//! For whom a proxy asks: `X-Forwarded-For`, or `Forwarded` of RFC 7239.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use super::{ClientAddress, TrustedProxies};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How many proxies a request may have passed. Who names more is not believed beyond them.
const HOPS_MAX: usize = 32;

/// The one header that is believed when a trusted proxy sends it; others are ignored, since a proxy
/// passes on what its clients send of those that it does not write itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: 192.0.2.1, 10.0.0.7`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=192.0.2.1;proto=https, for="[2001:db8::1]:4711"`.
    Forwarded,
}

impl ForwardedHeader {
    /// Whom the proxies name, where the peer of the connection is one of `trusted`: from the right
    /// the first address that is none of them, or the leftmost. An entry that is no address ends
    /// the walk: what stands left of it was not said by one who is trusted.
    pub(crate) fn client(
        self,
        headers: &HeaderMap,
        connection: &ClientAddress,
        trusted: &TrustedProxies,
    ) -> Option<IpAddr> {
        if trusted.is_empty() || !trusted.has_peer(connection) {
            return connection.client;
        }
        // The PROXY protocol may have named one already, who may be a proxy as well.
        let mut client = connection.client;
        if client.is_some_and(|client| !trusted.has(client)) {
            return client;
        }
        let name = match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        };
        let lines = headers.get_all(name).iter().rev();
        let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for entry in entries.take(HOPS_MAX) {
            // Clients write the left part of a line: what is no text ends the walk there.
            let Ok(entry) = std::str::from_utf8(entry) else {
                break;
            };
            let named = match self {
                Self::XForwardedFor => address(entry.trim()),
                Self::Forwarded => for_parameter(entry).and_then(address),
            };
            let Some(named) = named else { break };
            client = Some(named);
            if !trusted.has(named) {
                break;
            }
        }
        client
    }
}

impl FromStr for ForwardedHeader {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err(()),
        }
    }
}

/// The value of `for` in one element of `Forwarded`. Quoted commas cannot stand in an address, so
/// that an element which has one is none.
fn for_parameter(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let is_for = name.trim().eq_ignore_ascii_case("for");
        is_for.then(|| value.trim().trim_matches('"'))
    })
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let parsed = bare.parse::<IpAddr>().ok();
    let parsed = parsed.or_else(|| text.parse::<SocketAddr>().ok().map(|with| with.ip()));
    parsed.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(header: ForwardedHeader, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let trusted: TrustedProxies = "10.0.0.0/8, 127.0.0.1".parse().unwrap();
        let connection = ClientAddress::direct(SocketAddr::new(peer.parse().unwrap(), 1));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let client = header.client(&headers, &connection, &trusted);
        client.unwrap().to_string()
    }

    #[test]
    fn a_client_that_sends_what_is_no_text_does_not_hide_its_address() {
        let trusted: TrustedProxies = "10.0.0.0/8".parse().unwrap();
        let connection = ClientAddress::direct("10.0.0.1:1".parse().unwrap());
        let line = http::HeaderValue::from_bytes(b"\xff, 192.0.2.7").unwrap();
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, line)]);
        let client = ForwardedHeader::XForwardedFor.client(&headers, &connection, &trusted);
        assert_eq!(client.unwrap().to_string(), "192.0.2.7");
    }

    #[test]
    fn the_first_untrusted_address_from_the_right_is_the_client() {
        const NAME: &str = "x-forwarded-for";
        let of = |peer: &str, lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| (NAME, *line)).collect();
            resolved(ForwardedHeader::XForwardedFor, peer, &lines)
        };
        assert_eq!(of("10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(
            of("10.0.0.1", &["6.6.6.6, 192.0.2.7, 10.1.1.1"]),
            "192.0.2.7"
        );
        assert_eq!(of("10.0.0.1", &["6.6.6.6", "192.0.2.7:80"]), "192.0.2.7");
        assert_eq!(
            of("10.0.0.1", &["[2001:db8::1]:80,10.2.2.2"]),
            "2001:db8::1"
        );
        // All of them are proxies: the leftmost asked for itself.
        assert_eq!(of("10.0.0.1", &["10.9.9.9, 10.1.1.1"]), "10.9.9.9");
        // Nobody vouches for what stands left of what cannot be read.
        assert_eq!(of("10.0.0.1", &["6.6.6.6, unknown, 10.1.1.1"]), "10.1.1.1");
        assert_eq!(of("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        // A client that writes the header itself.
        assert_eq!(of("192.0.2.9", &["6.6.6.6"]), "192.0.2.9");
    }

    #[test]
    fn only_the_header_of_the_setting_is_believed() {
        let both = [
            ("forwarded", "for=6.6.6.6"),
            ("x-forwarded-for", "192.0.2.7"),
        ];
        let of = |header| resolved(header, "127.0.0.1", &both);
        assert_eq!(of(ForwardedHeader::XForwardedFor), "192.0.2.7");
        assert_eq!(of(ForwardedHeader::Forwarded), "6.6.6.6");
    }

    #[test]
    fn forwarded_names_the_client_with_and_without_quotes() {
        for (value, client) in [
            ("for=192.0.2.7", "192.0.2.7"),
            (
                "By=10.0.0.1;For=\"[2001:db8::1]:4711\";proto=https",
                "2001:db8::1",
            ),
            (
                "for=6.6.6.6, for=192.0.2.7;host=x, for=10.0.0.5",
                "192.0.2.7",
            ),
            ("for=6.6.6.6, for=_hidden", "10.0.0.1"),
            ("for=6.6.6.6, proto=http", "10.0.0.1"),
        ] {
            let lines = [("forwarded", value)];
            assert_eq!(
                resolved(ForwardedHeader::Forwarded, "10.0.0.1", &lines),
                client
            );
        }
    }

    #[test]
    fn a_proxy_that_names_very_many_is_believed_for_32_hops() {
        let long = "10.0.0.9,".repeat(100_000) + "10.0.0.8";
        let lines = [("x-forwarded-for", long.as_str())];
        let client = resolved(ForwardedHeader::XForwardedFor, "10.0.0.1", &lines);
        assert_eq!(client, "10.0.0.9");
    }
}
