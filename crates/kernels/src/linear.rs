//! Products with a weight matrix `[out, in]`, row-major as in Hugging Face's files: `y = x wᵀ` and its gradients.

use rayon::prelude::*;

use super::matrix::{Matrix, multiply, transpose};
use super::vector::{accumulate, with_simd};

/// Rows of `x` in a task.
const ROWS: usize = 256;
/// Rows of `x` whose products make one partial weight gradient.
const DEPTH: usize = 512;
/// Weight matrices up to this size get their gradient from partial sums over rows; larger ones are cut themselves.
const PARTIAL: usize = 256 * 1024;
/// Rows of a large weight matrix in a task.
const OUTPUTS: usize = 128;

/// `y = x wᵀ`.
///
/// Shapes: `x` `[n, input]`; `w` `[output, input]`; `y` `[n, output]`.
pub fn forward(x: &[f32], w: &[f32], input: usize, output: usize, y: &mut [f32]) {
    check(x, w, y, input, output);
    let w = transpose(w, input);
    (x.par_chunks(ROWS * input), y.par_chunks_mut(ROWS * output))
        .into_par_iter()
        .for_each(|(x, y)| multiply(Matrix::new(x, input), Matrix::new(&w, output), y, false));
}

/// Gradient of the input: `dx = dy w`.
///
/// Shapes: `dy` `[n, output]`; `w` `[output, input]`; `dx` `[n, input]`.
pub fn backward_input(dy: &[f32], w: &[f32], input: usize, output: usize, dx: &mut [f32]) {
    check(dx, w, dy, input, output);
    (dy.par_chunks(ROWS * output), dx.par_chunks_mut(ROWS * input))
        .into_par_iter()
        .for_each(|(dy, dx)| multiply(Matrix::new(dy, output), Matrix::new(w, input), dx, false));
}

/// Gradient of the weights: `dw = dyᵀ x`, or `dw += dyᵀ x` if `add`.
///
/// Shapes: `dy` `[n, output]`; `x` `[n, input]`; `dw` `[output, input]`.
pub fn backward_weight(dy: &[f32], x: &[f32], input: usize, output: usize, add: bool, dw: &mut [f32]) {
    check(x, dw, dy, input, output);
    let (left, right) = (Matrix::new(dy, output).transposed(), Matrix::new(x, input));
    let n = x.len() / input;
    if n <= DEPTH {
        multiply(left, right, dw, add);
    } else if dw.len() > PARTIAL {
        dw.par_chunks_mut(OUTPUTS * input).enumerate().for_each(|(i, dw)| {
            multiply(left.rows(i * OUTPUTS, dw.len() / input), right, dw, add);
        });
    } else {
        let mut partial = vec![0.0; n.div_ceil(DEPTH) * dw.len()];
        (partial.par_chunks_exact_mut(dw.len()), dy.par_chunks(DEPTH * output), x.par_chunks(DEPTH * input))
            .into_par_iter()
            .for_each(|(dw, dy, x)| multiply(Matrix::new(dy, output).transposed(), Matrix::new(x, input), dw, false));
        if !add {
            dw.fill(0.0);
        }
        let size = dw.len();
        dw.par_chunks_mut(8 * 1024).enumerate().for_each(|(i, dw)| {
            for partial in partial.chunks_exact(size) {
                with_simd!(|s| accumulate(s, dw, &partial[i * 8 * 1024..][..dw.len()]));
            }
        });
    }
}

fn check(x: &[f32], w: &[f32], y: &[f32], input: usize, output: usize) {
    assert!(
        w.len() == input * output && x.len().is_multiple_of(input) && x.len() / input * output == y.len(),
        "linear: {} by {} weights between {} and {}, of width {input} and {output}",
        output,
        input,
        x.len(),
        y.len()
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn reference(x: &[f64], w: &[f64], input: usize) -> Vec<f64> {
        x.chunks_exact(input).flat_map(|x| w.chunks_exact(input).map(|w| inner(x, w))).collect()
    }

    #[test]
    fn values_and_gradients_at_odd_sizes() {
        for (n, input, output) in [(1, 1, 1), (5, 3, 7), (33, 17, 2), (7, 16, 19)] {
            let (x, w, dy) = (numbers(1, n * input), numbers(2, output * input), numbers(3, n * output));
            let (mut y, mut dx, mut dw) = (vec![9.0; n * output], vec![9.0; n * input], vec![0.0; output * input]);
            forward(&x, &w, input, output, &mut y);
            backward_input(&dy, &w, input, output, &mut dx);
            backward_weight(&dy, &x, input, output, false, &mut dw);
            let (x64, w64, dy64) = (wide(&x), wide(&w), wide(&dy));
            close("y", &y, &reference(&x64, &w64, input), 1e-6);
            close("dx", &dx, &differences(&x64, |x| inner(&reference(x, &w64, input), &dy64)), 1e-6);
            let want = differences(&w64, |w| inner(&reference(&x64, w, input), &dy64));
            close("dw", &dw, &want, 1e-6);
            backward_weight(&dy, &x, input, output, true, &mut dw);
            close("twice dw", &dw, &want.iter().map(|x| 2.0 * x).collect::<Vec<_>>(), 1e-6);
        }
    }

    /// `Σ_rows dy x` for some elements, where differences would take too long; rounding is relative to the sum of magnitudes.
    #[test]
    fn weight_gradients_in_pieces() {
        for (n, input, output) in [(1300, 9, 11), (600, 600, 450)] {
            let (x, dy) = (numbers(1, n * input), numbers(2, n * output));
            let mut dw = vec![1.0; output * input];
            backward_weight(&dy, &x, input, output, true, &mut dw);
            for (o, i) in [(0, 0), (output - 1, input - 1), (output / 2, 1), (output - 2, input / 2)] {
                let terms = (0..n).map(|r| f64::from(dy[r * output + o]) * f64::from(x[r * input + i]));
                let (sum, size) = terms.fold((1.0, 1.0), |(sum, size), t| (sum + t, size + t.abs()));
                assert!((f64::from(dw[o * input + i]) - sum).abs() < 1e-6 * size, "{sum}");
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        for (n, input, output) in [(1100, 33, 70), (600, 600, 450)] {
            let (x, w, dy) = (numbers(1, n * input), numbers(2, output * input), numbers(3, n * output));
            same_bits_with_any_threads(|| {
                let (mut y, mut dx, mut dw) = (vec![0.0; n * output], vec![0.0; n * input], vec![0.0; output * input]);
                forward(&x, &w, input, output, &mut y);
                backward_input(&dy, &w, input, output, &mut dx);
                backward_weight(&dy, &x, input, output, false, &mut dw);
                [y, dx, dw].concat()
            });
        }
    }
}
