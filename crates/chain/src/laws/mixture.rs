//! Three kinds of human share, three laws of the squared error.
//!
//! Source: derived here (L6 of the literature has an independent origin for each draw; recipes fill exact counts, which
//! is another law). The trap: the three look alike in a table.

/// Which human text a mixture with `latest` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Human {
    /// New draws from the truth each generation.
    Fresh,
    /// The same part of the human set each generation.
    Anchor,
    /// A part of the human set, drawn anew each generation, no document twice in one draw.
    Pool,
}

impl Human {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Fresh, Self::Anchor, Self::Pool];

    /// Its name, the source's in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Anchor => "anchor",
            Self::Pool => "pool",
        }
    }
}

/// A human share α of n draws and 1 - α of the last generation's: E‖q - p‖² of model `generation`. *Exact*, for exact
/// counts.
///
/// With D_g for the error, r for the human frequencies and m for the mean of q given the human set,
///
/// D_{g+1} = α² E‖r-p‖² + 2α(1-α) E(r-p)·(m_g-p) + (1-α)² D_g + (1-α)(H0 - D_g)/n,   D_0 = H0/n.
///
/// The first term is αH0/n for all three kinds of human text. They differ in the second, in what the last model already
/// knows of the human documents: nothing (fresh), H0/n (pool), and for the anchor, to which m converges, H0/(αn) +
/// (1-α)^g (H0/n - H0/(αn)).
pub fn error_of_mixture(human: Human, h0: f64, n: f64, alpha: f64, generation: u32) -> f64 {
    let (fit, anchor) = (h0 / n, h0 / (alpha * n));
    (0..generation).fold(fit, |error, step| {
        let shared = match human {
            Human::Fresh => 0.0,
            Human::Pool => fit,
            Human::Anchor => anchor + (1.0 - alpha).powi(step as i32) * (fit - anchor),
        };
        alpha * fit
            + 2.0 * alpha * (1.0 - alpha) * shared
            + (1.0 - alpha).powi(2) * error
            + (1.0 - alpha) * (h0 - error) / n
    })
}

/// What [`error_of_mixture`] converges to.
///
/// With B = 1 - (1-α)² + (1-α)/n: fresh (H0/n) / B; anchor H0/(αn) + (1-α) H0 (1 - 1/(αn)) / (n B); pool (H0/n) (1 +
/// 2α(1-α)) / B. An anchor with synthetic text is worse than the anchor alone, whose error is H0/(αn).
pub fn error_of_mixture_limit(human: Human, h0: f64, n: f64, alpha: f64) -> f64 {
    let b = 1.0 - (1.0 - alpha).powi(2) + (1.0 - alpha) / n;
    match human {
        Human::Fresh => h0 / n / b,
        Human::Anchor => h0 / (alpha * n) + (1.0 - alpha) * h0 * (1.0 - 1.0 / (alpha * n)) / (n * b),
        Human::Pool => h0 / n * (1.0 + 2.0 * alpha * (1.0 - alpha)) / b,
    }
}

/// How many human draws alone would do as well as the mixture's limit, per human draw in it: above one, synthetic text
/// helps. For large n: fresh 2 - α, anchor (2-α)/(3-2α).
pub fn effective_size(human: Human, n: f64, alpha: f64) -> f64 {
    1.0 / (error_of_mixture_limit(human, 1.0, n, alpha) * alpha * n)
}

/// The limit where each draw's origin is a coin of its own (human and fresh with chance α): (H0/n) / (1 - (1-α)² (1 -
/// 1/n)), the law that the literature gives. *Exact* there, and not for recipes: counts that vary cost something.
pub fn error_of_coin_mixture_limit(h0: f64, n: f64, alpha: f64) -> f64 {
    h0 / n / (1.0 - (1.0 - alpha).powi(2) * (1.0 - 1.0 / n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // Five equal types, n = 10, α = 0.1: .2857 with exact counts, .2952 with a coin for each draw.
        assert!((error_of_mixture_limit(Human::Fresh, 0.8, 10.0, 0.1) - 0.2857).abs() < 5e-5);
        assert!((error_of_coin_mixture_limit(0.8, 10.0, 0.1) - 0.2952).abs() < 5e-5);
        // Each law runs into its limit.
        for human in Human::ALL {
            let limit = error_of_mixture_limit(human, 0.7, 20.0, 0.3);
            assert!((error_of_mixture(human, 0.7, 20.0, 0.3, 200) - limit).abs() < 1e-12);
        }
    }

    #[test]
    fn fresh_text_gains_from_synthetic_text_and_an_anchor_loses() {
        let alpha = 0.2;
        assert!((effective_size(Human::Fresh, 1e9, alpha) - (2.0 - alpha)).abs() < 1e-6);
        let law = (2.0 - alpha) / (3.0 - 2.0 * alpha);
        assert!((effective_size(Human::Anchor, 1e9, alpha) - law).abs() < 1e-6 && law < 1.0);
    }
}
