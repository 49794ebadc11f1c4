//! Heaps' exponent: how fast the vocabulary grows.
//!
//! *Definition.* V(n) ~ K n^b (Herdan 1960, Heaps 1978). `heaps-exponent` is the slope of ln V on ln n at n = N, N/2,
//! N/4, N/8 and N/16 words of a sample of N. `heaps-error` is its standard error by the jackknife: tenths of the
//! documents are left out in turn.
//!
//! *Traps.* The points are of one text, so each holds those before: the error of the least-squares line is many times
//! too small. The exponent itself falls as the text grows; equal sizes are compared. Document order matters, so it is
//! random.

use super::entry::{EQUAL, EXPONENTS, compared, equal};
use crate::Dimensions;
use crate::draws::Drawn;
use crate::measure::Measures;
use crate::metric::Metric;
use crate::text::Grams;
use std::ops::Range;

pub static HEAPS_EXPONENT: Metric =
    compared("heaps-exponent", "Heaps’ exponent", "exponent", EQUAL).drawn(&EXPONENTS, &[equal("Heaps")]);

pub static HEAPS_ERROR: Metric = compared("heaps-error", "Standard error of Heaps’ exponent", "exponent", EQUAL);

/// `heaps-exponent` and `heaps-error`.
pub(crate) fn report(of: &Drawn<'_>, measures: &mut Measures) {
    let sample = of.sample;
    let mut growth = Growth::of(sample.grams());
    measures.push(&HEAPS_EXPONENT, Dimensions::NONE, growth.exponent(sample.documents().iter()));
    measures.push(&HEAPS_ERROR, Dimensions::NONE, growth.error(sample.documents()));
}

/// Parts that the jackknife leaves out.
const PARTS: usize = 10;
/// Sizes, each half the next.
const SIZES: usize = 5;

/// Follows the vocabulary; its table is kept from one text to the next.
pub(crate) struct Growth<'a> {
    grams: &'a Grams,
    /// The text, counted from 1, in which a word was last seen.
    seen: Vec<u32>,
    text: u32,
}

impl<'a> Growth<'a> {
    pub(crate) fn of(grams: &'a Grams) -> Self {
        Self { grams, seen: vec![0; grams.kinds(1)], text: 0 }
    }

    /// No number for fewer words than there are halves.
    pub(crate) fn exponent<'r>(&mut self, documents: impl Iterator<Item = &'r Range<usize>> + Clone) -> f64 {
        let words: usize = documents.clone().map(|range| range.len()).sum();
        if words < 1 << SIZES {
            return f64::NAN;
        }
        let sizes: [usize; SIZES] = std::array::from_fn(|i| words >> (SIZES - 1 - i));
        let (mut points, mut read, mut types) = ([(0.0, 0.0); SIZES], 0, 0usize);
        self.text += 1;
        for &word in documents.flat_map(|range| self.grams.grams(1, range)) {
            let seen = &mut self.seen[word as usize];
            types += usize::from(*seen != self.text);
            *seen = self.text;
            read += 1;
            if let Some(point) = sizes.iter().position(|&size| size == read) {
                points[point] = ((read as f64).ln(), (types as f64).ln());
            }
        }
        slope(&points)
    }

    /// Delete-a-group jackknife (Quenouille 1956, Tukey 1958): the variance is (G-1)/G Σ (b_g - mean b)².
    fn error(&mut self, documents: &[Range<usize>]) -> f64 {
        let without = |part: usize| {
            documents.iter().enumerate().filter(move |(index, _)| index % PARTS != part).map(|(_, range)| range)
        };
        let slopes: [f64; PARTS] = std::array::from_fn(|part| self.exponent(without(part)));
        let mean = slopes.iter().sum::<f64>() / PARTS as f64;
        let squares: f64 = slopes.iter().map(|slope| (slope - mean).powi(2)).sum();
        let known = documents.len() >= PARTS;
        if known { (squares * (PARTS - 1) as f64 / PARTS as f64).sqrt() } else { f64::NAN }
    }
}

/// Slope of the least-squares line.
fn slope(points: &[(f64, f64)]) -> f64 {
    let mean = |coordinate: fn(&(f64, f64)) -> f64| points.iter().map(coordinate).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let products: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    products / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Words, plain};

    #[test]
    fn growth_is_followed() {
        let exponent = |text: &str| {
            let docs = [plain(text)];
            let words = Words::of(&docs);
            Growth::of(&words.grams).exponent(words.grams.documents().iter())
        };
        // Every word is new; no word is new; 2, 3, 4, 5 and 6 types at 4, 8, 16, 32 and 64 words.
        let all: Vec<String> = (0..64).map(|i| i.to_string()).collect();
        assert!((exponent(&all.join(" ")) - 1.0).abs() < 1e-12);
        assert!(exponent(&["a"; 64].join(" ")).abs() < 1e-12);
        let words: Vec<&str> = (1..=64)
            .map(|n| match n {
                1..=3 => "a",
                4..=7 => "b",
                8..=15 => "c",
                16..=31 => "d",
                32..=63 => "e",
                _ => "f",
            })
            .collect();
        let expected = slope(&[
            (0.0, 2.0_f64.ln()),
            (1.0, 3.0_f64.ln()),
            (2.0, 4.0_f64.ln()),
            (3.0, 5.0_f64.ln()),
            (4.0, 6.0_f64.ln()),
        ]);
        assert!((exponent(&words.join(" ")) - expected / 2.0_f64.ln()).abs() < 1e-12);
        assert!(exponent("a b c").is_nan());
    }

    #[test]
    fn equal_documents_have_no_error() {
        let docs = ["a b c d e f"; 20].map(plain);
        let words = Words::of(&docs);
        assert!(Growth::of(&words.grams).error(words.grams.documents()) < 1e-12);
        assert!(Growth::of(&words.grams).error(&words.grams.documents()[..9]).is_nan());
    }
}
