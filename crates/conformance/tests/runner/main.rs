//! The runner against servers in memory: one that keeps every obligation, and many that break one.

#[cfg(test)]
mod blog;
#[cfg(test)]
mod server;
#[cfg(test)]
mod a_server_that_keeps_them;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod worlds;
