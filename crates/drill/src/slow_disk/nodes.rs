//! Owns which file of the disk below a number of the kernel means: an open place (O_PATH) per file, which stays the same file
//! when it is renamed or its name is gone, until the kernel forgets it.

use rustix::fs::{Mode, OFlags, openat};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of the root, which is never forgotten.
const ROOT: u64 = 1;

/// All files that the kernel knows.
pub(super) struct Nodes {
    table: Mutex<Table>,
}

struct Table {
    by_number: BTreeMap<u64, Node>,
    /// By device and inode of the disk below, which nobody else gets while the place is open.
    by_inode: BTreeMap<(u64, u64), u64>,
    next: u64,
}

struct Node {
    place: Arc<File>,
    inode: (u64, u64),
    /// The kernel was told of it so often.
    lookups: u64,
}

impl Nodes {
    /// Only the root, which is this.
    pub(super) fn new(root: File) -> Self {
        let root = Node {
            place: Arc::new(root),
            inode: (0, 0),
            lookups: 1,
        };
        Self {
            table: Mutex::new(Table {
                by_number: BTreeMap::from([(ROOT, root)]),
                by_inode: BTreeMap::new(),
                next: ROOT + 1,
            }),
        }
    }

    /// The place with a number.
    pub(super) fn place(&self, number: u64) -> io::Result<Arc<File>> {
        let table = self.table();
        let node = table.by_number.get(&number);
        node.map(|node| Arc::clone(&node.place))
            .ok_or_else(|| io::Error::from_raw_os_error(libc::ESTALE))
    }

    /// A path by which this process reaches the file itself.
    pub(super) fn path(&self, number: u64) -> io::Result<(PathBuf, Arc<File>)> {
        let place = self.place(number)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", place.as_raw_fd()));
        // The place goes with it: the path is good as long as it is open.
        Ok((path, place))
    }

    /// What has this name in a folder; the kernel is told of it.
    pub(super) fn look_up(&self, parent: u64, name: &OsStr) -> io::Result<(u64, Metadata)> {
        let folder = self.place(parent)?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let place = File::from(openat(&*folder, name, flags, Mode::empty())?);
        let metadata = place.metadata()?;
        let inode = (metadata.dev(), metadata.ino());
        let mut table = self.table();
        let known = table.by_inode.get(&inode).copied();
        let number = known.unwrap_or(table.next);
        if known.is_none() {
            table.next += 1;
            table.by_inode.insert(inode, number);
        }
        let node = table.by_number.entry(number).or_insert_with(|| Node {
            place: Arc::new(place),
            inode,
            lookups: 0,
        });
        node.lookups += 1;
        Ok((number, metadata))
    }

    /// The kernel has forgotten so many of the times that it was told.
    pub(super) fn forget(&self, number: u64, times: u64) {
        if number == ROOT {
            return;
        }
        let mut table = self.table();
        let Some(node) = table.by_number.get_mut(&number) else {
            return;
        };
        node.lookups = node.lookups.saturating_sub(times);
        if node.lookups == 0 {
            let inode = node.inode;
            table.by_number.remove(&number);
            table.by_inode.remove(&inode);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
