//! What lies beside the table of a collection: indexes, the table of links, the number of
//! resources, the log of changes.
//!
//! Everything is wanted as a statement, and SQLite keeps the statement by which a thing was made:
//! where the two differ, the thing is made again. Triggers keep the number and the links right
//! whatever changes the table.

use resources::schema::{Index, IndexKey, Link, ResourceType};

use super::sql::Member;
use super::table::{Collection, folded, json_path, literal, quoted};

/// An index or a trigger.
pub(super) struct Made {
    pub(super) name: String,
    /// As SQLite keeps it.
    pub(super) sql: String,
    /// What an operator calls it: the attributes of an index.
    pub(super) over: String,
}

/// The table of the links of a to-many relationship.
pub(super) struct LinksTable {
    pub(super) name: String,
    pub(super) create: String,
    /// Writes down the links of the resources that are there.
    pub(super) fill: String,
}

/// All indexes and triggers that a type needs over its table.
pub(super) fn wanted(resource_type: &ResourceType) -> Vec<Made> {
    let collection = Collection::new(resource_type);
    let declared = resource_type.indexes.iter();
    let mut wanted: Vec<Made> = declared
        .map(|index| declared_index(&collection, resource_type, index))
        .collect();
    wanted.extend(counting(&collection));
    wanted.extend(logging(&collection));
    for relationship in &resource_type.relationships {
        match &relationship.link {
            Link::One { member } => wanted.push(link_index(&collection, member)),
            Link::Many { member } => wanted.extend(linking(&collection, member)),
            Link::Inverse { .. } => {}
        }
    }
    wanted.sort_by(|one, other| one.name.cmp(&other.name));
    wanted.dedup_by(|one, other| one.name == other.name);
    wanted
}

/// The tables of all to-many relationships that a type stores.
pub(super) fn links_tables(resource_type: &ResourceType) -> Vec<LinksTable> {
    let collection = Collection::new(resource_type);
    let stored = resource_type.relationships.iter();
    let members = stored.filter_map(|one| match &one.link {
        Link::Many { member } => Some(member),
        Link::One { .. } | Link::Inverse { .. } => None,
    });
    members
        .map(|member| LinksTable::new(&collection, member))
        .collect()
}

/// How the names of the tables of links of a collection begin.
pub(super) fn links_prefix(collection: &str) -> String {
    format!("links:{}:", folded(collection))
}

/// The table of the links of a member, in SQL.
pub(super) fn links_table(collection: &str, member: &str) -> String {
    quoted(&links_name(collection, member))
}

fn links_name(collection: &str, member: &str) -> String {
    format!("{}{}", links_prefix(collection), folded(member))
}

/// The name of a declared index.
pub(super) fn index_name(resource_type: &ResourceType, index: &Index) -> String {
    let key = |key: &IndexKey| {
        let direction = if key.descending { "-" } else { "" };
        format!("{direction}{}", folded(&key.attribute))
    };
    let keys: Vec<String> = index.keys.iter().map(key).collect();
    let kind = match (index.unique, index.ignores_case) {
        (false, _) => "index",
        (true, false) => "unique index",
        (true, true) => "unique index without case",
    };
    let collection = folded(&resource_type.collection);
    format!("{kind}:{collection}:{}", keys.join(","))
}

fn declared_index(collection: &Collection, resource_type: &ResourceType, index: &Index) -> Made {
    let name = index_name(resource_type, index);
    let columns = |key: &IndexKey| key_columns(index, key, key.descending);
    let mut columns: Vec<String> = index.keys.iter().map(columns).collect();
    if !index.unique {
        columns.push("id".to_owned());
    }
    let unique = if index.unique { "UNIQUE " } else { "" };
    Made {
        sql: create_index(unique, &name, collection, &columns),
        over: index.attribute_names(),
        name,
    }
}

/// What a unique index groups by: the columns of [`declared_index`], in rising order.
pub(super) fn unique_columns(index: &Index) -> Vec<String> {
    let columns = index.keys.iter();
    columns.map(|key| key_columns(index, key, false)).collect()
}

/// The values of a unique index; where one is NULL, nothing clashes.
pub(super) fn unique_values(index: &Index) -> Vec<String> {
    let values = index.keys.iter();
    values
        .map(|key| Member::new("document", key.names()).value())
        .collect()
}

/// The resources that name one, in the order of their ids.
fn link_index(collection: &Collection, member: &str) -> Made {
    let name = format!("index:{}:{}", folded(&collection.name), folded(member));
    let value = Member::new("document", [member]).value();
    let columns = [format!("({value})"), "id".to_owned()];
    Made {
        sql: create_index("", &name, collection, &columns),
        over: member.to_owned(),
        name,
    }
}

fn create_index(unique: &str, name: &str, collection: &Collection, columns: &[String]) -> String {
    let (name, table, columns) = (quoted(name), &collection.quoted, columns.join(", "));
    format!("CREATE {unique}INDEX {name} ON {table} ({columns})")
}

/// `->>` gives NULL for null and for an absent member, and NULLs never clash. A unique index holds
/// the kind of the value too, since `->>` turns true into the number 1. One that is not unique ends
/// with the id, which decides where all else is equal.
fn key_columns(index: &Index, key: &IndexKey, descending: bool) -> String {
    let member = Member::new("document", key.names());
    let order = if descending { " DESC" } else { "" };
    let value = format!("({}){order}", key_value(index, key, &member));
    if !index.unique {
        return value;
    }
    let kind = member.kind();
    format!("{value}, (CASE {kind} WHEN 'real' THEN 'integer' ELSE {kind} END)")
}

/// What an index compares. Without regard to case it is what a filter has that ignores case.
fn key_value(index: &Index, key: &IndexKey, member: &Member) -> String {
    let value = member.key(key.stored);
    match (index.ignores_case, key.holds_texts) {
        (false, _) => value,
        (true, true) => format!("folded({value})"),
        (true, false) => format!("coalesce(folded({value}), {value})"),
    }
}

/// Counts what is stored and removed.
fn counting(collection: &Collection) -> [Made; 2] {
    let trigger = |event: &str, change: &str| {
        let name = format!("count:{event}:{}", folded(&collection.name));
        let sql = format!(
            "CREATE TRIGGER {} AFTER {event} ON {} BEGIN UPDATE collections \
             SET resources = resources {change} 1 WHERE name = {}; END",
            quoted(&name),
            collection.quoted,
            literal(&collection.name)
        );
        made(name, sql)
    };
    [trigger("INSERT", "+"), trigger("DELETE", "-")]
}

/// Notes each change in the log of changes.
fn logging(collection: &Collection) -> [Made; 3] {
    let trigger = |event: &str, kind: u8, row: &str| {
        let name = format!("change:{event}:{}", folded(&collection.name));
        let sql = format!(
            "CREATE TRIGGER {} AFTER {event} ON {} BEGIN INSERT INTO changes \
             (run, collection, kind, id) VALUES ((SELECT coalesce(max(substr(text, 1, 8)), '') \
             FROM token), {}, {kind}, {row}.id); END",
            quoted(&name),
            collection.quoted,
            literal(&collection.name)
        );
        made(name, sql)
    };
    [
        trigger("INSERT", 0, "new"),
        trigger("UPDATE", 1, "new"),
        trigger("DELETE", 2, "old"),
    ]
}

fn made(name: String, sql: String) -> Made {
    let over = name.clone();
    Made { name, sql, over }
}

/// Writes down the links of a member when they change.
fn linking(collection: &Collection, member: &str) -> [Made; 3] {
    let (path, links) = (json_path([member]), links_table(&collection.name, member));
    let added = format!("INSERT INTO {links} {};", links_of("new", "", &path));
    let removed = format!(
        "DELETE FROM {links} WHERE position = old.position AND target IN \
         (SELECT atom FROM json_each(old.document, {path}));"
    );
    let is_changed = format!("WHEN old.document -> {path} IS NOT new.document -> {path} ");
    let trigger = |event: &str, condition: &str, body: &str| {
        let name = format!(
            "links:{event}:{}:{}",
            folded(&collection.name),
            folded(member)
        );
        let (quoted, table) = (quoted(&name), &collection.quoted);
        let sql =
            format!("CREATE TRIGGER {quoted} AFTER {event} ON {table} {condition}BEGIN {body} END");
        made(name, sql)
    };
    [
        trigger("INSERT", "", &added),
        trigger("DELETE", "", &removed),
        trigger("UPDATE", &is_changed, &format!("{removed} {added}")),
    ]
}

/// The links of a row, each once; or of all rows of a table that the row is one of.
fn links_of(row: &str, table: &str, path: &str) -> String {
    format!(
        "SELECT DISTINCT atom, {row}.position FROM {table}json_each({row}.document, {path}) \
         WHERE json_type({row}.document, {path}) = 'array' AND type IN ('text', 'integer')"
    )
}

impl LinksTable {
    fn new(collection: &Collection, member: &str) -> Self {
        let name = links_name(&collection.name, member);
        let (links, path) = (quoted(&name), json_path([member]));
        let table = format!("{} AS t CROSS JOIN ", collection.quoted);
        Self {
            create: format!(
                "CREATE TABLE {links} (target ANY NOT NULL, position INTEGER NOT NULL, \
                 PRIMARY KEY (target, position)) STRICT, WITHOUT ROWID"
            ),
            fill: format!("INSERT INTO {links} {}", links_of("t", &table, &path)),
            name,
        }
    }
}
