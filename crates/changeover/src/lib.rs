//! The offline tool: rehearse, up, show, check; carries every component as a subcommand
