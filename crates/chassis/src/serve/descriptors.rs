//! How many connections the operating system lets the process have.

use std::cmp::min;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for all but the connections of the services: the port of the operations, stores,
/// files. A process with few keeps a quarter.
const RESERVE_MAX: u64 = 256;

/// Raises the limit of file descriptors as far as it goes, and returns how many connections there
/// may be, at most `wanted`. The log says when they are fewer.
#[must_use]
pub fn connections_within_limit(wanted: usize) -> usize {
    let limit = raised_limit();
    let room = limit - reserve(limit);
    let connections = min(wanted, usize::try_from(room).unwrap_or(usize::MAX)).max(1);
    if connections < wanted {
        tracing::warn!(
            file_descriptors = limit,
            wanted,
            connections,
            "the limit of file descriptors allows fewer connections than were asked for"
        );
    }
    connections
}

/// How many connections beyond the limit may be accepted at the end: a quarter of the reserve.
pub(super) fn backlog_room() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(reserve(limit) / 4).unwrap_or_default()
}

fn reserve(limit: u64) -> u64 {
    min(limit / 4, RESERVE_MAX)
}

fn raised_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let limit = if setrlimit(Resource::Nofile, raised).is_ok() {
        maximum
    } else {
        current
    };
    limit.unwrap_or(u64::MAX)
}
