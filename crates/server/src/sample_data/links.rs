//! Whether links of sample data lead to something.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use resources::schema::{Id, Relationship, ResourceType};
use resources::{Draft, IdRule};
use transfer::Rows;

/// The ids of all rows, and where the links of those lead that were stored.
#[derive(Default)]
pub(super) struct Links {
    /// By type.
    ids: HashMap<String, HashSet<Id>>,
    links: Vec<Link>,
}

/// A relationship of a type, and the ids that its rows name.
struct Link {
    resource_type: Arc<ResourceType>,
    relationship: Arc<Relationship>,
    ids: HashSet<Id>,
}

impl Links {
    /// Takes rows that fit their definition. Of those that are not stored only the ids count.
    pub(super) fn read(
        &mut self,
        resource_type: &Arc<ResourceType>,
        rows: Rows<'_>,
        is_stored: bool,
    ) {
        let mut own = HashSet::new();
        let stored = resource_type.relationships.iter();
        let stored = stored.filter(|relationship| relationship.own_member().is_some());
        let mut links: Vec<Link> = stored
            .map(|relationship| Link {
                resource_type: resource_type.clone(),
                relationship: relationship.clone(),
                ids: HashSet::new(),
            })
            .collect();
        for object in rows.flatten().filter_map(|row| row.object.ok()) {
            let draft = Draft::plain(resource_type, object);
            own.extend(draft.new_id(resource_type, IdRule::File).ok().flatten());
            let Ok((members, _)) = draft.into_members(resource_type) else {
                continue;
            };
            for link in &mut links {
                let member = link.relationship.own_member();
                let value = member.and_then(|member| members.get(member));
                let ids = value.map(|value| link.relationship.ids(&value.to_string()));
                link.ids.extend(ids.unwrap_or_default());
            }
        }
        self.ids.insert(resource_type.name.clone(), own);
        if is_stored {
            self.links.append(&mut links);
        }
    }

    /// Logs the links that lead to nothing, one line for each relationship.
    pub(super) fn report(&self) {
        for (link, broken) in self.broken() {
            let (own, relationship) = (&link.resource_type.name, &link.relationship.name);
            let target = &link.relationship.target.name;
            tracing::warn!(
                first = %broken[0],
                count = broken.len(),
                "'{relationship}' of the sample data of '{own}' leads to '{target}' that are not in it"
            );
        }
    }

    /// The relationships with ids that lead to nothing, in their order.
    fn broken(&self) -> Vec<(&Link, Vec<&Id>)> {
        let all = self.links.iter().map(|link| (link, link.broken(&self.ids)));
        all.filter(|(_, broken)| !broken.is_empty()).collect()
    }
}

impl Link {
    /// The ids that are not among these of the target.
    fn broken(&self, known: &HashMap<String, HashSet<Id>>) -> Vec<&Id> {
        let known = known.get(&self.relationship.target.name);
        let is_there = |id: &Id| known.is_some_and(|ids| ids.contains(id));
        let mut broken: Vec<&Id> = self.ids.iter().filter(|id| !is_there(id)).collect();
        broken.sort();
        broken
    }
}
