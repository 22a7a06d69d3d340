//! By what a row finds the resource whose place it takes.

use std::sync::Arc;

use resources::query::{Comparison, Count, Filter, MemberPath, Query, Scalar, Test, TextMatch};
use resources::schema::{Attributes, Declared, Id, Index, ResourceType};
use resources::store::{Store, StoreError};
use serde_json::Value;

/// By what a row of an import finds the resource whose place it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpsertKey {
    /// By its id.
    Id,
    /// By the values of a unique index. A row in which one is absent or null is a new resource.
    Index(Index),
}

impl UpsertKey {
    /// The unique index over these attributes, in any order.
    ///
    /// # Errors
    /// That there is none, and which there are.
    pub fn unique(resource_type: &ResourceType, attributes: &[String]) -> Result<Self, String> {
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let wanted = sorted(attributes.to_vec());
        let names = |index: &Index| index.keys.iter().map(|key| key.attribute.clone()).collect();
        let unique = || resource_type.indexes.iter().filter(|index| index.unique);
        if let Some(index) = unique().find(|index| sorted(names(index)) == wanted) {
            return Ok(Self::Index(index.clone()));
        }
        let there_are: Vec<String> = unique().map(|index| names(index).join(",")).collect();
        let (of, wanted) = (&resource_type.name, attributes.join(","));
        Err(match there_are.as_slice() {
            [] => format!("'{of}' has no unique index, by which rows could find their resources"),
            there_are => {
                let there_are = there_are.join(" and ");
                format!("'{of}' has no unique index over {wanted}; there are {there_are}")
            }
        })
    }

    /// The values by which a row finds its resource; `None` where that is its id, or one is absent.
    pub(super) fn values(&self, members: &Attributes) -> Option<Vec<Value>> {
        let Self::Index(index) = self else {
            return None;
        };
        let value = |names: Vec<&str>| {
            let (first, rest) = names.split_first()?;
            let first = members.get(*first)?;
            let value = rest.iter().try_fold(first, |value, name| value.get(name))?;
            match Scalar::of(value)? {
                // As the index compares them; such values are ASCII.
                Scalar::Text(text) if index.ignores_case => Some(text.to_ascii_lowercase().into()),
                _ => Some(value.clone()),
            }
        };
        let values = index.keys.iter().map(|key| value(key.names().collect()));
        values.collect()
    }

    /// The resource that has these values, if there is one, and the filter that it passes.
    pub(super) async fn find(
        &self,
        store: &dyn Store,
        resource_type: &Arc<ResourceType>,
        values: &[Value],
    ) -> Result<Option<(Id, Filter)>, StoreError> {
        let Self::Index(index) = self else {
            return Ok(None);
        };
        let keys = index.keys.iter().zip(values);
        let filter = keys.fold(Filter::Everything, |filter, (key, value)| {
            let names: Vec<String> = key.names().map(str::to_owned).collect();
            filter.and(equals(resource_type, &names, value, index.ignores_case))
        });
        let query = Query {
            filter: filter.clone(),
            count: Count::Never,
            ..Query::first(1)
        };
        let page = store.list(resource_type, &query).await?;
        let found = page.resources.iter().next().map(|one| one.id.clone());
        Ok(found.map(|id| (id, filter)))
    }
}

fn equals(
    resource_type: &ResourceType,
    names: &[String],
    value: &Value,
    ignores_case: bool,
) -> Filter {
    let path = match resource_type.attributes.at(names) {
        Declared::Unknown => MemberPath::linkage(&names[0]),
        declared => MemberPath::declared(names, &declared),
    };
    let scalar = match (path.stored, Scalar::of(value)) {
        (Some(stored), Some(Scalar::Text(text))) => Some(Scalar::Stored(stored, text)),
        (_, scalar) => scalar,
    };
    let test = match scalar {
        Some(Scalar::Text(text)) if ignores_case => Test::Text {
            relation: TextMatch::Equals,
            ignores_case,
            text,
        },
        Some(scalar) => Test::Compare(Comparison::Equal, scalar),
        // What is no scalar is no key; see `values`.
        None => Test::Missing,
    };
    Filter::member(path, test)
}
