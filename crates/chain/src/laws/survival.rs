//! Survival of types: which are still there after g generations.
//!
//! Source: Suresh, Thangaraj and Khandavally 2025 for `replace`; the other regimes are derived here in the same way. Of
//! a rare type, each draw has a number of descendants in the next generation that is nearly Poisson's, so its draws are
//! a branching process. The trap: items that come in runs (a document stays with its subject) count as one draw a run,
//! so n is the number of runs and not of tokens.

use super::Human;

/// What a generation is trained on, as far as the laws of survival tell regimes apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Regime {
    /// The last generation's text alone.
    Replace,
    /// The human text and all text written since, in equal batches.
    Accumulate,
    /// This share (0 to 1) of human text and the rest of the last generation's.
    Mixture(Human, f64),
}

impl Regime {
    /// The share that the last generation's text has of a training set; `None` where the pool grows.
    fn latest(self) -> Option<f64> {
        match self {
            Self::Replace => Some(1.0),
            Self::Accumulate => None,
            Self::Mixture(_, human) => Some(1.0 - human),
        }
    }
}

/// What becomes of human draws, where each draw of a model's training set is looked at with chance m: with m = 1,
/// whether any is there, with m = 1 - e^(-s) the Laplace transform of how many there are. Slopes are d/dm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lineage {
    /// The chance that the legacy of one draw of the first human sample is seen.
    pub(crate) of_human: f64,
    /// The expected number of legacies seen of later human draws, per draw of the first sample (`fresh` alone).
    pub(crate) of_fresh: f64,
    /// The slope of their sum.
    pub(crate) slope: f64,
}

impl Lineage {
    /// The legacy in model `generation`.
    ///
    /// Let h_j be the chance that of a draw something is seen j generations on, h_0 = m. It has Poisson(β) children in
    /// the next training set, β being the share of the last generation's text there, so h_{j+1} = 1 - exp(-β h_j).
    ///
    /// - `replace`: h_g, with β = 1.
    /// - `fresh`: h_g, and besides α draws entered in each generation i = 1, ..., g, each with h_{g-i}.
    /// - `anchor`: with chance α a human draw is in each of the training sets 0, ..., g, and unseen if none of these
    ///   copies has something to show: 1 - ∏_{j≤g} (1 - h_j). With chance 1 - α it is in the first alone: h_g.
    /// - `pool`: it is in the first, and with chance α in each later one: 1 - (1 - h_g) ∏_{j<g} (1 - α h_j).
    /// - `accumulate`: a draw in the pool of i batches stays and has Poisson(1/i) children in the next; backwards from
    ///   a = m, the chance goes to 1 - (1 - a) exp(-a/i) for i = g, ..., 1.
    pub(crate) fn seen(regime: Regime, m: f64, generation: u32) -> Self {
        let Some(beta) = regime.latest() else {
            return Self::seen_in_pool(m, generation);
        };
        let alpha = 1.0 - beta;
        // Chance and slope of h_j; of their sum and of what the repeated copies have shown so far.
        let (mut h, mut dh) = (m, 1.0);
        let (mut sum, mut dsum) = (0.0, 0.0);
        let again = if matches!(regime, Regime::Mixture(Human::Anchor, _)) { 1.0 } else { alpha };
        let (mut copies, mut dcopies) = (0.0, 0.0);
        for _ in 0..generation {
            (sum, dsum) = (sum + h, dsum + dh);
            (dcopies, copies) = (dcopies + again * (dh - dcopies * h - copies * dh), either(copies, again * h));
            (dh, h) = (beta * dh * (-beta * h).exp(), -(-beta * h).exp_m1());
        }
        match regime {
            Regime::Mixture(Human::Fresh, _) => Self { of_human: h, of_fresh: alpha * sum, slope: dh + alpha * dsum },
            Regime::Mixture(Human::Anchor, _) => {
                let (all, dall) = (either(copies, h), dcopies + dh - dcopies * h - copies * dh);
                Self { of_human: alpha * all + beta * h, of_fresh: 0.0, slope: alpha * dall + beta * dh }
            }
            Regime::Mixture(Human::Pool, _) => {
                let slope = dcopies + dh - dcopies * h - copies * dh;
                Self { of_human: either(copies, h), of_fresh: 0.0, slope }
            }
            Regime::Replace | Regime::Accumulate => Self { of_human: h, of_fresh: 0.0, slope: dh },
        }
    }

    fn seen_in_pool(m: f64, generation: u32) -> Self {
        let (mut a, mut slope) = (m, 1.0);
        for i in (1..=generation).rev().map(f64::from) {
            slope *= (-a / i).exp() * (1.0 + (1.0 - a) / i);
            a = -((-a).ln_1p() - a / i).exp_m1();
        }
        Self { of_human: a, of_fresh: 0.0, slope }
    }

    /// The expected number of legacies seen, per draw of the first human sample.
    pub(crate) fn all(self) -> f64 {
        self.of_human + self.of_fresh
    }
}

/// The chance of one of two independent events.
fn either(a: f64, b: f64) -> f64 {
    a + b - a * b
}

/// The chance that a type of probability `p` is there in model `generation`. *Approximation* for n p² small, of that
/// order; and at any p a rigorous lower *bound*, for E s^Binomial(n, x) ≤ e^(-nx(1-s)).
///
/// With h_0 = 1 and h_{j+1} = 1 - exp(-(1-α) h_j):
///
/// - `replace` (α = 0): 1 - exp(-np h_g). The literature's g_k is h_{k-1}; h = 1, .632, .469, .374, ..., about 2/g.
/// - `fresh`: 1 - exp{-np [h_g + α Σ_{j<g} h_j]}.
/// - `anchor`: 1 - exp{-np [α + (1-α) h_g]}.
/// - `pool`: 1 - exp{-np [1 - (1 - h_g) ∏_{j<g} (1 - α h_j)]}.
/// - `accumulate`: 1 - exp(-np), whatever g: a pool that keeps everything loses no type.
pub fn survival(regime: Regime, n: f64, p: f64, generation: u32) -> f64 {
    -(-n * p * Lineage::seen(regime, 1.0, generation).all()).exp_m1()
}

/// `replace`: [`survival`] in its simplest regime.
pub fn survival_replace(n: f64, p: f64, generation: u32) -> f64 {
    survival(Regime::Replace, n, p, generation)
}

/// `accumulate`: 1 - (1-p)^n in every generation. *Exact*: what the human sample holds is never lost.
pub fn survival_accumulate(n: f64, p: f64) -> f64 {
    -((-p).ln_1p() * n).exp_m1()
}

/// The chance that a type that occurs `count` times among the n human draws is there in model `generation`.
/// *Approximation* and lower *bound* as [`survival`].
///
/// The legacies of its draws are independent: 1 - (1 - a)^count, a being one draw's chance (for `replace` h_g, so that
/// 1 - a = q_g with q_0 = 0, q_{j+1} = e^(q_j - 1)). Under `fresh` it may also come back, for which its probability p
/// is needed.
pub fn survival_given(regime: Regime, n: f64, p: f64, count: f64, generation: u32) -> f64 {
    let lineage = Lineage::seen(regime, 1.0, generation);
    1.0 - (1.0 - lineage.of_human).powf(count) * (-n * p * lineage.of_fresh).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGIMES: [Regime; 5] = [
        Regime::Replace,
        Regime::Accumulate,
        Regime::Mixture(Human::Fresh, 0.3),
        Regime::Mixture(Human::Anchor, 0.3),
        Regime::Mixture(Human::Pool, 0.3),
    ];

    #[test]
    fn replace_follows_the_published_recursion() {
        // g = 1, .6321, .4685, .3741, .3121, ... (literature's table).
        let table = [1.0, 0.6321, 0.4685, 0.3741, 0.3121, 0.2681, 0.2352, 0.2095, 0.189, 0.1723];
        for (generation, g) in table.into_iter().enumerate() {
            let law = survival_replace(1000.0, 1e-3, generation as u32);
            assert!((-(1.0 - law).ln() - g).abs() < 7e-5, "{generation}");
        }
    }

    /// Over Poisson's counts, the law given the count is the law.
    #[test]
    fn the_conditional_law_has_the_law_as_its_mean() {
        let (n, p) = (1000.0, 2.5e-3);
        for regime in REGIMES {
            for generation in [0, 1, 5] {
                let (mut mean, mut weight) = (0.0, f64::exp(-n * p));
                for count in 0..60 {
                    mean += weight * survival_given(regime, n, p, f64::from(count), generation);
                    weight *= n * p / f64::from(count + 1);
                }
                let law = survival(regime, n, p, generation);
                assert!((mean - law).abs() < 1e-9, "{regime:?} {generation}: {mean} {law}");
            }
        }
    }

    /// Marks of a vanishing share are seen as often as there are draws: the expected number is that of the human
    /// sample, in an accumulating pool once a batch. And slopes are slopes.
    #[test]
    fn means_are_kept_and_slopes_are_slopes() {
        for regime in REGIMES {
            for generation in [0, 1, 2, 7] {
                let batches = if regime == Regime::Accumulate { f64::from(generation) + 1.0 } else { 1.0 };
                let slope = Lineage::seen(regime, 1e-12, generation).slope;
                assert!((slope - batches).abs() < 1e-9, "{regime:?} {generation}: {slope}");
                let at = |m| Lineage::seen(regime, m, generation).all();
                let (step, slope) = (1e-6, Lineage::seen(regime, 0.4, generation).slope);
                let measured = (at(0.4 + step) - at(0.4 - step)) / (2.0 * step);
                assert!((slope - measured).abs() < 1e-8, "{regime:?} {generation}: {slope} {measured}");
            }
        }
    }

    #[test]
    fn a_share_of_nothing_is_replace_and_a_share_of_all_loses_nothing_more() {
        for human in [Human::Fresh, Human::Anchor, Human::Pool] {
            let at = |share| survival(Regime::Mixture(human, share), 100.0, 0.01, 9);
            assert!((at(0.0) - survival_replace(100.0, 0.01, 9)).abs() < 1e-15);
            assert!((at(1.0) - survival_replace(100.0, 0.01, 0)).abs() < 1e-15);
        }
    }
}
