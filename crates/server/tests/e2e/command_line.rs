//! Settings, messages and exit codes.

// File, environment and flags, and what `config` says about them.
mod settings;
// Definition files.
mod definitions;

use crate::harness::{Invocation, Outcome};

#[track_caller]
fn run(arguments: &[&str]) -> Outcome {
    Invocation::new(arguments).run()
}

#[test]
fn a_command_line_that_makes_no_sense_is_code_2() {
    run(&["sevre"]).fails_with(2, &["sevre", "serve"]);
    run(&["serve", "--lisen", "x"]).fails_with(2, &["--lisen", "--listen"]);
    run(&["import", "contacts"]).fails_with(2, &["<FILE>"]);
    run(&["import", "contacts", "x.json", "--on-error", "panic"]).fails_with(2, &["stop", "skip"]);
    run(&["import", "contacts", "x.json", "--format", "xml"]).fails_with(2, &["xml", "ndjson"]);
    run(&["completions", "tcsh"]).fails_with(2, &["tcsh", "bash"]);
    run(&[]).fails_with(2, &["Usage:", "serve", "import"]);
}

#[test]
fn an_unknown_service_or_type_is_code_2_and_the_known_ones_are_named() {
    let folder = crate::harness::folder_with(&[("rows.json", "[]")]);
    let rows = folder.path().join("rows.json").display().to_string();
    let data_dir = folder.path().join("data");
    let data = ["--data-dir", data_dir.to_str().unwrap()];
    let with = |arguments: &[&str]| run(&[arguments, &data].concat());
    with(&["serve", "contact"]).fails_with(2, &["'contact'", "fibonacci", "contacts"]);
    with(&["serve", "contacts", "x"]).fails_with(2, &["'x'"]);
    with(&["import", "books", &rows]).fails_with(2, &["'books'", "contacts"]);
    with(&["export", "books"]).fails_with(2, &["'books'", "contacts"]);
    with(&["serve", "fibonacci", "--sample-data"]).fails_with(2, &["--sample-data", "contacts"]);
    assert!(!data_dir.exists());
}

#[test]
fn a_format_that_nobody_can_know_is_code_2() {
    let folder = crate::harness::folder_with(&[("rows.dat", "[]")]);
    let path = folder.path().join("rows.dat");
    let path = path.to_str().unwrap();
    run(&["import", "contacts", path]).fails_with(2, &[path, "--format"]);
    run(&["import", "contacts", "-"]).fails_with(2, &["--format"]);
    run(&["export", "contacts", path]).fails_with(2, &[path, "--format"]);
}

#[test]
fn help_and_version_are_answers() {
    for arguments in [
        &["--help"][..],
        &["help"],
        &["serve", "--help"],
        &["import", "-h"],
    ] {
        let outcome = run(arguments);
        assert!(outcome.output().contains("Usage: monocoque"), "{outcome:?}");
    }
    let help = run(&["--help"]);
    for text in [
        "serve",
        "import",
        "export",
        "healthcheck",
        "config",
        "resources",
        "completions",
    ] {
        assert!(help.output().contains(text), "{text}");
    }
    for code in ["0", "1", "2", "64", "69", "70"] {
        assert!(help.output().contains(&format!("\n  {code} ")), "{code}");
    }
    let version = format!("monocoque {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["--version"]).output(), version);
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = run(&["completions", shell]);
        for text in ["monocoque", "serve", "healthcheck", "data-dir"] {
            assert!(outcome.output().contains(text), "{shell}: {text}");
        }
    }
}
