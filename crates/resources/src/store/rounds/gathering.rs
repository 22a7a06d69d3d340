//! Questions that are asked at the same time, answered together.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::Counter;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::timeout;
use tracing::Instrument;

use crate::store::StoreError;

/// The most that a round waits for the one before it: a store that is far away, or silent, holds
/// up no reader for longer.
const TURN_MAX: Duration = Duration::from_millis(5);

/// With so many ids or readers a round leaves before its turn, which bounds what its answer takes
/// in memory.
const WEIGHT_MAX: usize = 128;

/// Questions of which those with an equal key can be answered by one request.
///
/// A question joins the round that is being gathered, never one that has been sent, so its answer
/// is of a moment after it was asked: a reader who has seen a write sees it in every later read.
/// Where no round is away the next one leaves at once, so a single reader waits for nobody.
pub(super) struct Gathering<K, Q, A> {
    rounds: Mutex<HashMap<K, Round<Q, A>>>,
    asked: Counter,
    sent: Counter,
}

/// What is being gathered.
struct Round<Q, A> {
    asked: Asked<Q, A>,
    weight: usize,
    /// Ends with the round that left last.
    away: Option<oneshot::Receiver<()>>,
}

/// What goes to the store.
struct Leaving<Q, A> {
    asked: Asked<Q, A>,
    /// Ends when it is back.
    back: oneshot::Sender<()>,
}

type Asked<Q, A> = Vec<(Q, oneshot::Sender<A>)>;

impl<K, Q, A> Gathering<K, Q, A>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    Q: Send + 'static,
    A: Send + 'static,
{
    /// `operation` is what the store is asked to do.
    pub(super) fn new(operation: &'static str) -> Arc<Self> {
        metrics::describe_counter!("rounds.questions", "Reads that were gathered in rounds");
        metrics::describe_counter!("rounds.sent", "Rounds that were sent to the store");
        Arc::new(Self {
            rounds: Mutex::default(),
            asked: metrics::counter!("rounds.questions", "operation" => operation),
            sent: metrics::counter!("rounds.sent", "operation" => operation),
        })
    }

    /// The answer to a question. `ask` is called for one question of each round, with all of them,
    /// and gives an answer for each in their order.
    ///
    /// # Errors
    /// `Internal` when `ask` panics or gives too few answers.
    pub(super) async fn answer<F>(
        self: &Arc<Self>,
        key: K,
        question: Q,
        weight: usize,
        ask: impl FnOnce(Vec<Q>) -> F + Send + 'static,
    ) -> Result<A, StoreError>
    where
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.asked.increment(1);
        let is_first = self.join(&key, question, weight, reply);
        let full = self.leave_if(&key, |round| round.weight >= WEIGHT_MAX);
        let rounds = self.clone();
        // Tasks of their own: the others' answers must not depend on this reader's patience. Log
        // lines about a round belong to the request that sends it.
        if let Some(leaving) = full {
            let sent = async move { rounds.send(&key, leaving, ask).await };
            tokio::spawn(sent.in_current_span());
        } else if is_first {
            let sent = async move {
                rounds.take_turn(&key).await;
                if let Some(leaving) = rounds.leave_if(&key, |round| !round.asked.is_empty()) {
                    rounds.send(&key, leaving, ask).await;
                }
            };
            tokio::spawn(sent.in_current_span());
        }
        let gone = |_| StoreError::Internal("a round of reads ended early".to_owned());
        answer.await.map_err(gone)
    }

    /// Whether it is the first of its round.
    fn join(&self, key: &K, question: Q, weight: usize, reply: oneshot::Sender<A>) -> bool {
        let mut rounds = self.rounds();
        if let Some(round) = rounds.get_mut(key) {
            round.asked.push((question, reply));
            round.weight += weight;
            return round.asked.len() == 1;
        }
        let round = Round {
            asked: vec![(question, reply)],
            weight,
            away: None,
        };
        rounds.insert(key.clone(), round);
        true
    }

    async fn take_turn(&self, key: &K) {
        // Whoever is ready to ask now does so before this goes on.
        tokio::task::yield_now().await;
        let away = |round: &mut Round<Q, A>| round.away.take();
        let before = self.rounds().get_mut(key).and_then(away);
        if let Some(before) = before {
            let _ = timeout(TURN_MAX, before).await;
        }
    }

    fn leave_if(&self, key: &K, ready: impl FnOnce(&Round<Q, A>) -> bool) -> Option<Leaving<Q, A>> {
        let mut rounds = self.rounds();
        let round = rounds.get_mut(key)?;
        if !ready(round) {
            return None;
        }
        let (back, away) = oneshot::channel();
        round.away = Some(away);
        round.weight = 0;
        let asked = std::mem::take(&mut round.asked);
        Some(Leaving { asked, back })
    }

    async fn send<F>(&self, key: &K, leaving: Leaving<Q, A>, ask: impl FnOnce(Vec<Q>) -> F)
    where
        F: Future<Output = Vec<A>>,
    {
        self.sent.increment(1);
        let (questions, replies): (Vec<_>, Vec<_>) = leaving.asked.into_iter().unzip();
        let answers = ask(questions).await;
        drop(leaving.back);
        self.forget_idle(key);
        for (reply, answer) in replies.into_iter().zip(answers) {
            // The reader may be gone.
            let _ = reply.send(answer);
        }
    }

    /// Keys come from clients, so those that nobody uses are not kept.
    fn forget_idle(&self, key: &K) {
        let mut rounds = self.rounds();
        let Some(round) = rounds.get_mut(key) else {
            return;
        };
        let is_away =
            |away: &mut oneshot::Receiver<()>| away.try_recv() == Err(TryRecvError::Empty);
        if round.asked.is_empty() && !round.away.as_mut().is_some_and(is_away) {
            rounds.remove(key);
        }
    }

    fn rounds(&self) -> MutexGuard<'_, HashMap<K, Round<Q, A>>> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Waker};

    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use super::*;

    type Doubles = Gathering<&'static str, u32, u32>;

    #[tokio::test]
    async fn questions_that_are_asked_at_once_are_one_round() {
        let (rounds, asked) = (Doubles::new("test"), Arc::new(AtomicUsize::new(0)));
        let mut readers = JoinSet::new();
        for question in 0..100 {
            let (rounds, asked) = (rounds.clone(), asked.clone());
            readers.spawn(async move {
                let double = move |questions: Vec<u32>| async move {
                    asked.fetch_add(1, Ordering::Relaxed);
                    questions.iter().map(|question| 2 * question).collect()
                };
                let answer = rounds.answer("key", question, 1, double).await;
                assert_eq!(answer.unwrap(), 2 * question);
            });
        }
        readers.join_all().await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(rounds.rounds().is_empty(), "keys are kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_joins_no_round_that_has_left() {
        let (rounds, server) = (Doubles::new("test"), Arc::new(Semaphore::new(0)));
        let (sent, mut seen) = tokio::sync::mpsc::unbounded_channel();
        let mut readers = JoinSet::new();
        for question in 1..=4 {
            let (rounds, server, sent) = (rounds.clone(), server.clone(), sent.clone());
            readers.spawn(async move {
                let ask = move |questions: Vec<u32>| async move {
                    sent.send(questions.clone()).unwrap();
                    server.acquire().await.unwrap().forget();
                    questions
                };
                rounds.answer("key", question, 1, ask).await.unwrap()
            });
            if question == 1 {
                assert_eq!(seen.recv().await.unwrap(), [1]);
            }
        }
        // The others wait for the first to come back, and then leave together.
        tokio::time::sleep(TURN_MAX / 2).await;
        assert!(seen.is_empty());
        server.add_permits(2);
        assert_eq!(seen.recv().await.unwrap(), [2, 3, 4]);
        readers.join_all().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_round_leaves_before_its_turn() {
        let rounds = Doubles::new("test");
        let never = |_| std::future::pending::<Vec<u32>>();
        let first = rounds.clone();
        tokio::spawn(async move { first.answer("key", 0, 1, never).await });
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let (sent, mut seen) = tokio::sync::mpsc::unbounded_channel();
        let begun = Instant::now();
        let mut readers = JoinSet::new();
        for question in 0..=WEIGHT_MAX {
            let (rounds, sent) = (rounds.clone(), sent.clone());
            readers.spawn(async move {
                let echo = move |questions: Vec<u32>| async move {
                    sent.send(questions.len()).unwrap();
                    questions
                };
                let question = u32::try_from(question).unwrap();
                assert_eq!(
                    rounds.answer("key", question, 1, echo).await.unwrap(),
                    question
                );
            });
        }
        assert_eq!(seen.recv().await.unwrap(), WEIGHT_MAX);
        assert!(begun.elapsed() < TURN_MAX);
        readers.join_all().await;
        assert_eq!(seen.recv().await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_holds_up_the_next_round_for_a_bounded_time() {
        let rounds = Doubles::new("test");
        for question in 1..=3 {
            let never = |_| std::future::pending::<Vec<u32>>();
            let rounds = rounds.clone();
            tokio::spawn(async move { rounds.answer("key", question, 1, never).await });
            tokio::time::sleep(TURN_MAX * 2).await;
        }
        let begun = Instant::now();
        let echo = |questions| async { questions };
        assert_eq!(rounds.answer("key", 7, 1, echo).await.unwrap(), 7);
        assert!(begun.elapsed() <= TURN_MAX + Duration::from_millis(1));
        assert_eq!(rounds.answer("another key", 8, 1, echo).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn a_reader_who_leaves_takes_no_answer_from_the_others() {
        let rounds = Doubles::new("test");
        let echo = |questions| async { questions };
        let mut context = Context::from_waker(Waker::noop());
        let mut first = Box::pin(rounds.answer("key", 1, 1, echo));
        assert!(first.as_mut().poll(&mut context).is_pending());
        let mut second = Box::pin(rounds.answer("key", 2, 1, echo));
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert_eq!(second.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_round_that_panics_fails_its_readers_and_no_later_ones() {
        let rounds = Doubles::new("test");
        let broken = |_: Vec<u32>| async { panic!("on purpose") };
        let answer = rounds.answer("key", 1, 1, broken).await;
        assert!(matches!(answer, Err(StoreError::Internal(_))));
        let echo = |questions| async { questions };
        assert_eq!(rounds.answer("key", 2, 1, echo).await.unwrap(), 2);
    }
}
