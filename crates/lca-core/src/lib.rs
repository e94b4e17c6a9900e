//! What the Local Control Agent decides: application lifecycle, control scripts, addresses
