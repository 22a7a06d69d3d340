//! The binary as a command that runs to its end.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{LOOK_INTERVAL, SOON, Store};

const BINARY: &str = env!("CARGO_BIN_EXE_monocoque");

/// The binary, without the settings of the developer who runs the tests.
pub(crate) fn binary() -> Command {
    without_settings(Command::new(BINARY))
}

fn without_settings(mut command: Command) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "a child must not inherit settings, whatever their names"
    )]
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MONOCOQUE_") {
            command.env_remove(name);
        }
    }
    command.env_remove("MONGO_URI").env_remove("LOG_MODE");
    command
}

/// The same command with a limit of file descriptors.
pub(super) fn within_descriptors(command: &Command, count: u32) -> Command {
    through_shell(command, &format!("ulimit -n {count}; exec \"$0\" \"$@\""))
}

/// The same command, executed by a script to which it is `$0` and its arguments `$@`.
pub(crate) fn through_shell(command: &Command, script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(command.get_program());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// A command line that is about to be run.
pub(crate) struct Invocation {
    command: Command,
    input: Vec<u8>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code; -1 after a signal.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Invocation {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let mut command = binary();
        command.args(arguments);
        Self {
            command,
            input: Vec::new(),
        }
    }

    /// A command none of whose files may become longer than so many blocks of 512 or 1024 bytes
    /// (shells differ): the disk is full for it then.
    pub(crate) fn on_small_disk(blocks: u32, arguments: &[&str]) -> Self {
        let script = "ulimit -f \"$0\"; exec \"$@\"";
        let mut command = without_settings(Command::new("sh"));
        command.args(["-c", script, &blocks.to_string(), BINARY]);
        command.args(arguments);
        Self {
            command,
            input: Vec::new(),
        }
    }

    pub(crate) fn on(mut self, store: &Store) -> Self {
        store.configure(&mut self.command);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// What the command reads from its standard input.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(mut self) -> Outcome {
        let input = std::mem::take(&mut self.input);
        let mut running = self.begin();
        let mut stdin = running.stdin.take().unwrap();
        // A command that fails early does not read all of it.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let outcome = running.end();
        writer.join().unwrap();
        outcome
    }

    /// Starts it and leaves the standard input to the caller.
    pub(crate) fn begin(self) -> Running {
        let (mut running, stdout) = self.begin_unread();
        running.stdout = Some(collect(stdout));
        running
    }

    /// Starts it and leaves the standard output to the caller too.
    pub(crate) fn begin_unread(mut self) -> (Running, ChildStdout) {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = self.command.stderr(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let running = Running {
            stdin: child.stdin.take(),
            stdout: None,
            stderr: Some(collect(child.stderr.take().unwrap())),
            child,
        };
        (running, stdout)
    }
}

/// A command that runs; it is killed when it is dropped.
pub(crate) struct Running {
    /// Taken or dropped, it tells the command that there is no more input.
    pub(crate) stdin: Option<ChildStdin>,
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(self) -> Outcome {
        self.end_within(SOON)
    }

    /// [`Running::end`] of something that takes long by itself.
    #[track_caller]
    pub(crate) fn end_within(mut self, patience: Duration) -> Outcome {
        drop(self.stdin.take());
        let deadline = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the command does not end");
            std::thread::sleep(LOOK_INTERVAL);
        };
        let text = |stream: Option<JoinHandle<Vec<u8>>>| {
            let bytes = stream.map_or_else(Vec::new, |stream| stream.join().unwrap());
            String::from_utf8(bytes).unwrap()
        };
        Outcome {
            code: status.code().unwrap_or(-1),
            stdout: text(self.stdout.take()),
            stderr: text(self.stderr.take()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

impl Outcome {
    /// Checks the exit code and that the message on standard error has all of these texts.
    #[track_caller]
    pub(crate) fn fails_with(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for text in texts {
            assert!(self.stderr.contains(text), "no '{text}' in {self:?}");
        }
        for text in ["panicked", "RUST_BACKTRACE"] {
            assert!(!self.stderr.contains(text), "{self:?}");
        }
    }

    /// The standard output of a command that went well.
    #[track_caller]
    pub(crate) fn output(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.stdout
    }
}
