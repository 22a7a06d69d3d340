//! Violations up to a bound.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::{VIOLATIONS_LISTED_MAX, Violation};

/// Violations that are counted; the search ends there.
const VIOLATIONS_COUNTED_MAX: usize = 10_000;

/// Violations up to the bound, and how many more there are.
#[derive(Default)]
pub(super) struct Listed {
    violations: BTreeSet<Violation>,
    more: usize,
}

impl Listed {
    pub(super) fn add(&mut self, violation: Violation) -> ControlFlow<()> {
        if self.violations.len() < VIOLATIONS_LISTED_MAX {
            self.violations.insert(violation);
            return ControlFlow::Continue(());
        }
        self.more += 1;
        if self.more + VIOLATIONS_LISTED_MAX < VIOLATIONS_COUNTED_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.violations.is_empty()
    }

    pub(super) fn into_violations(self) -> Vec<Violation> {
        let mut violations: Vec<_> = self.violations.into_iter().collect();
        if self.more > 0 {
            let more = self.more;
            let all_counted = more + VIOLATIONS_LISTED_MAX < VIOLATIONS_COUNTED_MAX;
            let least = if all_counted { "" } else { "at least " };
            violations.push(Violation {
                pointer: String::new(),
                keyword: String::new(),
                message: format!("and {least}{more} more"),
            });
        }
        violations
    }
}
