//! Connection strings and messages about them, without what may be a secret.
//!
//! Any part of a connection string may be a password, at the latest after a mistake: where the
//! host was forgotten, the password stands as a port; where it was not encoded, as a path or an
//! option.

use std::collections::HashSet;

use mongodb::options::ConnectionString;
use percent_encoding::percent_decode_str;

const HIDDEN: &str = "***";
const SCHEMES: [&str; 2] = ["mongodb", "mongodb+srv"];

/// The names of options, in lower case, and the words of the schemes: no secrets.
/// <https://github.com/mongodb/specifications/blob/master/source/uri-options/uri-options.md>
const KNOWN_WORDS: &str = "\
    adaptiveretries appname authmechanism authmechanismproperties authsource compressors \
    connecttimeoutms directconnection enableoverloadretargeting heartbeatfrequencyms journal \
    loadbalanced localthresholdms maxadaptiveretries maxconnecting maxidletimems maxpoolsize \
    maxstalenessseconds minpoolsize mongodb proxyhost proxypassword proxyport proxyusername \
    readconcernlevel readpreference readpreferencetags replicaset retryreads retrywrites \
    servermonitoringmode serverselectiontimeoutms sockettimeoutms srv srvmaxhosts \
    srvservicename ssl timeoutms tls tlsallowinvalidcertificates tlscafile \
    tlscertificatekeyfile tlscertificatekeyfilepassword tlsinsecure uuidrepresentation w \
    waitqueuetimeoutms wtimeoutms zlibcompressionlevel";

/// Whether user and password can be told from each other and from what follows them.
pub(super) fn is_encoded(uri: &str) -> bool {
    let (_, rest) = uri.split_once("://").unwrap_or(("", uri));
    let (place, _) = rest.split_once('?').unwrap_or((rest, ""));
    let (credentials, _) = place.rsplit_once('@').unwrap_or_default();
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let is_escape = |rest: &[u8]| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit);
    [user, password].into_iter().all(|part| {
        let mut escapes = part.split('%').skip(1).map(str::as_bytes);
        !part.contains([':', '/', '?', '#', '[', ']', '@']) && escapes.all(is_escape)
    })
}

/// A connection string as it may be shown: its scheme, `***@` for user and password, its hosts and
/// its database, and no options. Of a text that the driver would not take only the scheme is shown.
#[must_use]
pub fn masked(uri: &str) -> String {
    let uri = uri.trim();
    let parts = uri.split_once("://");
    let Some((scheme, rest)) = parts.filter(|(scheme, _)| SCHEMES.contains(scheme)) else {
        return HIDDEN.to_owned();
    };
    let of_names = |c: char| c.is_ascii_alphanumeric() || "-_%".contains(c);
    let of_hosts = |c: char| of_names(c) || ".[]:,".contains(c);
    let (place, _) = rest.split_once('?').unwrap_or((rest, ""));
    let (credentials, place) = match place.rsplit_once('@') {
        Some((_, place)) => ("***@", place),
        None => ("", place),
    };
    // The feature for the other scheme need not be built in.
    let plain = format!("mongodb://{rest}");
    let is_taken = is_encoded(uri) && ConnectionString::parse(plain).is_ok();
    let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
    if is_taken && hosts.chars().all(of_hosts) && database.chars().all(of_names) {
        format!("{scheme}://{credentials}{place}")
    } else {
        format!("{scheme}://{HIDDEN}")
    }
}

/// A message of the driver with `***` for every part of the connection string, as it stands and
/// decoded, that is not the name of an option.
pub(super) fn without_parts(message: &str, uri: &str) -> String {
    let decoded = percent_decode_str(uri).decode_utf8_lossy();
    let is_secret = |part: &&str| {
        let part = part.to_lowercase();
        KNOWN_WORDS.split_whitespace().all(|known| known != part)
    };
    let texts = [uri, &decoded];
    let delimiters = ['/', '?', '@', ':', ',', '&', '='];
    let mut parts: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.split(delimiters))
        .collect();
    parts.retain(|part| part.chars().count() > 2 && is_secret(part));
    // A part within another one is left for later.
    parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.len()));
    let mut message = message.to_owned();
    for part in parts {
        message = message.replace(part, HIDDEN);
    }
    let words: HashSet<String> = texts
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty() && is_secret(word))
        .map(str::to_lowercase)
        .collect();
    let mut shown = String::with_capacity(message.len());
    for piece in message.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        if words.contains(&word.to_lowercase()) {
            shown.push_str(HIDDEN);
            shown.push_str(&piece[word.len()..]);
        } else {
            shown.push_str(piece);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_surely_no_secret_is_shown() {
        for (uri, shown) in [
            ("mongodb://a:b@h:1,i/db?w=1", "mongodb://***@h:1,i/db"),
            ("mongodb+srv://a@h/?tls=true", "mongodb+srv://***@h/"),
            ("mongodb://a:b@[::1]:2/", "mongodb://***@[::1]:2/"),
            ("mongodb://localhost", "mongodb://localhost"),
            (
                "mongodb://u@%2Ftmp%2Fm.sock/db",
                "mongodb://***@%2Ftmp%2Fm.sock/db",
            ),
            (" mongodb://u:p@h/x\n", "mongodb://***@h/x"),
            ("mongodb://a:p/w@rd?@h/db", "mongodb://***"),
            ("mongodb://user:s3cret", "mongodb://***"),
            ("mongodb://user:s3cret/db", "mongodb://***"),
            ("mongodb://user:27017?s3cret", "mongodb://***"),
            ("mongodb://user:1/s3#cret", "mongodb://***"),
            ("mongodb://h/s3.cret", "mongodb://***"),
            ("mongodb://u:p%aé@h", "mongodb://***"),
            ("user:pw://s3cret@h", "***"),
            ("http://user:s3cret@h", "***"),
            ("s3cret", "***"),
        ] {
            assert_eq!(masked(uri), shown, "{uri}");
        }
    }

    #[test]
    fn a_message_keeps_its_own_words_and_the_names_of_options() {
        let uri = "mongodb://ada:s%33cret@h/?maxPoolSize=no%20way&tls=perhaps";
        for (message, shown) in [
            (
                "`maxpoolsize` must be a number",
                "`maxpoolsize` must be a number",
            ),
            ("got s3cret, S3CRET or s%33cret", "got ***, *** or ***"),
            ("of ADA: 'no way'", "of ***: '***'"),
            ("tls is no flag: perhaps", "tls is *** flag: ***"),
        ] {
            assert_eq!(without_parts(message, uri), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_masking_panic(text in "\\PC{0,60}", scheme in "(mongodb://)?") {
            let uri = format!("{scheme}{text}");
            let _ = without_parts(&text, &uri);
            prop_assert!(masked(&uri).starts_with(&scheme));
        }

        #[test]
        fn no_password_is_ever_shown(
            user in "[a-z]{3}",
            password in "[A-Z:/?@&=#%]{6,20}",
            rest in "[a-z.]{0,9}[a-z](/[a-z]{0,5})?(\\?w=[a-z])?",
        ) {
            let shown = masked(&format!("mongodb://{user}:{password}@{rest}"));
            let place = rest.split('?').next().unwrap_or_default();
            let whole = format!("mongodb://***@{place}");
            prop_assert!(shown == whole || shown == "mongodb://***", "{}", shown);
        }
    }
}
