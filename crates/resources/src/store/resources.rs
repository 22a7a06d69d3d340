//! Many resources in one piece of memory.

use crate::schema::Id;

/// Resources in an order, their texts one behind the other: a page of 500 is
/// two allocations, not a thousand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources {
    /// Each id, and where its text ends.
    entries: Vec<(Id, usize)>,
    text: String,
}

/// The value of a text that a store has given. It may be as deep as the store takes documents
/// (MongoDB: 180 levels), which is deeper than what comes from outside may be.
///
/// # Errors
/// When the text is no JSON.
pub fn stored_value<'a, T: serde::Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// One of [`Resources`]; the members are those of [`super::Resource`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResourceRef<'a> {
    /// Its id.
    pub id: &'a Id,
    /// The text of a JSON object, without the id.
    pub text: &'a str,
}

impl Resources {
    /// Ids, each with the end of its text in `text`.
    #[must_use]
    pub fn new(entries: Vec<(Id, usize)>, text: String) -> Self {
        Self { entries, text }
    }

    /// Adds a resource at the end.
    pub fn push(&mut self, id: Id, text: &str) {
        self.text.push_str(text);
        self.entries.push((id, self.text.len()));
    }

    /// Leaves the first ones and forgets the others.
    pub fn truncate(&mut self, count: usize) {
        self.entries.truncate(count);
        self.text.truncate(self.bytes());
    }

    /// Forgets the first one.
    pub fn remove_first(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        let (_, removed) = self.entries.remove(0);
        self.text.drain(..removed);
        for (_, end) in &mut self.entries {
            *end -= removed;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The size of all texts, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries.last().map_or(0, |(_, end)| *end)
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> Option<ResourceRef<'_>> {
        self.iter().next_back()
    }

    /// All of them in their order.
    #[must_use = "an iterator does nothing by itself"]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = ResourceRef<'_>> {
        (0..self.entries.len()).map(|position| {
            let start = match position {
                0 => 0,
                after => self.entries[after - 1].1,
            };
            let (id, end) = &self.entries[position];
            ResourceRef {
                id,
                text: &self.text[start..*end],
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_three() -> Resources {
        let mut resources = Resources::default();
        for number in 1..=3 {
            resources.push(Id::Integer(number), &format!("{{\"n\":{number}}}"));
        }
        resources
    }

    #[test]
    fn every_resource_keeps_its_own_text() {
        let resources = of_three();
        let all: Vec<_> = resources
            .iter()
            .map(|one| (one.id.to_string(), one.text))
            .collect();
        let expected = [
            ("1", r#"{"n":1}"#),
            ("2", r#"{"n":2}"#),
            ("3", r#"{"n":3}"#),
        ];
        assert_eq!(all, expected.map(|(id, text)| (id.to_owned(), text)));
        assert_eq!((resources.len(), resources.bytes()), (3, 21));
    }

    #[test]
    fn what_is_cut_off_leaves_nothing_behind() {
        let mut resources = of_three();
        resources.truncate(1);
        resources.push(Id::Integer(9), "{}");
        assert_eq!(resources.last().unwrap().text, "{}");
        assert_eq!((resources.len(), resources.bytes()), (2, 9));
        resources.truncate(0);
        assert_eq!(resources, Resources::default());
    }

    #[test]
    fn without_the_first_the_others_stay_as_they_are() {
        let (mut resources, mut expected) = (of_three(), Resources::default());
        resources.remove_first();
        for one in of_three().iter().skip(1) {
            expected.push(one.id.clone(), one.text);
        }
        assert_eq!(resources, expected);
    }
}
