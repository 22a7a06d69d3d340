//! The rules of this repository that people would otherwise have to remember.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

const CRATES: [&str; 5] = ["server", "chassis", "jsonapi", "fibonacci", "resources"];

/// Which crate may know which others.
const MAY_KNOW: [(&str, &[&str]); 5] = [
    ("server", &["chassis", "fibonacci", "jsonapi", "resources"]),
    ("resources", &["jsonapi"]),
    ("chassis", &[]),
    ("fibonacci", &[]),
    ("jsonapi", &[]),
];

/// What the parts of `resources` must not mention in code.
const MUST_NOT_KNOW: [(&str, &[&str]); 4] = [
    (
        "controller",
        &["axum", "http", "hyper", "rusqlite", "mongodb", "bson"],
    ),
    ("schema", &["axum", "http", "hyper", "mongodb"]),
    (
        "query",
        &["axum", "http", "hyper", "rusqlite", "mongodb", "bson"],
    ),
    ("repository", &["axum", "http", "hyper"]),
];

const DRAWERS: [&str; 8] = [
    "util", "utils", "common", "helper", "helpers", "misc", "manager", "managers",
];

const FILE_LINES_MAX: usize = 300;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder` with this extension, except in build output.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

fn manifest(name: &str) -> Table {
    read(&root().join("crates").join(name).join("Cargo.toml"))
        .parse()
        .unwrap()
}

/// The lines of a source file before its inline tests, numbered, without comments.
fn code_lines(path: &Path) -> Vec<(usize, String)> {
    let text = read(path);
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.to_owned()));
    lines
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .collect()
}

fn words(line: &str) -> BTreeSet<&str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect()
}

#[test]
fn crates_know_only_whom_they_may() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, CRATES.map(str::to_owned).into());
    for (name, known) in MAY_KNOW {
        let manifest = manifest(name);
        for section in ["dependencies", "build-dependencies"] {
            let dependencies = manifest.get(section).and_then(toml::Value::as_table);
            for dependency in dependencies.into_iter().flat_map(Table::keys) {
                let own = CRATES.contains(&dependency.as_str());
                assert!(
                    !own || known.contains(&dependency.as_str()),
                    "{name} knows {dependency}"
                );
            }
        }
    }
}

#[test]
fn the_parts_of_resources_do_not_mention_what_they_must_not_know() {
    let source = root().join("crates/resources/src");
    let mut looked_at = 0;
    for (part, forbidden) in MUST_NOT_KNOW {
        let mut paths = vec![source.join(format!("{part}.rs"))];
        if source.join(part).is_dir() {
            paths.extend(files(&source.join(part), "rs"));
        }
        for path in paths {
            for (number, line) in code_lines(&path) {
                for word in forbidden {
                    let place = format!("{}:{number}: {word}", path.display());
                    assert!(!words(&line).contains(word), "{place}");
                }
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 500, "only {looked_at} lines were looked at");
}

#[test]
fn modules_have_their_own_file_and_a_subject() {
    for path in files(&root().join("crates"), "rs") {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert_ne!(stem, "mod", "{}", path.display());
        assert!(!DRAWERS.contains(&stem.as_str()), "{}", path.display());
        for (number, line) in code_lines(&path) {
            let declared = line
                .split_once("mod ")
                .map(|(_, rest)| rest.trim_end_matches([';', '{', ' ']));
            let drawer = declared.is_some_and(|name| DRAWERS.contains(&name));
            assert!(!drawer, "{}:{number}: {line}", path.display());
        }
    }
}

#[test]
fn every_folder_of_tests_is_compiled() {
    for name in CRATES {
        let tests = root().join("crates").join(name).join("tests");
        for folder in fs::read_dir(&tests)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
        {
            let main = folder.join("main.rs").exists() || folder.with_extension("rs").exists();
            assert!(main || !folder.is_dir(), "{}", folder.display());
        }
    }
}

#[test]
fn source_files_stay_short() {
    for path in files(&root().join("crates"), "rs") {
        let outside = ["tests", "benches"].map(|folder| path.iter().any(|part| part == folder));
        if outside.contains(&true) || path.ends_with("tests.rs") {
            continue;
        }
        let text = read(&path);
        let lines = text
            .lines()
            .take_while(|line| line.trim() != "#[cfg(test)]")
            .count();
        assert!(
            lines <= FILE_LINES_MAX,
            "{} has {lines} lines",
            path.display()
        );
    }
}

#[test]
fn versions_and_lints_stand_in_the_root_only() {
    for name in CRATES {
        let manifest = manifest(name);
        assert_eq!(
            manifest["lints"]["workspace"].as_bool(),
            Some(true),
            "{name}"
        );
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (dependency, source) in dependencies {
                let inherited = source.get("workspace").and_then(toml::Value::as_bool);
                let itself = source.get("path").is_some();
                assert!(inherited == Some(true) || itself, "{name}: {dependency}");
            }
        }
    }
}

#[test]
fn every_crate_forbids_unsafe_code_or_says_where_it_is() {
    for name in CRATES {
        let source = root().join("crates").join(name).join("src");
        let entry = ["lib.rs", "main.rs"].map(|file| source.join(file));
        let entry = entry.iter().find(|path| path.exists()).unwrap();
        let forbidden = read(entry).contains("#![forbid(unsafe_code)]");
        assert!(forbidden || name == "fibonacci", "{name}");
    }
}

#[test]
fn nothing_is_left_open_in_the_code() {
    let marks = ["TODO", "FIXME", "XXX"];
    for path in files(&root().join("crates"), "rs") {
        if path.ends_with("house_rules.rs") {
            continue;
        }
        for (number, line) in read(&path).lines().enumerate() {
            let mark = marks.iter().find(|mark| words(line).contains(**mark));
            assert_eq!(mark, None, "{}:{}", path.display(), number + 1);
        }
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut followed = 0;
    for path in files(&root(), "md") {
        let text = read(&path);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(
                path.parent().unwrap().join(target).exists(),
                "{}: {target}",
                path.display()
            );
            followed += 1;
        }
    }
    assert!(followed > 10, "only {followed} links were followed");
}

#[test]
fn every_decision_is_listed() {
    let folder = root().join("docs/decisions");
    let list = read(&folder.join("README.md"));
    for path in files(&folder, "md") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name == "README.md" || list.contains(&name), "{name}");
    }
}

#[test]
fn the_map_of_the_code_stays_a_map() {
    assert!(read(&root().join("ARCHITECTURE.md")).lines().count() < 150);
}

#[test]
fn continuous_integration_runs_the_test_command_of_the_readme() {
    let readme = read(&root().join("README.md"));
    let command = readme
        .split("Run all tests")
        .nth(1)
        .unwrap()
        .lines()
        .nth(3)
        .unwrap();
    assert_eq!(command, "scripts/test");
    let script = read(&root().join(".ci/run"));
    assert!(
        script.lines().any(|line| line.trim() == command),
        "{script}"
    );
}
