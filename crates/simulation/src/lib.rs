//! The production cores in one deterministic world with faults
