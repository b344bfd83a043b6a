//! Finding leaks in blocks of decoded body.

pub mod anchors;
