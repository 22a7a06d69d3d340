//! How the indexes of a collection stand against the definition.

use std::collections::HashSet;
use std::fmt;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

use super::super::{Connection, failure};
use super::declared::models;
use super::form::Form;
use resources::schema::ResourceType;
use resources::store::StoreError;

/// An index as it should be or as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexState {
    /// Its name in MongoDB.
    pub name: String,
    /// Its keys as MongoDB has them, such as `{ "mail": 1 }`.
    pub keys: Document,
    /// How it stands against the definition.
    pub standing: Standing,
    /// Whether others can store what it is declared to keep out.
    pub(super) is_too_weak: bool,
}

/// How an index of a collection stands against the definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Declared and there, under whatever name.
    Present,
    /// Declared and not there.
    Missing,
    /// There under the declared name or with the declared keys, but not as declared. It is left
    /// as it is; the texts say what is different.
    Different(Vec<String>),
    /// There and not declared. It is left as it is.
    Undeclared,
}

impl fmt::Display for IndexState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: ", self.name, self.keys)?;
        match &self.standing {
            Standing::Present => formatter.write_str("present"),
            Standing::Missing => formatter.write_str("missing"),
            Standing::Different(differences) => {
                let differences = differences.join(", ");
                write!(formatter, "different from its declaration: {differences}")
            }
            Standing::Undeclared => formatter.write_str("not declared"),
        }
    }
}

/// Every index that is declared or there.
pub(in super::super) async fn states(
    store: &Connection,
    of: &ResourceType,
) -> Result<Vec<IndexState>, StoreError> {
    let there = match list(store, of).await {
        Ok(there) => there.unwrap_or_default(),
        Err(error) => return Err(failure::of_read(&error)),
    };
    Ok(compare(&there, of))
}

/// The indexes of a collection, or `None` if there is no collection.
pub(super) async fn list(
    store: &Connection,
    of: &ResourceType,
) -> Result<Option<Vec<Document>>, mongodb::error::Error> {
    const NAMESPACE_NOT_FOUND: i32 = 26;
    let command = doc! { "listIndexes": &of.collection };
    match store.database.run_cursor_command(command).await {
        Ok(cursor) => Ok(Some(cursor.try_collect().await?)),
        Err(error) if failure::code(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The indexes that are there against those that a type declares.
pub(super) fn compare(there: &[Document], of: &ResourceType) -> Vec<IndexState> {
    const OF_IDS: &str = "_id_";
    let own = there
        .iter()
        .find(|index| index.get_str("name").is_ok_and(|name| name == OF_IDS));
    let collation = own.and_then(|index| index.get_document("collation").ok());
    let there: Vec<Form> = there
        .iter()
        .map(|index| Form::found(index, collation))
        .filter(|index| index.name != OF_IDS)
        .collect();
    let declared: Vec<Form> = models(of).iter().map(Form::declared).collect();
    let counterparts = counterparts(&there, &declared);
    let mut known = HashSet::new();
    let mut states = Vec::new();
    for (declared, counterpart) in declared.iter().zip(counterparts) {
        known.extend(counterpart.map(|there| there.name.as_str()));
        states.push(state(declared, counterpart));
    }
    let others = there
        .iter()
        .filter(|there| !known.contains(there.name.as_str()));
    states.extend(others.map(|there| of_form(there, Standing::Undeclared)));
    states
}

/// For each declared index the one that has its name; else one that is the same under another
/// name; else one that takes its place, because MongoDB would not always make a second one over
/// these keys. An index has one counterpart at most.
fn counterparts<'a>(there: &'a [Form], declared: &[Form]) -> Vec<Option<&'a Form>> {
    let mut counterparts: Vec<Option<&Form>> = vec![None; declared.len()];
    let mut taken = HashSet::new();
    for fits in [has_its_name, is_the_same, takes_its_place] {
        for (counterpart, declared) in counterparts.iter_mut().zip(declared) {
            if counterpart.is_none() {
                *counterpart = there
                    .iter()
                    .find(|there| !taken.contains(&there.name) && fits(there, declared));
                taken.extend(counterpart.map(|there| &there.name));
            }
        }
    }
    counterparts
}

fn has_its_name(there: &Form, declared: &Form) -> bool {
    there.name == declared.name
}

fn is_the_same(there: &Form, declared: &Form) -> bool {
    there.differences(declared).is_empty()
}

/// A unique index is made beside one that does not do its work, if MongoDB allows it.
fn takes_its_place(there: &Form, declared: &Form) -> bool {
    there.has_keys_of(declared) && (!declared.is_unique() || there.enforces(declared))
}

fn state(declared: &Form, counterpart: Option<&Form>) -> IndexState {
    let Some(there) = counterpart else {
        return of_form(declared, Standing::Missing);
    };
    let differences = there.differences(declared);
    if differences.is_empty() {
        return of_form(there, Standing::Present);
    }
    IndexState {
        is_too_weak: declared.is_unique() && !there.enforces(declared),
        ..of_form(there, Standing::Different(differences))
    }
}

fn of_form(index: &Form, standing: Standing) -> IndexState {
    IndexState {
        name: index.name.clone(),
        keys: index.keys.clone(),
        standing,
        is_too_weak: false,
    }
}
