//! Kernels on a GPU's tensors: those of [`gpu`], on the buffers that Burn's tensors lie in.

use super::{FusedOps, Targets, autodiff::Kernels};
use crate::limits::Limits;
use crate::{AttentionShape, Moments, OptimizerConfig, Precision, TokenRule, Update};
use burn::backend::{Cube, CubeDevice, DispatchDevice, TensorMetadata, ops::FloatTensorOps};
use burn::tensor::{DType, Device, FloatDType, Shape, Tensor};
use burn_cubecl::{kernel::into_contiguous, tensor::CubeTensor};
use gpu::linear::{self, Sizes};
use gpu::precision::DevicePrecision;
use gpu::product::Target;
use gpu::{Client, Handle, adamw, attention as kernel, embedding, head_loss as head, muon, rms_norm, swiglu};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Whether a tensor's work is done by a GPU.
pub(crate) fn is_gpu(device: &Device) -> bool {
    cube_device(device).is_some()
}

fn cube_device(device: &Device) -> Option<CubeDevice> {
    match device.clone().without_autodiff().as_dispatch() {
        DispatchDevice::Cube(device) => Some(device.clone()),
        _ => None,
    }
}

/// Whether units of a GPU's workgroup see what others have written; true of what is no GPU.
pub(crate) fn has_shared_memory(device: &Device) -> bool {
    cube_device(device).is_none_or(|device| gpu::probe::has_shared_memory(&device.client()))
}

/// A GPU's queue, for work beside the operations of a model.
pub(crate) fn client(device: &Device) -> Option<Client> {
    cube_device(device).map(|device| device.client())
}

/// What a GPU's memory can hold.
pub(crate) fn limits(device: &Device) -> Option<Limits> {
    let client = client(device)?;
    let memory = &client.properties().memory;
    Some(Limits { largest: memory.max_page_size, all: memory.max_memory() })
}

/// Whether what was to write these has been refused already; says why.
pub(crate) fn check(tensors: &[Tensor<2>]) -> Result<(), String> {
    let Some(client) = tensors.first().and_then(|tensor| client(&tensor.device())) else { return Ok(()) };
    let tensors: Vec<CubeTensor> = tensors.iter().cloned().map(primitive).collect();
    client.check(tensors.iter().map(|tensor| &tensor.handle)).map_err(|error| error.to_string())
}

/// What all layers' attention over one batch shares.
pub(crate) struct AttentionContext {
    shape: AttentionShape,
    starts: Handle,
    rotary: kernel::Rotary,
}

impl fmt::Debug for AttentionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttentionContext").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl AttentionContext {
    pub(super) fn new(shape: AttentionShape, starts: &[u32], device: &Device) -> Option<Self> {
        let device = cube_device(device)?;
        let AttentionShape { time, head_width, theta, .. } = shape;
        if !head_width.is_multiple_of(8) {
            return None;
        }
        Some(Self {
            shape,
            starts: gpu::upload(&device.client(), starts),
            rotary: rotary(&device, time, head_width, theta),
        })
    }

    /// The context that was made for this device.
    fn of(context: &super::AttentionContext) -> &Self {
        match context {
            super::AttentionContext::Cube(context) => context,
            other => panic!("attention on a GPU with {other:?}"),
        }
    }
}

/// A device, positions, width of a head, and the bits of theta.
type Key = (CubeDevice, usize, usize, u64);

/// Rotary tables that were made.
static TABLES: Mutex<Vec<(Key, kernel::Rotary)>> = Mutex::new(Vec::new());

/// Drops what is kept between batches: it lies on a device that may have lost it.
pub(crate) fn forget() {
    TABLES.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// The rotary table of a device and a shape, which all batches share.
fn rotary(device: &CubeDevice, time: usize, head_width: usize, theta: f64) -> kernel::Rotary {
    let key = (device.clone(), time, head_width, theta.to_bits());
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, table)) = tables.iter().find(|(known, _)| *known == key) {
        return table.clone();
    }
    let table = kernel::Rotary::new(&device.client(), time, head_width, theta);
    tables.push((key, table.clone()));
    table
}

/// A matrix whose buffer is its elements, in order.
struct Rows {
    tensor: CubeTensor,
    /// Rows and columns.
    shape: [usize; 2],
}

impl Rows {
    fn new(tensor: CubeTensor) -> Self {
        assert_eq!(tensor.dtype, DType::F32);
        let tensor = into_contiguous(tensor);
        let shape = tensor.shape();
        let columns = shape[shape.num_dims() - 1];
        Self { shape: [shape.num_elements() / columns, columns], tensor }
    }

    fn client(&self) -> &Client {
        &self.tensor.client
    }

    fn handle(&self) -> &Handle {
        &self.tensor.handle
    }

    /// A new buffer beside this one as a tensor.
    fn beside(&self, handle: Handle, shape: impl Into<Shape>) -> CubeTensor {
        let (client, device) = (self.tensor.client.clone(), self.tensor.device.clone());
        CubeTensor::new_contiguous(client, device, shape.into(), handle, DType::F32)
    }
}

/// Whether a GPU has products of this precision.
pub(crate) fn multiplies(device: &Device, precision: Precision) -> bool {
    let cooperative = |device: CubeDevice| precision.cooperative(&device.client());
    precision == Precision::Float32 || cube_device(device).is_some_and(cooperative)
}

impl FusedOps for Cube {
    fn fused_linear(x: CubeTensor, weight: CubeTensor, precision: Precision) -> CubeTensor {
        let (x, weight) = (Rows::new(x), Rows::new(weight));
        let ([rows, input], [output, _]) = (x.shape, weight.shape);
        let sizes = Sizes { rows, input, output };
        let y = linear::forward(x.client(), precision, x.handle(), weight.handle(), None, sizes);
        x.beside(y, [rows, output])
    }

    fn fused_rms_norm(x: CubeTensor, weight: CubeTensor, epsilon: f64) -> CubeTensor {
        let (x, weight) = (Rows::new(x), Rows::new(weight));
        let made = rms_norm::forward(x.client(), x.handle(), None, weight.handle(), epsilon as f32, x.shape);
        x.beside(made.y, x.shape)
    }

    fn fused_swiglu(gate_up: CubeTensor) -> CubeTensor {
        let gate_up = Rows::new(gate_up);
        let shape = [gate_up.shape[0], gate_up.shape[1] / 2];
        gate_up.beside(swiglu::forward(gate_up.client(), gate_up.handle(), shape), shape)
    }

    fn fused_attention(projected: CubeTensor, context: Arc<super::AttentionContext>) -> CubeTensor {
        Self::attend(projected, &context).0
    }

    fn fused_embedding(table: CubeTensor, ids: Arc<[u32]>) -> CubeTensor {
        let table = Rows::new(table);
        let uploaded = gpu::upload(table.client(), &ids);
        let rows = embedding::forward(table.client(), table.handle(), &uploaded, ids.len(), table.shape);
        table.beside(rows, [ids.len(), table.shape[1]])
    }

    fn fused_head_loss(
        hidden: CubeTensor,
        head: CubeTensor,
        targets: Targets,
        rule: TokenRule,
        precision: Precision,
    ) -> (CubeTensor, CubeTensor) {
        let (sum, losses, _) = Self::lose(hidden, head, &targets, rule, precision, false);
        (sum, losses)
    }
}

impl Kernels for Cube {
    type LogSums = Handle;

    fn linear_input_gradient(dy: CubeTensor, weight: CubeTensor, precision: Precision) -> CubeTensor {
        let (dy, weight) = (Rows::new(dy), Rows::new(weight));
        let ([rows, output], [_, input]) = (dy.shape, weight.shape);
        let sizes = Sizes { rows, input, output };
        let dx = linear::backward_input(dy.client(), precision, dy.handle(), weight.handle(), sizes);
        dy.beside(dx, [rows, input])
    }

    fn linear_weight_gradient(dy: CubeTensor, x: CubeTensor, precision: Precision) -> CubeTensor {
        let (dy, x) = (Rows::new(dy), Rows::new(x));
        let ([rows, output], [_, input]) = (dy.shape, x.shape);
        let sizes = Sizes { rows, input, output };
        let dw = linear::backward_weight(dy.client(), precision, dy.handle(), x.handle(), Target::New, sizes);
        dy.beside(dw, [output, input])
    }

    fn rms_norm_gradients(x: CubeTensor, weight: CubeTensor, epsilon: f64, dy: CubeTensor) -> (CubeTensor, CubeTensor) {
        let (x, weight, dy) = (Rows::new(x), Rows::new(weight), Rows::new(dy));
        let (client, epsilon) = (x.client(), epsilon as f32);
        let made = rms_norm::backward(client, x.handle(), weight.handle(), epsilon, dy.handle(), None, x.shape);
        (x.beside(made.dx, x.shape), x.beside(made.dweight, weight.shape))
    }

    fn swiglu_gradient(gate_up: CubeTensor, dy: CubeTensor) -> CubeTensor {
        let (gate_up, dy) = (Rows::new(gate_up), Rows::new(dy));
        let gradient = swiglu::backward(gate_up.client(), gate_up.handle(), dy.handle(), dy.shape);
        gate_up.beside(gradient, gate_up.shape)
    }

    fn attend(projected: CubeTensor, context: &super::AttentionContext) -> (CubeTensor, Handle) {
        let projected = Rows::new(projected);
        let AttentionContext { shape, starts, rotary } = AttentionContext::of(context);
        let made = kernel::forward(projected.client(), *shape, projected.handle(), starts, rotary);
        (projected.beside(made.out, [projected.shape[0], shape.width()]), made.lse)
    }

    fn attention_gradient(
        projected: CubeTensor,
        context: &super::AttentionContext,
        out: CubeTensor,
        log_sums: Handle,
        dy: CubeTensor,
    ) -> CubeTensor {
        let (projected, dy) = (Rows::new(projected), Rows::new(dy));
        let AttentionContext { shape, starts, rotary } = AttentionContext::of(context);
        let saved = kernel::Forward { out: out.handle, lse: log_sums };
        let (client, qkv) = (projected.client(), projected.handle());
        let gradient = kernel::backward(client, *shape, qkv, starts, rotary, &saved, dy.handle());
        projected.beside(gradient, projected.shape)
    }

    fn embedding_gradient(dy: CubeTensor, ids: &[u32], rows: usize) -> CubeTensor {
        let dy = Rows::new(dy);
        let (client, width) = (dy.client(), dy.shape[1]);
        let table = Self::float_zeros([rows, width].into(), &dy.tensor.device, FloatDType::F32);
        let segments = embedding::Segments::new(ids, rows).upload(client);
        embedding::backward(client, &segments, dy.handle(), width, &table.handle);
        table
    }

    fn lose(
        hidden: CubeTensor,
        weight: CubeTensor,
        targets: &Targets,
        rule: TokenRule,
        precision: Precision,
        gradients: bool,
    ) -> (CubeTensor, CubeTensor, Option<[CubeTensor; 2]>) {
        let (hidden, weight) = (Rows::new(hidden), Rows::new(weight));
        let ([rows, width], [vocabulary, _]) = (hidden.shape, weight.shape);
        assert!(targets.0.len() == rows && targets.1.len() == rows, "a target and a weight for each row");
        let client = hidden.client();
        let (targets, weights) = (gpu::upload(client, &targets.0), gpu::upload_floats(client, &targets.1));
        let rule = rule.map(|prior| gpu::upload_floats(client, prior));
        let inputs = head::Inputs {
            hidden: hidden.handle(),
            head: weight.handle().into(),
            targets: &targets,
            weights: &weights,
            rows,
            width,
            vocabulary,
            rule: rule.as_ref(),
            precision,
        };
        let (losses, formed) = if gradients {
            let (losses, formed) = head::losses_and_gradients(client, inputs);
            (losses, Some([hidden.beside(formed.hidden, hidden.shape), hidden.beside(formed.head, weight.shape)]))
        } else {
            (head::losses(client, inputs), None)
        };
        (hidden.beside(losses.sum, [1]), hidden.beside(losses.each, [rows]), formed)
    }

    fn scaled(gradient: CubeTensor, upstream: CubeTensor) -> CubeTensor {
        let upstream = Self::float_reshape(upstream, [1, 1].into());
        Self::float_mul(gradient, upstream)
    }
}

/// What a device knows of the optimizer's steps.
#[derive(Debug)]
pub(crate) struct OptimizerState(adamw::State);

impl OptimizerState {
    /// After `steps` steps on the device of these moments; none if that is no GPU.
    pub(crate) fn after(moments: &Moments, steps: u32) -> Option<Self> {
        client(&moments.first.device()).map(|client| Self(adamw::State::new(&client, steps)))
    }

    /// Steps taken. Waits for the device, which is that of these moments.
    pub(crate) fn steps(&self, moments: &Moments) -> u32 {
        self.0.read(&client(&moments.first.device()).expect("only a GPU counts steps")).steps
    }
}

/// A parameter, its gradient and its moments in buffers of their own.
struct Stepped {
    p: CubeTensor,
    g: Rows,
    first: CubeTensor,
    second: Option<CubeTensor>,
}

impl Stepped {
    fn len(&self) -> usize {
        self.g.shape[0] * self.g.shape[1]
    }

    /// As AdamW moves it.
    fn adamw(&self, decays: bool) -> adamw::Parameter {
        let second = self.second.as_ref().expect("AdamW has two moments");
        adamw::Parameter {
            p: self.p.handle.clone(),
            g: self.g.handle().clone(),
            m: self.first.handle.clone(),
            v: second.handle.clone(),
            len: self.len(),
            decays,
        }
    }

    /// As Muon moves the matrices in it.
    fn matrices(&self, parts: &[usize]) -> impl Iterator<Item = muon::Matrix> {
        let columns = self.g.shape[1];
        let whole = muon::Matrix {
            p: self.p.handle.clone(),
            g: self.g.handle().clone(),
            m: self.first.handle.clone(),
            len: self.len(),
            start: 0,
            rows: 0,
            columns,
        };
        parts.iter().scan(0, move |start, &rows| {
            let first = *start;
            *start += rows * columns;
            Some(muon::Matrix { start: first, rows, ..whole.clone() })
        })
    }
}

/// One step of the optimizer in place; gives the parameters back, and the norm of the scaled gradients before the clip. A
/// norm that is not finite moves nothing.
pub(crate) fn optimizer(
    config: &OptimizerConfig,
    state: &mut Option<OptimizerState>,
    parameters: Vec<Tensor<2>>,
    gradients: Vec<Tensor<2>>,
    moments: &mut [Moments],
    updates: &[Update],
    scale: f64,
    rate: f64,
) -> (Vec<Tensor<2>>, Tensor<1>) {
    let each = parameters.into_iter().zip(gradients).zip(moments.iter_mut());
    let stepped: Vec<Stepped> = each
        .map(|((p, g), moments)| Stepped {
            p: own(p),
            g: Rows::new(primitive(g)),
            first: own(moments.first.extract()),
            second: moments.second.take().map(own),
        })
        .collect();
    let first = stepped.first().expect("a model has parameters");
    let client = first.g.client().clone();
    let OptimizerState(state) = state.get_or_insert_with(|| OptimizerState(adamw::State::new(&client, 0)));
    let gradients: Vec<adamw::Gradient> =
        stepped.iter().map(|it| adamw::Gradient { g: it.g.handle().clone(), len: it.len() }).collect();
    let (scale, rate) = (scale as f32, rate as f32);
    let norm = adamw::measure(&client, &config.adamw, state, &gradients, scale, rate);
    let (mut elements, mut matrices) = (Vec::new(), Vec::new());
    for (stepped, update) in stepped.iter().zip(updates) {
        match update {
            Update::AdamW { decays } => elements.push(stepped.adamw(*decays)),
            Update::Muon { parts } => matrices.extend(stepped.matrices(parts)),
        }
    }
    adamw::update(&client, &config.adamw, state, &elements, rate);
    muon::update(&client, &config.muon(), state, &matrices, rate);
    let norm = Tensor::from_primitive::<Cube>(first.g.beside(norm, [1]));
    let back = |tensor: CubeTensor| Tensor::from_primitive::<Cube>(tensor);
    let moved = stepped.into_iter().zip(moments).map(|(stepped, moments)| {
        *moments = Moments { first: back(stepped.first), second: stepped.second.map(back) };
        back(stepped.p)
    });
    (moved.collect(), norm)
}

fn primitive(tensor: Tensor<2>) -> CubeTensor {
    tensor.try_into_primitive::<Cube>().expect("the caller has looked at the device")
}

/// The tensor in a buffer of its own, which may be written to.
fn own(tensor: Tensor<2>) -> CubeTensor {
    let Rows { tensor, .. } = Rows::new(primitive(tensor));
    if tensor.can_mut() { tensor } else { tensor.copy() }
}
