//! What a small language model computes on a processor, on slices of `f32`: no tensors, no framework.
//!
//! | file | what |
//! |---|---|
//! | `vector` | sixteen lanes on AVX-512, AVX2 or plain code, chosen at run time; `exp`, sums |
//! | `tile` | the small product whose accumulators stay in registers |
//! | `matrix` | matrices with strides, their product by the `gemm` crate |
//! | [`spec`] | precisions, sizes, rules and constants, one definition each |
//! | `precision` | float32 or bfloat16 products |
//! | `bfloat` | products of matrices rounded to bfloat16, by the processor's instructions |
//! | [`rms_norm`] | RMS normalisation, with the residual sum |
//! | [`swiglu`] | gated activation |
//! | [`attention`] | causal attention within documents, rotary positions inside |
//! | [`head_loss`] | output head and cross-entropy in one, in row chunks |
//! | [`linear`] | products with a weight matrix |
//! | [`adamw`] | optimizer step in place, sum of squares for the global norm |
//! | [`muon`] | optimizer step along an orthogonal direction, for matrices |
//! | [`decoder`] | a step of writing: one token for each of many sequences |
//! | [`peak`] | no operation: the processor's multiply-add peak |
//!
//! Every kernel cuts its work into pieces whose sizes depend on the shapes alone and adds partial sums in the order of the
//! pieces: the result has the same bits with any number of threads. Slices of a wrong length are a mistake of the caller
//! and panic. Matrices are row-major, `[rows, columns]`.
//!
//! The crate `ops` makes operations of these that a framework's tensors and gradients can use.
//!
//! ```
//! use kernels::spec::Precision;
//!
//! let (x, w) = ([1.0, 2.0, 3.0, 4.0], [1.0, 0.5]); // x: [2, 2], w: [1, 2]
//! let mut y = [0.0; 2];
//! kernels::linear::forward(Precision::Float32, &x, &w, 2, 1, &mut y);
//! assert_eq!(y, [2.0, 5.0]);
//! ```

pub mod adamw;
pub mod attention;
#[cfg(target_arch = "x86_64")]
mod bfloat;
pub mod decoder;
pub mod head_loss;
pub mod linear;
mod matrix;
pub mod muon;
pub mod peak;
mod precision;
pub mod rms_norm;
pub mod spec;
pub mod swiglu;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tile;
pub(crate) mod vector;

pub use vector::instruction_set;
