//! How much each client holds at the moment.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ClientKey;

/// Counts what clients hold, and lets none have more than its share. It remembers only those that
/// hold something.
#[derive(Debug)]
pub struct Tally {
    each_max: usize,
    held: Mutex<HashMap<ClientKey, usize>>,
}

/// What a client holds, until it is dropped.
#[derive(Debug)]
pub struct Taken {
    tally: Arc<Tally>,
    client: ClientKey,
    count: usize,
}

impl Tally {
    /// Lets each client hold at most `each_max`.
    #[must_use]
    pub fn new(each_max: usize) -> Self {
        Self {
            each_max,
            held: Mutex::default(),
        }
    }

    /// Lets `client` hold `count` more, or nothing more where that is too much.
    #[must_use]
    pub fn take(self: &Arc<Self>, client: IpAddr, count: usize) -> Option<Taken> {
        let mut taken = Taken {
            tally: Arc::clone(self),
            client: client.into(),
            count: 0,
        };
        taken.take_more(count).then_some(taken)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ClientKey, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Takes `count` more. Returns whether the client may have that.
    #[must_use]
    pub fn take_more(&mut self, count: usize) -> bool {
        if count == 0 {
            return true;
        }
        let mut held = self.tally.held();
        let of_client = held.get(&self.client).copied().unwrap_or_default();
        let wanted = of_client.saturating_add(count);
        if wanted > self.tally.each_max {
            return false;
        }
        held.insert(self.client, wanted);
        self.count += count;
        true
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.count == 0 {
            return;
        }
        let mut held = self.tally.held();
        if let Some(of_client) = held.get_mut(&self.client) {
            *of_client = of_client.saturating_sub(self.count);
            if *of_client == 0 {
                held.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_holds_its_share_and_nobody_is_remembered_who_holds_nothing() {
        let tally = Arc::new(Tally::new(3));
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        let mut first = tally.take(one, 1).unwrap();
        assert!(first.take_more(1) && !first.take_more(2));
        let second = tally.take(one, 1).unwrap();
        assert!(tally.take(one, 1).is_none());
        assert!(tally.take(other, 3).is_some());
        drop(first);
        assert_eq!(tally.held().len(), 1);
        assert!(tally.take(one, 2).is_some());
        drop(second);
        assert!(tally.held().is_empty());
    }
}
