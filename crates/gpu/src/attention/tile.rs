//! How attention is cut into cubes, and rows' way into shared memory and out of it.

use cubecl::prelude::*;

use kernels::spec::AttentionShape;

/// Four neighbouring columns of a head.
pub(super) type Four = Vector<f32, Const<4>>;

/// How a kernel is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tiles {
    /// Rows of a cube: queries, or keys where their gradient is made.
    pub rows: usize,
    /// Units that share a row; a power of two, more than one only with planes.
    pub split: usize,
    /// Rows of the other side in shared memory at a time.
    pub others: usize,
    /// Rows of the other side that a unit takes at once.
    pub block: usize,
}

impl Tiles {
    /// For the forward pass.
    pub fn forward(shape: AttentionShape, planes: bool) -> Self {
        Self::fit(shape, Self { rows: 64, split: Self::halves(shape, planes), others: 64, block: 4 })
    }

    /// For the queries' gradient.
    pub fn queries(shape: AttentionShape, planes: bool) -> Self {
        Self::fit(shape, Self { rows: 128, split: Self::halves(shape, planes), others: 64, block: 4 })
    }

    /// For the keys' and values' gradients.
    pub fn keys(shape: AttentionShape, planes: bool) -> Self {
        let split = if shape.head_width > 32 { Self::halves(shape, planes) } else { 1 };
        Self::fit(shape, Self { rows: 128, split, others: 64, block: 4 })
    }

    /// Two units for a row, where planes let them add and the row has two halves of whole vectors.
    fn halves(shape: AttentionShape, planes: bool) -> usize {
        if planes && shape.head_width.is_multiple_of(16) { 2 } else { 1 }
    }

    /// Fewer rows where windows or shared memory have no room for more.
    fn fit(shape: AttentionShape, mut tiles: Self) -> Self {
        while tiles.rows > 32 && (tiles.rows / 2 >= shape.time || tiles.rows * (shape.head_width + 4) > 5 * 1024) {
            tiles.rows /= 2;
        }
        while tiles.others > tiles.block && tiles.others * 2 * shape.head_width > 4 * 1024 {
            tiles.others /= 2;
        }
        tiles
    }
}

/// Everything that a kernel knows when it is compiled. Widths are in vectors of four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub time: usize,
    pub heads: usize,
    pub kv_heads: usize,
    /// Width of a head.
    pub head: usize,
    pub tiles: Tiles,
}

impl Plan {
    pub(super) fn new(shape: AttentionShape, tiles: Tiles) -> Self {
        let AttentionShape { time, heads, kv_heads, head_width, .. } = shape;
        let Tiles { rows, split, others, block } = tiles;
        assert!(
            split.is_power_of_two()
                && (head_width / 8).is_multiple_of(split)
                && others.is_multiple_of(block)
                && rows > 0,
            "attention: {shape:?} in {tiles:?}"
        );
        Self { time, heads, kv_heads, head: head_width / 4, tiles }
    }

    /// Cubes of a head of a window.
    pub(super) fn blocks(&self) -> usize {
        self.time.div_ceil(self.tiles.rows)
    }

    pub(super) fn dim(&self) -> CubeDim {
        CubeDim::new_1d(self.units() as u32)
    }

    pub(super) fn units(&self) -> usize {
        self.tiles.rows * self.tiles.split
    }

    /// Columns of a unit.
    pub(super) fn part(&self) -> usize {
        self.head / self.tiles.split
    }

    /// From a row of a unit's own side to the next in shared memory: odd, so that units that read their rows hit all banks.
    pub(super) fn pitch(&self) -> usize {
        self.head | 1
    }

    /// Vectors of shared memory: the cube's own rows on their way to registers and back, at other times two matrices of the
    /// other side.
    pub(super) fn shared(&self) -> usize {
        (self.tiles.rows * self.pitch()).max(2 * self.values())
    }

    /// Where the second of the other side's two matrices begins in shared memory.
    pub(super) fn values(&self) -> usize {
        self.tiles.others * self.head
    }

    pub(super) fn qkv(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head
    }

    pub(super) fn width(&self) -> usize {
        self.heads * self.head
    }
}

/// The column of a head's row that unit `part` of the row's units calls its `i`-th: as many of the first half as of the second,
/// so that a rotary pair stays with one unit.
#[cube]
pub(super) fn column(part: usize, #[comptime] i: usize, #[comptime] plan: Plan) -> usize {
    let half = comptime!(plan.part() / 2);
    let offset = comptime!(if i < half { i } else { plan.head / 2 + i - half });
    part * half + offset
}

/// Copies rows of one head, from position `first` on, into shared memory at `offset`, times `scale`; with `turn` each is rotated
/// to its place in its document. Rows beyond the window's end repeat the last.
#[cube]
pub(super) fn load_rows(
    source: &[Four],
    starts: &[u32],
    rotary: &[Four],
    target: &mut Shared<[Four]>,
    #[comptime] offset: usize,
    window: usize,
    first: usize,
    head_column: usize,
    scale: f32,
    #[comptime] rows: usize,
    #[comptime] width: usize,
    #[comptime] pitch: usize,
    #[comptime] turn: bool,
    #[comptime] plan: Plan,
) {
    let half = comptime!(plan.head / 2);
    let units = comptime!(plan.units());
    let rounds = comptime!((rows * half).div_ceil(units));
    let scale = Four::new(scale);
    #[unroll]
    for round in 0..rounds {
        let item = UNIT_POS as usize + comptime!(round * units);
        if comptime!((round + 1) * units <= rows * half) {
            load_pair(
                source,
                starts,
                rotary,
                target,
                offset,
                window,
                first,
                head_column,
                scale,
                item,
                width,
                pitch,
                turn,
                plan,
            );
        } else if item < comptime!(rows * half) {
            load_pair(
                source,
                starts,
                rotary,
                target,
                offset,
                window,
                first,
                head_column,
                scale,
                item,
                width,
                pitch,
                turn,
                plan,
            );
        }
    }
}

/// The unit's part of its own row, times `scale`, by way of shared memory, which nobody may be reading.
#[cube]
pub(super) fn own_row(
    source: &[Four],
    starts: &[u32],
    rotary: &[Four],
    shared: &mut Shared<[Four]>,
    window: usize,
    first: usize,
    head_column: usize,
    scale: f32,
    #[comptime] width: usize,
    #[comptime] turn: bool,
    #[comptime] plan: Plan,
) -> Array<Four> {
    let (rows, pitch) = comptime!((plan.tiles.rows, plan.pitch()));
    load_rows(
        source,
        starts,
        rotary,
        shared,
        0usize,
        window,
        first,
        head_column,
        scale,
        rows,
        width,
        pitch,
        turn,
        plan,
    );
    sync_cube();
    take(
        &*shared,
        UNIT_POS as usize / comptime!(plan.tiles.split),
        UNIT_POS as usize % comptime!(plan.tiles.split),
        plan,
    )
}

/// Copies keys and values of head `kv_index`, from position `key` on, into shared memory: the values follow the keys.
#[cube]
pub(super) fn load_keys(
    qkv: &[Four],
    starts: &[u32],
    rotary: &[Four],
    shared: &mut Shared<[Four]>,
    window: usize,
    key: usize,
    kv_index: usize,
    #[comptime] plan: Plan,
) {
    let Plan { heads, kv_heads, head, tiles, .. } = comptime!(plan);
    let (rows, width, values) = comptime!((tiles.others, plan.qkv(), plan.values()));
    let key_column = (kv_index + heads) * head;
    let value_column = (kv_index + comptime!(heads + kv_heads)) * head;
    load_rows(qkv, starts, rotary, shared, 0usize, window, key, key_column, 1.0, rows, width, head, true, plan);
    load_rows(qkv, starts, rotary, shared, values, window, key, value_column, 1.0, rows, width, head, false, plan);
}

#[cube]
fn load_pair(
    source: &[Four],
    starts: &[u32],
    rotary: &[Four],
    target: &mut Shared<[Four]>,
    #[comptime] offset: usize,
    window: usize,
    first: usize,
    head_column: usize,
    scale: Four,
    item: usize,
    #[comptime] width: usize,
    #[comptime] pitch: usize,
    #[comptime] turn: bool,
    #[comptime] plan: Plan,
) {
    let half = comptime!(plan.head / 2);
    let row = item / half;
    let column = item % half;
    let position = window + (first + row).min(comptime!(plan.time - 1));
    let at = position * width + head_column + column;
    let a = source[at];
    let b = source[at + half];
    let to = offset + row * pitch + column;
    if comptime!(turn) {
        let place = position - window - starts[position] as usize;
        let cos = rotary[place * comptime!(plan.head) + column];
        let sin = rotary[place * comptime!(plan.head) + half + column];
        target[to] = (a * cos - b * sin) * scale;
        target[to + half] = (b * cos + a * sin) * scale;
    } else {
        target[to] = a * scale;
        target[to + half] = b * scale;
    }
}

/// Copies the cube's own rows out of shared memory; with `turn` each is rotated back from its place. Rows beyond the window's end
/// are left out.
#[cube]
pub(super) fn store_rows(
    shared: &Shared<[Four]>,
    target: &mut [Four],
    starts: &[u32],
    rotary: &[Four],
    window: usize,
    first: usize,
    head_column: usize,
    #[comptime] width: usize,
    #[comptime] turn: bool,
    #[comptime] plan: Plan,
) {
    let half = comptime!(plan.head / 2);
    let units = comptime!(plan.units());
    let items = comptime!(plan.tiles.rows * half);
    #[unroll]
    for round in 0..comptime!(items.div_ceil(units)) {
        let item = UNIT_POS as usize + comptime!(round * units);
        let row = item / half;
        let column = item % half;
        if item < items && first + row < comptime!(plan.time) {
            let position = window + first + row;
            let at = position * width + head_column + column;
            let from = row * comptime!(plan.pitch()) + column;
            let a = shared[from];
            let b = shared[from + half];
            if comptime!(turn) {
                let place = first + row - starts[position] as usize;
                let cos = rotary[place * comptime!(plan.head) + column];
                let sin = rotary[place * comptime!(plan.head) + half + column];
                target[at] = a * cos + b * sin;
                target[at + half] = b * cos - a * sin;
            } else {
                target[at] = a;
                target[at + half] = b;
            }
        }
    }
}

/// The unit's part of its own row, out of shared memory.
#[cube]
pub(super) fn take(shared: &Shared<[Four]>, row: usize, part: usize, #[comptime] plan: Plan) -> Array<Four> {
    let mut held = Array::<Four>::new(comptime!(plan.part()));
    #[unroll]
    for i in 0..comptime!(plan.part()) {
        held[i] = shared[row * comptime!(plan.pitch()) + column(part, i, plan)];
    }
    held
}

/// The unit's part of its own row, times `scale`, into shared memory.
#[cube]
pub(super) fn give(
    held: &Array<Four>,
    scale: f32,
    shared: &mut Shared<[Four]>,
    row: usize,
    part: usize,
    #[comptime] plan: Plan,
) {
    #[unroll]
    for i in 0..comptime!(plan.part()) {
        shared[row * comptime!(plan.pitch()) + column(part, i, plan)] = held[i] * Four::new(scale);
    }
}

/// Zeros for the unit's part of a row.
#[cube]
pub(super) fn nothing(#[comptime] plan: Plan) -> Array<Four> {
    let mut held = Array::<Four>::new(comptime!(plan.part()));
    #[unroll]
    for i in 0..comptime!(plan.part()) {
        held[i] = Four::new(0.0);
    }
    held
}

/// Product of the unit's row with row `other` of the other side, at `offset` in shared memory: the same in all units of the row.
#[cube]
pub(super) fn dot(
    held: &Array<Four>,
    shared: &Shared<[Four]>,
    #[comptime] offset: usize,
    other: usize,
    part: usize,
    #[comptime] plan: Plan,
) -> f32 {
    let mut sum = Four::new(0.0);
    #[unroll]
    for i in 0..comptime!(plan.part()) {
        sum = fma(held[i], shared[offset + other * comptime!(plan.head) + column(part, i, plan)], sum);
    }
    row_sum((sum.extract(0usize) + sum.extract(1usize)) + (sum.extract(2usize) + sum.extract(3usize)), plan)
}

/// `held += factor · row` with row `other` of the other side.
#[cube]
pub(super) fn add(
    held: &mut Array<Four>,
    factor: f32,
    shared: &Shared<[Four]>,
    #[comptime] offset: usize,
    other: usize,
    part: usize,
    #[comptime] plan: Plan,
) {
    let factor = Four::new(factor);
    #[unroll]
    for i in 0..comptime!(plan.part()) {
        held[i] = fma(factor, shared[offset + other * comptime!(plan.head) + column(part, i, plan)], held[i]);
    }
}

/// Sum over the units of a row.
#[cube]
pub(super) fn row_sum(x: f32, #[comptime] plan: Plan) -> f32 {
    let mut sum = x;
    #[unroll]
    for level in 0..comptime!(plan.tiles.split.ilog2()) {
        sum += plane_shuffle_xor(sum, comptime!(1u32 << level));
    }
    sum
}
