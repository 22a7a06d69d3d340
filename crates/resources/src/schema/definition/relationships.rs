//! The relationships of a definition file.

use std::sync::Arc;

use serde::Deserialize;

use super::super::located_yaml::LocatedValue;
use super::super::{Link, OnDelete, Reading, Relationship, Target};
use super::capabilities::Capabilities;
use super::mistake::{Mistake, mistake, nearest};
use super::together::Known;
use super::{Definition, Page};

/// The segment of URLs behind which the names of relationships stand.
const SEGMENT: &str = "relationships";

/// A relationship as it is declared.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RelationshipDefinition {
    pub(super) r#type: String,
    kind: Option<Kind>,
    inverse: Option<String>,
    member: Option<String>,
    includable: Option<bool>,
    writable: Option<bool>,
    on_delete: Option<OnDelete>,
    page: Option<Page>,
    #[serde(flatten)]
    capabilities: Capabilities,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    One,
    Many,
}

/// A member of a relationship and what is wrong with it.
type Wrong = (&'static str, String);

impl RelationshipDefinition {
    pub(super) fn is_to_one(&self) -> bool {
        self.inverse.is_none() && self.kind != Some(Kind::Many)
    }

    /// The stored member of a relationship of this name that is no inverse.
    pub(super) fn member<'a>(&'a self, name: &'a str) -> &'a str {
        self.member.as_deref().unwrap_or(name)
    }

    /// Members that make no sense together.
    fn contradictions(&self) -> Vec<Wrong> {
        let inverse = "belongs to the relationship whose inverse this is";
        let to_one = "has no meaning for a to-one relationship, which has no pages";
        let to_many = "has no meaning here: resources are sorted by to-one relationships alone";
        let read_only = "contradicts 'writable: false'";
        let Capabilities {
            sortable,
            settable,
            changeable,
            ..
        } = self.capabilities;
        let is_inverse = self.inverse.is_some();
        let is_written = |said: Option<bool>| said == Some(true) && self.writable == Some(false);
        let wrong = [
            (
                "kind",
                self.kind.is_some() && is_inverse,
                "is left out for an inverse, which is always to-many",
            ),
            ("member", self.member.is_some() && is_inverse, inverse),
            ("onDelete", self.on_delete.is_some() && is_inverse, inverse),
            (
                "writable",
                self.writable == Some(true) && is_inverse,
                inverse,
            ),
            ("settable", settable == Some(true) && is_inverse, inverse),
            (
                "changeable",
                changeable == Some(true) && is_inverse,
                inverse,
            ),
            ("settable", is_written(settable), read_only),
            ("changeable", is_written(changeable), read_only),
            ("page", self.page.is_some() && self.is_to_one(), to_one),
            ("sortable", sortable.is_some() && !self.is_to_one(), to_many),
        ];
        let wrong = wrong.into_iter().filter(|(_, is_wrong, _)| *is_wrong);
        wrong
            .map(|(member, _, why)| (member, why.to_owned()))
            .collect()
    }
}

impl Definition {
    /// The declared relationships, in their order.
    fn declared_relationships(&self) -> impl Iterator<Item = (&String, RelationshipDefinition)> {
        self.relationships
            .iter()
            .filter_map(|(name, _)| Some((name, self.relationship(name)?)))
    }

    /// A declared relationship. Of one that the JSON Schema refuses nothing is known.
    pub(super) fn relationship(&self, name: &str) -> Option<RelationshipDefinition> {
        RelationshipDefinition::deserialize(self.relationships.get(name)?).ok()
    }

    /// What is wrong with the relationships whatever other definitions say.
    pub(super) fn relationship_mistakes(&self, located: &LocatedValue) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for (name, relationship) in self.declared_relationships() {
            let pointer = pointer(name);
            if let Some(message) = self.name_mistake(name) {
                mistakes.push(mistake(located.position(&pointer), &pointer, message));
            }
            let mut wrong = relationship.contradictions();
            wrong.extend(self.member_mistake(name, &relationship));
            mistakes.extend(wrong.into_iter().map(|(member, message)| {
                let pointer = format!("{pointer}/{member}");
                mistake(located.position(&pointer), &pointer, message)
            }));
            let page = relationship.page.as_ref();
            let page = page.and_then(|page| page.mistake(&format!("{pointer}/page"), located));
            mistakes.extend(page);
        }
        mistakes.extend(self.required_mistakes(located));
        mistakes
    }

    fn name_mistake(&self, name: &str) -> Option<String> {
        if name == SEGMENT {
            return Some(format!(
                "is the name of a segment of URLs: /{}/1/{SEGMENT}/…",
                self.r#type
            ));
        }
        if self.id_attribute.as_deref() == Some(name) {
            return Some(
                "is the idAttribute too; attributes and relationships share their names".to_owned(),
            );
        }
        self.declares(name).then(|| {
            "is declared as an attribute too; attributes and relationships share their names"
                .to_owned()
        })
    }

    /// A stored member that holds something else, too.
    fn member_mistake(&self, name: &str, relationship: &RelationshipDefinition) -> Option<Wrong> {
        let member = relationship.member(name);
        if relationship.inverse.is_some() || member == name {
            return None;
        }
        let taken_by = if self.declares(member) {
            "is an attribute".to_owned()
        } else if self.id_attribute.as_deref() == Some(member) {
            "is the idAttribute".to_owned()
        } else {
            let others = self
                .declared_relationships()
                .filter(|(other, _)| *other != name);
            let mut others = others.filter(|(other, declared)| {
                *other == member || declared.inverse.is_none() && declared.member(other) == member
            });
            let (other, _) = others.next()?;
            format!("belongs to the relationship '{other}'")
        };
        Some(("member", format!("'{member}' {taken_by}")))
    }

    /// The schema of the attributes never sees what holds a relationship.
    fn required_mistakes(&self, located: &LocatedValue) -> Vec<Mistake> {
        let required = self.attributes["required"].as_array();
        let required = required.into_iter().flatten().enumerate();
        let required = required.filter_map(|(index, name)| Some((index, name.as_str()?)));
        required
            .filter(|(_, required)| {
                self.declared_relationships()
                    .any(|(name, declared)| name == required || declared.member(name) == *required)
            })
            .map(|(index, name)| {
                let pointer = format!("/attributes/required/{index}");
                let message = format!("'{name}' is a relationship and not among the attributes");
                mistake(located.position(&pointer), &pointer, message)
            })
            .collect()
    }

    /// The relationships with their targets, or what is wrong with these.
    pub(super) fn resolved_relationships(
        &self,
        located: &LocatedValue,
        known: &Known<'_>,
    ) -> (Vec<Arc<Relationship>>, Vec<Mistake>) {
        let mut resolved = Vec::new();
        let mut mistakes = Vec::new();
        for (name, relationship) in self.declared_relationships() {
            match self.resolved(name, &relationship, known) {
                Ok(relationship) => resolved.extend(relationship.map(Arc::new)),
                Err((member, message)) => {
                    let pointer = format!("{}/{member}", pointer(name));
                    mistakes.push(mistake(located.position(&pointer), &pointer, message));
                }
            }
        }
        (resolved, mistakes)
    }

    /// A relationship with its target; `None` if that may stand in a file that cannot be read.
    fn resolved(
        &self,
        name: &str,
        declared: &RelationshipDefinition,
        known: &Known<'_>,
    ) -> Result<Option<Relationship>, Wrong> {
        let Some(target) = known
            .definition(&declared.r#type)
            .map_err(|text| ("type", text))?
        else {
            return Ok(None);
        };
        let link = match &declared.inverse {
            Some(inverse) => self
                .inverse(target, inverse)
                .map_err(|text| ("inverse", text))?,
            None if declared.is_to_one() => Link::One {
                member: declared.member(name).to_owned(),
            },
            None => Link::Many {
                member: declared.member(name).to_owned(),
            },
        };
        let is_inverse = declared.inverse.is_some();
        let writable = declared.writable.unwrap_or(!is_inverse);
        Ok(Some(Relationship {
            name: name.to_owned(),
            target: Target {
                name: target.r#type.clone(),
                collection: target.collection().to_owned(),
                id: target.id(),
            },
            link,
            includable: declared.includable.unwrap_or(true),
            writable,
            on_delete: declared.on_delete.unwrap_or_default(),
            page: declared.page.as_ref().unwrap_or(&Page::default()).limits(),
            reading: Reading {
                sortable: declared.is_to_one() && declared.capabilities.sortable != Some(false),
                ..declared.capabilities.reading()
            },
            writing: declared.capabilities.writing(writable),
        }))
    }

    /// The inverse of a relationship of the target.
    fn inverse(&self, target: &Self, name: &str) -> Result<Link, String> {
        let (own, other) = (&self.r#type, &target.r#type);
        let Some(relationship) = target.relationship(name) else {
            let names = target.relationships.keys().map(String::as_str);
            let hint = nearest(name, names);
            return Err(format!("'{other}' has no relationship '{name}'{hint}"));
        };
        if relationship.inverse.is_some() {
            return Err(format!(
                "'{name}' of '{other}' is an inverse itself; name the relationship that is stored"
            ));
        }
        if relationship.r#type != *own {
            let to = &relationship.r#type;
            return Err(format!(
                "'{name}' of '{other}' leads to '{to}' and not to '{own}'"
            ));
        }
        Ok(Link::Inverse {
            relationship: name.to_owned(),
            member: relationship.member(name).to_owned(),
            is_many: !relationship.is_to_one(),
        })
    }
}

fn pointer(name: &str) -> String {
    format!("/relationships/{}", jsonapi::pointer_token(name))
}

#[cfg(test)]
mod tests;
