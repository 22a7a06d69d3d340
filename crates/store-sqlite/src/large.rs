//! Changes of large resources. All writers wait for the one thread that writes, so it decides
//! nothing large: it gives the unit back with the current text of the resource. The change is
//! decided on another thread, and the unit is tried again with the decision, which is used only if
//! the text is still the same.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use resources::schema::Id;
use resources::store::{StoreError, Unit, WriteError, WriteFailure, Written, admit};
use resources::work;
use tokio::sync::Mutex;

use super::unit::{Decision, Decisions, Undone};
use super::writer::Writer;

/// Tries for each large write of a unit, if others change its resource each time.
const TRIES_MAX: usize = 16;

/// So many resources can be changed by large writes at a time.
const TURNS: usize = 64;

/// Large changes of one resource take turns: each would be in vain while another is decided.
pub(super) struct Turns(Vec<Mutex<()>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..TURNS).map(|_| Mutex::default()).collect())
    }
}

impl Turns {
    fn of(&self, id: &Id) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let turn = hasher.finish() % self.0.len() as u64;
        // A remainder of a small number is small.
        &self.0[usize::try_from(turn).unwrap_or_default()]
    }
}

/// Does a unit of which any write may be large.
pub(super) async fn write(
    writer: &Writer,
    turns: &Turns,
    unit: Unit,
) -> Result<Vec<Written>, WriteError> {
    let unit = Arc::new(unit);
    let mut decisions = Decisions::new();
    let mut turn = None;
    for _ in 0..=TRIES_MAX * unit.writes.len() {
        let outcome = writer.try_write(unit.clone(), decisions.clone()).await;
        let (index, current) = match outcome {
            Ok(written) => return Ok(written),
            Err(Undone::Failed(error)) => return Err(error),
            Err(Undone::Undecided { index, current }) => (index, current),
        };
        if turn.is_none() {
            let place = turns.of(&unit.writes[index].id);
            turn = place.try_lock().ok();
            if turn.is_none() {
                drop(current);
                // The text that was met is an old one by then.
                turn = Some(place.lock().await);
                continue;
            }
        }
        let decision = decide(unit.clone(), index, current).await?;
        decisions.resize(unit.writes.len(), None);
        decisions[index] = Some(Arc::new(decision));
    }
    let text = "the resource was changed by others again and again".to_owned();
    Err(StoreError::Busy(text).into())
}

async fn decide(unit: Arc<Unit>, index: usize, current: String) -> Result<Decision, WriteError> {
    let decide = move || match admit(&unit.writes[index], Some(&current)) {
        Ok(after) => Ok(Decision { current, after }),
        Err(failure) => Err(failure),
    };
    let decided = work::run(true, decide).await?;
    decided.map_err(|failure: WriteFailure| failure.at(index))
}
