//! The options of a connection string: which there are, and what their values may be.
//!
//! The driver's own messages repeat values, among them passwords that stand in the wrong place.
//! So what it would refuse is refused here before, with the name of the option alone.

use std::borrow::Cow;

/// An option that the driver or the specification of connection strings knows:
/// <https://github.com/mongodb/specifications/blob/master/source/uri-options/uri-options.md>.
pub(super) struct Known {
    pub(super) name: &'static str,
    kind: Kind,
}

enum Kind {
    Boolean,
    /// A whole number between these two.
    Number(u32, u32),
    /// One of these, as they are written.
    Exactly(&'static [&'static str]),
    /// One of these, in capitals or not.
    Word(&'static [&'static str]),
    /// Some of these with commas between them.
    Words(&'static [&'static str]),
    Text,
    /// A number of members or the name of a write concern.
    Acknowledgment,
    /// Refused for this reason.
    Refused(&'static str),
}

/// Seven weeks at most: the driver adds them to points in time, which have an end.
const MILLISECONDS: Kind = Kind::Number(0, u32::MAX);
/// Bounded by the operation timeout instead.
const UNSUPPORTED_TIMEOUT: Kind = Kind::Refused(
    "the driver does not support it; the setting 'mongo_operation_timeout_ms' bounds requests",
);
const NO_PROXY: Kind = Kind::Refused("this build connects without a proxy");

const fn known(name: &'static str, kind: Kind) -> Known {
    Known { name, kind }
}

const KNOWN: [Known; 48] = [
    known("adaptiveRetries", Kind::Refused("the driver ignores it")),
    known("appName", Kind::Text),
    known(
        "authMechanism",
        Kind::Exactly(&[
            "SCRAM-SHA-256",
            "SCRAM-SHA-1",
            "MONGODB-X509",
            "PLAIN",
            "MONGODB-OIDC",
        ]),
    ),
    known(
        "authMechanismProperties",
        // Those of other mechanisms and environments are not built in.
        Kind::Exactly(&["ENVIRONMENT:k8s"]),
    ),
    known("authSource", Kind::Text),
    known("compressors", Kind::Words(&["zstd", "snappy"])),
    known("connectTimeoutMS", MILLISECONDS),
    known("directConnection", Kind::Boolean),
    known("enableOverloadRetargeting", Kind::Boolean),
    known("heartbeatFrequencyMS", Kind::Number(500, u32::MAX)),
    known("journal", Kind::Boolean),
    known("loadBalanced", Kind::Boolean),
    known("localThresholdMS", MILLISECONDS),
    known("maxAdaptiveRetries", Kind::Number(0, u32::MAX)),
    known("maxConnecting", Kind::Number(1, u32::MAX)),
    known("maxIdleTimeMS", MILLISECONDS),
    known("maxPoolSize", Kind::Number(1, u32::MAX)),
    known("maxStalenessSeconds", Kind::Number(90, u32::MAX)),
    known("minPoolSize", Kind::Number(0, u32::MAX)),
    known("proxyHost", NO_PROXY),
    known("proxyPort", NO_PROXY),
    known("proxyUsername", NO_PROXY),
    known("proxyPassword", NO_PROXY),
    known("readConcernLevel", Kind::Text),
    known(
        "readPreference",
        Kind::Word(&[
            "primary",
            "primaryPreferred",
            "secondary",
            "secondaryPreferred",
            "nearest",
        ]),
    ),
    known("readPreferenceTags", Kind::Text),
    known("replicaSet", Kind::Text),
    known("retryReads", Kind::Boolean),
    known("retryWrites", Kind::Boolean),
    known(
        "serverMonitoringMode",
        Kind::Word(&["auto", "poll", "stream"]),
    ),
    known("serverSelectionTimeoutMS", MILLISECONDS),
    known("socketTimeoutMS", UNSUPPORTED_TIMEOUT),
    known("srvMaxHosts", Kind::Number(0, u32::MAX)),
    known("srvServiceName", Kind::Text),
    known("ssl", Kind::Boolean),
    known("timeoutMS", UNSUPPORTED_TIMEOUT),
    known("tls", Kind::Boolean),
    known("tlsAllowInvalidCertificates", Kind::Boolean),
    known(
        "tlsAllowInvalidHostnames",
        Kind::Refused("the driver does not support it over rustls"),
    ),
    known("tlsCAFile", Kind::Text),
    known("tlsCertificateKeyFile", Kind::Text),
    known(
        "tlsCertificateKeyFilePassword",
        Kind::Refused("this build reads no encrypted keys; name a file with a plain one"),
    ),
    known("tlsInsecure", Kind::Boolean),
    known(
        "uuidRepresentation",
        Kind::Refused("UUIDs are always read and written in the standard form"),
    ),
    known("w", Kind::Acknowledgment),
    known(
        "waitQueueTimeoutMS",
        Kind::Refused(
            "the driver ignores it; the setting 'mongo_operation_timeout_ms' bounds the wait for a \
             connection too",
        ),
    ),
    known("wTimeoutMS", MILLISECONDS),
    known(
        "zlibCompressionLevel",
        Kind::Refused("zlib is not built in"),
    ),
];

/// The option of this name, in capitals or not.
pub(super) fn find(name: &str) -> Option<&'static Known> {
    KNOWN
        .iter()
        .find(|known| known.name.eq_ignore_ascii_case(name))
}

/// The option that somebody who misspelled it may have meant.
pub(super) fn nearest(name: &str) -> Option<&'static Known> {
    const MISTAKES_MAX: usize = 2;
    let name = name.to_ascii_lowercase();
    let distance = |known: &Known| mistakes(&known.name.to_ascii_lowercase(), &name);
    KNOWN
        .iter()
        .min_by_key(|known| distance(known))
        // Any two short names are alike.
        .filter(|known| known.name.len() > 3 && distance(known) <= MISTAKES_MAX)
}

/// Letters to change, add or leave out until one text is the other (the Levenshtein distance).
fn mistakes(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, candidate) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != candidate);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

impl Known {
    /// What is wrong with a value, percent-encoded as it stands; says nothing of the value itself.
    pub(super) fn complaint(&self, value: &str) -> Option<String> {
        let name = self.name;
        let value = decoded(value);
        let wanted = match self.kind {
            Kind::Refused(reason) => return Some(format!("'{name}' is refused: {reason}")),
            Kind::Boolean if matches!(value.as_ref(), "true" | "false") => return None,
            Kind::Boolean => "true or false".to_owned(),
            Kind::Number(from, to) => match value.parse::<u32>() {
                Ok(number) if (from..=to).contains(&number) => return None,
                _ => format!("a whole number from {from} to {to}"),
            },
            Kind::Exactly(words) if words.contains(&value.as_ref()) => return None,
            Kind::Word(words) if is_among(words, &value) => return None,
            Kind::Words(words) if value.split(',').all(|word| is_among(words, word)) => {
                return None;
            }
            Kind::Exactly([word]) => (*word).to_owned(),
            Kind::Exactly(words) | Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Words(words) => format!("some of {} with commas between them", words.join(", ")),
            Kind::Text | Kind::Acknowledgment if value.is_empty() => "a text".to_owned(),
            Kind::Acknowledgment if value.parse::<i32>().is_ok_and(|number| number < 0) => {
                "'majority', a number of members or the name of a write concern".to_owned()
            }
            Kind::Text | Kind::Acknowledgment => return None,
        };
        Some(format!("'{name}' must be {wanted}"))
    }
}

fn is_among(words: &[&str], value: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// As the driver decodes it: what is no UTF-8 becomes a replacement character.
pub(super) fn decoded(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = value.get(at + 1..at + 3).filter(|pair| {
            bytes[at] == b'%' && pair.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        if let Some(byte) = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn complaint(name: &str, value: &str) -> Option<String> {
        find(name).expect("a known option").complaint(value)
    }

    #[test]
    fn what_the_driver_takes_is_taken() {
        for (name, value) in [
            ("APPNAME", "a%40b"),
            ("authMechanism", "SCRAM-SHA-1"),
            ("compressors", "ZSTD,snappy"),
            ("journal", "true"),
            ("w", "2"),
            ("w", "%6dajority"),
            ("w", "acrossRegions"),
            ("wtimeoutMS", "0"),
        ] {
            assert_eq!(complaint(name, value), None, "{name}");
        }
    }

    #[test]
    fn a_bad_value_is_answered_with_what_would_be_right_and_not_shown() {
        for (name, value, said) in [
            ("journal", "s3cret", "'journal' must be true or false"),
            (
                "MAXPOOLSIZE",
                "0",
                "'maxPoolSize' must be a whole number from 1 to 4294967295",
            ),
            (
                "compressors",
                "zlib",
                "'compressors' must be some of zstd, snappy with commas between them",
            ),
            (
                "authMechanismProperties",
                "s3cret",
                "'authMechanismProperties' must be ENVIRONMENT:k8s",
            ),
            ("appName", "", "'appName' must be a text"),
        ] {
            assert_eq!(complaint(name, value).as_deref(), Some(said));
        }
        for (name, reason) in [
            ("waitQueueTimeoutMS", "the driver ignores it"),
            ("socketTimeoutMS", "does not support it"),
            ("proxyHost", "without a proxy"),
            ("authMechanism", "must be one of SCRAM-SHA-256, "),
            ("w", "a number of members"),
        ] {
            let said = complaint(name, "-7").unwrap();
            assert!(said.contains(reason) && said.contains(name), "{said}");
            assert!(!said.contains("-7"), "{said}");
        }
    }

    #[test]
    fn a_misspelled_name_finds_the_one_that_was_meant() {
        for (name, meant) in [
            ("maxpolsize", Some("maxPoolSize")),
            ("tlsCaFiles", Some("tlsCAFile")),
            ("retryWrite", Some("retryWrites")),
            ("x", None),
            ("s3cret", None),
        ] {
            assert_eq!(nearest(name).map(|known| known.name), meant, "{name}");
        }
    }

    #[test]
    fn values_are_decoded_as_the_driver_does() {
        for (text, meant) in [
            ("a%40b", "a@b"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%+4", "%+4"),
            ("%zz%é", "%zz%é"),
            ("%C3%A9", "é"),
            ("%FF", "\u{FFFD}"),
        ] {
            assert_eq!(decoded(text), meant, "{text}");
        }
    }
}
