//! Whether a device does what every kernel here takes for granted.

use cubecl::prelude::*;

const UNITS: usize = 32;

/// Whether units see what others of their cube have written.
///
/// Cubecl 0.11.3 mixes up two types of shared memory in SPIR-V for drivers without `VK_KHR_workgroup_memory_explicit_layout`,
/// which software devices are: there kernels of several units give nonsense.
pub fn has_shared_memory(client: &Client) -> bool {
    let out = client.empty(UNITS * 4);
    // SAFETY: the buffer holds as many numbers as the cube has units.
    unsafe {
        reverse::launch_unchecked(
            client,
            CubeCount::Static(1, 1, 1),
            CubeDim::new_1d(UNITS as u32),
            BufferArg::from_raw_parts(out.clone(), UNITS),
        );
    }
    let expected = (0..UNITS).rev().map(|x| x as f32);
    client.read_one(out).is_ok_and(|bytes| f32::from_bytes(&bytes).iter().copied().eq(expected))
}

#[cube(launch_unchecked)]
fn reverse(out: &mut [f32]) {
    let mut shared = Shared::<[f32]>::new_slice(UNITS);
    shared[UNIT_POS as usize] = f32::cast_from(UNIT_POS);
    sync_cube();
    out[UNIT_POS as usize] = shared[comptime!(UNITS - 1) - UNIT_POS as usize];
}
