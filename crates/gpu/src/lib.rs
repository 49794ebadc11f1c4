//! The GPU's side of a language model's operations: CubeCL kernels on device buffers, without Burn.

#[cfg(test)]
mod testing;
