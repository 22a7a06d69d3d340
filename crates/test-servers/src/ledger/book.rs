//! What each unit changed and what was said of it, and so what a store may show.
//!
//! A document has its number and that of the unit that wrote it last; its counters have those of
//! the units that set them. So whatever is shown names the write that it comes from.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use resources::schema::{Attributes, Id};
use serde_json::Value;

use super::documents::{Change, Kind, Said};

/// Something that one writer at a time changes: a document, or a counter in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Cell {
    document: usize,
    /// That of a link is beyond those of all counters.
    counter: Option<usize>,
}

/// The cell of a writer's link.
const LINKS: usize = 1000;

/// A link has the unit and the writer.
const UNITS: usize = 100;

/// The number of the unit that filled a cell; none fills a cell that is not there.
type Content = Option<usize>;

#[derive(Debug)]
struct Unit {
    changes: Vec<(Cell, Content)>,
    /// With the moment; `None` while it is on its way.
    said: Option<(Said, Moment)>,
}

/// Rises with each answer.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(usize);

/// A document as the store shows it.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) id: Id,
    cells: HashMap<Cell, usize>,
}

/// Everything that was ever sent.
#[derive(Debug, Default)]
pub(super) struct Book {
    documents: Vec<(Kind, Option<Id>)>,
    units: Vec<Unit>,
    /// The units that changed each cell, in the order in which they were sent.
    cells: BTreeMap<Cell, Vec<usize>>,
    now: Moment,
}

impl Cell {
    fn changed_by(change: Change) -> Self {
        let (document, counter) = match change {
            Change::Insert(document) | Change::Replace(document) | Change::Delete(document) => {
                (document, None)
            }
            Change::Count { document, writer } => (document, Some(writer)),
            Change::Link { document, writer } => (document, Some(LINKS + writer)),
        };
        Self { document, counter }
    }
}

pub(super) fn counter_name(writer: usize) -> String {
    format!("counter{writer}")
}

/// What a document is linked to by a unit of a writer.
pub(super) fn link(unit: usize, writer: usize) -> usize {
    unit * UNITS + writer
}

/// The number of a document and what it shows.
pub(super) fn shown(id: &Id, attributes: &str) -> (usize, Shown) {
    let attributes: Attributes = serde_json::from_str(attributes).unwrap();
    let number = |name: &str| {
        let number = attributes.get(name).and_then(Value::as_u64);
        usize::try_from(number.unwrap_or_else(|| panic!("no {name}: {attributes:?}"))).unwrap()
    };
    let document = number("number");
    let mut cells = HashMap::new();
    for linked in attributes
        .get("links")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let linked = usize::try_from(linked.as_u64().expect("a number")).unwrap();
        let counter = Some(LINKS + linked % UNITS);
        let before = cells.insert(Cell { document, counter }, linked / UNITS);
        assert_eq!(before, None, "a link is doubled or stays: {attributes:?}");
    }
    let is_number = |name: &&String| !["number", "links"].contains(&name.as_str());
    for name in attributes.keys().filter(is_number) {
        let counter = name.strip_prefix("counter").map(|n| n.parse().unwrap());
        assert!(counter.is_some() || name == "unit", "{attributes:?}");
        cells.insert(Cell { document, counter }, number(name));
    }
    let id = id.clone();
    (document, Shown { id, cells })
}

impl Book {
    pub(super) fn new_document(&mut self, kind: Kind) -> usize {
        self.documents.push((kind, None));
        self.documents.len() - 1
    }

    pub(super) fn document(&self, number: usize) -> (Kind, Option<Id>) {
        self.documents[number].clone()
    }

    pub(super) fn documents(&self) -> usize {
        self.documents.len()
    }

    pub(super) fn has_id(&mut self, number: usize, id: &Id) {
        self.documents[number].1 = Some(id.clone());
    }

    pub(super) fn now(&self) -> Moment {
        self.now
    }

    /// The unit that wrote a document as a whole last, unless it is unknown which one that is.
    pub(super) fn written_by(&self, document: usize) -> Option<usize> {
        let cell = Cell {
            document,
            counter: None,
        };
        let mut sent = self.cells.get(&cell)?.iter().rev().copied();
        let said = |unit: &usize| self.units[*unit].said.map(|(said, _)| said);
        let last = sent.find(|unit| said(unit) != Some(Said::NotDone))?;
        (said(&last) == Some(Said::Done)).then_some(last)
    }

    /// The units to which a writer may have linked a document.
    pub(super) fn linked(&self, document: usize, writer: usize) -> Vec<usize> {
        let cell = Cell::changed_by(Change::Link { document, writer });
        let is_sent = self.cells.contains_key(&cell);
        let linked = is_sent.then(|| self.allowed(cell, self.now));
        linked.into_iter().flatten().flatten().collect()
    }

    pub(super) fn count(&self, said: Said) -> usize {
        let answers = self.units.iter().filter_map(|unit| unit.said);
        answers.filter(|(it, _)| *it == said).count()
    }

    /// Notes a unit that is about to be sent.
    pub(super) fn begin(&mut self, changes: &[Change]) -> usize {
        let number = self.units.len();
        let content = |change| (!matches!(change, Change::Delete(_))).then_some(number);
        let changes = changes.iter();
        let changes: Vec<_> = changes
            .map(|change| (Cell::changed_by(*change), content(*change)))
            .collect();
        for (cell, _) in &changes {
            self.cells.entry(*cell).or_default().push(number);
        }
        let said = None;
        self.units.push(Unit { changes, said });
        number
    }

    pub(super) fn end(&mut self, unit: usize, said: Said) {
        self.now.0 += 1;
        self.units[unit].said = Some((said, self.now));
    }

    /// What a cell may hold for one who looks since a moment: what was done last before it, and
    /// all that has been sent after that and may have been done.
    fn allowed(&self, cell: Cell, since: Moment) -> Vec<Content> {
        let sent = &self.cells[&cell];
        let is_done = |unit: &usize| {
            let said = self.units[*unit].said;
            said.is_some_and(|(said, moment)| said == Said::Done && moment <= since)
        };
        let last_done = sent.iter().rposition(is_done);
        let later = &sent[last_done.unwrap_or(0)..];
        let possible = later.iter().filter(|unit| {
            let said = self.units[**unit].said;
            !matches!(said, Some((Said::NotDone, _)))
        });
        let mut allowed: Vec<_> = possible.map(|unit| self.left_by(*unit, cell)).collect();
        if last_done.is_none() {
            allowed.push(None);
        }
        allowed
    }

    fn left_by(&self, unit: usize, cell: Cell) -> Content {
        let mut changes = self.units[unit].changes.iter();
        let change = changes.find(|(changed, _)| *changed == cell);
        change.expect("it changed the cell").1
    }

    /// Fails if somebody who has looked since a moment must not see this of a document.
    pub(super) fn check(&self, number: usize, shown: Option<&Shown>, since: Moment) {
        let (first, last) = (None, Some(usize::MAX));
        let [first, last] = [first, last].map(|counter| Cell {
            document: number,
            counter,
        });
        let mut known = 0;
        for (cell, sent) in self.cells.range(first..=last) {
            let content = shown.and_then(|shown| shown.cells.get(cell).copied());
            known += usize::from(content.is_some());
            let allowed = self.allowed(*cell, since);
            assert!(
                allowed.contains(&content),
                "{cell:?} is of unit {content:?}, may be of {allowed:?}, sent were {sent:?}"
            );
        }
        let Some(shown) = shown else { return };
        assert_eq!(known, shown.cells.len(), "nobody wrote {shown:?}");
        if let (_, Some(id)) = &self.documents[number] {
            assert_eq!(*id, shown.id, "{number} is there under another id");
        }
    }

    /// The same for a whole collection, or everything.
    pub(super) fn check_all(&self, kinds: &[Kind], shown: &HashMap<usize, Shown>, since: Moment) {
        for (number, (kind, _)) in self.documents.iter().enumerate() {
            if kinds.contains(kind) {
                self.check(number, shown.get(&number), since);
            } else {
                assert!(!shown.contains_key(&number), "{number} is no {kinds:?}");
            }
        }
        let sent = 0..self.documents.len();
        let strange = shown.keys().find(|number| !sent.contains(number));
        assert_eq!(strange, None, "nobody sent it");
    }

    /// Fails if a unit is there in part, as far as nothing was written over it.
    pub(super) fn check_units(&self, shown: &HashMap<usize, Shown>) {
        for (number, unit) in self.units.iter().enumerate() {
            let is_last = |cell: &Cell| self.cells[cell].last() == Some(&number);
            let visible = unit.changes.iter().filter(|(cell, _)| is_last(cell));
            let done: Vec<bool> = visible
                .map(|(cell, content)| {
                    let shown = shown.get(&cell.document);
                    shown.and_then(|shown| shown.cells.get(cell).copied()) == *content
                })
                .collect();
            let half = done.contains(&true) && done.contains(&false);
            assert!(!half, "half of {number} is done: {unit:?}");
        }
    }

    /// How many documents a collection may have for one who looks since a moment.
    pub(super) fn size(&self, kind: Kind, since: Moment) -> RangeInclusive<u64> {
        let (mut least, mut most) = (0, 0);
        for (number, (it, _)) in self.documents.iter().enumerate() {
            let cell = Cell {
                document: number,
                counter: None,
            };
            if *it != kind || !self.cells.contains_key(&cell) {
                continue;
            }
            let allowed = self.allowed(cell, since);
            least += u64::from(!allowed.contains(&None));
            most += u64::from(allowed.iter().any(Option::is_some));
        }
        least..=most
    }
}

#[cfg(test)]
mod tests;
