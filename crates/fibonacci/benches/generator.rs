//! The generator against copying its own output, and against a big-integer library.
//!
//! All candidates take turns in every round, so that a neighbor on the machine disturbs them
//! alike. Printed are the median rate and the median of the per-round ratios to the copy.
//!
//! `cargo bench -p fibonacci --bench generator [-- COUNT ROUNDS FORM]`

#![expect(clippy::print_stdout, reason = "a benchmark reports to its reader")]
#![expect(clippy::cast_precision_loss, reason = "rates have three digits")]

use std::hint::black_box;
use std::time::Instant;

use fibonacci::generator::{Form, Sequence};
use num_bigint::BigUint;

/// What a connection gets at a time.
const FRAME_BYTES: usize = 256 << 10;
/// The library is too slow for larger lists.
const LIBRARY_COUNT_MAX: u64 = 10_000;

type Candidate<'a> = (String, Box<dyn FnMut() + 'a>);

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let counts = match words.first().and_then(|word| word.parse().ok()) {
        Some(count) => vec![count],
        None => vec![1_000, 10_000, 40_000],
    };
    let rounds = words
        .get(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(11);
    for count in counts {
        compare(count, rounds, words.get(2).map(String::as_str));
    }
}

fn compare(count: u64, rounds: usize, only: Option<&str>) {
    let text = text(count);
    let mut frame = vec![0_u8; FRAME_BYTES];
    let mut candidates: Vec<Candidate<'_>> = vec![(
        "copy of the text".into(),
        Box::new(|| {
            for part in text.chunks(FRAME_BYTES) {
                frame[..part.len()].copy_from_slice(part);
                black_box(&frame);
            }
        }),
    )];
    for form in Form::ALL.into_iter().filter(|form| form.is_available()) {
        let mut frame = vec![0_u8; FRAME_BYTES];
        candidates.push((
            form.to_string(),
            Box::new(move || generate(form, count, &mut frame)),
        ));
    }
    candidates.retain(|(name, _)| name.starts_with("copy") || only.is_none_or(|only| only == name));
    if only.is_none() && count <= LIBRARY_COUNT_MAX {
        candidates.push(("num-bigint".into(), Box::new(|| library(count))));
    }
    // Short lists are repeated until a round is long enough to be timed.
    let repeats = (20_000_000 / text.len()).max(1);
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); candidates.len()];
    for _ in 0..rounds {
        for ((name, run), seconds) in candidates.iter_mut().zip(&mut seconds) {
            let repeats = if name == "num-bigint" { 1 } else { repeats };
            let start = Instant::now();
            (0..repeats).for_each(|_| run());
            seconds.push(start.elapsed().as_secs_f64() / repeats as f64);
        }
    }
    println!("\ncount {count}, {} bytes, {rounds} rounds", text.len());
    println!("{:20} {:>8} {:>10}", "", "GB/s", "x copy");
    for ((name, _), own) in candidates.iter().zip(&seconds) {
        let rate = text.len() as f64 / median(own.clone()) / 1e9;
        let ratios = own
            .iter()
            .zip(&seconds[0])
            .map(|(own, copy)| copy / own)
            .collect();
        println!("{name:20} {rate:8.3} {:10.3}", median(ratios));
    }
}

fn text(count: u64) -> Vec<u8> {
    let digits_max = 1 + usize::try_from(count).expect("a count in memory") / 4;
    let mut text = vec![0; digits_max * usize::try_from(count).expect("a count in memory")];
    let used = Sequence::new(Form::best(), count).write(&mut text, count, b",");
    text.truncate(used);
    text
}

fn generate(form: Form, count: u64, frame: &mut [u8]) {
    let mut sequence = Sequence::new(form, count);
    let mut left = count;
    while left > 0 {
        let at_once = (frame.len() as u64 / (count / 4 + 2)).max(4) / 4 * 4;
        let at_once = at_once.min(left);
        sequence.write(frame, at_once, b",");
        black_box(&*frame);
        left -= at_once;
    }
}

fn library(count: u64) {
    let (mut older, mut newer) = (BigUint::ZERO, BigUint::from(1_u8));
    for _ in 0..count {
        black_box(older.to_string());
        let sum = &older + &newer;
        older = std::mem::replace(&mut newer, sum);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
