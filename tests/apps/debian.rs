//! Frameworks from Debian's packages.
