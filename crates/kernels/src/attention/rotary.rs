//! Rotary positions: a head's columns `i` and `i + head_width / 2` are a pair, turned by an angle that grows with the place.

use crate::vector::{Block, LANES, Simd};

/// Cosines and sines of the rotary angles for each place and each column of a head: make once, use in every layer.
#[derive(Clone, Debug)]
pub struct Rotary {
    head_width: usize,
    /// `[context, head_blocks]`.
    cos: Vec<Block>,
    /// The same, negative for the first half of a head's columns.
    sin: Vec<Block>,
}

impl Rotary {
    /// The angle of pair `i` at place `p` is `p * theta^(-2 i / head_width)`.
    pub fn new(context: usize, head_width: usize, theta: f64) -> Self {
        let (half, blocks) = (head_width / 2, head_width.div_ceil(LANES));
        let mut cos = vec![[0.0; LANES]; context * blocks];
        let mut sin = cos.clone();
        for p in 0..context {
            let cos = cos[p * blocks..][..blocks].as_flattened_mut();
            let sin = sin[p * blocks..][..blocks].as_flattened_mut();
            for i in 0..half {
                let (s, c) = (p as f64 * theta.powf(-(i as f64) / half as f64)).sin_cos();
                (cos[i], cos[half + i]) = (c as f32, c as f32);
                (sin[i], sin[half + i]) = (-s as f32, s as f32);
            }
        }
        Self { head_width, cos, sin }
    }

    pub(super) fn head_width(&self) -> usize {
        self.head_width
    }

    pub(super) fn places(&self) -> usize {
        self.cos.len() / self.head_width.div_ceil(LANES)
    }

    /// Block `b` of the head vector at `x[base..]`, turned to place `p`, or back from it (the transpose: what gradients need).
    ///
    /// Lanes beyond the head's width hold what follows it; they never reach a lane that counts.
    #[inline(always)]
    pub(super) fn turn<S: Simd, const BACK: bool>(&self, s: S, x: &[f32], base: usize, p: usize, b: usize) -> S::V {
        let (half, d) = (self.head_width / 2, b * LANES);
        let at = p * self.head_width.div_ceil(LANES) + b;
        let (cos, sin) = (s.load(&self.cos[at]), s.load(&self.sin[at]));
        // A column's partner lies half a head after it, in the second half before it.
        let partner = match half.saturating_sub(d) {
            0 => s.before(x, base + d, half),
            first if first >= LANES => s.at(x, base + d + half),
            first => s.select((1 << first) - 1, s.at(x, base + d + half), s.before(x, base + d, half)),
        };
        let sin = if BACK { s.sub(s.zero(), sin) } else { sin };
        s.fma(partner, sin, s.mul(s.at(x, base + d), cos))
    }
}
