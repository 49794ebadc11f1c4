//! The GPU's side of a language model's operations: CubeCL kernels on device buffers, without Burn.

pub mod adamw;
pub mod attention;
pub mod embedding;
pub mod rms_norm;
mod rows;
pub mod swiglu;
#[cfg(test)]
mod testing;
