//! State of a run between two steps, as a checkpoint keeps it: one file of safetensors with the parameters, the optimizer's
//! moments, the best weights so far, and everything else in a tensor of bytes.

use crate::record::LogLine;
use burn::tensor::{Device, Tensor, TensorData, Transaction};
use model::{ModelConfig, Transformer, Weights};
use ops::{Moments, Optimizer};
use rundir::Checkpoint;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Its name in the checkpoint.
const PART: &str = "training";

/// Everything of a state that is no tensor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Steps taken.
    pub(crate) step: u64,
    pub(crate) seen: u64,
    pub(crate) skipped: u64,
    pub(crate) in_a_row: u64,
    /// Sum and count of the last losses.
    pub(crate) tail: (f64, u64),
    /// Windows that are computed at a time.
    pub(crate) windows: usize,
    pub(crate) validated: u64,
    pub(crate) best_loss: Option<f64>,
    pub(crate) log: Vec<LogLine>,
}

/// A state that was read.
pub(crate) struct Saved {
    pub(crate) figures: Figures,
    pub(crate) best: Option<(f64, Weights)>,
    /// Steps that the optimizer counts.
    counted: u32,
    /// Parameters, then first and second moments, each in the parameters' order. Where a parameter has no second moment, an
    /// empty tensor stands for it.
    tensors: [Vec<TensorData>; 3],
}

/// The tensors' names, in the order of [`Saved::tensors`].
const NAMES: [&str; 3] = ["parameter", "first", "second"];

/// Everything but float32 tensors, in the tensor of this name.
const FIGURES: &str = "figures";

/// Saves a run's state, which `state` gives; what fails is said in the log.
pub(crate) fn keep<'s>(
    checkpoint: &mut Checkpoint,
    identity: &str,
    state: impl FnOnce() -> (Figures, Option<&'s Weights>),
    transformer: &mut Transformer,
    optimizer: &Optimizer,
) {
    checkpoint.keep(PART, || {
        let (figures, best) = state();
        let parameters = transformer.parameters_mut().into_iter().map(|parameter| parameter.clone().inner()).collect();
        let first = optimizer.moments().iter().map(|held| held.first.clone()).collect();
        let empty = |held: &Moments| Tensor::zeros([0, 0], &held.first.device());
        let second =
            optimizer.moments().iter().map(|held| held.second.clone().unwrap_or_else(|| empty(held))).collect();
        let lists: [Vec<Tensor<2>>; 3] = [parameters, first, second];
        let lists = lists.map(read);
        let mut other = Vec::new();
        let content = (identity, optimizer.steps(), figures);
        ciborium::into_writer(&content, &mut other).expect("plain values are CBOR");
        let mut views = Vec::new();
        let view = |dtype, shape: Vec<usize>, bytes| TensorView::new(dtype, shape, bytes).expect("bytes of this shape");
        for (name, list) in NAMES.iter().zip(&lists) {
            let tensors = list.iter().enumerate();
            views.extend(tensors.map(|(number, tensor)| {
                let shape = tensor.shape().as_slice().to_vec();
                (format!("{name}.{number}"), view(Dtype::F32, shape, tensor.as_bytes()))
            }));
        }
        let best: Vec<(String, Vec<u8>)> = best.iter().flat_map(|weights| of_weights(weights)).collect();
        views.extend(
            best.iter().map(|(name, bytes)| (format!("best.{name}"), view(Dtype::F32, vec![bytes.len() / 4], bytes))),
        );
        views.push((FIGURES.to_owned(), view(Dtype::U8, vec![other.len()], &other)));
        serialize(views, None).expect("tensors of different names")
    });
}

/// Reads tensors back, all in one go.
fn read(tensors: Vec<Tensor<2>>) -> Vec<TensorData> {
    tensors.into_iter().fold(Transaction::default(), Transaction::register).execute()
}

/// The tensors of weights by name, as bytes.
fn of_weights(weights: &Weights) -> Vec<(String, Vec<u8>)> {
    let bytes = |name: &str| weights.tensor(name).iter().flat_map(|value| value.to_le_bytes()).collect();
    weights.names().map(|name| (name.to_owned(), bytes(name))).collect()
}

/// The state of the run of this identity, if there is one.
pub(crate) fn load(checkpoint: &mut Checkpoint, identity: &str, transformer: &mut Transformer) -> Option<Saved> {
    let bytes = checkpoint.load(PART)?;
    let saved = parse(&bytes, identity, transformer.config()).filter(|saved| saved.fits(transformer));
    if saved.is_none() {
        tracing::warn!("a checkpoint of training does not fit this run; training begins again");
    }
    saved
}

fn parse(bytes: &[u8], identity: &str, config: &ModelConfig) -> Option<Saved> {
    let file = SafeTensors::deserialize(bytes).ok()?;
    let (of, counted, figures): (String, u32, Figures) =
        ciborium::from_reader(file.tensor(FIGURES).ok()?.data()).ok()?;
    if of != identity {
        return None;
    }
    let floats = |view: &TensorView<'_>| -> Option<Vec<f32>> {
        let number = |four: &[u8]| f32::from_le_bytes(four.try_into().expect("four bytes"));
        (view.dtype() == Dtype::F32).then(|| view.data().chunks_exact(4).map(number).collect())
    };
    let list = |name: &str| -> Option<Vec<TensorData>> {
        let tensors = (0..).map_while(|number| file.tensor(&format!("{name}.{number}")).ok());
        tensors.map(|view| Some(TensorData::new(floats(&view)?, view.shape().to_vec()))).collect()
    };
    let [Some(parameters), Some(first), Some(second)] = NAMES.map(list) else { return None };
    let best = match figures.best_loss {
        None => None,
        Some(loss) => {
            let named = file.iter().filter_map(|(name, view)| Some((name.strip_prefix("best.")?.to_owned(), view)));
            let tensors = named.map(|(name, view)| Some((name, floats(&view)?))).collect::<Option<BTreeMap<_, _>>>()?;
            Some((loss, Weights::from_tensors(config.clone(), tensors).ok()?))
        }
    };
    Some(Saved { figures, best, counted, tensors: [parameters, first, second] })
}

impl Saved {
    /// True if the tensors are those of this transformer.
    fn fits(&self, transformer: &mut Transformer) -> bool {
        let expected: Vec<[usize; 2]> = transformer.parameters_mut().iter().map(|tensor| tensor.dims()).collect();
        let [parameters, first, second] = &self.tensors;
        let fits = |list: &[TensorData]| list.iter().map(|tensor| tensor.shape().as_slice()).eq(expected.iter());
        let second = second
            .iter()
            .zip(&expected)
            .map(|(tensor, shape)| [shape.as_slice(), &[0, 0]].contains(&&**tensor.shape()));
        fits(parameters) && fits(first) && second.len() == expected.len() && second.into_iter().all(|fits| fits)
    }

    /// Puts parameters and moments on the device; gives the optimizer.
    pub(crate) fn put_back(&self, transformer: &mut Transformer, optimizer: Optimizer, tracked: &Device) -> Optimizer {
        let plain = tracked.clone().without_autodiff();
        let [parameters, first, second] = &self.tensors;
        for (slot, data) in transformer.parameters_mut().into_iter().zip(parameters) {
            *slot = Tensor::from_data(data.clone(), tracked).require_grad();
        }
        let place = |data: &TensorData| Tensor::<2>::from_data(data.clone(), &plain);
        let moments = first.iter().zip(second).map(|(first, second)| Moments {
            first: place(first),
            second: (second.num_elements() > 0).then(|| place(second)),
        });
        optimizer.resumed(moments.collect(), self.counted)
    }
}
