//! TLS and HTTP/2: what a visitor gets by HTTP/1.1 it gets by TLS and by HTTP/2, leaks and their containment alike.

mod clients;
mod grpc;
mod streams;
mod support;
mod upstreams;
