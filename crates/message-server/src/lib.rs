//! Message Server: the shell of message-server-core
