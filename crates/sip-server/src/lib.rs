//! SIP Server: the managed application of a pair
