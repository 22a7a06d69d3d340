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
    let room = limit - min(limit / 4, RESERVE_MAX);
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
