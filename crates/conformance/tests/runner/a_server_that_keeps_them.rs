//! What the runner says of a server that keeps every obligation.

use conformance::{Outcome, World, check};

use crate::blog;
use crate::server::{Fault, start};

const WORLD: &str = include_str!("../../../../examples/conformance/blog.yaml");

#[test]
fn nothing_fails_and_everything_is_removed() {
    let (base, store) = start(Fault::None);
    let report = check(&base, &World::read(WORLD).unwrap(), &[]).unwrap();
    let failed: Vec<_> = report
        .rows
        .iter()
        .filter(|row| matches!(row.outcome, Outcome::Fail(_) | Outcome::Differs(_)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(!report.fails() && report.left.is_empty());
    assert_eq!(*store.lock().unwrap(), blog::store());
    println!("{}", report.to_table());
}
