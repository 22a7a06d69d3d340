//! Single large numbers by fast doubling.

mod computations;

use std::sync::atomic::{AtomicBool, Ordering};

use dashu_int::UBig;

pub(crate) use computations::{Computations, Failure};

/// The digits of `F(n)` and `F(n + 1)`, or None once `abandoned` is set.
///
/// `F(2k) = F(k) (2 F(k+1) - F(k))` and `F(2k+1) = F(k)^2 + F(k+1)^2` (Dijkstra, EWD 654), from
/// the top bit of `n` down: `log2 n` steps, the last of which costs half of the whole. Decimal
/// conversion divides and conquers.
pub(crate) fn neighbors(n: u64, abandoned: &AtomicBool) -> Option<(Vec<u8>, Vec<u8>)> {
    let (first, second) = doubled(n, abandoned)?;
    Some((
        first.to_string().into_bytes(),
        second.to_string().into_bytes(),
    ))
}

/// The digits of `F(n)`, or None once `abandoned` is set.
pub(crate) fn number(n: u64, abandoned: &AtomicBool) -> Option<Vec<u8>> {
    let (first, _) = doubled(n, abandoned)?;
    if abandoned.load(Ordering::Relaxed) {
        return None;
    }
    Some(first.to_string().into_bytes())
}

fn doubled(n: u64, abandoned: &AtomicBool) -> Option<(UBig, UBig)> {
    let (mut first, mut second) = (UBig::ZERO, UBig::ONE);
    for bit in (0..u64::BITS - n.leading_zeros()).rev() {
        if abandoned.load(Ordering::Relaxed) {
            return None;
        }
        let even = &first * ((&second << 1) - &first);
        let odd = first.sqr() + second.sqr();
        (first, second) = if n >> bit & 1 == 0 {
            (even, odd)
        } else {
            let next = &even + &odd;
            (odd, next)
        };
    }
    Some((first, second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    #[test]
    fn doubling_equals_adding() {
        let still_wanted = AtomicBool::new(false);
        let (mut older, mut newer) = (BigUint::ZERO, BigUint::from(1_u8));
        for n in 0..if cfg!(miri) { 20 } else { 1_500 } {
            let expected = (
                older.to_string().into_bytes(),
                newer.to_string().into_bytes(),
            );
            assert_eq!(number(n, &still_wanted).as_ref(), Some(&expected.0));
            assert_eq!(neighbors(n, &still_wanted), Some(expected), "n = {n}");
            let sum = &older + &newer;
            older = std::mem::replace(&mut newer, sum);
        }
    }

    #[test]
    fn an_abandoned_number_is_not_computed() {
        assert_eq!(number(10_000_000, &AtomicBool::new(true)), None);
    }
}
