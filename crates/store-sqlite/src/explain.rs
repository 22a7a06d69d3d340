//! What SQLite would do for a list: <https://www.sqlite.org/eqp.html>.

use resources::query::Filter;
use resources::store::Plan;
use rusqlite::Connection;

use super::list::Listing;
use super::sql::Parameters;

impl Listing<'_> {
    /// The steps of the statement by which the page is found.
    pub(super) fn explain(&self, connection: &Connection) -> rusqlite::Result<Plan> {
        let mut parameters = Parameters::default();
        let page = self.page(&mut parameters);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {page}"))?;
        let steps = statement.query_map(parameters.values(), |row| row.get("detail"))?;
        let steps = steps.collect::<rusqlite::Result<Vec<String>>>()?;
        let is_filtered = self.query.filter != Filter::Everything;
        Ok(Plan {
            is_costly: steps.iter().any(|step| is_costly(step, is_filtered)),
            text: serde_json::Value::from(steps).to_string(),
        })
    }
}

/// A scan without a filter ends with the page; a sort that an index has begun sorts what is equal.
fn is_costly(step: &str, is_filtered: bool) -> bool {
    if step == "USE TEMP B-TREE FOR ORDER BY" {
        return true;
    }
    let row = step.strip_prefix("SCAN ").unwrap_or_default();
    let row = row.split(' ').next().unwrap_or_default();
    let is_related = row.starts_with('r') && row[1..].chars().all(|digit| digit.is_ascii_digit());
    is_related || (row == "o" && is_filtered)
}
