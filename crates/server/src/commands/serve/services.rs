//! The services as a part of the process.

use std::time::Duration;

use chassis::health::Heartbeat;
use chassis::lifecycle::{Modules, Stop, StopSignal};
use chassis::serve::{Control, Door, Entrance, Listener, ServeLimits};
use chassis::stack;
use tokio::sync::watch;

use super::raise;
use crate::failure::Failure;

/// The services, as the last part. Adding them returns what tells them alone to stop.
pub(super) struct Services {
    pub(super) service: stack::Service,
    pub(super) entrance: Entrance,
    pub(super) ending: watch::Sender<bool>,
    pub(super) limits: ServeLimits,
    pub(super) heartbeat: Heartbeat,
    pub(super) listener_outlives_server: bool,
}

impl Services {
    pub(super) fn add_to(
        self,
        modules: &mut Modules,
        patience: Duration,
        socket: Listener,
        mut told: StopSignal,
    ) -> Result<watch::Sender<Stop>, Failure> {
        let unusable = |error| Failure::internal(format!("the socket cannot be used: {error}"));
        let door = Door::new(socket, self.entrance).map_err(unusable)?;
        let (tell, stop) = StopSignal::channel();
        let control = Control {
            stop,
            heartbeat: self.heartbeat,
            listener_outlives_server: self.listener_outlives_server,
        };
        let (ended, mut has_ended) = watch::channel(false);
        let (ask, ending) = (tell.clone(), self.ending);
        let running = async move {
            chassis::serve::serve(door, self.service, self.limits, control).await;
            ended.send_replace(true);
            Ok(())
        };
        modules.add("services", patience, running, async move || {
            raise(&tell, Stop::Drain);
            // Their clients connect again, which leads them to another process now.
            ending.send_replace(true);
            let hurry = async {
                told.reaches(Stop::Now).await;
                raise(&tell, Stop::Now);
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = hurry => {}
                _ = has_ended.wait_for(|ended| *ended) => {}
            }
        });
        Ok(ask)
    }
}
