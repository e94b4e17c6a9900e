//! A TCP connection that is accepted.

use super::Outcome;
use changeover_emulated_nic::Network;
use std::net::SocketAddr;
use std::time::Duration;

pub(super) async fn ask(network: &Network, address: SocketAddr, within: Duration) -> Outcome {
    match network.dial(address, within).await {
        Ok(_) => Ok("accepted".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_listener_passes_and_a_closed_port_says_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let second = Duration::from_secs(1);
        assert_eq!(
            ask(&Network::Kernel, address, second).await,
            Ok("accepted".to_owned())
        );
        drop(listener);
        let refused = ask(&Network::Kernel, address, second).await;
        assert!(
            refused.as_ref().is_err_and(|text| text.contains("refused")),
            "{refused:?}"
        );
    }
}
