//! A check that cannot fail is worth nothing: servers that break one obligation each, and that the
//! runner finds it.

mod atomic;
mod negotiation;
mod pages;
mod reading;
mod structure;
mod writing;

use conformance::{Outcome, Report, World, check};
use http::Method;
use serde_json::{Value, json};

use crate::a_server_that_keeps_them::WORLD;
use crate::blog::{Answered, Asked, Store};
use crate::server::{Fault, start};

/// Changes how a request is read.
fn reads(change: fn(&mut Asked)) -> Fault {
    Fault::Reads(change)
}

/// Changes an answer.
fn answers(change: fn(&Asked, &mut Answered)) -> Fault {
    Fault::Answers(change)
}

/// Changes the documents of successful answers.
fn shows(change: fn(&mut Value)) -> Fault {
    Fault::Shows(change)
}

/// Changes the first error of refusals.
fn refuses(change: fn(&mut Value)) -> Fault {
    Fault::Refuses(change)
}

/// Changes what is stored, after the answer.
fn stores(change: fn(&Asked, &Answered, &mut Store)) -> Fault {
    Fault::Stores(change)
}

/// Whether the report says that the server does not keep an obligation.
fn found(report: &Report, id: &str) -> bool {
    let mut rows = report.rows.iter().filter(|row| row.obligation.id == id);
    rows.any(|row| matches!(row.outcome, Outcome::Fail(_) | Outcome::Differs(_)))
}

/// Fails unless each of these faults is found under its id: by the check alone, or by what the
/// answers to all checks of its group show.
#[track_caller]
fn are_found(faults: &[(&str, Fault)]) {
    let world = World::read(WORLD).unwrap();
    let mut missed = Vec::new();
    for (id, fault) in faults {
        let group = id.split('-').next().unwrap();
        let judge = |name: &str| {
            let (base, _) = start(*fault);
            check(&base, &world, &[name.to_owned()]).unwrap()
        };
        if !found(&judge(id), id) && !found(&judge(group), id) {
            missed.push(id);
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// The first resource of the primary data.
fn first(document: &mut Value) -> Option<&mut Value> {
    match document.get_mut("data")? {
        Value::Array(items) => items.first_mut(),
        data if data.is_object() => Some(data),
        _ => None,
    }
}

/// Every resource of the primary data.
fn each(document: &mut Value, mut change: impl FnMut(&mut Value)) {
    match document.get_mut("data") {
        Some(Value::Array(items)) => items.iter_mut().for_each(change),
        Some(data) if data.is_object() => change(data),
        _ => {}
    }
}

/// Removes a member.
fn without(value: &mut Value, name: &str) {
    if let Some(object) = value.as_object_mut() {
        object.remove(name);
    }
}

/// Whether the path is that of a relationship, and the method this one.
fn links(asked: &Asked, method: &Method) -> bool {
    asked.method == *method && asked.path.contains("/relationships/")
}

/// Whether the body has this text.
fn says(asked: &Asked, text: &str) -> bool {
    String::from_utf8_lossy(&asked.body).contains(text)
}

/// Exchanges one status for another, for requests with this method.
fn exchange(asked: &Asked, answered: &mut Answered, method: &Method, from: u16, to: u16) {
    if asked.method == *method && answered.status == from {
        answered.status = to;
        if to == 204 {
            answered.document = Value::Null;
        }
        if from == 204 {
            answered.document = json!({"meta": {}});
        }
    }
}
