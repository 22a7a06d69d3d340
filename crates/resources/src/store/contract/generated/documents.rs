//! The documents that generated queries look at.

use super::random::Random;
use super::*;
use crate::query::Query;
use crate::schema::{Link, Relationship, Stored};
use crate::store::contract::reference::{Answer, World};

/// Resources of each type.
const RESOURCES: u64 = 40;

/// Members that are open to every value.
pub(super) const OPEN: [&str; 7] = ["a", "B", "a b", "it's", "say \"hi\"", "da-sh", "ü"];

/// Members of objects within others.
pub(super) const INNER: [&str; 4] = ["k", "K", "in ner", "city"];

/// Values that are neither null nor made of others. There are few, so that many are equal.
pub(super) fn scalars() -> Vec<Value> {
    serde_json::from_str(SCALARS).unwrap()
}

const SCALARS: &str = r#"[
    "", "a", "A", "ab", "aB", "b", "Äb", "äB", "ä", "ß", "ẞ", "SS", "K", "\u212a", "1", "true",
    "null", "[1]", "{}", "%", "_", "a%b", "*", "a.b", "\\", "'", "\"", "🦀", "\ufffd", "\u0000",
    "2024-01-31", "2024-01-31T10:00:00Z", "2024-02-01", "10", "9",
    0, -0.0, 1, 1.0, -1, 1.5, 0.1, 2, 10, 1e300, -1e300, 1e-100,
    9007199254740992, 9007199254740993, 9007199254740992.0, -9007199254740993,
    9223372036854775807, 9223372036854775806, -9223372036854775808, 9223372036854775808.0,
    true, false, true, false
]"#;

/// Texts in the normal forms of what they are stored as.
pub(super) fn stored_texts(stored: Stored) -> &'static [&'static str] {
    match stored {
        Stored::Date => &[
            "2024-01-31T10:00:00.000Z",
            "2024-01-31T10:00:00.001Z",
            "1969-12-31T23:59:59.999Z",
            "0001-01-01T00:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
        ],
        Stored::Decimal => &[
            "1.5",
            "1.50",
            "-1.5",
            "0",
            "-0",
            "0.00",
            "10",
            "1E+1",
            "9",
            "-9",
            "-10",
            "1E-6176",
            "9.999999999999999999999999999999999E+6144",
            "1.500000000000000000000000000000001",
        ],
        Stored::ObjectId => &["5973ecc8c453c823e4c471d2", "000000000000000000000000"],
        Stored::Uuid => &[
            "0198c2a7-1b2c-7def-8123-456789abcdef",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ],
        Stored::Binary => &["", "AA==", "AP8=", "/wA=", "+/8=", "ABCD"],
        Stored::Long => &[],
    }
}

/// The types with what is stored of them.
pub(super) struct Shelves {
    pub(super) library: Library,
    pub(super) world: World,
    all: HashMap<String, Vec<Resource>>,
}

impl Shelves {
    /// Stores generated resources of each type.
    pub(super) async fn filled(store: &AnyStore) -> Self {
        let library = Library::open(store).await;
        let mut random = Random::new(SEED);
        let (mut ids, mut all, mut world) = (HashMap::new(), HashMap::new(), World::default());
        for resource_type in library.types() {
            ids.insert(
                resource_type.name.clone(),
                new_ids(store, &resource_type).await,
            );
        }
        for resource_type in library.types() {
            let mut stored = Vec::new();
            for id in &ids[&resource_type.name] {
                let value = document(&mut random, &resource_type, &ids);
                let write = insertion(&resource_type, id.clone(), value);
                match one(store, write).await.unwrap() {
                    Written::Stored(resource) => stored.push(resource),
                    other => panic!("an insertion left {other:?}"),
                }
            }
            world.fill(&resource_type.collection, &stored);
            all.insert(resource_type.name.clone(), stored);
        }
        Self {
            library,
            world,
            all,
        }
    }

    /// All resources of a type.
    pub(super) fn all(&self, resource_type: &ResourceType) -> &[Resource] {
        &self.all[&resource_type.name]
    }

    /// The id of a resource, or one that no resource has.
    pub(super) fn id(&self, random: &mut Random, resource_type: &ResourceType) -> Id {
        if random.percent(10) {
            unknown(resource_type)
        } else {
            random.pick(self.all(resource_type)).id.clone()
        }
    }

    /// What is wrong with a page.
    pub(super) fn difference(
        &self,
        resource_type: &ResourceType,
        page: &Page,
        expected: &Answer,
        query: &Query,
    ) -> Option<String> {
        let ids: Vec<Id> = page.resources.iter().map(|one| one.id.clone()).collect();
        let all = self.all(resource_type);
        let is_stored = |one: ResourceRef<'_>| {
            all.iter()
                .any(|known| known.id == *one.id && known.text == one.text)
        };
        let is_total_right = match (query.count, page.total) {
            // Where everything passes a store may know better than the bound.
            (Count::UpTo(_), Some(total)) if query.filter == Filter::Everything => {
                total.number() == all.len() as u64 || Some(total) == expected.total
            }
            (_, total) => total == expected.total,
        };
        if ids != expected.ids {
            Some(format!("found {ids:?} instead of {:?}", expected.ids))
        } else if page.more != expected.more || !is_total_right {
            let found = (page.more, page.total);
            Some(format!(
                "{found:?} instead of {:?}",
                (expected.more, expected.total)
            ))
        } else {
            let changed = page.resources.iter().find(|one| !is_stored(*one));
            changed.map(|one| format!("changed: {one:?}"))
        }
    }
}

async fn new_ids(store: &AnyStore, resource_type: &Arc<ResourceType>) -> Vec<Id> {
    if resource_type.id == IdKind::String {
        let texts = [
            "b", "B", "a b", "ä", "Z", "é", "0", "10", "9", "🦀", "a'b", "_",
        ];
        let texts = texts.iter().map(|text| resource_type.id.parse(text));
        return texts.collect::<Result<_, _>>().unwrap();
    }
    let count = usize::try_from(RESOURCES).unwrap();
    store.next_ids(resource_type, count).await.unwrap()
}

fn unknown(resource_type: &ResourceType) -> Id {
    let other = match resource_type.id {
        IdKind::Integer => "4711",
        IdKind::String => "nobody",
        IdKind::ObjectId => "5973ecc8c453c823e4c471d2",
        IdKind::Uuid => "0198c2a7-1b2c-7def-8123-456789abcdef",
    };
    resource_type.id.parse(other).unwrap()
}

/// Open members have any value. `title` is a text, `rank` a number, `address.city` a text or null,
/// `flag` a boolean or null, each where it is there at all.
fn document(
    random: &mut Random,
    resource_type: &ResourceType,
    ids: &HashMap<String, Vec<Id>>,
) -> Value {
    let mut members = Attributes::new();
    for name in OPEN {
        if random.percent(75) {
            members.insert(name.to_owned(), value(random, 3));
        }
    }
    let mut declared = |name: &str, fits: fn(&Value) -> bool| {
        if random.percent(85) {
            let fitting: Vec<Value> = scalars().into_iter().filter(fits).collect();
            members.insert(name.to_owned(), random.pick(&fitting).clone());
        }
    };
    declared("title", Value::is_string);
    declared("rank", Value::is_number);
    declared("flag", Value::is_boolean);
    store_otherwise(random, &mut members);
    if random.percent(70) {
        let nothing = random.percent(20).then_some(Value::Null);
        let city = nothing.unwrap_or_else(|| text(random));
        members.insert("address".to_owned(), json!({"city": city, "zip": 1}));
    }
    for relationship in &resource_type.relationships {
        link(random, relationship, ids, &mut members);
    }
    Value::Object(members)
}

/// Members that are stored otherwise than their JSON looks.
fn store_otherwise(random: &mut Random, members: &mut Attributes) {
    let mut text = |stored| Value::from(*random.pick(stored_texts(stored)));
    let mut all = vec![
        ("at", text(Stored::Date)),
        ("price", text(Stored::Decimal)),
        ("key", text(Stored::ObjectId)),
        ("token", text(Stored::Uuid)),
        ("data", text(Stored::Binary)),
        ("cost", json!({"amount": text(Stored::Decimal)})),
        ("times", json!([text(Stored::Date), text(Stored::Date)])),
        ("size", json!(5)),
    ];
    if random.percent(15) {
        all[0].1 = Value::Null;
    }
    for (name, value) in all {
        if random.percent(80) {
            members.insert(name.to_owned(), value);
        }
    }
}

fn text(random: &mut Random) -> Value {
    let texts: Vec<Value> = scalars().into_iter().filter(Value::is_string).collect();
    random.pick(&texts).clone()
}

fn value(random: &mut Random, depth: u64) -> Value {
    match random.below(if depth == 0 { 70 } else { 100 }) {
        0..10 => Value::Null,
        10..70 => random.pick(&scalars()).clone(),
        70..85 => {
            let count = random.below(4);
            (0..count).map(|_| value(random, depth - 1)).collect()
        }
        _ => object(random, depth - 1),
    }
}

fn object(random: &mut Random, depth: u64) -> Value {
    let mut members = Attributes::new();
    for name in INNER {
        if random.percent(60) {
            members.insert(name.to_owned(), value(random, depth));
        }
    }
    Value::Object(members)
}

/// Names related resources, some of which are not there.
fn link(
    random: &mut Random,
    relationship: &Relationship,
    ids: &HashMap<String, Vec<Id>>,
    members: &mut Attributes,
) {
    let targets = &ids[&relationship.target.name];
    match &relationship.link {
        Link::One { member } if random.percent(80) => {
            let target = random.pick(targets).to_member();
            let nobody = random.percent(10).then_some(Value::Null);
            members.insert(member.clone(), nobody.unwrap_or(target));
        }
        Link::Many { member } if random.percent(80) => {
            let mut linked: Vec<Value> = Vec::new();
            for _ in 0..random.below(5) {
                let target = random.pick(targets).to_member();
                if !linked.contains(&target) {
                    linked.push(target);
                }
            }
            if random.percent(10) {
                linked.push(json!("nobody"));
            }
            members.insert(member.clone(), Value::Array(linked));
        }
        Link::One { .. } | Link::Many { .. } | Link::Inverse { .. } => {}
    }
}
