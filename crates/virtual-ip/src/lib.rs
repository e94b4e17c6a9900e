//! Virtual IP addresses on a host: watch, add, remove, announce, probe
