//! A set of fixed names with what each stands for, in which hardly any text that is looked up stands.

use std::{collections::HashMap, sync::Arc};

use super::Endpoint;

/// Names and their rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// For every first byte, the lengths of the names that begin with it: bit `n` for `n` bytes, the last for more.
    /// Nothing is hashed that could be no name.
    shapes: Shapes,
    rows: HashMap<Box<[u8]>, Arc<Endpoint>>,
}

#[derive(Clone, Debug)]
struct Shapes(Box<[u64; 256]>);

impl Default for Shapes {
    fn default() -> Self {
        Self(Box::new([0; 256]))
    }
}

impl Names {
    /// Adds a name; of two alike the later counts.
    pub(super) fn insert(&mut self, name: &[u8], row: Arc<Endpoint>) {
        self.shapes.add(name);
        self.rows.insert(name.into(), row);
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Arc<Endpoint>> {
        if self.shapes.covers(name) { self.rows.get(name) } else { None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Shapes {
    fn add(&mut self, name: &[u8]) {
        self.0[first(name)] |= length(name);
    }

    fn covers(&self, name: &[u8]) -> bool {
        self.0[first(name)] & length(name) != 0
    }
}

/// An empty name begins as one with a NUL does.
fn first(name: &[u8]) -> usize {
    usize::from(name.first().copied().unwrap_or_default())
}

fn length(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_that_were_added_are_found_and_no_others() {
        let row = |id: &str| Arc::new(Endpoint { id: id.into(), advice: "".into() });
        let long = [b'l'; 100];
        let mut names = Names::default();
        for name in [&b"console"[..], b"", b"a", &long] {
            names.insert(name, row(&name.len().to_string()));
        }
        for name in [&b"console"[..], b"", b"a", &long] {
            assert_eq!(names.get(name).map(|row| &*row.id), Some(&*name.len().to_string()));
        }
        for other in [&b"c"[..], b"cons0le", b"\0", b"b", &[b'l'; 99]] {
            assert!(names.get(other).is_none());
        }
    }
}
