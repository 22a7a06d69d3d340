//! Ids of traces and spans: random, never all zeros.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use super::hex_byte;

macro_rules! id {
    ($(#[$doc:meta])+ $name:ident, $bytes:literal, $digits:literal) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The id as it goes over the wire.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Writes lower-case digits into `buffer`.
            pub(crate) fn hex<'a>(&self, buffer: &'a mut [u8; $digits]) -> &'a str {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                for (at, byte) in self.0.iter().enumerate() {
                    buffer[at * 2] = DIGITS[usize::from(byte >> 4)];
                    buffer[at * 2 + 1] = DIGITS[usize::from(byte & 15)];
                }
                std::str::from_utf8(buffer).unwrap_or_default()
            }

            /// Lower-case digits that are not all zeros.
            pub(super) fn parse(digits: &[u8]) -> Option<Self> {
                let mut bytes = [0; $bytes];
                if digits.len() != $digits {
                    return None;
                }
                for (byte, digits) in bytes.iter_mut().zip(digits.chunks(2)) {
                    *byte = hex_byte(digits)?;
                }
                (bytes != [0; $bytes]).then_some(Self(bytes))
            }
        }
    };
}

id! {
    /// The id of a trace.
    TraceId, 16, 32
}

id! {
    /// The id of a span.
    SpanId, 8, 16
}

impl TraceId {
    pub(super) fn fresh() -> Self {
        let (high, low) = (random(), random());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        Self(bytes)
    }

    /// Its random part as a number, from which samplers of all languages decide alike.
    pub(crate) fn random_part(self) -> u64 {
        let [.., low] = self.0.as_chunks::<8>().0 else {
            return 0;
        };
        u64::from_be_bytes(*low) & ((1 << 56) - 1)
    }
}

impl SpanId {
    pub(crate) fn fresh() -> Self {
        Self(random().to_be_bytes())
    }
}

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(std::thread::current().id()));
}

/// Not 0. The kernel's own random bytes would cost more than all of the rest of a trace, and ids
/// are no secrets: this is `SplitMix64`, begun by each thread at a random place.
pub(crate) fn random() -> u64 {
    loop {
        let state = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        STATE.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = mixed ^ (mixed >> 31);
        if mixed != 0 {
            return mixed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_differ_across_threads() {
        let some = || (0..10_000).map(|_| TraceId::fresh()).collect::<Vec<_>>();
        let threads = [(); 4].map(|()| std::thread::spawn(some));
        let mut all = std::collections::HashSet::new();
        for thread in threads {
            all.extend(thread.join().unwrap());
        }
        assert_eq!(all.len(), 40_000);
    }
}
