//! What it is worth to know where text comes from.
//!
//! Source: Kanabar and Gastpar 2026 (minimax over any contamination, discrete); derived here for the case that attains
//! it. The trap: it is about one step against the worst contamination, in which synthetic text says nothing of the
//! truth. In a chain it does say something, so this share and the law of fresh text ([`super::error_of_mixture`])
//! contradict one another: never combine the two in one forecast.

/// The effective number of human draws, per draw of a mixture with human share `alpha`, where a detector misses this
/// share of synthetic draws (false negatives) and accuses this share of human ones (false positives). *Bound* on any
/// estimate, attained (*exact*) by the one below.
///
/// A draw x comes with a verdict z, of law Q1 if it is human and Q̄ over all. Let synthetic draws follow a known r;
/// then r + (1/n) Σ w(z)(e_x - r) is unbiased if α E_Q1 w = 1, and where r equals p its squared error is (H0/n) E_Q̄
/// w². The least of these is at w proportional to Q1/Q̄: H0/n over
///
/// α² Σ_z Q1(z)²/Q̄(z) = α² (1 + χ²(Q1‖Q̄)),
///
/// which is α² for a detector that knows nothing and α for one that knows all.
pub fn value_of_labels(alpha: f64, false_negatives: f64, false_positives: f64) -> f64 {
    let verdict = |of_human: f64, of_synthetic: f64| {
        let all = alpha * of_human + (1.0 - alpha) * of_synthetic;
        if of_human > 0.0 { of_human * of_human / all } else { 0.0 }
    };
    alpha * alpha * (verdict(1.0 - false_positives, false_negatives) + verdict(false_positives, 1.0 - false_negatives))
}

/// With labels that are always right: α.
pub fn value_of_oracle(alpha: f64) -> f64 {
    value_of_labels(alpha, 0.0, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_arithmetic() {
        // (share, false negatives, worth), the false positives being 5 %.
        for (alpha, missed, worth) in
            [(0.1, 0.1, 0.0488), (0.1, 0.01, 0.0868), (0.01, 0.1, 8.3e-4), (0.01, 0.01, 4.65e-3)]
        {
            let value = value_of_labels(alpha, missed, 0.05);
            assert!((value / worth - 1.0).abs() < 4e-3, "{alpha} {missed}: {value}");
        }
        assert!((value_of_oracle(0.1) - 0.1).abs() < 1e-15);
        assert!((value_of_labels(0.1, 0.3, 0.7) - 0.01).abs() < 1e-15, "verdicts at random are worth nothing");
    }
}
