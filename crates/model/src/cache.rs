use crate::{ModelConfig, Transformer};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData, activation::softmax};
use ops::{Precision, linear, rms_norm, swiglu};

/// Keys and values of the sequences that are being written, one slot each, for every position of the context.
///
/// The reference body for every device: all slots go through every step, and an entry beyond a slot's position is masked,
/// so a slot starts anew by nothing but going back to position 0.
pub struct Cache {
    slots: usize,
    /// Per layer, `[slots, kv_heads, context, head_width]`.
    layers: Vec<(Tensor<4>, Tensor<4>)>,
    /// Cosines and sines of every position, `[context, head_width]`.
    cos: Tensor<2>,
    sin: Tensor<2>,
}

/// What all layers of one step share.
struct Step {
    /// `[slots, 1, context, 1]`: the position that is written.
    here: Tensor<4, Bool>,
    /// `[slots, 1, 1, context]`: the positions that cannot be seen.
    hidden: Tensor<4, Bool>,
    /// `[slots, 1, head_width]`
    cos: Tensor<3>,
    sin: Tensor<3>,
}

impl Cache {
    /// An empty cache for `slots` sequences.
    pub fn new(config: &ModelConfig, slots: usize, device: &Device) -> Self {
        let half = config.head_width / 2;
        let angle = |index: usize| {
            let (position, column) = (index / config.head_width, index % config.head_width);
            position as f64 * config.theta.powf(-((column % half) as f64) / half as f64)
        };
        let table = |f: fn(f64) -> f64| {
            let values: Vec<f32> = (0..config.context * config.head_width).map(|i| f(angle(i)) as f32).collect();
            Tensor::from_data(TensorData::new(values, [config.context, config.head_width]), device)
        };
        let zeros = || Tensor::zeros([slots, config.kv_heads, config.context, config.head_width], device);
        Self {
            slots,
            layers: (0..config.layers).map(|_| (zeros(), zeros())).collect(),
            cos: table(f64::cos),
            sin: table(f64::sin),
        }
    }

    /// Sequences that it holds.
    pub fn slots(&self) -> usize {
        self.slots
    }

    fn step(&self, positions: &[u32], config: &ModelConfig) -> Step {
        let device = self.cos.device();
        let (slots, context) = (self.slots, config.context);
        let ids: Vec<i32> = positions.iter().map(|&p| p as i32).collect();
        let ids = Tensor::<1, Int>::from_data(TensorData::from(ids.as_slice()), &device);
        let mask = |f: &dyn Fn(usize, usize) -> bool, shape: [usize; 4]| {
            let values: Vec<bool> = positions
                .iter()
                .flat_map(|&p| (0..context).map(move |c| (p as usize, c)))
                .map(|(p, c)| f(p, c))
                .collect();
            Tensor::<4, Bool>::from_data(TensorData::new(values, shape), &device)
        };
        Step {
            here: mask(&|p, c| p == c, [slots, 1, context, 1]),
            hidden: mask(&|p, c| c > p, [slots, 1, 1, context]),
            cos: self.cos.clone().select(0, ids.clone()).unsqueeze_dim(1),
            sin: self.sin.clone().select(0, ids).unsqueeze_dim(1),
        }
    }
}

impl Step {
    /// Turns `x: [slots, heads, head_width]` by the slots' angles.
    fn rotate(&self, x: Tensor<3>) -> Tensor<3> {
        let half = x.dims()[2] / 2;
        let turned = Tensor::cat(vec![x.clone().narrow(2, half, half).neg(), x.clone().narrow(2, 0, half)], 2);
        x * self.cos.clone() + turned * self.sin.clone()
    }
}

impl Transformer {
    /// One token for each slot: its key and value go to the slot's position in the cache.
    ///
    /// # Shapes
    /// - `tokens`, `positions`: `[slots]`
    /// - result: logits `[slots, vocabulary]`
    ///
    /// # Panics
    /// If the lists have not one entry for each slot, or a position is outside the context.
    pub fn step(&self, tokens: &[u32], positions: &[u32], cache: &mut Cache) -> Tensor<2> {
        let config = self.config().clone();
        let slots = cache.slots;
        assert!(tokens.len() == slots && positions.len() == slots, "one token and position for each slot");
        assert!(positions.iter().all(|&p| (p as usize) < config.context), "positions lie within the context");
        let step = cache.step(positions, &config);
        let (heads, kv_heads, width) = (config.heads, config.kv_heads, config.head_width);
        let float32 = |x: Tensor<2>, weight: &Tensor<2>| linear(x, weight.clone(), Precision::Float32);
        let mut x = self.embed(tokens);
        for (block, layer) in self.blocks().iter().zip(&mut cache.layers) {
            let projected = float32(rms_norm(x.clone(), block.norm1.clone(), config.epsilon), &block.projection);
            let part = |start: usize, count: usize| {
                projected.clone().narrow(1, start * width, count * width).reshape([slots, count, width])
            };
            let whole = [slots, kv_heads, config.context, width];
            let here = step.here.clone().expand(whole);
            let keys = step.rotate(part(heads, kv_heads)).unsqueeze_dim::<4>(2).expand(whole);
            let values = part(heads + kv_heads, kv_heads).unsqueeze_dim::<4>(2).expand(whole);
            let put = |old: &mut Tensor<4>, new| old.inplace(|old| old.mask_where(here.clone(), new));
            put(&mut layer.0, keys);
            put(&mut layer.1, values);
            let queries = step.rotate(part(0, heads)).reshape([slots, kv_heads, heads / kv_heads, width]);
            let scores = queries.matmul(layer.0.clone().swap_dims(2, 3)).mul_scalar(1.0 / (width as f64).sqrt());
            let hidden = step.hidden.clone().expand([slots, kv_heads, heads / kv_heads, config.context]);
            let looked = softmax(scores.mask_fill(hidden, -1e30), 3).matmul(layer.1.clone());
            x = x + float32(looked.reshape([slots, heads * width]), &block.output);
            let gate_up = float32(rms_norm(x.clone(), block.norm2.clone(), config.epsilon), &block.gate_up);
            x = x + float32(swiglu(gate_up), &block.down);
        }
        float32(rms_norm(x, self.last_norm(), config.epsilon), &self.head())
    }
}
