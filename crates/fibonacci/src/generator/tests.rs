//! Every form that this machine can run, against additions of big integers.

use std::ops::Range;

use num_bigint::BigUint;
use proptest::prelude::*;

use super::choice::kernel;
use super::{Form, Generator, Sequence, UnavailableForm};

fn forms() -> impl Iterator<Item = Form> {
    Form::ALL.into_iter().filter(|form| form.is_available())
}

/// The first `count` numbers with a comma between.
fn expected(count: u64) -> Vec<u8> {
    let (mut older, mut newer) = (BigUint::ZERO, BigUint::from(1_u8));
    let mut text = Vec::new();
    for n in 0..count {
        if n > 0 {
            text.push(b',');
        }
        text.extend_from_slice(older.to_string().as_bytes());
        let sum = &older + &newer;
        older = std::mem::replace(&mut newer, sum);
    }
    text
}

#[test]
fn every_form_makes_the_first_numbers() {
    let count = if cfg!(miri) { 100 } else { 20_000 };
    let expected = expected(count);
    for form in forms() {
        let mut text = vec![0; expected.len()];
        assert_eq!(
            Sequence::new(form, count - 1).write(&mut text, count, b","),
            text.len()
        );
        // The texts are too long to be printed.
        assert!(text == expected, "{form}");
    }
}

#[test]
fn a_sequence_may_be_written_in_any_parts() {
    let expected = expected(300);
    for form in forms() {
        for part in 1..11 {
            let mut sequence = Sequence::new(form, 299);
            let mut text = vec![0; expected.len()];
            let mut at = 0;
            while sequence.next() < 300 {
                if at > 0 {
                    text[at] = b',';
                    at += 1;
                }
                at += sequence.write(&mut text[at..], part.min(300 - sequence.next()), b",");
            }
            assert!(text == expected, "{form} in parts of {part}");
        }
    }
}

#[test]
#[should_panic(expected = "beyond the promised last index")]
fn more_than_promised_is_refused() {
    Sequence::new(Form::best(), 9).write(&mut [0; 100], 11, b",");
}

/// Digits that meet the rare cases: runs of nines and zeros, words that add to all nines.
fn digits(length: Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let runs = prop::collection::vec(
        (
            prop::sample::select(vec![b'0', b'9', b'4', b'5', b'1']),
            1..30_usize,
        ),
        1..40,
    );
    (runs, length).prop_map(|(runs, length)| {
        let mut digits: Vec<u8> = runs
            .iter()
            .cycle()
            .flat_map(|&(digit, times)| vec![digit; times])
            .take(length)
            .collect();
        digits[0] = b'1';
        digits
    })
}

/// A number that adds to nines almost everywhere.
fn complement(digits: &[u8], flips: &[usize]) -> Vec<u8> {
    let mut other: Vec<u8> = digits.iter().map(|digit| b'0' + b'9' - digit).collect();
    for flip in flips {
        let place = flip % other.len();
        other[place] = b'0' + (other[place] - b'0' + 1) % 10;
    }
    other
}

/// What a kernel writes for the next numbers, one to four, each at its place among other bytes.
fn check(form: Form, older: &[u8], newer: &[u8], numbers: usize, shift: usize) {
    let big = |digits: &[u8]| BigUint::parse_bytes(digits, 10).expect("digits");
    let (mut a, mut b) = (big(older), big(newer));
    let mut expected = vec![b'#'; shift];
    let mut slots = Vec::new();
    for _ in 0..numbers {
        let sum = &a + &b;
        let start = expected.len();
        expected.extend_from_slice(sum.to_string().as_bytes());
        slots.push(start..expected.len());
        expected.push(b'#');
        a = std::mem::replace(&mut b, sum);
    }
    let mut text = vec![b'#'; expected.len()];
    let digits_max = slots.last().map_or(0, ExactSizeIterator::len);
    let mut kernel = kernel(form, older, newer, digits_max);
    for slots in slots.chunks(kernel.stride()) {
        kernel.pass(&mut text, slots);
    }
    assert_eq!(
        String::from_utf8_lossy(&text),
        String::from_utf8_lossy(&expected),
        "{form}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 5 } else { 3_000 }))]

    #[test]
    fn sums_that_are_all_nines_are_exact(
        older in digits(2..700),
        flips in prop::collection::vec(any::<usize>(), 0..4),
        numbers in 1..9_usize,
        shift in 0..64_usize,
    ) {
        let newer = complement(&older, &flips);
        let trimmed: Vec<u8> = newer.iter().copied().skip_while(|digit| *digit == b'0').collect();
        let newer = if trimmed.is_empty() { vec![b'0'] } else { trimmed };
        for form in forms() {
            check(form, &newer, &older, numbers, shift);
        }
    }

    #[test]
    fn sums_of_any_digits_are_exact(
        older in "[1-9][0-9]{0,300}",
        longer in "[1-9][0-9]{0,2}",
        numbers in 1..9_usize,
        shift in 0..64_usize,
    ) {
        let newer = longer + &older;
        for form in forms() {
            check(form, older.as_bytes(), newer.as_bytes(), numbers, shift);
        }
    }
}

#[test]
fn every_length_around_the_edge_of_a_block_is_exact() {
    let lengths = (1..10)
        .chain(60..70)
        .chain(124..133)
        .chain(250..260)
        .chain(510..515);
    for length in lengths.take(if cfg!(miri) { 15 } else { usize::MAX }) {
        for (older, newer) in [
            (vec![b'9'; length], vec![b'9'; length]),
            (vec![b'1'], vec![b'9'; length]),
            (vec![b'4'; length], vec![b'5'; length]),
        ] {
            for form in forms() {
                for shift in 0..if cfg!(miri) { 2 } else { 65 } {
                    check(form, &older, &newer, 8, shift);
                }
            }
        }
    }
}

#[test]
fn a_setting_is_read_back_as_it_is_shown() {
    let forced = Form::ALL.into_iter().map(Generator::Forced);
    for generator in forced.chain([Generator::Auto]) {
        assert_eq!(generator.to_string().parse(), Ok(generator));
    }
    let unknown = "fastest"
        .parse::<Generator>()
        .expect_err("no such form")
        .to_string();
    assert!(
        unknown.contains("\"fastest\"") && unknown.contains("auto, portable"),
        "{unknown}"
    );
}

#[test]
fn a_form_that_cannot_run_is_refused_by_name() {
    for form in Form::ALL {
        let chosen = Generator::Forced(form).form();
        let expected = if form.is_available() {
            Ok(form)
        } else {
            Err(UnavailableForm(form))
        };
        assert_eq!(chosen, expected);
    }
    assert!(
        UnavailableForm(Form::Avx512)
            .to_string()
            .contains("cannot run avx512")
    );
}
