//! What stores could not compare alike, so that a unique index over it would mean different things.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Violation;
use crate::schema::Index;

/// The attributes of unique indexes, with dots between the names of a path.
#[derive(Debug, Default)]
pub(super) struct UniqueValues {
    /// MongoDB would compare the elements of a list, `SQLite` the whole.
    single: BTreeSet<String>,
    /// Those of indexes that take no notice of case. A collation of MongoDB also takes other texts
    /// for the same, such as `ß` and `ss`, but none of printable ASCII.
    caseless: BTreeSet<String>,
}

impl UniqueValues {
    pub(super) fn new(indexes: &[Index]) -> Self {
        let of = |is_wanted: fn(&Index) -> bool| {
            let indexes = indexes.iter().filter(|index| is_wanted(index));
            let keys = indexes.flat_map(|index| &index.keys);
            keys.map(|key| key.attribute.clone()).collect()
        };
        Self {
            single: of(|index| index.unique),
            caseless: of(|index| index.ignores_case),
        }
    }

    /// What is wrong with the values at these paths.
    pub(super) fn violations(&self, attributes: &Value) -> impl Iterator<Item = Violation> {
        let lists = self.single.iter().filter_map(|path| {
            let message = "an attribute of a unique index holds one value, not a list";
            violation(path, attributes, Value::is_array, message)
        });
        let texts = self.caseless.iter().filter_map(|path| {
            let is_other = |value: &Value| {
                let text = value.as_str();
                text.is_some_and(|text| !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
            };
            let message = "an attribute of a unique index without regard to case holds printable \
                           characters of ASCII alone";
            violation(path, attributes, is_other, message)
        });
        lists.chain(texts)
    }
}

/// At the first value on the way to the path that is wrong.
fn violation(
    path: &str,
    attributes: &Value,
    is_wrong: impl Fn(&Value) -> bool,
    message: &str,
) -> Option<Violation> {
    let mut pointer = String::new();
    let mut value = attributes;
    for name in path.split('.') {
        value = value.get(name)?;
        pointer = format!("{pointer}/{}", jsonapi::pointer_token(name));
        if is_wrong(value) {
            return Some(Violation {
                pointer,
                keyword: "unique".into(),
                message: message.into(),
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema;

    fn places(index: &str, attributes: &Value) -> Vec<String> {
        let text = format!("type: users\nattributes: {{type: object}}\nindexes: [{index}]\n");
        let schema = schema::parse(&text).unwrap().attributes;
        let Value::Object(attributes) = attributes.clone() else {
            panic!("not an object: {attributes}")
        };
        let refused = schema.validate(attributes).err().unwrap_or_default();
        assert!(
            refused.iter().all(|one| one.keyword == "unique"),
            "{refused:?}"
        );
        refused.into_iter().map(|one| one.pointer).collect()
    }

    #[test]
    fn an_attribute_of_a_unique_index_holds_no_list() {
        let mail = "{attributes: [mail], unique: true}";
        assert_eq!(
            places(mail, &json!({"mail": ["a"], "tags": ["b"]})),
            ["/mail"]
        );
        for value in [json!("a"), json!(null), json!({"of": ["a"]})] {
            assert!(places(mail, &json!({ "mail": value })).is_empty());
        }
        let nested = "{attributes: [home.mail], unique: true}";
        for (home, pointer) in [
            (json!([{"mail": 1}]), "/home"),
            (json!({"mail": []}), "/home/mail"),
        ] {
            assert_eq!(places(nested, &json!({ "home": home })), [pointer]);
        }
        assert!(places(nested, &json!({"home": {"mail": 1}})).is_empty());
    }

    #[test]
    fn without_regard_to_case_it_holds_what_all_stores_compare_alike() {
        let mail = "{attributes: [home.mail], unique: true, caseInsensitive: true}";
        for fine in [json!("Ann+x@EXAMPLE.org ~"), json!(5), json!(null)] {
            assert!(places(mail, &json!({"home": {"mail": fine}})).is_empty());
        }
        for other in ["straße", "a\tb", "a\u{0301}", "\u{212a}"] {
            let given = json!({"home": {"mail": other}});
            assert_eq!(places(mail, &given), ["/home/mail"], "{other}");
        }
    }
}
