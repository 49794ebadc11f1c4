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
//! | `block` | what a block of steps is given, and what it has written |
//! | `state` | what lies on the device |
//! | `steps` | one step, as launches |
//! | `attention` | the newest position over the cache |
//! | `sample` | from logits to the next token |
//! | `write` | which slot writes which document |

mod attention;
mod block;
mod product;
mod sample;
mod sizes;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod weights;
mod write;

use ::sampling::Sampling;
use block::Given;
pub use block::{Block, Passage, Turn};
use cubecl::prelude::*;
use kernels::decoder::{DecoderConfig, DecoderWeights};
pub use product::Tile;
use sizes::Sizes;
pub use state::Stored;
use state::{Model, State};
pub use write::{Document, End, Source, write};

/// The position of a slot that rests.
const IDLE: u32 = u32::MAX;
/// No token: it was not written, or it is not given.
pub const NONE: u32 = u32::MAX;
/// In place of a token: the logits were no distribution (a NaN, an infinity, or nothing possible).
pub const FAILED: u32 = u32::MAX - 1;
/// Units of a cube for what goes slot by slot.
const UNITS: usize = 128;

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

/// Whether the device draws by these settings; otherwise the CPU has to, from [`GpuDecoder::logits`]. Top-k and top-p need the
/// distribution sorted, watermarks and systematic samples need what the host knows.
pub fn draws(sampling: &Sampling) -> bool {
    let Sampling { temperature: _, top_k, top_p, min_p: _, repetition_penalty: _, greedy, watermark, systematic } =
        *sampling;
    let is_whole = top_k.is_none() && top_p.is_none_or(|p| p >= 1.0);
    let is_marked = watermark.is_some_and(|mark| mark.is_seen());
    (greedy || is_whole) && !is_marked && !systematic
}

/// Decodes on a GPU.
pub struct GpuDecoder {
    client: Client,
    config: DecoderConfig,
    sizes: Sizes,
    options: Options,
    /// Slots, filled up.
    rows: usize,
    model: Model,
    state: State,
}

impl GpuDecoder {
    /// Uploads the weights and sets the cache aside: `2 × layers × context × kv_heads × head_width` numbers a slot, the context
    /// filled up to a multiple of 32.
    ///
    /// # Panics
    /// If a weight's length is not what `config` says, `kv_heads` does not divide `heads`, the head's width is odd, or the
    /// device has too little shared memory for the scores of one position ([`Self::fits`]).
    pub fn new(client: Client, config: DecoderConfig, weights: &DecoderWeights<'_>, options: Options) -> Self {
        weights.check(&config);
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
    pub fn fits(client: &Client, config: &DecoderConfig) -> bool {
        let sizes = Sizes::new(config);
        let shared = client.properties().hardware.max_shared_memory_size;
        config.heads <= UNITS
            && attention::Shape { sizes, units: UNITS }.shared_memory() <= shared
            && sample_shape(sizes, &Sampling::default(), 0, 1, false).shared_memory() <= shared
    }

    /// The sizes.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// Slots.
    pub fn slots(&self) -> usize {
        self.options.slots
    }

    /// Advances every slot by `steps` tokens at most; what it wrote is read back once, at the end. A document begins and ends
    /// with `separator`.
    ///
    /// A slot that goes on with a document must be the one that has begun it, and hold all its positions so far.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If there are more turns than slots, a passage is not as its documentation says, or the device does not [draw](draws) by
    /// these settings.
    pub fn advance(
        &mut self,
        turns: &[Turn<'_>],
        steps: usize,
        sampling: &Sampling,
        separator: u32,
    ) -> Result<Block, cubecl::server::ServerError> {
        assert!(turns.len() <= self.options.slots, "{} turns for {} slots", turns.len(), self.options.slots);
        assert!(draws(sampling), "the device does not draw by {sampling:?}");
        let prompts = turns.iter().any(|turn| [turn.now, turn.then].iter().flatten().any(|p| !p.prompt.is_empty()));
        let shape = sample_shape(self.sizes, sampling, separator, steps, prompts);
        let given = Given::new(&self.config, turns, self.rows, steps, separator, prompts);
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
            self.sample(&uniforms, &prompts, &ids, shape, sampling);
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

    /// The logits of one token for each slot, `[slots, vocab]`: what a caller needs that draws by a rule of its own. `inputs` are
    /// tokens and their positions, none for a slot that rests (whose row means nothing).
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If there are more inputs than slots, or one is outside the vocabulary or the context.
    pub fn logits(&mut self, inputs: &[Option<(u32, usize)>]) -> Result<Vec<f32>, cubecl::server::ServerError> {
        assert!(inputs.len() <= self.options.slots, "{} inputs for {} slots", inputs.len(), self.options.slots);
        let (sampling, separator) = (Sampling { greedy: true, ..Sampling::default() }, 0);
        let turn = |&(token, position): &(u32, usize)| Passage { token, position, uniforms: &[0.0], prompt: &[] };
        let turns: Vec<Turn<'_>> =
            inputs.iter().map(|input| Turn { now: input.as_ref().map(turn), then: None }).collect();
        let given = Given::new(&self.config, &turns, self.rows, 1, separator, false);
        let starts = self.client.create_from_slice(u32::as_bytes(&given.starts));
        let ids = self.client.empty(self.rows * 2 * 4);
        self.begin(&starts, &ids, sample_shape(self.sizes, &sampling, separator, 1, false));
        self.step();
        let bytes = self.client.read_one(self.state.logits.clone())?;
        let rows = f32::from_bytes(&bytes).chunks_exact(self.sizes.logits).take(self.options.slots);
        Ok(rows.flat_map(|row| &row[..self.config.vocab]).copied().collect())
    }
}

/// The sampling kernel's form.
fn sample_shape(sizes: Sizes, sampling: &Sampling, separator: u32, steps: usize, prompts: bool) -> sample::Shape {
    sample::Shape {
        sizes,
        units: UNITS,
        lanes: UNITS,
        steps,
        separator,
        greedy: sampling.greedy,
        prompts,
        penalty: sampling.repetition_penalty.is_some_and(|penalty| penalty != 1.0),
        min_p: sampling.min_p.is_some_and(|p| p > 0.0),
    }
}
