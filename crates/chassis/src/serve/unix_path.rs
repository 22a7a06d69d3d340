//! The path of a Unix socket, from its making to its removal.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixSocket;

/// A path that this process made. It is removed with this value, unless another has taken it.
#[derive(Debug)]
pub(super) struct OwnPath {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl OwnPath {
    /// Gives `socket` the path, before it listens: until then nobody can connect, whatever the
    /// mode of the moment.
    pub(super) fn bind(socket: &UnixSocket, path: &Path, mode: u32) -> io::Result<Self> {
        remove_left_over(path)?;
        socket.bind(path)?;
        let identity = identity(path)?;
        let own = Self {
            path: path.to_owned(),
            identity,
        };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        Ok(own)
    }
}

impl Drop for OwnPath {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Removes the socket of a process that was killed.
fn remove_left_over(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    let refused = |text: &str| Err(io::Error::new(io::ErrorKind::AddrInUse, text));
    if !found.file_type().is_socket() {
        return refused("something that is no socket is there");
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Ok(_) => refused("somebody answers there"),
        // Also a full backlog is somebody's.
        Err(error) => Err(error),
    }
}
