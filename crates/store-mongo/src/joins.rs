//! The related resources that filters and orders look at: stages of an aggregation that add them
//! to a document.

use bson::{RawBsonRef, RawDocument};
use mongodb::bson::{Bson, Document, doc};
use resources::query::Filter;
use resources::schema::{Link, Relationship};

use crate::filter::expression::is_array;
use crate::filter::{Matching, condition};
use crate::ids;
use crate::subject::Subject;

/// The member of a wrapped document that has the stored one.
pub(crate) const DOCUMENT: &str = "document";

/// Makes room beside the document, so that nothing that is added takes the place of a member.
pub(crate) fn wrap() -> Document {
    doc! { "$replaceWith": { DOCUMENT: "$$ROOT" } }
}

/// The document alone again.
pub(crate) fn unwrap() -> Document {
    doc! { "$replaceWith": format!("${DOCUMENT}") }
}

/// Stages that add members to wrapped documents.
#[derive(Debug, Default)]
pub(crate) struct Joins {
    pub(crate) stages: Vec<Document>,
    /// Why the request cannot be made.
    pub(crate) refused: Option<&'static str>,
    added: usize,
}

impl Joins {
    /// Whether a related resource passes the filter.
    pub(crate) fn has_related(
        &mut self,
        subject: &Subject,
        relationship: &Relationship,
        filter: &Filter,
    ) -> Bson {
        let mut pipeline = self.passing(relationship, filter);
        pipeline.push(doc! { "$limit": 1 });
        pipeline.push(doc! { "$project": { ids::ID: 1 } });
        let found = self.look_up(subject, relationship, pipeline);
        doc! { "$gt": [{ "$size": format!("${found}") }, 0] }.into()
    }

    /// How many resources are related, counted until there are more than `number`.
    pub(crate) fn count(
        &mut self,
        subject: &Subject,
        relationship: &Relationship,
        number: u64,
    ) -> Bson {
        let pipeline = counted(Vec::new(), number);
        let found = self.look_up(subject, relationship, pipeline);
        self.stages
            .push(doc! { "$set": { &found: { "$first": format!("${found}") } } });
        doc! { "$ifNull": [format!("${found}.count"), 0] }.into()
    }

    /// The related resource of a to-one relationship.
    pub(crate) fn one(&mut self, subject: &Subject, relationship: &Relationship) -> Subject {
        let found = self.look_up(subject, relationship, vec![doc! { "$limit": 1 }]);
        self.stages
            .push(doc! { "$set": { &found: { "$first": format!("${found}") } } });
        Subject::member(&found, relationship.target.id)
    }

    /// Adds a value; its name.
    pub(crate) fn add(&mut self, value: Bson) -> String {
        let name = format!("added{}", self.added);
        self.added += 1;
        self.stages.push(doc! { "$set": { &name: value } });
        name
    }

    /// Says that the request cannot be made.
    pub(crate) fn refuse(&mut self, reason: &'static str) -> String {
        self.refused = Some(reason);
        String::new()
    }

    fn passing(&mut self, relationship: &Relationship, filter: &Filter) -> Vec<Document> {
        let matching = Matching::new(filter, relationship.target.id);
        self.refused = self.refused.or(matching.refused);
        matching.stages(Vec::new())
    }

    /// Adds the related resources that a pipeline leaves; the name of the array that has them.
    ///
    /// MongoDB compares an array's elements on either side, and takes what is absent for null.
    fn look_up(
        &mut self,
        subject: &Subject,
        relationship: &Relationship,
        pipeline: Vec<Document>,
    ) -> String {
        let if_array = |value: Bson, other: Bson| -> Bson {
            let is_array = is_array(&value);
            let (then, otherwise) = if relationship.is_to_one() {
                (other, value)
            } else {
                (value, other)
            };
            doc! { "$cond": [is_array, then, otherwise] }.into()
        };
        let (local, foreign, is_link) = match &relationship.link {
            Link::One { member } | Link::Many { member } => {
                let local = if_array(subject.field(member), Bson::Null);
                (local, ids::ID, doc! { ids::ID: { "$ne": Bson::Null } })
            }
            Link::Inverse {
                member, is_many, ..
            } => {
                let id = subject.id().unwrap_or(Bson::Null);
                (id, member.as_str(), is_link(member, *is_many))
            }
        };
        let found = self.add(local);
        let mut stages = vec![doc! { "$match": is_link }];
        stages.extend(pipeline);
        self.stages.push(doc! { "$lookup": {
            "from": &relationship.target.collection,
            "localField": &found, "foreignField": foreign,
            "pipeline": stages, "as": &found,
        } });
        found
    }
}

/// Whether a member holds its links in the form that is declared.
pub(crate) fn is_link(member: &str, is_many: bool) -> Document {
    let is_array = is_array(&format!("${member}").into());
    condition(if is_many {
        is_array
    } else {
        doc! { "$not": [is_array] }.into()
    })
}

/// Stages that count documents until there are more than `bound`. Of none there is no count.
pub(crate) fn counted(mut stages: Vec<Document>, bound: u64) -> Vec<Document> {
    let bound = i64::try_from(bound).unwrap_or(i64::MAX).saturating_add(1);
    stages.push(doc! { "$limit": bound });
    stages.push(doc! { "$group": { ids::ID: Bson::Null, "count": { "$sum": 1_i64 } } });
    stages
}

/// What [`counted`] has counted.
pub(crate) fn count_in(document: &RawDocument) -> u64 {
    let count = document.get("count").ok().flatten();
    count.and_then(whole).unwrap_or_default()
}

/// A number that a server counts with.
pub(crate) fn whole(value: RawBsonRef<'_>) -> Option<u64> {
    let number = value.as_i64().or_else(|| value.as_i32().map(i64::from));
    u64::try_from(number?).ok()
}
