//! The binary over MongoDB: the modules of `main.rs` that are about resources, and those that only
//! a server apart can be about.
//!
//! Needs a server: `scripts/mongodb run -- cargo test -p server`.
// The modules are marked as tests for the lints, which cannot tell that all of this binary is.

#![expect(
    dead_code,
    reason = "some parts of the harness serve only the modules that are in `main.rs` alone"
)]

#[cfg(test)]
mod harness;
/// Where the resources are kept in this target.
#[cfg(test)]
const ON_MONGODB: bool = true;
// Processes on servers of their own: away, encrypted, behind a password, not a replica set.
#[cfg(test)]
mod deployments;
// What the operator of the database sees of it.
#[cfg(test)]
mod database;
// Indexes and plans.
#[cfg(test)]
mod indexes;
// It fails in the middle of something.
#[cfg(test)]
mod faults;
#[cfg(test)]
mod interrupted_imports;
// What operators and schedulers see of a process that has a store.
#[cfg(test)]
mod storage;
// The contacts, and types that a definition file declares.
#[cfg(test)]
mod contacts;
// The obligations of JSON:API, checked by the runner that ships.
#[cfg(test)]
mod conformance;
// Related types, written.
#[cfg(test)]
mod blog_writing;
// The example of related types.
#[cfg(test)]
mod blog;
// Pages of many megabytes, and clients that do not read them.
#[cfg(test)]
mod large_pages;
// A collection that another program has made.
#[cfg(test)]
mod existing;
// Values that are stored otherwise than their JSON looks.
#[cfg(test)]
mod kinds;
// Definitions that change after data is stored.
#[cfg(test)]
mod changed_definitions;
// Feeds of changes.
#[cfg(test)]
mod changes;
// Whole collections in and out of files.
#[cfg(test)]
mod transfer;
// What is left after kill -9.
#[cfg(test)]
mod crash;
// What README.md and docs/ tell people to type.
#[cfg(test)]
mod documents;
// The same requests to both stores.
#[cfg(test)]
mod differential;
// The way from the embedded store.
#[cfg(test)]
mod moving;
