//! Matrices rounded and laid out in pairs.

use core::arch::x86_64::{__m512, __m512i, _mm512_cvtne2ps_pbh, _mm512_permutexvar_epi16};

use crate::vector::{LANES, Simd};

use super::{Bfloat, DEPTH, Layout, Line, PANEL, ROWS, STRIDE, bits, panels, prefetch};

/// How far ahead a row is fetched, in floats: 4 KiB.
const AHEAD: usize = 1024;

impl Bfloat {
    /// A left side by rows: each of `rows` has the inner dimension `k`.
    pub(crate) fn rows<'a>(self, rows: impl ExactSizeIterator<Item = &'a [f32]>, k: usize, lines: &mut [Line]) {
        let block = rows.len().next_multiple_of(ROWS) * STRIDE;
        for (r, row) in rows.enumerate() {
            let row = &row[..k];
            for (b, row) in row.chunks(2 * DEPTH).enumerate() {
                // SAFETY: the token exists only where the processor has the instructions.
                unsafe { self.along(row, &mut lines[b * block + r * STRIDE..][..STRIDE]) }
            }
        }
    }

    /// A right side from the rows of its transpose, `[columns, k]`.
    pub(crate) fn right_transposed(self, data: &[f32], k: usize, lines: &mut [Line]) {
        let columns = data.len() / k;
        let vectors = columns.div_ceil(LANES);
        for (b, lines) in lines.chunks_mut(DEPTH * vectors).enumerate() {
            // SAFETY: the token exists only where the processor has the instructions.
            unsafe { self.block_transposed(data, k, b * 2 * DEPTH, lines) }
        }
    }

    /// A right side from rows that go across the inner dimension, `[k, columns]`.
    pub(crate) fn right_straight(self, data: &[f32], columns: usize, lines: &mut [Line]) {
        let block = DEPTH * columns.div_ceil(LANES);
        for (data, lines) in data.chunks(2 * DEPTH * columns).zip(lines.chunks_mut(block)) {
            self.right_block(twos(data, columns), columns, lines);
        }
    }

    /// The same: one block of `2 DEPTH` rows or fewer.
    pub(crate) fn right_block<'a>(
        self,
        rows: impl ExactSizeIterator<Item = (&'a [f32], Option<&'a [f32]>)>,
        columns: usize,
        lines: &mut [Line],
    ) {
        // SAFETY: the token exists only where the processor has the instructions.
        unsafe { self.block_across(rows, columns, lines) }
    }

    /// A left side, transposed, from rows that go across the inner dimension, `[k, rows]`: one block of `2 DEPTH` rows or fewer.
    pub(crate) fn left_block(self, data: &[f32], rows: usize, lines: &mut [Line]) {
        // SAFETY: the token exists only where the processor has the instructions.
        unsafe { self.panels_across(data, rows, lines) }
    }

    /// The pairs of a row along the inner dimension.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn along(self, row: &[f32], lines: &mut [Line]) {
        for (line, x) in lines.iter_mut().zip(row.chunks(2 * LANES)) {
            prefetch(x, AHEAD);
            prefetch(x, AHEAD + LANES);
            *line = line_of(self.neighbours(x, 0));
        }
    }

    /// The 32 elements of `x` from `i` on as sixteen pairs, zeros where `x` ends.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[inline]
    fn neighbours(self, x: &[f32], i: usize) -> __m512i {
        let s = self.0;
        let second = if i + LANES < x.len() { s.at(x, i + LANES) } else { s.zero() };
        bits(_mm512_cvtne2ps_pbh(second, s.at(x, i)))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn block_transposed(self, data: &[f32], k: usize, start: usize, lines: &mut [Line]) {
        let vectors = (data.len() / k).div_ceil(LANES);
        let depth = lines.len() / vectors;
        for (first, width) in panels(vectors) {
            let panel = &mut lines[first * depth..][..width * depth];
            for w in 0..width {
                let rows = &data[(first + w) * LANES * k..];
                for pair in (0..depth).step_by(LANES) {
                    let mut tile = [self.0.zero(); LANES];
                    for (row, to) in rows.chunks_exact(k).zip(&mut tile) {
                        *to = float(self.neighbours(row, start + 2 * pair));
                    }
                    let tile = self.0.transpose(tile);
                    for (p, v) in tile.into_iter().take(depth - pair).enumerate() {
                        panel[(pair + p) * width + w] = line_of(int(v));
                    }
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn block_across<'a>(
        self,
        rows: impl ExactSizeIterator<Item = (&'a [f32], Option<&'a [f32]>)>,
        columns: usize,
        lines: &mut [Line],
    ) {
        let (vectors, depth) = (columns.div_ceil(LANES), rows.len());
        for (pair, (even, odd)) in rows.enumerate() {
            for (first, width) in panels(vectors) {
                let to = &mut lines[first * depth + pair * width..][..width];
                for (w, to) in to.iter_mut().enumerate() {
                    prefetch(even, (first + w) * LANES + 8 * columns);
                    prefetch(even, (first + w) * LANES + 9 * columns);
                    *to = line_of(self.across(even, odd, (first + w) * LANES));
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn panels_across(self, data: &[f32], rows: usize, lines: &mut [Line]) {
        // Four pairs at a time, so that whole lines of a panel are written at once.
        for (group, data) in data.chunks(8 * rows).enumerate() {
            for i in (0..rows).step_by(LANES) {
                for (p, (even, odd)) in twos(data, rows).enumerate() {
                    prefetch(even, i + 8 * rows);
                    prefetch(even, i + 9 * rows);
                    spread(self.across(even, odd, i), rows, i, 4 * group + p, lines);
                }
            }
        }
    }

    /// Sixteen elements of two rows from `i` on as pairs.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[inline]
    fn across(self, even: &[f32], odd: Option<&[f32]>, i: usize) -> __m512i {
        let s = self.0;
        let odd = odd.map_or(s.zero(), |odd| s.at(odd, i));
        interleave(bits(_mm512_cvtne2ps_pbh(odd, s.at(even, i))))
    }

    /// Rows of floats times a factor each, `[scales.len(), columns]`: `by_rows` as a left side by rows, and `panels` as a block of
    /// a left side, transposed, from pair `first` on.
    pub(crate) fn scaled(
        self,
        data: &[f32],
        columns: usize,
        scales: &[f32],
        by_rows: &mut [Line],
        panels: &mut [Line],
        first: usize,
    ) {
        let block = Layout::Rows.block(scales.len());
        for (p, (two, scales)) in twos(data, columns).zip(scales.chunks(2)).enumerate() {
            // SAFETY: the token exists only where the processor has the instructions.
            unsafe { self.scaled_pair(two, scales, (&mut by_rows[2 * p * STRIDE..], block), panels, first + p) }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn scaled_pair(
        self,
        (even, odd): (&[f32], Option<&[f32]>),
        scales: &[f32],
        (by_rows, block): (&mut [Line], usize),
        panels: &mut [Line],
        pair: usize,
    ) {
        let s = self.0;
        let at =
            |x: &[f32], i: usize, scale: f32| if i < x.len() { s.mul(s.at(x, i), s.splat(scale)) } else { s.zero() };
        let columns = even.len();
        for (l, i) in (0..columns).step_by(2 * LANES).enumerate() {
            let line = l / (DEPTH / LANES) * block + l % (DEPTH / LANES);
            let even = [at(even, i, scales[0]), at(even, i + LANES, scales[0])];
            by_rows[line] = line_of(bits(_mm512_cvtne2ps_pbh(even[1], even[0])));
            let mut across = even.map(|even| interleave(bits(_mm512_cvtne2ps_pbh(s.zero(), even))));
            if let Some(odd) = odd {
                let odd = [at(odd, i, scales[1]), at(odd, i + LANES, scales[1])];
                by_rows[line + STRIDE] = line_of(bits(_mm512_cvtne2ps_pbh(odd[1], odd[0])));
                across = [0, 1].map(|h| interleave(bits(_mm512_cvtne2ps_pbh(odd[h], even[h]))));
            }
            for h in 0..2 {
                spread(across[h], columns, i + h * LANES, pair, panels);
            }
        }
    }
}

/// Rows of `columns` elements two by two; the last may be alone.
pub(crate) fn twos(data: &[f32], columns: usize) -> impl ExactSizeIterator<Item = (&[f32], Option<&[f32]>)> {
    data.chunks(2 * columns).map(move |two| (&two[..columns], two.get(columns..).filter(|odd| !odd.is_empty())))
}

/// Sixteen of an even row, then sixteen of the odd one, as pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
#[inline]
fn interleave(x: __m512i) -> __m512i {
    const ORDER: [u32; LANES] = {
        let mut order = [0; LANES];
        let mut i = 0;
        while i < LANES {
            order[i] = i as u32 | ((LANES + i) as u32) << 16;
            i += 1;
        }
        order
    };
    _mm512_permutexvar_epi16(pulp::cast(ORDER), x)
}

/// Sixteen columns from `i` on, at the depth `pair`, to their panels of [`ROWS`]; of `columns` columns.
#[inline(always)]
fn spread(x: __m512i, columns: usize, i: usize, pair: usize, panels: &mut [Line]) {
    let Line(x) = line_of(x);
    for (h, half) in x.as_chunks::<ROWS>().0.iter().enumerate() {
        let first = (i / ROWS + h) * PANEL;
        if i + h * ROWS < columns {
            panels[first + pair / 2].0.as_chunks_mut::<ROWS>().0[pair % 2] = *half;
        }
    }
}

/// The same bits as other types; no instruction.
#[inline(always)]
fn line_of(x: __m512i) -> Line {
    Line(pulp::cast(x))
}

#[inline(always)]
fn float(x: __m512i) -> __m512 {
    pulp::cast(x)
}

#[inline(always)]
fn int(x: __m512) -> __m512i {
    pulp::cast(x)
}
