//! The emulated subnet as a process: NICs, ARP, relay, datagrams
