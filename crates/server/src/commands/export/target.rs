//! The file that an export goes to.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::unwritable;
use crate::failure::Failure;

/// Bytes that are written to a file at a time.
const BUFFER: usize = 1 << 18;

/// Where an export goes. A regular file gets its name when it is complete; anything else, such as a
/// pipe, is written to directly.
pub(super) struct Target {
    pub(super) file: Box<dyn Write + Send>,
    partial: Option<Partial>,
}

/// A file that is not complete. If it is dropped before it gets its name, it is removed.
struct Partial {
    file: File,
    path: PathBuf,
    complete: PathBuf,
}

impl Target {
    pub(super) fn create(path: &Path, mode: u32) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let output = BufWriter::with_capacity(BUFFER, std::io::stdout());
            return Ok(Self {
                file: Box::new(output),
                partial: None,
            });
        }
        // The file behind a symbolic link is written, and the link stays.
        let complete = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if complete.exists() && !complete.is_file() {
            let file = File::create(&complete).map_err(|error| unwritable(&error, path))?;
            let file = Box::new(BufWriter::with_capacity(BUFFER, file));
            return Ok(Self {
                file,
                partial: None,
            });
        }
        let name = complete
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let partial = complete.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        let mut options = File::options();
        let created = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&partial);
        let created = created.and_then(|file| Ok((file.try_clone()?, file)));
        let (file, writer) = created.map_err(|error| unwritable(&error, path))?;
        let writer = Box::new(BufWriter::with_capacity(BUFFER, writer));
        Ok(Self {
            file: writer,
            partial: Some(Partial {
                file,
                path: partial,
                complete,
            }),
        })
    }

    pub(super) fn complete(mut self) -> Result<(), Failure> {
        let path = self
            .partial
            .as_ref()
            .map_or(Path::new("-"), |partial| &partial.complete);
        self.file
            .flush()
            .map_err(|error| unwritable(&error, path))?;
        let Some(partial) = self.partial.take() else {
            return Ok(());
        };
        let renamed = partial
            .file
            .sync_all()
            .and_then(|()| std::fs::rename(&partial.path, &partial.complete));
        renamed.map_err(|error| unwritable(&error, &partial.complete))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the renaming there is nothing of this name.
        let _ = std::fs::remove_file(&self.path);
    }
}
