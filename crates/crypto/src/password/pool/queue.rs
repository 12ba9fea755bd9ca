//! A queue in which clients take turns.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// What waits, in a queue for each client. Clients take turns: however much one of them has in the queue, another waits for
/// one thing of each client at most.
#[derive(Debug)]
pub struct FairQueue<C, T> {
    /// None of them is empty.
    queues: HashMap<C, VecDeque<(Ticket, T)>>,
    /// Whose turn is next: each client that has a queue, once.
    turns: VecDeque<C>,
    len: usize,
    per_client: usize,
    in_all: usize,
    next_ticket: u64,
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// There is no room for more of this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<C: Copy + Eq + Hash, T> FairQueue<C, T> {
    /// A queue with room for so much of each client, and of all together.
    pub fn new(per_client: usize, in_all: usize) -> Self {
        Self { queues: HashMap::new(), turns: VecDeque::new(), len: 0, per_client, in_all, next_ticket: 0 }
    }

    /// Puts something behind what the client has in the queue already. Where there is no room for more of all, the last of
    /// the client that has most waiting makes way, and is given back; unless that is this client itself.
    ///
    /// # Errors
    /// When it is this client who fills the queue.
    pub fn push(&mut self, client: C, item: T) -> Result<(Ticket, Option<T>), Full> {
        let own = self.queues.get(&client).map_or(0, VecDeque::len);
        if own >= self.per_client {
            return Err(Full);
        }
        let displaced = if self.len < self.in_all { None } else { Some(self.displace(own).ok_or(Full)?) };
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        if own == 0 {
            self.turns.push_back(client);
        }
        self.queues.entry(client).or_default().push_back((ticket, item));
        self.len += 1;
        Ok((ticket, displaced))
    }

    /// Takes the last of the client that has most waiting, if it has more even without that than one with `own` has.
    fn displace(&mut self, own: usize) -> Option<T> {
        let longest = self.queues.values_mut().max_by_key(|queue| queue.len())?;
        if longest.len() <= own + 1 {
            return None;
        }
        self.len -= 1;
        longest.pop_back().map(|(_, item)| item)
    }

    /// What is next.
    pub fn next(&self) -> Option<&T> {
        let queue = self.queues.get(self.turns.front()?)?;
        queue.front().map(|(_, item)| item)
    }

    /// Takes what is next.
    pub fn pop(&mut self) -> Option<T> {
        let client = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&client)?;
        let (_, item) = queue.pop_front()?;
        if queue.is_empty() {
            self.queues.remove(&client);
        } else {
            self.turns.push_back(client);
        }
        self.len -= 1;
        Some(item)
    }

    /// Takes something out, wherever it stands; `None` if it is not there any more.
    pub fn remove(&mut self, client: C, ticket: Ticket) -> Option<T> {
        let queue = self.queues.get_mut(&client)?;
        let place = queue.iter().position(|(other, _)| *other == ticket)?;
        let (_, item) = queue.remove(place)?;
        if queue.is_empty() {
            self.queues.remove(&client);
            self.turns.retain(|other| *other != client);
        }
        self.len -= 1;
        Some(item)
    }

    /// How much waits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clients_take_turns() {
        let mut queue = FairQueue::new(8, 8);
        for (client, item) in [('a', 1), ('a', 2), ('a', 3), ('b', 4), ('c', 5), ('b', 6)] {
            assert!(queue.push(client, item).is_ok());
        }
        assert_eq!(queue.next(), Some(&1));
        let served: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(served, [1, 4, 5, 2, 6, 3]);
    }

    #[test]
    fn whoever_fills_the_queue_makes_way() {
        let mut queue = FairQueue::new(3, 4);
        for item in 0..3 {
            assert!(queue.push('a', item).is_ok());
        }
        assert_eq!(queue.push('a', 3), Err(Full), "one client has no room for more");
        assert!(queue.push('b', 10).is_ok());
        // There is no room for anybody now.
        let displaced = queue.push('c', 20).map(|(_, displaced)| displaced);
        assert_eq!(displaced, Ok(Some(2)), "the last of the client with most makes way");
        let displaced = queue.push('d', 30).map(|(_, displaced)| displaced);
        assert_eq!(displaced, Ok(Some(1)));
        assert_eq!(queue.push('a', 4), Err(Full), "all have the same");
        assert_eq!(queue.push('e', 40), Err(Full));
        let served: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(served, [0, 10, 20, 30]);
    }

    /// What may happen to a queue.
    #[derive(Clone, Debug)]
    enum Event {
        Push(u8),
        Pop,
        /// Whoever stands there leaves.
        Leave(prop::sample::Index),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            4 => (0..6_u8).prop_map(Event::Push),
            1 => Just(Event::Pop),
            1 => any::<prop::sample::Index>().prop_map(Event::Leave),
        ];
        prop::collection::vec(event, 0..200)
    }

    proptest! {
        #[test]
        fn nobody_waits_for_two_of_the_same_client(events in events(), per_client in 1..20_usize, in_all in 1..40_usize) {
            let (mut queue, mut waiting, mut count) = (FairQueue::new(per_client, in_all), Vec::new(), 0);
            for event in events {
                match event {
                    Event::Push(client) => {
                        count += 1;
                        if let Ok((ticket, displaced)) = queue.push(client, (client, count)) {
                            waiting.retain(|(_, item)| Some(*item) != displaced);
                            waiting.push((ticket, (client, count)));
                        }
                    }
                    Event::Pop => {
                        let next = queue.next().copied();
                        let popped = queue.pop();
                        prop_assert_eq!(next, popped);
                        waiting.retain(|(_, item)| Some(*item) != popped);
                    }
                    Event::Leave(_) if waiting.is_empty() => {}
                    Event::Leave(index) => {
                        let (ticket, item) = waiting.remove(index.index(waiting.len()));
                        prop_assert_eq!(queue.remove(item.0, ticket), Some(item));
                        prop_assert_eq!(queue.remove(item.0, ticket), None);
                    }
                }
                let of = |client: u8| waiting.iter().filter(|(_, item)| item.0 == client).count();
                prop_assert!(waiting.len() <= in_all && (0..6).all(|client| of(client) <= per_client));
                prop_assert_eq!(queue.is_empty(), waiting.is_empty());
            }
            // A newcomer gets in, unless there is room for none and nobody has two.
            let crowded = (0..6_u8).any(|client| waiting.iter().filter(|(_, item)| item.0 == client).count() > 1);
            let pushed = queue.push(9, (9, 0));
            prop_assert_eq!(pushed.is_ok(), waiting.len() < in_all || crowded);
            if pushed.is_ok() {
                let before: Vec<_> = std::iter::from_fn(|| queue.pop()).take_while(|item| item.0 != 9).collect();
                let clients: HashSet<_> = before.iter().map(|item| item.0).collect();
                prop_assert_eq!(clients.len(), before.len(), "{:?}", before);
            }
        }
    }
}
