use super::*;
use crate::testing::{device, numbers};
use kernels::decoder::{CpuDecoder, LayerWeights};

/// A model with weights drawn at random.
struct Owned {
    config: DecoderConfig,
    embedding: Vec<f32>,
    layers: Vec<[Vec<f32>; 9]>,
    norm: Vec<f32>,
}

impl Owned {
    fn new(config: DecoderConfig) -> Self {
        let DecoderConfig { vocab, width: d, layers, heads, kv_heads, head_width, hidden, .. } = config;
        let mut seed = 0;
        let mut draw = |n: usize, mean: f32, scale: f32| -> Vec<f32> {
            seed += 1;
            numbers(seed, n).iter().map(|x| mean + scale * x).collect()
        };
        let (q, kv) = (heads * head_width, kv_heads * head_width);
        let mut layer = |_| {
            let shapes = [(q, d), (kv, d), (kv, d), (d, q), (hidden, d), (hidden, d), (d, hidden)];
            let mut matrices =
                shapes.map(|(outputs, inputs)| draw(outputs * inputs, 0.0, 2.0 / (inputs as f32).sqrt()));
            let [q, k, v, o, gate, up, down] = &mut matrices;
            let [q, k, v, o, gate, up, down] = [q, k, v, o, gate, up, down].map(std::mem::take);
            [draw(d, 1.0, 0.5), q, k, v, o, draw(d, 1.0, 0.5), gate, up, down]
        };
        let layers = (0..layers).map(&mut layer).collect();
        Self { config, layers, embedding: draw(vocab * d, 0.0, 1.0), norm: draw(d, 0.5, 0.2) }
    }

    fn weights(&self) -> DecoderWeights<'_> {
        let layers = self.layers.iter().map(|[n1, q, k, v, o, n2, gate, up, down]| LayerWeights {
            input_layernorm: n1,
            q_proj: q,
            k_proj: k,
            v_proj: v,
            o_proj: o,
            post_attention_layernorm: n2,
            gate_proj: gate,
            up_proj: up,
            down_proj: down,
        });
        DecoderWeights { embed_tokens: &self.embedding, layers: layers.collect(), norm: &self.norm }
    }

    /// The processor's decoder.
    fn reference(&self, slots: usize) -> CpuDecoder {
        CpuDecoder::new(self.config, &self.weights(), slots)
    }
}

fn config(
    vocab: usize,
    width: usize,
    [heads, kv_heads, head_width]: [usize; 3],
    hidden: usize,
    context: usize,
) -> DecoderConfig {
    DecoderConfig { vocab, width, layers: 2, heads, kv_heads, head_width, hidden, context, theta: 10_000.0, eps: 1e-5 }
}

/// Grouped heads, and nothing a multiple of what the kernels like.
fn odd() -> DecoderConfig {
    config(61, 24, [4, 2, 6], 40, 37)
}

fn shapes() -> [DecoderConfig; 3] {
    [odd(), config(130, 72, [3, 1, 16], 70, 20), config(256, 64, [4, 4, 16], 192, 36)]
}

fn options(slots: usize) -> Options {
    Options { slots, cache: Stored::Float32, weights: Stored::Float32, tile: Tile::LOW }
}

/// The token that begins and ends a document.
const SEPARATOR: u32 = 0;

fn plain() -> Sampling {
    Sampling::default()
}

/// The uniform numbers of a document.
fn uniforms(document: u64) -> impl FnMut() -> f64 {
    let mut state = document.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A few given tokens, for some documents.
fn prompt(document: u64) -> Vec<u32> {
    (0..document % 3 * 4).map(|i| 1 + (document + 5 * i) as u32 % 60).collect()
}

struct Shelf {
    count: u64,
    next: u64,
    prompts: bool,
    done: Vec<Option<(Vec<u32>, End)>>,
}

impl Source for Shelf {
    type Draws = Box<dyn FnMut() -> f64>;

    fn begin(&mut self) -> Option<Document<Self::Draws>> {
        let index = self.next;
        self.next += 1;
        let prompt = if self.prompts { prompt(index) } else { vec![] };
        (index < self.count).then(|| Document::new(index, prompt, Box::new(uniforms(index)) as Self::Draws))
    }

    fn end(&mut self, document: Document<Self::Draws>) {
        let place = &mut self.done[document.index as usize];
        assert!(place.is_none());
        *place = Some((document.ids, document.end.unwrap()));
    }
}

fn run(decoder: &mut GpuDecoder, sampling: &Sampling, steps: usize, count: u64, prompts: bool) -> Vec<(Vec<u32>, End)> {
    let mut shelf = Shelf { count, next: 0, prompts, done: vec![None; count as usize] };
    write(decoder, (sampling, SEPARATOR), steps, &mut shelf, |_| false).unwrap();
    shelf.done.into_iter().map(Option::unwrap).collect()
}

/// The token that the processor's rule takes.
fn choose(logits: &[f32], previous: &[u32], sampling: &Sampling, u: f64) -> u32 {
    let (penalty, min_p) = (sampling.repetition_penalty.unwrap_or(1.0), sampling.min_p.unwrap_or(0.0));
    let mut scores: Vec<f64> = logits.iter().map(|&x| f64::from(x)).collect();
    let mut seen = previous.to_vec();
    seen.push(SEPARATOR);
    seen.sort_unstable();
    seen.dedup();
    for token in seen {
        let score = &mut scores[token as usize];
        *score = if *score < 0.0 { *score * penalty } else { *score / penalty };
    }
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if sampling.greedy {
        return scores.iter().position(|&score| score == best).unwrap() as u32;
    }
    let weight = |score: f64| ((score - best) / sampling.temperature).exp();
    let weights: Vec<f64> = scores.iter().map(|&s| weight(s)).map(|w| if w < min_p { 0.0 } else { w }).collect();
    let target = u * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    weights
        .iter()
        .position(|w| {
            sum += w;
            sum > target
        })
        .unwrap() as u32
}

/// The processor's documents, and the share of the GPU's tokens that its rule would not have taken after the same tokens.
fn disagreement(owned: &Owned, sampling: &Sampling, prompts: bool, documents: &[(Vec<u32>, End)]) -> (usize, usize) {
    let mut cpu = owned.reference(1);
    let (mut wrong, mut all) = (0, 0);
    let mut logits = vec![0.0; owned.config.vocab];
    for (index, (ids, end)) in documents.iter().enumerate() {
        let given = if prompts { prompt(index as u64) } else { vec![] };
        let mut draws = uniforms(index as u64);
        let mut token = SEPARATOR;
        let written = ids.iter().copied().chain((*end == End::Separator).then_some(SEPARATOR));
        for (position, found) in written.enumerate() {
            cpu.step(&[token], &[position as u32], &mut logits);
            let u = draws();
            let expected =
                given.get(position).copied().unwrap_or_else(|| choose(&logits, &ids[..position], sampling, u));
            wrong += usize::from(found != expected);
            all += 1;
            token = found;
        }
        assert!(*end == End::Separator || ids.len() == owned.config.context);
    }
    (wrong, all)
}

#[test]
fn logits_are_the_processors() {
    let Some(client) = device() else { return };
    for shape in shapes() {
        let owned = Owned::new(shape);
        let mut decoder = GpuDecoder::new(client.clone(), shape, &owned.weights(), options(3));
        let mut cpu = owned.reference(3);
        let mut expected = vec![0.0; 3 * shape.vocab];
        for position in 0..shape.context {
            let tokens = [0, 1, 2].map(|s| ((position * 7 + s * position * position) % shape.vocab) as u32);
            // Slot 1 begins anew again and again.
            let positions = [position, position % 11, position];
            let inputs = [0, 1, 2].map(|s| Some((tokens[s], positions[s])));
            let found = decoder.logits(&inputs).unwrap();
            cpu.step(&tokens, &positions.map(|p| p as u32), &mut expected);
            for (i, (&found, &expected)) in found.iter().zip(&expected).enumerate() {
                assert!((found - expected).abs() < 1e-4, "{shape:?} at {position}, {i}: {found} for {expected}");
            }
        }
    }
}

#[test]
fn documents_are_the_processors() {
    let Some(client) = device() else { return };
    let samplings = [
        plain(),
        Sampling { temperature: 0.7, repetition_penalty: Some(1.3), ..plain() },
        Sampling { min_p: Some(0.1), ..plain() },
        Sampling { greedy: true, repetition_penalty: Some(1.5), ..plain() },
    ];
    let (mut wrong, mut all) = (0, 0);
    for (shape, samplings) in shapes().into_iter().zip([&samplings[..], &samplings[..1], &samplings[..1]]) {
        let owned = Owned::new(shape);
        let prompts = samplings.len() > 1;
        let mut decoder = GpuDecoder::new(client.clone(), shape, &owned.weights(), options(16));
        for sampling in samplings {
            let documents = run(&mut decoder, sampling, 9, 24, prompts);
            let (w, a) = disagreement(&owned, sampling, prompts, &documents);
            (wrong, all) = (wrong + w, all + a);
        }
    }
    eprintln!("{wrong} of {all} tokens are not the processor's");
    assert!(wrong * 1000 <= all, "{wrong} of {all}");
}

#[test]
fn documents_do_not_depend_on_slots_or_blocks() {
    let Some(client) = device() else { return };
    let owned = Owned::new(odd());
    let decoder = |slots| GpuDecoder::new(client.clone(), odd(), &owned.weights(), options(slots));
    let expected = run(&mut decoder(16), &plain(), 4, 40, true);
    assert!(expected.iter().any(|(_, end)| *end == End::Separator) && expected.iter().any(|(ids, _)| ids.len() > 20));
    for (slots, steps) in [(16, 7), (48, 4), (40, 40)] {
        assert!(run(&mut decoder(slots), &plain(), steps, 40, true) == expected, "{slots} slots, {steps} steps");
    }
}

#[test]
fn logits_that_are_no_distribution_end_a_document() {
    let Some(client) = device() else { return };
    let mut owned = Owned::new(odd());
    owned.embedding[5 * 24] = f32::NAN;
    for greedy in [false, true] {
        let mut decoder = GpuDecoder::new(client.clone(), odd(), &owned.weights(), options(4));
        let documents = run(&mut decoder, &Sampling { greedy, ..plain() }, 4, 6, false);
        assert!(documents.iter().all(|(ids, end)| *end == End::Failed && ids.is_empty()), "{documents:?}");
    }
}

#[test]
fn sorted_marked_and_systematic_draws_are_the_hosts() {
    let mark = |delta| Some(sampling::Mark { delta, ..sampling::Mark::default() });
    let greedy = Sampling { greedy: true, top_k: Some(9), ..plain() };
    for sampling in [plain(), greedy, Sampling { top_p: Some(1.0), watermark: mark(0.0), min_p: Some(0.1), ..plain() }]
    {
        assert!(draws(&sampling), "{sampling:?}");
    }
    for sampling in [
        Sampling { top_k: Some(9), ..plain() },
        Sampling { top_p: Some(0.9), ..plain() },
        Sampling { watermark: mark(2.0), ..greedy },
        Sampling { systematic: true, ..plain() },
    ] {
        assert!(!draws(&sampling), "{sampling:?}");
    }
}
