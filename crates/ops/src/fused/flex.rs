//! Kernels on Flex tensors.

use super::{FusedOps, Targets, autodiff::Kernels};
use crate::clock::operation;
use crate::muon::Matrices;
use crate::{AttentionShape, Precision, TokenRule};
use burn::backend::{Flex, TensorMetadata, ops::FloatTensorOps};
use burn::tensor::{DType, Device, FloatDType, IndexingUpdateOp, Tensor, TensorData};
use burn_flex::FlexTensor;
use kernels::adamw::Step;
use kernels::{attention as kernel, head_loss as head, linear, rms_norm, swiglu};
use std::sync::Arc;

/// Whether a tensor's work is done by Flex.
pub(crate) fn is_flex(device: &Device) -> bool {
    device.clone().without_autodiff() == Device::flex()
}

/// What all layers' attention over one batch shares, for the kernel.
pub(crate) struct AttentionContext {
    shape: AttentionShape,
    starts: Vec<u32>,
    rotary: kernel::Rotary,
}

impl std::fmt::Debug for AttentionContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttentionContext").field("starts", &self.starts.len()).finish_non_exhaustive()
    }
}

impl AttentionContext {
    pub(super) fn new(shape: AttentionShape, starts: &[u32]) -> Self {
        let AttentionShape { time, head_width, theta, .. } = shape;
        Self { shape, starts: starts.to_vec(), rotary: kernel::Rotary::new(time, head_width, theta) }
    }

    /// The context that was made for this device.
    fn of(context: &super::AttentionContext) -> &Self {
        match context {
            super::AttentionContext::Flex(context) => context,
            #[cfg(feature = "gpu")]
            other => panic!("attention on Flex with {other:?}"),
        }
    }
}

/// A tensor whose storage is its elements, in order.
struct Rows {
    tensor: FlexTensor,
    rows: usize,
    columns: usize,
}

impl Rows {
    fn new(tensor: &FlexTensor) -> Self {
        let tensor = tensor.to_contiguous();
        let shape = tensor.layout().shape();
        let (rows, columns) = if shape.num_dims() == 2 { (shape[0], shape[1]) } else { (1, shape.num_elements()) };
        Self { tensor, rows, columns }
    }

    fn values(&self) -> &[f32] {
        self.tensor.as_slice().expect("contiguous float32")
    }
}

/// A new tensor `[rows, columns]` that the operation of this name writes whole.
fn filled(name: &'static str, rows: usize, columns: usize, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    operation(name, || {
        let mut values = vec![0.0; rows * columns];
        fill(&mut values);
        tensor(values, vec![rows, columns])
    })
}

fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Ids as Burn's own operations take them.
fn int_tensor(ids: &[u32]) -> FlexTensor {
    let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
    FlexTensor::from_data(TensorData::from(ids.as_slice()))
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

    fn fused_attention(projected: FlexTensor, context: Arc<super::AttentionContext>) -> FlexTensor {
        Self::attend(projected, &context).0
    }

    fn fused_embedding(table: FlexTensor, ids: Arc<[u32]>) -> FlexTensor {
        Self::float_select(table, 0, int_tensor(&ids))
    }

    fn fused_head_loss(
        hidden: FlexTensor,
        head: FlexTensor,
        targets: Targets,
        rule: TokenRule,
        precision: Precision,
    ) -> (FlexTensor, FlexTensor) {
        let (sum, losses, _) = Self::lose(hidden, head, &targets, rule, precision, false);
        (sum, losses)
    }
}

impl Kernels for Flex {
    type LogSums = Arc<Vec<f32>>;

    fn linear_input_gradient(dy: FlexTensor, weight: FlexTensor, precision: Precision) -> FlexTensor {
        let (dy, w) = (Rows::new(&dy), Rows::new(&weight));
        filled("linear, input gradient", dy.rows, w.columns, |dx| {
            linear::backward_input(precision, dy.values(), w.values(), w.columns, w.rows, dx);
        })
    }

    fn linear_weight_gradient(dy: FlexTensor, x: FlexTensor, precision: Precision) -> FlexTensor {
        let (dy, x) = (Rows::new(&dy), Rows::new(&x));
        filled("linear, weight gradient", dy.columns, x.columns, |dw| {
            linear::backward_weight(precision, dy.values(), x.values(), x.columns, dy.columns, false, dw);
        })
    }

    fn rms_norm_gradients(x: FlexTensor, weight: FlexTensor, epsilon: f64, dy: FlexTensor) -> (FlexTensor, FlexTensor) {
        let (x, w, dy) = (Rows::new(&x), Rows::new(&weight), Rows::new(&dy));
        let mut dw = vec![0.0; w.columns];
        let dx = filled("rms norm, gradient", x.rows, x.columns, |dx| {
            rms_norm::backward(x.values(), w.values(), epsilon as f32, dy.values(), None, dx, &mut dw);
        });
        (dx, tensor(dw, vec![1, w.columns]))
    }

    fn swiglu_gradient(gate_up: FlexTensor, dy: FlexTensor) -> FlexTensor {
        let (gate_up, dy) = (Rows::new(&gate_up), Rows::new(&dy));
        filled("swiglu, gradient", gate_up.rows, gate_up.columns, |d| {
            swiglu::backward(gate_up.values(), gate_up.columns / 2, dy.values(), d);
        })
    }

    fn attend(projected: FlexTensor, context: &super::AttentionContext) -> (FlexTensor, Arc<Vec<f32>>) {
        let (projected, context) = (Rows::new(&projected), AttentionContext::of(context));
        let shape = context.shape;
        let mut log_sums = vec![0.0; shape.batch * shape.heads * shape.time];
        let out = filled("attention", projected.rows, shape.width(), |out| {
            kernel::forward(shape, projected.values(), &context.starts, &context.rotary, out, &mut log_sums);
        });
        (out, Arc::new(log_sums))
    }

    fn attention_gradient(
        projected: FlexTensor,
        context: &super::AttentionContext,
        out: FlexTensor,
        log_sums: Arc<Vec<f32>>,
        dy: FlexTensor,
    ) -> FlexTensor {
        let (projected, out, dy) = (Rows::new(&projected), Rows::new(&out), Rows::new(&dy));
        let AttentionContext { shape, starts, rotary } = AttentionContext::of(context);
        filled("attention, gradient", projected.rows, projected.columns, |d| {
            kernel::backward(*shape, projected.values(), starts, rotary, out.values(), &log_sums, dy.values(), d);
        })
    }

    fn embedding_gradient(dy: FlexTensor, ids: &[u32], rows: usize) -> FlexTensor {
        let table = Self::float_zeros([rows, dy.shape()[1]].into(), &dy.device(), FloatDType::F32);
        Self::float_select_assign(table, 0, int_tensor(ids), dy, IndexingUpdateOp::Add)
    }

    fn lose(
        hidden: FlexTensor,
        weight: FlexTensor,
        targets: &Targets,
        rule: TokenRule,
        precision: Precision,
        gradients: bool,
    ) -> (FlexTensor, FlexTensor, Option<[FlexTensor; 2]>) {
        let (hidden, weight) = (Rows::new(&hidden), Rows::new(&weight));
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
            (sum, Some([shaped(d_hidden, &hidden), shaped(d_head, &weight)]))
        });
        (tensor(vec![sum], vec![1]), tensor(losses, vec![hidden.rows]), formed)
    }

    fn scaled(gradient: FlexTensor, upstream: FlexTensor) -> FlexTensor {
        let upstream = Rows::new(&upstream).values()[0];
        if upstream == 1.0 { gradient } else { Self::float_mul_scalar(gradient, upstream.into()) }
    }
}

/// One step of AdamW in place; gives the parameter and its moments back.
pub(crate) fn adamw(
    step: Step<'_>,
    parameter: Tensor<2>,
    gradient: Tensor<2>,
    moments: [Tensor<2>; 2],
) -> (Tensor<2>, [Tensor<2>; 2]) {
    let [first, second] = moments;
    let mut p = primitive(parameter);
    let (mut m, mut v) = (primitive(first), primitive(second));
    let g = Rows::new(&primitive(gradient));
    operation("AdamW", || {
        step.run(p.storage_mut(), g.values(), m.storage_mut(), v.storage_mut());
    });
    let back = |t: FlexTensor| Tensor::from_primitive::<Flex>(t);
    (back(p), [back(m), back(v)])
}

/// One step of Muon in place; gives the parameters back.
pub(crate) fn muon(step: kernels::muon::Step<'_>, matrices: Vec<Matrices<'_>>) -> Vec<Tensor<2>> {
    struct Held {
        p: FlexTensor,
        g: Rows,
        m: FlexTensor,
    }
    let (mut held, mut places) = (Vec::new(), Vec::new());
    for Matrices { p, g, moments, parts } in matrices {
        let m = primitive(moments.first.extract());
        held.push(Held { p: primitive(p), g: Rows::new(&primitive(g)), m });
        places.push((moments, parts));
    }
    operation("Muon", || {
        step.run(held.iter_mut().zip(&places).map(|(Held { p, g, m }, (_, parts))| kernels::muon::Tensor {
            p: p.storage_mut(),
            g: g.values(),
            m: m.storage_mut(),
            columns: g.columns,
            parts,
        }));
    });
    let back = |t: FlexTensor| Tensor::from_primitive::<Flex>(t);
    let each = held.into_iter().zip(places);
    each.map(|(Held { p, m, .. }, (moments, _))| {
        moments.first = back(m);
        back(p)
    })
    .collect()
}

/// `Σ g²` of one gradient.
pub(crate) fn square_norm(gradient: &Tensor<2>) -> f64 {
    let gradient = Rows::new(&primitive(gradient.clone()));
    operation("gradient norm", || kernels::adamw::square_norm(gradient.values()))
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
