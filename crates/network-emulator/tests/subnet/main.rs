//! The emulated subnet without any IO. Time is a number that the tests set.

mod addresses;
mod neighbours;
mod nlb;
mod orders;
mod site;
