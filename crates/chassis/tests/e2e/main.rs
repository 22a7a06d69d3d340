//! The chassis over real sockets: a small service of the tests' own behind the whole stack.
// The modules are marked as tests for the lints, which cannot tell that all of this binary is.

#[cfg(test)]
mod harness;
// The way of a request: ids, limits, faults.
#[cfg(test)]
mod stack;
// What probes are told.
#[cfg(test)]
mod operations;
// Connections: timeouts and caps.
#[cfg(test)]
mod serve;
// Clients that read or send too slowly.
#[cfg(test)]
mod slow_clients;
// Floods of frames that HTTP/2 allows.
#[cfg(test)]
mod floods;
// Heads that no service gets to see.
#[cfg(test)]
mod heads;
// How connections end when the process stops.
#[cfg(test)]
mod drain;
// TLS: handshakes, reloads, certificates of clients.
#[cfg(test)]
mod tls;
// Other ways in: proxies that say for whom they ask, and Unix sockets.
#[cfg(test)]
mod ways_in;
// How much each client may.
#[cfg(test)]
mod clients;
// What browsers may do and are told.
#[cfg(test)]
mod browsers;
// Compressed answers and bodies.
#[cfg(test)]
mod codings;
// Proofs of life.
#[cfg(test)]
mod liveness;
// States of a process and what probes answer in each.
#[cfg(test)]
mod states;
// What a request leaves in the log.
#[cfg(test)]
mod log_lines;
// The log of a whole process.
#[cfg(test)]
mod log_process;
