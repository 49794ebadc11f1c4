//! The kernel density learner: a Gaussian kernel on every draw of the training set. It writes by picking a draw and
//! jittering it.
//!
//! Its density has the mean of the training set, and the training set's biased covariance plus the kernel's, so it widens
//! ([`crate::laws::kernel`]).
//!
//! The trap: libraries mean different things by one rule. Here h is SciPy's factor, on the draws' covariance; scikit-learn
//! takes the same number for an absolute width.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use streams::Stream;

use super::gaussian::Moments;
use super::matrix::squared_distance;
use super::{Categories, Family, FitError, Gaussian, Mixture, Symmetric, Weighted};

/// How wide the kernels are. In a file `"scott"`, `"silverman"`, or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Bandwidth {
    /// The draws' covariance times h², h = n^(-1/(d+4)) (Scott 1992).
    #[default]
    Scott,
    /// The draws' covariance times h², h = (n(d+2)/4)^(-1/(d+4)) (Silverman 1986).
    Silverman,
    /// This standard deviation in every direction.
    Fixed(f64),
}

impl Bandwidth {
    /// What a rule multiplies the standard deviation of `n` draws by (their effective number, where weights differ); `None`
    /// for a fixed width.
    pub fn factor(self, n: f64, dimensions: usize) -> Option<f64> {
        let d = dimensions as f64;
        match self {
            Self::Scott => Some(n.powf(-1.0 / (d + 4.0))),
            Self::Silverman => Some((n * (d + 2.0) / 4.0).powf(-1.0 / (d + 4.0))),
            Self::Fixed(_) => None,
        }
    }
}

impl Serialize for Bandwidth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Scott => serializer.serialize_str("scott"),
            Self::Silverman => serializer.serialize_str("silverman"),
            Self::Fixed(width) => serializer.serialize_f64(width),
        }
    }
}

impl<'de> Deserialize<'de> for Bandwidth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BandwidthVisitor;
        impl Visitor<'_> for BandwidthVisitor {
            type Value = Bandwidth;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a bandwidth: \"scott\", \"silverman\", or a standard deviation such as 0.3")
            }

            fn visit_str<E: Error>(self, rule: &str) -> Result<Bandwidth, E> {
                match rule {
                    "scott" => Ok(Bandwidth::Scott),
                    "silverman" => Ok(Bandwidth::Silverman),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(rule), &self)),
                }
            }

            fn visit_f64<E: Error>(self, width: f64) -> Result<Bandwidth, E> {
                Ok(Bandwidth::Fixed(width))
            }

            fn visit_u64<E: Error>(self, width: u64) -> Result<Bandwidth, E> {
                Ok(Bandwidth::Fixed(width as f64))
            }

            fn visit_i64<E: Error>(self, width: i64) -> Result<Bandwidth, E> {
                Ok(Bandwidth::Fixed(width as f64))
            }
        }
        deserializer.deserialize_any(BandwidthVisitor)
    }
}

/// A kernel density.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelDensity {
    centres: Vec<Vec<f64>>,
    /// The centres' weights; they sum to 1.
    weights: Vec<f64>,
    /// The kernel, at zero.
    kernel: Gaussian,
    /// L⁻¹ of each centre, L being the kernel's Cholesky factor: distances in the kernel's own measure.
    whitened: Vec<Vec<f64>>,
}

impl KernelDensity {
    /// The kernel, at zero.
    pub fn kernel(&self) -> &Gaussian {
        &self.kernel
    }

    /// The density's variance per dimension: the centres' own, and the kernel's.
    pub fn variance(&self) -> f64 {
        let centres: Vec<Weighted<'_, Vec<f64>>> = self.centres.iter().zip(self.weights.iter().copied()).collect();
        let centres = Moments::of(&centres).biased;
        centres.trace() / centres.size() as f64 + self.kernel.variance()
    }

    /// ln of the density at `x`, in nats.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        let mut x = x.to_vec();
        self.kernel.factor().whiten(&mut x);
        let distances: Vec<f64> = self.whitened.iter().map(|centre| squared_distance(centre, &x)).collect();
        // Relative to the nearest, so that a point far from all has a density too.
        let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
        let near = |(distance, weight): (&f64, &f64)| weight * (-0.5 * (distance - nearest)).exp();
        let sum: f64 = distances.iter().zip(&self.weights).map(near).sum();
        sum.ln() - 0.5 * nearest + self.kernel.log_density(&vec![0.0; x.len()])
    }

    /// The integral of the squared difference to a mixture of Gaussians. No quadrature: the integral of a product of two
    /// Gaussian densities is the density of one, of their summed covariance, at the difference of their means.
    pub fn squared_error(&self, truth: &Mixture) -> f64 {
        let d = self.kernel.mean().len();
        let mut pairs = 0.0;
        for (at, (one, weight)) in self.whitened.iter().zip(&self.weights).enumerate() {
            let overlap = |(other, weight): (&Vec<f64>, &f64)| weight * (-0.25 * squared_distance(one, other)).exp();
            let others: f64 = self.whitened[..at].iter().zip(&self.weights).map(overlap).sum();
            pairs += weight * (weight + 2.0 * others);
        }
        let own_height = (self.kernel.log_density(&vec![0.0; d]) - 0.5 * d as f64 * 2f64.ln()).exp();
        let own = own_height * pairs;
        let components = || truth.weights().iter().zip(truth.components());
        let (mut both, mut its) = (0.0, 0.0);
        for (weight, component) in components() {
            let blurred = component.covariance().plus(self.kernel.covariance());
            let blurred = Gaussian::new(component.mean().to_vec(), blurred);
            let at_centres = self.centres.iter().zip(&self.weights).map(|(x, w)| w * blurred.log_density(x).exp());
            both += weight * at_centres.sum::<f64>();
            for (other_weight, other) in components() {
                let summed = component.covariance().plus(other.covariance());
                let product = Gaussian::new(other.mean().to_vec(), summed).log_density(component.mean()).exp();
                its += weight * other_weight * product;
            }
        }
        (own - 2.0 * both + its).max(0.0)
    }
}

/// Kernel densities of one bandwidth rule.
#[derive(Clone, Copy, Debug)]
pub struct KernelDensities {
    /// How wide the kernels are.
    pub bandwidth: Bandwidth,
}

impl Family for KernelDensities {
    type Draw = Vec<f64>;
    type Model = KernelDensity;
    type Error = FitError;

    fn fit(&self, draws: &[Weighted<'_, Vec<f64>>], _: &mut Stream) -> Result<KernelDensity, FitError> {
        let least = if matches!(self.bandwidth, Bandwidth::Fixed(_)) { 1 } else { 2 };
        FitError::unless_enough("kernel density", draws.len(), least)?;
        let Moments { mut biased, effective, .. } = Moments::of(draws);
        let d = biased.size();
        let covariance = match self.bandwidth {
            Bandwidth::Fixed(width) => Symmetric::diagonal(d, width * width),
            rule => {
                let factor = rule.factor(effective, d).expect("all but a fixed width have one");
                biased.scale(factor * factor * effective / (effective - 1.0));
                biased
            }
        };
        let kernel = Gaussian::new(vec![0.0; d], covariance);
        if !kernel.factor().is_regular() {
            return Err(FitError::NoSpread { family: "kernel density" });
        }
        let whiten = |draw: &Vec<f64>| {
            let mut z = draw.clone();
            kernel.factor().whiten(&mut z);
            z
        };
        let centres: Vec<Vec<f64>> = draws.iter().map(|(draw, _)| draw.to_vec()).collect();
        let whitened = centres.iter().map(whiten).collect();
        let total: f64 = draws.iter().map(|(_, weight)| weight).sum();
        let weights = draws.iter().map(|(_, weight)| weight / total).collect();
        Ok(KernelDensity { centres, weights, kernel, whitened })
    }

    fn write(&self, model: &KernelDensity, count: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
        let picks = Categories::draw(&model.weights, count, stream);
        let jitter = |at: usize| {
            let jitter = model.kernel.draw(1.0, stream);
            jitter.into_iter().zip(&model.centres[at]).map(|(jitter, x)| x + jitter).collect()
        };
        picks.into_iter().map(jitter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(bandwidth: Bandwidth, points: &[Vec<f64>]) -> KernelDensity {
        let points: Vec<Weighted<'_, Vec<f64>>> = points.iter().map(|point| (point, 1.0)).collect();
        let mut stream = streams::Streams::new(0).stream(streams::Purpose::Learner, 0, 0);
        KernelDensities { bandwidth }.fit(&points, &mut stream).unwrap()
    }

    #[test]
    fn a_density_by_hand() {
        let density = fit(Bandwidth::Fixed(0.5), &[vec![0.0], vec![2.0]]);
        let phi = |x: f64| (-2.0 * x * x).exp() / (0.5 * std::f64::consts::TAU.sqrt());
        let exact = (0.5 * phi(0.5) + 0.5 * phi(1.5)).ln();
        assert!((density.log_density(&[0.5]) - exact).abs() < 1e-14);
        assert_eq!(density.variance(), 1.25);
        // Scott in one dimension: 2^(-1/5) of the sample's standard deviation √2.
        let kernel = fit(Bandwidth::Scott, &[vec![0.0], vec![2.0]]).kernel().variance();
        assert!((kernel - 2.0 * 2f64.powf(-0.4)).abs() < 1e-14);
    }

    #[test]
    fn a_weight_of_two_is_two_draws() {
        let (one, other) = (vec![0.0], vec![2.0]);
        let mut stream = streams::Streams::new(0).stream(streams::Purpose::Learner, 0, 0);
        let family = KernelDensities { bandwidth: Bandwidth::Fixed(0.5) };
        let weighted = family.fit(&[(&one, 0.5), (&other, 1.0)], &mut stream).unwrap();
        let twice = fit(Bandwidth::Fixed(0.5), &[one, other.clone(), other]);
        assert!((weighted.log_density(&[0.7]) - twice.log_density(&[0.7])).abs() < 1e-14);
        assert!((weighted.variance() - twice.variance()).abs() < 1e-14);
        let truth = Mixture::row(2, 1, 3.0);
        assert!((weighted.squared_error(&truth) - twice.squared_error(&truth)).abs() < 1e-14);
        let n = 3000;
        let right = family.write(&weighted, n, &mut stream).iter().filter(|x| x[0] > 1.0).count() as f64;
        // Two thirds; each side keeps all but 2.3 % (two standard deviations) of its own.
        let share: f64 = 1.0 / 3.0 * 0.022_75 + 2.0 / 3.0 * 0.977_25;
        assert!((right / n as f64 - share).abs() < 4.0 * (share * (1.0 - share) / n as f64).sqrt(), "{right}");
    }

    #[test]
    fn the_integral_is_that_of_quadrature() {
        let density = fit(Bandwidth::Silverman, &[vec![-1.0], vec![0.2], vec![3.0], vec![0.7]]);
        let truth = Mixture::row(3, 1, 2.5);
        // The midpoint rule is exact to rounding for functions as smooth as these.
        let step = 0.01;
        let gap = |at: i32| {
            let x = [f64::from(at) * step + step / 2.0];
            (density.log_density(&x).exp() - truth.log_density(&x).exp()).powi(2)
        };
        let quadrature: f64 = (-2000..2000).map(gap).sum::<f64>() * step;
        assert!((density.squared_error(&truth) - quadrature).abs() < 1e-12, "{quadrature}");
    }

    #[test]
    fn files_say_a_rule_or_a_width() {
        #[derive(serde::Deserialize, serde::Serialize, Debug, PartialEq)]
        struct Table {
            bandwidth: Bandwidth,
        }
        for bandwidth in [Bandwidth::Scott, Bandwidth::Silverman, Bandwidth::Fixed(0.25)] {
            let text = toml::to_string(&Table { bandwidth }).unwrap();
            assert_eq!(toml::from_str::<Table>(&text).unwrap(), Table { bandwidth }, "{text}");
        }
        assert_eq!(toml::from_str::<Table>("bandwidth = 2").unwrap().bandwidth, Bandwidth::Fixed(2.0));
        let error = toml::from_str::<Table>("bandwidth = \"scot\"").unwrap_err();
        assert!(error.message().contains("\"silverman\", or a standard deviation"), "{error}");
    }
}
