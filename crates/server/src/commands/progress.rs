//! How far a transfer is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a plain line is written.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

const KNOWN_END: &str = "{bar:20} {percent:>3} %  {msg}  {elapsed} gone, {eta} left";
const UNKNOWN_END: &str = "{spinner} {msg}  {elapsed} gone";

/// The progress of one transfer, on standard error.
pub(super) struct Progress {
    started: Instant,
    form: Form,
}

enum Form {
    Bar(ProgressBar),
    Lines { next: Instant },
}

impl Progress {
    /// `end` is the position at which it is done, where that is known.
    pub(super) fn new(end: Option<u64>) -> Self {
        let started = Instant::now();
        if !std::io::stderr().is_terminal() {
            return Self {
                started,
                form: Form::Lines {
                    next: started + PLAIN_INTERVAL,
                },
            };
        }
        let (bar, template) = match end {
            Some(end) => (ProgressBar::new(end), KNOWN_END),
            None => (ProgressBar::new_spinner(), UNKNOWN_END),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            started,
            form: Form::Bar(bar),
        }
    }

    /// `position` is on the way to the end, `rows` is how many rows are through.
    pub(super) fn advance(&mut self, position: u64, rows: u64) {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let message = format!("{rows} rows, {:.0} a second", rows as f64 / seconds);
        self.show(position, message);
    }

    /// So many bytes of all of them are through.
    pub(super) fn advance_bytes(&mut self, bytes: u64, total: u64) {
        let (bytes_shown, total) = (HumanBytes(bytes), HumanBytes(total));
        self.show(bytes, format!("{bytes_shown} of {total}"));
    }

    fn show(&mut self, position: u64, message: String) {
        match &mut self.form {
            Form::Bar(bar) => {
                bar.set_position(position);
                bar.set_message(message);
            }
            Form::Lines { next } => {
                let now = Instant::now();
                if now >= *next {
                    *next = now + PLAIN_INTERVAL;
                    let _ = writeln!(std::io::stderr(), "{message}");
                }
            }
        }
    }

    /// Says something without disturbing the bar.
    pub(super) fn say(&self, text: &str) {
        let write = || drop(writeln!(std::io::stderr(), "{text}"));
        match &self.form {
            Form::Bar(bar) => bar.suspend(write),
            Form::Lines { .. } => write(),
        }
    }

    pub(super) fn finish(&self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}
