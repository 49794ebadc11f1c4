//! How wrong synthetic text may be before a verifier no longer saves it.
//!
//! Source: Feng et al. 2024, "Beyond Model Collapse". *Asymptotic*, for large numbers of draws. The trap: p is the
//! share that is *wrong*; below the breakdown point a majority of what is kept is right, above it wrong, and a learner
//! that takes the majority is right or wrong with certainty in the limit.

/// The largest share of wrong text that still leaves a right majority, 1/(1 + ψ/φ), where the verifier keeps a share
/// `kept_right` (φ) of what is right and `kept_wrong` (ψ) of what is wrong: ψ p < φ (1-p).
pub fn verifier_breakdown(kept_right: f64, kept_wrong: f64) -> f64 {
    1.0 / (1.0 + kept_wrong / kept_right)
}

/// The share of wrong text among what the verifier keeps of text of which a share `wrong` is: ψp/(ψp + φ(1-p)).
pub fn wrong_after(wrong: f64, kept_right: f64, kept_wrong: f64) -> f64 {
    kept_wrong * wrong / (kept_wrong * wrong + kept_right * (1.0 - wrong))
}

/// `replace` through the verifier, with a learner that writes as it read: the share of wrong text in the training set
/// of model `generation`, of which the first was `wrong`: odds times (ψ/φ)^g. *Approximation* of order 1/n.
pub fn wrong_of_generation(wrong: f64, kept_right: f64, kept_wrong: f64, generation: u32) -> f64 {
    (0..generation).fold(wrong, |wrong, _| wrong_after(wrong, kept_right, kept_wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_breakdown_half_of_what_is_kept_is_wrong() {
        let (right, wrong) = (0.9, 0.3);
        let breakdown = verifier_breakdown(right, wrong);
        assert!((breakdown - 0.75).abs() < 1e-15);
        assert!((wrong_after(breakdown, right, wrong) - 0.5).abs() < 1e-15);
        // Odds of 1 to 1, and a third of them each time.
        assert!((wrong_of_generation(0.5, right, wrong, 2) - 0.1).abs() < 1e-15);
    }
}
