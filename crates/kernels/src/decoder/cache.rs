//! Rotary positions, and where keys and values lie in the growing cache.

use super::DecoderConfig;
use super::buffer::padded;
use crate::vector::{Block, LANES};

/// Cosines and sines of the rotary angles, `[context][head_width / 2]` each (Su et al. 2021, arXiv 2104.09864).
#[derive(Debug)]
pub(super) struct Rotary {
    pub(super) half: usize,
    pub(super) cos: Vec<f32>,
    pub(super) sin: Vec<f32>,
}

impl Rotary {
    pub(super) fn new(head_width: usize, context: usize, theta: f64) -> Self {
        let half = head_width / 2;
        let angles = (0..context).flat_map(|position| {
            (0..half).map(move |column| position as f64 * theta.powf(-(column as f64) / half as f64))
        });
        let (cos, sin) = angles.map(|angle| (angle.cos() as f32, angle.sin() as f32)).unzip();
        Self { half, cos, sin }
    }

    /// Turns heads at `position`; columns `i` and `i + half` of each turn together (rotate-half). Scales them, too.
    #[inline(always)]
    pub(super) fn turn(&self, heads: &mut [f32], position: usize, scale: f32) {
        let cos = &self.cos[position * self.half..][..self.half];
        let sin = &self.sin[position * self.half..][..self.half];
        for head in heads.chunks_exact_mut(2 * self.half) {
            let (low, high) = head.split_at_mut(self.half);
            for (((low, high), &cos), &sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
                let (a, b) = (*low * scale, *high * scale);
                *low = a * cos - b * sin;
                *high = b * cos + a * sin;
            }
        }
    }
}

/// How a slot's cache lies in memory: by layer, then by key head, its keys and then its values.
///
/// Keys stand in blocks of sixteen positions, `[block][column][position]`: a vector holds one column of sixteen keys, so
/// sixteen scores grow together and nothing is summed across a vector. Values stand as `[position][column]`, columns filled
/// up to whole vectors: the result grows by one row times one probability. Both are read as one stream.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_width: usize,
    /// First columns of keys and of values in a row of the fused projection.
    pub(super) keys_at: usize,
    pub(super) values_at: usize,
    /// Floats of one head's keys, of one head's values.
    pub(super) keys: usize,
    pub(super) values: usize,
    pub(super) layers: usize,
    pub(super) context: usize,
}

impl Layout {
    pub(super) fn new(config: &DecoderConfig) -> Self {
        let &DecoderConfig { heads, kv_heads, head_width, layers, context, .. } = config;
        let keys_at = padded(heads * head_width);
        Self {
            heads,
            kv_heads,
            head_width,
            keys_at,
            values_at: keys_at + padded(kv_heads * head_width),
            keys: context.next_multiple_of(LANES) * head_width,
            values: context * padded(head_width),
            layers,
            context,
        }
    }

    /// Floats of a slot in one layer.
    pub(super) fn layer(&self) -> usize {
        self.kv_heads * (self.keys + self.values)
    }

    /// Where a head's keys begin.
    pub(super) fn place(&self, slot: usize, layer: usize, kv_head: usize) -> usize {
        slot * self.slot() + layer * self.layer() + kv_head * (self.keys + self.values)
    }

    /// Floats of one head's keys, after which its values begin.
    pub(super) fn keys(&self) -> usize {
        self.keys
    }

    /// The last blocks of a head's keys, and of its values, that hold something of the positions before `position`.
    pub(super) fn last_lines(&self, position: usize) -> (usize, usize) {
        let keys = (position / LANES + 1) * self.head_width;
        (keys - 1, (position * padded(self.head_width) / LANES).saturating_sub(1))
    }

    /// Keys and values of one head, of a slot's part in a layer.
    pub(super) fn head<'a>(&self, cache: &'a [f32], kv_head: usize) -> (&'a [Block], &'a [Block]) {
        let head = &cache[kv_head * (self.keys + self.values)..][..self.keys + self.values];
        let (keys, values) = head.split_at(self.keys);
        (keys.as_chunks().0, values.as_chunks().0)
    }

    /// Turns the keys of one row's projected `[keys, values]` and puts both in their places.
    pub(super) fn store(&self, rotary: &Rotary, projected: &mut [f32], position: usize, cache: &mut [f32]) {
        let (projected_keys, projected_values) = projected.split_at_mut(self.values_at - self.keys_at);
        rotary.turn(&mut projected_keys[..self.kv_heads * self.head_width], position, 1.0);
        let heads = projected_keys.chunks_exact(self.head_width).zip(projected_values.chunks_exact(self.head_width));
        for (cache, (key, value)) in cache.chunks_exact_mut(self.keys + self.values).zip(heads) {
            let (keys, values) = cache.split_at_mut(self.keys);
            let block = &mut keys.as_chunks_mut::<LANES>().0[position / LANES * self.head_width..][..self.head_width];
            for (column, &value) in block.iter_mut().zip(key) {
                column[position % LANES] = value;
            }
            values[position * padded(self.head_width)..][..self.head_width].copy_from_slice(value);
        }
    }

    /// Floats of a slot.
    pub(super) fn slot(&self) -> usize {
        self.layers * self.layer()
    }

    /// Scores of one row, at most.
    pub(super) fn scores(&self) -> usize {
        self.heads * self.context.next_multiple_of(LANES)
    }
}
