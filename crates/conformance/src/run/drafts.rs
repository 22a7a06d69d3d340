//! What a run needs in order to write: existing ids, documents that create, operations.

use serde_json::{Value, json};

use super::Run;
use crate::exchange::{Answer, Request, key};
use crate::media_type::{ATOMIC, with};
use crate::verdict::{Miss, unjudged};

/// A resource that a check has created.
#[derive(Debug, Clone)]
pub(crate) struct Created {
    /// From the root of the server.
    pub(crate) path: String,
    pub(crate) id: String,
    /// The resource as the answer shows it.
    pub(crate) resource: Value,
}

impl Run<'_> {
    /// The ids of some resources of a type that were there before.
    pub(crate) fn ids(&mut self, kind: &str) -> Result<Vec<String>, Miss> {
        if let Some(ids) = self.ids.get(kind) {
            return Ok(ids.clone());
        }
        let list = self.get(&self.path(kind))?;
        let ids: Vec<String> = list.items().iter().map(|it| key(it).1).collect();
        self.ids.insert(kind.to_owned(), ids.clone());
        Ok(ids)
    }

    /// An id of a type that no resource has.
    pub(crate) fn absent_id(&mut self, kind: &str) -> Result<String, Miss> {
        if let Some(id) = &self.world.types[kind].absent_id {
            return Ok(id.clone());
        }
        let ids = self.ids(kind)?;
        match ids.first() {
            Some(id) => Ok(unlike(id, &ids)),
            None => unjudged(format!(
                "the server has no {kind} whose ids show what one is like"
            )),
        }
    }

    /// The identifier of a resource of a type that is not there.
    pub(crate) fn absent_identifier(&mut self, kind: &str) -> Result<Value, Miss> {
        Ok(json!({"type": kind, "id": self.absent_id(kind)?}))
    }

    /// So many identifiers of a type.
    pub(crate) fn identifiers(&mut self, kind: &str, count: usize) -> Result<Vec<Value>, Miss> {
        let ids = self.ids(kind)?;
        if ids.len() < count {
            return unjudged(format!("the server has fewer than {count} {kind}"));
        }
        let ids = ids.iter().take(count);
        Ok(ids.map(|id| json!({"type": kind, "id": id})).collect())
    }
    /// Says that the check cannot be judged where nothing may be written.
    pub(crate) fn may_write(&self) -> Result<(), Miss> {
        if self.world.writes && self.main().create.is_some() {
            return Ok(());
        }
        unjudged("the world says that nothing may be written")
    }

    /// A number that no earlier call gave.
    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// A document that creates a resource of the main type.
    pub(crate) fn draft(&mut self) -> Result<Value, Miss> {
        self.may_write()?;
        let kind = self.main();
        let number = self.next_number().to_string();
        let mut attributes = json!(kind.create);
        for text in attributes.as_object_mut().into_iter().flatten() {
            if let Some(plain) = text.1.as_str() {
                *text.1 = Value::from(plain.replace("{n}", &number));
            }
        }
        let mut data = json!({"type": self.world.main, "attributes": attributes});
        for name in &kind.requires {
            let target = kind.relationship(name).map_or("", |it| &it.target);
            let identifier = self.identifiers(target, 1)?.swap_remove(0);
            data["relationships"][name] = json!({"data": identifier});
        }
        Ok(json!({"data": data}))
    }

    /// Creates a resource of the main type; where the server refuses, nothing can be judged.
    pub(crate) fn create(&mut self) -> Result<Created, Miss> {
        let draft = self.draft()?;
        self.create_from(&draft)
    }

    /// Creates a resource from a document.
    pub(crate) fn create_from(&mut self, draft: &Value) -> Result<Created, Miss> {
        let answer = self.send(&Request::post(self.collection(), draft))?;
        if let Err(Miss::Fails(reason)) = answer.is(&[201]) {
            return unjudged(format!("nothing could be created: {reason}"));
        }
        Ok(Created {
            path: self.path_of(answer.data()),
            id: key(answer.data()).1,
            resource: answer.data().clone(),
        })
    }

    /// The path of atomic operations.
    pub(crate) fn operations(&self) -> Result<String, Miss> {
        self.may_write()?;
        match &self.world.operations {
            Some(path) => Ok(self.client.rooted(path)),
            None => unjudged("the world names no path of atomic operations"),
        }
    }

    /// Sends operations.
    pub(crate) fn operate(&mut self, operations: &Value) -> Result<Answer, Miss> {
        let document = json!({"atomic:operations": operations});
        self.operate_with(&document)
    }

    /// Sends any document where operations are expected.
    pub(crate) fn operate_with(&mut self, document: &Value) -> Result<Answer, Miss> {
        let media_type = with("ext", ATOMIC);
        let request = Request::post(self.operations()?, document);
        self.send(&request.content_type(&media_type).accept(media_type))
    }
}

/// How many characters at the end of an id are exchanged.
const EXCHANGED: usize = 6;

/// An id of the same form as this one, unlike all of these. Of a number it is a large one; of other
/// texts the last letters and digits are mirrored, those of hexadecimal digits among themselves.
fn unlike(id: &str, all: &[String]) -> String {
    if id.chars().all(|it| it.is_ascii_digit()) {
        return "999999999".to_owned();
    }
    let mirror = |letter: char, first: u8, last: u8| {
        char::from(first + last - u8::try_from(letter).unwrap_or(first))
    };
    let mut made: Vec<char> = id.chars().collect();
    let from = made.len().saturating_sub(EXCHANGED);
    for letter in &mut made[from..] {
        *letter = match *letter {
            '0'..='9' => mirror(*letter, b'0', b'9'),
            'a'..='f' => mirror(*letter, b'a', b'f'),
            'g'..='z' => mirror(*letter, b'g', b'z'),
            'A'..='F' => mirror(*letter, b'A', b'F'),
            'G'..='Z' => mirror(*letter, b'G', b'Z'),
            other => other,
        };
    }
    let made: String = made.into_iter().collect();
    if all.contains(&made) {
        format!("{made}0")
    } else {
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_id_has_the_form_of_the_ids_that_are_there() {
        for (id, absent) in [
            ("17", "999999999"),
            ("5973ecc8c453c823e4c471d2", "5973ecc8c453c823e4d528c7"),
            ("3c6f3a-1b2c4d", "3c6f3a-8e7d5c"),
            ("rust", "olnm"),
        ] {
            assert_eq!(unlike(id, &[id.to_owned()]), absent);
        }
    }
}
