use std::net::Ipv4Addr;

use super::*;

const SECOND: u64 = 1_000_000_000;

/// Two a second in the long run, four at once.
fn limiter(clients_max: usize) -> RateLimiter {
    RateLimiter::new(RateLimit {
        requests: 120,
        window: Duration::from_mins(1),
        burst: 4,
        clients_max,
    })
}

fn client(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(number).into()
}

#[test]
fn a_client_has_its_burst_and_then_its_rate() {
    let limiter = limiter(1000);
    for remaining in [3, 2, 1, 0] {
        let standing = limiter.ask_at(client(1), 0);
        assert!(standing.allowed);
        assert_eq!(standing.remaining, remaining);
    }
    let refused = limiter.ask_at(client(1), 0);
    assert!(!refused.allowed);
    assert_eq!(refused.reset, Duration::from_millis(500));
    // What is refused costs nothing.
    assert!(!limiter.ask_at(client(1), SECOND / 2 - 1).allowed);
    assert!(limiter.ask_at(client(1), SECOND / 2).allowed);
    assert!(!limiter.ask_at(client(1), SECOND / 2).allowed);
    assert!(limiter.ask_at(client(2), 0).allowed);
    // After a silence the whole burst is there again, and no more than that.
    let rested = (0..5).map(|_| limiter.ask_at(client(1), 100 * SECOND).allowed);
    assert_eq!(rested.filter(|allowed| *allowed).count(), 4);
}

#[test]
fn addresses_of_one_network_of_ipv6_are_one_client() {
    let limiter = limiter(1000);
    let allowed = (1..=5).filter(|host| {
        let address: IpAddr = format!("2001:db8::{host}").parse().unwrap();
        limiter.ask_at(address, 0).allowed
    });
    assert_eq!(allowed.count(), 4);
}

#[test]
fn the_number_of_clients_is_bounded_and_those_who_ask_stay() {
    let limiter = limiter(3200);
    for _ in 0..4 {
        assert!(limiter.ask_at(client(0), 0).allowed);
    }
    for number in 1..100_000 {
        limiter.ask_at(client(number), 1);
        // It asks all the time, so that it is never among the oldest.
        if number % 50 == 0 {
            assert!(!limiter.ask_at(client(0), 1).allowed, "{number}");
        }
    }
    assert!(limiter.clients() <= 3200, "{}", limiter.clients());
}

#[test]
fn who_is_forgotten_in_a_flood_does_not_get_a_new_burst() {
    let limiter = limiter(3200);
    for _ in 0..4 {
        assert!(limiter.ask_at(client(0), 0).allowed);
    }
    for number in 1..100_000 {
        limiter.ask_at(client(number), 1);
    }
    let again = (0..4).filter(|_| limiter.ask_at(client(0), 2).allowed);
    assert_eq!(again.count(), 1);
    // The flood is over.
    assert_eq!(limiter.ask_at(client(200_001), 10 * SECOND).remaining, 3);
}
