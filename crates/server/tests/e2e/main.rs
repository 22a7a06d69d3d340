//! The binary as its users meet it: real processes, real sockets, real files.
//!
//! The resources are kept in the embedded store; `on_mongodb.rs` has the modules that run on
//! MongoDB too.
// The modules are marked as tests for the lints, which cannot tell that all of this binary is.

#[cfg(test)]
mod harness;
/// Where the resources are kept in this target.
#[cfg(test)]
const ON_MONGODB: bool = false;
// Settings, commands, messages and exit codes.
#[cfg(test)]
mod command_line;
// What operators and schedulers see: probes, ids, log lines, the drain.
#[cfg(test)]
mod operations;
// What a process tells of itself: log, metrics, traces.
#[cfg(test)]
mod telemetry;
// The end of a process: signals and the drain.
#[cfg(test)]
mod stopping;
// What the operating system gives a process: descriptors, sockets.
#[cfg(test)]
mod system;
// Sockets that a service manager passes on.
#[cfg(test)]
mod passed_sockets;
// TLS, Unix sockets, limits of clients, rules of browsers.
#[cfg(test)]
mod edge;
// Full load, and thousands of connections.
#[cfg(test)]
mod load;
// What they see of a process that has a store.
#[cfg(test)]
mod storage;
// The file of the embedded store and its directory.
#[cfg(test)]
mod data_directory;
// Backups by the operations port.
#[cfg(test)]
mod backups;
// Definitions that change after data is stored.
#[cfg(test)]
mod changed_definitions;
// The disk is full in the middle of an import.
#[cfg(test)]
mod full_disk;
// The contract of the Fibonacci service.
#[cfg(test)]
mod fibonacci;
// The contacts, and types that a definition file declares.
#[cfg(test)]
mod contacts;
// The example of related types.
#[cfg(test)]
mod blog;
// The obligations of JSON:API, checked by the runner that ships.
#[cfg(test)]
mod conformance;
// Related types, written.
#[cfg(test)]
mod blog_writing;
// Values that are stored otherwise than their JSON looks.
#[cfg(test)]
mod kinds;
// Feeds of changes.
#[cfg(test)]
mod changes;
// Whole collections in and out of files.
#[cfg(test)]
mod transfer;
// Pages of many megabytes, and clients that do not read them.
#[cfg(test)]
mod large_pages;
// So many resources that bounds are met.
#[cfg(test)]
mod large_collections;
// What one body, one file or one bad day may take.
#[cfg(test)]
mod bounds;
// What is left after kill -9.
#[cfg(test)]
mod crash;
// The same of links, atomic units and requests under keys. Over MongoDB the tests of the store do it
// on servers of their own: the transactions of killed processes would stay open on a shared one.
#[cfg(test)]
mod killed_units;
// What README.md and docs/ tell people to type.
#[cfg(test)]
mod documents;
// Pages of docs/ that are about the embedded store, or about no store.
#[cfg(test)]
mod pages;
