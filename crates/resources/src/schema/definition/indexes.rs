//! The indexes of a definition file.

use serde::Deserialize;

use super::super::located_yaml::LocatedValue;
use super::super::{AttributesSchema, Declared, Index, IndexKey, Kinds};
use super::Definition;
use super::mistake::{Mistake, meant, mistake};

/// An index as it is declared.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IndexDefinition {
    attributes: Vec<String>,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    case_insensitive: bool,
}

impl Definition {
    pub(super) fn index_mistakes(
        &self,
        schema: &AttributesSchema,
        located: &LocatedValue,
    ) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for (position, index) in self.indexes.iter().enumerate() {
            for (key, attribute) in index.attributes.iter().enumerate() {
                let name = attribute.trim_start_matches('-');
                if let Some(message) = self.key_mistake(schema, name, index.unique) {
                    let pointer = format!("/indexes/{position}/attributes/{key}");
                    mistakes.push(mistake(located.position(&pointer), &pointer, message));
                }
            }
            if index.case_insensitive && !index.unique {
                let pointer = format!("/indexes/{position}/caseInsensitive");
                let message = "is for unique indexes: say 'unique: true' too";
                mistakes.push(mistake(located.position(&pointer), &pointer, message));
            }
        }
        mistakes
    }

    fn key_mistake(&self, schema: &AttributesSchema, name: &str, unique: bool) -> Option<String> {
        if let Some(relationship) = self.relationship(name) {
            return (!relationship.is_to_one()).then(|| {
                format!("'{name}' is a to-many relationship, which has an index already")
            });
        }
        let names: Vec<String> = name.split('.').map(str::to_owned).collect();
        match schema.at(&names) {
            Declared::Unknown => {
                let hint = meant(name, schema.declared());
                Some(format!("'{name}' is no declared attribute{hint}"))
            }
            Declared::Known(known) if unique && known.kinds() == Kinds::ARRAY => Some(format!(
                "'{name}' is a list; a unique index is over single values"
            )),
            Declared::Known(_) | Declared::Open => None,
        }
    }

    pub(super) fn index(&self, index: &IndexDefinition, schema: &AttributesSchema) -> Index {
        let key = |text: &String| {
            let name = text.trim_start_matches('-');
            let relationship = self.relationship(name);
            let attribute = relationship.map_or_else(
                || name.to_owned(),
                |relationship| relationship.member(name).to_owned(),
            );
            let names: Vec<String> = attribute.split('.').map(str::to_owned).collect();
            let stored = schema.stored().at(attribute.split('.'));
            let kinds = schema.at(&names).kinds();
            IndexKey {
                holds_texts: stored.is_none() && kinds.are_within(Kinds::TEXT.and(Kinds::NULL)),
                stored,
                attribute,
                descending: text.starts_with('-'),
            }
        };
        Index {
            keys: index.attributes.iter().map(key).collect(),
            unique: index.unique,
            ignores_case: index.unique && index.case_insensitive,
        }
    }
}
