use crate::schema::{
    IdKind, Link, OnDelete, PageLimits, Reading, ResourceType, Writing, parse, parse_all,
};

const ARTICLES: &str = "type: articles
id: integer
relationships:
  author: {type: people, member: author_id, onDelete: cascade, settable: true, changeable: false}
  tags: {type: tags, kind: many, writable: false, page: {default: 5}, filterable: false}
  comments: {type: comments, inverse: article, page: {maximum: 10}}
attributes: {type: object}
";
const PEOPLE: &str = "type: people
id: uuid
collection: persons
relationships: {articles: {type: articles, inverse: author}}
attributes: {type: object}
";
const TAGS: &str = "type: tags
id: string
relationships: {articles: {type: articles, inverse: tags}}
attributes: {type: object}
";
const COMMENTS: &str = "type: comments
relationships: {article: {type: articles}}
attributes: {type: object}
";

/// The lines, fields and messages of all mistakes in a type `t` with these relationships, which is
/// declared beside `others`.
fn mistakes(relationships: &str, others: &[&str]) -> Vec<(usize, String, String)> {
    let text = format!(
        "type: t\nattributes: {{type: object, properties: {{a: {{}}}}, required: [a]}}\n\
         idAttribute: key\nrelationships:\n{relationships}"
    );
    let mut texts = vec![text.as_str()];
    texts.extend(others);
    let found = parse_all(&texts).err().unwrap_or_default();
    found
        .into_iter()
        .map(|(_, mistake)| (mistake.line, mistake.field, mistake.message))
        .collect()
}

fn fields(relationships: &str) -> Vec<(usize, String)> {
    let found = mistakes(relationships, &[]).into_iter();
    found.map(|(line, field, _)| (line, field)).collect()
}

#[test]
fn relationships_lead_to_types_of_other_files() {
    let types = parse_all(&[ARTICLES, PEOPLE, TAGS, COMMENTS]).unwrap();
    let [articles, people, tags, _] = types.as_slice() else {
        panic!("four texts, not four types")
    };
    let names: Vec<_> = articles.relationships.iter().map(|one| &one.name).collect();
    assert_eq!(names, ["author", "tags", "comments"]);
    let author = articles.relationship("author").unwrap();
    assert_eq!(author.target.name, "people");
    assert_eq!(author.target.collection, "persons");
    assert_eq!(author.target.id, IdKind::Uuid);
    assert_eq!(author.own_member(), Some("author_id"));
    assert_eq!(author.on_delete, OnDelete::Cascade);
    let once = Writing {
        settable: true,
        changeable: false,
    };
    assert_eq!((author.writable, author.writing), (true, once));
    let inverse = |resource_type: &ResourceType| {
        let relationship = resource_type.relationship("articles").unwrap();
        assert!(!relationship.writable);
        relationship.link.clone()
    };
    assert_eq!(
        inverse(people),
        Link::Inverse {
            relationship: "author".to_owned(),
            member: "author_id".to_owned(),
            is_many: false
        }
    );
    assert!(matches!(inverse(tags), Link::Inverse { is_many: true, .. }));
}

#[test]
fn what_is_left_out_of_a_relationship_has_defaults() {
    let types = parse_all(&[ARTICLES, PEOPLE, TAGS, COMMENTS]).unwrap();
    let tags = types[0].relationship("tags").unwrap();
    assert_eq!((tags.page.default, tags.page.maximum), (5, 1000));
    assert_eq!((tags.writable, tags.writing.settable), (false, false));
    let reading = Reading {
        filterable: false,
        sortable: false,
        readable: true,
    };
    assert_eq!(tags.reading, reading);
    let comments = types[0].relationship("comments").unwrap();
    let page = PageLimits {
        default: 10,
        maximum: 10,
    };
    assert_eq!(comments.page, page);
    let article = types[3].relationship("article").unwrap();
    assert_eq!(
        article.link,
        Link::One {
            member: "article".to_owned()
        }
    );
    assert_eq!(article.on_delete, OnDelete::Restrict);
    assert_eq!(article.reading, Reading::default());
    assert_eq!(article.writing, Writing::default());
}

#[test]
fn a_type_may_lead_to_itself() {
    let text = "type: people\nattributes: {type: object}\nrelationships:\n  \
                boss: {type: people}\n  staff: {type: people, inverse: boss}\n";
    let people = parse(text).unwrap();
    assert_eq!(people.relationships.len(), 2);
    assert!(
        people
            .relationships
            .iter()
            .all(|one| one.target.name == "people")
    );
}

#[test]
fn an_unknown_target_is_a_mistake_that_names_the_nearest() {
    let found = mistakes("  x: {type: peeple}\n", &[PEOPLE, ARTICLES, TAGS, COMMENTS]);
    let (line, field, message) = &found[0];
    assert_eq!((*line, field.as_str()), (5, "/relationships/x/type"));
    assert!(message.ends_with("is 'people' meant?"), "{message}");
    let (_, _, message) = &mistakes("  x: {type: zzz}\n", &[])[0];
    assert!(message.ends_with("there are t"), "{message}");
}

#[test]
fn a_target_in_a_file_with_mistakes_of_its_own_is_no_second_mistake() {
    for broken in ["type: people\nodd: 1\n", "type: [\n"] {
        let found = mistakes("  x: {type: people}\n", &[broken]);
        let about: Vec<_> = found
            .iter()
            .filter(|(_, field, _)| field.contains("/x"))
            .collect();
        assert!(about.is_empty(), "{about:?}");
        assert!(!found.is_empty());
    }
}

#[test]
fn an_inverse_that_does_not_match_is_a_mistake() {
    let other = "type: o\nattributes: {type: object}\nrelationships:\n  \
                 one: {type: t}\n  same: {type: o}\n  back: {type: t, inverse: x}\n";
    for (inverse, part) in [
        ("onne", "'o' has no relationship 'onne'; is 'one' meant?"),
        ("back", "is an inverse itself"),
        ("same", "leads to 'o' and not to 't'"),
    ] {
        let text = format!("  x: {{type: o}}\n  y: {{type: o, inverse: {inverse}}}\n");
        let found = mistakes(&text, &[other]);
        let found: Vec<_> = found.iter().filter(|(line, ..)| *line == 6).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].1, "/relationships/y/inverse");
        assert!(found[0].2.contains(part), "{}", found[0].2);
    }
}

#[test]
fn names_that_clash_are_mistakes() {
    for (relationships, expected) in [
        ("  a: {type: t}\n", "/relationships/a"),
        ("  key: {type: t}\n", "/relationships/key"),
        (
            "  relationships: {type: t}\n",
            "/relationships/relationships",
        ),
        ("  x: {type: t, member: a}\n", "/relationships/x/member"),
        ("  x: {type: t, member: key}\n", "/relationships/x/member"),
        ("  x: {type: t, member: _id}\n", "/relationships/x/member"),
        ("  x: {type: t, member: 'b.c'}\n", "/relationships/x/member"),
        ("  id: {type: t}\n", "/relationships/id"),
    ] {
        let found = fields(relationships);
        assert!(
            found.contains(&(5, expected.to_owned())),
            "{relationships}: {found:?}"
        );
    }
    let found = fields("  x: {type: t, member: y}\n  y: {type: t}\n");
    assert_eq!(found, [(5, "/relationships/x/member".to_owned())]);
    let found = fields("  x: {type: t, member: m}\n  y: {type: t, member: m}\n");
    assert_eq!(found.len(), 2);
}

#[test]
fn members_that_make_no_sense_together_are_mistakes() {
    for (members, expected) in [
        ("inverse: r, kind: many", "kind"),
        ("inverse: r, member: m", "member"),
        ("inverse: r, onDelete: clear", "onDelete"),
        ("inverse: r, writable: true", "writable"),
        ("inverse: r, settable: true", "settable"),
        ("writable: false, changeable: true", "changeable"),
        ("page: {default: 3}", "page"),
        ("kind: many, page: {default: 3, maximum: 2}", "page/default"),
        ("kind: many, sortable: true", "sortable"),
        ("kind: several", "kind"),
        ("onDelete: forget", "onDelete"),
        ("knid: one", "knid"),
    ] {
        let text = format!("  r: {{type: t}}\n  x: {{type: t, {members}}}\n");
        let expected = (6, format!("/relationships/x/{expected}"));
        assert_eq!(fields(&text), [expected], "{members}");
    }
}

#[test]
fn a_relationship_cannot_be_a_required_attribute() {
    let text = "type: t\nattributes:\n  type: object\n  required: [a, boss_id, boss]\n\
                relationships: {boss: {type: t, member: boss_id}}\n";
    let found = parse(text).unwrap_err();
    let fields: Vec<_> = found.iter().map(|found| found.field.as_str()).collect();
    assert_eq!(fields, ["/attributes/required/1", "/attributes/required/2"]);
}

#[test]
fn an_index_may_name_a_to_one_relationship_and_nested_attributes() {
    let text = "type: t\nrelationships: {boss: {type: t, member: boss_id}, all: {type: t, kind: many}}\n\
                attributes: {type: object, additionalProperties: false, properties: {home: \
                {type: object, additionalProperties: false, properties: {city: {type: string}}}}}\n";
    let good = format!("{text}indexes: [{{attributes: [boss, -home.city]}}]\n");
    let good = parse(&good).unwrap();
    let keys: Vec<_> = good.indexes[0].keys.iter().collect();
    assert_eq!(keys[0].attribute, "boss_id");
    assert_eq!(keys[1].names().collect::<Vec<_>>(), ["home", "city"]);
    assert!(keys[1].descending);
    for wrong in ["all", "home.zip", "hme", "home..city", "boss_id"] {
        let bad = format!("{text}indexes: [{{attributes: [{wrong}]}}]\n");
        let found = parse(&bad).unwrap_err();
        assert_eq!(found[0].field, "/indexes/0/attributes/0", "{wrong}");
    }
}

#[test]
fn capabilities_are_of_attributes_that_can_be_there() {
    let text = "type: t\nidAttribute: key\nrelationships: {boss: {type: t}}\n\
                attributes: {type: object, additionalProperties: false, properties: {a: {}, b: {}}}\n\
                totals: onRequest\ncapabilities:\n  a: {readable: false, changeable: false}\n  b: {sortable: true}\n";
    let resource_type = parse(text).unwrap();
    assert_eq!(resource_type.totals, crate::schema::Totals::OnRequest);
    assert!(!resource_type.reading("a").readable);
    assert!(!resource_type.writing("a").changeable);
    assert_eq!(resource_type.reading.len(), 1, "defaults are not repeated");
    assert_eq!(resource_type.reading("b"), Reading::default());
    for wrong in [
        "c: {readable: false}",
        "boss: {readable: false}",
        "key: {sortable: false}",
        "a: {readible: false}",
    ] {
        let text = text.replace("  b: {sortable: true}\n", &format!("  {wrong}\n"));
        let found = parse(&text.replace("  a: {readable: false, changeable: false}\n", "\n"));
        let found = found.unwrap_err();
        assert!(
            found[0].field.starts_with("/capabilities/"),
            "{wrong}: {found:?}"
        );
        assert_eq!(found[0].line, 8, "{wrong}");
    }
}
