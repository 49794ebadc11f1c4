//! A batch in parts: gradients are those of the sum of losses, so the parts' gradients add up to the batch's, and what divides
//! them is the whole batch's weight. Only rounding tells it from the batch at once.
//!
//! How many windows go through a GPU together is foreseen from what it says of its memory ([`foreseen()`]), and halved
//! when it was too much all the same. A processor takes what keeps a step's activations below [`ON_PROCESSOR`]. The
//! trap: an optimizer's step on gradients that a device had no memory for would spoil the parameters, so they are
//! looked at before it.

use crate::Gradients;
use crate::objective::backward;
use burn::tensor::{Device, Tensor};
use model::{Batch, ModelConfig, Transformer};
use ops::memory::Limits;
use ops::{DeviceFailure, Late, TokenRule};

/// As [`gradients()`](crate::gradients()), with `windows` of the batch at a time; with all of them, the very same.
///
/// # Panics
/// If `windows` is 0, the transformer is not on a device with autodiff, or the device fails.
pub fn gradients_in_parts(
    transformer: &mut Transformer,
    batch: &Batch,
    windows: usize,
    rule: TokenRule,
    device: &Device,
) -> Gradients {
    let context = transformer.config().context.min(batch.inputs.len());
    let mut whole: Option<(Tensor<1>, Vec<Tensor<2>>)> = None;
    for part in batch.parts(windows, context) {
        let (sum, tensors) = backward(transformer, &part, rule, device);
        whole = Some(match whole {
            None => (sum, tensors),
            Some((before, list)) => (before + sum, list.into_iter().zip(tensors).map(|(a, b)| a + b).collect()),
        });
    }
    let (sum, tensors) = whole.expect("a batch has windows");
    Gradients { sum: Late::new(sum), tensors, weight: batch.weight() }
}

/// How many windows of a batch are computed at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Micro {
    batch: usize,
    asked: usize,
    windows: usize,
}

impl Micro {
    /// All windows of a batch.
    pub(crate) fn whole(batch: usize) -> Self {
        Self { batch, asked: batch, windows: batch }
    }

    /// For batches of `batch` windows, of which somebody may have asked for so many at a time.
    pub(crate) fn new(batch: usize, asked: Option<usize>, config: &ModelConfig, device: &Device) -> Self {
        let asked = asked.unwrap_or_else(|| windows_at_a_time(config, batch, device)).clamp(1, batch);
        let windows = ops::memory::limits(device).map_or(asked, |limits| foreseen(config, asked, limits));
        Self { asked, windows, ..Self::whole(batch) }
    }

    /// Tries with half as many windows for as long as the device has too little memory, down to one.
    pub(crate) fn fit<T>(
        &mut self,
        release: impl Fn(),
        mut attempt: impl FnMut(usize) -> Result<T, DeviceFailure>,
    ) -> Result<T, DeviceFailure> {
        loop {
            match attempt(self.windows) {
                Err(DeviceFailure::OutOfMemory(_)) if self.windows > 1 => {
                    self.windows = self.windows.div_ceil(2);
                    release();
                }
                done => return done,
            }
        }
    }

    /// The same with so few windows as an earlier attempt found to fit.
    pub(crate) fn at_most(self, windows: usize) -> Self {
        Self { windows: self.windows.min(windows).max(1), ..self }
    }

    /// Windows at a time.
    pub(crate) fn windows(self) -> usize {
        self.windows
    }

    /// The windows, where they are fewer than a batch has.
    pub(crate) fn in_parts(self) -> Option<usize> {
        (self.windows < self.batch).then_some(self.windows)
    }

    /// The windows, where they are fewer than was asked for.
    pub(crate) fn halved(self) -> Option<usize> {
        (self.windows < self.asked).then_some(self.windows)
    }
}

/// Bytes that a step on a processor keeps for its backward pass. Two thousand positions fill its caches and its threads, and
/// more at a time is not faster; fewer are slower by a few percent. Of the presets' own batches `large`'s alone is above it,
/// and takes two thirds of the memory so.
const ON_PROCESSOR: f64 = (640 << 20) as f64;

/// How many windows of a batch are best computed at a time: on a GPU all of them, on a processor as many halves as keep what
/// a backward pass wants below two thirds of a gigabyte. So it depends on the model, the batch and the kind of device alone.
pub fn windows_at_a_time(config: &ModelConfig, batch: usize, device: &Device) -> usize {
    match ops::memory::limits(device) {
        Some(_) => batch,
        None => halved(batch, |windows| kept_bytes(config, windows) <= ON_PROCESSOR),
    }
}

/// `windows`, halved until they fit, down to one.
fn halved(mut windows: usize, fits: impl Fn(usize) -> bool) -> usize {
    while windows > 1 && !fits(windows) {
        windows = windows.div_ceil(2);
    }
    windows
}

/// The share of a device's memory that a step may be foreseen to take: the rest is the driver's, the pages' and the estimate's.
const SHARE: f64 = 0.9;

/// Windows at a time, halved from `windows` until a step should fit these limits.
fn foreseen(config: &ModelConfig, windows: usize, limits: Limits) -> usize {
    halved(windows, |windows| {
        let largest = 4.0 * (windows * config.context * widest(config)) as f64;
        let all = step_bytes(config, windows);
        largest <= limits.largest as f64 && limits.all.is_none_or(|room| all <= SHARE * room as f64)
    })
}

/// Bytes that a step of so many windows at a time holds at its fullest: weights, gradients (twice, while parts are added) and
/// moments; what the backward pass wants; a chunk of logits and its gradient. All float32; an estimate.
pub fn step_bytes(config: &ModelConfig, windows: usize) -> f64 {
    /// Logits of a chunk as the head's loss takes them, at most.
    const CHUNK: usize = 16 << 20;
    let logits = (windows * config.context * config.vocabulary).min(CHUNK);
    4.0 * (5.0 * config.parameters() as f64 + 2.0 * logits as f64) + kept_bytes(config, windows)
}

/// Bytes of what the backward pass wants of every layer, and of the widest passing numbers. All float32; an estimate.
fn kept_bytes(config: &ModelConfig, windows: usize) -> f64 {
    let ModelConfig { width, hidden, heads, kv_heads, head_width, .. } = *config;
    let (queries, projected) = (heads * head_width, (heads + 2 * kv_heads) * head_width);
    // Of each position: what both norms and both products take, the projection, attention and its sums, gate and up, their
    // product.
    let layer = 4 * width + projected + queries + heads + 3 * hidden;
    let passing = 2 * widest(config) + 4 * width;
    4.0 * (windows * config.context * (config.layers * layer + passing)) as f64
}

/// The most numbers of a position that are ever one tensor.
fn widest(config: &ModelConfig) -> usize {
    let ModelConfig { width, hidden, heads, kv_heads, head_width, .. } = *config;
    (2 * hidden).max((heads + 2 * kv_heads) * head_width).max(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of twelve, of which so many windows fit.
    fn tried(fitting: usize) -> (Result<usize, DeviceFailure>, Vec<usize>, Micro) {
        let mut micro = Micro::whole(12);
        let mut tries = Vec::new();
        let found = micro.fit(
            || {},
            |windows| {
                tries.push(windows);
                let failure = || DeviceFailure::OutOfMemory(format!("{windows} windows"));
                (windows <= fitting).then_some(windows).ok_or_else(failure)
            },
        );
        (found, tries, micro)
    }

    #[test]
    fn a_batch_that_does_not_fit_is_halved() {
        let (found, tries, micro) = tried(4);
        assert_eq!((found, tries), (Ok(3), vec![12, 6, 3]));
        assert_eq!((micro.in_parts(), micro.halved()), (Some(3), Some(3)));
        let (found, tries, micro) = tried(12);
        assert_eq!((found, tries), (Ok(12), vec![12]));
        assert_eq!((micro.in_parts(), micro.halved()), (None, None));
    }

    #[test]
    fn one_window_is_the_last_try() {
        let (found, tries, _) = tried(0);
        assert!(matches!(found, Err(DeviceFailure::OutOfMemory(_))));
        assert_eq!(tries, [12, 6, 3, 2, 1]);
    }

    #[test]
    fn other_failures_are_not_tried_again() {
        let mut micro = Micro::whole(8);
        let lost = || DeviceFailure::Lost("gone".to_owned());
        assert_eq!(micro.fit(|| {}, |_| Err::<(), _>(lost())), Err(lost()));
        assert_eq!(micro.windows, 8);
    }

    #[test]
    fn what_is_foreseen_not_to_fit_is_halved_before() {
        let config = model::Settings { preset: "large".into(), ..Default::default() }.resolve(8192).unwrap();
        let roomy = Limits { largest: 4 << 30, all: Some(80 << 30) };
        assert_eq!(foreseen(&config, 512, roomy), 512);
        // 512 windows of 256 positions and 3,072 numbers are 1.6 GB in one buffer.
        assert_eq!(foreseen(&config, 512, Limits { largest: 1 << 30, all: None }), 256);
        let small = foreseen(&config, 512, Limits { all: Some(8 << 30), ..roomy });
        assert!((16..=128).contains(&small), "{small}");
        assert_eq!(foreseen(&config, 512, Limits { largest: 1, all: None }), 1);
    }

    #[test]
    fn a_processor_takes_what_its_memory_is_worth() {
        let device = ops::device::parse("flex").unwrap().device();
        let at_a_time = |preset: &str, batch| {
            let settings = model::Settings { preset: preset.into(), ..Default::default() };
            let config = settings.resolve(settings.preset().unwrap().vocabulary).unwrap();
            windows_at_a_time(&config, batch, &device)
        };
        // As the presets have them.
        assert_eq!(
            [("tiny", 32), ("small", 32), ("medium", 16)].map(|(name, batch)| at_a_time(name, batch)),
            [32, 32, 16]
        );
        assert_eq!([16, 8, 3, 1].map(|batch| at_a_time("large", batch)), [8, 8, 3, 1]);
        assert_eq!(at_a_time("small", 4096), 64);
    }
}
