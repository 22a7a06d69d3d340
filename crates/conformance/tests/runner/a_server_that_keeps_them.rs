//! What the runner says of a server that keeps every obligation.

use conformance::{Outcome, World, check};

use crate::blog;
use crate::server::{Fault, start};

/// The example world.
pub(crate) const WORLD: &str = include_str!("../../../../examples/conformance/blog.yaml");

/// What this server gives nobody the chance to judge.
const UNJUDGED: [&str; 26] = [
    "DS-20", "DS-33", "IN-1", "QP-4", "QP-7", "CP-3", "RE-6", "CR-5", "CR-10", "CR-11", "CR-13",
    "CR-17", "UP-7", "UP-8", "UP-10", "UP-11", "UP-18", "UR-10", "UR-12", "DE-2", "EX-1", "EX-2",
    "EX-3", "EX-4", "EX-5", "AO-23",
];

#[test]
fn nothing_fails_and_everything_is_removed() {
    let (base, store) = start(Fault::None);
    let report = check(&base, &World::read(WORLD).unwrap(), &[]).unwrap();
    let rows = || report.rows.iter();
    let failed: Vec<_> = rows()
        .filter(|row| matches!(row.outcome, Outcome::Fail(_) | Outcome::Differs(_)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let unjudged = rows().filter(|row| matches!(row.outcome, Outcome::Unjudged(_)));
    let unjudged: Vec<&str> = unjudged.map(|row| row.obligation.id).collect();
    assert_eq!(unjudged, UNJUDGED);
    assert!(!report.fails() && report.left.is_empty());
    assert_eq!(*store.lock().unwrap(), blog::store());
}
