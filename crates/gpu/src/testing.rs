//! What the tests share: the device under test and comparisons.

use cubecl::prelude::*;
use cubecl::wgpu::{WgpuDevice, WgpuRuntime};

/// The device under test: a real GPU, or the software device that `VK_DRIVER_FILES` names.
pub(crate) fn client() -> ComputeClient<WgpuRuntime> {
    let device = WgpuDevice::default();
    WgpuRuntime::client(&device)
}

#[test]
fn there_is_a_device() {
    let client = client();
    let handle = client.create_from_slice(f32::as_bytes(&[1.0, 2.0]));
    assert_eq!(f32::from_bytes(&client.read_one(handle).unwrap()), &[1.0, 2.0]);
}
