//! What every shell shares: driver, signals, readiness, logging, exit codes
