//! Platform commands that act on the emulated network
