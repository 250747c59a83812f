//! A SQLite file system (VFS) that passes everything on to the unix one and notes what was done to the files.
//!
//! Invariant: every byte that SQLite changes in a database, journal or write-ahead log is noted, after it was done. So
//! methods of version 2 only: without `xFetch` nothing is written through a memory map. The shared-memory file is passed
//! on and not noted: SQLite makes it anew after a power loss.
#![expect(unsafe_code, reason = "SQLite asks for its file system as C functions")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::ffi;

use crate::disk::{FileId, Happened};
use crate::recorder::Recorder;

static REGISTERED: AtomicU32 = AtomicU32::new(0);

/// Registers a file system of its own for this recorder and gives its name. It lives as long as the process, because
/// SQLite keeps the address.
pub(crate) fn register(recorder: Arc<Recorder>) -> String {
    let name = format!("recording-{}", REGISTERED.fetch_add(1, Ordering::SeqCst));
    let c_name = CString::new(name.clone()).expect("a name without zeros").into_raw();
    // SAFETY: null asks for the default VFS, which is static. Its functions other than xOpen look at none of the fields
    // that we change, so they may stand in our copy. What we register is never freed.
    unsafe {
        let unix = ffi::sqlite3_vfs_find(ptr::null());
        assert!(!unix.is_null(), "SQLite has a default file system");
        let shared = Box::into_raw(Box::new(Shared { recorder, unix }));
        let size = c_int::try_from(size_of::<OpenFile>()).expect("a small struct");
        let ours = ffi::sqlite3_vfs {
            szOsFile: size + (*unix).szOsFile,
            pNext: ptr::null_mut(),
            zName: c_name,
            pAppData: shared.cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            ..*unix
        };
        let code = ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 0);
        assert_eq!(code, ffi::SQLITE_OK, "SQLite takes our file system");
    }
    name
}

/// What all files of one file system share.
struct Shared {
    recorder: Arc<Recorder>,
    unix: *mut ffi::sqlite3_vfs,
}

/// A file as SQLite holds it; the unix file stands right behind it in the same memory.
#[repr(C)]
struct OpenFile {
    base: ffi::sqlite3_file,
    shared: *const Shared,
    noted: Option<FileId>,
    /// The unix VFS syncs the folder too at the first sync of a journal or log that it may have made
    /// (`UNIXFILE_DIRSYNC` in os_unix.c).
    syncs_folder: bool,
}

impl OpenFile {
    fn note(&self, happened: impl FnOnce(FileId) -> Happened) {
        if let Some(file) = self.noted {
            // SAFETY: set by `open` to what `register` leaked.
            unsafe { &*self.shared }.recorder.note(happened(file));
        }
    }
}

/// The name inside its folder.
///
/// # Safety
/// `name` is null or a string that ends with a zero.
unsafe fn file_name(name: *const c_char) -> Option<String> {
    if name.is_null() {
        return None;
    }
    // SAFETY: by the caller's word.
    let path = unsafe { CStr::from_ptr(name) }.to_str().ok()?;
    Some(Path::new(path).file_name()?.to_str()?.to_owned())
}

/// # Safety
/// Called by SQLite with a file buffer of `szOsFile` bytes, aligned for any of its structs.
unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `vfs` is ours, so `pAppData` is what `register` leaked; the buffer has room for ours and the unix file.
    unsafe {
        let shared: *const Shared = (*vfs).pAppData.cast();
        let (unix, recorder) = ((*shared).unix, &(*shared).recorder);
        (*file).pMethods = ptr::null();
        let Some(unix_open) = (*unix).xOpen else { return ffi::SQLITE_CANTOPEN };
        let code = unix_open(unix, name, real(file), flags, out_flags);
        if code != ffi::SQLITE_OK {
            return code;
        }
        let journals = ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_WAL;
        let is_noted = flags & (journals | ffi::SQLITE_OPEN_MAIN_DB) != 0;
        let noted = file_name(name).filter(|_| is_noted).map(|name| recorder.opened(&name));
        let syncs_folder = flags & journals != 0 && flags & ffi::SQLITE_OPEN_CREATE != 0;
        let base = ffi::sqlite3_file { pMethods: &raw const METHODS };
        ptr::write(file.cast(), OpenFile { base, shared, noted, syncs_folder });
        ffi::SQLITE_OK
    }
}

/// # Safety
/// Called by SQLite with our VFS and a path.
unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: as in `open`.
    unsafe {
        let shared = &*(*vfs).pAppData.cast::<Shared>();
        let Some(unix_delete) = (*shared.unix).xDelete else { return ffi::SQLITE_IOERR_DELETE };
        let code = unix_delete(shared.unix, name, sync_folder);
        if let (ffi::SQLITE_OK, Some(name)) = (code, file_name(name)) {
            shared.recorder.deleted(&name);
            if sync_folder != 0 {
                shared.recorder.note(Happened::FolderSynced);
            }
        }
        code
    }
}

/// The unix file behind ours.
///
/// # Safety
/// `file` is a buffer of `szOsFile` bytes.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: `szOsFile` has room for both.
    unsafe { file.cast::<OpenFile>().add(1).cast() }
}

/// Methods that only call the same method of the unix file.
macro_rules! pass_on {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*);)+) => {$(
        /// # Safety
        /// Called by SQLite with a file that `open` made.
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $type)*) -> c_int {
            // SAFETY: the unix file was opened by `open`, so its methods are set.
            unsafe {
                let real = real(file);
                match (*(*real).pMethods).$method {
                    Some(method) => method(real $(, $argument)*),
                    None => ffi::SQLITE_IOERR,
                }
            }
        }
    )+};
}

pass_on! {
    close = xClose();
    read = xRead(buffer: *mut c_void, length: c_int, offset: i64);
    pass_write = xWrite(buffer: *const c_void, length: c_int, offset: i64);
    pass_truncate = xTruncate(size: i64);
    pass_sync = xSync(flags: c_int);
    file_size = xFileSize(size: *mut i64);
    lock = xLock(level: c_int);
    unlock = xUnlock(level: c_int);
    check_reserved_lock = xCheckReservedLock(result: *mut c_int);
    file_control = xFileControl(operation: c_int, argument: *mut c_void);
    sector_size = xSectorSize();
    device_characteristics = xDeviceCharacteristics();
    shm_map = xShmMap(region: c_int, size: c_int, extend: c_int, memory: *mut *mut c_void);
    pass_shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap = xShmUnmap(delete: c_int);
}

/// # Safety
/// Called by SQLite with a file that `open` made.
unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: as in `pass_on`.
    unsafe {
        let real = real(file);
        if let Some(barrier) = (*(*real).pMethods).xShmBarrier {
            barrier(real);
        }
    }
}

/// # Safety
/// Called by SQLite with a file that `open` made and `length` bytes to write.
unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, buffer: *const c_void, length: c_int, offset: i64) -> c_int {
    // SAFETY: by SQLite's word the buffer has this many bytes.
    unsafe {
        let code = pass_write(file, buffer, length, offset);
        if code == ffi::SQLITE_OK {
            let bytes = std::slice::from_raw_parts(buffer.cast::<u8>(), unsigned(length.into())).to_vec();
            (*file.cast::<OpenFile>()).note(|file| Happened::Written { file, offset: unsigned(offset), bytes });
        }
        code
    }
}

/// # Safety
/// Called by SQLite with a file that `open` made.
unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: as above.
    unsafe {
        let code = pass_truncate(file, size);
        if code == ffi::SQLITE_OK {
            (*file.cast::<OpenFile>()).note(|file| Happened::Truncated { file, size: unsigned(size) });
        }
        code
    }
}

/// # Safety
/// Called by SQLite with a file that `open` made.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as above; SQLite uses a file from one thread at a time.
    unsafe {
        let code = pass_sync(file, flags);
        if code == ffi::SQLITE_OK {
            let file = &mut *file.cast::<OpenFile>();
            file.note(|file| Happened::Synced { file });
            if std::mem::take(&mut file.syncs_folder) {
                file.note(|_| Happened::FolderSynced);
            }
        }
        code
    }
}

/// The places of the locks that a transaction and a checkpoint take first (`WAL_WRITE_LOCK`, `WAL_CKPT_LOCK` in wal.c).
const WRITE_LOCK: (c_int, c_int) = (0, 1);
const CHECKPOINT_LOCK: (c_int, c_int) = (1, 1);

/// # Safety
/// Called by SQLite with a file that `open` made.
unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        let recorder = &(*(*file.cast::<OpenFile>()).shared).recorder;
        let takes = |lock| (offset, count) == lock && flags & ffi::SQLITE_SHM_LOCK != 0;
        if takes(CHECKPOINT_LOCK) {
            recorder.checkpoint_begins();
        }
        let code = pass_shm_lock(file, offset, count, flags);
        if takes(WRITE_LOCK) && code == ffi::SQLITE_OK {
            recorder.transaction_begins();
        }
        code
    }
}

/// SQLite gives no negative lengths or places.
fn unsigned(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
