//! A page of the documentation, followed from top to bottom as a reader would.
//!
//! The first word behind the three backticks says what a block is: `sh serve` starts a server in
//! the place of the one before, `sh`, `python` and `js` are run, `json` and `text` are what came of
//! the run before. A second word is the name of a file that the block is written to. Blocks
//! without a word are only read.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Block, blocks};
use crate::harness::command::binary;
use crate::harness::{Server, Setup, Store};

/// Follows the page, with the default addresses and the default data directory of the reader.
pub(crate) async fn is_true(document: &str) {
    is_true_over(document, Store::fresh()).await;
}

/// The same over a store that has something.
pub(crate) async fn is_true_over(document: &str, store: Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut reader = Reader {
        folder: folder.path(),
        store,
        server: None,
        output: String::new(),
    };
    reader.install();
    let mut followed = 0;
    for block in blocks(document) {
        followed += usize::from(reader.follow(&block).await);
    }
    assert!(followed > 2, "{document}: {followed} blocks were followed");
}

struct Reader<'a> {
    folder: &'a Path,
    store: Store,
    server: Option<Server>,
    /// What the last command has printed.
    output: String,
}

impl Reader<'_> {
    /// Puts the command where the shell finds it.
    fn install(&self) {
        let command = binary();
        let path = command.get_program().to_str().unwrap();
        let script = match &self.store {
            Store::Embedded(_) => format!(
                "#!/bin/sh\n: \"${{MONOCOQUE_DATA_DIR:={}}}\"\nexport MONOCOQUE_DATA_DIR\nexec {path} \"$@\"\n",
                self.store.data_dir().display()
            ),
            Store::MongoDb(_) => format!("#!/bin/sh\nexec {path} \"$@\"\n"),
        };
        let sample = self.folder.join("contacts.ndjson");
        std::fs::write(sample, resources::schema::SAMPLE_CONTACTS).unwrap();
        let installed = self.folder.join("bin");
        std::fs::create_dir(&installed).unwrap();
        let installed = installed.join("monocoque");
        std::fs::write(&installed, script).unwrap();
        std::fs::set_permissions(&installed, Permissions::from_mode(0o755)).unwrap();
    }

    /// Whether there was something to do.
    async fn follow(&mut self, block: &Block) -> bool {
        let text = self.here(&block.text);
        match block.language.as_str() {
            "sh serve" => self.serve(&block.text).await,
            "sh" => self.run("sh", &["-e", "-c", &text]),
            "python" => self.run("python3", &["-c", &text]),
            "js" => self.run("node", &["--input-type=module", "-e", &text]),
            "json" => {
                let parse = |text: &str| serde_json::from_str::<Value>(&without_ids(text)).unwrap();
                assert_eq!(parse(&self.output), parse(&block.text));
            }
            "text" => assert_eq!(without_ids(self.output.trim()), without_ids(&block.text)),
            other => match other.split_once(' ') {
                Some((_, name)) => std::fs::write(self.folder.join(name), text).unwrap(),
                None => return false,
            },
        }
        true
    }

    async fn serve(&mut self, command: &str) {
        if let Some(server) = self.server.take() {
            assert!(server.terminate().await.success());
        }
        let arguments = command.strip_prefix("monocoque serve").unwrap();
        let setup = Setup::on(&self.store).directory(self.folder);
        let arguments = arguments.split_whitespace();
        let setup = arguments.fold(setup, |setup, argument| setup.arguments([argument]));
        self.server = Some(setup.start().await);
    }

    /// The text with the addresses of these servers in the place of those on the page.
    fn here(&self, text: &str) -> String {
        let text = match &self.store {
            Store::MongoDb(database) => {
                text.replace("mongodb://localhost:27017/shop", database.uri())
            }
            Store::Embedded(_) => text.to_owned(),
        };
        let Some(server) = &self.server else {
            return text;
        };
        text.replace("localhost:8000", &server.address().to_string())
            .replace("localhost:9000", &server.admin_address().to_string())
    }

    fn run(&mut self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder);
        let installed = self.folder.join("bin").display().to_string();
        command.env("PATH", format!("{installed}:/usr/local/bin:/usr/bin:/bin"));
        if let Some(server) = &self.server {
            command.env("MONOCOQUE_ADMIN_LISTEN", server.admin_address().to_string());
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        self.output = String::from_utf8(output.stdout).unwrap();
    }
}

/// Ids of the server's choice differ from run to run.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.split_inclusive(|character: char| !character.is_ascii_alphanumeric());
    let plain = words.map(|word| {
        let bare = word.trim_end_matches(|character: char| !character.is_ascii_alphanumeric());
        if is_id(bare) {
            word.replace(bare, "ID")
        } else {
            word.to_owned()
        }
    });
    plain.collect()
}
