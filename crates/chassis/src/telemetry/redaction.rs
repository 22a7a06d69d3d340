//! What no log line shows: the values of fields with certain names, and certain values wherever
//! they stand.

use std::borrow::Cow;

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "[redacted]";

/// Shorter secrets are not looked for: they would hide what happens to look like them.
const SECRET_BYTES_MIN: usize = 4;

/// Parts of names whose values are secret, whatever comes before and behind them.
const SECRET_NAMES: [&str; 10] = [
    "authorization",
    "cookie",
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "credential",
    "api_key",
    "private_key",
];

/// The secrets that this process knows.
#[derive(Debug, Default)]
pub(super) struct Redaction {
    /// The longest first, so that one that is a part of another does not leave the rest of it.
    secrets: Vec<String>,
}

impl Redaction {
    /// `secrets` are hidden as they are and percent-encoded as in URIs; blank and very short ones
    /// are ignored.
    pub(super) fn of(secrets: &[String]) -> Self {
        let mut all: Vec<String> = secrets
            .iter()
            .flat_map(|secret| {
                let decoded = percent_encoding::percent_decode_str(secret).decode_utf8();
                let decoded = decoded.map(Cow::into_owned).unwrap_or_default();
                let encode = percent_encoding::NON_ALPHANUMERIC;
                let encoded = percent_encoding::utf8_percent_encode(secret, encode).to_string();
                [secret.clone(), decoded, encoded]
            })
            .filter(|secret| secret.len() >= SECRET_BYTES_MIN)
            .collect();
        all.sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        all.dedup();
        Self { secrets: all }
    }

    /// The text without the known secrets.
    pub(super) fn cleaned<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut cleaned = Cow::Borrowed(text);
        for secret in &self.secrets {
            if cleaned.contains(secret.as_str()) {
                cleaned = Cow::Owned(cleaned.replace(secret.as_str(), REDACTED));
            }
        }
        cleaned
    }
}

/// Whether a field with this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_secrets_are_hidden_in_any_text_however_they_are_written() {
        let secrets = ["s3cret/%", "s3cret/%and more", "abc", ""].map(str::to_owned);
        let redaction = Redaction::of(&secrets);
        for (text, cleaned) in [
            ("mongodb://u:s3cret/%@h", "mongodb://u:[redacted]@h"),
            ("mongodb://u:s3cret%2F%25@h", "mongodb://u:[redacted]@h"),
            ("s3cret/%and more s3cret/%", "[redacted] [redacted]"),
            ("abc s3cret", "abc s3cret"),
        ] {
            assert_eq!(redaction.cleaned(text), cleaned);
        }
    }

    #[test]
    fn names_of_secrets_are_known_in_any_case_and_company() {
        for name in [
            "authorization",
            "http.request.header.Authorization",
            "set-cookie",
            "mongo_password",
            "accessToken",
            "x-api-key",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["http.request.method", "error", "sessions", "key"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
