//! Sample data for a first look: a file beside the definition of a type, or the built-in contacts.
//!
//! The names, places and telephone numbers of the contacts belong to nobody: 555-0100 to 555-0199
//! and the domains under .example are set aside for examples.

mod links;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resources::schema::{ResourceType, SAMPLE_CONTACTS};
use resources::store::Store;
use transfer::{Format, ImportError, ImportOptions, Importer, OnError, Rows};

use self::links::Links;
use crate::failure::Failure;
use crate::store::is_empty;

/// The types that get sample data, and where that is.
pub(crate) struct SampleData(Vec<(Arc<ResourceType>, Source)>);

enum Source {
    BuiltIn,
    File(PathBuf),
}

impl SampleData {
    /// The sample data of these types, from `TYPE.sample.ndjson` in the folder of the definitions.
    /// Contacts have some without a file.
    ///
    /// # Errors
    /// There is none for any of them.
    pub(crate) fn find<'a>(
        folder: Option<&Path>,
        types: impl Iterator<Item = &'a Arc<ResourceType>>,
    ) -> Result<Self, Failure> {
        let source = |name: &str| {
            let file = folder.map(|folder| folder.join(format!("{name}.sample.ndjson")));
            let file = file.filter(|file| file.exists()).map(Source::File);
            file.or_else(|| (name == "contacts").then_some(Source::BuiltIn))
        };
        let found = types.filter_map(|one| Some((one.clone(), source(&one.name)?)));
        let found: Vec<_> = found.collect();
        if found.is_empty() {
            return Err(Failure::usage(
                "--sample-data finds nothing for these services: 'contacts' has sample data, other \
                 types have it in a file TYPE.sample.ndjson beside their definitions",
            ));
        }
        Ok(Self(found))
    }

    /// Fills each of the collections that is empty; one that has data is never touched. Links are
    /// not checked against the store, but those that lead to nothing in these files are logged.
    pub(crate) async fn load(&self, store: &dyn Store) -> Result<(), Failure> {
        let mut links = Links::default();
        for (resource_type, source) in &self.0 {
            let name = &resource_type.name;
            let is_filled = is_empty(store, resource_type).await?;
            // Rows that are not stored may still be those that others lead to.
            links.read(resource_type, source.rows(resource_type)?, is_filled);
            if is_filled {
                fill(store, resource_type, source).await?;
            } else {
                tracing::info!("the collection of '{name}' is not empty: no sample data is added");
            }
        }
        links.report();
        Ok(())
    }
}

impl Source {
    fn rows<'a>(&self, resource_type: &'a ResourceType) -> Result<Rows<'a>, Failure> {
        let file: Box<dyn BufRead + Send> = match self {
            Self::BuiltIn => Box::new(SAMPLE_CONTACTS.as_bytes()),
            Self::File(path) => {
                let opened = File::open(path);
                let unreadable = |error| {
                    Failure::settings(format!("{} cannot be read: {error}", path.display()))
                };
                Box::new(BufReader::new(opened.map_err(unreadable)?))
            }
        };
        transfer::rows(Format::JsonLines, resource_type, file).map_err(Failure::internal)
    }

    /// Where a row stands, for a message.
    fn place(&self, line: u64) -> String {
        match self {
            Self::BuiltIn => format!("built-in contact {line}"),
            Self::File(path) => format!("{}:{line}", path.display()),
        }
    }
}

async fn fill(
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
    source: &Source,
) -> Result<(), Failure> {
    let name = &resource_type.name;
    let mut rejections = Vec::new();
    let importer = Importer {
        store,
        resource_type,
        on_error: OnError::Stop,
        options: ImportOptions::default(),
        rejected: &mut |line, reason| {
            rejections.push(format!("{}: {reason}", source.place(line)));
        },
        progress: &mut |_| {},
    };
    match importer.run(source.rows(resource_type)?).await {
        Ok(summary) if summary.rejected == 0 => {
            tracing::info!(stored = summary.stored, "sample data of '{name}' stored");
            Ok(())
        }
        Ok(_) => Err(Failure::settings(format!(
            "the sample data does not fit the definition of '{name}': {}",
            rejections.join("; ")
        ))),
        Err(ImportError::Store { error, .. }) => Err(error.into()),
        Err(error) => Err(Failure::settings(format!(
            "the sample data of '{name}' cannot be used: {error}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn sample_contacts_have_all_attributes_and_are_all_different() {
        let contacts = resources::schema::contacts();
        let declared: Vec<&str> = contacts.attributes.declared().collect();
        let rows = Source::BuiltIn.rows(&contacts);
        let mut people = HashSet::new();
        for row in rows.ok().unwrap() {
            let contact = row.unwrap().object.unwrap();
            assert_eq!(contact.keys().collect::<Vec<_>>(), declared);
            people.insert((
                contact["firstName"].to_string(),
                contact["lastName"].to_string(),
            ));
        }
        assert_eq!(people.len(), 500);
    }
}
