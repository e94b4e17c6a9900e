//! Local Control Agent: the shell of lca-core
