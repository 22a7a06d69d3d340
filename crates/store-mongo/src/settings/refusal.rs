//! How a connection string is refused.

use mongodb::error::{Error, ErrorKind};

use resources::store::StoreError;

/// A connection string that is refused for this reason.
pub(super) fn because(reason: impl std::fmt::Display) -> StoreError {
    StoreError::Unusable(format!("the connection string is refused: {reason}"))
}

/// What the driver says of options that are fine by themselves, and how it is said here. Its
/// messages are not passed on, because others of them hold values.
const CONTRADICTIONS: [(&str, &str); 19] = [
    (
        "cannot specify multiple seeds with directConnection=true",
        "'directConnection' goes with one host alone",
    ),
    (
        "srvServiceName cannot be specified with a non-SRV URI",
        "'srvServiceName' goes with mongodb+srv:// alone",
    ),
    (
        "srvMaxHosts cannot be specified with a non-SRV URI",
        "'srvMaxHosts' goes with mongodb+srv:// alone",
    ),
    (
        "srvMaxHosts and replicaSet cannot both be present",
        "'srvMaxHosts' does not go with 'replicaSet'",
    ),
    (
        "cannot use SRV-style URI with directConnection=true",
        "'directConnection' does not go with mongodb+srv://",
    ),
    (
        "a port cannot be specified with 'mongodb+srv'",
        "mongodb+srv:// goes with a name without a port",
    ),
    (
        "exactly one host must be specified with 'mongodb+srv'",
        "mongodb+srv:// goes with one name alone",
    ),
    (
        "unix sockets cannot be used with 'mongodb+srv'",
        "mongodb+srv:// goes with a name, not with a socket",
    ),
    (
        "cannot set both tlsinsecure and tlsallowinvalidcertificates in the connection string",
        "'tlsInsecure' does not go with 'tlsAllowInvalidCertificates'",
    ),
    (
        "cannot set tlsinsecure when TLS is disabled",
        "'tlsInsecure' does not go with tls=false",
    ),
    (
        "cannot set tlsallowinvalidcertificates when TLS is disabled",
        "'tlsAllowInvalidCertificates' does not go with tls=false",
    ),
    (
        "'tlsCAFile' can't be set if tls=false",
        "'tlsCAFile' does not go with tls=false",
    ),
    (
        "'tlsCertificateKeyFile' can't be set if tls=false",
        "'tlsCertificateKeyFile' does not go with tls=false",
    ),
    (
        "cannot set {key}={tls} if other TLS options are set",
        "tls=false does not go with other options of TLS",
    ),
    (
        "username and mechanism both not provided, but authentication was requested",
        "there is an '@' and no user before it",
    ),
    (
        "No username provided for SCRAM authentication",
        "'authMechanism' wants a user and a password before the hosts",
    ),
    (
        "No username provided for PLAIN authentication",
        "authMechanism=PLAIN wants a user and a password before the hosts",
    ),
    (
        "No password provided for PLAIN authentication",
        "authMechanism=PLAIN wants a user and a password before the hosts",
    ),
    (
        "A password cannot be specified with MONGODB-X509",
        "authMechanism=MONGODB-X509 goes without a password",
    ),
];

/// What the driver said against a connection string whose parts are all fine.
pub(super) fn of(error: &Error) -> StoreError {
    match error.kind.as_ref() {
        ErrorKind::DnsResolve { .. } => {
            StoreError::Unavailable("the name after mongodb+srv:// cannot be resolved".to_owned())
        }
        ErrorKind::InvalidArgument { message, .. } => {
            let known = CONTRADICTIONS.iter().find(|(said, _)| said == message);
            because(known.map_or(
                "the driver cannot do what its options and credentials say together",
                |(_, reason)| reason,
            ))
        }
        _ => because("the driver cannot read it"),
    }
}
