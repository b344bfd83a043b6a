//! Finding leaks in blocks of decoded body.
