//! Rows that take the place of what is there.

use super::{all_stored, exported, import};
use crate::harness::{Invocation, Outcome, Store, folder_with};

#[test]
fn rows_take_the_place_of_what_is_there_if_that_is_wanted() {
    let store = Store::fresh();
    let id = "5973ecc8c453c823e4c471d2";
    let row = |name: &str| format!("{{\"_id\":\"{id}\",\"firstName\":\"{name}\"}}\n");
    let arguments = ["-", "--format", "ndjson", "--upsert"];
    let without = import(&store, &arguments).input(row("Ada")).run();
    without.fails_with(2, &["--upsert", "--on-error skip"]);
    let arguments = [&arguments[..], &["--on-error", "skip"]].concat();
    for name in ["Ada", "Eve"] {
        all_stored(&import(&store, &arguments).input(row(name)).run(), 1);
        assert_eq!(exported(&store, "ndjson"), row(name));
    }
}

const USERS: &str = "type: users\nid: integer\nattributes: {type: object}\nindexes:\n\
                     - {attributes: [realm, mail], unique: true}\n\
                     - {attributes: [address.door], unique: true}\n- {attributes: [mail]}\n";

#[test]
fn a_row_finds_its_resource_by_the_values_of_a_unique_index() {
    let store = Store::fresh();
    let folder = folder_with(&[("users.yaml", USERS)]);
    let resources = ["--resources", folder.path().to_str().unwrap()];
    let import = |by: &str, rows: &str| -> Outcome {
        let arguments = ["import", "users", "-", "--format", "ndjson"];
        let arguments = [&arguments[..], &["--on-error", "skip"], &resources].concat();
        let arguments = match by {
            "" => arguments,
            by => [&arguments[..], &["--upsert-by", by]].concat(),
        };
        Invocation::new(&arguments).on(&store).input(rows).run()
    };
    let all = || {
        let arguments = ["export", "users", "--format", "ndjson"];
        let arguments = [&arguments[..], &resources].concat();
        let exported = Invocation::new(&arguments).on(&store).run();
        exported.output().to_owned()
    };
    let rows = "{\"id\":1,\"realm\":\"a\",\"mail\":\"x\",\"address\":{\"door\":7}}\n\
                {\"id\":2,\"realm\":\"b\",\"mail\":\"x\",\"old\":true}\n";
    all_stored(&import("", rows), 2);
    // Of two rows with the same values the later one stays; null is nobody's value.
    let rows = "{\"realm\":\"b\",\"mail\":\"x\",\"n\":1}\n\
                {\"realm\":\"b\",\"mail\":\"x\",\"n\":2}\n\
                {\"realm\":\"c\",\"mail\":null,\"n\":3}\n\
                {\"realm\":\"c\",\"mail\":null,\"n\":4}\n";
    all_stored(&import("mail,realm", rows), 4);
    let stored = all();
    let lines: Vec<&str> = stored.lines().collect();
    assert_eq!(lines.len(), 4, "{stored}");
    assert_eq!(
        lines[1],
        "{\"id\":\"2\",\"realm\":\"b\",\"mail\":\"x\",\"n\":2}"
    );
    all_stored(
        &import("address.door", "{\"address\":{\"door\":7},\"n\":5}\n"),
        1,
    );
    assert!(all().starts_with("{\"id\":\"1\",\"address\":{\"door\":7},\"n\":5}\n"));
    // A row with an id is about that resource.
    let taken = import("mail,realm", "{\"id\":1,\"realm\":\"b\",\"mail\":\"x\"}\n");
    taken.fails_with(64, &["line 1 rejected", "realm, mail"]);
    for (by, told) in [
        (
            "mail",
            "no unique index over mail; there are realm,mail and address.door",
        ),
        ("nothing", "no unique index over nothing"),
    ] {
        import(by, "").fails_with(2, &[told]);
    }
}

#[test]
fn a_row_finds_its_resource_without_regard_to_case_where_the_index_has_none() {
    let store = Store::fresh();
    let users = "type: users\nid: integer\nattributes:\n  type: object\n  properties:\n    \
                 mail: {type: string}\nindexes:\n- {attributes: [mail], unique: true, \
                 caseInsensitive: true}\n";
    let folder = folder_with(&[("users.yaml", users)]);
    let resources = ["--resources", folder.path().to_str().unwrap()];
    let import = |rows: &str| {
        let by = ["--upsert-by", "mail", "--on-error", "skip"];
        let arguments = ["import", "users", "-", "--format", "ndjson"];
        let arguments = [&arguments[..], &by, &resources].concat();
        Invocation::new(&arguments).on(&store).input(rows).run()
    };
    all_stored(&import("{\"mail\":\"ann@x\",\"n\":1}\n"), 1);
    all_stored(
        &import("{\"mail\":\"Ann@X\",\"n\":2}\n{\"mail\":\"ANN@x\",\"n\":3}\n"),
        2,
    );
    let arguments = ["export", "users", "--format", "ndjson"];
    let exported = Invocation::new(&[&arguments[..], &resources].concat())
        .on(&store)
        .run();
    assert_eq!(
        exported.output(),
        "{\"id\":\"1\",\"mail\":\"ANN@x\",\"n\":3}\n"
    );
}
