//! AdamW (Loshchilov and Hutter 2019) in one pass over a tensor, in place, and the sum of squares for the global norm.

use rayon::prelude::*;

use super::vector::{LANES, Simd, sum_of_squares, with_simd};

/// Elements of a task.
const PIECE: usize = 32 * 1024;
/// Elements whose squares are summed in `f32`, before `f64` takes over.
const SQUARES: usize = 4 * 1024;

/// Settings of one step; the same for every tensor but for the decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate of this step.
    pub learning_rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled decay of the tensor, times the learning rate; 0 for tensors that are not decayed.
    pub weight_decay: f32,
}

impl AdamW {
    /// Step number `step` (the first is 1) on one tensor.
    ///
    /// Shapes: all slices have the tensor's length. The gradient is multiplied by `gradient_scale` on the way in: the
    /// normaliser of the loss times the clip factor of the global norm. Moments start as zeros.
    pub fn step(&self, step: u64, gradient_scale: f32, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        assert!(step > 0, "adamw: the first step is number 1");
        assert!(
            [g.len(), m.len(), v.len()] == [p.len(); 3],
            "adamw: {} parameters, {} gradients, {} and {} moments",
            p.len(),
            g.len(),
            m.len(),
            v.len()
        );
        let t = step as f64;
        let factors = Factors {
            gradient_scale,
            beta1: self.beta1,
            beta2: self.beta2,
            eps: self.eps,
            keep: (1.0 - f64::from(self.learning_rate) * f64::from(self.weight_decay)) as f32,
            rate: (f64::from(self.learning_rate) / (1.0 - f64::from(self.beta1).powf(t))) as f32,
            root: (1.0 / (1.0 - f64::from(self.beta2).powf(t)).sqrt()) as f32,
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

    const SETTINGS: AdamW = AdamW { learning_rate: 3e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1 };

    #[test]
    fn five_steps_follow_the_definition() {
        for n in [1, 15, 16, 97, 1009] {
            let mut p = numbers(1, n);
            let (mut m, mut v) = (vec![0.0; n], vec![0.0; n]);
            let (mut rp, mut rm, mut rv) = (wide(&p), vec![0.0f64; n], vec![0.0f64; n]);
            for step in 1..=5 {
                let g = numbers(10 + step, n);
                SETTINGS.step(step, 0.25, &mut p, &g, &mut m, &mut v);
                let (b1, b2) = (f64::from(SETTINGS.beta1), f64::from(SETTINGS.beta2));
                let rate = f64::from(SETTINGS.learning_rate);
                for i in 0..n {
                    let g = f64::from(g[i]) * 0.25;
                    rm[i] = b1 * rm[i] + (1.0 - b1) * g;
                    rv[i] = b2 * rv[i] + (1.0 - b2) * g * g;
                    let (mean, square) = (rm[i] / (1.0 - b1.powf(step as f64)), rv[i] / (1.0 - b2.powf(step as f64)));
                    rp[i] -= rate * f64::from(SETTINGS.weight_decay) * rp[i];
                    rp[i] -= rate * mean / (square.sqrt() + f64::from(SETTINGS.eps));
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
        AdamW { weight_decay: 0.0, ..SETTINGS }.step(1, 1.0, &mut p, &[0.5, -1e-3], &mut m, &mut v);
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
            SETTINGS.step(1, square_norm(&g).sqrt().recip() as f32, &mut p, &g, &mut m, &mut v);
            [p, m, v].concat()
        });
    }
}
