//! The logits of what follows each of many places in given documents.

use crate::score::{at_once, windows};
use burn::tensor::{Device, Tensor};
use model::{Attention, Transformer, Weights};
use ops::{Precision, linear};
use rundir::{Checkpoint, Stopped};

/// Rows of logits that are held at once: on a GPU; on the CPU, so many as its caches hold.
const ROWS: usize = 4096;
const ROWS_OF_CPU: usize = 512;

/// How many rows of logits are held at once.
pub(crate) fn rows_at_once(device: &Device) -> usize {
    if ops::memory::limits(device).is_some() { ROWS } else { ROWS_OF_CPU }
}

/// The tokens of a document, and the places in it: what follows its first `n` tokens, for each `n`.
pub(crate) type Places<'a> = (&'a [u32], &'a [usize]);

pub(crate) struct Model<'a> {
    transformer: Transformer,
    separator: u32,
    device: &'a Device,
}

impl<'a> Model<'a> {
    pub(crate) fn new(weights: &Weights, separator: u32, device: &'a Device) -> Self {
        Self { transformer: Transformer::new(weights, device), separator, device }
    }

    /// Calls `each` with the logits at each place of each document, in their order: the document, the number of the place, its row.
    ///
    /// # Errors
    /// [`Stopped`] if the checkpoint's interrupt is set; nothing is saved.
    ///
    /// # Panics
    /// If a document with its separator does not fit the context, or the device fails.
    pub(crate) fn at(
        &self,
        documents: &[Places<'_>],
        checkpoint: &Checkpoint,
        each: &mut dyn FnMut(usize, usize, &[f32]),
    ) -> Result<(), Stopped> {
        let context = self.transformer.config().context;
        let vocabulary = self.transformer.config().vocabulary;
        let windows = windows(documents.iter().map(|(ids, _)| ids.len() + 1), context);
        let size = at_once(windows.len(), context, self.device);
        for group in windows.chunks(size) {
            checkpoint.check()?;
            // Equal shapes throughout: the last batch is filled up with padding.
            let mut ids = vec![self.separator; size * context];
            let mut starts: Vec<u32> = (0..size * context).map(|at| (at % context) as u32).collect();
            let mut wanted = Vec::new();
            for (window, documents_here) in group.iter().enumerate() {
                let mut at = window * context;
                for &document in documents_here {
                    let (tokens, places) = documents[document];
                    let end = at + tokens.len() + 1;
                    ids[at + 1..end].copy_from_slice(tokens);
                    starts[at..end].fill((at % context) as u32);
                    wanted.extend(places.iter().enumerate().map(|(number, place)| (document, number, at + place)));
                    at = end;
                }
            }
            let hidden = self.hidden(&ids, &starts);
            for wanted in wanted.chunks(rows_at_once(self.device)) {
                let rows = self.logits(&hidden, wanted.iter().map(|&(.., position)| position as i32));
                for (&(document, number, _), logits) in wanted.iter().zip(rows.chunks(vocabulary)) {
                    each(document, number, logits);
                }
            }
        }
        Ok(())
    }

    fn hidden(&self, ids: &[u32], starts: &[u32]) -> Tensor<2> {
        let config = self.transformer.config();
        let shape = model::attention_shape(config, ids.len() / config.context, config.context);
        self.transformer.forward(ids, &Attention::new(shape, starts, self.device))
    }

    /// Logits at these positions: `[positions, vocabulary]`.
    fn logits(&self, hidden: &Tensor<2>, positions: impl Iterator<Item = i32>) -> Vec<f32> {
        let indices: Vec<i32> = positions.collect();
        let chosen = hidden.clone().select(0, Tensor::from_data(indices.as_slice(), self.device));
        linear(chosen, self.transformer.head(), Precision::Float32).try_into_vec_as().expect("float32 logits")
    }
}
