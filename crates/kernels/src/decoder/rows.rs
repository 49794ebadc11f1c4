//! What a layer does to each row on its own: normalisation and the gated activation. All rows are filled up with zeros to
//! whole vectors, which changes no sum.

use crate::vector::{LANES, Simd, with_simd};

/// `y[r] = x[r] / sqrt(mean(x[r]²) + eps) · weight` (RMSNorm, Zhang and Sennrich 2019), for rows of `width` values that are
/// filled up to `weight.len()`.
pub(super) fn rms_norm(width: usize, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    with_simd!(|s| rms_norm_with(s, width, x, weight, eps, y));
}

#[inline(always)]
pub(super) fn rms_norm_with<S: Simd>(s: S, width: usize, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    let stride = weight.len();
    let weight = weight.as_chunks::<LANES>().0;
    for (x, y) in x.chunks_exact(stride).zip(y.chunks_exact_mut(stride)) {
        let (x, y) = (x.as_chunks::<LANES>().0, y.as_chunks_mut::<LANES>().0);
        let mut squares = s.zero();
        for block in x {
            let v = s.load(block);
            squares = s.fma(v, v, squares);
        }
        let scale = s.splat(1.0 / (s.total(squares) / width as f32 + eps).sqrt());
        for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
            s.store(s.mul(s.mul(s.load(x), scale), s.load(weight)), y);
        }
    }
}

/// `gate_up[r, ..half] = silu(gate_up[r, ..half]) · gate_up[r, half..]`, `silu(x) = x · sigmoid(x)`, for rows of `2 · half` values.
pub(super) fn swiglu(half: usize, gate_up: &mut [f32]) {
    with_simd!(|s| swiglu_with(s, half, gate_up));
}

#[inline(always)]
pub(super) fn swiglu_with<S: Simd>(s: S, half: usize, gate_up: &mut [f32]) {
    for row in gate_up.chunks_exact_mut(2 * half) {
        let (gate, up) = row.split_at_mut(half);
        for (gate, up) in gate.as_chunks_mut::<LANES>().0.iter_mut().zip(up.as_chunks::<LANES>().0) {
            let x = s.load(gate);
            s.store(s.mul(s.mul(x, s.sigmoid(x)), s.load(up)), gate);
        }
    }
}
