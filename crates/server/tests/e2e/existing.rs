//! A collection that another program has made.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Decimal128, Document, Timestamp, doc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::documents::page;
use crate::harness::database::Database;
use crate::harness::{Invocation, Setup, Store, folder_with};

/// Declares some of what is there as it is stored.
const ORDERS: &str = "
type: orders
id: string
attributes:
  type: object
  properties:
    at: {type: string, stored: date}
    price: {type: string, stored: decimal}
    ship: {type: object, properties: {by: {type: string, stored: date}}}
    note: {type: string}
timestamps: {createdAt: madeAt, updatedAt: changedAt, stored: date}
";

/// Says of some of it what it looks like instead.
fn careless() -> String {
    ORDERS
        .replace("stored: date}}}", "stored: date}, fee: {type: string}}}")
        .replace(
            "    note:",
            "    paid: {type: [string, 'null'], format: date-time}\n    total: {type: number}\n    note:",
        )
}

fn order() -> Document {
    let decimal = |text: &str| text.parse::<Decimal128>().unwrap();
    let date = DateTime::from_millis(1_769_848_200_000);
    let binary = Binary {
        subtype: BinarySubtype::UserDefined(0x80),
        bytes: vec![1],
    };
    doc! {
        "_id": "a", "at": date, "price": decimal("12.50"), "far": DateTime::from_millis(LATEST),
        "ship": { "by": date, "fee": decimal("1.5"), "note": "x" },
        "paid": date, "total": decimal("99.90"), "count": 5_i64, "small": 5, "half": 0.5,
        "who": ObjectId::from_bytes([1; 12]), "seal": binary, "none": Bson::Null,
        "clock": Timestamp { time: 4, increment: 1 },
        "mixed": [date, "text", { "at": date }, decimal("7")],
        "madeAt": date, "changedAt": date,
    }
}

/// The last millisecond of the year 9999.
const LATEST: i64 = 253_402_300_799_999;

fn database(store: &Store) -> &Database {
    match store {
        Store::Embedded(_) => panic!("the embedded store is no database"),
        Store::MongoDb(database) => database,
    }
}

fn filled() -> Store {
    let store = Store::fresh();
    let insert = doc! { "insert": "orders", "documents": [order()] };
    database(&store).run(insert).unwrap();
    store
}

fn stored(store: &Store) -> Document {
    let found = database(store).run(doc! { "find": "orders" }).unwrap();
    let batch = found
        .get_document("cursor")
        .unwrap()
        .get_array("firstBatch");
    batch.unwrap()[0].as_document().unwrap().clone()
}

#[tokio::test]
async fn values_that_a_change_does_not_name_or_repeats_keep_their_kinds() {
    let store = filled();
    let folder = folder_with(&[("orders.yaml", ORDERS)]);
    let server = Setup::on(&store).definitions(folder.path()).start().await;
    let mut attributes = server.get("/orders/a").await.data(200)["attributes"].take();
    let date = "2026-01-31T08:30:00.000Z";
    assert_eq!(attributes["at"], date);
    assert_eq!(attributes["madeAt"], date);
    assert_eq!(attributes["ship"]["by"], date);
    assert_eq!(attributes["price"], "12.50");
    assert_eq!(attributes["total"], json!({"$numberDecimal": "99.90"}));
    for name in ["madeAt", "changedAt"] {
        attributes.as_object_mut().unwrap().shift_remove(name);
    }
    attributes["note"] = "n".into();
    for (method, body) in [
        (Method::PATCH, json!({"note": "m"})),
        (Method::PATCH, attributes.clone()),
        (Method::PUT, attributes),
    ] {
        let changed = server.send_plain(method.clone(), "/orders/a", &body).await;
        changed.data(200);
        let mut after = stored(&store);
        let mut before = order();
        after.remove("note");
        assert!(
            after.get_datetime("changedAt").unwrap() > before.get_datetime("changedAt").unwrap()
        );
        for name in ["madeAt", "changedAt"] {
            if method == Method::PATCH {
                assert!(after.get_datetime(name).is_ok());
            }
            after.remove(name);
            before.remove(name);
        }
        assert_eq!(after, before, "{method} {body}");
    }
}

#[tokio::test]
async fn a_change_of_a_kind_that_nobody_declared_is_refused_with_what_to_declare() {
    let store = filled();
    let folder = folder_with(&[("orders.yaml", &careless())]);
    let server = Setup::on(&store).definitions(folder.path()).start().await;
    let before = stored(&store);
    for (change, pointer, declare) in [
        (
            json!({"paid": "2026-02-01T00:00:00Z"}),
            "/paid",
            "stored: date",
        ),
        (json!({"total": 5.5}), "/total", "stored: decimal"),
        (json!({"who": "01"}), "/who", "stored: objectId"),
        (
            json!({"ship": {"fee": "2"}}),
            "/ship/fee",
            "stored: decimal",
        ),
        (json!({"mixed": ["2026"]}), "/mixed/0", "date"),
        (json!({"who": {"a": 1}}), "/who", "stored: objectId"),
        (json!({"clock": 5}), "/clock", "is a timestamp"),
        (
            json!({"seal": "AQ=="}),
            "/seal",
            "the form in which it is served",
        ),
    ] {
        for method in [Method::PATCH, Method::PUT] {
            let answer = server.send_plain(method, "/orders/a", &change).await;
            let error = answer.error(422, "kind_not_declared");
            assert_eq!(error["source"]["pointer"], pointer);
            assert!(
                error["detail"].as_str().unwrap().contains(declare),
                "{error}"
            );
            assert_eq!(stored(&store), before);
        }
    }
    for change in [
        json!({"paid": null}),
        json!({"total": {"$numberDecimal": "5.50"}}),
        json!({"mixed": ["text", {"$date": "2026-01-31T08:30:00Z"}]}),
        json!({"price": "13", "at": "2026-01-31T00:00:00Z", "ship": {"by": "2026-01-31T00:00:00Z"}}),
        json!({"who": {"$oid": "5973ecc8c453c823e4c471d2"}, "note": "n"}),
    ] {
        let answer = server.send_plain(Method::PATCH, "/orders/a", &change).await;
        assert!([200, 422].contains(&answer.status));
        let is_number = change["total"] == Value::Null;
        assert_eq!(answer.status == 200, is_number, "{}", answer.text());
    }
    let after = stored(&store);
    assert_eq!(after.get_decimal128("price").unwrap().to_string(), "13");
    assert!(after.get_datetime("at").is_ok());
    assert!(
        after
            .get_document("ship")
            .unwrap()
            .get_datetime("by")
            .is_ok()
    );
    assert_eq!(after.get_object_id("who").unwrap().bytes()[0], 0x59);
}

#[tokio::test]
async fn dates_of_other_programs_are_filtered_and_sorted_as_dates() {
    let store = filled();
    let early = doc! { "_id": "b", "at": DateTime::from_millis(-1), "price": "NaN".parse::<Decimal128>().unwrap() };
    let late = doc! { "_id": "c", "at": DateTime::from_millis(LATEST), "price": "13" };
    let insert = doc! { "insert": "orders", "documents": [early, late] };
    database(&store).run(insert).unwrap();
    let folder = folder_with(&[("orders.yaml", ORDERS)]);
    let server = Setup::on(&store).definitions(folder.path()).start().await;
    let server = &server;
    let found = async |query: &str| -> String {
        let page = server.get(&format!("/orders?{query}")).await.document(200);
        let data = page["data"].as_array().unwrap();
        let ids: Vec<_> = data.iter().map(|one| one["id"].as_str().unwrap()).collect();
        ids.join(" ")
    };
    for (query, expected) in [
        ("sort=at", "b a c"),
        (
            "filter=lessThan(at,'2026-01-31T08:30:00.001Z')&sort=at",
            "b a",
        ),
        ("filter=greaterThan(madeAt,'2026-01-01T00:00:00Z')", "a"),
        ("filter=lessThan(price,'13')", "a"),
    ] {
        assert_eq!(found(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_definition_is_made_of_what_is_there() {
    let store = filled();
    let infer = |collection: &str| Invocation::new(&["infer", collection]).on(&store).run();
    infer("nothing").fails_with(2, &["'nothing' has no documents"]);
    let inferred = infer("orders");
    let text = inferred.output();
    for line in [
        "type: orders",
        "id: string",
        "    # 1 of 1: decimal 1",
        "    price: {type: string, stored: decimal}",
        "        by: {type: string, stored: date}",
        "    count: {type: integer, stored: long}",
        "    seal: {}",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let folder = folder_with(&[("orders.yaml", text)]);
    let server = Setup::on(&store).definitions(folder.path()).start().await;
    let found = server.get("/orders/a").await.data(200);
    let attributes = &found["attributes"];
    assert_eq!(attributes["total"], "99.90");
    let changed = server
        .send_plain(Method::PUT, "/orders/a", attributes)
        .await;
    changed.data(200);
    assert_eq!(stored(&store), order());
}

#[tokio::test]
async fn a_collection_of_others_is_served_as_the_page_says() {
    let store = Store::fresh();
    let order = doc! {
        "_id": "2026-17", "at": DateTime::from_millis(1_769_848_200_000),
        "price": "12.50".parse::<Decimal128>().unwrap(),
        "customer": ObjectId::parse_str("5973ecc8c453c823e4c471d2").unwrap(),
        "ship": { "city": "Oslo", "by": DateTime::from_millis(1_770_076_800_000) },
        "note": Bson::Null,
    };
    let insert = doc! { "insert": "orders", "documents": [order.clone()] };
    database(&store).run(insert).unwrap();
    page::is_true_over("docs/existing-collection.md", store.clone()).await;
    let mut changed = order;
    changed.insert("price", "13.00".parse::<Decimal128>().unwrap());
    assert_eq!(stored(&store), changed);
}
