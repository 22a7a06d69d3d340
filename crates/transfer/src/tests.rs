//! Files in, files out, and back again.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use resources::schema;
use resources::store::Store;
use serde_json::{Value, json};
use store_sqlite::{SqliteSettings, SqliteStore};

use super::*;

mod relationships;

const BOOKS: &str = "type: books\nid: string\nattributes:\n  type: object\n  properties:\n    \
                     title: {type: string}\n    pages: {type: [integer, \"null\"]}\n";

struct Shop {
    _folder: tempfile::TempDir,
    store: SqliteStore,
    resource_type: Arc<ResourceType>,
    rejected: Vec<(u64, String)>,
    /// Of the next import.
    options: ImportOptions<'static>,
}

impl Shop {
    async fn open(definition: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), &SqliteSettings::default()).unwrap();
        let resource_type = Arc::new(schema::parse(definition).unwrap());
        store
            .prepare(std::slice::from_ref(&resource_type))
            .await
            .unwrap();
        Self {
            _folder: folder,
            store,
            resource_type,
            rejected: Vec::new(),
            options: ImportOptions::default(),
        }
    }

    async fn import(&mut self, format: Format, text: &[u8], on_error: OnError) -> (u64, u64) {
        let summary = self.try_import(format, text, on_error).await.unwrap();
        (summary.stored, summary.rejected)
    }

    async fn try_import(
        &mut self,
        format: Format,
        text: &[u8],
        on_error: OnError,
    ) -> Result<Summary, ImportError> {
        let rejected = &mut self.rejected;
        let importer = Importer {
            store: &self.store,
            resource_type: &self.resource_type,
            on_error,
            options: std::mem::take(&mut self.options),
            rejected: &mut |line, reason| rejected.push((line, reason.to_owned())),
            progress: &mut |_| {},
        };
        let rows = match rows(format, &self.resource_type, text) {
            Ok(rows) => rows,
            Err(reason) => {
                return Err(ImportError::File {
                    reason,
                    summary: Summary::default(),
                });
            }
        };
        importer.run(rows).await
    }

    async fn export(&self, format: Format) -> String {
        let mut file = Vec::new();
        export(
            async || self.store.scan(&self.resource_type).await,
            &self.resource_type,
            format,
            &mut file,
            &mut |_| {},
        )
        .await
        .unwrap();
        String::from_utf8(file).unwrap()
    }
}

#[tokio::test]
async fn what_was_exported_is_imported_as_the_same_collection() {
    let mut shop = Shop::open(BOOKS).await;
    let lines = r#"{"id":"b","title":"Emma, \"vol. 1\"\nnext","pages":null,"tags":["a",{"x":1}]}
                   {"id":"a","title":"","note":"\\N","price":1.5,"n":5,"zero":"0","t":true}
                   {"id":"c"}
                   {"id":"\\d","title":"\\","pages":7,"ü \"q\"":null}"#;
    assert_eq!(
        shop.import(Format::JsonLines, lines.as_bytes(), OnError::Stop)
            .await,
        (4, 0)
    );
    let exported = shop.export(Format::JsonLines).await;
    for format in [Format::Json, Format::JsonLines, Format::Csv] {
        let text = shop.export(format).await;
        let mut copy = Shop::open(BOOKS).await;
        assert_eq!(
            copy.import(format, text.as_bytes(), OnError::Stop).await,
            (4, 0),
            "{text}"
        );
        let values = |text: &str| -> Vec<Value> {
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        };
        assert_eq!(
            values(&copy.export(Format::JsonLines).await),
            values(&exported)
        );
    }
}

#[tokio::test]
async fn an_empty_collection_is_exported_and_imported() {
    for format in [Format::Json, Format::JsonLines, Format::Csv] {
        let mut shop = Shop::open(BOOKS).await;
        let text = shop.export(format).await;
        assert_eq!(
            shop.import(format, text.as_bytes(), OnError::Stop).await,
            (0, 0),
            "{format:?}"
        );
    }
}

#[tokio::test]
async fn each_rejected_row_is_reported_with_its_line_and_reason() {
    let text = "[\n  {\"id\": \"a\", \"title\": 5},\n  {\"id\": \"b\",\n   \"title\" \"x\"},\n\n  \
                {\"title\": \"no id\"}, 7,\n  {\"id\": \"ok\", \"title\": \"][,{\\\"\"},\n  \
                {\"id\": \"ok\"}\n]\n";
    let mut shop = Shop::open(BOOKS).await;
    assert_eq!(
        shop.import(Format::Json, text.as_bytes(), OnError::Skip)
            .await,
        (1, 5)
    );
    let lines: Vec<u64> = shop.rejected.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3, 6, 6, 8]);
    let reasons: Vec<&str> = shop
        .rejected
        .iter()
        .map(|(_, reason)| reason.as_str())
        .collect();
    assert!(reasons[0].starts_with("/title: "), "{reasons:?}");
    assert!(reasons[1].starts_with("line 4, column 12: "), "{reasons:?}");
    assert_eq!(
        reasons[2..4],
        ["the row has no id", "the row is not an object"]
    );
    assert_eq!(reasons[4], "the id 'ok' is taken already");
}

#[tokio::test]
async fn one_rejected_row_stops_an_import_and_nothing_is_stored() {
    let good: Vec<String> = (0..1200).map(|n| format!("{{\"id\":\"{n}\"}}\n")).collect();
    let good = good.concat();
    for bad in [
        "{\"id\":\"x\",\"title\":1}\n",
        "{\"id\":\"7\"}\n",
        "nonsense\n",
    ] {
        let mut shop = Shop::open(BOOKS).await;
        let text = format!("{good}{bad}");
        assert_eq!(
            shop.import(Format::JsonLines, text.as_bytes(), OnError::Stop)
                .await,
            (0, 1)
        );
        assert_eq!(shop.rejected[0].0, 1201);
        assert_eq!(shop.export(Format::JsonLines).await, "");
    }
}

#[tokio::test]
async fn an_import_of_all_or_nothing_reads_on_and_reports_so_many_rows_in_their_order() {
    let wrong = "{\"id\":\"a\"}\n{\"id\":\"a\"}\n{\"title\":1}\nnonsense\n{\"id\":\"b\"}\n7\n";
    for (rejections_max, lines) in [(100, vec![2, 3, 4, 6]), (2, vec![2, 3])] {
        let mut shop = Shop::open(BOOKS).await;
        shop.options.rejections_max = rejections_max;
        let done = shop
            .import(Format::JsonLines, wrong.as_bytes(), OnError::Stop)
            .await;
        assert_eq!(done, (0, lines.len() as u64));
        let told: Vec<u64> = shop.rejected.iter().map(|(line, _)| *line).collect();
        assert_eq!(told, lines);
        assert_eq!(shop.export(Format::JsonLines).await, "");
    }
}

#[tokio::test]
async fn rejected_rows_are_reported_in_the_order_of_the_file_whoever_rejects_them() {
    let mut shop = Shop::open(BOOKS).await;
    let text = "{\"id\":\"a\"}\n{\"id\":\"a\"}\n{\"id\":\"b\",\"title\":1}\n{\"id\":\"a\"}\n7\n";
    let done = shop
        .import(Format::JsonLines, text.as_bytes(), OnError::Skip)
        .await;
    assert_eq!(done, (1, 4));
    let told: Vec<u64> = shop.rejected.iter().map(|(line, _)| *line).collect();
    assert_eq!(told, [2, 3, 4, 5]);
}

#[tokio::test]
async fn rows_that_are_put_take_the_place_of_resources_with_their_ids() {
    let first = "{\"id\":\"a\",\"title\":\"1\",\"pages\":1}\n{\"id\":\"b\"}\n";
    let second = "{\"id\":\"a\",\"title\":\"2\"}\n{\"id\":\"c\"}\n{\"id\":\"c\",\"title\":\"3\"}\n";
    for on_error in [OnError::Skip, OnError::Halt] {
        let mut shop = Shop::open(BOOKS).await;
        for (text, stored) in [(first, 2), (second, 3)] {
            shop.options.upsert = Some(UpsertKey::Id);
            let done = shop.import(Format::JsonLines, text.as_bytes(), on_error);
            assert_eq!(done.await, (stored, 0), "{on_error:?}");
        }
        let expected =
            "{\"id\":\"a\",\"title\":\"2\"}\n{\"id\":\"b\"}\n{\"id\":\"c\",\"title\":\"3\"}\n";
        assert_eq!(shop.export(Format::JsonLines).await, expected);
    }
}

#[test]
fn a_check_without_a_store_finds_what_the_definition_forbids() {
    let resource_type = Arc::new(schema::parse(BOOKS).unwrap());
    let text = "{\"id\":\"a\"}\n{\"title\":1}\n{\"id\":\"b\",\"title\":1}\n".as_bytes();
    for (rejections_max, expected) in [(9, (1, 2)), (1, (1, 1))] {
        let rows = rows(Format::JsonLines, &resource_type, text).unwrap();
        let summary = check(&resource_type, rows, rejections_max, &mut |_, _| {}).unwrap();
        assert_eq!((summary.stored, summary.rejected), expected);
    }
}

#[test]
fn a_document_of_json_api_is_rows_too() {
    let definition = BOOKS.replace("id: string", "id: string\nidAttribute: isbn");
    let resource_type = schema::parse(&definition).unwrap();
    let large = "x".repeat(100_000);
    let text = format!(
        "{{\"links\": {{\"self\": [\"}}\", \"{large}\"]}}, \"data\": [\n\
         {{\"type\": \"books\", \"id\": \"a\", \"attributes\": {{\"isbn\": \"a\", \"title\": \"T\"}}}},\n\
         {{\"type\": \"films\", \"id\": \"b\"}},\n\
         {{\"type\": \"books\", \"id\": \"c\", \"relationships\": {{\"x\": {{\"links\": {{}}}}}}}},\n\
         {{\"id\": \"d\"}}\n\
         ], \"meta\": {{\"total\": 3}}}}\n"
    );
    let read: Vec<Row> = rows(Format::Json, &resource_type, text.as_bytes())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let objects: Vec<_> = read.iter().map(|row| row.object.clone()).collect();
    let object = |value: Value| Ok(value.as_object().unwrap().clone());
    assert_eq!(objects[0], object(json!({"isbn": "a", "title": "T"})));
    let of_films = "the resource is of the type 'films', not 'books'";
    assert_eq!(objects[1], Err(of_films.to_owned()));
    assert_eq!(objects[2], object(json!({"isbn": "c"})));
    let nameless = objects[3].as_ref().unwrap_err();
    assert!(nameless.contains("no 'type'"), "{nameless}");
    let lines: Vec<u64> = read.iter().map(|row| row.line).collect();
    assert_eq!(lines, [2, 3, 4, 5]);
    for text in ["{}", "{\"data\": {}}", "{\"a\": 1, \"b\": []}"] {
        let refused = rows(Format::Json, &resource_type, text.as_bytes());
        let refused = refused.err().unwrap();
        assert!(refused.contains("no JSON:API document"), "{refused}");
    }
}

#[test]
fn a_document_gives_what_is_stored_of_relationships_and_nothing_cut() {
    let definition = "type: people\nid: integer\nattributes: {type: object}\nrelationships:\n  \
                      boss: {type: people}\n  team: {type: people, inverse: boss}\n  \
                      friends: {type: people, kind: many}\n";
    let resource_type = schema::parse(definition).unwrap();
    let read = |relationships: Value| {
        let text = json!({"data": [
            {"type": "people", "id": "1", "relationships": relationships}
        ]});
        let text = text.to_string();
        let mut rows = rows(Format::Json, &resource_type, text.as_bytes()).unwrap();
        rows.next().unwrap().unwrap().object
    };
    let other = json!({"type": "people", "id": "2"});
    let more = json!({"next": "/people/1/relationships/x?page%5Bnumber%5D=2"});
    let row = read(json!({
        "boss": {"data": other}, "friends": {"data": [other], "links": {"next": null}},
        "team": {"data": [other], "links": more}
    }));
    let expected = json!({"id": "1", "boss": "2", "friends": ["2"]});
    assert_eq!(Value::Object(row.unwrap()), expected);
    let cut = read(json!({"friends": {"data": [other], "links": more}}));
    assert!(cut.unwrap_err().contains("'friends' is shown in part"));
}

#[test]
fn the_header_of_a_file_is_held_against_the_definition() {
    let closed = BOOKS.replace(
        "type: object",
        "type: object\n  additionalProperties: false",
    );
    for (definition, header, told) in [
        (
            BOOKS,
            "id;title;pages",
            Some("one column, with ';' in its name"),
        ),
        (BOOKS, "id\ttitle", Some("separated by ','")),
        (
            BOOKS,
            "id,Title",
            Some("column 2: 'Title' is not declared; is 'title' meant?"),
        ),
        (BOOKS, "id,title,Title,tittle", None),
        (&closed, "id,tittle", Some("is 'title' meant?")),
        (
            &closed,
            "id,colour",
            Some("column 2: 'colour' is not declared"),
        ),
        (&closed, "ID,title", Some("is 'id' meant?")),
        (&closed, "id,title,pages", None),
    ] {
        let resource_type = schema::parse(definition).unwrap();
        let outcome = rows(Format::Csv, &resource_type, header.as_bytes()).err();
        match told {
            Some(told) => assert!(outcome.as_ref().unwrap().contains(told), "{outcome:?}"),
            None => assert_eq!(outcome, None, "{header}"),
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_on_says_where() {
    for (format, text, place) in [
        (Format::Json, "[{\"id\":\"a\"},\n{\"id\":", "line 2"),
        (Format::Json, "[{\"id\":\"a\"}]\n}", "line 2"),
        (Format::Json, "{\"id\":\"a\"}", "ndjson"),
        (Format::Json, " ", "empty"),
        (Format::Json, "nonsense", "line 1"),
        (Format::Csv, "", "no header"),
        (Format::Csv, "id,id\n", "'id'"),
        (Format::Csv, "id,,x\n", "column 2"),
    ] {
        let mut shop = Shop::open(BOOKS).await;
        let error = shop
            .try_import(format, text.as_bytes(), OnError::Stop)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(place), "{text}: {error}");
        assert_eq!(shop.export(Format::JsonLines).await, "");
    }
}

#[tokio::test]
async fn rows_before_an_unreadable_end_are_kept_when_errors_are_skipped() {
    let mut shop = Shop::open(BOOKS).await;
    let error = shop
        .try_import(Format::Json, b"[{\"id\":\"a\"},{", OnError::Skip)
        .await
        .unwrap_err();
    let ImportError::File { summary, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(
        summary,
        Summary {
            stored: 1,
            rejected: 0,
            settled: RowPosition { row: 1, line: 1 },
        }
    );
}

#[tokio::test]
async fn csv_of_any_origin_is_taken() {
    let mut shop = Shop::open(BOOKS).await;
    let text = "\u{feff}id,title,pages,extra\r\n1,07011,12,007\r\n2,\"a,\nb\",,\r\n3,x\r\n4,x,many,\r\n\
                5,\\x,,\r\n";
    assert_eq!(
        shop.import(Format::Csv, text.as_bytes(), OnError::Skip)
            .await,
        (2, 3)
    );
    let lines: Vec<u64> = shop.rejected.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [5, 6, 7]);
    let expected = concat!(
        r#"{"id":"1","title":"07011","pages":12,"extra":"007"}"#,
        "\n",
        r#"{"id":"2","title":"a,\nb"}"#,
        "\n"
    );
    assert_eq!(shop.export(Format::JsonLines).await, expected);
}

#[tokio::test]
async fn rows_of_csv_are_found_on_their_lines() {
    for text in [
        "id,title\n\n\nx\n1,a\ny\n",
        "id,title\r\n\r\n\r\nx\r\n1,a\r\ny\r\n",
    ] {
        let mut shop = Shop::open(BOOKS).await;
        assert_eq!(
            shop.import(Format::Csv, text.as_bytes(), OnError::Skip)
                .await,
            (1, 2)
        );
        let lines: Vec<u64> = shop.rejected.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [4, 6], "{text:?}");
    }
}

#[tokio::test]
async fn a_quote_left_open_ends_an_import_whatever_else_is_wrong_with_its_row() {
    let others: Vec<String> = (3..1000).map(|number| format!("{number},a,b\n")).collect();
    let others = others.concat();
    let text = format!("id,title,extra\n1,a,b\n\"2,c,d\n{others}");
    let multiline = "id,title,extra\n1,\"a\nb\",c\n2,\"d\ne\",\"f\n";
    for (text, line) in [(text.as_str(), "line 3"), (multiline, "line 5")] {
        let mut shop = Shop::open(BOOKS).await;
        let ended = shop.try_import(Format::Csv, text.as_bytes(), OnError::Skip);
        let error = ended.await.unwrap_err().to_string();
        assert!(
            error.contains("never closed") && error.contains(line),
            "{error}"
        );
    }
}

#[tokio::test]
async fn many_columns_are_read_in_a_time_that_grows_with_their_number() {
    let names: Vec<String> = (0..200_000).map(|number| format!("c{number}")).collect();
    let text = format!("id,{}\n1{}\n", names.join(","), ",1".repeat(200_000));
    let mut shop = Shop::open("type: books\nid: integer\nattributes: {type: object}\n").await;
    assert_eq!(
        shop.import(Format::Csv, text.as_bytes(), OnError::Stop)
            .await,
        (1, 0)
    );
}

#[tokio::test]
async fn an_id_that_would_end_the_counter_is_rejected() {
    let mut shop = Shop::open("type: books\nid: integer\nattributes: {type: object}\n").await;
    let text = br#"[{"id": 9223372036854775807}, {"id": 9000000000000000000}]"#;
    assert_eq!(shop.import(Format::Json, text, OnError::Skip).await, (1, 1));
}

#[tokio::test]
async fn a_quote_left_open_does_not_swallow_the_rows_after_it() {
    for text in [
        "id,title\n1,\"b\n2,d\n3,f\n",
        "id,title\n1,a\n2,\"b\"\"",
        "id,\"title\n1,a\n",
    ] {
        let mut shop = Shop::open(BOOKS).await;
        let error = shop
            .try_import(Format::Csv, text.as_bytes(), OnError::Stop)
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("never closed"),
            "{text:?}: {error}"
        );
        assert_eq!(shop.export(Format::JsonLines).await, "");
    }
    let mut shop = Shop::open(BOOKS).await;
    let closed = "id,title\n1,\"a\"\"b\"\n2,5\" pipe\n3,\"\"\"\"";
    assert_eq!(
        shop.import(Format::Csv, closed.as_bytes(), OnError::Stop)
            .await,
        (3, 0)
    );
}

#[tokio::test]
async fn ids_repeated_as_an_attribute_are_kept() {
    let mut shop = Shop::open("type: t\nidAttribute: _id\nattributes: {type: object}\n").await;
    let text = r#"[{"_id":"5973ecc8c453c823e4c471d2","a":1},{"a":2},{"_id":"nope"}]"#;
    assert_eq!(
        shop.import(Format::Json, text.as_bytes(), OnError::Skip)
            .await,
        (2, 1)
    );
    let exported = shop.export(Format::JsonLines).await;
    assert!(
        exported.starts_with("{\"_id\":\"5973ecc8c453c823e4c471d2\",\"a\":1}\n"),
        "{exported}"
    );
}

#[test]
fn a_row_that_never_ends_is_cut_off() {
    let resource_type = schema::parse(BOOKS).unwrap();
    let endless = |start: &'static str| {
        let repeated = std::io::Read::chain(start.as_bytes(), std::io::repeat(b'x'));
        std::io::BufReader::new(repeated)
    };
    for (format, start) in [
        (Format::Json, "[\""),
        (Format::JsonLines, "\""),
        (Format::Csv, "id,title\n1,\""),
    ] {
        let last = rows(format, &resource_type, endless(start))
            .unwrap()
            .last()
            .unwrap();
        assert!(last.unwrap_err().contains("more than"), "{format:?}");
    }
}

/// Three rows, and the line of the last.
const IN_THREE_FORMATS: [(Format, &str, u64); 3] = [
    (
        Format::Json,
        "[{\"id\":\"a\"},\n{\"id\":\"b\"},\n\n{\"id\":\"c\"}]",
        4,
    ),
    (
        Format::JsonLines,
        "{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n",
        4,
    ),
    (Format::Csv, "id,title\na,\"x\ny\"\nb,z\nc,z\n", 5),
];

#[tokio::test]
async fn rows_are_passed_over_by_their_number_in_every_format() {
    for (format, text, line) in IN_THREE_FORMATS {
        for (skip_rows, on_error) in [(2, OnError::Stop), (3, OnError::Skip)] {
            let mut shop = Shop::open(BOOKS).await;
            shop.options.skip_rows = skip_rows;
            let summary = shop.try_import(format, text.as_bytes(), on_error).await;
            let summary = summary.unwrap();
            assert_eq!(summary.stored, 3 - skip_rows, "{format:?}");
            assert_eq!(summary.settled, RowPosition { row: 3, line }, "{format:?}");
            assert!(!shop.export(format).await.contains("\"a\""), "{format:?}");
        }
        let mut shop = Shop::open(BOOKS).await;
        shop.options.skip_rows = 4;
        let outcome = shop
            .try_import(format, text.as_bytes(), OnError::Stop)
            .await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("only 3 rows"), "{format:?}: {error}");
    }
}

#[tokio::test]
async fn an_import_that_is_told_to_stop_keeps_what_is_settled_or_nothing() {
    static STOP: AtomicBool = AtomicBool::new(true);
    let lines: Vec<String> = (0..9).map(|n| format!("{{\"id\":\"{n}\"}}\n")).collect();
    let text = lines.concat();
    for (on_error, row) in [(OnError::Stop, 0), (OnError::Skip, 1), (OnError::Halt, 1)] {
        let mut shop = Shop::open(BOOKS).await;
        shop.options.stop = Some(&STOP);
        let outcome = shop
            .try_import(Format::JsonLines, text.as_bytes(), on_error)
            .await;
        let Err(ImportError::Stopped { summary }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            (summary.stored, summary.settled.row),
            (row, row),
            "{on_error:?}"
        );
        let stored = shop.export(Format::JsonLines).await.lines().count() as u64;
        assert_eq!(stored, row, "{on_error:?}");
    }
}

#[tokio::test]
async fn rows_without_ids_have_the_same_ones_again_where_their_file_gives_them() {
    let text = "{\"n\":1}\n{\"n\":1}\n{\"n\":2}\n".as_bytes();
    for kind in ["objectId", "uuid"] {
        let definition = format!("type: t\nid: {kind}\nattributes: {{type: object}}\n");
        let mut shop = Shop::open(&definition).await;
        let ids = RowIds::new("t.ndjson", std::time::SystemTime::now());
        for (skip_rows, expected) in [(0, (3, 0)), (0, (0, 3)), (2, (0, 1))] {
            shop.options.row_ids = Some(ids.clone());
            shop.options.skip_rows = skip_rows;
            let done = shop.import(Format::JsonLines, text, OnError::Skip).await;
            assert_eq!(done, expected, "{kind}");
        }
        let lines = shop.export(Format::JsonLines).await;
        let numbers: Vec<&str> = lines.lines().map(|line| &line[line.len() - 2..]).collect();
        assert_eq!(numbers, ["1}", "1}", "2}"], "{kind}");
    }
}

#[tokio::test]
async fn rows_without_integer_ids_get_those_that_no_row_of_the_file_has() {
    let definition = "type: t\nid: integer\nattributes: {type: object}\n";
    let text = "{\"id\":2,\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"id\":\"1\",\"n\":3}\n";
    for on_error in [OnError::Stop, OnError::Skip, OnError::Halt] {
        let mut shop = Shop::open(definition).await;
        for (number, text) in [(4, text), (1, "{\"n\":4}")] {
            let done = shop.import(Format::JsonLines, text.as_bytes(), on_error);
            assert_eq!(done.await, (number, 0), "{:?}", shop.rejected);
        }
        let lines = shop.export(Format::JsonLines).await;
        let ids: HashSet<&str> = lines
            .lines()
            .map(|line| line.split(',').next().unwrap())
            .collect();
        assert_eq!(ids.len(), 5, "{lines}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        "[\\\\N\"0-9,\r\n ]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_survives_a_cell(title in any_value(), pages in any_value(), other in any_value()) {
        let resource_type = schema::parse(BOOKS).unwrap();
        let row = [("title", &title), ("pages", &pages), ("other", &other)];
        let mut file = ::csv::Writer::from_writer(Vec::new());
        file.write_record(row.iter().map(|(name, _)| *name)).unwrap();
        file.write_record(row.iter().map(|(name, value)| csv::encode(&resource_type, name, Some(value)))).unwrap();
        let text = file.into_inner().unwrap();
        let read = rows(Format::Csv, &resource_type, text.as_slice()).unwrap().next().unwrap().unwrap();
        let expected = json!({"title": title, "pages": pages, "other": other});
        prop_assert_eq!(Value::Object(read.object.unwrap()), expected);
    }

    #[test]
    fn any_elements_are_cut_where_they_end(elements in prop::collection::vec(any_value(), 0..6)) {
        let objects: Vec<Value> = elements.into_iter().map(|value| json!({"a": value})).collect();
        let resource_type = schema::parse(BOOKS).unwrap();
        for text in [Value::from(objects.clone()).to_string(), format!("{:#}", Value::from(objects.clone()))] {
            let read = rows(Format::Json, &resource_type, text.as_bytes()).unwrap();
            let read: Vec<Value> =
                read.map(|row| Value::Object(row.unwrap().object.unwrap())).collect();
            prop_assert_eq!(&read, &objects);
        }
    }
}
