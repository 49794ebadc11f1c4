//! Products of all slots' rows with a weight matrix, each finished in place: the norm before it is a factor of each row, taken
//! while the row is read; what follows it (rotary positions and the cache, the residual sum, the gate) is done by the unit
//! that holds the sums.

use cubecl::prelude::*;

use super::sizes::{BLOCK, Sizes};

/// Four numbers, the unit of every load and store.
pub(super) type Quad = Const<4>;

/// How a cube takes its part of a product: a patch of `rows` slots by `columns` outputs, `depth` inputs at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Slots of a cube.
    pub rows: usize,
    /// Outputs of a cube.
    pub columns: usize,
    /// Inputs that are in shared memory at a time.
    pub depth: usize,
    /// Slots of a unit, in groups of four.
    pub unit_rows: usize,
    /// Outputs of a unit, in groups of four.
    pub unit_columns: usize,
}

impl Tile {
    /// Tiles of a GPU with a few thousand slots.
    pub const USUAL: Self = Self { rows: 64, columns: 64, depth: 16, unit_rows: 8, unit_columns: 4 };
    /// Tiles of a few slots.
    pub const LOW: Self = Self { rows: 16, columns: 64, depth: 16, unit_rows: 4, unit_columns: 4 };

    /// Units along the outputs.
    fn across(self) -> usize {
        self.columns / self.unit_columns
    }

    /// Units along the slots.
    fn down(self) -> usize {
        self.rows / self.unit_rows
    }

    /// Units of a cube.
    pub(super) fn units(self) -> usize {
        self.across() * self.down()
    }

    /// Groups of four rows by four inputs that a unit brings.
    fn row_items(self) -> usize {
        (self.rows * self.depth / 16).div_ceil(self.units())
    }

    /// Groups of four weights that a unit brings.
    fn weight_items(self) -> usize {
        (self.depth * self.columns / 4).div_ceil(self.units())
    }

    /// Quads of four outputs that a unit sums.
    fn sums(self) -> usize {
        self.unit_rows * self.unit_columns / 4
    }
}

/// The slot of a row of the unit's patch.
#[cube]
fn slot(#[comptime] group: usize, #[comptime] r: usize, #[comptime] tile: Tile) -> usize {
    CUBE_POS_Y as usize * tile.rows
        + (UNIT_POS as usize / comptime!(tile.across()) + comptime!(group * tile.down())) * 4
        + r
}

/// The first of four columns of the unit's patch.
#[cube]
fn columns(#[comptime] group: usize, #[comptime] tile: Tile) -> usize {
    CUBE_POS_X as usize * tile.columns
        + (UNIT_POS as usize % comptime!(tile.across()) + comptime!(group * tile.across())) * 4
}

/// A cube's part of `x w`: quad `(i * 4 + r) * (unit_columns / 4) + j` of `sums` is row `r` of the unit's group `i` of rows,
/// group `j` of columns. With `width` above 0 the rows are normalised by the root of their mean square over that many columns.
#[cube]
fn product<W: Float>(
    x: &[Vector<f32, Quad>],
    w: &[Vector<W, Quad>],
    sums: &mut Array<Vector<f32, Quad>>,
    inputs: usize,
    outputs: usize,
    eps: f32,
    #[comptime] width: usize,
    #[comptime] tile: Tile,
) {
    let (row_quads, column_quads) = comptime!((tile.rows / 4, tile.columns / 4));
    let (x_size, w_size) = comptime!((tile.depth * row_quads, tile.depth * column_quads));
    let mut x_shared = Shared::<[Vector<f32, Quad>]>::new_slice(comptime!(2 * x_size));
    let mut w_shared = Shared::<[Vector<f32, Quad>]>::new_slice(comptime!(2 * w_size));
    let mut x_held = Array::<Vector<f32, Quad>>::new(comptime!(tile.row_items() * 4));
    let mut w_held = Array::<Vector<W, Quad>>::new(comptime!(tile.weight_items()));
    let mut squares = Array::<Vector<f32, Quad>>::new(comptime!(tile.row_items() * 4));

    let row = CUBE_POS_Y as usize * tile.rows;
    let column = CUBE_POS_X as usize * tile.columns;
    let steps = inputs / tile.depth;
    let (x_unit, y_unit) = (UNIT_POS as usize % comptime!(tile.across()), UNIT_POS as usize / comptime!(tile.across()));

    fetch::<W>(x, w, &mut x_held, &mut w_held, row, column, 0usize, inputs, outputs, tile);
    store::<W>(
        &x_held,
        &w_held,
        &mut squares,
        &mut x_shared,
        &mut w_shared,
        0usize,
        0usize,
        comptime!(width > 0),
        tile,
    );
    sync_cube();
    for step in 0..steps {
        if step + 1 < steps {
            let next = (step + 1) * tile.depth;
            fetch::<W>(x, w, &mut x_held, &mut w_held, row, column, next, inputs, outputs, tile);
        }
        let (x_at, w_at) = (step % 2 * x_size, step % 2 * w_size);
        for group in 0..comptime!(tile.depth / 4) {
            #[unroll]
            for l in 0..4usize {
                let line = group * 4 + l;
                let mut across = Array::<Vector<f32, Quad>>::new(comptime!(tile.unit_columns / 4));
                #[unroll]
                for j in 0..comptime!(tile.unit_columns / 4) {
                    across[j] = w_shared[w_at + line * column_quads + x_unit + comptime!(j * tile.across())];
                }
                #[unroll]
                for i in 0..comptime!(tile.unit_rows / 4) {
                    let place = (y_unit + comptime!(i * tile.down())) ^ swizzle(group, tile);
                    let down = x_shared[x_at + line * row_quads + place];
                    #[unroll]
                    for r in 0..4usize {
                        let factor = Vector::<f32, Quad>::new(down.extract(r));
                        #[unroll]
                        for j in 0..comptime!(tile.unit_columns / 4) {
                            let at = comptime!((i * 4 + r) * (tile.unit_columns / 4) + j);
                            sums[at] = fma(factor, across[j], sums[at]);
                        }
                    }
                }
            }
        }
        if step + 1 < steps {
            let (x_next, w_next) = ((step + 1) % 2 * x_size, (step + 1) % 2 * w_size);
            store::<W>(
                &x_held,
                &w_held,
                &mut squares,
                &mut x_shared,
                &mut w_shared,
                x_next,
                w_next,
                comptime!(width > 0),
                tile,
            );
        }
        sync_cube();
    }
    if comptime!(width > 0) {
        normalise(&squares, sums, eps, width, tile);
    }
}

/// Spreads groups of four inputs over the banks of shared memory.
#[cube]
fn swizzle(group: usize, #[comptime] tile: Tile) -> usize {
    group % comptime!(8usize.min(tile.rows / 4))
}

/// The row group and the input group of one of a unit's items. Where units outnumber items, some bring the last one together.
#[cube]
fn row_item(#[comptime] item: usize, #[comptime] tile: Tile) -> (usize, usize) {
    let groups = comptime!(tile.depth / 4);
    let last = comptime!(tile.rows * tile.depth / 16 - 1);
    let index = (UNIT_POS as usize + comptime!(item * tile.units())).min(last);
    (index / groups, index % groups)
}

/// The line and the column group of one of a unit's items.
#[cube]
fn weight_item(#[comptime] item: usize, #[comptime] tile: Tile) -> (usize, usize) {
    let quads = comptime!(tile.columns / 4);
    let last = comptime!(tile.depth * tile.columns / 4 - 1);
    let index = (UNIT_POS as usize + comptime!(item * tile.units())).min(last);
    (index / quads, index % quads)
}

/// Loads a unit's items of the tiles at `input`.
#[cube]
fn fetch<W: Float>(
    x: &[Vector<f32, Quad>],
    w: &[Vector<W, Quad>],
    x_held: &mut Array<Vector<f32, Quad>>,
    w_held: &mut Array<Vector<W, Quad>>,
    row: usize,
    column: usize,
    input: usize,
    inputs: usize,
    outputs: usize,
    #[comptime] tile: Tile,
) {
    #[unroll]
    for item in 0..tile.row_items() {
        let (rows, group) = row_item(item, tile);
        #[unroll]
        for r in 0..4usize {
            x_held[comptime!(item * 4 + r)] = x[((row + rows * 4 + r) * inputs + input) / 4 + group];
        }
    }
    #[unroll]
    for item in 0..tile.weight_items() {
        let (line, quad) = weight_item(item, tile);
        w_held[item] = w[((input + line) * outputs + column) / 4 + quad];
    }
}

/// Stores a unit's items: rows turned, so that a quad holds four slots; weights as they are.
#[cube]
fn store<W: Float>(
    x_held: &Array<Vector<f32, Quad>>,
    w_held: &Array<Vector<W, Quad>>,
    squares: &mut Array<Vector<f32, Quad>>,
    x_shared: &mut Shared<[Vector<f32, Quad>]>,
    w_shared: &mut Shared<[Vector<f32, Quad>]>,
    x_at: usize,
    w_at: usize,
    #[comptime] square: bool,
    #[comptime] tile: Tile,
) {
    #[unroll]
    for item in 0..tile.row_items() {
        let (rows, group) = row_item(item, tile);
        #[unroll]
        for l in 0..4usize {
            let mut turned = Vector::<f32, Quad>::empty();
            #[unroll]
            for r in 0..4usize {
                turned.insert(r, x_held[comptime!(item * 4 + r)].extract(l));
            }
            x_shared[x_at + (group * 4 + l) * comptime!(tile.rows / 4) + (rows ^ swizzle(group, tile))] = turned;
            if comptime!(square) {
                squares[item] = fma(turned, turned, squares[item]);
            }
        }
    }
    #[unroll]
    for item in 0..tile.weight_items() {
        let (line, quad) = weight_item(item, tile);
        w_shared[w_at + line * comptime!(tile.columns / 4) + quad] = Vector::<f32, Quad>::cast_from(w_held[item]);
    }
}

/// Divides each row's sums by the root of its mean square.
#[cube]
fn normalise(
    squares: &Array<Vector<f32, Quad>>,
    sums: &mut Array<Vector<f32, Quad>>,
    eps: f32,
    #[comptime] width: usize,
    #[comptime] tile: Tile,
) {
    let groups = comptime!(tile.depth / 4);
    // For each group of four rows, the sums of those that brought them.
    let mut shared = Shared::<[Vector<f32, Quad>]>::new_slice(comptime!(tile.rows / 4 * groups));
    #[unroll]
    for item in 0..tile.row_items() {
        let (rows, group) = row_item(item, tile);
        shared[rows * groups + group] = squares[item];
    }
    sync_cube();
    let y_unit = UNIT_POS as usize / comptime!(tile.across());
    #[unroll]
    for i in 0..comptime!(tile.unit_rows / 4) {
        let mut total = Vector::<f32, Quad>::new(0.0);
        for group in 0..groups {
            total += shared[(y_unit + comptime!(i * tile.down())) * groups + group];
        }
        #[unroll]
        for r in 0..4usize {
            let scale = (total.extract(r) * comptime!(1.0 / width as f32) + eps).inverse_sqrt();
            let factor = Vector::<f32, Quad>::new(scale);
            #[unroll]
            for j in 0..comptime!(tile.unit_columns / 4) {
                let at = comptime!((i * 4 + r) * (tile.unit_columns / 4) + j);
                sums[at] *= factor;
            }
        }
    }
}

/// `x += y w`: the output projection and the feed-forward's second product.
#[cube(launch_unchecked)]
pub(super) fn residual_kernel<W: Float>(
    y: &[Vector<f32, Quad>],
    w: &[Vector<W, Quad>],
    x: &mut [Vector<f32, Quad>],
    inputs: usize,
    outputs: usize,
    #[comptime] tile: Tile,
    #[define(W)] _weights: ElemType,
) {
    let mut sums = Array::<Vector<f32, Quad>>::new(comptime!(tile.sums()));
    product::<W>(y, w, &mut sums, inputs, outputs, 0.0, 0usize, tile);
    #[unroll]
    for i in 0..comptime!(tile.unit_rows / 4) {
        #[unroll]
        for r in 0..4usize {
            #[unroll]
            for j in 0..comptime!(tile.unit_columns / 4) {
                let at = (slot(i, r, tile) * outputs + columns(j, tile)) / 4;
                x[at] += sums[comptime!((i * 4 + r) * (tile.unit_columns / 4) + j)];
            }
        }
    }
}

/// `logits = norm(x) w`.
#[cube(launch_unchecked)]
pub(super) fn head_kernel<W: Float>(
    x: &[Vector<f32, Quad>],
    w: &[Vector<W, Quad>],
    logits: &mut [Vector<f32, Quad>],
    inputs: usize,
    outputs: usize,
    eps: f32,
    #[comptime] width: usize,
    #[comptime] tile: Tile,
    #[define(W)] _weights: ElemType,
) {
    let mut sums = Array::<Vector<f32, Quad>>::new(comptime!(tile.sums()));
    product::<W>(x, w, &mut sums, inputs, outputs, eps, width, tile);
    #[unroll]
    for i in 0..comptime!(tile.unit_rows / 4) {
        #[unroll]
        for r in 0..4usize {
            #[unroll]
            for j in 0..comptime!(tile.unit_columns / 4) {
                let at = (slot(i, r, tile) * outputs + columns(j, tile)) / 4;
                logits[at] = sums[comptime!((i * 4 + r) * (tile.unit_columns / 4) + j)];
            }
        }
    }
}

/// `hidden = silu(gate) · up` of `norm(x) w`, whose columns stand as two gates and their two ups in turn.
#[cube(launch_unchecked)]
pub(super) fn gate_up_kernel<W: Float>(
    x: &[Vector<f32, Quad>],
    w: &[Vector<W, Quad>],
    hidden: &mut [Vector<f32, Const<2>>],
    inputs: usize,
    outputs: usize,
    eps: f32,
    #[comptime] width: usize,
    #[comptime] tile: Tile,
    #[define(W)] _weights: ElemType,
) {
    let mut sums = Array::<Vector<f32, Quad>>::new(comptime!(tile.sums()));
    product::<W>(x, w, &mut sums, inputs, outputs, eps, width, tile);
    #[unroll]
    for i in 0..comptime!(tile.unit_rows / 4) {
        #[unroll]
        for r in 0..4usize {
            #[unroll]
            for j in 0..comptime!(tile.unit_columns / 4) {
                let sums = sums[comptime!((i * 4 + r) * (tile.unit_columns / 4) + j)];
                let mut gated = Vector::<f32, Const<2>>::empty();
                #[unroll]
                for c in 0..2usize {
                    let gate = sums.extract(c);
                    gated.insert(c, gate / (1.0 + (-gate).exp()) * sums.extract(comptime!(c + 2)));
                }
                hidden[(slot(i, r, tile) * outputs + columns(j, tile)) / 4] = gated;
            }
        }
    }
}

/// Queries, keys and values of `norm(x) w`: queries turned and scaled, keys turned and, with the values, put in the cache.
#[cube(launch_unchecked)]
pub(super) fn qkv_kernel<W: Float, C: Float>(
    x: &[Vector<f32, Quad>],
    w: &[Vector<W, Quad>],
    rotary: &[Vector<f32, Quad>],
    positions: &[u32],
    queries: &mut [Vector<f32, Quad>],
    keys: &mut [Vector<C, Quad>],
    values: &mut [Vector<C, Quad>],
    eps: f32,
    scale: f32,
    #[comptime] sizes: Sizes,
    #[comptime] tile: Tile,
    #[define(W, C)] _stored: [ElemType; 2],
) {
    let outputs = comptime!(sizes.projected());
    let mut sums = Array::<Vector<f32, Quad>>::new(comptime!(tile.sums()));
    product::<W>(x, w, &mut sums, sizes.stream, outputs, eps, sizes.width, tile);
    #[unroll]
    for j in 0..comptime!(tile.unit_columns / 4) {
        let column = columns(j, tile);
        if column < sizes.queries {
            #[unroll]
            for i in 0..comptime!(tile.unit_rows / 4) {
                #[unroll]
                for r in 0..4usize {
                    let (slot, position) = (slot(i, r, tile), position(positions, slot(i, r, tile), sizes));
                    let pairs = sums[comptime!((i * 4 + r) * (tile.unit_columns / 4) + j)];
                    let turned = turn(pairs, rotary, position, column / 4, sizes);
                    queries[(slot * sizes.queries + column) / 4] = turned * Vector::<f32, Quad>::new(scale);
                }
            }
        } else if column < comptime!(sizes.queries + sizes.keys) {
            let quad = (column - sizes.queries) / 4;
            if real(quad, sizes) {
                #[unroll]
                for i in 0..comptime!(tile.unit_rows / 4) {
                    #[unroll]
                    for r in 0..4usize {
                        let (slot, position) = (slot(i, r, tile), position(positions, slot(i, r, tile), sizes));
                        let pairs = sums[comptime!((i * 4 + r) * (tile.unit_columns / 4) + j)];
                        let turned = turn(pairs, rotary, position, quad, sizes);
                        keys[key_place(slot, position, quad, sizes)] = Vector::<C, Quad>::cast_from(turned);
                    }
                }
            }
        } else {
            let quad = (column - comptime!(sizes.queries + sizes.keys)) / 4;
            if real(quad, sizes) {
                #[unroll]
                for i in 0..comptime!(tile.unit_rows / 4) {
                    #[unroll]
                    for r in 0..4usize {
                        let (slot, position) = (slot(i, r, tile), position(positions, slot(i, r, tile), sizes));
                        let value = sums[comptime!((i * 4 + r) * (tile.unit_columns / 4) + j)];
                        values[value_place(slot, position, quad, sizes)] = Vector::<C, Quad>::cast_from(value);
                    }
                }
            }
        }
    }
}

/// Whether a quad of keys or values belongs to a head, and does not only fill up.
#[cube]
fn real(quad: usize, #[comptime] sizes: Sizes) -> bool {
    let quads = comptime!(sizes.kv_heads * sizes.head / 4);
    if comptime!(quads * 4 == sizes.keys) { true.runtime() } else { quad < quads }
}

/// Where a slot writes. One that rests writes, too: in the last place, which is written before it is ever read.
#[cube]
fn position(positions: &[u32], slot: usize, #[comptime] sizes: Sizes) -> usize {
    positions[slot].min(comptime!(sizes.context as u32 - 1)) as usize
}

/// Turns two pairs by their angles.
#[cube]
fn turn(
    pairs: Vector<f32, Quad>,
    rotary: &[Vector<f32, Quad>],
    position: usize,
    quad: usize,
    #[comptime] sizes: Sizes,
) -> Vector<f32, Quad> {
    let quads = comptime!(sizes.head / 4);
    let angle = rotary[position * quads + quad % quads];
    let mut turned = Vector::<f32, Quad>::empty();
    #[unroll]
    for pair in 0..2usize {
        let (a, b) = (pairs.extract(comptime!(pair * 2)), pairs.extract(comptime!(pair * 2 + 1)));
        let (cos, sin) = (angle.extract(comptime!(pair * 2)), angle.extract(comptime!(pair * 2 + 1)));
        turned.insert(comptime!(pair * 2), a * cos - b * sin);
        turned.insert(comptime!(pair * 2 + 1), b * cos + a * sin);
    }
    turned
}

/// Where a quad of a slot's keys stands: `[slot, head, block, quad of the head, position in the block]`, so that neighbouring
/// units, one position each, read neighbouring quads.
#[cube]
pub(super) fn key_place(slot: usize, position: usize, quad: usize, #[comptime] sizes: Sizes) -> usize {
    let quads = comptime!(sizes.head / 4);
    let block = (slot * sizes.kv_heads + quad / quads) * comptime!(sizes.blocks()) + position / BLOCK;
    (block * quads + quad % quads) * BLOCK + position % BLOCK
}

/// Where a quad of a slot's values stands: `[slot, head, position, quad of the head]`.
#[cube]
pub(super) fn value_place(slot: usize, position: usize, quad: usize, #[comptime] sizes: Sizes) -> usize {
    let quads = comptime!(sizes.head / 4);
    let head = slot * sizes.kv_heads + quad / quads;
    (head * comptime!(sizes.blocks() * BLOCK) + position) * quads + quad % quads
}
