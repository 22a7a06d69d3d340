//! How long the text is, without making it.
//!
//! For `n >= 2`, `F(n)` has `floor(n * log10(phi) - log10(sqrt 5)) + 1` digits. That is exact in
//! real arithmetic: `F(n)` differs from `phi^n / sqrt 5` by less than 1/2 and is no power of ten
//! above `F(2)`, so no power of ten lies between the two.
//!
//! Here both logarithms are fixed-point numbers with 96 fraction bits, the first rounded down and
//! the second up, so `n * ALPHA - BETA` is too small by less than `(n + 1) / 2^96`. The floor is
//! therefore right wherever the fraction is below `1 - (n + 1) / 2^96`, which a test checks for
//! every `n` up to [`INDEX_LIMIT`]. The sum over many numbers is a floor sum, which the Euclidean
//! algorithm finds in `O(log n)` (Graham, Knuth and Patashnik, "Concrete Mathematics", 3.5).

/// The largest index for which the lengths have been proved exact.
pub(crate) const INDEX_LIMIT: u64 = 100_000_000;

/// `log10` of the golden ratio, times 2^96, rounded down.
const ALPHA: u128 = 0x3580_36c8_2451_b7f3_65d3_db23;
/// `log10` of the square root of five, times 2^96, rounded up.
const BETA: u128 = 0x5977_d95e_c10c_0219_dc1d_a995;
const FRACTION_BITS: u32 = 96;

/// The number of decimal digits of `F(n)`; one for zero.
pub(crate) fn digits(n: u64) -> u64 {
    debug_assert!(n <= INDEX_LIMIT);
    if n < 2 {
        return 1;
    }
    narrow((u128::from(n) * ALPHA - BETA) >> FRACTION_BITS) + 1
}

/// The digits of consecutive numbers, for one addition each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DigitCounts {
    n: u64,
    /// `n * ALPHA - BETA`, wrapped below `F(2)`.
    position: u128,
}

impl DigitCounts {
    /// Begins with those of `F(n)`.
    pub(crate) fn starting_at(n: u64) -> Self {
        let position = (u128::from(n) * ALPHA).wrapping_sub(BETA);
        Self { n, position }
    }

    /// The digits of the next number.
    #[inline]
    pub(crate) fn advance(&mut self) -> u64 {
        let counted = if self.n < 2 {
            0
        } else {
            narrow(self.position >> FRACTION_BITS)
        };
        self.n += 1;
        self.position = self.position.wrapping_add(ALPHA);
        counted + 1
    }
}

/// The digits of the first `count` numbers, `F(0)` to `F(count - 1)`, all together.
pub(crate) fn digits_of_first(count: u64) -> u64 {
    if count <= 2 {
        return count;
    }
    let terms = u128::from(count - 2);
    let floors = floor_sum(terms, 1 << FRACTION_BITS, ALPHA, 2 * ALPHA - BETA);
    2 + count - 2 + narrow(floors)
}

/// The sum of `floor((step * i + start) / modulus)` for `i` in `0..terms`.
fn floor_sum(mut terms: u128, mut modulus: u128, mut step: u128, mut start: u128) -> u128 {
    let mut sum = 0;
    loop {
        if step >= modulus {
            sum += terms * (terms - 1) / 2 * (step / modulus);
            step %= modulus;
        }
        if start >= modulus {
            sum += terms * (start / modulus);
            start %= modulus;
        }
        let top = step * terms + start;
        if top < modulus {
            return sum;
        }
        // Count the lattice points by columns instead of rows: the roles change sides.
        terms = top / modulus;
        start = top % modulus;
        (modulus, step) = (step, modulus);
    }
}

/// Lengths of lists up to [`INDEX_LIMIT`] stay below 2^51.
fn narrow(length: u128) -> u64 {
    u64::try_from(length).expect("a length below 2^64")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One addition a number in base 10^18; the number grows only by real carries.
    fn real_digit_counts(last: u64, mut check: impl FnMut(u64, u64)) {
        const BASE: u64 = 1_000_000_000_000_000_000;
        let (mut older, mut newer) = (vec![0_u64], vec![1_u64]);
        for n in 0..=last {
            let limbs = older.len() as u64;
            let top = older.last().expect("at least one limb");
            check(
                n,
                (limbs - 1) * 18 + u64::from(top.checked_ilog10().unwrap_or(0)) + 1,
            );
            let mut carry = 0;
            older.resize(newer.len(), 0);
            for (a, b) in older.iter_mut().zip(&newer) {
                let sum = *a + b + carry;
                carry = u64::from(sum >= BASE);
                *a = if sum >= BASE { sum - BASE } else { sum };
            }
            if carry == 1 {
                older.push(1);
            }
            std::mem::swap(&mut older, &mut newer);
        }
    }

    #[test]
    fn closed_form_equals_real_lengths_up_to_a_million() {
        let mut total = 0;
        real_digit_counts(if cfg!(miri) { 300 } else { 1_000_000 }, |n, real| {
            assert_eq!(digits(n), real, "digits of F({n})");
            assert_eq!(digits_of_first(n), total, "digits before F({n})");
            total += real;
        });
    }

    #[test]
    fn counting_on_equals_the_closed_form() {
        for start in 0..5 {
            let mut counts = DigitCounts::starting_at(start);
            assert!((start..1_000).all(|n| counts.advance() == digits(n)));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "too slow in an interpreter")]
    fn no_fraction_up_to_the_limit_is_within_the_error_of_the_next_integer() {
        let one = 1_u128 << FRACTION_BITS;
        let mut position = 2 * ALPHA - BETA;
        for n in 2..=u128::from(INDEX_LIMIT) {
            assert!(one - position % one > n + 1, "F({n}) is too close to call");
            position += ALPHA;
        }
    }
}
