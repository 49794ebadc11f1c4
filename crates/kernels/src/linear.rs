//! Products with a weight matrix `[out, in]`, row-major as in Hugging Face's files: `y = x wᵀ` and its gradients.

use rayon::prelude::*;

use super::matrix::{Matrix, multiply, transpose};
use super::precision::Path;
use super::spec::Precision;
use super::vector::{accumulate, with_simd};

#[cfg(target_arch = "x86_64")]
mod bfloat16;

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
pub fn forward(precision: Precision, x: &[f32], w: &[f32], input: usize, output: usize, y: &mut [f32]) {
    forward_by(precision.path(), x, w, input, output, y);
}

/// Gradient of the input: `dx = dy w`.
///
/// Shapes: `dy` `[n, output]`; `w` `[output, input]`; `dx` `[n, input]`.
pub fn backward_input(precision: Precision, dy: &[f32], w: &[f32], input: usize, output: usize, dx: &mut [f32]) {
    backward_input_by(precision.path(), dy, w, input, output, dx);
}

/// Gradient of the weights: `dw = dyᵀ x`, or `dw += dyᵀ x` if `add`.
///
/// Shapes: `dy` `[n, output]`; `x` `[n, input]`; `dw` `[output, input]`.
pub fn backward_weight(
    precision: Precision,
    dy: &[f32],
    x: &[f32],
    input: usize,
    output: usize,
    add: bool,
    dw: &mut [f32],
) {
    backward_weight_by(precision.path(), dy, x, input, output, add, dw);
}

fn forward_by(path: Path, x: &[f32], w: &[f32], input: usize, output: usize, y: &mut [f32]) {
    check(x, w, y, input, output);
    match path {
        Path::Float32 => {
            let w = transpose(w, input);
            (x.par_chunks(ROWS * input), y.par_chunks_mut(ROWS * output))
                .into_par_iter()
                .for_each(|(x, y)| multiply(Matrix::new(x, input), Matrix::new(&w, output), y, false));
        }
        Path::Rounded(p) => forward_by(Path::Float32, &p.rounded(x), &p.rounded(w), input, output, y),
        #[cfg(target_arch = "x86_64")]
        Path::Native(s) => bfloat16::forward(s, x, w, input, output, y),
    }
}

fn backward_input_by(path: Path, dy: &[f32], w: &[f32], input: usize, output: usize, dx: &mut [f32]) {
    check(dx, w, dy, input, output);
    match path {
        Path::Float32 => (dy.par_chunks(ROWS * output), dx.par_chunks_mut(ROWS * input))
            .into_par_iter()
            .for_each(|(dy, dx)| multiply(Matrix::new(dy, output), Matrix::new(w, input), dx, false)),
        Path::Rounded(p) => backward_input_by(Path::Float32, &p.rounded(dy), &p.rounded(w), input, output, dx),
        #[cfg(target_arch = "x86_64")]
        Path::Native(s) => bfloat16::backward_input(s, dy, w, input, output, dx),
    }
}

fn backward_weight_by(path: Path, dy: &[f32], x: &[f32], input: usize, output: usize, add: bool, dw: &mut [f32]) {
    check(x, dw, dy, input, output);
    match path {
        Path::Float32 => weight_gradient(dy, x, input, output, add, dw),
        Path::Rounded(p) => weight_gradient(&p.rounded(dy), &p.rounded(x), input, output, add, dw),
        #[cfg(target_arch = "x86_64")]
        Path::Native(s) => bfloat16::backward_weight(s, dy, x, input, output, add, dw),
    }
}

fn weight_gradient(dy: &[f32], x: &[f32], input: usize, output: usize, add: bool, dw: &mut [f32]) {
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
    use crate::precision::tests::paths;
    use crate::testing::*;

    /// `[m, k]` times `[k, n]`.
    fn product(a: impl Fn(usize, usize) -> f64, b: impl Fn(usize, usize) -> f64, [m, k, n]: [usize; 3]) -> Vec<f64> {
        (0..m * n).map(|e| (0..k).map(|l| a(e / n, l) * b(l, e % n)).sum()).collect()
    }

    #[test]
    fn values_and_gradients_at_odd_sizes() {
        let sizes = [(1, 1, 1), (5, 3, 7), (33, 17, 2), (7, 16, 19), (67, 131, 97), (13, 530, 61), (270, 34, 523)];
        for (path, (n, input, output)) in paths().into_iter().flat_map(|path| sizes.map(|size| (path, size))) {
            let (x, w, dy) = (numbers(1, n * input), numbers(2, output * input), numbers(3, n * output));
            let (mut y, mut dx, mut dw) = (vec![9.0; n * output], vec![9.0; n * input], vec![0.0; output * input]);
            forward_by(path, &x, &w, input, output, &mut y);
            backward_input_by(path, &dy, &w, input, output, &mut dx);
            backward_weight_by(path, &dy, &x, input, output, false, &mut dw);
            let (x, w, dy) = (path.seen(&x), path.seen(&w), path.seen(&dy));
            let (x, w, dy) = (|r, c| x[r * input + c], |r, c| w[r * input + c], |r, c| dy[r * output + c]);
            close("y", &y, &product(x, |l, j| w(j, l), [n, input, output]), 1e-6);
            close("dx", &dx, &product(dy, w, [n, output, input]), 1e-6);
            let want = product(|i, l| dy(l, i), x, [output, n, input]);
            close("dw", &dw, &want, 1e-6);
        }
    }

    /// The same for products of many pieces; a second gradient is added to the first.
    #[test]
    fn weight_gradients_in_pieces() {
        let sizes = [(1300, 9, 11), (600, 600, 450), (513, 2, 200), (2309, 701, 760)];
        for (path, (n, input, output)) in paths().into_iter().flat_map(|path| sizes.map(|size| (path, size))) {
            let (x, dy) = (numbers(1, n * input), numbers(2, n * output));
            let mut dw = vec![1.0; output * input];
            backward_weight_by(path, &dy, &x, input, output, true, &mut dw);
            let (x, dy) = (path.seen(&x), path.seen(&dy));
            for (o, i) in [(0, 0), (output - 1, input - 1), (output / 2, 1), (output - 2, input / 2)] {
                let terms = (0..n).map(|r| dy[r * output + o] * x[r * input + i]);
                let (sum, size) = terms.fold((1.0, 1.0), |(sum, size), t| (sum + t, size + t.abs()));
                assert!((f64::from(dw[o * input + i]) - sum).abs() < 1e-6 * size, "{sum}");
            }
        }
    }

    /// Rounding shows: the precisions differ, by as much as 2^-9 of each factor allows.
    #[test]
    fn bfloat16_is_near_float32_but_not_the_same() {
        let (n, input, output) = (20, 60, 30);
        let (x, w) = (numbers(1, n * input), numbers(2, output * input));
        let [mut exact, mut near] = [vec![0.0; n * output], vec![0.0; n * output]];
        forward(Precision::Float32, &x, &w, input, output, &mut exact);
        forward(Precision::Bfloat16, &x, &w, input, output, &mut near);
        close("y", &near, &wide(&exact), 2f64.powi(-8));
        assert!(exact.iter().zip(&near).filter(|(a, b)| a != b).count() > n * output / 2);
    }

    #[test]
    fn no_rows_are_no_work() {
        for path in paths() {
            let mut dw = [1.0; 6];
            forward_by(path, &[], &[0.5; 6], 3, 2, &mut []);
            backward_input_by(path, &[], &[0.5; 6], 3, 2, &mut []);
            backward_weight_by(path, &[], &[], 3, 2, true, &mut dw);
            assert_eq!(dw, [1.0; 6]);
            backward_weight_by(path, &[], &[], 3, 2, false, &mut dw);
            assert_eq!(dw, [0.0; 6]);
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let sizes = [(1100, 33, 70), (600, 600, 450), (300, 701, 760)];
        for (path, (n, input, output)) in paths().into_iter().flat_map(|path| sizes.map(|size| (path, size))) {
            let (x, w, dy) = (numbers(1, n * input), numbers(2, output * input), numbers(3, n * output));
            same_bits_with_any_threads(|| {
                let (mut y, mut dx, mut dw) = (vec![0.0; n * output], vec![0.0; n * input], vec![0.0; output * input]);
                forward_by(path, &x, &w, input, output, &mut y);
                backward_input_by(path, &dy, &w, input, output, &mut dx);
                backward_weight_by(path, &dy, &x, input, output, false, &mut dw);
                [y, dx, dw].concat()
            });
        }
    }
}
