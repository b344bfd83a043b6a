//! Real frameworks behind the built binary: in their careless configuration nothing sensitive may reach the
//! visitor, in production configuration every answer must arrive as it was.
//!
//! `tests/run` installs the frameworks; a missing one fails its test. Those that need Debian packages are
//! marked `#[ignore]` and run by `tests/run --all`.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod browsers;
#[cfg(test)]
mod debian;
#[cfg(test)]
mod files;
#[cfg(test)]
mod node;
#[cfg(test)]
mod python;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shield;
#[cfg(test)]
mod support;
#[cfg(test)]
mod weak_keys;
