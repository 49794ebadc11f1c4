use crate::{ModelConfig, Weights};
use burn::tensor::{Device, Tensor, TensorData};
use ops::{Attention, Precision, Update, attention, embedding, linear, rms_norm, swiglu};
use std::collections::BTreeMap;

/// The transformer on a device. Projections that read the same input are fused: queries, keys and values into one, gate
/// and up into one. Every parameter is a matrix; norms have one row.
#[derive(Clone, Debug)]
pub struct Transformer {
    config: ModelConfig,
    embedding: Tensor<2>,
    blocks: Vec<Block>,
    norm: Tensor<2>,
    precision: Precision,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) norm1: Tensor<2>,
    /// `[(heads + 2 × kv_heads) × head_width, width]`
    pub(crate) projection: Tensor<2>,
    pub(crate) output: Tensor<2>,
    pub(crate) norm2: Tensor<2>,
    /// `[2 × hidden, width]`
    pub(crate) gate_up: Tensor<2>,
    pub(crate) down: Tensor<2>,
}

/// How the fused tensors are made of Hugging Face's: for each, the parts whose rows follow each other.
const ATTENTION_PARTS: [&str; 3] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
const FEED_FORWARD_PARTS: [&str; 2] = ["mlp.gate_proj", "mlp.up_proj"];

fn layer_name(layer: usize, part: &str) -> String {
    format!("model.layers.{layer}.{part}.weight")
}

impl Transformer {
    /// Puts weights on a device. On a device with autodiff every parameter is tracked.
    pub fn new(weights: &Weights, device: &Device) -> Self {
        let config = weights.config().clone();
        let place = |names: &[String], columns: usize| {
            let values: Vec<f32> = names.iter().flat_map(|n| weights.tensor(n)).copied().collect();
            let rows = values.len() / columns;
            let tensor = Tensor::from_data(TensorData::new(values, [rows, columns]), device);
            if device.is_autodiff() { tensor.require_grad() } else { tensor }
        };
        let blocks = (0..config.layers).map(|layer| {
            let one = |part: &str, columns| place(&[layer_name(layer, part)], columns);
            let fused =
                |parts: &[&str]| place(&parts.iter().map(|p| layer_name(layer, p)).collect::<Vec<_>>(), config.width);
            Block {
                norm1: one("input_layernorm", config.width),
                projection: fused(&ATTENTION_PARTS),
                output: one("self_attn.o_proj", config.heads * config.head_width),
                norm2: one("post_attention_layernorm", config.width),
                gate_up: fused(&FEED_FORWARD_PARTS),
                down: one("mlp.down_proj", config.hidden),
            }
        });
        Self {
            blocks: blocks.collect(),
            embedding: place(&["model.embed_tokens.weight".to_owned()], config.width),
            norm: place(&["model.norm.weight".to_owned()], config.width),
            precision: Precision::Float32,
            config,
        }
    }

    /// The same with products of another precision; of float32 before.
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The precision of products.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The sizes.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The tied embedding, which is the output head: `[vocabulary, width]`.
    pub fn head(&self) -> Tensor<2> {
        self.embedding.clone()
    }

    /// Hidden states after the last norm.
    ///
    /// # Shapes
    /// - `ids`: `batch × time` token ids, window after window, as `context` was made for
    /// - result: `[batch × time, width]`
    ///
    /// # Panics
    /// If there are more or fewer ids than `context` has positions.
    pub fn forward(&self, ids: &[u32], context: &Attention) -> Tensor<2> {
        let shape = context.shape();
        assert_eq!(ids.len(), shape.batch * shape.time, "one id for each position");
        let mut x = self.embed(ids);
        for block in &self.blocks {
            x = block.forward(x, context, self.config.epsilon, self.precision);
        }
        rms_norm(x, self.last_norm(), self.config.epsilon)
    }

    /// Rows of the embedding: `[ids, width]`.
    pub(crate) fn embed(&self, ids: &[u32]) -> Tensor<2> {
        embedding(self.embedding.clone(), ids)
    }

    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub(crate) fn last_norm(&self) -> Tensor<2> {
        self.norm.clone()
    }

    /// Every parameter, in a fixed order, to be read or replaced.
    pub fn parameters_mut(&mut self) -> Vec<&mut Tensor<2>> {
        let mut list = vec![&mut self.embedding];
        for block in &mut self.blocks {
            let Block { norm1, projection, output, norm2, gate_up, down } = block;
            list.extend([norm1, projection, output, norm2, gate_up, down]);
        }
        list.push(&mut self.norm);
        list
    }

    /// How AdamW moves each parameter, in the order of [`Transformer::parameters_mut`]: matrices decay, norms do not.
    pub fn by_adamw(&self) -> Vec<Update> {
        self.updates(|_| Update::AdamW { decays: true })
    }

    /// The same with Muon for the matrices of the blocks; the embedding, which is the head, and the norms are AdamW's.
    pub fn by_muon(&self) -> Vec<Update> {
        self.updates(|parts| Update::Muon { parts })
    }

    /// `of_matrix` says how a tensor of the blocks with matrices of so many rows is moved.
    fn updates(&self, of_matrix: impl Fn(Vec<usize>) -> Update) -> Vec<Update> {
        let ModelConfig { width, hidden, head_width, heads, kv_heads, .. } = self.config;
        let [queries, keys] = [heads, kv_heads].map(|heads| heads * head_width);
        let norm = || Update::AdamW { decays: false };
        let mut list = vec![Update::AdamW { decays: true }];
        for _ in &self.blocks {
            let [projection, output] = [vec![queries, keys, keys], vec![width]].map(&of_matrix);
            let [gate_up, down] = [vec![hidden, hidden], vec![width]].map(&of_matrix);
            list.extend([norm(), projection, output, norm(), gate_up, down]);
        }
        list.push(norm());
        list
    }

    /// Reads the weights back from the device.
    ///
    /// # Panics
    /// If the device fails.
    pub fn weights(&self) -> Weights {
        let read = |tensor: &Tensor<2>| tensor.try_to_vec_as::<f32>().expect("float32 weights");
        let mut by_name = BTreeMap::new();
        by_name.insert("model.embed_tokens.weight".to_owned(), read(&self.embedding));
        by_name.insert("model.norm.weight".to_owned(), read(&self.norm));
        let (queries, keys) =
            (self.config.heads * self.config.head_width, self.config.kv_heads * self.config.head_width);
        for (layer, block) in self.blocks.iter().enumerate() {
            let mut put = |part: &str, values: Vec<f32>| by_name.insert(layer_name(layer, part), values);
            put("input_layernorm", read(&block.norm1));
            put("self_attn.o_proj", read(&block.output));
            put("post_attention_layernorm", read(&block.norm2));
            put("mlp.down_proj", read(&block.down));
            let mut split = |parts: &[&str], rows: &[usize], values: Vec<f32>| {
                let mut rest = values.as_slice();
                for (part, rows) in parts.iter().zip(rows) {
                    let (head, tail) = rest.split_at(rows * self.config.width);
                    put(part, head.to_vec());
                    rest = tail;
                }
            };
            split(&ATTENTION_PARTS, &[queries, keys, keys], read(&block.projection));
            split(&FEED_FORWARD_PARTS, &[self.config.hidden; 2], read(&block.gate_up));
        }
        Weights::from_tensors(self.config.clone(), by_name).expect("the tensors of this very architecture")
    }
}

impl Block {
    fn forward(&self, x: Tensor<2>, context: &Attention, epsilon: f64, precision: Precision) -> Tensor<2> {
        let by = |x: Tensor<2>, weight: &Tensor<2>| linear(x, weight.clone(), precision);
        let projected = by(rms_norm(x.clone(), self.norm1.clone(), epsilon), &self.projection);
        let x = x + by(attention(projected, context), &self.output);
        let gate_up = by(rms_norm(x.clone(), self.norm2.clone(), epsilon), &self.gate_up);
        x + by(swiglu(gate_up), &self.down)
    }
}
