//! What the tests share: the device under test, reproducible numbers, comparison.

use cubecl::__private::Runtime;
use cubecl::prelude::*;
use cubecl::server::Handle;
use cubecl::wgpu::{WgpuDevice, WgpuRuntime, WgslCompiler};

use crate::probe::has_shared_memory;

/// The device under test: a real GPU, or the software device that `VK_DRIVER_FILES` names.
///
/// Where shared memory is wrong in SPIR-V ([`has_shared_memory`]), WGSL is right.
pub(crate) fn client() -> Client {
    let client = cubecl::Device::Wgpu(WgpuDevice::default()).client();
    if has_shared_memory(&client) { client } else { WgpuRuntime::<WgslCompiler>::client(&WgpuDevice::default()) }
}

/// The device under test, or nothing where there is none: the test is then skipped, unless `HABSBURG_REQUIRE` is 1.
pub(crate) fn device() -> Option<Client> {
    match std::panic::catch_unwind(client) {
        Ok(client) => Some(client),
        Err(_) if std::env::var("HABSBURG_REQUIRE").is_ok_and(|it| it == "1") => panic!("no device"),
        Err(_) => {
            eprintln!("skipped: no device");
            None
        }
    }
}

/// `n` numbers in `[-1, 1)`, different for each `seed` (a linear congruential generator's upper bits).
pub(crate) fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

/// A buffer on the device with these numbers.
pub(crate) fn upload(client: &Client, numbers: &[f32]) -> Handle {
    client.create_from_slice(f32::as_bytes(numbers))
}

/// The numbers of a buffer on the device.
pub(crate) fn download(client: &Client, handle: &Handle) -> Vec<f32> {
    f32::from_bytes(&client.read_one(handle.clone()).expect("the device answers")).to_vec()
}

/// Asserts that each number is within `tolerance` of the reference, relative to the reference's largest magnitude (at least 1e-3).
#[track_caller]
pub(crate) fn close(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-3f32, |a, x| a.max(x.abs()));
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        let error = (g - w).abs() / scale;
        assert!(error <= tolerance, "{what}[{i}]: {g} for {w}, {error:e} of {scale}");
    }
}

#[test]
fn there_is_a_device() {
    let Some(client) = device() else { return };
    let handle = upload(&client, &[1.0, 2.0]);
    assert_eq!(download(&client, &handle), [1.0, 2.0]);
}
