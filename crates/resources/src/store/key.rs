//! Idempotency keys: what a client calls a request, so that it can be sent again without being done
//! again. A store keeps under the key what the unit has left, in the unit itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::{Resource, StoreError, Written};
use crate::schema::{Id, ResourceType};

/// The key of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What the client calls the request. Keys are of the whole store, not of a type.
    pub name: String,
    /// Tells the request from others that come under the same key.
    pub fingerprint: [u8; 32],
    /// The positions of the writes of which the answer tells, in the order in which it does.
    pub answering: Vec<usize>,
    /// What may be kept.
    pub limits: KeyLimits,
}

/// What may be kept under keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLimits {
    /// How long a key is known after its unit was done. An older one is as if it had never been.
    pub time: Duration,
    /// The largest text that is kept under one key, in bytes.
    pub answer_bytes_max: usize,
    /// What a store keeps under all keys together, in bytes; it may exceed that by what is written
    /// within ten seconds.
    pub bytes_max: u64,
}

/// Why a unit with a key was not done: because of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// It was done before, and this is what it left.
    #[error("a unit with this key was done before")]
    Done(KeptAnswer),
    /// Another request was done under the key.
    #[error("another request was done under this key")]
    OtherRequest,
    /// A unit with the key is being done.
    #[error("a unit with this key is being done")]
    InFlight,
    /// More would have to be kept than so many bytes.
    #[error("more than {0} bytes would be kept under the key")]
    AnswerTooLarge(usize),
    /// The store keeps as much as it may under other keys.
    #[error("as much is kept under keys as may be")]
    NoRoom,
}

/// What is kept under a key: what a unit has stored, for each write of which its answer tells. A
/// store keeps the text and looks no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer(String);

impl Default for KeyLimits {
    /// A day, 4 MiB for one key, 1 GiB for all.
    fn default() -> Self {
        Self {
            time: Duration::from_hours(24),
            answer_bytes_max: 4 << 20,
            bytes_max: 1 << 30,
        }
    }
}

impl Key {
    /// What is to be kept of a unit that has left this.
    ///
    /// # Errors
    /// [`KeyRefusal::AnswerTooLarge`].
    pub fn answer(&self, written: &[Written]) -> Result<KeptAnswer, KeyRefusal> {
        let stored = |position: &usize| match written.get(*position) {
            Some(Written::Stored(Resource { id, text })) => {
                Value::from_iter([id.to_string().as_str(), text])
            }
            _ => Value::Null,
        };
        let stored: Value = self.answering.iter().map(stored).collect();
        let text = stored.to_string();
        if text.len() > self.limits.answer_bytes_max {
            return Err(KeyRefusal::AnswerTooLarge(self.limits.answer_bytes_max));
        }
        Ok(KeptAnswer(text))
    }

    /// What stands against a unit with this key, where there is this under its name already.
    #[must_use]
    pub fn met(&self, fingerprint: &[u8], answer: KeptAnswer) -> KeyRefusal {
        if fingerprint == self.fingerprint {
            KeyRefusal::Done(answer)
        } else {
            KeyRefusal::OtherRequest
        }
    }

    /// Until when a unit that is done now is known, in milliseconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        let time = i64::try_from(self.limits.time.as_millis()).unwrap_or(i64::MAX);
        now().saturating_add(time)
    }
}

/// The time in milliseconds since 1970: what has expired before it is not known any more.
#[must_use]
pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

impl KeptAnswer {
    /// One whose text a store has kept.
    #[must_use]
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// What a store keeps.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What was stored by each write of which the answer tells, if anything. The types are those of
    /// these writes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a text that no unit of such writes has left.
    pub(crate) fn stored(
        &self,
        types: &[&ResourceType],
    ) -> Result<Vec<Option<Resource>>, StoreError> {
        let corrupt = || StoreError::Corrupt("what is kept under a key is damaged".to_owned());
        let kept: Vec<Option<(String, String)>> =
            serde_json::from_str(&self.0).map_err(|_| corrupt())?;
        if kept.len() != types.len() {
            return Err(corrupt());
        }
        let resource = |(kept, of): (Option<(String, String)>, &&ResourceType)| {
            let Some((id, text)) = kept else {
                return Ok(None);
            };
            let id: Id = of.id.parse(&id).map_err(|_| corrupt())?;
            Ok(Some(Resource { id, text }))
        };
        kept.into_iter().zip(types).map(resource).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn key(answer_bytes_max: usize) -> Key {
        Key {
            name: "k".to_owned(),
            fingerprint: [1; 32],
            answering: vec![2, 0],
            limits: KeyLimits {
                time: Duration::from_secs(1),
                answer_bytes_max,
                bytes_max: 1,
            },
        }
    }

    fn stored(number: i64) -> Resource {
        Resource {
            id: Id::Integer(number),
            text: format!(r#"{{"n":{number},"t":"\"\\"}}"#),
        }
    }

    #[test]
    fn what_is_kept_is_what_the_answering_writes_have_left() {
        let of = schema::parse("type: things\nid: integer\nattributes: {type: object}\n").unwrap();
        let written = [
            Written::Deleted,
            Written::Stored(stored(1)),
            Written::Stored(stored(2)),
        ];
        let kept = key(1000).answer(&written).unwrap();
        let kept = KeptAnswer::kept(kept.text().to_owned());
        assert_eq!(kept.stored(&[&of, &of]), Ok(vec![Some(stored(2)), None]));
        for types in [&[&of][..], &[&of, &of, &of]] {
            let damaged = kept.stored(types);
            assert!(
                matches!(damaged, Err(StoreError::Corrupt(_))),
                "{damaged:?}"
            );
        }
        let bytes = kept.text().len();
        assert!(key(bytes).answer(&written).is_ok());
        let refused = key(bytes - 1).answer(&written);
        assert_eq!(refused, Err(KeyRefusal::AnswerTooLarge(bytes - 1)));
    }

    #[test]
    fn the_same_key_is_known_by_its_fingerprint() {
        let kept = || KeptAnswer::kept("[]".to_owned());
        assert_eq!(key(9).met(&[1; 32], kept()), KeyRefusal::Done(kept()));
        assert_eq!(key(9).met(&[2; 32], kept()), KeyRefusal::OtherRequest);
    }
}
