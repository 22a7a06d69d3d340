//! File, environment and flags, and what `config` says about them.

use toml::Table;

use super::run;
use crate::harness::{Invocation, Outcome, Setup, folder_with};

const URI: &str = "mongodb://user:hunter2@db.example/contacts";

/// The values that `config` prints.
#[track_caller]
fn values(outcome: &Outcome) -> Table {
    outcome.output().parse().expect("a settings file")
}

/// The line of `config` that says where a value comes from.
#[track_caller]
fn origin<'a>(outcome: &'a Outcome, name: &str) -> &'a str {
    let lines: Vec<&str> = outcome.output().lines().collect();
    let at = lines.iter().position(|line| {
        let line = line.trim_start_matches("# ");
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(" = "))
    });
    let line = lines[at.expect("the setting") - 1];
    line.split_once("Value from: ").expect("an origin").1
}

#[test]
fn config_says_of_every_setting_where_it_comes_from() {
    let folder = folder_with(&[("m.toml", "log_filter = 'warn'\nlisten = '127.0.0.1:1'\n")]);
    let file = folder.path().join("m.toml").display().to_string();
    let outcome = Invocation::new(&["config", "--config", &file, "--data-dir", "elsewhere"])
        .variable("MONOCOQUE_LISTEN", "127.0.0.1:2")
        .variable("LOG_MODE", "LOCAL")
        .run();
    let values = values(&outcome);
    for (name, value, from) in [
        ("log_filter", "warn", format!("file {file}.")),
        (
            "listen",
            "127.0.0.1:2",
            "environment MONOCOQUE_LISTEN.".to_owned(),
        ),
        ("log_mode", "LOCAL", "environment LOG_MODE.".to_owned()),
        ("data_dir", "elsewhere", "flag --data-dir.".to_owned()),
        ("admin_listen", "127.0.0.1:9000", "default.".to_owned()),
    ] {
        assert_eq!(values[name].as_str(), Some(value));
        assert_eq!(origin(&outcome, name), from, "{name}");
    }
}

#[test]
fn the_file_may_be_named_in_the_environment() {
    let folder = folder_with(&[("m.toml", "connections_max = 77\n")]);
    let file = folder.path().join("m.toml").display().to_string();
    let outcome = Invocation::new(&["config"])
        .variable("MONOCOQUE_CONFIG", &file)
        .run();
    assert_eq!(values(&outcome)["connections_max"].as_integer(), Some(77));
}

#[test]
fn secrets_are_masked_wherever_they_come_from() {
    let folder = folder_with(&[("m.toml", &format!("mongo_uri = '{URI}'\n"))]);
    let file = folder.path().join("m.toml").display().to_string();
    for outcome in [
        Invocation::new(&["config"])
            .variable("MONGO_URI", URI)
            .run(),
        Invocation::new(&["config"])
            .variable("MONOCOQUE_MONGO_URI", URI)
            .run(),
        run(&["config", "--mongo-uri", URI]),
        run(&["config", "--config", &file]),
    ] {
        assert_eq!(values(&outcome)["mongo_uri"].as_str(), Some("***"));
        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
        assert_ne!(origin(&outcome, "mongo_uri"), "default.");
    }
}

#[test]
fn the_output_of_config_is_a_settings_file_with_the_same_values() {
    let first = Invocation::new(&[
        "config",
        "--data-dir",
        "0042",
        "--log-filter",
        "info,chassis=debug",
    ])
    .variable("MONOCOQUE_CONNECTIONS_MAX", "12")
    .variable("MONOCOQUE_RESOURCES", "a \"quoted\"\\folder")
    .run();
    assert_eq!(values(&first)["data_dir"].as_str(), Some("0042"));
    let folder = folder_with(&[("m.toml", first.output())]);
    let file = folder.path().join("m.toml").display().to_string();
    let second = run(&["config", "--config", &file]);
    assert_eq!(values(&second), values(&first));
    assert!(values(&first).len() > 10);
    for name in ["data_dir", "connections_max", "listen"] {
        assert_eq!(origin(&second, name), format!("file {file}."), "{name}");
    }
    assert_eq!(origin(&second, "mongo_uri"), "default.");
}

#[test]
fn help_mentions_every_setting() {
    let config = run(&["config"]);
    let names: Vec<&str> = config
        .output()
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once(" = "))
        .map(|(name, _)| name)
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for command in ["serve", "config"] {
        let help = run(&[command, "--help"]);
        for name in &names {
            let flag = format!("--{} <", name.replace('_', "-"));
            let variable = format!("MONOCOQUE_{}", name.to_ascii_uppercase());
            for text in [flag, variable] {
                assert!(help.output().contains(&text), "{command}: {text}");
            }
        }
        assert!(help.output().contains("--config <FILE>"), "{command}");
    }
}

#[test]
fn the_help_of_a_command_shows_the_settings_that_it_uses_and_no_others() {
    for (command, used) in [
        (
            "healthcheck",
            &["admin-listen", "admin-tls-certificate"][..],
        ),
        (
            "backup",
            &["backup-bytes-per-second-max", "data-dir", "files-mode"],
        ),
        (
            "indexes",
            &["resources", "mongo-uri", "mongo-operation-timeout-ms"],
        ),
        ("infer", &["mongo-uri", "mongo-operation-timeout-ms"]),
    ] {
        let help = run(&[command, "--help"]);
        let mut shown: Vec<&str> = help
            .output()
            .split("\n      --")
            .skip(1)
            .filter(|flag| flag.contains("[env: MONOCOQUE_") && !flag.starts_with("config "))
            .filter_map(|flag| flag.split(' ').next())
            .collect();
        shown.sort_unstable();
        let mut used = used.to_vec();
        used.sort_unstable();
        assert_eq!(shown, used, "{command}");
        // A settings file that commands share may have the others.
        let unused = run(&[command, "--log-mode", "LOCAL", "--help"]);
        assert_eq!(unused.code, 0, "{unused:?}");
    }
}

#[test]
fn a_log_filter_with_a_level_that_there_is_not_stops_every_start_and_names_the_setting() {
    for filter in ["warning", "info,chassis=loud", "chassis"] {
        for command in ["serve", "config"] {
            let wrong = filter.rsplit(',').next().unwrap();
            let told = [
                "'log_filter' (flag --log-filter)",
                wrong,
                "error, warn, info",
            ];
            run(&[command, "--log-filter", filter]).fails_with(64, &told);
        }
    }
    for filter in [
        "warn",
        "WARN",
        "off",
        "info,chassis=debug",
        "[request]=trace",
        "",
    ] {
        assert_eq!(run(&["config", "--log-filter", filter]).code, 0, "{filter}");
    }
}

#[tokio::test]
async fn localhost_is_an_address_to_listen_on() {
    let setup = Setup::fresh().variable("MONOCOQUE_LISTEN", "localhost:0");
    let server = setup.start().await;
    assert!(server.address().ip().is_loopback());
    let wrong = ["'listen' (flag --listen)", "localhost", "127.0.0.1:8000"];
    for address in ["localhost", "localhost:port", "here:8000", ":8000"] {
        run(&["config", "--listen", address]).fails_with(64, &wrong);
    }
}

#[test]
fn help_shows_settings_in_groups_each_on_a_line_of_its_own() {
    let help = run(&["serve", "--help"]);
    let lines: Vec<&str> = help.output().lines().collect();
    for group in [
        "Addresses and files",
        "Requests",
        "Connections",
        "Health",
        "Stopping",
    ] {
        assert!(
            lines.contains(&format!("{group}:").as_str()),
            "no {group}: {}",
            help.output()
        );
    }
    let number = lines.iter().find(|line| line.contains("/fibonacci/N"));
    assert!(number.is_some(), "{}", help.output());
    for kind in ["<DURATION>", "<SIZE>", "<COUNT>", "from 1ms to 1h"] {
        assert!(help.output().contains(kind), "no {kind}: {}", help.output());
    }
}

#[test]
fn unknown_settings_are_code_64_with_the_nearest_name() {
    let folder = folder_with(&[("m.toml", "lissten = 'x'\n\n[server]\nport = 1\n")]);
    let file = folder.path().join("m.toml").display().to_string();
    for command in ["serve", "config"] {
        run(&[command, "--config", &file])
            .fails_with(64, &[&file, "'lissten'", "'listen'", "'server'"]);
        Invocation::new(&[command])
            .variable("MONOCOQUE_DATADIR", "x")
            .run()
            .fails_with(64, &["'MONOCOQUE_DATADIR'", "'MONOCOQUE_DATA_DIR'"]);
    }
}

#[test]
fn bad_values_are_code_64_all_of_them_with_their_origins() {
    let folder = folder_with(&[("m.toml", "listen = 'here'\nlog_mode = [1]\n")]);
    let file = folder.path().join("m.toml").display().to_string();
    let outcome = Invocation::new(&["serve", "--config", &file, "--connections-max", "0"])
        .variable("MONOCOQUE_REQUEST_TIMEOUT_MS", "soon")
        .variable("LOG_MODE", "PRETTY")
        .run();
    outcome.fails_with(
        64,
        &[
            &format!("'listen' (file {file}): 'here'"),
            "'log_mode' must be a text",
            "'log_mode' (environment LOG_MODE): 'PRETTY'",
            "'request_timeout_ms' (environment MONOCOQUE_REQUEST_TIMEOUT_MS): 'soon'",
            "'connections_max' (flag --connections-max): '0'",
        ],
    );
    run(&["serve", "--log-filter", "a=b=c"]).fails_with(64, &["'log_filter'", "a=b=c"]);
    run(&["serve", "--fibonacci-generator", "magic"])
        .fails_with(64, &["fibonacci_generator", "magic"]);
}

#[test]
fn a_settings_file_that_cannot_be_read_is_code_64_and_shows_no_secret() {
    run(&["serve", "--config", "absent.toml"]).fails_with(64, &["absent.toml"]);
    let folder = folder_with(&[(
        "m.toml",
        "listen = '127.0.0.1:0'\nmongo_uri = mongodb://u:hunter2@h/\n",
    )]);
    let file = folder.path().join("m.toml").display().to_string();
    let outcome = run(&["serve", "--config", &file]);
    outcome.fails_with(64, &[&format!("{file}, line 2")]);
    assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
}

#[test]
fn a_mongo_uri_that_is_none_is_refused_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data").display().to_string();
    let outcome = Invocation::new(&["export", "contacts", "--data-dir", &data_dir])
        .variable("MONGO_URI", "http://user:hunter2@db.example")
        .run();
    outcome.fails_with(64, &["'mongo_uri'", "mongodb://"]);
    assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
}

#[test]
fn a_variable_that_is_no_text_is_code_64_and_not_left_out() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    for name in ["MONGO_URI", "MONOCOQUE_DATA_DIR"] {
        let outcome = std::process::Command::new(env!("CARGO_BIN_EXE_monocoque"))
            .args(["export", "contacts", "--data-dir", "absent"])
            .env(name, OsStr::from_bytes(b"mongodb://hunter2\xFF@h"))
            .output()
            .unwrap();
        let message = String::from_utf8(outcome.stderr).unwrap();
        assert_eq!(outcome.status.code(), Some(64), "{message}");
        assert!(
            message.contains(&format!("{name}: it is not UTF-8 text")),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn an_empty_connection_string_leaves_the_embedded_store_and_a_blank_one_stops() {
    let outcome = |uri| {
        Invocation::new(&["export", "contacts", "--data-dir", "absent"])
            .variable("MONGO_URI", uri)
            .run()
    };
    outcome("").fails_with(64, &["there is no store in the data directory absent"]);
    outcome("\n").fails_with(64, &["'mongo_uri' (environment MONGO_URI): '…' is blank"]);
}

#[test]
fn a_connection_string_that_cannot_work_is_code_64_at_the_start() {
    let uri = "mongodb://127.0.0.1:9/?loadBalanced=true";
    let arguments = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    Invocation::new(&[&["serve"][..], &arguments].concat())
        .variable("LOG_MODE", "LOCAL")
        .variable("MONGO_URI", uri)
        .run()
        .fails_with(64, &["'mongo_uri'", "loadBalanced"]);
}

#[tokio::test]
async fn what_a_connection_string_gives_away_is_said_in_the_log() {
    let uri = "mongodb://user:hunter2@127.0.0.1:9/?journal=false&retryWrites=false";
    let server = Setup::fresh()
        .variable("MONGO_URI", uri)
        .start_unready()
        .await;
    for lost in [
        "journal=false: an acknowledged",
        "retryWrites=false: a write",
    ] {
        let says = |line: &serde_json::Value| {
            line["log.level"] == "WARN" && line.to_string().contains(lost)
        };
        server.log().matching(says).await;
    }
    // The server is away, and the log says so in words and not in those of the driver's insides.
    let away = |line: &serde_json::Value| line.to_string().contains("Connection refused");
    server.log().matching(away).await;
    let log = server.log().text();
    for inside in ["Kind:", "labels:", "server response", "hunter2"] {
        assert!(!log.contains(inside), "{log}");
    }
}

#[test]
fn a_timeout_of_mongodb_that_is_longer_than_that_of_requests_is_code_64() {
    let arguments = ["serve", "--request-timeout-ms", "500"];
    let outcome = |invocation: Invocation| invocation.variable("MONGO_URI", "mongodb://h").run();
    outcome(Invocation::new(&arguments)).fails_with(
        64,
        &[
            "'mongo_operation_timeout_ms' (default): '2500ms' must be less",
            "(flag --request-timeout-ms): '500'",
        ],
    );
}

/// Where a connection string is forgotten, misplaced or misspelled its password stays hidden.
#[test]
fn no_mistake_with_a_connection_string_shows_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data").display().to_string();
    let uri = "mongodb://user:hun/ter2@h/?hunter2";
    let outcome = Invocation::new(&["export", "contacts", "--data-dir", &data_dir])
        .variable("MONGO_URI", uri)
        .run();
    outcome.fails_with(64, &["'mongo_uri'"]);
    for part in ["hunter2", "hun/", "ter2"] {
        assert!(!format!("{outcome:?}").contains(part), "{outcome:?}");
    }
    for (arguments, code) in [
        (&["serve", URI][..], 2),
        (&["explain", URI], 2),
        (&["indexes", URI], 2),
        (&["export", URI], 2),
        (&["config", URI], 2),
        (&["import", "contacts", URI, "--format", "json"], 64),
        (&["import", "contacts", "-", "--on-error", URI], 2),
        (&["resources", "check", URI], 64),
        (&["serve", "--config", URI], 64),
        (&["serve", "--listen", URI], 64),
        (&["serve", "--mongo-url", URI], 2),
        (&["healthcheck", "--url", URI], 2),
        (&[URI], 2),
    ] {
        let outcome = Invocation::new(arguments)
            .variable("MONOCOQUE_DATA_DIR", &data_dir)
            .run();
        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
        outcome.fails_with(code, &[]);
        assert!(!outcome.stderr.is_empty(), "{arguments:?}");
    }
}
