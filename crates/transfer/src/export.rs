//! A collection out to a file.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

use resources::schema::{Attributes, ResourceType};
use resources::store::{ResourceRef, Scan, StoreError, stored_value};
use serde_json::Value;

use crate::Format;
use crate::csv::encode;

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be written.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    /// A resource has an attribute that no resource had when the header was written.
    #[error("the attribute '{0}' appeared during the export; try again")]
    NewColumn(String),
}

/// Writes every resource in the order of the scans that `scan` begins, and returns their number.
/// After each batch, `progress` is called with the number so far. An import of the file gives the
/// same resources with the same ids.
///
/// CSV goes through the collection twice: its header must name every attribute that occurs.
pub async fn export(
    scan: impl AsyncFn() -> Result<Scan, StoreError>,
    resource_type: &ResourceType,
    format: Format,
    file: &mut (dyn Write + Send),
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, ExportError> {
    let mut rows = match format {
        Format::Json => RowWriter::Json { first: true },
        Format::JsonLines => RowWriter::JsonLines,
        Format::Csv => RowWriter::Csv(Columns::collect(scan().await?, resource_type).await?),
    };
    rows.start(file)?;
    let mut count = 0;
    let mut scan = scan().await?;
    while let Some(batch) = scan.next().await? {
        for resource in batch.iter() {
            rows.write(resource_type, resource, file)?;
        }
        count += batch.len() as u64;
        progress(count);
    }
    rows.end(file)?;
    Ok(count)
}

enum RowWriter {
    Json { first: bool },
    JsonLines,
    Csv(Columns),
}

impl RowWriter {
    fn start(&mut self, file: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Json { .. } => file.write_all(b"["),
            Self::JsonLines => Ok(()),
            Self::Csv(columns) => write_record(file, columns.names.iter().map(String::as_str)),
        }
    }

    fn write(
        &mut self,
        resource_type: &ResourceType,
        resource: ResourceRef<'_>,
        file: &mut dyn Write,
    ) -> Result<(), ExportError> {
        match self {
            Self::Json { first } => {
                file.write_all(if *first { b"\n" } else { b",\n" })?;
                *first = false;
                write_object(resource_type, resource, file)?;
            }
            Self::JsonLines => {
                write_object(resource_type, resource, file)?;
                file.write_all(b"\n")?;
            }
            Self::Csv(columns) => columns.write(resource_type, resource, file)?,
        }
        Ok(())
    }

    fn end(&self, file: &mut dyn Write) -> io::Result<()> {
        if let Self::Json { first } = self {
            file.write_all(if *first { b"]\n" } else { b"\n]\n" })?;
        }
        file.flush()
    }
}

/// The stored text with the id in front, and relationships by their names.
fn write_object(
    resource_type: &ResourceType,
    resource: ResourceRef<'_>,
    file: &mut dyn Write,
) -> Result<(), ExportError> {
    let name = Value::from(resource_type.plain_id_member());
    let id = Value::from(resource.id.to_string());
    let text = if renamed(resource_type).next().is_some() {
        let object = plain_object(resource_type, resource)?;
        Cow::Owned(Value::Object(object).to_string())
    } else {
        Cow::Borrowed(resource.text)
    };
    let members = text.strip_prefix('{').unwrap_or_default();
    let comma = if members == "}" { "" } else { "," };
    Ok(write!(file, "{{{name}:{id}{comma}{members}")?)
}

/// The relationships whose members are not called as they are: the member and the name.
fn renamed(resource_type: &ResourceType) -> impl Iterator<Item = (&str, &str)> {
    let stored = resource_type.relationships.iter();
    let stored = stored.filter_map(|one| Some((one.own_member()?, one.name.as_str())));
    stored.filter(|(member, name)| member != name)
}

/// The members of a resource with relationships by their names.
fn plain_object(
    resource_type: &ResourceType,
    resource: ResourceRef<'_>,
) -> Result<Attributes, StoreError> {
    let mut object: Attributes = stored_value(resource.text)
        .map_err(|error| StoreError::Corrupt(format!("the document {}: {error}", resource.id)))?;
    for (member, name) in renamed(resource_type) {
        if let Some(value) = object.shift_remove(member) {
            object.insert(name.to_owned(), value);
        }
    }
    Ok(object)
}

struct Columns {
    /// The id first, then the declared attributes and relationships, then the others in the order of
    /// their first occurrence.
    names: Vec<String>,
    /// The same, to look one up.
    known: HashSet<String>,
}

impl Columns {
    async fn collect(mut scan: Scan, resource_type: &ResourceType) -> Result<Self, ExportError> {
        let id = std::iter::once(resource_type.plain_id_member());
        let stored = resource_type.relationships.iter();
        let stored = stored.filter(|one| one.own_member().is_some());
        let mut names: Vec<String> = id
            .chain(resource_type.attributes.declared())
            .chain(stored.map(|one| one.name.as_str()))
            .map(str::to_owned)
            .collect();
        let mut known: HashSet<String> = names.iter().cloned().collect();
        while let Some(batch) = scan.next().await? {
            for resource in batch.iter() {
                for name in plain_object(resource_type, resource)?
                    .keys()
                    .filter(|name| !known.contains(*name))
                {
                    names.push(name.clone());
                }
                known.extend(names[known.len()..].iter().cloned());
            }
        }
        Ok(Self { names, known })
    }

    fn write(
        &self,
        resource_type: &ResourceType,
        resource: ResourceRef<'_>,
        file: &mut dyn Write,
    ) -> Result<(), ExportError> {
        let mut attributes = plain_object(resource_type, resource)?;
        attributes.insert(
            resource_type.plain_id_member().to_owned(),
            resource.id.to_string().into(),
        );
        let cells: Vec<String> = self
            .names
            .iter()
            .map(|name| encode(resource_type, name, attributes.get(name)))
            .collect();
        if let Some(name) = attributes.keys().find(|name| !self.known.contains(*name)) {
            return Err(ExportError::NewColumn(name.clone()));
        }
        Ok(write_record(file, cells.iter().map(String::as_str))?)
    }
}

fn write_record<'a>(file: &mut dyn Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells)?;
    let line = writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    file.write_all(&line)
}
