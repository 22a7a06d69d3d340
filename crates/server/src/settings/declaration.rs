//! The settings themselves.

use std::path::PathBuf;
use std::time::Duration;

use chassis::client::{ForwardedHeader, TrustedProxies};
use chassis::health::Policy;
use chassis::serve::Address;
use chassis::stack::{Hosts, Origins};
use chassis::telemetry::LogMode;
use chassis::telemetry::otlp::Endpoint;
use chassis::tls::ClientCertificates;

use super::list::settings;
use super::value::{DrainReadiness, FileMode, Rate, Ratio, Size};
use super::{LogFilter, Secret};

settings! {
    "Addresses and files" {
        /// Address and port of the services, or unix: and the path of a socket. Port 0 takes any
        /// free one. A socket that a service manager passes on (LISTEN_FDS) takes its place.
        listen: Address = "127.0.0.1:8000";
        /// Address and port of the operations routes, apart from the services, or unix: and the
        /// path of a socket. A second socket that is passed on takes its place.
        admin_listen: Address = "127.0.0.1:9000";
        /// Who may connect to Unix sockets, as in chmod: whoever may write.
        unix_socket_mode: FileMode = "0600";
        /// Whether other processes may listen on the address of the services too, which then
        /// share its connections: true or false.
        reuse_port: bool = "false";
        /// Directory of the embedded store; made where absent.
        data_dir: PathBuf = "./data";
        /// What the files of the embedded store and exported files may be used for, as in chmod.
        /// Whoever may read the files of the store may enter its directory, if it is made here.
        files_mode: FileMode = "0600";
        /// Directory in which POST /-/backup on the operations port makes backups of the embedded
        /// store; without it there is no such route.
        backup_dir: Option<PathBuf> = "";
        /// How much of the embedded store a backup copies in a second, at most.
        backup_bytes_per_second_max: Size = "64MiB" from "64KiB" to "64GiB";
        /// Directory of definition files (*.yaml), one for each resource type, or one such file.
        /// Without it there are the built-in contacts.
        resources: Option<PathBuf> = "";
    }
    "MongoDB" {
        /// URI of a MongoDB deployment, in the place of the embedded store. It may hold a
        /// password.
        mongo_uri: Option<Secret> = "" also "MONGO_URI", secret;
        /// How long one request to MongoDB may take, its retries included; less than a request as
        /// a whole may take. With more than an election takes (about 10s), writes wait for its
        /// end; with less they are answered with 503 meanwhile.
        mongo_operation_timeout_ms: Duration = "2500ms" from "1ms" to "1h";
        /// Whether an answer 503 names the hosts of MongoDB, without credentials: true or false.
        mongo_shows_hosts: bool = "false";
    }
    "Log" {
        /// How log lines look: JSON or LOGFMT for programs, LOCAL for people.
        log_mode: LogMode = "JSON" also "LOG_MODE";
        /// Which log lines are written: error, warn, info, debug, trace, or rules for single
        /// modules such as 'info,chassis=debug'.
        log_filter: LogFilter = "info";
        /// What the process is called in log lines and traces.
        service_name: String = "monocoque";
        /// How much of its lines about refused requests and failures each place of the code may
        /// log in a second, and 64 times as much at once; the others are counted. 0 for no bound.
        log_failures_bytes_per_second: Size = "16KiB" from "0" to "1GiB";
    }
    "Telemetry" {
        /// Whether requests, the store and the process are measured, which /metrics on the port of
        /// the operations tells: true or false.
        metrics: bool = "true";
        /// Whether each request has a trace, that of its caller or a new one, which the log names:
        /// true or false.
        trace_context: bool = "true";
        /// Which part of the traces that begin here is recorded, from 0 to 1. Callers decide for
        /// theirs.
        trace_sample_ratio: Ratio = "1";
        /// Where a collector takes OTLP over HTTP, such as <http://localhost:4318>. Spans, metrics
        /// and log records go there. Without it nothing is exported.
        otlp_endpoint: Option<Endpoint> = "";
        /// How often the metrics go there.
        otlp_metrics_interval_ms: Duration = "60s" from "1s" to "1h";
    }
    "Requests" {
        /// The largest request body.
        request_body_bytes_max: Size = "1MiB" from "1" to "1GiB";
        /// Whether request bodies of other or absent media types are read as plain JSON: true or
        /// false. Pages of any origin may send such requests without asking the server first.
        request_body_any_media_type: bool = "false";
        /// How much all request bodies may hold together, from their first byte to the answer.
        request_bodies_bytes_max: Size = "128MiB" from "1" to "64GiB";
        /// Request bodies that may be coming at once. For one more, the one that has been coming
        /// longest is refused.
        request_bodies_max: usize = "4096" from "1" to "1000000";
        /// The largest page that is held as a whole. A larger one is read and sent in batches of
        /// this size, each when the client has taken the one before it.
        page_bytes_max: Size = "1MiB" from "1KiB" to "1GiB";
        /// How much the batches of all such pages may hold together, and how much all answers
        /// that clients have not taken yet; for more, 503.
        page_streams_bytes_max: Size = "256MiB" from "1KiB" to "64GiB";
        /// The largest answer that lists what is wrong with a request; it says how much it leaves
        /// out.
        error_body_bytes_max: Size = "64KiB" from "1KiB" to "64MiB";
        /// What written answers that are kept for the next reader may hold together; 0 keeps none.
        /// Only the embedded store tells when they are out of date.
        answer_cache_bytes_max: Size = "64MiB" from "0" to "64GiB";
        /// How many relationships a path of `include` goes through at most.
        include_depth_max: usize = "4" from "0" to "16";
        /// How many atomic operations one request has at most.
        operations_max: usize = "100" from "1" to "10000";
        /// How long an `Idempotency-Key` is known after its request was done.
        idempotency_key_ttl_ms: Duration = "1d" from "1s" to "365d";
        /// The largest answer that is kept under an `Idempotency-Key`; a request that would leave
        /// a larger one is refused.
        idempotency_answer_bytes_max: Size = "4MiB" from "1KiB" to "12MiB";
        /// What is kept under all keys together; at more, requests with a new key are answered with
        /// 503. Over MongoDB this is looked at every ten seconds.
        idempotency_bytes_max: Size = "1GiB" from "0" to "1024GiB";
        /// How long a request body may take to come before it is answered with 408.
        body_read_timeout_ms: Duration = "15s" from "1ms" to "1h";
        /// How long a request may take, from the end of its body, before it is answered with 504.
        /// Streaming of an answer does not count.
        request_timeout_ms: Duration = "30s" from "1ms" to "1h";
        /// Requests that are handled at once; more are answered with 503.
        requests_in_flight_max: usize = "4096" from "1" to "1000000";
    }
    "Feeds of changes" {
        /// Feeds of changes that differ in what they show: in type, filter or fields. Readers who
        /// see the same share one. For more, 503.
        feeds_max: usize = "100" from "1" to "10000";
        /// Readers of all feeds together, each of whom keeps a connection; more are answered with
        /// 503.
        feed_readers_max: usize = "4096" from "1" to "1000000";
        /// What the latest changes of one feed may hold together. A reader who lags further behind
        /// is cut off.
        feed_buffer_bytes_max: Size = "256KiB" from "1KiB" to "1GiB";
        /// How often a feed without changes shows that its connection is alive.
        feed_heartbeat_ms: Duration = "15s" from "10ms" to "1h";
        /// How many of the latest changes the embedded store keeps for readers who come back, of
        /// all types together; up to an eighth more may be there. Each takes about 60 bytes and the
        /// id.
        changes_kept: usize = "100000" from "1" to "100000000";
    }
    "Connections" {
        /// Connections at once; for more, idle ones are closed, or they wait to be accepted. At
        /// most as many as the limit of file descriptors allows.
        connections_max: usize = "16384" from "1" to "1000000";
        /// How long the head of a request may take to come.
        header_read_timeout_ms: Duration = "10s" from "1ms" to "1h";
        /// The largest head of a request.
        head_bytes_max: Size = "128KiB" from "8KiB" to "1MiB";
        /// How long a connection may be idle between requests. A proxy in front must give up idle
        /// connections sooner.
        idle_timeout_ms: Duration = "75s" from "1ms" to "1d";
        /// How long a client may leave an answer untaken before its connection is cut.
        write_timeout_ms: Duration = "30s" from "1ms" to "1h";
        /// The age at which a connection is closed after an answer, less up to a tenth by chance,
        /// so that clients spread over new replicas.
        connection_age_max_ms: Duration = "1h" from "1ms" to "365d";
        /// Requests at once on one connection of HTTP/2.
        http2_streams_max: usize = "100" from "1" to "10000";
    }
    "TLS" {
        /// PEM file with the certificate of the services, then those that lead from it to one
        /// that clients know. With it their address speaks TLS alone.
        tls_certificate: Option<PathBuf> = "";
        /// PEM file with its private key, not encrypted.
        tls_key: Option<PathBuf> = "";
        /// PEM file with the authorities that certificates of clients come from.
        tls_client_ca: Option<PathBuf> = "";
        /// Whether clients must show a certificate of those: required or optional.
        tls_client_certificates: ClientCertificates = "required";
        /// The certificate of the operations routes, in a file as that of the services.
        admin_tls_certificate: Option<PathBuf> = "";
        /// Its private key, in a file as that of the services.
        admin_tls_key: Option<PathBuf> = "";
        /// The authorities that certificates of their clients come from.
        admin_tls_client_ca: Option<PathBuf> = "";
        /// Whether their clients must show a certificate of those: required or optional.
        admin_tls_client_certificates: ClientCertificates = "required";
        /// How long the handshake of TLS may take, and the header of the PROXY protocol.
        tls_handshake_timeout_ms: Duration = "10s" from "1ms" to "1h";
        /// How often the files are looked at for a new certificate; SIGHUP looks at once.
        tls_reload_interval_ms: Duration = "10s" from "100ms" to "1d";
    }
    "Clients" {
        /// Peers that may say for whom they ask: addresses, networks such as 10.0.0.0/8, and
        /// unix for whoever connects to a Unix socket; commas between them.
        trusted_proxies: TrustedProxies = "";
        /// The one header that they say it in: x-forwarded-for or forwarded.
        forwarded_header: ForwardedHeader = "x-forwarded-for";
        /// Whether trusted proxies begin each connection to the services with a header of the
        /// PROXY protocol, version 1 or 2: true or false.
        proxy_protocol: bool = "false";
        /// How many requests each client may make in which time, in the long run, such as 600/1m;
        /// more are answered with 429. Without it any number.
        rate_limit: Option<Rate> = "";
        /// How many requests a client may make at once after a silence; 0 is the count of the
        /// rate.
        rate_limit_burst: u64 = "0" from "0" to "1000000";
        /// Of how many clients it is remembered what they asked; those that have not asked for
        /// longest are forgotten first.
        rate_limit_clients_max: usize = "100000" from "1000" to "10000000";
        /// Whether answers tell where their client stands, in the headers of the draft for rate
        /// limits: true or false.
        rate_limit_headers: bool = "true";
        /// How many connections each client may have; more are closed. 0 is any number.
        connections_per_client_max: usize = "0" from "0" to "1000000";
        /// How much the request bodies of one client may hold together, from their first byte to
        /// the answer; for more, 429. 0 is any amount.
        request_bodies_bytes_per_client_max: Size = "0" from "0" to "64GiB";
    }
    "Browsers" {
        /// Hosts that requests may name, with commas between them; *.example.com is every name
        /// below example.com, * alone any host. Without it: on a loopback address localhost, names
        /// below it and IP addresses, elsewhere any. For others, 421.
        hosts: Option<Hosts> = "";
        /// Origins whose pages may read answers, as browsers send them with their scheme; commas
        /// between them.
        cors_origins: Option<Origins> = "";
        /// Whether /ping and / of the services tell which version runs, and /ping its commit and
        /// compiler, as /ping of the operations does: true or false.
        version_shown: bool = "false";
    }
    "Compression" {
        /// Whether answers are compressed for clients that take it: true or false.
        compression: bool = "true";
        /// The smallest answer that is compressed.
        compressed_bytes_min: Size = "1KiB" from "0" to "1GiB";
    }
    "Health" {
        /// Threads that serve requests; 0 takes as many as there are processors.
        worker_threads: usize = "0" from "0" to "1024";
        /// How long a worker thread may stand still before the log names it.
        worker_slow_after_ms: Duration = "1s" from "250ms" to "1h";
        /// How long a worker thread may stand still before liveness fails.
        worker_stuck_after_ms: Duration = "10s" from "250ms" to "1h";
        /// Whether the process ends with code 71 when all worker threads stand still: true or
        /// false.
        exit_when_stuck: bool = "false";
        /// What a failing store means for readiness: required, degraded (ready after the first
        /// success) or informational.
        store_policy: Policy = "required";
        /// How often the store is checked while no request uses it; at least twice a second while
        /// it fails.
        store_check_interval_ms: Duration = "500ms" from "10ms" to "1h";
        /// How long a check of the store may take.
        store_check_timeout_ms: Duration = "2500ms" from "10ms" to "1h";
        /// Failures of the store in a row that make it failing.
        store_failures_to_fail: usize = "1" from "1" to "1000";
        /// Successes in a row that end that.
        store_successes_to_recover: usize = "1" from "1" to "1000";
    }
    "Stopping" {
        /// When the drain shows in readiness: immediately, after-delay or never.
        drain_readiness: DrainReadiness = "immediately";
        /// How long new connections are still taken after the process was told to stop, so that
        /// load balancers can turn away.
        drain_delay_ms: Duration = "2s" from "0" to "10m";
        /// How long idle connections of HTTP/1 are kept after that for requests that may be on
        /// their way.
        drain_quiet_ms: Duration = "3s" from "1ms" to "10m";
        /// How long unfinished requests have after the delay before they are cut.
        drain_timeout_ms: Duration = "30s" from "1ms" to "1h";
    }
    "Fibonacci" {
        /// How far a Fibonacci list may reach, in numbers.
        fibonacci_count_max: u64 = "100000" from "0" to "100000000";
        /// Fibonacci lists up to this count are slices of one text made once.
        fibonacci_table_count_max: u64 = "10000" from "0" to "1000000";
        /// The largest n of /fibonacci/N.
        fibonacci_index_max: u64 = "10000000" from "0" to "100000000";
        /// Memory that unfinished Fibonacci answers may hold together.
        fibonacci_streaming_bytes_max: Size = "256MiB" from "1" to "64GiB";
        /// Large Fibonacci numbers that are computed at once.
        fibonacci_computations_max: usize = "2" from "1" to "1024";
        /// Form of the Fibonacci generator: auto, or one form to force.
        fibonacci_generator: fibonacci::Generator = "auto";
    }
}
