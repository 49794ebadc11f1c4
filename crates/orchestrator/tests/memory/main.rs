//! Memory over generations, counted: bytes on the device after each, and bytes that this process holds.

#[path = "../device/lab.rs"]
mod lab;

use lab::{Lab, gpu};
use rundir::Event;
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

/// Bytes of this process that a generation may add in stages other than writing: its ledger's entries and paths.
const HOST: isize = 64 << 10;

/// What is held after a generation.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// Buffers of the device.
    buffers: u64,
    /// Bytes reserved there.
    reserved: u64,
    /// Bytes in use there while it was trained, at most.
    training: u64,
    /// Bytes that this process holds more than before its stages, writing left out: the tokenizer remembers words that it has
    /// not seen before, ten thousand at most, and a model that has hardly learnt writes no others.
    grown: isize,
}

/// What a chain on this device holds, generation by generation.
fn held(name: &str) -> Vec<Held> {
    let device = ops::device::parse(name).unwrap().device();
    // Finished generations, the one that is being made, and the process's bytes at the last look.
    let found = Mutex::new((Vec::new(), Held::default(), 0));
    let see = |event: Event| {
        let (finished, now, before) = &mut *found.lock().unwrap();
        let usage = ops::memory::usage(&device).expect("a GPU counts");
        match event {
            Event::Working { kind: StageKind::Train, .. } => now.training = now.training.max(usage.in_use),
            Event::Finished { kind, .. } => {
                let held = HELD.load(Ordering::Relaxed);
                now.grown += if kind == StageKind::Generate { 0 } else { held - *before };
                *before = held;
                if kind == StageKind::Score {
                    (now.buffers, now.reserved) = (usage.buffers, usage.reserved);
                    finished.push(std::mem::take(now));
                }
            }
            _ => {}
        }
    };
    Lab::new(ARM).run("run", name, 1, &see).unwrap();
    let (finished, ..) = found.into_inner().unwrap();
    assert_eq!(finished.len(), 5);
    finished
}

#[test]
fn memory_of_a_gpu_is_flat_from_generation_2_on() {
    let Some(name) = gpu() else { return };
    let found = held(name);
    eprintln!("{name}: {found:?}");
    let then = found[2];
    for now in &found[3..] {
        assert!(now.buffers <= then.buffers && now.reserved <= then.reserved, "{found:?}");
        // Ids that occur in a batch take a few bytes each.
        assert!(then.training > 0 && now.training <= then.training + 1024, "{found:?}");
        assert!(now.grown < HOST, "{found:?}");
    }
}
