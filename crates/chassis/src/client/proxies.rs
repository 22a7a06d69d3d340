//! Which peers may say for whom they ask.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;

use super::ClientAddress;

/// Peers whose word about clients is taken. Default nobody.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
    unix: bool,
}

/// Why a list of proxies cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no address such as 10.0.0.7, no network such as 10.0.0.0/8, and not 'unix'")]
pub struct TrustedProxiesError(String);

impl FromStr for TrustedProxies {
    type Err = TrustedProxiesError;

    /// Addresses, networks and `unix`, with commas between them. `unix` is whoever connects to a
    /// Unix socket.
    fn from_str(text: &str) -> Result<Self, TrustedProxiesError> {
        let mut networks = Vec::new();
        let mut unix = false;
        for item in text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            if item == "unix" {
                unix = true;
                continue;
            }
            let address = item.parse::<IpAddr>().map(IpNet::from);
            let network = address.or_else(|_| item.parse());
            networks.push(network.map_err(|_| TrustedProxiesError(item.to_owned()))?);
        }
        Ok(Self {
            networks: networks.into(),
            unix,
        })
    }
}

impl TrustedProxies {
    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }

    /// Whether `address` is one of them.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Whether the other end of a connection is one of them.
    #[must_use]
    pub fn has_peer(&self, of: &ClientAddress) -> bool {
        of.peer.map_or(self.unix, |peer| self.has(peer.ip()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_networks_and_unix_sockets_can_be_trusted() {
        let trusted: TrustedProxies = "10.0.0.0/8, 192.0.2.7,fd00::/8".parse().unwrap();
        let has = |address: &str| trusted.has(address.parse().unwrap());
        assert!(has("10.255.0.1") && has("192.0.2.7") && has("fd12::1"));
        assert!(has("::ffff:10.0.0.1"));
        assert!(!has("11.0.0.1") && !has("192.0.2.8") && !has("2001:db8::1"));
        let over_unix = ClientAddress::default();
        assert!(!trusted.has_peer(&over_unix));
        assert!(
            "unix"
                .parse::<TrustedProxies>()
                .unwrap()
                .has_peer(&over_unix)
        );
        assert!("".parse::<TrustedProxies>().unwrap().is_empty());
        for wrong in ["proxy.example", "10.0.0.0/33", "10.0.0.1:80", "*"] {
            let error = wrong.parse::<TrustedProxies>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("'{wrong}'")));
        }
    }
}
