//! The gated activation of a Llama feed-forward: `silu(gate) * up`, with `silu(x) = x / (1 + e^-x)`.
//!
//! `gate_up` `[n, 2f]` is one projection's output: the first `f` columns of a row are the gate, the last `f` the value.
//! The backward pass needs nothing else.

use rayon::prelude::*;

use super::vector::{LANES, Simd, with_simd};

/// Elements of the output in a task: a few times the cost of handing it over, small beside the second-level cache.
const PIECE: usize = 16 * 1024;

/// `y = silu(gate) * up`.
///
/// Shapes: `gate_up` `[n, 2f]`; `y` `[n, f]`.
pub fn forward(gate_up: &[f32], f: usize, y: &mut [f32]) {
    assert!(
        gate_up.len() == 2 * y.len() && y.len().is_multiple_of(f),
        "swiglu: {} into {} in rows of {f}",
        gate_up.len(),
        y.len()
    );
    let rows = (PIECE / f).max(1);
    (gate_up.par_chunks(rows * 2 * f), y.par_chunks_mut(rows * f)).into_par_iter().for_each(|(gate_up, y)| {
        with_simd!(|s| for (gate_up, y) in gate_up.chunks_exact(2 * f).zip(y.chunks_exact_mut(f)) {
            forward_row(s, gate_up, y);
        });
    });
}

/// Gradient of [`forward`].
///
/// Shapes: `gate_up`, `d_gate_up` `[n, 2f]`; `dy` `[n, f]`.
pub fn backward(gate_up: &[f32], f: usize, dy: &[f32], d_gate_up: &mut [f32]) {
    assert!(
        gate_up.len() == 2 * dy.len() && d_gate_up.len() == gate_up.len() && dy.len().is_multiple_of(f),
        "swiglu: {} and {} from {} in rows of {f}",
        gate_up.len(),
        d_gate_up.len(),
        dy.len()
    );
    let rows = (PIECE / f).max(1);
    (gate_up.par_chunks(rows * 2 * f), dy.par_chunks(rows * f), d_gate_up.par_chunks_mut(rows * 2 * f))
        .into_par_iter()
        .for_each(|(gate_up, dy, d_gate_up)| {
            with_simd!(|s| {
                let rows = gate_up.chunks_exact(2 * f).zip(dy.chunks_exact(f)).zip(d_gate_up.chunks_exact_mut(2 * f));
                for ((gate_up, dy), d_gate_up) in rows {
                    backward_row(s, gate_up, dy, d_gate_up);
                }
            });
        });
}

#[inline(always)]
fn forward_row<S: Simd>(s: S, gate_up: &[f32], y: &mut [f32]) {
    let (gate, up) = gate_up.split_at(y.len());
    for i in (0..y.len()).step_by(LANES) {
        let g = s.at(gate, i);
        s.put(s.mul(s.mul(g, s.sigmoid(g)), s.at(up, i)), y, i);
    }
}

/// `d up = dy g σ(g)`; `d gate = dy up σ(g) (1 + g (1 - σ(g)))`.
#[inline(always)]
fn backward_row<S: Simd>(s: S, gate_up: &[f32], dy: &[f32], d_gate_up: &mut [f32]) {
    let (gate, up) = gate_up.split_at(dy.len());
    let (d_gate, d_up) = d_gate_up.split_at_mut(dy.len());
    for i in (0..dy.len()).step_by(LANES) {
        let (g, dy) = (s.at(gate, i), s.at(dy, i));
        let sigma = s.sigmoid(g);
        let silu = s.mul(g, sigma);
        let slope = s.fma(silu, s.sub(s.splat(1.0), sigma), sigma);
        s.put(s.mul(s.mul(dy, s.at(up, i)), slope), d_gate, i);
        s.put(s.mul(dy, silu), d_up, i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn reference(gate_up: &[f64], f: usize) -> Vec<f64> {
        gate_up
            .chunks_exact(2 * f)
            .flat_map(|row| (0..f).map(|i| row[i] / (1.0 + (-row[i]).exp()) * row[f + i]))
            .collect()
    }

    #[test]
    fn values_and_gradients_at_odd_sizes() {
        for (n, f) in [(1, 1), (3, 5), (2, 16), (7, 37)] {
            let gate_up: Vec<f32> = numbers(1, n * 2 * f).iter().map(|x| 6.0 * x).collect();
            let dy = numbers(2, n * f);
            let (mut y, mut d) = (vec![0.0; n * f], vec![0.0; n * 2 * f]);
            forward(&gate_up, f, &mut y);
            close("y", &y, &reference(&wide(&gate_up), f), 1e-6);
            backward(&gate_up, f, &dy, &mut d);
            let want = differences(&wide(&gate_up), |x| inner(&reference(x, f), &wide(&dy)));
            close("d_gate_up", &d, &want, 1e-6);
        }
    }

    #[test]
    fn far_from_zero_it_is_the_identity_or_nothing() {
        let (mut y, mut d) = (vec![0.0; 2], vec![0.0; 4]);
        forward(&[1e4, -1e4, 2.0, 2.0], 2, &mut y);
        assert!(y[0] == 2e4 && y[1].abs() < 1e-30);
        backward(&[1e4, -1e4, 2.0, 2.0], 2, &[1.0, 1.0], &mut d);
        assert!(d.iter().all(|x| x.is_finite()));
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (gate_up, dy) = (numbers(1, 2 * 300 * 193), numbers(2, 300 * 193));
        same_bits_with_any_threads(|| {
            let (mut y, mut d) = (vec![0.0; dy.len()], vec![0.0; gate_up.len()]);
            forward(&gate_up, 193, &mut y);
            backward(&gate_up, 193, &dy, &mut d);
            [y, d].concat()
        });
    }
}
