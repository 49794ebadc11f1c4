//! A device's memory: what it has, what is in use, what can be given back. A processor's is the system's, and is left to it.

pub use crate::limits::Limits;
use crate::{DeviceFailure, caught, fused};
use burn::tensor::{Device, Tensor};

/// The limits of a GPU; none for a processor.
pub fn limits(device: &Device) -> Option<Limits> {
    fused::limits(device)
}

/// What is held on a GPU, by all threads together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Buffers.
    pub buffers: u64,
    /// Their bytes.
    pub in_use: u64,
    /// Bytes that the process holds for them and for later ones.
    pub reserved: u64,
}

/// What is held on a GPU; none for a processor.
///
/// # Panics
/// If the device fails.
pub fn usage(device: &Device) -> Option<Usage> {
    let found = device.clone().without_autodiff().memory_pool_usage()?;
    Some(Usage { buffers: found.number_allocs, in_use: found.bytes_in_use, reserved: found.bytes_reserved })
}

/// Gives back what nothing uses. The framework keeps the buffers of a kind of work for the next of its kind, and asks for more
/// where another kind needs other sizes, even when nothing is left: between training, writing and scoring they have to go.
pub fn release(device: &Device) {
    if fused::is_gpu(device) {
        fused::forget();
        // A device that is lost has nothing to give back, and says so when it is next used.
        caught(|| device.clone().without_autodiff().memory_cleanup()).ok();
    }
}

/// Whether the memory of these tensors, which autodiff does not track, could be had, as far as can be told without waiting for
/// the device; a processor's could.
///
/// # Errors
/// [`DeviceFailure`] where work that was to write them has failed already.
pub fn check(tensors: &[Tensor<2>]) -> Result<(), DeviceFailure> {
    caught(|| fused::check(tensors))?.map_err(|error| DeviceFailure::of(&error))
}
