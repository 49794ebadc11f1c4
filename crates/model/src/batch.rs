//! A batch of windows, and what its tokens cost a model.

use crate::{Transformer, attention_shape};
use burn::tensor::Device;
use ops::{Attention, HeadLoss, TokenRule, head_loss};

/// One batch: `batch × context` positions, window after window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Token ids.
    pub inputs: Vec<u32>,
    /// The tokens to be predicted.
    pub targets: Vec<u32>,
    /// Weight of each target; padding weighs nothing.
    pub weights: Vec<f32>,
    /// For each position, the index within its window of its document's first position.
    pub starts: Vec<u32>,
}

impl Batch {
    /// The same in parts of so many windows of `context` positions, the last perhaps smaller.
    pub fn parts(&self, windows: usize, context: usize) -> impl Iterator<Item = Self> {
        let length = windows * context;
        (0..self.inputs.len()).step_by(length).map(move |first| {
            let range = first..(first + length).min(self.inputs.len());
            Self {
                inputs: self.inputs[range.clone()].to_vec(),
                targets: self.targets[range.clone()].to_vec(),
                weights: self.weights[range.clone()].to_vec(),
                starts: self.starts[range].to_vec(),
            }
        })
    }

    /// Targets that count: all but padding.
    pub fn targets(&self) -> u64 {
        self.weights.iter().filter(|&&w| w > 0.0).count() as u64
    }

    /// Σ of the weights, in f64.
    pub fn weight(&self) -> f64 {
        self.weights.iter().map(|&w| f64::from(w)).sum()
    }
}

impl Transformer {
    /// Loss of a batch before the division by its weight.
    pub fn loss(&self, batch: &Batch, rule: TokenRule, device: &Device) -> HeadLoss {
        let time = self.config().context.min(batch.inputs.len());
        let shape = attention_shape(self.config(), batch.inputs.len() / time, time);
        let context = Attention::new(shape, &batch.starts, device);
        let hidden = self.forward(&batch.inputs, &context);
        head_loss(hidden, self.head(), &batch.targets, &batch.weights, rule, self.precision())
    }

    /// Cross-entropy of every position of a batch in nats, without weights or gradients.
    ///
    /// # Panics
    /// If the device fails.
    pub fn token_losses(&self, batch: &Batch, device: &Device) -> Vec<f32> {
        let losses = self.loss(batch, TokenRule::CrossEntropy, device).per_token;
        losses.try_into_vec_as().expect("float32 losses")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, Weights};
    use streams::Streams;

    /// The least context.
    const CONTEXT: usize = 8;

    /// Two windows, each one document and padding.
    fn batch() -> Batch {
        let window = |first: u32| (0..CONTEXT as u32).map(move |at| first + at % 4);
        Batch {
            inputs: window(0).chain(window(4)).collect(),
            targets: window(1).chain(window(5)).collect(),
            weights: [vec![1.0; 6], vec![0.5, 0.0]].concat().repeat(2),
            starts: vec![0; 2 * CONTEXT],
        }
    }

    #[test]
    fn parts_are_windows_and_add_up() {
        let whole = batch();
        let parts: Vec<Batch> = whole.parts(1, CONTEXT).collect();
        assert_eq!(parts.iter().map(|part| part.inputs.clone()).collect::<Vec<_>>().concat(), whole.inputs);
        assert_eq!((parts.len(), whole.targets(), whole.weight()), (2, 14, 13.0));
        assert_eq!(parts.iter().map(Batch::weight).sum::<f64>(), whole.weight());
    }

    #[test]
    fn tokens_of_a_window_cost_the_same_in_any_batch() {
        let settings = Settings { preset: "tiny".into(), context: Some(CONTEXT), ..Settings::default() };
        let config = settings.resolve(16).unwrap();
        let device = ops::device::parse("flex").unwrap().device();
        let transformer = Transformer::new(&Weights::initialise(&config, &Streams::new(0), 0), &device);
        let (whole, all) = (batch(), transformer.token_losses(&batch(), &device));
        for (part, losses) in whole.parts(1, CONTEXT).zip(all.chunks(CONTEXT)) {
            let found = transformer.token_losses(&part, &device);
            assert!(found.iter().zip(losses).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {losses:?}");
            // 0 where the weight is 0.
            let (padding, counted) = found.split_last().unwrap();
            assert!(counted.iter().all(|&loss| loss > 0.0) && *padding == 0.0, "{found:?}");
        }
    }
}
