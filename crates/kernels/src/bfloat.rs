//! Products of matrices rounded to bfloat16, by the processor's `vdpbf16ps`.
//!
//! A lane of that instruction holds a *pair*: two neighbours along the inner dimension, the even one in the lower half. It
//! multiplies the pairs of sixteen lanes and adds both products to sixteen float32 sums. Matrices are rounded and laid out
//! as the small product of [`tile`] reads them, a block of `DEPTH` pairs after the other:
//!
//! - the [`Right`] side in panels of up to 48 columns, whose pairs at one depth are up to three vectors;
//! - the [`Left`] side by rows, where its rows lie along the inner dimension already, or, where the inner dimension goes
//!   across rows (gradients of weights), in panels of eight columns.
//!
//! A tile of 8 by 48 sums stays in 24 registers over a block; a panel of the right side stays in the first-level cache
//! while the rows of the left side, kept in the second level, pass over it (the scheme of Goto and van de Geijn 2008).

mod pack;
mod scratch;
#[cfg(test)]
mod tests;
mod tile;

use core::arch::x86_64::{__m512bh, __m512i, _MM_HINT_T0, _mm_prefetch};

use pulp::x86::V4;

pub(crate) use pack::twos;
pub(crate) use scratch::scratch;

/// Rows of a tile.
pub(crate) const ROWS: usize = 8;
/// Pairs of a block of the inner dimension: a panel of the right side takes 24 KiB.
pub(crate) const DEPTH: usize = 128;
/// Lines between rows of a left side laid out by rows. One more than they need: otherwise the eight rows of a tile would
/// share a few sets of the first-level cache.
const STRIDE: usize = DEPTH / 16 + 1;
/// Lines between panels of a left side; one more for the same reason, when a row is spread over all of them.
const PANEL: usize = DEPTH * ROWS / 16 + 1;

/// Sixteen pairs: a vector, and a line of the caches.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Line([u32; 16]);

impl Line {
    const ZERO: Self = Self([0; 16]);
}

/// Lines as memory for floats, sixteen a line.
pub(crate) fn floats(lines: &mut [Line]) -> &mut [f32] {
    // SAFETY: a line is sixteen numbers of four bytes without padding, aligned for them, and any bits are a float.
    unsafe { core::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * 16) }
}

/// Token of a processor with AVX-512 and its bfloat16 instructions; exists only after they were found.
#[derive(Clone, Copy)]
pub(crate) struct Bfloat(V4);

impl Bfloat {
    /// The token, if this processor has the instructions; the detection itself is cached by the standard library.
    pub(crate) fn try_new() -> Option<Self> {
        if std::arch::is_x86_feature_detected!("avx512bf16") { V4::try_new().map(Self) } else { None }
    }
}

/// The two views of a register of bfloat16; no instruction.
#[inline(always)]
fn bits(x: __m512bh) -> __m512i {
    // SAFETY: both are 64 bytes of plain numbers, and any bits are a value of either.
    unsafe { core::mem::transmute(x) }
}

/// See [`bits`].
#[inline(always)]
fn pairs(x: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes of plain numbers, and any bits are a value of either.
    unsafe { core::mem::transmute(x) }
}

/// Asks for the line of the element `i` places after the first of `x`, which may lie outside. Reading a matrix for the first time
/// is what laying it out waits for: the next rows are asked for in time.
#[inline(always)]
fn prefetch(x: &[f32], i: usize) {
    // SAFETY: a prefetch reads nothing that the program sees and does not fault, whatever the address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(x.as_ptr().wrapping_add(i).cast()) }
}

/// Panels of `vectors` vectors: the first vector and the number of vectors of each. Three, but the last ones two where one would
/// be left alone.
fn panels(vectors: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    core::iter::from_fn(move || {
        let width = match vectors - first {
            0 => return None,
            2 | 4 => 2,
            1 => 1,
            _ => 3,
        };
        first += width;
        Some((first - width, width))
    })
}

/// How a left side lies in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Layout {
    /// Blocks of rows, padded to whole tiles, each `STRIDE` lines from the next.
    Rows,
    /// Blocks of panels of [`ROWS`] rows, the pairs of one depth side by side.
    Panels,
}

/// The left side of a product, `[rows, 2 pairs]`: `rows` rows from `first` on, of the `all` that were laid out.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    lines: &'a [Line],
    layout: Layout,
    all: usize,
    first: usize,
    rows: usize,
    pairs: usize,
}

impl Layout {
    /// Lines of a whole block of `rows` rows.
    pub(crate) fn block(self, rows: usize) -> usize {
        match self {
            Self::Rows => rows.next_multiple_of(ROWS) * STRIDE,
            Self::Panels => rows.div_ceil(ROWS) * PANEL,
        }
    }

    /// Lines of all blocks.
    pub(crate) fn lines(self, rows: usize, pairs: usize) -> usize {
        pairs.div_ceil(DEPTH) * self.block(rows)
    }
}

impl<'a> Left<'a> {
    pub(crate) fn new(lines: &'a [Line], layout: Layout, rows: usize, pairs: usize) -> Self {
        Self { lines, layout, all: rows, first: 0, rows, pairs }
    }

    /// Rows `first..first + rows`; `first` starts a tile.
    pub(crate) fn part(self, first: usize, rows: usize) -> Self {
        assert!(
            first.is_multiple_of(ROWS) && first + rows <= self.rows,
            "rows {first} and {rows} more of {}",
            self.rows
        );
        Self { first: self.first + first, rows, ..self }
    }

    /// The tile of the rows from `row` on, in a block. Panels of a last, short block keep the distance of those of a whole one.
    fn tile(&self, block: usize, row: usize) -> &'a [Line] {
        let one = self.layout.block(ROWS);
        &self.lines[block * self.layout.block(self.all) + (self.first + row) / ROWS * one..][..one]
    }
}

/// The right side of a product, `[2 pairs, columns]`.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    lines: &'a [Line],
    pairs: usize,
    columns: usize,
}

impl<'a> Right<'a> {
    pub(crate) fn new(lines: &'a [Line], pairs: usize, columns: usize) -> Self {
        Self { lines, pairs, columns }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    fn vectors(&self) -> usize {
        self.columns.div_ceil(16)
    }

    /// Lines of `pairs` pairs of `columns` columns.
    pub(crate) fn lines(pairs: usize, columns: usize) -> usize {
        pairs * columns.div_ceil(16)
    }

    /// Pairs of a block.
    fn depth(&self, block: usize) -> usize {
        (self.pairs - block * DEPTH).min(DEPTH)
    }

    fn panel(&self, block: usize, first: usize, width: usize) -> &'a [Line] {
        let depth = self.depth(block);
        &self.lines[block * DEPTH * self.vectors() + first * depth..][..depth * width]
    }
}

impl Bfloat {
    /// `out = left right`, or `out += left right` if `add`; `out` is row-major `[rows, columns]`.
    pub(crate) fn multiply(self, left: Left<'_>, right: Right<'_>, out: &mut [f32], add: bool) {
        assert!(
            left.pairs == right.pairs && out.len() == left.rows * right.columns,
            "[{}, {} pairs] times [{} pairs, {}] into {} elements",
            left.rows,
            left.pairs,
            right.pairs,
            right.columns,
            out.len()
        );
        if left.pairs == 0 && !add {
            out.fill(0.0);
        }
        let blocks = right.pairs.div_ceil(DEPTH);
        let mut task = |block: usize, first: usize, width: usize| {
            // SAFETY: the token exists only where the processor has the instructions.
            unsafe { self.panel(left, right, block, (first, width), out, add || block > 0) }
        };
        // What is gone over again and again, the left side or the result, should be the smaller.
        if right.pairs <= right.columns {
            panels(right.vectors()).for_each(|(first, width)| (0..blocks).for_each(|b| task(b, first, width)));
        } else {
            (0..blocks).for_each(|b| panels(right.vectors()).for_each(|(first, width)| task(b, first, width)));
        }
    }
}
