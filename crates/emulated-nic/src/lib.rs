//! A client of the emulated network: addresses, dialling, datagrams
