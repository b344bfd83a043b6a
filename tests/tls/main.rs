//! TLS and HTTP/2: what a visitor gets by HTTP/1.1 it gets by TLS and by HTTP/2, leaks and their containment alike.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod scanners;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
#[cfg(test)]
mod upstreams;
