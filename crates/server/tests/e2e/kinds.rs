//! Values that are stored otherwise than their JSON looks.

use std::sync::Arc;

use mongodb::bson::{Document, doc, spec::ElementType};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Invocation, Server, Setup, Store, folder_with, pointers};

const ORDERS: &str = "
type: orders
id: string
attributes:
  type: object
  additionalProperties: false
  properties:
    at: {type: [string, 'null'], stored: date}
    price: {type: string, stored: decimal}
    customer: {type: string, stored: objectId}
    token: {type: string, stored: uuid}
    seal: {type: string, stored: binary}
    count: {type: integer, stored: long}
    ship: {type: object, properties: {by: {type: string, stored: date}}}
    lines: {type: array, items: {$ref: '#/$defs/line'}}
    days: {type: array, items: {type: string, stored: date}}
  $defs:
    line: {type: object, properties: {price: {type: string, stored: decimal}}}
indexes:
  - {attributes: [price], unique: true}
  - {attributes: [ship.by]}
timestamps: {createdAt: madeAt, stored: date}
";

fn definitions() -> TempDir {
    folder_with(&[("orders.yaml", ORDERS)])
}

async fn orders() -> (Server, TempDir) {
    let folder = definitions();
    let server = Setup::fresh().definitions(folder.path()).start().await;
    (server, folder)
}

/// Not in normal form, and what it is then.
fn order() -> (Value, Value) {
    let uuid = "0198c2a7-1b2c-7def-8123-456789abcdef";
    let given = json!({
        "id": "a", "at": "2026-01-31T09:30:00+01:00", "price": "+12.50",
        "customer": "5973ECC8C453C823E4C471D2", "token": uuid.to_uppercase(), "seal": "AP8=",
        "count": 5.0, "ship": {"by": "1969-12-31T23:59:59.999Z"},
        "lines": [{"price": "1e3"}, {}], "days": ["2026-01-01T00:00:00Z"]
    });
    let stored = json!({
        "at": "2026-01-31T08:30:00.000Z", "price": "12.50",
        "customer": "5973ecc8c453c823e4c471d2", "token": uuid, "seal": "AP8=",
        "count": 5, "ship": {"by": "1969-12-31T23:59:59.999Z"},
        "lines": [{"price": "1E+3"}, {}], "days": ["2026-01-01T00:00:00.000Z"]
    });
    (given, stored)
}

async fn attributes(server: &Server, id: &str) -> Value {
    let mut data = server.get(&format!("/orders/{id}")).await.data(200);
    let mut attributes = data["attributes"].take();
    let made = attributes.as_object_mut().unwrap().shift_remove("madeAt");
    assert_eq!(made.unwrap().as_str().unwrap().len(), 24);
    attributes
}

/// The types of the members that MongoDB has, where it is the store.
fn assert_stored_kinds(store: &Store) {
    let Store::MongoDb(database) = store else {
        return;
    };
    let found = database.run(doc! { "find": "orders", "filter": { "_id": "a" } });
    let found = found.unwrap();
    let batch = found
        .get_document("cursor")
        .unwrap()
        .get_array("firstBatch");
    let order = batch.unwrap()[0].as_document().unwrap().clone();
    let kind = |document: &Document, name: &str| document.get(name).unwrap().element_type();
    for (name, expected) in [
        ("at", ElementType::DateTime),
        ("price", ElementType::Decimal128),
        ("customer", ElementType::ObjectId),
        ("token", ElementType::Binary),
        ("seal", ElementType::Binary),
        ("count", ElementType::Int64),
        ("madeAt", ElementType::DateTime),
    ] {
        assert_eq!(kind(&order, name), expected, "{name}");
    }
    assert_eq!(order.get_decimal128("price").unwrap().to_string(), "12.50");
    let ship = order.get_document("ship").unwrap();
    assert_eq!(kind(ship, "by"), ElementType::DateTime);
    let line = order.get_array("lines").unwrap()[0].as_document().unwrap();
    assert_eq!(kind(line, "price"), ElementType::Decimal128);
    let day = &order.get_array("days").unwrap()[0];
    assert_eq!(day.element_type(), ElementType::DateTime);
}

#[tokio::test]
async fn values_are_stored_as_declared_and_served_in_their_normal_forms() {
    let (server, _folder) = orders().await;
    let (given, stored) = order();
    let created = server.send_plain(Method::POST, "/orders", &given).await;
    created.data(201);
    assert_eq!(attributes(&server, "a").await, stored);
    assert_stored_kinds(server.store());
    for (method, change) in [
        (
            Method::PATCH,
            json!({"price": "12.50", "lines": [{"price": "1000"}]}),
        ),
        (Method::PATCH, json!({"lines": stored["lines"], "at": null})),
        (Method::PATCH, json!({"at": "2026-01-31T08:30:00Z"})),
        (Method::PUT, given.clone()),
    ] {
        let changed = server.send_plain(method, "/orders/a", &change).await;
        changed.data(200);
    }
    assert_eq!(attributes(&server, "a").await, stored);
    assert_stored_kinds(server.store());
}

#[tokio::test]
async fn what_cannot_be_stored_so_is_refused_with_the_form_that_is_wanted() {
    let (server, _folder) = orders().await;
    let wrong = json!({
        "id": "a", "at": "2026-01-31T08:30:00.0001Z", "price": "NaN", "customer": "59",
        "token": "0198c2a7", "seal": "AP8", "ship": {"by": "soon"}, "lines": [{"price": "1,5"}]
    });
    let answer = server.send_plain(Method::POST, "/orders", &wrong).await;
    let errors = answer.errors(422);
    assert_eq!(
        pointers(&errors),
        [
            "/at",
            "/customer",
            "/lines/0/price",
            "/price",
            "/seal",
            "/ship/by",
            "/token"
        ]
    );
    for (error, form) in errors.iter().zip([
        "2026-01-31T08:30:00.000Z",
        "24 hexadecimal digits",
        "12.50",
        "12.50",
        "base64",
        "to the millisecond",
        "UUID",
    ]) {
        assert_eq!(error["code"], "invalid_attribute");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains(form), "{detail}");
    }
    let (given, _) = order();
    server
        .send_plain(Method::POST, "/orders", &given)
        .await
        .data(201);
    let wrong = json!({"price": "1.5.0"});
    let answer = server.send_plain(Method::PATCH, "/orders/a", &wrong).await;
    assert_eq!(pointers(&answer.errors(422)), ["/price"]);
    // The same number in other digits.
    let same = json!({"id": "b", "price": "12.5"});
    let answer = server.send_plain(Method::POST, "/orders", &same).await;
    let error = answer.error(409, "not_unique");
    assert_eq!(error["source"]["pointer"], "/price");
}

#[tokio::test]
async fn filters_orders_and_cursors_go_by_what_is_stored() {
    let (server, _folder) = orders().await;
    for (id, price, at) in [
        ("a", "10", "2026-01-31T10:00:00+02:00"),
        ("b", "9", "2026-01-31T09:00:00Z"),
        ("c", "-1E+2", "2026-01-31T08:59:59.999Z"),
        ("d", "9.5", "1900-01-01T00:00:00Z"),
    ] {
        let ship = json!({"by": at});
        let order = json!({"id": id, "price": price, "at": at, "ship": ship, "days": [at],
                           "lines": [{"price": price}]});
        server
            .send_plain(Method::POST, "/orders", &order)
            .await
            .data(201);
    }
    let server = &server;
    let found = async |query: &str| -> (Vec<String>, Value) {
        let page = server.get(&format!("/orders?{query}")).await.document(200);
        let data = page["data"].as_array().unwrap();
        let ids = data
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned());
        (ids.collect(), page["links"]["next"].clone())
    };
    for (query, expected) in [
        ("sort=price", "c b d a"),
        ("sort=-price", "a d b c"),
        ("sort=at", "d a c b"),
        ("sort=-ship.by", "b c a d"),
        ("filter=equals(price,'9.50')", "d"),
        ("filter=greaterThan(price,'9')&sort=price", "d a"),
        ("filter=any(price,'1E1','009')&sort=price", "b a"),
        (
            "filter=lessThan(at,'2026-01-31T10:00:00%2B01:00')&sort=at",
            "d a c",
        ),
        ("filter=equals(ship.by,'2026-01-31T08:00:00Z')", "a"),
        ("filter=anyElement(days,'1900-01-01T00:00:00Z')", "d"),
        ("filter=anyElement(lines,lessThan(price,'0'))", "c"),
    ] {
        assert_eq!(found(query).await.0.join(" "), expected, "{query}");
    }
    let mut url = "sort=-price&page[size]=1".to_owned();
    for expected in ["a", "d", "b", "c"] {
        let (ids, next) = found(&url).await;
        assert_eq!(ids, [expected]);
        let next = next.as_str().unwrap_or_default();
        url = next
            .split_once('?')
            .map_or_else(String::new, |(_, query)| query.to_owned());
    }
    for (query, words) in [
        ("filter=equals(price,'cheap')", "12.50"),
        ("filter=equals(at,'2026-01-31')", "to the millisecond"),
        ("filter=contains(at,'2026')", "stored as 'date'"),
    ] {
        let answer = server.get(&format!("/orders?{query}")).await;
        let error = answer.error(400, "invalid_query_parameter");
        assert!(error["detail"].as_str().unwrap().contains(words), "{error}");
    }
}

#[tokio::test]
async fn kinds_survive_an_export_and_an_import() {
    let folder = definitions();
    let definitions = folder.path().to_str().unwrap();
    let (given, stored) = order();
    let embedded = Store::Embedded(Arc::new(tempfile::tempdir().unwrap()));
    for (from, formats) in [
        (Store::fresh(), &["ndjson", "csv", "json"][..]),
        (embedded, &["ndjson"]),
    ] {
        let server = Setup::on(&from).definitions(folder.path()).start().await;
        let created = server.send_plain(Method::POST, "/orders", &given).await;
        created.data(201);
        assert!(server.terminate().await.success());
        for format in formats {
            let common = ["--format", format, "--resources", definitions];
            let export = [&["export", "orders", "-"][..], &common].concat();
            let rows = Invocation::new(&export).on(&from).run();
            let into = Store::fresh();
            let import = [&["import", "orders", "-"][..], &common].concat();
            let import = Invocation::new(&import).on(&into).input(rows.output());
            assert_eq!(import.run().output(), "1 stored, 0 rejected\n", "{format}");
            assert_stored_kinds(&into);
            let server = Setup::on(&into).definitions(folder.path()).start().await;
            assert_eq!(attributes(&server, "a").await, stored, "{format}");
        }
    }
}
