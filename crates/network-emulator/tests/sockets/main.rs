//! The emulator over real sockets, as components and clients see it. No root; each test has a block of its own.

mod connections;
mod datagrams;
mod devices;
mod site;
mod watching;
