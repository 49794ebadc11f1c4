//! Frequencies of types, grouped.

use std::collections::BTreeMap;

use super::ForecastError;

/// Ranks of a Zipf distribution that are groups of their own.
const HEAD: u64 = 2000;

/// The ratio of a group's last rank to its first, beyond the head. Within a group frequencies differ by as little as
/// that to the exponent, and sums of smooth functions of them are off by some 10⁻⁵ of themselves.
const WIDTH: f64 = 1.01;

/// How often types occur: groups of equally frequent types, from the most frequent.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequencies {
    groups: Vec<Group>,
}

/// Types of one frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Group {
    probability: f64,
    types: f64,
}

impl Frequencies {
    /// From the number of times that each type occurs in a text; the text is taken for the truth.
    ///
    /// # Errors
    /// [`ForecastError::NoTypes`] if nothing occurs.
    pub fn from_counts(counts: impl IntoIterator<Item = u64>) -> Result<Self, ForecastError> {
        let mut of_count = BTreeMap::<u64, f64>::new();
        counts.into_iter().filter(|&count| count > 0).for_each(|count| *of_count.entry(count).or_default() += 1.0);
        let total: f64 = of_count.iter().map(|(&count, types)| count as f64 * types).sum();
        if total == 0.0 {
            return Err(ForecastError::NoTypes);
        }
        let group = |(&count, &types): (&u64, &f64)| Group { probability: count as f64 / total, types };
        Ok(Self { groups: of_count.iter().rev().map(group).collect() })
    }

    /// Zipf and Mandelbrot's law: ranks 1 to `types`, in proportion to (rank + offset)^-exponent. The first two
    /// thousand ranks are themselves, the others lie in groups whose ranks differ by one per cent, each with its own
    /// mass (by Euler and Maclaurin), so mass is kept exactly and sums to 10⁻⁴.
    ///
    /// # Errors
    /// [`ForecastError::Zipf`] for an exponent outside 0 to 10, an offset that is not above -1 or is above 10⁹, or no
    /// type at all.
    pub fn zipf(exponent: f64, offset: f64, types: u64) -> Result<Self, ForecastError> {
        let require = |holds: bool, name, value, allowed| {
            if holds { Ok(()) } else { Err(ForecastError::Zipf { name, value, allowed }) }
        };
        require((0.0..=10.0).contains(&exponent), "exponent", exponent, "from 0 to 10")?;
        require(offset > -1.0 && offset <= 1e9, "offset", offset, "above -1 and at most 1e9")?;
        require((1..=1_000_000_000_000).contains(&types), "types", types as f64, "from 1 to 1e12")?;
        let law = Law { exponent, offset };
        let single = |rank: u64| (1.0, law.at(rank as f64));
        let mut weights: Vec<(f64, f64)> = (1..=HEAD.min(types)).map(single).collect();
        let mut first = HEAD + 1;
        while first <= types {
            let last = ((first as f64 * WIDTH) as u64).min(types);
            weights.push(((last - first + 1) as f64, law.sum(first as f64, last as f64)));
            first = last + 1;
        }
        // From the smallest up, so that nothing of the tail is lost to rounding.
        let total: f64 = weights.iter().rev().map(|(_, weight)| weight).sum();
        let group = |(types, weight): (f64, f64)| Group { probability: weight / total / types, types };
        Ok(Self { groups: weights.into_iter().map(group).collect() })
    }

    /// The number of types.
    pub fn types(&self) -> f64 {
        self.sum(|_| 1.0)
    }

    /// Entropy in nats.
    pub fn entropy(&self) -> f64 {
        self.sum(|p| -p * p.ln())
    }

    /// The probability of the most frequent type.
    pub fn largest(&self) -> f64 {
        self.groups.iter().map(|group| group.probability).fold(0.0, f64::max)
    }

    /// The sum over all types of a function of their probability, from the rarest.
    pub fn sum(&self, of: impl Fn(f64) -> f64) -> f64 {
        self.groups.iter().rev().map(|group| group.types * of(group.probability)).sum()
    }
}

/// Weights (rank + offset)^-exponent.
#[derive(Clone, Copy)]
struct Law {
    exponent: f64,
    offset: f64,
}

impl Law {
    fn at(self, rank: f64) -> f64 {
        (rank + self.offset).powf(-self.exponent)
    }

    /// The sum over ranks from `first` to `last`: integral, ends and slopes (Euler and Maclaurin). Beyond the head the
    /// next term is a 10⁻¹³th.
    fn sum(self, first: f64, last: f64) -> f64 {
        let slope = |rank: f64| -self.exponent * self.at(rank) / (rank + self.offset);
        self.integral(first, last) + (self.at(first) + self.at(last)) / 2.0 + (slope(last) - slope(first)) / 12.0
    }

    /// The integral of x^-a from x1 to x2: x1^(1-a) (e^((1-a)l) - 1)/(1-a) with l = ln(x2/x1). It has a limit at 1.
    fn integral(self, first: f64, last: f64) -> f64 {
        let (from, to) = (first + self.offset, last + self.offset);
        let (power, log) = (1.0 - self.exponent, ((to - from) / from).ln_1p());
        let growth = if (power * log).abs() < 1e-12 { log } else { (power * log).exp_m1() / power };
        from.powf(power) * growth
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::zipf;

    #[test]
    fn grouped_sums_are_the_sums() {
        for (exponent, offset) in [(1.0, 2.7), (1.4, 0.0), (0.7, 10.0), (2.0, 5.0)] {
            let (all, grouped) =
                (zipf(exponent, offset, 1_000_000), Frequencies::zipf(exponent, offset, 1_000_000).unwrap());
            assert_eq!(grouped.types(), 1e6);
            let near = |what: &str, of: &dyn Fn(f64) -> f64| {
                let (direct, sum) = (all.iter().rev().map(|&p| of(p)).sum::<f64>(), grouped.sum(of));
                assert!((sum / direct - 1.0).abs() < 1e-4, "{what}, {exponent}, {offset}: {sum} {direct}");
            };
            near("mass", &|p| p);
            near("entropy", &|p| -p * p.ln());
            for n in [1e3, 1e5, 1e7] {
                near("types", &|p| -(-n * p).exp_m1());
                near("missing mass", &|p| p * (-n * p).exp());
            }
        }
    }

    #[test]
    fn counts_are_grouped() {
        let frequencies = Frequencies::from_counts([3, 1, 0, 1, 5]).unwrap();
        assert_eq!((frequencies.types(), frequencies.largest()), (4.0, 0.5));
        let entropy = -(0.5 * 0.5f64.ln() + 0.3 * 0.3f64.ln() + 0.2 * 0.1f64.ln());
        assert!((frequencies.entropy() - entropy).abs() < 1e-15);
        assert_eq!(Frequencies::from_counts([0, 0]), Err(ForecastError::NoTypes));
    }

    #[test]
    fn what_is_no_law_is_refused() {
        for (exponent, offset, types) in [(f64::NAN, 0.0, 5), (1.0, -1.0, 5), (1.0, f64::INFINITY, 5), (1.0, 0.0, 0)] {
            assert!(matches!(Frequencies::zipf(exponent, offset, types), Err(ForecastError::Zipf { .. })));
        }
    }
}
