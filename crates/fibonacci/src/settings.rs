//! What an operator may choose, and what cannot be chosen.

use crate::generator::{Generator, UnavailableForm};
use crate::length::INDEX_LIMIT;
use crate::stream;

/// The bounds of the service. [`Settings::default`] suits a small machine on an open network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How far a list may reach: `from` plus `count` must not be above it. Default 100,000, whose
    /// text has about 1.04 GB. At most 100,000,000.
    pub count_max: u64,
    /// Lists that end at or below it are slices of one shared text made once, and numbers
    /// below it are looked up there. Default 10,000: 10.5 MB, ready in milliseconds. 0 means none.
    pub table_count_max: u64,
    /// The largest `n` of `/fibonacci/{n}`. Default 10,000,000, whose number has 2,089,877 digits.
    /// At most 100,000,000.
    pub index_max: u64,
    /// The bytes of memory that unfinished answers may hold together in this process. Default
    /// 268,435,456 (256 MiB).
    ///
    /// Each stream counts with its two frame buffers (192 KiB each, more where four numbers need
    /// more) and six bytes per digit of its largest number: about 510 KiB at the default
    /// `count_max`, whatever the length of its answer. A single large number counts with its
    /// digits. Slices of the shared table hold nothing of their own and count nothing. An answer
    /// that does not fit is refused with 503 and `Retry-After`.
    pub streaming_bytes_max: u64,
    /// How many large numbers may be computed at once, each on a thread of its own. As many as
    /// sixteen times that may wait; beyond it the answer is 503 with `Retry-After`. Default 2.
    pub computations_max: usize,
    /// Which form of the generator makes the text. Default [`Generator::Auto`], the fastest that
    /// this processor can run.
    pub generator: Generator,
    /// Whether `/` leads to the documentation page, as where nothing else is served. Default: true.
    pub at_root: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            count_max: 100_000,
            table_count_max: 10_000,
            index_max: 10_000_000,
            streaming_bytes_max: 256 << 20,
            computations_max: 2,
            generator: Generator::Auto,
            at_root: true,
        }
    }
}

/// Why a service cannot be built from its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The forced form of the generator needs instructions that this processor lacks.
    #[error("generator: {0}")]
    Generator(#[from] UnavailableForm),
    /// A bound is above what the lengths have been proved for.
    #[error("{setting} is {value}, above the largest possible value {limit}")]
    TooLarge {
        /// The name of the field.
        setting: &'static str,
        /// What was asked.
        value: u64,
        /// What is possible.
        limit: u64,
    },
    /// Not even one answer of the largest kind would fit.
    #[error(
        "streaming_bytes_max is {value}, but one answer within the other bounds may hold {needed}"
    )]
    StreamingTooSmall {
        /// What was asked.
        value: u64,
        /// The bytes that one largest answer holds.
        needed: u64,
    },
    /// Large numbers could never be computed.
    #[error("computations_max is 0, but must be at least 1")]
    NoComputations,
}

impl Settings {
    /// Refuses bounds under which the service could not keep its promises.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        for (setting, value) in [
            ("count_max", self.count_max),
            ("table_count_max", self.table_count_max),
            ("index_max", self.index_max),
        ] {
            if value > INDEX_LIMIT {
                return Err(SettingsError::TooLarge {
                    setting,
                    value,
                    limit: INDEX_LIMIT,
                });
            }
        }
        if self.computations_max == 0 {
            return Err(SettingsError::NoComputations);
        }
        let needed = stream::memory_of_largest(self.count_max, self.index_max);
        if self.streaming_bytes_max < needed {
            let value = self.streaming_bytes_max;
            return Err(SettingsError::StreamingTooSmall { value, needed });
        }
        Ok(())
    }
}
