//! The memory that the bodies of strangers' requests take together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::client_network;

/// So much of each body is not counted, in bytes: nobody who sends an ordinary form is turned away because of others who
/// send large ones. How many bodies there are is bounded by the number of connections.
pub(crate) const UNCOUNTED: usize = 16 << 10;

/// One client has this part of the budget at most.
const PART: u64 = 4;

/// What is left of the budget. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct BodyBudget(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    in_all: u64,
    /// By the networks of clients; none holds nothing.
    of_clients: HashMap<Option<IpAddr>, u64>,
}

/// What a body holds of the budget, until the value is dropped.
pub(crate) struct HeldByBody {
    budget: BodyBudget,
    client: Option<IpAddr>,
    bytes: u64,
}

impl BodyBudget {
    /// For a body of the client with this address, which holds nothing yet.
    pub fn of_client(&self, address: Option<IpAddr>) -> HeldByBody {
        HeldByBody { budget: self.clone(), client: address.map(client_network), bytes: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeldByBody {
    /// Takes as much of a budget of `limit` bytes as a body needs that takes `bytes` of memory; whether there is as much.
    pub fn grow_to(&mut self, bytes: usize, limit: u64) -> bool {
        let needed = u64::try_from(bytes.saturating_sub(UNCOUNTED)).unwrap_or(u64::MAX);
        let more = needed.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let mut held = self.budget.lock();
        let of_client = held.of_clients.get(&self.client).copied().unwrap_or_default();
        if held.in_all.saturating_add(more) > limit || of_client.saturating_add(more) > limit / PART {
            return false;
        }
        held.in_all += more;
        held.of_clients.insert(self.client, of_client + more);
        self.bytes += more;
        true
    }
}

impl Drop for HeldByBody {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut held = self.budget.lock();
        held.in_all -= self.bytes;
        if let Some(of_client) = held.of_clients.get_mut(&self.client) {
            *of_client -= self.bytes;
            if *of_client == 0 {
                held.of_clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 400;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn a_client_has_a_part_of_the_budget_and_ordinary_bodies_need_none() {
        let budget = BodyBudget::default();
        let mut large = budget.of_client(address("192.0.2.1"));
        assert!(large.grow_to(UNCOUNTED + 60, LIMIT) && large.grow_to(UNCOUNTED + 100, LIMIT));
        assert!(!large.grow_to(UNCOUNTED + 101, LIMIT), "a quarter is the most");
        let mut neighbour = budget.of_client(address("192.0.2.2"));
        assert!(!neighbour.grow_to(UNCOUNTED + 1, LIMIT), "it is the same client");
        assert!(neighbour.grow_to(UNCOUNTED, LIMIT));
        let mut others: Vec<_> = (0..3).map(|n| budget.of_client(address(&format!("198.51.{n}.1")))).collect();
        assert!(others.iter_mut().all(|other| other.grow_to(UNCOUNTED + 100, LIMIT)));
        let mut newcomer = budget.of_client(None);
        assert!(!newcomer.grow_to(UNCOUNTED + 1, LIMIT), "there is nothing left");
        assert!(newcomer.grow_to(UNCOUNTED, LIMIT));
        drop(others.pop());
        assert!(newcomer.grow_to(UNCOUNTED + 100, LIMIT));
        drop((large, neighbour, others, newcomer));
        let held = budget.lock();
        assert!(held.in_all == 0 && held.of_clients.is_empty());
    }
}
