//! How many connections there may be, and which of them gives way to another.
//!
//! Whoever opens connections and leaves them idle shall not keep others out, nor shall a network that opens very many. So
//! where there is no room for another, the one on which nothing has happened for longest is closed; one on which a request
//! is under way never is.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use config::Networks;
use tokio::sync::oneshot;

use crate::pace::Pace;

/// How often it is said that there is no room.
const SAY_EVERY: Duration = Duration::from_secs(60);
/// Of the connections that are idle, this part is remembered as the idlest, so that not all are looked at for each that
/// comes.
const IDLEST: usize = 16;

/// How many connections there may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// In all; at least 1.
    pub in_all: usize,
    /// Of one peer: an address of IPv4, or a network of IPv6 of 48 bits, since its owner has all of its addresses. At least
    /// 1.
    pub per_peer: usize,
    /// Proxies, each of which may have as many as there is room for.
    pub proxies: Networks,
}

/// The connections of a listener, for which there is limited room. Clones share it.
#[derive(Clone)]
pub struct Room(Arc<Shared>);

struct Shared {
    limits: Limits,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    /// All of them, by the order in which they came.
    open: HashMap<u64, Connection>,
    next_number: u64,
    /// Those of peers that are no proxies.
    of_peers: HashMap<IpAddr, Vec<u64>>,
    /// Some that have been idle for longest as all were looked at last: since when, and which; the idlest at the end.
    idlest: Vec<(u64, u64)>,
    said_full: Option<Instant>,
    said_peer_full: Option<Instant>,
}

struct Connection {
    peer: Option<IpAddr>,
    pace: Pace,
    give_way: oneshot::Sender<Leaving>,
}

/// Resolves when a connection shall make room for another, with what it is to keep until it has ended.
pub type GivingWay = oneshot::Receiver<Leaving>;

/// Kept by a connection that gives way until it has ended.
pub type Leaving = oneshot::Sender<()>;

/// What a connection gets that there is room for.
pub struct Admitted {
    /// Its place.
    pub place: Place,
    /// When it shall make room itself.
    pub giving_way: GivingWay,
    /// Resolves when the one that makes room for it has ended.
    pub made_room: Option<oneshot::Receiver<()>>,
}

/// The place of a connection, which is free again once the value is dropped.
pub struct Place {
    room: Room,
    number: u64,
}

/// Why there is no room for a connection: a request is under way on each of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// Of this peer.
    OfPeer,
    /// In all.
    AtAll,
}

impl Room {
    /// Room within these limits.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared { limits, connections: Mutex::default() }))
    }

    /// Makes room for a connection of `peer`, which is `None` for a Unix socket. `pace` tells how idle it is.
    pub(crate) fn admit(&self, peer: Option<IpAddr>, pace: &Pace) -> Result<Admitted, NoRoom> {
        let Limits { in_all, per_peer, proxies } = &self.0.limits;
        let peer = peer.filter(|peer| !proxies.contain(*peer)).map(network);
        let (mut connections, mut made_room) = (self.lock(), None);
        if let Some(peer) = peer
            && connections.of_peers.get(&peer).is_some_and(|own| own.len() >= *per_peer)
        {
            if is_time(&mut connections.said_peer_full) {
                tracing::warn!(
                    limit = per_peer,
                    "Somebody opens very many connections; theirs that are idle are closed."
                );
            }
            let idlest = connections.idlest_of(peer).ok_or(NoRoom::OfPeer)?;
            made_room = connections.dismiss(idlest);
        }
        if connections.open.len() >= *in_all {
            if is_time(&mut connections.said_full) {
                tracing::warn!(
                    limit = in_all,
                    "There is no room for more connections; those that are idle are closed."
                );
            }
            let idlest = connections.idlest().ok_or(NoRoom::AtAll)?;
            made_room = connections.dismiss(idlest);
        }
        let (give_way, giving_way) = oneshot::channel();
        let number = connections.add(Connection { peer, pace: pace.clone(), give_way });
        Ok(Admitted { place: Place { room: self.clone(), number }, giving_way, made_room })
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        // Nothing panics while it is held.
        self.0.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.lock().remove(self.number);
    }
}

impl Connections {
    fn add(&mut self, connection: Connection) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        if let Some(peer) = connection.peer {
            self.of_peers.entry(peer).or_default().push(number);
        }
        self.open.insert(number, connection);
        number
    }

    /// Forgets a connection; `None` if it is forgotten already.
    fn remove(&mut self, number: u64) -> Option<Connection> {
        let connection = self.open.remove(&number)?;
        if let Some(peer) = connection.peer
            && let Some(own) = self.of_peers.get_mut(&peer)
        {
            own.retain(|other| *other != number);
            if own.is_empty() {
                self.of_peers.remove(&peer);
            }
        }
        Some(connection)
    }

    /// Has a connection give way; tells when it has. If a request comes over it this very moment, it ends after that.
    fn dismiss(&mut self, number: u64) -> Option<oneshot::Receiver<()>> {
        let connection = self.remove(number)?;
        let (leaving, left) = oneshot::channel();
        // It may have ended by itself.
        let _ = connection.give_way.send(leaving);
        Some(left)
    }

    fn idle_since(&self, number: u64) -> Option<u64> {
        self.open.get(&number)?.pace.idle_since()
    }

    fn idlest_of(&self, peer: IpAddr) -> Option<u64> {
        let own = self.of_peers.get(&peer)?.iter();
        own.filter_map(|number| Some((self.idle_since(*number)?, *number))).min().map(|(_, number)| number)
    }

    fn idlest(&mut self) -> Option<u64> {
        loop {
            while let Some((since, number)) = self.idlest.pop() {
                if self.idle_since(number) == Some(since) {
                    return Some(number);
                }
            }
            let idle = self.open.iter().filter_map(|(number, open)| Some((open.pace.idle_since()?, *number)));
            let mut idle: Vec<_> = idle.collect();
            let last = idle.len().div_ceil(IDLEST).checked_sub(1)?;
            idle.select_nth_unstable(last);
            idle.truncate(last + 1);
            idle.sort_unstable_by(|one, other| other.cmp(one));
            self.idlest = idle;
        }
    }
}

/// Whether something may be said (again), which it is then.
fn is_time(said: &mut Option<Instant>) -> bool {
    let now = Instant::now();
    let is_time = said.is_none_or(|said| now.duration_since(said) >= SAY_EVERY);
    if is_time {
        *said = Some(now);
    }
    is_time
}

/// What an owner has at least: an address of IPv4, a network of 48 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 80)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(in_all: usize, per_peer: usize) -> Room {
        Room::new(Limits { in_all, per_peer, proxies: Networks::new(["10.0.0.0/8"]) })
    }

    fn peer(address: &str) -> Option<IpAddr> {
        Some(address.parse().expect("an address"))
    }

    /// A connection that is admitted.
    struct Open {
        pace: Pace,
        _place: Place,
        giving_way: GivingWay,
    }

    impl Open {
        fn gives_way(&mut self) -> bool {
            self.giving_way.try_recv().is_ok()
        }
    }

    fn try_open(room: &Room, address: &str) -> Result<Open, NoRoom> {
        let pace = Pace::default();
        let Admitted { place, giving_way, .. } = room.admit(peer(address), &pace)?;
        Ok(Open { pace, _place: place, giving_way })
    }

    fn open(room: &Room, address: &str) -> Open {
        try_open(room, address).expect("room")
    }

    #[test]
    fn the_idlest_gives_way_and_never_one_with_a_request_under_way() {
        let room = room(3, 8);
        let (mut busy, mut idle, mut active) =
            (open(&room, "192.0.2.1"), open(&room, "192.0.2.2"), open(&room, "192.0.2.3"));
        busy.pace.request_begins();
        for connection in [&idle, &active] {
            connection.pace.request_begins();
            connection.pace.answer_begins();
            connection.pace.answer_ends();
        }
        let mut newcomer = open(&room, "192.0.2.4");
        assert!(idle.gives_way() && !busy.gives_way() && !active.gives_way());
        active.pace.request_begins();
        newcomer.pace.request_begins();
        assert_eq!(try_open(&room, "192.0.2.5").err(), Some(NoRoom::AtAll));
        assert!(!busy.gives_way() && !active.gives_way() && !newcomer.gives_way());
        drop(active);
        newcomer.pace.answer_begins();
        assert!(try_open(&room, "192.0.2.5").is_ok() && !newcomer.gives_way(), "there is room again");
    }

    #[test]
    fn a_peer_makes_room_for_itself_alone() {
        let room = room(16, 2);
        let mut others = [open(&room, "192.0.2.2"), open(&room, "2001:db8::1"), open(&room, "10.0.0.1")];
        let mut own: Vec<_> = (0..2).map(|_| open(&room, "::ffff:192.0.2.1")).collect();
        let third = open(&room, "192.0.2.1");
        assert!(own[0].gives_way() && !own[1].gives_way());
        own[1].pace.request_begins();
        third.pace.request_begins();
        assert_eq!(try_open(&room, "192.0.2.1").err(), Some(NoRoom::OfPeer));
        // A network of IPv6 is a peer, whichever addresses it takes.
        let second = open(&room, "2001:db8:0:1::1");
        let _third = open(&room, "2001:db8:0:2::1");
        assert!(others[1].gives_way());
        drop(second);
        // Proxies have as many as there is room for, and so have sockets of the file system.
        let _more: Vec<_> = (0..4).map(|_| open(&room, "10.0.0.1")).collect();
        let _sockets: Vec<_> = (0..4).map(|_| room.admit(None, &Pace::default()).expect("room")).collect();
        assert!(!others[0].gives_way() && !others[2].gives_way());
    }

    #[test]
    fn a_crowd_that_comes_and_goes_leaves_nothing_behind() {
        let room = room(100, 8);
        let mut open = Vec::new();
        for n in 0..1000_u32 {
            let address = IpAddr::from((n / 4).wrapping_mul(0x9e37_79b9).to_be_bytes());
            let pace = Pace::default();
            open.push(room.admit(Some(address), &pace).expect("an idle one gives way"));
            open.retain_mut(|connection: &mut Admitted| connection.giving_way.try_recv().is_err());
            assert!(open.len() <= 100 && room.lock().open.len() == open.len());
        }
        // They have given way in the order in which they came.
        assert_eq!(room.lock().open.keys().min(), Some(&900));
        open.clear();
        assert!(room.lock().open.is_empty() && room.lock().of_peers.is_empty());
    }

    #[test]
    fn it_is_said_once_a_minute_that_there_is_no_room() {
        let mut said = None;
        assert!(is_time(&mut said) && !is_time(&mut said));
        said = said.and_then(|at: Instant| at.checked_sub(SAY_EVERY));
        assert!(is_time(&mut said) && !is_time(&mut said));
    }
}
