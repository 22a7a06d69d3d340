use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{ATOMIC, CURSOR_PAGINATION};

fn contacts() -> ResourceWriter {
    ResourceWriter::new("contacts", "/contacts", Some("_id"))
}

fn value(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

fn one(writer: &ResourceWriter, id: &str, attributes: &str) -> Value {
    let mut document = DocumentWriter::one(0);
    document.resource(writer, id, attributes);
    value(&document.end(&Links::new(writer.url(id)), None))
}

#[test]
fn a_resource_repeats_its_id_where_the_type_says_so() {
    let document = one(&contacts(), "5a", r#"{"city":"Brighton"}"#);
    let attributes = json!({"_id": "5a", "city": "Brighton"});
    assert_eq!(document["data"]["attributes"], attributes);
    assert_eq!(document["data"]["links"]["self"], "/contacts/5a");
    assert_eq!(document["links"]["self"], "/contacts/5a");
    assert_eq!(document["jsonapi"], json!({"version": "1.1"}));
    let bare = ResourceWriter::new("books", "/books", None);
    assert_eq!(one(&bare, "5a", "{}")["data"]["attributes"], json!({}));
    let without_others = one(&contacts(), "5a", "{}");
    assert_eq!(without_others["data"]["attributes"], json!({"_id": "5a"}));
}

#[test]
fn ids_are_escaped_in_text_and_in_urls() {
    let document = one(&contacts(), "a/\"b\" ü?", "{}");
    assert_eq!(document["data"]["id"], "a/\"b\" ü?");
    assert_eq!(
        document["data"]["links"]["self"],
        "/contacts/a%2F%22b%22%20%C3%BC%3F"
    );
}

#[test]
fn a_list_that_is_taken_in_pieces_is_the_same_document() {
    let (contacts, links) = (contacts(), Links::new("/contacts".to_owned()));
    let ids = ["a", "\"", "c"];
    let (mut whole, mut piecewise) = (DocumentWriter::many(3), DocumentWriter::many(0));
    let mut pieces = Vec::new();
    for id in ids {
        whole.resource(&contacts, id, "{}");
        piecewise.resource(&contacts, id, "{}");
        pieces.extend(piecewise.take());
    }
    pieces.extend(piecewise.end(&links, Some(3)));
    let whole = whole.end(&links, Some(3));
    assert_eq!(pieces, whole);
    let found = value(&whole);
    let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
    let found: Vec<String> = found["data"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(found, ids);
}

#[test]
fn fr_3_an_empty_collection_is_an_empty_array() {
    let links = Links::new("/contacts".to_owned()).with("next", None);
    let document = value(&DocumentWriter::many(0).end(&links, Some(0)));
    let expected = json!({
        "data": [], "links": {"self": "/contacts", "next": null}, "meta": {"total": 0},
        "jsonapi": {"version": "1.1"}
    });
    assert_eq!(document, expected);
}

#[test]
fn fr_6_no_resource_is_null() {
    let links = Links::new("/articles/1/author".to_owned());
    let document = value(&DocumentWriter::one(0).end(&links, None));
    assert_eq!(document["data"], Value::Null);
}

#[test]
fn included_resources_of_other_types_follow_the_primary_data() {
    let (contacts, links) = (contacts(), Links::new("/contacts".to_owned()));
    let people = ResourceWriter::new("people", "/people", None);
    for (mut document, primary) in [
        (DocumentWriter::many(0), json!([])),
        (DocumentWriter::one(0), Value::Null),
    ] {
        document.include(&people, "1", "{}");
        document.include(&contacts, "2", "{}");
        let document = value(&document.end(&links, None));
        assert_eq!(document["data"], primary);
        assert_eq!(document["included"][0]["type"], "people");
        assert_eq!(document["included"][1]["attributes"], json!({"_id": "2"}));
    }
}

fn articles() -> ResourceWriter {
    ResourceWriter::new("articles", "/articles", None).with_relationships(["author", "tags", "a/b"])
}

fn with_profile() -> Applied {
    Applied {
        profiles: vec![CURSOR_PAGINATION],
        ..Applied::default()
    }
}

fn closed(document: DocumentWriter, links: &Links, total: Option<Total>) -> Value {
    value(&document.close(&Closing {
        links,
        total,
        range_truncated: false,
        applied: &Applied::default(),
    }))
}

#[test]
fn re_3_and_ds_23_relationships_have_links_and_linkage() {
    let (articles, links) = (articles(), Links::new("/articles".to_owned()));
    let people = ResourceWriter::new("people", "/people", None);
    let tags = ["1", "\""].map(|id| IdentifierParts {
        writer: &people,
        id,
    });
    let author = Some(tags[0]);
    let relationship = |position, data| RelationshipParts {
        position,
        data,
        ..RelationshipParts::default()
    };
    let relationships = [
        relationship(0, Some(LinkageParts::One(author))),
        relationship(1, Some(LinkageParts::Many(&tags))),
        relationship(2, None),
    ];
    let empty = [
        relationship(0, Some(LinkageParts::One(None))),
        relationship(1, Some(LinkageParts::Many(&[]))),
    ];
    let mut document = DocumentWriter::many(0);
    for relationships in [&relationships[..], &empty[..], &[]] {
        let parts = ResourceParts {
            relationships,
            ..ResourceParts::new("a/1", "{}")
        };
        document.resource_parts(&articles, &parts);
    }
    let found = closed(document, &links, None);
    let first = &found["data"][0];
    let link = |name: &str| json!({"self": format!("/articles/a%2F1/relationships/{name}"), "related": format!("/articles/a%2F1/{name}")});
    let identifier = json!({"type": "people", "id": "1"});
    let expected = json!({
        "author": {"links": link("author"), "data": identifier},
        "tags": {"links": link("tags"), "data": [identifier, {"type": "people", "id": "\""}]},
        "a/b": {"links": link("a%2Fb")},
    });
    assert_eq!(first["relationships"], expected);
    assert_eq!(first["links"]["self"], "/articles/a%2F1");
    assert_eq!(
        found["data"][1]["relationships"]["author"]["data"],
        Value::Null
    );
    assert_eq!(found["data"][1]["relationships"]["tags"]["data"], json!([]));
    assert_eq!(found["data"][2].get("relationships"), None);
    let url = articles.relationship_url("a/1", 2);
    assert_eq!(url.as_deref(), Some("/articles/a%2F1/relationships/a%2Fb"));
    assert_eq!(
        articles.related_url("1", 0).as_deref(),
        Some("/articles/1/author")
    );
    assert_eq!(articles.related_url("1", 3), None);
}

#[test]
fn ds_20_pages_of_linkage_have_links_and_a_total() {
    let next = "/articles/1/relationships/tags?page%5Bnumber%5D=2".to_owned();
    let pages = Links::new("left out".to_owned())
        .with("prev", None)
        .with("next", Some(next.clone()));
    let relationships = [RelationshipParts {
        position: 1,
        data: Some(LinkageParts::Many(&[])),
        pages: Some(&pages),
        total: Some(7),
    }];
    let mut document = DocumentWriter::one(0);
    let parts = ResourceParts {
        relationships: &relationships,
        ..ResourceParts::new("1", "{}")
    };
    document.resource_parts(&articles(), &parts);
    let found = closed(document, &Links::new("/articles/1".to_owned()), None);
    let tags = &found["data"]["relationships"]["tags"];
    assert_eq!(tags["links"]["self"], "/articles/1/relationships/tags");
    assert_eq!(tags["links"]["next"], next);
    assert_eq!(tags["links"]["prev"], Value::Null);
    assert_eq!(tags["meta"], json!({"total": 7}));
}

#[test]
fn fl_3_linkage_is_primary_data() {
    let links = Links::new("/x".to_owned()).with("related", Some("/y".to_owned()));
    let mut many = DocumentWriter::many(0);
    many.identifier(&articles(), "1", None);
    many.identifier(&articles(), "2", Some("c"));
    many.include_parts(&articles(), &ResourceParts::new("1", "{}"));
    let found = closed(many, &links, None);
    let meta = json!({"page": {"cursor": "c"}});
    let expected = json!([
        {"type": "articles", "id": "1"}, {"type": "articles", "id": "2", "meta": meta}
    ]);
    assert_eq!(found["data"], expected);
    assert_eq!(found["included"][0]["id"], "1");
    assert_eq!(found["links"]["related"], "/y");
    let mut one = DocumentWriter::one(0);
    one.identifier(&articles(), "1", None);
    assert_eq!(
        closed(one, &links, None)["data"],
        json!({"type": "articles", "id": "1"})
    );
}

#[test]
fn in_2_nothing_included_is_an_empty_array() {
    let links = Links::new("/x".to_owned());
    for (mut document, data) in [
        (DocumentWriter::many(0), json!([])),
        (DocumentWriter::one(0), Value::Null),
    ] {
        document.begin_included();
        document.begin_included();
        let found = closed(document, &links, None);
        assert_eq!((&found["data"], &found["included"]), (&data, &json!([])));
    }
}

#[test]
fn sf_3_the_repeated_id_can_be_left_out() {
    let mut document = DocumentWriter::one(0);
    let parts = ResourceParts {
        shows_id_attribute: false,
        ..ResourceParts::new("5", r#"{"a":1}"#)
    };
    document.resource_parts(&contacts(), &parts);
    let found = closed(document, &Links::new("/x".to_owned()), None);
    assert_eq!(found["data"]["attributes"], json!({"a": 1}));
}

#[test]
fn ds_9_and_cp_19_and_20_a_page_by_cursor_says_what_applies() {
    let links = Links::new("/x".to_owned()).with("next", None);
    let applied = with_profile();
    let mut document = DocumentWriter::many(0);
    let parts = ResourceParts {
        cursor: Some("c\""),
        ..ResourceParts::new("1", "{}")
    };
    document.resource_parts(&articles(), &parts);
    let found = value(&document.close(&Closing {
        links: &links,
        total: Some(Total::Estimated(9)),
        range_truncated: true,
        applied: &applied,
    }));
    let page = json!({"estimatedTotal": {"bestGuess": 9}, "rangeTruncated": true});
    assert_eq!(found["meta"], json!({"page": page}));
    assert_eq!(found["data"][0]["meta"]["page"]["cursor"], "c\"");
    let link = json!({"href": "/x", "type": applied.to_string()});
    assert_eq!(found["links"], json!({"self": link, "next": null}));
    let expected = json!({"version": "1.1", "profile": [CURSOR_PAGINATION]});
    assert_eq!(found["jsonapi"], expected);
}

#[test]
fn totals_stand_where_clients_look_for_them() {
    let links = Links::new("/x".to_owned());
    let exact = closed(DocumentWriter::many(0), &links, Some(Total::Exact(3)));
    assert_eq!(exact["meta"], json!({"total": 3, "page": {"total": 3}}));
    assert_eq!(exact["links"], json!({"self": "/x"}));
    assert_eq!(
        closed(DocumentWriter::many(0), &links, None).get("meta"),
        None
    );
}

#[test]
fn ao_13_results_stand_in_the_order_of_the_operations() {
    let mut results = ResultsWriter::new(0);
    results.resource(&articles(), &ResourceParts::new("1", "{}"));
    results.nothing();
    let found = value(&results.end(&[]));
    let results = found["atomic:results"].as_array().unwrap();
    assert_eq!(results[0]["data"]["id"], "1");
    assert_eq!(results[1], json!({}));
    assert_eq!(found["jsonapi"]["ext"], json!([ATOMIC]));
    assert_eq!(
        value(&ResultsWriter::new(0).end(&[]))["atomic:results"],
        json!([])
    );
}

proptest! {
    #[test]
    fn any_texts_give_a_document_that_can_be_read(id in "\\PC{0,8}", cursor in "\\PC{0,8}", name in "\\PC{1,8}") {
        let writer = ResourceWriter::new("t", "/t", None).with_relationships([name.as_str()]);
        let linked = IdentifierParts { writer: &writer, id: &id };
        let relationships = [RelationshipParts {
            data: Some(LinkageParts::One(Some(linked))),
            ..RelationshipParts::default()
        }];
        let parts = ResourceParts {
            relationships: &relationships,
            cursor: Some(&cursor),
            ..ResourceParts::new(&id, "{}")
        };
        let mut document = DocumentWriter::one(0);
        document.resource_parts(&writer, &parts);
        let found = closed(document, &Links::new(writer.url(&id)), None);
        prop_assert_eq!(&found["data"]["relationships"][&name]["data"]["id"], &id);
        prop_assert_eq!(&found["data"]["meta"]["page"]["cursor"], &cursor);
    }
}
