//! The indexes that a type declares, as MongoDB's models.

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{Collation, CollationStrength, IndexOptions};

use resources::schema::{Index, ResourceType};

use crate::ids;

/// Every type of BSON but null: values of these types can clash.
const TYPES: &str = "double string object array binData objectId bool date regex dbPointer javascript \
                     symbol int timestamp long decimal minKey maxKey";

const UNIQUE: &str = "unique_";

/// What stands before the name of a unique index without regard to case.
const CASELESS: &str = "unique_without_case_";

/// The name that MongoDB's shell would give it. A unique one has a prefix, because both kinds may
/// stand side by side over the same attributes.
pub(crate) fn name(index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| format!("{}_{}", key.attribute, direction(key.descending)))
        .collect();
    let unique = match (index.unique, index.ignores_case) {
        (false, _) => "",
        (true, false) => UNIQUE,
        (true, true) => CASELESS,
    };
    format!("{unique}{}", keys.join("_"))
}

/// Whether an index of this name is this one: other programs leave the prefix out.
pub(crate) fn is_called(index: &Index, name: &str) -> bool {
    let own = self::name(index);
    let plain = own.strip_prefix(CASELESS).or(own.strip_prefix(UNIQUE));
    own == name || plain == Some(name)
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
        let collation = index.ignores_case.then(without_case);
        options
            .unique(true)
            .partial_filter_expression(filter)
            .collation(collation)
            .build()
    } else {
        options.build()
    };
    IndexModel::builder()
        .keys(keys(index))
        .options(options)
        .build()
}

/// Takes no notice of case. Of texts of printable ASCII it says what every store says:
/// <https://www.mongodb.com/docs/manual/reference/collation/>.
pub(crate) fn without_case() -> Collation {
    let strength = CollationStrength::Secondary;
    Collation::builder().locale("en").strength(strength).build()
}

/// Whether a collation of an index is that of [`without_case`], of which a server tells the other
/// options too.
pub(crate) fn is_without_case(collation: &Document) -> bool {
    let number = |name: &str| collation.get(name).and_then(whole);
    let has = |name: &str, usual: Bson| collation.get(name).is_none_or(|value| *value == usual);
    collation
        .get_str("locale")
        .is_ok_and(|locale| locale == "en")
        && number("strength") == Some(2)
        && has("caseLevel", false.into())
        && has("caseFirst", "off".into())
        && has("numericOrdering", false.into())
        && has("alternate", "non-ignorable".into())
        && has("backwards", false.into())
}

fn whole(value: &Bson) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}

/// The documents that have a value other than null in each of these attributes.
pub(crate) fn value_in_each<'a>(attributes: impl Iterator<Item = &'a str>) -> Document {
    attributes
        .map(|attribute| (attribute.to_owned(), doc! { "$type": types() }.into()))
        .collect()
}

/// Whether this program made an index: its name, uniqueness and filter are those that only
/// [`model`] gives to an index with these keys.
pub(crate) fn is_own_unique(
    name: &str,
    keys: &Document,
    filter: Option<&Document>,
    ignores_case: bool,
) -> bool {
    let parts = keys
        .iter()
        .map(|(attribute, direction)| format!("{attribute}_{direction}"));
    let prefix = if ignores_case { CASELESS } else { UNIQUE };
    let own = format!("{prefix}{}", parts.collect::<Vec<_>>().join("_"));
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
