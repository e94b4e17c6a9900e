//! Solution Control Interface: the operator's CLI
