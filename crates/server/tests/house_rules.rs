//! The rules of this repository that people would otherwise have to remember.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::Table;

/// Which crate may know which others of the workspace. A crate `store-…` keeps the contract of
/// `resources` and may know what `transfer` may.
const MAY_KNOW: [(&str, &[&str]); 7] = [
    ("resources", &["jsonapi"]),
    ("transfer", &["resources", "jsonapi"]),
    ("chassis", &[]),
    ("fibonacci", &[]),
    ("jsonapi", &[]),
    // It judges any server, so it takes nothing from this one.
    ("conformance", &[]),
    // Servers for tests, and a store over them; a dependency of tests only.
    ("test-servers", &["resources", "store-mongo"]),
];

/// Knows everyone, but for what tests need.
const BINARY: &str = "server";

/// What the parts of `resources` must not mention in code. Drivers cannot be mentioned: no crate
/// below has one.
const MUST_NOT_KNOW: [(&str, &[&str]); 4] = [
    ("controller", &["axum", "http", "hyper"]),
    ("schema", &["axum", "http", "hyper"]),
    ("query", &["axum", "http", "hyper"]),
    ("store", &["axum", "http", "hyper"]),
];

/// Crates of drivers: they stay in the crates of the stores.
const DRIVERS: [&str; 5] = ["rusqlite", "libsqlite3-sys", "mongodb", "bson", "csv"];

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

fn crates() -> BTreeSet<String> {
    fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The crates of the workspace that a crate may know.
fn known_by(name: &str, crates: &BTreeSet<String>) -> BTreeSet<String> {
    if name == BINARY {
        return crates
            .iter()
            .filter(|other| *other != "test-servers")
            .cloned()
            .collect();
    }
    let like = if name.starts_with("store-") {
        "transfer"
    } else {
        name
    };
    let (_, known) = MAY_KNOW
        .iter()
        .find(|(known, _)| *known == like)
        .unwrap_or_else(|| panic!("no rule says whom the crate {name} may know"));
    known.iter().map(|known| (*known).to_owned()).collect()
}

/// The lines of a source file, numbered, without those of items that only tests compile.
fn lines_without_tests(path: &Path) -> Vec<(usize, String)> {
    let text = read(path);
    let mut lines = text.lines().map(str::to_owned).zip(1..);
    let mut kept = Vec::new();
    while let Some((line, number)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push((number, line));
            continue;
        }
        // The formatter ends a block with a brace at the indentation of its head.
        let indentation = &line[..line.len() - line.trim_start().len()];
        let ends = [format!("{indentation}}}"), format!("{indentation}}};")];
        let head = lines
            .by_ref()
            .find(|(line, _)| !line.trim_start().starts_with("#["));
        let is_block = head.is_some_and(|(head, _)| head.ends_with('{'));
        if is_block {
            let end = lines.by_ref().find(|(line, _)| ends.contains(line));
            assert!(end.is_some(), "{}:{number} has no end", path.display());
        }
    }
    kept
}

/// The same without comments.
fn code_lines(path: &Path) -> Vec<(usize, String)> {
    let mut lines = lines_without_tests(path);
    lines.retain(|(_, line)| !line.trim_start().starts_with("//"));
    lines
}

fn words(line: &str) -> BTreeSet<&str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect()
}

#[test]
fn crates_know_only_whom_they_may() {
    let crates = crates();
    for name in &crates {
        let (manifest, known) = (manifest(name), known_by(name, &crates));
        for section in ["dependencies", "build-dependencies"] {
            let dependencies = manifest.get(section).and_then(toml::Value::as_table);
            for dependency in dependencies.into_iter().flat_map(Table::keys) {
                let own = crates.contains(dependency);
                assert!(
                    !own || known.contains(dependency),
                    "{name} knows {dependency}"
                );
            }
        }
    }
}

#[test]
fn the_engine_is_built_without_any_driver() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "resources", "--edges", "normal,build"])
        .args([
            "--all-features",
            "--prefix",
            "none",
            "--offline",
            "--locked",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("jsonschema"), "{tree}");
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        assert!(!DRIVERS.contains(&name), "resources is built with {name}");
    }
}

#[test]
fn a_block_that_only_tests_compile_ends_where_the_code_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.rs");
    let text = "use a;\n#[cfg(test)]\nmod contract;\nfn one() {\n}\n#[cfg(test)]\n#[rustfmt::skip]\n\
                mod tests {\n    use axum;\n}\n// two\nfn two() {}\n";
    fs::write(&path, text).unwrap();
    let lines: Vec<String> = code_lines(&path)
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    assert_eq!(lines, ["use a;", "fn one() {", "}", "fn two() {}"]);
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
    assert!(looked_at > 2000, "only {looked_at} lines were looked at");
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
    for name in crates() {
        let tests = root().join("crates").join(&name).join("tests");
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
        let lines = lines_without_tests(&path).len();
        assert!(
            lines <= FILE_LINES_MAX,
            "{} has {lines} lines",
            path.display()
        );
    }
}

#[test]
fn versions_and_lints_stand_in_the_root_only() {
    for name in crates() {
        let manifest = manifest(&name);
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
fn unsafe_code_is_forbidden_or_stands_in_a_module_that_says_why() {
    for name in crates() {
        let source = root().join("crates").join(&name).join("src");
        let entry = ["lib.rs", "main.rs"].map(|file| source.join(file));
        let entry = entry.iter().find(|path| path.exists()).unwrap();
        if read(entry).contains("#![forbid(unsafe_code)]") {
            continue;
        }
        let mut reasons = 0;
        for path in files(&source, "rs") {
            let lines = code_lines(&path);
            let opens = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
            let has = lines
                .iter()
                .any(|(_, line)| opens.iter().any(|opens| line.contains(opens)));
            let text = read(&path);
            // Two lines of it at least: the attribute, and the reason in its own words.
            let says_why = text.contains("unsafe_code") && text.contains("reason = ");
            assert!(!has || says_why, "{}", path.display());
            reasons += usize::from(has);
        }
        assert!(reasons > 0, "{name} has no unsafe code: forbid it");
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

/// The codes of errors in a source: texts that stand behind a status, before a title, or behind the
/// arrow of `Fault::code`.
fn error_codes(source: &str) -> Vec<&str> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let parts: Vec<&str> = code.split('"').collect();
    let is_code = |text: &str| {
        text.contains('_')
            && text
                .chars()
                .all(|one| one.is_ascii_lowercase() || one == '_')
    };
    let mut found = Vec::new();
    for at in (1..parts.len().saturating_sub(2)).filter(|at| is_code(parts[*at])) {
        let before = parts[at - 1].trim_end().trim_end_matches(',');
        let word = before.rsplit([' ', '(', '\n']).next().unwrap();
        let is_titled = parts[at + 1].trim() == ","
            && parts[at + 2].starts_with(|first: char| first.is_ascii_uppercase());
        if word.starts_with("StatusCode::") || is_titled || before.ends_with("=>") {
            found.push(parts[at]);
        }
    }
    found
}

#[test]
fn every_error_code_has_a_page() {
    let pages = read(&root().join("docs/errors.md"));
    let mut codes = BTreeSet::new();
    for source in [
        "jsonapi/src",
        "resources/src/api",
        "chassis/src/fault.rs",
        "server/src/presenter.rs",
    ] {
        let path = root().join("crates").join(source);
        let sources = if path.is_dir() {
            files(&path, "rs")
        } else {
            vec![path]
        };
        for path in sources {
            codes.extend(error_codes(&read(&path)).into_iter().map(str::to_owned));
        }
    }
    assert!(codes.len() > 40, "{codes:?}");
    let without: Vec<_> = codes
        .iter()
        .filter(|code| !pages.contains(&format!("`{code}`")))
        .collect();
    assert!(
        without.is_empty(),
        "without a row in docs/errors.md: {without:?}"
    );
}
