//! Kernels on Flex tensors.

use super::{FusedOps, Targets};
use crate::clock::operation;
use crate::{AttentionShape, Precision, TokenRule};
use burn::backend::Flex;
use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_flex::FlexTensor;
use kernels::{attention as kernel, head_loss as head, linear, rms_norm, swiglu};
use std::sync::Arc;

/// Whether a tensor's work is done by Flex.
pub(crate) fn is_flex(device: &Device) -> bool {
    device.clone().without_autodiff() == Device::flex()
}

/// What all layers' attention over one batch shares, for the kernel.
pub(crate) struct FlexAttention {
    pub(super) shape: kernel::Shape,
    pub(super) starts: Vec<u32>,
    pub(super) rotary: kernel::Rotary,
}

impl std::fmt::Debug for FlexAttention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlexAttention").field("starts", &self.starts.len()).finish_non_exhaustive()
    }
}

impl FlexAttention {
    pub(crate) fn new(shape: AttentionShape, starts: &[u32]) -> Self {
        let AttentionShape { batch, time, heads, kv_heads, head_width, theta } = shape;
        Self {
            shape: kernel::Shape { batch, time, heads, kv_heads, head_width },
            starts: starts.to_vec(),
            rotary: kernel::Rotary::new(time, head_width, theta),
        }
    }
}

/// A tensor whose storage is its elements, in order.
pub(super) struct Rows {
    tensor: FlexTensor,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Rows {
    pub(super) fn new(tensor: &FlexTensor) -> Self {
        let tensor = tensor.to_contiguous();
        let shape = tensor.layout().shape();
        let (rows, columns) = if shape.num_dims() == 2 { (shape[0], shape[1]) } else { (1, shape.num_elements()) };
        Self { tensor, rows, columns }
    }

    pub(super) fn values(&self) -> &[f32] {
        self.tensor.as_slice().expect("contiguous float32")
    }
}

/// A new tensor `[rows, columns]` that the operation of this name writes whole.
pub(super) fn filled(name: &'static str, rows: usize, columns: usize, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    operation(name, || {
        let mut values = vec![0.0; rows * columns];
        fill(&mut values);
        tensor(values, vec![rows, columns])
    })
}

pub(super) fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

pub(super) fn attend(projected: &Rows, context: &FlexAttention) -> (FlexTensor, Vec<f32>) {
    let shape = context.shape;
    let mut log_sums = vec![0.0; shape.batch * shape.heads * shape.time];
    let out = filled("attention", projected.rows, shape.width(), |out| {
        kernel::forward(shape, projected.values(), &context.starts, &context.rotary, out, &mut log_sums);
    });
    (out, log_sums)
}

/// The weighted sum, each token's loss, and where they are wanted the gradients of hidden states and head.
pub(super) fn lose(
    hidden: &Rows,
    weight: &Rows,
    targets: &Targets,
    rule: TokenRule,
    precision: Precision,
    gradients: bool,
) -> (FlexTensor, FlexTensor, Option<(FlexTensor, FlexTensor)>) {
    let inputs = head::Inputs {
        hidden: hidden.values(),
        head: weight.values(),
        targets: &targets.0,
        weights: &targets.1,
        width: hidden.columns,
        rule,
        precision,
    };
    let mut losses = vec![0.0; hidden.rows];
    let (sum, formed) = operation("head and loss", || {
        if !gradients {
            return (head::head_loss(inputs, &mut losses, None), None);
        }
        let mut d_hidden = vec![0.0; hidden.values().len()];
        let mut d_head = vec![0.0; weight.values().len()];
        let wanted = head::Gradients { hidden: &mut d_hidden, head: &mut d_head };
        let sum = head::head_loss(inputs, &mut losses, Some(wanted));
        let shaped = |values, of: &Rows| tensor(values, vec![of.rows, of.columns]);
        (sum, Some((shaped(d_hidden, hidden), shaped(d_head, weight))))
    });
    (tensor(vec![sum], vec![1]), tensor(losses, vec![hidden.rows]), formed)
}

impl FusedOps for Flex {
    fn fused_linear(x: FlexTensor, weight: FlexTensor, precision: Precision) -> FlexTensor {
        let (x, w) = (Rows::new(&x), Rows::new(&weight));
        filled("linear", x.rows, w.rows, |y| linear::forward(precision, x.values(), w.values(), w.columns, w.rows, y))
    }

    fn fused_rms_norm(x: FlexTensor, weight: FlexTensor, epsilon: f64) -> FlexTensor {
        let (x, w) = (Rows::new(&x), Rows::new(&weight));
        filled("rms norm", x.rows, x.columns, |y| rms_norm::forward(x.values(), w.values(), epsilon as f32, y))
    }

    fn fused_swiglu(gate_up: FlexTensor) -> FlexTensor {
        let gate_up = Rows::new(&gate_up);
        let hidden = gate_up.columns / 2;
        filled("swiglu", gate_up.rows, hidden, |y| swiglu::forward(gate_up.values(), hidden, y))
    }

    fn fused_attention(projected: FlexTensor, context: Arc<FlexAttention>) -> FlexTensor {
        attend(&Rows::new(&projected), &context).0
    }

    fn fused_head_loss(
        hidden: FlexTensor,
        head: FlexTensor,
        targets: Targets,
        rule: TokenRule,
        precision: Precision,
    ) -> (FlexTensor, FlexTensor) {
        let (sum, losses, _) = lose(&Rows::new(&hidden), &Rows::new(&head), &targets, rule, precision, false);
        (sum, losses)
    }
}

/// One step of AdamW in place; gives the parameter and its moments back.
pub(crate) fn adamw(
    update: kernels::adamw::AdamW,
    step: u64,
    scale: f64,
    parameter: Tensor<2>,
    gradient: Tensor<2>,
    moments: [Tensor<2>; 2],
) -> (Tensor<2>, [Tensor<2>; 2]) {
    let [first, second] = moments;
    let mut p = primitive(parameter);
    let (mut m, mut v) = (primitive(first), primitive(second));
    let g = Rows::new(&primitive(gradient));
    operation("AdamW", || {
        update.step(step, scale as f32, p.storage_mut(), g.values(), m.storage_mut(), v.storage_mut());
    });
    let back = |t: FlexTensor| Tensor::from_primitive::<Flex>(t);
    (back(p), [back(m), back(v)])
}

/// `Σ g²` of one gradient.
pub(crate) fn square_norm(gradient: &Tensor<2>) -> f64 {
    let gradient = Rows::new(&primitive(gradient.clone()));
    operation("AdamW", || kernels::adamw::square_norm(gradient.values()))
}

/// The float32 primitive of a tensor on Flex, its storage its elements in order.
fn primitive(tensor: Tensor<2>) -> FlexTensor {
    let tensor = tensor.try_into_primitive::<Flex>().expect("the caller has looked at the device");
    assert_eq!(tensor.dtype(), DType::F32);
    match tensor.as_slice::<f32>() {
        Some(slice) if slice.len() == tensor.storage::<f32>().len() => tensor,
        _ => tensor.to_contiguous(),
    }
}
