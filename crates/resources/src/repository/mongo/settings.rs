//! How the store is reached: a connection string, defaults that fit a request, and what is refused.

use std::time::Duration;

use mongodb::options::{Acknowledgment, ClientOptions, Tls, WriteConcern};

use crate::repository::RepositoryError;

/// Where the connection string names no database.
const DATABASE_DEFAULT: &str = "test";
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Load balancers of the clouds cut idle connections after 350 seconds or more.
const IDLE_TIME_MAX: Duration = Duration::from_mins(5);
const POOL_SIZE_MAX: u32 = 50;
/// After this a write is done but perhaps not yet on most members: its outcome is unknown.
const WRITE_CONCERN_TIMEOUT: Duration = Duration::from_secs(5);

/// How a [`super::MongoRepository`] reaches its server.
#[derive(Clone)]
pub struct MongoSettings {
    /// A connection string, `mongodb://…` or, with the feature `mongodb-srv`, `mongodb+srv://…`.
    /// Its database is used, else `test`. What it leaves out is: `serverSelectionTimeoutMS` and
    /// `connectTimeoutMS` 2000, `maxPoolSize` 50, `maxIdleTimeMS` 300000, `w=majority` with
    /// `wtimeoutMS` 5000, `appName` the application below, no compression.
    pub uri: String,
    /// How this process is called in the logs of the server.
    pub application: String,
    /// The database, where it is not to be the one of the connection string.
    pub database: Option<String>,
    /// Whether clients may know the hosts, which an answer 503 then names. Default: no.
    pub shows_hosts: bool,
    /// The longest that one request to the store takes, retries included. Default 10 s.
    pub operation_timeout: Duration,
}

impl MongoSettings {
    /// The defaults for a connection string.
    #[must_use]
    pub fn new(uri: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            application: concat!("monocoque/", env!("CARGO_PKG_VERSION")).to_owned(),
            database: None,
            shows_hosts: false,
            operation_timeout: Duration::from_secs(10),
        }
    }

    /// The host names and ports, without credentials; empty if the connection string is none.
    #[must_use]
    pub fn hosts(&self) -> String {
        let shown = masked(&self.uri);
        let after_scheme = shown
            .split_once("://")
            .map_or(shown.as_str(), |(_, rest)| rest);
        let authority = after_scheme.split(['/', '?']).next().unwrap_or_default();
        let hosts = authority.rsplit('@').next().unwrap_or_default();
        hosts.to_owned()
    }

    /// The options of the driver and the name of the database.
    ///
    /// # Errors
    /// `Unusable` with the reason, which shows no credentials; `Unavailable` when the name of a
    /// `mongodb+srv` address cannot be resolved.
    pub(super) async fn options(&self) -> Result<(ClientOptions, String), RepositoryError> {
        refuse_what_has_no_effect(&self.uri)?;
        let mut options = ClientOptions::parse(self.uri.as_str())
            .await
            .map_err(|error| self.refusal(&error))?;
        files_can_be_read(options.tls.as_ref())?;
        options
            .server_selection_timeout
            .get_or_insert(SERVER_SELECTION_TIMEOUT);
        options.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
        options.max_pool_size.get_or_insert(POOL_SIZE_MAX);
        options.max_idle_time.get_or_insert(IDLE_TIME_MAX);
        options
            .app_name
            .get_or_insert_with(|| self.application.clone());
        let write_concern = options.write_concern.get_or_insert_default();
        with_majority(write_concern)?;
        let database = self
            .database
            .clone()
            .or_else(|| options.default_database.clone())
            .unwrap_or_else(|| DATABASE_DEFAULT.to_owned());
        Ok((options, database))
    }

    fn refusal(&self, error: &mongodb::error::Error) -> RepositoryError {
        let text = without_secrets(&error.to_string(), &self.uri);
        match error.kind.as_ref() {
            mongodb::error::ErrorKind::DnsResolve { .. } => RepositoryError::Unavailable(text),
            mongodb::error::ErrorKind::InvalidArgument { message, .. } => {
                let reason = without_secrets(message, &self.uri);
                RepositoryError::Unusable(format!(
                    "the connection string is refused: {reason}; one looks like \
                     mongodb://host:27017/database"
                ))
            }
            _ => RepositoryError::Unusable(format!("the connection string is refused: {text}")),
        }
    }
}

impl std::fmt::Debug for MongoSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MongoSettings")
            .field("uri", &masked(&self.uri))
            .field("application", &self.application)
            .field("database", &self.database)
            .field("shows_hosts", &self.shows_hosts)
            .field("operation_timeout", &self.operation_timeout)
            .finish()
    }
}

/// The driver would not say which file it is that it cannot read.
fn files_can_be_read(tls: Option<&Tls>) -> Result<(), RepositoryError> {
    let Some(Tls::Enabled(tls)) = tls else {
        return Ok(());
    };
    let files = [
        ("tlsCAFile", &tls.ca_file_path),
        ("tlsCertificateKeyFile", &tls.cert_key_file_path),
    ];
    for (option, file) in files {
        if let Some(file) = file
            && let Err(error) = std::fs::File::open(file)
        {
            let file = file.display();
            return Err(RepositoryError::Unusable(format!(
                "the file '{file}' of {option} cannot be read: {error}"
            )));
        }
    }
    Ok(())
}

/// An acknowledged write must survive the loss of the primary, so `w` is not weakened by accident.
fn with_majority(write_concern: &mut WriteConcern) -> Result<(), RepositoryError> {
    if write_concern.w == Some(Acknowledgment::Nodes(0)) {
        return Err(RepositoryError::Unusable(
            "w=0 is refused: no write would be acknowledged, and none could be answered for"
                .to_owned(),
        ));
    }
    if write_concern.w.is_none() {
        write_concern.w = Some(Acknowledgment::Majority);
        write_concern.w_timeout.get_or_insert(WRITE_CONCERN_TIMEOUT);
    }
    Ok(())
}

/// Options that the driver reads and then ignores; those it does not know it refuses by itself.
fn refuse_what_has_no_effect(uri: &str) -> Result<(), RepositoryError> {
    let options = uri.split_once('?').map_or("", |(_, options)| options);
    for name in options
        .split('&')
        .filter_map(|option| option.split('=').next())
    {
        if name.eq_ignore_ascii_case("waitQueueTimeoutMS") {
            return Err(RepositoryError::Unusable(format!(
                "the connection string is refused: the driver ignores {name}; the operation \
                 timeout bounds the wait for a connection too"
            )));
        }
    }
    Ok(())
}

/// Options of a connection string whose values are secrets.
const SECRET_OPTIONS: [&str; 3] = [
    "authMechanismProperties",
    "proxyPassword",
    "tlsCertificateKeyFilePassword",
];

/// A connection string as it may be shown: user, password and secret options as `***`.
///
/// Takes any text. What stands before the last `@` is masked even where that is more than the
/// credentials, because a password with characters that should have been escaped is a password.
#[must_use]
pub fn masked(uri: &str) -> String {
    let (scheme, rest) = match uri.find("://") {
        Some(position) if !uri[..position].contains('@') => uri.split_at(position + 3),
        _ => ("", uri),
    };
    let (credentials, rest) = match rest.rfind('@') {
        Some(position) => ("***", &rest[position..]),
        None => ("", rest),
    };
    let Some((before, options)) = rest.split_once('?') else {
        return format!("{scheme}{credentials}{rest}");
    };
    let options: Vec<String> = options.split('&').map(masked_option).collect();
    format!("{scheme}{credentials}{before}?{}", options.join("&"))
}

fn masked_option(option: &str) -> String {
    match option.split_once('=') {
        Some((name, _))
            if SECRET_OPTIONS
                .iter()
                .any(|secret| name.eq_ignore_ascii_case(secret)) =>
        {
            format!("{name}=***")
        }
        _ => option.to_owned(),
    }
}

/// The driver's messages may quote the connection string or a part of it.
fn without_secrets(message: &str, uri: &str) -> String {
    let shown = masked(uri);
    let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let mut secrets: Vec<&str> = vec![uri];
    if let Some((credentials, _)) = after_scheme.rsplit_once('@') {
        secrets.push(credentials);
        secrets.extend(credentials.split(':').filter(|part| !part.is_empty()));
    }
    let mut message = message.to_owned();
    for secret in secrets {
        let replacement = if secret == uri { shown.as_str() } else { "***" };
        message = message.replace(secret, replacement);
    }
    message
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
            ("a:b@h", "***@h"),
            (
                "mongodb://h/?tlsCertificateKeyFilePassword=x&w=1",
                "mongodb://h/?tlsCertificateKeyFilePassword=***&w=1",
            ),
            (
                "mongodb://h/?AUTHMECHANISMPROPERTIES=AWS_SESSION_TOKEN:x",
                "mongodb://h/?AUTHMECHANISMPROPERTIES=***",
            ),
            ("mongodb://localhost", "mongodb://localhost"),
        ] {
            assert_eq!(masked(uri), shown);
        }
    }

    #[test]
    fn hosts_are_named_without_credentials() {
        let settings = MongoSettings::new("mongodb://a:b@h:1,i:2/db?w=1");
        assert_eq!(settings.hosts(), "h:1,i:2");
        assert!(!format!("{settings:?}").contains("a:b"));
    }

    #[tokio::test]
    async fn what_is_left_out_has_safe_values() {
        let (options, database) = MongoSettings::new("mongodb://h").options().await.unwrap();
        assert_eq!(database, "test");
        assert_eq!(
            options.server_selection_timeout,
            Some(Duration::from_secs(2))
        );
        assert_eq!(options.connect_timeout, Some(Duration::from_secs(2)));
        assert_eq!(options.max_pool_size, Some(50));
        assert!(options.app_name.unwrap().starts_with("monocoque/"));
        let write_concern = options.write_concern.unwrap();
        assert_eq!(write_concern.w, Some(Acknowledgment::Majority));
    }

    #[tokio::test]
    async fn what_is_given_is_kept() {
        let uri = "mongodb://h/db?serverSelectionTimeoutMS=500&w=1&maxPoolSize=3&appName=x";
        let (options, database) = MongoSettings::new(uri).options().await.unwrap();
        assert_eq!(database, "db");
        assert_eq!(
            options.server_selection_timeout,
            Some(Duration::from_millis(500))
        );
        assert_eq!(
            options.write_concern.unwrap().w,
            Some(Acknowledgment::Nodes(1))
        );
        assert_eq!(
            (options.max_pool_size, options.app_name.as_deref()),
            (Some(3), Some("x"))
        );
    }

    #[tokio::test]
    async fn options_that_would_not_work_are_refused_by_name() {
        for (option, named) in [
            ("socketTimeoutMS=5", "socketTimeoutMS"),
            ("waitQueueTimeoutMS=5", "waitQueueTimeoutMS"),
            ("timeoutMS=5", "timeoutms"),
            ("maxPoolsize=no", "maxpoolsize"),
            ("w=0", "w=0"),
        ] {
            let uri = format!("mongodb://user:hunter2@h/?{option}");
            let error = MongoSettings::new(&uri).options().await.unwrap_err();
            assert!(matches!(error, RepositoryError::Unusable(_)), "{error}");
            let text = error.to_string();
            assert!(
                text.to_lowercase().contains(&named.to_lowercase()),
                "{text}"
            );
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_masking_panic(text in "\\PC{0,60}", scheme in "(mongodb://)?") {
            let shown = masked(&format!("{scheme}{text}"));
            prop_assert!(shown.starts_with(&scheme));
        }

        #[test]
        fn no_password_is_ever_shown(
            user in "[a-z]{3}",
            password in "[A-Z:/?@&=#%]{6,20}",
            rest in "[a-z.]{1,9}(/[a-z]{0,5})?(\\?[a-z]=[a-z])?",
        ) {
            let shown = masked(&format!("mongodb://{user}:{password}@{rest}"));
            prop_assert_eq!(shown, format!("mongodb://***@{rest}"));
        }
    }
}
