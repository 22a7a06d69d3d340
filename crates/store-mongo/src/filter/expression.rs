//! Filters as expressions of an aggregation, which hold exactly where [`Filter::matches`] does.
//!
//! Expressions take a value as it is, while MongoDB's queries look into arrays on the way and take
//! absent members for null. They compare values of all kinds, so that each comparison asks for the
//! kind first.

use mongodb::bson::{Bson, doc};
use resources::query::{Comparison, Filter, MemberPath, Scalar, Test};
use resources::schema::{Id, Stored};

use super::text;
use crate::joins::Joins;
use crate::subject::Subject;
use crate::{ids, kinds, scalar};

/// The types of BSON that are numbers of JSON, unless they are doubles that are not finite.
const NUMBERS: [&str; 3] = ["int", "long", "double"];

/// Whether the filter holds for the subject. What related resources it needs is added to `joins`.
pub(crate) fn holds(filter: &Filter, subject: &Subject, joins: &mut Joins) -> Bson {
    let mut all = |filters: &[Filter]| -> Vec<Bson> {
        let each = filters.iter().map(|filter| holds(filter, subject, joins));
        each.collect()
    };
    match filter {
        Filter::Everything => true.into(),
        Filter::All(filters) => doc! { "$and": all(filters) }.into(),
        Filter::Any(filters) => doc! { "$or": all(filters) }.into(),
        Filter::Not(filter) => doc! { "$not": [holds(filter, subject, joins)] }.into(),
        Filter::Ids(ids) => match subject.id() {
            Some(id) => is_one_of(id, ids),
            None => false.into(),
        },
        Filter::Member {
            path,
            test: Test::Missing,
        } => subject.lacks(path),
        Filter::Member {
            path,
            test: Test::Null,
        } => {
            let is_null = has_type(&subject.value(path), &["null"]);
            doc! { "$and": [is_null, { "$not": [subject.lacks(path)] }] }.into()
        }
        Filter::Member { path, test } => {
            let test = passes(test, path, subject, joins);
            doc! { "$let": { "vars": { "value": subject.value(path) }, "in": test } }.into()
        }
        Filter::Related {
            relationship,
            filter,
        } => joins.has_related(subject, relationship, filter),
        Filter::Count {
            relationship,
            comparison,
            number,
        } => {
            let count = match relationship.own_member() {
                Some(member) => doc! { "$size": array(&subject.field(member)) }.into(),
                None => joins.count(subject, relationship, *number),
            };
            compare(*comparison, count, counted(*number))
        }
    }
}

/// Whether a value passes a test. One that is missing passes as null does.
fn passes(test: &Test, path: &MemberPath, subject: &Subject, joins: &mut Joins) -> Bson {
    let value = Bson::from("$$value");
    match test {
        Test::Missing | Test::Null => has_type(&value, &["null"]),
        Test::Compare(_, scalar) if !path.compares_with(scalar) => false.into(),
        Test::Compare(comparison, scalar) => compare_scalar(*comparison, value, scalar),
        Test::OneOf(scalars) => equals_one(&value, path, scalars),
        Test::Text { .. } if path.stored.is_some() => false.into(),
        Test::Text {
            relation,
            ignores_case,
            text,
        } => {
            let pattern = text::pattern(*relation, *ignores_case, text);
            let regex = pattern.unwrap_or_else(|| joins.refuse("a text of the filter is too long"));
            // Of anything but texts and null the operator makes an error.
            let input = doc! { "$cond": [has_type(&value, &["string"]), value, Bson::Null] };
            doc! { "$regexMatch": { "input": input, "regex": literal(regex) } }.into()
        }
        Test::Size(comparison, size) => {
            let size = compare(
                *comparison,
                doc! { "$size": array(&value) }.into(),
                counted(*size),
            );
            doc! { "$and": [is_array(&value), size] }.into()
        }
        Test::AnyElement(scalars) => any_element(&value, subject, |element, _| {
            equals_one(&element, path, scalars)
        }),
        Test::AnyObject(filter) => any_element(&value, subject, |element, subject| {
            let holds = holds(filter, subject, joins);
            // What is declared is no object, though JSON has no type for it.
            let types = path.stored.map_or(&[][..], kinds::types);
            let is_other = has_type(&element, types);
            doc! { "$and": [{ "$not": [is_other] }, is_object(&element), holds] }.into()
        }),
        Test::Links(ids) => {
            let common = doc! { "$setIntersection": [array(&value), list(ids)] };
            let has_one = doc! { "$gt": [{ "$size": common }, 0] };
            doc! { "$or": [is_one_of(value, ids), has_one] }.into()
        }
    }
}

fn any_element(value: &Bson, subject: &Subject, test: impl FnOnce(Bson, &Subject) -> Bson) -> Bson {
    let (name, element) = subject.element();
    let test = test(format!("$${name}").into(), &element);
    let tests = doc! { "$map": { "input": array(value), "as": name, "in": test } };
    doc! { "$anyElementTrue": [tests] }.into()
}

fn compare_scalar(comparison: Comparison, value: Bson, scalar: &Scalar) -> Bson {
    let types: &[&str] = match scalar {
        Scalar::Boolean(_) => &["bool"],
        Scalar::Number(_) => &NUMBERS,
        Scalar::Text(_) => &["string"],
        Scalar::Stored(stored, _) => kinds::types(*stored),
    };
    let mut all = vec![has_type(&value, types)];
    if matches!(scalar, Scalar::Number(_)) && comparison != Comparison::Equal {
        // What is not finite is no number of JSON. NaN is less than all numbers.
        let (lowest, highest) = (f64::NEG_INFINITY, f64::INFINITY);
        all.push(doc! { "$gt": [value.clone(), lowest] }.into());
        all.push(doc! { "$lt": [value.clone(), highest] }.into());
    }
    if let Scalar::Stored(Stored::Decimal, _) = scalar {
        all.push(is_finite(&value));
    }
    let (comparison, scalar) = scalar::comparable(comparison, scalar);
    all.push(compare(comparison, value, literal(scalar)));
    doc! { "$and": all }.into()
}

/// Whether a decimal number is neither infinite nor NaN, which is less than all others.
fn is_finite(value: &Bson) -> Bson {
    let bound = |text: &str| text.parse().map_or(Bson::Null, Bson::Decimal128);
    let (lowest, highest) = (bound("-Infinity"), bound("Infinity"));
    let above = doc! { "$gt": [value.clone(), literal(lowest)] };
    doc! { "$and": [above, { "$lt": [value.clone(), literal(highest)] }] }.into()
}

fn equals_one(value: &Bson, path: &MemberPath, scalars: &[Scalar]) -> Bson {
    let mut types = [&NUMBERS[..], &["bool"]].concat();
    types.extend(path.stored.map_or(&["string"][..], kinds::types));
    let scalars = scalars.iter().filter(|scalar| path.compares_with(scalar));
    let scalars: Vec<Bson> = scalars.filter_map(scalar::equal).collect();
    let is_one = doc! { "$in": [value.clone(), literal(scalars)] };
    doc! { "$and": [has_type(value, &types), is_one] }.into()
}

/// Whether a value is what JSON has as an object: a document, or of a type that JSON has not.
pub(crate) fn is_object(value: &Bson) -> Bson {
    const OTHERS: [&str; 7] = ["null", "bool", "int", "long", "double", "string", "array"];
    let is_other = has_type(value, &OTHERS);
    let infinite = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Bson::from);
    let is_infinite = doc! { "$in": [value.clone(), literal(infinite.to_vec())] };
    doc! { "$or": [{ "$not": [is_other] }, is_infinite] }.into()
}

pub(crate) fn has_type(value: &Bson, types: &[&str]) -> Bson {
    let kind = doc! { "$type": value.clone() };
    match types {
        [only] => doc! { "$eq": [kind, *only] }.into(),
        several => doc! { "$in": [kind, several.to_vec()] }.into(),
    }
}

pub(crate) fn is_array(value: &Bson) -> Bson {
    doc! { "$isArray": [value.clone()] }.into()
}

/// The value if it is an array, else an empty one.
fn array(value: &Bson) -> Bson {
    doc! { "$cond": [is_array(value), value.clone(), []] }.into()
}

fn is_one_of(value: Bson, ids: &[Id]) -> Bson {
    doc! { "$in": [value, list(ids)] }.into()
}

fn list(ids: &[Id]) -> Bson {
    literal(ids.iter().map(ids::to_bson).collect::<Vec<_>>())
}

/// A value that is not taken for an expression, whatever it looks like.
pub(crate) fn literal(value: impl Into<Bson>) -> Bson {
    doc! { "$literal": value.into() }.into()
}

fn compare(comparison: Comparison, left: Bson, right: Bson) -> Bson {
    doc! { operator(comparison): [left, right] }.into()
}

/// By the same name in queries and in expressions.
pub(crate) fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "$eq",
        Comparison::Less => "$lt",
        Comparison::LessOrEqual => "$lte",
        Comparison::Greater => "$gt",
        Comparison::GreaterOrEqual => "$gte",
    }
}

/// No document has so many elements.
fn counted(number: u64) -> Bson {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}
