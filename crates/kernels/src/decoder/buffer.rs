//! Float buffers that start at a cache line, so that no vector of sixteen lies across two.

use crate::vector::LANES;
use std::ops::{Deref, DerefMut};

/// `n` rounded up to a multiple of [`LANES`].
pub(super) fn padded(n: usize) -> usize {
    n.next_multiple_of(LANES)
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// A fixed number of floats, a multiple of [`LANES`], aligned to a cache line.
#[derive(Clone, Debug)]
pub(super) struct Buffer(Box<[Line]>);

impl Buffer {
    /// Zeros, `len` rounded up to whole lines.
    pub(super) fn zeros(len: usize) -> Self {
        Self(vec![Line([0.0; LANES]); len.div_ceil(LANES)].into_boxed_slice())
    }

    /// `values`, filled up with zeros.
    pub(super) fn filled(values: &[f32]) -> Self {
        let mut buffer = Self::zeros(values.len());
        buffer[..values.len()].copy_from_slice(values);
        buffer
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a `Line` is exactly LANES floats (64 bytes, its alignment), without padding.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LANES) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above; the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LANES) }
    }
}
