//! Invented contacts for a first look. Their names, places and telephone numbers belong to nobody:
//! 555-0100 to 555-0199 and the domains under .example are set aside for examples.

use std::sync::Arc;

use resources::schema::{ResourceType, SAMPLE_CONTACTS};
use resources::store::Store;
use transfer::{Format, ImportError, ImportOptions, Importer, OnError};

use crate::failure::Failure;
use crate::store::is_empty;

/// Fills the collection of the contacts if it is empty; one that has data is never touched.
pub(crate) async fn fill(
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
) -> Result<(), Failure> {
    if !is_empty(store, resource_type).await? {
        tracing::info!("there are contacts already: no sample data is added");
        return Ok(());
    }
    let mut rejections = Vec::new();
    let importer = Importer {
        store,
        resource_type,
        on_error: OnError::Stop,
        options: ImportOptions::default(),
        rejected: &mut |row, reason| rejections.push(format!("contact {row}: {reason}")),
        progress: &mut |_| {},
    };
    let rows = transfer::rows(Format::JsonLines, resource_type, SAMPLE_CONTACTS.as_bytes());
    let rows = rows.map_err(Failure::internal)?;
    match importer.run(rows).await {
        Ok(summary) if summary.rejected == 0 => {
            tracing::info!(stored = summary.stored, "sample contacts stored");
            Ok(())
        }
        Ok(_) => Err(Failure::settings(format!(
            "the sample data does not fit the definition of 'contacts': {}",
            rejections.join("; ")
        ))),
        Err(ImportError::Store { error, .. }) => Err(error.into()),
        Err(error) => Err(Failure::internal(error.to_string())),
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
        let rows = transfer::rows(Format::JsonLines, &contacts, SAMPLE_CONTACTS.as_bytes());
        let mut people = HashSet::new();
        for row in rows.unwrap() {
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
