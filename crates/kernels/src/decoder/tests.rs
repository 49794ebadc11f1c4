//! The step against a model written out in f64, and against itself: any slot, number of slots and order.

use super::ahead::Ahead;
use super::attention::Attend;
use super::buffer::padded;
use super::*;
use crate::vector::{Inlined, Plain, Simd, with_simd};

/// Uniform in [-1, 1), from a counter (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn values(&mut self, n: usize, around: f32, scale: f32) -> Vec<f32> {
        (0..n).map(|_| around + scale * ((self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0)).collect()
    }
}

/// Weights that own their values, large enough that attention and gates are far from linear.
struct Owned {
    config: DecoderConfig,
    embedding: Vec<f32>,
    layers: Vec<[Vec<f32>; 9]>,
    norm: Vec<f32>,
}

impl Owned {
    fn new(config: DecoderConfig) -> Self {
        let DecoderConfig { vocab, width: d, layers, heads, kv_heads, head_width, hidden, .. } = config;
        let mut noise = Noise(7);
        let mut matrix =
            |outputs: usize, inputs: usize| noise.values(outputs * inputs, 0.0, 2.0 / (inputs as f32).sqrt());
        let (q, kv) = (heads * head_width, kv_heads * head_width);
        let mut layer = |_| {
            let [q, k, v, o] = [(q, d), (kv, d), (kv, d), (d, q)].map(|(outputs, inputs)| matrix(outputs, inputs));
            let [gate, up, down] =
                [(hidden, d), (hidden, d), (d, hidden)].map(|(outputs, inputs)| matrix(outputs, inputs));
            [vec![], q, k, v, o, vec![], gate, up, down]
        };
        let mut layers: Vec<_> = (0..layers).map(&mut layer).collect();
        let embedding = noise.values(vocab * d, 0.0, 1.0);
        for layer in &mut layers {
            layer[0] = noise.values(d, 1.0, 0.5);
            layer[5] = noise.values(d, 1.0, 0.5);
        }
        Self { config, embedding, layers, norm: noise.values(d, 1.0, 0.5) }
    }

    fn weights(&self) -> DecoderWeights<'_> {
        let layers = self.layers.iter().map(
            |[
                input_layernorm,
                q_proj,
                k_proj,
                v_proj,
                o_proj,
                post_attention_layernorm,
                gate_proj,
                up_proj,
                down_proj,
            ]| {
                LayerWeights {
                    input_layernorm,
                    q_proj,
                    k_proj,
                    v_proj,
                    o_proj,
                    post_attention_layernorm,
                    gate_proj,
                    up_proj,
                    down_proj,
                }
            },
        );
        DecoderWeights { embed_tokens: &self.embedding, layers: layers.collect(), norm: &self.norm }
    }

    /// Logits of every position of `tokens`, in f64, straight from the formulas.
    fn reference(&self, tokens: &[u32]) -> Vec<Vec<f64>> {
        let DecoderConfig { width, heads, kv_heads, head_width, theta, eps, .. } = self.config;
        let apply = |matrix: &[f32], x: &[f64]| -> Vec<f64> {
            matrix.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum()).collect()
        };
        let norm = |x: &[f64], weight: &[f32]| -> Vec<f64> {
            let scale = (x.iter().map(|x| x * x).sum::<f64>() / width as f64 + eps).sqrt();
            x.iter().zip(weight).map(|(x, &w)| x / scale * f64::from(w)).collect()
        };
        let rotate = |x: &mut [f64], position: usize| {
            let half = head_width / 2;
            for head in x.chunks_exact_mut(head_width) {
                for i in 0..half {
                    let angle = position as f64 * theta.powf(-2.0 * i as f64 / head_width as f64);
                    let (a, b) = (head[i], head[i + half]);
                    head[i] = a * angle.cos() - b * angle.sin();
                    head[i + half] = b * angle.cos() + a * angle.sin();
                }
            }
        };
        let mut cache: Vec<Vec<(Vec<f64>, Vec<f64>)>> = vec![vec![]; self.layers.len()];
        let mut all = vec![];
        for (position, &token) in tokens.iter().enumerate() {
            let row = &self.embedding[token as usize * width..][..width];
            let mut x: Vec<f64> = row.iter().map(|&w| f64::from(w)).collect();
            for ([norm1, q, k, v, o, norm2, gate, up, down], cache) in self.layers.iter().zip(&mut cache) {
                let h = norm(&x, norm1);
                let (mut query, mut key) = (apply(q, &h), apply(k, &h));
                rotate(&mut query, position);
                rotate(&mut key, position);
                cache.push((key, apply(v, &h)));
                let mut mixed = vec![0.0; heads * head_width];
                for head in 0..heads {
                    let at = head / (heads / kv_heads) * head_width;
                    let query = &query[head * head_width..][..head_width];
                    let weights: Vec<f64> = cache
                        .iter()
                        .map(|(key, _)| {
                            key[at..][..head_width].iter().zip(query).map(|(k, q)| k * q).sum::<f64>()
                                / (head_width as f64).sqrt()
                        })
                        .map(f64::exp)
                        .collect();
                    let total: f64 = weights.iter().sum();
                    for (weight, (_, value)) in weights.iter().zip(cache.iter()) {
                        for i in 0..head_width {
                            mixed[head * head_width + i] += weight / total * value[at + i];
                        }
                    }
                }
                x.iter_mut().zip(apply(o, &mixed)).for_each(|(x, y)| *x += y);
                let h = norm(&x, norm2);
                let gated: Vec<f64> =
                    apply(gate, &h).iter().zip(apply(up, &h)).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
                x.iter_mut().zip(apply(down, &gated)).for_each(|(x, y)| *x += y);
            }
            all.push(apply(&self.embedding, &norm(&x, &self.norm)));
        }
        all
    }
}

fn config(
    vocab: usize,
    width: usize,
    layers: usize,
    [heads, kv_heads, head_width]: [usize; 3],
    hidden: usize,
    context: usize,
) -> DecoderConfig {
    DecoderConfig { vocab, width, layers, heads, kv_heads, head_width, hidden, context, theta: 10_000.0, eps: 1e-5 }
}

/// Odd sizes with grouped heads: nothing is a multiple of a vector.
fn odd() -> DecoderConfig {
    config(61, 24, 2, [4, 2, 6], 40, 37)
}

/// `n` sequences that start alike and part after a few tokens.
fn sequences(n: usize, length: usize, vocab: usize) -> Vec<Vec<u32>> {
    (0..n)
        .map(|s| {
            let mut noise = Noise(s as u64);
            (0..length).map(|t| if t == 0 { 0 } else { (noise.next() % vocab as u64) as u32 }).collect()
        })
        .collect()
}

/// Bits of the logits of every sequence at every position; `slot_of[s]` is the slot of sequence `s`, which starts
/// `s % stagger` steps after the first.
fn decode(decoder: &mut CpuDecoder, sequences: &[Vec<u32>], slot_of: &[usize], stagger: usize) -> Vec<Vec<Vec<u32>>> {
    let (slots, vocab) = (decoder.slots(), decoder.config().vocab);
    let mut all = vec![vec![]; sequences.len()];
    let mut logits = vec![0.0; slots * vocab];
    for step in 0..sequences[0].len() + stagger - 1 {
        let (mut tokens, mut positions) = (vec![IDLE; slots], vec![0; slots]);
        let active: Vec<usize> =
            (0..sequences.len()).filter(|s| (s % stagger..sequences[*s].len() + s % stagger).contains(&step)).collect();
        for &s in &active {
            tokens[slot_of[s]] = sequences[s][step - s % stagger];
            positions[slot_of[s]] = (step - s % stagger) as u32;
        }
        decoder.step(&tokens, &positions, &mut logits);
        for &s in &active {
            all[s].push(logits[slot_of[s] * vocab..][..vocab].iter().map(|x| x.to_bits()).collect());
        }
    }
    all
}

#[test]
fn follows_the_formulas() {
    let shapes = [
        odd(),
        config(32, 16, 1, [1, 1, 2], 7, 5),
        config(50, 64, 2, [4, 4, 16], 96, 70),
        config(33, 40, 2, [5, 1, 20], 17, 20),
        config(17, 72, 1, [2, 2, 36], 100, 18),
    ];
    for shape in shapes {
        let owned = Owned::new(shape);
        let sequences = sequences(3, shape.context, shape.vocab);
        let mut decoder = CpuDecoder::new(shape, &owned.weights(), 3);
        let ours = decode(&mut decoder, &sequences, &[0, 1, 2], 1);
        for (sequence, ours) in sequences.iter().zip(&ours) {
            for (position, (expected, ours)) in owned.reference(sequence).iter().zip(ours).enumerate() {
                for (&expected, &ours) in expected.iter().zip(ours) {
                    let ours = f64::from(f32::from_bits(ours));
                    assert!(
                        (expected - ours).abs() < 2e-5 * (1.0 + expected.abs()),
                        "{shape:?} at {position}: {ours} for {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn bits_depend_on_the_sequence_alone() {
    for shape in [odd(), config(128, 64, 2, [4, 4, 16], 96, 24)] {
        let owned = Owned::new(shape);
        let sequences = sequences(64, 20, shape.vocab);
        let mut alone = CpuDecoder::new(shape, &owned.weights(), 1);
        // One after the other in one slot: each starts anew over what the last one left.
        let expected: Vec<_> =
            sequences.iter().flat_map(|s| decode(&mut alone, std::slice::from_ref(s), &[0], 1)).collect();
        for (slots, stagger) in [(1, 1), (2, 1), (2, 2), (3, 1), (64, 1), (64, 5), (256, 3)] {
            let mut decoder = alone.sibling(slots);
            let n = slots.min(64);
            // A permutation with gaps where there are more slots than sequences (both strides are odd, slots of 3 and 1 aside).
            let slot_of: Vec<usize> =
                (0..n).map(|s| if slots == 3 { (s * 2 + 1) % 3 } else { (s * 37 + 11) % slots }).collect();
            for round in 0..2 {
                let found = decode(&mut decoder, &sequences[..n], &slot_of, stagger);
                assert!(found == expected[..n], "{slots} slots, round {round}");
            }
        }
    }
}

#[test]
fn states_see_the_same_logits_and_idle_slots_are_left_alone() {
    let shape = odd();
    let owned = Owned::new(shape);
    let mut first = CpuDecoder::new(shape, &owned.weights(), 3);
    let mut second = first.sibling(3);
    let mut logits = vec![7.0; 3 * shape.vocab];
    first.step(&[1, IDLE, 2], &[0, 99, 0], &mut logits);
    let mut states: Vec<Vec<f32>> = vec![vec![7.0; shape.vocab]; 3];
    second.step_with(&[1, IDLE, 2], &[0, 99, 0], &mut states, |slot, state, logits| {
        assert_ne!(slot, 1);
        state.copy_from_slice(logits);
    });
    assert_eq!(states.concat(), logits);
    assert!(logits[shape.vocab..2 * shape.vocab].iter().all(|&x| x == 7.0));
    first.step(&[IDLE; 3], &[0; 3], &mut logits);
    assert_eq!(states.concat(), logits);
}

#[test]
#[should_panic(expected = "leaves a gap")]
fn a_gap_is_refused() {
    let owned = Owned::new(odd());
    let mut decoder = CpuDecoder::new(odd(), &owned.weights(), 1);
    decoder.step(&[1], &[1], &mut vec![0.0; 61]);
}

#[test]
#[should_panic(expected = "outside the vocabulary")]
fn a_foreign_token_is_refused() {
    let owned = Owned::new(odd());
    let mut decoder = CpuDecoder::new(odd(), &owned.weights(), 1);
    decoder.step(&[61], &[0], &mut vec![0.0; 61]);
}

/// Every kernel once, on odd sizes, with the given instructions.
#[inline(always)]
fn kernels<S: Simd>(s: S) -> Vec<f32> {
    let config = odd();
    let owned = Owned::new(config);
    let model = Model::new(config, &owned.weights());
    let (layer, rows) = (&model.layers[0], 11);
    let (width, qkv_width, gate_up_width) = (padded(config.width), layer.qkv.outputs(), layer.gate_up.outputs());
    let mut noise = Noise(5);
    let mut stream = noise.values(rows * width, 0.0, 1.0);
    let mut normed = vec![0.0; rows * width];
    rows::rms_norm_with(s, config.width, &stream, &layer.input_norm, 1e-5, &mut normed);
    let mut projected = vec![0.0; rows * qkv_width];
    let places: Vec<Row> = (0..rows as u32).map(|slot| Row { slot, token: 0, position: 3 * slot }).collect();
    let mut cache = noise.values(rows * model.layout.slot(), 0.0, 1.0);
    let mut ahead = Ahead::new(&model.layout, &places, &cache, 1);
    layer.qkv.product_with(s, rows, &normed, width, &mut projected, qkv_width, false, &mut ahead);
    let mut scores = vec![0.0; model.layout.scores()];
    let mut attend = Attend {
        layout: &model.layout,
        rotary: &model.rotary,
        layer: 1,
        rows: &places,
        projected: &mut projected,
        stride: qkv_width,
        cache: &mut cache,
        scores: &mut scores,
    };
    attend.run_with(s);
    layer.output.product_with(s, rows, &projected, qkv_width, &mut stream, width, true, &mut ahead);
    let mut gate_up = vec![0.0; rows * gate_up_width];
    layer.gate_up.product_with(s, rows, &normed, width, &mut gate_up, gate_up_width, false, &mut ahead);
    rows::swiglu_with(s, gate_up_width / 2, &mut gate_up);
    [stream, gate_up].concat()
}

#[test]
fn all_instruction_sets_agree() {
    let plain = kernels(Plain);
    let mut others = vec![with_simd!(|s| kernels(s))];
    #[cfg(target_arch = "x86_64")]
    if let Some(s) = pulp::x86::V3::try_new() {
        others.push(s.vectorize(Inlined(|| kernels(s))));
    } else {
        crate::testing::skipped("no AVX2");
    }
    for other in &others {
        // Whether there is a fused multiply-add or not.
        for (a, b) in plain.iter().zip(other) {
            assert!((a - b).abs() < 1e-5 * (1.0 + a.abs()), "{a} and {b}");
        }
        // AVX-512 and AVX2 do the same sums in the same order.
        assert!(other.iter().zip(&others[0]).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
