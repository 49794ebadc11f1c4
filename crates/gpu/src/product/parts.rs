//! The second stage of a product whose sums were cut into parts, and rounded copies.

use crate::precision::rounded;
use cubecl::prelude::*;
use cubecl::server::Handle;
use kernels::spec::Precision;

/// Neighbouring vectors of a cube.
const COLUMNS: usize = 32;
/// Units that share a vector's sum: each takes every eighth part.
const GROUPS: usize = 8;

/// Cubes of 256 units, one for each of `units`.
pub(super) fn count(client: &Client, units: usize) -> CubeCount {
    let limit = client.properties().hardware.max_cube_count.0 as usize;
    let cubes = units.div_ceil(256).max(1);
    let y = cubes.div_ceil(limit);
    CubeCount::Static(cubes.div_ceil(y) as u32, y as u32, 1)
}

/// `out = Σ partial[p]` over the parts, plus `initial` or (`add`) what `out` holds.
pub(super) fn sum(
    client: &Client,
    partial: &Handle,
    parts: usize,
    numbers: usize,
    initial: Option<&Handle>,
    add: bool,
    out: &Handle,
) {
    let width = if numbers.is_multiple_of(4) { 4 } else { 1 };
    let argument = |handle: &Handle, numbers| super::argument(handle.into(), numbers, width);
    let cubes = (numbers / width).div_ceil(COLUMNS);
    let limit = client.properties().hardware.max_cube_count.0 as usize;
    let y = cubes.div_ceil(limit);
    // SAFETY: units stop at the columns and parts, to which `argument` holds the buffers.
    unsafe {
        sum_kernel::launch_unchecked(
            client,
            CubeCount::Static(cubes.div_ceil(y) as u32, y as u32, 1),
            CubeDim::new_2d(COLUMNS as u32, GROUPS as u32),
            width,
            argument(partial, parts * numbers),
            initial.map(|it| argument(it, numbers)).into(),
            argument(out, numbers),
            parts,
            numbers / width,
            add,
        );
    }
}

#[cube(launch_unchecked)]
fn sum_kernel<N: Size>(
    partial: &[Vector<f32, N>],
    initial: ComptimeOption<&[Vector<f32, N>]>,
    out: &mut [Vector<f32, N>],
    parts: usize,
    length: usize,
    #[comptime] add: bool,
) {
    let mut shared = Shared::<[Vector<f32, N>]>::new_slice(comptime!(COLUMNS * GROUPS));
    let (x, group) = (UNIT_POS_X as usize, UNIT_POS_Y as usize);
    let column = CUBE_POS * COLUMNS + x;
    let mut sum = Vector::<f32, N>::new(0.0);
    if column < length {
        let mut part = group;
        while part < parts {
            sum += partial[part * length + column];
            part += GROUPS;
        }
    }
    shared[group * COLUMNS + x] = sum;
    sync_cube();
    if group == 0 && column < length {
        #[unroll]
        for g in 1..GROUPS {
            sum += shared[g * COLUMNS + x];
        }
        #[comptime]
        if let ComptimeOption::Some(initial) = initial {
            sum += initial[column];
        }
        if comptime!(add) {
            let held = out[column];
            sum += held;
        }
        out[column] = sum;
    }
}

#[cube(launch_unchecked)]
pub(super) fn copy_kernel<F: Float, N: Size>(
    from: &[Vector<f32, N>],
    to: &mut [Vector<F, N>],
    length: usize,
    #[comptime] precision: Precision,
    #[define(F)] _element: ElemType,
) {
    if ABSOLUTE_POS < length {
        to[ABSOLUTE_POS] = Vector::cast_from(rounded::<N>(from[ABSOLUTE_POS], precision));
    }
}
