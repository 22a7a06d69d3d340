//! The header by which a proxy says for whom it connects:
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most bytes of a header of version 2; with addresses and the usual extras it has some 200.
pub(super) const HEADER_BYTES_MAX: usize = 4096;

const V1_BYTES_MAX: usize = 107;
const V1_START: &[u8] = b"PROXY ";
const V2_START: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const V2_FIXED_BYTES: usize = 16;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The proxy speaks for itself, such as in a check of health, or says nothing: `LOCAL`,
    /// `UNKNOWN`.
    Proxy,
    /// A client without an address that this process knows, such as one of a Unix socket.
    Nameless,
    /// A client.
    Client(IpAddr),
}

/// What is known of the bytes that a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// They may become a header.
    Incomplete,
    /// They are no header, and never will be.
    Malformed,
    /// The first `length` of them are the header.
    Header { source: Source, length: usize },
}

/// Reads the header of either version at the start of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    if begins_alike(bytes, V2_START) {
        return version_2(bytes);
    }
    if begins_alike(bytes, V1_START) {
        return version_1(bytes);
    }
    Parsed::Malformed
}

/// Whether `bytes` begin with `start`, or are a beginning of it.
fn begins_alike(bytes: &[u8], start: &[u8]) -> bool {
    let common = bytes.len().min(start.len());
    bytes[..common] == start[..common]
}

/// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n`
fn version_1(bytes: &[u8]) -> Parsed {
    let start = &bytes[..bytes.len().min(V1_BYTES_MAX)];
    let Some(end) = start.windows(2).position(|two| two == b"\r\n") else {
        return if start.len() < V1_BYTES_MAX {
            Parsed::Incomplete
        } else {
            Parsed::Malformed
        };
    };
    let line = std::str::from_utf8(&start[..end]).unwrap_or_default();
    let source = source_of_line(line);
    source.map_or(Parsed::Malformed, |source| Parsed::Header {
        source,
        length: end + 2,
    })
}

fn source_of_line(line: &str) -> Option<Source> {
    let mut words = line.split(' ');
    words.next().filter(|word| *word == "PROXY")?;
    let is_version_4 = match words.next()? {
        // Whatever follows is to be ignored.
        "UNKNOWN" => return Some(Source::Proxy),
        "TCP4" => true,
        "TCP6" => false,
        _ => return None,
    };
    let mut address = || {
        let address: IpAddr = words.next()?.parse().ok()?;
        (address.is_ipv4() == is_version_4).then_some(address)
    };
    let (source, _destination) = (address()?, address()?);
    let mut port = || words.next()?.parse::<u16>().ok();
    let _ports = (port()?, port()?);
    words
        .next()
        .is_none()
        .then_some(Source::Client(source.to_canonical()))
}

/// Signature, version and command, family and protocol, length, addresses, extras.
fn version_2(bytes: &[u8]) -> Parsed {
    let Some((fixed, rest)) = bytes.split_at_checked(V2_FIXED_BYTES) else {
        return Parsed::Incomplete;
    };
    let announced = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    let length = V2_FIXED_BYTES + announced;
    if length > HEADER_BYTES_MAX || fixed[12] >> 4 != 2 {
        return Parsed::Malformed;
    }
    let Some(addresses) = rest.get(..announced) else {
        return Parsed::Incomplete;
    };
    let source = match (fixed[12] & 0xF, fixed[13]) {
        (0, _) => Some(Source::Proxy),
        (1, 0x00) => Some(Source::Nameless),
        // Streams alone: a datagram did not open this connection.
        (1, 0x11) => client::<4, 12>(addresses),
        (1, 0x21) => client::<16, 36>(addresses),
        (1, 0x31) if addresses.len() >= 216 => Some(Source::Nameless),
        _ => None,
    };
    source.map_or(Parsed::Malformed, |source| Parsed::Header {
        source,
        length,
    })
}

/// The source address of `BYTES` bytes, with which the `ALL` bytes of both addresses and both
/// ports begin.
fn client<const BYTES: usize, const ALL: usize>(addresses: &[u8]) -> Option<Source> {
    let all: &[u8; ALL] = addresses.first_chunk()?;
    let address = match BYTES {
        4 => IpAddr::from(Ipv4Addr::from(*all.first_chunk::<4>()?)),
        _ => IpAddr::from(Ipv6Addr::from(*all.first_chunk::<16>()?)),
    };
    Some(Source::Client(address.to_canonical()))
}

#[cfg(test)]
mod tests;
