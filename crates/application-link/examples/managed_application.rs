//! The smallest application that lives under an LCA: it enters the run modes it is ordered to, logs their
//! events, reports that it can serve, and ends when it is told to. Name the built program as the
//! `command_line` of a member of a pair, and start it with `sci start APPLICATION`.

use changeover_application_link::{ApplicationLink, Order, Settings};
use changeover_model::{ApplicationStatus, LogEventId, LogLevel, RunMode};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Who am I, and where is my LCA? It has put that into the environment.
    let settings = Settings::from_environment(env!("CARGO_PKG_VERSION"))?;
    let mut link = ApplicationLink::register(settings).await?;

    // Options, ports and the peer's address come with the registration.
    let registered = link.registered();
    eprintln!("on {}, a member of {:?}", registered.host, registered.pair);

    // Whatever must be set up before the application can serve happens here; then it says so.
    link.report_status(ApplicationStatus::Running, "ready", true)
        .await;

    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            // Waiting here also answers the LCA's heartbeats. An application that hangs does not come
            // back here, and its LCA sees that.
            order = link.next_order() => match order {
                Order::SetRunMode(order) => match order.run_mode() {
                    RunMode::Primary => {
                        // Begin to serve, then say so: this logs 4563 (hot) or 4562 (warm) and
                        // acknowledges the order.
                        order.activated();
                    }
                    RunMode::Backup => {
                        // Stop serving first; what is in progress goes to the peer.
                        order.activated();
                    }
                    RunMode::Exiting | RunMode::Unknown => order.refused("no such run mode here"),
                },
                Order::Exiting(order) => {
                    // Finish, acknowledge, and leave nothing behind in the outbox.
                    order.activated();
                    link.log().delivered(Duration::from_secs(2)).await;
                    return Ok(());
                }
                Order::OptionChanged { section, option, value } => {
                    // Events of one's own carry no epoch: they are not about the run mode.
                    let text = format!("{section}/{option} is now {value}");
                    link.log().log(LogEventId(1000), LogLevel::Standard, text);
                }
            },
            // The application's own work.
            _ = every_second.tick() => {}
        }
    }
}
