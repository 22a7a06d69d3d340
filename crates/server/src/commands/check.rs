//! `monocoque check`

use store_sqlite::SqliteStore;

use crate::command_line::Check;
use crate::failure::Failure;
use crate::{settings, store};

/// Reads the whole embedded store, prints how much that was, and fails with what is damaged.
pub(super) fn run(arguments: &Check) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    if settings.mongo_uri.is_some() {
        let text = "'check' reads the embedded store; MongoDB has its own command 'validate'";
        return Err(Failure::usage(text));
    }
    store::must_exist(&settings)?;
    let report = SqliteStore::check(&settings.data_dir, &store::sqlite(&settings))?;
    let data_dir = settings.data_dir.display();
    if !report.damages.is_empty() {
        return Err(Failure::unavailable(format!(
            "the store in {data_dir} is damaged; restore it from a backup or export what can still \
             be read:\n{}",
            report.damages.join("\n")
        )));
    }
    let unchecked = match report.unchecked {
        0 => String::new(),
        count => format!(", {count} of them without a checksum, from an earlier version"),
    };
    let resources = report.resources;
    super::print(&format!(
        "{data_dir}: whole, with {resources} resources{unchecked}\n"
    ))
}
