//! `Set-Cookie` and `Cookie` (RFC 6265bis): parsed and printed, byte-preserving for what is not changed.
