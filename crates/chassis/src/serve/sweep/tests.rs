//! Which idle connections make room, by a clock that the test sets.

use super::*;

fn connections(count: usize) -> (Arc<Connections>, Vec<Registration>) {
    let connections = Arc::new(Connections::new(ServeLimits::default()));
    let open = |number: usize| {
        // One millisecond after the other.
        connections.clock.set(number as u64);
        connections.open(false)
    };
    let registered = (0..count).map(open).collect();
    (connections, registered)
}

fn closed(registered: &[Registration]) -> Vec<usize> {
    let is_cut = |(_, place): &(usize, &Registration)| place.activity.was_cut();
    let cut = registered.iter().enumerate().filter(is_cut);
    cut.map(|(number, _)| number).collect()
}

#[test]
fn a_batch_of_those_that_were_quiet_longest_makes_room() {
    let (connections, registered) = connections(EVICTION_SHARE * 3);
    // What the others did last was later than its opening.
    let asked = registered[1].activity.begin_request(false);
    connections.clock.set(10_000);
    drop(asked);
    let _asks = registered[3].activity.begin_request(false);
    registered[5].activity.bytes_came();
    connections.evict_idle();
    assert_eq!(closed(&registered), [0, 2, 4]);
    connections.evict_idle();
    assert_eq!(closed(&registered), [0, 2, 4, 6, 7, 8]);
}

#[test]
fn few_connections_make_room_one_by_one_and_none_that_is_young() {
    let (connections, registered) = connections(3);
    connections.clock.set(millis(EVICTION_QUIET) - 1);
    connections.evict_idle();
    assert_eq!(closed(&registered), [0; 0]);
    for expected in [&[0][..], &[0, 1], &[0, 1]] {
        connections.clock.set(millis(EVICTION_QUIET) + 1);
        connections.evict_idle();
        assert_eq!(closed(&registered), expected);
    }
}
