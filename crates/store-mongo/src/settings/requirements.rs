//! What the driver takes and what does not work here: refused at the start, with the reason, and
//! not at the first request that meets it.

use mongodb::options::{
    Acknowledgment, AuthMechanism, ClientOptions, ReadConcernLevel, ReadPreference,
    SelectionCriteria, Tls, TlsOptions,
};

use super::mask::is_encoded;
use super::pem;

/// Options that the driver takes and does not obey.
const IGNORED: [(&str, &str); 2] = [
    (
        "waitQueueTimeoutMS",
        "the setting 'mongo_operation_timeout_ms' bounds the wait for a connection too",
    ),
    (
        "uuidRepresentation",
        "UUIDs are always read and written in the standard form",
    ),
];

/// Refuses a connection string that the driver would not obey, or reads in another way.
pub(super) fn check_text(uri: &str) -> Result<(), String> {
    let schemes = ["mongodb://", "mongodb+srv://"];
    if !schemes.iter().any(|scheme| uri.starts_with(scheme)) {
        // The driver names the scheme that it found, which may be a secret.
        return Err("it must begin with mongodb:// or mongodb+srv://".to_owned());
    }
    if uri.starts_with("mongodb+srv://") && cfg!(not(feature = "mongodb-srv")) {
        return Err(
            "mongodb+srv:// needs a build with the feature 'mongodb-srv'; without it the hosts \
             are named, mongodb://host1,host2/database"
                .to_owned(),
        );
    }
    if !is_encoded(uri) {
        return Err(
            "user and password must be percent-encoded: '%' as %25, '@' as %40, ':' as %3A, '/' \
             as %2F, '?' as %3F, '#' as %23, '[' as %5B, ']' as %5D"
                .to_owned(),
        );
    }
    let (_, options) = uri.split_once('?').unwrap_or((uri, ""));
    let names = options
        .split('&')
        .filter_map(|option| option.split('=').next());
    for name in names {
        let mut ignored = IGNORED.iter();
        if let Some((name, why)) = ignored.find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Err(format!(
                "'{name}' is refused: the driver does not obey it; {why}"
            ));
        }
    }
    Ok(())
}

/// Refuses a database that MongoDB forbids or keeps for itself:
/// <https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions>. The rules are
/// those of its servers on Windows, which are the strictest.
pub(super) fn check_database(name: &str) -> Result<(), String> {
    const BYTES_MAX: usize = 63;
    let forbidden = |c: char| "/\\. \"$*<>:|?\u{FFFD}".contains(c) || c.is_control();
    if name.contains(forbidden) || name.len() > BYTES_MAX {
        let all = r#"'/', '\', '.', ' ', '"', '$', '*', '<', '>', ':', '|', '?'"#;
        return Err(format!(
            "the name of a database has none of {all} and at most {BYTES_MAX} bytes"
        ));
    }
    // Transactions cannot write there.
    if ["admin", "config", "local"].contains(&name) {
        return Err(format!(
            "the database '{name}' is MongoDB's own; users are looked up there with \
             'authSource={name}'"
        ));
    }
    Ok(())
}

/// Refuses options that would fail later.
pub(super) fn check(options: &ClientOptions) -> Result<(), String> {
    if options.load_balanced == Some(true) {
        return Err(
            "'loadBalanced' is refused: every open cursor would keep a connection of the pool; \
             name the routers of the cluster (mongos) as hosts"
                .to_owned(),
        );
    }
    check_concerns(options)?;
    let tls = enabled_tls(options);
    if let Some(file) = tls.and_then(|tls| tls.ca_file_path.as_deref()) {
        pem::check_authorities(file)?;
    }
    if let Some(file) = tls.and_then(|tls| tls.cert_key_file_path.as_deref()) {
        pem::check_identity(file)?;
    }
    check_credential(options)
}

/// What the connection string gives away, each with what is lost by it.
pub(super) fn weaknesses(options: &ClientOptions) -> Vec<&'static str> {
    let write_concern = options.write_concern.as_ref();
    let w = write_concern.and_then(|concern| concern.w.as_ref());
    let journal = write_concern.and_then(|concern| concern.journal);
    let tls = enabled_tls(options);
    let found = [
        (
            options.retry_writes == Some(false),
            "retryWrites=false: a write that an election interrupts is not tried again, and may \
             have been done",
        ),
        (
            options.retry_reads == Some(false),
            "retryReads=false: a read that an election interrupts is not tried again",
        ),
        (
            journal == Some(false),
            "journal=false: an acknowledged write can be lost when servers lose their power",
        ),
        (
            w == Some(&Acknowledgment::Nodes(1)),
            "w=1: an acknowledged write can be lost with the primary",
        ),
        (
            tls.and_then(|tls| tls.allow_invalid_certificates) == Some(true),
            "that certificates are not checked: whoever is between can read and change everything",
        ),
        (
            !reads_primary(options),
            "readPreference: a read may miss what was just written; what a write rests on is read \
             from the primary all the same",
        ),
    ];
    let found = found.into_iter().filter(|(is_so, _)| *is_so);
    found.map(|(_, lost)| lost).collect()
}

fn enabled_tls(options: &ClientOptions) -> Option<&TlsOptions> {
    match &options.tls {
        Some(Tls::Enabled(tls)) => Some(tls),
        _ => None,
    }
}

fn reads_primary(options: &ClientOptions) -> bool {
    matches!(
        &options.selection_criteria,
        None | Some(SelectionCriteria::ReadPreference(ReadPreference::Primary))
    )
}

fn check_concerns(options: &ClientOptions) -> Result<(), String> {
    let w = options
        .write_concern
        .as_ref()
        .and_then(|concern| concern.w.as_ref());
    if w == Some(&Acknowledgment::Nodes(0)) {
        return Err(
            "w=0 is refused: no write would be acknowledged, and none could be answered for"
                .to_owned(),
        );
    }
    match options.read_concern.as_ref().map(|concern| &concern.level) {
        None | Some(ReadConcernLevel::Local | ReadConcernLevel::Majority) => Ok(()),
        Some(_) => Err(
            "'readConcernLevel' must be local or majority: transactions take no other, and pages \
             are read as of one moment anyway"
                .to_owned(),
        ),
    }
}

/// Mechanisms that the driver knows by name, and credentials that they lack.
fn check_credential(options: &ClientOptions) -> Result<(), String> {
    let Some(credential) = &options.credential else {
        return Ok(());
    };
    let tls = enabled_tls(options);
    let has_environment = credential
        .mechanism_properties
        .as_ref()
        .is_some_and(|properties| properties.contains_key("ENVIRONMENT"));
    let reason = match &credential.mechanism {
        Some(AuthMechanism::Plain | AuthMechanism::MongoDbOidc) if tls.is_none() => {
            "'authMechanism' needs tls=true: passwords and tokens would cross the network in clear"
        }
        Some(AuthMechanism::MongoDbOidc) if !has_environment => {
            "authMechanism=MONGODB-OIDC needs authMechanismProperties=ENVIRONMENT:k8s"
        }
        Some(AuthMechanism::MongoDbX509)
            if tls.is_none_or(|tls| tls.cert_key_file_path.is_none()) =>
        {
            "authMechanism=MONGODB-X509 needs 'tlsCertificateKeyFile'"
        }
        None | Some(AuthMechanism::ScramSha1 | AuthMechanism::ScramSha256)
            if credential.password.is_none() =>
        {
            "there is a user without a password; they stand before the hosts, user:password@"
        }
        _ => return Ok(()),
    };
    Err(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn checked(uri: &str) -> Result<ClientOptions, String> {
        check_text(uri)?;
        let options = ClientOptions::parse(uri).await;
        let options = options.map_err(|error| error.to_string())?;
        check_database(options.default_database.as_deref().unwrap_or_default())?;
        check(&options)?;
        Ok(options)
    }

    #[tokio::test]
    async fn what_would_fail_later_is_refused_with_the_reason() {
        for (uri, reason) in [
            ("http://h", "must begin with mongodb://"),
            ("mongodb://h/?loadBalanced=true", "keep a connection"),
            ("mongodb://h/?w=0", "no write would be acknowledged"),
            (
                "mongodb://h/?WaitQueueTimeoutMS=5",
                "'waitQueueTimeoutMS' is refused",
            ),
            (
                "mongodb://h/?socketTimeoutMS=5",
                "not support socketTimeoutMS",
            ),
            ("mongodb://u:s3/cret@h/", "must be percent-encoded"),
            ("mongodb://u:s3cret%@h/", "must be percent-encoded"),
            ("mongodb://u:s3cret%aé@h/", "must be percent-encoded"),
            (
                "mongodb://h/?readConcernLevel=available",
                "local or majority",
            ),
            (
                "mongodb://h/?readConcernLevel=linearizable",
                "local or majority",
            ),
            (
                "mongodb://h/?readConcernLevel=snapshot",
                "of one moment anyway",
            ),
            ("mongodb://h/?readConcernLevel=s3cret", "local or majority"),
            ("mongodb://u@h/", "without a password"),
            (
                "mongodb://u@h/?authMechanism=SCRAM-SHA-1",
                "without a password",
            ),
            (
                "mongodb://u:s3cret@h/?authMechanism=PLAIN",
                "needs tls=true",
            ),
            ("mongodb://h/?authMechanism=MONGODB-OIDC", "needs tls=true"),
            (
                "mongodb://h/?authMechanism=MONGODB-OIDC&tls=true",
                "ENVIRONMENT:k8s",
            ),
            (
                "mongodb://h/?authMechanism=MONGODB-X509&tls=true",
                "tlsCertificateKeyFile",
            ),
            (
                "mongodb://h/?tlsCAFile=/",
                "'/' of tlsCAFile cannot be read",
            ),
            (
                "mongodb://h/?tlsCertificateKeyFile=/dev/null",
                "holds no certificate",
            ),
        ] {
            let refused = checked(uri).await.unwrap_err();
            assert!(refused.contains(reason), "{uri}: {refused}");
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }

    #[test]
    fn a_database_that_mongodb_forbids_is_refused() {
        let long = "x".repeat(64);
        let controlled = "a\0";
        for name in [
            "a.b", "a b", "$a", "a/b", "a\\b", "a\"", "a*", "a<b", "a:b", "a|b", "a?b", "\u{FFFD}",
            controlled, "admin", "local", "config", &long,
        ] {
            let refused = check_database(name).unwrap_err();
            assert!(refused.contains("database"), "{name}");
        }
        for name in ["shop", "a-b_C1", "é", &long[1..]] {
            assert_eq!(check_database(name), Ok(()), "{name}");
        }
    }

    #[tokio::test]
    async fn what_works_is_taken() {
        for uri in [
            "mongodb://h",
            "mongodb://h/?readConcernLevel=local",
            "mongodb://h/?readConcernLevel=majority",
            "mongodb://u:p@h/?authMechanism=SCRAM-SHA-256",
            "mongodb://u:p@h/?authMechanism=PLAIN&tls=true",
            "mongodb://h/?loadBalanced=false&readPreference=primary&w=acrossRegions",
            "mongodb://h/?authMechanism=MONGODB-OIDC&tls=true\
             &authMechanismProperties=ENVIRONMENT:k8s",
        ] {
            let options = checked(uri).await.unwrap();
            assert_eq!(weaknesses(&options), Vec::<&str>::new(), "{uri}");
        }
    }

    #[tokio::test]
    async fn what_is_given_away_is_said() {
        for (option, lost) in [
            ("retryWrites=false", "is not tried again, and may"),
            ("retryReads=false", "is not tried again"),
            ("journal=false", "lose their power"),
            ("w=1", "lost with the primary"),
            ("tlsInsecure=true", "can read and change everything"),
            (
                "tlsAllowInvalidCertificates=true",
                "can read and change everything",
            ),
            ("readPreference=nearest", "may miss what was just written"),
        ] {
            let options = checked(&format!("mongodb://h/?{option}")).await.unwrap();
            let said = weaknesses(&options);
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].contains(lost), "{said:?}");
        }
    }
}
