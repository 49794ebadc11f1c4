//! The product on tensor cores: planes multiply 16 x 16 fragments of the tiles in shared memory.

use cubecl::cmma::{self, MatrixIdent, MatrixLayout};
use cubecl::prelude::*;

use super::tile::{Quad, Side, load, store};

/// Edge of a fragment.
pub(super) const FRAGMENT: usize = 16;
/// Units of a plane.
pub(super) const PLANE: usize = 32;
/// Numbers of a fragment that a unit holds.
const SHARE: usize = FRAGMENT * FRAGMENT / PLANE;

/// What the kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub a: Side,
    pub b: Side,
    /// Planes along the rows and the columns of the result's tile.
    pub planes: [usize; 2],
    /// Whether the result is a whole number of tiles.
    pub exact: bool,
    /// Whether the result is added to what the buffer holds.
    pub add: bool,
    /// Tiles in shared memory: with two, the next is stored while one is read.
    pub buffers: usize,
    /// Whether the device multiplies fragments; otherwise units do, in the same steps: how the rest is tested.
    pub native: bool,
}

impl Shape {
    /// Fragments of a plane along the rows and the columns.
    fn fragments(self) -> [usize; 2] {
        [self.a.across / self.planes[0] / FRAGMENT, self.b.across / self.planes[1] / FRAGMENT]
    }

    /// Bytes of shared memory, where a number of a tile has `bytes`.
    pub(super) fn shared_memory(self, bytes: usize) -> usize {
        let scratch =
            if self.exact && self.native { 0 } else { self.planes[0] * self.planes[1] * FRAGMENT * FRAGMENT * 4 };
        self.buffers * (self.a.lines() * self.a.pitch() + self.b.lines() * self.b.pitch()) * 4 * bytes + scratch
    }
}

/// Where a fragment of a tile begins, in quads; and how its rows and columns lie.
fn corner(side: Side, across: usize, depth: usize) -> usize {
    if side.deep { across * side.pitch() + depth / 4 } else { depth * side.pitch() + across / 4 }
}

/// `c = a b`, with `initial` or on top of `c`: see [`super::multiply_by`].
#[cube(launch_unchecked)]
pub(super) fn cooperative_kernel<FA: Float, FB: Float, E: Float, V: Size>(
    a: &[Vector<FA, V>],
    b: &[Vector<FB, V>],
    initial: ComptimeOption<&[Vector<f32, V>]>,
    c: &mut [Vector<f32, V>],
    m: usize,
    n: usize,
    k: usize,
    part: usize,
    #[comptime] shape: Shape,
    #[define(FA, FB, E)] _elements: [ElemType; 3],
) {
    let Shape { a: left, b: right, planes, exact, add, buffers, native } = comptime!(shape);
    let [down, across] = comptime!(shape.fragments());
    let depth = comptime!(left.depth);
    let (a_size, b_size) = comptime!((left.lines() * left.pitch(), right.lines() * right.pitch()));
    // All tiles in one: some devices lay separate arrays on top of each other.
    let size = comptime!(a_size + b_size);
    let mut shared = Shared::<[Vector<E, Quad>]>::new_slice(comptime!(buffers * size));
    let mut a_held = Array::<Vector<FA, Quad>>::new(comptime!(left.items() * 4));
    let mut b_held = Array::<Vector<FB, Quad>>::new(comptime!(right.items() * 4));

    let plane = UNIT_POS_Y as usize;
    let plane_row = plane / planes[1] * comptime!(down * FRAGMENT);
    let plane_column = plane % planes[1] * comptime!(across * FRAGMENT);
    let row = CUBE_POS_Y as usize * left.across;
    let column = CUBE_POS_X as usize * right.across;
    let begin = CUBE_POS_Z as usize * part;
    let steps = (k.min(begin + part) - begin).div_ceil(depth);
    let matrix = CUBE_POS_Z as usize * m * n;

    let mut sums = Sums::new(comptime!(down * across), native);
    if comptime!(exact && native) {
        #[unroll]
        for i in 0..down {
            #[unroll]
            for j in 0..across {
                let at = (matrix + (row + plane_row + i * FRAGMENT) * n + column + plane_column + j * FRAGMENT) / 4;
                #[comptime]
                if let ComptimeOption::Some(initial) = initial {
                    sums.load(comptime!(i * across + j), &initial[at..initial.len()], n as u32);
                }
                if comptime!(add) {
                    sums.load(comptime!(i * across + j), &c[at..c.len()], n as u32);
                }
            }
        }
    }

    fetch::<FA, V>(a, &mut a_held, row, begin, m, k, left);
    fetch::<FB, V>(b, &mut b_held, column, begin, n, k, right);
    store::<FA, E>(&a_held, &mut shared, 0usize, left);
    store::<FB, E>(&b_held, &mut shared, a_size, right);
    sync_cube();
    for step in 0..steps {
        let more = step + 1 < steps;
        if more {
            let next = begin + (step + 1) * depth;
            fetch::<FA, V>(a, &mut a_held, row, next, m, k, left);
            fetch::<FB, V>(b, &mut b_held, column, next, n, k, right);
        }
        let tile = step % buffers * size;
        let a_first = tile + place(plane_row, left);
        let b_first = tile + a_size + place(plane_column, right);
        #[unroll]
        for l in 0..comptime!(depth / FRAGMENT) {
            sums.multiply::<E>(&shared, a_first, b_first, comptime!(l * FRAGMENT), shape);
        }
        if comptime!(buffers == 1) {
            sync_cube();
        }
        if more {
            let next = (step + 1) % buffers * size;
            store::<FA, E>(&a_held, &mut shared, next, left);
            store::<FB, E>(&b_held, &mut shared, next + a_size, right);
        }
        sync_cube();
    }

    if comptime!(exact && native) {
        #[unroll]
        for i in 0..down {
            #[unroll]
            for j in 0..across {
                let at = (matrix + (row + plane_row + i * FRAGMENT) * n + column + plane_column + j * FRAGMENT) / 4;
                let end = c.len();
                sums.store(comptime!(i * across + j), &mut c[at..end], n as u32);
            }
        }
    } else {
        let mut scratch = Shared::<[f32]>::new_slice(comptime!(planes[0] * planes[1] * FRAGMENT * FRAGMENT));
        #[unroll]
        for i in 0..down {
            #[unroll]
            for j in 0..across {
                let own = plane * comptime!(FRAGMENT * FRAGMENT);
                sums.spill(comptime!(i * across + j), &mut scratch, own, native);
                sync_cube();
                #[unroll]
                for q in 0..comptime!(SHARE / 4) {
                    let unit = UNIT_POS_X as usize + comptime!(q * PLANE);
                    let row = row + plane_row + i * FRAGMENT + unit / 4;
                    let column = column + plane_column + j * FRAGMENT + unit % 4 * 4;
                    if row < m && column < n {
                        let at = (matrix + row * n + column) / 4;
                        let mut value = Vector::<f32, V>::empty();
                        #[unroll]
                        for e in 0..4usize {
                            value.insert(e, scratch[own + unit * 4 + e]);
                        }
                        #[comptime]
                        if let ComptimeOption::Some(initial) = initial {
                            value += initial[at];
                        }
                        if comptime!(add) {
                            value += c[at];
                        }
                        c[at] = value;
                    }
                }
                sync_cube();
            }
        }
    }
}

/// Where a plane's rows (columns) of the result begin in a tile, in quads.
#[cube]
fn place(across: usize, #[comptime] side: Side) -> usize {
    if comptime!(side.deep) { across * side.pitch() } else { across / 4 }
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

/// A plane's fragments of the result: the device's own, or numbers that its units hold.
#[derive(CubeType)]
struct Sums {
    fragments: Sequence<cmma::Matrix<f32>>,
    numbers: Array<f32>,
}

#[cube]
impl Sums {
    fn new(#[comptime] count: usize, #[comptime] native: bool) -> Sums {
        let mut fragments = Sequence::<cmma::Matrix<f32>>::new();
        if comptime!(native) {
            #[unroll]
            for _ in 0..count {
                fragments.push(cmma::Matrix::<f32>::from_value(
                    MatrixIdent::Accumulator,
                    FRAGMENT,
                    FRAGMENT,
                    FRAGMENT,
                    MatrixLayout::Undefined,
                    0.0,
                ));
            }
        }
        Sums { fragments, numbers: Array::<f32>::new(comptime!(if native { 1 } else { count * SHARE })) }
    }

    /// Reads fragment `at` from a matrix of rows of `stride` numbers.
    fn load<V: Size>(&mut self, #[comptime] at: usize, from: &[Vector<f32, V>], stride: u32) {
        cmma::load_with_layout(self.fragments.index_mut(at), from, stride, MatrixLayout::RowMajor);
    }

    /// Writes fragment `at` to a matrix of rows of `stride` numbers.
    fn store<V: Size>(&self, #[comptime] at: usize, to: &mut [Vector<f32, V>], stride: u32) {
        cmma::store(to, self.fragments.index(at), stride, MatrixLayout::RowMajor);
    }

    /// Writes fragment `at` to shared memory.
    fn spill(&self, #[comptime] at: usize, scratch: &mut Shared<[f32]>, offset: usize, #[comptime] native: bool) {
        if comptime!(native) {
            let end = offset + comptime!(FRAGMENT * FRAGMENT);
            cmma::store(&mut scratch[offset..end], self.fragments.index(at), FRAGMENT as u32, MatrixLayout::RowMajor);
        } else {
            #[unroll]
            for e in 0..SHARE {
                scratch[offset + UNIT_POS_X as usize * SHARE + e] = self.numbers[comptime!(at * SHARE + e)];
            }
        }
    }

    /// Adds the products of the fragments that begin `term` terms into the tiles.
    fn multiply<E: Float>(
        &mut self,
        shared: &Shared<[Vector<E, Quad>]>,
        a_first: usize,
        b_first: usize,
        #[comptime] term: usize,
        #[comptime] shape: Shape,
    ) {
        let [down, across] = comptime!(shape.fragments());
        let (left, right) = comptime!((shape.a, shape.b));
        if comptime!(shape.native) {
            let mut rows = Sequence::<cmma::Matrix<E>>::new();
            #[unroll]
            for i in 0..down {
                let at = a_first + comptime!(corner(left, i * FRAGMENT, term));
                let layout = comptime!(if left.deep { MatrixLayout::RowMajor } else { MatrixLayout::ColMajor });
                rows.push(fragment::<E>(&shared[at..shared.len()], MatrixIdent::A, layout, left));
            }
            #[unroll]
            for j in 0..across {
                let at = b_first + comptime!(corner(right, j * FRAGMENT, term));
                let layout = comptime!(if right.deep { MatrixLayout::ColMajor } else { MatrixLayout::RowMajor });
                let column = fragment::<E>(&shared[at..shared.len()], MatrixIdent::B, layout, right);
                #[unroll]
                for i in 0..down {
                    let sum = self.fragments.index(comptime!(i * across + j));
                    cmma::execute(rows.index(i), &column, sum, sum);
                }
            }
        } else {
            // A unit holds half a row of each fragment.
            let unit = UNIT_POS_X as usize;
            #[unroll]
            for i in 0..down {
                #[unroll]
                for j in 0..across {
                    let a_corner = a_first + comptime!(corner(left, i * FRAGMENT, term));
                    let b_corner = b_first + comptime!(corner(right, j * FRAGMENT, term));
                    #[unroll]
                    for e in 0..SHARE {
                        let at = comptime!((i * across + j) * SHARE + e);
                        for l in 0..FRAGMENT {
                            let factor = number::<E>(shared, a_corner, unit / 2, l, left)
                                * number::<E>(shared, b_corner, unit % 2 * SHARE + e, l, right);
                            self.numbers[at] += factor;
                        }
                    }
                }
            }
        }
    }
}

/// The fragment at the beginning of `from`.
#[cube]
fn fragment<E: Float>(
    from: &[Vector<E, Quad>],
    #[comptime] ident: MatrixIdent,
    #[comptime] layout: MatrixLayout,
    #[comptime] side: Side,
) -> cmma::Matrix<E> {
    // SAFETY: loaded whole before it is read.
    let mut matrix = unsafe { cmma::Matrix::<E>::uninitialized(ident, FRAGMENT, FRAGMENT, FRAGMENT, layout) };
    cmma::load(&mut matrix, from, comptime!(side.pitch() as u32 * 4));
    matrix
}

/// Number (`across`, `term`) of a fragment that begins at `corner`.
#[cube]
fn number<E: Float>(
    shared: &Shared<[Vector<E, Quad>]>,
    corner: usize,
    across: usize,
    term: usize,
    #[comptime] side: Side,
) -> f32 {
    if comptime!(side.deep) {
        f32::cast_from(shared[corner + across * side.pitch() + term / 4].extract_dynamic(term % 4))
    } else {
        f32::cast_from(shared[corner + term * side.pitch() + across / 4].extract_dynamic(across % 4))
    }
}
