//! The GPU's side of a language model's operations: CubeCL kernels on device buffers, without Burn.

// In a kernel, `a[i] = a[i] + b` is what the macro turns into a load and a store, and equal branches may be one where only
// the compile-time condition differs.
#![allow(clippy::assign_op_pattern, clippy::if_same_then_else)]

pub mod adamw;
pub mod attention;
pub mod decoder;
pub mod embedding;
pub mod head_loss;
pub mod linear;
pub mod muon;
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

/// Weights or the like in a new buffer.
pub fn upload_floats(client: &Client, numbers: &[f32]) -> Handle {
    client.create_from_slice(f32::as_bytes(numbers))
}
