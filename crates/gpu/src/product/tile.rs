//! How a cube brings its part of a matrix from global memory, through registers, to shared memory.

use crate::precision::rounded;
use cubecl::prelude::*;
use kernels::spec::Precision;

/// Four numbers, the unit of every load and store.
pub(super) type Quad = Const<4>;

/// A tile of one of the two matrices that are multiplied.
///
/// The matrix is row-major in memory, and its rows run either along the dimension that the product sums over (`deep`) or
/// across it. Units take blocks of four rows by four columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Side {
    /// Rows (or columns) of the result that the tile serves.
    pub across: usize,
    /// Terms of the sum.
    pub depth: usize,
    /// Whether the matrix's rows run along the sum.
    pub deep: bool,
    /// Whether the matrix is a whole number of tiles, so that nothing needs a guard.
    pub exact: bool,
    /// Units of the cube.
    pub units: usize,
    /// What numbers are rounded to on the way. A device's own conversion may cut instead: the H100's to bfloat16 does, which
    /// makes every product about .4 % smaller than it should be.
    pub precision: Precision,
}

impl Side {
    /// The tile's rows in memory.
    pub(super) fn lines(self) -> usize {
        if self.deep { self.across } else { self.depth }
    }

    /// Numbers of such a row.
    pub(super) fn length(self) -> usize {
        if self.deep { self.depth } else { self.across }
    }

    fn blocks(self) -> usize {
        self.across * self.depth / 16
    }

    /// Blocks of a unit.
    pub(super) fn items(self) -> usize {
        self.blocks().div_ceil(self.units)
    }

    /// Quads from row to row in shared memory where the tile keeps its orientation. The padding of eight numbers spreads
    /// neighbouring rows over the banks, and keeps rows of 16-bit numbers at multiples of 16 bytes.
    pub(super) fn pitch(self) -> usize {
        self.length() / 4 + 2
    }
}

/// First row and first column, within the tile, of a unit's block. Where units outnumber blocks, some hold the last block
/// together.
#[cube]
pub(super) fn block(#[comptime] item: usize, #[comptime] side: Side) -> (usize, usize) {
    let index = (UNIT_POS as usize + comptime!(item * side.units)).min(comptime!(side.blocks() - 1));
    let columns = comptime!(side.length() / 4);
    (index / columns * 4, index % columns * 4)
}

/// Four numbers of a row of `columns` numbers; zeros outside the matrix.
#[cube]
fn quad<F: Float, N: Size>(
    from: &[Vector<F, N>],
    row: usize,
    column: usize,
    rows: usize,
    columns: usize,
    #[comptime] exact: bool,
) -> Vector<F, Quad> {
    let width = N::value().comptime();
    if comptime!(exact && width == 4) {
        Vector::<F, Quad>::cast_from(from[(row * columns + column) / 4])
    } else {
        // Outside, some number of the matrix is read and dropped: cheaper than a branch.
        let mut value = Vector::<F, Quad>::new(F::from_int(0));
        if comptime!(width == 4) {
            let inside = row < rows && column < columns;
            let at = select(inside, (row * columns + column) / 4, 0);
            value = select(inside, Vector::<F, Quad>::cast_from(from[at]), value);
        } else {
            #[unroll]
            for i in 0..4usize {
                let inside = row < rows && column + i < columns;
                let at = select(inside, row * columns + column + i, 0);
                value.insert(i, select(inside, from[at].extract(0usize), F::from_int(0)));
            }
        }
        value
    }
}

/// Loads a unit's blocks of the tile whose corner is at (`line`, `column`) of a matrix of `lines` rows of `columns` numbers.
#[cube]
pub(super) fn load<F: Float, N: Size>(
    from: &[Vector<F, N>],
    held: &mut Array<Vector<F, Quad>>,
    line: usize,
    column: usize,
    lines: usize,
    columns: usize,
    #[comptime] side: Side,
) {
    #[unroll]
    for item in 0..side.items() {
        let (row, first) = block(item, side);
        #[unroll]
        for i in 0..4usize {
            held[comptime!(item * 4 + i)] =
                quad::<F, N>(from, line + row + i, column + first, lines, columns, side.exact);
        }
    }
}

/// Stores a unit's blocks as the matrix has them, rounded to `E`, at `offset` of shared memory.
#[cube]
pub(super) fn store<F: Float, E: Float>(
    held: &Array<Vector<F, Quad>>,
    shared: &mut Shared<[Vector<E, Quad>]>,
    offset: usize,
    #[comptime] side: Side,
) {
    #[unroll]
    for item in 0..side.items() {
        let (row, first) = block(item, side);
        #[unroll]
        for i in 0..4usize {
            shared[offset + (row + i) * side.pitch() + first / 4] = Vector::<E, Quad>::cast_from(rounded::<Quad>(
                Vector::cast_from(held[comptime!(item * 4 + i)]),
                comptime!(side.precision),
            ));
        }
    }
}
