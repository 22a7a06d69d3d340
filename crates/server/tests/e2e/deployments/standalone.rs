//! A server that is no replica set.
