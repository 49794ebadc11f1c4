//! What kernels over rows and elements share: how wide a load is, how units are laid over rows, sums across units.

use cubecl::features::Plane;
use cubecl::prelude::*;
use cubecl::server::Handle;

/// Units of a cube, where a kernel has no reason for another number.
pub(crate) const UNITS: usize = 256;
/// Units that share a row at most: a plane of today's GPUs.
const LANES: usize = 32;

/// Elements of a load: four where the length allows it.
pub(crate) fn vector(width: usize) -> usize {
    if width.is_multiple_of(4) { 4 } else { 1 }
}

/// Whether 32 neighbouring units of a row of units are one plane, or share one, on this device.
pub(crate) fn planes(client: &Client) -> bool {
    let hardware = &client.properties().hardware;
    client.features().plane.contains(Plane::Ops)
        && hardware.plane_size_min == hardware.plane_size_max
        && hardware.plane_size_min.is_multiple_of(LANES as u32)
}

/// A launch of `cubes` cubes at least; a kernel compares `CUBE_POS` with what it has to do.
pub(crate) fn count(client: &Client, cubes: usize) -> CubeCount {
    let limit = client.properties().hardware.max_cube_count.0 as usize;
    let y = cubes.div_ceil(limit).max(1);
    CubeCount::Static(cubes.div_ceil(y).max(1) as u32, y as u32, 1)
}

/// The whole buffer as a kernel's argument. Elements are counted in the kernel's type, vectors of `vector` numbers.
pub(crate) fn argument(handle: &Handle, elements: usize, vector: usize) -> BufferArg {
    assert!(
        elements * 4 <= handle.size_in_used() as usize,
        "a buffer of {} bytes holds no {elements} elements",
        handle.size_in_used()
    );
    // SAFETY: the length is the buffer's, checked above.
    unsafe { BufferArg::from_raw_parts(handle.clone(), elements / vector) }
}

/// A new buffer for `elements` numbers of four bytes.
pub(crate) fn empty(client: &Client, elements: usize) -> Handle {
    client.empty(elements.max(1) * 4)
}

/// How a cube works on rows: `lanes` neighbouring units hold `items` vectors each of a row, `groups` rows at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rows {
    /// Vectors of a row.
    pub vectors: usize,
    /// Units of a row, a power of two.
    pub lanes: usize,
    /// Vectors of a unit.
    pub items: usize,
    /// Rows of a cube at a time.
    pub groups: usize,
    /// Whether lanes add by plane instructions.
    pub planes: bool,
}

impl Rows {
    /// Rows of `width` elements in vectors of `vector`.
    pub(crate) fn new(width: usize, vector: usize, planes: bool) -> Self {
        let vectors = width / vector;
        let lanes = vectors.next_power_of_two().min(LANES);
        Self { vectors, lanes, items: vectors.div_ceil(lanes), groups: UNITS / lanes, planes }
    }

    pub(crate) fn dim(&self) -> CubeDim {
        CubeDim::new_2d(self.lanes as u32, self.groups as u32)
    }
}

/// Sum of a vector's elements.
#[cube]
pub(crate) fn total<N: Size>(x: Vector<f32, N>) -> f32 {
    let mut sum = x.extract(0usize);
    #[unroll]
    for i in 1..N::value() {
        sum += x.extract(i);
    }
    sum
}

/// Sum over the `lanes` units of a row (a power of two), the same bits in each of them: a butterfly.
///
/// All units of the cube take part. `shared` has an element for each unit of the cube.
#[cube]
pub(crate) fn lanes_sum(x: f32, shared: &mut Shared<[f32]>, #[comptime] lanes: usize, #[comptime] planes: bool) -> f32 {
    let mut sum = x;
    let levels = comptime!(lanes.ilog2() as usize);
    #[unroll]
    for level in 0..levels {
        let distance = comptime!(1u32 << level as u32);
        if comptime!(planes) {
            sum += plane_shuffle_xor(sum, distance);
        } else {
            sync_cube();
            shared[UNIT_POS as usize] = sum;
            sync_cube();
            sum += shared[(UNIT_POS ^ distance) as usize];
        }
    }
    sum
}
