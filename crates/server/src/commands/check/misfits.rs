//! The stored resources that do not fit their definitions, one thing on each line.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use resources::fit::{self, Bounds, Misfit};
use resources::schema::{Id, ResourceType, Types, Violation};
use resources::store::{Duplicates, Store};
use serde_json::json;

use super::super::say;
use crate::command_line::MisfitFormat;
use crate::failure::Failure;

/// Values with duplicates that are listed for each type.
const DUPLICATES_MAX: usize = 1000;

/// Writes what does not fit to the standard output, and the closing count of each type to the
/// standard error. Returns whether there was anything.
pub(super) async fn list(
    store: &dyn Store,
    types: &[Arc<ResourceType>],
    declared: &[Arc<ResourceType>],
    format: MisfitFormat,
) -> Result<bool, Failure> {
    let declared = Types::new(declared);
    let mut lines = Lines::new(format);
    let mut is_any = false;
    for resource_type in types {
        let name = &resource_type.name;
        let duplicates = store.duplicates(resource_type, DUPLICATES_MAX).await?;
        for one in &duplicates {
            lines.duplicates(name, one);
        }
        let mut found = |misfit: Misfit| lines.misfit(name, &misfit);
        let (types, bounds) = (Some(&declared), Bounds::NONE);
        let compared = fit::compare(store, resource_type, types, bounds, &mut found).await?;
        lines.flush()?;
        is_any |= compared.misfits > 0 || !duplicates.is_empty();
        say(&summary(name, &compared, duplicates.len()));
    }
    Ok(is_any)
}

fn summary(name: &str, compared: &fit::Compared, duplicates: usize) -> String {
    let (resources, misfits) = (compared.resources, compared.misfits);
    let shared = match duplicates {
        0 => String::new(),
        DUPLICATES_MAX.. => format!(", at least {DUPLICATES_MAX} values are not unique"),
        1 => ", one value is not unique".to_owned(),
        count => format!(", {count} values are not unique"),
    };
    match misfits {
        0 => format!("{name}: all {resources} resources fit{shared}"),
        _ => format!("{name}: {misfits} of {resources} resources do not fit{shared}"),
    }
}

/// The standard output. That nobody reads it any more is no failure.
struct Lines {
    output: BufWriter<io::Stdout>,
    format: MisfitFormat,
    failed: Option<io::Error>,
}

impl Lines {
    fn new(format: MisfitFormat) -> Self {
        Self {
            output: BufWriter::new(io::stdout()),
            format,
            failed: None,
        }
    }

    fn misfit(&mut self, resource_type: &str, misfit: &Misfit) {
        for violation in &misfit.violations {
            self.line(resource_type, &misfit.id, violation);
        }
    }

    fn duplicates(&mut self, resource_type: &str, duplicates: &Duplicates) {
        let attributes = duplicates.index.attribute_names();
        let pointer = match duplicates.index.keys.as_slice() {
            [only] => {
                let names: Vec<&str> = only.names().collect();
                format!("/{}", names.join("/"))
            }
            _ => String::new(),
        };
        let more = match duplicates.count - 2 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let violation = Violation {
            pointer,
            keyword: "unique".to_owned(),
            message: format!("'{}'{more} has the same {attributes}", duplicates.other),
        };
        self.line(resource_type, &duplicates.one, &violation);
    }

    fn line(&mut self, of: &str, id: &Id, violation: &Violation) {
        let Violation {
            pointer,
            keyword,
            message,
        } = violation;
        let line = match self.format {
            MisfitFormat::Lines => {
                let pointer = if pointer.is_empty() { "/" } else { pointer };
                format!("{of} {id}: {pointer}: {message}")
            }
            MisfitFormat::Json => json!({
                "type": of, "id": id.to_string(), "pointer": pointer, "keyword": keyword,
                "message": message,
            })
            .to_string(),
        };
        if let Err(error) = writeln!(self.output, "{line}") {
            self.failed.get_or_insert(error);
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.output.flush();
        match self.failed.take().or(flushed.err()) {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::internal(
                format!("the standard output cannot be written: {error}"),
            )),
            _ => Ok(()),
        }
    }
}
