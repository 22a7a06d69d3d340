//! A small server in memory that keeps every obligation, so that a test can break one.

mod negotiation;
mod operations;
mod parameters;
mod reading;
mod writing;

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value, json};

/// Attributes and links of a resource: `{"attributes": {…}, "links": {name: id | null | [ids]}}`.
pub(crate) type Stored = Value;

/// The resources of each type by their numbers.
pub(crate) type Store = BTreeMap<String, BTreeMap<u64, Stored>>;

/// A relationship: its owner, name, target, whether it leads to many, and the target's own
/// relationship whose other side it is.
pub(crate) struct Relationship {
    owner: &'static str,
    name: &'static str,
    target: &'static str,
    many: bool,
    inverse: Option<&'static str>,
}

const fn relationship(
    owner: &'static str,
    name: &'static str,
    target: &'static str,
    many: bool,
    inverse: Option<&'static str>,
) -> Relationship {
    Relationship {
        owner,
        name,
        target,
        many,
        inverse,
    }
}

const RELATIONSHIPS: [Relationship; 6] = [
    relationship("articles", "author", "people", false, None),
    relationship("articles", "tags", "tags", true, None),
    relationship("articles", "comments", "comments", true, Some("article")),
    relationship("people", "articles", "articles", true, Some("author")),
    relationship("comments", "author", "people", false, None),
    relationship("comments", "article", "articles", false, None),
];

/// The attributes of each type, and whether they are integers.
const ATTRIBUTES: [(&str, &str, bool); 8] = [
    ("articles", "title", false),
    ("articles", "body", false),
    ("articles", "views", true),
    ("articles", "publishedAt", false),
    ("people", "name", false),
    ("people", "email", false),
    ("comments", "body", false),
    ("tags", "name", false),
];

fn relationships(kind: &str) -> impl Iterator<Item = &'static Relationship> {
    RELATIONSHIPS.iter().filter(move |it| it.owner == kind)
}

fn find_relationship(kind: &str, name: &str) -> Option<&'static Relationship> {
    relationships(kind).find(|it| it.name == name)
}

fn attribute(kind: &str, name: &str) -> Option<bool> {
    let mut found = ATTRIBUTES.iter().filter(|(owner, ..)| *owner == kind);
    found.find(|it| it.1 == name).map(|it| it.2)
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The query as it is written.
    pub(crate) query: String,
    pub(crate) accept: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) override_method: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// An answer before it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<&'static str, String>,
    /// The body, or null for none.
    pub(crate) document: Value,
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: u16,
    /// The `source` of each error; null for none.
    sources: Vec<Value>,
    headers: Vec<(&'static str, String)>,
    /// Members of the error besides the usual ones.
    more: Map<String, Value>,
}

impl Refusal {
    fn new(status: u16, source: Value) -> Self {
        Self {
            status,
            sources: vec![source],
            headers: Vec::new(),
            more: Map::new(),
        }
    }

    fn at(status: u16, pointer: &str) -> Self {
        Self::new(status, json!({"pointer": pointer}))
    }

    fn parameter(name: &str) -> Self {
        Self::new(400, json!({"parameter": name}))
    }

    /// Moves the pointers below a member.
    fn below(mut self, base: &str) -> Self {
        for source in &mut self.sources {
            if let Some(pointer) = source["pointer"].as_str() {
                *source = json!({"pointer": format!("{base}{pointer}")});
            } else {
                *source = json!({"pointer": base});
            }
        }
        self
    }

    fn allow(methods: &str) -> Self {
        let mut refusal = Self::new(405, Value::Null);
        refusal.headers.push(("allow", methods.to_owned()));
        refusal
    }
}

impl From<Refusal> for Answered {
    fn from(refusal: Refusal) -> Self {
        let code = format!("status_{}", refusal.status);
        let errors = refusal.sources.iter().map(|source| {
            let mut error = json!({"status": refusal.status.to_string(), "code": code,
                "title": format!("Refused with {}", refusal.status),
                "detail": "The server refuses this.", "links": {"about": format!("/errors/{code}")}});
            if !source.is_null() {
                error["source"] = source.clone();
            }
            for (name, value) in &refusal.more {
                error[name] = value.clone();
            }
            error
        });
        let errors: Vec<Value> = errors.collect();
        Self {
            status: refusal.status,
            headers: refusal.headers.into_iter().collect(),
            document: json!({"errors": errors}),
        }
    }
}

type Answer = Result<Answered, Refusal>;

fn answered(status: u16, document: Value) -> Answered {
    Answered {
        status,
        headers: BTreeMap::new(),
        document,
    }
}

/// Sample resources.
pub(crate) fn store() -> Store {
    let article = |title: &str, views: u64, author: Value, tags: Value| {
        json!({"attributes": {"title": title, "body": "Some text.", "views": views,
            "publishedAt": "2026-01-02T03:04:05Z"}, "links": {"author": author, "tags": tags}})
    };
    let comment = |body: &str, author: &str, article: &str| json!({"attributes": {"body": body}, "links": {"author": author, "article": article}});
    let person = |name: &str| json!({"attributes": {"name": name, "email": null}, "links": {}});
    let tag = |name: &str| json!({"attributes": {"name": name}, "links": {}});
    let types = [
        (
            "articles",
            vec![
                article("second", 20, json!("1"), json!(["1", "2"])),
                article("First words", 20, json!("2"), json!([])),
                article("third", 5, json!(null), json!(["3"])),
                article("fourth", 90, json!("1"), json!(["1"])),
                article("fifth", 5, json!("2"), json!(["2", "3"])),
                article("sixth", 1, json!("1"), json!([])),
            ],
        ),
        ("people", vec![person("Ann"), person("Ben"), person("Cem")]),
        (
            "comments",
            vec![
                comment("Yes", "2", "1"),
                comment("No", "1", "1"),
                comment("Oh", "2", "3"),
            ],
        ),
        ("tags", vec![tag("red"), tag("green"), tag("blue")]),
    ];
    let numbered = types.map(|(kind, all)| (kind.to_owned(), (1..).zip(all).collect()));
    BTreeMap::from(numbered)
}

/// Answers a request.
pub(crate) fn answer(store: &mut Store, asked: &Asked) -> Answered {
    if asked.path.starts_with("/errors/") {
        let mut page = answered(200, json!("A text about the error."));
        page.headers.insert("content-type", "text/html".to_owned());
        return page;
    }
    let before = store.clone();
    let (media_type, outcome) = match negotiation::negotiate(asked) {
        Ok(media_type) => (media_type, route(store, asked)),
        Err(refusal) => (negotiation::JSON_API.to_owned(), Err(refusal)),
    };
    let mut answer = outcome.unwrap_or_else(|refusal| {
        *store = before;
        refusal.into()
    });
    answer.headers.insert("vary", "Accept".to_owned());
    if let Some(document) = answer.document.as_object_mut() {
        document.insert("jsonapi".to_owned(), json!({"version": "1.1"}));
        answer.headers.insert("content-type", media_type);
    }
    answer
}

fn route(store: &mut Store, asked: &Asked) -> Answer {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    let method = match asked.override_method.as_deref() {
        Some("PATCH") if asked.method == Method::POST => "PATCH",
        _ => asked.method.as_str(),
    };
    if parts == ["operations"] {
        return match method {
            "POST" => operations::operate(store, asked),
            _ => Err(Refusal::allow("POST")),
        };
    }
    let kind = parts[0];
    if !store.contains_key(kind) {
        return Err(Refusal::new(404, Value::Null));
    }
    match (parts.as_slice(), method) {
        ([_], "GET" | "HEAD") => reading::list(store, kind, asked, None),
        ([_], "POST") => writing::create(store, kind, asked),
        ([_], _) => Err(Refusal::allow("GET, HEAD, POST")),
        ([_, id], "GET" | "HEAD") => reading::one(store, kind, number(store, kind, id)?, asked),
        ([_, id], "PATCH") => writing::update(store, kind, number(store, kind, id)?, asked),
        ([_, id], "DELETE") => {
            let id = number(store, kind, id)?;
            writing::remove(store, kind, id);
            Ok(answered(204, Value::Null))
        }
        ([_, _], _) => Err(Refusal::allow("GET, HEAD, PATCH, DELETE")),
        ([_, id, name], "GET" | "HEAD") => {
            let id = number(store, kind, id)?;
            reading::related(store, known(kind, name)?, id, asked)
        }
        ([_, _, _], _) => Err(Refusal::allow("GET, HEAD")),
        ([_, id, "relationships", name], method) => {
            let (id, relationship) = (number(store, kind, id)?, known(kind, name)?);
            match method {
                "GET" | "HEAD" => reading::relationship(store, relationship, id, asked),
                "PATCH" | "POST" | "DELETE" => {
                    writing::link(store, relationship, id, method, asked)
                }
                _ => Err(Refusal::allow("GET, HEAD, PATCH, POST, DELETE")),
            }
        }
        _ => Err(Refusal::new(404, Value::Null)),
    }
}

/// The number of a resource that is there.
fn number(store: &Store, kind: &str, id: &str) -> Result<u64, Refusal> {
    let number = id.parse().ok().filter(|it| store[kind].contains_key(it));
    number.ok_or_else(|| Refusal::new(404, Value::Null))
}

fn known(kind: &str, name: &str) -> Result<&'static Relationship, Refusal> {
    find_relationship(kind, name).ok_or_else(|| Refusal::new(404, Value::Null))
}
