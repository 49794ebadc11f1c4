//! Marks for what a model answered when it was asked for facts.

use std::collections::BTreeMap;

use crate::recall::Answers;
use crate::survey::Row;

/// Bins of the calibration error.
const BINS: usize = 10;

/// Grade of one answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grade {
    /// The probability of all candidates together: of anything valid.
    pub valid: f64,
    /// The true value's share of it.
    pub share: f64,
    /// ln of that share over the prior's for the value: nats known beyond guessing.
    pub lift: f64,
    /// The largest share of any candidate.
    pub confidence: f64,
    /// True if the largest share is the true value's; of equal ones the first candidate has it.
    pub right: bool,
}

impl Answers {
    /// Marks one answer: the natural logarithm of the probability that the model gives each candidate as what follows.
    ///
    /// # Panics
    /// If there are not as many numbers as candidates, or one is NaN or all are −∞.
    pub fn grade(&self, answer: usize, ln: &[f64]) -> Grade {
        assert_eq!(ln.len(), self.candidates.len(), "one log-probability for each candidate");
        let (best, sum) = best_and_sum(ln);
        Grade {
            valid: sum.exp(),
            share: (ln[answer] - sum).exp(),
            lift: ln[answer] - sum - self.prior[answer].ln(),
            confidence: (ln[best] - sum).exp(),
            right: best == answer,
        }
    }
}

/// The likeliest candidate, of equal ones the first, and ln of the probability of all together.
///
/// # Panics
/// If a number is NaN, or all are −∞.
pub(crate) fn best_and_sum(ln: &[f64]) -> (usize, f64) {
    assert!(ln.iter().all(|ln| !ln.is_nan()), "log-probabilities are numbers");
    let best = (1..ln.len()).fold(0, |best, at| if ln[at] > ln[best] { at } else { best });
    assert!(ln[best].is_finite(), "some candidate has a probability");
    (best, ln_sum(ln.iter().copied()))
}

/// ln Σ exp of numbers; −∞ of none.
pub(crate) fn ln_sum(ln: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = ln.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY { most } else { most + ln.map(|ln| (ln - most).exp()).sum::<f64>().ln() }
}

/// The band of a fact that was stated so often in generation 0's text: `0`, `1-9`, `10-99`, ...
pub fn band(stated: u64) -> String {
    match stated.checked_ilog10() {
        None => "0".to_owned(),
        Some(decade) => format!("{}-{}", 10_u64.pow(decade), 10_u64.pow(decade).saturating_mul(10) - 1),
    }
}

/// Means of grades. Each comes with how often generation 0's text stated the fact.
///
/// By [`band`], and without a band of all:
///
/// | metric | value |
/// |---|---|
/// | `recall` | mean share of the true value |
/// | `recall-lift` | mean of its ln over the prior's |
/// | `recall-valid` | mean probability of anything valid |
/// | `recall-top` | how often the true value is the likeliest |
/// | `recall-questions` | questions |
/// | `calibration-error` | mean distance of confidence and being right, in ten bins of confidence |
pub fn recall(grades: &[(Grade, u64)]) -> Vec<Row> {
    let mut bands: BTreeMap<Option<u32>, Vec<Grade>> = BTreeMap::new();
    for (grade, stated) in grades {
        bands.entry(stated.checked_ilog10()).or_default().push(*grade);
    }
    let mut rows = Vec::new();
    for (decade, grades) in &bands {
        rows.extend(means(&band(decade.map_or(0, |decade| 10_u64.pow(decade))), grades));
    }
    let all: Vec<Grade> = grades.iter().map(|(grade, _)| *grade).collect();
    if !all.is_empty() {
        rows.extend(means("", &all));
    }
    rows
}

fn means(band: &str, grades: &[Grade]) -> [Row; 6] {
    let mean = |of: &dyn Fn(&Grade) -> f64| grades.iter().map(of).sum::<f64>() / grades.len() as f64;
    [
        Row::new("recall", mean(&|grade| grade.share)),
        Row::new("recall-lift", mean(&|grade| grade.lift)),
        Row::new("recall-valid", mean(&|grade| grade.valid)),
        Row::new("recall-top", mean(&|grade| f64::from(u8::from(grade.right)))),
        Row::new("recall-questions", grades.len() as f64),
        Row::new("calibration-error", calibration_error(grades)),
    ]
    .map(|row| row.band(band))
}

/// Expected calibration error (Naeini et al. 2015) over bins of equal width.
fn calibration_error(grades: &[Grade]) -> f64 {
    let mut bins = [0.0; BINS];
    for grade in grades {
        let bin = ((grade.confidence * BINS as f64) as usize).min(BINS - 1);
        bins[bin] += f64::from(u8::from(grade.right)) - grade.confidence;
    }
    bins.iter().map(|sum| sum.abs()).sum::<f64>() / grades.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades() {
        let answers = Answers { candidates: vec!["a".into(), "b".into()], prior: vec![0.8, 0.2] };
        // Half of the mass is valid; of it, a quarter is right.
        let grade = answers.grade(1, &[0.375_f64.ln(), 0.125_f64.ln()]);
        assert!((grade.valid - 0.5).abs() < 1e-12 && (grade.share - 0.25).abs() < 1e-12);
        assert!((grade.lift - 1.25_f64.ln()).abs() < 1e-12 && (grade.confidence - 0.75).abs() < 1e-12);
        assert!(!grade.right);
        // Guessing by the prior is no knowledge, however unlikely all of it is.
        let guess = answers.grade(0, &[0.8_f64.ln() - 900.0, 0.2_f64.ln() - 900.0]);
        assert!(guess.lift.abs() < 1e-12 && guess.right);
    }

    #[test]
    fn bands_and_calibration() {
        assert_eq!([0, 1, 9, 10, 999, 1000].map(band), ["0", "1-9", "1-9", "10-99", "100-999", "1000-9999"]);
        let grade = |confidence, right| Grade { valid: 1.0, share: confidence, lift: 0.0, confidence, right };
        let grades = [(grade(0.75, true), 0), (grade(0.75, true), 5), (grade(0.75, true), 7), (grade(0.75, false), 9)];
        let rows = recall(&grades);
        let value = |metric: &str, band: &str| {
            rows.iter().find(|row| row.metric == metric && row.band == band).map(|row| row.value).unwrap()
        };
        assert_eq!(value("calibration-error", ""), 0.0, "right three times in four");
        assert_eq!(value("calibration-error", "0"), 0.25);
        assert_eq!(value("recall-questions", "1-9"), 3.0);
        assert!((value("recall-top", "1-9") - 2.0 / 3.0).abs() < 1e-15);
        assert!(recall(&[]).is_empty());
    }
}
