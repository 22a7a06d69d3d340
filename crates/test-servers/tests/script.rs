//! `scripts/mongodb`: which server it takes, and what it says where it cannot.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A machine with these programs and nothing else: each says its name and ends with 3.
struct Machine(TempDir);

struct Outcome {
    code: Option<i32>,
    said: String,
}

impl Machine {
    fn with(programs: &[&str]) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for folder in ["path", "path/bin", "cache/monocoque/bin"] {
            std::fs::create_dir_all(machine.0.path().join(folder)).unwrap();
        }
        for program in programs {
            let file = machine.0.path().join(program);
            let name = file.file_name().unwrap().to_string_lossy();
            std::fs::write(&file, format!("#!/bin/sh\necho this is {name}\nexit 3\n")).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        }
        machine
    }

    fn runs(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/mongodb");
        let folder = self.0.path();
        let output = Command::new(python())
            .arg(script)
            .args(arguments)
            .env_clear()
            .env("PATH", folder.join("path"))
            .env("HOME", folder)
            .env("XDG_CACHE_HOME", folder.join("cache"))
            // Not a folder, so nothing can be installed in it.
            .env("CARGO_TARGET_DIR", "/dev/null")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains("Traceback"), "{said}");
        let code = output.status.code();
        Outcome { code, said }
    }
}

/// The interpreter itself, which the machine of a test has not on its path.
fn python() -> String {
    let print = ["-c", "import sys; print(sys.executable)"];
    let output = Command::new("python3").args(print).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Outcome {
    #[track_caller]
    fn fails_with(&self, texts: &[&str]) {
        assert_ne!(self.code, Some(0), "{}", self.said);
        for text in texts {
            assert!(self.said.contains(text), "no {text:?} in {}", self.said);
        }
    }
}

const RUN: [&str; 3] = ["run", "--", "/bin/true"];

#[test]
fn the_named_deployment_is_used_before_any_program() {
    let machine = Machine::with(&["path/mongod"]);
    let uri = (
        "MONOCOQUE_TEST_MONGO_URI",
        "mongodb://a,b,c/?replicaSet=rs0",
    );
    let print = [
        "run",
        "--",
        "/bin/sh",
        "-c",
        "echo $MONOCOQUE_TEST_MONGO_URI; exit 7",
    ];
    let outcome = machine.runs(&print, &[uri]);
    assert_eq!((outcome.code, outcome.said.trim()), (Some(7), uri.1));
    for option in ["--members=3", "--server=mongod"] {
        let outcome = machine.runs(&["run", option, "--", "/bin/true"], &[uri]);
        outcome.fails_with(&["MONOCOQUE_TEST_MONGO_URI names the server", "--members"]);
    }
}

#[test]
fn programs_are_looked_for_in_their_order() {
    let all = [
        "path/mongod",
        "path/secantusd-rs",
        "cache/monocoque/bin/secantusd-rs",
    ];
    for (there, name) in [
        (&all[..], "mongod"),
        (&all[1..], "secantusd-rs"),
        (&all[2..], "secantusd-rs"),
    ] {
        let outcome = Machine::with(there).runs(&RUN, &[]);
        outcome.fails_with(&[
            &format!("{name} ended with code 3"),
            &format!("this is {name}"),
        ]);
    }
    let named = [("MONOCOQUE_TEST_MONGO_SERVER", "secantusd-rs")];
    Machine::with(&all)
        .runs(&RUN, &named)
        .fails_with(&["secantusd-rs ended with code 3"]);
}

#[test]
fn an_empty_folder_of_caches_is_the_one_in_the_home() {
    let machine = Machine::with(&[]);
    let bin = machine.0.path().join(".cache/monocoque");
    std::fs::create_dir_all(&bin).unwrap();
    let fake = Machine::with(&["path/bin/secantusd-rs"]);
    std::fs::rename(fake.0.path().join("path/bin"), bin.join("bin")).unwrap();
    let outcome = machine.runs(&RUN, &[("XDG_CACHE_HOME", "")]);
    outcome.fails_with(&["secantusd-rs ended with code 3"]);
}

#[test]
fn without_any_server_it_says_what_to_install() {
    let machine = Machine::with(&[]);
    let wanted = [
        "no MongoDB server for the tests",
        "Install `mongod`",
        "pip install secantusdb",
    ];
    machine.runs(&RUN, &[]).fails_with(&wanted);
    let folder = machine.0.path().join("data");
    let serve = ["serve", "--port", "1", "--path", folder.to_str().unwrap()];
    machine.runs(&serve, &[]).fails_with(&wanted);
}

#[test]
fn mistakes_are_said_without_a_traceback() {
    let machine = Machine::with(&["path/mongod"]);
    let server = "MONOCOQUE_TEST_MONGO_SERVER";
    let uri = [("MONOCOQUE_TEST_MONGO_URI", "mongodb://a/")];
    for (arguments, variables, text) in [
        (
            &RUN[..],
            &[(server, "foo")][..],
            "MONOCOQUE_TEST_MONGO_SERVER is `foo`",
        ),
        (
            &RUN,
            &[(server, "secantusd-rs")],
            "install --server secantusd-rs",
        ),
        (&["run"], &[], "required: command"),
        (&["run", "--", "/absent"], &uri, "/absent: No such file"),
        (
            &["run", "--members", "0", "--", "/bin/true"],
            &[],
            "--members is 1 or more",
        ),
        (
            &["install", "--server", "secantusd-rs"],
            &[],
            "it needs cargo",
        ),
    ] {
        machine.runs(arguments, variables).fails_with(&[text]);
    }
}
