//! Large writes: what becomes of a large resource is decided apart from the thread that writes,
//! which everybody waits for. The writer gives back a unit with a large write and the text that it
//! met; the decision comes with the unit's next try and counts as long as the text is the same.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use resources::schema::Id;
use resources::store::{After, StoreError, Write, WriteError, WriteFailure, Written, admit};
use resources::work;
use tokio::sync::Mutex;

use super::writer::Writer;

/// Tries for each large write of a unit, if others change its resource each time.
const TRIES_MAX: usize = 16;

/// So many resources can be changed by large writes at a time.
const TURNS: usize = 64;

/// What becomes of a resource with this text.
pub(super) struct Decision {
    pub(super) current: String,
    pub(super) after: After,
}

/// For each write of a unit, what was decided about it, if anything.
pub(super) type Decisions = Vec<Option<Arc<Decision>>>;

/// Why a unit was not done.
pub(super) enum Undone {
    Failed(WriteError),
    /// The write at `index` is large, and what becomes of `current` is to be decided elsewhere.
    Undecided {
        index: usize,
        current: String,
    },
}

impl From<WriteError> for Undone {
    fn from(error: WriteError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

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
pub(super) async fn write(writer: &Writer, unit: Vec<Write>) -> Result<Vec<Written>, WriteError> {
    let unit: Arc<[Write]> = unit.into();
    let mut decisions = Decisions::new();
    let mut turn = None;
    for _ in 0..=TRIES_MAX * unit.len() {
        let outcome = writer.try_write(unit.clone(), decisions.clone()).await;
        let (index, current) = match outcome {
            Ok(written) => return Ok(written),
            Err(Undone::Failed(error)) => return Err(error),
            Err(Undone::Undecided { index, current }) => (index, current),
        };
        if turn.is_none() {
            let turns = writer.turns.of(&unit[index].id);
            turn = turns.try_lock().ok();
            if turn.is_none() {
                drop(current);
                // The text that was met is an old one by then.
                turn = Some(turns.lock().await);
                continue;
            }
        }
        let decision = decide(unit.clone(), index, current).await?;
        decisions.resize(unit.len(), None);
        decisions[index] = Some(Arc::new(decision));
    }
    let text = "the resource was changed by others again and again".to_owned();
    Err(StoreError::Busy(text).into())
}

async fn decide(unit: Arc<[Write]>, index: usize, current: String) -> Result<Decision, WriteError> {
    let decide = move || match admit(&unit[index], Some(&current)) {
        Ok(after) => Ok(Decision { current, after }),
        Err(failure) => Err(failure),
    };
    let decided = work::run(true, decide).await?;
    decided.map_err(|failure: WriteFailure| failure.at(index))
}
