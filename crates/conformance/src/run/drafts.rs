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
