//! What clients may do with the attributes of a type.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::located_yaml::LocatedValue;
use super::super::{AttributesSchema, Declared, Reading, Writing};
use super::Definition;
use super::mistake::{Mistake, meant, mistake};

/// What is said of an attribute or a relationship.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Capabilities {
    pub(super) readable: Option<bool>,
    pub(super) filterable: Option<bool>,
    pub(super) sortable: Option<bool>,
    pub(super) settable: Option<bool>,
    pub(super) changeable: Option<bool>,
}

impl Capabilities {
    pub(super) fn reading(self) -> Reading {
        Reading {
            readable: self.readable.unwrap_or(true),
            filterable: self.filterable.unwrap_or(true),
            sortable: self.sortable.unwrap_or(true),
        }
    }

    /// `default` is what is true where nothing is said.
    pub(super) fn writing(self, default: bool) -> Writing {
        Writing {
            settable: self.settable.unwrap_or(default),
            changeable: self.changeable.unwrap_or(default),
        }
    }
}

impl Definition {
    pub(super) fn reading(&self) -> BTreeMap<String, Reading> {
        let said = self.capabilities.iter();
        let said = said.map(|(name, said)| (name.clone(), said.reading()));
        said.filter(|(_, reading)| *reading != Reading::default())
            .collect()
    }

    pub(super) fn writing(&self) -> BTreeMap<String, Writing> {
        let said = self.capabilities.iter();
        let said = said.map(|(name, said)| (name.clone(), said.writing(true)));
        let made_here = Writing {
            settable: false,
            changeable: false,
        };
        let made_here = self
            .timestamps
            .names()
            .map(|name| (name.to_owned(), made_here));
        said.filter(|(_, writing)| *writing != Writing::default())
            .chain(made_here)
            .collect()
    }

    pub(super) fn capability_mistakes(
        &self,
        schema: &AttributesSchema,
        located: &LocatedValue,
    ) -> Vec<Mistake> {
        let is_unknown =
            |name: &String| matches!(schema.at(std::slice::from_ref(name)), Declared::Unknown);
        let is_made_here = |name: &String| {
            let said = &self.capabilities[name];
            let is_written = said.settable.is_some() || said.changeable.is_some();
            is_written && self.timestamps.names().any(|made| made == name)
        };
        let message = |name: &String| {
            if self.relationships.contains_key(name) {
                Some("is a relationship: say this there".to_owned())
            } else if self.id_attribute.as_ref() == Some(name) {
                Some("is the idAttribute, which is as the id is".to_owned())
            } else if is_made_here(name) {
                Some("is made by the server, and clients never write it".to_owned())
            } else {
                is_unknown(name).then(|| {
                    let hint = meant(name, schema.declared());
                    format!("is no declared attribute{hint}")
                })
            }
        };
        let mistaken = self.capabilities.keys();
        mistaken
            .filter_map(|name| {
                let pointer = format!("/capabilities/{}", jsonapi::pointer_token(name));
                Some(mistake(
                    located.position(&pointer),
                    &pointer,
                    message(name)?,
                ))
            })
            .collect()
    }
}
