//! Attributes that the server makes.

use serde::Deserialize;

/// The attributes that say when a resource was created and changed, where there are any: in RFC
/// 3339, in UTC, with milliseconds. Clients never set them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timestamps {
    /// Set when a resource is created.
    pub created_at: Option<String>,
    /// Set when a resource is created, and when anything about it changes.
    pub updated_at: Option<String>,
    /// How they are stored, if otherwise than as texts.
    pub stored: Option<TimestampsStored>,
}

/// How the attributes that the server makes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TimestampsStored {
    /// As dates: [`super::Stored::Date`].
    Date,
}

impl Timestamps {
    /// Whether there is no such attribute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }

    /// The names of the attributes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let both = [&self.created_at, &self.updated_at];
        both.into_iter().filter_map(Option::as_deref)
    }
}
