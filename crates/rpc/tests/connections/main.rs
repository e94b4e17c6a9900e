//! Servers, links and TLS over real sockets on loopback.

mod certificates;
mod echo_lca;
mod link;
mod secured;
mod server;
mod unix;
