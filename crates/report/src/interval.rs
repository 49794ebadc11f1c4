use statrs::distribution::{ContinuousCDF, StudentsT};

/// On which scale the scatter of seeds is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As it is: shares, counts, lengths.
    Plain,
    /// Its logarithm: losses and perplexities, and ratios of them. Values must be positive.
    Log,
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
    /// use report::{Interval, Scale};
    /// let interval = Interval::of([1.0, 2.0, 3.0], Scale::Plain).unwrap();
    /// assert_eq!(interval.mean, 2.0);
    /// let half = 4.302_652_729_7 / 3f64.sqrt(); // t with two degrees of freedom, s = 1
    /// assert!((interval.bounds.unwrap().1 - (2.0 + half)).abs() < 1e-9);
    /// ```
    pub fn of(values: impl IntoIterator<Item = f64>, scale: Scale) -> Option<Self> {
        let usable = |value: &f64| value.is_finite() && (scale == Scale::Plain || *value > 0.0);
        let values: Vec<f64> = values.into_iter().filter(usable).collect();
        let into = |x: f64| if scale == Scale::Log { x.ln() } else { x };
        let back = |x: f64| if scale == Scale::Log { x.exp() } else { x };
        let (first, rest) = values.split_first()?;
        if rest.iter().all(|value| value == first) {
            // Exactly the value, without the rounding of a logarithm and back.
            let bounds = (values.len() >= 3).then_some((*first, *first));
            return Some(Self { seeds: values.len(), mean: *first, bounds });
        }
        let n = values.len() as f64;
        let mean = values.iter().map(|&x| into(x)).sum::<f64>() / n;
        let bounds = (values.len() >= 3).then(|| {
            let squares: f64 = values.iter().map(|&x| (into(x) - mean).powi(2)).sum();
            let half = quantile(n - 1.0) * (squares / (n - 1.0) / n).sqrt();
            (back(mean - half), back(mean + half))
        });
        Some(Self { seeds: values.len(), mean: back(mean), bounds })
    }

    /// The same in another unit, which is `factor` times smaller.
    pub(crate) fn times(self, factor: f64) -> Self {
        let bounds = self.bounds.map(|(low, high)| (low * factor, high * factor));
        Self { mean: self.mean * factor, bounds, ..self }
    }
}

/// The 97.5 % point of Student's t.
fn quantile(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).expect("at least one degree of freedom").inverse_cdf(0.975)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_printed_tables() {
        for (freedom, t) in [(2.0, 4.302_652_73), (3.0, 3.182_446_31), (4.0, 2.776_445_11), (9.0, 2.262_157_16)] {
            assert!((quantile(freedom) - t).abs() < 1e-7, "{freedom}: {}", quantile(freedom));
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
    }
}
