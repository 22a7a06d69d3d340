//! What SQLite would do for a list: <https://www.sqlite.org/eqp.html>.

use resources::query::{Filter, Query};
use resources::store::Plan;
use rusqlite::Connection;

use super::list::Listing;
use super::sql::Parameters;

impl Listing<'_> {
    /// The steps of the statement by which the page is found. What it costs at the worst is seen
    /// without bounds: a search behind one may be long.
    pub(super) fn explain(&self, connection: &Connection) -> rusqlite::Result<Plan> {
        // A statement that is not run does not notice that indexes were made since the last one.
        connection.query_one("SELECT count(*) FROM collections", [], |_| Ok(()))?;
        let steps = self.steps(connection, self.query)?;
        let unbounded = Query {
            after: None,
            before: None,
            ..self.query.clone()
        };
        let whole = self.steps(connection, &unbounded)?;
        let is_filtered = self.query.filter != Filter::Everything;
        Ok(Plan {
            text: serde_json::Value::from(steps).to_string(),
            is_costly: is_costly(&whole, is_filtered),
        })
    }

    fn steps(&self, connection: &Connection, query: &Query) -> rusqlite::Result<Vec<String>> {
        let mut parameters = Parameters::default();
        let page = self.page(&mut parameters, query);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {page}"))?;
        let steps = statement.query_map(parameters.values(), |row| row.get("detail"))?;
        steps.collect()
    }
}

/// A scan in the wanted order ends with the page, if every row is shown. To sort what an index
/// finds by equality is little; where it finds a range, or an index has begun to sort, it may not
/// be, and only the former counts.
fn is_costly(steps: &[String], is_filtered: bool) -> bool {
    let is_sorted = steps
        .iter()
        .any(|step| step == "USE TEMP B-TREE FOR ORDER BY");
    steps.iter().any(|step| {
        let mut words = step.split(' ');
        let (verb, row) = (words.next(), words.next().unwrap_or_default());
        let is_related = row
            .strip_prefix('r')
            .is_some_and(|number| number.parse::<usize>().is_ok());
        let is_range = step.contains(">?") || step.contains("<?");
        match verb {
            Some("SCAN") => is_related || (row == "o" && (is_filtered || is_sorted)),
            Some("SEARCH") => row == "o" && is_range && is_sorted,
            _ => false,
        }
    })
}
