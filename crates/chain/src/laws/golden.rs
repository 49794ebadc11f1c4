//! The golden ratio: how to weigh fresh human draws against synthetic ones.
//!
//! Source: He et al. 2025 for one synthetic draw per human one; the general case and finite n derived here. The trap:
//! it holds for *fresh* human text. On an anchor the best weight of the human text is 1: its own error never averages
//! out, so E = w² H0/n + (what synthetic text adds), and nothing that synthetic text holds is new.

/// `n` fresh human draws with weight `w` and cn of the last model's with weight 1 - w: E‖q - p‖² of model `generation`,
/// model 0 being fitted to n human draws. *Exact*.
///
/// q' = w r + (1-w) s with E‖r-p‖² = H0/n and E‖s-p‖² = D + (H0 - D)/(cn), for E H(q) = H0 - D; r is independent of s:
///
/// D_{g+1} = w² H0/n + (1-w)² [D_g + (H0 - D_g)/(cn)].
pub fn error_of_weighted(h0: f64, n: f64, c: f64, w: f64, generation: u32) -> f64 {
    let step = |d: f64, _| w * w * h0 / n + (1.0 - w).powi(2) * (d + (h0 - d) / (c * n));
    (0..generation).fold(h0 / n, step)
}

/// What [`error_of_weighted`] converges to: (H0/n) (w² + (1-w)²/c) / [1 - (1-w)² (1 - 1/(cn))].
pub fn error_of_weighted_limit(h0: f64, n: f64, c: f64, w: f64) -> f64 {
    let v = (1.0 - w).powi(2);
    h0 / n * (w * w + v / c) / (1.0 - v * (1.0 - 1.0 / (c * n)))
}

/// The weight of the human draws with the least limit where there are `c` synthetic draws for each, the positive root
/// of c w² + w - 1 = 0, which for c = 1 is 1/φ = .618. *Approximation* with an error of order 1/n.
///
/// With u = 1 - w and large n the limit is (w² + u²/c)/(1 - u²); its derivative is zero where (w - u/c) w (2-w) = (w² +
/// u²/c) u, which u = c w² solves. The limit there is w H0/n: n human draws are worth n/w.
pub fn golden_weight(c: f64) -> f64 {
    2.0 / (1.0 + (1.0 + 4.0 * c).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_weight_is_best() {
        assert!((golden_weight(1.0) - 0.618_034).abs() < 1e-6);
        let n = 1e7;
        for c in [0.3, 1.0, 4.0] {
            let (w, at) = (golden_weight(c), |w| error_of_weighted_limit(1.0, n, c, w));
            assert!((n * at(w) - w).abs() < 1e-6);
            assert!(at(w) < at(w - 0.01) && at(w) < at(w + 0.01));
        }
    }

    #[test]
    fn the_recursion_runs_into_its_limit() {
        let limit = error_of_weighted_limit(0.7, 20.0, 2.0, 0.5);
        assert!((error_of_weighted(0.7, 20.0, 2.0, 0.5, 100) - limit).abs() < 1e-12);
        // Weights by number are the plain mixture of the same draws.
        let plain = super::super::error_of_mixture_limit(super::super::Human::Fresh, 0.7, 40.0, 0.5);
        assert!((error_of_weighted_limit(0.7, 20.0, 1.0, 0.5) - plain).abs() < 1e-12);
    }
}
