//! The text of a connection string: what is wrong with it, and how it may be shown.
//!
//! Whatever stands in it may be a password, at the latest after a mistake: where the host was
//! forgotten the password stands as a port, where it was not encoded as a path or an option. So
//! no message repeats a part of it, and only what is surely none is shown.

use std::str::FromStr;

use mongodb::options::ServerAddress;

use super::option;

const HIDDEN: &str = "***";
const SCHEMES: [&str; 2] = ["mongodb://", "mongodb+srv://"];

/// The parts of a connection string, as the driver cuts it.
struct Parts<'a> {
    scheme: &'a str,
    credentials: Option<&'a str>,
    hosts: &'a str,
    /// With the slash before it, if there is one.
    path: &'a str,
    options: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Option<Self> {
        let scheme = SCHEMES.into_iter().find(|scheme| uri.starts_with(scheme))?;
        let rest = &uri[scheme.len()..];
        let (place, options) = match rest.split_once('?') {
            Some((place, options)) => (place, Some(options)),
            None => (rest, None),
        };
        let (credentials, place) = match place.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, place),
        };
        let (hosts, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        Some(Self {
            scheme,
            credentials,
            hosts,
            path,
            options,
        })
    }

    fn options(&self) -> impl Iterator<Item = &'a str> {
        let options = self.options.filter(|options| !options.is_empty());
        options.into_iter().flat_map(|options| options.split('&'))
    }
}

/// Refuses what the driver would refuse with a part of the connection string in its message.
pub(super) fn check(uri: &str) -> Result<(), String> {
    let Some(parts) = Parts::of(uri) else {
        return Err(
            "it begins with neither mongodb:// nor mongodb+srv://; one looks like \
             mongodb://host:27017/database"
                .to_owned(),
        );
    };
    if parts.scheme != SCHEMES[0] && cfg!(not(feature = "mongodb-srv")) {
        return Err(
            "mongodb+srv:// needs a build with the feature 'mongodb-srv'; without it the hosts \
             are named, mongodb://host1,host2/database"
                .to_owned(),
        );
    }
    if !parts.credentials.is_none_or(are_encoded) {
        return Err(
            "user and password must be percent-encoded: '%' as %25, '@' as %40, ':' as %3A, '/' \
             as %2F, '?' as %3F, '#' as %23, '[' as %5B, ']' as %5D"
                .to_owned(),
        );
    }
    if !parts.hosts.split(',').all(is_host) {
        return Err(
            "where its hosts stand is something else; a host is a name or an address, with ':' \
             and a port from 1 to 65535 if that is not 27017, and a user and password stand \
             before them, mongodb://user:password@host:27017/database"
                .to_owned(),
        );
    }
    if let Some(complaint) =
        database_complaint(&option::decoded(parts.path.trim_start_matches('/')))
    {
        return Err(complaint);
    }
    check_options(&parts)
}

/// What MongoDB has against a name of a database:
/// <https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions>. The rules are
/// those of its servers on Windows, which are the strictest.
fn database_complaint(name: &str) -> Option<String> {
    const BYTES_MAX: usize = 63;
    let forbidden = |c: &char| "/\\. \"$*<>:|?\u{FFFD}".contains(*c) || c.is_control();
    if name.chars().any(|c| forbidden(&c)) {
        let all = r#"'/', '\', '.', ' ', '"', '$', '*', '<', '>', ':', '|', '?'"#;
        return Some(format!("the name of a database has none of {all}"));
    }
    if name.len() > BYTES_MAX {
        return Some(format!(
            "the name of a database has at most {BYTES_MAX} bytes"
        ));
    }
    // Transactions cannot write there.
    ["admin", "config", "local"].contains(&name).then(|| {
        format!(
            "the database '{name}' is MongoDB's own; users are looked up there with \
             'authSource={name}'"
        )
    })
}

fn check_options(parts: &Parts<'_>) -> Result<(), String> {
    let mut given = Vec::new();
    for (position, option) in parts.options().enumerate() {
        let position = position + 1;
        let Some((name, value)) = option.split_once('=') else {
            return Err(format!(
                "option {position} of it is no name with '=' and a value"
            ));
        };
        let Some(known) = option::find(name) else {
            let hint = option::nearest(name)
                .map_or_else(String::new, |known| format!("; is '{}' meant?", known.name));
            return Err(format!(
                "option {position} of it is not known to the driver{hint}"
            ));
        };
        if let Some(complaint) = known.complaint(value) {
            return Err(complaint);
        }
        if given.contains(&known.name) {
            return Err(format!("'{}' is in it twice", known.name));
        }
        given.push(known.name);
    }
    Ok(())
}

/// Whether a user and a password can be told from each other and from what follows them.
fn are_encoded(credentials: &str) -> bool {
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let is_escape = |rest: &[u8]| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit);
    [user, password].into_iter().all(|part| {
        let mut escapes = part.split('%').skip(1).map(str::as_bytes);
        !part.contains([':', '/', '?', '#', '[', ']', '@']) && escapes.all(is_escape)
    })
}

fn is_host(host: &str) -> bool {
    let of_names = |c: char| c.is_ascii_alphanumeric() || "-._%[]:".contains(c);
    host.chars().all(of_names) && ServerAddress::from_str(host).is_ok()
}

/// A connection string as it may be shown: with `***` for user, password, what the
/// driver would not take, and whatever is not surely something else.
///
/// Takes any text. Unless the driver would take it as it is, what stands before the last `@` is
/// masked even where that is more than the credentials, because a password with characters that
/// should have been escaped is a password.
#[must_use]
pub fn masked(uri: &str) -> String {
    let uri = uri.trim();
    let Some(mut parts) = Parts::of(uri) else {
        return HIDDEN.to_owned();
    };
    let scheme = parts.scheme;
    let after_credentials;
    if check(uri).is_err()
        && let Some(at) = uri.rfind('@')
    {
        after_credentials = format!("{scheme}{}", &uri[at..]);
        let Some(rest) = Parts::of(&after_credentials) else {
            return HIDDEN.to_owned();
        };
        parts = rest;
    }
    if !parts.hosts.split(',').all(is_host) {
        return format!("{scheme}{HIDDEN}");
    }
    let credentials = parts.credentials.map_or("", |_| "***@");
    let of_names = |c: char| c.is_ascii_alphanumeric() || "/-_%".contains(c);
    let path = match parts.path {
        path if path.chars().all(of_names) => path.to_owned(),
        _ => format!("/{HIDDEN}"),
    };
    let options: Vec<String> = parts.options().map(masked_option).collect();
    let mark = if parts.options.is_some() { "?" } else { "" };
    let (hosts, options) = (parts.hosts, options.join("&"));
    format!("{scheme}{credentials}{hosts}{path}{mark}{options}")
}

/// What the driver takes is shown: options that are for secrets take none here.
fn masked_option(option: &str) -> String {
    let Some((name, value)) = option.split_once('=') else {
        return HIDDEN.to_owned();
    };
    match option::find(name) {
        Some(known) if known.complaint(value).is_none() => option.to_owned(),
        Some(_) => format!("{name}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_masked_wherever_they_stand() {
        for (uri, shown) in [
            ("mongodb://a:b@h:1,i/db?w=1", "mongodb://***@h:1,i/db?w=1"),
            (
                "mongodb+srv://a@h/?tls=true",
                "mongodb+srv://***@h/?tls=true",
            ),
            ("mongodb://a:p/w@rd?@h/db", "mongodb://***@h/db"),
            ("mongodb://a:b@[::1]:2/", "mongodb://***@[::1]:2/"),
            (
                "mongodb://h/?tlsCertificateKeyFilePassword=x&w=1",
                "mongodb://h/?tlsCertificateKeyFilePassword=***&w=1",
            ),
            (
                "mongodb://h/?AUTHMECHANISMPROPERTIES=AWS_SESSION_TOKEN:x",
                "mongodb://h/?AUTHMECHANISMPROPERTIES=***",
            ),
            ("mongodb://localhost", "mongodb://localhost"),
            (
                "mongodb://u:p@h/?appName=a@b",
                "mongodb://***@h/?appName=a@b",
            ),
            ("mongodb://u:p@h/?x=a@b", "mongodb://***@b"),
            (" mongodb://u:p@h/x\n", "mongodb://***@h/x"),
        ] {
            assert_eq!(masked(uri), shown);
        }
    }

    #[test]
    fn what_may_be_a_password_in_the_wrong_place_is_masked() {
        for (uri, shown) in [
            ("mongodb://user:s3cret", "mongodb://***"),
            ("mongodb://user:s3cret/db", "mongodb://***"),
            ("mongodb://user:s3c/ret?w=1", "mongodb://***"),
            ("mongodb://user:s3/c@ret:x", "mongodb://***"),
            ("mongodb://user:27017?s3cret", "mongodb://user:27017?***"),
            ("mongodb://user:1/s3#cret", "mongodb://user:1/***"),
            ("mongodb://h/?s3cret=s3cret&w=1", "mongodb://h/?***&w=1"),
            ("user:pw://s3cret@h", "***"),
            ("http://user:s3cret@h", "***"),
            ("s3cret", "***"),
        ] {
            assert_eq!(masked(uri), shown);
        }
    }

    #[test]
    fn each_mistake_is_said_without_the_text_that_has_it() {
        for (uri, said) in [
            ("s3cret", "begins with neither"),
            ("http://s3cret", "begins with neither"),
            ("mongodb://s3cret:s3cret", "a port from 1 to 65535"),
            ("mongodb://s3cret:99999/db", "a port from 1 to 65535"),
            ("mongodb:///s3cret", "a port from 1 to 65535"),
            ("mongodb://[s3cret/", "a port from 1 to 65535"),
            ("mongodb://u:s3cret@h:s3cret/", "a port from 1 to 65535"),
            ("mongodb://u:s3/cret@h/", "must be percent-encoded"),
            ("mongodb://u:s3cret%@h/", "must be percent-encoded"),
            ("mongodb://u:s3cret%é@h/", "must be percent-encoded"),
            ("mongodb://h/?s3cret", "option 1 of it is no name with '='"),
            ("mongodb://h/?w=1&s3cret=1", "option 2 of it is not known"),
            ("mongodb://h/?maxPolSize=1", "is 'maxPoolSize' meant?"),
            ("mongodb://h/?w=1&W=s3cret", "'w' is in it twice"),
            ("mongodb://h/?tls=s3cret", "'tls' must be true or false"),
        ] {
            let reason = check(uri).unwrap_err();
            assert!(reason.contains(said), "{uri}: {reason}");
            assert!(!reason.contains("s3cret"), "{reason}");
        }
        let srv = check("mongodb+srv://h/");
        assert_eq!(srv.is_ok(), cfg!(feature = "mongodb-srv"), "{srv:?}");
    }

    #[test]
    fn a_database_that_mongodb_forbids_is_refused() {
        let long = "x".repeat(64);
        for name in [
            "a.b", "a%20b", "a b", "%24a", "a/b", "a%5Cb", "a%22", "a*", "a%3Cb", "a:b", "a|b",
            "a%3Fb", "a%00", "%FF", "admin", "local", "config", &long,
        ] {
            let refused = check(&format!("mongodb://h/{name}?w=1"));
            assert!(refused.unwrap_err().contains("database"), "{name}");
        }
        for name in ["shop", "a-b_C1", "%C3%A9", &long[1..]] {
            assert_eq!(check(&format!("mongodb://h/{name}")), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_connection_string_without_mistakes_is_passed_on() {
        for uri in [
            "mongodb://h",
            "mongodb://h/",
            "mongodb://h/?",
            "mongodb://u:p%40%25@h:1,[::1]:2,127.0.0.1/db?w=1&tls=true",
            "mongodb://u@%2Ftmp%2Fmongodb-27017.sock/db",
        ] {
            assert_eq!(check(uri), Ok(()), "{uri}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_masking_panic(text in "\\PC{0,60}", scheme in "(mongodb://)?") {
            let uri = format!("{scheme}{text}");
            let _ = check(&uri);
            prop_assert!(masked(&uri).starts_with(&scheme));
        }

        #[test]
        fn no_password_is_ever_shown(
            user in "[a-z]{3}",
            password in "[A-Z:/?@&=#%]{6,20}",
            rest in "[a-z.]{0,9}[a-z](/[a-z]{0,5})?(\\?w=[a-z])?",
        ) {
            let shown = masked(&format!("mongodb://{user}:{password}@{rest}"));
            prop_assert_eq!(shown, format!("mongodb://***@{rest}"));
        }
    }
}
