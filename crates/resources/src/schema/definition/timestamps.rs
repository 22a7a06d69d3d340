//! The attributes that the server makes, in a definition file.

use serde_json::{Value, json};

use super::super::Stored;
use super::super::located_yaml::LocatedValue;
use super::super::timestamps::TimestampsStored;
use super::Definition;
use super::mistake::{Mistake, mistake};

impl Definition {
    /// The schema of the attributes with those that the server makes.
    pub(super) fn whole_attributes(&self) -> Value {
        let mut schema = self.attributes.clone();
        if let Some(members) = schema
            .as_object_mut()
            .filter(|_| !self.timestamps.is_empty())
        {
            let declared = members.entry("properties").or_insert_with(|| json!({}));
            for name in self.timestamps.names() {
                if let Some(declared) = declared.as_object_mut() {
                    let mut time = json!({"type": "string", "format": "date-time"});
                    if let Some(TimestampsStored::Date) = self.timestamps.stored {
                        time["stored"] = Stored::Date.name().into();
                    }
                    declared.insert(name.to_owned(), time);
                }
            }
        }
        schema
    }

    pub(super) fn timestamp_mistakes(&self, located: &LocatedValue) -> Vec<Mistake> {
        let members = [
            ("createdAt", &self.timestamps.created_at),
            ("updatedAt", &self.timestamps.updated_at),
        ];
        let named = members.into_iter();
        let named = named.filter_map(|(member, name)| Some((member, name.as_deref()?)));
        named
            .filter_map(|(member, name)| {
                let pointer = format!("/timestamps/{member}");
                let message = self.timestamp_mistake(member, name)?;
                Some(mistake(located.position(&pointer), &pointer, message))
            })
            .collect()
    }

    fn timestamp_mistake(&self, member: &str, name: &str) -> Option<String> {
        let is_required = || {
            let required = self.attributes["required"].as_array();
            required.is_some_and(|all| all.iter().any(|one| one == name))
        };
        let is_linkage = || {
            let mut names = self.relationships.keys();
            names.any(|known| {
                let declared = self.relationship(known);
                known == name || declared.is_some_and(|one| one.member(known) == name)
            })
        };
        let why = if self.declares(name) {
            "is declared as an attribute; the server makes it: leave it out there"
        } else if is_required() {
            "is required of clients, who cannot set it"
        } else if is_linkage() {
            "holds a relationship"
        } else if self.id_attribute.as_deref() == Some(name) {
            "is the idAttribute"
        } else if member == "updatedAt" && self.timestamps.created_at.as_deref() == Some(name) {
            "is createdAt too"
        } else {
            return None;
        };
        Some(format!("'{name}' {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use crate::schema::Writing;

    #[test]
    fn what_the_server_makes_is_declared_and_not_for_clients_to_write() {
        let text = "type: books\nattributes: {type: object, additionalProperties: false}\n\
                    timestamps: {createdAt: created, updatedAt: updated}\n";
        let books = parse(text).unwrap();
        assert_eq!(
            books.attributes.declared().collect::<Vec<_>>(),
            ["created", "updated"]
        );
        assert_eq!(books.unchangeable(), ["created", "updated"]);
        let Writing {
            settable,
            changeable,
        } = books.writing("updated");
        assert!(!settable && !changeable);
    }

    #[test]
    fn a_name_that_means_something_else_is_refused_where_it_stands() {
        for (rest, field) in [
            ("timestamps: {createdAt: title}", "/timestamps/createdAt"),
            ("timestamps: {updatedAt: must}", "/timestamps/updatedAt"),
            (
                "timestamps: {createdAt: a, updatedAt: a}",
                "/timestamps/updatedAt",
            ),
            ("timestamps: {createdAt: ref}", "/timestamps/createdAt"),
            ("timestamps: {createdAt: next}", "/timestamps/createdAt"),
            (
                "idAttribute: key\ntimestamps: {createdAt: key}",
                "/timestamps/createdAt",
            ),
            (
                "timestamps: {createdAt: a}\ncapabilities: {a: {settable: true}}",
                "/capabilities/a",
            ),
        ] {
            let text = format!(
                "type: books\nattributes: {{type: object, required: [must], properties: \
                 {{title: {{}}}}}}\nrelationships: {{next: {{type: books, member: ref}}}}\n{rest}\n"
            );
            let found = parse(&text).unwrap_err();
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].field, field);
        }
    }
}
