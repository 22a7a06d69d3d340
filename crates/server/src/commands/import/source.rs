//! Where the rows of an import come from.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use transfer::Format;

use crate::failure::Failure;

/// Bytes that are read from a file at a time.
const BUFFER: usize = 1 << 18;

/// The same of a pipe, which holds no more.
const PIPE_BUFFER: usize = 1 << 16;

/// How often an import that waits for a pipe looks whether it is told to stop.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A file or a pipe.
pub(super) struct Source {
    file: Box<dyn Read + Send>,
    /// How its rows are written.
    pub(super) format: Format,
    /// Its size, where it has one.
    pub(super) length: Option<u64>,
    /// When it was last changed, if it is a file.
    pub(super) changed: Option<SystemTime>,
}

impl Source {
    pub(super) fn open(path: &Path, format: Format) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self {
                file: Box::new(io::stdin()),
                format,
                length: None,
                changed: None,
            });
        }
        let unreadable =
            |error| Failure::settings(format!("{} cannot be read: {error}", path.display()));
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Failure::settings(format!(
                "{} is a directory",
                path.display()
            )));
        }
        let changed = metadata.modified().ok().filter(|_| metadata.is_file());
        Ok(Self {
            file: Box::new(file),
            format,
            // A pipe has no length.
            length: metadata.is_file().then_some(metadata.len()),
            changed,
        })
    }

    /// The text, and how much of it was read so far. Whoever waits for more of a pipe gets an
    /// error when `stop` is set.
    pub(super) fn counted(self, stop: &'static AtomicBool) -> (impl BufRead, Arc<AtomicU64>) {
        let position = Arc::new(AtomicU64::new(0));
        let file = match self.length {
            Some(_) => self.file,
            None => Box::new(Piped::of(self.file, stop)),
        };
        let counted = Counted {
            file,
            position: position.clone(),
        };
        (BufReader::with_capacity(BUFFER, counted), position)
    }
}

struct Counted {
    file: Box<dyn Read + Send>,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.position.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// A pipe that is read by a thread of its own, because nothing ends a read that waits.
struct Piped {
    pieces: Receiver<io::Result<Vec<u8>>>,
    /// The piece that is being given out, and how much of it was.
    piece: io::Cursor<Vec<u8>>,
    stop: &'static AtomicBool,
}

impl Piped {
    fn of(file: Box<dyn Read + Send>, stop: &'static AtomicBool) -> Self {
        let (pieces, taken) = sync_channel(1);
        std::thread::spawn(move || send(file, &pieces));
        Self {
            pieces: taken,
            piece: io::Cursor::default(),
            stop,
        }
    }
}

/// Ends with the pipe, or when nobody takes its pieces any more.
fn send(mut file: Box<dyn Read + Send>, pieces: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = vec![0; PIPE_BUFFER];
        let read = match file.read(&mut piece) {
            Ok(0) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read,
        };
        let piece = read.map(|length| {
            piece.truncate(length);
            piece
        });
        if pieces.send(piece).is_err() {
            return;
        }
    }
}

impl Read for Piped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.piece.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            match self.pieces.recv_timeout(LOOK_INTERVAL) {
                Ok(piece) => self.piece = io::Cursor::new(piece?),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) if self.stop.load(Ordering::Relaxed) => {
                    return Err(io::Error::other("told to stop"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
