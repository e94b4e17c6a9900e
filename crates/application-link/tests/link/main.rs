//! An application's two links over real sockets, with an LCA and a Message Server played by the tests: over
//! restarts of both, with a main loop that turns or hangs.

mod logging;
mod orders;
mod played;
mod registration;
