//! Page sizes in a definition file.

use serde::Deserialize;

use super::super::PageLimits;
use super::super::located_yaml::LocatedValue;
use super::mistake::{Mistake, mistake};

const PAGE_DEFAULT: u64 = 20;
const PAGE_MAXIMUM: u64 = 1000;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Page {
    default: Option<u64>,
    maximum: Option<u64>,
}

impl Page {
    /// A bound that is left out follows the other one.
    pub(super) fn limits(&self) -> PageLimits {
        let default = self
            .default
            .unwrap_or_else(|| PAGE_DEFAULT.min(self.maximum.unwrap_or(PAGE_DEFAULT)));
        let maximum = self.maximum.unwrap_or(PAGE_MAXIMUM.max(default));
        PageLimits { default, maximum }
    }

    /// A default above the maximum; `pointer` is where the page stands.
    pub(super) fn mistake(&self, pointer: &str, located: &LocatedValue) -> Option<Mistake> {
        let page = self.limits();
        (page.default > page.maximum).then(|| {
            let pointer = format!("{pointer}/default");
            let message = format!("is {} but the maximum is {}", page.default, page.maximum);
            mistake(located.position(&pointer), &pointer, message)
        })
    }
}
