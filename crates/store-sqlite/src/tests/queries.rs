//! What lies beside the tables of collections, and whether it is used.

use resources::query::{
    Bound, Comparison, Count, Key, KeyPath, MemberPath, Order, Scalar, SortValue, Test, TextMatch,
    Total,
};
use resources::schema::{Kinds, Stored, parse_all};
use resources::store::{ImportMode, NewResource, Plan};
use serde_json::{Value, json};

use super::*;

const BOOKS: &str = "type: books\nid: integer\nattributes: {type: object, properties: {\
                     title: {type: string}, rank: {type: number}, address: {type: object, \
                     properties: {city: {type: string}}}, \
                     price: {type: string, stored: decimal}, at: {type: string, stored: date}, \
                     mail: {type: string}}}\n\
                     indexes: [{attributes: [title]}, {attributes: [rank]}, \
                     {attributes: [address.city]}, {attributes: [price]}, {attributes: [at]}, \
                     {attributes: [mail], unique: true, caseInsensitive: true}]\n\
                     relationships: {author: {type: authors}, tags: {type: tags, kind: many}}\n";

const AUTHORS: &str = "type: authors\nid: integer\nattributes: {type: object}\n\
                       indexes: [{attributes: [name]}]\n";

const TAGS: &str = "type: tags\nid: integer\nattributes: {type: object}\n";

async fn books(store: &SqliteStore) -> Arc<ResourceType> {
    let types = parse_all(&[BOOKS, AUTHORS, TAGS]).unwrap();
    store.prepare(&types).await.unwrap();
    types[0].clone()
}

fn at(names: &[&str], kinds: Kinds) -> MemberPath {
    MemberPath {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        kinds,
        stored: None,
    }
}

fn title() -> MemberPath {
    at(&["title"], Kinds::TEXT)
}

fn compare(path: MemberPath, comparison: Comparison, value: &Value) -> Filter {
    let scalar = Scalar::of(value).unwrap();
    Filter::member(path, Test::Compare(comparison, scalar))
}

fn equals(path: MemberPath, value: &Value) -> Filter {
    compare(path, Comparison::Equal, value)
}

fn by(path: MemberPath, descending: bool) -> Order {
    let through = Vec::new();
    let path = KeyPath::Member { through, path };
    Order {
        keys: vec![Key { path, descending }],
    }
}

fn stored_as(name: &str, stored: Stored) -> MemberPath {
    MemberPath {
        stored: Some(stored),
        ..at(&[name], Kinds::TEXT)
    }
}

#[tokio::test]
async fn indexes_over_what_is_stored_otherwise_and_without_case_are_used() {
    let (_folder, store) = fresh().await;
    let least = |name, stored, text: &str| {
        let scalar = Scalar::Stored(stored, text.to_owned());
        let test = Test::Compare(Comparison::GreaterOrEqual, scalar);
        Query {
            filter: Filter::member(stored_as(name, stored), test),
            ..sorted(by(stored_as(name, stored), false))
        }
    };
    let mail = Test::Text {
        relation: TextMatch::Equals,
        ignores_case: true,
        text: "A@x.org".to_owned(),
    };
    for (query, expected) in [
        (
            least("price", Stored::Decimal, "1.50"),
            "index:books:price (<expr>>?)",
        ),
        (
            least("at", Stored::Date, "2026-01-31T08:30:00.000Z"),
            "index:books:at (<expr>>?)",
        ),
        (
            sorted(by(stored_as("price", Stored::Decimal), true)),
            "SCAN o USING COVERING INDEX index:books:price",
        ),
        (
            filtered(Filter::member(at(&["mail"], Kinds::TEXT), mail)),
            "unique index without case:books:mail (<expr>=?)",
        ),
    ] {
        let (step, _) = step(&store, &query).await;
        assert!(step.contains(expected), "{step}: {query:?}");
    }
}

fn links(member: &str) -> Filter {
    let ids = vec![Id::Integer(1), Id::Integer(2)];
    Filter::member(MemberPath::linkage(member), Test::Links(ids))
}

fn by_author(name: &str) -> Filter {
    let types = parse_all(&[BOOKS, AUTHORS, TAGS]).unwrap();
    let filter = Box::new(equals(at(&["name"], Kinds::TEXT), &json!(name)));
    Filter::Related {
        relationship: types[0].relationship("author").unwrap().clone(),
        filter,
    }
}

fn filtered(filter: Filter) -> Query {
    Query {
        filter,
        ..Query::first(20)
    }
}

fn sorted(order: Order) -> Query {
    Query {
        order,
        ..Query::first(20)
    }
}

/// The first of the steps that looks at the collection, and the whole plan.
async fn step(store: &SqliteStore, query: &Query) -> (String, Plan) {
    let plan = store.explain(&books(store).await, query).await.unwrap();
    let steps: Vec<String> = serde_json::from_str(&plan.text).unwrap();
    let is_first = |step: &&String| step.contains(" o ") || step.ends_with(" o");
    (steps.iter().find(is_first).unwrap().clone(), plan)
}

#[tokio::test]
async fn declared_indexes_and_those_of_relationships_are_used() {
    let (_folder, store) = fresh().await;
    let starts = Test::Text {
        relation: TextMatch::StartsWith,
        ignores_case: false,
        text: "a".to_owned(),
    };
    let rank = || at(&["rank"], Kinds::NUMBER.and(Kinds::NULL));
    let city = at(&["address", "city"], Kinds::TEXT);
    let one_of = Test::OneOf(vec![Scalar::Text("a".to_owned())]);
    for (query, expected) in [
        (
            filtered(equals(title(), &json!("a"))),
            "index:books:title (<expr>=?)",
        ),
        (
            filtered(Filter::member(title(), one_of)),
            "index:books:title (<expr>=?)",
        ),
        (
            filtered(equals(at(&["title"], Kinds::ANY), &json!("a"))),
            "index:books:title (<expr>=?)",
        ),
        (
            filtered(equals(rank(), &json!(1))),
            "index:books:rank (<expr>=?)",
        ),
        (
            filtered(equals(city, &json!("a"))),
            "index:books:address.city (<expr>=?)",
        ),
        (filtered(links("author")), "index:books:author (<expr>=?)"),
        (filtered(by_author("Ann")), "index:books:author (<expr>=?)"),
        (
            filtered(links("tags")),
            "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)",
        ),
        (
            sorted(by(rank(), false)),
            "SCAN o USING COVERING INDEX index:books:rank",
        ),
        (
            sorted(by(rank(), true)),
            "SCAN o USING COVERING INDEX index:books:rank",
        ),
        (
            Query {
                filter: Filter::member(title(), starts),
                ..sorted(by(title(), false))
            },
            "index:books:title (<expr>>? AND <expr><?)",
        ),
    ] {
        let (step, plan) = step(&store, &query).await;
        assert!(step.contains(expected), "{step}: {query:?}");
        assert!(!plan.is_costly, "{plan:?}");
    }
}

#[tokio::test]
async fn what_reads_or_sorts_the_whole_collection_is_costly() {
    let (_folder, store) = fresh().await;
    let other = || at(&["other"], Kinds::TEXT);
    let rank = compare(at(&["rank"], Kinds::NUMBER), Comparison::Greater, &json!(1));
    for (query, is_costly) in [
        (Query::first(20), false),
        (sorted(Order::by_id()), false),
        (filtered(equals(other(), &json!("a"))), true),
        (sorted(by(other(), false)), true),
        (
            Query {
                order: by(other(), false),
                ..filtered(rank)
            },
            true,
        ),
        (
            Query {
                order: by(other(), false),
                ..filtered(links("author"))
            },
            false,
        ),
    ] {
        let (_, plan) = step(&store, &query).await;
        assert_eq!(plan.is_costly, is_costly, "{plan:?}");
    }
}

#[tokio::test]
async fn a_page_is_searched_where_it_begins() {
    let (_folder, store) = fresh().await;
    let id = Id::Integer(7);
    let bound = |values: &[SortValue]| {
        let (values, id) = (values.to_vec(), id.clone());
        Some(Bound { values, id })
    };
    let text = || SortValue::Text("a".to_owned());
    for (order, values) in [
        (Order::by_id(), vec![SortValue::Nothing]),
        (by(title(), false), vec![text()]),
        (by(title(), false), vec![SortValue::Nothing]),
    ] {
        for from_end in [false, true] {
            let mut query = sorted(order.clone());
            query.from_end = from_end;
            query.after = bound(&values).filter(|_| !from_end);
            query.before = bound(&values).filter(|_| from_end);
            let (_, plan) = step(&store, &query).await;
            let is_scan = plan.text.contains("SCAN o") || plan.text.contains("TEMP B-TREE");
            assert!(!is_scan, "{plan:?}");
            assert!(!plan.is_costly, "{plan:?}");
        }
    }
}

/// What the tables beside a collection say of it, and what it is.
fn beside(folder: &tempfile::TempDir) -> [(Vec<(i64, i64)>, i64); 2] {
    let connection = rusqlite::Connection::open(folder.path().join(file::NAME)).unwrap();
    let pairs = |sql: &str| {
        let mut statement = connection.prepare(sql).unwrap();
        let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        pairs.unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    let number = |sql: &str| connection.query_one(sql, [], |row| row.get(0)).unwrap();
    let is_linked = "FROM \"collection:books\" AS t, json_each(t.document, '$.tags') AS e \
                     WHERE json_type(t.document, '$.tags') = 'array' ORDER BY 1, 2";
    [
        (
            pairs("SELECT target, position FROM \"links:books:tags\" ORDER BY 1, 2"),
            number("SELECT resources FROM collections WHERE name = 'books'"),
        ),
        (
            pairs(&format!("SELECT DISTINCT e.atom, t.position {is_linked}")),
            number("SELECT count(*) FROM \"collection:books\""),
        ),
    ]
}

#[tokio::test]
async fn links_and_numbers_follow_every_change() {
    let (folder, store) = fresh().await;
    let books = books(&store).await;
    let members = |value: Value| match value {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    };
    let row = |id: i64| NewResource {
        id: Id::Integer(id),
        attributes: members(json!({"tags": [id, 1, 1, 2]})),
    };
    for (mode, commits) in [
        (ImportMode::AllOrNothing, false),
        (ImportMode::EachBatch, true),
    ] {
        let mut import = store.import(&books, mode).await.unwrap();
        import.insert((1..=6).map(row).collect()).await.unwrap();
        if commits {
            import.commit().await.unwrap();
        }
    }
    let write = |id: i64, value: Value| Write::replace(&books, Id::Integer(id), members(value));
    let mut put = write(9, json!({"tags": [7]}));
    put.guard.presence = resources::store::Presence::Either;
    for unit in [
        vec![
            write(1, json!({"tags": [3]})),
            write(2, json!({"tags": null})),
        ],
        vec![Write::delete(&books, Id::Integer(3)), put.clone()],
        vec![put, write(4, json!({"tags": [4], "title": "a"}))],
        // The second is refused, and the first undone.
        vec![
            Write::delete(&books, Id::Integer(5)),
            Write::delete(&books, Id::Integer(77)),
        ],
    ] {
        let _ = store.write(Unit::new(unit)).await;
        let [noted, found] = beside(&folder);
        assert_eq!(noted, found);
    }
    assert_eq!(beside(&folder)[1].1, 6);
    let tagged = store.list(&books, &filtered(links("tags"))).await.unwrap();
    assert_eq!(tagged.total, Some(Total::Exact(2)));
}

#[tokio::test]
async fn what_is_there_is_linked_when_a_relationship_is_declared() {
    let (folder, store) = fresh().await;
    let text = BOOKS.split("relationships").next().unwrap();
    let plain = Arc::new(resources::schema::parse(text).unwrap());
    store.prepare(std::slice::from_ref(&plain)).await.unwrap();
    insert(&store, &plain, json!({"tags": [2, 3, 2]}))
        .await
        .unwrap();
    let linked = async || {
        let books = books(&store).await;
        let page = store.list(&books, &filtered(links("tags"))).await;
        page.unwrap().resources.len()
    };
    assert_eq!(linked().await, 1);
    let [noted, there] = beside(&folder);
    assert_eq!(noted, there);
    // Declared no longer and again, while it has changed.
    store.prepare(std::slice::from_ref(&plain)).await.unwrap();
    let write = Write::delete(&plain, Id::Integer(1));
    store.write(Unit::new(vec![write])).await.unwrap();
    assert_eq!(linked().await, 0);
}

#[tokio::test]
async fn an_index_of_an_earlier_version_is_made_anew() {
    let (folder, store) = fresh().await;
    books(&store).await;
    drop(store);
    let connection = rusqlite::Connection::open(folder.path().join(file::NAME)).unwrap();
    let earlier = "DROP INDEX \"index:books:title\"; CREATE INDEX \"index:books:title\" \
                   ON \"collection:books\" ((document ->> '$.\"title\"'));";
    connection.execute_batch(earlier).unwrap();
    drop(connection);
    let store = open(folder.path()).unwrap();
    let (step, plan) = step(&store, &sorted(by(title(), false))).await;
    assert!(
        step.contains("COVERING INDEX index:books:title"),
        "{plan:?}"
    );
}

#[tokio::test]
async fn a_check_tells_a_wrong_number() {
    let (folder, store) = fresh().await;
    let books = books(&store).await;
    insert(&store, &books, json!({})).await.unwrap();
    drop(store);
    let check = || SqliteStore::check(folder.path(), &SqliteSettings::default()).unwrap();
    assert_eq!(check().damages, [""; 0]);
    let connection = rusqlite::Connection::open(folder.path().join(file::NAME)).unwrap();
    let wrong = "UPDATE collections SET resources = 7 WHERE name = 'books'";
    connection.execute_batch(wrong).unwrap();
    drop(connection);
    let expected = ["'books' has 1 resources, not 7 as is noted"];
    assert_eq!(check().damages, expected);
}

#[tokio::test]
async fn a_total_without_a_filter_is_not_counted() {
    let (folder, store) = fresh().await;
    let books = books(&store).await;
    // One more than the page shows, which alone would tell the total.
    for _ in 0..2 {
        insert(&store, &books, json!({})).await.unwrap();
    }
    drop(store);
    let connection = rusqlite::Connection::open(folder.path().join(file::NAME)).unwrap();
    let other = "UPDATE collections SET resources = 1000000 WHERE name = 'books'";
    connection.execute_batch(other).unwrap();
    drop(connection);
    let store = open(folder.path()).unwrap();
    let query = Query {
        count: Count::UpTo(10),
        ..Query::first(1)
    };
    let page = store.list(&books, &query).await.unwrap();
    assert_eq!(page.total, Some(Total::Exact(1_000_000)));
}
