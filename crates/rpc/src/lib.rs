//! gRPC: generated types, conversion to the model, TLS, links, servers
