//! Where bodies wait behind the shield, and how much of it there is: for all clients together and for each.

use std::{
    collections::HashMap,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use crate::{
    exchange::{Budget, Share},
    request::rate::network,
};

/// Where bodies wait, and how much of them; the same for all workers.
#[derive(Clone, Debug, Default)]
pub struct Storage {
    /// The folder of the files; empty for the system's.
    pub folder: PathBuf,
    /// The memory of all exchanges together.
    pub memory: Arc<Budget>,
    /// The bytes in files of all exchanges together.
    pub disk: Arc<Budget>,
    /// The bytes in files of each client.
    pub clients: Arc<ClientDisks>,
}

/// The storage, for the bodies of one client.
#[derive(Clone, Debug)]
pub(crate) struct ClientStorage {
    pub(super) all: Storage,
    client: IpAddr,
}

impl Storage {
    /// For a client.
    pub(crate) fn of(&self, client: IpAddr) -> ClientStorage {
        ClientStorage { all: self.clone(), client }
    }
}

impl ClientStorage {
    /// Nothing yet of what the client may have on disk.
    pub(super) fn disk(&self) -> Share {
        Share::of(&self.all.clients.of(self.client))
    }
}

#[cfg(test)]
impl From<Storage> for ClientStorage {
    fn from(all: Storage) -> Self {
        Self { all, client: std::net::Ipv4Addr::LOCALHOST.into() }
    }
}

/// What each client (an IPv4 address, or a network of 64 bits of IPv6) has in files, so that nobody fills the disk
/// alone.
#[derive(Debug)]
pub struct ClientDisks {
    most: usize,
    budgets: Mutex<HashMap<Vec<u8>, Weak<Budget>>>,
}

/// So many clients are known before those without files are looked for.
const MANY: usize = 64;

impl Default for ClientDisks {
    /// Without a limit.
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl ClientDisks {
    /// So many bytes for each.
    pub fn new(most: usize) -> Self {
        Self { most, budgets: Mutex::default() }
    }

    fn of(&self, client: IpAddr) -> Arc<Budget> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() >= MANY && budgets.len() == budgets.capacity() {
            budgets.retain(|_, budget| budget.strong_count() > 0);
        }
        let known = budgets.entry(network(client)).or_default();
        known.upgrade().unwrap_or_else(|| {
            let budget = Arc::new(Budget::new(self.most));
            *known = Arc::downgrade(&budget);
            budget
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_client_has_one_budget_while_it_has_files_and_is_forgotten_after_them() {
        let disks = ClientDisks::new(1 << 20);
        let address = |text: &str| text.parse().unwrap();
        let mut share = Share::of(&disks.of(address("2001:db8::1")));
        share.resize(1 << 20).unwrap();
        assert!(Share::of(&disks.of(address("2001:db8::2"))).resize(1).is_err(), "the same network");
        assert!(Share::of(&disks.of(address("2001:db8:0:1::2"))).resize(1).is_ok(), "another one");
        drop(share);
        assert!(Share::of(&disks.of(address("2001:db8::2"))).resize(1 << 20).is_ok());
        (0..100_000u32).for_each(|client| drop(disks.of(Ipv4Addr::from_bits(client).into())));
        assert!(disks.budgets.lock().unwrap().len() <= 1000);
    }
}
