//! The indexes that a type declares, as MongoDB's models.

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;

use resources::schema::{Index, ResourceType};

use crate::ids;

/// Every type of BSON but null: values of these types can clash.
const TYPES: &str = "double string object array binData objectId bool date regex dbPointer javascript \
                     symbol int timestamp long decimal minKey maxKey";

const UNIQUE: &str = "unique_";

/// The name that MongoDB's shell would give it. A unique one has a prefix, because both kinds may
/// stand side by side over the same attributes.
pub(crate) fn name(index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| format!("{}_{}", key.attribute, direction(key.descending)))
        .collect();
    let unique = if index.unique { UNIQUE } else { "" };
    format!("{unique}{}", keys.join("_"))
}

/// Whether an index of this name is this one: other programs leave the prefix out.
pub(crate) fn is_called(index: &Index, name: &str) -> bool {
    let own = self::name(index);
    own == name || own.strip_prefix(UNIQUE) == Some(name)
}

fn direction(descending: bool) -> i32 {
    if descending { -1 } else { 1 }
}

fn keys(index: &Index) -> Document {
    index
        .keys
        .iter()
        .map(|key| (key.attribute.clone(), Bson::from(direction(key.descending))))
        .collect()
}

fn model(index: &Index) -> IndexModel {
    let options = IndexOptions::builder().name(name(index));
    let options = if index.unique {
        let filter = value_in_each(index.keys.iter().map(|key| key.attribute.as_str()));
        options
            .unique(true)
            .partial_filter_expression(filter)
            .build()
    } else {
        options.build()
    };
    IndexModel::builder()
        .keys(keys(index))
        .options(options)
        .build()
}

/// The documents that have a value other than null in each of these attributes.
pub(crate) fn value_in_each<'a>(attributes: impl Iterator<Item = &'a str>) -> Document {
    attributes
        .map(|attribute| (attribute.to_owned(), doc! { "$type": types() }.into()))
        .collect()
}

/// Whether this program made an index: its name, uniqueness and filter are those that only
/// [`model`] gives to an index with these keys.
pub(crate) fn is_own_unique(name: &str, keys: &Document, filter: Option<&Document>) -> bool {
    let parts = keys
        .iter()
        .map(|(attribute, direction)| format!("{attribute}_{direction}"));
    let own = format!("{UNIQUE}{}", parts.collect::<Vec<_>>().join("_"));
    name == own && filter == Some(&value_in_each(keys.keys().map(String::as_str)))
}

pub(crate) fn types() -> Vec<Bson> {
    TYPES.split_whitespace().map(Bson::from).collect()
}

pub(crate) fn models(resource_type: &ResourceType) -> Vec<IndexModel> {
    let mut models: Vec<IndexModel> = resource_type.indexes.iter().map(model).collect();
    let relationships = resource_type.relationships.iter();
    for member in relationships.filter_map(|relationship| relationship.own_member()) {
        let begins = |model: &IndexModel| model.keys.keys().next().is_some_and(|key| key == member);
        if !models
            .iter()
            .any(|model| begins(model) && !is_partial(model))
        {
            models.push(link_model(member));
        }
    }
    if ids::have_position(resource_type) {
        let name = IndexOptions::builder().name(POSITION_INDEX.to_owned());
        let keys = ids::order(resource_type);
        models.push(
            IndexModel::builder()
                .keys(keys)
                .options(name.build())
                .build(),
        );
    }
    models
}

/// Finds the resources that name another one, in the order of their ids: what an inverse lists.
fn link_model(member: &str) -> IndexModel {
    let name = format!("{member}_1_{}_1", ids::ID);
    let options = IndexOptions::builder().name(name).build();
    let keys = doc! { member: 1, ids::ID: 1 };
    IndexModel::builder().keys(keys).options(options).build()
}

fn is_partial(model: &IndexModel) -> bool {
    let options = model.options.as_ref();
    options.is_some_and(|options| options.partial_filter_expression.is_some())
}

const POSITION_INDEX: &str = "_position_1__id_1";

/// The name of a declared index.
pub(crate) fn name_of(model: &IndexModel) -> &str {
    let options = model.options.as_ref();
    options
        .and_then(|options| options.name.as_deref())
        .unwrap_or_default()
}
