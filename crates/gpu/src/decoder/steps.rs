//! One step, as launches of its kernels.

use cubecl::prelude::*;
use cubecl::server::Handle;
use sampling::Sampling;

use super::state::{Layer, argument};
use super::{GpuDecoder, Tile, UNITS, attention, product, sample};

impl GpuDecoder {
    pub(super) fn begin(&self, starts: &Handle, ids: &Handle, shape: sample::Shape) {
        let (state, sizes) = (&self.state, &self.sizes);
        // SAFETY: rows are filled up to whole tiles and widths to `Sizes`, and `State` and `Model` make every buffer by these sizes;
        // `Given` checks that tokens and positions are within the vocabulary and the context.
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
    pub(super) fn step(&self) {
        for (layer, cache) in self.model.layers.iter().zip(&self.state.cache) {
            self.project(layer, cache);
            self.attend(cache);
            self.add(&self.state.mixed, &layer.output, self.sizes.queries);
            self.gate(layer);
            self.add(&self.state.hidden, &layer.down, self.sizes.hidden);
        }
        self.head();
    }

    pub(super) fn head(&self) {
        let sizes = &self.sizes;
        let tile = self.options.tile;
        // SAFETY: as in `begin`.
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

    pub(super) fn project(&self, layer: &Layer, [keys, values]: &[Handle; 2]) {
        let (state, sizes) = (&self.state, &self.sizes);
        let tile = self.options.tile;
        let stored = [self.options.weights.element(), self.options.cache.element()];
        // SAFETY: as in `begin`.
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

    pub(super) fn attend(&self, [keys, values]: &[Handle; 2]) {
        let (state, sizes) = (&self.state, &self.sizes);
        // SAFETY: as in `begin`.
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
    pub(super) fn add(&self, y: &Handle, w: &Handle, inputs: usize) {
        let outputs = self.sizes.stream;
        let tile = self.options.tile;
        // SAFETY: as in `begin`.
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

    pub(super) fn gate(&self, layer: &Layer) {
        let (state, sizes) = (&self.state, &self.sizes);
        let outputs = 2 * sizes.hidden;
        let tile = self.options.tile;
        // SAFETY: as in `begin`.
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

    pub(super) fn sample(
        &self,
        uniforms: &Handle,
        prompts: &Handle,
        ids: &Handle,
        shape: sample::Shape,
        sampling: &Sampling,
    ) {
        let (state, sizes) = (&self.state, &self.sizes);
        // Finite and above 0: neither 0 · ∞ for the best logit nor ∞ · 0 for one of -∞.
        let scale = (1.0 / sampling.temperature).clamp(f32::MIN_POSITIVE.into(), f32::MAX.into()) as f32;
        let (penalty, min_p) = (sampling.repetition_penalty.unwrap_or(1.0), sampling.min_p.unwrap_or(0.0));
        let given = self.rows * 2 * shape.steps;
        // SAFETY: as in `begin`.
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
                sample::FactorsLaunch::new(scale, penalty as f32, min_p as f32),
                shape,
            );
        }
    }

    fn count(&self, tile: Tile, outputs: usize) -> CubeCount {
        CubeCount::Static((outputs / tile.columns) as u32, (self.rows / tile.rows) as u32, 1)
    }
}
