//! How the store is reached: a connection string, defaults that fit a request, and what is refused.

mod mask;
mod requirements;
mod pem;

use std::time::Duration;

use mongodb::error::{Error, ErrorKind};
use mongodb::options::{Acknowledgment, ClientOptions, ServerAddress, WriteConcern};
use resources::store::StoreError;

pub use mask::masked;

/// Where the connection string names no database.
const DATABASE_DEFAULT: &str = "test";
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Load balancers of the clouds cut idle connections after 4 minutes or more.
const IDLE_TIME_MAX: Duration = Duration::from_mins(3);
const POOL_SIZE_MAX: u32 = 50;
/// After this a write may not be on most members yet: its outcome is unknown.
const WRITE_CONCERN_TIMEOUT: Duration = Duration::from_secs(5);

/// How a [`super::MongoStore`] reaches its server.
#[derive(Clone)]
pub struct MongoSettings {
    /// A connection string, `mongodb://…` or, with the feature `mongodb-srv`, `mongodb+srv://…`.
    /// Blanks around it do not count. Its database is used, else `test`. What it leaves out is:
    /// `serverSelectionTimeoutMS` and `connectTimeoutMS` 2000, `maxPoolSize` 50,
    /// `maxIdleTimeMS` 180000, `w=majority` with `wtimeoutMS` 5000, `appName` the application
    /// below, no compression.
    pub uri: String,
    /// How this process is called in the logs of the server.
    pub application: String,
    /// The database; default: that of the connection string.
    pub database: Option<String>,
    /// Whether clients may know the hosts, which an answer 503 then names. Default: no.
    pub shows_hosts: bool,
    /// The longest that one request to the store takes, retries included. Default 10 s.
    pub operation_timeout: Duration,
    /// A page with more text than this is read and sent batch by batch, in bytes; each batch has
    /// as much, or one resource. Default 1 MiB.
    pub page_bytes_max: usize,
    /// What the batches of all pages that are being sent may hold together, in bytes. Default
    /// 256 MiB.
    pub page_streams_bytes_max: usize,
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
            page_bytes_max: 1 << 20,
            page_streams_bytes_max: 256 << 20,
        }
    }

    /// The options of the driver and the name of the database.
    ///
    /// # Errors
    /// `Unusable` with the reason, which shows no credentials; `Unavailable` when the name of a
    /// `mongodb+srv` address cannot be resolved.
    pub(crate) async fn options(&self) -> Result<(ClientOptions, String), StoreError> {
        // Files of secrets often end with a newline; after a database it would belong to that.
        let uri = self.uri.trim();
        requirements::check_text(uri).map_err(refused)?;
        let parsed = ClientOptions::parse(uri).await;
        let mut options = parsed.map_err(|error| refused_by_driver(uri, &error))?;
        requirements::check(&options).map_err(refused)?;
        options
            .server_selection_timeout
            .get_or_insert(SERVER_SELECTION_TIMEOUT);
        options.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
        options.max_pool_size.get_or_insert(POOL_SIZE_MAX);
        options.max_idle_time.get_or_insert(IDLE_TIME_MAX);
        options
            .app_name
            .get_or_insert_with(|| self.application.clone());
        with_majority(options.write_concern.get_or_insert_default());
        let database = self
            .database
            .clone()
            .or_else(|| options.default_database.clone())
            .unwrap_or_else(|| DATABASE_DEFAULT.to_owned());
        requirements::check_database(&database).map_err(refused)?;
        for lost in requirements::weaknesses(&options) {
            tracing::warn!("the connection string says {lost}");
        }
        Ok((options, database))
    }
}

fn refused(reason: impl std::fmt::Display) -> StoreError {
    StoreError::Unusable(format!("the connection string is refused: {reason}"))
}

fn refused_by_driver(uri: &str, error: &Error) -> StoreError {
    match error.kind.as_ref() {
        ErrorKind::DnsResolve { .. } => {
            StoreError::Unavailable("the name after mongodb+srv:// cannot be resolved".to_owned())
        }
        ErrorKind::InvalidArgument { message, .. } => refused(mask::without_parts(message, uri)),
        _ => refused("the driver cannot read it"),
    }
}

/// Host names and ports as they may be shown.
pub(crate) fn hosts(options: &ClientOptions) -> String {
    let host = |host: &ServerAddress| match host {
        // Its colons are not those before a port.
        ServerAddress::Tcp { host, port } if host.contains(':') => {
            format!("[{host}]:{}", port.unwrap_or(27017))
        }
        host => host.to_string(),
    };
    let hosts: Vec<String> = options.hosts.iter().map(host).collect();
    hosts.join(",")
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
            .field("page_bytes_max", &self.page_bytes_max)
            .field("page_streams_bytes_max", &self.page_streams_bytes_max)
            .finish()
    }
}

/// An acknowledged write must survive the loss of the primary, so `w` is not weakened by accident.
fn with_majority(write_concern: &mut WriteConcern) {
    if write_concern.w.is_none() {
        write_concern.w = Some(Acknowledgment::Majority);
        write_concern.w_timeout.get_or_insert(WRITE_CONCERN_TIMEOUT);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test]
    async fn hosts_are_named_without_credentials_and_options() {
        for (uri, named) in [
            ("mongodb://a:b@h:1,i:2/db?w=1", "h:1,i:2"),
            ("mongodb://h/?appName=a@b", "h:27017"),
            ("mongodb://u:p@H,[::1]:5/?appName=a@b\n", "h:27017,[::1]:5"),
            ("mongodb://u:p@%2Ftmp%2Fm.sock/", "/tmp/m.sock"),
        ] {
            let settings = MongoSettings::new(uri);
            let (options, _) = settings.options().await.unwrap();
            assert_eq!(hosts(&options), named);
            let shown = format!("{settings:?}");
            for hidden in ["a:b", "u:p", "w=1", "a@b"] {
                assert!(!shown.contains(hidden), "{shown}");
            }
        }
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
        assert_eq!(options.max_idle_time, Some(Duration::from_mins(3)));
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
    async fn blanks_around_the_connection_string_do_not_count() {
        let (_, database) = MongoSettings::new("\t mongodb://h/shop \r\n")
            .options()
            .await
            .unwrap();
        assert_eq!(database, "shop");
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
            assert!(matches!(error, StoreError::Unusable(_)), "{error}");
            let text = error.to_string();
            assert!(
                text.to_lowercase().contains(&named.to_lowercase()),
                "{text}"
            );
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    /// What connecting says, where it goes wrong.
    async fn said(uri: &str) -> Option<String> {
        let settings = MongoSettings::new(uri);
        let refused = settings.options().await.err();
        refused.map(|error| format!("{error} {error:?}"))
    }

    #[tokio::test]
    async fn what_the_driver_refuses_is_said_in_its_words() {
        for (uri, reason) in [
            (
                "mongodb://a,b/?directConnection=true",
                "cannot specify multiple seeds",
            ),
            ("mongodb://a/?tls=false&tlsCAFile=x", "can't be set if tls="),
            (
                "mongodb://a/?srvMaxHosts=1",
                "srvMaxHosts cannot be specified",
            ),
            ("mongodb://@a/", "authentication was requested"),
            ("mongodb://a/?authMechanism=PLAIN", "No username provided"),
            (
                "mongodb://u:p@host/?authMechanism=MONGODB-X509",
                "A password cannot be specified",
            ),
            (
                "mongodb://a/?maxPolSize=1",
                "similar name exists: maxpoolsize",
            ),
            ("mongodb://a/?proxyHost=h", "cannot specify proxyhost"),
        ] {
            let said = said(uri).await.expect("a refusal");
            assert!(said.contains(reason), "{uri}: {said}");
        }
    }

    /// Secrets, as they are and percent-encoded, in all places where they stand or are put by
    /// mistake.
    fn with_secrets() -> impl Strategy<Value = (String, Vec<String>)> {
        let encoded = |text: &str| {
            let bytes: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            bytes.concat()
        };
        // Without digits, which could be a port, and without letters of which options are made.
        let text = || "[A-F]{3}[A-F/?#@:%&=+ é]{0,6}[A-F]{9}";
        let mistakes = prop::sample::select(vec![
            "mongodb://USER:SECRET@h/?w=0",
            "mongodb://USER:SECRET@h:x/",
            "mongodb://USER:SECRET@h/?tls=SECRET",
            "mongodb://USER:SECRET@h/SECRET.b",
            "mongodb://USER:SECRET@h/?SECRET",
            "mongodb://USER:SECRET@h/?SECRET=1",
            "mongodb://USER:SECRET",
            "mongodb://USER:SECRET/db",
            "mongodb://USER:SECRET?w=1",
            "mongodb://USER:SECRET@",
            "mongodb://USER@h/?authMechanism=SECRET",
            "mongodb://USER@h/?authMechanism=MONGODB-X509",
            "mongodb://h/?authMechanismProperties=SECRET",
            "mongodb://h/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:SECRET",
            "mongodb://h/?authMechanism=MONGODB-OIDC&authMechanismProperties=SECRET:azure",
            "mongodb://h/?proxyHost=p&proxyUsername=USER&proxyPassword=SECRET",
            "mongodb://h/?tlsCertificateKeyFile=/&tlsCertificateKeyFilePassword=SECRET",
            "http://USER:SECRET@h/",
            "USER:SECRET@h",
            "SECRET",
        ]);
        (mistakes, text(), text(), prop::bool::ANY).prop_map(move |(uri, user, secret, encode)| {
            // What stands after the last '@' cannot be told from a host.
            let elsewhere = uri.replace("SECRET@h", "").contains("SECRET");
            let without_at = secret.replace('@', "");
            let secret = if elsewhere { without_at } else { secret };
            let written = |text: &str| {
                if encode {
                    encoded(text)
                } else {
                    text.to_owned()
                }
            };
            let uri = uri.replace("USER", &written(&user));
            let uri = uri.replace("SECRET", &written(&secret));
            let end = |text: &str| text[text.len() - 9..].to_owned();
            let ends = [end(&user), end(&secret)];
            let mut secrets = vec![user, secret];
            secrets.extend(ends);
            secrets.extend_from_within(..);
            for text in &mut secrets[4..] {
                *text = encoded(text);
            }
            (uri, secrets)
        })
    }

    proptest! {
        #[test]
        fn nothing_that_is_said_of_a_connection_string_holds_a_secret(
            (uri, secrets) in with_secrets(),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let said = runtime.block_on(said(&uri));
            prop_assert!(said.is_some() || !uri.contains("@h/?w=0"), "{} is taken", uri);
            let settings = format!("{:?}", MongoSettings::new(&uri));
            for text in [said.unwrap_or_default(), masked(&uri), settings] {
                for secret in &secrets {
                    prop_assert!(!text.contains(secret.as_str()), "{text} shows {secret}");
                }
            }
        }
    }
}
