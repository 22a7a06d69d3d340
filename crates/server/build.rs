//! What `/ping` says about the build: the commit and the compiler, where they can be found out.

use std::process::Command;

#[expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to build scripts that way"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A new commit changes the log of HEAD; without a repository there is nothing to watch.
    if let Some(folder) = output("git", &["rev-parse", "--absolute-git-dir"]) {
        println!("cargo::rerun-if-changed={folder}/logs/HEAD");
    }
    // A build without the repository, such as that of the image, is told.
    println!("cargo::rerun-if-env-changed=SOURCE_COMMIT");
    let told = std::env::var("SOURCE_COMMIT").ok();
    let told = told.filter(|commit| !commit.is_empty());
    let told = told.map(|commit| commit.chars().take(12).collect());
    let commit = told.or_else(|| output("git", &["rev-parse", "--short=12", "HEAD"]));
    let commit: String = commit.unwrap_or_default();
    // Not MONOCOQUE_…: cargo leaves these variables to what it runs, where they would be settings.
    println!("cargo::rustc-env=BUILD_COMMIT={commit}");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let rustc = output(&compiler.to_string_lossy(), &["--version"]).unwrap_or_default();
    println!("cargo::rustc-env=BUILD_RUSTC={rustc}");
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
