//! The file of the embedded store: whose it is, whether it is whole, and its version.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use resources::store::StoreError;

use super::failure::failure;
use super::functions;
use super::lock::{self, FilesState, Lock};
use super::migrations::{MIGRATIONS, migrate};
use super::watch::beside;

/// What stands for itself in the path of a URI.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// The file's name in the data directory.
pub(super) const NAME: &str = "monocoque.sqlite";

/// "MnCq": marks the file as ours, see <https://www.sqlite.org/pragma.html#pragma_application_id>.
const APPLICATION_ID: i32 = 0x4d6e_4371;

/// Larger files are not read through at the start, which would take more than a few seconds.
const CHECKED_BYTES_MAX: u64 = 1 << 30;

/// How long a reader waits for a lock, which in WAL mode is hardly ever taken.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that each connection keeps compiled: a few for each of many types.
pub(super) const STATEMENTS_KEPT: usize = 256;

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Opens the file for writing, after it has been found whole, ours and not too new. Returns the
/// token of the file, too.
pub(super) fn open(path: &Path, lock: &Lock) -> Result<(Connection, String), StoreError> {
    let named = |error| name_file(error, path);
    missing(path, &lock.last)?;
    if !path.exists() {
        create(path, lock.files_mode)?;
    }
    check_magic(path)?;
    // Files of earlier versions were readable by everybody.
    let _ = std::fs::set_permissions(path, Permissions::from_mode(lock.files_mode));
    let connection = Connection::open(path).map_err(failure).map_err(named)?;
    check(&connection, path).map_err(named)?;
    configure(&connection).map_err(failure).map_err(named)?;
    migrate(&connection).map_err(named)?;
    // Whether a token that was not renewed wholly is in the file or only in its log, changes
    // later: an empty one fits any file.
    let token = if renew_token(&connection, || lock.note(&FilesState::Closed)) {
        token(path).unwrap_or_default()
    } else {
        String::new()
    };
    Ok((connection, token))
}

/// Opens the file for a look that does not change it.
pub(super) fn open_to_look(path: &Path) -> Result<Connection, StoreError> {
    check_magic(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags);
    // Without the functions in its indexes a file cannot be checked.
    let opened = opened.and_then(|connection| {
        functions::register(&connection)?;
        Ok(connection)
    });
    opened.map_err(|error| name_file(failure(error), path))
}

/// What there is to say of a data directory without a file.
pub(super) fn no_store(data_dir: &Path) -> StoreError {
    let data_dir = data_dir.display();
    StoreError::Unusable(format!(
        "there is no store in the data directory {data_dir}"
    ))
}

/// Makes the file under another name first, so that there is never one that is half made.
fn create(path: &Path, mode: u32) -> Result<(), StoreError> {
    let unusable = |error: std::io::Error| {
        StoreError::Unusable(format!("{} cannot be made: {error}", path.display()))
    };
    let new = beside(path, ".new");
    for leftover in [new.clone(), beside(&new, "-wal"), beside(&new, "-shm")] {
        let _ = std::fs::remove_file(leftover);
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    drop(options.open(&new).map_err(unusable)?);
    let connection = Connection::open(&new).map_err(failure)?;
    configure(&connection).map_err(failure)?;
    migrate(&connection)?;
    connection.close().map_err(|(_, error)| failure(error))?;
    std::fs::rename(&new, path).map_err(unusable)
}

/// Refuses files of which a part is missing that had acknowledged writes.
pub(super) fn missing(path: &Path, last: &FilesState) -> Result<(), StoreError> {
    let length = |path: &Path| std::fs::metadata(path).ok().map(|metadata| metadata.len());
    let (file, log) = (length(path), length(&beside(path, "-wal")).unwrap_or(0));
    let reason = match (last, file, log) {
        (FilesState::Lost(reason), ..) => reason.clone(),
        (_, Some(0), _) => "the file is empty".to_owned(),
        (_, None, 1..) => "there is a log without its file".to_owned(),
        (FilesState::Logged(_), _, 0) => {
            "the log is missing, which has acknowledged writes".to_owned()
        }
        (FilesState::Logged(expected), Some(_), _)
            if token(path).is_some_and(|token| !expected.is_empty() && token != *expected) =>
        {
            "the log beside the file belongs to another one".to_owned()
        }
        _ => return Ok(()),
    };
    Err(StoreError::Corrupt(format!(
        "{}: {reason}; restore the files from a backup, or delete {} to go on with what is there",
        path.display(),
        path.with_file_name(lock::NAME).display()
    )))
}

/// The token that is in the file itself, whatever its log has.
fn token(path: &Path) -> Option<String> {
    let encoded = utf8_percent_encode(path.to_str()?, UNRESERVED);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection =
        Connection::open_with_flags(format!("file:{encoded}?immutable=1"), flags).ok()?;
    let token = connection.query_one("SELECT text FROM token", [], |row| row.get(0));
    token.ok()
}

/// Gives the file another token than its backups have, and empties the log as [`empty_log`] does.
/// On a full disk nothing of this is done. Returns whether all of it was.
fn renew_token(connection: &Connection, note: impl FnOnce()) -> bool {
    let token = uuid::Uuid::new_v4().simple().to_string();
    let renewed = connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; DELETE FROM token; INSERT INTO token VALUES ('{token}'); COMMIT;"
    ));
    match renewed.and_then(|()| empty_log(connection, note)) {
        Ok(is_emptied) => is_emptied,
        Err(error) => {
            tracing::warn!(%error, "the file of the store cannot be written now");
            let _ = connection.execute_batch("ROLLBACK");
            false
        }
    }
}

/// Brings what the log has into the file, calls `note`, and empties the log: a process that is
/// killed at any moment leaves a log, or the note that none is needed. Returns whether the log is
/// empty; a reader of an older state keeps it from being so.
pub(super) fn empty_log(connection: &Connection, note: impl FnOnce()) -> rusqlite::Result<bool> {
    // Syncs the file: <https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>.
    let (is_busy, frames, moved): (bool, i64, i64) =
        connection.query_one("PRAGMA wal_checkpoint(FULL)", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    if is_busy || frames != moved {
        return Ok(false);
    }
    note();
    let empty = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy: bool = connection.query_one(empty, [], |row| row.get(0))?;
    Ok(!is_busy)
}

/// Opens the file for reading; it is open for writing already.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        functions::register(&connection)?;
        // Opens the log, too, and not another one later.
        connection.query_one("SELECT count(*) FROM collections", [], |_| Ok(()))?;
        Ok(connection)
    };
    open().map_err(failure)
}

/// Refuses a file whose first bytes are damaged; SQLite would say that it may be encrypted.
pub(super) fn check_magic(path: &Path) -> Result<(), StoreError> {
    let unreadable = |error: std::io::Error| {
        StoreError::Unusable(format!("{} cannot be read: {error}", path.display()))
    };
    let mut file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(unreadable)?,
    };
    let mut start = Vec::new();
    Read::by_ref(&mut file)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    if start.is_empty() || start == MAGIC {
        return Ok(());
    }
    Err(StoreError::Corrupt(format!(
        "{} is not an SQLite file, or its first page is damaged; restore it from a backup or move \
         it away",
        path.display()
    )))
}

/// Looks, and changes nothing: even the log of an earlier crash stays as it is on failure.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let looked = || {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let owner: i32 = pragma(connection, "application_id")?;
        let tables: u64 =
            connection.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let version: usize = pragma(connection, "user_version")?;
        let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let verdict = match size {
            0..=CHECKED_BYTES_MAX => connection
                .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
                .unwrap_or_else(|error| error.to_string()),
            _ => "ok".to_owned(),
        };
        Ok((owner, tables, version, verdict))
    };
    let (owner, tables, version, verdict) = looked().map_err(failure)?;
    if owner != APPLICATION_ID && tables > 0 {
        return Err(StoreError::Unusable(
            "the file belongs to another program".to_owned(),
        ));
    }
    let known = MIGRATIONS.len();
    if version > known {
        return Err(StoreError::Unusable(format!(
            "the file has schema version {version}, this program knows up to {known}: use a newer \
             version of the program"
        )));
    }
    if verdict != "ok" {
        // The first line of the verdict only says which database it is about.
        let reason = verdict.lines().last().unwrap_or_default().to_owned();
        return Err(StoreError::Corrupt(reason));
    }
    Ok(())
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // A unit may demand what a filter says.
    functions::register(connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is there is not written again: the disk may be full.
    if pragma::<i32>(connection, "application_id")? != APPLICATION_ID {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}

pub(super) fn pragma<T: rusqlite::types::FromSql>(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<T> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

pub(super) fn name_file(error: StoreError, path: &Path) -> StoreError {
    let path = path.display();
    match error {
        StoreError::Corrupt(text) => StoreError::Corrupt(format!(
            "{path}: {text}; restore it from a backup or move it away"
        )),
        // A file that cannot be opened at the start is a matter of settings.
        StoreError::Unusable(text)
        | StoreError::Unavailable(text)
        | StoreError::Busy(text)
        | StoreError::Lost(text)
        | StoreError::Unprepared(text)
        | StoreError::Unsupported(text) => StoreError::Unusable(format!("{path}: {text}")),
        StoreError::Internal(text) | StoreError::OutcomeUnknown(text) => {
            StoreError::Internal(format!("{path}: {text}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Result<Connection, StoreError> {
        let lock = Lock::acquire(path.parent().unwrap(), 0o600)?;
        super::open(path, &lock).map(|(connection, _)| connection)
    }

    fn new_file() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        drop(open(&path).unwrap());
        (folder, path)
    }

    #[test]
    fn a_new_file_has_the_current_version_and_full_durability() {
        let (_folder, path) = new_file();
        let connection = open(&path).unwrap();
        let setting = |name| pragma::<String>(&connection, name).unwrap();
        assert_eq!(setting("journal_mode"), "wal");
        assert_eq!(pragma::<i64>(&connection, "synchronous").unwrap(), 2);
        assert_eq!(
            pragma::<usize>(&connection, "user_version").unwrap(),
            MIGRATIONS.len()
        );
    }

    #[test]
    fn a_file_of_another_program_or_of_a_newer_version_is_left_alone() {
        let (_folder, path) = new_file();
        open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 999)
            .unwrap();
        assert!(matches!(open(&path), Err(StoreError::Unusable(text)) if text.contains("999")));
        let foreign = path.with_file_name("foreign.sqlite");
        Connection::open(&foreign)
            .unwrap()
            .execute_batch("CREATE TABLE t (x)")
            .unwrap();
        let before = std::fs::read(&foreign).unwrap();
        assert!(matches!(open(&foreign), Err(StoreError::Unusable(_))));
        assert_eq!(std::fs::read(&foreign).unwrap(), before);
    }

    #[test]
    fn a_log_is_whole_until_it_is_noted_that_none_is_needed() {
        let (_folder, path) = new_file();
        let connection = open(&path).unwrap();
        connection
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
            .unwrap();
        let log = beside(&path, "-wal");
        let length = || std::fs::metadata(&log).unwrap().len();
        let in_file = || {
            let uri = format!("file:{}?immutable=1", path.display());
            let file = Connection::open(uri).unwrap();
            file.query_one("SELECT x FROM t", [], |row| row.get::<_, i64>(0))
        };
        assert!(length() > 0 && in_file().is_err());
        let mut noted = false;
        let emptied = empty_log(&connection, || {
            noted = true;
            assert!(length() > 0, "a kill here loses the log and its note");
            assert_eq!(in_file().unwrap(), 1);
        });
        assert!(emptied.unwrap() && noted && length() == 0);
    }

    #[test]
    fn a_log_that_a_reader_needs_is_not_noted_as_unneeded() {
        let (_folder, path) = new_file();
        let connection = open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (x);").unwrap();
        let mut reader = open_reader(&path).unwrap();
        let moment = reader.transaction().unwrap();
        let count = "SELECT count(*) FROM t";
        moment.query_one(count, [], |_| Ok(())).unwrap();
        connection
            .execute_batch("INSERT INTO t VALUES (1);")
            .unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        let emptied = empty_log(&connection, || panic!("the log is needed"));
        assert!(!emptied.unwrap());
    }

    #[test]
    fn a_damaged_file_is_named_and_not_touched() {
        let (_folder, path) = new_file();
        let connection = open(&path).unwrap();
        connection
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(50000));")
            .unwrap();
        drop(connection);
        let whole = std::fs::read(&path).unwrap();
        let mut garbled = whole.clone();
        garbled[4096 * 2..4096 * 2 + 400].fill(0xa5);
        let mut headless = whole.clone();
        headless[..50].fill(0);
        for damaged in [
            garbled,
            headless,
            b"not a database".to_vec(),
            whole[..whole.len() / 2].to_vec(),
        ] {
            std::fs::write(&path, &damaged).unwrap();
            let error = open(&path).unwrap_err();
            assert!(
                matches!(&error, StoreError::Corrupt(text) if text.contains(NAME)),
                "{error}"
            );
            assert_eq!(std::fs::read(&path).unwrap(), damaged);
        }
    }
}
