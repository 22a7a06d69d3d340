//! Three types that are related in every way: to one, to many, both inverses, and in a circle.

use super::*;
use crate::schema::{Link, OnDelete, PageLimits, Reading, Relationship, Target, Writing};

/// `authors` (integers as ids), `books` (12 bytes) and `tags` (texts).
pub(super) struct Library {
    pub(super) authors: Arc<ResourceType>,
    pub(super) books: Arc<ResourceType>,
    pub(super) tags: Arc<ResourceType>,
}

const AUTHORS: &str = "type: authors\nsingular: author\nid: integer\n\
                       attributes: {type: object, allOf: [{STORED}]}\n";

const BOOKS: &str = "type: books\nsingular: book\nattributes: {type: object, properties: {\
                     title: {type: string}, rank: {type: number}}, allOf: [{STORED}]}\n\
                     indexes: [{attributes: [title]}, {attributes: [rank, -title]}, \
                     {attributes: [price]}, {attributes: [-at]}, {attributes: [cost.amount]}]\n";

const TAGS: &str = "type: tags\nsingular: tag\nid: string\n\
                    attributes: {type: object, allOf: [{STORED}]}\n";

/// What all three store otherwise than their JSON looks.
const STORED: &str = "properties: {at: {type: [string, 'null'], stored: date}, \
                      price: {type: string, stored: decimal}, key: {type: string, stored: objectId}, \
                      token: {type: string, stored: uuid}, data: {type: string, stored: binary}, \
                      size: {type: integer, stored: long}, \
                      cost: {type: object, properties: {amount: {type: string, stored: decimal}}}, \
                      times: {type: array, items: {type: string, stored: date}}}";

impl Library {
    /// Makes the store ready for the three types.
    pub(super) async fn open(store: &AnyStore) -> Self {
        let (authors, books, tags) = (("authors", AUTHORS), ("books", BOOKS), ("tags", TAGS));
        let library = Self {
            authors: related(
                authors.1,
                vec![
                    relationship("favourite", books, one("favouriteBook")),
                    relationship("books", books, inverse("author", "author", false)),
                ],
            ),
            books: related(
                books.1,
                vec![
                    relationship("author", authors, one("author")),
                    relationship("tags", tags, many("tag ids")),
                    relationship(
                        "fans",
                        authors,
                        inverse("favourite", "favouriteBook", false),
                    ),
                ],
            ),
            tags: related(
                tags.1,
                vec![relationship(
                    "books",
                    books,
                    inverse("tags", "tag ids", true),
                )],
            ),
        };
        store.prepare(&library.types()).await.unwrap();
        library
    }

    pub(super) fn types(&self) -> [Arc<ResourceType>; 3] {
        [self.authors.clone(), self.books.clone(), self.tags.clone()]
    }

    /// The type to which a relationship leads.
    pub(super) fn target(&self, relationship: &Relationship) -> Arc<ResourceType> {
        let types = self.types();
        let target = types
            .iter()
            .find(|one| one.name == relationship.target.name);
        target.unwrap().clone()
    }
}

/// A relationship that is there.
pub(super) fn through(resource_type: &ResourceType, name: &str) -> Arc<Relationship> {
    resource_type.relationship(name).unwrap().clone()
}

fn related(text: &str, relationships: Vec<Relationship>) -> Arc<ResourceType> {
    let mut resource_type = declared(text);
    resource_type.relationships = relationships.into_iter().map(Arc::new).collect();
    Arc::new(resource_type)
}

fn declared(text: &str) -> ResourceType {
    schema::parse(&text.replace("STORED", STORED)).unwrap()
}

fn relationship(name: &str, target: (&str, &str), link: Link) -> Relationship {
    let declared = declared(target.1);
    Relationship {
        name: name.to_owned(),
        target: Target {
            name: target.0.to_owned(),
            collection: declared.collection,
            id: declared.id,
        },
        link,
        includable: true,
        writable: true,
        on_delete: OnDelete::default(),
        page: PageLimits {
            default: 10,
            maximum: 100,
        },
        reading: Reading::default(),
        writing: Writing::default(),
    }
}

fn one(member: &str) -> Link {
    let member = member.to_owned();
    Link::One { member }
}

fn many(member: &str) -> Link {
    let member = member.to_owned();
    Link::Many { member }
}

fn inverse(relationship: &str, member: &str, is_many: bool) -> Link {
    Link::Inverse {
        relationship: relationship.to_owned(),
        member: member.to_owned(),
        is_many,
    }
}
