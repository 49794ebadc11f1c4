//! Products of a few rows with a fixed matrix. The matrix is packed once, so that a product reads it in one stream.

use super::ahead::{Ahead, Lines, fetch};
use super::buffer::{Buffer, padded};
use crate::tile;
use crate::vector::{Block, LANES, Simd, with_simd};

/// Strips (of [`LANES`] outputs) that a panel holds at most. Three strips by eight rows are 24 sums, which leaves AVX-512's
/// other eight registers for three columns of weights and the broadcast.
const STRIPS: usize = 3;

/// Rows of a tile with AVX-512.
pub(super) const TILE_ROWS: usize = 8;

/// A matrix `[outputs, inputs]` packed for `y = x · Wᵀ`: panels of 16, 32 or 48 outputs, each laid out `[input][output]`.
#[derive(Debug)]
pub(super) struct Packed {
    inputs: usize,
    strips: usize,
    data: Buffer,
}

impl Packed {
    /// Packs `parts`, each row-major `[n, inputs]`, one under the other; each part's outputs are filled up with zero rows
    /// to a multiple of [`LANES`].
    pub(super) fn new(inputs: usize, parts: &[&[f32]]) -> Self {
        let outputs: usize = parts.iter().map(|part| padded(part.len() / inputs)).sum();
        let mut data = Buffer::zeros(outputs * inputs);
        let packed = Self { inputs, strips: outputs / LANES, data: Buffer::zeros(0) };
        let mut first = 0;
        for part in parts {
            for (row, weights) in part.chunks_exact(inputs).enumerate() {
                let output = first + row;
                let (panel, strips) = packed.panel_of(output / LANES);
                let width = strips * LANES;
                let base = panel * LANES * inputs + output - panel * LANES;
                for (k, &w) in weights.iter().enumerate() {
                    data[base + k * width] = w;
                }
            }
            first += padded(part.len() / inputs);
        }
        Self { data, ..packed }
    }

    /// Outputs, with those that fill parts up.
    pub(super) fn outputs(&self) -> usize {
        self.strips * LANES
    }

    /// The strips, first and number, of panel `index`: as even as they come, the wider ones first.
    fn panel(&self, index: usize) -> (usize, usize) {
        let panels = self.strips.div_ceil(STRIPS);
        let (narrow, wider) = (self.strips / panels, self.strips % panels);
        (index * narrow + index.min(wider), narrow + usize::from(index < wider))
    }

    /// The first strip and the number of strips of the panel that holds `strip`.
    fn panel_of(&self, strip: usize) -> (usize, usize) {
        let panels = self.strips.div_ceil(STRIPS);
        (0..panels)
            .map(|index| self.panel(index))
            .find(|&(first, count)| strip < first + count)
            .expect("panels cover all strips")
    }

    /// `y[r] = x[r] · Wᵀ` for `rows` rows, or `y[r] += ` with `add`. Each output is one chain of fused multiply-adds over
    /// the inputs in order, so its bits do not depend on the other rows.
    ///
    /// # Shapes
    /// - `x`: `[rows, x_stride]`, the first `inputs` columns are read
    /// - `y`: `[rows, y_stride]`, the first `outputs()` columns are written
    pub(super) fn product(
        &self,
        rows: usize,
        x: &[f32],
        x_stride: usize,
        y: &mut [f32],
        y_stride: usize,
        add: bool,
        ahead: &mut Ahead<'_>,
    ) {
        with_simd!(|s| self.product_with(s, rows, x, x_stride, y, y_stride, add, ahead));
    }

    #[inline(always)]
    pub(super) fn product_with<S: Simd>(
        &self,
        s: S,
        rows: usize,
        x: &[f32],
        x_stride: usize,
        y: &mut [f32],
        y_stride: usize,
        add: bool,
        ahead: &mut Ahead<'_>,
    ) {
        assert!(self.inputs <= x_stride && x.len() >= rows * x_stride);
        assert!(self.outputs() <= y_stride && y.len() >= rows * y_stride);
        for index in 0..self.strips.div_ceil(STRIPS) {
            let (first, strips) = self.panel(index);
            let panel = &self.data[first * LANES * self.inputs..][..strips * LANES * self.inputs];
            let y = &mut y[first * LANES..];
            let panel = Panel {
                weights: panel.as_ptr().cast(),
                inputs: self.inputs,
                x: x.as_ptr(),
                x_stride,
                y: y.as_mut_ptr(),
                y_stride,
                rows,
                add,
            };
            // SAFETY: as asserted, `x` holds `rows` rows of `inputs` columns or more, and `y` `rows` rows of all outputs,
            // among which are this panel's; `weights` was cut to `inputs` columns of `strips` blocks.
            unsafe {
                match strips {
                    1 => panel.all_rows::<S, 1>(s, ahead),
                    2 => panel.all_rows::<S, 2>(s, ahead),
                    _ => panel.all_rows::<S, STRIPS>(s, ahead),
                }
            }
        }
    }
}

/// One panel's product with all rows.
struct Panel {
    weights: *const Block,
    inputs: usize,
    x: *const f32,
    x_stride: usize,
    y: *mut f32,
    y_stride: usize,
    rows: usize,
    add: bool,
}

impl Panel {
    /// # Safety
    /// `weights` is readable for `inputs × N` blocks, `x` for `rows` rows of `inputs` values at `x_stride`; `y` is writable
    /// for `rows` rows of `N` blocks at `y_stride`.
    #[inline(always)]
    unsafe fn all_rows<S: Simd, const N: usize>(&self, s: S, ahead: &mut Ahead<'_>) {
        let mut row = 0;
        while row < self.rows {
            let ahead = ahead.next_head();
            // A vector is aligned as the registers that hold it: one of AVX-512, two of AVX2, four or more of others.
            // SAFETY: each call's rows lie within `rows`.
            row += unsafe {
                match (align_of::<S::V>(), self.rows - row) {
                    (64, TILE_ROWS..) => self.tile::<S, TILE_ROWS, N>(s, row, ahead),
                    (64, 4..) => self.tile::<S, 4, N>(s, row, ahead),
                    (64 | 32, 2..) => self.tile::<S, 2, N>(s, row, ahead),
                    _ => self.tile::<S, 1, N>(s, row, ahead),
                }
            };
        }
    }

    /// `M` rows from `row` on; returns `M`.
    ///
    /// # Safety
    /// As for [`Panel::all_rows`], and `row + M <= rows`.
    #[inline(always)]
    unsafe fn tile<S: Simd, const M: usize, const N: usize>(&self, s: S, row: usize, ahead: Lines) -> usize {
        debug_assert!(row + M <= self.rows);
        // SAFETY: `k < inputs`, `m < M` and `n < N` stay within what the caller vouches for; a `Block` is aligned as a float.
        unsafe {
            let x = self.x.add(row * self.x_stride);
            let sums = tile::product(
                s,
                self.inputs,
                [[s.zero(); N]; M],
                #[inline(always)]
                |k, m| *x.add(m * self.x_stride + k),
                #[inline(always)]
                |k| {
                    fetch(ahead.keys.wrapping_add(k.min(ahead.last_key)));
                    fetch(ahead.values.wrapping_add(k.min(ahead.last_value)));
                    let mut vectors = [s.zero(); N];
                    for n in 0..N {
                        vectors[n] = s.load(&*self.weights.add(k * N + n));
                    }
                    vectors
                },
            );
            for m in 0..M {
                let y = std::slice::from_raw_parts_mut(self.y.add((row + m) * self.y_stride).cast::<Block>(), N);
                for n in 0..N {
                    let sum = if self.add { s.add(s.load(&y[n]), sums[m][n]) } else { sums[m][n] };
                    s.store(sum, &mut y[n]);
                }
            }
        }
        M
    }
}
