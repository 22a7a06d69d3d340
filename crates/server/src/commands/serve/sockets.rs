//! The sockets that the process listens on.

use chassis::serve::{Address, Listener, bind, bind_unix};

use crate::failure::Failure;
use crate::settings::Settings;

/// The sockets of the services and of the operations: those that were passed on, or new ones; and
/// whether the first was passed on.
pub(super) fn open(settings: &Settings) -> Result<([Listener; 2], bool), Failure> {
    let unusable =
        |problem: String| Failure::settings(format!("LISTEN_FDS cannot be used: {problem}"));
    let inherited = chassis::serve::inherited().map_err(|error| unusable(error.to_string()))?;
    if inherited.len() > 2 {
        return Err(unusable(format!(
            "{} sockets were passed on, and there is a use for two: that of the services and that \
             of the operations",
            inherited.len()
        )));
    }
    let first_is_inherited = !inherited.is_empty();
    let mut inherited = inherited.into_iter();
    let mut socket = |address: &Address, reuse_port, name: &str| match inherited.next() {
        Some(socket) => Ok(socket),
        None => listen(address, reuse_port, settings.unix_socket_mode.0).map_err(|error| {
            Failure::settings(format!(
                "the setting '{name}': cannot listen on {address}: {error}"
            ))
        }),
    };
    let sockets = [
        socket(&settings.listen, settings.reuse_port, "listen")?,
        socket(&settings.admin_listen, false, "admin_listen")?,
    ];
    Ok((sockets, first_is_inherited))
}

fn listen(address: &Address, reuse_port: bool, mode: u32) -> std::io::Result<Listener> {
    match address {
        Address::Tcp(address) => bind(*address, reuse_port),
        Address::Unix(path) => bind_unix(path, mode),
    }
}
