//! What single filters, orders and bounds mean.

mod filters;
mod orders;
mod relationships;
mod texts_and_arrays;

use super::library::{Library, through};
use super::*;
use crate::query::{
    Bound, Comparison, Key, KeyPath, MemberPath, Order, Scalar, SortValue, Test, TextMatch,
};
use crate::schema::{Kinds, Relationship};

pub use {filters::*, orders::*, relationships::*, texts_and_arrays::*};

fn at(names: &[&str]) -> MemberPath {
    MemberPath {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        kinds: Kinds::ANY,
        stored: None,
    }
}

fn where_v(test: Test) -> Filter {
    Filter::member(at(&["v"]), test)
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

fn scalar(value: &Value) -> Scalar {
    Scalar::of(value).unwrap()
}

fn compare(comparison: Comparison, value: &Value) -> Test {
    Test::Compare(comparison, scalar(value))
}

fn equals(value: &Value) -> Test {
    compare(Comparison::Equal, value)
}

fn text(relation: TextMatch, ignores_case: bool, text: &str) -> Test {
    Test::Text {
        relation,
        ignores_case,
        text: text.to_owned(),
    }
}

/// Stores a thing with each of these members, and its place as `n`.
async fn stored(store: &AnyStore, all: &[Value]) -> Arc<ResourceType> {
    let resource_type = things(store).await;
    for (n, one) in all.iter().enumerate() {
        let mut members = attributes(one.clone());
        members.insert("n".to_owned(), n.into());
        insert(store, &resource_type, Value::Object(members)).await;
    }
    resource_type
}

async fn passing(store: &AnyStore, resource_type: &Arc<ResourceType>, filter: Filter) -> Vec<i64> {
    let query = Query {
        filter,
        ..Query::first(100)
    };
    listed(store, resource_type, &query).await
}

/// The numbers of the things that a query gives.
async fn listed(store: &AnyStore, resource_type: &Arc<ResourceType>, query: &Query) -> Vec<i64> {
    let page = store.list(resource_type, query).await.unwrap();
    page.resources.iter().map(number).collect()
}

fn related(relationship: Arc<Relationship>, filter: Filter) -> Filter {
    let filter = Box::new(filter);
    Filter::Related {
        relationship,
        filter,
    }
}

fn named(member: &str, value: &str) -> Filter {
    Filter::member(at(&[member]), equals(&json!(value)))
}

fn by(path: KeyPath, descending: bool) -> Key {
    Key { path, descending }
}

fn member(names: &[&str]) -> KeyPath {
    let path = at(names);
    KeyPath::Member {
        through: Vec::new(),
        path,
    }
}

fn sorted(keys: Vec<Key>) -> Query {
    Query {
        order: Order { keys },
        ..Query::first(100)
    }
}

/// Two authors, three books of the first and one of an author who is gone, three tags.
async fn filled(store: &AnyStore) -> (Library, Vec<Id>) {
    let library = Library::open(store).await;
    for (id, members) in [
        ("a", json!({"n": 10, "label": "Old"})),
        ("b", json!({"n": 11, "label": "new"})),
        ("c", json!({"n": 12})),
    ] {
        let id = library.tags.id.parse(id).unwrap();
        one(store, insertion(&library.tags, id, members))
            .await
            .unwrap();
    }
    let mut books = Vec::new();
    for (n, author, tags) in [
        (0, json!(1), json!(["a", "b"])),
        (1, json!(1), json!(["b", "gone"])),
        (2, json!(1), json!([])),
        (3, json!(99), json!(["c"])),
        (4, json!(null), json!(null)),
    ] {
        let mut book = json!({"n": n, "title": format!("t{n}"), "author": author});
        if !tags.is_null() {
            book["tag ids"] = tags;
        }
        books.push(insert(store, &library.books, book).await.id);
    }
    let favourite = books[3].to_member();
    for (id, members) in [
        (
            1,
            json!({"n": 20, "name": "Ann", "favouriteBook": favourite}),
        ),
        (2, json!({"n": 21, "name": "Bob"})),
    ] {
        let write = insertion(&library.authors, Id::Integer(id), members);
        one(store, write).await.unwrap();
    }
    (library, books)
}
