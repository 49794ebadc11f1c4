//! The product without tensor cores: each of 256 units sums a patch of the result in registers.

use cubecl::prelude::*;
use kernels::spec::Precision;

use super::tile::{Quad, Side, block, load};
use crate::precision::rounded;

/// Units along each side of the result's tile; each takes four neighbouring rows (columns), 64 further the next four.
const EDGE: usize = 16;
/// Units of a cube.
pub(super) const UNITS: usize = EDGE * EDGE;

/// What the kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub a: Side,
    pub b: Side,
    /// What the inputs are rounded to.
    pub precision: Precision,
    /// Whether the result is added to what the buffer holds.
    pub add: bool,
}

/// Quads from row to row in shared memory, where rows run across the sum.
fn pitch(side: Side) -> usize {
    side.across / 4 + 1
}

/// `c = a b`, with `initial` or on top of `c`: see [`super::multiply_by`].
#[cube(launch_unchecked)]
pub(super) fn plain_kernel<FA: Float, FB: Float, V: Size, W: Size>(
    a: &[Vector<FA, V>],
    b: &[Vector<FB, V>],
    initial: ComptimeOption<&[Vector<f32, W>]>,
    c: &mut [Vector<f32, W>],
    m: usize,
    n: usize,
    k: usize,
    part: usize,
    #[comptime] shape: Shape,
    #[define(FA, FB)] _elements: [ElemType; 2],
) {
    let Shape { a: left, b: right, precision, add } = comptime!(shape);
    let (rows, columns) = comptime!((left.across / 64, right.across / 64));
    let depth = comptime!(left.depth);
    let (a_pitch, b_pitch) = comptime!((pitch(left), pitch(right)));
    // Both tiles in one: some devices lay separate arrays on top of each other.
    let b_tile = comptime!(depth * a_pitch);
    let mut shared = Shared::<[Vector<f32, Quad>]>::new_slice(comptime!(depth * (a_pitch + b_pitch)));
    let mut a_held = Array::<Vector<FA, Quad>>::new(comptime!(left.items() * 4));
    let mut b_held = Array::<Vector<FB, Quad>>::new(comptime!(right.items() * 4));
    // Quad `(i * 4 + r) * columns + j` is row `r` of the unit's patch `(i, j)`.
    let mut sums = Array::<Vector<f32, Quad>>::new(comptime!(rows * 4 * columns));

    let row = CUBE_POS_Y as usize * left.across;
    let column = CUBE_POS_X as usize * right.across;
    let begin = CUBE_POS_Z as usize * part;
    let steps = (k.min(begin + part) - begin).div_ceil(depth);
    let (x, y) = (UNIT_POS as usize % EDGE, UNIT_POS as usize / EDGE);

    fetch::<FA, V>(a, &mut a_held, row, begin, m, k, left);
    fetch::<FB, V>(b, &mut b_held, column, begin, n, k, right);
    for step in 0..steps {
        place::<FA>(&a_held, &mut shared, 0usize, left, precision);
        place::<FB>(&b_held, &mut shared, b_tile, right, precision);
        sync_cube();
        if step + 1 < steps {
            let next = begin + (step + 1) * depth;
            fetch::<FA, V>(a, &mut a_held, row, next, m, k, left);
            fetch::<FB, V>(b, &mut b_held, column, next, n, k, right);
        }
        for l in 0..depth {
            let mut across = Array::<Vector<f32, Quad>>::new(columns);
            #[unroll]
            for j in 0..columns {
                across[j] = shared[b_tile + l * b_pitch + j * EDGE + x];
            }
            #[unroll]
            for i in 0..rows {
                let down = shared[l * a_pitch + i * EDGE + y];
                #[unroll]
                for r in 0..4usize {
                    let factor = Vector::<f32, Quad>::new(down.extract(r));
                    #[unroll]
                    for j in 0..columns {
                        let at = comptime!((i * 4 + r) * columns + j);
                        sums[at] = fma(factor, across[j], sums[at]);
                    }
                }
            }
        }
        sync_cube();
    }

    let matrix = CUBE_POS_Z as usize * m * n;
    #[unroll]
    for i in 0..rows {
        #[unroll]
        for r in 0..4usize {
            let row = row + i * 64 + y * 4 + r;
            #[unroll]
            for j in 0..columns {
                let column = column + j * 64 + x * 4;
                let at = comptime!((i * 4 + r) * columns + j);
                if row < m && column < n {
                    write::<W>(sums[at], initial, c, matrix + row * n + column, n - column, add);
                }
            }
        }
    }
}

/// The tile of a matrix `[across, k]` (deep) or `[k, across]` at `first` and `term`.
#[cube]
fn fetch<F: Float, V: Size>(
    from: &[Vector<F, V>],
    held: &mut Array<Vector<F, Quad>>,
    first: usize,
    term: usize,
    across: usize,
    k: usize,
    #[comptime] side: Side,
) {
    if comptime!(side.deep) {
        load::<F, V>(from, held, first, term, across, k, side);
    } else {
        load::<F, V>(from, held, term, first, k, across, side);
    }
}

/// To shared memory, so that its rows run across the sum.
#[cube]
fn place<F: Float>(
    held: &Array<Vector<F, Quad>>,
    shared: &mut Shared<[Vector<f32, Quad>]>,
    offset: usize,
    #[comptime] side: Side,
    #[comptime] precision: Precision,
) {
    let pitch = comptime!(pitch(side));
    #[unroll]
    for item in 0..side.items() {
        let (row, first) = block(item, side);
        #[unroll]
        for i in 0..4usize {
            if comptime!(side.deep) {
                let mut turned = Vector::<f32, Quad>::empty();
                #[unroll]
                for j in 0..4usize {
                    turned.insert(j, f32::cast_from(held[comptime!(item * 4 + j)].extract(i)));
                }
                shared[offset + (first + i) * pitch + row / 4] = rounded::<Quad>(turned, precision);
            } else {
                let value = Vector::<f32, Quad>::cast_from(held[comptime!(item * 4 + i)]);
                shared[offset + (row + i) * pitch + first / 4] = rounded::<Quad>(value, precision);
            }
        }
    }
}

/// Writes four sums, or as many as the row still has (`left`).
#[cube]
fn write<W: Size>(
    sums: Vector<f32, Quad>,
    initial: ComptimeOption<&[Vector<f32, W>]>,
    c: &mut [Vector<f32, W>],
    at: usize,
    left: usize,
    #[comptime] add: bool,
) {
    let width = W::value().comptime();
    if comptime!(width == 4) {
        let mut value = Vector::<f32, W>::cast_from(sums);
        #[comptime]
        if let ComptimeOption::Some(initial) = initial {
            value += initial[at / 4];
        }
        if comptime!(add) {
            value += c[at / 4];
        }
        c[at / 4] = value;
    } else {
        #[unroll]
        for i in 0..4usize {
            if i < left {
                let mut value = Vector::<f32, W>::new(sums.extract(i));
                #[comptime]
                if let ComptimeOption::Some(initial) = initial {
                    value += initial[at + i];
                }
                if comptime!(add) {
                    value += c[at + i];
                }
                c[at + i] = value;
            }
        }
    }
}
