//! The small product whose sums stay in registers.

use core::arch::x86_64::{
    __m512, __m512i, _mm512_dpbf16_ps, _mm512_load_si512, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_setzero_si512,
};

use crate::vector::{LANES, Simd};

use super::{Bfloat, Layout, Left, Line, ROWS, Right, STRIDE, pairs, prefetch};

/// Where the tile's sums go: rows of `stride` elements, of which `rows` by `columns` exist.
struct Target<'a> {
    out: &'a mut [f32],
    stride: usize,
    rows: usize,
    columns: usize,
    add: bool,
}

impl Bfloat {
    /// All rows of `left` times a panel of `right`, in one block of the inner dimension.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    pub(super) fn panel(
        self,
        left: Left<'_>,
        right: Right<'_>,
        block: usize,
        (first, width): (usize, usize),
        out: &mut [f32],
        add: bool,
    ) {
        let (b, depth, stride) = (right.panel(block, first, width), right.depth(block), right.columns);
        let columns = (stride - first * LANES).min(width * LANES);
        for row in (0..left.rows).step_by(ROWS) {
            let a = left.tile(block, row);
            let out = &mut out[row * stride + first * LANES..];
            let target = Target { out, stride, rows: (left.rows - row).min(ROWS), columns, add };
            match (left.layout, width) {
                (Layout::Rows, 1) => self.tile::<1, 1, { STRIDE * 16 }>(depth, a, b, target),
                (Layout::Rows, 2) => self.tile::<2, 1, { STRIDE * 16 }>(depth, a, b, target),
                (Layout::Rows, _) => self.tile::<3, 1, { STRIDE * 16 }>(depth, a, b, target),
                (Layout::Panels, 1) => self.tile::<1, ROWS, 1>(depth, a, b, target),
                (Layout::Panels, 2) => self.tile::<2, ROWS, 1>(depth, a, b, target),
                (Layout::Panels, _) => self.tile::<3, ROWS, 1>(depth, a, b, target),
            }
        }
    }

    /// `ROWS` by `W` vectors of sums over `depth` pairs. The pair of row `m` at depth `k` is number `k ALONG + m ACROSS` of `a`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn tile<const W: usize, const ALONG: usize, const ACROSS: usize>(
        self,
        depth: usize,
        a: &[Line],
        b: &[Line],
        target: Target<'_>,
    ) {
        assert!(depth > 0 && (depth - 1) * ALONG + (ROWS - 1) * ACROSS < a.len() * 16 && depth * W <= b.len());
        let (a, b) = (a.as_ptr().cast::<i32>(), b.as_ptr().cast::<__m512i>());
        // The result's lines arrive while the products are taken.
        for m in 0..target.rows {
            for w in 0..W {
                prefetch(target.out, m * target.stride + w * LANES);
            }
        }
        let mut sums = [[_mm512_setzero_ps(); W]; ROWS];
        for k in 0..depth {
            let mut right = [_mm512_setzero_si512(); W];
            for w in 0..W {
                // SAFETY: k W + w < depth W, which is inside `b` by the assertion; lines are aligned.
                right[w] = unsafe { _mm512_load_si512(b.add(k * W + w)) };
            }
            for m in 0..ROWS {
                // SAFETY: k <= depth - 1 and m <= ROWS - 1, and the pair of both is inside `a` by the assertion.
                let left = _mm512_set1_epi32(unsafe { *a.add(k * ALONG + m * ACROSS) });
                for w in 0..W {
                    sums[m][w] = _mm512_dpbf16_ps(sums[m][w], pairs(left), pairs(right[w]));
                }
            }
        }
        self.store(sums, target);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[inline]
    fn store<const W: usize>(self, sums: [[__m512; W]; ROWS], target: Target<'_>) {
        let s = self.0;
        for m in 0..ROWS {
            if m < target.rows {
                let row = &mut target.out[m * target.stride..][..target.columns];
                for w in 0..W {
                    let old = if target.add { s.at(row, w * LANES) } else { s.zero() };
                    s.put(s.add(sums[m][w], old), row, w * LANES);
                }
            }
        }
    }
}
