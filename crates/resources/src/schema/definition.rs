//! Definition files: YAML checked against the published JSON Schema, mistakes with their lines.

mod capabilities;
mod folder;
mod indexes;
mod keywords;
mod mistake;
mod names;
mod page;
mod references;
mod relationships;
mod stored;
mod timestamps;
mod together;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Map, Value};

use self::capabilities::Capabilities;
use self::indexes::IndexDefinition;
use self::mistake::{explain, mistake};
use self::page::Page;
use self::together::{Parsed, resolve};
use super::located_yaml::LocatedValue;
use super::{
    AttributesSchema, DEFINITION_SCHEMA, IdKind, Relationship, ResourceType, Timestamps, Totals,
};

pub use folder::load_folder;
pub use mistake::{DefinitionError, Mistake};

/// How the names of collections begin that stores use for themselves.
const OWN_COLLECTIONS: &str = "monocoque_";

#[expect(
    clippy::unwrap_used,
    reason = "the schema is part of the program; a test compiles it"
)]
static SCHEMA: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft202012::new(&PUBLISHED).unwrap());

#[expect(clippy::unwrap_used, reason = "the schema is part of the program")]
static PUBLISHED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(DEFINITION_SCHEMA).unwrap());

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
    #[serde(default)]
    shard_key: Vec<String>,
    /// In their order; each is a [`relationships::RelationshipDefinition`].
    #[serde(default)]
    relationships: Map<String, Value>,
    #[serde(default)]
    capabilities: BTreeMap<String, Capabilities>,
    #[serde(default)]
    totals: Totals,
    if_match: Option<IfMatch>,
    operations: Option<bool>,
    #[serde(default)]
    timestamps: Timestamps,
}

/// Whether a change must name the version that it is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum IfMatch {
    Optional,
    Required,
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

/// Reads one definition, whose relationships lead to its own type.
///
/// # Errors
/// Every mistake that can be found, in the order of the lines.
pub fn parse(text: &str) -> Result<ResourceType, Vec<Mistake>> {
    let mut resolved = resolve(vec![read(text)], &[]);
    resolved.swap_remove(0)
}

/// Reads definitions whose relationships lead from one to the other.
///
/// # Errors
/// Every mistake that can be found, with the position of its text among the texts.
pub fn parse_all(texts: &[&str]) -> Result<Vec<Arc<ResourceType>>, Vec<(usize, Mistake)>> {
    let parsed = texts.iter().map(|text| read(text)).collect();
    let mut types = Vec::new();
    let mut mistakes = Vec::new();
    for (position, resolved) in resolve(parsed, &[]).into_iter().enumerate() {
        match resolved {
            Ok(resource_type) => types.push(Arc::new(resource_type)),
            Err(found) => mistakes.extend(found.into_iter().map(|found| (position, found))),
        }
    }
    if mistakes.is_empty() {
        Ok(types)
    } else {
        Err(mistakes)
    }
}

/// Reads what a file says for itself.
fn read(text: &str) -> Parsed {
    let located = match LocatedValue::parse(text) {
        Ok(located) => located,
        Err((position, message)) => return Parsed::unreadable(mistake(position, "", message)),
    };
    let mut mistakes: Vec<Mistake> = SCHEMA
        .iter_errors(&located.value)
        .flat_map(|error| explain(&error, "", &located))
        .collect();
    let is_sound = mistakes.is_empty();
    let attributes = &located.value["attributes"];
    let mut patterns = keywords::mistakes(attributes, "/attributes", &located);
    patterns.retain(|found| mistakes.iter().all(|known| known.field != found.field));
    mistakes.extend(patterns);
    mistakes.extend(references::mistakes(attributes, "/attributes", &located));
    let mut contradictions = stored::mistakes(attributes, &located);
    contradictions.retain(|found| mistakes.iter().all(|known| known.field != found.field));
    mistakes.extend(contradictions);
    let readable = without(&mistakes, &located.value);
    let definition = match serde_json::from_value::<Definition>(readable) {
        Ok(definition) => {
            mistakes.extend(definition.mistakes(&located));
            Some(definition)
        }
        Err(error) => {
            // Else the JSON Schema has reported the reason already.
            if is_sound {
                mistakes.push(mistake(located.position(""), "", error.to_string()));
            }
            None
        }
    };
    // Other files cannot know one without a name.
    let definition = definition.filter(|_| located.value["type"].is_string());
    Parsed {
        located: Some(located),
        definition,
        mistakes,
    }
}

/// The definition without the members that are wrong, so that the others can be looked at too.
fn without(mistakes: &[Mistake], definition: &Value) -> Value {
    let mut readable = definition.clone();
    let Some(members) = readable.as_object_mut() else {
        return readable;
    };
    for mistake in mistakes {
        match mistake.field.split('/').nth(1) {
            // Its parts are read one by one.
            Some("attributes") | None => {}
            // Other files may name it all the same.
            Some("type") if members.get("type").is_some_and(Value::is_string) => {}
            Some(member) => drop(members.shift_remove(member)),
        }
    }
    members.entry("type").or_insert("unnamed".into());
    members.entry("attributes").or_insert(Value::Null);
    readable
}

impl Definition {
    fn collection(&self) -> &str {
        self.collection.as_ref().unwrap_or(&self.r#type)
    }

    fn id(&self) -> IdKind {
        self.id.unwrap_or(IdKind::ObjectId)
    }

    fn declares(&self, attribute: &str) -> bool {
        self.attributes["properties"].get(attribute).is_some()
    }

    /// What a JSON Schema cannot say.
    fn mistakes(&self, located: &LocatedValue) -> Vec<Mistake> {
        let mut mistakes = self.id_attribute_mistakes(located);
        // A type of this name may have another collection, which a pattern cannot say.
        if self.collection.is_none() && self.r#type.starts_with(OWN_COLLECTIONS) {
            let message = format!(
                "collections '{OWN_COLLECTIONS}…' are the program's: name one with 'collection'"
            );
            mistakes.push(mistake(located.position("/type"), "/type", message));
        }
        // Nothing can be found out from a schema that leads back to itself.
        let references = references::mistakes(&self.attributes, "/attributes", located);
        if references.is_empty()
            && let Ok(schema) = AttributesSchema::compile(&self.whole_attributes())
        {
            mistakes.extend(self.index_mistakes(&schema, located));
            mistakes.extend(self.capability_mistakes(&schema, located));
            mistakes.extend(default_mistakes(&schema, located));
        }
        mistakes.extend(self.shard_key_mistakes(located));
        mistakes.extend(self.timestamp_mistakes(located));
        mistakes.extend(self.relationship_mistakes(located));
        mistakes.extend(self.page.mistake("/page", located));
        mistakes
    }

    fn resource_type(
        &self,
        located: &LocatedValue,
        relationships: Vec<Arc<Relationship>>,
    ) -> Result<ResourceType, Vec<Mistake>> {
        let attributes = AttributesSchema::compile(&self.whole_attributes())
            .map_err(|error| explain(&error, "/attributes", located))?;
        let indexes = self.indexes.iter();
        let indexes: Vec<_> = indexes
            .map(|index| self.index(index, &attributes))
            .collect();
        let attributes = attributes
            .with_unique_values(&indexes)
            .with_relationships(&relationships);
        let singular = self.singular.clone();
        Ok(ResourceType {
            name: self.r#type.clone(),
            singular: singular.unwrap_or_else(|| self::singular(&self.r#type)),
            collection: self.collection().to_owned(),
            id: self.id(),
            id_attribute: self.id_attribute.clone(),
            page: self.page.limits(),
            attributes,
            indexes,
            relationships,
            reading: self.reading(),
            writing: self.writing(),
            if_match_required: self.if_match == Some(IfMatch::Required),
            operations: self.operations.unwrap_or(true),
            timestamps: self.timestamps.clone(),
            totals: self.totals,
            shard_key: self.shard_key.clone(),
        })
    }
}

/// Defaults that their own schemas refuse.
fn default_mistakes(schema: &AttributesSchema, located: &LocatedValue) -> Vec<Mistake> {
    let mut defaults = Map::new();
    schema.fill_defaults(&mut defaults);
    let names: Vec<String> = defaults.keys().cloned().collect();
    let violations = schema.validate(defaults).err().unwrap_or_default();
    let within = names.iter().filter_map(|name| {
        let token = jsonapi::pointer_token(name);
        let start = format!("/{token}");
        let violation = violations.iter().find(|violation| {
            let rest = violation.pointer.strip_prefix(&start);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })?;
        let pointer = format!("/attributes/properties/{token}/default");
        let message = format!("is no value of the attribute: {}", violation.message);
        Some(mistake(located.position(&pointer), &pointer, message))
    });
    within.collect()
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
    use crate::schema::PageLimits;

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
        let text = "type: 7\ncolection: x\npage:\n  default: 0\nattributes: {type: object, minProperties: a}\n";
        let expected = [
            (1, "/type"),
            (2, "/colection"),
            (4, "/page/default"),
            (5, "/attributes/minProperties"),
        ];
        assert_eq!(
            mistakes(text),
            expected.map(|(line, field)| (line, field.to_owned()))
        );
    }

    #[test]
    fn a_unique_index_over_a_list_is_a_mistake() {
        let text = "type: t\nattributes:\n  type: object\n  properties: {tags: {type: array}}\n\
                    indexes:\n- {attributes: [tags]}\n- {attributes: [tags], unique: true}\n";
        assert_eq!(mistakes(text), [(7, "/indexes/1/attributes/0".to_owned())]);
    }

    #[test]
    fn a_value_that_is_impossible_is_answered_with_all_that_are_possible() {
        let found = parse("type: t\nid: serial\nattributes: {type: object}\n").unwrap_err();
        for kind in ["serial", "objectId", "string", "uuid", "integer"] {
            assert!(found[0].message.contains(kind), "{}", found[0].message);
        }
    }

    #[test]
    fn keywords_that_would_have_no_effect_are_mistakes() {
        for (schema, field, told) in [
            (
                "  properties: {a: {readOnly: true}}\n",
                "a/readOnly",
                "settable: false",
            ),
            (
                "  properties: {a: {writeOnly: true}}\n",
                "a/writeOnly",
                "readable: false",
            ),
            (
                "  properties: {a: {type: integer, default: x}}\n",
                "a/default",
                "of the type integer",
            ),
            (
                "  properties: {a: {properties: {b: {default: 1}}}}\n",
                "a/properties/b/default",
                "only an attribute itself",
            ),
        ] {
            let text = format!("type: t\nattributes:\n  type: object\n{schema}");
            let found = parse(&text).unwrap_err();
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].field, format!("/attributes/properties/{field}"));
            assert!(found[0].message.contains(told), "{found:?}");
        }
        let closed =
            "  additionalProperties: false\n  required: [a, b]\n  properties: {a: {default: 1}}\n";
        assert_eq!(
            attributes(closed),
            [(5, "/attributes/required/1".to_owned())]
        );
        let fine = "  required: [a, b]\n  properties: {a: {readOnly: false, default: 1}}\n";
        assert_eq!(attributes(fine), []);
    }

    #[test]
    fn a_wrong_member_hides_no_mistake_of_another() {
        let text = "type: 7\nid: serial\npage: {default: 9, maximum: 3}\nidAttribute: a\n\
                    attributes:\n  type: object\n  properties: {a: {pattern: '('}}\n";
        let fields: Vec<_> = mistakes(text).into_iter().map(|(_, field)| field).collect();
        let expected = [
            "/type",
            "/id",
            "/page/default",
            "/attributes/properties/a",
            "/attributes/properties/a/pattern",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn mistakes_are_told_in_words_and_not_in_those_of_the_validator() {
        let in_a = |keyword: &str| {
            format!("type: t\nattributes: {{type: object, properties: {{a: {keyword}}}}}\n")
        };
        for (text, told) in [
            ("type: t\n".to_owned(), "the object has no 'attributes'"),
            (
                in_a("{type: txt}"),
                "\"txt\" is not a type; there are array",
            ),
            (
                in_a("{maxLenght: 3}"),
                "is not known here; is it misspelled?",
            ),
            (
                in_a("{minLength: many}"),
                "\"many\" is not of the type integer",
            ),
            (
                in_a("{format: emial}"),
                "\"emial\" is not one of [\"date\",\"date-time\"",
            ),
            (in_a("text"), "\"text\" is no schema: an object of keywords"),
            (in_a("{$ref: 'http://x/y'}"), "leads out of this file"),
            (in_a("{pattern: '('}"), "is no regular expression"),
            (
                "type: fibonacci\nattributes: {type: object}\n".to_owned(),
                "are taken",
            ),
            (
                "type: t\nattributes: {type: array}\n".to_owned(),
                "must be object",
            ),
            (
                "type: t\nattributes: {type: object}\nindexes: [{attributes: ['--a']}]\n"
                    .to_owned(),
                "\"--a\" is no attribute name, or names",
            ),
        ] {
            let found = parse(&text).unwrap_err();
            let messages: Vec<_> = found.iter().map(|one| one.message.as_str()).collect();
            assert_eq!(messages.len(), 1, "{text}: {messages:?}");
            assert!(messages[0].contains(told), "{text}: {messages:?}");
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
            "maxLenght: 3",
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

    fn attributes(schema: &str) -> Vec<(usize, String)> {
        let text = format!("type: t\nattributes:\n  type: object\n{schema}");
        match parse(&text) {
            Ok(_) => Vec::new(),
            Err(found) => found.into_iter().map(|one| (one.line, one.field)).collect(),
        }
    }

    #[test]
    fn a_pattern_that_needs_backtracking_is_a_mistake_with_its_reason() {
        for pattern in [r"^(a+)+\1$", "^(?=a)a+$", "(?<!x)y"] {
            let text = format!(
                "type: t\nattributes:\n  type: object\n  properties:\n    a: {{pattern: '{pattern}'}}\n"
            );
            let found = parse(&text).unwrap_err();
            assert_eq!(found[0].line, 5);
            assert!(
                found[0].message.contains("back-references"),
                "{}",
                found[0].message
            );
        }
        let named = "  patternProperties:\n    '^(?=a)': {}\n";
        assert_eq!(
            attributes(named)[0],
            (5, "/attributes/patternProperties/^(?=a)".to_owned())
        );
        assert_eq!(attributes("  properties: {a: {pattern: '^(a+)+$'}}\n"), []);
    }

    #[test]
    fn a_name_that_is_like_a_declared_one_is_told_with_it() {
        let text = "type: t\nattributes:\n  type: object\n  additionalProperties: false\n  \
                    required: [nam]\n  properties: {name: {}}\nindexes: [{attributes: [Name]}]\n\
                    capabilities: {nmae: {readable: false}}\n";
        let found = parse(text).unwrap_err();
        assert_eq!(found.len(), 3, "{found:?}");
        for one in found {
            assert!(one.message.ends_with("; is 'name' meant?"), "{one:?}");
        }
    }

    #[test]
    fn collections_of_the_program_cannot_be_declared() {
        let rest = "attributes: {type: object}\n";
        let declared = format!("type: t\ncollection: monocoque_counters\n{rest}");
        assert_eq!(mistakes(&declared), [(2, "/collection".to_owned())]);
        let implied = format!("type: monocoque_counters\n{rest}");
        assert_eq!(mistakes(&implied), [(1, "/type".to_owned())]);
    }

    #[test]
    fn references_that_lead_back_to_themselves_are_mistakes() {
        let loops = "  properties: {a: {$ref: '#/$defs/a'}}\n  $defs:\n    \
                     a: {$ref: '#/$defs/b'}\n    b: {$ref: '#/$defs/a'}\n";
        assert_eq!(
            attributes(loops),
            [(7, "/attributes/$defs/b/$ref".to_owned())]
        );
        for looping in [
            "  $ref: '#'\n",
            "  $defs: {a: {allOf: [{type: string}, {$ref: '#/$defs/a'}]}}\n",
            "  $defs: {a: {anyOf: [{not: {$ref: '#/$defs/a'}}]}}\n",
            "  $defs: {a: {$anchor: n, if: true, then: {$ref: '#n'}}}\n",
        ] {
            assert_eq!(attributes(looping).len(), 1, "{looping}");
        }
        let recursive =
            "  properties: {next: {$ref: '#'}, all: {type: array, items: {$ref: '#'}}}\n";
        assert_eq!(attributes(recursive), []);
    }

    #[test]
    fn schemas_that_multiply_at_one_place_are_mistakes() {
        let chain = |length: usize, schema: &dyn Fn(&str) -> String| {
            let step = |number: usize| {
                let next = format!("{{$ref: '#/$defs/s{}'}}", number + 1);
                format!("    s{number}: {}\n", schema(&next))
            };
            let steps: String = (0..length).map(step).collect();
            attributes(&format!(
                "  $defs:\n    s{length}: {{type: string}}\n{steps}"
            ))
        };
        let doubled = |next: &str| format!("{{anyOf: [{next}, {next}]}}");
        assert!(!chain(30, &doubled).is_empty());
        assert_eq!(chain(5, &doubled), []);
        assert!(!chain(5000, &str::to_owned).is_empty());
    }

    #[test]
    fn what_json_schema_cannot_say_is_checked_too() {
        let text = "type: t\nodd: 1\nidAttribute: _id\npage: {default: 9, maximum: 3}\nindexes:\n\
                    - attributes: [b]\nattributes:\n  type: object\n  additionalProperties: false\n  \
                    properties: {_id: {}}\n  required: [_id]\n";
        let fields: Vec<_> = mistakes(text).into_iter().map(|(_, field)| field).collect();
        assert_eq!(
            fields,
            [
                "/odd",
                "/page/default",
                "/indexes/0/attributes/0",
                "/attributes/properties/_id",
                "/attributes/required"
            ]
        );
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
