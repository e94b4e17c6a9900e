//! What a managed application embeds to talk to its LCA and the Message Server
