//! The GPU's side of a language model's operations: CubeCL kernels on device buffers, without Burn.

pub mod adamw;
pub mod attention;
pub mod decoder;
pub mod embedding;
pub mod head_loss;
pub mod linear;
pub mod precision;
pub mod probe;
pub mod product;
pub mod rms_norm;
mod rows;
pub mod software;
pub mod swiglu;
#[cfg(test)]
mod testing;

pub use cubecl::prelude::Client;
pub use cubecl::server::Handle;

use cubecl::prelude::CubeElement;

/// Ids, positions or the like in a new buffer.
pub fn upload(client: &Client, numbers: &[u32]) -> Handle {
    client.create_from_slice(u32::as_bytes(numbers))
}
