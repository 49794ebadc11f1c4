use crate::AttentionShape;
use crate::fused::{self, AttentionContext};
use burn::tensor::{Bool, Device, Tensor, TensorData, activation::softmax};
use std::sync::Arc;

/// What all layers' attention over one batch shares: who may look where, and the rotary angles.
#[derive(Clone, Debug)]
pub struct Attention {
    shape: AttentionShape,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Fused(Arc<AttentionContext>),
    Reference(Box<Reference>),
}

/// What the reference body needs.
#[derive(Clone, Debug)]
struct Reference {
    /// `[batch, 1, time, time]`: true where a query (third axis) must not see a key (fourth).
    hidden: Tensor<4, Bool>,
    /// Cosines and sines of the rotary angles, `[batch, time, 1, head_width]`.
    cos: Tensor<4>,
    sin: Tensor<4>,
}

impl Attention {
    /// `starts[window × time + position]` is the index within the window of the first position of the document that the
    /// position belongs to. A position sees those of its own document up to itself; rotary positions count from its start.
    ///
    /// # Panics
    /// If `starts` has not `batch × time` entries, a start lies after its position, or the head's width is odd.
    pub fn new(shape: AttentionShape, starts: &[u32], device: &Device) -> Self {
        check(shape, starts);
        match AttentionContext::new(shape, starts, device) {
            Some(context) => Self { shape, body: Body::Fused(Arc::new(context)) },
            None => Self::reference(shape, starts, device),
        }
    }

    /// The same for the reference body, on any device.
    #[doc(hidden)]
    pub fn reference(shape: AttentionShape, starts: &[u32], device: &Device) -> Self {
        check(shape, starts);
        Self { shape, body: Body::Reference(Box::new(Reference::new(shape, starts, device))) }
    }

    /// The sizes.
    pub fn shape(&self) -> AttentionShape {
        self.shape
    }
}

fn check(shape: AttentionShape, starts: &[u32]) {
    let AttentionShape { batch, time, head_width, .. } = shape;
    assert_eq!(starts.len(), batch * time, "one start for each position");
    assert!(head_width.is_multiple_of(2), "rotary positions need an even head width, not {head_width}");
    let late = starts.iter().enumerate().find(|&(index, &start)| start as usize > index % time);
    assert!(late.is_none(), "a document starts after its position: {late:?}");
}

impl Reference {
    fn new(shape: AttentionShape, starts: &[u32], device: &Device) -> Self {
        let AttentionShape { batch, time, head_width, theta, .. } = shape;
        let half = head_width / 2;
        let mut hidden = Vec::with_capacity(batch * time * time);
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for (index, &start) in starts.iter().enumerate() {
            let position = index % time;
            hidden.extend((0..time).map(|key| key > position || key < start as usize));
            for column in 0..head_width {
                // Rotate-half: columns i and i + half turn together.
                let frequency = theta.powf(-((column % half) as f64) / half as f64);
                let angle = (position - start as usize) as f64 * frequency;
                cos.push(angle.cos() as f32);
                sin.push(angle.sin() as f32);
            }
        }
        let rotary = |values| Tensor::from_data(TensorData::new(values, [batch, time, 1, head_width]), device);
        Self {
            hidden: Tensor::from_data(TensorData::new(hidden, [batch, 1, time, time]), device),
            cos: rotary(cos),
            sin: rotary(sin),
        }
    }

    /// Turns `x: [batch, time, heads, head_width]` by its positions' angles.
    fn rotate(&self, x: Tensor<4>) -> Tensor<4> {
        let half = x.dims()[3] / 2;
        let turned = Tensor::cat(vec![x.clone().narrow(3, half, half).neg(), x.clone().narrow(3, 0, half)], 3);
        x * self.cos.clone() + turned * self.sin.clone()
    }
}

/// Causal attention within documents (Vaswani et al. 2017), scores scaled by `1/√head_width`.
///
/// # Shapes
/// - `projected`: `[batch × time, (heads + 2 × kv_heads) × head_width]`, all queries, then keys, then values
/// - result: `[batch × time, heads × head_width]`
pub fn attention(projected: Tensor<2>, context: &Attention) -> Tensor<2> {
    let AttentionShape { batch, time, heads, kv_heads, head_width, .. } = context.shape;
    let context = match &context.body {
        Body::Fused(context) => return fused::attention(projected, context.clone()),
        Body::Reference(reference) => reference,
    };
    let part = |start: usize, count: usize| {
        projected.clone().narrow(1, start * head_width, count * head_width).reshape([batch, time, count, head_width])
    };
    let group = |x: Tensor<4>| {
        // [batch, time, kv_heads, width] -> [batch, heads, time, width], each key head repeated for its queries.
        let x = x.swap_dims(1, 2);
        match heads / kv_heads {
            1 => x,
            n => x
                .reshape([batch, kv_heads, 1, time * head_width])
                .repeat_dim(2, n)
                .reshape([batch, heads, time, head_width]),
        }
    };
    let queries = context.rotate(part(0, heads)).swap_dims(1, 2);
    let keys = group(context.rotate(part(heads, kv_heads)));
    let values = group(part(heads + kv_heads, kv_heads));
    let scores = queries.matmul(keys.swap_dims(2, 3)).mul_scalar(1.0 / (head_width as f64).sqrt());
    // Finite, so that a hidden score's gradient is zero and not 0 · ∞.
    let scores = scores.mask_fill(context.hidden.clone().expand([batch, heads, time, time]), -1e30);
    softmax(scores, 3).matmul(values).swap_dims(1, 2).reshape([batch * time, heads * head_width])
}
