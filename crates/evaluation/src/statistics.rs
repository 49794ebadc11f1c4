//! Statistics over seeds: Student's t, paired differences, Holm's correction; and a bootstrap over documents.
//!
//! *Definition.* The mean of n seeds is known to t(n-1) standard errors (Student 1908). Arms of one seed share their
//! streams and their human text, so arms are compared by the differences of their seeds' values, one difference a seed:
//! what the seed did to both falls out. Where many arms are asked one question, Holm (1979) keeps the chance that any
//! answer is a false alarm at the level of one.
//!
//! *Trap.* A percentile bootstrap over few units covers far less than it says (of 95 %: 51, 75, 84, 90 % with 2, 3, 5,
//! 10 seeds), so there is none over seeds: [`bootstrap_ratio`] is for documents and refuses fewer than
//! [`BOOTSTRAP_UNITS`] of them.

use statrs::distribution::{ContinuousCDF, StudentsT};
use streams::Stream;

/// Fewest units that a percentile bootstrap is given.
pub const BOOTSTRAP_UNITS: usize = 100;

/// On which scale the scatter of seeds is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As it is: shares, counts, lengths.
    Plain,
    /// Its logarithm: losses and perplexities, and ratios of them. Values must be positive.
    Log,
}

impl Scale {
    /// The value on this scale; none if it has no place there.
    fn of(self, value: f64) -> Option<f64> {
        let scaled = if self == Self::Log { value.ln() } else { value };
        scaled.is_finite().then_some(scaled)
    }

    fn back(self, scaled: f64) -> f64 {
        if self == Self::Log { scaled.exp() } else { scaled }
    }
}

/// The mean of some values and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// How many finite values there are.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Standard error of the mean, s/√n; infinite of a single value.
    pub error: f64,
}

impl Sample {
    /// The sample of the finite ones among `values`, summed in their order; none if there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        let (first, rest) = values.split_first()?;
        let n = values.len() as f64;
        if rest.is_empty() {
            return Some(Self { n: 1, mean: *first, error: f64::INFINITY });
        }
        if rest.iter().all(|value| value == first) {
            // Exactly the value: a sum of equal numbers need not be a multiple of them.
            return Some(Self { n: values.len(), mean: *first, error: 0.0 });
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Some(Self { n: values.len(), mean, error: (squares / (n - 1.0) / n).sqrt() })
    }

    /// The differences of pairs, first less second, on `scale`: on the logarithm they are those of ratios. Pairs that
    /// the scale cannot hold are left out.
    ///
    /// ```
    /// use evaluation::statistics::{Sample, Scale};
    /// // Seeds differ widely, the arms by a tenth in every seed.
    /// let pairs = [(1.1, 1.0), (4.4, 4.0), (2.2, 2.0)];
    /// let sample = Sample::paired(pairs, Scale::Log).unwrap();
    /// assert!((sample.mean - 1.1_f64.ln()).abs() < 1e-12 && sample.above(0.09) < 1e-6);
    /// ```
    pub fn paired(pairs: impl IntoIterator<Item = (f64, f64)>, scale: Scale) -> Option<Self> {
        Self::of(pairs.into_iter().filter_map(|(a, b)| Some(scale.of(a)? - scale.of(b)?)))
    }

    /// Lower and upper bound of the mean, of `confidence` between them; infinite of a single value.
    ///
    /// # Panics
    /// If `confidence` is not between 0 and 1.
    pub fn bounds(&self, confidence: f64) -> (f64, f64) {
        assert!(confidence > 0.0 && confidence < 1.0, "a confidence of {confidence} is none");
        let half = self.student().map_or(f64::INFINITY, |t| t.inverse_cdf(0.5 + confidence / 2.0) * self.error);
        (self.mean - half, self.mean + half)
    }

    /// One-sided p value of the claim that the mean is above `threshold`: how likely so much or more is if it is not.
    pub fn above(&self, threshold: f64) -> f64 {
        self.tail(self.mean - threshold)
    }

    /// One-sided p value of the claim that the mean is below `threshold`.
    pub fn below(&self, threshold: f64) -> f64 {
        self.tail(threshold - self.mean)
    }

    /// Two-sided p value of the claim that the mean is not zero.
    pub fn p(&self) -> f64 {
        (2.0 * self.above(0.0).min(self.below(0.0))).min(1.0)
    }

    /// P(T >= distance in standard errors). What does not scatter is certain.
    fn tail(&self, distance: f64) -> f64 {
        match self.student() {
            None => 1.0,
            Some(_) if self.error == 0.0 => f64::from(distance <= 0.0),
            Some(t) => t.sf(distance / self.error),
        }
    }

    fn student(&self) -> Option<StudentsT> {
        StudentsT::new(0.0, 1.0, self.n as f64 - 1.0).ok()
    }
}

/// The mean over seeds with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// How many seeds have a finite value.
    pub seeds: usize,
    /// Arithmetic mean on the plain scale, geometric on the logarithmic.
    pub mean: f64,
    /// Lower and upper bound; none with fewer than three seeds.
    pub bounds: Option<(f64, f64)>,
}

impl Interval {
    /// Mean and Student's t interval, mean ± t(0.975, n−1)·s/√n, of the finite ones among `values` on `scale`. None if
    /// there are none (on the logarithmic scale, none that are positive).
    ///
    /// ```
    /// use evaluation::statistics::{Interval, Scale};
    /// let interval = Interval::of([1.0, 2.0, 3.0], Scale::Plain).unwrap();
    /// assert_eq!(interval.mean, 2.0);
    /// let half = 4.302_652_729_7 / 3f64.sqrt(); // t with two degrees of freedom, s = 1
    /// assert!((interval.bounds.unwrap().1 - (2.0 + half)).abs() < 1e-9);
    /// ```
    pub fn of(values: impl IntoIterator<Item = f64>, scale: Scale) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().filter(|value| scale.of(*value).is_some()).collect();
        let (first, rest) = values.split_first()?;
        if rest.iter().all(|value| value == first) {
            // Exactly the value, without the rounding of a logarithm and back.
            let bounds = (values.len() >= 3).then_some((*first, *first));
            return Some(Self { seeds: values.len(), mean: *first, bounds });
        }
        let sample = Sample::of(values.iter().filter_map(|value| scale.of(*value)))?;
        let bounds = (sample.n >= 3).then(|| {
            let (low, high) = sample.bounds(0.95);
            (scale.back(low), scale.back(high))
        });
        Some(Self { seeds: sample.n, mean: scale.back(sample.mean), bounds })
    }

    /// The same in another unit, which is `factor` times smaller.
    pub fn times(self, factor: f64) -> Self {
        let bounds = self.bounds.map(|(low, high)| (low * factor, high * factor));
        Self { mean: self.mean * factor, bounds, ..self }
    }
}

/// Holm's adjusted p values, in the order of `p`: a claim with an adjusted value below a level holds at that level for
/// all claims together. The smallest is multiplied by their number, the next by one less, and none may fall below the one
/// before.
///
/// ```
/// use evaluation::statistics::holm;
/// assert_eq!(holm(&[0.02, 0.01, 0.5]), [0.04, 0.03, 0.5]);
/// ```
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let (mut adjusted, mut largest) = (vec![0.0; p.len()], 0.0_f64);
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// The 95 % percentile bootstrap of a ratio of sums over documents, Σa / Σb (nats per token, say): documents are drawn
/// `draws` times with replacement. None of fewer than [`BOOTSTRAP_UNITS`] documents, or if a drawn Σb is zero.
pub fn bootstrap_ratio(units: &[(f64, f64)], draws: usize, stream: &mut Stream) -> Option<(f64, f64)> {
    if units.len() < BOOTSTRAP_UNITS || draws == 0 {
        return None;
    }
    let mut ratio = || {
        let drawn = (0..units.len()).map(|_| units[stream.below(units.len() as u64) as usize]);
        let (a, b) = drawn.fold((0.0, 0.0), |sum, unit| (sum.0 + unit.0, sum.1 + unit.1));
        Some(a / b).filter(|ratio| ratio.is_finite())
    };
    let mut ratios: Vec<f64> = (0..draws).map(|_| ratio()).collect::<Option<_>>()?;
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[((share * draws as f64) as usize).min(draws - 1)];
    Some((at(0.025), at(0.975)))
}

/// The logarithm of the mean of `exp(x)`. The largest value is taken out of the sum first, which would underflow without
/// that (log-sum-exp). If all values are minus infinity, so is the result.
///
/// ```
/// use evaluation::statistics::log_mean_exp;
///
/// assert!((log_mean_exp([0.5_f64.ln(), 0.1_f64.ln()]) - 0.3_f64.ln()).abs() < 1e-15);
/// assert!((log_mean_exp([-900.0, -2000.0]) - (-900.0 - 2.0_f64.ln())).abs() < 1e-12);
/// assert_eq!(log_mean_exp([f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
/// ```
pub fn log_mean_exp(values: impl IntoIterator<Item = f64, IntoIter: Clone>) -> f64 {
    let values = values.into_iter();
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), x| (sum + (x - largest).exp(), count + 1));
    largest + (sum / f64::from(count)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use streams::{Purpose, Streams};

    #[test]
    fn quantiles_of_the_printed_tables() {
        for (n, t) in [(3, 4.302_652_73), (4, 3.182_446_31), (5, 2.776_445_11), (10, 2.262_157_16)] {
            let (_, high) = Sample { n, mean: 0.0, error: 1.0 }.bounds(0.95);
            assert!((high - t).abs() < 1e-7, "{n}: {high}");
        }
    }

    #[test]
    fn by_hand_on_the_plain_scale() {
        // 0.2, 0.4, 0.4, 0.6: mean .4, squares .08, s² = .08/3, s/√4 = .0816497, t(3) = 3.182446.
        let interval = Interval::of([0.2, 0.4, 0.4, 0.6], Scale::Plain).unwrap();
        let (low, high) = interval.bounds.unwrap();
        assert!((interval.mean - 0.4).abs() < 1e-12);
        assert!((low - (0.4 - 0.259_845_7)).abs() < 1e-6 && (high - (0.4 + 0.259_845_7)).abs() < 1e-6, "{low} {high}");
    }

    #[test]
    fn by_hand_on_the_log_scale() {
        // Logarithms 1, 2, 3: mean 2, s = 1, half width 4.302653/√3 = 2.484138.
        let e = std::f64::consts::E;
        let interval = Interval::of([e, e * e, e * e * e], Scale::Log).unwrap();
        let (low, high) = interval.bounds.unwrap();
        assert!((interval.mean.ln() - 2.0).abs() < 1e-12);
        assert!((low.ln() + 0.484_138).abs() < 1e-6 && (high.ln() - 4.484_138).abs() < 1e-6, "{low} {high}");
    }

    #[test]
    fn few_seeds_and_values_that_are_no_numbers() {
        assert_eq!(Interval::of([], Scale::Plain), None);
        assert_eq!(Interval::of([f64::NAN], Scale::Plain), None);
        assert_eq!(Interval::of([0.0, -1.0], Scale::Log), None);
        assert_eq!(Interval::of([5.0], Scale::Log), Some(Interval { seeds: 1, mean: 5.0, bounds: None }));
        let two = Interval::of([1.0, f64::INFINITY, 3.0], Scale::Plain).unwrap();
        assert_eq!((two.seeds, two.mean, two.bounds), (2, 2.0, None));
        let same = Interval::of([0.3; 3], Scale::Log).unwrap();
        assert_eq!((same.mean, same.bounds), (0.3, Some((0.3, 0.3))));
        let one = Sample::of([7.0]).unwrap();
        assert_eq!((one.bounds(0.95), one.above(0.0)), ((f64::NEG_INFINITY, f64::INFINITY), 1.0));
    }

    #[test]
    fn student_s_own_sleep_data() {
        // Hours of sleep gained under two drugs, ten patients (Student 1908): t = 4.0621, p = .002833 with 9 degrees.
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let sample = Sample::paired(second.into_iter().zip(first), Scale::Plain).unwrap();
        assert!((sample.mean - 1.58).abs() < 1e-12 && (sample.mean / sample.error - 4.0621).abs() < 1e-4);
        assert!((sample.p() - 0.002_833).abs() < 1e-6, "{}", sample.p());
        assert!((sample.above(0.0) - 0.002_833 / 2.0).abs() < 1e-6 && (sample.below(0.0) - 0.998_583).abs() < 1e-6);
    }

    #[test]
    fn what_does_not_scatter_is_certain() {
        let same = Sample::of([0.1; 5]).unwrap();
        assert_eq!((same.above(0.05), same.above(0.1), same.below(0.1), same.below(0.2)), (0.0, 1.0, 1.0, 0.0));
        assert_eq!((Sample::of([0.0; 3]).unwrap().p(), same.bounds(0.95)), (1.0, (0.1, 0.1)));
    }

    #[test]
    fn holm_by_hand() {
        // Holm's step-down of four: .005·4, .01·3, .03·2, .04·1 made monotone.
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]);
        assert_eq!(holm(&[0.6, 0.5]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    /// Nineteen of twenty intervals hold the truth, give or take what 400 of them scatter.
    #[test]
    fn the_bootstrap_covers_what_it_says() {
        let streams = Streams::new(5);
        let mut covered = 0;
        for trial in 0..400 {
            let mut stream = streams.stream(Purpose::Evaluation, 0, trial);
            let units: Vec<(f64, f64)> = (0..120)
                .map(|_| {
                    let tokens = 10.0 + stream.below(50) as f64;
                    (tokens * (3.0 + stream.normal()), tokens)
                })
                .collect();
            let (low, high) = bootstrap_ratio(&units, 200, &mut stream).unwrap();
            covered += u32::from(low <= 3.0 && 3.0 <= high);
        }
        assert!((360..=393).contains(&covered), "{covered} of 400");
        let mut stream = streams.stream(Purpose::Evaluation, 0, 0);
        assert_eq!(bootstrap_ratio(&[(1.0, 1.0); BOOTSTRAP_UNITS - 1], 10, &mut stream), None);
    }
}
