//! Names in a definition file that must, or must not, be those of attributes.

use super::super::located_yaml::LocatedValue;
use super::Definition;
use super::mistake::{Mistake, mistake};

impl Definition {
    pub(super) fn id_attribute_mistakes(&self, located: &LocatedValue) -> Vec<Mistake> {
        let Some(name) = &self.id_attribute else {
            return Vec::new();
        };
        let mut mistakes = Vec::new();
        if self.declares(name) {
            let pointer = format!("/attributes/properties/{}", jsonapi::pointer_token(name));
            let message = "is the idAttribute, which the server fills; leave it out here";
            mistakes.push(mistake(located.position(&pointer), &pointer, message));
        }
        let required = self.attributes["required"].as_array();
        if required.is_some_and(|required| required.iter().any(|entry| entry == name.as_str())) {
            let pointer = "/attributes/required";
            let message = format!("'{name}' is the idAttribute, which the server fills");
            mistakes.push(mistake(located.position(pointer), pointer, message));
        }
        mistakes
    }

    pub(super) fn shard_key_mistakes(&self, located: &LocatedValue) -> Vec<Mistake> {
        let closed = self.attributes["additionalProperties"] == false;
        let keys = self.shard_key.iter().enumerate();
        keys.filter(|(_, name)| closed && !self.declares(name))
            .map(|(position, name)| {
                let pointer = format!("/shardKey/{position}");
                let message = format!("'{name}' is no declared attribute");
                mistake(located.position(&pointer), &pointer, message)
            })
            .collect()
    }
}
