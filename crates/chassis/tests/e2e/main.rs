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
// Connections: timeouts, caps, drain.
#[cfg(test)]
mod serve;
// What a request leaves in the log.
#[cfg(test)]
mod log_lines;
// The log of a whole process.
#[cfg(test)]
mod log_process;
