//! The products of attention, for a strip of sixteen queries and the keys that they see.

use crate::tile::{load, product};
use crate::vector::{Block, LANES, Simd};

/// Queries of a strip.
pub(super) const STRIP: usize = 16;
/// Rows whose sums are in registers at once.
const ROWS: usize = 8;

/// Queries `first..last` of a strip and the blocks of keys that any of them sees.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) low: usize,
    pub(super) high: usize,
}

impl Span {
    pub(super) fn blocks(&self) -> usize {
        self.high - self.low
    }
}

/// Sixteen head vectors `[STRIP, head_blocks]` as columns `[head_width]` of sixteen.
#[inline(always)]
pub(super) fn transpose<S: Simd>(s: S, rows: &[Block], columns: &mut [Block]) {
    let blocks = rows.len() / STRIP;
    for (b, columns) in columns.chunks_mut(LANES).enumerate() {
        let mut tile = [s.zero(); LANES];
        for r in 0..LANES {
            tile[r] = s.load(&rows[r * blocks + b]);
        }
        let tile = s.transpose(tile);
        for (column, v) in columns.iter_mut().zip(tile) {
            s.store(v, column);
        }
    }
}

/// `out[r][b] = Σ_d left[d][r] right[b][d]` for a strip of sixteen rows and the blocks of its span.
#[inline(always)]
pub(super) fn scores<S: Simd>(s: S, left: &[Block], right: &[Block], span: Span, out: &mut Vec<Block>) {
    // Every element is written below: what the strip before left there need not be cleared.
    out.resize(STRIP * span.blocks(), [0.0; LANES]);
    let width = left.len();
    for half in 0..STRIP / ROWS {
        let out = &mut out[half * ROWS * span.blocks()..][..ROWS * span.blocks()];
        let mut b = span.low;
        while b + 1 < span.high {
            score_blocks::<S, 2>(
                s,
                left,
                half,
                [&right[b * width..][..width], &right[(b + 1) * width..][..width]],
                span,
                b,
                out,
            );
            b += 2;
        }
        if b < span.high {
            score_blocks::<S, 1>(s, left, half, [&right[b * width..][..width]], span, b, out);
        }
    }
}

/// Eight rows of scores against `N` blocks of keys, the first of which is block `b`.
#[inline(always)]
fn score_blocks<S: Simd, const N: usize>(
    s: S,
    left: &[Block],
    half: usize,
    right: [&[Block]; N],
    span: Span,
    b: usize,
    out: &mut [Block],
) {
    let (halves, _) = left.as_flattened().as_chunks::<ROWS>();
    let sums = product::<S, ROWS, N>(
        s,
        left.len(),
        [[s.zero(); N]; ROWS],
        #[inline(always)]
        |d, m| halves[d * (STRIP / ROWS) + half][m],
        #[inline(always)]
        |d| {
            let mut v = [s.zero(); N];
            for n in 0..N {
                v[n] = s.load(&right[n][d]);
            }
            v
        },
    );
    for r in 0..ROWS {
        for n in 0..N {
            s.store(sums[r][n], &mut out[r * span.blocks() + b - span.low + n]);
        }
    }
}

/// Element `j` of row `m` of eight.
#[inline(always)]
fn across(rows: [&[f32]; ROWS]) -> impl Fn(usize, usize) -> f32 + Copy {
    #[inline(always)]
    move |j, m| rows[m][j]
}

/// Element `first + m` of row `r` of a matrix.
#[inline(always)]
fn along(matrix: &[f32], width: usize, first: usize) -> impl Fn(usize, usize) -> f32 + Copy {
    #[inline(always)]
    move |r, m| matrix[r * width + first..][..ROWS][m]
}

/// `Σ_j p[r][j] rows[j]` for a strip of sixteen rows and the positions of its span; each block of columns goes to `write(r, block, v)`.
#[inline(always)]
pub(super) fn weighted_rows<S: Simd>(
    s: S,
    p: &[Block],
    span: Span,
    rows: &[Block],
    blocks: usize,
    mut write: impl FnMut(usize, usize, S::V),
) {
    let length = span.blocks() * LANES;
    let rows = &rows[span.low * LANES * blocks..span.high * LANES * blocks];
    for half in 0..STRIP / ROWS {
        let p = p[half * ROWS * span.blocks()..][..ROWS * span.blocks()].as_flattened();
        let a = across(core::array::from_fn(|m| &p[m * length..][..length]));
        let mut b = 0;
        while b + 1 < blocks {
            let sums = product::<S, ROWS, 2>(
                s,
                length,
                [[s.zero(); 2]; ROWS],
                a,
                #[inline(always)]
                |j| load::<S, 2>(s, &rows[j * blocks + b..]),
            );
            for r in 0..ROWS {
                write(half * ROWS + r, b, sums[r][0]);
                write(half * ROWS + r, b + 1, sums[r][1]);
            }
            b += 2;
        }
        if b < blocks {
            let sums = product::<S, ROWS, 1>(
                s,
                length,
                [[s.zero(); 1]; ROWS],
                a,
                #[inline(always)]
                |j| load::<S, 1>(s, &rows[j * blocks + b..]),
            );
            for r in 0..ROWS {
                write(half * ROWS + r, b, sums[r][0]);
            }
        }
    }
}

/// `out[j] += Σ_r p[r][j] rows[r]` for the positions of a span and the sixteen rows of its strip.
#[inline(always)]
pub(super) fn outer_rows<S: Simd>(s: S, p: &[Block], span: Span, rows: &[Block], blocks: usize, out: &mut [Block]) {
    let length = span.blocks() * LANES;
    let p = p.as_flattened();
    let out = &mut out[span.low * LANES * blocks..span.high * LANES * blocks];
    for (group, out) in out.chunks_exact_mut(ROWS * blocks).enumerate() {
        let a = along(p, length, group * ROWS);
        let mut b = 0;
        while b + 1 < blocks {
            add_product::<S, 2>(s, a, rows, blocks, b, out);
            b += 2;
        }
        if b < blocks {
            add_product::<S, 1>(s, a, rows, blocks, b, out);
        }
    }
}

/// `out[m][b..b + N] += Σ_r a(r, m) rows[r][b..b + N]`.
#[inline(always)]
fn add_product<S: Simd, const N: usize>(
    s: S,
    a: impl Fn(usize, usize) -> f32,
    rows: &[Block],
    blocks: usize,
    b: usize,
    out: &mut [Block],
) {
    let mut sums = [[s.zero(); N]; ROWS];
    for m in 0..ROWS {
        sums[m] = load::<S, N>(s, &out[m * blocks + b..]);
    }
    let sums = product::<S, ROWS, N>(
        s,
        STRIP,
        sums,
        a,
        #[inline(always)]
        |r| load::<S, N>(s, &rows[r * blocks + b..]),
    );
    for m in 0..ROWS {
        for n in 0..N {
            s.store(sums[m][n], &mut out[m * blocks + b + n]);
        }
    }
}
