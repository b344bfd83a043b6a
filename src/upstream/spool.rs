//! Bytes that wait for whoever is slower: in memory first, then in a file that has no name.

use std::{
    fs::{File, Permissions},
    future::Future,
    io,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use thiserror::Error;
use tokio::task::spawn_blocking;

use super::storage::ClientStorage;
use crate::exchange::{Exhausted, Share};

/// Bytes that are read back from a file at a time.
pub(super) const PIECE: usize = 64 << 10;

/// Why bytes cannot be kept.
#[derive(Debug, Error)]
pub(crate) enum SpoolFault {
    /// What all exchanges together may hold in memory is used up.
    #[error("server.max_memory is used up")]
    Memory,
    /// What all exchanges together may hold in files is used up.
    #[error("server.max_disk is used up")]
    Disk,
    /// What one client may have in files is used up.
    #[error("the client has used up server.max_disk_per_client")]
    ClientDisk,
    /// No file can be made.
    #[error("no file can be made in {folder} (set server.spool_dir): {error}")]
    NoFile {
        /// Where.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file cannot be written or read.
    #[error("the file that keeps it failed: {0}")]
    File(#[from] io::Error),
}

/// First in, first out. What is in the file came before what is in `tail`.
#[derive(Debug)]
pub(super) struct Spool {
    storage: ClientStorage,
    /// What came last. At most `most_memory` bytes.
    tail: Vec<u8>,
    most_memory: usize,
    /// For `tail`, and from the first file on for a piece that is read back. Never shrinks.
    memory: Share,
    reserved: usize,
    /// Readable by nobody else, and gone with its last handle.
    file: Option<Arc<File>>,
    /// `taken..written` of the file is still to be read.
    taken: u64,
    /// At most what `disk` has reserved.
    written: u64,
    disk: Share,
    /// Of what the client may have; from the first file on.
    client_disk: Share,
}

impl Spool {
    /// An empty one that keeps so many bytes in memory; at least 1.
    pub(super) fn new(storage: &ClientStorage, most_memory: usize) -> Self {
        Self {
            tail: Vec::new(),
            most_memory: most_memory.max(1),
            memory: Share::of(&storage.all.memory),
            reserved: 0,
            file: None,
            taken: 0,
            written: 0,
            disk: Share::of(&storage.all.disk),
            client_disk: Share::unlimited(),
            storage: storage.clone(),
        }
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> u64 {
        self.in_file() + self.tail.len() as u64
    }

    /// Bytes of memory and disk that are in use, for what waits and for what has left.
    pub(super) fn occupied(&self) -> u64 {
        self.written + self.tail.len() as u64
    }

    /// Takes `data` in.
    ///
    /// # Errors
    /// When there is no place; what found none stays in `data`, and nothing is lost of what came before.
    pub(super) async fn push(&mut self, data: &mut Bytes) -> Result<(), SpoolFault> {
        loop {
            let room = self.most_memory.saturating_sub(self.tail.len()).min(data.len());
            self.grow_tail(room)?;
            self.tail.extend_from_slice(&data[..room]);
            data.advance(room);
            if data.is_empty() {
                return Ok(());
            }
            self.write_tail().await?;
        }
    }

    /// The bytes that came first; none if there are none.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub(super) async fn pull(&mut self) -> io::Result<Bytes> {
        let Some(file) = self.file.clone().filter(|_| self.in_file() > 0) else {
            return Ok(Bytes::from(std::mem::take(&mut self.tail)));
        };
        let (from, length) = (self.taken, self.in_file().min(PIECE as u64));
        let piece = in_background(move || {
            #[expect(clippy::cast_possible_truncation, reason = "at most PIECE")]
            let mut piece = vec![0; length as usize];
            file.read_exact_at(&mut piece, from).map(|()| piece)
        });
        let piece = piece.await??;
        self.taken += length;
        if self.in_file() == 0 {
            (self.taken, self.written) = (0, 0);
        }
        Ok(Bytes::from(piece))
    }

    /// Reserves memory beside what holds the bytes themselves.
    pub(super) fn reserve(&mut self, bytes: usize) -> Result<(), SpoolFault> {
        if bytes > self.reserved {
            self.memory.resize(bytes).map_err(|Exhausted| SpoolFault::Memory)?;
            self.reserved = bytes;
        }
        Ok(())
    }

    /// Keeps so many bytes in memory from now on. False where it did already.
    pub(super) fn stay_in_memory(&mut self, most: usize) -> bool {
        let more = most > self.most_memory;
        self.most_memory = self.most_memory.max(most);
        more
    }

    fn in_file(&self) -> u64 {
        debug_assert!(self.taken <= self.written);
        self.written - self.taken
    }

    /// Makes place for `more` bytes, by doubling, so that a long body is not moved once for every piece of it.
    fn grow_tail(&mut self, more: usize) -> Result<(), SpoolFault> {
        let needed = self.tail.len() + more;
        if needed > self.tail.capacity() {
            let capacity = (self.tail.capacity() * 2).clamp(needed, self.most_memory.max(needed));
            self.reserve(capacity)?;
            self.tail.reserve_exact(capacity - self.tail.len());
        }
        Ok(())
    }

    /// Moves `tail` to the file. Where that fails it stays.
    async fn write_tail(&mut self) -> Result<(), SpoolFault> {
        let file = self.open().await?;
        let (at, end) = (self.written, self.written + self.tail.len() as u64);
        let on_disk = usize::try_from(end).unwrap_or(usize::MAX);
        self.client_disk.resize(on_disk).map_err(|Exhausted| SpoolFault::ClientDisk)?;
        self.disk.resize(on_disk).map_err(|Exhausted| SpoolFault::Disk)?;
        let tail = std::mem::take(&mut self.tail);
        let (tail, result) = in_background(move || {
            let result = file.write_all_at(&tail, at);
            (tail, result)
        })
        .await?;
        self.tail = tail;
        result?;
        self.tail.clear();
        self.written = end;
        Ok(())
    }

    async fn open(&mut self) -> Result<Arc<File>, SpoolFault> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        self.reserve(self.most_memory + PIECE)?;
        let folder = self.storage.all.folder.clone();
        let made = in_background(move || nameless(&folder)).await?;
        let file = made.map_err(|error| SpoolFault::NoFile { folder: self.storage.all.folder.clone(), error })?;
        self.client_disk = self.storage.disk();
        Ok(self.file.insert(Arc::new(file)).clone())
    }
}

fn nameless(folder: &Path) -> io::Result<File> {
    let file = if folder.as_os_str().is_empty() { tempfile::tempfile() } else { tempfile::tempfile_in(folder) }?;
    // It could still be opened by way of /proc.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Does what may wait for a disk where nothing else waits for it.
fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = io::Result<T>> {
    let task = spawn_blocking(work);
    async { task.await.map_err(io::Error::other) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        exchange::Budget,
        upstream::{ClientDisks, Storage},
    };

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn storage(memory: usize, disk: usize) -> Storage {
        let (memory, disk) = (Arc::new(Budget::new(memory)), Arc::new(Budget::new(disk)));
        Storage { memory, disk, ..Storage::default() }
    }

    async fn drained(spool: &mut Spool) -> Vec<u8> {
        let mut all = Vec::new();
        while spool.len() > 0 {
            all.extend(spool.pull().await.unwrap());
        }
        all
    }

    #[test]
    fn what_fits_in_memory_needs_no_file_and_everything_is_given_back() {
        let storage = storage(1 << 20, 1 << 20);
        let mut spool = Spool::new(&storage.clone().into(), 100);
        run(spool.push(&mut Bytes::from_static(&[7; 100]))).unwrap();
        assert!(spool.file.is_none() && storage.memory.held() > 0);
        run(spool.push(&mut Bytes::from_static(b"!"))).unwrap();
        assert!(spool.file.is_some() && storage.disk.held() > 0);
        assert_eq!(run(drained(&mut spool)), [vec![7; 100], b"!".to_vec()].concat());
        drop(spool);
        assert_eq!((storage.memory.held(), storage.disk.held()), (0, 0));
    }

    #[test]
    fn the_file_is_nobody_elses_and_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { folder: folder.path().to_owned(), ..storage(1 << 20, 1 << 20) };
        let mut spool = Spool::new(&storage.clone().into(), 1);
        run(spool.push(&mut Bytes::from_static(b"secret"))).unwrap();
        let mode = spool.file.as_ref().unwrap().metadata().unwrap().permissions().mode();
        assert_eq!((mode & 0o777, std::fs::read_dir(folder.path()).unwrap().count()), (0o600, 0));
    }

    #[test]
    fn what_finds_no_place_is_not_lost() {
        let full = "/dev/full";
        for (memory, disk, folder, wanted) in [
            (1 << 20, 0, "", "server.max_disk"),
            (0, 1 << 20, "", "server.max_memory"),
            (1 << 20, 1 << 20, "/nowhere", "/nowhere (set server.spool_dir)"),
            (1 << 20, 1 << 20, full, "No space left"),
        ] {
            let mut spool = Spool::new(&storage(memory, disk).into(), 4);
            spool.storage.all.folder = folder.into();
            if folder == full {
                spool.file = Some(Arc::new(File::options().write(true).open(full).unwrap()));
            }
            let mut data = Bytes::from_static(b"0123456789");
            let fault = run(spool.push(&mut data)).unwrap_err().to_string();
            assert!(fault.contains(wanted), "{fault}");
            assert_eq!([&run(drained(&mut spool))[..], &data].concat(), b"0123456789", "{wanted}");
        }
    }

    #[test]
    fn one_client_leaves_place_for_others_on_the_disk() {
        let clients = Arc::new(ClientDisks::new(1 << 20));
        let storage = Storage { clients, ..storage(8 << 20, 2 << 20) };
        let spool = |client: [u8; 4]| Spool::new(&storage.of(client.into()), 1);
        let upload = |spool: &mut Spool| run(spool.push(&mut Bytes::from(vec![1; 700 << 10])));
        let (mut first, mut second, mut other) = (spool([192, 0, 2, 1]), spool([192, 0, 2, 1]), spool([192, 0, 2, 2]));
        upload(&mut first).unwrap();
        assert!(matches!(upload(&mut second), Err(SpoolFault::ClientDisk)));
        upload(&mut other).unwrap();
        drop(first);
        upload(&mut spool([192, 0, 2, 1])).unwrap();
    }

    proptest! {
        #[test]
        fn bytes_leave_in_the_order_in_which_they_came(
            memory in 1..50usize, turns in proptest::collection::vec((0..200usize, 0..4usize), 1..20),
        ) {
            let mut spool = Spool::new(&storage(1 << 20, 1 << 20).into(), memory);
            let (mut came, mut left) = (Vec::new(), Vec::new());
            run(async {
                for (count, pulls) in turns {
                    let piece: Vec<u8> = (0..count).map(|at| (came.len() + at) as u8).collect();
                    came.extend_from_slice(&piece);
                    spool.push(&mut Bytes::from(piece)).await.unwrap();
                    for _ in 0..pulls {
                        left.extend(spool.pull().await.unwrap());
                    }
                    assert_eq!(spool.len() as usize, came.len() - left.len());
                }
                left.extend(drained(&mut spool).await);
            });
            prop_assert_eq!(came, left);
        }
    }
}
