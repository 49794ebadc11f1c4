//! Memory over generations, counted: bytes on the device after each, and bytes that this process holds.

use crate::lab::{Lab, gpu};
use orchestrator::Event;
use rundir::StageKind;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, Ordering};

/// Counts what is held.
struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ARM: &str =
    "[chain]\ngenerations = 5\nseeds = [0]\n[[arm]]\nname = \"mixed\"\nrecipe = { pool = 0.8, latest = 0.1 }\n";
/// Bytes of the process that a generation may add: its documents, which later ones may read, and what libraries keep. Its weights
/// alone are more.
const HOST: isize = 64 << 10;

#[test]
fn memory_of_a_gpu_is_flat_from_generation_2_on() {
    let Some(name) = gpu() else { return };
    let device = ops::device::parse(name).unwrap().device();
    let found = Mutex::new(Vec::new());
    let see = |event: Event| {
        if let Event::Finished { kind: StageKind::Score, .. } = event {
            let usage = ops::memory::usage(&device).expect("a GPU counts");
            found.lock().unwrap().push((usage, HELD.load(Ordering::Relaxed)));
        }
    };
    Lab::new(ARM).run("run", name, 1, &see).unwrap();
    let found = found.into_inner().unwrap();
    assert_eq!(found.len(), 5);
    let shown: Vec<_> = found.iter().map(|(usage, host)| (usage.buffers, usage.in_use, usage.reserved, host)).collect();
    eprintln!("buffers, bytes in use, bytes reserved, bytes of the process: {shown:?}");
    for pair in found[2..].windows(2) {
        let ((before, host_before), (after, host_after)) = (pair[0], pair[1]);
        assert!(after.buffers <= before.buffers && after.in_use <= before.in_use, "{shown:?}");
        assert!(after.reserved <= before.reserved, "{shown:?}");
        assert!(host_after - host_before < HOST, "{shown:?}");
    }
}
