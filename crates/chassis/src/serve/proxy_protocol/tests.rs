use proptest::prelude::*;

use super::*;

fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
    let mut bytes = V2_START.to_vec();
    bytes.extend([0x20 | command, family]);
    bytes.extend(u16::try_from(addresses.len()).unwrap().to_be_bytes());
    bytes.extend(addresses);
    bytes
}

fn ipv4() -> Vec<u8> {
    let mut bytes = vec![192, 0, 2, 7, 198, 51, 100, 1];
    bytes.extend([0xDC, 0x04, 0x01, 0xBB]);
    bytes
}

fn headers() -> Vec<(Vec<u8>, Source)> {
    let client = |text: &str| Source::Client(text.parse().unwrap());
    let mut ipv6 = vec![0; 36];
    ipv6[..2].copy_from_slice(&[0x20, 0x01]);
    ipv6[15] = 9;
    let with_extras = [ipv4(), vec![0x04, 0, 1, 0]].concat();
    vec![
        (
            b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n".to_vec(),
            client("192.0.2.7"),
        ),
        (
            b"PROXY TCP6 2001::9 ::1 1 65535\r\n".to_vec(),
            client("2001::9"),
        ),
        (
            b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n".to_vec(),
            client("192.0.2.7"),
        ),
        (b"PROXY UNKNOWN\r\n".to_vec(), Source::Proxy),
        (b"PROXY UNKNOWN ff ff 1 2\r\n".to_vec(), Source::Proxy),
        (v2(1, 0x11, &ipv4()), client("192.0.2.7")),
        (v2(1, 0x11, &with_extras), client("192.0.2.7")),
        (v2(1, 0x21, &ipv6), client("2001::9")),
        (v2(1, 0x31, &[0; 216]), Source::Nameless),
        (v2(1, 0x00, &[]), Source::Nameless),
        (v2(0, 0x00, &[]), Source::Proxy),
        (v2(0, 0x11, &ipv4()), Source::Proxy),
    ]
}

#[test]
fn headers_of_both_versions_say_who_connects_and_where_the_request_begins() {
    for (header, source) in headers() {
        let length = header.len();
        let followed = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
        let expected = Parsed::Header { source, length };
        assert_eq!(parse(&followed), expected, "{header:?}");
        for count in 0..length {
            assert_eq!(parse(&header[..count]), Parsed::Incomplete, "{count}");
        }
    }
}

#[test]
fn what_is_no_header_is_known_as_soon_as_it_can_be() {
    for other in [
        b"GET / HTTP/1.1\r\n".to_vec(),
        b"PROXY".iter().copied().chain(*b"X").collect(),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 1\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 70000\r\n".to_vec(),
        b"PROXY TCP4 2001::9 ::1 1 2\r\n".to_vec(),
        b"PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n".to_vec(),
        b"PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n".to_vec(),
        b"PROXY \xFF\r\n".to_vec(),
        [&b"PROXY UNKNOWN "[..], &[b'x'; 107]].concat(),
        v2(2, 0x11, &ipv4()),
        v2(1, 0x12, &ipv4()),
        v2(1, 0x11, &ipv4()[..11]),
        v2(1, 0x21, &ipv4()),
        v2(1, 0x11, &[0; HEADER_BYTES_MAX])[..16].to_vec(),
        [V2_START, &[0x11, 0x11, 0, 0]].concat(),
    ] {
        assert_eq!(parse(&other), Parsed::Malformed, "{other:?}");
    }
}

proptest! {
    #[test]
    fn a_header_never_reaches_beyond_what_was_read(
        start in prop::sample::select(vec![&b""[..], V1_START, b"PROXY TCP4 ", V2_START]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [start, &rest].concat();
        if let Parsed::Header { length, .. } = parse(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }
}
