//! Products of two matrices, `c = a b`: tiles in shared memory, multiplied by tensor cores or by plain units.
//!
//! Where the result has too few tiles to occupy the device, the sum is cut into parts: each part's result is written whole,
//! then the parts are added in their order. How a product is cut depends on the shapes alone, so its bits do not change from
//! run to run.

use cubecl::prelude::*;
use cubecl::server::Handle;
use kernels::spec::Precision;

use crate::precision::DevicePrecision;

mod cooperative;
mod parts;
mod plain;
mod tile;
mod workgroup;

use tile::Side;

/// A matrix in a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    /// Its numbers, row-major.
    pub handle: &'a Handle,
    /// How they are stored.
    pub stored: Precision,
}

impl<'a> From<&'a Handle> for Operand<'a> {
    /// A matrix of float32 numbers.
    fn from(handle: &'a Handle) -> Self {
        Self { handle, stored: Precision::Float32 }
    }
}

/// What is multiplied: `c[i, j] = Σ_l a(i, l) b(l, j)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Product {
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Terms of each sum.
    pub k: usize,
    /// Whether `a` is stored as `[m, k]`, else as `[k, m]`.
    pub a_deep: bool,
    /// Whether `b` is stored as `[n, k]`, else as `[k, n]`.
    pub b_deep: bool,
}

/// How a product is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tiling {
    /// Rows and columns of the result that a cube computes.
    pub tile: [usize; 2],
    /// Terms in shared memory at a time.
    pub depth: usize,
    /// Planes of a cube along rows and columns, where planes cooperate.
    pub planes: [usize; 2],
    /// Tiles in shared memory at a time, where planes cooperate: 1 or 2.
    pub buffers: usize,
    /// Cubes to aim for by cutting the sum into parts.
    pub cubes: usize,
}

impl Tiling {
    /// The tiling for a product; `cooperative` if planes cooperate.
    pub fn new(product: Product, cooperative: bool) -> Self {
        let small = |size: usize| size <= 64;
        let tile = [if small(product.m) { 64 } else { 128 }, if small(product.n) { 64 } else { 128 }];
        let planes = if cooperative && tile == [128, 128] { [2, 4] } else { [2, 2] };
        Self { tile, depth: if cooperative { 32 } else { 16 }, planes, buffers: 2, cubes: 264 }
    }

    /// Terms of a part, and the number of parts.
    fn parts(&self, product: Product) -> (usize, usize) {
        let tiles = product.m.div_ceil(self.tile[0]) * product.n.div_ceil(self.tile[1]);
        let steps = product.k.div_ceil(self.depth);
        // A part of fewer than 16 steps would write more than it reads.
        let parts = (self.cubes / tiles).min(steps / 16).max(1);
        let part = steps.div_ceil(parts) * self.depth;
        (part, product.k.div_ceil(part).max(1))
    }
}

/// Where a result goes, and what it is added to.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A new buffer.
    New,
    /// A new buffer; the result is added to this one's numbers.
    Plus(&'a Handle),
    /// Added to what this buffer holds.
    Onto(&'a Handle),
    /// Overwrites this buffer.
    Over(&'a Handle),
}

/// The product of `a` and `b`, cut as suits it.
pub fn multiply(
    client: &Client,
    precision: Precision,
    product: Product,
    a: Operand,
    b: Operand,
    target: Target,
) -> Handle {
    let cooperative = precision.cooperative(client) && product.n.is_multiple_of(4) && loads(product) == 4;
    let way = if cooperative { Way::Cooperative } else { Way::Plain };
    multiply_by(client, precision, product, a, b, target, Tiling::new(product, cooperative), way)
}

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Units multiply float32 numbers.
    Plain,
    /// Planes multiply fragments.
    Cooperative,
    /// Cubes multiply tiles of matrices that are stored in the precision of the product.
    Workgroup,
    /// The cooperative kernel with fragments multiplied by plain units, for tests.
    #[cfg(test)]
    Emulated,
}

/// Numbers that a load takes from `a` and `b`.
fn loads(Product { m, n, k, a_deep, b_deep }: Product) -> usize {
    let rows = [if a_deep { k } else { m }, if b_deep { k } else { n }];
    if rows.iter().all(|it| it.is_multiple_of(4)) { 4 } else { 1 }
}

/// The product of `a` and `b`, cut as told, by the given kernel.
pub fn multiply_by(
    client: &Client,
    precision: Precision,
    product: Product,
    a: Operand,
    b: Operand,
    target: Target,
    tiling: Tiling,
    way: Way,
) -> Handle {
    let Product { m, n, k, a_deep, b_deep } = product;
    let (a_argument, b_argument) = (argument(a, m * k, loads(product)), argument(b, k * n, loads(product)));
    let out = match target {
        Target::New | Target::Plus(_) => client.empty(m * n * 4),
        Target::Onto(handle) | Target::Over(handle) => handle.clone(),
    };
    if m * n == 0 {
        return out;
    }
    let (part, parts) = tiling.parts(product);
    let partial = (parts > 1).then(|| client.empty(parts * m * n * 4));
    let c = partial.as_ref().unwrap_or(&out);
    let width = if n.is_multiple_of(4) { 4 } else { 1 };
    let (initial, add) = match target {
        _ if parts > 1 => (None, false),
        Target::Plus(handle) => (Some(argument(handle.into(), m * n, width)), false),
        Target::Onto(_) => (None, true),
        Target::New | Target::Over(_) => (None, false),
    };
    let units = if way == Way::Plain { plain::UNITS } else { tiling.planes[0] * tiling.planes[1] * cooperative::PLANE };
    let whole = |size: usize, tile: usize| size.is_multiple_of(tile);
    let side = |across: usize, size: usize, deep: bool| Side {
        across,
        depth: tiling.depth,
        deep,
        exact: loads(product) == 4 && whole(size, across) && whole(k, tiling.depth),
        units,
        // Half precision is converted as the standard says.
        precision: if precision == Precision::Bfloat16 { precision } else { Precision::Float32 },
    };
    let (left, right) = (side(tiling.tile[0], m, a_deep), side(tiling.tile[1], n, b_deep));
    let count = CubeCount::Static(n.div_ceil(tiling.tile[1]) as u32, m.div_ceil(tiling.tile[0]) as u32, parts as u32);
    let c_argument = argument(c.into(), parts * m * n, width);
    if way == Way::Workgroup {
        assert!(a.stored == precision && b.stored == precision && initial.is_none() && !add, "not for these operands");
        // SAFETY: views of the matrices bound what is loaded and stored; `argument` checks the buffers' lengths.
        unsafe {
            workgroup::workgroup_kernel::launch_unchecked(
                client,
                count,
                CubeDim::new_1d(units as u32),
                argument(a, m * k, 1),
                argument(b, k * n, 1),
                argument(c.into(), parts * m * n, 1),
                m as u32,
                n as u32,
                k as u32,
                part as u32,
                parts as u32,
                workgroup::Shape { tile: [tiling.tile[0], tiling.tile[1], tiling.depth], a_deep, b_deep },
                precision.element(),
            );
        }
    } else if way == Way::Plain {
        assert!(tiling.tile.iter().all(|it| it.is_multiple_of(64)), "{tiling:?}");
        // SAFETY: loads and stores stop at `m`, `n` and `k`; `argument` holds the buffers to these sizes.
        unsafe {
            plain::plain_kernel::launch_unchecked(
                client,
                count,
                CubeDim::new_1d(units as u32),
                loads(product),
                width,
                a_argument,
                b_argument,
                initial.into(),
                c_argument,
                m,
                n,
                k,
                part,
                plain::Shape { a: left, b: right, precision, add },
                [a.stored.element(), b.stored.element()],
            );
        }
    } else {
        let shape = cooperative::Shape {
            a: left,
            b: right,
            planes: tiling.planes,
            exact: whole(m, tiling.tile[0]) && whole(n, tiling.tile[1]),
            add,
            buffers: tiling.buffers,
            native: way == Way::Cooperative,
        };
        let memory = shape.shared_memory(precision.bytes());
        let limit = client.properties().hardware.max_shared_memory_size;
        assert!(memory <= limit, "{tiling:?} takes {memory} bytes of shared memory, the device has {limit}");
        assert!(loads(product) == 4 && width == 4, "cooperative planes load four numbers at a time: {product:?}");
        // SAFETY: loads and stores stop at `m`, `n` and `k`; `argument` holds the buffers to these sizes, and the shared memory is
        // within the device's limit.
        unsafe {
            cooperative::cooperative_kernel::launch_unchecked(
                client,
                count,
                CubeDim::new_2d(cooperative::PLANE as u32, (units / cooperative::PLANE) as u32),
                width,
                a_argument,
                b_argument,
                initial.into(),
                c_argument,
                m,
                n,
                k,
                part,
                shape,
                [a.stored.element(), b.stored.element(), precision.element()],
            );
        }
    }
    if let Some(partial) = partial {
        let (initial, add) = match target {
            Target::Plus(handle) => (Some(handle), false),
            Target::Onto(_) => (None, true),
            Target::New | Target::Over(_) => (None, false),
        };
        parts::sum(client, &partial, parts, m * n, initial, add, &out);
    }
    out
}

/// A buffer as a kernel's argument, its length counted in vectors of `width`.
pub(crate) fn argument(operand: Operand, numbers: usize, width: usize) -> BufferArg {
    let bytes = numbers * operand.stored.bytes();
    let held = operand.handle.size_in_used() as usize;
    assert!(bytes <= held, "a matrix of {bytes} bytes in a buffer of {held}");
    // SAFETY: the length is the buffer's, checked above.
    unsafe { BufferArg::from_raw_parts(operand.handle.clone(), numbers / width) }
}

/// A rounded copy of `numbers` float32 numbers, stored in that precision.
pub fn rounded_copy(client: &Client, from: &Handle, numbers: usize, precision: Precision) -> Handle {
    assert!(precision.storable(client), "the device stores no {precision:?}");
    let to = client.empty(numbers * precision.bytes());
    let width = if numbers.is_multiple_of(4) { 4 } else { 1 };
    // SAFETY: units stop at the vectors copied, to which `argument` holds both buffers.
    unsafe {
        parts::copy_kernel::launch_unchecked(
            client,
            parts::count(client, numbers / width),
            CubeDim::new_1d(256),
            width,
            argument(from.into(), numbers, width),
            argument(Operand { handle: &to, stored: precision }, numbers, width),
            numbers / width,
            precision,
            precision.element(),
        );
    }
    to
}

#[cfg(test)]
mod tests;
