//! That the book of the load sees what it is there to see.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use resources::schema::Id;

use super::{Book, Change, Kind, Said, Shown, shown};

/// A document that was inserted by unit 0 and then replaced by others, with these answers.
fn book(answers: &[Option<Said>]) -> Book {
    let mut book = Book::default();
    let number = book.new_document(Kind::Thing);
    for answer in answers {
        let change = match book.count(Said::Done) {
            0 => Change::Insert(number),
            _ => Change::Replace(number),
        };
        let unit = book.begin(&[change]);
        if let Some(said) = answer {
            book.end(unit, *said);
        }
    }
    book
}

/// Whether a book passes what a collection shows: for each document its number and unit.
fn passes(book: &Book, documents: &[(usize, usize)]) -> bool {
    let text = |number, unit| format!("{{\"number\":{number},\"unit\":{unit}}}");
    let of = |(number, unit): &(usize, usize)| shown(&Id::Integer(1), &text(*number, *unit));
    let there: HashMap<usize, Shown> = documents.iter().map(of).collect();
    let check = || {
        book.check_all(&[Kind::Thing], &there, book.now());
        book.check_units(&there);
    };
    catch_unwind(AssertUnwindSafe(check)).is_ok()
}

#[test]
fn only_what_was_done_last_or_may_have_been_done_later_passes() {
    use Said::{Done, NotDone, Unknown};
    for (answers, passing) in [
        (&[Some(Done)][..], &[Some(0)][..]),
        (&[Some(NotDone)], &[None]),
        (&[Some(Unknown)], &[None, Some(0)]),
        // Still on its way.
        (&[None], &[None, Some(0)]),
        (&[Some(Done), Some(Done)], &[Some(1)]),
        (&[Some(Done), Some(NotDone)], &[Some(0)]),
        (&[Some(Done), Some(Unknown)], &[Some(0), Some(1)]),
        (&[Some(Done), None], &[Some(0), Some(1)]),
        // Late: another was acknowledged after it.
        (&[Some(Done), Some(Unknown), Some(Done)], &[Some(2)]),
    ] {
        let book = book(answers);
        for unit in [None, Some(0), Some(1), Some(2), Some(3)] {
            let there: Vec<_> = unit.iter().map(|unit| (0, *unit)).collect();
            let expected = passing.contains(&unit);
            assert_eq!(passes(&book, &there), expected, "{answers:?} {unit:?}");
        }
    }
}

#[test]
fn what_nobody_sent_and_half_of_a_unit_do_not_pass() {
    let mut book = book(&[Some(Said::Done)]);
    assert!(!passes(&book, &[(0, 0), (1, 0)]));
    let pair = [(); 2].map(|()| book.new_document(Kind::Thing));
    let unit = book.begin(&pair.map(Change::Insert));
    book.end(unit, Said::Unknown);
    assert!(passes(&book, &[(0, 0)]));
    assert!(passes(&book, &[(0, 0), (1, 1), (2, 1)]));
    assert!(!passes(&book, &[(0, 0), (1, 1)]));
}

#[test]
fn a_reader_may_see_what_was_there_when_it_began() {
    let mut book = book(&[Some(Said::Done)]);
    let since = book.now();
    let deletion = book.begin(&[Change::Delete(0)]);
    book.end(deletion, Said::Done);
    assert_eq!(book.size(Kind::Thing, since), 0..=1);
    assert_eq!(book.size(Kind::Thing, book.now()), 0..=0);
    let (number, there) = shown(&Id::Integer(1), r#"{"number":0,"unit":0}"#);
    book.check(number, Some(&there), since);
    assert!(!passes(&book, &[(0, 0)]));
}

#[test]
fn a_link_that_is_lost_doubled_or_stays_does_not_pass() {
    let mut book = book(&[Some(Said::Done)]);
    for said in [Said::Done, Said::Unknown] {
        let unit = book.begin(&[Change::Link {
            document: 0,
            writer: 3,
        }]);
        book.end(unit, said);
    }
    assert_eq!(book.linked(0, 3), [1, 2]);
    for (links, is_right) in [
        ("103", true),
        ("203", true),
        ("", false),
        ("303", false),
        ("104", false),
        ("103,203", false),
        ("103,103", false),
    ] {
        let text = format!("{{\"number\":0,\"unit\":0,\"links\":[{links}]}}");
        let check = || {
            let (number, there) = shown(&Id::Integer(1), &text);
            book.check(number, Some(&there), book.now());
        };
        let passes = catch_unwind(AssertUnwindSafe(check)).is_ok();
        assert_eq!(passes, is_right, "{links}");
    }
}
