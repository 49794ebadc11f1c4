//! What a GPU has no memory for: told from other failures, known before anybody reads it, and forgotten with the tensors.

use super::harness::gpu;
use burn::tensor::Tensor;
use ops::{DeviceFailure, caught, memory};

#[test]
fn a_gpu_without_memory_says_so_and_goes_on() {
    let Some(device) = gpu().map(|device| device.without_autodiff()) else { return };
    let limits = memory::limits(&device).expect("a GPU has limits");
    // More than one buffer can have: refused without asking the driver, as a full device's is by the driver.
    let columns = (limits.largest / 4 / (1 << 16)) as usize + 1;
    let large = Tensor::<2>::zeros([1 << 16, columns], &device);
    let found = memory::check(std::slice::from_ref(&large));
    assert!(matches!(found, Err(DeviceFailure::OutOfMemory(_))), "{found:?}");
    // What is made of it is not there either.
    let made = large.sum_dim(1);
    let found = caught(|| made.into_data());
    assert!(matches!(found, Err(DeviceFailure::OutOfMemory(_))), "{found:?}");

    memory::release(&device);
    let small = Tensor::<2>::ones([4, 8], &device) * 3.0;
    assert_eq!(memory::check(std::slice::from_ref(&small)), Ok(()));
    assert_eq!(small.try_into_vec_as::<f32>().unwrap(), [3.0; 32]);
    assert!(memory::usage(&device).is_some());
}
