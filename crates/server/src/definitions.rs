//! The resource types that the settings choose.

use std::path::Path;
use std::sync::Arc;

use chassis::operations;
use resources::schema::{self, ResourceType};

use crate::failure::Failure;
use crate::settings::Settings;

/// The name of the service that is no resource type.
pub(crate) const FIBONACCI: &str = "fibonacci";

/// First segments of paths that no resource type can have.
fn reserved() -> Vec<&'static str> {
    let own = [FIBONACCI, "operations"];
    own.into_iter().chain(operations::RESERVED).collect()
}

/// The declared types, or the built-in contacts.
pub(crate) fn all(settings: &Settings) -> Result<Vec<Arc<ResourceType>>, Failure> {
    match &settings.resources {
        Some(folder) => load(folder),
        None => Ok(vec![Arc::new(schema::contacts())]),
    }
}

/// The types that a directory or a file declares.
pub(crate) fn load(folder: &Path) -> Result<Vec<Arc<ResourceType>>, Failure> {
    schema::load_folder(folder, &reserved()).map_err(|error| {
        Failure::settings(format!("the definition files cannot be used:\n{error}"))
    })
}

/// One declared type by its name.
pub(crate) fn find(settings: &Settings, name: &str) -> Result<Arc<ResourceType>, Failure> {
    let types = all(settings)?;
    types
        .iter()
        .find(|known| known.name == name)
        .cloned()
        .ok_or_else(|| {
            let known: Vec<&str> = types.iter().map(|known| known.name.as_str()).collect();
            Failure::usage(format!(
                "there is no resource type '{name}'; there are {}",
                known.join(", ")
            ))
        })
}
