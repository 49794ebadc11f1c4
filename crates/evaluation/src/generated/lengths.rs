//! Lengths of documents.
//!
//! *Definitions.* `mean-length`: words a document. `length-quantile`: the length in words that 10, 50 or 90 percent of
//! the documents do not pass, between neighbours by a straight line (Hyndman and Fan 1996, type 7: NumPy's and R's).
//!
//! *Trap.* A mean hides documents that break off after a few words beside those that never end; so quantiles.

use super::entry::compared;
use crate::Dimension::{Band, Member, Reference, Unit};
use crate::Dimensions;
use crate::measure::Measures;
use crate::metric::Metric;
use crate::subject::Subject;

pub static MEAN_LENGTH: Metric =
    compared("mean-length", "Mean length", "words or tokens a document", &[Member, Reference, Unit]);

pub static LENGTH_QUANTILE: Metric =
    compared("length-quantile", "Quantile of the length", "words", &[Member, Reference, Unit, Band]);

/// Both, if there are documents.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    const WORDS: Dimensions = Dimensions::of(&[(Unit, "words")]);
    let grams = text.grams();
    let mut lengths: Vec<usize> = grams.documents().iter().map(|range| range.len()).collect();
    lengths.sort_unstable();
    measures.share(&MEAN_LENGTH, WORDS, grams.len() as f64, lengths.len() as f64);
    for percent in [10, 50, 90] {
        let value = quantile(&lengths, f64::from(percent) / 100.0);
        measures.number(&LENGTH_QUANTILE, WORDS.with(Band, percent.to_string()), value);
    }
}

/// Of sorted lengths; no number if there are none.
fn quantile(sorted: &[usize], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let (below, above) = (sorted[place.floor() as usize] as f64, sorted[place.ceil() as usize] as f64);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8], [.1, .5, .9])
        let values = [0.1, 0.5, 0.9].map(|share| quantile(&[1, 2, 4, 8], share));
        for (value, expected) in values.into_iter().zip([1.3, 3.0, 6.8]) {
            assert!((value - expected).abs() < 1e-12, "{value}");
        }
        assert_eq!(quantile(&[5], 0.9), 5.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
