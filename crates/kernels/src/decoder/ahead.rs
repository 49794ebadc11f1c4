//! Fetching keys and values while the products keep the arithmetic busy: attention alone waits for memory, a product alone
//! leaves it idle.

use super::Row;
use super::cache::Layout;
use crate::vector::Block;

/// Walks over what one layer's attention will read, head by head.
pub(super) struct Ahead<'a> {
    layout: &'a Layout,
    rows: &'a [Row],
    /// The cache of all slots; a pointer, for it is never read through here.
    cache: *const f32,
    layer: usize,
    /// Heads handed out.
    heads: usize,
}

/// Keys and values of one head, as far as they are filled.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    pub(super) keys: *const Block,
    pub(super) last_key: usize,
    pub(super) values: *const Block,
    pub(super) last_value: usize,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(layout: &'a Layout, rows: &'a [Row], cache: &[f32], layer: usize) -> Self {
        Self { layout, rows, cache: cache.as_ptr(), layer, heads: 0 }
    }

    /// The next head; the last one again when all have been handed out.
    pub(super) fn next_head(&mut self) -> Lines {
        let kv_heads = self.layout.kv_heads;
        let index = self.heads.min(self.rows.len() * kv_heads - 1);
        // Handed out again, it is one line.
        let again = index < self.heads;
        self.heads = index + 1;
        let row = self.rows[index / kv_heads];
        let head = self.layout.place(row.slot as usize, self.layer, index % kv_heads);
        let (last_key, last_value) = if again { (0, 0) } else { self.layout.last_lines(row.position as usize) };
        let keys = self.cache.wrapping_add(head);
        Lines { keys: keys.cast(), last_key, values: keys.wrapping_add(self.layout.keys()).cast(), last_value }
    }
}

/// Asks for a block that will be read soon.
#[inline(always)]
pub(super) fn fetch(block: *const Block) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, it reads nothing and faults nowhere.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(block.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = block;
}
