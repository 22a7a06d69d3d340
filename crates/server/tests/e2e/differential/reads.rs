use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::values::{TYPES, id, scalar, segment, text};
use super::{Both, Random, Request};
use crate::harness::Answer;

const CURSORS: &str = "application/vnd.api+json;profile=\"https://jsonapi.org/profiles/ethanresnick/cursor-pagination\"";

/// A request that reads.
pub(super) fn request(random: &mut Random, both: &Both) -> Request {
    let of = random.pick(&TYPES);
    match random.below(100) {
        0..10 => {
            let url = format!("/{of}/{}", segment(random, of));
            let request = Request::get(with(&url, &beside(random, of)));
            if random.percent(50) {
                let tag = both.tag(random, &url);
                return request.header("if-none-match", tag);
            }
            request
        }
        10..20 => {
            let (of, name, target) = related(random);
            let url = format!("/{of}/{}/{name}", segment(random, of));
            Request::get(with(&url, &list(random, target)))
        }
        20..28 => {
            let (of, name, _) = related(random);
            let url = format!("/{of}/{}/relationships/{name}", segment(random, of));
            let size = random.below(4).to_string();
            let pages = vec![("page[size]".to_owned(), size)];
            Request::get(with(&url, if random.percent(50) { &pages } else { &[] }))
        }
        28..32 => {
            let body = with("", &list(random, of));
            let request = Request {
                method: reqwest::Method::POST,
                body: Some(body.trim_start_matches('?').to_owned()),
                ..Request::get(format!("/{of}/-/query"))
            };
            request.header("content-type", "application/x-www-form-urlencoded")
        }
        _ => {
            let request = Request::get(with(&format!("/{of}"), &list(random, of)));
            if random.percent(25) {
                return request.header("accept", CURSORS);
            }
            request
        }
    }
}

/// A page of the answer, if it has others.
pub(super) fn link(random: &mut Random, answer: &Answer) -> Option<String> {
    let document: Value = serde_json::from_slice(&answer.body).ok()?;
    let name = random.pick(&["next", "next", "prev", "last", "first"]);
    document["links"][name].as_str().map(str::to_owned)
}

fn related(random: &mut Random) -> (&'static str, &'static str, &'static str) {
    match random.below(6) {
        0 => ("books", "author", "people"),
        1 => ("people", "friend", "people"),
        2 => ("labels", "books", "books"),
        3 => ("books", "labelled", "labels"),
        _ => ("people", "books", "books"),
    }
}

fn with(path: &str, parameters: &[(String, String)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pair = |(name, value): &(String, String)| format!("{}={}", encoded(name), encoded(value));
    let pairs: Vec<String> = parameters.iter().map(pair).collect();
    match &pairs[..] {
        [] => path.to_owned(),
        pairs => format!("{path}?{}", pairs.join("&")),
    }
}

/// What a list is asked for.
fn list(random: &mut Random, of: &str) -> Vec<(String, String)> {
    let mut all = beside(random, of);
    let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
    if random.percent(60) {
        if random.percent(50) {
            let (name, value) = bracket(random, of);
            add(&name, value);
        } else {
            add("filter", expression(random, of, 3));
        }
    }
    if random.percent(55) {
        let keys = (0..=random.below(3)).map(|_| {
            let sign = if random.percent(50) { "-" } else { "" };
            format!("{sign}{}", sort_key(random, of))
        });
        add("sort", keys.collect::<Vec<_>>().join(","));
    }
    match random.below(10) {
        0..3 => add(
            "page[size]",
            random.pick(&["1", "3", "10", "0", "x", "5000"]).to_owned(),
        ),
        3..6 => {
            add("page[size]", (1 + random.below(7)).to_string());
            add("page[number]", (1 + random.below(4)).to_string());
        }
        6 => add(
            "page[total]",
            random.pick(&["true", "false", "maybe"]).to_owned(),
        ),
        _ => {}
    }
    all
}

/// What is shown of and beside resources.
fn beside(random: &mut Random, of: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    if random.percent(30) {
        let paths: &[&str] = match of {
            "books" => &[
                "author",
                "labelled",
                "author.books",
                "editor.friend,labelled",
                "nothing",
                "labelled.books.author",
            ],
            "people" => &["books", "friend", "friend.friend", "books.labelled"],
            _ => &["books", "books.author"],
        };
        let path = random.pick(paths);
        all.push(("include".to_owned(), path.to_owned()));
        if path == "books" {
            for (name, value) in [
                ("sort[books]", "-rank"),
                ("page[books][size]", "2"),
                ("filter[books][rank][gt]", "5"),
            ] {
                if random.percent(40) {
                    all.push((name.to_owned(), value.to_owned()));
                }
            }
        }
    }
    if random.percent(25) {
        let fields = random.pick(&["title,author", "title", "", "rank,secret", "labelled,a"]);
        all.push(("fields[books]".to_owned(), fields.to_owned()));
    }
    all
}

fn path(random: &mut Random, of: &str) -> String {
    let paths: &[&str] = match of {
        "books" => &[
            "title",
            "rank",
            "flag",
            "code",
            "at",
            "address.city",
            "labels",
            "a",
            "b",
            "a.k",
            "b.city",
            "secret",
            "author.name",
            "editor.friend.born",
            "id",
            "nothing.at.all",
        ],
        "people" => &["name", "born", "id", "friend.name", "nothing"],
        _ => &["a", "b", "it's", "ü", "a.K", "id"],
    };
    random.pick(paths).to_owned()
}

fn sort_key(random: &mut Random, of: &str) -> String {
    path(random, of)
}

/// The text of a value that fits more often than not.
fn literal(random: &mut Random, path: &str) -> String {
    match path {
        "rank" | "editor.friend.born" => random.below(20).to_string(),
        "born" => (1900 + random.below(90)).to_string(),
        "flag" => random.pick(&["true", "false", "x"]).to_owned(),
        "code" => format!("c{}", random.below(200)),
        "at" => format!("2024-01-{:02}T10:00:00Z", 1 + random.below(28)),
        "title" | "name" | "author.name" | "friend.name" | "address.city" => text(random),
        _ => match scalar(random) {
            Value::String(text) => text,
            other => other.to_string(),
        },
    }
}

fn bracket(random: &mut Random, of: &str) -> (String, String) {
    let path = path(random, of);
    let value = literal(random, &path);
    match random.below(14) {
        0..3 => (format!("filter[{path}]"), value),
        3..7 => {
            let operator = random.pick(&["eq", "ne", "lt", "lte", "gt", "gte"]);
            (format!("filter[{path}][{operator}]"), value)
        }
        7 => {
            let other = literal(random, &path);
            (
                format!("filter[{path}][between]"),
                format!("{value},{other}"),
            )
        }
        8 => {
            let operator = random.pick(&["in", "notIn", "has"]);
            let other = literal(random, &path);
            (
                format!("filter[{path}][{operator}]"),
                format!("{value},{other}"),
            )
        }
        9..11 => {
            let operator = random.pick(&[
                "contains",
                "startsWith",
                "endsWith",
                "ieq",
                "icontains",
                "istartsWith",
                "iendsWith",
            ]);
            (format!("filter[{path}][{operator}]"), value)
        }
        11 => (
            format!("filter[{path}][size][gte]"),
            random.below(3).to_string(),
        ),
        12 => {
            let operator = random.pick(&["null", "missing"]);
            let value = random.pick(&["true", "false"]).to_owned();
            (format!("filter[{path}][{operator}]"), value)
        }
        _ => match of {
            "books" => ("filter[author]".to_owned(), id(random, "people")),
            "people" => (
                "filter[books][count][gte]".to_owned(),
                random.below(3).to_string(),
            ),
            _ => (
                "filter[books][count]".to_owned(),
                random.below(3).to_string(),
            ),
        },
    }
}

fn expression(random: &mut Random, of: &str, depth: u64) -> String {
    let quoted = |text: String| format!("'{}'", text.replace('\'', "''"));
    if depth > 0 && random.percent(45) {
        let one = expression(random, of, depth - 1);
        return match random.below(5) {
            0 => format!("not({one})"),
            1 | 2 => format!("and({one},{})", expression(random, of, depth - 1)),
            3 => format!("or({one},{})", expression(random, of, depth - 1)),
            _ => has(random, of, depth),
        };
    }
    let path = path(random, of);
    let value = quoted(literal(random, &path));
    match random.below(8) {
        0..3 => {
            let name = random.pick(&[
                "equals",
                "lessThan",
                "lessOrEqual",
                "greaterThan",
                "greaterOrEqual",
            ]);
            format!("{name}({path},{value})")
        }
        3 => format!("any({path},{value},{})", quoted(literal(random, &path))),
        4 => {
            let name = random.pick(&[
                "contains",
                "startsWith",
                "iequals",
                "icontains",
                "iendsWith",
            ]);
            format!("{name}({path},{value})")
        }
        5 => format!("equals({path},null)"),
        6 => format!("missing({path})"),
        _ => format!("anyElement({path},{value})"),
    }
}

fn has(random: &mut Random, of: &str, depth: u64) -> String {
    let (name, target) = match of {
        "books" => *random.pick(&[
            &("author", "people"),
            &("labelled", "labels"),
            &("editor", "people"),
        ]),
        "people" => *random.pick(&[&("books", "books"), &("friend", "people")]),
        _ => ("books", "books"),
    };
    format!("has({name},{})", expression(random, target, depth - 1))
}
