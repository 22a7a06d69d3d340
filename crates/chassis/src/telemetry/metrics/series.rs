//! Histograms that are found without making their labels.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use super::Histogram;

/// The histograms of one name, by what is known of them when they are needed: a key from a small
/// set and a text.
#[derive(Debug)]
pub(crate) struct Series<K>(RwLock<HashMap<K, HashMap<String, Arc<Histogram>>>>);

impl<K> Default for Series<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Hash + Eq> Series<K> {
    /// The histogram that is known, or the one that is made now.
    pub(crate) fn get(
        &self,
        key: K,
        text: &str,
        make: impl FnOnce() -> Arc<Histogram>,
    ) -> Arc<Histogram> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = known.get(&key).and_then(|of_key| of_key.get(text)) {
            return Arc::clone(histogram);
        }
        drop(known);
        let new = make();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let of_key = known.entry(key).or_default();
        Arc::clone(of_key.entry(text.to_owned()).or_insert(new))
    }
}
