//! Zipf's exponent.
//!
//! *Definition.* The counts c of the types are taken as drawn from P(c) = c^-g / ζ(g), c = 1, 2, ...; g is found by
//! maximum likelihood, -ζ'(g)/ζ(g) = the types' mean of ln c (Clauset, Shalizi and Newman 2009, with no lower cut).
//! `zipf-exponent` is that of the frequency by rank, 1/(g - 1); `zipf-error` its standard error, from the Fisher
//! information (ln ζ)'' of a type and the delta method.
//!
//! *Traps.* A line through the logarithms of ranks and frequencies weighs the few frequent words as much as the
//! thousands of rare ones, and its points aren't independent: its error is a fiction (Piantadosi 2014). The power law
//! itself is an approximation, and the exponent falls with the size of the text: compare equal sizes. Types aren't
//! independent draws either, so the error is a lower bound.

use super::entry::{EQUAL, EXPONENTS, compared, equal};
use crate::Dimensions;
use crate::draws::Drawn;
use crate::measure::Measures;
use crate::metric::Metric;

pub static ZIPF_EXPONENT: Metric =
    compared("zipf-exponent", "Zipf’s exponent", "exponent", EQUAL).drawn(&EXPONENTS, &[equal("Zipf")]);

pub static ZIPF_ERROR: Metric = compared("zipf-error", "Standard error of Zipf’s exponent", "exponent", EQUAL);

/// `zipf-exponent` and `zipf-error`.
pub(crate) fn report(of: &Drawn<'_>, measures: &mut Measures) {
    let fit = Fit::of(of.sample.order(1).counts());
    measures.push(&ZIPF_EXPONENT, Dimensions::NONE, fit.rank());
    measures.push(&ZIPF_ERROR, Dimensions::NONE, fit.rank_error());
}

/// The power law of the types' counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fit {
    /// The exponent g.
    pub(crate) exponent: f64,
    /// Its standard error.
    pub(crate) error: f64,
}

impl Fit {
    /// Of the counts of types. No number if none is above 1.
    pub(crate) fn of(counts: impl Iterator<Item = u32>) -> Self {
        let (mut types, mut logs) = (0usize, 0.0);
        for count in counts {
            types += 1;
            logs += f64::from(count).ln();
        }
        let mean = logs / types as f64;
        if mean.is_nan() || mean <= 0.0 {
            return Self { exponent: f64::NAN, error: f64::NAN };
        }
        // ζ'/ζ rises from -∞ at 1 to 0: halve the interval until it is as narrow as numbers allow.
        let (mut low, mut high) = (1.0, 2.0);
        while slope(high) < -mean {
            high *= 2.0;
        }
        while low < f64::midpoint(low, high) && f64::midpoint(low, high) < high {
            let middle = f64::midpoint(low, high);
            if slope(middle) < -mean { low = middle } else { high = middle }
        }
        let step = 1e-4 * (high - 1.0).min(1.0);
        let information = (slope(high + step) - slope(high - step)) / (2.0 * step);
        Self { exponent: high, error: 1.0 / (information * types as f64).sqrt() }
    }

    pub(crate) fn rank(self) -> f64 {
        1.0 / (self.exponent - 1.0)
    }

    /// d(1/(g - 1)) = -dg / (g - 1)².
    pub(crate) fn rank_error(self) -> f64 {
        self.error / (self.exponent - 1.0).powi(2)
    }
}

/// ζ'(s)/ζ(s) for s > 1, both by Euler and Maclaurin's formula: so many terms summed, the rest by its integral.
fn slope(s: f64) -> f64 {
    const TERMS: u32 = 20;
    let (mut zeta, mut derivative) = (0.0, 0.0);
    for k in 1..TERMS {
        let (log, power) = (f64::from(k).ln(), f64::from(k).powf(-s));
        zeta += power;
        derivative -= log * power;
    }
    let n = f64::from(TERMS);
    let (log, power) = (n.ln(), n.powf(-s));
    zeta += power * (n / (s - 1.0) + 0.5);
    derivative -= power * (n * (log / (s - 1.0) + (s - 1.0).powi(-2)) + 0.5 * log);
    // Bernoulli's terms: B2/2! · s, and B4/4! · s(s+1)(s+2).
    let cubic = s * (s + 1.0) * (s + 2.0);
    zeta += power / n * (s / 12.0 - cubic / (720.0 * n * n));
    derivative += power / n * ((1.0 - s * log) / 12.0 - (3.0 * s * s + 6.0 * s + 2.0 - cubic * log) / (720.0 * n * n));
    derivative / zeta
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeta_at_two() {
        // ζ(2) = π²/6 and ζ'(2) = -0.93754825431584376 (OEIS A073002).
        let expected = -0.937_548_254_315_843_8 / (std::f64::consts::PI.powi(2) / 6.0);
        assert!((slope(2.0) - expected).abs() < 1e-10, "{}", slope(2.0));
    }

    #[test]
    fn a_power_law_is_found_again() {
        // So many types have count c, in proportion to c^-2.2.
        let law = (1..3000u32).flat_map(|c| std::iter::repeat_n(c, (1e6 * f64::from(c).powf(-2.2)).round() as usize));
        let fit = Fit::of(law);
        assert!((fit.exponent - 2.2).abs() < 0.01, "{fit:?}");
        assert!((fit.rank() - 1.0 / 1.2).abs() < 0.01);
    }

    #[test]
    fn only_hapax_are_no_law() {
        assert!(Fit::of([1, 1, 1].into_iter()).rank().is_nan());
        assert!(Fit::of(std::iter::empty()).rank().is_nan());
    }
}
