//! Muon (Jordan et al. 2024): momentum whose direction is made orthogonal, for the matrices inside a model.
//!
//! With a gradient `g` and a momentum `m`, both `[rows, columns]`, `m ← μ m + (1 − μ) g` and `u = μ m + (1 − μ) g`
//! (Nesterov). The step goes along `O`, the matrix nearest to `u` whose singular values are all one, which
//! [`orthogonalise`] approximates:
//!
//! `p ← p (1 − rate · decay) − rate · 0.1 √max(rows, columns) · O`
//!
//! The factor is that of Liu et al. 2025 (arXiv 2502.16982, there 0.2): it makes the step's size that of AdamW's, whatever
//! the shape, so that one rate goes for the matrices and for what AdamW moves.
//! Projections that are fused in one tensor are matrices of their own: see [`Tensor::parts`].

use rayon::prelude::*;

use super::adamw::square_norm;
use super::matrix::{Matrix, multiply, transpose};
use super::spec::MuonConfig;
use super::vector::{LANES, Simd, with_simd};

/// Iterations.
pub const ITERATIONS: usize = 5;
/// Coefficients of the odd polynomial `a x + b x³ + c x⁵` that each iteration applies to the singular values. They are
/// Jordan's: steep at zero, so that small singular values grow fast; the others end between 0.7 and 1.2.
pub const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
/// Added to the norm, so that a matrix of zeros stays one.
pub const EPSILON: f32 = 1e-7;
/// The root mean square of a step, as a share of the rate. Liu et al. take 0.2; at widths of 32 to 128 half of it learns more
/// at the rate that is best for the embedding.
const STEP_SIZE: f64 = 0.1;

/// One step of the optimizer.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The optimizer's constants.
    pub config: &'a MuonConfig,
    /// Learning rate.
    pub rate: f64,
    /// Multiplies the gradient on the way in: the normaliser of the loss times the clip factor of the global norm.
    pub gradient_scale: f32,
}

/// A parameter and what belongs to it, `[rows, columns]` each.
#[derive(Debug)]
pub struct Tensor<'a> {
    /// The parameters.
    pub p: &'a mut [f32],
    /// The gradient.
    pub g: &'a [f32],
    /// The momentum, zeros before the first step.
    pub m: &'a mut [f32],
    /// Columns.
    pub columns: usize,
    /// Rows of each matrix that lies in it, one below the other.
    pub parts: &'a [usize],
}

impl Step<'_> {
    /// Moves all tensors and their momenta. A matrix is the work of one thread.
    ///
    /// # Panics
    /// If the lengths of a tensor differ, or its parts do not fill it.
    pub fn run<'t>(&self, tensors: impl IntoIterator<Item = Tensor<'t>>) {
        let matrices: Vec<Tensor<'t>> = tensors.into_iter().flat_map(matrices).collect();
        matrices.into_par_iter().for_each(|Tensor { p, g, m, columns, .. }| {
            let direction = orthogonalise(&self.advance(g, m), columns);
            let keep = (1.0 - self.rate * self.config.weight_decay) as f32;
            let rate = (self.rate * size(p.len() / columns, columns)) as f32;
            with_simd!(|s| apply(s, p, &direction, keep, rate));
        });
    }

    /// Moves a momentum by its gradient and gives the direction that it looks in.
    fn advance(&self, g: &[f32], m: &mut [f32]) -> Vec<f32> {
        let mut u = vec![0.0; g.len()];
        let (momentum, scale) = (self.config.momentum as f32, self.gradient_scale);
        with_simd!(|s| look_ahead(s, g, m, &mut u, momentum, scale));
        u
    }
}

/// What a step of this shape is multiplied by beside the rate.
pub fn size(rows: usize, columns: usize) -> f64 {
    STEP_SIZE * (rows.max(columns) as f64).sqrt()
}

/// Cuts a tensor into its matrices.
fn matrices(tensor: Tensor<'_>) -> impl Iterator<Item = Tensor<'_>> {
    let Tensor { mut p, mut g, mut m, columns, parts } = tensor;
    let rows: usize = parts.iter().sum();
    assert!(
        [p.len(), g.len(), m.len()] == [rows * columns; 3],
        "muon: {} parameters, {} gradients and {} momenta for {rows} rows of {columns}",
        p.len(),
        g.len(),
        m.len()
    );
    parts.iter().map(move |&rows| {
        let size = rows * columns;
        let head = p.split_off_mut(..size).expect("parts fill the tensor");
        let gradient = g.split_off(..size).expect("parts fill the tensor");
        let momentum = m.split_off_mut(..size).expect("parts fill the tensor");
        Tensor { p: head, g: gradient, m: momentum, columns, parts: &[] }
    })
}

/// A matrix with the singular vectors of `u` and singular values near one, by Newton-Schulz iterations: of
/// `X = u / ‖u‖`, `X ← a X + (b A + c A²) X` with `A = X Xᵀ`, on the shorter side.
///
/// Shapes: `u` and the result `[u.len() / columns, columns]`, row-major.
pub fn orthogonalise(u: &[f32], columns: usize) -> Vec<f32> {
    let rows = u.len() / columns;
    let (mut x, short, long) =
        if rows > columns { (transpose(u, columns), columns, rows) } else { (u.to_vec(), rows, columns) };
    let scale = (1.0 / (square_norm(&x).sqrt() + f64::from(EPSILON))) as f32;
    x.iter_mut().for_each(|x| *x *= scale);
    let [a, b, c] = COEFFICIENTS;
    let (mut gram, mut square) = (vec![0.0; short * short], vec![0.0; short * short]);
    let mut next = vec![0.0; x.len()];
    for _ in 0..ITERATIONS {
        let matrix = Matrix::new(&x, long);
        multiply(matrix, matrix.transposed(), &mut gram, false);
        let matrix = Matrix::new(&gram, short);
        multiply(matrix, matrix, &mut square, false);
        with_simd!(|s| combine(s, &gram, &mut square, b, c));
        square.iter_mut().step_by(short + 1).for_each(|diagonal| *diagonal += a);
        multiply(Matrix::new(&square, short), Matrix::new(&x, long), &mut next, false);
        std::mem::swap(&mut x, &mut next);
    }
    if rows > columns { transpose(&x, long) } else { x }
}

#[inline(always)]
fn look_ahead<S: Simd>(s: S, g: &[f32], m: &mut [f32], u: &mut [f32], momentum: f32, scale: f32) {
    let (keep, take) = (s.splat(momentum), s.splat((1.0 - momentum) * scale));
    for i in (0..g.len()).step_by(LANES) {
        let taken = s.mul(s.at(g, i), take);
        let moved = s.fma(keep, s.at(m, i), taken);
        s.put(moved, m, i);
        s.put(s.fma(keep, moved, taken), u, i);
    }
}

/// `square ← b · gram + c · square`
#[inline(always)]
fn combine<S: Simd>(s: S, gram: &[f32], square: &mut [f32], b: f32, c: f32) {
    for i in (0..gram.len()).step_by(LANES) {
        let sum = s.fma(s.splat(b), s.at(gram, i), s.mul(s.splat(c), s.at(square, i)));
        s.put(sum, square, i);
    }
}

/// `p ← keep · p − rate · direction`
#[inline(always)]
fn apply<S: Simd>(s: S, p: &mut [f32], direction: &[f32], keep: f32, rate: f32) {
    for i in (0..p.len()).step_by(LANES) {
        let step = s.mul(s.splat(rate), s.at(direction, i));
        s.put(s.sub(s.mul(s.at(p, i), s.splat(keep)), step), p, i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const CONFIG: MuonConfig = MuonConfig { momentum: 0.95, weight_decay: 0.1 };
    const STEP: Step<'_> = Step { config: &CONFIG, rate: 0.02, gradient_scale: 1.0 };

    /// A reflection of `n` dimensions, an orthogonal matrix: `I − 2 v vᵀ / ‖v‖²`.
    fn reflection(seed: u64, n: usize) -> Vec<f64> {
        let v = wide(&numbers(seed, n));
        let square: f64 = v.iter().map(|v| v * v).sum();
        (0..n * n).map(|e| f64::from(u8::from(e / n == e % n)) - 2.0 * v[e / n] * v[e % n] / square).collect()
    }

    /// `U diag(values) Vᵀ` of two reflections, `[rows, columns]`.
    fn with_values(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
        let (u, v) = (reflection(1, rows), reflection(2, columns));
        let element = |i: usize, j: usize| -> f64 {
            values.iter().enumerate().map(|(k, s)| u[i * rows + k] * s * v[j * columns + k]).sum()
        };
        (0..rows * columns).map(|e| element(e / columns, e % columns)).collect()
    }

    /// The polynomial on a number, as often as on the matrix.
    fn iterated(mut x: f64) -> f64 {
        let [a, b, c] = COEFFICIENTS.map(f64::from);
        for _ in 0..ITERATIONS {
            x = a * x + b * x.powi(3) + c * x.powi(5);
        }
        x
    }

    #[test]
    fn singular_vectors_stay_and_singular_values_follow_the_polynomial() {
        for (rows, columns) in [(1, 1), (1, 9), (9, 1), (5, 5), (17, 40), (40, 17), (64, 192)] {
            let rank = rows.min(columns);
            let values: Vec<f64> = (0..rank).map(|k| 3.0 * 0.8f64.powi(k as i32)).collect();
            let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
            let expected: Vec<f64> = values.iter().map(|v| iterated(v / norm)).collect();
            let u: Vec<f32> = with_values(&values, rows, columns).iter().map(|&x| x as f32).collect();
            close("direction", &orthogonalise(&u, columns), &with_values(&expected, rows, columns), 2e-5);
        }
        assert!((1..=1000).map(|k| iterated(f64::from(k) / 1000.0)).skip(9).all(|value| (0.65..1.25).contains(&value)));
    }

    #[test]
    fn nothing_has_no_direction() {
        assert_eq!(orthogonalise(&[0.0; 12], 4), [0.0; 12]);
    }

    /// Two steps by hand: the momentum, the direction of what it looks at, the decay.
    #[test]
    fn steps_follow_the_definition() {
        let (rows, columns) = (6, 10);
        let mut p = numbers(1, rows * columns);
        let mut m = vec![0.0; p.len()];
        let (mut exact, mut held) = (wide(&p), vec![0.0; p.len()]);
        for number in 0..2 {
            let g = numbers(5 + number, p.len());
            let step = Step { gradient_scale: 0.5, ..STEP };
            step.run([Tensor { p: &mut p, g: &g, m: &mut m, columns, parts: &[rows] }]);
            let mut ahead = Vec::new();
            for (held, &g) in held.iter_mut().zip(&g) {
                *held = 0.95 * *held + 0.05 * 0.5 * f64::from(g);
                ahead.push((0.95 * *held + 0.05 * 0.5 * f64::from(g)) as f32);
            }
            let direction = orthogonalise(&ahead, columns);
            for (exact, &direction) in exact.iter_mut().zip(&direction) {
                *exact = *exact * (1.0 - 0.02 * 0.1) - 0.02 * 0.1 * 10f64.sqrt() * f64::from(direction);
            }
        }
        close("m", &m, &held, 1e-6);
        close("p", &p, &exact, 1e-5);
    }

    #[test]
    fn fused_projections_step_as_matrices_of_their_own() {
        let (columns, parts) = (12, [8, 4, 4]);
        let (p, g) = (numbers(1, 16 * columns), numbers(2, 16 * columns));
        let (mut fused, mut m) = (p.clone(), vec![0.0; p.len()]);
        STEP.run([Tensor { p: &mut fused, g: &g, m: &mut m, columns, parts: &parts }]);
        let mut apart = p;
        let mut first = 0;
        for rows in parts {
            let range = first * columns..(first + rows) * columns;
            let mut m = vec![0.0; range.len()];
            STEP.run([Tensor { p: &mut apart[range.clone()], g: &g[range], m: &mut m, columns, parts: &[rows] }]);
            first += rows;
        }
        assert_eq!(fused, apart);
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        same_bits_with_any_threads(|| {
            let mut all = Vec::new();
            let sizes = [(64, 64), (192, 64), (64, 192), (33, 7)];
            let mut held: Vec<_> = sizes.iter().map(|(r, c)| (numbers(1, r * c), vec![0.0; r * c])).collect();
            let gradients = sizes.map(|(r, c)| numbers(2, r * c));
            let tensors = held.iter_mut().zip(&gradients).zip(&sizes).map(|(((p, m), g), (rows, columns))| Tensor {
                p,
                g,
                m,
                columns: *columns,
                parts: std::slice::from_ref(rows),
            });
            STEP.run(tensors);
            held.into_iter().for_each(|(p, m)| all.extend(p.into_iter().chain(m)));
            all
        });
    }
}
