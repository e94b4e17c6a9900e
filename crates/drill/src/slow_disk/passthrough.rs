//! Owns what a slow disk answers: everything as the file system below does, errors as well, and writes and requests to have
//! them on disk when `throttle.rs` lets them through. Locks and shared memory are the kernel's, on this file system alone:
//! all of a component's processes use it, and nobody else.

use super::nodes::Nodes;
use super::throttle::{Throttle, Work};
use fuser::{
    Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner,
    OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, FileTimes, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The kernel believes what it was told for so long; nobody else changes anything below.
const VALID: Duration = Duration::from_secs(1);
/// Numbers are never used again, so there is one generation.
const GENERATION: Generation = Generation(0);

/// The file system.
pub(super) struct Passthrough {
    nodes: Nodes,
    throttle: Arc<Throttle>,
    next: AtomicU64,
    files: Mutex<BTreeMap<u64, Arc<File>>>,
    folders: Mutex<BTreeMap<u64, Arc<Vec<Listed>>>>,
}

/// An entry of a folder, as it was when the folder was opened.
struct Listed {
    inode: u64,
    kind: FileType,
    name: OsString,
}

impl Passthrough {
    /// Above this root.
    pub(super) fn new(root: File, throttle: Arc<Throttle>) -> Self {
        Self {
            nodes: Nodes::new(root),
            throttle,
            next: AtomicU64::new(1),
            files: Mutex::default(),
            folders: Mutex::default(),
        }
    }

    fn entry(&self, parent: INodeNo, name: &OsStr) -> io::Result<FileAttr> {
        let (number, metadata) = self.nodes.look_up(parent.0, name)?;
        Ok(attributes(number, &metadata))
    }

    fn attributes(&self, of: INodeNo) -> io::Result<FileAttr> {
        Ok(attributes(of.0, &self.nodes.place(of.0)?.metadata()?))
    }

    fn keep(&self, file: File) -> FileHandle {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(number, Arc::new(file));
        FileHandle(number)
    }

    fn file(&self, handle: FileHandle) -> io::Result<Arc<File>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.get(&handle.0).map(Arc::clone);
        file.ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))
    }

    fn reopen(&self, of: INodeNo, flags: OFlags) -> io::Result<File> {
        let (path, _place) = self.nodes.path(of.0)?;
        let file = rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty())?;
        Ok(File::from(file))
    }

    fn list(&self, of: INodeNo) -> io::Result<Vec<Listed>> {
        let (path, place) = self.nodes.path(of.0)?;
        let inode = place.metadata()?.ino();
        let itself = [".", ".."].map(|name| Listed {
            inode,
            kind: FileType::Directory,
            name: name.into(),
        });
        let mut listed = Vec::from(itself);
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            listed.push(Listed {
                inode: std::os::unix::fs::DirEntryExt::ino(&entry),
                kind: kind(entry.file_type()?),
                name: entry.file_name(),
            });
        }
        Ok(listed)
    }

    fn change(&self, of: INodeNo, handle: Option<FileHandle>, new: &New) -> io::Result<FileAttr> {
        let (path, _place) = self.nodes.path(of.0)?;
        if let Some(mode) = new.mode {
            std::fs::set_permissions(&path, Permissions::from_mode(mode & 0o7777))?;
        }
        if new.uid.is_some() || new.gid.is_some() {
            std::os::unix::fs::chown(&path, new.uid, new.gid)?;
        }
        if let Some(size) = new.size {
            match handle {
                Some(handle) => self.file(handle)?.set_len(size)?,
                None => self.reopen(of, OFlags::WRONLY)?.set_len(size)?,
            }
        }
        if new.accessed.is_some() || new.modified.is_some() {
            let moment = |time: TimeOrNow| match time {
                TimeOrNow::SpecificTime(time) => time,
                TimeOrNow::Now => SystemTime::now(),
            };
            let mut times = FileTimes::new();
            if let Some(time) = new.accessed {
                times = times.set_accessed(moment(time));
            }
            if let Some(time) = new.modified {
                times = times.set_modified(moment(time));
            }
            self.reopen(of, OFlags::RDONLY)?.set_times(times)?;
        }
        self.attributes(of)
    }

    /// Makes something in a folder below, and tells the kernel of it.
    fn make(
        &self,
        parent: INodeNo,
        name: &OsStr,
        with: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<FileAttr> {
        with(&*self.nodes.place(parent.0)?)?;
        self.entry(parent, name)
    }

    fn remove(&self, parent: INodeNo, name: &OsStr, flags: AtFlags) -> io::Result<()> {
        let folder = self.nodes.place(parent.0)?;
        Ok(rustix::fs::unlinkat(&*folder, name, flags)?)
    }

    fn make_file(
        &self,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        flags: i32,
    ) -> io::Result<(FileAttr, FileHandle)> {
        let folder = self.nodes.place(parent.0)?;
        let flags = below(flags) | OFlags::CREATE | OFlags::CLOEXEC | exclusive(flags);
        let file = rustix::fs::openat(&*folder, name, flags, Mode::from_raw_mode(mode & 0o7777))?;
        let attributes = self.entry(parent, name)?;
        Ok((attributes, self.keep(File::from(file))))
    }
}

/// What is to be changed of a file.
struct New {
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
    size: Option<u64>,
    accessed: Option<TimeOrNow>,
    modified: Option<TimeOrNow>,
}

/// How a file is opened below. Where a write goes is said with it, so that nothing is appended twice, and pages are the
/// kernel's above.
fn below(flags: i32) -> OFlags {
    let above = OFlags::CREATE
        | OFlags::EXCL
        | OFlags::TRUNC
        | OFlags::APPEND
        | OFlags::DIRECT
        | OFlags::NOFOLLOW
        | OFlags::NOCTTY;
    OFlags::from_bits_retain(flags.cast_unsigned()) - above
}

fn exclusive(flags: i32) -> OFlags {
    OFlags::from_bits_retain(flags.cast_unsigned()) & OFlags::EXCL
}

fn kind(of: std::fs::FileType) -> FileType {
    if of.is_dir() {
        FileType::Directory
    } else if of.is_symlink() {
        FileType::Symlink
    } else if of.is_socket() {
        FileType::Socket
    } else if of.is_fifo() {
        FileType::NamedPipe
    } else if of.is_block_device() {
        FileType::BlockDevice
    } else if of.is_char_device() {
        FileType::CharDevice
    } else {
        FileType::RegularFile
    }
}

fn attributes(number: u64, of: &Metadata) -> FileAttr {
    let changed = u64::try_from(of.ctime()).unwrap_or(0);
    FileAttr {
        ino: INodeNo(number),
        size: of.size(),
        blocks: of.blocks(),
        atime: of.accessed().unwrap_or(UNIX_EPOCH),
        mtime: of.modified().unwrap_or(UNIX_EPOCH),
        ctime: UNIX_EPOCH + Duration::from_secs(changed),
        crtime: UNIX_EPOCH,
        kind: kind(of.file_type()),
        perm: u16::try_from(of.mode() & 0o7777).unwrap_or(0),
        nlink: u32::try_from(of.nlink()).unwrap_or(u32::MAX),
        uid: of.uid(),
        gid: of.gid(),
        rdev: u32::try_from(of.rdev()).unwrap_or(0),
        blksize: u32::try_from(of.blksize()).unwrap_or(4096),
        flags: 0,
    }
}

fn errno(error: impl Into<io::Error>) -> Errno {
    Errno::from(error.into())
}

fn answer_entry(reply: ReplyEntry, found: io::Result<FileAttr>) {
    match found {
        Ok(attributes) => reply.entry(&VALID, &attributes, GENERATION),
        Err(error) => reply.error(errno(error)),
    }
}

fn answer_attributes(reply: ReplyAttr, found: io::Result<FileAttr>) {
    match found {
        Ok(attributes) => reply.attr(&VALID, &attributes),
        Err(error) => reply.error(errno(error)),
    }
}

fn answer(reply: ReplyEmpty, done: io::Result<()>) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(error)),
    }
}

fn answer_data(reply: ReplyData, read: io::Result<Vec<u8>>) {
    match read {
        Ok(data) => reply.data(&data),
        Err(error) => reply.error(errno(error)),
    }
}

impl Filesystem for Passthrough {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        answer_entry(reply, self.entry(parent, name));
    }

    fn forget(&self, _: &Request, ino: INodeNo, nlookup: u64) {
        self.nodes.forget(ino.0, nlookup);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        answer_attributes(reply, self.attributes(ino));
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        fh: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let new = New {
            mode,
            uid,
            gid,
            size,
            accessed,
            modified,
        };
        answer_attributes(reply, self.change(ino, fh, &new));
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        let place = self.nodes.place(ino.0);
        let read = place.and_then(|place| {
            let target = rustix::fs::readlinkat(&*place, "", Vec::new())?;
            Ok(target.into_bytes())
        });
        answer_data(reply, read);
    }

    fn mknod(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        let made = self.make(parent, name, |folder| {
            let kind = rustix::fs::FileType::from_raw_mode(mode);
            let mode = Mode::from_raw_mode(mode & 0o7777);
            Ok(rustix::fs::mknodat(folder, name, kind, mode, rdev.into())?)
        });
        answer_entry(reply, made);
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let made = self.make(parent, name, |folder| {
            let mode = Mode::from_raw_mode(mode & 0o7777);
            Ok(rustix::fs::mkdirat(folder, name, mode)?)
        });
        answer_entry(reply, made);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.remove(parent, name, AtFlags::empty()));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.remove(parent, name, AtFlags::REMOVEDIR));
    }

    fn symlink(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let made = self.make(parent, name, |folder| {
            Ok(rustix::fs::symlinkat(target, folder, name)?)
        });
        answer_entry(reply, made);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.nodes.place(parent.0).and_then(|from| {
            let to = self.nodes.place(new_parent.0)?;
            let flags = rustix::fs::RenameFlags::from_bits_retain(flags.bits());
            rustix::fs::renameat_with(&*from, name, &*to, new_name, flags)?;
            Ok(())
        });
        answer(reply, renamed);
    }

    fn link(
        &self,
        _: &Request,
        ino: INodeNo,
        new_parent: INodeNo,
        new_name: &OsStr,
        reply: ReplyEntry,
    ) {
        let linked = self.make(new_parent, new_name, |folder| {
            let (path, _place) = self.nodes.path(ino.0)?;
            let flags = AtFlags::SYMLINK_FOLLOW;
            Ok(rustix::fs::linkat(CWD, path, folder, new_name, flags)?)
        });
        answer_entry(reply, linked);
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        match self.reopen(ino, below(flags.0)) {
            // Whatever changes the file passes through the kernel's pages, which stay right.
            Ok(file) => reply.opened(self.keep(file), FopenFlags::FOPEN_KEEP_CACHE),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        match self.make_file(parent, name, mode, flags) {
            Ok((attributes, handle)) => {
                let flags = FopenFlags::FOPEN_KEEP_CACHE;
                reply.created(&VALID, &attributes, GENERATION, handle, flags);
            }
            Err(error) => reply.error(errno(error)),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.file(fh).and_then(|file| {
            let mut data = vec![0; usize::try_from(size).unwrap_or(0)];
            let length = file.read_at(&mut data, offset)?;
            data.truncate(length);
            Ok(data)
        });
        answer_data(reply, read);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.throttle.hold(Work::Write);
        match self.file(fh).and_then(|file| file.write_at(data, offset)) {
            Ok(written) => reply.written(u32::try_from(written).unwrap_or(u32::MAX)),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // Closing writes nothing that has not been written.
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.remove(&fh.0);
        drop(files);
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, fh: FileHandle, data_only: bool, reply: ReplyEmpty) {
        self.throttle.hold(Work::Sync);
        let done = self.file(fh).and_then(|file| {
            if data_only {
                file.sync_data()
            } else {
                file.sync_all()
            }
        });
        answer(reply, done);
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.list(ino) {
            Ok(listed) => {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
                folders.insert(number, Arc::new(listed));
                drop(folders);
                reply.opened(FileHandle(number), FopenFlags::empty());
            }
            Err(error) => reply.error(errno(error)),
        }
    }

    fn readdir(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = folders.get(&fh.0).map(Arc::clone).unwrap_or_default();
        drop(folders);
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        for (next, entry) in (1..).zip(listed.iter()).skip(from) {
            if reply.add(INodeNo(entry.inode), next, entry.kind, &entry.name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, fh: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.remove(&fh.0);
        drop(folders);
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.throttle.hold(Work::Sync);
        let folder = self.reopen(ino, OFlags::RDONLY | OFlags::DIRECTORY);
        answer(reply, folder.and_then(|folder| folder.sync_all()));
    }

    fn statfs(&self, _: &Request, ino: INodeNo, reply: ReplyStatfs) {
        let place = self.nodes.place(ino.0);
        match place.and_then(|place| Ok(rustix::fs::fstatvfs(&*place)?)) {
            Ok(of) => {
                let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
                reply.statfs(
                    of.f_blocks,
                    of.f_bfree,
                    of.f_bavail,
                    of.f_files,
                    of.f_ffree,
                    small(of.f_bsize),
                    small(of.f_namemax),
                    small(of.f_frsize),
                );
            }
            Err(error) => reply.error(errno(error)),
        }
    }

    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let done = self.file(fh).and_then(|file| {
            let how = FallocateFlags::from_bits_retain(mode.cast_unsigned());
            Ok(rustix::fs::fallocate(&*file, how, offset, length)?)
        });
        answer(reply, done);
    }
}
