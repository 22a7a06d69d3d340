//! Relationships in rows.

use super::*;

/// A type whose relationships lead to itself, with this kind of ids.
fn people(id: &str) -> String {
    format!(
        "type: people\nid: {id}\nattributes: {{type: object, additionalProperties: false, \
         properties: {{name: {{type: string}}}}}}\nrelationships:\n  \
         boss: {{type: people, member: boss_id, writable: false}}\n  \
         friends: {{type: people, kind: many}}\n  staff: {{type: people, inverse: boss}}\n"
    )
}

#[tokio::test]
async fn relationships_are_rows_under_their_names_and_come_back() {
    for (id, one, two) in [
        ("integer", "1", "2"),
        ("string", "07", "true"),
        (
            "objectId",
            "5973ecc8c453c823e4c471d2",
            "5973ecc8c453c823e4c471d3",
        ),
    ] {
        let given = |id: &str| {
            id.parse::<i64>()
                .ok()
                .filter(|_| one == "1")
                .map_or(json!(id), Value::from)
        };
        let (first, second) = (given(one), given(two));
        let rows = [
            json!({"id": one, "name": "Ann", "boss": null, "friends": []}),
            json!({"id": two, "name": "Bob", "boss": first, "friends": [second, first]}),
        ];
        let text = format!("{}\n{}\n", rows[0], rows[1]);
        let mut shop = Shop::open(&people(id)).await;
        let stored = shop.import(Format::JsonLines, text.as_bytes(), OnError::Stop);
        assert_eq!(stored.await, (2, 0), "{:?}", shop.rejected);
        for format in [Format::Json, Format::JsonLines, Format::Csv] {
            let exported = shop.export(format).await;
            let mut copy = Shop::open(&people(id)).await;
            let stored = copy.import(format, exported.as_bytes(), OnError::Stop);
            assert_eq!(stored.await, (2, 0), "{exported}");
            let copied = copy.export(Format::JsonLines).await;
            let copied: Vec<Value> = copied
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(copied, rows, "{exported}");
        }
    }
}

#[tokio::test]
async fn an_id_that_is_named_twice_is_one_link() {
    let mut shop = Shop::open(&people("integer")).await;
    let row = br#"{"id": 1, "friends": ["3", 2, 3]}"#;
    assert_eq!(
        shop.import(Format::JsonLines, row, OnError::Stop).await,
        (1, 0)
    );
    let exported = shop.export(Format::JsonLines).await;
    assert_eq!(exported, "{\"id\":\"1\",\"friends\":[3,2]}\n");
}

#[tokio::test]
async fn linkage_that_is_none_rejects_its_row_with_a_reason() {
    let mut shop = Shop::open(&people("integer")).await;
    for (row, reason) in [
        (json!({"boss": [1]}), "/boss: is no id of 'people'"),
        (json!({"boss": "Ann"}), "/boss: is no id of 'people'"),
        (
            json!({"friends": 1}),
            "/friends: a to-many relationship is an array of ids",
        ),
        (
            json!({"friends": null}),
            "/friends: a to-many relationship is an array of ids",
        ),
        (
            json!({"friends": [1, "x"]}),
            "/friends/1: is no id of 'people'",
        ),
        (json!({"staff": [1]}), "set 'boss' of the related 'people'"),
        (
            json!({"boss_id": 1}),
            "/boss_id: no attribute can be called 'boss_id'",
        ),
        (json!({"other": 1}), "/other: 'other' is not declared"),
    ] {
        let text = row.to_string();
        let stored = shop.import(Format::JsonLines, text.as_bytes(), OnError::Skip);
        assert_eq!(stored.await, (0, 1), "{row}");
        let (_, told) = shop.rejected.pop().unwrap();
        assert!(told.contains(reason), "{row}: {told}");
    }
}
