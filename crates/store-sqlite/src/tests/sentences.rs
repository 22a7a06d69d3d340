//! What SQLite says of a violation. Its last words are the only place that names what is taken.

/// The messages of an id that is taken, and of a value that is taken in an index of an expression.
fn messages(index: &str) -> [String; 2] {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    let tables = format!(
        "CREATE TABLE \"the table\" (seq INTEGER PRIMARY KEY, id ANY NOT NULL UNIQUE, document TEXT);
         CREATE UNIQUE INDEX \"{index}\" ON \"the table\" ((document ->> '$.a'));
         INSERT INTO \"the table\" (id, document) VALUES (1, '{{\"a\":1}}')"
    );
    connection.execute_batch(&tables).unwrap();
    let insert = "INSERT INTO \"the table\" (id, document) VALUES (?1, ?2)";
    [(1, r#"{"a":2}"#), (2, r#"{"a":1}"#)].map(|row| {
        let refused = connection.execute(insert, row).unwrap_err();
        let code = refused.sqlite_error_code();
        assert_eq!(code, Some(rusqlite::ErrorCode::ConstraintViolation));
        refused.to_string()
    })
}

#[test]
fn the_last_words_of_a_violation_name_the_column_or_the_index() {
    let [id, value] = messages("unique index:contacts:mail,-since");
    assert_eq!(id, "UNIQUE constraint failed: the table.id");
    assert_eq!(
        value,
        "UNIQUE constraint failed: index 'unique index:contacts:mail,-since'"
    );
}
