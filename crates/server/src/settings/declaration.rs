//! The settings themselves.

use std::net::SocketAddr;
use std::path::PathBuf;

use chassis::telemetry::LogMode;

use super::value::SettingValue;
use super::{Effective, LogFilter, Secret, Setting};
use crate::redaction::without_password;

/// Makes the struct, its reading and its description from one list.
macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $type:ty = $default:literal $(also $variable:literal)? $(, $secret:ident)?;
    )+) => {
        /// The settings of a process, each within its bounds.
        #[derive(Debug, Clone)]
        pub(crate) struct Settings {
            $( $(#[doc = $doc])+ pub(crate) $name: $type, )+
        }

        impl Settings {
            /// All settings, in the order of the list.
            pub(crate) const ALL: &[Setting] = &[
                $( Setting {
                    name: stringify!($name),
                    doc: concat!($($doc, "\n"),+),
                    default: $default,
                    variable: settings!(@variable $($variable)?),
                    secret: settings!(@secret $($secret)?),
                }, )+
            ];

            /// Reads every value, or says of each bad one what is wrong with it.
            pub(super) fn parse(values: &[Effective]) -> Result<Self, Vec<String>> {
                let mut problems = Vec::new();
                let mut values = values.iter();
                $( let $name = read::<$type>(values.next(), &mut problems); )+
                match ($($name,)+) {
                    ($(Some($name),)+) => Ok(Self { $($name),+ }),
                    _ => Err(problems),
                }
            }
        }
    };
    (@variable) => { None };
    (@variable $variable:literal) => { Some($variable) };
    (@secret) => { false };
    (@secret secret) => { true };
}

fn read<T: SettingValue>(value: Option<&Effective>, problems: &mut Vec<String>) -> Option<T> {
    let value = value?;
    match T::parse(&value.text) {
        Ok(parsed) => Some(parsed),
        Err(reason) => {
            let (name, origin) = (value.setting.name, &value.origin);
            let shown = if value.setting.secret {
                format!("'…' {reason}")
            } else {
                // The reason may repeat the value.
                without_password(&format!("'{}' {reason}", value.text), &value.text)
            };
            problems.push(format!("the setting '{name}' ({origin}): {shown}"));
            None
        }
    }
}

settings! {
    /// Address and port of the services. Port 0 takes any free one.
    listen: SocketAddr = "127.0.0.1:8000";
    /// Address and port of the operations routes, apart from the services.
    admin_listen: SocketAddr = "127.0.0.1:9000";
    /// Directory of the embedded store; made where absent.
    data_dir: PathBuf = "./data";
    /// Directory of definition files (*.yaml), one for each resource type. Without it there are
    /// the built-in contacts.
    resources: Option<PathBuf> = "";
    /// URI of a MongoDB deployment, in the place of the embedded store. It may hold a password.
    mongo_uri: Option<Secret> = "" also "MONGO_URI", secret;
    /// How long one request to MongoDB may take, its retries included, in milliseconds; less than
    /// a request as a whole may take.
    mongo_operation_timeout_ms: u64 = "10000";
    /// Whether an answer 503 names the hosts of MongoDB, without credentials: true or false.
    mongo_shows_hosts: bool = "false";
    /// How log lines look: JSON for programs, LOCAL for people.
    log_mode: LogMode = "JSON" also "LOG_MODE";
    /// Which log lines are written: error, warn, info, debug, trace, or rules for single modules
    /// such as 'info,chassis=debug'.
    log_filter: LogFilter = "info";
    /// The largest request body, in bytes.
    request_body_bytes_max: usize = "1048576";
    /// The largest answer that lists what is wrong with a request, in bytes; it says how much it
    /// leaves out.
    error_body_bytes_max: usize = "65536";
    /// Whether request bodies of other or absent media types are read as plain JSON: true or false.
    /// Pages of any origin may send such requests without asking the server first.
    request_body_any_media_type: bool = "false";
    /// How long a request may take before it is answered with 504, in milliseconds. Streaming of
    /// a body does not count.
    request_timeout_ms: u64 = "30000";
    /// Requests that are handled at once; more are answered with 503.
    requests_in_flight_max: usize = "4096";
    /// Connections at once; more wait to be accepted.
    connections_max: usize = "16384";
    /// How long a new connection may take to send the head of its first request, in milliseconds.
    header_read_timeout_ms: u64 = "10000";
    /// How long a connection may be idle between requests, in milliseconds. A proxy in front must
    /// give up idle connections sooner.
    idle_timeout_ms: u64 = "75000";
    /// How long unfinished requests have at shutdown before they are cut, in milliseconds.
    drain_timeout_ms: u64 = "30000";
    /// How far a Fibonacci list may reach, in numbers.
    fibonacci_count_max: u64 = "100000";
    /// Fibonacci lists up to this count are slices of one text made at the start.
    fibonacci_table_count_max: u64 = "10000";
    /// The largest n of /fibonacci/{n}.
    fibonacci_index_max: u64 = "10000000";
    /// Bytes of memory that unfinished Fibonacci answers may hold together.
    fibonacci_streaming_bytes_max: u64 = "268435456";
    /// Large Fibonacci numbers that are computed at once.
    fibonacci_computations_max: usize = "2";
    /// Form of the Fibonacci generator: auto, or one form to force.
    fibonacci_generator: fibonacci::Generator = "auto";
}
