//! A finite distribution: drawing from it, its logarithms, its entropy.

/// Probabilities of the values `0..len`, with what drawing and scoring need.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    p: Vec<f64>,
    ln: Vec<f64>,
    cumulative: Vec<f64>,
}

impl Table {
    /// Shares in proportion to `weights`, which are finite, not negative, and not all zero.
    pub(crate) fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let p: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let ln = p.iter().map(|p| p.ln()).collect();
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = (p.iter())
            .map(|p| {
                sum += p;
                sum
            })
            .collect();
        // Rounding may leave the last sum below one: whatever is drawn, a value with a share is found.
        let last = p.iter().rposition(|&p| p > 0.0).expect("a weight above zero");
        cumulative[last..].fill(1.0);
        Self { p, ln, cumulative }
    }

    /// Shares in proportion to `1, 2^-s, 3^-s, ...` (Zipf).
    pub(crate) fn zipf(len: usize, exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=len).map(|rank| (rank as f64).powf(-exponent)).collect();
        Self::new(&weights)
    }

    pub(crate) fn len(&self) -> usize {
        self.p.len()
    }

    pub(crate) fn p(&self) -> &[f64] {
        &self.p
    }

    /// Natural logarithm of a value's probability.
    pub(crate) fn ln(&self, value: usize) -> f64 {
        self.ln[value]
    }

    /// The value at `uniform` in `[0, 1)` of the distribution function.
    pub(crate) fn draw(&self, uniform: f64) -> usize {
        self.cumulative.partition_point(|&sum| sum <= uniform)
    }

    /// In nats.
    pub(crate) fn entropy(&self) -> f64 {
        entropy(&self.p)
    }

    /// The mean of the values, each plus one: of a number that is counted from one.
    pub(crate) fn mean_from_one(&self) -> f64 {
        self.p.iter().zip(1..).map(|(p, n)| p * f64::from(n)).sum()
    }

    /// P(value ≥ `from`).
    pub(crate) fn tail(&self, from: usize) -> f64 {
        self.p[from.min(self.len())..].iter().sum()
    }

    /// The highest value with a share.
    pub(crate) fn last(&self) -> usize {
        self.p.iter().rposition(|&p| p > 0.0).expect("a table has a share above zero")
    }
}

/// −Σ p ln p of probabilities.
pub(crate) fn entropy(p: &[f64]) -> f64 {
    -p.iter().filter(|&&p| p > 0.0).map(|p| p * p.ln()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_distribution_function() {
        let table = Table::new(&[1.0, 0.0, 3.0, 0.0]);
        let drawn = [0.0, 0.2499, 0.25, 0.9999999999999999].map(|u| table.draw(u));
        assert_eq!(drawn, [0, 0, 2, 2]);
        assert_eq!((table.last(), table.tail(1), table.mean_from_one()), (2, 0.75, 2.5));
    }

    #[test]
    fn zipf_and_entropy() {
        let table = Table::zipf(2, 1.0);
        assert!((table.p()[0] - 2.0 / 3.0).abs() < 1e-15);
        assert!((Table::zipf(8, 0.0).entropy() - 8.0_f64.ln()).abs() < 1e-15);
        // Ten thousand shares that do not sum to one in f64 still give a value for every draw.
        assert_eq!(Table::zipf(10_000, 1.1).draw(1.0 - f64::EPSILON / 2.0), 9_999);
    }
}
