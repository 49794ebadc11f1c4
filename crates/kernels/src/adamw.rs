//! AdamW (Loshchilov and Hutter 2019) in one pass over a tensor, in place, and the sum of squares for the global norm.

use rayon::prelude::*;

use super::spec::AdamWConfig;
use super::vector::{LANES, Simd, sum_of_squares, with_simd};

/// Elements of a task.
const PIECE: usize = 32 * 1024;
/// Elements whose squares are summed in `f32`, before `f64` takes over.
const SQUARES: usize = 4 * 1024;

/// One step of the optimizer on one tensor.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The optimizer's constants; what is clipped is in `gradient_scale`.
    pub config: &'a AdamWConfig,
    /// Number of the step; the first is 1.
    pub number: u64,
    /// Learning rate.
    pub rate: f64,
    /// Multiplies the gradient on the way in: the normaliser of the loss times the clip factor of the global norm.
    pub gradient_scale: f32,
    /// Whether the tensor is one that decays.
    pub decays: bool,
}

impl Step<'_> {
    /// Moves the parameters `p` and their moments `m` and `v`, which start as zeros, by the gradient `g`.
    ///
    /// Shapes: all slices have the tensor's length.
    ///
    /// # Panics
    /// If they differ in length, or the number is 0.
    pub fn run(&self, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        assert!(self.number > 0, "adamw: the first step is number 1");
        assert!(
            [g.len(), m.len(), v.len()] == [p.len(); 3],
            "adamw: {} parameters, {} gradients, {} and {} moments",
            p.len(),
            g.len(),
            m.len(),
            v.len()
        );
        let AdamWConfig { beta1, beta2, epsilon, weight_decay, .. } = self.config.float32();
        let (t, rate) = (self.number as f64, f64::from(self.rate as f32));
        let factors = Factors {
            gradient_scale: self.gradient_scale,
            beta1,
            beta2,
            eps: epsilon,
            keep: if self.decays { (1.0 - rate * f64::from(weight_decay)) as f32 } else { 1.0 },
            rate: (rate / (1.0 - f64::from(beta1).powf(t))) as f32,
            root: (1.0 / (1.0 - f64::from(beta2).powf(t)).sqrt()) as f32,
        };
        (p.par_chunks_mut(PIECE), g.par_chunks(PIECE), m.par_chunks_mut(PIECE), v.par_chunks_mut(PIECE))
            .into_par_iter()
            .for_each(|(p, g, m, v)| with_simd!(|s| update(s, factors, p, g, m, v)));
    }
}

/// What an element needs, with the bias corrections `1 - beta^t` folded in.
#[derive(Clone, Copy)]
struct Factors {
    gradient_scale: f32,
    beta1: f32,
    beta2: f32,
    eps: f32,
    keep: f32,
    rate: f32,
    root: f32,
}

#[inline(always)]
fn update<S: Simd>(s: S, f: Factors, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    for i in (0..p.len()).step_by(LANES) {
        let g = s.mul(s.at(g, i), s.splat(f.gradient_scale));
        let first = s.fma(s.splat(f.beta1), s.at(m, i), s.mul(s.splat(1.0 - f.beta1), g));
        let second = s.fma(s.splat(f.beta2), s.at(v, i), s.mul(s.splat(1.0 - f.beta2), s.mul(g, g)));
        let denominator = s.fma(s.sqrt(second), s.splat(f.root), s.splat(f.eps));
        let step = s.div(s.mul(first, s.splat(f.rate)), denominator);
        s.put(s.sub(s.mul(s.at(p, i), s.splat(f.keep)), step), p, i);
        s.put(first, m, i);
        s.put(second, v, i);
    }
}

/// `Σ g^2`, in pieces of fixed size whose sums are added in `f64`, in order. The global norm is the root of the sum over tensors.
pub fn square_norm(g: &[f32]) -> f64 {
    let pieces: Vec<f64> = g
        .par_chunks(PIECE)
        .map(|piece| piece.chunks(SQUARES).map(|x| f64::from(with_simd!(|s| sum_of_squares(s, x)))).sum())
        .collect();
    pieces.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const CONFIG: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 };
    const FIRST: Step<'_> = Step { config: &CONFIG, number: 1, rate: 3e-3, gradient_scale: 1.0, decays: true };

    #[test]
    fn five_steps_follow_the_definition() {
        for n in [1, 15, 16, 97, 1009] {
            let mut p = numbers(1, n);
            let (mut m, mut v) = (vec![0.0; n], vec![0.0; n]);
            let (mut rp, mut rm, mut rv) = (wide(&p), vec![0.0f64; n], vec![0.0f64; n]);
            for step in 1..=5 {
                let g = numbers(10 + step, n);
                Step { number: step, gradient_scale: 0.25, ..FIRST }.run(&mut p, &g, &mut m, &mut v);
                // What the constants are in float32.
                let AdamWConfig { beta1: b1, beta2: b2, epsilon, weight_decay, .. } = CONFIG.float32();
                let [b1, b2, epsilon, weight_decay] = [b1, b2, epsilon, weight_decay].map(f64::from);
                let rate = f64::from(FIRST.rate as f32);
                for i in 0..n {
                    let g = f64::from(g[i]) * 0.25;
                    rm[i] = b1 * rm[i] + (1.0 - b1) * g;
                    rv[i] = b2 * rv[i] + (1.0 - b2) * g * g;
                    let (mean, square) = (rm[i] / (1.0 - b1.powf(step as f64)), rv[i] / (1.0 - b2.powf(step as f64)));
                    rp[i] -= rate * weight_decay * rp[i];
                    rp[i] -= rate * mean / (square.sqrt() + epsilon);
                }
            }
            close("p", &p, &rp, 1e-6);
            close("m", &m, &rm, 1e-6);
            close("v", &v, &rv, 1e-6);
        }
    }

    #[test]
    fn the_first_step_is_the_learning_rate_against_the_sign() {
        let (mut p, mut m, mut v) = ([1.0, 1.0], [0.0; 2], [0.0; 2]);
        Step { decays: false, ..FIRST }.run(&mut p, &[0.5, -1e-3], &mut m, &mut v);
        assert!((p[0] - 0.997).abs() < 1e-6 && (p[1] - 1.003).abs() < 1e-6);
    }

    #[test]
    fn square_norm_is_the_sum_of_squares() {
        for n in [0, 1, 4097, 100_003] {
            let g = numbers(1, n);
            let want: f64 = wide(&g).iter().map(|g| g * g).sum();
            assert!((square_norm(&g) - want).abs() <= 1e-6 * want);
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let g = numbers(2, 100_003);
        same_bits_with_any_threads(|| {
            let (mut p, mut m, mut v) = (numbers(1, g.len()), vec![0.0; g.len()], vec![0.0; g.len()]);
            let gradient_scale = square_norm(&g).sqrt().recip() as f32;
            Step { gradient_scale, ..FIRST }.run(&mut p, &g, &mut m, &mut v);
            [p, m, v].concat()
        });
    }
}
