//! Solution Control Server: the shell of scs-core, host of the reaction engine
