//! Definition files: YAML checked against the published JSON Schema, mistakes with their lines.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde::Deserialize;
use serde_json::Value;

use super::located_yaml::{LocatedValue, Place};
use super::{
    AttributesSchema, DEFINITION_SCHEMA, IdKind, Index, IndexKey, PageLimits, ResourceType,
};

const PAGE_DEFAULT: u64 = 20;
const PAGE_MAXIMUM: u64 = 1000;

#[expect(
    clippy::unwrap_used,
    reason = "the schema is part of the program; a test compiles it"
)]
static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str::<Value>(DEFINITION_SCHEMA).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
});

/// One thing wrong in a definition file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// The member, as a JSON pointer; empty for the file as a whole.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Why definitions cannot be used: every mistake that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionError {
    /// File and mistake, in the order of the files and lines.
    pub mistakes: Vec<(PathBuf, Mistake)>,
}

impl std::error::Error for DefinitionError {}

impl fmt::Display for DefinitionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (file, mistake)) in self.mistakes.iter().enumerate() {
            let Mistake {
                line,
                column,
                field,
                message,
            } = mistake;
            let separator = if position == 0 { "" } else { "\n" };
            let field = if field.is_empty() {
                String::new()
            } else {
                format!("{field}: ")
            };
            write!(
                formatter,
                "{separator}{}:{line}:{column}: {field}{message}",
                file.display()
            )?;
        }
        Ok(())
    }
}

/// The members of a definition file, after it passed the JSON Schema.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    r#type: String,
    singular: Option<String>,
    collection: Option<String>,
    id: Option<IdKind>,
    id_attribute: Option<String>,
    #[serde(default)]
    page: Page,
    attributes: Value,
    #[serde(default)]
    indexes: Vec<IndexDefinition>,
}

#[derive(Debug, Default, Deserialize)]
struct Page {
    default: Option<u64>,
    maximum: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct IndexDefinition {
    attributes: Vec<String>,
    #[serde(default)]
    unique: bool,
}

/// The built-in contacts.
#[must_use]
#[expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "the file is part of the program; a test parses it"
)]
pub fn contacts() -> ResourceType {
    parse(include_str!("../../definitions/contacts.yaml")).unwrap()
}

/// Reads one definition.
///
/// # Errors
/// Every mistake that can be found, in the order of the lines.
pub fn parse(text: &str) -> Result<ResourceType, Vec<Mistake>> {
    let located =
        LocatedValue::parse(text).map_err(|(place, message)| vec![mistake(place, "", message)])?;
    let mut mistakes: Vec<Mistake> = SCHEMA
        .iter_errors(&located.value)
        .flat_map(|error| explain(&error, "", &located))
        .collect();
    if mistakes.is_empty() {
        match serde_json::from_value::<Definition>(located.value.clone()) {
            Ok(definition) => match definition.resource_type(&located) {
                Ok(resource_type) => return Ok(resource_type),
                Err(found) => mistakes = found,
            },
            Err(error) => mistakes.push(mistake(located.place(""), "", error.to_string())),
        }
    }
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    Err(mistakes)
}

/// Reads every `.yaml` and `.yml` file of a folder, in the order of their names.
///
/// `reserved` are the first path segments that belong to others, with what they are.
///
/// # Errors
/// Every mistake in every file; also two files for one type, URL or collection, a reserved name,
/// and a folder that cannot be read or has no definition.
pub fn load_folder(
    folder: &Path,
    reserved: &[&str],
) -> Result<Vec<Arc<ResourceType>>, DefinitionError> {
    let whole = |path: &Path, message: String| {
        (
            path.to_owned(),
            mistake(Place { line: 1, column: 1 }, "", message),
        )
    };
    let files = definition_files(folder).map_err(|message| DefinitionError {
        mistakes: vec![whole(folder, message)],
    })?;
    let mut mistakes = Vec::new();
    let mut types: Vec<Arc<ResourceType>> = Vec::new();
    for file in files {
        let parsed = match std::fs::read_to_string(&file) {
            Ok(text) => parse(&text),
            Err(error) => {
                mistakes.push(whole(&file, format!("cannot be read: {error}")));
                continue;
            }
        };
        match parsed {
            Err(found) => mistakes.extend(found.into_iter().map(|found| (file.clone(), found))),
            Ok(resource_type) => match clash(&resource_type, &types, reserved) {
                Some(message) => mistakes.push(whole(&file, message)),
                None => types.push(Arc::new(resource_type)),
            },
        }
    }
    if mistakes.is_empty() {
        Ok(types)
    } else {
        Err(DefinitionError { mistakes })
    }
}

fn definition_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("the folder cannot be read: {error}");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err("the folder has no definition file (*.yaml)".to_owned());
    }
    Ok(files)
}

fn clash(new: &ResourceType, known: &[Arc<ResourceType>], reserved: &[&str]) -> Option<String> {
    if reserved.contains(&new.name.as_str()) {
        return Some(format!(
            "the type '{}' is reserved: /{0} is served otherwise",
            new.name
        ));
    }
    known.iter().find_map(|known| {
        if known.name == new.name {
            Some(format!(
                "the type '{}' is declared by another file too",
                new.name
            ))
        } else if known.collection.eq_ignore_ascii_case(&new.collection) {
            Some(format!(
                "the collection '{}' belongs to the type '{}' already",
                new.collection, known.name
            ))
        } else {
            None
        }
    })
}

impl Definition {
    /// What a JSON Schema cannot say is checked here.
    fn resource_type(self, located: &LocatedValue) -> Result<ResourceType, Vec<Mistake>> {
        let mut mistakes = self.id_attribute_mistakes(located);
        mistakes.extend(self.index_mistakes(located));
        let page = self.page.limits();
        if page.default > page.maximum {
            let message = format!("is {} but the maximum is {}", page.default, page.maximum);
            mistakes.push(mistake(
                located.place("/page/default"),
                "/page/default",
                message,
            ));
        }
        let attributes = match self.attributes_schema(located) {
            Ok(attributes) if mistakes.is_empty() => attributes,
            Ok(_) => return Err(mistakes),
            Err(found) => {
                mistakes.extend(found);
                return Err(mistakes);
            }
        };
        Ok(ResourceType {
            singular: self.singular.unwrap_or_else(|| singular(&self.r#type)),
            collection: self.collection.unwrap_or_else(|| self.r#type.clone()),
            name: self.r#type,
            id: self.id.unwrap_or(IdKind::ObjectId),
            id_attribute: self.id_attribute,
            page,
            attributes,
            indexes: self
                .indexes
                .into_iter()
                .map(IndexDefinition::index)
                .collect(),
        })
    }

    /// All that the meta-schema has against it; if nothing, what stops it from being compiled.
    fn attributes_schema(&self, located: &LocatedValue) -> Result<AttributesSchema, Vec<Mistake>> {
        let meta = jsonschema::draft202012::meta::validator();
        let mistakes: Vec<Mistake> = meta
            .iter_errors(&self.attributes)
            .flat_map(|error| explain(&error, "/attributes", located))
            .collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        AttributesSchema::compile(&self.attributes)
            .map_err(|error| explain(&error, "/attributes", located))
    }

    fn id_attribute_mistakes(&self, located: &LocatedValue) -> Vec<Mistake> {
        let Some(name) = &self.id_attribute else {
            return Vec::new();
        };
        let mut mistakes = Vec::new();
        if self.attributes["properties"].get(name).is_some() {
            let pointer = format!("/attributes/properties/{}", jsonapi::pointer_token(name));
            let message = "is the idAttribute, which the server fills; leave it out here";
            mistakes.push(mistake(located.place(&pointer), &pointer, message));
        }
        let required = self.attributes["required"].as_array();
        if required.is_some_and(|required| required.iter().any(|entry| entry == name.as_str())) {
            let pointer = "/attributes/required";
            let message = format!("'{name}' is the idAttribute, which the server fills");
            mistakes.push(mistake(located.place(pointer), pointer, message));
        }
        mistakes
    }

    fn index_mistakes(&self, located: &LocatedValue) -> Vec<Mistake> {
        let closed = self.attributes["additionalProperties"] == false;
        let declared = |name: &str| self.attributes["properties"].get(name).is_some();
        let mut mistakes = Vec::new();
        for (position, index) in self.indexes.iter().enumerate() {
            for (key, attribute) in index.attributes.iter().enumerate() {
                let name = attribute.trim_start_matches('-');
                if closed && !declared(name) {
                    let pointer = format!("/indexes/{position}/attributes/{key}");
                    let message = format!("'{name}' is no declared attribute");
                    mistakes.push(mistake(located.place(&pointer), &pointer, message));
                }
            }
        }
        mistakes
    }
}

impl Page {
    /// What is left out follows what is given.
    fn limits(&self) -> PageLimits {
        let default = self
            .default
            .unwrap_or_else(|| PAGE_DEFAULT.min(self.maximum.unwrap_or(PAGE_DEFAULT)));
        let maximum = self.maximum.unwrap_or(PAGE_MAXIMUM.max(default));
        PageLimits { default, maximum }
    }
}

impl IndexDefinition {
    fn index(self) -> Index {
        let key = |text: &String| IndexKey {
            attribute: text.trim_start_matches('-').to_owned(),
            descending: text.starts_with('-'),
        };
        Index {
            keys: self.attributes.iter().map(key).collect(),
            unique: self.unique,
        }
    }
}

fn mistake(place: Place, field: &str, message: impl Into<String>) -> Mistake {
    let Place { line, column } = place;
    Mistake {
        line,
        column,
        field: field.to_owned(),
        message: message.into(),
    }
}

/// `prefix` is where the schema's instance stands in the file.
fn explain(error: &ValidationError<'_>, prefix: &str, located: &LocatedValue) -> Vec<Mistake> {
    let path = format!("{prefix}{}", error.instance_path().as_str());
    let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() else {
        let message = match error.kind() {
            ValidationErrorKind::MaxProperties { .. } => "is reserved and must be empty".to_owned(),
            // All of them: the library's own text breaks off after the second.
            ValidationErrorKind::Enum { options } => {
                format!("{} is not one of {options}", error.instance())
            }
            _ => error.to_string(),
        };
        return vec![mistake(located.place(&path), &path, message)];
    };
    let unknown = |name: &String| {
        let pointer = format!("{path}/{}", jsonapi::pointer_token(name));
        mistake(
            located.place(&pointer),
            &pointer,
            "is not known here; is it misspelled?",
        )
    };
    unexpected.iter().map(unknown).collect()
}

/// English plurals in their regular forms; the definition's `singular` covers the rest.
fn singular(plural: &str) -> String {
    if let Some(stem) = plural.strip_suffix("ies") {
        return format!("{stem}y");
    }
    match plural.strip_suffix('s') {
        Some(stem) if !stem.is_empty() && !stem.ends_with('s') => stem.to_owned(),
        _ => plural.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<(usize, String)> {
        let found = parse(text).unwrap_err();
        found
            .into_iter()
            .map(|mistake| (mistake.line, mistake.field))
            .collect()
    }

    #[test]
    fn the_built_in_contacts_are_those_of_the_article() {
        let contacts = contacts();
        assert_eq!(contacts.attributes.declared().count(), 12);
        assert_eq!(
            (contacts.page.default, contacts.id),
            (500, IdKind::ObjectId)
        );
        assert_eq!(contacts.id_attribute.as_deref(), Some("_id"));
    }

    #[test]
    fn what_is_left_out_has_defaults() {
        let books = parse("type: books\nattributes: {type: object}\n").unwrap();
        assert_eq!(
            (books.singular.as_str(), books.collection.as_str()),
            ("book", "books")
        );
        assert_eq!(
            books.page,
            PageLimits {
                default: 20,
                maximum: 1000
            }
        );
        let small = parse("type: t\npage: {maximum: 5}\nattributes: {type: object}\n").unwrap();
        assert_eq!(
            small.page,
            PageLimits {
                default: 5,
                maximum: 5
            }
        );
    }

    #[test]
    fn every_mistake_is_reported_with_line_and_field() {
        let text = "type: 7\ncolection: x\npage:\n  default: 0\nattributes: {type: object}\n";
        let expected = [(1, "/type"), (2, "/colection"), (4, "/page/default")];
        assert_eq!(
            mistakes(text),
            expected.map(|(line, field)| (line, field.to_owned()))
        );
    }

    #[test]
    fn a_value_that_is_impossible_is_answered_with_all_that_are_possible() {
        let found = parse("type: t\nid: serial\nattributes: {type: object}\n").unwrap_err();
        for kind in ["serial", "objectId", "string", "uuid", "integer"] {
            assert!(found[0].message.contains(kind), "{}", found[0].message);
        }
    }

    #[test]
    fn mistakes_inside_the_attributes_schema_are_found_at_their_line() {
        let text = "type: t\nattributes:\n  type: object\n  properties:\n    a:\n      type: txt\n";
        assert_eq!(
            mistakes(text),
            [(6, "/attributes/properties/a/type".to_owned())]
        );
        for keyword in [
            "pattern: '('",
            "format: emial",
            "minLength: many",
            "$ref: 'http://x/y'",
        ] {
            let text = format!(
                "type: t\nattributes:\n  type: object\n  properties:\n    a:\n      {keyword}\n"
            );
            assert!(parse(&text).is_err(), "{keyword}");
        }
    }

    #[test]
    fn what_json_schema_cannot_say_is_checked_too() {
        let text = "type: t\nidAttribute: _id\npage: {default: 9, maximum: 3}\nindexes:\n\
                    - attributes: [b]\nattributes:\n  type: object\n  additionalProperties: false\n  \
                    properties: {_id: {}}\n  required: [_id]\n";
        let fields: Vec<_> = mistakes(text).into_iter().map(|(_, field)| field).collect();
        assert_eq!(
            fields,
            [
                "/page/default",
                "/indexes/0/attributes/0",
                "/attributes/properties/_id",
                "/attributes/required"
            ]
        );
    }

    #[test]
    fn a_folder_gives_all_types_or_all_mistakes() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert!(load_folder(folder.path(), &[]).is_err());
        write("a.yaml", "type: a\nattributes: {type: object}\n");
        write(
            "b.yml",
            "type: b\ncollection: shared\nattributes: {type: object}\n",
        );
        assert_eq!(load_folder(folder.path(), &[]).unwrap().len(), 2);
        assert_eq!(
            load_folder(folder.path(), &["a"])
                .unwrap_err()
                .mistakes
                .len(),
            1
        );
        write("c.yaml", "type: a\nattributes: {type: object}\n");
        write(
            "d.yaml",
            "type: d\ncollection: Shared\nattributes: {type: object}\n",
        );
        write("e.yaml", "type: [\n");
        let error = load_folder(folder.path(), &[]).unwrap_err();
        assert_eq!(error.mistakes.len(), 3);
        assert!(error.to_string().contains("e.yaml:"), "{error}");
    }

    #[test]
    fn regular_plurals_have_singulars() {
        for (plural, expected) in [
            ("contacts", "contact"),
            ("companies", "company"),
            ("class", "class"),
            ("data", "data"),
        ] {
            assert_eq!(singular(plural), expected);
        }
    }
}
