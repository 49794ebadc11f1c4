//! Writing on a GPU: one token at a time for thousands of sequences, sampling included.
//!
//! A *slot* holds one sequence and its part of the key-value cache. A *block* of steps is enqueued as a whole and read back once;
//! between its steps nothing leaves the device: the chosen token goes in as the next one. In each block a slot may write two
//! documents, one after the other, so that it does not rest when the first one ends.
//!
//! A document's tokens depend on the model, its own uniform numbers and its prompt alone: every sum is taken in an order that
//! depends on the shapes and on the position, never on the slot, the other slots or the block.
//!
//! | file | what |
//! |---|---|
//! | `sizes` | widths, and what they are filled up to |
//! | `weights` | how the weights are laid out |
//! | `product` | matrix products with what comes before and after them |
//! | `attention` | the newest position over the cache |
//! | `sample` | from logits to the next token |
//! | `write` | which slot writes which document |

mod attention;
mod product;
mod sample;
mod sizes;
#[cfg(test)]
mod tests;
mod weights;
mod write;

use cubecl::ir::{ElemType, FloatKind};
use cubecl::prelude::*;
use cubecl::server::Handle;
pub use product::Tile;
pub use sizes::Config;
use sizes::Sizes;
pub use weights::{LayerWeights, Weights};
pub use write::{Document, End, Source, write};

/// The position of a slot that rests.
const IDLE: u32 = u32::MAX;
/// No token: it was not written, or it is not given.
pub const NONE: u32 = u32::MAX;
/// In place of a token: the logits were no distribution (a NaN, an infinity, or nothing possible).
pub const FAILED: u32 = u32::MAX - 1;
/// Units of a cube for what goes slot by slot.
const UNITS: usize = 128;

/// How numbers are stored; all sums are in float32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// 32 bits.
    Float32,
    /// 16 bits, with 11 of precision.
    Float16,
}

impl Stored {
    fn bytes(self) -> usize {
        match self {
            Self::Float32 => 4,
            Self::Float16 => 2,
        }
    }

    fn element(self) -> ElemType {
        ElemType::Float(match self {
            Self::Float32 => FloatKind::F32,
            Self::Float16 => FloatKind::F16,
        })
    }
}

/// How a decoder works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Sequences that advance together.
    pub slots: usize,
    /// How keys and values are stored.
    pub cache: Stored,
    /// How the products' weights are stored.
    pub weights: Stored,
    /// The products' tile.
    pub tile: Tile,
}

/// How tokens are drawn: the part of a sampler's settings that the device knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawing {
    /// Divides the logits.
    pub temperature: f64,
    /// Keeps the tokens that have at least this share of the best one's probability; 0 keeps all.
    pub min_p: f64,
    /// Divides the positive and multiplies the negative logits of the tokens that were written; 1 changes nothing.
    pub repetition_penalty: f64,
    /// Takes the largest logit.
    pub greedy: bool,
    /// The token that begins and ends a document.
    pub separator: u32,
}

/// The next tokens of a document.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// The token that goes in first: the separator, or the last that was written.
    pub token: u32,
    /// Its position.
    pub position: usize,
    /// A uniform number in `[0, 1)` for each token to be written, as many as the block has steps, or as the context leaves.
    pub uniforms: &'a [f64],
    /// The first tokens to be written, where they are given; further ones are ignored.
    pub prompt: &'a [u32],
}

/// What a slot does in a block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn<'a> {
    /// The document that the slot goes on with, or begins.
    pub now: Option<Passage<'a>>,
    /// The document that it begins when that one ends; at position 0 with the separator.
    pub then: Option<Passage<'a>>,
}

/// Decodes on a GPU.
pub struct GpuDecoder {
    client: Client,
    config: Config,
    sizes: Sizes,
    options: Options,
    /// Slots, filled up.
    rows: usize,
    model: Model,
    state: State,
}

/// The weights on the device.
struct Model {
    embedding: Handle,
    head: Handle,
    rotary: Handle,
    layers: Vec<Layer>,
}

struct Layer {
    qkv: Handle,
    output: Handle,
    gate_up: Handle,
    down: Handle,
}

/// What belongs to the slots.
struct State {
    positions: Handle,
    states: Handle,
    seen: Handle,
    stream: Handle,
    queries: Handle,
    mixed: Handle,
    hidden: Handle,
    logits: Handle,
    /// Keys and values of each layer.
    cache: Vec<[Handle; 2]>,
}

/// What a block has written.
#[derive(Clone, Debug)]
pub struct Block {
    ids: Vec<u32>,
    steps: usize,
}

impl Block {
    /// The tokens that a slot wrote: of the document it went on with (`which` = 0), of the one after it (1).
    pub fn ids(&self, slot: usize, which: usize) -> &[u32] {
        let ids = &self.ids[(slot * 2 + which) * self.steps..][..self.steps];
        &ids[..ids.iter().position(|&id| id == NONE).unwrap_or(self.steps)]
    }
}

impl GpuDecoder {
    /// Uploads the weights and sets the cache aside: `2 × layers × context × kv_heads × head_width` numbers a slot, the context
    /// filled up to a multiple of 32.
    ///
    /// # Panics
    /// If a weight's length is not what `config` says, `kv_heads` does not divide `heads`, the head's width is odd, or the
    /// device has too little shared memory for the scores of one position ([`Self::fits`]).
    pub fn new(client: Client, config: Config, weights: &Weights<'_>, options: Options) -> Self {
        weights::check(&config, weights);
        assert!(Self::fits(&client, &config), "attention over {} positions does not fit this device", config.context);
        let sizes = Sizes::new(&config);
        let outputs = [sizes.projected(), sizes.stream, 2 * sizes.hidden, sizes.logits];
        assert!(
            sizes::EDGE.is_multiple_of(options.tile.depth)
                && outputs.iter().all(|n| n.is_multiple_of(options.tile.columns)),
            "{:?} does not divide the products",
            options.tile
        );
        let rows = options.slots.max(1).next_multiple_of(options.tile.rows);
        let model = Model::new(&client, &config, &sizes, weights, options.weights);
        let state = State::new(&client, &config, &sizes, rows, options.cache);
        Self { client, config, sizes, options, rows, model, state }
    }

    /// Whether this device can run a model of these sizes.
    pub fn fits(client: &Client, config: &Config) -> bool {
        let sizes = Sizes::new(config);
        let shared = client.properties().hardware.max_shared_memory_size;
        let drawing = Drawing { temperature: 1.0, min_p: 0.0, repetition_penalty: 1.0, greedy: false, separator: 0 };
        config.heads <= UNITS
            && attention::Shape { sizes, units: UNITS }.shared_memory() <= shared
            && sampling(sizes, &drawing, 1, false).shared_memory() <= shared
    }

    /// The sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Slots.
    pub fn slots(&self) -> usize {
        self.options.slots
    }

    /// Advances every slot by `steps` tokens at most; what it wrote is read back once, at the end.
    ///
    /// A slot that goes on with a document must be the one that has begun it, and hold all its positions so far.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If there are more turns than slots, or a passage is not as its documentation says.
    pub fn advance(
        &mut self,
        turns: &[Turn<'_>],
        steps: usize,
        drawing: &Drawing,
    ) -> Result<Block, cubecl::server::ServerError> {
        assert!(turns.len() <= self.options.slots, "{} turns for {} slots", turns.len(), self.options.slots);
        let prompts = turns.iter().any(|turn| [turn.now, turn.then].iter().flatten().any(|p| !p.prompt.is_empty()));
        let shape = sampling(self.sizes, drawing, steps, prompts);
        let given = Given::new(&self.config, turns, self.rows, steps, drawing.separator, prompts);
        let [starts, uniforms, prompts] = [
            u32::as_bytes(&given.starts),
            f32::as_bytes(&given.uniforms),
            u32::as_bytes(if prompts { &given.prompts } else { &[NONE] }),
        ]
        .map(|bytes| self.client.create_from_slice(bytes));
        let ids = self.client.empty(self.rows * 2 * steps * 4);
        self.begin(&starts, &ids, shape);
        for _ in 0..steps {
            self.step();
            self.sample(&uniforms, &prompts, &ids, shape, drawing);
        }
        let bytes = self.client.read_one(ids)?;
        Ok(Block { ids: u32::from_bytes(&bytes).to_vec(), steps })
    }

    /// Enqueues one part of a step, by name: for measurements of the parts alone.
    #[doc(hidden)]
    pub fn enqueue(&self, part: &str) {
        let (layer, cache) = (&self.model.layers[0], &self.state.cache[0]);
        match part {
            "project" => self.project(layer, cache),
            "attend" => self.attend(cache),
            "output" => self.add(&self.state.mixed, &layer.output, self.sizes.queries),
            "gate" => self.gate(layer),
            "down" => self.add(&self.state.hidden, &layer.down, self.sizes.hidden),
            "head" => self.head(),
            _ => panic!("no part {part}"),
        }
    }

    /// The logits of the tokens that go in, `[slots, vocab]`: for tests.
    #[cfg(test)]
    fn read_logits(&self) -> Vec<f32> {
        let bytes = self.client.read_one(self.state.logits.clone()).expect("the device answers");
        let rows = f32::from_bytes(&bytes).chunks_exact(self.sizes.logits).take(self.options.slots);
        rows.flat_map(|row| &row[..self.config.vocab]).copied().collect()
    }

    fn begin(&self, starts: &Handle, ids: &Handle, shape: sample::Shape) {
        let (state, sizes) = (&self.state, &self.sizes);
        unsafe {
            sample::begin_kernel::launch_unchecked(
                &self.client,
                CubeCount::Static(self.rows as u32, 1, 1),
                CubeDim::new_1d(UNITS as u32),
                argument(starts, self.rows * 3),
                argument(&self.model.embedding, self.config.vocab * sizes.stream / 4),
                argument(&state.stream, self.rows * sizes.stream / 4),
                argument(&state.positions, self.rows),
                argument(&state.states, self.rows * sample::STATE),
                argument(&state.seen, self.rows * shape.words()),
                argument(ids, self.rows * 2 * shape.steps),
                shape,
            );
        }
    }

    /// From the residual stream to the logits.
    fn step(&self) {
        for (layer, cache) in self.model.layers.iter().zip(&self.state.cache) {
            self.project(layer, cache);
            self.attend(cache);
            self.add(&self.state.mixed, &layer.output, self.sizes.queries);
            self.gate(layer);
            self.add(&self.state.hidden, &layer.down, self.sizes.hidden);
        }
        self.head();
    }

    fn head(&self) {
        let sizes = &self.sizes;
        let tile = self.options.tile;
        unsafe {
            product::head_kernel::launch_unchecked(
                &self.client,
                self.count(tile, sizes.logits),
                CubeDim::new_1d(tile.units() as u32),
                argument(&self.state.stream, self.rows * sizes.stream / 4),
                argument(&self.model.head, sizes.stream * sizes.logits / 4),
                argument(&self.state.logits, self.rows * sizes.logits / 4),
                sizes.stream,
                sizes.logits,
                self.config.eps as f32,
                sizes.width,
                tile,
                self.options.weights.element(),
            );
        }
    }

    fn project(&self, layer: &Layer, [keys, values]: &[Handle; 2]) {
        let (state, sizes) = (&self.state, &self.sizes);
        let tile = self.options.tile;
        let stored = [self.options.weights.element(), self.options.cache.element()];
        unsafe {
            product::qkv_kernel::launch_unchecked(
                &self.client,
                self.count(tile, sizes.projected()),
                CubeDim::new_1d(tile.units() as u32),
                argument(&state.stream, self.rows * sizes.stream / 4),
                argument(&layer.qkv, sizes.stream * sizes.projected() / 4),
                argument(&self.model.rotary, sizes.context * sizes.head / 4),
                argument(&state.positions, self.rows),
                argument(&state.queries, self.rows * sizes.queries / 4),
                argument(keys, self.rows * sizes.cache() / 4),
                argument(values, self.rows * sizes.cache() / 4),
                self.config.eps as f32,
                1.0 / (self.config.head_width as f32).sqrt(),
                *sizes,
                tile,
                stored,
            );
        }
    }

    fn attend(&self, [keys, values]: &[Handle; 2]) {
        let (state, sizes) = (&self.state, &self.sizes);
        unsafe {
            attention::attention_kernel::launch_unchecked(
                &self.client,
                CubeCount::Static(self.rows as u32, 1, 1),
                CubeDim::new_1d(UNITS as u32),
                argument(&state.queries, self.rows * sizes.queries / 4),
                argument(keys, self.rows * sizes.cache() / 4),
                argument(values, self.rows * sizes.cache() / 4),
                argument(&state.positions, self.rows),
                argument(&state.mixed, self.rows * sizes.queries / 4),
                attention::Shape { sizes: *sizes, units: UNITS },
                self.options.cache.element(),
            );
        }
    }

    /// Adds a product to the residual stream.
    fn add(&self, y: &Handle, w: &Handle, inputs: usize) {
        let outputs = self.sizes.stream;
        let tile = self.options.tile;
        unsafe {
            product::residual_kernel::launch_unchecked(
                &self.client,
                self.count(tile, outputs),
                CubeDim::new_1d(tile.units() as u32),
                argument(y, self.rows * inputs / 4),
                argument(w, inputs * outputs / 4),
                argument(&self.state.stream, self.rows * outputs / 4),
                inputs,
                outputs,
                tile,
                self.options.weights.element(),
            );
        }
    }

    fn gate(&self, layer: &Layer) {
        let (state, sizes) = (&self.state, &self.sizes);
        let outputs = 2 * sizes.hidden;
        let tile = self.options.tile;
        unsafe {
            product::gate_up_kernel::launch_unchecked(
                &self.client,
                self.count(tile, outputs),
                CubeDim::new_1d(tile.units() as u32),
                argument(&state.stream, self.rows * sizes.stream / 4),
                argument(&layer.gate_up, sizes.stream * outputs / 4),
                argument(&state.hidden, self.rows * sizes.hidden / 2),
                sizes.stream,
                outputs,
                self.config.eps as f32,
                sizes.width,
                tile,
                self.options.weights.element(),
            );
        }
    }

    fn sample(&self, uniforms: &Handle, prompts: &Handle, ids: &Handle, shape: sample::Shape, drawing: &Drawing) {
        let (state, sizes) = (&self.state, &self.sizes);
        // Finite and above 0: neither 0 · ∞ for the best logit nor ∞ · 0 for one of -∞.
        let scale = (1.0 / drawing.temperature).clamp(f32::MIN_POSITIVE.into(), f32::MAX.into()) as f32;
        let given = self.rows * 2 * shape.steps;
        unsafe {
            sample::sample_kernel::launch_unchecked(
                &self.client,
                CubeCount::Static((self.rows / shape.slots()) as u32, 1, 1),
                CubeDim::new_1d(shape.units as u32),
                argument(&state.logits, self.rows * sizes.logits / 4),
                argument(uniforms, given),
                argument(prompts, if shape.prompts { given } else { 1 }),
                argument(&self.model.embedding, self.config.vocab * sizes.stream / 4),
                argument(&state.stream, self.rows * sizes.stream / 4),
                argument(&state.positions, self.rows),
                argument(&state.states, self.rows * sample::STATE),
                argument(&state.seen, self.rows * shape.words()),
                argument(ids, given),
                sample::FactorsLaunch::new(scale, drawing.repetition_penalty as f32, drawing.min_p as f32),
                shape,
            );
        }
    }

    fn count(&self, tile: Tile, outputs: usize) -> CubeCount {
        CubeCount::Static((outputs / tile.columns) as u32, (self.rows / tile.rows) as u32, 1)
    }
}

/// The sampling kernel's form.
fn sampling(sizes: Sizes, drawing: &Drawing, steps: usize, prompts: bool) -> sample::Shape {
    sample::Shape {
        sizes,
        units: UNITS,
        lanes: UNITS,
        steps,
        separator: drawing.separator,
        greedy: drawing.greedy,
        prompts,
        penalty: drawing.repetition_penalty != 1.0,
        min_p: drawing.min_p > 0.0,
    }
}

/// A buffer as a kernel's argument: so many elements of the kernel's type.
fn argument(handle: &Handle, elements: usize) -> BufferArg {
    // SAFETY: every buffer is made in this module, by the sizes with which it is passed.
    unsafe { BufferArg::from_raw_parts(handle.clone(), elements) }
}

impl Model {
    fn new(client: &Client, config: &Config, sizes: &Sizes, weights: &Weights<'_>, stored: Stored) -> Self {
        let upload = |packed: weights::Packed| store(client, &packed.numbers, stored);
        let layers = weights.layers.iter().map(|layer| {
            let packed = weights::layer(config, sizes, layer);
            Layer {
                qkv: upload(packed.qkv),
                output: upload(packed.output),
                gate_up: upload(packed.gate_up),
                down: upload(packed.down),
            }
        });
        Self {
            layers: layers.collect(),
            embedding: store(client, &weights::embedding(config, sizes, weights), Stored::Float32),
            head: upload(weights::head(config, sizes, weights)),
            rotary: store(client, &weights::rotary(config, sizes), Stored::Float32),
        }
    }
}

impl State {
    fn new(client: &Client, config: &Config, sizes: &Sizes, rows: usize, stored: Stored) -> Self {
        let zeros = |width: usize| store(client, &vec![0.0; rows * width], Stored::Float32);
        let empty = |width: usize| client.empty(rows * width * 4);
        let cache = || client.empty(rows * sizes.cache() * stored.bytes());
        Self {
            positions: empty(1),
            states: empty(sample::STATE),
            seen: empty(config.vocab.div_ceil(32)),
            // What idle slots hold goes through the products, too: numbers, not leftovers.
            stream: zeros(sizes.stream),
            queries: zeros(sizes.queries),
            mixed: zeros(sizes.queries),
            hidden: zeros(sizes.hidden),
            logits: empty(sizes.logits),
            cache: (0..config.layers).map(|_| [cache(), cache()]).collect(),
        }
    }
}

/// Numbers on the device.
fn store(client: &Client, numbers: &[f32], stored: Stored) -> Handle {
    let from = client.create_from_slice(f32::as_bytes(numbers));
    if stored == Stored::Float32 {
        return from;
    }
    let to = client.empty(numbers.len() * stored.bytes());
    let quads = numbers.len() / 4;
    let cubes = quads.div_ceil(UNITS);
    unsafe {
        round_kernel::launch_unchecked(
            client,
            CubeCount::Static(cubes.min(1 << 15) as u32, cubes.div_ceil(1 << 15) as u32, 1),
            CubeDim::new_1d(UNITS as u32),
            argument(&from, quads),
            argument(&to, quads),
            stored.element(),
        );
    }
    to
}

#[cube(launch_unchecked)]
fn round_kernel<F: Float>(
    from: &[Vector<f32, product::Quad>],
    to: &mut [Vector<F, product::Quad>],
    #[define(F)] _stored: ElemType,
) {
    if ABSOLUTE_POS < from.len() {
        to[ABSOLUTE_POS] = Vector::<F, product::Quad>::cast_from(from[ABSOLUTE_POS]);
    }
}

/// A block's inputs, slot by slot.
struct Given {
    /// `[rows, 3]`: position, token, whether a second document follows.
    starts: Vec<u32>,
    /// `[rows, 2, steps]`.
    uniforms: Vec<f32>,
    /// `[rows, 2, steps]`, or nothing.
    prompts: Vec<u32>,
}

impl Given {
    fn new(config: &Config, turns: &[Turn<'_>], rows: usize, steps: usize, separator: u32, prompts: bool) -> Self {
        let mut given = Self {
            starts: [IDLE, 0, 0].repeat(rows),
            uniforms: vec![0.0; rows * 2 * steps],
            prompts: if prompts { vec![NONE; rows * 2 * steps] } else { vec![] },
        };
        for (slot, turn) in turns.iter().enumerate() {
            let Some(now) = turn.now else {
                assert!(turn.then.is_none(), "slot {slot}: a second document without a first");
                continue;
            };
            assert!((now.token as usize) < config.vocab, "slot {slot}: token {} is outside the vocabulary", now.token);
            assert!(now.position < config.context, "slot {slot}: position {} is past the context", now.position);
            given.starts[slot * 3..][..3].copy_from_slice(&[
                now.position as u32,
                now.token,
                turn.then.is_some().into(),
            ]);
            given.put(config, slot * 2, steps, now);
            if let Some(then) = turn.then {
                assert!(then.position == 0 && then.token == separator, "slot {slot}: the second document begins");
                given.put(config, slot * 2 + 1, steps, then);
            }
        }
        given
    }

    fn put(&mut self, config: &Config, at: usize, steps: usize, passage: Passage<'_>) {
        let tokens = steps.min(config.context - passage.position);
        let uniforms = passage.uniforms;
        assert!(uniforms.len() >= tokens, "{} uniform numbers for {tokens} tokens", uniforms.len());
        for (place, &u) in self.uniforms[at * steps..][..tokens].iter_mut().zip(uniforms) {
            assert!((0.0..1.0).contains(&u), "a uniform number in [0, 1), not {u}");
            // Rounded down: 1 is not in the interval.
            *place = ((u * (1u32 << 24) as f64).floor() / (1u32 << 24) as f64) as f32;
        }
        if !self.prompts.is_empty() {
            for (place, &token) in self.prompts[at * steps..][..tokens].iter_mut().zip(passage.prompt) {
                assert!((token as usize) < config.vocab, "token {token} of a prompt is outside the vocabulary");
                *place = token;
            }
        }
    }
}
