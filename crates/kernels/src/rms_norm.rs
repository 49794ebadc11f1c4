//! RMS normalisation over rows `[n, d]`: `y = x / sqrt(mean(x^2) + eps) * w`, with the residual sum before it.
//!
//! Nothing is saved: the backward pass takes the sum of squares again, from a row that it has to read anyway.

use rayon::prelude::*;

use super::vector::{LANES, Simd, accumulate, dot, with_simd};

/// Rows of a task; the weight gradient is summed by these pieces.
const ROWS: usize = 64;

/// `y = norm(x) * w` for each row.
///
/// Shapes: `x`, `y` `[n, d]`; `weight` `[d]`.
pub fn forward(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    let d = weight.len();
    assert!(
        x.len() == y.len() && x.len().is_multiple_of(d),
        "rms_norm: {} and {} elements in rows of {d}",
        x.len(),
        y.len()
    );
    (x.par_chunks(ROWS * d), y.par_chunks_mut(ROWS * d)).into_par_iter().for_each(|(x, y)| {
        with_simd!(|s| for (x, y) in x.chunks_exact(d).zip(y.chunks_exact_mut(d)) {
            normalize(s, x, weight, eps, y);
        });
    });
}

/// `h = x + residual`, `y = norm(h) * w`: one pass for the sum that a layer starts with.
///
/// Shapes: `x`, `residual`, `h`, `y` `[n, d]`; `weight` `[d]`.
pub fn forward_residual(x: &[f32], residual: &[f32], weight: &[f32], eps: f32, h: &mut [f32], y: &mut [f32]) {
    let d = weight.len();
    assert!(
        [residual.len(), h.len(), y.len()] == [x.len(); 3] && x.len().is_multiple_of(d),
        "rms_norm: {}, {}, {} and {} elements in rows of {d}",
        x.len(),
        residual.len(),
        h.len(),
        y.len()
    );
    let piece = ROWS * d;
    (x.par_chunks(piece), residual.par_chunks(piece), h.par_chunks_mut(piece), y.par_chunks_mut(piece))
        .into_par_iter()
        .for_each(|(x, r, h, y)| {
            with_simd!(|s| {
                let rows = x.chunks_exact(d).zip(r.chunks_exact(d));
                for ((x, r), (h, y)) in rows.zip(h.chunks_exact_mut(d).zip(y.chunks_exact_mut(d))) {
                    for i in (0..d).step_by(LANES) {
                        s.put(s.add(s.at(x, i), s.at(r, i)), h, i);
                    }
                    normalize(s, h, weight, eps, y);
                }
            });
        });
}

/// Gradients of [`forward`] (and of [`forward_residual`], where `x` is its `h`).
///
/// Shapes: `x`, `dy`, `dx` `[n, d]`; `weight`, `dw` `[d]`. `upstream` `[n, d]`, if given, is added to `dx`: the gradient that
/// reaches `h` along the residual stream. `dw` is overwritten.
pub fn backward(
    x: &[f32],
    weight: &[f32],
    eps: f32,
    dy: &[f32],
    upstream: Option<&[f32]>,
    dx: &mut [f32],
    dw: &mut [f32],
) {
    let d = weight.len();
    assert!(
        [dy.len(), dx.len(), upstream.map_or(x.len(), <[f32]>::len)] == [x.len(); 3]
            && x.len().is_multiple_of(d)
            && dw.len() == d,
        "rms_norm: {}, {} and {} elements in rows of {d}",
        x.len(),
        dy.len(),
        dx.len()
    );
    let piece = ROWS * d;
    let mut partial = vec![0.0; x.len().div_ceil(piece) * d];
    (x.par_chunks(piece), dy.par_chunks(piece), dx.par_chunks_mut(piece), partial.par_chunks_exact_mut(d))
        .into_par_iter()
        .enumerate()
        .for_each(|(p, (x, dy, dx, dw))| {
            let upstream = upstream.map(|u| &u[p * piece..][..x.len()]);
            with_simd!(|s| {
                let rows = x.chunks_exact(d).zip(dy.chunks_exact(d)).zip(dx.chunks_exact_mut(d));
                for (row, ((x, dy), dx)) in rows.enumerate() {
                    let upstream = upstream.map(|u| &u[row * d..][..d]);
                    backward_row(s, x, weight, eps, dy, upstream, dx, dw);
                }
            });
        });
    dw.fill(0.0);
    for piece in partial.chunks_exact(d) {
        with_simd!(|s| accumulate(s, dw, piece));
    }
}

/// `1 / sqrt(mean(x^2) + eps)`.
#[inline(always)]
fn inverse_rms<S: Simd>(s: S, x: &[f32], eps: f32) -> f32 {
    1.0 / (dot(s, x, x) / x.len() as f32 + eps).sqrt()
}

#[inline(always)]
fn normalize<S: Simd>(s: S, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    let scale = s.splat(inverse_rms(s, x, eps));
    for i in (0..x.len()).step_by(LANES) {
        s.put(s.mul(s.mul(s.at(x, i), scale), s.at(weight, i)), y, i);
    }
}

/// With `x^ = x r`, `g = dy w`: `dx = r (g - x^ mean(g x^))`, `dw += dy x^`.
#[inline(always)]
fn backward_row<S: Simd>(
    s: S,
    x: &[f32],
    weight: &[f32],
    eps: f32,
    dy: &[f32],
    upstream: Option<&[f32]>,
    dx: &mut [f32],
    dw: &mut [f32],
) {
    let r = inverse_rms(s, x, eps);
    let mut along = s.zero();
    for i in (0..x.len()).step_by(LANES) {
        along = s.fma(s.mul(s.at(dy, i), s.at(weight, i)), s.at(x, i), along);
    }
    let slope = s.splat(-r * r * s.total(along) / x.len() as f32);
    let r = s.splat(r);
    for i in (0..x.len()).step_by(LANES) {
        let (x, dy) = (s.at(x, i), s.at(dy, i));
        let through = s.mul(r, s.fma(x, slope, s.mul(dy, s.at(weight, i))));
        let through = match upstream {
            Some(upstream) => s.add(through, s.at(upstream, i)),
            None => through,
        };
        s.put(through, dx, i);
        s.put(s.fma(s.mul(x, r), dy, s.at(dw, i)), dw, i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const EPS: f32 = 1e-5;

    fn reference(x: &[f64], w: &[f64]) -> Vec<f64> {
        let d = w.len();
        x.chunks_exact(d)
            .flat_map(|x| {
                let r = 1.0 / (x.iter().map(|x| x * x).sum::<f64>() / d as f64 + f64::from(EPS)).sqrt();
                x.iter().zip(w).map(move |(x, w)| x * r * w)
            })
            .collect()
    }

    #[test]
    fn values_and_gradients_at_odd_sizes() {
        for (n, d) in [(1, 1), (3, 7), (5, 16), (2, 33), (131, 3)] {
            let (x, r, w, dy, up) =
                (numbers(1, n * d), numbers(2, n * d), numbers(3, d), numbers(4, n * d), numbers(5, n * d));
            let (mut h, mut y, mut y2) = (vec![0.0; n * d], vec![0.0; n * d], vec![0.0; n * d]);
            forward_residual(&x, &r, &w, EPS, &mut h, &mut y);
            let sum: Vec<f32> = x.iter().zip(&r).map(|(x, r)| x + r).collect();
            assert_eq!(h, sum);
            close("y", &y, &reference(&wide(&h), &wide(&w)), 1e-6);
            forward(&h, &w, EPS, &mut y2);
            assert_eq!(y, y2);

            let (mut dx, mut dw) = (vec![0.0; n * d], vec![9.0; d]);
            backward(&h, &w, EPS, &dy, Some(&up), &mut dx, &mut dw);
            let (h, w, dy, up) = (wide(&h), wide(&w), wide(&dy), wide(&up));
            close("dx", &dx, &differences(&h, |h| inner(&reference(h, &w), &dy) + inner(h, &up)), 1e-5);
            close("dw", &dw, &differences(&w, |w| inner(&reference(&h, w), &dy)), 1e-5);
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (n, d) = (517, 24);
        let (x, w, dy) = (numbers(1, n * d), numbers(2, d), numbers(3, n * d));
        same_bits_with_any_threads(|| {
            let (mut y, mut dx, mut dw) = (vec![0.0; n * d], vec![0.0; n * d], vec![0.0; d]);
            forward(&x, &w, EPS, &mut y);
            backward(&x, &w, EPS, &dy, None, &mut dx, &mut dw);
            [y, dx, dw].concat()
        });
    }
}
