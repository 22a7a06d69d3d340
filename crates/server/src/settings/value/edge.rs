//! Values about addresses, clients and browsers.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use chassis::client::{ForwardedHeader, TrustedProxies};
use chassis::serve::Address;
use chassis::stack::{Hosts, Origins};
use chassis::tls::ClientCertificates;

use super::SettingValue;

/// The longest path of a Unix socket that the kernel takes.
const UNIX_PATH_BYTES_MAX: usize = 107;

impl SettingValue for Address {
    const KIND: &'static str = "ADDRESS:PORT";

    /// Of names only `localhost` is taken, which is the same on every machine.
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.len() {
                1..=UNIX_PATH_BYTES_MAX => Ok(Self::Unix(Path::new(path).to_owned())),
                _ => Err(format!(
                    "has no path of 1 to {UNIX_PATH_BYTES_MAX} bytes behind 'unix:'"
                )),
            };
        }
        let wrong = "is not an IP address (or localhost) and a port, such as 127.0.0.1:8000, nor \
                     unix: and a path";
        let parsed = match text.strip_prefix("localhost:") {
            Some(port) => port
                .parse()
                .ok()
                .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            None => text.parse().ok(),
        };
        parsed.map(Self::Tcp).ok_or_else(|| wrong.to_owned())
    }
}

impl SettingValue for ClientCertificates {
    const KIND: &'static str = "WHETHER";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "required" => Ok(Self::Required),
            "optional" => Ok(Self::Optional),
            _ => Err("is neither required nor optional".to_owned()),
        }
    }
}

impl SettingValue for TrustedProxies {
    const KIND: &'static str = "ADDRESSES";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|error: chassis::client::TrustedProxiesError| format!("is wrong: {error}"))
    }
}

impl SettingValue for ForwardedHeader {
    const KIND: &'static str = "HEADER";

    fn parse(text: &str) -> Result<Self, String> {
        text.to_ascii_lowercase()
            .parse()
            .map_err(|()| "is neither x-forwarded-for nor forwarded".to_owned())
    }
}

impl SettingValue for Hosts {
    const KIND: &'static str = "HOSTS";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

impl SettingValue for Origins {
    const KIND: &'static str = "ORIGINS";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

/// So many in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// At least 1.
    pub(crate) count: u32,
    /// At least 1 ms and at most a day.
    pub(crate) window: Duration,
}

impl SettingValue for Rate {
    const KIND: &'static str = "COUNT/DURATION";

    fn parse(text: &str) -> Result<Self, String> {
        const DAY: Duration = Duration::from_hours(24);
        let wrong = || {
            "is not a rate such as 10/s or 600/1m: a count from 1 to 1000000, and a duration of at \
             most 1d"
                .to_owned()
        };
        let (count, window) = text.split_once('/').ok_or_else(wrong)?;
        let count = count.trim().parse::<u32>().map_err(|_| wrong())?;
        let window = window.trim();
        if window.is_empty() {
            return Err(wrong());
        }
        let window = if window.starts_with(|first: char| first.is_ascii_digit()) {
            Duration::parse(window)
        } else {
            Duration::parse(&format!("1{window}"))
        };
        let window = window.map_err(|_| wrong())?;
        let fine = (1..=1_000_000).contains(&count) && !window.is_zero() && window <= DAY;
        fine.then_some(Self { count, window }).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_in_a_time() {
        for (text, count, millis) in [
            ("10/s", 10, 1_000),
            ("600/1m", 600, 60_000),
            ("1 / 250ms", 1, 250),
            ("1000000/d", 1_000_000, 86_400_000),
        ] {
            let window = Duration::from_millis(millis);
            assert_eq!(Rate::parse(text), Ok(Rate { count, window }), "{text}");
        }
        for wrong in [
            "10",
            "0/s",
            "1000001/s",
            "10/",
            "10/0s",
            "10/2d",
            "-1/s",
            "10/s/s",
            "/s",
        ] {
            assert!(Rate::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_one_of_ip_or_the_path_of_a_unix_socket() {
        for text in ["127.0.0.1:8000", "[::1]:0", "unix:/run/a.sock"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Address::parse("localhost:80").unwrap().to_string(),
            "127.0.0.1:80"
        );
        let long = format!("unix:/{}", "x".repeat(107));
        for wrong in ["", "8000", "example.com:80", "unix:", &long, "unix"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }
}
