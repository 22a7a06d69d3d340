//! Three types that are related in every way: to one, to many, both inverses, and in a circle.

use super::*;
use crate::schema::{Link, OnDelete, PageLimits, Reading, Relationship, Target, Writing};

/// `authors` (integers as ids), `books` (12 bytes) and `tags` (texts).
pub(super) struct Library {
    pub(super) authors: Arc<ResourceType>,
    pub(super) books: Arc<ResourceType>,
    pub(super) tags: Arc<ResourceType>,
}

const AUTHORS: &str = "type: authors\nsingular: author\nid: integer\nattributes: {type: object}\n";

const BOOKS: &str = "type: books\nsingular: book\nattributes: {type: object, properties: {\
                     title: {type: string}, rank: {type: number}}}\n\
                     indexes: [{attributes: [title]}, {attributes: [rank, -title]}]\n";

const TAGS: &str = "type: tags\nsingular: tag\nid: string\nattributes: {type: object}\n";

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
    let mut resource_type = schema::parse(text).unwrap();
    resource_type.relationships = relationships.into_iter().map(Arc::new).collect();
    Arc::new(resource_type)
}

fn relationship(name: &str, target: (&str, &str), link: Link) -> Relationship {
    let declared = schema::parse(target.1).unwrap();
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
