//! The tiny transformer: Llama's architecture, small.
//!
//! Root-mean-square norms, rotary positions (rotate-half), SwiGLU, no biases, a tied embedding, grouped-query heads
//! allowed. On disk it has Hugging Face's names and layouts ([`Weights`]), so that a folder opens in `transformers`, and a
//! small Llama-type checkpoint can be a chain's ancestor. On a device it is a [`Transformer`] with fused projections.
//!
//! ```
//! use model::{Attention, Settings, Transformer, Weights, attention_shape};
//! use streams::Streams;
//!
//! let config = Settings { preset: "tiny".into(), ..Settings::default() }.resolve(300).unwrap();
//! let weights = Weights::initialise(&config, &Streams::new(0), 0);
//! let device = ops::device::parse("flex").unwrap().device();
//! let transformer = Transformer::new(&weights, &device);
//! // Two windows of four positions, each one document.
//! let context = Attention::new(attention_shape(&config, 2, 4), &[0; 8], &device);
//! let hidden = transformer.forward(&[0, 1, 2, 3, 0, 4, 5, 6], &context);
//! assert_eq!(hidden.dims(), [8, config.width]);
//! ```

mod batch;
mod cache;
mod transformer;
mod weights;

pub use batch::Batch;
pub use cache::Cache;
pub use experiment::model::{ConfigError, ModelConfig, PRESETS, Preset, Settings};
pub use ops::{Attention, AttentionShape};
pub use transformer::Transformer;
pub use weights::{Weights, WeightsError};

/// The attention of `batch` windows of `time` positions.
pub fn attention_shape(config: &ModelConfig, batch: usize, time: usize) -> AttentionShape {
    let ModelConfig { heads, kv_heads, head_width, theta, .. } = *config;
    AttentionShape { batch, time, heads, kv_heads, head_width, theta }
}
