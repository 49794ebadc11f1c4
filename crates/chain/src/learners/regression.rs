//! The linear regression learner: ordinary least squares on examples that the last model labelled.
//!
//! y = x·w + σε with x standard normal in d dimensions and known noise σ. A generation labels examples with its own
//! coefficients and the same noise (Mobahi, Farajtabar and Bartlett 2020 with a penalty; Dohmatob, Feng and Kempe 2024;
//! Gerstgrasser et al. 2024). The excess risk of ŵ at a new x is ‖ŵ - w‖², whatever w is; its laws are in
//! [`crate::laws::regression`]. The trap: whether all generations have the same x's or new ones is another law under
//! `accumulate`.

use streams::Stream;

use super::{Family, FitError, Symmetric, Weighted};

/// One example.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The inputs.
    pub x: Vec<f64>,
    /// The label.
    pub y: f64,
}

/// Linear functions of d inputs. A model is its d coefficients.
#[derive(Clone, Debug)]
pub struct Regressions {
    /// The standard deviation of the labels' noise.
    pub noise: f64,
    /// The inputs of every generation: example i has those at i, counted round. `None` for new ones each time.
    pub inputs: Option<Vec<Vec<f64>>>,
}

impl Regressions {
    /// `count` new inputs of `dimensions` standard normal values.
    pub fn inputs(dimensions: usize, count: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
        (0..count).map(|_| (0..dimensions).map(|_| stream.normal()).collect()).collect()
    }
}

impl Family for Regressions {
    type Draw = Example;
    type Model = Vec<f64>;
    type Error = FitError;

    /// By the normal equations: the inputs are standard normal, so their condition is that of a good sample.
    fn fit(&self, draws: &[Weighted<'_, Example>], _: &mut Stream) -> Result<Vec<f64>, FitError> {
        let d = draws.first().map_or(0, |(example, _)| example.x.len());
        FitError::unless_enough("linear regression", draws.len(), d.max(1))?;
        let mut squares = Symmetric::zeros(d);
        let mut coefficients = vec![0.0; d];
        for (Example { x, y }, weight) in draws {
            squares.add_square(*weight, x);
            coefficients.iter_mut().zip(x).for_each(|(sum, x)| *sum += weight * x * y);
        }
        squares.mirror();
        let factor = squares.cholesky();
        if !factor.is_regular() {
            return Err(FitError::NoSpread { family: "linear regression" });
        }
        factor.solve(&mut coefficients);
        Ok(coefficients)
    }

    fn write(&self, model: &Vec<f64>, count: usize, stream: &mut Stream) -> Vec<Example> {
        let example = |at: usize| {
            let x: Vec<f64> = match &self.inputs {
                Some(inputs) => inputs[at % inputs.len()].clone(),
                None => model.iter().map(|_| stream.normal()).collect(),
            };
            let y = x.iter().zip(model).map(|(x, w)| x * w).sum::<f64>() + self.noise * stream.normal();
            Example { x, y }
        };
        (0..count).map(example).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_squares_by_hand() {
        let example = |x: [f64; 2], y| Example { x: x.to_vec(), y };
        // XᵀX = [[6, 2], [2, 2]], Xᵀy = (12, 6), determinant 8: (12, 12)/8.
        let all = [example([1.0, 1.0], 3.0), example([2.0, 0.0], 3.0), example([1.0, 1.0], 3.0)];
        let all: Vec<Weighted<'_, Example>> = all.iter().map(|example| (example, 1.0)).collect();
        let family = Regressions { noise: 1.0, inputs: None };
        let mut stream = streams::Streams::new(0).stream(streams::Purpose::Learner, 0, 0);
        let fitted = family.fit(&all, &mut stream).unwrap();
        assert!(fitted.iter().all(|w| (w - 1.5).abs() < 1e-14), "{fitted:?}");
        // A weight of two is the same example twice.
        assert_eq!(family.fit(&[(all[0].0, 2.0), all[1]], &mut stream).unwrap(), fitted);
        // Three times the same direction says nothing about the other.
        let same = family.fit(&[all[0], all[2], all[0]], &mut stream);
        assert_eq!(same, Err(FitError::NoSpread { family: "linear regression" }));
        assert!(matches!(family.fit(&all[..1], &mut stream), Err(FitError::TooFew { needed: 2, .. })));
    }
}
