//! A library that is loaded before the system's and makes one of its calls fail, or the process end there.
//!
//! `faults.rs` compiles it with the compiler that the tests were compiled with, as a shared library of its own.
//!
//! `FAULT_CALL` is `write`, `fsync` or `rename`; `FAULT_AT` says which call of that kind, counted from 1, among those on
//! files below `FAULT_UNDER`; `FAULT_HOW` is an error number, `N+` for that error from there on, or `kill`.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
    fn _exit(code: c_int) -> !;
}

const NEXT: *mut c_void = -1_isize as *mut c_void;

struct Fault {
    call: String,
    at: u64,
    under: String,
    how: How,
}

enum How {
    Once(c_int),
    From(c_int),
    Kill,
}

static CALLS: AtomicU64 = AtomicU64::new(0);

fn fault() -> Option<&'static Fault> {
    static FAULT: OnceLock<Option<Fault>> = OnceLock::new();
    let read = || {
        let value = |name: &str| std::env::var(name).ok();
        let how = value("FAULT_HOW")?;
        let how = match how.strip_suffix('+') {
            _ if how == "kill" => How::Kill,
            Some(number) => How::From(number.parse().ok()?),
            None => How::Once(how.parse().ok()?),
        };
        Some(Fault { call: value("FAULT_CALL")?, at: value("FAULT_AT")?.parse().ok()?, under: value("FAULT_UNDER")?, how })
    };
    FAULT.get_or_init(read).as_ref()
}

/// The error that a call on `path` gets, if it gets one.
fn error(call: &str, path: impl FnOnce() -> Option<std::path::PathBuf>) -> Option<c_int> {
    let fault = fault().filter(|fault| fault.call == call)?;
    path().filter(|path| path.starts_with(&fault.under))?;
    let number = CALLS.fetch_add(1, Ordering::SeqCst) + 1;
    match fault.how {
        How::Once(error) => (number == fault.at).then_some(error),
        How::From(error) => (number >= fault.at).then_some(error),
        // SAFETY: ends the process without running anything of it.
        How::Kill => (number == fault.at).then(|| unsafe { _exit(137) }),
    }
}

fn of_descriptor(descriptor: c_int) -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()
}

fn of_name(name: *const c_char) -> Option<std::path::PathBuf> {
    // SAFETY: the caller passes the system a path, which ends with a zero.
    let path = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()));
    std::path::absolute(path).ok()
}

fn fail(error: c_int) -> c_int {
    // SAFETY: the address of this thread's own error number.
    unsafe { *__errno_location() = error };
    -1
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: *const c_void, count: usize) -> isize {
    if let Some(error) = error("write", || of_descriptor(descriptor)) {
        return fail(error) as isize;
    }
    type Write = unsafe extern "C" fn(c_int, *const c_void, usize) -> isize;
    // SAFETY: the system's own function of this name and type.
    unsafe { std::mem::transmute::<*mut c_void, Write>(dlsym(NEXT, c"write".as_ptr()))(descriptor, bytes, count) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(descriptor: c_int) -> c_int {
    if let Some(error) = error("fsync", || of_descriptor(descriptor)) {
        return fail(error);
    }
    type Sync = unsafe extern "C" fn(c_int) -> c_int;
    // SAFETY: the system's own function of this name and type.
    unsafe { std::mem::transmute::<*mut c_void, Sync>(dlsym(NEXT, c"fsync".as_ptr()))(descriptor) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    if let Some(error) = error("rename", || of_name(to)) {
        return fail(error);
    }
    type Rename = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;
    // SAFETY: the system's own function of this name and type.
    unsafe { std::mem::transmute::<*mut c_void, Rename>(dlsym(NEXT, c"rename".as_ptr()))(from, to) }
}
