//! Settings from everywhere.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::sources::{read_from, readable};
use super::*;

fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn file(text: &str) -> (tempfile::TempDir, SettingFlags) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("monocoque.toml");
    std::fs::write(&path, text).unwrap();
    (
        folder,
        SettingFlags {
            config: Some(path),
            given: Vec::new(),
        },
    )
}

fn origin(values: &[Effective], name: &str) -> (String, String) {
    let value = values
        .iter()
        .find(|value| value.setting.name == name)
        .unwrap();
    (value.text.clone(), value.origin.to_string())
}

#[test]
fn every_default_is_a_valid_value() {
    let (settings, values) = read_from(&SettingFlags::default(), &HashMap::new()).unwrap();
    assert!(settings.listen.to_string().ends_with(":8000"));
    assert!(values.iter().all(|value| value.origin == Origin::Default));
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let (_folder, mut flags) =
        file("listen = '127.0.0.1:1'\ndata_dir = 'f'\nlog_filter = 'warn'\nconnections_max = 7\n");
    flags.given = vec![("listen", "127.0.0.1:3".to_owned())];
    let environment = environment(&[
        ("MONOCOQUE_LISTEN", "127.0.0.1:2"),
        ("MONOCOQUE_DATA_DIR", "e"),
    ]);
    let (settings, values) = read_from(&flags, &environment).unwrap();
    let listen = settings.listen.to_string();
    assert_eq!(
        (listen.as_str(), settings.connections_max),
        ("127.0.0.1:3", 7)
    );
    assert_eq!(origin(&values, "listen").1, "flag --listen");
    assert_eq!(
        origin(&values, "data_dir"),
        ("e".into(), "environment MONOCOQUE_DATA_DIR".into())
    );
    assert!(origin(&values, "log_filter").1.starts_with("file "));
}

#[test]
fn the_variables_of_the_articles_are_taken_and_our_own_override_them() {
    let pairs = [("LOG_MODE", "LOCAL"), ("MONGO_URI", "mongodb://u:p@h/d")];
    let (settings, values) = read_from(&SettingFlags::default(), &environment(&pairs)).unwrap();
    assert_eq!(settings.mongo_uri.unwrap().reveal(), "mongodb://u:p@h/d");
    assert_eq!(origin(&values, "log_mode").0, "LOCAL");
    let both = environment(&[("LOG_MODE", "LOCAL"), ("MONOCOQUE_LOG_MODE", "JSON")]);
    let (_, values) = read_from(&SettingFlags::default(), &both).unwrap();
    assert_eq!(origin(&values, "log_mode").0, "JSON");
}

#[test]
fn a_variable_that_is_empty_is_not_set() {
    let pairs = [("LOG_MODE", ""), ("MONOCOQUE_LISTEN", "")];
    let (_, values) = read_from(&SettingFlags::default(), &environment(&pairs)).unwrap();
    assert!(values.iter().all(|value| value.origin == Origin::Default));
}

#[test]
fn a_connection_string_is_taken_without_the_blanks_around_it() {
    let pairs = [("MONGO_URI", " mongodb://h/shop\n")];
    let (settings, _) = read_from(&SettingFlags::default(), &environment(&pairs)).unwrap();
    assert_eq!(settings.mongo_uri.unwrap().reveal(), "mongodb://h/shop");
}

#[test]
fn an_empty_connection_string_is_none_and_a_blank_one_is_refused() {
    for name in ["MONGO_URI", "MONOCOQUE_MONGO_URI"] {
        let (settings, _) =
            read_from(&SettingFlags::default(), &environment(&[(name, "")])).unwrap();
        assert!(settings.mongo_uri.is_none());
        let problems =
            read_from(&SettingFlags::default(), &environment(&[(name, " \n")])).unwrap_err();
        assert!(problems[0].contains("is blank"), "{problems:?}");
    }
}

#[test]
fn only_our_own_variables_must_be_text() {
    let no_text = || OsString::from_vec(b"hunter2\xFF".to_vec());
    for (name, counts) in [
        ("MONGO_URI", true),
        ("LOG_MODE", true),
        ("MONOCOQUE_LISTEN", true),
        ("MONOCOQUE_CONFIG", true),
        ("MONOCOQUE_SERVICE_HOST", false),
        ("PATH", false),
    ] {
        let variables = [(OsString::from(name), no_text())];
        let (texts, problems) = readable(variables.into_iter());
        assert!(texts.is_empty());
        assert_eq!(!problems.is_empty(), counts, "{name}");
        assert!(problems.iter().all(|problem| problem.contains(name)));
        assert!(!problems.concat().contains("hunter2"), "{problems:?}");
    }
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    let (_folder, flags) = file("lissten = 'x'\n");
    let environment = environment(&[("MONOCOQUE_DATADIR", "x")]);
    let problems = read_from(&flags, &environment).unwrap_err().join("\n");
    assert!(
        problems.contains("'lissten'; is 'listen' meant?"),
        "{problems}"
    );
    assert!(
        problems.contains("is 'MONOCOQUE_DATA_DIR' meant?"),
        "{problems}"
    );
}

#[test]
fn variables_that_kubernetes_makes_for_a_service_of_our_name_are_no_settings() {
    let pairs = [
        ("MONOCOQUE_SERVICE_HOST", "10.0.0.1"),
        ("MONOCOQUE_PORT", "tcp://10.0.0.1:80"),
    ];
    assert!(read_from(&SettingFlags::default(), &environment(&pairs)).is_ok());
}

#[test]
fn every_bad_value_is_named_with_its_origin() {
    let (_folder, flags) = file("listen = 'here'\nconnections_max = 0\nlog_mode = [1]\n");
    let problems = read_from(&flags, &HashMap::new()).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[1].contains("'listen' (file "), "{problems:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_its_text_is_not_shown() {
    let (_folder, flags) = file("listen = 'x'\nmongo_uri = mongodb://user:hunter2@h/\n");
    let problems = read_from(&flags, &HashMap::new()).unwrap_err().join("\n");
    assert!(problems.contains("monocoque.toml, line 2:"), "{problems}");
    assert!(!problems.contains("hunter2"), "{problems}");
    let absent = SettingFlags {
        config: Some("absent.toml".into()),
        given: Vec::new(),
    };
    assert!(read_from(&absent, &HashMap::new()).unwrap_err()[0].contains("absent.toml"));
}

#[test]
fn a_connection_string_in_the_place_of_another_value_is_refused_and_masked() {
    let uri = "mongodb://user:hunter2@h/db";
    let others = Settings::ALL.iter().map(|setting| setting.name);
    for name in others.filter(|name| *name != "mongo_uri") {
        let variable = format!("MONOCOQUE_{}", name.to_ascii_uppercase());
        let environment = environment(&[(variable.as_str(), uri)]);
        let problems = read_from(&SettingFlags::default(), &environment).unwrap_err();
        let problem = problems.join("\n");
        assert!(problem.contains(name), "{problem}");
        assert!(problem.contains("'mongodb://***@h/db'"), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }
}

#[test]
fn mongodb_must_answer_before_the_request_is_given_up() {
    let uri = ("MONGO_URI", "mongodb://h");
    let request = |value| ("MONOCOQUE_REQUEST_TIMEOUT_MS", value);
    let operation = |value| ("MONOCOQUE_MONGO_OPERATION_TIMEOUT_MS", value);
    let read = |pairs: &[(&str, &str)]| {
        let outcome = read_from(&SettingFlags::default(), &environment(pairs));
        outcome.map_err(|problems| problems.join("\n"))
    };
    assert!(read(&[uri]).is_ok());
    assert!(read(&[uri, request("2501")]).is_ok());
    assert!(read(&[uri, request("50"), operation("49")]).is_ok());
    assert!(
        read(&[request("50"), operation("51")]).is_ok(),
        "without MongoDB"
    );
    let refused = read(&[uri, request("2500")]).unwrap_err();
    let named = "'mongo_operation_timeout_ms' (default): '2500ms' must be less than the setting \
                 'request_timeout_ms' (environment MONOCOQUE_REQUEST_TIMEOUT_MS): '2500'";
    assert!(refused.contains(named), "{refused}");
    assert!(read(&[uri, operation("30001")]).is_err());
    let refused = read(&[uri, operation("0")]).unwrap_err();
    assert!(refused.contains("is not from 1ms to 1h"), "{refused}");
}

#[test]
fn durations_and_sizes_are_numbers_with_or_without_a_unit() {
    let read = |name: &'static str, text: &str| {
        let flags = SettingFlags {
            config: None,
            given: vec![(name, text.to_owned())],
        };
        read_from(&flags, &HashMap::new()).map(|(settings, _)| settings)
    };
    for (text, millis) in [
        ("250", 250),
        ("250ms", 250),
        ("10s", 10_000),
        ("10 s", 10_000),
        ("2m", 120_000),
        ("1h", 3_600_000),
    ] {
        let settings = read("request_timeout_ms", text).unwrap();
        assert_eq!(settings.request_timeout_ms.as_millis(), millis, "{text}");
    }
    for (text, bytes) in [
        ("7", 7),
        ("7B", 7),
        ("2kB", 2000),
        ("64KiB", 65_536),
        ("1 MiB", 1 << 20),
        ("1mb", 1_000_000),
    ] {
        let settings = read("request_body_bytes_max", text).unwrap();
        assert_eq!(settings.request_body_bytes_max.0, bytes, "{text}");
    }
    for text in [
        "",
        "s",
        "-1s",
        "1.5s",
        "10x",
        "1KiB",
        "99999999999999999999s",
        "9e9",
    ] {
        assert!(read("request_timeout_ms", text).is_err(), "{text}");
        if text != "1KiB" {
            assert!(read("request_body_bytes_max", text).is_err(), "{text}");
        }
    }
}

#[test]
fn every_setting_with_bounds_takes_them_and_nothing_beyond() {
    let read = |name: &'static str, text: &str| {
        let flags = SettingFlags {
            config: None,
            given: vec![(name, text.to_owned())],
        };
        read_from(&flags, &HashMap::new()).map_err(|problems| problems.join("\n"))
    };
    let mut bounded = 0;
    for setting in Settings::ALL {
        let Some((least, most)) = setting.bounds else {
            assert!(
                !["COUNT", "DURATION", "SIZE"].contains(&setting.kind),
                "{}",
                setting.name
            );
            continue;
        };
        bounded += 1;
        for text in [least, most] {
            // Two settings may contradict each other at their bounds; each alone is fine.
            let problem = read(setting.name, text).err().unwrap_or_default();
            assert!(!problem.contains("is not from"), "{problem}");
        }
        let beyond = match most.find(|character: char| !character.is_ascii_digit()) {
            Some(at) => format!("{}9{}", &most[..at], &most[at..]),
            None => format!("{most}9"),
        };
        let problem = read(setting.name, &beyond).unwrap_err();
        assert!(
            problem.contains(&format!("is not from {least} to {most}")),
            "{problem}"
        );
    }
    assert!(bounded > 15, "{bounded}");
    for name in [
        "request_timeout_ms",
        "idle_timeout_ms",
        "write_timeout_ms",
        "connections_max",
    ] {
        assert!(read(name, "0").unwrap_err().contains(name), "{name}");
    }
}

#[test]
fn no_description_has_what_help_takes_for_a_line_break() {
    for setting in Settings::ALL {
        assert!(!setting.doc.contains("{n}"), "{}", setting.name);
    }
}

const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

#[test]
fn the_page_about_operations_names_every_setting() {
    let unnamed: Vec<&str> = Settings::ALL
        .iter()
        .map(|setting| setting.name)
        .filter(|name| !OPERATIONS.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(unnamed, [""; 0]);
}

#[test]
fn the_table_of_limits_has_the_defaults_of_its_settings() {
    let (_, limits) = OPERATIONS.split_once("\n## Resource limits\n").unwrap();
    let mut compared = 0;
    for row in limits.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (names, shown) = (cells[2].split('`'), cells[3].replace([',', ' '], ""));
        let default = |name| Settings::ALL.iter().find(|setting| setting.name == name);
        let defaults: Vec<&str> = names.filter_map(default).map(|one| one.default).collect();
        assert!(shown.starts_with(&defaults.concat()), "{defaults:?}: {row}");
        compared += defaults.len();
    }
    assert!(compared > 20, "{compared}");
}
