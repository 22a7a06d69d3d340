//! What the world file says is what is demanded.

use conformance::{Outcome, Report, World, check};

use crate::a_server_that_keeps_them::WORLD;
use crate::blog;
use crate::server::{Fault, start};

/// Judges the server that keeps everything by another world.
fn judge(world: &str, names: &[&str]) -> Report {
    let (base, store) = start(Fault::None);
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let report = check(&base, &World::read(world).unwrap(), &names).unwrap();
    assert_eq!(*store.lock().unwrap(), blog::store());
    report
}

fn failed(report: &Report) -> Vec<&str> {
    let rows = report.rows.iter();
    let rows = rows.filter(|row| matches!(row.outcome, Outcome::Fail(_)));
    rows.map(|row| row.obligation.id).collect()
}

#[test]
fn what_the_world_claims_and_the_server_does_not_do_is_a_failure() {
    let main = "strings: [title, body]";
    for (from, to, names) in [
        ("writes: true", "include: false", &["IN-1"][..]),
        (
            main,
            "strings: [title, body]\n    readOnly: [body]",
            &["UP-11"],
        ),
        (
            main,
            "strings: [title, body]\n    readOnly: [tags]",
            &["UR-13"],
        ),
        (
            main,
            "strings: [title, body]\n    clientId: '4711'",
            &["CR-10", "CR-13"],
        ),
        (
            "sort: [title, views]",
            "sort: [unknown]",
            &["SO-1", "SO-3", "SO-5"],
        ),
        (
            "{name: author, target: people}",
            "{name: author, target: tags}",
            &["FL-3"],
        ),
        (
            "name: tags, target: tags, many: true",
            "name: tags, target: tags",
            &["DS-23"],
        ),
    ] {
        assert!(WORLD.contains(from), "{from}");
        let world = WORLD.replacen(from, to, 1);
        assert_eq!(failed(&judge(&world, names)), names, "{to}");
    }
    let refused = WORLD.replacen(main, "strings: [title, body]\n    readOnly: [comments]", 1);
    assert!(failed(&judge(&refused, &["UR-13"])).is_empty());
}

#[test]
fn without_writes_nothing_is_sent_that_could_write() {
    let counts = Fault::Stores(|asked, _, store| {
        if !matches!(asked.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "BREW") {
            store.clear();
        }
    });
    let (base, store) = start(counts);
    let world = WORLD.replacen("writes: true", "writes: false", 1);
    let report = check(&base, &World::read(&world).unwrap(), &[]).unwrap();
    assert_eq!(failed(&report), [""; 0]);
    assert_eq!(*store.lock().unwrap(), blog::store());
}

#[test]
fn a_server_below_a_path_is_checked_there() {
    let (base, _) = start(Fault::Reads(|asked| {
        asked.path = asked.path.replacen("/api/v1", "", 1);
    }));
    let world = World::read(WORLD).unwrap();
    let report = check(&format!("{base}/api/v1/"), &world, &["FR-5".to_owned()]).unwrap();
    assert!(failed(&report).is_empty() && report.rows[0].outcome == Outcome::Pass);
}
