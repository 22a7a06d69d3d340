//! The indexes that a type declares, as MongoDB is told of them.

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;

use super::super::ids;
use resources::schema::{Index, ResourceType};

/// Every type of BSON but null: where a value is of one of these, it can clash.
const TYPES: [&str; 18] = [
    "double",
    "string",
    "object",
    "array",
    "binData",
    "objectId",
    "bool",
    "date",
    "regex",
    "dbPointer",
    "javascript",
    "symbol",
    "int",
    "timestamp",
    "long",
    "decimal",
    "minKey",
    "maxKey",
];

const UNIQUE: &str = "unique_";

/// As MongoDB's shell would call it; a unique one apart, because both kinds may stand side by
/// side over the same attributes.
pub(in super::super) fn name(index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| format!("{}_{}", key.attribute, direction(key.descending)))
        .collect();
    let unique = if index.unique { UNIQUE } else { "" };
    format!("{unique}{}", keys.join("_"))
}

/// Whether this is its name here, or the one that other programs give to a unique index.
pub(in super::super) fn is_called(index: &Index, name: &str) -> bool {
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
        let present = |key: &resources::schema::IndexKey| {
            (key.attribute.clone(), Bson::from(doc! { "$type": types() }))
        };
        let filter: Document = index.keys.iter().map(present).collect();
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

pub(in super::super) fn types() -> Vec<Bson> {
    TYPES.into_iter().map(Bson::from).collect()
}

pub(super) fn models(of: &ResourceType) -> Vec<IndexModel> {
    let mut models: Vec<IndexModel> = of.indexes.iter().map(model).collect();
    if ids::have_position(of) {
        let name = IndexOptions::builder().name(POSITION_INDEX.to_owned());
        let keys = ids::order(of);
        models.push(
            IndexModel::builder()
                .keys(keys)
                .options(name.build())
                .build(),
        );
    }
    models
}

const POSITION_INDEX: &str = "_position_1__id_1";

/// The name under which it is declared.
pub(super) fn name_of(model: &IndexModel) -> &str {
    let options = model.options.as_ref();
    options
        .and_then(|options| options.name.as_deref())
        .unwrap_or_default()
}
